/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is asked of the application about which bundle of configuration all nodes go by, and what it answers.
 * Plain data. */
#pragma once

#include "conf/roles.h"

#include <stdbool.h>
#include <stdint.h>

struct admin_receipt;

/* Borrowed for the call. */
struct admin_rollout_order {
    bool cancels;   /* what is under way; else `id` is to be active */
    const char *id; /* NULL: of a cancel: whatever is under way */
    bool dry_run;
    const char *actor, *peer, *reason, *request; /* "": not said */
    const char *overrides_rules;                 /* "room,slowly"; NULL or "": none */
    enum role role;                              /* of who orders it */
    uint64_t generation;                         /* with which the bundle was compared; 0: it was not */
    const struct admin_receipt *receipt;         /* NULL: none */
};

struct admin_rollout_result {
    int error; /* 0; ERROR_CONFLICT: why not; ERROR_NOT_FOUND: there is no such bundle here, or nothing is
                * under way; ERROR_BUSY: in a moment; else it was not written */
    const char *why;
    bool has_changed; /* it is under way now, or ended; else it is active already */
    const char *json; /* how all is with it now (rollouts_write()); NULL: not told */
};
typedef void admin_rollout_done(void *argument, const struct admin_rollout_result *result);
