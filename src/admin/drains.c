/* SPDX-License-Identifier: BSD-3-Clause
 *
 * GET /v1/traffic/resolvers: who asks most often. GET /v1/drains: how resolvers have left a region, an az or
 * an endpoint. */
#include "config.h"

#include "admin/call.h"

#include "admin/render_set.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ID_SIZE = 32 };

/* No more digits than it has. */
static json_t *render_number(double number)
{
    return json_real(round(number * 1e4) / 1e4);
}

static void set_addr(json_t *object, const struct addr *addr)
{
    char text[ADDR_TEXT_SIZE];
    set_text(object, "address", addr_write(addr, text));
}

void handle_resolvers(struct call *call)
{
    struct admin_resolvers found = {.limit = call->route.limit};
    call->admin->verbs.traffic.list_resolvers(call->reader, &found, call->arena);
    json_t *document = json_object(), *items = json_array();
    for (size_t i = 0; i < found.count; i++) {
        json_t *item = json_object();
        set_addr(item, &found.items[i].addr);
        set(item, "rate", render_number(found.items[i].rate));
        set(item, "rate_least", render_number(found.items[i].least));
        set(item, "share", render_number(found.items[i].share));
        json_array_append_new(items, item);
    }
    set(document, "rate", render_number(found.rate));
    set_number(document, "every", found.every);
    set_number(document, "places", found.places);
    set_number(document, "lost", found.lost);
    set(document, "items", items);
    set(document, "next_cursor", json_null());
    call_reply_json(call, 200, document);
}

/* ---- drains ---- */

static json_t *render_curve(const struct traffic_drain_look *drain)
{
    json_t *curve = json_array();
    for (size_t i = 0; i < drain->point_count; i++) {
        json_t *point = json_object();
        set(point, "after_s", json_real((double)drain->points[i].after_ms / 1000));
        set(point, "asked", render_number(drain->points[i].asked));
        set(point, "drained", render_number(drain->points[i].drained));
        json_array_append_new(curve, point);
    }
    return curve;
}

static json_t *render_missing(const struct traffic_drain_look *drain)
{
    json_t *missing = json_array();
    for (size_t i = 0; i < drain->missing_count; i++) {
        json_t *host = json_object();
        set_addr(host, &drain->missing[i].addr);
        set_number(host, "seconds", drain->missing[i].seconds);
        set_time(host, "seen", drain->missing[i].seen_ms);
        set_time(host, "until", drain->missing[i].until_ms);
        json_array_append_new(missing, host);
    }
    return missing;
}

static json_t *share_of(const struct traffic_drain_look *drain, uint32_t count)
{
    return drain->members == 0 ? json_null() : render_number((double)count / drain->members);
}

static json_t *render(const struct traffic_drain_look *drain, const char *id, double hosts)
{
    json_t *object = json_object();
    set_text(object, "id", id);
    set_text(object, "target", drain->target);
    set_text(object, "region", strncmp(drain->target, "region:", 7) == 0 ? drain->target + 7 : NULL);
    set(object, "names", render_name_groups(drain->names));
    set_time(object, "time", drain->at_ms);
    set_text(object, "cause", drain->cause);
    set_number(object, "share", drain->share);
    set_text(object, "state", drain->is_open ? "open" : "over");
    set(object, "hosts", render_number(hosts));
    set_number(object, "resolvers", drain->members);
    set_number(object, "asked", drain->asked);
    set_number(object, "asked_back", drain->back);
    set_number(object, "expired", drain->expired);
    set_number(object, "waiting", drain->waiting);
    set(object, "asked_share", share_of(drain, drain->asked));
    set(object, "drained_share", share_of(drain, drain->asked + drain->expired));
    set(object, "until_99_ms", drain->t99_ms < 0 ? json_null() : json_integer(drain->t99_ms));
    set_text(object, "until_99", drain->t99_ms < 0 ? NULL : drain->is_reached ? "reached" : "estimated");
    set(object, "curve", render_curve(drain));
    set(object, "missing", render_missing(drain));
    return object;
}

struct listed {
    const struct admin_drains *drains;
    char (*ids)[ID_SIZE];
};

static const char *get_id(const void *items, size_t i)
{
    return ((const struct listed *)items)->ids[i];
}

static json_t *render_item(const void *items, size_t i)
{
    const struct listed *listed = items;
    return render(&listed->drains->items[i], listed->ids[i], listed->drains->hosts);
}

void handle_drains(struct call *call)
{
    struct admin_drains drains = {.count = 0};
    call->admin->verbs.traffic.list_drains(call->reader, &drains, call->arena);
    struct listed listed = {.drains = &drains};
    listed.ids = arena_alloc(call->arena, (drains.count + 1) * sizeof *listed.ids);
    for (size_t i = 0; i < drains.count; i++) {
        snprintf(listed.ids[i], ID_SIZE, "%lu", (unsigned long)drains.items[i].id);
    }
    if (call->route.id == ROUTE_DRAINS) {
        call_reply_page(call, &listed, drains.count, get_id, render_item);
        return;
    }
    for (size_t i = 0; i < drains.count; i++) {
        if (strcmp(listed.ids[i], call->route.name) == 0) {
            call_reply_json(call, 200, render_item(&listed, i));
            return;
        }
    }
    problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no drain \"%s\"", call->route.name);
    call_reply_problem(call);
}
