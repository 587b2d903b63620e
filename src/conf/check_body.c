/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See check_body.h. */
#include "config.h"

#include "conf/check_body.h"

#include "base/regex.h"
#include "base/wish.h"
#include "conf/value.h"

#include <jansson.h>
#include <string.h>

static void read_regex(const struct doc_node *node, struct conf_check *check)
{
    struct doc_node member;
    char why[REGEX_WHY_SIZE];
    const char *text = doc_get_text(node, "expect_regex");
    if (text == NULL) {
        return;
    }
    check->regex = regex_new(text, why);
    if (check->regex == NULL) {
        (void)doc_find(node, "expect_regex", &member);
        doc_error(&member, "in this regular expression %s", why);
    }
}

/* ---- values of a JSON document ---- */

static void read_value(const struct doc_node *value, struct arena *arena, struct wish *wish)
{
    switch (json_typeof(value->value)) {
    case JSON_INTEGER:
    case JSON_REAL:
        wish->kind = WISH_NUMBER;
        wish->number = json_number_value(value->value);
        break;
    case JSON_STRING:
        wish->kind = WISH_TEXT;
        wish->text = arena_copy_text(arena, json_string_value(value->value));
        break;
    case JSON_TRUE: wish->kind = WISH_TRUE; break;
    case JSON_FALSE: wish->kind = WISH_FALSE; break;
    case JSON_NULL: wish->kind = WISH_NULL; break;
    default: doc_error_expected(value, "a number, a text, true, false or null"); break;
    }
}

static void check_value(const struct doc_node *value, const struct wish *wish)
{
    bool is_order = wish->op >= WISH_LESS && wish->op <= WISH_AT_LEAST;
    if (is_order && wish->kind != WISH_NUMBER) {
        doc_error_expected(value, "a number, which is all that \"<\", \"<=\", \">\" and \">=\" compare");
    }
    if (wish->op == WISH_EXISTS && wish->kind != WISH_TRUE && wish->kind != WISH_FALSE) {
        doc_error_expected(value, "true or false: whether \"pointer\" has to lead to something");
    }
}

static void read_wish(const struct doc_node *item, struct arena *arena, struct wish *wish)
{
    static const char *const keys[] = {"pointer", "op", "value", NULL};
    static const char *const ops[] = {
        [WISH_EQUAL] = "==", [WISH_DIFFERENT] = "!=", [WISH_LESS] = "<",        [WISH_AT_MOST] = "<=",
        [WISH_MORE] = ">",   [WISH_AT_LEAST] = ">=",  [WISH_EXISTS] = "exists", NULL};
    struct doc_node pointer, value;
    if (!doc_check_object(item, keys)) {
        return;
    }
    if (doc_require(item, "pointer", &pointer)) {
        const char *text = doc_text(&pointer);
        if (text == NULL || !value_is_pointer(text)) {
            doc_error_expected(&pointer, "a JSON pointer, such as \"/status\" or \"/db/0/lag\"");
        } else {
            wish->pointer = arena_copy_text(arena, text);
        }
    }
    wish->op = (enum wish_op)doc_get_choice(item, "op", ops, WISH_EQUAL);
    if (doc_find(item, "value", &value)) {
        read_value(&value, arena, wish);
        check_value(&value, wish);
    } else if (wish->op == WISH_EXISTS) {
        wish->kind = WISH_TRUE;
    } else {
        (void)doc_require(item, "value", &value);
    }
}

static void read_wishes(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    struct doc_node json, item = {0};
    if (!doc_find(node, "json", &json) ||
        !doc_check_array(&json, "an array of objects with \"pointer\", \"op\" and \"value\"")) {
        return;
    }
    size_t count = doc_count(&json);
    if (count == 0 || count > WISHES_MAX) {
        doc_error(&json, "found %zu conditions, expected 1 to %d", count, WISHES_MAX);
        return;
    }
    struct wish *wishes = arena_alloc(arena, count * sizeof *wishes);
    for (size_t i = 0; doc_next(&json, &item); i++) {
        read_wish(&item, arena, &wishes[i]);
    }
    check->wishes = wishes;
    check->wish_count = count;
}

void check_body_read(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    read_regex(node, check);
    read_wishes(node, arena, check);
}
