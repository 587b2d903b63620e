/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The resources that only look: status, targets, overrides, zones, names, geo, metrics. Each is
 * called with a checked route and answers. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "base/buffer.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OVERRIDES_BLOCK = 64 }; /* looked at together */

/* ---- targets ---- */

static const struct admin_verbs *verbs_of(const struct call *call)
{
    return &call->admin->verbs;
}

static json_t *render_file_list(struct call *call)
{
    struct admin_file *items = NULL;
    size_t count = verbs_of(call)->list_files(call->reader, call->arena, &items);
    return render_check_files(items, count);
}

/* Regions that safety rules hold. */
static void add_holds(const struct operate_targets *regions, json_t *holds)
{
    for (size_t i = 0; i < regions->count; i++) {
        if (regions->items[i].hold != NULL) {
            json_t *item = render_hold(&regions->items[i]);
            json_object_set_new(item, "region", render_text(regions->items[i].name));
            json_array_append_new(holds, item);
        }
    }
}

void handle_status(struct call *call)
{
    static const struct {
        enum health_kind kind;
        const char *key;
    } kinds[] = {{HEALTH_REGION, "regions"}, {HEALTH_AZ, "azs"}, {HEALTH_ENDPOINT, "endpoints"}};
    const struct admin_verbs *verbs = verbs_of(call);
    struct admin_info info = {.version = NULL};
    struct admin_vantages vantages = {.count = 0};
    verbs->get_info(call->reader, &info);
    json_t *document = render_info(&info), *holds = json_array();
    size_t overrides = 0, planned = 0, waiting = 0, ramping[HEALTH_REGION + 1] = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct operate_targets targets = {.count = 0};
        verbs->list_targets(call->reader, kinds[i].kind, call->arena, &targets);
        json_object_set_new(document, kinds[i].key, render_counts(&targets));
        add_holds(&targets, holds);
        for (size_t j = 0; j < targets.count; j++) {
            overrides += targets.items[j].override != NULL ? 1 : 0;
            planned += targets.items[j].status.planned ? 1 : 0;
            waiting += targets.items[j].status.restored ? 1 : 0;
            ramping[kinds[i].kind] += targets.items[j].status.ramp.percent != 0;
        }
    }
    json_object_set_new(document, "holds", holds);
    json_object_set_new(document, "overrides", json_integer((json_int_t)overrides));
    json_object_set_new(document, "overrides_planned", json_integer((json_int_t)planned));
    size_t dormants = verbs->count_dormant(call->reader);
    json_object_set_new(document, "overrides_dormant", json_integer((json_int_t)dormants));
    json_object_set_new(document, "ramping", render_ramping(ramping));
    json_object_set_new(document, "brake", render_brakes(&info));
    json_object_set_new(document, "live_drill", render_live(&info.live));
    json_object_set_new(document, "contact",
                        info.serving.is_known ? render_contact(&info.serving) : json_null());
    (void)verbs->list_vantages(call->reader, call->arena, &vantages);
    json_object_set_new(document, "vantages", render_vantage_counts(&vantages));
    json_object_set_new(document, "replication", render_lag_counts(&info.lags));
    json_object_set_new(document, "files", render_file_list(call));
    json_object_set_new(document, "store", render_store(&info.store));
    json_object_set_new(document, "archive", render_archive(&info.archive));
    json_object_set_new(document, "points", render_points(&info.points));
    json_object_set_new(document, "last_health", render_last(&info.last, waiting));
    json_object_set_new(document, "work", render_work(&info.work));
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
    if (name != NULL && verbs_of(call)->get_target(call->reader, kind, name, call->arena, &target) != 0) {
        problem_add_field(&call->problem, health_kind_text(kind),
                          "found \"%s\", expected the name of one that exists", name);
    }
}

json_t *call_render_target(struct call *call, const struct operate_target *target, field_set fields)
{
    json_t *object = render_target(target, fields);
    if (target->kind == HEALTH_ENDPOINT && fields_have(fields, FIELD_CHECKS)) {
        struct admin_monitor *monitors = NULL;
        size_t count = verbs_of(call)->list_monitors(call->reader, target->name, call->arena, &monitors);
        json_object_set_new(object, "checks", render_monitors(monitors, count));
    }
    return object;
}

static void add_row(struct call *call, const struct operate_target *target, field_set fields,
                    struct buffer *rows)
{
    struct render_checks checks = {.count = 0};
    bool has_checks = target->kind == HEALTH_ENDPOINT && fields_have(fields, FIELD_CHECKS);
    if (has_checks) {
        struct admin_monitor *monitors = NULL;
        checks.count = verbs_of(call)->list_monitors(call->reader, target->name, call->arena, &monitors);
        checks.items = monitors;
    }
    render_target_row(target, fields, has_checks ? &checks : NULL, rows);
}

static void show_targets(struct call *call, const struct operate_targets *targets, field_set fields,
                         struct call_page *page, struct buffer *rows)
{
    for (size_t i = 0; i < targets->count && !page->more; i++) {
        const struct operate_target *target = &targets->items[i];
        if (passes_filters(call, target) && call_page_take(page, target->name)) {
            buffer_add_text(rows, page->taken == 1 ? "\n" : ",\n");
            add_row(call, target, fields, rows);
        }
    }
}

/* A line for each. */
static void reply_rows(struct call *call, struct call_page *page, struct buffer *rows)
{
    if (!page->begun) {
        call_page_reply(call, page); /* which refuses it */
        return;
    }
    json_t *next = render_text(page->more ? page->last : NULL);
    char *text = json_dumps(next, JSON_ENCODE_ANY);
    buffer_print(rows, "\n],\n\"next_cursor\": %s}\n", text);
    free(text);
    json_decref(next);
    call_reply_text(call, "application/json", rows->bytes, rows->len);
}

void handle_targets(struct call *call)
{
    enum { BLOCK = 256 }; /* looked at together: a page needs no more than the list has from its cursor on */
    struct operate_targets targets = {.count = 0};
    check_filter(call, ROUTE_REGION, HEALTH_REGION);
    check_filter(call, ROUTE_AZ, HEALTH_AZ);
    field_set fields = fields_parse(call->route.parameters[ROUTE_FIELDS], &call->problem);
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    struct call_page page = call_page_open(call);
    struct buffer rows;
    buffer_init(&rows);
    buffer_add_text(&rows, "{\"items\": [");
    if (page.cursor != NULL) {
        ptrdiff_t at = verbs_of(call)->find_target(call->reader, call->route.kind, page.cursor);
        page.begun = at >= 0;
        targets.first = (size_t)(at + 1);
    }
    while (page.begun && !page.more) {
        targets.count = BLOCK;
        verbs_of(call)->list_some(call->reader, call->route.kind, call->arena, &targets);
        if (targets.count == 0) {
            break;
        }
        show_targets(call, &targets, fields, &page, &rows);
        targets.first += targets.count;
    }
    reply_rows(call, &page, &rows);
    buffer_fini(&rows);
}

void handle_target(struct call *call)
{
    struct operate_target target;
    if (verbs_of(call)->get_target(call->reader, call->route.kind, call->route.name, call->arena, &target) !=
        0) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no %s \"%s\"",
                    health_kind_text(call->route.kind), call->route.name);
        call_reply_problem(call);
        return;
    }
    call_reply_json(call, 200, call_render_target(call, &target, FIELDS_ALL));
}

/* Where a page of overrides begins: at a number among those of a kind, or, behind all kinds, at one whose
 * target is gone. */
struct override_place {
    int kind;
    size_t first;
    struct health_dormant_cursor dormant;
};

static bool find_place(struct call *call, const char *key, struct override_place *place)
{
    enum health_kind kind;
    const char *name;
    if (health_parse_target(key, &kind, &name) != 0) {
        return false;
    }
    ptrdiff_t at = verbs_of(call)->find_target(call->reader, kind, name);
    if (at >= 0) {
        *place = (struct override_place){.kind = (int)kind, .first = (size_t)(at + 1)};
        return true;
    }
    place->kind = HEALTH_ENDPOINT - 1;
    return verbs_of(call)->seek_dormant(call->reader, kind, name, &place->dormant);
}

static const char *make_key(struct call *call, enum health_kind kind, const char *name)
{
    return arena_print(call->arena, "%s:%s", health_kind_text(kind), name);
}

static void page_overrides(struct call *call, enum health_kind kind, size_t first, struct call_page *page)
{
    struct operate_targets targets = {.first = first};
    do {
        targets.count = OVERRIDES_BLOCK;
        verbs_of(call)->list_overridden(call->reader, kind, call->arena, &targets);
        for (size_t i = 0; i < targets.count && !page->more; i++) {
            if (call_page_take(page, make_key(call, kind, targets.items[i].name))) {
                call_page_add(page, render_override_item(&targets.items[i]));
            }
        }
    } while (targets.count != 0 && !page->more);
}

static void page_dormant(struct call *call, struct health_dormant_cursor *cursor, struct call_page *page)
{
    struct health_dormant items[OPERATE_DORMANT_PAGE];
    size_t count;
    while (!page->more &&
           (count = verbs_of(call)->list_dormant(call->reader, cursor, call->arena, items)) != 0) {
        for (size_t i = 0; i < count && !page->more; i++) {
            if (call_page_take(page, make_key(call, items[i].kind, items[i].name))) {
                call_page_add(page, render_dormant(&items[i]));
            }
        }
    }
}

void handle_overrides(struct call *call)
{
    struct call_page page = call_page_open(call);
    struct override_place place = {.kind = HEALTH_REGION};
    page.begun = page.cursor == NULL || find_place(call, page.cursor, &place);
    for (; page.begun && !page.more && place.kind >= HEALTH_ENDPOINT; place.kind--) {
        page_overrides(call, (enum health_kind)place.kind, place.first, &page);
        place.first = 0;
    }
    if (page.begun) {
        page_dormant(call, &place.dormant, &page);
    }
    call_page_reply(call, &page);
}

/* ---- zones and names ---- */

/* A page of zones. Who is told of them is what the control thread knows. */
struct zone_page {
    struct call_page page;
    struct zone_row {
        const struct view_zone *zone;
        struct admin_secondary *secondaries;
        size_t told;
    } * rows;
    size_t count;
};

static void fetch_secondaries(struct call *call)
{
    const struct admin_verbs *verbs = verbs_of(call);
    struct zone_page *zones = call->data;
    for (size_t i = 0; i < zones->count; i++) {
        struct zone_row *row = &zones->rows[i];
        row->told =
            verbs->list_secondaries(verbs->context, row->zone->origin, call->arena, &row->secondaries);
    }
}

static void find_zones(struct call *call)
{
    const struct view_zone *list = NULL;
    size_t count = 0;
    struct zone_page *zones = arena_alloc(call->arena, sizeof *zones);
    zones->page = call_page_open(call);
    zones->rows = arena_alloc(call->arena, zones->page.limit * sizeof *zones->rows);
    verbs_of(call)->list_zones(call->reader, &list, &count);
    for (size_t i = 0; i < count && !zones->page.more; i++) {
        if (call_page_reached(&zones->page, list[i].origin) && call_page_take(&zones->page, list[i].origin)) {
            zones->rows[zones->count++].zone = &list[i];
        }
    }
    call->data = zones;
    call->fetch = fetch_secondaries;
}

void handle_zones(struct call *call)
{
    struct zone_page *zones = call->data;
    if (!call->fetched) {
        find_zones(call);
        return;
    }
    for (size_t i = 0; i < zones->count; i++) {
        const struct zone_row *row = &zones->rows[i];
        call_page_add(&zones->page, render_zone(row->zone, row->secondaries, row->told));
    }
    call_page_reply(call, &zones->page);
}

void handle_names(struct call *call)
{
    const struct view_name *names = NULL;
    size_t count = 0;
    struct call_page page = call_page_open(call);
    verbs_of(call)->list_names(call->reader, &names, &count);
    for (size_t i = 0; i < count && !page.more; i++) {
        bool is_wanted = call->route.policy < 0 || call->route.policy == names[i].policy;
        if (call_page_reached(&page, names[i].owner) && is_wanted && call_page_take(&page, names[i].owner)) {
            call_page_add(&page, render_name(&names[i], verbs_of(call), call->reader));
        }
    }
    call_page_reply(call, &page);
}

static const char *get_file(const void *items, size_t i)
{
    return ((const struct admin_geo *)items)[i].file;
}

static json_t *render_geo_item(const void *items, size_t i)
{
    return render_geo(&((const struct admin_geo *)items)[i]);
}

void handle_geo(struct call *call)
{
    struct admin_geo *items = NULL;
    size_t count = 0;
    verbs_of(call)->list_geo(call->reader, call->arena, &items, &count);
    call_reply_page(call, items, count, get_file, render_geo_item);
}

/* ---- metrics ---- */

void handle_metrics(struct call *call)
{
    struct buffer text;
    buffer_init(&text);
    verbs_of(call)->write_metrics(call->reader, &text);
    call_reply_text(call, "text/plain; version=0.0.4; charset=utf-8", text.bytes, text.len);
    buffer_fini(&text);
}
