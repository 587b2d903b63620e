/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The configuration of a moment: the object configuration/current says which manifest served, the depot has
 * its files. They are laid out in a scratch folder, which is nobody else's, and loaded from there: as links,
 * since to make files takes half a millisecond for each. */
#include "config.h"

#include "daemon/moment_parts.h"

#include "daemon/scratch.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "geo/geo.h"
#include "past/manifest.h"
#include "past/objects.h"
#include "past/served.h"
#include "past/whole.h"
#include "store/store.h"
#include "view/view.h"

#include <stdlib.h>
#include <string.h>

/* ---- which one ---- */

static int find_served(struct moment *moment, struct served *served)
{
    const struct served_ask ask = {.reader = moment->source->store,
                                   .objects = moment->objects,
                                   .seq = moment->told->seq,
                                   .wall_ms = moment->told->wall_ms};
    char since[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];
    int error = served_find(&ask, moment->source->arena, served);
    if (error != 0) {
        return moment_fail(moment, error, store_reader_why(moment->source->store));
    }
    if (served->gap_ms != 0) {
        moment_miss(moment, "what served between %s and %s was replaced before it could be kept: %s was used",
                    moment_write_time(served->gap_ms, since), moment_write_time(served->gap_until_ms, until),
                    served->manifest == NULL ? "what the files say now" : "the configuration before it");
    }
    if (served->manifest != NULL && moment->source->unkept_ms != 0 &&
        moment->told->wall_ms >= moment->source->unkept_ms) {
        moment_miss(moment, "the configuration that serves since %s is not kept yet: the one before was used",
                    moment_write_time(moment->source->unkept_ms, since));
    }
    if (served->since_ms > moment->told->wall_ms) {
        moment_miss(moment, "the configuration is not kept for that time: the oldest is of %s, and was used",
                    moment_write_time(served->since_ms, since));
    }
    return 0;
}

/* ---- its files ---- */

static void note_gone(struct moment *moment)
{
    for (size_t i = 0; i < moment->manifest->count; i++) {
        const struct manifest_file *file = &moment->manifest->files[i];
        bool is_geo = file->modified_ms != 0;
        if (file->sha256[0] == '\0' && !is_geo) {
            moment_miss(moment, "the file %s is not kept: %s", file->path,
                        file->why == NULL ? "it could not be copied" : file->why);
        }
    }
}

/* Its list or one of its files is gone: what can be had is told. */
static int fail_gone(struct moment *moment, int error, const struct depot *depot)
{
    enum { LISTED = 10 };
    const struct moment_source *source = moment->source;
    const struct whole_ask ask = {
        .reader = source->store, .folder = source->folder, .progress = source->progress};
    struct whole *whole = arena_alloc(source->arena, sizeof *whole);
    char since[CLOCK_TEXT_SIZE];
    struct buffer text;
    if (error != ERROR_NOT_FOUND || whole_find(&ask, source->arena, whole) != 0) {
        return moment_fail(moment, error, depot->why);
    }
    buffer_init(&text);
    buffer_print(&text, "the configuration of then is not kept any more (%s); ", depot->why);
    if (whole->since_ms == 0) {
        buffer_add_text(&text, "none that served since is");
    } else {
        buffer_print(&text, "all that served since %s are", moment_write_time(whole->since_ms, since));
    }
    for (size_t i = 0; i < whole->count && i < LISTED; i++) {
        buffer_print(&text, "%s%s", i == 0 ? ", and of points with a name that of " : ", ",
                     whole->points[i].id);
    }
    if (whole->count > LISTED) {
        buffer_print(&text, " and %zu more", whole->count - LISTED);
    }
    moment->told->whole = whole;
    error = moment_fail(moment, error, text.bytes);
    buffer_fini(&text);
    return error;
}

int moment_find_files(struct moment *moment)
{
    struct admin_moment *told = moment->told;
    struct depot depot;
    struct served served;
    told->main = moment->source->main;
    int error = find_served(moment, &served);
    if (error != 0) {
        return error;
    }
    if (served.manifest == NULL || served.main == NULL) {
        bool is_said = served.why != NULL;
        moment_miss(moment,
                    "what the configuration was then is not kept%s%s%s: what the files say now was used",
                    is_said ? " (" : "", is_said ? served.why : "", is_said ? ")" : "");
        return 0;
    }
    told->main = served.main;
    told->manifest = served.manifest;
    told->generation = served.generation;
    told->configured_ms = served.since_ms;
    moment->manifest = memory_alloc(sizeof *moment->manifest);
    depot_init(&depot, moment->source->folder);
    error = manifest_load(&depot, served.manifest, moment->manifest);
    if (error != 0) {
        error = fail_gone(moment, error, &depot);
    } else {
        note_gone(moment);
    }
    depot_fini(&depot);
    return error;
}

void moment_free_files(struct moment *moment)
{
    if (moment->manifest != NULL) {
        manifest_fini(moment->manifest);
        free(moment->manifest);
    }
}

/* ---- the view ---- */

/* Their contents are not kept. */
static void compare_geo(struct moment *moment)
{
    const struct view *view = moment->view;
    for (size_t i = 0; i < moment->manifest->count; i++) {
        const struct manifest_file *then = &moment->manifest->files[i];
        for (size_t j = 0; j < view->geo_count && then->modified_ms != 0; j++) {
            const struct geo_db_info *info = geo_get_info(view->geo[j]);
            const struct geo_signature *now = geo_get_signature(view->geo[j]);
            bool is_same = then->size == now->size && then->modified_ms == now->modified_ns / 1000000;
            if (strcmp(info->path, then->path) == 0 && !is_same) {
                moment_miss(moment,
                            "the geo database %s has changed since: clients may have been of other classes",
                            then->path);
            }
        }
    }
    if (view->geo_count < view->server->geo_count) {
        moment_miss(moment, "%zu of %zu geo databases cannot be read any more: clients were of other classes",
                    view->server->geo_count - view->geo_count, view->server->geo_count);
    }
}

static int load_kept(struct moment *moment, struct report *report)
{
    const char *folder = moment->source->folder;
    struct scratch scratch;
    struct depot depot;
    int error = scratch_open(folder, "moment", &scratch);
    if (error != 0) {
        const char *why = arena_print(moment->source->arena, "%s: a folder for its files cannot be made: %s",
                                      scratch.path, error_text(error));
        scratch_close(&scratch);
        return moment_fail(moment, error, why);
    }
    depot_init(&depot, folder);
    depot.progress = moment->source->progress;
    error = manifest_lay_out(moment->manifest, &depot, scratch.path, MANIFEST_TO_READ);
    if (error != 0) {
        error = fail_gone(moment, error, &depot);
    } else {
        moment->view = view_compile_past(moment->told->main, scratch.path, moment->source->current, report);
        error = moment->view == NULL ? ERROR_INVALID : 0;
    }
    depot_fini(&depot);
    scratch_close(&scratch);
    if (error == 0) {
        compare_geo(moment);
    }
    return error;
}

int moment_load_files(struct moment *moment, struct report *report)
{
    const struct admin_moment *told = moment->told;
    enum { CACHES = 1 };
    if (moment->manifest != NULL) {
        return load_kept(moment, report);
    }
    if (told->main == NULL) {
        return moment_fail(moment, ERROR_NOT_FOUND,
                           "the configuration of that time is not kept, and none of now was given (-c FILE)");
    }
    moment->view = view_compile(told->main, NULL, 0, told->wall_ms, CACHES, report);
    return moment->view == NULL ? ERROR_INVALID : 0;
}
