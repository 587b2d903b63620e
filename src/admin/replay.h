/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Requests that are sent again. Internal to the folder. */
#pragma once

#include <stdbool.h>

struct call;

/* Of a request that may be carried out. true: it has been answered. Else, if it has an Idempotency-Key, the
 * call has a receipt from now on, which its answer ends. */
bool replay_begin(struct call *call);
