/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Edits of documents, one or many at once, and files that are taken over. Each is a reload, which the answer
 * waits for: what is acknowledged is stored and serves. */
#include "config.h"

#include "admin/edits.h"

#include "admin/render.h"
#include "admin/render_set.h"
#include "admin/request.h"
#include "admin/request_inside.h"
#include "base/error.h"
#include "conf/value.h"
#include "conf/zones.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EDITS_MAX = 1000 };

/* ---- answers ---- */

static const enum problem_kind kinds[] = {
    [ADMIN_EDITED_FILES] = PROBLEM_OWNED_BY_FILES,   [ADMIN_EDITED_MISSING] = PROBLEM_NOT_FOUND,
    [ADMIN_EDITED_CHANGED] = PROBLEM_PRECONDITION,   [ADMIN_EDITED_INVALID] = PROBLEM_INVALID_FIELDS,
    [ADMIN_EDITED_REFUSED] = PROBLEM_CONFIG_INVALID, [ADMIN_EDITED_NOT_SAVED] = PROBLEM_NOT_SAVED,
};

static void set_trouble(struct call *call, const struct admin_reload_result *result)
{
    const struct admin_edited *edited = result->edited;
    const char *at = edited->at == SIZE_MAX || edited->at == 0
                         ? ""
                         : arena_print(call->arena, "edit %zu: ", edited->at + 1);
    if (edited->trouble == ADMIN_EDITED_FILES) {
        problem_set(&call->problem, PROBLEM_OWNED_BY_FILES,
                    "change the file and reload; or let the API own documents: \"documents\": {\"owner\": "
                    "\"api\"} in steerd.json, then reload");
    } else if (edited->trouble == ADMIN_EDITED_REFUSED) {
        size_t count = report_errors(result->report);
        problem_set(&call->problem, PROBLEM_CONFIG_INVALID, "%zu error%s; generation %llu still serves",
                    count, count == 1 ? "" : "s", (unsigned long long)result->generation);
        problem_add_report(&call->problem, result->report);
    } else if (edited->trouble == ADMIN_EDITED_NOT_SAVED) {
        problem_set(&call->problem, PROBLEM_NOT_SAVED, "nothing was changed: %s", edited->why);
    } else if (edited->trouble == ADMIN_EDITED_GOOD) {
        call_set_internal(call, result->error);
    } else {
        problem_set(&call->problem, kinds[edited->trouble], "%s%s", at, edited->why);
    }
}

static void on_edited(void *argument, const struct admin_reload_result *result)
{
    struct call call;
    if (!call_resume(argument, &call)) {
        return;
    }
    if (result->error == 0) {
        json_t *answer = render_reload(result), *documents = json_array();
        for (size_t i = 0; result->edited != NULL && i < result->edited->count; i++) {
            json_array_append_new(documents, render_document(&result->edited->documents[i]));
        }
        set(answer, "documents", documents);
        call_reply_json(&call, 200, answer);
    } else {
        if (!caller_may_load(&call, result) || !rules_allow_load(&call, result)) {
            /* the problem says so */
        } else if (result->edited == NULL && result->error == -EAGAIN) {
            problem_set(&call.problem, PROBLEM_BUSY,
                        "nothing was changed: the server ends, or another process takes over");
        } else if (result->edited == NULL) {
            problem_set(&call.problem, PROBLEM_BUSY, "the server is ending; whether it was done is open");
        } else {
            set_trouble(&call, result);
        }
        call_reply_problem(&call);
    }
    call_finish(&call);
}

/* ---- requests ---- */

/* What every edit says beside itself, in the query or in the body. */
struct wanted {
    struct admin_edits edits;
    struct request_rules rules; /* that it overrides */
    char reason[HEALTH_REASON_SIZE], actor[HEALTH_ACTOR_SIZE];
};

static void begin(struct call *call, struct wanted *wanted)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    char peer[HEALTH_PEER_SIZE] = "";
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, wanted->actor, peer);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    wanted->edits.actor = wanted->actor;
    wanted->edits.peer = peer;
    wanted->edits.reason = wanted->reason;
    wanted->edits.receipt = call_make_receipt(call);
    wanted->edits.request = rules_write_request(call, wanted->edits.request, &wanted->rules);
    const struct admin_reload asked = {
        .dry_run = call->route.dry_run,
        .limit = call->route.parameters[ROUTE_LIMIT] != NULL ? call->route.limit : ADMIN_CHANGES,
        .edits = &wanted->edits,
        .role = call->caller.role,
        .overruling = {wanted->rules.names, wanted->rules.count, wanted->actor, peer, wanted->reason}};
    struct call_pending *pending = call_defer(call);
    int error = verbs->reload(verbs->context, &asked, on_edited, pending);
    struct call again;
    if (error != 0 && call_resume(pending, &again)) {
        if (error == ERROR_CONFLICT) {
            again.retry_ms = 1000;
            problem_set(&again.problem, PROBLEM_RELOAD_RUNNING,
                        "a reload, another edit or a takeover is under way; ask again when it has ended");
        } else {
            call_set_internal(&again, error);
        }
        call_reply_problem(&again);
        call_finish(&again);
    }
}

static void check_query(struct call *call, struct wanted *wanted)
{
    const char *reason = call->route.parameters[ROUTE_REASON];
    if (reason != NULL) {
        request_check_reason(reason, wanted->reason, &call->problem);
    }
    rules_take_query(call, &wanted->rules);
}

static const char *write_method(const struct call *call)
{
    return call->method == ROUTE_PUT ? "PUT" : call->method == ROUTE_PATCH ? "PATCH" : "DELETE";
}

static const char *write_path(const struct call *call, const struct edit *edit)
{
    return edit->kind == EDIT_NAME
               ? arena_print(call->arena, "/v1/config/zones/%s/names/%s", edit->origin, edit->name)
               : arena_print(call->arena, "/v1/config/%ss/%s", edit_kind_text(edit->kind), edit->name);
}

static void check_value(struct call *call, struct edit *edit)
{
    json_error_t error;
    json_t *value = json_loadb(call->body, call->body_len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (value == NULL) {
        problem_set(&call->problem, PROBLEM_BAD_JSON, "line %d, column %d: %s", error.line, error.column,
                    error.text);
    }
    json_decref(value);
    edit->value = arena_print(call->arena, "%.*s", (int)call->body_len, call->body);
}

/* If-Match and If-None-Match: the tags are of what is edited. */
static const struct edit_condition *read_condition(const struct condition *from, struct edit_condition *to)
{
    if (from == NULL) {
        return NULL;
    }
    *to = (struct edit_condition){.has_tags = from->has_match && !from->match_any,
                                  .must_be_there = from->has_match,
                                  .must_be_new = from->must_be_new,
                                  .tags = from->revisions,
                                  .count = from->count};
    return to;
}

void edits_begin(struct call *call)
{
    struct wanted wanted = {.edits = {.count = 1}};
    struct edit edit;
    if (!edits_read_about(call, &edit)) {
        call_reply_problem(call);
        return;
    }
    edit.what = call->method == ROUTE_PUT ? EDIT_PUT : call->method == ROUTE_PATCH ? EDIT_MERGE : EDIT_DELETE;
    struct edit_condition condition;
    edit.condition = read_condition(call->condition, &condition);
    check_query(call, &wanted);
    if (edit.what != EDIT_DELETE) {
        check_value(call, &edit);
    }
    wanted.edits.items = &edit;
    wanted.edits.request = arena_print(call->arena, "%s %s", write_method(call), write_path(call, &edit));
    begin(call, &wanted);
}

/* ---- several at once ---- */

static enum edit_what read_what(struct call *call, const json_t *item, const char *field)
{
    static const char *const whats[] = {"put", "merge", "delete"};
    const char *text = json_string_value(json_object_get(item, "op"));
    for (int i = 0; text != NULL && i <= EDIT_DELETE; i++) {
        if (strcmp(text, whats[i]) == 0) {
            return (enum edit_what)i;
        }
    }
    problem_add_field(&call->problem, field, "\"op\" is put, merge or delete");
    return EDIT_PUT;
}

/* "*": it is there; else the tag that was shown. */
static const struct edit_condition *read_tag(struct call *call, const json_t *node, const char *field)
{
    const char *text = json_string_value(node);
    size_t digits = text == NULL ? 0 : strspn(text, "0123456789");
    if (node == NULL) {
        return NULL;
    }
    struct edit_condition *condition = arena_alloc(call->arena, sizeof *condition);
    uint64_t *tag = arena_alloc(call->arena, sizeof *tag);
    *condition = (struct edit_condition){.must_be_there = true, .tags = tag};
    if (text == NULL || (strcmp(text, "*") != 0 && (digits == 0 || digits > 19 || text[digits] != '\0'))) {
        problem_add_field(&call->problem, field, "\"if_tag\" is a tag that was shown, or \"*\"");
    } else if (digits != 0) {
        *tag = strtoull(text, NULL, 10);
        condition->has_tags = true;
        condition->count = 1;
    }
    return condition;
}

static void read_edit(struct call *call, json_t *item, size_t at, struct edit *edit)
{
    static const char *const known[] = {"op", "kind", "name", "zone", "value", "if_tag", NULL};
    const char *field = arena_print(call->arena, "edits[%zu]", at);
    const char *kind = json_string_value(json_object_get(item, "kind")),
               *name = json_string_value(json_object_get(item, "name")),
               *zone = json_string_value(json_object_get(item, "zone"));
    json_t *value = json_object_get(item, "value");
    *edit = (struct edit){.kind = EDIT_ENDPOINT};
    if (!json_is_object(item)) {
        problem_add_field(&call->problem, field, "expected an object");
        return;
    }
    request_reject_unknown(item, known, &call->problem);
    edit->what = read_what(call, item, field);
    if (kind == NULL || !edit_parse_kind(kind, &edit->kind)) {
        problem_add_field(&call->problem, field,
                          "\"kind\" is region, az, endpoint, check, group, name or document");
    }
    if (name == NULL || name[0] == '\0') {
        problem_add_field(&call->problem, field, "\"name\" is required");
    }
    edit->name = arena_copy_text(call->arena, name == NULL ? "" : name);
    edit->origin = zone == NULL ? NULL : zones_parse_origin(call->arena, zone);
    if ((edit->kind == EDIT_NAME) != (edit->origin != NULL)) {
        problem_add_field(&call->problem, field,
                          "\"zone\", a name of a zone, comes with names, and only there");
    }
    if ((value == NULL) != (edit->what == EDIT_DELETE)) {
        problem_add_field(&call->problem, field, "\"value\" is required, but for delete");
    }
    edit->condition = read_tag(call, json_object_get(item, "if_tag"), field);
    if (value != NULL) {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        edit->value = arena_copy_text(call->arena, text);
        free(text);
    }
}

static void apply(struct call *call)
{
    static const char *const known[] = {"edits", "reason", "actor", "override_rules", NULL};
    struct wanted wanted = {.edits = {.request = "POST /v1/config:apply"}};
    json_t *body = request_parse_object(call->body, call->body_len, &call->problem);
    if (body == NULL) {
        call_reply_problem(call);
        return;
    }
    const json_t *list = json_object_get(body, "edits");
    size_t count = json_array_size(list);
    request_reject_unknown(body, known, &call->problem);
    if (count == 0 || count > EDITS_MAX) {
        problem_add_field(&call->problem, "edits", "expected an array of 1 to %d edits", EDITS_MAX);
        count = 0;
    }
    struct edit *edits = arena_alloc(call->arena, (count + 1) * sizeof *edits);
    for (size_t i = 0; i < count; i++) {
        read_edit(call, json_array_get(list, i), i, &edits[i]);
    }
    wanted.edits.items = edits;
    wanted.edits.count = count;
    request_check_body_cause(body, wanted.reason, wanted.actor, &call->problem);
    request_check_rules(body, &wanted.rules, &call->problem);
    json_decref(body);
    begin(call, &wanted);
}

void handle_edits(struct call *call)
{
    if (call->route.id == ROUTE_CONFIG_APPLY) {
        apply(call);
        return;
    }
    struct wanted wanted = {.edits = {.imports = true,
                                      .name = call->route.parameters[ROUTE_DOCUMENT],
                                      .request = "POST /v1/config:import"}};
    check_query(call, &wanted);
    begin(call, &wanted);
}
