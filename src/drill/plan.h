/* SPDX-License-Identifier: BSD-3-Clause
 *
 * When a drill that is done regularly is done, and when it was missed. Each time that the cron expression
 * gives is handled once, whatever clocks and processes do: it is run, or missed with a reason. One is run
 * within its deadline, as soon as nothing is in its way. Pure: time is an argument. */
#pragma once

#include "base/cron.h"
#include "conf/rule.h"

#include <stdint.h>

struct plan_entry {
    const struct cron *cron;
    const struct tzif *zone;
    const struct conf_rule *blackouts; /* its windows; NULL: none */
    int64_t deadline_ms;               /* how late it may begin */
};

struct plan_moment {
    int64_t wall_ms;
    int64_t began_ms;     /* wall: the process was started */
    const char *obstacle; /* now; NULL: none */
    const char *was;      /* the latest that there was; NULL: none */
};

enum plan_what { PLAN_WAIT, PLAN_RUN, PLAN_MISSED };

struct plan_step {
    enum plan_what what;
    int64_t due_ms;  /* wall: the time that is handled, and what is waited for */
    uint32_t missed; /* so many were, the last at due_ms */
    const char *why; /* it was missed, or waits although it is due; NULL: it is not due yet */
};

/* *handled_ms: the latest time that was handled, 0: none ever. It is moved on; that one is written down
 * before anything is run. After anything but PLAN_WAIT there may be more to do. A time that was handled more
 * than a day ahead of now was one of a clock that was wrong: it counts from now then. */
struct plan_step plan_decide(const struct plan_entry *entry, int64_t *handled_ms,
                             const struct plan_moment *moment);
