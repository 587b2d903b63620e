/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What came of a monitor's results, out of the machine and into it again: of one monitor into another, from
 * one machine to the next. What most monitors have nothing to say of is in columns, pages of which stay
 * untouched as long as that is so: nothing is written there that is there already. */
#include "config.h"

#include "health/machine.h"

#include <string.h>

void health_history_add(struct health *health)
{
    size_t count = health->monitor_count;
    health->monitor_stays = arena_alloc(health->arena, count * sizeof *health->monitor_stays);
    health->queued_ms = arena_alloc(health->arena, count * sizeof *health->queued_ms);
    health->reports = arena_alloc(health->arena, count * sizeof *health->reports);
    health->certificates = arena_alloc(health->arena, count * sizeof *health->certificates);
}

struct health_history health_history_get(const struct health *health, uint32_t monitor)
{
    return (struct health_history){.monitor = health->monitors[monitor],
                                   .stay = health->monitor_stays[monitor],
                                   .report = health->reports[monitor],
                                   .certificate = health->certificates[monitor]};
}

static void put_stay(struct health_stay *to, const struct health_stay *from)
{
    if (to->down_ms != from->down_ms || to->ready_ms != from->ready_ms ||
        to->penalty_ms != from->penalty_ms || to->penalty < from->penalty || to->penalty > from->penalty ||
        to->is_down != from->is_down || to->is_ready != from->is_ready ||
        to->suppressed != from->suppressed || to->released != from->released) {
        *to = *from;
    }
}

static void put_report(struct health_report *to, const struct health_report *from)
{
    if (to->ends_ms != from->ends_ms || to->time_ms != from->time_ms || to->seq != from->seq) {
        to->ends_ms = from->ends_ms;
        to->time_ms = from->time_ms;
        to->seq = from->seq;
    }
}

static void put_certificate(struct health_certificate *to, const struct health_certificate *from)
{
    if (to->ends_s != from->ends_s || to->is_near != from->is_near) {
        *to = *from;
    }
}

static void put_monitor(struct health_monitor *to, const struct health_history *history)
{
    const struct health_monitor *from = &history->monitor;
    to->idle = from->idle;
    to->checked_ms = from->checked_ms;
    to->judged_ms = from->judged_ms;
    to->suspected_ms = from->suspected_ms;
    to->answered_ms = from->answered_ms;
    to->result_ms = from->result_ms;
    to->says = from->says;
    to->own =
        to->is_judged ? (uint8_t)health_find_own(from, &history->stay) : (uint8_t)HEALTH_OBSERVED_UNKNOWN;
    to->disputed = to->is_judged && from->disputed;
    to->duration_us = from->duration_us;
    to->detail = from->detail;
    to->streak = from->streak;
    to->failing = from->failing;
    to->inherited = from->inherited;
    to->left_unhealthy = from->left_unhealthy;
    to->untried = from->untried;
    to->verdict = from->verdict;
    to->outcome = from->outcome;
    to->restored = from->restored;
    to->doubted = from->doubted;
    to->recent = from->recent;
}

void health_history_put(struct health *health, uint32_t monitor, const struct health_history *history)
{
    put_monitor(&health->monitors[monitor], history);
    put_stay(&health->monitor_stays[monitor], &history->stay);
    put_report(&health->reports[monitor], &history->report);
    put_certificate(&health->certificates[monitor], &history->certificate);
}
