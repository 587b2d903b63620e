/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading the values of a document: structure, and the getters with their ranges and units. Each reports what
 * it refuses and gives the caller's default instead, so that one wrong value hides no other. */
#include "config.h"

#include "conf/doc.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/words.h"
#include "conf/doc_internal.h"
#include "conf/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

enum { EXPECTED_SIZE = 256 };

/* jansson asks for pointers to non-const where it does not write */
static json_t *mutable(const json_t *value)
{
    return (json_t *)(uintptr_t)value;
}

/* ---- structure ---- */

bool doc_is_object(const struct doc_node *node)
{
    return json_is_object(node->value);
}

bool doc_is_array(const struct doc_node *node)
{
    return json_is_array(node->value);
}

bool doc_is_text(const struct doc_node *node)
{
    return json_is_string(node->value);
}

bool doc_is_bool(const struct doc_node *node, bool value)
{
    return value ? json_is_true(node->value) : json_is_false(node->value);
}

static bool is_reserved(const struct doc_node *object, const char *key)
{
    return strcmp(key, "$comment") == 0 || (object->parent == NULL && strcmp(key, "$schema") == 0);
}

static void report_unknown_key(const struct doc_node *member, const char *const *keys)
{
    struct words_nearest nearest = {.found = member->key};
    struct buffer known;
    if (!doc_wants_detail(member->doc)) {
        doc_error_at_key(member, "unknown key");
        return;
    }
    buffer_init(&known);
    for (size_t i = 0; keys[i] != NULL; i++) {
        words_offer(&nearest, keys[i]);
        buffer_print(&known, "%s\"%s\"", i == 0 ? "" : ", ", keys[i]);
    }
    const char *best = words_nearest(&nearest);
    if (best != NULL) {
        doc_error_at_key(member, "unknown key \"%.100s\"; did you mean \"%s\"?", member->key, best);
    } else {
        doc_error_at_key(member, "unknown key \"%.100s\", expected one of %s", member->key, known.bytes);
    }
    buffer_fini(&known);
}

static bool is_known(const char *key, const char *const *keys)
{
    while (*keys != NULL && strcmp(*keys, key) != 0) {
        keys++;
    }
    return *keys != NULL;
}

bool doc_check_object(const struct doc_node *node, const char *const *keys)
{
    if (!json_is_object(node->value)) {
        doc_error_expected(node, "an object");
        return false;
    }
    struct doc_node member = {0};
    while (keys != NULL && doc_next(node, &member)) {
        if (!is_known(member.key, keys)) {
            report_unknown_key(&member, keys);
        }
    }
    return true;
}

bool doc_check_array(const struct doc_node *node, const char *expected)
{
    if (!json_is_array(node->value)) {
        doc_error_expected(node, expected);
        return false;
    }
    return true;
}

bool doc_find(const struct doc_node *object, const char *key, struct doc_node *member)
{
    *member = (struct doc_node){.doc = object->doc, .parent = object, .ordinal = DOC_ORDINAL_UNKNOWN};
    void *at = json_object_iter_at(mutable(object->value), key);
    if (at == NULL) {
        return false;
    }
    member->key = json_object_iter_key(at);
    member->value = json_object_iter_value(at);
    return true;
}

bool doc_require(const struct doc_node *object, const char *key, struct doc_node *member)
{
    if (doc_find(object, key, member)) {
        return true;
    }
    if (json_is_object(object->value)) {
        doc_error(object, "missing key \"%s\"", key);
    }
    return false;
}

static bool next_member(const struct doc_node *object, struct doc_node *child)
{
    json_t *value = mutable(object->value);
    if (object->value == object->doc->split_value) {
        return doc_next_piece(object, child);
    }
    size_t ordinal = child->value == NULL ? 0 : child->ordinal + 1;
    void *at = child->value == NULL ? json_object_iter(value)
                                    : json_object_iter_next(value, json_object_key_to_iter(child->key));
    for (; at != NULL; at = json_object_iter_next(value, at), ordinal++) {
        const char *key = json_object_iter_key(at);
        if (!is_reserved(object, key)) {
            *child = (struct doc_node){object->doc, object, json_object_iter_value(at), key, ordinal};
            return true;
        }
    }
    return false;
}

bool doc_next(const struct doc_node *container, struct doc_node *child)
{
    if (json_is_object(container->value)) {
        return next_member(container, child);
    }
    size_t ordinal = child->value == NULL ? 0 : child->ordinal + 1;
    const json_t *value = json_array_get(container->value, ordinal); /* NULL if it is no array */
    if (value == NULL) {
        return false;
    }
    *child =
        (struct doc_node){.doc = container->doc, .parent = container, .value = value, .ordinal = ordinal};
    return true;
}

size_t doc_count(const struct doc_node *container)
{
    return container->value == container->doc->split_value ? container->doc->split.count
           : json_is_object(container->value)              ? json_object_size(container->value)
                                                           : json_array_size(container->value);
}

bool doc_next_text(const struct doc_node *list, const char *expected, struct doc_node *item)
{
    if (!json_is_array(list->value)) {
        bool first = item->value == NULL;
        *item = *list;
        if (first && !json_is_string(list->value)) {
            doc_error_expected(list, expected);
            return false;
        }
        return first;
    }
    while (doc_next(list, item)) {
        if (json_is_string(item->value)) {
            return true;
        }
        doc_error_expected(item, "a string");
    }
    return false;
}

size_t doc_count_texts(const struct doc_node *list)
{
    return json_is_array(list->value) ? json_array_size(list->value) : 1;
}

static int add_dumped(const char *bytes, size_t len, void *buffer)
{
    buffer_add(buffer, bytes, len);
    return 0;
}

void doc_dump(const struct doc_node *node, struct buffer *to)
{
    (void)json_dump_callback(node->value, add_dumped, to, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* ---- values ---- */

const char *doc_text(const struct doc_node *node)
{
    return json_string_value(node->value);
}

const char *doc_get_text(const struct doc_node *object, const char *key)
{
    struct doc_node node;
    if (!doc_find(object, key, &node)) {
        return NULL;
    }
    const char *text = json_string_value(node.value);
    if (text == NULL || text[0] == '\0') {
        doc_error_expected(&node, "a non-empty string");
        return NULL;
    }
    return text;
}

bool doc_read_number(const struct doc_node *node, const uint32_t range[2], uint32_t *value)
{
    json_int_t number = json_integer_value(node->value);
    if (!json_is_integer(node->value) || number < range[0] || number > range[1]) {
        char expected[EXPECTED_SIZE];
        snprintf(expected, sizeof expected, "a whole number from %u to %u", range[0], range[1]);
        doc_error_expected(node, expected);
        return false;
    }
    *value = (uint32_t)number;
    return true;
}

uint32_t doc_get_number(const struct doc_node *object, const char *key, const uint32_t range[2],
                        uint32_t otherwise)
{
    struct doc_node node;
    uint32_t value = otherwise;
    if (doc_find(object, key, &node)) {
        (void)doc_read_number(&node, range, &value);
    }
    return value;
}

bool doc_read_real(const struct doc_node *node, const double range[2], double *value)
{
    double number = json_number_value(node->value);
    if (!json_is_number(node->value) || number < range[0] || number > range[1]) {
        char expected[EXPECTED_SIZE];
        snprintf(expected, sizeof expected, "a number from %g to %g", range[0], range[1]);
        doc_error_expected(node, expected);
        return false;
    }
    *value = number;
    return true;
}

double doc_get_share(const struct doc_node *object, const char *key, double otherwise)
{
    struct doc_node node;
    if (!doc_find(object, key, &node)) {
        return otherwise;
    }
    double number = json_number_value(node.value);
    if (json_is_string(node.value) && value_parse_percent(json_string_value(node.value), &number) == 0) {
        return number;
    }
    if (!json_is_number(node.value) || number <= 0 || number > 1) {
        doc_error_expected(&node, "a share above 0 and at most 1, or such as \"50%\"");
        return otherwise;
    }
    return number;
}

static bool is_in_range(uint64_t value, const uint32_t range[2])
{
    return value >= range[0] && value <= range[1];
}

uint32_t doc_get_duration_ms(const struct doc_node *object, const char *key, const uint32_t range_ms[2],
                             uint32_t otherwise_ms)
{
    struct doc_node node;
    uint64_t ms = 0;
    char low[VALUE_DURATION_SIZE], high[VALUE_DURATION_SIZE], expected[EXPECTED_SIZE];
    if (!doc_find(object, key, &node)) {
        return otherwise_ms;
    }
    const char *text = json_string_value(node.value);
    int error = text == NULL ? ERROR_SYNTAX : value_parse_duration(text, &ms);
    if (error == 0 && is_in_range(ms, range_ms)) {
        return (uint32_t)ms;
    }
    if (json_is_integer(node.value)) {
        json_int_t number = json_integer_value(node.value);
        doc_error(&node,
                  "found %lld, expected a duration with its unit: write \"%llds\" for seconds or \"%lldms\"",
                  (long long)number, (long long)number, (long long)number);
    } else if (error == ERROR_SYNTAX) {
        doc_error_expected(
            &node, "a duration: a whole number and a unit, such as \"500ms\", \"2s\", \"1m\", \"1h\"");
    } else {
        snprintf(expected, sizeof expected, "a duration from %s to %s",
                 value_write_duration(range_ms[0], low), value_write_duration(range_ms[1], high));
        doc_error_expected(&node, expected);
    }
    return otherwise_ms;
}

uint32_t doc_get_ttl(const struct doc_node *object, const char *key, uint32_t otherwise_s)
{
    static const uint32_t range_s[2] = {0, INT32_MAX}; /* RFC 2181, section 8 */
    struct doc_node node;
    uint64_t ms = 0, s = UINT64_MAX;
    if (!doc_find(object, key, &node)) {
        return otherwise_s;
    }
    const char *text = json_string_value(node.value);
    if (json_is_integer(node.value)) {
        json_int_t number = json_integer_value(node.value);
        s = number < 0 ? UINT64_MAX : (uint64_t)number;
    } else if (text != NULL && value_parse_duration(text, &ms) == 0 && ms % 1000 == 0) {
        s = ms / 1000;
    }
    if (!is_in_range(s, range_s)) {
        doc_error_expected(&node,
                           "a TTL from 0 to 2147483647 whole seconds, such as 30, \"30s\", \"5m\" or \"1h\"");
        return otherwise_s;
    }
    return (uint32_t)s;
}

uint64_t doc_get_size(const struct doc_node *object, const char *key, uint64_t least, uint64_t otherwise)
{
    struct doc_node node;
    uint64_t size = 0;
    char expected[EXPECTED_SIZE];
    if (!doc_find(object, key, &node)) {
        return otherwise;
    }
    const char *text = json_string_value(node.value);
    if (text != NULL && value_parse_size(text, &size) == 0 && size >= least) {
        return size;
    }
    snprintf(expected, sizeof expected,
             "a size of at least %llu MiB: a whole number and a unit, such as \"512MiB\" or \"2GiB\"",
             (unsigned long long)(least >> 20));
    doc_error_expected(&node, expected);
    return otherwise;
}

bool doc_get_bool(const struct doc_node *object, const char *key, bool otherwise)
{
    struct doc_node node;
    if (!doc_find(object, key, &node)) {
        return otherwise;
    }
    if (!json_is_boolean(node.value)) {
        doc_error_expected(&node, "true or false");
        return otherwise;
    }
    return json_is_true(node.value);
}

/* "weighted", "round-robin" or "all" */
static void write_choices(const char *const *choices, struct buffer *to)
{
    for (size_t i = 0; choices[i] != NULL; i++) {
        const char *between = i == 0 ? "" : choices[i + 1] != NULL ? ", " : " or ";
        buffer_print(to, "%s\"%s\"", between, choices[i]);
    }
}

unsigned doc_get_choice(const struct doc_node *object, const char *key, const char *const *choices,
                        unsigned otherwise)
{
    struct doc_node node;
    if (!doc_find(object, key, &node)) {
        return otherwise;
    }
    const char *text = json_string_value(node.value);
    for (unsigned i = 0; text != NULL && choices[i] != NULL; i++) {
        if (strcmp(text, choices[i]) == 0) {
            return i;
        }
    }
    struct buffer expected;
    buffer_init(&expected);
    write_choices(choices, &expected);
    doc_error_expected(&node, expected.bytes);
    buffer_fini(&expected);
    return otherwise;
}
