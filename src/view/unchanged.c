/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Zones that a load need not read. A stamp is a hash of all that a zone is made of: its files as they were
 * when they were read, included ones too, the settings that count, and where it has a policy document the
 * topology and the geo databases. If the stamp of the previous version comes out again, that version goes on.
 * Stamp 0 is never equal: a file changed so shortly before it was read that another change may not show in
 * its times, or something was wrong. Called by whoever loads zones; a file that is gone has no stamp. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/source.h"
#include "geo/geo.h"
#include "zone/zone.h"

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

static uint64_t stamp_zone(const struct view *view, const struct conf_zone_source *source,
                           const struct source_list *files)
{
    bool has_policy = source->policy_path != NULL;
    const uint64_t numbers[] = {view->server->rotate, (uint64_t)source->options->serial, has_policy,
                                has_policy ? view->ground_stamp : 0};
    uint64_t stamp = stamp_numbers(view_hash_text(HASH_START, source->origin), numbers, 4);
    return has_policy && view->ground_stamp == 0 ? 0 : stamp_files(stamp, files, 0);
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
