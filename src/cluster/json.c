/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See json.h. */
#include "config.h"

#include "cluster/json.h"

#include "base/error.h"
#include "base/hex.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { HEX_MAX = 32 };

/* ---- reading ---- */

void json_open(struct json_reading *reading, const char *text, size_t len)
{
    *reading = (struct json_reading){.object = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL)};
    if (!json_is_object(reading->object)) {
        reading->error = ERROR_SYNTAX;
        reading->why = "expected a JSON object";
    }
}

int json_close(struct json_reading *reading, const char **why)
{
    json_decref(reading->object);
    reading->object = NULL;
    if (why != NULL) {
        *why = reading->why;
    }
    return reading->error;
}

void json_fail(struct json_reading *reading, const char *why)
{
    if (reading->error == 0) {
        reading->error = ERROR_INVALID;
        reading->why = why;
    }
}

uint64_t json_get_number(struct json_reading *reading, const char *key, uint64_t most, const char *why)
{
    const json_t *value = json_object_get(reading->object, key);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uint64_t)number > most) {
        json_fail(reading, why);
        return 0;
    }
    return (uint64_t)number;
}

void json_get_hex(struct json_reading *reading, const char *key, uint8_t *bytes, size_t len, const char *why)
{
    const json_t *value = json_object_get(reading->object, key);
    memset(bytes, 0, len);
    if (!json_is_string(value) || json_string_length(value) != 2 * len ||
        !hex_read(json_string_value(value), bytes, len)) {
        json_fail(reading, why);
    }
}

uint64_t json_get_word(struct json_reading *reading, const char *key, const char *why)
{
    uint8_t bytes[sizeof(uint64_t)];
    uint64_t word = 0;
    json_get_hex(reading, key, bytes, sizeof bytes, why);
    for (size_t i = 0; i < sizeof bytes; i++) {
        word = word << 8 | bytes[i];
    }
    return word;
}

const char *json_find_text(struct json_reading *reading, const char *key, const char *why)
{
    const json_t *value = json_object_get(reading->object, key);
    const char *text = json_string_value(value);
    if (value != NULL && (text == NULL || strlen(text) != json_string_length(value))) {
        json_fail(reading, why);
        return NULL;
    }
    return text;
}

const char *json_get_text(struct json_reading *reading, const char *key, const char *why)
{
    const char *text = json_find_text(reading, key, why);
    if (text == NULL) {
        json_fail(reading, why);
        return "";
    }
    return text;
}

int64_t json_find_time(struct json_reading *reading, const char *key, const char *why)
{
    const json_t *value = json_object_get(reading->object, key);
    json_int_t number = json_integer_value(value);
    if (value != NULL && (!json_is_integer(value) || number == 0)) {
        json_fail(reading, why); /* 0 is not written */
    }
    return number;
}

bool json_find_flag(struct json_reading *reading, const char *key, const char *why)
{
    const json_t *value = json_object_get(reading->object, key);
    if (value != NULL && !json_is_boolean(value)) {
        json_fail(reading, why);
    }
    return json_is_true(value);
}

/* ---- writing ---- */

void json_set_hex(json_t *object, const char *key, const uint8_t *bytes, size_t len)
{
    char text[2 * HEX_MAX + 1];
    assert(len <= HEX_MAX);
    json_object_set_new(object, key, json_string(hex_write(bytes, len, text)));
}

void json_set_word(json_t *object, const char *key, uint64_t word)
{
    uint8_t bytes[sizeof word];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(word >> (56 - 8 * i));
    }
    json_set_hex(object, key, bytes, sizeof bytes);
}

void json_set_number(json_t *object, const char *key, uint64_t number)
{
    json_object_set_new(object, key, json_integer((json_int_t)number));
}

void json_set_time(json_t *object, const char *key, int64_t wall_ms)
{
    if (wall_ms != 0) {
        json_object_set_new(object, key, json_integer(wall_ms));
    }
}

void json_put_text(json_t *object, const char *key, const char *text)
{
    json_t *value = json_string(text);
    json_object_set_new(object, key, value == NULL ? json_string("?") : value);
}

void json_set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        json_put_text(object, key, text);
    }
}

char *json_finish(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

const char *json_finish_into(json_t *object, char *text, size_t size)
{
    size_t len = json_dumpb(object, text, size, JSON_COMPACT);
    assert(len > 0 && len < size);
    text[len] = '\0';
    json_decref(object);
    return text;
}
