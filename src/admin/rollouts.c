/* SPDX-License-Identifier: BSD-3-Clause
 *
 * That a bundle of configuration is to be active on all nodes, or is not to be after all. Answered when that
 * is written; what becomes of it is seen in GET /v1/bundles. */
#include "config.h"

#include "admin/call.h"
#include "admin/caller.h"

#include "admin/render_set.h"
#include "admin/request_inside.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/report.h"
#include "past/bundle.h"

#include <stdlib.h>

/* On its way. */
struct changing {
    struct call_pending *pending;
    bool is_dry;
    json_t *rules; /* of a dry run: those that it would violate; NULL: none */
};

static void free_changing(struct changing *changing)
{
    json_decref(changing->rules);
    free(changing);
}

struct wanted {
    struct request_rules rules; /* that it overrides */
    char reason[HEALTH_REASON_SIZE], actor[HEALTH_ACTOR_SIZE];
};

static void set_refused(struct call *call, const struct admin_rollout_result *result)
{
    const char *why = result->why != NULL && result->why[0] != '\0' ? result->why : error_text(result->error);
    if (result->error == ERROR_NOT_FOUND) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "%s", why);
    } else if (result->error == ERROR_CONFLICT) {
        problem_set(&call->problem, PROBLEM_CONFLICT, "%s", why);
    } else if (result->error == ERROR_BUSY) {
        call->retry_ms = 1000;
        problem_set(&call->problem, PROBLEM_CLUSTER_BUSY, "%s", why);
    } else {
        problem_set(&call->problem, PROBLEM_CLUSTER_UNREACHABLE, "it could not be written: %s", why);
    }
}

static void on_changed(void *argument, const struct admin_rollout_result *result)
{
    struct changing *changing = argument;
    struct call call;
    if (call_resume(changing->pending, &call)) {
        if (result->error != 0) {
            set_refused(&call, result);
            call_reply_problem(&call);
        } else {
            json_t *document = json_object();
            set(document, "changed", json_boolean(result->has_changed));
            set(document, "dry_run", json_boolean(changing->is_dry));
            set(document, "rules", changing->rules == NULL ? json_array() : json_incref(changing->rules));
            set(document, "rollout", result->json == NULL ? json_null() : json_loads(result->json, 0, NULL));
            call_reply_json(&call, 200, document);
        }
        call_finish(&call);
    }
    free_changing(changing);
}

/* A body is not needed. */
static void parse(struct call *call, struct wanted *wanted)
{
    static const char *const known[] = {"reason", "actor", "override_rules", NULL};
    json_t *body =
        call->body_len == 0 ? NULL : request_parse_object(call->body, call->body_len, &call->problem);
    if (body == NULL) {
        return;
    }
    request_reject_unknown(body, known, &call->problem);
    request_check_body_cause(body, wanted->reason, wanted->actor, &call->problem);
    request_check_rules(body, &wanted->rules, &call->problem);
    json_decref(body);
}

/* ---- what the bundle contains ---- */

/* An order whose bundle is read first: copied, as its request does not wait with it. */
struct look {
    struct admin *admin;
    struct admin_rollout_order order;
    struct arena *texts;
    struct changing *changing;
    bool is_strict; /* errors refuse it; else nodes find them */
};

static void free_look(struct look *look)
{
    arena_free(look->texts);
    free(look);
}

static void refuse_look(struct look *look, const struct admin_reload_result *result)
{
    struct call call;
    if (call_resume(look->changing->pending, &call)) {
        size_t count = result->report == NULL ? 0 : report_errors(result->report);
        if (!caller_may_load(&call, result) || !rules_allow_load(&call, result)) {
            /* the problem says so */
        } else if (result->report == NULL) {
            problem_set(&call.problem, PROBLEM_BUSY, "nothing was changed: the server ends");
        } else {
            problem_set(&call.problem, PROBLEM_CONFIG_INVALID, "%zu error%s in bundle %.12s", count,
                        count == 1 ? "" : "s", look->order.id);
            problem_add_report(&call.problem, result->report);
        }
        call_reply_problem(&call);
        call_finish(&call);
    }
    free_changing(look->changing);
}

static void on_read(void *argument, const struct admin_reload_result *result)
{
    struct look *look = argument;
    const struct admin_verbs *verbs = &look->admin->verbs;
    bool is_bad = look->is_strict && (result->error != 0 || report_errors(result->report) != 0);
    if (result->is_against_rules && look->order.dry_run) {
        look->changing->rules = render_violated(result->rules);
    }
    if (result->report == NULL || is_bad || (result->is_against_rules && !look->order.dry_run)) {
        refuse_look(look, result);
    } else {
        look->order.generation = result->generation;
        verbs->change_rollout(verbs->context, &look->order, on_changed, look->changing);
    }
    free_look(look);
}

/* Who may not bring commands activates only what was read, and has no new ones; and what safety rules forbid
 * nobody does, but by their names. What the bundle contains cannot change meanwhile: its name is the hash of
 * that. */
static void look_first(struct call *call, const struct admin_rollout_order *order,
                       const struct request_rules *rules, struct changing *changing)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct look *look = memory_alloc(sizeof *look);
    struct arena *texts = arena_new(0);
    *look = (struct look){.admin = call->admin,
                          .order = *order,
                          .texts = texts,
                          .changing = changing,
                          .is_strict = call->caller.role < ROLE_ADMIN};
    const char **copied[] = {&look->order.id,     &look->order.actor,   &look->order.peer,
                             &look->order.reason, &look->order.request, &look->order.overrides_rules};
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        *copied[i] = arena_copy_text(texts, *copied[i]);
    }
    const struct admin_reload asked = {.dry_run = true,
                                       .limit = ADMIN_CHANGES,
                                       .bundle = look->order.id,
                                       .role = call->caller.role,
                                       .overruling = {.names = rules->names, .count = rules->count}};
    int error = verbs->reload(verbs->context, &asked, on_read, look);
    struct call again;
    if (error == 0) {
        return;
    }
    if (call_resume(changing->pending, &again)) {
        again.retry_ms = 1000;
        problem_set(&again.problem, PROBLEM_RELOAD_RUNNING, "wait for it to end, then ask again");
        call_reply_problem(&again);
        call_finish(&again);
    }
    free_changing(changing);
    free_look(look);
}

/* ---- requests ---- */

void handle_rollout(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    bool cancels = call->route.id == ROUTE_BUNDLES_CANCEL;
    struct wanted wanted = {.reason = ""};
    char peer[HEALTH_PEER_SIZE] = "";
    if (verbs->cluster.is_on == NULL || !verbs->cluster.is_on(verbs->context)) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND,
                    "this server is by itself: its steerd.json has no \"cluster\" with \"etcd\"");
    } else if (!cancels && !bundle_is_id(call->route.name)) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND,
                    "there is no bundle \"%.64s\": an ID has 64 hexadecimal digits", call->route.name);
    } else {
        parse(call, &wanted);
    }
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, wanted.actor, peer);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    const struct admin_rollout_order order = {
        .cancels = cancels,
        .id = cancels ? NULL : call->route.name,
        .dry_run = call->route.dry_run,
        .actor = wanted.actor,
        .peer = peer,
        .role = call->caller.role,
        .reason = wanted.reason,
        .overrides_rules = rules_join(call, &wanted.rules),
        .request = cancels
                       ? "POST /v1/bundles:cancel"
                       : rules_write_request(
                             call, arena_print(call->arena, "POST /v1/bundles/%s:activate", call->route.name),
                             &wanted.rules),
        .receipt = call->route.dry_run ? NULL : call_make_receipt(call)};
    struct changing *changing = memory_alloc(sizeof *changing);
    *changing = (struct changing){.is_dry = order.dry_run, .pending = call_defer(call)};
    if (cancels || (call->caller.role >= ROLE_ADMIN && wanted.rules.count == 0 &&
                    !verbs->rules.has_any(verbs->context))) {
        verbs->change_rollout(verbs->context, &order, on_changed, changing);
    } else {
        look_first(call, &order, &wanted.rules, changing);
    }
}
