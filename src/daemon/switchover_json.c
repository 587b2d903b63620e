/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whatever a version before or after this one, or a person with an editor, may have written is read: what is
 * not understood is refused, since a step that is taken for another one moves traffic. */
#include "config.h"

#include "daemon/switchover_json.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "daemon/override_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALL = 100, EACH_MAX_MS = 1000 * 1000 * 1000 };

/* ---- memory ---- */

struct switchover *switchover_new(size_t targets)
{
    struct switchover *made = memory_alloc(sizeof *made);
    made->targets = memory_alloc_array(targets, sizeof *made->targets);
    made->notes = memory_alloc_array(SWITCHOVER_NOTES_MAX, sizeof *made->notes);
    made->target_count = targets;
    return made;
}

void switchover_free(struct switchover *switchover)
{
    if (switchover != NULL) {
        free(switchover->targets);
        free(switchover->notes);
        free(switchover);
    }
}

struct switchover *switchover_copy(const struct switchover *switchover)
{
    struct switchover *made = memory_copy(switchover, sizeof *switchover);
    made->targets = memory_copy(switchover->targets, switchover->target_count * sizeof *made->targets);
    made->notes = memory_copy(switchover->notes, SWITCHOVER_NOTES_MAX * sizeof *made->notes);
    return made;
}

/* ---- writing ---- */

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text[0] != '\0') {
        json_t *value = json_string(text);
        json_object_set_new(object, key, value == NULL ? json_string("?") : value);
    }
}

static void set_time(json_t *object, const char *key, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    if (wall_ms != 0) {
        json_object_set_new(object, key, json_string(clock_write_rfc3339(wall_ms, text)));
    }
}

static void set_number(json_t *object, const char *key, uint64_t value)
{
    if (value != 0) {
        json_object_set_new(object, key, json_integer((json_int_t)value));
    }
}

static json_t *write_targets(const struct switchover *switchover)
{
    json_t *list = json_array();
    for (size_t i = 0; i < switchover->target_count; i++) {
        const struct switchover_target *from = &switchover->targets[i];
        json_t *object = json_object();
        char name[SWITCHOVER_NAME_SIZE + 16];
        snprintf(name, sizeof name, "%s:%s", health_kind_text(from->kind), from->name);
        set_text(object, "target", name);
        if (from->had_override) {
            char *before = override_write_json(&from->before, from->was_planned, NULL);
            json_object_set_new(object, "before", json_loads(before, 0, NULL));
            free(before);
        }
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *write_notes(const struct switchover *switchover)
{
    json_t *list = json_array();
    for (size_t i = 0; i < switchover->note_count; i++) {
        const struct switchover_note *from = &switchover->notes[i];
        json_t *object = json_object();
        set_text(object, "state", switchover_state_text(from->state));
        set_time(object, "time", from->wall_ms);
        set_text(object, "what", from->what);
        set_text(object, "actor", from->actor);
        set_text(object, "peer", from->peer);
        set_text(object, "reason", from->reason);
        set_text(object, "text", from->text);
        json_array_append_new(list, object);
    }
    return list;
}

char *switchover_write_json(const struct switchover *switchover)
{
    json_t *object = json_object(), *steps = json_array();
    for (size_t i = 0; i < switchover->step_count; i++) {
        json_array_append_new(steps, json_integer(switchover->steps[i]));
    }
    set_text(object, "state", switchover_state_text(switchover->state));
    if (switchover->is_emergency) {
        json_object_set_new(object, "emergency", json_true());
    }
    if (switchover->lowers_ttl) {
        json_object_set_new(object, "lower_ttl", json_true());
    }
    set_text(object, "actor", switchover->actor);
    set_text(object, "peer", switchover->peer);
    set_text(object, "reason", switchover->reason);
    json_object_set_new(object, "targets", write_targets(switchover));
    set_text(object, "to", switchover->to);
    json_object_set_new(object, "steps", steps);
    set_number(object, "each_ms", (uint64_t)switchover->each_ms);
    set_number(object, "step", switchover->step);
    set_number(object, "ttl_s", switchover->ttl_s);
    set_time(object, "created", switchover->created_ms);
    set_time(object, "since", switchover->since_ms);
    set_time(object, "step_since", switchover->step_ms);
    set_time(object, "verified", switchover->verified_ms);
    set_time(object, "executed", switchover->executed_ms);
    if (switchover->asks_hooks) {
        set_text(object, "hooks_before", switchover_verb_text(switchover->asked_for));
    }
    set_number(object, "changes", switchover->changes);
    json_object_set_new(object, "notes", write_notes(switchover));
    set_number(object, "notes_lost", switchover->notes_lost);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

/* ---- reading ---- */

struct reading {
    const json_t *object;
    const char *why; /* NULL: nothing is wrong */
};

static void get_text(struct reading *reading, const char *key, char *to, size_t size)
{
    const json_t *value = json_object_get(reading->object, key);
    const char *text = json_string_value(value);
    if (value != NULL && (text == NULL || strlen(text) != json_string_length(value) ||
                          (size_t)snprintf(to, size, "%s", text) >= size)) {
        reading->why = "a text is none, or too long";
    }
}

static int64_t get_time(struct reading *reading, const char *key)
{
    const json_t *value = json_object_get(reading->object, key);
    int64_t wall_ms = 0;
    if (value != NULL &&
        (!json_is_string(value) || clock_parse_rfc3339(json_string_value(value), &wall_ms) != 0)) {
        reading->why = "expected an RFC 3339 time";
    }
    return wall_ms;
}

static uint64_t get_number(struct reading *reading, const char *key, uint64_t max)
{
    const json_t *value = json_object_get(reading->object, key);
    json_int_t number = json_integer_value(value);
    if (value != NULL && (!json_is_integer(value) || number < 0 || (uint64_t)number > max)) {
        reading->why = "a number is none, or too large";
        return 0;
    }
    return (uint64_t)number;
}

static void get_state(struct reading *reading, enum switchover_state *state)
{
    const char *text = json_string_value(json_object_get(reading->object, "state"));
    if (text == NULL || switchover_parse_state(text, state) != 0) {
        reading->why = "\"state\": it is none that is known";
    }
}

static void get_hooks(struct reading *reading, struct switchover *to)
{
    const json_t *value = json_object_get(reading->object, "hooks_before");
    const char *text = json_string_value(value);
    to->asks_hooks = value != NULL;
    if (value != NULL && (text == NULL || switchover_parse_verb(text, &to->asked_for) != 0)) {
        reading->why = "\"hooks_before\": it is no verb that is known";
    }
}

static void read_before(struct reading *reading, const json_t *before, struct switchover_target *to)
{
    char *text = json_dumps(before, JSON_COMPACT);
    to->had_override = true;
    (void)override_read_json(text, &to->before, &to->was_planned, &reading->why);
    free(text);
}

static void read_target(struct reading *reading, const json_t *from, struct switchover_target *to)
{
    const char *text = json_string_value(json_object_get(from, "target")), *name;
    const json_t *before = json_object_get(from, "before");
    if (text == NULL || health_parse_target(text, &to->kind, &name) != 0 || name[0] == '\0' ||
        (size_t)snprintf(to->name, sizeof to->name, "%s", name) >= sizeof to->name) {
        reading->why = "\"targets\": expected \"region:NAME\", \"az:NAME\" or \"endpoint:NAME\"";
    } else if (before != NULL) {
        read_before(reading, before, to);
    }
}

static void read_steps(struct reading *reading, const json_t *steps, struct switchover *to)
{
    unsigned least = 1;
    if (json_array_size(steps) > SWITCHOVER_STEPS_MAX) {
        reading->why = "\"steps\": too many";
        return;
    }
    for (size_t i = 0; i < json_array_size(steps); i++) {
        json_int_t step = json_integer_value(json_array_get(steps, i));
        if (step < (json_int_t)least || step >= ALL) {
            reading->why = "\"steps\": expected percent that rise, below 100";
            return;
        }
        to->steps[to->step_count++] = (uint8_t)step;
        least = (unsigned)step + 1;
    }
}

static void read_note(struct reading *reading, const json_t *from, struct switchover_note *to)
{
    struct reading note = {.object = from};
    get_state(&note, &to->state);
    to->wall_ms = get_time(&note, "time");
    get_text(&note, "what", to->what, sizeof to->what);
    get_text(&note, "actor", to->actor, sizeof to->actor);
    get_text(&note, "peer", to->peer, sizeof to->peer);
    get_text(&note, "reason", to->reason, sizeof to->reason);
    get_text(&note, "text", to->text, sizeof to->text);
    reading->why = reading->why == NULL ? note.why : reading->why;
}

static void read_lists(struct reading *reading, struct switchover *to)
{
    const json_t *targets = json_object_get(reading->object, "targets"),
                 *notes = json_object_get(reading->object, "notes");
    for (size_t i = 0; i < to->target_count; i++) {
        read_target(reading, json_array_get(targets, i), &to->targets[i]);
    }
    if (json_array_size(notes) > SWITCHOVER_NOTES_MAX) {
        reading->why = "\"notes\": too many";
        return;
    }
    for (size_t i = 0; i < json_array_size(notes); i++) {
        read_note(reading, json_array_get(notes, i), &to->notes[to->note_count++]);
    }
}

static void read_all(struct reading *reading, struct switchover *to)
{
    get_state(reading, &to->state);
    to->is_emergency = json_is_true(json_object_get(reading->object, "emergency"));
    to->lowers_ttl = json_is_true(json_object_get(reading->object, "lower_ttl"));
    get_text(reading, "actor", to->actor, sizeof to->actor);
    get_text(reading, "peer", to->peer, sizeof to->peer);
    get_text(reading, "reason", to->reason, sizeof to->reason);
    get_text(reading, "to", to->to, sizeof to->to);
    read_steps(reading, json_object_get(reading->object, "steps"), to);
    to->each_ms = (int64_t)get_number(reading, "each_ms", EACH_MAX_MS);
    to->step = get_number(reading, "step", SWITCHOVER_STEPS_MAX);
    to->ttl_s = (uint32_t)get_number(reading, "ttl_s", UINT32_MAX);
    to->created_ms = get_time(reading, "created");
    to->since_ms = get_time(reading, "since");
    to->step_ms = get_time(reading, "step_since");
    to->verified_ms = get_time(reading, "verified");
    to->executed_ms = get_time(reading, "executed");
    get_hooks(reading, to);
    to->changes = (uint32_t)get_number(reading, "changes", UINT32_MAX);
    to->notes_lost = get_number(reading, "notes_lost", INT64_MAX);
    read_lists(reading, to);
}

static bool is_sound(const struct switchover *s)
{
    bool is_way = s->state == SWITCHOVER_MOVING || s->state == SWITCHOVER_RETURNING;
    bool has_times = s->step_count == 0 || s->each_ms > 0;
    return s->target_count != 0 && has_times && (!is_way || s->step < s->step_count);
}

struct switchover *switchover_read_json(const char *id, const char *text, const char **why)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct reading reading = {.object = object};
    size_t targets = json_array_size(json_object_get(object, "targets"));
    struct switchover *made = switchover_new(targets > SWITCHOVER_TARGETS_MAX ? 0 : targets);
    if (!json_is_object(object)) {
        reading.why = "expected a JSON object";
    } else if ((size_t)snprintf(made->id, sizeof made->id, "%s", id) >= sizeof made->id) {
        reading.why = "its ID is too long";
    } else {
        read_all(&reading, made);
    }
    json_decref(object);
    if (reading.why == NULL && !is_sound(made)) {
        reading.why = "it contradicts itself";
    }
    *why = reading.why;
    if (reading.why != NULL) {
        switchover_free(made);
        return NULL;
    }
    return made;
}
