/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whatever a version before or after this one, or a person with an editor, may have written is read: what is
 * not understood is refused, and never taken for "nothing is desired". */
#include "config.h"

#include "daemon/override_json.h"

#include "base/clock.h"
#include "base/error.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        /* peers are what the system calls its users: no JSON if that is not UTF-8 */
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

static void set_flag(json_t *object, const char *key, bool flag)
{
    if (flag) {
        json_object_set_new(object, key, json_true());
    }
}

static void add_clock(json_t *object, const struct override_clock *clock)
{
    if (clock != NULL && clock->boot[0] != '\0') {
        json_t *value = json_object();
        set_text(value, "boot", clock->boot);
        json_object_set_new(value, "offset_ms", json_integer(clock->offset_ms));
        json_object_set_new(object, "clock", value);
    }
}

static void set_clock(json_t *object, const struct health_override *override,
                      const struct override_clock *clock)
{
    if (override->starts_by_duration || override->expires_by_duration) {
        add_clock(object, clock);
    }
}

char *override_write_json(const struct health_override *override, bool planned,
                          const struct override_clock *clock)
{
    json_t *object = json_object();
    set_text(object, "state", health_desired_text(override->desired));
    if (override->share != 0) {
        json_object_set_new(object, "share", json_integer(override->share));
    }
    set_text(object, "reason", override->reason);
    set_text(object, "actor", override->actor);
    set_text(object, "peer", override->peer);
    set_text(object, "to", override->to);
    set_time(object, "set", override->set_ms);
    set_time(object, "starts", override->starts_ms);
    set_flag(object, "starts_by_duration", override->starts_by_duration);
    set_flag(object, "planned", planned);
    set_time(object, "expires", override->expires_ms);
    set_flag(object, "expires_by_duration", override->expires_by_duration);
    set_clock(object, override, clock);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

/* ---- reading ---- */

struct reading {
    const json_t *object;
    const char *why; /* NULL: nothing is wrong */
};

static void get_text(struct reading *reading, const char *key, char *to, size_t size, const char *why)
{
    const json_t *value = json_object_get(reading->object, key);
    const char *text = json_string_value(value);
    if (value == NULL) {
        return;
    }
    if (text == NULL || strlen(text) >= size || strlen(text) != json_string_length(value)) {
        reading->why = why;
        return;
    }
    memcpy(to, text, strlen(text) + 1);
}

static int64_t get_time(struct reading *reading, const char *key, const char *why)
{
    const json_t *value = json_object_get(reading->object, key);
    int64_t wall_ms = 0;
    if (value != NULL &&
        (!json_is_string(value) || clock_parse_rfc3339(json_string_value(value), &wall_ms) != 0)) {
        reading->why = why;
    }
    return wall_ms;
}

static bool get_flag(struct reading *reading, const char *key, const char *why)
{
    const json_t *value = json_object_get(reading->object, key);
    if (value != NULL && !json_is_boolean(value)) {
        reading->why = why;
    }
    return json_is_true(value);
}

static void read_state(struct reading *reading, struct health_override *override)
{
    const char *text = json_string_value(json_object_get(reading->object, "state"));
    if (text == NULL || health_parse_desired(text, &override->desired) != 0 ||
        override->desired == HEALTH_DESIRED_AUTO) {
        reading->why = "\"state\": expected \"drain\", \"up\" or \"down\"";
    }
}

static void read_share(struct reading *reading, struct health_override *override)
{
    const json_t *value = json_object_get(reading->object, "share");
    json_int_t share = json_integer_value(value);
    if (value != NULL && (!json_is_integer(value) || share < 1 || share >= HEALTH_RAMP_WHOLE ||
                          override->desired != HEALTH_DESIRED_DRAIN)) {
        reading->why = "\"share\": expected a number from 1 to 99 beside the state \"drain\"";
        return;
    }
    override->share = (uint8_t)share;
}

int override_read_json(const char *text, struct health_override *override, bool *planned, const char **why)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct reading reading = {.object = object};
    *override = (struct health_override){.desired = HEALTH_DESIRED_AUTO};
    if (!json_is_object(object)) {
        json_decref(object);
        *why = "expected a JSON object";
        return ERROR_SYNTAX;
    }
    override->set_ms = get_time(&reading, "set", "\"set\": expected an RFC 3339 time");
    override->starts_ms = get_time(&reading, "starts", "\"starts\": expected an RFC 3339 time");
    override->expires_ms = get_time(&reading, "expires", "\"expires\": expected an RFC 3339 time");
    override->starts_by_duration =
        get_flag(&reading, "starts_by_duration", "\"starts_by_duration\": expected true or false");
    override->expires_by_duration =
        get_flag(&reading, "expires_by_duration", "\"expires_by_duration\": expected true or false");
    *planned = get_flag(&reading, "planned", "\"planned\": expected true or false");
    get_text(&reading, "reason", override->reason, sizeof override->reason, "\"reason\": expected a text");
    get_text(&reading, "actor", override->actor, sizeof override->actor, "\"actor\": expected a text");
    get_text(&reading, "peer", override->peer, sizeof override->peer, "\"peer\": expected a text");
    get_text(&reading, "to", override->to, sizeof override->to,
             "\"to\": expected the name of a region or an az");
    read_state(&reading, override);
    read_share(&reading, override);
    /* the end of one that has begun may have gone back with the clock, behind its start, which stays */
    if (reading.why == NULL && *planned && override->expires_ms != 0 &&
        override->expires_ms <= override->starts_ms) {
        reading.why = "it ends before it starts";
    }
    json_decref(object);
    *why = reading.why;
    return reading.why == NULL ? 0 : ERROR_SYNTAX;
}

int64_t override_find_step(const char *text, const struct override_clock *now)
{
    enum { STEP_MS = 100 }; /* less is no step but the two clocks being read one after the other */
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const json_t *clock = json_object_get(object, "clock"), *offset = json_object_get(clock, "offset_ms");
    const char *boot = json_string_value(json_object_get(clock, "boot"));
    int64_t by_ms = 0, then_ms = json_integer_value(offset);
    if (boot != NULL && strcmp(boot, now->boot) == 0 && json_is_integer(offset) &&
        __builtin_sub_overflow(now->offset_ms, then_ms, &by_ms)) {
        by_ms = 0;
    }
    json_decref(object);
    return by_ms > -STEP_MS && by_ms < STEP_MS ? 0 : by_ms;
}

/* ---- what was let back ---- */

char *failback_write_json(const struct health_override *who, const struct override_clock *clock)
{
    json_t *object = json_object();
    set_time(object, "said", who->set_ms);
    set_text(object, "reason", who->reason);
    set_text(object, "actor", who->actor);
    set_text(object, "peer", who->peer);
    add_clock(object, clock);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

int64_t failback_read_json(const char *text, const struct override_clock *now)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *said = json_string_value(json_object_get(object, "said"));
    int64_t wall_ms = 0;
    wall_ms = said == NULL || clock_parse_rfc3339(said, &wall_ms) != 0 ? 0 : wall_ms;
    json_decref(object);
    return wall_ms == 0 ? 0 : wall_ms + override_find_step(text, now);
}
