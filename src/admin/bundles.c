/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bundles as resources: brought here block by block, looked at, checked as a reload would, deleted. How one
 * becomes active is rollouts' matter. */
#include "config.h"

#include "admin/bundles.h"

#include "admin/call.h"
#include "admin/render.h"
#include "admin/render_set.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* On its way. */
struct asking {
    struct call_pending *pending;
    enum admin_bundle_what what;
    bool is_check;
    size_t limit;   /* of a check, */
    enum role role; /* and of who asks for it */
    char id[BUNDLE_ID_SIZE];
};

/* ---- answers ---- */

static json_t *render_missing(const struct admin_bundle *bundle)
{
    json_t *list = json_array();
    for (size_t i = 0; i < bundle->missing_count; i++) {
        json_array_append_new(list, json_pack("[I, I]", (json_int_t)bundle->missing[i].first,
                                              (json_int_t)bundle->missing[i].last));
    }
    return list;
}

static json_t *render_bundle(const struct admin_bundle *bundle)
{
    json_t *object = json_object();
    set_text(object, "id", bundle->id);
    set_text(object, "state", bundle->is_here ? "here" : "coming");
    set_number(object, "files", bundle->files);
    set_number(object, "size", bundle->size);
    set_time(object, "came", bundle->came_ms);
    set(object, "serves", json_boolean(bundle->serves));
    set(object, "needed", json_boolean(bundle->is_needed));
    set_number(object, "block_size", BUNDLE_BLOCK_SIZE);
    set_number(object, "blocks", bundle->blocks);
    set_number(object, "missing_blocks", bundle->missing_blocks);
    return object;
}

static json_t *render_list(const struct admin_bundle_result *result)
{
    json_t *document = json_object(), *items = json_array();
    json_t *rollout = result->rollout == NULL ? NULL : json_loads(result->rollout, 0, NULL);
    for (size_t i = 0; i < result->count; i++) {
        json_array_append_new(items, render_bundle(&result->items[i]));
    }
    set(document, "items", items);
    set(document, "rollout", rollout == NULL ? json_null() : rollout);
    return document;
}

static json_t *render_one(const struct admin_bundle_result *result)
{
    json_t *document = render_bundle(&result->items[0]);
    set(document, "missing", render_missing(&result->items[0]));
    set_text(document, "damaged", result->damaged[0] == '\0' ? NULL : result->damaged);
    return document;
}

static void set_refused(struct call *call, const struct asking *asking,
                        const struct admin_bundle_result *result)
{
    struct problem *problem = &call->problem;
    const char *why = result->why[0] == '\0' ? error_text(result->error) : result->why;
    switch (result->error) {
    case ERROR_PRECONDITION: problem_set(problem, PROBLEM_NOT_FOUND, "%s", why); break;
    case ERROR_NOT_FOUND:
        problem_set(problem, PROBLEM_NOT_FOUND, "there is no bundle \"%.64s\" here", asking->id);
        break;
    case ERROR_CONFLICT: problem_set(problem, PROBLEM_CONFLICT, "%s", why); break;
    case ERROR_BUSY: problem_set(problem, PROBLEM_BUSY, "%s", why); break;
    case ERROR_SYNTAX:
    case ERROR_UNSUPPORTED: /* of a later version */
    case ERROR_INVALID:
    case ERROR_TOO_LARGE:
        problem_add_field(problem, asking->what == ADMIN_BUNDLE_PUT ? "block" : "manifest", "%s", why);
        break;
    default: problem_set(problem, PROBLEM_NOT_SAVED, "%s", why);
    }
}

/* ---- checking ---- */

static void on_checked(void *argument, const struct admin_reload_result *result)
{
    struct asking *asking = argument;
    struct call call;
    bool is_good = result->error == 0 && report_errors(result->report) == 0;
    if (call_resume(asking->pending, &call)) {
        if (is_good) {
            json_t *document = render_reload(result);
            set_text(document, "id", asking->id);
            call_reply_json(&call, 200, document);
        } else if (!caller_may_load(&call, result)) {
            call_reply_problem(&call);
        } else if (result->report == NULL) {
            problem_set(&call.problem, PROBLEM_BUSY, "the server is ending");
            call_reply_problem(&call);
        } else {
            size_t count = report_errors(result->report);
            problem_set(&call.problem, PROBLEM_CONFIG_INVALID,
                        "%zu error%s in bundle %.12s; generation %llu still serves", count,
                        count == 1 ? "" : "s", asking->id, (unsigned long long)result->generation);
            problem_add_report(&call.problem, result->report);
            call_reply_problem(&call);
        }
        call_finish(&call);
    }
    free(asking);
}

/* It is here, as far as that is known. */
static void begin_check(struct admin *admin, struct asking *asking)
{
    const struct admin_verbs *verbs = &admin->verbs;
    const struct admin_reload asked = {
        .dry_run = true, .limit = asking->limit, .bundle = asking->id, .role = asking->role};
    struct call call;
    int error = verbs->reload(verbs->context, &asked, on_checked, asking);
    if (error == 0) {
        return;
    }
    if (call_resume(asking->pending, &call)) {
        if (error == ERROR_CONFLICT) {
            call.retry_ms = 1000;
            problem_set(&call.problem, PROBLEM_RELOAD_RUNNING, "wait for it to end, then ask again");
        } else {
            call_set_internal(&call, error);
        }
        call_reply_problem(&call);
        call_finish(&call);
    }
    free(asking);
}

/* ---- asking ---- */

static void reply(struct call *call, const struct asking *asking, const struct admin_bundle_result *result)
{
    if (result->error != 0) {
        set_refused(call, asking, result);
    } else if (asking->is_check) {
        problem_set(&call->problem, PROBLEM_CONFLICT,
                    "the bundle is still coming: %zu of %u blocks are missing",
                    result->items[0].missing_blocks, result->items[0].blocks);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
    } else if (asking->what == ADMIN_BUNDLE_LIST) {
        call_reply_json(call, 200, render_list(result));
    } else if (asking->what == ADMIN_BUNDLE_DELETE) {
        json_t *document = json_object();
        set_text(document, "id", asking->id);
        set(document, "deleted", json_true());
        call_reply_json(call, 200, document);
    } else {
        call_reply_json(call, 200, render_one(result));
    }
}

/* Of a check: whether it is here, for who asks for what is not is told so. */
struct check {
    struct admin *admin;
    struct asking *asking;
};

static void on_told(void *argument, const struct admin_bundle_result *result)
{
    struct asking *asking = argument;
    struct call call;
    if (call_resume(asking->pending, &call)) {
        reply(&call, asking, result);
        call_finish(&call);
    }
    free(asking);
}

static void on_found(void *argument, const struct admin_bundle_result *result)
{
    struct check *check = argument;
    if (result->error == 0 && result->items[0].is_here) {
        begin_check(check->admin, check->asking);
    } else {
        on_told(check->asking, result);
    }
    free(check);
}

static struct asking *make_asking(struct call *call, const struct admin_bundle_ask *ask)
{
    struct asking *asking = memory_alloc(sizeof *asking);
    bool is_bounded = call->route.parameters[ROUTE_LIMIT] != NULL;
    *asking = (struct asking){.what = ask->what,
                              .limit = is_bounded ? call->route.limit : ADMIN_CHANGES,
                              .role = call->caller.role};
    snprintf(asking->id, sizeof asking->id, "%s", ask->id == NULL ? "" : ask->id);
    return asking;
}

static void put_question(struct call *call, const struct admin_bundle_ask *ask)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    if (ask->id != NULL && !bundle_is_id(ask->id)) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND,
                    "there is no bundle \"%.64s\": an ID has 64 hexadecimal digits", ask->id);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    struct asking *asking = make_asking(call, ask);
    asking->pending = call_defer(call);
    verbs->change_bundle(verbs->context, ask, on_told, asking);
}

/* ---- requests ---- */

void handle_bundles(struct call *call)
{
    bool is_new = call->method == ROUTE_POST;
    if (is_new && call->body_len == 0) {
        problem_add_field(&call->problem, "manifest", "expected the manifest of a bundle as the body");
    }
    put_question(call, &(struct admin_bundle_ask){.what = is_new ? ADMIN_BUNDLE_BEGIN : ADMIN_BUNDLE_LIST,
                                                  .bytes = call->body,
                                                  .len = is_new ? call->body_len : 0});
}

void handle_bundle(struct call *call)
{
    struct admin_bundle_ask ask = {.what = ADMIN_BUNDLE_SHOW, .id = call->route.name};
    char actor[HEALTH_ACTOR_SIZE] = "", peer[HEALTH_PEER_SIZE] = "", reason[HEALTH_REASON_SIZE] = "";
    if (call->method == ROUTE_DELETE) {
        const char *given = call->route.parameters[ROUTE_REASON];
        ask.what = ADMIN_BUNDLE_DELETE;
        if (given != NULL) {
            request_check_reason(given, reason, &call->problem);
        }
        call_add_actor(call, actor, peer);
    }
    ask.actor = actor[0] != '\0' ? actor : peer;
    ask.reason = reason;
    put_question(call, &ask);
}

void handle_bundle_block(struct call *call)
{
    const char *text = call->route.name;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 6 || text[digits] != '\0') {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no block \"%.64s\"", text);
    }
    put_question(call, &(struct admin_bundle_ask){.what = ADMIN_BUNDLE_PUT,
                                                  .id = call->route.zone,
                                                  .block = (uint32_t)strtoul(text, NULL, 10),
                                                  .bytes = call->body,
                                                  .len = call->body_len});
}

void handle_bundle_check(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct admin_bundle_ask ask = {.what = ADMIN_BUNDLE_SHOW, .id = call->route.name};
    if (request_parse_empty(call->body, call->body_len, &call->problem) != 0 || !bundle_is_id(ask.id)) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND,
                    "there is no bundle \"%.64s\": an ID has 64 hexadecimal digits", ask.id);
        call_reply_problem(call);
        return;
    }
    struct check *check = memory_alloc(sizeof *check);
    *check = (struct check){.admin = call->admin, .asking = make_asking(call, &ask)};
    check->asking->is_check = true;
    check->asking->pending = call_defer(call);
    verbs->change_bundle(verbs->context, &ask, on_found, check);
}
