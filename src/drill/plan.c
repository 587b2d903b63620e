/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See plan.h. */
#include "config.h"

#include "drill/plan.h"

#include "operate/rules_time.h"

enum { SECOND_MS = 1000, AT_ONCE = 1000 };
#define AHEAD_MS (INT64_C(25) * 3600 * SECOND_MS) /* a day, and what clocks do in it */

static int64_t find_next(const struct plan_entry *entry, int64_t after_ms)
{
    int64_t next_s = cron_find_next(entry->cron, entry->zone, after_ms / SECOND_MS);
    return next_s == INT64_MAX ? INT64_MAX : next_s * SECOND_MS;
}

static bool is_blacked_out(const struct plan_entry *entry, int64_t wall_ms)
{
    return entry->blackouts != NULL && rules_are_frozen(entry->blackouts, wall_ms);
}

static const char *find_obstacle(const struct plan_entry *entry, const struct plan_moment *moment,
                                 int64_t wall_ms)
{
    return is_blacked_out(entry, wall_ms) ? "blackout" : moment->obstacle;
}

static const char *say_why(const struct plan_entry *entry, const struct plan_moment *moment, int64_t due_ms)
{
    int64_t end_ms = due_ms + entry->deadline_ms;
    const char *obstacle = find_obstacle(entry, moment, end_ms);
    return end_ms < moment->began_ms ? "steerd did not run"
           : obstacle != NULL        ? obstacle
           : moment->was != NULL     ? moment->was
                                     : "it was noticed too late";
}

/* All but the latest of those that are due. */
static struct plan_step miss_earlier(const struct plan_entry *entry, int64_t *handled_ms,
                                     const struct plan_moment *moment, int64_t due_ms)
{
    struct plan_step step = {.what = PLAN_MISSED};
    int64_t next_ms = find_next(entry, due_ms);
    while (next_ms <= moment->wall_ms && step.missed < AT_ONCE) {
        step.due_ms = due_ms;
        step.missed++;
        due_ms = next_ms;
        next_ms = find_next(entry, due_ms);
    }
    step.why = say_why(entry, moment, step.due_ms);
    *handled_ms = step.missed == AT_ONCE ? moment->wall_ms : step.due_ms;
    return step;
}

struct plan_step plan_decide(const struct plan_entry *entry, int64_t *handled_ms,
                             const struct plan_moment *moment)
{
    int64_t wall_ms = moment->wall_ms;
    if (*handled_ms == 0 || *handled_ms > wall_ms + AHEAD_MS) {
        *handled_ms = wall_ms;
    }
    int64_t due_ms = find_next(entry, *handled_ms);
    struct plan_step step = {.what = PLAN_WAIT, .due_ms = due_ms};
    if (due_ms > wall_ms) {
        return step;
    }
    if (find_next(entry, due_ms) <= wall_ms) {
        return miss_earlier(entry, handled_ms, moment, due_ms);
    }
    if (wall_ms - due_ms > entry->deadline_ms) {
        *handled_ms = due_ms;
        step.what = PLAN_MISSED;
        step.missed = 1;
        step.why = say_why(entry, moment, due_ms);
        return step;
    }
    step.why = find_obstacle(entry, moment, wall_ms);
    if (step.why == NULL) {
        *handled_ms = due_ms;
        step.what = PLAN_RUN;
    }
    return step;
}
