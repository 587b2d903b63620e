/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See objects.h. The journal is read backward, so that the first entry of a name is the one that counts, and
 * no value is kept that another one replaced. */
#include "config.h"

#include "past/objects.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "past/depot.h"
#include "past/lines.h"
#include "past/points.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Behind a point that is older, the journal alone is as fast. */
enum { STRETCH_MAX = 1000000 };

enum { BLOB_MAX = 1 << 30 };

struct objects {
    struct arena *texts;
    struct store_object *items; /* value NULL: it was deleted */
    size_t count, capacity;
    uint32_t *slots; /* of a hash table: number of the item + 1 */
    size_t slot_count;
    uint64_t base;
};

/* ---- the set ---- */

static uint64_t hash_name(const char *kind, const char *key)
{
    uint64_t hash = hash_bytes(HASH_START, kind, strlen(kind) + 1);
    return hash_finish(hash_bytes(hash, key, strlen(key)));
}

static int compare_names(const struct store_object *a, const struct store_object *b)
{
    int order = strcmp(a->kind, b->kind);
    return order != 0 ? order : strcmp(a->key, b->key);
}

/* Where the name is, or would be. */
static uint32_t *find_slot(const struct objects *objects, const char *kind, const char *key)
{
    size_t at = hash_name(kind, key) & (objects->slot_count - 1);
    const struct store_object name = {.kind = kind, .key = key};
    while (objects->slots[at] != 0 && compare_names(&objects->items[objects->slots[at] - 1], &name) != 0) {
        at = (at + 1) & (objects->slot_count - 1);
    }
    return &objects->slots[at];
}

static void grow_slots(struct objects *objects)
{
    enum { LEAST = 64 };
    if (objects->count * 2 < objects->slot_count) {
        return;
    }
    free(objects->slots);
    objects->slot_count = objects->slot_count == 0 ? LEAST : objects->slot_count * 2;
    objects->slots = memory_alloc_array(objects->slot_count, sizeof *objects->slots);
    for (size_t i = 0; i < objects->count; i++) {
        *find_slot(objects, objects->items[i].kind, objects->items[i].key) = (uint32_t)i + 1;
    }
}

static void append(struct objects *objects, const struct store_object *object)
{
    objects->items = memory_grow(objects->items, objects->count, &objects->capacity, sizeof *objects->items);
    struct store_object *to = &objects->items[objects->count++];
    *to = *object;
    to->kind = arena_copy_text(objects->texts, object->kind);
    to->key = arena_copy_text(objects->texts, object->key);
    to->value = arena_copy_text(objects->texts, object->value);
}

/* Unless something later is known of the name. */
static void add_older(struct objects *objects, const struct store_object *object)
{
    grow_slots(objects);
    uint32_t *slot = find_slot(objects, object->kind, object->key);
    if (*slot == 0) {
        append(objects, object);
        *slot = (uint32_t)objects->count;
    }
}

struct objects *objects_new(void)
{
    struct objects *objects = memory_alloc(sizeof *objects);
    objects->texts = arena_new(0);
    return objects;
}

void objects_add(struct objects *objects, const struct store_object *object)
{
    append(objects, object);
}

void objects_close(struct objects *objects)
{
    if (objects != NULL) {
        arena_free(objects->texts);
        free(objects->items);
        free(objects->slots);
        free(objects);
    }
}

static int compare_items(const void *a, const void *b)
{
    return compare_names(a, b);
}

static void sort(struct objects *objects)
{
    free(objects->slots); /* items are elsewhere */
    objects->slots = NULL;
    objects->slot_count = 0;
    if (objects->count > 1) {
        qsort(objects->items, objects->count, sizeof *objects->items, compare_items);
    }
}

bool objects_sort(struct objects *objects, const struct store_object **twice)
{
    sort(objects);
    for (size_t i = 1; i < objects->count; i++) {
        if (compare_names(&objects->items[i - 1], &objects->items[i]) == 0) {
            *twice = &objects->items[i];
            return false;
        }
    }
    return true;
}

size_t objects_count(const struct objects *objects)
{
    return objects->count;
}

const struct store_object *objects_get(const struct objects *objects, size_t i)
{
    return &objects->items[i];
}

const struct store_object *objects_find(const struct objects *objects, const char *kind, const char *key)
{
    const struct store_object name = {.kind = kind, .key = key};
    return objects->count == 0
               ? NULL
               : bsearch(&name, objects->items, objects->count, sizeof *objects->items, compare_items);
}

uint64_t objects_get_base(const struct objects *objects)
{
    return objects->base;
}

void objects_compare(const struct objects *before, const struct objects *after,
                     bool (*got)(void *context, const struct store_object *before,
                                 const struct store_object *after),
                     void *context)
{
    bool on = true;
    for (size_t i = 0, j = 0; on && (i < before->count || j < after->count);) {
        const struct store_object *a = i < before->count ? &before->items[i] : NULL;
        const struct store_object *b = j < after->count ? &after->items[j] : NULL;
        int order = a == NULL ? 1 : b == NULL ? -1 : compare_names(a, b);
        i += order <= 0;
        j += order >= 0;
        if (order != 0 || strcmp(a->value, b->value) != 0) {
            on = got(context, order <= 0 ? a : NULL, order >= 0 ? b : NULL);
        }
    }
}

/* ---- from the store ---- */

static bool is_left_out(const char *kind)
{
    return strcmp(kind, OBJECTS_POINT) == 0;
}

static bool take_object(void *context, const struct store_object *object)
{
    if (!is_left_out(object->kind)) {
        append(context, object);
    }
    return true;
}

/* Who was deleted, or had expired by then, goes; the rest is sorted. */
static void settle(struct objects *objects, int64_t wall_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < objects->count; i++) {
        const struct store_object *item = &objects->items[i];
        bool has_expired = wall_ms != 0 && item->expires_ms != 0 && item->expires_ms <= wall_ms;
        if (item->value != NULL && !has_expired) {
            objects->items[kept++] = *item;
        }
    }
    objects->count = kept;
    sort(objects);
}

/* ---- from a point ---- */

struct nearest {
    const struct objects_ask *ask;
    struct arena *arena;
    struct point point;
    uint64_t before_seq; /* those that are earlier than this */
    bool has;
};

static bool offer_point(void *context, const struct store_object *object)
{
    struct nearest *nearest = context;
    const char *why;
    struct point point;
    if (points_read(object->key, object->value, nearest->arena, &point, &why) == 0 &&
        point.seq < nearest->before_seq && point.seq + STRETCH_MAX >= nearest->ask->seq &&
        (!nearest->has || point.seq > nearest->point.seq)) {
        nearest->point = point;
        nearest->has = true;
    }
    return true;
}

static bool take_entry(void *context, const struct store_entry *entry)
{
    if (!is_left_out(entry->kind)) {
        add_older(context, &(struct store_object){.kind = entry->kind,
                                                  .key = entry->key,
                                                  .value = entry->after,
                                                  .revision = entry->seq,
                                                  .written_ms = entry->cause.wall_ms,
                                                  .expires_ms = entry->expires_ms});
    }
    return true;
}

static bool take_line(void *context, const struct store_object *object, size_t line)
{
    (void)line;
    add_older(context, object);
    return true;
}

static int read_blob(const struct point *point, struct depot *depot, struct objects *objects)
{
    char why[LINES_WHY_SIZE];
    size_t len, line;
    int error = 0;
    char *text = depot_get(depot, point->objects, BLOB_MAX, &len, &error);
    if (text == NULL) {
        return error;
    }
    struct arena *lines = arena_new(0);
    error = lines_walk(text, len, lines, take_line, objects, &line, why);
    arena_free(lines);
    free(text);
    return error;
}

/* A blob that is not there, or not what it was, leads to the point before it. NULL: there is none. */
static struct objects *open_nearest(const struct objects_ask *ask, int *error)
{
    struct nearest nearest = {.ask = ask, .arena = arena_new(0), .before_seq = ask->seq + 1};
    struct objects *objects = NULL;
    struct depot depot;
    depot_init(&depot, ask->folder);
    do {
        nearest.has = false;
        *error = store_list(ask->reader, OBJECTS_POINT, "", NULL, offer_point, &nearest);
        if (*error != 0 || !nearest.has) {
            break;
        }
        objects = objects_new();
        objects->base = nearest.before_seq = nearest.point.seq;
        const struct store_filter since = {.after_seq = nearest.point.seq,
                                           .before_seq = ask->seq + 1,
                                           .backward = true,
                                           .without_before = true};
        *error = store_read_journal(ask->reader, &since, take_entry, objects);
        if (*error == 0 && read_blob(&nearest.point, &depot, objects) == 0) {
            break;
        }
        objects_close(objects);
        objects = NULL;
    } while (*error == 0);
    depot_fini(&depot);
    arena_free(nearest.arena);
    return objects;
}

int objects_open(const struct objects_ask *ask, struct objects **to, char why[OBJECTS_WHY_SIZE])
{
    int error = 0;
    struct objects *objects = ask->folder == NULL ? NULL : open_nearest(ask, &error);
    why[0] = '\0';
    if (objects == NULL && error == 0) {
        objects = objects_new();
        error = store_list_at(ask->reader, ask->seq, take_object, objects);
    }
    if (error != 0) {
        snprintf(why, OBJECTS_WHY_SIZE, "%s", store_reader_why(ask->reader));
        objects_close(objects);
        return error;
    }
    settle(objects, ask->wall_ms);
    *to = objects;
    return 0;
}

static bool note_end(void *context, const struct store_entry *entry)
{
    struct objects_end *end = context;
    end->seq = entry->seq;
    end->wall_ms = entry->cause.wall_ms;
    memcpy(end->hash, entry->hash, sizeof end->hash);
    return false;
}

int objects_find_end(struct store_reader *reader, struct objects_end *end)
{
    *end = (struct objects_end){.seq = 0};
    return store_read_journal(reader, &(struct store_filter){.backward = true}, note_end, end);
}
