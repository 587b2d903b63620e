/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See lines.h. The value comes last, so that what was written here is found again without being written anew:
 * numbers have more than one spelling. */
#include "config.h"

#include "past/lines.h"

#include "base/error.h"
#include "store/key.h"
#include "past/found.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const known[] = {"kind", "key", "revision", "written_ms", "expires_ms", "value"};
enum { KNOWN = sizeof known / sizeof *known };

/* Kinds and keys have no control characters. */
static void add_quoted(struct buffer *out, const char *text)
{
    buffer_add(out, "\"", 1);
    for (size_t len; *text != '\0'; text += len) {
        len = strcspn(text, "\"\\");
        buffer_add(out, text, len);
        if (text[len] != '\0') {
            buffer_print(out, "\\%c", text[len]);
            len++;
        }
    }
    buffer_add(out, "\"", 1);
}

/* All that is before the value. */
static void write_head(struct buffer *out, const struct store_object *object)
{
    buffer_add_text(out, "{\"kind\":");
    add_quoted(out, object->kind);
    buffer_add_text(out, ",\"key\":");
    add_quoted(out, object->key);
    buffer_print(out, ",\"revision\":%llu,\"written_ms\":%lld,\"expires_ms\":%lld,\"value\":",
                 (unsigned long long)object->revision, (long long)object->written_ms,
                 (long long)object->expires_ms);
}

void lines_write(struct buffer *out, const struct store_object *object)
{
    write_head(out, object);
    buffer_add_text(out, object->value);
    buffer_add_text(out, "}\n");
}

/* ---- reading ---- */

struct reading {
    const json_t *line;
    struct arena *arena;
    char *why; /* "": nothing is wrong */
};

static void complain(struct reading *reading, const char *field, const char *found, const char *expected)
{
    if (reading->why[0] == '\0') {
        snprintf(reading->why, LINES_WHY_SIZE, "\"%s\": found %s, expected %s", field, found, expected);
    }
}

static bool is_kind(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= STORE_KIND_MAX && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static const char *take_text(struct reading *reading, const char *field, bool (*is_good)(const char *text),
                             const char *expected)
{
    const json_t *value = json_object_get(reading->line, field);
    const char *text = json_string_value(value);
    if (value == NULL) {
        complain(reading, field, "nothing", expected);
    } else if (text == NULL) {
        complain(reading, field, found_text(value), expected);
    } else if (strlen(text) != json_string_length(value) || !is_good(text)) {
        complain(reading, field, "another text", expected);
    }
    return arena_copy_text(reading->arena, text == NULL ? "" : text);
}

static int64_t take_number(struct reading *reading, const char *field)
{
    const json_t *value = json_object_get(reading->line, field);
    if (value == NULL) {
        return 0;
    }
    if (!json_is_integer(value)) {
        complain(reading, field, found_text(value), "a whole number");
    } else if (json_integer_value(value) < 0) {
        complain(reading, field, "a number below 0", "0 or more");
    }
    return json_integer_value(value);
}

static void reject_unknown(struct reading *reading)
{
    const char *field;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)reading->line, field, value)
    {
        size_t i = 0;
        while (i < KNOWN && strcmp(known[i], field) != 0) {
            i++;
        }
        if (i == KNOWN) {
            char short_name[64];
            snprintf(short_name, sizeof short_name, "%s", field);
            complain(reading, short_name, "a field of this name",
                     "kind, key, value, revision, written_ms or expires_ms");
        }
    }
}

/* As it stands in a line that was written here; NULL: another one wrote it. */
static const char *find_value(const char *text, size_t len, const struct store_object *object,
                              struct arena *arena)
{
    struct buffer head;
    buffer_init(&head);
    write_head(&head, object);
    bool is_ours = len > head.len && memcmp(text, head.bytes, head.len) == 0 && text[len - 1] == '}';
    size_t at = head.len;
    buffer_fini(&head);
    if (!is_ours) {
        return NULL;
    }
    char *value = arena_alloc_bytes(arena, len - at);
    memcpy(value, text + at, len - at - 1);
    value[len - at - 1] = '\0';
    return value;
}

static const char *take_value(struct reading *reading, const char *text, size_t len,
                              const struct store_object *object)
{
    enum { DIGITS = 17 }; /* of a double */
    const json_t *value = json_object_get(reading->line, "value");
    if (value == NULL) {
        complain(reading, "value", "nothing", "any JSON");
    }
    if (reading->why[0] != '\0') {
        return "";
    }
    const char *found = find_value(text, len, object, reading->arena);
    if (found == NULL) {
        char *written = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(DIGITS));
        found = arena_copy_text(reading->arena, written == NULL ? "null" : written);
        free(written);
    }
    if (strlen(found) > STORE_VALUE_MAX) {
        complain(reading, "value", "more than 1 MiB", "less");
    }
    return found;
}

int lines_read(const char *text, size_t len, struct arena *arena, struct store_object *object,
               char why[LINES_WHY_SIZE])
{
    json_error_t error;
    json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    struct reading reading = {.line = line, .arena = arena, .why = why};
    why[0] = '\0';
    *object = (struct store_object){.kind = NULL};
    if (!json_is_object(line)) {
        if (line == NULL) {
            snprintf(why, LINES_WHY_SIZE, "column %d: %s, expected a JSON object in one line", error.column,
                     error.text);
        } else {
            snprintf(why, LINES_WHY_SIZE, "found %s, expected a JSON object", found_text(line));
        }
        json_decref(line);
        return ERROR_SYNTAX;
    }
    reject_unknown(&reading);
    object->kind = take_text(&reading, "kind", is_kind, "1 to 63 lower-case letters, digits and hyphens");
    object->key =
        take_text(&reading, "key", store_is_key, "1 to 1023 octets of UTF-8 without control characters");
    object->revision = (uint64_t)take_number(&reading, "revision");
    object->written_ms = take_number(&reading, "written_ms");
    object->expires_ms = take_number(&reading, "expires_ms");
    object->value = take_value(&reading, text, len, object);
    json_decref(line);
    return why[0] == '\0' ? 0 : ERROR_SYNTAX;
}

int lines_walk(const char *text, size_t len, struct arena *arena,
               bool (*got)(void *context, const struct store_object *object, size_t line), void *context,
               size_t *line, char why[LINES_WHY_SIZE])
{
    *line = 0;
    for (size_t at = 0, size; at < len; at += size + 1) {
        const char *end = memchr(text + at, '\n', len - at);
        size = end == NULL ? len - at : (size_t)(end - text) - at;
        size_t used = size != 0 && text[at + size - 1] == '\r' ? size - 1 : size;
        struct store_object object;
        ++*line;
        if (used == 0) {
            continue;
        }
        int error = lines_read(text + at, used, arena, &object, why);
        if (error != 0) {
            return error;
        }
        if (!got(context, &object, *line)) {
            return 0;
        }
    }
    return 0;
}
