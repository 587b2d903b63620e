/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How checks of endpoints ended and how long they took, by type, for metrics. Private to src/daemon. */
#pragma once

#include "base/buffer.h"
#include "conf/topology.h"
#include "probe/probe.h"

#include <stdatomic.h>

struct view;

enum { CHECKED_TYPES = 16, CHECKED_BUCKETS = 15 };

/* Written by the prober's thread only. */
struct checked {
    struct checked_type {
        _Atomic uint64_t outcomes[HEALTH_OUTCOME_COUNT];
        _Atomic uint64_t buckets[CHECKED_BUCKETS + 1]; /* not yet summed up; the last one: longer than all */
        _Atomic uint64_t took_us;
    } types[CHECKED_TYPES]; /* by enum conf_check_type */
};

void checked_note(struct checked *checked, enum conf_check_type type, const struct probe_result *result);
/* On any thread. Types of which nothing ended yet are left out. */
void checked_write_metrics(const struct checked *checked, struct buffer *out);
/* Of how many checks of endpoints nothing is known now, for want of results. */
void checked_write_stale(const struct view *view, struct buffer *out);
