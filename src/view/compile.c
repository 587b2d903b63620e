/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From files to a view. Runs on the loader thread (or in --check); reads the previous view, publishes
 * nothing. */
#include "config.h"

#include "view/view.h"

#include "base/memory.h"
#include "base/random.h"
#include "view/compile_internal.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

size_t view_cache_count(const struct conf_server *server)
{
    return server->threads * server->listen_count + server->threads; /* UDP per address, TCP for all */
}

struct steer_cache **view_new_caches(const struct steer_set *steer, size_t count)
{
    struct steer_cache **caches = memory_alloc_array(count, sizeof(struct steer_cache *));
    for (size_t i = 0; i < count; i++) {
        caches[i] = steer_cache_new(steer);
    }
    return caches;
}

void view_free_caches(struct steer_cache **caches, size_t count)
{
    for (size_t i = 0; caches != NULL && i < count; i++) {
        steer_cache_free(caches[i]);
    }
    free(caches);
}

void view_free(struct view *view)
{
    if (view == NULL) {
        return;
    }
    view_free_caches(view->caches, view->cache_count);
    for (size_t i = 0; i < view->zone_count; i++) {
        arena_free(view->zone_list[i].texts);
    }
    compile_free_primaries(view);
    zone_table_free(view->zones);
    limiter_release(view->limiter);
    free(view->acls);
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
    compile_free_hosts(view);
    conf_free_topology(view->topology);
    conf_free_server(view->server);
    arena_free(view->arena);
    free(view);
}

/* ---- parts ---- */

static bool load_all(struct compiler *c, const char *path)
{
    struct view *view = c->view;
    view->server = conf_load_server(path, c->report);
    if (view->server == NULL) {
        return false;
    }
    if (view->server->topology_path != NULL) {
        view->topology = conf_load_topology(view->server->topology_path, c->report);
    }
    bool usable = (view->topology != NULL || view->server->topology_path == NULL) & compile_load_geo(c);
    if (view->topology == NULL && view->server->topology_path != NULL) {
        return false; /* policies cannot be judged without it */
    }
    view->steer = steer_set_new();
    bool any = compile_load_zones(c) != 0 || view->zone_count == 0;
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
    bool loaded = load_all(&c, path);
    geo_atlas_free(c.atlas);
    if (!loaded) {
        view_free(view);
        return NULL;
    }
    choose_secrets(view, previous);
    compile_primaries(view);
    compile_guards(view, previous);
    if (view->topology != NULL) {
        view->monitor_count = view_list_monitors(view->topology, &view->monitors);
    }
    compile_hosts(view);
    compile_find_loops(view, report);
    view->health = view_new_health(view->topology, wall_ms);
    health_watch_wavering(view->health, steer_set_has_ttl_failing(view->steer));
    view->table = health_get_table(view->health);
    view->cache_count = cache_count == 0 ? view_cache_count(view->server) : cache_count;
    view->caches = view_new_caches(view->steer, view->cache_count);
    return view;
}
