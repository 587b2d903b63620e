/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What takes long is asked for as an operation (RFC 7240) where somebody looks at a terminal, and followed
 * until it has ended. */
#pragma once

#include "ctl/http.h"
#include "ctl/steerctl.h"

/* steerctl_ask() */
typedef bool steerctl_asker(const struct steerctl *ctl, const char *method, const char *target,
                            const json_t *body, struct steerctl_reply *reply);

/* "Prefer: …", a line with its end, for what may take long; "": nobody looks, or it does not. */
const char *progress_choose(const char *target);
/* An answer of 202 becomes that of the operation, when it has ended. False: that cannot be had, so that the
 * request is to be sent once more, as one that waits. Does not return when the user gives up. */
bool progress_follow(const struct steerctl *ctl, steerctl_asker *ask, struct http_answer *answer);
