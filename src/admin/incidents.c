/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Incidents as resources: what was lost, in the terms of drills. They are looked at only. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/render_set.h"

#include <string.h>

static json_t *render_copy(const struct incident_copy *copy)
{
    json_t *object = json_object();
    set_text(object, "to", copy->to);
    set(object, "lag", copy->is_known ? json_real(copy->lag) : json_null());
    set_text(object, "unit", copy->is_known ? health_lag_unit_text(copy->unit) : NULL);
    set_text(object, "stage", health_stage_text(copy->stage));
    set_text(object, "rpo", health_rpo_text(copy->rpo));
    return object;
}

/* -1 is null. */
static json_t *render_span(int64_t ms)
{
    return ms < 0 ? json_null() : json_integer(ms);
}

static json_t *render_prediction(const struct incident_prediction *predicted)
{
    if (!predicted->is_known) {
        return json_null();
    }
    json_t *object = json_object();
    set(object, "decision_ms", json_integer(predicted->decision_ms));
    set(object, "detection_ms", json_integer(predicted->detection_ms));
    set(object, "recovery_ms", json_integer(predicted->detection_ms + predicted->ttl_ms));
    set(object, "moved_99_ms", render_span(predicted->moved_ms));
    set(object, "failed_ms", render_span(predicted->failed_ms));
    return object;
}

static json_t *render_drain(const struct incident_drain *drain)
{
    static const char *const marks[INCIDENT_MARKS] = {"moved_50_ms", "moved_90_ms", "moved_99_ms"};
    double all = drain->members == 0 ? 1 : drain->members;
    if (drain->began_ms == 0) {
        return json_null();
    }
    json_t *object = json_object();
    set_text(object, "state", drain->is_over ? "over" : drain->is_cut ? "cut" : "open");
    set_time(object, "began", drain->began_ms);
    set_number(object, "resolvers", drain->members);
    for (int i = 0; i < INCIDENT_MARKS; i++) {
        set(object, marks[i], render_span(drain->marks_ms[i]));
    }
    set(object, "drained_share", json_real((drain->asked + drain->expired) / all));
    set(object, "missing_share", json_real((drain->members - drain->asked) / all));
    return object;
}

/* What became of answers. */
static void set_course(json_t *object, const struct incident *incident)
{
    const struct incident_course *course = &incident->course;
    bool has_left = course->decided_ms != 0;
    set(object, "held", json_boolean(course->was_held));
    set_time(object, "decided", course->decided_ms);
    set_time(object, "published", course->published_ms);
    set_time(object, "resolvers_until",
             has_left ? incident_find_left(incident) + (int64_t)incident->ttl_s * 1000 : 0);
    set(object, "decision_ms", render_span(has_left ? course->decided_ms - incident->lost_ms : -1));
    set(object, "publication_ms",
        render_span(course->published_ms == 0 ? -1 : course->published_ms - course->decided_ms));
    set(object, "drain", render_drain(&course->drain));
}

/* In the words of drills. */
static void set_rto_of(json_t *object, const struct incident *incident)
{
    bool is_pair = incident->rto_to[0] != '\0';
    set(object, "rto_of",
        is_pair ? json_sprintf("the pair %s to %s", incident->name, incident->rto_to) : json_null());
}

/* What holds its region now; an az is held with it. */
static json_t *find_hold(const struct call *call, const struct incident *incident)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct operate_target target = {.region = incident->name};
    bool is_there =
        incident->back_ms == 0 &&
        (incident->kind == HEALTH_REGION ||
         verbs->get_target(verbs->current, incident->kind, incident->name, call->arena, &target) == 0) &&
        verbs->get_target(verbs->current, HEALTH_REGION, target.region, call->arena, &target) == 0;
    return is_there ? render_hold(&target) : json_null();
}

static json_t *render(const struct call *call, const struct incident *incident)
{
    json_t *object = json_object(), *copies = json_array();
    bool is_over = incident->back_ms != 0;
    for (size_t i = 0; i < incident->copy_count; i++) {
        json_array_append_new(copies, render_copy(&incident->copies[i]));
    }
    set_text(object, "id", incident->id);
    set_text(object, "kind", health_kind_text(incident->kind));
    set_text(object, "name", incident->name);
    set_text(object, "state", is_over ? "over" : "open");
    set_time(object, "last_good", incident->well_ms);
    set_time(object, "failing", incident->failing_ms);
    set_time(object, "lost", incident->lost_ms);
    set_course(object, incident);
    set_time(object, "back", incident->back_ms);
    set(object, "detection_ms",
        render_span(incident->failing_ms == 0 ? -1 : incident->lost_ms - incident->failing_ms));
    set(object, "recovery_ms", render_span(incident_find_recovery(incident, incident->failing_ms)));
    set(object, "recovery_most_ms", render_span(incident_find_recovery(incident, incident->well_ms)));
    set(object, "lasted_ms", render_span(is_over ? incident->back_ms - incident->lost_ms : -1));
    set(object, "rto_ms", render_span(incident->rto_ms == 0 ? -1 : incident->rto_ms));
    set_text(object, "rto", incident_judge_rto(incident));
    set_rto_of(object, incident);
    set_number(object, "own_objectives", incident->own);
    set_number(object, "own_missed", incident->own_late);
    set(object, "overridden", json_boolean(incident->was_overridden));
    set_number(object, "names", incident->names);
    set_number(object, "ttl_s", incident->ttl_s);
    set_number(object, "endpoints", incident->endpoints);
    set_number(object, "unhealthy", incident->unhealthy);
    set_text(object, "outcome",
             incident->outcome == HEALTH_OUTCOME_NONE ? NULL : health_outcome_text(incident->outcome));
    set(object, "predicted", render_prediction(&incident->predicted));
    set(object, "hold", find_hold(call, incident));
    set(object, "copies", copies);
    return object;
}

/* Whoever asks, and what for. */
struct shown {
    const struct call *call;
    const struct incident **items;
};

static const char *get_id(const void *context, size_t i)
{
    return ((const struct shown *)context)->items[i]->id;
}

static json_t *render_item(const void *context, size_t i)
{
    const struct shown *shown = context;
    return render(shown->call, shown->items[i]);
}

void handle_incidents(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct incident **items;
    size_t count = verbs->list_incidents(verbs->context, call->arena, &items);
    if (call->route.id == ROUTE_INCIDENTS) {
        const struct shown shown = {call, items};
        call_reply_page(call, &shown, count, get_id, render_item);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i]->id, call->route.name) == 0) {
            call_reply_json(call, 200, render(call, items[i]));
            return;
        }
    }
    problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no incident \"%s\"", call->route.name);
    call_reply_problem(call);
}
