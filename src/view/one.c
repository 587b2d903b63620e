/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reloading one zone of a running view: among 100,000 zones the others need not be read again. A zone whose
 * policies nobody knows yet brings a steer set that extends the running one, so that ids in use keep their
 * meaning, and a successor of the view that takes over all the rest. The successor is published before the
 * zone is put into the table: whoever meets the new zone has the new set. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/memory.h"
#include "zone/zone.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Policies that no zone uses any more stay in the set: from time to time everything has to be read. */
enum { ADDED_POLICIES_MAX = 1000 };

struct view_zone_update {
    struct zone *zone;
    struct steer_set *steer; /* NULL: the running one has all that is needed */
    struct steer_cache **caches;
    size_t cache_count;
    struct view_name *names; /* of the zone */
    size_t name_count;
    struct arena *arena; /* of their texts */
};

ptrdiff_t view_find_zone(const struct view *view, const char *origin)
{
    size_t len = strlen(origin);
    len -= len > 1 && origin[len - 1] == '.';
    for (size_t i = 0; i < view->zone_count; i++) {
        const char *have = view->zone_list[i].origin;
        if (strncasecmp(have, origin, len) == 0 && (have[len] == '\0' || strcmp(have + len, ".") == 0)) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

bool view_can_update_zone(const struct view *view, size_t index)
{
    const struct conf_zone_source *source = &view->server->zones[index];
    return source->policy_path == NULL ||
           (!source->options->renders_steered &&
            steer_set_count_added(view->steer) < steer_set_count(view->steer) / 2 + ADDED_POLICIES_MAX);
}

/* ---- reading ---- */

void view_free_update(struct view_zone_update *update)
{
    if (update != NULL) {
        zone_release(update->zone);
        view_free_caches(update->caches, update->cache_count);
        steer_set_free(update->steer);
        free(update->names);
        arena_free(update->arena);
        free(update);
    }
}

static void read_plain(const struct view *view, const struct conf_zone_source *source, struct report *report,
                       struct view_zone_update *update)
{
    struct compile_zone work;
    compile_read_zone(view, source, report, &work);
    update->zone = compile_finish_zone(&work);
}

struct zone *view_peek_update(const struct view_zone_update *update)
{
    return update == NULL ? NULL : update->zone;
}

/* Into a draft that has the view's topology and databases, and names of its own. */
static void read_steered(const struct view *view, const struct conf_zone_source *source,
                         struct report *report, struct view_zone_update *update)
{
    struct view draft = {.server = view->server,
                         .topology = view->topology,
                         .geo = view->geo,
                         .geo_count = view->geo_count,
                         .steer = steer_set_extend(view->steer),
                         .arena = update->arena};
    struct compiler c = {.view = &draft, .report = report};
    struct compile_zone work;
    compile_open_atlas(&c);
    compile_read_zone(view, source, report, &work);
    compile_enter_policy(&c, &work);
    geo_atlas_free(c.atlas);
    update->zone = compile_finish_zone(&work);
    update->names = draft.names;
    update->name_count = draft.name_count;
    if (update->zone != NULL && steer_set_count(draft.steer) != steer_set_count(view->steer)) {
        update->steer = draft.steer;
        update->cache_count = view->cache_count;
        update->caches = view_new_caches(draft.steer, view->cache_count);
    } else {
        steer_set_free(draft.steer);
    }
}

struct view_zone_update *view_read_zone(const struct view *view, size_t index, struct report *report)
{
    const struct conf_zone_source *source = &view->server->zones[index];
    struct view_zone_update *update = memory_alloc(sizeof *update);
    update->arena = arena_new(0);
    if (source->policy_path == NULL) {
        read_plain(view, source, report, update);
    } else {
        read_steered(view, source, report, update);
    }
    if (update->zone == NULL) {
        view_free_update(update);
        return NULL;
    }
    return update;
}

/* ---- installing ---- */

/* The view's names without those of the zone, and those of the update. Texts are borrowed. */
static void merge_names(struct view *next, const struct view *view, const char *origin,
                        const struct view_zone_update *update)
{
    next->names = memory_alloc_array(view->name_count + update->name_count, sizeof *next->names);
    next->name_count = 0;
    for (size_t i = 0; i < view->name_count; i++) {
        if (strcmp(view->names[i].zone, origin) != 0) {
            next->names[next->name_count++] = view->names[i];
        }
    }
    for (size_t i = 0; i < update->name_count; i++) {
        next->names[next->name_count++] = update->names[i];
    }
    compile_sort_names(next);
}

/* Free what the successor did not take over. Nobody reads the old view any more. */
static void free_shell(struct view *old, const struct view *next)
{
    struct view rest = {.names = old->names};
    if (old->steer != next->steer) {
        rest.steer = old->steer;
        rest.caches = old->caches;
        rest.cache_count = old->cache_count;
    }
    *old = rest;
    view_free(old);
}

/* A view with the names and policies of the update, current when this returns. */
static struct view *succeed(struct view_slot *slot, struct view *view, size_t index,
                            struct view_zone_update *update)
{
    struct view *next = memory_copy(view, sizeof *view);
    next->secrets = view->secrets == view->random_secret ? next->random_secret : view->secrets;
    merge_names(next, view, view->zone_list[index].origin, update);
    if (update->steer != NULL) {
        next->steer = update->steer;
        next->caches = update->caches;
        update->steer = NULL;
        update->caches = NULL;
        health_watch_wavering(next->health, steer_set_has_ttl_failing(next->steer));
    }
    free_shell(view_publish(slot, next), next);
    return next;
}

struct view *view_install_zone(struct view_slot *slot, size_t index, struct view_zone_update *update)
{
    struct view *view = view_current(slot);
    struct view_zone *entry = &view->zone_list[index];
    if (update == NULL) { /* broken: what is served goes on */
        entry->stale = !entry->failed;
        return view;
    }
    if (entry->steered != 0 || update->name_count != 0) {
        view = succeed(slot, view, index, update);
    }
    struct zone *old = zone_table_replace(view->zones, update->zone);
    assert(old != NULL); /* every zone of the list is in the table */
    compile_describe_zone(entry, update->zone);
    entry->steered = (uint32_t)update->name_count;
    entry->stale = entry->failed = false;
    view_synchronize();
    zone_release(old);
    update->zone = NULL;
    arena_free(entry->texts); /* of the names that it had */
    entry->texts = update->arena;
    update->arena = NULL;
    view_free_update(update);
    return view;
}
