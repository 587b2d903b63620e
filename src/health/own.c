/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What our own results say, apart from what others do: opinion.h. */
#include "config.h"

#include "health/opinion.h"

#include "health/machine.h"

/* As quorum.c counts it, and the same where nobody else looks. */
enum health_observed health_find_seen(const struct health *health, uint32_t monitor)
{
    const struct health_monitor *m = &health->monitors[monitor];
    bool says =
        !m->idle && !m->restored && !m->doubted && !health_is_held(m) && !health_is_stale(m, health->now_ms);
    return says ? health_find_own(m, &health->monitor_stays[monitor]) : HEALTH_OBSERVED_UNKNOWN;
}

void health_doubt(struct health *health)
{
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        struct health_monitor *m = &health->monitors[i];
        enum health_observed before = health_see_own(health, i);
        m->doubted = !m->is_told && health_get_own(m) != HEALTH_OBSERVED_UNKNOWN;
        health_follow_own(health, i, before);
    }
}

void health_watch_own(struct health *health, health_saw_fn *saw, void *context)
{
    health->saw = saw;
    health->saw_context = context;
}

void health_tell_own(struct health *health, uint32_t monitor)
{
    if (health->saw != NULL) {
        health->saw(health->saw_context, monitor);
    }
}

enum health_observed health_see_own(const struct health *health, uint32_t monitor)
{
    return health->saw == NULL ? HEALTH_OBSERVED_UNKNOWN : health_find_seen(health, monitor);
}

void health_follow_own(struct health *health, uint32_t monitor, enum health_observed before)
{
    if (health->saw != NULL && health_find_seen(health, monitor) != before) {
        health_tell_own(health, monitor);
    }
}
