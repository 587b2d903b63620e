/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From files to a view. Runs on the loader thread (or in --check); reads the previous view, publishes
 * nothing. */
#include "config.h"

#include "view/view.h"

#include "health/results.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/source.h"
#include "conf/commands.h"
#include "view/compile_internal.h"
#include "view/content.h"
#include "view/sources.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

size_t view_cache_count(const struct conf_server *server)
{
    return server->threads * server->listen_count + server->threads; /* UDP per address, TCP for all */
}

/* ---- parts ---- */

static bool load_parts(struct compiler *c, const char *path)
{
    struct view *view = c->view;
    view->sources = memory_alloc(sizeof *view->sources);
    view->sources->main = memory_copy_text(path);
    if (c->documents != NULL && c->documents->chooser != NULL) {
        report_set_chooser(c->report, c->documents->chooser);
    }
    view->server = conf_read_server(path, c->report);
    if (view->server == NULL || (view->server->is_broken && !c->thorough)) {
        return false;
    }
    if (view->server->load_memory != 0) {
        c->budget.limit = view->server->load_memory;
    }
    if (c->documents != NULL && c->documents->place != NULL) {
        c->documents->place(c->documents->context, view->server, c->report);
    }
    const struct source_list *files = report_get_sources(c->report);
    size_t first = files->count;
    if (view->server->topology_path != NULL) {
        view->topology =
            conf_load_topologies(view->server->topology_paths, view->server->topology_count, c->report);
        report_note_file(c->report, view->server->topology_path);
    }
    if (view->server->has_no_commands &&
        !commands_refuse(&(struct commands_place){.topology = view->topology}, "steerd.json", c->report)) {
        return false;
    }
    bool usable = (view->topology != NULL || view->server->topology_path == NULL) & compile_load_geo(c);
    if (view->topology == NULL && view->server->topology_path != NULL && !c->thorough) {
        return false; /* policies cannot be judged without it */
    }
    compile_stamp_ground(view, files, first);
    compile_see_ground(view, c->report);
    view->sources->ground = source_take(c->report);
    view->steer = steer_set_new();
    compile_give_places(view);
    bool any = compile_load_zones(c) != 0 || view->zone_count == 0 || c->is_past;
    return any && usable && !c->refused && !view->server->is_broken && !report_is_cancelled(c->report);
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

/* Who chose the tree may go away before the report. */
static void forget_tree(const struct compiler *c)
{
    report_set_tree(c->report, NULL);
    if (c->documents != NULL && c->documents->chooser != NULL) {
        report_set_chooser(c->report, NULL);
    }
}

/* Without a topology nobody knows what a policy leads to. */
static void tell_unjudged(const struct view *view, struct report *report)
{
    size_t policies = 0;
    for (size_t i = 0; view->topology == NULL && i < view->server->zone_count; i++) {
        policies += view->server->zones[i].policy_path != NULL;
    }
    if (policies != 0) {
        const char *path = view->server->topology_path;
        report_add(report, REPORT_WARNING,
                   &(struct report_place){.file = path != NULL ? path : view->server->path},
                   "the policies were checked for their syntax only, for want of a topology without errors");
    }
}

void view_check(const char *path, struct report *report)
{
    struct compiler c = {.report = report, .thorough = true};
    compile_begin_budget(&c.budget, NULL, report);
    c.view = memory_alloc(sizeof *c.view);
    c.view->arena = arena_new(0);
    bool loaded = load_parts(&c, path);
    compile_end_budget(&c.budget, c.view->server, loaded ? NULL : path, report);
    if (c.view->server != NULL) {
        tell_unjudged(c.view, report);
    }
    geo_atlas_free(c.atlas);
    forget_tree(&c);
    view_seal(c.view);
    view_free(c.view);
}

/* What follows from what was loaded. */
static void complete(struct compiler *c, int64_t wall_ms, size_t cache_count)
{
    struct view *view = c->view;
    choose_secrets(view, c->previous);
    compile_primaries(view, c->previous);
    compile_guards(view, c->previous);
    compile_monitors(view);
    compile_hosts(view);
    compile_find_loops(view, c->report);
    view->health = view_new_health(view->topology, &view->server->vantages, wall_ms);
    health_keep_results(view->health);
    health_watch_wavering(view->health, steer_set_has_ttl_failing(view->steer));
    view->table = health_get_table(view->health);
    view_seal(view);
    view_set_caches(
        view, view_new_caches(view->steer, cache_count == 0 ? view_cache_count(view->server) : cache_count));
}

static struct view *compile(struct compiler *c, const char *path, uint64_t generation, int64_t wall_ms,
                            size_t cache_count)
{
    compile_begin_budget(&c->budget, NULL, c->report);
    struct view *view = c->view = memory_alloc(sizeof *c->view);
    view->generation = generation;
    view->loaded_ms = wall_ms;
    view->arena = arena_new(0);
    bool loaded = load_parts(c, path);
    geo_atlas_free(c->atlas);
    forget_tree(c);
    if (loaded) {
        complete(c, wall_ms, cache_count);
        compile_see_warnings(view, c->report);
    } else {
        view_seal(view);
    }
    loaded = loaded && !budget_is_spent(&c->budget);
    compile_end_budget(&c->budget, view->server, loaded ? NULL : path, c->report);
    if (!loaded) {
        view_free(view);
        return NULL;
    }
    return view;
}

struct view *view_compile(const char *path, const struct view *previous, uint64_t generation, int64_t wall_ms,
                          size_t cache_count, struct report *report)
{
    struct compiler c = {.previous = previous, .has_geo = previous, .report = report};
    return compile(&c, path, generation, wall_ms, cache_count);
}

struct view *view_compile_load(const struct view_load *load, struct report *report)
{
    struct compiler c = {.previous = load->previous,
                         .has_geo = load->previous,
                         .documents = &load->documents,
                         .report = report};
    return compile(&c, load->path, load->generation, load->wall_ms, load->cache_count);
}

struct view *view_compile_past(const char *path, const char *root, const struct view *current,
                               struct report *report)
{
    struct compiler c = {.has_geo = current, .report = report, .is_past = true};
    report_set_root(report, root);
    struct view *view = compile(&c, path, 0, 0, 1);
    report_set_root(report, NULL); /* which may go away before the report */
    return view;
}
