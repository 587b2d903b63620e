/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A drill report as JSON, for the API, `steerctl --json` and scripts. Times are milliseconds after the loss,
 * in the worst case unless the name says otherwise; shares are fractions. What does not apply is null, never
 * -1. */
#include "config.h"

#include "drill/drill.h"
#include "drill/level.h"

#include "base/buffer.h"
#include "drill/json.h"

#include "base/memory.h"

#include <jansson.h>
#include <string.h>

static json_t *text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static json_t *time_or_null(int64_t ms)
{
    return ms < 0 ? json_null() : json_integer(ms);
}

static void set_count(json_t *to, const char *key, size_t count)
{
    json_object_set_new(to, key, json_integer((json_int_t)count));
}

static json_t *write_shares(const struct drill_share *shares, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object();
        json_object_set_new(item, "region", text_or_null(shares[i].region));
        json_object_set_new(item, "before", json_real(shares[i].before));
        json_object_set_new(item, "after", json_real(shares[i].after));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *write_answer(const struct drill_name *name)
{
    json_t *item = json_object();
    json_object_set_new(item, "name", json_string(name->name));
    json_object_set_new(item, "type", json_string(name->type));
    json_object_set_new(item, "class", json_string(name->class_label));
    json_object_set_new(item, "ttl_ms", json_integer((json_int_t)name->ttl * 1000));
    json_object_set_new(item, "before", json_string(name->before));
    json_object_set_new(item, "after", json_string(name->after));
    json_object_set_new(item, "changes", json_boolean(name->changes));
    json_object_set_new(item, "unserved", json_boolean(name->unserved));
    json_object_set_new(item, "held", json_boolean(name->held));
    json_object_set_new(item, "to_lost", json_real(name->to_lost));
    json_object_set_new(item, "decided_ms", time_or_null(name->decided_ms));
    json_object_set_new(item, "decided_expected_ms", time_or_null(name->decided_expected_ms));
    json_object_set_new(item, "rto_ms", name->rto_ms == 0 ? json_null() : json_integer(name->rto_ms));
    json_object_set_new(item, "rto_of", text_or_null(name->rto_of));
    json_object_set_new(item, "late", json_boolean(name->late));
    json_object_set_new(item, "shares", write_shares(name->shares, name->share_count));
    set_count(item, "course", name->course);
    return item;
}

static json_t *write_texts(const char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(texts[i]));
    }
    return list;
}

static json_t *write_phases(const struct drill_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct drill_phase *phase = &report->phases[i];
        json_t *item = json_object();
        json_object_set_new(item, "at_ms", json_integer(phase->at_ms));
        json_object_set_new(item, "text", json_string(phase->text));
        json_object_set_new(item, "back", json_boolean(phase->is_back));
        json_object_set_new(item, "detection_ms", time_or_null(phase->detection_ms));
        json_object_set_new(item, "decision_ms", time_or_null(phase->decision_ms));
        set_count(item, "answers_changed", phase->changed);
        json_object_set_new(item, "lost", write_texts(phase->lost, phase->lost_count));
        set_count(item, "lost_left_out", phase->lost_left_out);
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *write_step(const struct drill_report *report, const struct drill_step *step)
{
    json_t *item = json_object(), *endpoints = json_array();
    for (size_t i = 0; i < step->part_count; i++) {
        const struct drill_place *place = &report->endpoints[step->parts[i].endpoint];
        json_array_append_new(endpoints,
                              json_pack("{s:s, s:s, s:s, s:f}", "endpoint", place->name, "az", place->az,
                                        "region", place->region, "share", step->parts[i].share));
    }
    json_object_set_new(item, "at_ms", json_integer(step->at_ms));
    json_object_set_new(item, "from", json_string(step->from));
    json_object_set_new(item, "ttl_max_s",
                        step->ttl_max == UINT32_MAX ? json_null() : json_integer(step->ttl_max));
    json_object_set_new(item, "records", json_integer(step->records));
    json_object_set_new(item, "endpoints", endpoints);
    return item;
}

static json_t *write_course(const struct drill_report *report, const struct drill_course *course)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < course->step_count; i++) {
        json_array_append_new(steps, write_step(report, &course->steps[i]));
    }
    return steps;
}

static json_t *write_copies(const struct drill_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->copy_count; i++) {
        const struct drill_copy *copy = &report->copies[i];
        json_t *item = json_object();
        json_object_set_new(item, "from", json_string(copy->from));
        json_object_set_new(item, "to", json_string(copy->to));
        json_object_set_new(item, "lost", json_string(copy->lost));
        json_object_set_new(item, "at_ms", json_integer(copy->at_ms));
        json_object_set_new(item, "lag_ms", time_or_null(copy->lag_ms));
        json_object_set_new(item, "rpo_ms", copy->rpo_ms == 0 ? json_null() : json_integer(copy->rpo_ms));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *write_condition(const char *item, const char *how, unsigned level)
{
    return json_pack("{s:s, s:s, s:o}", "item", item, "how", how, "level",
                     level == 0 ? json_null() : json_integer(level));
}

/* What the level follows from: times as measured, and what an operator has declared. */
static json_t *write_conditions(const struct drill_report *report, const struct drill_level *found)
{
    json_t *list = json_array();
    const char *how = found->of_times == 0 ? "unknown" : report->mode == NULL ? "computed" : "measured";
    json_array_append_new(list, write_condition("times", how, found->of_times));
    for (unsigned i = 0; i < DRILL_RESOURCES; i++) {
        unsigned level = report->resources[i];
        json_array_append_new(list, write_condition(drill_resource_text((enum drill_resource)i),
                                                    level != 0 ? "declared" : "unknown", level));
    }
    return list;
}

static json_t *write_level(const struct drill_report *report)
{
    struct drill_level found = drill_find_level(report);
    json_t *level = json_object();
    json_object_set_new(level, "standard", json_string("GB/T 20988-2007"));
    json_object_set_new(level, "level", found.level == 0 ? json_null() : json_integer(found.level));
    json_object_set_new(level, "rto_ms", time_or_null(found.rto_ms));
    json_object_set_new(level, "rpo_ms", time_or_null(found.rpo_ms));
    json_object_set_new(level, "why", text_or_null(found.why));
    json_object_set_new(level, "of_times", found.of_times == 0 ? json_null() : json_integer(found.of_times));
    json_object_set_new(level, "conditions", write_conditions(report, &found));
    return level;
}

static json_t *write_watchers(const struct drill_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->watcher_count; i++) {
        const struct drill_watcher *own = &report->watchers[i];
        json_t *item = json_object();
        json_object_set_new(item, "name", json_string(own->name));
        json_object_set_new(item, "region", own->region == NULL ? json_null() : json_string(own->region));
        set_count(item, "weight", own->weight);
        json_object_set_new(item, "drained", json_boolean(own->is_drained));
        json_array_append_new(list, item);
    }
    return list;
}

static void write_scenario(json_t *root, const struct drill_report *report)
{
    json_object_set_new(root, "mode", json_string(report->mode == NULL ? "simulate" : report->mode));
    json_object_set_new(root, "lost", write_texts(report->lost, report->lost_count));
    json_object_set_new(root, "failure",
                        report->has_document ? json_null()
                                             : json_string(health_outcome_text(report->failure)));
    json_object_set_new(root, "from_live", json_boolean(report->from_live));
    if (report->watcher_count != 0) {
        json_object_set_new(root, "vantages", write_watchers(report));
    }
    json_object_set_new(root, "name", text_or_null(report->title));
    json_object_set_new(root, "description", text_or_null(report->description));
    json_object_set_new(root, "seed", json_integer((json_int_t)report->seed));
    json_object_set_new(root, "duration_ms", json_integer(report->duration_ms));
    json_object_set_new(root, "phases", write_phases(report));
    json_object_set_new(root, "copies", write_copies(report));
    json_object_set_new(root, "level", write_level(report));
}

static json_t *write_times(const struct drill_times *times)
{
    static const char *const names[DRILL_QUANTILES] = {"50", "90", "99", "max"};
    json_t *item = json_object();
    for (size_t i = 0; i < DRILL_QUANTILES; i++) {
        json_object_set_new(item, names[i], time_or_null(times->ms[i]));
    }
    return item;
}

static void write_summary(json_t *root, const struct drill_report *report)
{
    json_t *reasons = json_array();
    for (size_t i = 0; i < report->reason_count; i++) {
        json_array_append_new(reasons, json_string(report->reasons[i]));
    }
    set_count(root, "names", report->owner_count);
    set_count(root, "names_changed", report->owner_changed_count);
    set_count(root, "answers_total", report->name_count);
    set_count(root, "answers_changed", report->changed_count);
    set_count(root, "answers_unserved", report->unserved_count);
    set_count(root, "answers_held", report->held_count);
    set_count(root, "answers_to_lost", report->to_lost_count);
    set_count(root, "answers_late", report->late_count);
    json_object_set_new(root, "detection_ms", time_or_null(report->detection_ms));
    json_object_set_new(root, "decision_ms", time_or_null(report->decision_ms));
    json_object_set_new(root, "decision_expected_ms", time_or_null(report->decision_expected_ms));
    json_object_set_new(root, "detections_ms", write_times(&report->detections));
    json_object_set_new(root, "decisions_ms", write_times(&report->decisions));
    json_object_set_new(root, "ttl_ms", time_or_null(report->decision_ms < 0 ? -1 : report->ttl_ms));
    json_object_set_new(root, "recovery_ms", time_or_null(report->recovery_ms));
    bool has_objective = report->rto_ms != 0;
    json_object_set_new(root, "rto_ms", has_objective ? json_integer(report->rto_ms) : json_null());
    json_object_set_new(root, "meets_rto", has_objective ? json_boolean(report->meets_rto) : json_null());
    json_object_set_new(root, "failed", json_boolean(report->reason_count != 0));
    json_object_set_new(root, "reasons", reasons);
}

static json_t *write_event(const struct drill_event *event)
{
    json_t *item = json_object();
    json_object_set_new(item, "at_ms", json_integer(event->at_ms));
    json_object_set_new(item, "text", json_string(event->text));
    json_object_set_new(item, "detail", json_boolean(event->is_detail));
    return item;
}

static int add_text(const char *bytes, size_t len, void *buffer)
{
    buffer_add(buffer, bytes, len);
    return 0;
}

/* Takes the value. */
static void add_value(struct buffer *text, json_t *value, size_t flags)
{
    json_dump_callback(value, add_text, text, flags | JSON_REAL_PRECISION(6));
    json_decref(value);
}

/* Lists of a hundred thousand items are not made of values all at once: one in a line. */
static void begin_list(struct buffer *text, const char *key)
{
    buffer_print(text, ",\n  \"%s\": [", key);
}

static void add_item(struct buffer *text, size_t index, json_t *item)
{
    buffer_add_text(text, index == 0 ? "\n    " : ",\n    ");
    add_value(text, item, 0);
}

static void end_list(struct buffer *text, size_t count)
{
    buffer_add_text(text, count == 0 ? "]" : "\n  ]");
}

static json_t *write_root(const struct drill_report *report)
{
    json_t *root = json_object();
    char *for_people = drill_write_text(report);
    write_scenario(root, report);
    write_summary(root, report);
    json_object_set_new(root, "text", json_string(for_people));
    json_object_set_new(root, "shares", write_shares(report->total, report->total_count));
    free(for_people);
    return root;
}

char *drill_write_head(const struct drill_report *report)
{
    json_t *root = write_root(report);
    json_object_set_new(root, "timeline", json_array());
    set_count(root, "timeline_left_out", report->event_count);
    json_object_set_new(root, "answers", json_array());
    set_count(root, "answers_left_out", report->name_count);
    if (report->users != NULL) {
        json_object_set_new(root, "users", drill_write_users(report->users));
    }
    json_object_set_new(root, "courses", json_array());
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(root);
    return text;
}

char *drill_write_json(const struct drill_report *report)
{
    struct buffer text;
    buffer_init(&text);
    add_value(&text, write_root(report), JSON_INDENT(2));
    text.len -= sizeof "\n}" - 1; /* it goes on */
    begin_list(&text, "timeline");
    for (size_t i = 0; i < report->event_count; i++) {
        add_item(&text, i, write_event(&report->events[i]));
    }
    end_list(&text, report->event_count);
    begin_list(&text, "answers");
    progress_expect(report->progress, report->name_count);
    for (size_t i = 0; i < report->name_count && progress_step(report->progress, 1); i++) {
        add_item(&text, i, write_answer(&report->names[i]));
    }
    end_list(&text, report->name_count);
    if (report->users != NULL) {
        buffer_add_text(&text, ",\n  \"users\": ");
        add_value(&text, drill_write_users(report->users), 0);
    }
    begin_list(&text, "courses");
    progress_expect(report->progress, report->course_count);
    for (size_t i = 0; i < report->course_count && progress_step(report->progress, 1); i++) {
        add_item(&text, i, write_course(report, &report->courses[i]));
    }
    end_list(&text, report->course_count);
    buffer_add_text(&text, "\n}");
    if (progress_is_cancelled(report->progress)) {
        buffer_fini(&text);
        return NULL;
    }
    return text.bytes;
}

char *drill_cut_json(const char *json)
{
    static const char lists[] = ",\n  \"timeline\": ["; /* no text in JSON has a line feed in it */
    const char *end = strstr(json, lists);
    return end == NULL ? NULL
                       : memory_print(
                             "%.*s,\n  \"timeline\": [],\n  \"answers\": [],\n  \"left_out\": [\"timeline\", "
                             "\"answers\", \"users\", \"courses\"]\n}",
                             (int)(end - json), json);
}
