/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What keeps the prober itself from checking: no route, no descriptors, no memory. Such a check says nothing
 * about its endpoint (HEALTH_OUTCOME_LOCAL_ERROR), so the operator has to hear of it: one line of the log per
 * cause when it begins, one when no target has it any more, and counters. All calls come from the prober's
 * thread, but for trouble_look(). */
#pragma once

#include "base/addr.h"
#include "probe/probe.h"

#include <stdatomic.h>

struct trouble {
    struct trouble_cause {
        _Atomic uint64_t checks, targets; /* since the start; that have it now */
        uint64_t checks_before;           /* it began */
        int64_t began_us, logged_us;      /* logged_us: when a beginning was logged last; 0: never */
        bool is_logged;                   /* that it goes on */
    } causes[PROBE_CAUSES];
};

/* What keeps a check of ours from starting, by the errno of socket(), setsockopt() or connect(). What those
 * say at once comes from this host and its tables, not from the network. NONE: it speaks about the target
 * (a connection to an address of this host is refused at once). */
enum probe_cause trouble_find_cause(int error);

/* A target's check ended: with `after` (NONE: not for a reason of ours), the one before with `before`. */
void trouble_note(struct trouble *trouble, enum probe_cause before, enum probe_cause after,
                  const struct addr_port *at, int64_t now_us);
/* A target is gone. */
void trouble_forget(struct trouble *trouble, enum probe_cause before, int64_t now_us);

void trouble_look(const struct trouble *trouble, struct probe_stats *stats);
