/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What restricts answers: access lists of listen addresses and zones, cookies, rates. All of it belongs to
 * the view and nothing to the zones, which may be shared by views with different settings, and exchanged one
 * by one in a running view. */
#include "config.h"

#include "view/view.h"

#include "base/memory.h"
#include "dns/name.h"
#include "view/compile_internal.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

/* Open addressing by the hash of the apex, at most half full. */
struct view_acls {
    size_t mask;
    struct {
        uint64_t hash;
        const struct acl *acl;
        uint8_t *apex; /* NULL: free; in the view's arena */
    } slots[];
};

/* ---- zones ---- */

const struct acl *view_find_acl(const struct view *view, const struct zone *zone)
{
    const struct view_acls *acls = view->acls;
    if (acls != NULL) {
        for (size_t i = zone->apex_hash >> 32 & acls->mask; acls->slots[i].apex != NULL;
             i = (i + 1) & acls->mask) {
            if (acls->slots[i].hash == zone->apex_hash &&
                memcmp(acls->slots[i].apex, zone->apex, zone->apex_len) == 0) {
                return acls->slots[i].acl;
            }
        }
    }
    return view->server->zone_defaults->allow_query;
}

static bool has_own(const struct view *view, size_t zone)
{
    return view->server->zones[zone].options != view->server->zone_defaults;
}

static void add_acl(struct view *view, const struct conf_zone_source *source)
{
    struct dns_key key;
    uint8_t apex[DNS_NAME_MAX + 1];
    int len = dns_name_parse(source->origin, NULL, apex);
    if (len < 0 || dns_key_fill(&key, apex, (size_t)len) == 0) {
        return; /* told when the zone was loaded */
    }
    uint64_t hash = dns_key_hash(key.name, key.len);
    size_t at = hash >> 32 & view->acls->mask;
    while (view->acls->slots[at].apex != NULL) {
        at = (at + 1) & view->acls->mask;
    }
    view->acls->slots[at].hash = hash;
    view->acls->slots[at].acl = source->options->allow_query;
    /* as long as any apex, so that comparing needs no second length */
    view->acls->slots[at].apex = arena_alloc(view->arena, DNS_NAME_MAX + 1);
    memcpy(view->acls->slots[at].apex, key.name, key.len);
}

static void add_zones(struct view *view)
{
    const struct conf_server *server = view->server;
    size_t own = 0, size = 2;
    bool any = server->zone_defaults->allow_query != NULL;
    for (size_t i = 0; i < server->zone_count; i++) {
        own += has_own(view, i);
        any |= server->zones[i].options->allow_query != NULL;
    }
    if (!any) {
        return;
    }
    view->guards |= VIEW_GUARD_ZONE;
    if (own == 0) {
        return;
    }
    while (size < own * 2) {
        size *= 2;
    }
    view->acls = memory_alloc(sizeof *view->acls + size * sizeof view->acls->slots[0]);
    view->acls->mask = size - 1;
    for (size_t i = 0; i < server->zone_count; i++) {
        if (has_own(view, i)) {
            add_acl(view, &server->zones[i]);
        }
    }
}

/* ---- listen addresses ---- */

static void flag_listeners(struct view *view)
{
    view->guards &= ~(unsigned)(VIEW_GUARD_LISTEN | VIEW_GUARD_SUBNET);
    for (size_t i = 0; i < view->listen_count; i++) {
        const struct conf_listener *listener = &view->listeners[i];
        view->guards |= listener->allow != NULL ? VIEW_GUARD_LISTEN : 0;
        view->guards |= listener->subnets != CONF_SUBNETS_USE ? VIEW_GUARD_SUBNET : 0;
    }
}

static const struct acl *copy_acl(const struct acl *from, struct arena *arena)
{
    if (from == NULL) {
        return NULL;
    }
    struct acl *acl = arena_alloc(arena, sizeof *acl);
    acl->entries = arena_copy(arena, from->entries, from->count * sizeof *from->entries);
    acl->count = from->count;
    return acl;
}

/* The address in the document, looked for at the same place first: with port 0 there may be several. */
static ptrdiff_t find_listener(const struct conf_server *server, const struct addr_port *at, size_t first)
{
    for (size_t n = 0; n < server->listen_count; n++) {
        size_t i = (first + n) % server->listen_count;
        if (server->listen[i].port == at->port && addr_equal(&server->listen[i].addr, &at->addr)) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

void view_map_listeners(struct view *view, const struct addr_port *served, size_t count,
                        const struct view *previous)
{
    struct conf_listener *listeners = arena_alloc(view->arena, count * sizeof *listeners);
    for (size_t i = 0; i < count; i++) {
        ptrdiff_t at = find_listener(view->server, &served[i], i);
        if (at != -1) {
            listeners[i] = view->server->listeners[at];
        } else if (previous != NULL && i < previous->listen_count) {
            listeners[i] = (struct conf_listener){
                .allow = copy_acl(previous->listeners[i].allow, view->arena),
                .proxies = copy_acl(previous->listeners[i].proxies, view->arena),
                .subnets = previous->listeners[i].subnets,
            };
        }
    }
    view->listeners = listeners;
    view->listen_count = count;
    flag_listeners(view);
}

/* ---- all ---- */

void compile_guards(struct view *view, const struct view *previous)
{
    const struct conf_server *server = view->server;
    view->listeners = server->listeners;
    view->listen_count = server->listen_count;
    flag_listeners(view);
    add_zones(view);
    if (view->secret_count != 0 && server->cookies_require == CONF_COOKIES_ALWAYS) {
        view->guards |= VIEW_GUARD_COOKIE;
    }
    view->guards |= server->amplification != 0 ? VIEW_GUARD_AMPLIFICATION : 0;
    view->guards |= server->dnstap != NULL || server->query_log != NULL ? VIEW_GUARD_TAP : 0;
    if (server->rrl == NULL) {
        return;
    }
    view->guards |= VIEW_GUARD_RATE;
    struct limiter *old = previous == NULL ? NULL : previous->limiter;
    if (old != NULL && limiter_size(old) >= server->rrl->table_size &&
        limiter_size(old) < 2 * server->rrl->table_size) {
        limiter_hold(old);
        view->limiter = old;
    } else {
        view->limiter = limiter_new(server->rrl->table_size);
    }
}
