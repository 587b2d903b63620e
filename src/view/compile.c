/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From files to a view. Runs on the loader thread (or in --check); reads the previous view, publishes
 * nothing. */
#include "config.h"

#include "view/view.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "dns/name.h"
#include "view/compile_internal.h"
#include "zone/reader.h"

#include <stdlib.h>
#include <string.h>

size_t view_cache_count(const struct conf_server *server)
{
    return server->threads * server->listen_count + server->threads; /* UDP per address, TCP for all */
}

void view_free(struct view *view)
{
    if (view == NULL) {
        return;
    }
    for (size_t i = 0; view->caches != NULL && i < view->cache_count; i++) {
        steer_cache_free(view->caches[i]);
    }
    free(view->caches);
    zone_table_free(view->zones);
    if (view->steer != NULL) {
        steer_set_free(view->steer);
    }
    if (view->health != NULL) {
        health_free(view->health);
    }
    for (size_t i = 0; i < view->geo_count; i++) {
        geo_close_db(view->geo[i]);
    }
    free(view->geo);
    free(view->names);
    free(view->monitors);
    conf_free_topology(view->topology);
    conf_free_server(view->server);
    arena_free(view->arena);
    free(view);
}

/* ---- parts ---- */

static bool load_geo(struct compiler *c)
{
    struct view *view = c->view;
    const struct conf_server *server = view->server;
    bool good = true;
    view->geo = memory_alloc_array(server->geo_count, sizeof(struct geo_db *));
    c->geo_key = HASH_START;
    for (size_t i = 0; i < server->geo_count; i++) {
        struct geo_db *db = geo_open_db(server->geo_paths[i], c->report);
        good &= db != NULL;
        if (db != NULL) {
            view->geo[view->geo_count++] = db;
        }
    }
    return good;
}

struct zone *compile_zone(struct compiler *c, const struct conf_zone_source *source, const uint8_t *apex)
{
    struct zone_builder *builder = zone_builder_new(apex, source->zone_path, c->report);
    struct zone *zone = NULL;
    struct conf_policy *policy = NULL;
    zone_builder_set_rotate(builder, c->rotates);
    int error =
        zone_read_file(source->zone_path, &(struct zone_reader_options){.origin = source->origin},
                       &(struct zone_sink){.context = builder, .record = zone_builder_add}, c->report);
    if (source->policy_path != NULL) {
        policy = conf_load_policy(source->policy_path, source->origin, c->view->topology, c->report);
        if (policy == NULL || compile_policy(c, policy, builder) != 0) {
            error = -1;
        }
    }
    struct zone *built = zone_builder_finish(builder); /* also after an error: it finds more of them */
    if (error == 0) {
        zone = built;
    } else {
        zone_release(built);
    }
    conf_free_policy(policy);
    zone_builder_free(builder);
    return zone;
}

/* What serves when a zone is broken: its last good version, else SERVFAIL. */
static struct zone *replace_zone(struct compiler *c, const struct conf_zone_source *source,
                                 const uint8_t *apex, struct view_zone *entry)
{
    struct zone *old = c->previous == NULL ? NULL : zone_table_get(c->previous->zones, apex);
    bool serves = old != NULL && !old->failed;
    struct zone *zone = serves ? compile_carry_zone(c, old, source->origin) : NULL;
    c->refused |= serves && zone == NULL;
    entry->stale = zone != NULL;
    entry->failed = zone == NULL;
    return zone != NULL ? zone : zone_new_failed(apex);
}

void compile_describe_zone(struct view_zone *entry, const struct zone *zone)
{
    entry->serial = zone->serial;
    entry->names = zone->name_count;
    entry->records = zone->record_count;
}

static void load_zone(struct compiler *c, const struct conf_zone_source *source, struct view_zone *entry)
{
    uint8_t apex[DNS_NAME_MAX + 1];
    struct view *view = c->view;
    *entry = (struct view_zone){.origin = arena_copy_text(view->arena, source->origin),
                                .path = arena_copy_text(view->arena, source->zone_path)};
    int len = dns_name_parse(source->origin, NULL, apex);
    if (len < 0) {
        report_add(c->report, REPORT_ERROR, &(struct report_place){.file = source->zone_path},
                   "the origin %s is not a domain name", source->origin);
        entry->failed = true;
        return;
    }
    dns_name_lower(apex, (size_t)len);
    size_t names = view->name_count;
    struct zone *zone = compile_zone(c, source, apex);
    if (zone == NULL) {
        view->name_count = names;
        zone = replace_zone(c, source, apex, entry);
    }
    compile_describe_zone(entry, zone);
    entry->steered = (uint32_t)(view->name_count - names);
    if (zone_table_add(view->zones, zone) != 0) {
        report_add(c->report, REPORT_ERROR, &(struct report_place){.file = source->zone_path},
                   "the zone %s is listed twice", source->origin);
        entry->failed = true;
        zone_release(zone);
    }
}

static int compare_names(const void *left, const void *right)
{
    const struct view_name *a = left, *b = right;
    return strcmp(a->owner, b->owner);
}

/* Returns how many zones can be served. */
static size_t load_zones(struct compiler *c)
{
    struct view *view = c->view;
    const struct conf_server *server = view->server;
    size_t good = 0;
    view->zones = zone_table_new(server->zone_count);
    view->zone_list = arena_alloc(view->arena, server->zone_count * sizeof *view->zone_list);
    view->zone_count = server->zone_count;
    for (size_t i = 0; i < server->zone_count; i++) {
        load_zone(c, &server->zones[i], &view->zone_list[i]);
        good += !view->zone_list[i].failed;
    }
    if (view->name_count != 0) { /* qsort may not be given NULL */
        qsort(view->names, view->name_count, sizeof *view->names, compare_names);
    }
    return good;
}

static bool load_all(struct compiler *c, const char *path)
{
    struct view *view = c->view;
    view->server = conf_load_server(path, c->report);
    if (view->server == NULL) {
        return false;
    }
    c->rotates = view->server->rotate;
    if (view->server->topology_path != NULL) {
        view->topology = conf_load_topology(view->server->topology_path, c->report);
    }
    bool usable = (view->topology != NULL || view->server->topology_path == NULL) & load_geo(c);
    if (view->topology == NULL && view->server->topology_path != NULL) {
        return false; /* policies cannot be judged without it */
    }
    view->steer = steer_set_new();
    bool any = load_zones(c) != 0 || view->zone_count == 0;
    return any && usable && !c->refused;
}

/* Clients keep their cookies over a reload: the random secret is made once and handed on. */
static void choose_secrets(struct view *view, const struct view *previous)
{
    const struct conf_server *server = view->server;
    if (previous != NULL) {
        memcpy(view->random_secret, previous->random_secret, sizeof view->random_secret);
    } else {
        random_make_secret(view->random_secret, sizeof view->random_secret);
    }
    if (server->has_cookies) {
        bool own = server->secret_count == 0;
        view->secrets = own ? view->random_secret : server->secrets;
        view->secret_count = own ? 1 : server->secret_count;
    }
}

struct view *view_compile(const char *path, const struct view *previous, uint64_t generation, int64_t wall_ms,
                          size_t cache_count, struct report *report)
{
    struct compiler c = {.view = memory_alloc(sizeof *c.view), .previous = previous, .report = report};
    struct view *view = c.view;
    view->generation = generation;
    view->loaded_ms = wall_ms;
    view->arena = arena_new(0);
    if (!load_all(&c, path)) {
        view_free(view);
        return NULL;
    }
    choose_secrets(view, previous);
    if (view->topology != NULL) {
        view->monitor_count = view_list_monitors(view->topology, &view->monitors);
    }
    view->health = view_new_health(view->topology, wall_ms);
    view->table = health_get_table(view->health);
    view->cache_count = cache_count == 0 ? view_cache_count(view->server) : cache_count;
    view->caches = memory_alloc_array(view->cache_count, sizeof *view->caches);
    for (size_t i = 0; i < view->cache_count; i++) {
        view->caches[i] = steer_cache_new(view->steer);
    }
    return view;
}
