/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names of the rules that an order overrides. */
#include "config.h"

#include "admin/request_inside.h"

#include "conf/rule.h"

#include <string.h>

static bool is_there(const struct request_rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (strcmp(rules->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void request_check_rules(const json_t *body, struct request_rules *rules, struct problem *problem)
{
    const json_t *list = json_object_get(body, "override_rules"), *item;
    size_t i;
    *rules = (struct request_rules){.count = 0};
    if (list == NULL) {
        return;
    }
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > CONF_RULES_MAX) {
        problem_add_field(problem, "override_rules", "expected an array of 1 to %d names of rules",
                          CONF_RULES_MAX);
        return;
    }
    rules->names = arena_alloc(problem->arena, json_array_size(list) * sizeof *rules->names);
    json_array_foreach(list, i, item)
    {
        const char *name = json_string_value(item);
        if (name == NULL || name[0] == '\0') {
            problem_add_field(problem, "override_rules", "expected names of rules, each a string");
        } else if (is_there(rules, name)) {
            problem_add_field(problem, "override_rules", "found \"%s\" twice", name);
        } else {
            rules->names[rules->count++] = arena_copy_text(problem->arena, name);
        }
    }
    if (json_object_get(body, "reason") == NULL) {
        problem_add_field(problem, "reason", "required with override_rules");
    }
}

void request_split_rules(const char *text, struct request_rules *rules, struct problem *problem)
{
    rules->names = arena_alloc(problem->arena, CONF_RULES_MAX * sizeof *rules->names);
    while (rules->count < CONF_RULES_MAX) {
        size_t len = strcspn(text, ",");
        const char *name = arena_print(problem->arena, "%.*s", (int)len, text);
        if (len == 0 || is_there(rules, name)) {
            problem_add_field(problem, "override_rules",
                              "expected names of rules, each once, with commas between");
        } else {
            rules->names[rules->count++] = name;
        }
        if (len == 0 || text[len] == '\0') {
            return;
        }
        text += len + 1;
    }
    problem_add_field(problem, "override_rules", "expected at most %d names", CONF_RULES_MAX);
}
