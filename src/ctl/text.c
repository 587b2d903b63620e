/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Texts from values of JSON, and JSON as text. */
#include "config.h"

#include "ctl/text.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MORE_SIZE = 24 }; /* " and 1000000 more" */

/* ---- JSON ---- */

enum { ESCAPE_LEN = 6 }; /* \u202e */

/* A code point behind "\u", as JSON writes it; a half of a pair is none that matters here. */
static uint32_t read_escape(const char *at, size_t len)
{
    char hex[5] = "";
    if (len >= ESCAPE_LEN && at[1] == 'u') {
        memcpy(hex, at + 2, 4);
    }
    return hex[0] == '\0' ? UTF8_REPLACEMENT : (uint32_t)strtoul(hex, NULL, 16);
}

/* In place, so that it stays JSON: what would be deceptive in a text of it. Line ends may stay: reports have
 * them, and who prints one line cleans it of them. */
static void clean(char *at, size_t len)
{
    uint32_t code = 0;
    for (size_t size; len != 0; at += size, len -= size) {
        size = *at == '\\' && len > 1 ? 2 : utf8_read(at, len, &code);
        if (size == 2 && *at == '\\') {
            if (at[1] == 'u' && utf8_is_deceptive(read_escape(at, len))) {
                memcpy(at, "\\u003f", ESCAPE_LEN);
            } else if (at[1] != 'u' && strchr("bfrt", at[1]) != NULL) {
                memcpy(at, " ?", 2);
            }
        } else if (size > 1 && utf8_is_deceptive(code)) {
            memset(at, '?', size);
        }
        size = size == 0 ? 1 : size;
    }
}

json_t *text_read_json(const char *bytes, size_t len, bool for_people)
{
    char *copy = for_people && len != 0 ? memory_alloc(len) : NULL;
    if (copy != NULL) {
        memcpy(copy, bytes, len);
        clean(copy, len);
    }
    json_t *json = json_loadb(copy != NULL ? copy : bytes, len, 0, NULL);
    free(copy);
    return json;
}

/* Escaped in JSON, whose own line ends are no part of a text; '?' in lines. */
static void put(const char *bytes, size_t len, bool is_json)
{
    uint32_t code = 0;
    size_t from = 0;
    for (size_t at = 0, size; at < len; at += size) {
        size = utf8_read(bytes + at, len - at, &code);
        if (size != 0 && utf8_is_deceptive(code) && (is_json ? size > 1 : code != '\n' && code != '\t')) {
            fwrite(bytes + from, 1, at - from, stdout);
            printf(is_json ? "\\u%04x" : "?", (unsigned)code);
            from = at + size;
        }
        size = size == 0 ? 1 : size;
    }
    fwrite(bytes + from, 1, len - from, stdout);
}

void text_put_json(const char *bytes, size_t len)
{
    put(bytes, len, true);
}

void text_put_lines(const char *bytes, size_t len)
{
    put(bytes, len, false);
}

static int gather(const char *bytes, size_t len, void *text)
{
    buffer_add(text, bytes, len);
    return 0;
}

void text_print_json(const json_t *json, size_t flags)
{
    struct buffer text;
    buffer_init(&text);
    (void)json_dump_callback(json, gather, &text, flags);
    text_put_json(text.bytes, text.len);
    putchar('\n');
    buffer_fini(&text);
}

/* ---- texts ---- */

const char *text_or_dash(const char *text)
{
    return text == NULL ? "-" : text;
}

const char *text_join(const json_t *texts, const char *between, char list[TEXT_LIST_SIZE])
{
    size_t used = 0, count = json_array_size(texts);
    list[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *text = text_or_dash(json_string_value(json_array_get(texts, i)));
        if (used + strlen(between) + strlen(text) + MORE_SIZE >= TEXT_LIST_SIZE) {
            snprintf(list + used, TEXT_LIST_SIZE - used, "%s%zu more", i == 0 ? "" : " and ", count - i);
            break;
        }
        used += (size_t)snprintf(list + used, TEXT_LIST_SIZE - used, "%s%s", i == 0 ? "" : between, text);
    }
    return list;
}

const char *text_number(const json_t *object, const char *key, char out[TEXT_NUMBER_SIZE])
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value)) {
        snprintf(out, TEXT_NUMBER_SIZE, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        snprintf(out, TEXT_NUMBER_SIZE, "%.3g", json_real_value(value));
    } else {
        snprintf(out, TEXT_NUMBER_SIZE, "-");
    }
    return out;
}

bool text_wants_colour(void)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) == 1 && (none == NULL || none[0] == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}
