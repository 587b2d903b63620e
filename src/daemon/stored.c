/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See stored.h. */
#include "config.h"

#include "daemon/stored.h"

#include "base/clock.h"
#include "base/hex.h"

#include <string.h>

/* ---- writing ---- */

void stored_set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        /* peers are what the system calls its users: no JSON if that is not UTF-8 */
        json_t *value = json_string(text);
        json_object_set_new(object, key, value == NULL ? json_string("?") : value);
    }
}

void stored_set_time(json_t *object, const char *key, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    if (wall_ms != 0) {
        json_object_set_new(object, key, json_string(clock_write_rfc3339(wall_ms, text)));
    }
}

void stored_set_number(json_t *object, const char *key, uint64_t value)
{
    if (value != 0) {
        json_object_set_new(object, key, json_integer((json_int_t)value));
    }
}

void stored_set_flag(json_t *object, const char *key, bool flag)
{
    if (flag) {
        json_object_set_new(object, key, json_true());
    }
}

void stored_set_hex(json_t *object, const char *key, const uint8_t *bytes, size_t len)
{
    char text[2 * STORED_HEX_MAX + 1] = "";
    json_object_set_new(object, key,
                        json_string(hex_write(bytes, len < STORED_HEX_MAX ? len : STORED_HEX_MAX, text)));
}

/* ---- reading ---- */

void stored_fail(struct stored_reading *reading, const char *why)
{
    reading->why = reading->why == NULL ? why : reading->why;
}

const json_t *stored_find(struct stored_reading *reading, const char *key)
{
    const json_t *value = json_object_get(reading->object, key);
    reading->found += value != NULL;
    return value;
}

void stored_need(struct stored_reading *reading, const char *key, const char *why)
{
    if (json_object_get(reading->object, key) == NULL) {
        stored_fail(reading, why);
    }
}

void stored_get_text(struct stored_reading *reading, const char *key, char *text, size_t size,
                     const char *why)
{
    const json_t *value = stored_find(reading, key);
    const char *found = json_string_value(value);
    if (value == NULL) {
        return;
    }
    if (found == NULL || strlen(found) >= size || strlen(found) != json_string_length(value)) {
        stored_fail(reading, why);
    } else {
        memcpy(text, found, strlen(found) + 1);
    }
}

int64_t stored_get_time(struct stored_reading *reading, const char *key, const char *why)
{
    const json_t *value = stored_find(reading, key);
    int64_t wall_ms = 0;
    if (value != NULL &&
        (!json_is_string(value) || clock_parse_rfc3339(json_string_value(value), &wall_ms) != 0)) {
        stored_fail(reading, why);
    }
    return wall_ms;
}

uint64_t stored_get_number(struct stored_reading *reading, const char *key, uint64_t most, const char *why)
{
    const json_t *value = stored_find(reading, key);
    json_int_t number = json_integer_value(value);
    if (value != NULL && (!json_is_integer(value) || number < 0 || (uint64_t)number > most)) {
        stored_fail(reading, why);
        return 0;
    }
    return (uint64_t)number;
}

bool stored_get_flag(struct stored_reading *reading, const char *key, const char *why)
{
    const json_t *value = stored_find(reading, key);
    if (value != NULL && !json_is_boolean(value)) {
        stored_fail(reading, why);
    }
    return json_is_true(value);
}

bool stored_get_hex(struct stored_reading *reading, const char *key, uint8_t *bytes, size_t len,
                    const char *why)
{
    const json_t *value = stored_find(reading, key);
    if (value != NULL && (!json_is_string(value) || !hex_read(json_string_value(value), bytes, len))) {
        stored_fail(reading, why);
    }
    return value != NULL;
}
