/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whatever a version before or after this one, or a person with an editor, may have written is read: what is
 * not understood is refused, and never taken for "nothing is desired". */
#include "config.h"

#include "daemon/override_json.h"

#include "base/clock.h"
#include "base/error.h"
#include "daemon/stored.h"

#include <jansson.h>
#include <string.h>

void override_write_clock(json_t *object, const struct override_clock *clock)
{
    if (clock != NULL && clock->boot[0] != '\0') {
        json_t *value = json_object();
        stored_set_text(value, "boot", clock->boot);
        json_object_set_new(value, "offset_ms", json_integer(clock->offset_ms));
        json_object_set_new(object, "clock", value);
    }
}

static void set_clock(json_t *object, const struct health_override *override,
                      const struct override_clock *clock)
{
    if (override->starts_by_duration || override->expires_by_duration) {
        override_write_clock(object, clock);
    }
}

char *override_write_json(const struct health_override *override, bool planned,
                          const struct override_clock *clock)
{
    json_t *object = json_object();
    stored_set_text(object, "state", health_desired_text(override->desired));
    if (override->share != 0) {
        json_object_set_new(object, "share", json_integer(override->share));
    }
    stored_set_text(object, "reason", override->reason);
    stored_set_text(object, "actor", override->actor);
    stored_set_text(object, "peer", override->peer);
    if (override->has_ttl) {
        json_object_set_new(object, "ttl", json_integer(override->ttl_s));
    }
    stored_set_text(object, "to", override->to);
    stored_set_text(object, "names", override->names);
    stored_set_time(object, "set", override->set_ms);
    stored_set_time(object, "starts", override->starts_ms);
    stored_set_flag(object, "starts_by_duration", override->starts_by_duration);
    stored_set_flag(object, "planned", planned);
    stored_set_time(object, "expires", override->expires_ms);
    stored_set_flag(object, "expires_by_duration", override->expires_by_duration);
    set_clock(object, override, clock);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

/* ---- reading ---- */

static void read_state(struct stored_reading *reading, struct health_override *override)
{
    const char *text = json_string_value(json_object_get(reading->object, "state"));
    if (text == NULL || health_parse_desired(text, &override->desired) != 0 ||
        override->desired == HEALTH_DESIRED_AUTO) {
        stored_fail(reading, "\"state\": expected \"drain\", \"up\" or \"down\"");
    }
}

static void read_share(struct stored_reading *reading, struct health_override *override)
{
    const json_t *value = json_object_get(reading->object, "share");
    json_int_t share = json_integer_value(value);
    if (value != NULL && (!json_is_integer(value) || share < 1 || share >= HEALTH_RAMP_WHOLE ||
                          override->desired != HEALTH_DESIRED_DRAIN)) {
        stored_fail(reading, "\"share\": expected a number from 1 to 99 beside the state \"drain\"");
        return;
    }
    override->share = (uint8_t)share;
}

static void read_ttl(struct stored_reading *reading, struct health_override *override)
{
    const json_t *value = json_object_get(reading->object, "ttl");
    json_int_t ttl_s = json_integer_value(value);
    override->has_ttl = value != NULL;
    override->ttl_s = (uint32_t)ttl_s;
    if (value != NULL && (!json_is_integer(value) || ttl_s < 0 || ttl_s > HEALTH_TTL_MAX_S)) {
        stored_fail(reading, "\"ttl\": expected seconds from 0 to 2147483647");
        override->has_ttl = false;
    }
}

int override_read_json(const char *text, struct health_override *override, bool *planned, const char **why)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct stored_reading reading = {.object = object};
    *override = (struct health_override){.desired = HEALTH_DESIRED_AUTO};
    if (!json_is_object(object)) {
        json_decref(object);
        *why = "expected a JSON object";
        return ERROR_SYNTAX;
    }
    override->set_ms = stored_get_time(&reading, "set", "\"set\": expected an RFC 3339 time");
    override->starts_ms = stored_get_time(&reading, "starts", "\"starts\": expected an RFC 3339 time");
    override->expires_ms = stored_get_time(&reading, "expires", "\"expires\": expected an RFC 3339 time");
    override->starts_by_duration =
        stored_get_flag(&reading, "starts_by_duration", "\"starts_by_duration\": expected true or false");
    override->expires_by_duration =
        stored_get_flag(&reading, "expires_by_duration", "\"expires_by_duration\": expected true or false");
    *planned = stored_get_flag(&reading, "planned", "\"planned\": expected true or false");
    stored_get_text(&reading, "reason", override->reason, sizeof override->reason,
                    "\"reason\": expected a text");
    stored_get_text(&reading, "actor", override->actor, sizeof override->actor, "\"actor\": expected a text");
    stored_get_text(&reading, "peer", override->peer, sizeof override->peer, "\"peer\": expected a text");
    stored_get_text(&reading, "to", override->to, sizeof override->to,
                    "\"to\": expected the name of a region or an az");
    stored_get_text(&reading, "names", override->names, sizeof override->names,
                    "\"names\": expected groups of names, with commas between");
    read_state(&reading, override);
    read_share(&reading, override);
    read_ttl(&reading, override);
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
    stored_set_time(object, "said", who->set_ms);
    stored_set_text(object, "reason", who->reason);
    stored_set_text(object, "actor", who->actor);
    stored_set_text(object, "peer", who->peer);
    override_write_clock(object, clock);
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
