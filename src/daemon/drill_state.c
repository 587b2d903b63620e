/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See drill_state.h. */
#include "config.h"

#include "daemon/drill_state.h"

#include "base/error.h"
#include "daemon/stored.h"

#include <stdio.h>
#include <string.h>

static const char *const run_keys[DRILL_OUTCOMES] = {
    [DRILL_MET] = "met", [DRILL_MISSED] = "not_met", [DRILL_NOT_RUN] = "not_run"};

char *drill_state_write(const struct drill_state *state)
{
    json_t *object = json_object();
    stored_set_time(object, "handled", state->handled_ms);
    stored_set_time(object, "due", state->due_ms);
    stored_set_time(object, "ran", state->ran_ms);
    stored_set_time(object, "success", state->success_ms);
    stored_set_flag(object, "running", state->is_running);
    stored_set_flag(object, "was_missed", state->was_missed);
    stored_set_text(object, "outcome", state->has_outcome ? drill_outcome_text(state->outcome) : NULL);
    stored_set_text(object, "why", state->why);
    stored_set_text(object, "report", state->report);
    stored_set_number(object, "missed", state->missed);
    for (int i = 0; i < DRILL_OUTCOMES; i++) {
        stored_set_number(object, run_keys[i], state->runs[i]);
    }
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

static void read_outcome(struct stored_reading *reading, struct drill_state *state)
{
    static const char why[] = "\"outcome\": expected met, missed or not_run";
    char text[16] = "";
    stored_get_text(reading, "outcome", text, sizeof text, why);
    for (int i = 0; i < DRILL_OUTCOMES; i++) {
        if (strcmp(text, drill_outcome_text((enum drill_outcome)i)) == 0) {
            state->outcome = (enum drill_outcome)i;
            state->has_outcome = true;
        }
    }
    if (text[0] != '\0' && !state->has_outcome) {
        stored_fail(reading, why);
    }
}

static void read_fields(struct stored_reading *reading, struct drill_state *state)
{
    static const char no_time[] = "expected an RFC 3339 time", no_number[] = "a number is none, or too large",
                      no_text[] = "a text is none, or too long", no_flag[] = "expected true or false";
    state->handled_ms = stored_get_time(reading, "handled", no_time);
    state->due_ms = stored_get_time(reading, "due", no_time);
    state->ran_ms = stored_get_time(reading, "ran", no_time);
    state->success_ms = stored_get_time(reading, "success", no_time);
    state->is_running = stored_get_flag(reading, "running", no_flag);
    state->was_missed = stored_get_flag(reading, "was_missed", no_flag);
    read_outcome(reading, state);
    stored_get_text(reading, "why", state->why, sizeof state->why, no_text);
    stored_get_text(reading, "report", state->report, sizeof state->report, no_text);
    state->missed = stored_get_number(reading, "missed", INT64_MAX, no_number);
    for (int i = 0; i < DRILL_OUTCOMES; i++) {
        state->runs[i] = stored_get_number(reading, run_keys[i], INT64_MAX, no_number);
    }
}

int drill_state_read(const char *name, const char *text, struct drill_state *state, const char **why)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct stored_reading reading = {.object = object};
    *state = (struct drill_state){.handled_ms = 0};
    *why = NULL;
    if (!json_is_object(object)) {
        *why = "expected a JSON object";
    } else if ((size_t)snprintf(state->name, sizeof state->name, "%s", name) >= sizeof state->name) {
        *why = "its name is too long";
    } else {
        read_fields(&reading, state);
        *why = reading.why;
    }
    json_decref(object);
    return *why == NULL ? 0 : ERROR_SYNTAX;
}
