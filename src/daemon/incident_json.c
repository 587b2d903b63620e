/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See incident_json.h. What a later version adds is not understood and left out; what contradicts is refused.
 */
#include "config.h"

#include "daemon/incident_json.h"

#include "base/error.h"
#include "daemon/stored.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- writing ---- */

static json_t *write_copies(const struct incident *incident)
{
    json_t *list = json_array();
    for (size_t i = 0; i < incident->copy_count; i++) {
        const struct incident_copy *copy = &incident->copies[i];
        json_t *object = json_object();
        stored_set_text(object, "to", copy->to);
        if (copy->is_known) {
            json_object_set_new(object, "lag", json_real(copy->lag));
            stored_set_text(object, "unit", health_lag_unit_text(copy->unit));
        }
        stored_set_text(object, "stage", health_stage_text(copy->stage));
        stored_set_text(object, "rpo", health_rpo_text(copy->rpo));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *write_prediction(const struct incident_prediction *predicted)
{
    json_t *object = json_object();
    json_object_set_new(object, "detection_ms", json_integer(predicted->detection_ms));
    json_object_set_new(object, "decision_ms", json_integer(predicted->decision_ms));
    json_object_set_new(object, "ttl_ms", json_integer(predicted->ttl_ms));
    json_object_set_new(object, "failed_ms", json_integer(predicted->failed_ms));
    json_object_set_new(object, "moved_ms", json_integer(predicted->moved_ms));
    return object;
}

static const char *const mark_keys[INCIDENT_MARKS] = {"moved_50_ms", "moved_90_ms", "moved_99_ms"};

static json_t *write_drain(const struct incident_drain *drain)
{
    json_t *object = json_object();
    stored_set_time(object, "began", drain->began_ms);
    stored_set_number(object, "members", drain->members);
    stored_set_number(object, "asked", drain->asked);
    stored_set_number(object, "expired", drain->expired);
    for (int i = 0; i < INCIDENT_MARKS; i++) {
        json_object_set_new(object, mark_keys[i], json_integer(drain->marks_ms[i]));
    }
    stored_set_flag(object, "over", drain->is_over);
    return object;
}

static void write_course(json_t *object, const struct incident_course *course)
{
    stored_set_flag(object, "held", course->was_held);
    stored_set_time(object, "decided", course->decided_ms);
    stored_set_time(object, "published", course->published_ms);
    if (course->drain.began_ms != 0) {
        json_object_set_new(object, "drain", write_drain(&course->drain));
    }
}

char *incident_write_json(const struct incident *incident)
{
    json_t *object = json_object();
    char target[INCIDENT_NAME_SIZE + 16];
    snprintf(target, sizeof target, "%s:%s", health_kind_text(incident->kind), incident->name);
    stored_set_text(object, "target", target);
    stored_set_time(object, "last_good", incident->well_ms);
    stored_set_time(object, "failing", incident->failing_ms);
    stored_set_time(object, "lost", incident->lost_ms);
    stored_set_time(object, "back", incident->back_ms);
    stored_set_flag(object, "overridden", incident->was_overridden);
    stored_set_number(object, "ttl_s", incident->ttl_s);
    stored_set_number(object, "names", incident->names);
    stored_set_number(object, "endpoints", incident->endpoints);
    stored_set_number(object, "unhealthy", incident->unhealthy);
    stored_set_text(object, "outcome",
                    incident->outcome == HEALTH_OUTCOME_NONE ? NULL : health_outcome_text(incident->outcome));
    stored_set_number(object, "rto_ms", (uint64_t)incident->rto_ms);
    stored_set_text(object, "rto_to", incident->rto_to);
    stored_set_number(object, "own", incident->own);
    stored_set_number(object, "own_late", incident->own_late);
    write_course(object, &incident->course);
    json_object_set_new(object, "copies", write_copies(incident));
    if (incident->predicted.is_known) {
        json_object_set_new(object, "predicted", write_prediction(&incident->predicted));
    }
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

/* ---- reading ---- */

/* The one of so many texts that it is, or 0. */
static int find_text(const json_t *object, const char *key, int count, const char *(*text_of)(int number))
{
    const char *text = json_string_value(json_object_get(object, key));
    for (int i = 0; text != NULL && i < count; i++) {
        const char *known = text_of(i);
        if (known != NULL && strcmp(known, text) == 0) {
            return i;
        }
    }
    return 0;
}

static const char *stage_text(int number)
{
    return health_stage_text((enum health_stage)number);
}

static const char *rpo_text(int number)
{
    return health_rpo_text((enum health_rpo)number);
}

static const char *unit_text(int number)
{
    return health_lag_unit_text((enum health_lag_unit)number);
}

static const char *outcome_text(int number)
{
    return health_outcome_text((enum health_outcome)number);
}

static void read_copy(const json_t *from, struct incident_copy *to, const char **why)
{
    const char *name = json_string_value(json_object_get(from, "to"));
    const json_t *lag = json_object_get(from, "lag");
    if (name == NULL || (size_t)snprintf(to->to, sizeof to->to, "%s", name) >= sizeof to->to) {
        *why = "\"copies\": expected where a copy is";
    }
    to->is_known = json_is_number(lag);
    to->lag = json_number_value(lag);
    if (!isfinite(to->lag) || to->lag < 0) {
        *why = "\"lag\": expected a number from 0";
    }
    to->unit = (enum health_lag_unit)find_text(from, "unit", HEALTH_LAG_BYTES + 1, unit_text);
    to->stage = (enum health_stage)find_text(from, "stage", HEALTH_STAGES, stage_text);
    to->rpo = (enum health_rpo)find_text(from, "rpo", HEALTH_RPO_OVER + 1, rpo_text);
}

static void read_copies(const json_t *list, struct incident *to, const char **why)
{
    if (json_array_size(list) > INCIDENT_COPIES_MAX) {
        *why = "\"copies\": too many";
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        read_copy(json_array_get(list, i), &to->copies[to->copy_count++], why);
    }
}

static const char no_time[] = "expected an RFC 3339 time", no_number[] = "a number is none, or too large";

static int64_t read_span(const json_t *from, const char *key, const char **why)
{
    const json_t *value = json_object_get(from, key);
    json_int_t ms = json_integer_value(value);
    if (!json_is_integer(value) || ms < -1 || ms > INT64_MAX / 4) {
        *why = "\"predicted\", \"drain\": expected milliseconds";
        return -1;
    }
    return ms;
}

static void read_prediction(const json_t *from, struct incident_prediction *to, const char **why)
{
    if (from == NULL) {
        return;
    }
    *to = (struct incident_prediction){.is_known = true,
                                       .detection_ms = read_span(from, "detection_ms", why),
                                       .decision_ms = read_span(from, "decision_ms", why),
                                       .ttl_ms = read_span(from, "ttl_ms", why),
                                       .failed_ms = read_span(from, "failed_ms", why),
                                       .moved_ms = read_span(from, "moved_ms", why)};
}

/* Who reads it was not there meanwhile. */
static void read_drain(json_t *from, struct incident_drain *to, const char **why)
{
    struct stored_reading reading = {.object = from};
    if (from == NULL) {
        return;
    }
    to->began_ms = stored_get_time(&reading, "began", no_time);
    to->members = (uint32_t)stored_get_number(&reading, "members", UINT32_MAX, no_number);
    to->asked = (uint32_t)stored_get_number(&reading, "asked", to->members, no_number);
    to->expired = (uint32_t)stored_get_number(&reading, "expired", to->members - to->asked, no_number);
    to->is_over = json_is_true(json_object_get(from, "over"));
    to->is_cut = !to->is_over;
    for (int i = 0; i < INCIDENT_MARKS; i++) {
        to->marks_ms[i] = read_span(from, mark_keys[i], why);
    }
    *why = *why == NULL ? reading.why : *why;
}

/* What was written before there was a course went by the loss. */
static void read_course(struct stored_reading *reading, struct incident *to, const char **why)
{
    struct incident_course *course = &to->course;
    course->was_held = json_is_true(json_object_get(reading->object, "held"));
    course->decided_ms = stored_get_time(reading, "decided", no_time);
    course->published_ms = stored_get_time(reading, "published", no_time);
    if (course->decided_ms == 0 && !course->was_held && !to->was_overridden) {
        course->decided_ms = to->lost_ms;
    }
    read_drain(json_object_get(reading->object, "drain"), &course->drain, why);
}

static void read_target(const json_t *object, struct incident *to, const char **why)
{
    const char *text = json_string_value(json_object_get(object, "target")), *name;
    if (text == NULL || health_parse_target(text, &to->kind, &name) != 0 || to->kind == HEALTH_ENDPOINT ||
        name[0] == '\0' || (size_t)snprintf(to->name, sizeof to->name, "%s", name) >= sizeof to->name) {
        *why = "\"target\": expected \"region:NAME\" or \"az:NAME\"";
    }
}

static void read_rto_to(const json_t *object, struct incident *to, const char **why)
{
    const char *text = json_string_value(json_object_get(object, "rto_to"));
    if (text != NULL && (size_t)snprintf(to->rto_to, sizeof to->rto_to, "%s", text) >= sizeof to->rto_to) {
        *why = "\"rto_to\": expected the name of a region";
    }
}

int incident_read_json(const char *id, const char *text, struct incident *incident, const char **why)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct stored_reading reading = {.object = object};
    *incident = (struct incident){.back_ms = 0};
    *why = NULL;
    if (!json_is_object(object)) {
        *why = "expected a JSON object";
    } else if ((size_t)snprintf(incident->id, sizeof incident->id, "%s", id) >= sizeof incident->id) {
        *why = "its ID is too long";
    } else {
        read_target(object, incident, why);
        read_rto_to(object, incident, why);
        incident->well_ms = stored_get_time(&reading, "last_good", no_time);
        incident->failing_ms = stored_get_time(&reading, "failing", no_time);
        incident->lost_ms = stored_get_time(&reading, "lost", no_time);
        incident->back_ms = stored_get_time(&reading, "back", no_time);
        incident->was_overridden = json_is_true(json_object_get(object, "overridden"));
        incident->ttl_s = (uint32_t)stored_get_number(&reading, "ttl_s", UINT32_MAX, no_number);
        incident->names = (uint32_t)stored_get_number(&reading, "names", UINT32_MAX, no_number);
        incident->endpoints = (uint32_t)stored_get_number(&reading, "endpoints", UINT32_MAX, no_number);
        incident->unhealthy = (uint32_t)stored_get_number(&reading, "unhealthy", UINT32_MAX, no_number);
        incident->rto_ms = (uint32_t)stored_get_number(&reading, "rto_ms", UINT32_MAX, no_number);
        incident->own = (uint32_t)stored_get_number(&reading, "own", UINT32_MAX, no_number);
        incident->own_late = (uint32_t)stored_get_number(&reading, "own_late", UINT32_MAX, no_number);
        incident->outcome =
            (enum health_outcome)find_text(object, "outcome", HEALTH_OUTCOME_COUNT, outcome_text);
        read_course(&reading, incident, why);
        read_copies(json_object_get(object, "copies"), incident, why);
        read_prediction(json_object_get(object, "predicted"), &incident->predicted, why);
        *why = *why == NULL ? reading.why : *why;
    }
    json_decref(object);
    return *why == NULL ? 0 : ERROR_SYNTAX;
}
