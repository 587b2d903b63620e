/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The resources that only look: status, targets, overrides, zones, names, geo, metrics. Each is
 * called with a checked route and answers. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* ---- pages: walk a list in order, begin behind the cursor, stop after `limit` items ---- */

struct page {
    const char *cursor; /* key of the last item of the page before; NULL: from the start */
    size_t limit;
    bool begun, more;
    const char *last;
    json_t *items;
};

static struct page page_start(const struct call *call)
{
    const char *cursor = call->route.parameters[ROUTE_CURSOR];
    return (struct page){
        .cursor = cursor, .limit = call->route.limit, .begun = cursor == NULL, .items = json_array()};
}

/* Is the item with this key behind the cursor? */
static bool page_reached(struct page *page, const char *key)
{
    if (page->begun) {
        return true;
    }
    page->begun = strcmp(page->cursor, key) == 0;
    return false;
}

/* Is there room for it? */
static bool page_take(struct page *page, const char *key)
{
    if (json_array_size(page->items) == page->limit) {
        page->more = true;
        return false;
    }
    page->last = key;
    return true;
}

static void page_reply(struct call *call, struct page *page)
{
    if (!page->begun) {
        json_decref(page->items);
        problem_add_field(&call->problem, "cursor",
                          "found \"%s\", expected the next_cursor of a list that still has it", page->cursor);
        call_reply_problem(call);
        return;
    }
    json_t *document = json_object();
    json_object_set_new(document, "items", page->items);
    json_object_set_new(document, "next_cursor", page->more ? json_string(page->last) : json_null());
    call_reply_json(call, 200, document);
}

/* ---- targets ---- */

static const struct admin_verbs *verbs_of(const struct call *call)
{
    return &call->admin->verbs;
}

void handle_status(struct call *call)
{
    static const struct {
        enum health_kind kind;
        const char *key;
    } kinds[] = {{HEALTH_REGION, "regions"}, {HEALTH_AZ, "azs"}, {HEALTH_ENDPOINT, "endpoints"}};
    const struct admin_verbs *verbs = verbs_of(call);
    struct admin_info info = {.version = NULL};
    verbs->get_info(verbs->context, &info);
    json_t *document = render_info(&info);
    size_t overrides = 0, planned = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct operate_targets targets = {.count = 0};
        verbs->list_targets(verbs->context, kinds[i].kind, call->arena, &targets);
        json_object_set_new(document, kinds[i].key, render_counts(&targets));
        for (size_t j = 0; j < targets.count; j++) {
            overrides += targets.items[j].override != NULL ? 1 : 0;
            planned += targets.items[j].status.planned ? 1 : 0;
        }
    }
    json_object_set_new(document, "overrides", json_integer((json_int_t)overrides));
    json_object_set_new(document, "overrides_planned", json_integer((json_int_t)planned));
    call_reply_json(call, 200, document);
}

static bool equals(const char *wanted, const char *found)
{
    return wanted == NULL || (found != NULL && strcmp(wanted, found) == 0);
}

static bool passes_filters(const struct call *call, const struct operate_target *target)
{
    const char *const *wanted = call->route.parameters;
    return equals(wanted[ROUTE_REGION], target->region) && equals(wanted[ROUTE_AZ], target->az) &&
           equals(wanted[ROUTE_EFFECTIVE], health_state_text(target->status.effective.state));
}

/* A filter that names something unknown is a typing error, not an empty list. */
static void check_filter(struct call *call, enum route_parameter parameter, enum health_kind kind)
{
    const char *name = call->route.parameters[parameter];
    struct operate_target target;
    if (name != NULL &&
        verbs_of(call)->get_target(verbs_of(call)->context, kind, name, call->arena, &target) != 0) {
        problem_add_field(&call->problem, health_kind_text(kind),
                          "found \"%s\", expected the name of one that exists", name);
    }
}

static json_t *render_with_checks(struct call *call, const struct operate_target *target)
{
    json_t *object = render_target(target);
    if (target->kind == HEALTH_ENDPOINT) {
        struct admin_monitor *monitors = NULL;
        size_t count =
            verbs_of(call)->list_monitors(verbs_of(call)->context, target->name, call->arena, &monitors);
        json_object_set_new(object, "checks", render_monitors(monitors, count));
    }
    return object;
}

void handle_targets(struct call *call)
{
    struct operate_targets targets = {.count = 0};
    check_filter(call, ROUTE_REGION, HEALTH_REGION);
    check_filter(call, ROUTE_AZ, HEALTH_AZ);
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    struct page page = page_start(call);
    verbs_of(call)->list_targets(verbs_of(call)->context, call->route.kind, call->arena, &targets);
    for (size_t i = 0; i < targets.count && !page.more; i++) {
        const struct operate_target *target = &targets.items[i];
        if (page_reached(&page, target->name) && passes_filters(call, target) &&
            page_take(&page, target->name)) {
            json_array_append_new(page.items, render_with_checks(call, target));
        }
    }
    page_reply(call, &page);
}

void handle_target(struct call *call)
{
    struct operate_target target;
    if (verbs_of(call)->get_target(verbs_of(call)->context, call->route.kind, call->route.name, call->arena,
                                   &target) != 0) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no %s \"%s\"",
                    health_kind_text(call->route.kind), call->route.name);
        call_reply_problem(call);
        return;
    }
    call_reply_json(call, 200, render_with_checks(call, &target));
}

static void page_overrides(struct call *call, enum health_kind kind, struct page *page)
{
    struct operate_targets targets = {.count = 0};
    verbs_of(call)->list_targets(verbs_of(call)->context, kind, call->arena, &targets);
    for (size_t i = 0; i < targets.count && !page->more; i++) {
        const struct operate_target *target = &targets.items[i];
        if (target->override == NULL && page->begun) {
            continue;
        }
        const char *key = arena_print(call->arena, "%s:%s", health_kind_text(kind), target->name);
        if (page_reached(page, key) && page_take(page, key)) {
            json_array_append_new(page->items, render_override_item(target));
        }
    }
}

void handle_overrides(struct call *call)
{
    struct page page = page_start(call);
    for (int kind = HEALTH_REGION; kind >= HEALTH_ENDPOINT; kind--) {
        page_overrides(call, (enum health_kind)kind, &page);
    }
    page_reply(call, &page);
}

/* ---- zones and names ---- */

void handle_zones(struct call *call)
{
    const struct view_zone *zones = NULL;
    size_t count = 0;
    struct page page = page_start(call);
    verbs_of(call)->list_zones(verbs_of(call)->context, &zones, &count);
    for (size_t i = 0; i < count && !page.more; i++) {
        if (page_reached(&page, zones[i].origin) && page_take(&page, zones[i].origin)) {
            struct admin_secondary *secondaries = NULL;
            size_t told =
                verbs_of(call)->list_secondaries(verbs_of(call)->context, i, call->arena, &secondaries);
            json_array_append_new(page.items, render_zone(&zones[i], secondaries, told));
        }
    }
    page_reply(call, &page);
}

void handle_names(struct call *call)
{
    const struct view_name *names = NULL;
    size_t count = 0;
    struct page page = page_start(call);
    verbs_of(call)->list_names(verbs_of(call)->context, &names, &count);
    for (size_t i = 0; i < count && !page.more; i++) {
        bool is_wanted = call->route.policy < 0 || call->route.policy == names[i].policy;
        if (page_reached(&page, names[i].owner) && is_wanted && page_take(&page, names[i].owner)) {
            json_array_append_new(page.items, render_name(&names[i]));
        }
    }
    page_reply(call, &page);
}

void handle_geo(struct call *call)
{
    struct admin_geo *items = NULL;
    size_t count = 0;
    struct page page = page_start(call);
    verbs_of(call)->list_geo(verbs_of(call)->context, call->arena, &items, &count);
    for (size_t i = 0; i < count && !page.more; i++) {
        if (page_reached(&page, items[i].file) && page_take(&page, items[i].file)) {
            json_array_append_new(page.items, render_geo(&items[i]));
        }
    }
    page_reply(call, &page);
}

/* ---- metrics ---- */

void handle_metrics(struct call *call)
{
    struct buffer text;
    buffer_init(&text);
    verbs_of(call)->write_metrics(verbs_of(call)->context, &text);
    call_reply_text(call, "text/plain; version=0.0.4; charset=utf-8", text.bytes, text.len);
    buffer_fini(&text);
}
