/* SPDX-License-Identifier: BSD-3-Clause
 *
 * GET /v1/checks: what is checked, one row per check and address of an endpoint, in the order of the
 * topology, each with its last results. A cursor is the row shown last: "ENDPOINT/NUMBER", of those of its
 * endpoint. */
#include "config.h"

#include "admin/call.h"

#include "admin/query.h"
#include "admin/render.h"
#include "base/error.h"

#include <string.h>

struct list {
    struct call *call;
    const char *const *wanted; /* parameters */
    size_t skip;               /* rows of the first endpoint, shown before */
    struct call_page page;
};

static bool equals(const char *wanted, const char *found)
{
    return wanted == NULL || (found != NULL && strcmp(wanted, found) == 0);
}

static bool is_wanted(const struct list *list, const struct admin_monitor *monitor)
{
    const struct health_monitor_status *status = &monitor->status;
    return equals(list->wanted[ROUTE_CHECK], monitor->check) &&
           equals(list->wanted[ROUTE_VERDICT], health_observed_text(status->verdict)) &&
           equals(list->wanted[ROUTE_OUTCOME], health_outcome_text(status->outcome));
}

/* Is there anything to list of endpoint number `number`? */
static bool has_wanted(const struct list *list, size_t number)
{
    const char *verdict = list->wanted[ROUTE_VERDICT], *outcome = list->wanted[ROUTE_OUTCOME];
    return (verdict == NULL && outcome == NULL) ||
           list->call->admin->verbs.has_monitor(list->call->reader, number, verdict, outcome);
}

static void list_endpoint(struct list *list, const struct operate_target *endpoint, struct arena *scratch)
{
    struct call *call = list->call;
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct admin_monitor *monitors = NULL;
    size_t count = verbs->list_monitors(call->reader, endpoint->name, scratch, &monitors);
    for (size_t i = list->skip; i < count && !list->page.more; i++) {
        if (is_wanted(list, &monitors[i]) &&
            call_page_take(&list->page, arena_print(call->arena, "%s/%zu", endpoint->name, i))) {
            verbs->add_results(call->reader, call->arena, &monitors[i]);
            call_page_add(&list->page, render_check(endpoint, &monitors[i]));
        }
    }
    list->skip = 0;
}

/* From endpoint number `first` on, in blocks, so that no more memory is needed for a million of them. */
static void list_from(struct list *list, size_t first)
{
    enum { BLOCK = 256 };
    struct call *call = list->call;
    size_t count = BLOCK;
    while (count != 0 && !list->page.more && !progress_is_cancelled(call->progress)) {
        struct arena *scratch = arena_new(0);
        struct operate_targets targets = {.first = first, .count = BLOCK};
        call->admin->verbs.list_some(call->reader, HEALTH_ENDPOINT, scratch, &targets);
        count = targets.count;
        for (size_t i = 0; i < count && !list->page.more; i++) {
            const struct operate_target *endpoint = &targets.items[i];
            if (equals(list->wanted[ROUTE_REGION], endpoint->region) &&
                equals(list->wanted[ROUTE_AZ], endpoint->az) && has_wanted(list, first + i)) {
                list_endpoint(list, endpoint, scratch);
            }
            list->skip = 0;
        }
        first += count;
        arena_free(scratch);
    }
}

static void list_one(struct list *list, const char *name)
{
    struct operate_target endpoint;
    struct call *call = list->call;
    if (call->admin->verbs.get_target(call->reader, HEALTH_ENDPOINT, name, call->arena, &endpoint) == 0 &&
        equals(list->wanted[ROUTE_REGION], endpoint.region) && equals(list->wanted[ROUTE_AZ], endpoint.az)) {
        list_endpoint(list, &endpoint, call->arena);
    }
}

/* A filter that names something unknown is a typing error, not an empty list. */
static void check_filter(struct call *call, enum route_parameter parameter, enum health_kind kind)
{
    const char *name = call->route.parameters[parameter];
    if (name != NULL && call->admin->verbs.find_target(call->reader, kind, name) < 0) {
        problem_add_field(&call->problem, health_kind_text(kind),
                          "found \"%s\", expected the name of one that exists", name);
    }
}

/* Number of the first endpoint to look at. */
static size_t find_start(struct call *call, struct list *list)
{
    struct call_page *page = &list->page;
    if (page->cursor == NULL) {
        return 0;
    }
    const char *name = NULL;
    bool is_one = query_parse_row(page->cursor, call->arena, &name, &list->skip) == 0;
    ptrdiff_t at = is_one ? call->admin->verbs.find_target(call->reader, HEALTH_ENDPOINT, name) : -1;
    page->begun = at >= 0 && equals(list->wanted[ROUTE_ENDPOINT], name);
    list->skip++;
    return page->begun ? (size_t)at : 0;
}

void handle_checks(struct call *call)
{
    struct list list = {.call = call, .wanted = call->route.parameters, .page = call_page_open(call)};
    check_filter(call, ROUTE_REGION, HEALTH_REGION);
    check_filter(call, ROUTE_AZ, HEALTH_AZ);
    check_filter(call, ROUTE_ENDPOINT, HEALTH_ENDPOINT);
    size_t first = find_start(call, &list);
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    if (list.page.begun && list.wanted[ROUTE_ENDPOINT] != NULL) {
        list_one(&list, list.wanted[ROUTE_ENDPOINT]);
    } else if (list.page.begun) {
        list_from(&list, first);
    }
    call_page_reply(call, &list.page);
}

/* ---- now ---- */

void handle_try(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct admin_tries tries = {.endpoint = call->route.parameters[ROUTE_ENDPOINT],
                                .check = call->route.parameters[ROUTE_CHECK],
                                .from = call->route.parameters[ROUTE_FROM],
                                .progress = call->progress};
    check_filter(call, ROUTE_ENDPOINT, HEALTH_ENDPOINT);
    int error = problem_is_set(&call->problem) ? 0 : verbs->try_checks(call->reader, &tries, call->arena);
    if (error == ERROR_NOT_FOUND && tries.check != NULL) {
        problem_add_field(&call->problem, "check", "found \"%s\", expected a check of endpoint %s",
                          tries.check, tries.endpoint);
    } else if (error == ERROR_NOT_FOUND) {
        problem_add_field(&call->problem, "endpoint", "found \"%s\", expected one that has checks",
                          tries.endpoint);
    } else if (error == ERROR_CONFLICT) {
        problem_add_field(&call->problem, "from", "found \"%s\", expected the name of a vantage", tries.from);
    } else if (error != 0) {
        call_set_internal(call, error);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    json_t *document = json_object(), *items = json_array();
    for (size_t i = 0; i < tries.count; i++) {
        json_array_append_new(items, render_try(tries.endpoint, &tries.items[i]));
    }
    json_object_set_new(document, "items", items);
    call_reply_json(call, 200, document);
}
