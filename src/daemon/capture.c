/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See capture.h. */
#include "config.h"

#include "daemon/capture.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/source.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 1024, WHY_SIZE = 192 };

/* A file that serves. */
struct captured {
    struct source source;
    char sha256[DEPOT_NAME_SIZE]; /* "": not in the depot */
    char *why;                    /* it cannot be; NULL: it was not tried, or it is there */
};

struct captured_list {
    struct captured *items;
    size_t count;
};

struct captured_zone {
    char *origin;
    struct captured_list files;
};

struct capture {
    char *main; /* NULL: nothing serves yet */
    struct captured_list ground;
    struct source_list geo;
    struct captured_zone *zones; /* by origin */
    size_t zone_count;
    struct captured *batch[BATCH]; /* put, and not settled */
    size_t batch_count;
};

struct capture *capture_new(void)
{
    return memory_alloc(sizeof(struct capture));
}

static void free_list(struct captured_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].source.path);
        free(list->items[i].source.real);
        free(list->items[i].why);
    }
    free(list->items);
    *list = (struct captured_list){.items = NULL};
}

static void free_zones(struct captured_zone *zones, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(zones[i].origin);
        free_list(&zones[i].files);
    }
    free(zones);
}

void capture_free(struct capture *capture)
{
    if (capture != NULL) {
        free(capture->main);
        free_list(&capture->ground);
        source_list_fini(&capture->geo);
        free_zones(capture->zones, capture->zone_count);
        free(capture);
    }
}

/* ---- what serves ---- */

/* Takes what is listed. */
static struct captured_list take_list(struct source_list *from)
{
    struct captured_list list = {.items = memory_alloc_array(from->count, sizeof *list.items),
                                 .count = from->count};
    for (size_t i = 0; i < from->count; i++) {
        list.items[i].source = from->items[i];
    }
    from->count = 0;
    source_list_fini(from);
    return list;
}

static int compare_captured(const void *left, const void *right)
{
    const struct captured *const *a = left, *const *b = right;
    return strcmp((*a)->source.path, (*b)->source.path);
}

static int compare_zones(const void *left, const void *right)
{
    const struct captured_zone *a = left, *b = right;
    return strcmp(a->origin, b->origin);
}

static struct captured_zone *find_zone(const struct capture *capture, const char *origin)
{
    const struct captured_zone key = {.origin = (char *)(uintptr_t)origin};
    return capture->zone_count == 0
               ? NULL
               : bsearch(&key, capture->zones, capture->zone_count, sizeof *capture->zones, compare_zones);
}

/* Files that are in the depot, by path. */
struct known {
    const struct captured **items;
    size_t count;
};

static void add_known(struct known *known, const struct captured_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].sha256[0] != '\0') {
            known->items[known->count++] = &list->items[i];
        }
    }
}

static void sort_known(struct known *known)
{
    if (known->count > 1) {
        qsort(known->items, known->count, sizeof(struct captured *), compare_captured);
    }
}

static bool is_same(const struct source *a, const struct source *b)
{
    return a->size == b->size && a->device == b->device && a->inode == b->inode &&
           a->modified_ns == b->modified_ns;
}

/* What is known of these files already. */
static void recall(struct captured_list *list, const struct known *known)
{
    for (size_t i = 0; i < list->count && known->count != 0; i++) {
        struct captured *item = &list->items[i];
        const struct captured *const *found =
            bsearch(&item, known->items, known->count, sizeof(struct captured *), compare_captured);
        if (found != NULL && is_same(&(*found)->source, &item->source)) {
            memcpy(item->sha256, (*found)->sha256, sizeof item->sha256);
        }
    }
}

static struct known know_all(const struct capture *capture)
{
    struct known known = {.count = 0};
    size_t count = capture->ground.count;
    for (size_t i = 0; i < capture->zone_count; i++) {
        count += capture->zones[i].files.count;
    }
    known.items = memory_alloc_array(count, sizeof(struct captured *));
    add_known(&known, &capture->ground);
    for (size_t i = 0; i < capture->zone_count; i++) {
        add_known(&known, &capture->zones[i].files);
    }
    sort_known(&known);
    return known;
}

/* What a broken zone goes on with is what it was made of before. */
static void take_zone(struct captured_zone *to, struct view_zone_sources *from, const struct known *known)
{
    to->origin = from->origin;
    from->origin = NULL;
    to->files = take_list(&from->files);
    recall(&to->files, known);
}

void capture_take_all(struct capture *capture, struct view_sources *sources)
{
    struct known known = know_all(capture);
    struct capture old = *capture;
    struct captured_zone *zones = memory_alloc_array(sources->zone_count, sizeof *zones);
    struct captured_list ground = take_list(&sources->ground);
    recall(&ground, &known);
    for (size_t i = 0; i < sources->zone_count; i++) {
        take_zone(&zones[i], &sources->zones[i], &known);
    }
    free(known.items); /* what it points to is moved now */
    for (size_t i = 0; i < sources->zone_count; i++) {
        struct captured_zone *before = sources->zones[i].is_stale ? find_zone(&old, zones[i].origin) : NULL;
        if (before != NULL) {
            struct captured_list files = before->files;
            before->files = zones[i].files;
            zones[i].files = files;
        }
    }
    if (sources->zone_count > 1) {
        qsort(zones, sources->zone_count, sizeof *zones, compare_zones);
    }
    *capture = (struct capture){.main = source_make_absolute(sources->main),
                                .ground = ground,
                                .geo = sources->geo,
                                .zones = zones,
                                .zone_count = sources->zone_count};
    sources->geo = (struct source_list){.items = NULL};
    view_free_sources(sources);
    free(old.main);
    free_list(&old.ground);
    source_list_fini(&old.geo);
    free_zones(old.zones, old.zone_count);
}

void capture_take_zone(struct capture *capture, struct view_zone_sources *sources)
{
    struct captured_zone *zone = find_zone(capture, sources->origin), news;
    struct known known = {.count = 0};
    if (zone != NULL) {
        known.items = memory_alloc_array(zone->files.count, sizeof(struct captured *));
        add_known(&known, &zone->files);
        sort_known(&known);
        take_zone(&news, sources, &known);
        free_list(&zone->files);
        zone->files = news.files;
        free(news.origin);
        free(known.items);
    }
    view_fini_zone_sources(sources);
}

/* ---- copying ---- */

static void set_why(struct captured *item, const char *format, const char *what)
{
    char why[WHY_SIZE];
    snprintf(why, sizeof why, format, what);
    free(item->why);
    item->why = memory_copy_text(why);
}

static const char *find_real(const struct captured *item)
{
    return item->source.real == NULL ? item->source.path : item->source.real;
}

static bool is_still(const struct captured *item)
{
    struct file now;
    return file_look(find_real(item), &now) == 0 && source_is_same(&item->source, &now);
}

/* What has become of one that was not settled. */
static void end_batch(struct capture *capture, bool settled)
{
    for (size_t i = 0; i < capture->batch_count && !settled; i++) {
        capture->batch[i]->sha256[0] = '\0';
    }
    capture->batch_count = 0;
}

static int settle(struct capture *capture, struct depot *depot)
{
    int error = depot_settle(depot);
    end_batch(capture, error == 0);
    return error;
}

/* Returns an error of the depot. */
static int copy_file(struct capture *capture, struct captured *item, struct depot *depot)
{
    struct file file;
    int error = file_open(find_real(item), UINT64_MAX, &file);
    if (error != 0) {
        set_why(item, "it cannot be read any more: %s", file.why);
        return 0;
    }
    if (!source_is_same(&item->source, &file)) {
        file_close(&file);
        set_why(item, "it %s", "changed after it was loaded");
        return 0;
    }
    error = depot_put_file(depot, find_real(item), &file, item->sha256);
    if (error == 0 && is_still(item)) {
        free(item->why);
        item->why = NULL;
        capture->batch[capture->batch_count++] = item;
        return capture->batch_count < BATCH ? 0 : settle(capture, depot);
    }
    item->sha256[0] = '\0';
    if (error == 0 || error == ERROR_CONFLICT) {
        set_why(item, "it %s", "changed while it was copied");
    } else if (file.why[0] != '\0') {
        set_why(item, "it cannot be read: %s", file.why);
    } else {
        return error;
    }
    return 0;
}

static int copy_list(struct capture *capture, struct captured_list *list, struct depot *depot)
{
    int error = 0;
    for (size_t i = 0; i < list->count && error == 0; i++) {
        if (list->items[i].sha256[0] == '\0') {
            error = progress_is_cancelled(depot->progress) ? ERROR_CANCELLED
                                                           : copy_file(capture, &list->items[i], depot);
        }
    }
    return error;
}

int capture_run(struct capture *capture, struct depot *depot)
{
    int error = copy_list(capture, &capture->ground, depot);
    for (size_t i = 0; i < capture->zone_count && error == 0; i++) {
        error = copy_list(capture, &capture->zones[i].files, depot);
    }
    int settled = settle(capture, depot);
    return error == 0 ? settled : error;
}

static bool is_behind(const struct captured_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].sha256[0] == '\0' && list->items[i].why == NULL) {
            return true;
        }
    }
    return false;
}

bool capture_is_behind(const struct capture *capture)
{
    bool found = is_behind(&capture->ground);
    for (size_t i = 0; i < capture->zone_count && !found; i++) {
        found = is_behind(&capture->zones[i].files);
    }
    return found;
}

/* ---- the manifest ---- */

/* What JSON cannot hold is shown as well as it can be. */
static char *make_path(const char *path)
{
    char *text = source_make_absolute(path);
    for (size_t at = 0, len = strlen(text); at < len;) {
        size_t good = utf8_check(text + at, len - at);
        at += good;
        if (at < len) {
            text[at++] = '?';
        }
    }
    return text;
}

static void list_file(struct manifest *manifest, const struct captured *item)
{
    char *path = make_path(item->source.path), *plain = source_make_absolute(item->source.path);
    bool is_text = strcmp(path, plain) == 0;
    if (manifest_is_path(path)) { /* every file that could be opened has such a one */
        manifest_add(manifest, path, item->source.size,
                     is_text && item->sha256[0] != '\0' ? item->sha256 : NULL,
                     is_text ? item->why : "its name is no UTF-8");
    }
    free(path);
    free(plain);
}

static void list_geo(struct manifest *manifest, const struct source *source)
{
    char *path = make_path(source->path);
    if (manifest_is_path(path)) {
        manifest_add(manifest, path, source->size, NULL, "a geo database")->modified_ms =
            source->modified_ns / 1000000;
    }
    free(path);
}

void capture_list(const struct capture *capture, struct manifest *manifest)
{
    char *main = make_path(capture->main);
    manifest_init(manifest, main);
    free(main);
    for (size_t i = 0; i < capture->ground.count; i++) {
        list_file(manifest, &capture->ground.items[i]);
    }
    for (size_t i = 0; i < capture->zone_count; i++) {
        for (size_t j = 0; j < capture->zones[i].files.count; j++) {
            list_file(manifest, &capture->zones[i].files.items[j]);
        }
    }
    for (size_t i = 0; i < capture->geo.count; i++) {
        list_geo(manifest, &capture->geo.items[i]);
    }
    manifest_finish(manifest);
}

size_t capture_count_missing(const struct manifest *manifest, char **first)
{
    size_t missing = 0;
    for (size_t i = 0; i < manifest->count; i++) {
        const struct manifest_file *file = &manifest->files[i];
        if (file->sha256[0] != '\0' || file->modified_ms != 0) { /* geo databases are not meant to be */
            continue;
        }
        if (missing++ == 0) {
            *first = memory_print("%s: %s", file->path, file->why == NULL ? "?" : file->why);
        }
    }
    return missing;
}
