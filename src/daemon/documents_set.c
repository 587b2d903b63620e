/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which documents there are, and what the store, or a note beside it, says of them. */
#include "config.h"

#include "daemon/documents_load.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/source.h"
#include "base/statefile.h"
#include "store/kinds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

enum { NOTE_MAX = 64 << 20 };

struct documents_set *documents_set_new(void)
{
    struct documents_set *set = memory_alloc(sizeof *set);
    atomic_init(&set->uses, 1);
    return set;
}

static void free_set(struct documents_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->items[i].name);
        free(set->items[i].path);
        free(set->items[i].origin);
        free(set->items[i].real);
    }
    free(set->items);
    free(set->places);
    free(set->unsure);
    free(set);
}

void documents_release(struct documents_set *set)
{
    if (set != NULL && atomic_fetch_sub(&set->uses, 1) == 1) {
        free_set(set);
    }
}

/* What lies below the folder of steerd.json is called by its way from there. */
static char *make_name(const char *main, const char *path)
{
    char *absolute = source_make_absolute(main);
    const char *slash = strrchr(absolute, '/');
    size_t len = (size_t)(slash - absolute) + 1;
    char *name = memory_copy_text(strncmp(path, absolute, len) == 0 ? path + len : path);
    free(absolute);
    return name;
}

static int compare(const void *left, const void *right)
{
    const struct document *a = left, *b = right;
    return strcmp(a->path, b->path);
}

void documents_set_add(struct documents_set *set, const char *main, const char *path, const char *origin)
{
    char *absolute = source_make_absolute(path);
    set->items = memory_resize(set->items, set->count + 1, sizeof *set->items);
    set->items[set->count++] = (struct document){
        .name = make_name(main, absolute), .path = absolute, .origin = memory_copy_text(origin)};
}

/* Zones may share a policy. */
void documents_set_finish(struct documents_set *set)
{
    size_t kept = 0;
    if (set->count > 1) {
        qsort(set->items, set->count, sizeof *set->items, compare);
    }
    for (size_t i = 0; i < set->count; i++) {
        if (kept != 0 && strcmp(set->items[kept - 1].path, set->items[i].path) == 0) {
            free(set->items[i].name);
            free(set->items[i].path);
            free(set->items[i].origin);
        } else {
            set->items[kept++] = set->items[i];
        }
    }
    set->count = kept;
}

void documents_set_map(struct documents_set *set)
{
    size_t count = 0;
    set->places = memory_alloc_array(set->count, sizeof *set->places);
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].real != NULL) {
            set->places[count++] =
                (struct source_place){.path = set->items[i].path, .real = set->items[i].real};
        }
    }
    set->map = (struct source_places){.items = set->places, .count = count};
}

struct document *documents_find(const struct documents_set *set, const char *path)
{
    const struct document key = {.path = (char *)(uintptr_t)path};
    return set->count == 0 ? NULL : bsearch(&key, set->items, set->count, sizeof *set->items, compare);
}

struct document *documents_set_find_name(const struct documents_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->items[i].name, name) == 0) {
            return &set->items[i];
        }
    }
    return NULL;
}

/* ---- what is said of them ---- */

char *documents_write_value(const struct document *document)
{
    json_t *value = json_object();
    json_object_set_new(value, "sha256", json_string(document->sha256));
    json_object_set_new(value, "size", json_integer((json_int_t)document->size));
    char *text = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    return text;
}

static bool take_value(struct document *document, const json_t *value)
{
    const char *sha256 = json_string_value(json_object_get(value, "sha256"));
    if (document == NULL || sha256 == NULL || !depot_is_name(sha256)) {
        return false;
    }
    memcpy(document->sha256, sha256, sizeof document->sha256);
    document->size = (uint64_t)json_integer_value(json_object_get(value, "size"));
    return true;
}

/* By name, for the walk through the store. */
struct by_name {
    struct document **items;
    size_t count;
};

static int compare_names(const void *left, const void *right)
{
    const struct document *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

static bool take_object(void *context, const struct store_object *object)
{
    const struct by_name *by_name = context;
    const struct document key = {.name = (char *)(uintptr_t)object->key}, *at = &key;
    struct document **found = by_name->count == 0 ? NULL
                                                  : bsearch(&at, by_name->items, by_name->count,
                                                            sizeof(struct document *), compare_names);
    json_t *value = found == NULL ? NULL : json_loads(object->value, JSON_REJECT_DUPLICATES, NULL);
    if (found != NULL && take_value(*found, value)) {
        (*found)->revision = object->revision;
    }
    json_decref(value);
    return true;
}

int documents_ask_store(struct documents_load *load)
{
    struct documents_set *set = load->set;
    struct by_name by_name = {.items = memory_alloc_array(set->count, sizeof(struct document *)),
                              .count = set->count};
    struct report *report = report_new();
    struct store_reader *reader;
    for (size_t i = 0; i < set->count; i++) {
        by_name.items[i] = &set->items[i];
    }
    if (set->count > 1) {
        qsort(by_name.items, by_name.count, sizeof(struct document *), compare_names);
    }
    int error = store_reader_open(load->folder, report, &reader);
    if (error == 0) {
        error = store_list(reader, DOCUMENT_KIND, "", NULL, take_object, &by_name);
        if (error != 0) {
            set->unsure = memory_print("the store cannot be read: %s", store_reader_why(reader));
        }
        store_reader_close(reader);
    } else if (error == ERROR_NOT_FOUND || error == -ENOENT) {
        error = 0; /* there is none yet, so there are none of them */
    } else {
        set->unsure = memory_print("the store cannot be read: %s", error_text(error));
    }
    report_free(report);
    free(by_name.items);
    return error;
}

/* ---- the note ---- */

static char *note_path(const struct documents_load *load)
{
    return memory_print("%s/%s/serving.json", load->folder, DOCUMENT_FOLDER);
}

bool documents_have_note(const struct documents_load *load)
{
    char *path = note_path(load);
    bool has = access(path, F_OK) == 0;
    free(path);
    return has;
}

void documents_drop_note(const struct documents_load *load)
{
    char *path = note_path(load);
    (void)unlink(path);
    free(path);
}

void documents_ask_note(struct documents_load *load)
{
    char *path = note_path(load);
    struct file file;
    size_t len;
    int code;
    const char *name;
    json_t *value;
    char *text = file_read_all(path, NOTE_MAX, &file, &len, &code);
    json_t *note = text == NULL ? NULL : json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    json_object_foreach(note, name, value)
    {
        (void)take_value(documents_set_find_name(load->set, name), value);
    }
    json_decref(note);
    free(text);
    free(path);
}

void documents_write_note(const struct documents_load *load)
{
    const struct documents_set *set = load->set;
    char *path = note_path(load);
    json_t *note = json_object();
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].sha256[0] != '\0') {
            json_t *value = json_object();
            json_object_set_new(value, "sha256", json_string(set->items[i].sha256));
            json_object_set_new(value, "size", json_integer((json_int_t)set->items[i].size));
            json_object_set_new(note, set->items[i].name, value);
        }
    }
    char *text = json_dumps(note, JSON_INDENT(1));
    if (text != NULL && json_object_size(note) != 0) {
        (void)statefile_write(path, 0600, text, strlen(text)); /* it is for worse times than these */
    }
    json_decref(note);
    free(text);
    free(path);
}
