/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Checks that steerd does not make: somebody reports, and each report counts for a while. One that comes
 * late, or again, is not taken. When nobody has reported for that while, either nothing is known any more,
 * which moves no answer by itself, or the silence is a failure, once per while. What was known before a
 * restart goes on to age. */
#include "config.h"

#include "health/health.h"

#include "health/machine.h"
#include "health/results.h"

#include <assert.h>

enum { PUSH_TURN = 64, LOOK_TURN = 512 }; /* that expire, and are looked at, at once: under the lock */

/* The latest one counts, and not the silence behind it. */
static bool is_heard(const struct health_monitor *m, const struct health_report *report, int64_t now_ms)
{
    return report->ends_ms > now_ms &&
           (m->outcome == HEALTH_OUTCOME_OK || m->outcome == HEALTH_OUTCOME_REPORTED_DOWN);
}

/* A counter may begin anew once it was silent; and a clock that ran ahead may have been put right by then. */
static bool is_replayed(const struct health_report *latest, const struct health_push *push,
                        bool may_begin_anew, int64_t wall_ms)
{
    bool was_ahead = may_begin_anew && latest->time_ms > wall_ms;
    if (push->time_ms != 0 && latest->time_ms != 0 &&
        (was_ahead ? push->time_ms == latest->time_ms : push->time_ms <= latest->time_ms)) {
        return true;
    }
    return push->seq != 0 && latest->seq != 0 &&
           (may_begin_anew ? push->seq == latest->seq : push->seq <= latest->seq);
}

static void take(struct health *health, uint32_t monitor, enum health_outcome outcome, int64_t wall_ms,
                 int64_t next_in_ms)
{
    const struct health_result result = {.ended_ms = wall_ms, .outcome = (uint8_t)outcome};
    health_observe(health, monitor, outcome, wall_ms, 0, 0);
    health_note_result(health, monitor, &result, wall_ms + next_in_ms);
}

/* Of one that may have been looked at in this round. */
static void note_end(struct health *health, int64_t ends_ms)
{
    struct health_push_round *round = &health->pushes;
    if (ends_ms != 0) {
        round->least_ms = ends_ms < round->least_ms ? ends_ms : round->least_ms;
        round->next_ms = ends_ms < round->next_ms ? ends_ms : round->next_ms;
    }
}

/* Results that say the same as before are not written down one by one; which report was the last one is. */
static void note_news(struct health *health, uint32_t monitor)
{
    bool *is_news = &health->reports[monitor].is_news;
    if (health->diary != NULL && !*is_news) {
        *is_news = true;
        health->push_news[health->push_news_count++] = monitor;
    }
}

enum health_push_fate health_push(struct health *health, uint32_t monitor, const struct health_push *push,
                                  int64_t wall_ms, int64_t now_ms)
{
    assert(monitor < health->monitor_count);
    const struct health_push_plan *plan = health_get_push_plan(health, monitor);
    struct health_report *latest = &health->reports[monitor];
    assert(plan->ttl_ms != 0);
    int64_t ttl_ms = push->ttl_ms != 0 ? push->ttl_ms : plan->ttl_ms;
    int64_t age_ms = push->time_ms != 0 && push->time_ms < wall_ms ? wall_ms - push->time_ms : 0;
    if (age_ms >= ttl_ms) {
        return HEALTH_PUSH_LATE;
    }
    if (is_replayed(latest, push, !is_heard(&health->monitors[monitor], latest, now_ms), wall_ms)) {
        return HEALTH_PUSH_REPLAYED;
    }
    latest->ends_ms = now_ms + ttl_ms - age_ms;
    latest->time_ms = push->time_ms != 0 ? push->time_ms : latest->time_ms;
    latest->seq = push->seq;
    note_end(health, latest->ends_ms);
    note_news(health, monitor);
    take(health, monitor, push->up ? HEALTH_OUTCOME_OK : HEALTH_OUTCOME_REPORTED_DOWN, wall_ms,
         latest->ends_ms - now_ms);
    return HEALTH_PUSH_TAKEN;
}

/* Since a start, a reload or a takeover nobody has said until when the last report counts. */
static void find_end(struct health *health, uint32_t monitor, int64_t wall_ms, int64_t now_ms)
{
    const struct health_monitor *m = &health->monitors[monitor];
    const struct health_push_plan *plan = health_get_push_plan(health, monitor);
    int64_t left_ms = plan->ttl_ms;
    if (m->outcome == HEALTH_OUTCOME_NONE ? !plan->absent_fails : m->outcome == HEALTH_OUTCOME_STALE) {
        return; /* nothing to wait for */
    }
    if (m->outcome != HEALTH_OUTCOME_NONE && m->outcome != HEALTH_OUTCOME_ABSENT && m->checked_ms < wall_ms) {
        left_ms -= wall_ms - m->checked_ms;
    }
    health->reports[monitor].ends_ms = now_ms + left_ms;
}

static void expire(struct health *health, uint32_t monitor, int64_t wall_ms, int64_t now_ms)
{
    const struct health_push_plan *plan = health_get_push_plan(health, monitor);
    health->reports[monitor].ends_ms = plan->absent_fails ? now_ms + plan->ttl_ms : 0;
    note_news(health, monitor);
    take(health, monitor, plan->absent_fails ? HEALTH_OUTCOME_ABSENT : HEALTH_OUTCOME_STALE, wall_ms,
         plan->ttl_ms);
}

/* Returns whether it has expired. */
static bool follow(struct health *health, uint32_t monitor, int64_t wall_ms, int64_t now_ms)
{
    const struct health_report *report = &health->reports[monitor];
    if (health->monitors[monitor].idle) {
        return false;
    }
    if (report->ends_ms == 0) {
        find_end(health, monitor, wall_ms, now_ms);
    }
    bool is_over = report->ends_ms != 0 && report->ends_ms <= now_ms;
    if (is_over) {
        expire(health, monitor, wall_ms, now_ms);
    }
    note_end(health, report->ends_ms);
    return is_over;
}

/* Each in its turn, so that none waits for those that are silent again and again. */
bool health_expire_pushes(struct health *health, int64_t wall_ms, int64_t now_ms)
{
    struct health_push_round *round = &health->pushes;
    const struct health_frame *frame = health->frame;
    if (now_ms < round->next_ms) {
        return false;
    }
    if (round->at == 0) {
        round->least_ms = INT64_MAX;
    }
    unsigned looked = 0, expired = 0;
    for (; round->at < frame->push_count && looked < LOOK_TURN && expired < PUSH_TURN; looked++) {
        expired += follow(health, frame->pushes[round->at++], wall_ms, now_ms);
    }
    if (round->at < frame->push_count) {
        return true;
    }
    round->at = 0;
    round->next_ms = round->least_ms;
    return false;
}
