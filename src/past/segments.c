/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The files of past health: see segments.h. */
#include "config.h"

#include "past/segments.h"

#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".trail"
#define BESIDE ".new" /* base/trail.h */

/* ---- names ---- */

char *segments_write_path(const char *state, int64_t begun_ms)
{
    return memory_print("%s/" SEGMENTS_FOLDER "/%lld" SUFFIX, state, (long long)begun_ms);
}

int64_t segments_parse_name(const char *name)
{
    enum { DIGITS_MOST = 18 };
    int64_t begun_ms = 0;
    size_t digits = strspn(name, "0123456789");
    if (digits == 0 || digits > DIGITS_MOST || strcmp(name + digits, SUFFIX) != 0 ||
        (name[0] == '0' && digits > 1)) {
        return -1;
    }
    for (size_t i = 0; i < digits; i++) {
        begun_ms = begun_ms * 10 + (name[i] - '0');
    }
    return begun_ms;
}

/* ---- what there is ---- */

static int compare(const void *left, const void *right)
{
    const struct segment *a = left, *b = right;
    return (a->begun_ms > b->begun_ms) - (a->begun_ms < b->begun_ms);
}

static void add(struct segments *list, size_t *capacity, const char *state, int64_t begun_ms)
{
    struct file file;
    char *path = segments_write_path(state, begun_ms);
    if (file_look(path, &file) == 0) {
        list->items = memory_grow(list->items, list->count, capacity, sizeof *list->items);
        list->items[list->count++] = (struct segment){.begun_ms = begun_ms, .octets = file.size};
    }
    free(path);
}

int segments_list(const char *state, struct segments *list)
{
    size_t capacity = 0;
    *list = (struct segments){.count = 0};
    char *path = memory_print("%s/" SEGMENTS_FOLDER, state);
    DIR *folder = opendir(path);
    int error = folder == NULL && errno != ENOENT ? -errno : 0;
    free(path);
    if (folder == NULL) {
        return error;
    }
    errno = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL; errno = 0) {
        int64_t begun_ms = segments_parse_name(entry->d_name);
        if (begun_ms >= 0) {
            add(list, &capacity, state, begun_ms);
        }
    }
    error = -errno;
    (void)closedir(folder);
    if (list->count > 1) {
        qsort(list->items, list->count, sizeof *list->items, compare);
    }
    return error;
}

void segments_fini(struct segments *list)
{
    free(list->items);
    *list = (struct segments){.count = 0};
}

/* ---- what is to go ---- */

static bool covers_any(int64_t begun_ms, int64_t ended_ms, const struct segments_limits *limits)
{
    bool found = false;
    for (size_t i = 0; i < limits->moment_count && !found; i++) {
        found = limits->moments[i] >= begun_ms && limits->moments[i] < ended_ms;
    }
    return found;
}

/* One ended when the next one was begun, or before. */
size_t segments_find_surplus(const struct segments *list, const struct segments_limits *limits, bool *gone)
{
    uint64_t octets = 0;
    size_t surplus = 0;
    for (size_t i = 0; i < list->count; i++) {
        int64_t ended_ms = i + 1 < list->count ? list->items[i + 1].begun_ms : INT64_MAX;
        gone[i] = i + 1 < list->count && ended_ms <= limits->keep_ms &&
                  !covers_any(list->items[i].begun_ms, ended_ms, limits);
        surplus += gone[i];
        octets += gone[i] ? 0 : list->items[i].octets;
    }
    for (size_t i = 0; i + 1 < list->count; i++) {
        bool is_much = octets > limits->octets || list->count - surplus > SEGMENTS_MOST;
        if (is_much && !gone[i]) {
            gone[i] = true;
            surplus++;
            octets -= list->items[i].octets;
        }
    }
    return surplus;
}

void segments_tidy(const char *state)
{
    char *path = memory_print("%s/" SEGMENTS_FOLDER, state);
    DIR *folder = opendir(path);
    free(path);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        size_t len = strlen(entry->d_name), end = strlen(SUFFIX BESIDE);
        if (len > end && strcmp(entry->d_name + len - end, SUFFIX BESIDE) == 0) {
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
}

/* Where the clock was set back the one that is written to is not the last by its name. */
static void put_last(struct segments *list, int64_t live_ms)
{
    for (size_t i = 0; i + 1 < list->count; i++) {
        if (list->items[i].begun_ms == live_ms) {
            struct segment live = list->items[i];
            list->items[i] = list->items[i + 1];
            list->items[i + 1] = live;
        }
    }
}

int segments_sweep(const char *state, const struct segments_limits *limits, size_t *removed)
{
    struct segments list;
    *removed = 0;
    int error = segments_list(state, &list);
    put_last(&list, limits->live_ms);
    bool *gone = memory_alloc_array(list.count, sizeof *gone);
    size_t surplus = error == 0 ? segments_find_surplus(&list, limits, gone) : 0;
    for (size_t i = 0; i < list.count && surplus != 0; i++) {
        char *path = segments_write_path(state, list.items[i].begun_ms);
        if (gone[i] && unlink(path) == 0) {
            ++*removed;
        } else if (gone[i] && errno != ENOENT && error == 0) {
            error = -errno;
        }
        free(path);
    }
    free(gone);
    segments_fini(&list);
    return error;
}
