/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Zones that a load need not read. A stamp is a hash of all that a zone is made of: its files as they were
 * when they were read, included ones too, the settings that count, and where it has a policy document the
 * topology and the geo databases. If the stamp of the previous version comes out again, that version goes on.
 * Stamp 0 is never equal: a file changed so shortly before it was read that another change may not show in
 * its times, or something was wrong. Called by whoever loads zones; a file that is gone has no stamp.
 *
 * A load of which everything is as it was need not be compiled at all: a view knows all files and folders
 * that it depends on, and what was warned of. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/source.h"
#include "dns/name.h"
#include "geo/geo.h"
#include "view/content.h"
#include "view/sources.h"
#include "zone/zone.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- stamps ---- */

static uint64_t stamp_numbers(uint64_t stamp, const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        stamp = hash_finish(stamp ^ numbers[i]) + 1;
    }
    return stamp;
}

static uint64_t stamp_file(uint64_t stamp, const struct source *file)
{
    const uint64_t numbers[] = {file->device, file->inode, file->size, (uint64_t)file->modified_ns,
                                (uint64_t)file->changed_ns};
    return file->changed_ns == 0 ? 0 : stamp_numbers(view_hash_text(stamp, file->path), numbers, 5);
}

static uint64_t stamp_files(uint64_t stamp, const struct source_list *list, size_t first)
{
    for (size_t i = first; i < list->count && stamp != 0; i++) {
        stamp = stamp_file(stamp, &list->items[i]);
    }
    return stamp == 0 ? 0 : hash_finish(stamp);
}

void compile_stamp_ground(struct view *view, const struct source_list *files, size_t first)
{
    uint64_t stamp = HASH_START;
    for (size_t i = 0; i < view->geo_count; i++) {
        const struct geo_signature *signature = geo_get_signature(view->geo[i]);
        const uint64_t numbers[] = {signature->device, signature->inode, signature->size,
                                    (uint64_t)signature->modified_ns};
        stamp = stamp_numbers(view_hash_text(stamp, geo_get_info(view->geo[i])->path), numbers, 4);
    }
    view->ground_stamp = stamp_files(stamp, files, first);
}

/* Without its files; 0: unknown. */
static uint64_t stamp_settings(const struct view *view, const struct conf_zone_source *source)
{
    bool has_policy = source->policy_path != NULL;
    const uint64_t numbers[] = {view->server->rotate, (uint64_t)source->options->serial, has_policy,
                                has_policy ? view->ground_stamp : 0};
    return has_policy && view->ground_stamp == 0
               ? 0
               : stamp_numbers(view_hash_text(HASH_START, source->origin), numbers, 4);
}

static uint64_t stamp_zone(const struct view *view, const struct conf_zone_source *source,
                           const struct source_list *files)
{
    return stamp_files(stamp_settings(view, source), files, 0);
}

/* ---- what was read ---- */

/* Of a zone with files that its source does not name: all of them, each with a NUL behind it. */
static char *join_paths(const struct source_list *files)
{
    size_t len = 0, at = 0;
    for (size_t i = 0; i < files->count; i++) {
        len += strlen(files->items[i].path) + 1;
    }
    char *paths = memory_alloc(len + 1);
    for (size_t i = 0; i < files->count; i++) {
        size_t size = strlen(files->items[i].path) + 1;
        memcpy(paths + at, files->items[i].path, size);
        at += size;
    }
    return paths;
}

void compile_stamp_zone(const struct view *view, const struct conf_zone_source *source, struct report *report,
                        struct zone *zone)
{
    const struct source_list *files = report_get_sources(report);
    bool is_plain = files->count == 1u + (source->policy_path != NULL);
    bool has_warnings = report_warnings(report) != 0;
    zone->stamp = report_errors(report) != 0 ? 0 : stamp_zone(view, source, files);
    if (zone->stamp == 0 || (is_plain && !has_warnings)) {
        return;
    }
    zone->notes = memory_alloc(sizeof *zone->notes);
    zone->notes->paths = is_plain ? NULL : join_paths(files);
    if (has_warnings) {
        zone->notes->warnings = report_new();
        report_append(zone->notes->warnings, report);
    }
}

/* ---- what need not be read ---- */

void compile_parse_apex(const struct conf_zone_source *source, uint8_t apex[DNS_NAME_MAX + 1])
{
    int len = dns_name_parse(source->origin, NULL, apex);
    assert(len > 0); /* the document was checked */
    dns_name_lower(apex, (size_t)len);
}

/* false: it is not there. */
static bool look_at(struct report *report, const char *path)
{
    struct file file;
    char *real = source_locate(report, path);
    bool is_there = file_look(real, &file) == 0;
    free(real);
    if (is_there) {
        source_note(report, path, &file);
    }
    return is_there;
}

static bool look_at_all(struct report *report, const struct conf_zone_source *source, const struct zone *zone)
{
    const char *path = zone->notes == NULL ? NULL : zone->notes->paths;
    if (path == NULL) {
        return look_at(report, source->zone_path) &&
               (source->policy_path == NULL || look_at(report, source->policy_path));
    }
    bool are_there = true;
    for (; *path != '\0' && are_there; path += strlen(path) + 1) {
        are_there = look_at(report, path);
    }
    return are_there;
}

struct zone *compile_find_unchanged(const struct compiler *c, const struct conf_zone_source *source,
                                    const uint8_t *apex, struct report *report)
{
    if (c->previous == NULL) {
        return NULL;
    }
    struct zone *zone = zone_table_get(c->previous->zones, apex);
    struct source_list *files = report_get_sources(report);
    if (zone == NULL || zone->stamp == 0) {
        return NULL;
    }
    if (!look_at_all(report, source, zone) || stamp_zone(c->view, source, files) != zone->stamp) {
        source_list_fini(files);
        return NULL;
    }
    if (zone->notes != NULL && zone->notes->warnings != NULL) {
        report_append(report, zone->notes->warnings);
    }
    return zone;
}

/* ---- the whole ---- */

static void copy_sources(struct source_list *to, const struct source_list *from)
{
    for (size_t i = 0; i < from->count; i++) {
        struct source source = from->items[i];
        source.path = memory_copy_text(source.path);
        source.real = memory_copy_text(source.real);
        to->items = memory_grow(to->items, to->count, &to->capacity, sizeof *to->items);
        to->items[to->count++] = source;
    }
}

void compile_see_ground(struct view *view, struct report *report)
{
    view->seen = memory_alloc(sizeof *view->seen);
    copy_sources(&view->seen->files, report_get_sources(report));
    source_list_append(&view->seen->files, report_get_seen(report));
}

void compile_see_warnings(const struct view *view, const struct report *report)
{
    struct view_seen *seen = view->seen;
    seen->is_whole = report_errors(report) == 0;
    if (report_warnings(report) != 0) {
        seen->warnings = report_new();
        report_append(seen->warnings, report);
    }
}

void view_free_seen(struct view_seen *seen)
{
    if (seen != NULL) {
        source_list_fini(&seen->files);
        report_free(seen->warnings);
        free(seen);
    }
}

/* Zones that are looked at, on several threads. */
struct looking {
    const struct view *view;
    const struct report *report;
    atomic_size_t next;
    atomic_bool has_changed;
};

/* As look_at() and stamp_files(), with nothing kept. */
static uint64_t stamp_path(const struct looking *looking, uint64_t stamp, const char *path)
{
    struct file file;
    char *real = looking->view->server->tree == NULL ? NULL : source_locate(looking->report, path);
    bool is_there = stamp != 0 && file_look(real == NULL ? path : real, &file) == 0;
    bool is_placed = real != NULL && strcmp(real, path) != 0;
    free(real);
    return is_there ? stamp_file(stamp, &(struct source){.path = (char *)(uintptr_t)path,
                                                         .size = file.size,
                                                         .device = file.device,
                                                         .inode = file.inode,
                                                         .modified_ns = file.modified_ns,
                                                         .changed_ns = source_changed(is_placed, &file)})
                    : 0;
}

static bool is_stamped(const struct looking *looking, size_t index)
{
    const struct view *view = looking->view;
    const struct conf_zone_source *source = &view->server->zones[index];
    uint64_t stamp = stamp_path(looking, stamp_settings(view, source), source->zone_path);
    stamp = source->policy_path == NULL ? stamp : stamp_path(looking, stamp, source->policy_path);
    return stamp != 0 && hash_finish(stamp) == view->zone_list[index].stamp;
}

static bool is_zone_unchanged(const struct looking *looking, size_t index)
{
    const struct view *view = looking->view;
    const struct view_zone *entry = &view->zone_list[index];
    if (entry->failed || entry->stale || entry->stamp == 0 || !entry->has_includes) {
        return !entry->failed && !entry->stale && entry->stamp != 0 && is_stamped(looking, index);
    }
    const struct conf_zone_source *source = &view->server->zones[index];
    struct report *part = report_new_part(looking->report);
    uint8_t apex[DNS_NAME_MAX + 1];
    compile_parse_apex(source, apex);
    const struct zone *zone = zone_table_get(view->zones, apex);
    bool is_same = zone != NULL && look_at_all(part, source, zone) &&
                   stamp_zone(view, source, report_get_sources(part)) == entry->stamp;
    report_free(part);
    return is_same;
}

unsigned compile_count_threads(const struct view *view)
{
    size_t wanted = view->server->load_threads != 0 ? view->server->load_threads : parallel_processors();
    return (unsigned)(wanted < view->zone_count ? wanted : view->zone_count);
}

static void look_at_some(void *context, unsigned index)
{
    enum { PART = 256 };
    (void)index;
    struct looking *looking = context;
    size_t count = looking->view->zone_count;
    for (size_t at = 0; at < count && !atomic_load_explicit(&looking->has_changed, memory_order_relaxed);) {
        at = atomic_fetch_add_explicit(&looking->next, PART, memory_order_relaxed);
        for (size_t i = at; i < at + PART && i < count; i++) {
            if (!is_zone_unchanged(looking, i)) {
                atomic_store_explicit(&looking->has_changed, true, memory_order_relaxed);
                return;
            }
        }
    }
}

/* Of the bundle that counts now, if any. */
static bool is_same_tree(const struct view *view, const struct source_chooser *chooser)
{
    const struct conf_server *server = view->server;
    if (server->is_bare || server->tree == NULL) {
        return !server->is_bare;
    }
    char *real = chooser == NULL ? NULL : chooser->choose(chooser->context, server->state_path);
    char *absolute = real == NULL ? NULL : source_make_absolute(real);
    bool is_same = absolute != NULL && strcmp(absolute, server->tree->real) == 0;
    free(absolute);
    free(real);
    return is_same;
}

static bool is_ground_unchanged(const struct view *view)
{
    bool is_same = true;
    for (size_t i = 0; i < view->seen->files.count && is_same; i++) {
        is_same = source_is_unchanged(&view->seen->files.items[i]);
    }
    for (size_t i = 0; i < view->geo_count && is_same; i++) {
        is_same = !view->geo_files[i].stale;
    }
    return is_same;
}

bool view_is_unchanged(const struct view *view, const struct source_chooser *chooser, struct report *report)
{
    bool is_known = view->seen != NULL && view->seen->is_whole &&
                    view->content->texts == NULL; /* else policies may be left over */
    if (!is_known || !is_same_tree(view, chooser) || !is_ground_unchanged(view)) {
        return false;
    }
    struct looking looking = {.view = view, .report = report};
    report_set_tree(report, view->server->tree);
    parallel_run(compile_count_threads(view), look_at_some, &looking);
    report_set_tree(report, NULL);
    if (looking.has_changed || report_is_cancelled(report)) {
        return false;
    }
    if (view->seen->warnings != NULL) {
        report_append(report, view->seen->warnings);
    }
    return true;
}
