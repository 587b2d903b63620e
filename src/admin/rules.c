/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Safety rules and orders: which ones an order violates, and which of these it overrides by their names. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/words.h"

#include <string.h>

static const struct operate_rule *find_rule(const struct operate_rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (strcmp(rules->items[i].rule->name, name) == 0) {
            return &rules->items[i];
        }
    }
    return NULL;
}

/* "azs, room": all of them, or those that are violated. */
static const char *list_names(const struct operate_rules *rules, bool violated, struct arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < rules->count; i++) {
        if (!violated || rules->items[i].is_violated) {
            text =
                arena_print(arena, "%s%s%s", text, text[0] == '\0' ? "" : ", ", rules->items[i].rule->name);
        }
    }
    return text;
}

static void check_name(const struct operate_rules *rules, const char *name, struct problem *problem)
{
    const struct operate_rule *rule = find_rule(rules, name);
    if (rule == NULL && rules->count == 0) {
        problem_add_field(problem, "override_rules",
                          "found \"%s\", but there are no rules for what people do", name);
    } else if (rule == NULL) {
        problem_add_field(problem, "override_rules",
                          "found \"%s\", expected names of rules for what people "
                          "do: %s",
                          name, list_names(rules, false, problem->arena));
    } else if (!rule->is_violated) {
        problem_add_field(problem, "override_rules", "rule \"%s\" is not violated by this: %s", name,
                          rule->why);
    }
}

bool rules_allow(struct operate_rules *rules, const struct request_rules *overridden, const char *what,
                 struct problem *problem)
{
    for (size_t i = 0; i < overridden->count; i++) {
        check_name(rules, overridden->names[i], problem);
    }
    for (size_t i = 0; i < rules->count; i++) { /* only what it is refused for is told */
        struct operate_rule *rule = &rules->items[i];
        for (size_t j = 0; rule->is_violated && j < overridden->count; j++) {
            rule->is_violated = strcmp(rule->rule->name, overridden->names[j]) != 0;
            rules->violated -= !rule->is_violated;
        }
    }
    if (rules->violated != 0 && !problem_is_set(problem)) {
        problem_set(
            problem, PROBLEM_RULES,
            "%s would violate %zu rule%s: %s; with the names in override_rules, and a reason, it is done "
            "all the same",
            what, rules->violated, words_plural(rules->violated), list_names(rules, true, problem->arena));
        problem->rules = arena_copy(problem->arena, rules, sizeof *rules);
    }
    return !problem_is_set(problem);
}

bool rules_allow_load(struct call *call, const struct admin_reload_result *result)
{
    if (!result->is_against_rules) {
        return true;
    }
    const struct request_rules overridden = {(const char **)(uintptr_t)result->overruling->names,
                                             result->overruling->count};
    return rules_allow(result->rules, &overridden, "it", &call->problem);
}

void rules_take_query(struct call *call, struct request_rules *rules)
{
    const char *text = call->route.parameters[ROUTE_OVERRIDE_RULES];
    *rules = (struct request_rules){.count = 0};
    if (text == NULL) {
        return;
    }
    request_split_rules(text, rules, &call->problem);
    if (call->route.parameters[ROUTE_REASON] == NULL) {
        problem_add_field(&call->problem, "reason", "required with override_rules");
    }
}

const char *rules_join(const struct call *call, const struct request_rules *rules)
{
    const char *text = NULL;
    for (size_t i = 0; i < rules->count; i++) {
        text = arena_print(call->arena, "%s%s%s", text == NULL ? "" : text, text == NULL ? "" : ",",
                           rules->names[i]);
    }
    return text;
}

const char *rules_write_request(const struct call *call, const char *request,
                                const struct request_rules *rules)
{
    const char *names = rules_join(call, rules);
    return names == NULL ? request : arena_print(call->arena, "%s?override_rules=%s", request, names);
}

/* ---- looking ---- */

void handle_rules(struct call *call)
{
    struct admin_rule *rules = NULL;
    const char *name = call->route.id == ROUTE_RULE ? call->route.name : NULL;
    size_t count = call->admin->verbs.rules.list(call->reader, call->arena, &rules);
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++) {
        if (name == NULL || strcmp(rules[i].judged.rule->name, name) == 0) {
            json_array_append_new(items, render_rule(&rules[i]));
        }
    }
    if (name != NULL && json_array_size(items) == 0) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no rule \"%s\"", name);
        call_reply_problem(call);
    } else if (name != NULL) {
        call_reply_json(call, 200, json_incref(json_array_get(items, 0)));
    } else {
        json_t *document = json_object();
        json_object_set(document, "items", items);
        json_object_set_new(document, "next_cursor", json_null());
        call_reply_json(call, 200, document);
    }
    json_decref(items);
}

void handle_objectives(struct call *call)
{
    struct admin_objective *objectives = NULL;
    size_t count = call->admin->verbs.rules.list_objectives(call->reader, call->arena, &objectives);
    json_t *document = json_object(), *items = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(items, render_objective(&objectives[i]));
    }
    json_object_set_new(document, "items", items);
    json_object_set_new(document, "next_cursor", json_null());
    call_reply_json(call, 200, document);
}

static void reply_wishes(struct call *call, const struct admin_wishes *wishes)
{
    json_t *document = json_object();
    bool allowed = wishes->rules.violated == 0 && wishes->unserved.total == 0;
    json_object_set_new(document, "wishes", render_texts(wishes->texts, wishes->count));
    json_object_set_new(document, "allowed", json_boolean(allowed));
    json_object_set_new(document, "rules", render_violated(&wishes->rules));
    json_object_set_new(document, "unserved", render_unserved(&wishes->unserved));
    call_reply_json(call, 200, document);
}

void handle_rules_check(struct call *call)
{
    struct admin_wishes wishes = {.texts = (const char *const *)call->route.assumed,
                                  .count = call->route.assumed_count,
                                  .limit = ADMIN_UNSERVED_MAX,
                                  .progress = call->progress};
    int error = call->admin->verbs.rules.check(call->reader, &wishes, call->arena);
    if (error == ERROR_CANCELLED) {
        return;
    }
    if (error == 0) {
        reply_wishes(call, &wishes);
    } else {
        problem_add_field(&call->problem, "wish",
                          error == ERROR_NOT_FOUND
                              ? "found \"%s\", and there is no such region, az or endpoint"
                              : "found \"%s\", expected KIND:NAME=STATE such as region:us-east=drain",
                          wishes.bad);
        call_reply_problem(call);
    }
}
