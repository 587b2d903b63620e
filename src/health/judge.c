/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What becomes of a verdict when one of its opinions changes, or when our own is taken back by the brake. */
#include "config.h"

#include "health/opinion.h"

#include "health/brake_inside.h"
#include "health/opinion_inside.h"

static void settle_again(struct health *health, uint32_t monitor)
{
    struct health_monitor *m = &health->monitors[monitor];
    health_opinions_follow(health, monitor);
    if (m->is_judged && !m->idle && health_opinions_settle(health, monitor)) {
        m->judged_ms = health->wall_ms;
    }
}

void health_judge_again(struct health *health, uint32_t monitor, enum health_outcome outcome)
{
    health_alter_monitor(health, monitor, outcome, settle_again);
}

/* ---- what the brake does to our own ---- */

/* Our own results say something else, by what the brake holds. Where a quorum judges and there are too few
 * without us, what went down with what is taken back is up again, too. Returns the verdict. */
static enum health_observed judge_braked(struct health *health, uint32_t monitor, enum health_observed own)
{
    struct health_monitor *m = &health->monitors[monitor];
    m->own = (uint8_t)own;
    enum health_observed judged = health_opinions_judge(health, monitor);
    const struct health_stay *stay = &health->monitor_stays[monitor];
    bool is_back = own == HEALTH_OBSERVED_HEALTHY && judged != HEALTH_OBSERVED_UNHEALTHY && stay->is_down &&
                   stay->down_ms >= health_brake_find_first(health, monitor);
    return is_back                             ? HEALTH_OBSERVED_HEALTHY
           : judged == HEALTH_OBSERVED_UNKNOWN ? (enum health_observed)m->verdict
                                               : health_stay_monitor(health, monitor, judged);
}

/* What is taken back did not happen: nor does it keep anything down. */
static void follow_brake(struct health *health, uint32_t monitor, enum health_observed verdict,
                         int64_t wall_ms)
{
    if (health->monitors[monitor].is_judged) {
        bool is_back = verdict == HEALTH_OBSERVED_HEALTHY;
        verdict = judge_braked(health, monitor, verdict);
        if (!is_back || verdict != HEALTH_OBSERVED_HEALTHY || !health->monitor_stays[monitor].is_down) {
            health_turn_monitor(health, monitor, verdict, wall_ms);
            return;
        }
    }
    if (verdict == HEALTH_OBSERVED_HEALTHY) {
        health->undone_ms = health_brake_find_first(health, monitor);
        health_stay_undo(health, monitor);
    } else {
        verdict = health_stay_monitor(health, monitor, verdict);
    }
    health_turn_monitor(health, monitor, verdict, wall_ms);
    health->undone_ms = INT64_MAX;
}

bool health_follow_brake(struct health *health, size_t max, int64_t wall_ms)
{
    uint32_t monitor;
    enum health_observed verdict;
    for (; max != 0 && health_brake_take(health, &monitor, &verdict); max--) {
        if (verdict != health_get_own(&health->monitors[monitor])) {
            enum health_observed own = health_see_own(health, monitor);
            follow_brake(health, monitor, verdict, wall_ms);
            health_follow_own(health, monitor, own);
        }
    }
    return health_brake_waits(health);
}
