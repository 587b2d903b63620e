/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Requests that fail where traffic goes to: the finding "errors". Private to src/operate. */
#pragma once

#include "operate/switchover_look.h"

/* Adds it where anything was reported of what takes the traffic (or takes it back); `inside`: endpoints of
 * what is moved off. The answers have been compared. */
void switchover_judge_errors(const struct switchover_ask *ask, const bool *inside, struct arena *arena,
                             struct switchover_look *look);
