/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See kept.h. */
#include "config.h"

#include "past/kept.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/when.h"
#include "past/depot.h"
#include "past/hold.h"
#include "past/manifest.h"
#include "past/names.h"
#include "past/served.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- points ---- */

struct listed {
    struct point point; /* the first, by which they are sorted */
    uint64_t revision;
};

struct listing {
    struct arena *arena;
    struct kept_list *list;
    struct listed *items;
    size_t capacity;
};

static bool take_point(void *context, const struct store_object *object)
{
    struct listing *listing = context;
    struct point point;
    const char *why;
    if (points_read(object->key, object->value, listing->arena, &point, &why) != 0) {
        listing->list->unread++;
        return true;
    }
    listing->items =
        memory_grow(listing->items, listing->list->count, &listing->capacity, sizeof *listing->items);
    listing->items[listing->list->count].point = point;
    listing->items[listing->list->count++].revision = object->revision;
    return true;
}

static int compare_points(const void *a, const void *b)
{
    const struct point *left = a, *right = b; /* the first member */
    if (left->seq != right->seq) {
        return left->seq < right->seq ? 1 : -1;
    }
    return -strcmp(left->id, right->id);
}

int kept_list(struct store_reader *reader, struct arena *arena, struct kept_list *list)
{
    struct listing listing = {.arena = arena, .list = list};
    *list = (struct kept_list){.count = 0};
    int error = store_list(reader, OBJECTS_POINT, "", NULL, take_point, &listing);
    if (list->count > 1) {
        qsort(listing.items, list->count, sizeof *listing.items, compare_points);
    }
    list->items = arena_alloc(arena, list->count * sizeof *list->items);
    list->revisions = arena_alloc(arena, list->count * sizeof *list->revisions);
    for (size_t i = 0; i < list->count; i++) {
        list->items[i] = listing.items[i].point;
        list->revisions[i] = listing.items[i].revision;
    }
    free(listing.items);
    return error;
}

struct getting {
    struct arena *arena;
    struct store_object *object;
};

static void take_object(void *context, const struct store_object *object)
{
    const struct getting *getting = context;
    *getting->object = *object;
    getting->object->kind = OBJECTS_POINT;
    getting->object->key = arena_copy_text(getting->arena, object->key);
    getting->object->value = arena_copy_text(getting->arena, object->value);
}

int kept_get(struct store_reader *reader, const char *id, struct arena *arena, struct store_object *object)
{
    struct getting getting = {.arena = arena, .object = object};
    return store_get(reader, OBJECTS_POINT, id, take_object, &getting);
}

int kept_get_point(struct store_reader *reader, const char *id, struct arena *arena, struct point *point,
                   const char **why)
{
    struct store_object object;
    int error = kept_get(reader, id, arena, &object);
    *why = error == 0 ? NULL : store_reader_why(reader);
    return error != 0 ? error : points_read(id, object.value, arena, point, why);
}

/* ---- moments ---- */

static int find_point(struct store_reader *reader, const char *text, struct arena *arena,
                      struct kept_moment *moment, char why[OBJECTS_WHY_SIZE])
{
    struct point point;
    const char *reason;
    int error = points_is_id(text) ? kept_get_point(reader, text, arena, &point, &reason) : ERROR_NOT_FOUND;
    if (error == 0) {
        *moment = (struct kept_moment){.seq = point.seq, .wall_ms = point.time_ms, .id = point.id};
    } else if (error != ERROR_NOT_FOUND) {
        snprintf(why, OBJECTS_WHY_SIZE, "the point \"%s\" cannot be read: %s", text, reason);
    }
    return error;
}

static bool note_first(void *context, const struct store_entry *entry)
{
    *(int64_t *)context = entry->cause.wall_ms;
    return false;
}

static int find_time(struct store_reader *reader, int64_t now_ms, struct kept_moment *moment,
                     char why[OBJECTS_WHY_SIZE])
{
    char text[CLOCK_TEXT_SIZE];
    int64_t first_ms = 0;
    int error = store_find_seq(reader, moment->wall_ms, &moment->seq);
    if (error == 0 && moment->wall_ms > now_ms) {
        snprintf(why, OBJECTS_WHY_SIZE, "%s is yet to come", clock_write_rfc3339(moment->wall_ms, text));
        return ERROR_INVALID;
    }
    if (error == 0 && moment->seq == 0) {
        error = store_read_journal(reader, &(struct store_filter){.after_seq = 0}, note_first, &first_ms);
    }
    if (error != 0) {
        snprintf(why, OBJECTS_WHY_SIZE, "%s", store_reader_why(reader));
    } else if (moment->seq == 0 && first_ms == 0) {
        snprintf(why, OBJECTS_WHY_SIZE, "the journal is empty");
        return ERROR_NOT_FOUND;
    } else if (moment->seq == 0) {
        snprintf(why, OBJECTS_WHY_SIZE, "that is before the journal begins, at %s",
                 clock_write_rfc3339(first_ms, text));
        return ERROR_NOT_FOUND;
    }
    return error;
}

int kept_find_moment(struct store_reader *reader, const char *text, int64_t now_ms, struct arena *arena,
                     struct kept_moment *moment, char why[OBJECTS_WHY_SIZE])
{
    why[0] = '\0';
    *moment = (struct kept_moment){.seq = 0};
    int error = find_point(reader, text, arena, moment, why);
    if (error != ERROR_NOT_FOUND) {
        return error;
    }
    if (when_parse(text, now_ms, &moment->wall_ms) == 0) {
        return find_time(reader, now_ms, moment, why);
    }
    if (points_is_id(text)) {
        snprintf(why, OBJECTS_WHY_SIZE, "there is no recovery point \"%s\"", text);
        return ERROR_NOT_FOUND;
    }
    snprintf(why, OBJECTS_WHY_SIZE, "found \"%.64s\", expected the ID of a recovery point, " WHEN_EXPECTED,
             text);
    return ERROR_SYNTAX;
}

/* ---- configuration ---- */

void kept_find_configuration(const struct objects *objects, struct arena *arena, struct point *point)
{
    const struct store_object *current = objects_find(objects, SERVED_KIND, SERVED_KEY);
    if (current != NULL) {
        struct served served;
        served_read(current->value, current->written_ms, arena, &served);
        point->configuration = served.manifest;
        point->generation = served.generation;
    }
}

/* ---- what is needed ---- */

static void add_name(struct names *names, const char *name)
{
    if (name != NULL && depot_is_name(name)) {
        (void)names_add(names, name);
    }
}

static void add_manifest(struct names *manifests, const char *value)
{
    struct served served;
    struct arena *arena = arena_new(0);
    served_read(value, 0, arena, &served);
    add_name(manifests, served.manifest);
    arena_free(arena);
}

/* Also the one before, which served until then. */
static bool take_entry(void *context, const struct store_entry *entry)
{
    struct names *manifests = context;
    const char *const values[] = {entry->before, entry->after};
    for (int i = 0; i < 2; i++) {
        add_manifest(manifests, values[i]);
    }
    return true;
}

static void take_current(void *context, const struct store_object *object)
{
    add_manifest(context, object->value);
}

/* All that points have, that served since the oldest one, and now. */
static int find_manifests(const struct kept_sweep *sweep, struct arena *arena, struct names *manifests)
{
    struct points_span span;
    points_find_span(sweep->points, sweep->count, arena, &span);
    const struct store_filter since = {.kind = SERVED_KIND, .key = SERVED_KEY, .after_seq = span.seq};
    for (size_t i = 0; i < sweep->count; i++) {
        add_name(manifests, sweep->points[i].configuration);
    }
    int error = store_get(sweep->reader, SERVED_KIND, SERVED_KEY, take_current, manifests);
    error = error == ERROR_NOT_FOUND ? 0 : error;
    if (error == 0 && sweep->count != 0) {
        error = store_read_journal(sweep->reader, &since, take_entry, manifests);
    }
    return error;
}

/* What is needed, and parts of manifests that were looked at: most are those of others as well. */
struct need {
    struct names names, parts;
};

/* One that is gone keeps nothing; one that cannot be read might. */
static int add_files(struct depot *depot, const char *manifest, struct need *need)
{
    struct manifest read;
    add_name(&need->names, manifest);
    int error = manifest_load_head(depot, manifest, &read);
    for (size_t i = 0; (error == 0 || error == ERROR_NOT_FOUND) && i < read.part_count; i++) {
        add_name(&need->names, read.parts[i]);
        if (names_add(&need->parts, read.parts[i])) {
            error = manifest_load_part(depot, read.parts[i], &read);
        }
    }
    for (size_t i = 0; i < read.count; i++) {
        add_name(&need->names, read.files[i].sha256);
    }
    manifest_fini(&read);
    return error == ERROR_NOT_FOUND ? 0 : error;
}

struct keeping {
    const struct kept_sweep *sweep;
    const struct names *needed;
};

static bool is_kept(void *context, const struct depot_item *item)
{
    const struct keeping *keeping = context;
    return item->modified_ns / 1000000 >= keeping->sweep->before_ms || names_has(keeping->needed, item->name);
}

static int sweep_unneeded(const struct kept_sweep *sweep, struct depot *depot, struct need *need,
                          const struct names *manifests)
{
    struct depot_swept swept;
    struct keeping keeping = {.sweep = sweep, .needed = &need->names};
    int error = 0;
    for (size_t i = 0; i < sweep->count; i++) {
        add_name(&need->names, sweep->points[i].objects);
    }
    for (size_t i = 0; error == 0 && i < manifests->count; i++) {
        error = progress_is_cancelled(sweep->progress) ? ERROR_CANCELLED
                                                       : add_files(depot, manifests->items[i], need);
    }
    return error != 0 ? error : depot_sweep(depot, is_kept, &keeping, &swept);
}

static int sweep_depot(const struct kept_sweep *sweep, char why[OBJECTS_WHY_SIZE])
{
    struct arena *arena = arena_new(0);
    struct names manifests = {.count = 0};
    struct need need = {.names = {.count = 0}};
    struct depot depot;
    depot_init(&depot, sweep->folder);
    depot.progress = sweep->progress;
    int error = find_manifests(sweep, arena, &manifests);
    if (error != 0) {
        snprintf(why, OBJECTS_WHY_SIZE, "%s", store_reader_why(sweep->reader));
    } else {
        error = sweep_unneeded(sweep, &depot, &need, &manifests);
        snprintf(why, OBJECTS_WHY_SIZE, "%.*s", OBJECTS_WHY_SIZE - 1, depot.why);
    }
    depot_fini(&depot);
    names_fini(&manifests);
    names_fini(&need.names);
    names_fini(&need.parts);
    arena_free(arena);
    return error;
}

int kept_sweep_depot(const struct kept_sweep *sweep, char why[OBJECTS_WHY_SIZE])
{
    int fd;
    if (!hold_begin_sweep(sweep->folder, "depot", &fd) && !sweep->is_forced) {
        snprintf(why, OBJECTS_WHY_SIZE, "a backup is being made of it");
        return ERROR_BUSY;
    }
    int error = sweep_depot(sweep, why);
    hold_end_sweep(fd);
    return error;
}
