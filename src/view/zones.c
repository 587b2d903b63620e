/* SPDX-License-Identifier: BSD-3-Clause
 *
 * All zones of a view, read on as many threads as there are processors. What they share, the steer set and
 * the list of names, is filled in the order of the configuration: a zone with a policy waits until those
 * before it have entered theirs. Results, too, are put together in that order, so that reports, ids and
 * counts do not depend on who was faster. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/source.h"
#include "dns/name.h"
#include "view/sources.h"
#include "zone/reader.h"
#include "zone/zone.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE_POLICY = 10000 }; /* names */

/* One zone between its files and the table. */
struct loaded {
    struct zone *zone;     /* NULL: broken */
    struct report *report; /* NULL: nothing to say */
    struct source_list files;
    size_t names, names_end; /* what its policy added to the view's names */
    uint32_t turn;           /* of a zone with a policy: how many such come before it */
};

struct loading {
    struct compiler *c;          /* shared: whoever's turn it is may change it */
    const struct report *report; /* its own: what it has in somebody's turn is that one's */
    struct loaded *zones;
    size_t count;
    atomic_size_t next; /* to be read */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint32_t turn; /* under the lock */
};

/* ---- one zone ---- */

void compile_read_zone(const struct view *view, const struct conf_zone_source *source, struct report *report,
                       struct compile_zone *work)
{
    uint8_t apex[DNS_NAME_MAX + 1];
    compile_parse_apex(source, apex);
    *work = (struct compile_zone){.builder = zone_builder_new(apex, source->zone_path, report),
                                  .keeps_serial = source->options->serial != CONF_SERIAL_FILE};
    zone_builder_set_rotate(work->builder, view->server->rotate);
    work->error =
        zone_read_file(source->zone_path, &(struct zone_reader_options){.origin = source->origin},
                       &(struct zone_sink){.context = work->builder, .record = zone_builder_add}, report);
    report_note_file(report, source->zone_path);
    if (work->error != 0 && work->error != ERROR_SYNTAX) {
        zone_builder_set_partial(work->builder, true);
    }
    if (source->policy_path != NULL) {
        work->policy = conf_load_policy(source->policy_path, source->origin, view->topology, report);
        report_note_file(report, source->policy_path);
    }
    bool is_broken = work->policy != NULL && compile_add_statics(work, report) != 0;
    if (is_broken || (source->policy_path != NULL && work->policy == NULL)) {
        work->error = -1;
        zone_builder_set_partial(work->builder, false);
    }
}

void compile_enter_policy(struct compiler *c, struct compile_zone *work)
{
    if (work->policy != NULL && compile_policy(c, work) != 0) {
        work->error = -1;
    }
}

struct zone *compile_finish_zone(struct compile_zone *work)
{
    bool is_large = work->policy != NULL && work->policy->name_count > LARGE_POLICY;
    conf_free_policy(work->policy);
    if (is_large) {
        memory_trim(); /* the rendered zone is one large piece and fits into none of the many that are free
                          now */
    }
    struct zone *zone = zone_builder_finish(work->builder); /* also after an error: it finds more of them */
    if (work->error != 0) {
        zone_release(zone);
        zone = NULL;
    } else if (zone != NULL) {
        zone_keep_serial(zone, work->keeps_serial);
    }
    zone_builder_free(work->builder);
    return zone;
}

void compile_describe_zone(struct view_zone *entry, const struct zone *zone)
{
    entry->serial = atomic_load_explicit(&zone->served, memory_order_relaxed);
    entry->names = zone->name_count;
    entry->records = zone->record_count;
    entry->has_includes = zone->notes != NULL && zone->notes->paths != NULL;
    entry->stamp = zone->stamp;
}

/* ---- on many threads ---- */

static void wait_for_turn(struct loading *loading, uint32_t turn)
{
    pthread_mutex_lock(&loading->lock);
    while (loading->turn != turn) { /* zones are taken in order: those before are on their way */
        pthread_cond_wait(&loading->moved, &loading->lock);
    }
    pthread_mutex_unlock(&loading->lock);
}

static void end_turn(struct loading *loading)
{
    pthread_mutex_lock(&loading->lock);
    loading->turn++;
    pthread_cond_broadcast(&loading->moved);
    pthread_mutex_unlock(&loading->lock);
}

/* What names of the zone are steered by, and of one that goes on the zone. */
static void enter_in_turn(struct loading *loading, size_t index, struct compile_zone *work,
                          struct report *report)
{
    struct compiler *c = loading->c;
    struct loaded *loaded = &loading->zones[index];
    wait_for_turn(loading, loaded->turn);
    struct report *before = c->report;
    c->report = report;
    loaded->names = c->view->name_count;
    if (work->same != NULL) {
        loaded->zone = compile_carry_zone(c, work->same, &c->view->server->zones[index]);
    } else {
        compile_enter_policy(c, work);
    }
    loaded->names_end = c->view->name_count;
    c->report = before;
    end_turn(loading);
}

static void load_zone(struct loading *loading, size_t index, struct report *report)
{
    const struct view *view = loading->c->view;
    const struct conf_zone_source *source = &view->server->zones[index];
    struct loaded *loaded = &loading->zones[index];
    uint8_t apex[DNS_NAME_MAX + 1];
    compile_parse_apex(source, apex);
    struct compile_zone work = {.same = compile_find_unchanged(loading->c, source, apex, report)};
    bool is_read = work.same == NULL;
    if (is_read) {
        compile_read_zone(view, source, report, &work);
    }
    if (source->policy_path != NULL) {
        enter_in_turn(loading, index, &work, report);
    } else if (!is_read) {
        zone_hold(work.same);
        loaded->zone = work.same;
    }
    if (is_read) {
        loaded->zone = compile_finish_zone(&work);
    }
    if (loaded->zone != NULL && loaded->zone != work.same) {
        compile_stamp_zone(view, source, report, loaded->zone);
    }
    loaded->files = source_take(report);
    report_note_file(report, source->zone_path);
}

static void load_some(void *context, unsigned index)
{
    (void)index;
    struct loading *loading = context;
    struct report *report = report_new_part(loading->report);
    while (!report_is_cancelled(report)) { /* who has taken a zone gives its turn back in any case */
        size_t at = atomic_fetch_add_explicit(&loading->next, 1, memory_order_relaxed);
        if (at >= loading->count) {
            break;
        }
        load_zone(loading, at, report);
        if (report_errors(report) + report_warnings(report) != 0) {
            loading->zones[at].report = report;
            report = report_new_part(report);
        }
    }
    report_free(report);
}

/* ---- putting together ---- */

/* Names of zones that turned out to be broken go. */
static void drop_names(struct loading *loading)
{
    struct view *view = loading->c->view;
    size_t kept = 0;
    for (size_t i = 0; i < loading->count; i++) {
        const struct loaded *loaded = &loading->zones[i];
        size_t count = loaded->zone == NULL ? 0 : loaded->names_end - loaded->names;
        if (count != 0 && kept != loaded->names) {
            memmove(&view->names[kept], &view->names[loaded->names], count * sizeof *view->names);
        }
        kept += count;
    }
    view->name_count = kept;
}

/* What serves when a zone is broken: its last good version, else SERVFAIL. */
static struct zone *replace_zone(struct compiler *c, const struct conf_zone_source *source,
                                 struct view_zone *entry)
{
    uint8_t apex[DNS_NAME_MAX + 1];
    compile_parse_apex(source, apex);
    struct zone *old = c->previous == NULL ? NULL : zone_table_get(c->previous->zones, apex);
    bool serves = old != NULL && !old->failed;
    size_t names = c->view->name_count;
    struct zone *zone = serves ? compile_carry_zone(c, old, source) : NULL;
    c->refused |= serves && zone == NULL;
    entry->stale = zone != NULL;
    entry->failed = zone == NULL;
    entry->steered = (uint32_t)(c->view->name_count - names);
    return zone != NULL ? zone : zone_new_failed(apex);
}

static void enter_zone(struct compiler *c, const struct conf_zone_source *source, const struct loaded *loaded,
                       struct view_zone *entry)
{
    struct view *view = c->view;
    *entry = (struct view_zone){.origin = arena_copy_text(view->arena, source->origin),
                                .path = arena_copy_text(view->arena, source->zone_path),
                                .steered = (uint32_t)(loaded->names_end - loaded->names)};
    if (loaded->report != NULL) {
        report_append(c->report, loaded->report);
    }
    struct zone *zone = loaded->zone;
    if (zone == NULL) {
        zone = replace_zone(c, source, entry);
    }
    compile_describe_zone(entry, zone);
    if (zone_table_add(view->zones, zone) != 0) {
        report_add(c->report, REPORT_ERROR, &(struct report_place){.file = source->zone_path},
                   "the zone %s is listed twice", source->origin);
        entry->failed = true;
        zone_release(zone);
    }
}

int view_compare_names(const struct view_name *a, const struct view_name *b)
{
    int order = strcmp(a->owner, b->owner);
    return order != 0 ? order : strcmp(a->zone, b->zone);
}

static int compare_names(const void *left, const void *right)
{
    return view_compare_names(left, right);
}

void compile_sort_names(struct view_name *names, size_t count)
{
    if (count != 0) { /* qsort may not be given NULL */
        qsort(names, count, sizeof *names, compare_names);
    }
}

static void give_turns(struct loading *loading)
{
    uint32_t turn = 0;
    for (size_t i = 0; i < loading->count; i++) {
        loading->zones[i].turn = turn;
        turn += loading->c->view->server->zones[i].policy_path != NULL;
    }
}

/* Called off: nobody wants them. */
static void drop_zones(struct loading *loading)
{
    for (size_t i = 0; i < loading->count; i++) {
        zone_release(loading->zones[i].zone);
        report_free(loading->zones[i].report);
        source_list_fini(&loading->zones[i].files);
    }
    free(loading->zones);
}

size_t compile_load_zones(struct compiler *c)
{
    struct view *view = c->view;
    size_t good = 0;
    view->zone_count = view->server->zone_count;
    view->zones = zone_table_new(view->zone_count);
    view->zone_list = memory_alloc_array(view->zone_count, sizeof *view->zone_list);
    struct loading loading = {.c = c,
                              .report = c->report,
                              .zones = memory_alloc_array(view->zone_count, sizeof *loading.zones),
                              .count = view->zone_count,
                              .lock = PTHREAD_MUTEX_INITIALIZER,
                              .moved = PTHREAD_COND_INITIALIZER};
    give_turns(&loading);
    parallel_run(compile_count_threads(view), load_some, &loading);
    if (report_is_cancelled(c->report)) {
        drop_zones(&loading);
        compile_free_carry(c);
        return 0;
    }
    memory_trim(); /* documents and builders are gone */
    drop_names(&loading);
    struct view_zone_sources *sources = memory_alloc_array(view->zone_count, sizeof *sources);
    view->sources->zones = sources;
    view->sources->zone_count = view->zone_count;
    for (size_t i = 0; i < view->zone_count; i++) {
        enter_zone(c, &view->server->zones[i], &loading.zones[i], &view->zone_list[i]);
        report_free(loading.zones[i].report);
        sources[i] = (struct view_zone_sources){.origin = memory_copy_text(view->zone_list[i].origin),
                                                .files = loading.zones[i].files,
                                                .is_stale = view->zone_list[i].stale};
        good += !view->zone_list[i].failed;
    }
    free(loading.zones);
    compile_free_carry(c);
    compile_sort_names(view->names, view->name_count);
    return good;
}
