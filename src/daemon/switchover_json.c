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
#include "daemon/stored.h"

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

static json_t *write_targets(const struct switchover *switchover)
{
    json_t *list = json_array();
    for (size_t i = 0; i < switchover->target_count; i++) {
        const struct switchover_target *from = &switchover->targets[i];
        json_t *object = json_object();
        char name[SWITCHOVER_NAME_SIZE + 16];
        snprintf(name, sizeof name, "%s:%s", health_kind_text(from->kind), from->name);
        stored_set_text(object, "target", name);
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
        stored_set_text(object, "state", switchover_state_text(from->state));
        stored_set_time(object, "time", from->wall_ms);
        stored_set_text(object, "what", from->what);
        stored_set_text(object, "actor", from->actor);
        stored_set_text(object, "peer", from->peer);
        stored_set_text(object, "reason", from->reason);
        stored_set_text(object, "text", from->text);
        json_array_append_new(list, object);
    }
    return list;
}

char *switchover_write_json(const struct switchover *switchover, const struct override_clock *clock)
{
    json_t *object = json_object(), *steps = json_array();
    for (size_t i = 0; i < switchover->step_count; i++) {
        json_array_append_new(steps, json_integer(switchover->steps[i]));
    }
    stored_set_text(object, "state", switchover_state_text(switchover->state));
    stored_set_flag(object, "emergency", switchover->is_emergency);
    stored_set_flag(object, "lower_ttl", switchover->lowers_ttl);
    stored_set_text(object, "actor", switchover->actor);
    stored_set_text(object, "peer", switchover->peer);
    stored_set_text(object, "reason", switchover->reason);
    json_object_set_new(object, "targets", write_targets(switchover));
    stored_set_text(object, "to", switchover->to);
    stored_set_text(object, "names", switchover->names);
    json_object_set_new(object, "steps", steps);
    stored_set_number(object, "each_ms", (uint64_t)switchover->each_ms);
    stored_set_number(object, "step", switchover->step);
    stored_set_number(object, "ttl_s", switchover->ttl_s);
    stored_set_time(object, "created", switchover->created_ms);
    stored_set_time(object, "since", switchover->since_ms);
    stored_set_time(object, "step_since", switchover->step_ms);
    stored_set_time(object, "verified", switchover->verified_ms);
    stored_set_time(object, "executed", switchover->executed_ms);
    if (switchover->asks_hooks) {
        stored_set_text(object, "hooks_before", switchover_verb_text(switchover->asked_for));
        stored_set_text(object, "hooks_by", switchover->asker);
    }
    if (switchover_is_held(switchover)) {
        stored_set_text(object, "held_by", switchover->held_by);
        stored_set_text(object, "held", switchover->held);
        stored_set_time(object, "held_since", switchover->held_ms);
    }
    stored_set_text(object, "accepted", switchover->accepted);
    stored_set_flag(object, "hooks_agreed", switchover->hooks_agreed);
    stored_set_flag(object, "stays_away", switchover->stays_away);
    stored_set_number(object, "changes", switchover->changes);
    json_object_set_new(object, "notes", write_notes(switchover));
    stored_set_number(object, "notes_lost", switchover->notes_lost);
    override_write_clock(object, clock);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

/* ---- reading ---- */

static const char no_text[] = "a text is none, or too long";
static const char no_time[] = "expected an RFC 3339 time";
static const char no_number[] = "a number is none, or too large";

static void get_state(struct stored_reading *reading, enum switchover_state *state)
{
    const char *text = json_string_value(json_object_get(reading->object, "state"));
    if (text == NULL || switchover_parse_state(text, state) != 0) {
        stored_fail(reading, "\"state\": it is none that is known");
    }
}

static void get_hooks(struct stored_reading *reading, struct switchover *to)
{
    const json_t *value = json_object_get(reading->object, "hooks_before");
    const char *text = json_string_value(value);
    to->asks_hooks = value != NULL;
    if (value != NULL && (text == NULL || switchover_parse_verb(text, &to->asked_for) != 0)) {
        stored_fail(reading, "\"hooks_before\": it is no verb that is known");
    }
}

static void read_before(struct stored_reading *reading, const json_t *before, struct switchover_target *to)
{
    char *text = json_dumps(before, JSON_COMPACT);
    to->had_override = true;
    const char *why = NULL;
    (void)override_read_json(text, &to->before, &to->was_planned, &why);
    stored_fail(reading, why);
    free(text);
}

static void read_target(struct stored_reading *reading, const json_t *from, struct switchover_target *to)
{
    const char *text = json_string_value(json_object_get(from, "target")), *name;
    const json_t *before = json_object_get(from, "before");
    if (text == NULL || health_parse_target(text, &to->kind, &name) != 0 || name[0] == '\0' ||
        (size_t)snprintf(to->name, sizeof to->name, "%s", name) >= sizeof to->name) {
        stored_fail(reading, "\"targets\": expected \"region:NAME\", \"az:NAME\" or \"endpoint:NAME\"");
    } else if (before != NULL) {
        read_before(reading, before, to);
    }
}

static void read_steps(struct stored_reading *reading, const json_t *steps, struct switchover *to)
{
    unsigned least = 1;
    if (json_array_size(steps) > SWITCHOVER_STEPS_MAX) {
        stored_fail(reading, "\"steps\": too many");
        return;
    }
    for (size_t i = 0; i < json_array_size(steps); i++) {
        json_int_t step = json_integer_value(json_array_get(steps, i));
        if (step < (json_int_t)least || step >= ALL) {
            stored_fail(reading, "\"steps\": expected percent that rise, below 100");
            return;
        }
        to->steps[to->step_count++] = (uint8_t)step;
        least = (unsigned)step + 1;
    }
}

static void read_note(struct stored_reading *reading, const json_t *from, struct switchover_note *to)
{
    struct stored_reading note = {.object = from};
    get_state(&note, &to->state);
    to->wall_ms = stored_get_time(&note, "time", no_time);
    stored_get_text(&note, "what", to->what, sizeof to->what, no_text);
    stored_get_text(&note, "actor", to->actor, sizeof to->actor, no_text);
    stored_get_text(&note, "peer", to->peer, sizeof to->peer, no_text);
    stored_get_text(&note, "reason", to->reason, sizeof to->reason, no_text);
    stored_get_text(&note, "text", to->text, sizeof to->text, no_text);
    stored_fail(reading, note.why);
}

static void read_lists(struct stored_reading *reading, struct switchover *to)
{
    const json_t *targets = json_object_get(reading->object, "targets"),
                 *notes = json_object_get(reading->object, "notes");
    for (size_t i = 0; i < to->target_count; i++) {
        read_target(reading, json_array_get(targets, i), &to->targets[i]);
    }
    if (json_array_size(notes) > SWITCHOVER_NOTES_MAX) {
        stored_fail(reading, "\"notes\": too many");
        return;
    }
    for (size_t i = 0; i < json_array_size(notes); i++) {
        read_note(reading, json_array_get(notes, i), &to->notes[to->note_count++]);
    }
}

static void read_all(struct stored_reading *reading, struct switchover *to)
{
    get_state(reading, &to->state);
    to->is_emergency = json_is_true(json_object_get(reading->object, "emergency"));
    to->lowers_ttl = json_is_true(json_object_get(reading->object, "lower_ttl"));
    stored_get_text(reading, "actor", to->actor, sizeof to->actor, no_text);
    stored_get_text(reading, "peer", to->peer, sizeof to->peer, no_text);
    stored_get_text(reading, "reason", to->reason, sizeof to->reason, no_text);
    stored_get_text(reading, "to", to->to, sizeof to->to, no_text);
    stored_get_text(reading, "names", to->names, sizeof to->names, no_text);
    read_steps(reading, json_object_get(reading->object, "steps"), to);
    to->each_ms = (int64_t)stored_get_number(reading, "each_ms", EACH_MAX_MS, no_number);
    to->step = stored_get_number(reading, "step", SWITCHOVER_STEPS_MAX, no_number);
    to->ttl_s = (uint32_t)stored_get_number(reading, "ttl_s", UINT32_MAX, no_number);
    to->created_ms = stored_get_time(reading, "created", no_time);
    to->since_ms = stored_get_time(reading, "since", no_time);
    to->step_ms = stored_get_time(reading, "step_since", no_time);
    to->verified_ms = stored_get_time(reading, "verified", no_time);
    to->executed_ms = stored_get_time(reading, "executed", no_time);
    get_hooks(reading, to);
    stored_get_text(reading, "hooks_by", to->asker, sizeof to->asker, no_text);
    stored_get_text(reading, "held_by", to->held_by, sizeof to->held_by, no_text);
    stored_get_text(reading, "held", to->held, sizeof to->held, no_text);
    to->held_ms = stored_get_time(reading, "held_since", no_time);
    stored_get_text(reading, "accepted", to->accepted, sizeof to->accepted, no_text);
    to->hooks_agreed = json_is_true(json_object_get(reading->object, "hooks_agreed"));
    to->stays_away = json_is_true(json_object_get(reading->object, "stays_away"));
    to->changes = (uint32_t)stored_get_number(reading, "changes", UINT32_MAX, no_number);
    to->notes_lost = stored_get_number(reading, "notes_lost", INT64_MAX, no_number);
    read_lists(reading, to);
}

static bool is_sound(const struct switchover *s)
{
    bool is_way = s->state == SWITCHOVER_MOVING || s->state == SWITCHOVER_RETURNING;
    bool has_times = s->step_count == 0 || s->each_ms > 0;
    bool may_wait = is_way || s->state == SWITCHOVER_LOWERING;
    return s->target_count != 0 && has_times && (!is_way || s->step < s->step_count) &&
           (may_wait || !switchover_is_held(s)) && switchover_is_held(s) == (s->held_ms != 0);
}

struct switchover *switchover_read_json(const char *id, const char *text, const char **why)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct stored_reading reading = {.object = object};
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
