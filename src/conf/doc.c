/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Messages about a document. jansson parses and owns the tree; the text is kept beside it, because jansson
 * forgets where a value stood and locate.h finds it again for a message. */
#include "config.h"

#include "conf/doc.h"

#include "base/arena.h"
#include "base/utf8.h"
#include "conf/doc_internal.h"
#include "conf/locate.h"
#include "conf/redact.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

/* MESSAGE_SIZE stays below what a report keeps of a message, so that the cut is made here, between
 * characters. */
enum { MESSAGE_SIZE = 1000, KEY_SHOWN = 96 };

struct doc_node doc_get_root(struct doc *doc)
{
    return (struct doc_node){.doc = doc, .value = doc->root};
}

struct report *doc_get_report(const struct doc_node *node)
{
    return node->doc->report;
}

/* ---- places ---- */

/* Where among its siblings; jansson keeps the order of the text, and duplicate keys were rejected. */
static size_t find_ordinal(const struct doc_node *node)
{
    if (node->ordinal != DOC_ORDINAL_UNKNOWN) {
        return node->ordinal;
    }
    json_t *object = (json_t *)(uintptr_t)node->parent->value;
    size_t ordinal = 0;
    for (void *i = json_object_iter(object); i != NULL; i = json_object_iter_next(object, i), ordinal++) {
        if (strcmp(json_object_iter_key(i), node->key) == 0) {
            break;
        }
    }
    return ordinal;
}

static void find_place(const struct doc_node *node, bool at_key, struct report_place *place)
{
    struct doc *doc = node->doc;
    size_t path[LOCATE_MAX_DEPTH], depth = 0, at = LOCATE_MAX_DEPTH, key_at, value_at;
    place->file = doc->path;
    place->line = place->column = 0;
    for (; node->parent != NULL; node = node->parent, depth++) {
        if (at == 0) {
            return;
        }
        path[--at] = find_ordinal(node);
    }
    if (doc->locate == NULL) {
        doc->locate = locate_new(doc->text, doc->len);
    }
    if (locate_find_value(doc->locate, path + at, depth, &key_at, &value_at) != 0) {
        return;
    }
    if (doc->merge != NULL) {
        merge_find_place(doc->merge, at_key ? key_at : value_at, place);
    } else {
        locate_get_place(doc->locate, at_key ? key_at : value_at, &place->line, &place->column);
    }
}

void doc_find_key_place(const struct doc_node *node, unsigned *line, unsigned *column)
{
    struct report_place place;
    find_place(node, true, &place);
    *line = place.line;
    *column = place.column;
}

/* One step of a JSON path: .key, ["odd key"] or [3]. */
static void write_step(const struct doc_node *node, struct buffer *to)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    if (node->key == NULL) {
        buffer_print(to, "[%zu]", node->ordinal);
    } else if (node->key[0] != '\0' && node->key[strspn(node->key, plain)] == '\0' &&
               strlen(node->key) <= KEY_SHOWN) {
        buffer_print(to, ".%s", node->key);
    } else {
        char key[KEY_SHOWN + 1];
        snprintf(key, sizeof key, "%s", node->key);
        utf8_make_printable(key);
        buffer_print(to, "[\"%s\"]", key);
    }
}

static void write_path(const struct doc_node *node, struct buffer *to)
{
    const struct doc_node *steps[LOCATE_MAX_DEPTH];
    size_t count = 0;
    for (; node->parent != NULL && count < LOCATE_MAX_DEPTH; node = node->parent) {
        steps[count++] = node;
    }
    buffer_add_text(to, "$");
    while (count > 0) {
        write_step(steps[--count], to);
    }
}

/* ---- messages ---- */

void doc_report_syntax(struct doc *doc, const json_error_t *error)
{
    doc->errors++;
    doc->issues++;
    struct report_place place = {.file = doc->path,
                                 .line = error->line > 0 ? (unsigned)error->line : 0,
                                 .column = error->column > 0 ? (unsigned)error->column : 0};
    char message[MESSAGE_SIZE];
    if (doc->merge != NULL && error->position > 0) { /* each file is good for itself */
        merge_find_place(doc->merge, (size_t)error->position - 1, &place);
        report_add(doc->report, REPORT_ERROR, &place, "%s: another file has it as well", error->text);
        return;
    }
    snprintf(message, sizeof message, "not valid JSON: %s", error->text);
    utf8_make_printable(message);
    report_add(doc->report, REPORT_ERROR, &place, "%s", message);
}

bool doc_has_errors(const struct doc *doc)
{
    return doc->errors != 0;
}

bool doc_is_cancelled(struct doc *doc)
{
    bool cancelled = report_is_cancelled(doc->report);
    doc->errors += cancelled;
    return cancelled;
}

size_t doc_count_issues(const struct doc *doc)
{
    return doc->issues;
}

bool doc_wants_detail(const struct doc *doc)
{
    return report_count(doc->report) < REPORT_MAX_ITEMS;
}

static void add_message(const struct doc_node *node, enum report_severity severity, bool at_key,
                        const char *format, va_list arguments)
{
    struct doc *doc = node->doc;
    struct report_place place = {.file = NULL};
    doc->issues++;
    doc->errors += severity == REPORT_ERROR;
    if (!doc_wants_detail(doc)) {
        report_add(doc->report, severity, NULL, "%s", "");
        return;
    }
    char message[MESSAGE_SIZE];
    struct buffer path;
    vsnprintf(message, sizeof message, format, arguments);
    utf8_make_printable(message);
    buffer_init(&path);
    write_path(node, &path);
    place.path = path.bytes;
    find_place(node, at_key, &place);
    report_add(doc->report, severity, &place, "%s", message);
    buffer_fini(&path);
}

void doc_error(const struct doc_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_message(node, REPORT_ERROR, false, format, arguments);
    va_end(arguments);
}

void doc_error_at_key(const struct doc_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_message(node, REPORT_ERROR, true, format, arguments);
    va_end(arguments);
}

void doc_warning(const struct doc_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_message(node, REPORT_WARNING, true, format, arguments);
    va_end(arguments);
}

struct report_place doc_keep_place(const struct doc_node *node, struct arena *arena)
{
    struct report_place place = {.file = NULL};
    struct buffer path;
    buffer_init(&path);
    write_path(node, &path);
    place.path = arena_copy_text(arena, path.bytes);
    find_place(node, false, &place);
    place.file = NULL;
    buffer_fini(&path);
    return place;
}

static bool is_secret(const struct doc_node *node)
{
    bool is_program = node->key == NULL && node->ordinal == 0 && node->parent != NULL &&
                      node->parent->key != NULL && strcmp(node->parent->key, "command") == 0;
    for (const struct doc_node *at = node; !is_program && at != NULL && at->parent != NULL; at = at->parent) {
        if (redact_is_secret(at->key, at->parent->key, at->value)) {
            return true;
        }
    }
    return false;
}

const char *doc_describe(const struct doc_node *node, char text[DOC_VALUE_TEXT_SIZE])
{
    const json_t *value = node->value;
    if ((json_is_string(value) || json_is_number(value)) && is_secret(node)) {
        return json_is_string(value) ? "a text that is not shown" : "a number";
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    case JSON_NULL: return "null";
    case JSON_INTEGER:
        snprintf(text, DOC_VALUE_TEXT_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return text;
    case JSON_REAL: snprintf(text, DOC_VALUE_TEXT_SIZE, "%.12g", json_real_value(value)); return text;
    case JSON_STRING: break;
    }
    const char *string = json_string_value(value);
    const char *format = strlen(string) > 100 ? "\"%.100s...\"" : "\"%s\"";
    snprintf(text, DOC_VALUE_TEXT_SIZE, format, string);
    return text;
}

void doc_error_expected(const struct doc_node *node, const char *expected)
{
    char found[DOC_VALUE_TEXT_SIZE];
    doc_error(node, "found %s, expected %s", doc_describe(node, found), expected);
}
