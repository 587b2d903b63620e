/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reloading one zone of a running view: among 100,000 zones the others need not be read again. All work is
 * done while the zone is read. An unsteered zone is exchanged in the table of the view's content. A steered
 * one gets a content of its own: the same zones but for this one, other names, and a steer set that extends
 * the running one where it has policies that nobody knew, so that ids in use keep their meaning; a successor
 * of the view over the same state has it. */
#include "config.h"

#include "view/compile_internal.h"
#include "view/content.h"
#include "view/sources.h"

#include "base/memory.h"
#include "base/source.h"
#include "zone/zone.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Policies that no zone uses any more stay in the set: from time to time everything has to be read. */
enum { ADDED_POLICIES_MAX = 1000 };

struct view_zone_update {
    struct zone *zone; /* owned before it is installed: by this, or by `next` */
    uint32_t steered;
    struct view_zone_sources sources; /* until somebody takes them */
    struct view *next;                /* has the zone; NULL: it is for the table */
    /* When installed, what is old: */
    struct zone *old_zone;
    struct view_content *content; /* held: whose zone that was */
    struct view *old_view;
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
        if (update->next != NULL) {
            view_free(update->next);
        } else {
            zone_release(update->zone);
        }
        view_fini_zone_sources(&update->sources);
        free(update);
    }
}

struct zone *view_peek_update(const struct view_zone_update *update)
{
    return update == NULL ? NULL : update->zone;
}

struct view_zone_sources view_take_zone_sources(struct view_zone_update *update)
{
    struct view_zone_sources sources = update->sources;
    update->sources = (struct view_zone_sources){.origin = NULL};
    return sources;
}

const struct view *view_peek_successor(const struct view_zone_update *update)
{
    return update->next;
}

static struct zone *read_plain(const struct view *view, const struct conf_zone_source *source,
                               struct report *report)
{
    struct compile_zone work;
    compile_read_zone(view, source, report, &work);
    return compile_finish_zone(&work);
}

/* A view with the names and policies of the zone. */
static struct view *succeed(const struct view *view, const struct view_zone_news *news)
{
    struct view *next = view_share(view);
    view_succeed_content(next, news);
    view_set_caches(next, news->steer == NULL ? view_hold_caches(view->own_caches)
                                              : view_new_caches(news->steer, view->cache_count));
    return next;
}

/* May the names that were numbered since count in the caches that there are? */
static bool has_room_for_names(const struct view *view)
{
    struct steer_counts counts;
    if (view->cache_count == 0) {
        return true;
    }
    steer_cache_get_counts(view->caches[0], &counts);
    return steer_set_count_names(view->steer) <= counts.name_count;
}

/* Into a draft that has the view's topology and databases, and names of its own. Fills the news; false: the
 * zone is broken. */
static bool read_steered(const struct view *view, const struct conf_zone_source *source,
                         struct report *report, struct view_zone_news *news)
{
    news->texts = arena_new(0);
    struct view draft = {.server = view->server,
                         .topology = view->topology,
                         .geo = view->geo,
                         .geo_count = view->geo_count,
                         .steer = steer_set_extend(view->steer),
                         .arena = news->texts};
    struct compiler c = {.view = &draft, .report = report};
    struct compile_zone work;
    compile_open_atlas(&c);
    compile_read_zone(view, source, report, &work);
    compile_enter_policy(&c, &work);
    geo_atlas_free(c.atlas);
    news->zone = compile_finish_zone(&work);
    news->names = draft.names;
    news->name_count = draft.name_count;
    compile_sort_names(news->names, news->name_count);
    if (news->zone != NULL &&
        (steer_set_count(draft.steer) != steer_set_count(view->steer) || !has_room_for_names(view))) {
        news->steer = draft.steer;
    } else {
        steer_set_free(draft.steer);
    }
    if (news->zone == NULL) {
        arena_free(news->texts);
    }
    return news->zone != NULL;
}

struct view_zone_update *view_read_zone(const struct view *view, size_t index, struct report *report)
{
    const struct conf_zone_source *source = &view->server->zones[index];
    struct view_zone_news news = {.index = index};
    struct view_zone_update *update = NULL;
    struct view *next = NULL;
    struct budget budget;
    compile_begin_budget(&budget, view->server, report);
    report_set_tree(report, view->server->tree);
    if (source->policy_path == NULL) {
        news.zone = read_plain(view, source, report);
    } else if (read_steered(view, source, report, &news)) {
        next = succeed(view, &news);
    }
    report_set_tree(report, NULL);
    free(news.names);
    if (news.zone != NULL && report_count(report) == 0) {
        compile_stamp_zone(view, source, report, news.zone);
    }
    if (news.zone != NULL) {
        update = memory_alloc(sizeof *update);
        *update =
            (struct view_zone_update){.zone = news.zone, .steered = (uint32_t)news.name_count, .next = next};
        update->sources.origin = memory_copy_text(source->origin);
        update->sources.files = source_take(report);
    }
    if (budget_is_spent(&budget)) {
        view_free_update(update);
        update = NULL;
    }
    compile_end_budget(&budget, view->server, update == NULL ? source->zone_path : NULL, report);
    return update;
}

bool view_update_moves_loops(const struct view *view, const struct view_zone_update *update)
{
    return update != NULL && view->host_count != 0 &&
           compile_moves_loops(update->next == NULL ? view : update->next, update->zone);
}

/* ---- installing ---- */

struct view *view_install_zone(struct view_slot *slot, size_t index, struct view_zone_update *update)
{
    struct view *view = view_current(slot);
    struct view_zone *entry = &view->zone_list[index];
    if (update == NULL) { /* broken: what is served goes on */
        entry->stale = !entry->failed;
        return view;
    }
    if (update->next != NULL) {
        assert(update->next->state == view->state); /* nothing else was published meanwhile */
        view = update->next;
        health_watch_wavering(view->health, steer_set_has_ttl_failing(view->steer));
        update->old_view = view_exchange(slot, view);
    } else {
        update->content = view->content;
        view_hold_content(view->content);
        update->old_zone = zone_table_replace(view->zones, update->zone);
        assert(update->old_zone != NULL); /* every zone of the list is in the table */
    }
    compile_describe_zone(entry, update->zone);
    entry->stamp = view->seen == NULL || view->seen->warnings != NULL ? 0 : entry->stamp;
    entry->steered = update->steered;
    entry->stale = entry->failed = false;
    return view;
}

void view_finish_update(struct view_zone_update *update)
{
    if (update == NULL) {
        return;
    }
    view_synchronize();
    view_free(update->old_view);
    if (update->content != NULL) {
        view_retire_zone(update->content, update->old_zone);
        view_release_content(update->content);
    }
    view_fini_zone_sources(&update->sources);
    free(update);
}
