/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See incident.h. */
#include "config.h"

#include "operate/incident.h"

#include "operate/objectives.h"
#include "health/results.h"
#include "operate/operate.h"
#include "operate/switchover_look.h"

#include <stdio.h>
#include <string.h>

enum {
    BEFORE_MS = 10 * 60 * 1000, /* what had failed longer ago has nothing to do with it */
    LATE_MS = 1000              /* the result that decided is noted a moment after it has */
};

int64_t incident_find_left(const struct incident *incident)
{
    const struct incident_course *course = &incident->course;
    return course->published_ms > course->decided_ms ? course->published_ms : course->decided_ms;
}

/* It went down after the last good check had begun, if that is known. */
static int64_t find_earliest(const struct incident *incident)
{
    return incident->well_ms != 0 ? incident->well_ms : incident->failing_ms;
}

int64_t incident_find_recovery(const struct incident *incident, int64_t from_ms)
{
    int64_t left_ms = incident_find_left(incident);
    return from_ms == 0 || left_ms == 0 ? -1 : left_ms - from_ms + (int64_t)incident->ttl_s * 1000;
}

const char *incident_judge_rto(const struct incident *incident)
{
    int64_t recovery_ms = incident_find_recovery(incident, find_earliest(incident));
    return incident->rto_ms == 0 || recovery_ms < 0 ? NULL
           : recovery_ms <= incident->rto_ms        ? "met"
                                                    : "missed";
}

/* ---- what it was ---- */

/* Of a check that fails: when its first failure began, and the last good one before that; 0: not known. */
struct fall {
    int64_t well_ms, failing_ms;
    enum health_outcome outcome;
};

static int64_t find_begin(const struct health_result *result)
{
    return result->ended_ms - result->duration_us / 1000;
}

/* The failures that the verdict follows from, by our own results. */
static struct fall find_fall(const struct view *view, uint32_t monitor, const struct incident *incident)
{
    struct health_result results[HEALTH_RESULTS_KEPT];
    struct fall fall = {.failing_ms = 0};
    int64_t next_ms;
    size_t count = health_read_results(view->health, monitor, results, HEALTH_RESULTS_KEPT, &next_ms);
    for (size_t i = 0; i < count; i++) {
        const struct health_result *result = &results[i];
        bool fails = health_outcome_is_failure((enum health_outcome)result->outcome);
        if (result->ended_ms > incident->lost_ms + LATE_MS) {
            continue;
        }
        if (result->outcome == HEALTH_OUTCOME_OK) {
            fall.well_ms = fall.failing_ms == 0 ? 0 : find_begin(result);
            break;
        }
        if (fails && result->ended_ms >= incident->lost_ms - BEFORE_MS) {
            int64_t began_ms = find_begin(result);
            fall.failing_ms = began_ms < incident->lost_ms ? began_ms : incident->lost_ms;
            fall.outcome = (enum health_outcome)result->outcome;
        }
    }
    return fall;
}

static void look_at_checks(struct incident *incident, const struct view *view, const bool *inside)
{
    for (uint32_t m = 0; m < health_monitor_count(view->health); m++) {
        struct health_monitor_status status;
        if (health_get_monitor(view->health, m, &status) != 0 || !inside[status.endpoint] ||
            status.verdict != HEALTH_OBSERVED_UNHEALTHY || status.role == HEALTH_WATCHED) {
            continue;
        }
        const struct fall fall = find_fall(view, m, incident);
        if (fall.failing_ms != 0 && (incident->failing_ms == 0 || fall.failing_ms < incident->failing_ms)) {
            incident->failing_ms = fall.failing_ms;
            incident->well_ms = fall.well_ms;
            incident->outcome = fall.outcome;
        }
    }
}

static void look_at_endpoints(struct incident *incident, const struct view *view, const bool *inside)
{
    for (uint32_t i = 0; i < view->topology->endpoint_count; i++) {
        struct health_status status;
        if (inside[i] && health_get_status(view->health, HEALTH_ENDPOINT, i, &status) == 0) {
            incident->endpoints++;
            incident->unhealthy += status.observed == HEALTH_OBSERVED_UNHEALTHY;
        }
    }
}

static void look_at_copies(struct incident *incident, const struct view *view, int64_t now_ms)
{
    for (size_t i = 0; i < health_count_lags(view->health) && incident->copy_count < INCIDENT_COPIES_MAX;
         i++) {
        struct health_lag_status lag;
        health_get_lag(view->health, i, now_ms, &lag);
        if (lag.kind == incident->kind && strcmp(lag.from, incident->name) == 0) {
            struct incident_copy *copy = &incident->copies[incident->copy_count++];
            *copy = (struct incident_copy){.is_known = lag.is_known,
                                           .lag = lag.value,
                                           .unit = lag.unit,
                                           .stage = lag.stage,
                                           .rpo = lag.rpo};
            snprintf(copy->to, sizeof copy->to, "%s", lag.to);
        }
    }
}

static void look_at_objectives(struct incident *incident, const struct view *view, const bool *touched)
{
    struct objectives_names names;
    int64_t decided_ms = incident->course.decided_ms == 0 ? incident->lost_ms : incident->course.decided_ms;
    int64_t earliest_ms = find_earliest(incident),
            decision_ms = earliest_ms == 0 ? 0 : decided_ms - earliest_ms;
    bool is_region = incident->kind == HEALTH_REGION;
    objectives_count(view, touched, decision_ms, &names);
    const struct conf_objective *pair;
    incident->rto_ms = objectives_find_rto(view->topology, is_region ? incident->name : "", NULL, &pair);
    snprintf(incident->rto_to, sizeof incident->rto_to, "%s",
             pair == NULL ? "" : view->topology->regions[pair->to].name);
    incident->own = (uint32_t)names.with;
    incident->own_late = incident->was_overridden ? 0 : (uint32_t)names.late;
}

/* Its endpoints, and the policies that they touch. */
static const bool *mark_inside(const struct incident *incident, const struct view *view, const bool **touched,
                               struct arena *arena)
{
    struct switchover_target target = {.kind = incident->kind};
    struct switchover whole = {.targets = &target, .target_count = 1};
    memcpy(target.name, incident->name, sizeof target.name);
    const bool *inside = switchover_mark_endpoints(&whole, view, arena);
    *touched = switchover_mark_policies(view, inside, "", arena);
    return inside;
}

void incident_look(struct incident *incident, const struct view *view, int64_t now_ms, struct arena *arena)
{
    struct switchover_names names;
    const bool *touched, *inside = mark_inside(incident, view, &touched, arena);
    look_at_endpoints(incident, view, inside);
    look_at_checks(incident, view, inside);
    look_at_copies(incident, view, now_ms);
    switchover_find_names(view, touched, &names);
    incident->ttl_s = names.ttl_s;
    incident->names = (uint32_t)names.count;
    look_at_objectives(incident, view, touched);
}

void incident_look_again(struct incident *incident, const struct view *view, struct arena *arena)
{
    const bool *touched;
    (void)mark_inside(incident, view, &touched, arena);
    look_at_objectives(incident, view, touched);
}
