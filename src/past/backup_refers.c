/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What objects of a restored folder refer to: is it there, and the files of the configuration that served at
 * a moment. */
#include "config.h"

#include "past/backup_parts.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "past/depot.h"
#include "past/kept.h"
#include "past/manifest.h"
#include "past/served.h"
#include "store/kinds.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

struct referring {
    const char *folder;
    struct report *report;
    struct depot depot;
    size_t missing;
};

/* ---- contents ---- */

/* Of a field of an object, if it has that. */
static bool expect(struct referring *referring, const struct store_object *object, const char *name)
{
    bool is_there = name == NULL || (depot_is_name(name) && depot_has(&referring->depot, name));
    if (!is_there) {
        report_add(referring->report, REPORT_WARNING, &(struct report_place){.file = referring->folder},
                   "the content %.64s, which %s %s refers to, is not in it", name, object->kind, object->key);
        referring->missing++;
    }
    return is_there && name != NULL;
}

static void expect_files(struct referring *referring, const struct store_object *object, const char *name)
{
    struct manifest manifest;
    if (!expect(referring, object, name)) {
        return;
    }
    if (manifest_load(&referring->depot, name, &manifest) != 0) {
        report_add(referring->report, REPORT_WARNING, &(struct report_place){.file = referring->folder}, "%s",
                   referring->depot.why);
        referring->missing++;
    }
    for (size_t i = 0; i < manifest.count; i++) {
        const char *sha256 = manifest.files[i].sha256;
        (void)expect(referring, object, sha256[0] == '\0' ? NULL : sha256);
    }
    manifest_fini(&manifest);
}

/* What the API gave to a document: in a folder of its own, or as what served in the depot. */
static void expect_document(struct referring *referring, const struct store_object *object, const char *name)
{
    struct depot documents;
    depot_init_at(&documents, referring->folder, "documents");
    if (name == NULL || !depot_is_name(name) || !depot_has(&documents, name)) {
        (void)expect(referring, object, name);
    }
    depot_fini(&documents);
}

static bool look_at(void *context, const struct store_object *object)
{
    struct referring *referring = context;
    json_t *value = json_loads(object->value, 0, NULL);
    if (strcmp(object->kind, OBJECTS_POINT) == 0) {
        (void)expect(referring, object, json_string_value(json_object_get(value, "objects")));
        expect_files(referring, object, json_string_value(json_object_get(value, "configuration")));
    } else if (strcmp(object->kind, DOCUMENT_KIND) == 0) {
        expect_document(referring, object, json_string_value(json_object_get(value, "sha256")));
    } else {
        expect_files(referring, object, json_string_value(json_object_get(value, "manifest")));
    }
    json_decref(value);
    return true;
}

static int fail_store(const char *folder, struct store_reader *reader, struct report *report, int error)
{
    return backup_fail(report, folder, error, "its store cannot be read: %s", store_reader_why(reader));
}

int backup_check_references(const char *folder, struct report *report)
{
    struct referring referring = {.folder = folder, .report = report};
    struct store_reader *reader = NULL;
    int error = store_reader_open(folder, report, &reader);
    if (error != 0) {
        return error;
    }
    depot_init(&referring.depot, folder);
    for (int i = 0; i < STORE_KINDS && error == 0; i++) {
        const struct store_kind *kind = store_kind_get((enum store_kind_id)i);
        error = kind->names_files ? store_list(reader, kind->name, NULL, NULL, look_at, &referring) : 0;
    }
    if (error != 0) {
        (void)fail_store(folder, reader, report, error);
    }
    depot_fini(&referring.depot);
    store_reader_close(reader);
    return error;
}

/* ---- files ---- */

/* What served at a moment; nothing is set if that is not known. */
static int find_served(struct store_reader *reader, const char *folder, const char *moment,
                       struct arena *arena, struct served *served, char why[OBJECTS_WHY_SIZE])
{
    struct kept_moment kept;
    struct clock clock;
    struct objects *objects = NULL;
    clock_init(&clock);
    struct objects_end end;
    int error = objects_find_end(reader, &end);
    if (error == 0 && moment != NULL) {
        error = kept_find_moment(reader, moment, clock_wall_ms(&clock), arena, &kept, why);
    } else {
        kept = (struct kept_moment){.seq = end.seq, .wall_ms = clock_wall_ms(&clock)};
    }
    if (error == 0) {
        error = objects_open(&(struct objects_ask){.reader = reader, .folder = folder, .seq = kept.seq},
                             &objects, why);
    }
    if (error == 0) {
        const struct served_ask ask = {
            .reader = reader, .objects = objects, .seq = kept.seq, .wall_ms = kept.wall_ms};
        error = served_find(&ask, arena, served);
        snprintf(why, OBJECTS_WHY_SIZE, "%s", error == 0 ? "" : store_reader_why(reader));
    }
    if (error == 0 && served->since_ms > kept.wall_ms) {
        *served = (struct served){.since_ms = 0};
    }
    objects_close(objects);
    return error;
}

struct search {
    struct arena *arena;
    struct served served;
};

static bool take_kept(void *context, const struct store_entry *entry)
{
    struct search *search = context;
    served_read(entry->after, entry->cause.wall_ms, search->arena, &search->served);
    return search->served.manifest == NULL;
}

/* What served last could not be kept: the last one that could is better than nothing. */
static int find_last(struct store_reader *reader, struct arena *arena, struct report *report,
                     struct served *served)
{
    static const struct store_filter backward = {.kind = SERVED_KIND, .key = SERVED_KEY, .backward = true};
    struct search search = {.arena = arena};
    char since[CLOCK_TEXT_SIZE];
    int error = store_read_journal(reader, &backward, take_kept, &search);
    if (error == 0 && search.served.manifest != NULL) {
        report_add(report, REPORT_WARNING, NULL,
                   "the configuration that served last is not kept (%s): this one served from %s on",
                   served->why, clock_write_rfc3339(search.served.since_ms, since));
        served->manifest = search.served.manifest;
    }
    return error;
}

/* Its manifest: in the arena; NULL: it was not kept. */
static int find_configuration(const char *folder, const char *moment, struct arena *arena,
                              struct report *report, const char **name)
{
    char why[OBJECTS_WHY_SIZE] = "";
    struct served served = {.since_ms = 0};
    struct store_reader *reader = NULL;
    int error = store_reader_open(folder, report, &reader);
    if (error != 0) {
        return error;
    }
    error = find_served(reader, folder, moment, arena, &served, why);
    if (error == 0 && moment == NULL && served.manifest == NULL && served.why != NULL) {
        error = find_last(reader, arena, report, &served);
        snprintf(why, sizeof why, "%s", error == 0 ? "" : store_reader_why(reader));
    }
    if (error != 0) {
        (void)backup_fail(report, folder, error, "%s", why);
    }
    *name = served.manifest;
    store_reader_close(reader);
    return error;
}

static bool is_empty(const char *root)
{
    DIR *stream = opendir(root);
    bool empty = stream != NULL;
    for (const struct dirent *entry; empty && (entry = readdir(stream)) != NULL;) {
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    if (stream != NULL) {
        closedir(stream);
    }
    return empty;
}

static int take_root(const char *root, struct report *report)
{
    if (mkdir(root, 0700) == -1 && errno != EEXIST) {
        int error = -errno;
        return backup_fail(report, root, error, "this folder cannot be made: %s", error_text(error));
    }
    return is_empty(root)
               ? 0
               : backup_fail(report, root, ERROR_CONFLICT,
                             "found something in it; expected an empty folder, or one that is not there");
}

static void tell_missing(const struct manifest *manifest, const char *root, struct report *report)
{
    for (size_t i = 0; i < manifest->count; i++) {
        const struct manifest_file *file = &manifest->files[i];
        if (file->sha256[0] == '\0') {
            report_add(report, REPORT_WARNING, &(struct report_place){.file = root}, "%s is not kept: %s",
                       file->path, file->why == NULL ? "no reason is given" : file->why);
        }
    }
}

static int lay_out(const char *folder, const char *name, const char *root, struct report *report)
{
    struct depot depot;
    struct manifest manifest;
    depot_init(&depot, folder);
    int error = manifest_load(&depot, name, &manifest);
    error = error != 0 ? error : manifest_lay_out(&manifest, &depot, root, MANIFEST_TO_KEEP);
    if (error != 0) {
        (void)backup_fail(report, root, error, "the files of the configuration cannot be written: %s",
                          depot.why);
    } else {
        tell_missing(&manifest, root, report);
    }
    manifest_fini(&manifest);
    depot_fini(&depot);
    return error;
}

int backup_lay_out(const char *folder, const char *moment, const char *root, struct report *report)
{
    struct arena *arena = arena_new(0);
    const char *name = NULL;
    int error = find_configuration(folder, moment, arena, report, &name);
    if (error == 0 && name == NULL) {
        error = backup_fail(report, folder, ERROR_CONFLICT, "no configuration %s is kept in it",
                            moment == NULL ? "at all" : "of that time");
    }
    error = error != 0 ? error : take_root(root, report);
    error = error != 0 ? error : lay_out(folder, name, root, report);
    arena_free(arena);
    return error;
}
