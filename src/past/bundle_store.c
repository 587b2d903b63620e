/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which bundles a state folder holds, and their going: see bundle.h. A bundle is here when both its tree and
 * its manifest are, and the manifest comes last and goes first. */
#include "config.h"

#include "past/bundle.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "past/bundle_store.h"

enum { DESCRIPTORS = 16 };

/* ---- looking ---- */

static char *path_of(const char *state, const char *id, const char *suffix)
{
    return memory_print("%s/%s/%s%s", state, BUNDLE_FOLDER, id, suffix);
}

char *bundle_locate(const char *state, const char *id)
{
    return path_of(state, id, "");
}

static bool is_there(const char *state, const char *id, const char *suffix, int64_t *modified_ms)
{
    struct stat status;
    char *path = path_of(state, id, suffix);
    bool is_there =
        lstat(path, &status) == 0 && (suffix[0] == '\0' ? S_ISDIR(status.st_mode) : S_ISREG(status.st_mode));
    free(path);
    if (is_there && modified_ms != NULL) {
        *modified_ms = (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
    }
    return is_there;
}

bool bundle_is_here(const char *state, const char *id)
{
    return bundle_is_id(id) && is_there(state, id, ".json", NULL) && is_there(state, id, "", NULL);
}

int bundle_load(const char *state, const char *id, struct bundle **bundle, char why[BUNDLE_WHY_SIZE])
{
    struct file file;
    size_t len;
    int error;
    *bundle = NULL;
    if (!bundle_is_here(state, id)) {
        return bundle_fail(why, ERROR_NOT_FOUND, "the bundle %.12s is not here", id);
    }
    char *path = path_of(state, id, ".json"),
         *text = file_read_all(path, BUNDLE_MANIFEST_MAX, &file, &len, &error);
    if (text == NULL) {
        error = bundle_fail(why, error, "%.1100s: %s", path, file.why);
    } else {
        error = bundle_read(text, len, bundle, why);
    }
    if (*bundle != NULL && strcmp((*bundle)->id, id) != 0) {
        error = bundle_fail(why, ERROR_SYNTAX, "%.1100s: it is damaged", path);
        bundle_free(*bundle);
        *bundle = NULL;
    }
    free(text);
    free(path);
    return error;
}

static int compare_items(const void *left, const void *right)
{
    const struct bundle_item *a = left, *b = right;
    return a->came_ms != b->came_ms ? (a->came_ms < b->came_ms ? 1 : -1) : strcmp(a->id, b->id);
}

/* "ab…" of "ab….json". */
static bool match_name(const char *name, const char *suffix, char id[BUNDLE_ID_SIZE])
{
    if (strlen(name) != BUNDLE_ID_SIZE - 1 + strlen(suffix) ||
        strcmp(name + BUNDLE_ID_SIZE - 1, suffix) != 0) {
        return false;
    }
    memcpy(id, name, BUNDLE_ID_SIZE - 1);
    id[BUNDLE_ID_SIZE - 1] = '\0';
    return bundle_is_id(id);
}

int bundle_list(const char *state, struct bundle_item **items, size_t *count, char why[BUNDLE_WHY_SIZE])
{
    size_t capacity = 0;
    struct bundle_item item;
    char *path = memory_print("%s/%s", state, BUNDLE_FOLDER);
    DIR *folder = opendir(path);
    int error = folder == NULL && errno != ENOENT ? bundle_fail_errno(why, path, errno) : 0;
    *items = NULL;
    *count = 0;
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (match_name(entry->d_name, ".json", item.id) && is_there(state, item.id, "", NULL) &&
            is_there(state, item.id, ".json", &item.came_ms)) {
            *items = memory_grow(*items, *count, &capacity, sizeof **items);
            (*items)[(*count)++] = item;
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    if (*count > 1) {
        qsort(*items, *count, sizeof **items, compare_items);
    }
    free(path);
    return error;
}

/* ---- removing ---- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    (void)remove(path);
    return 0;
}

void bundle_remove_tree(const char *path)
{
    (void)nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void remove_whole(const char *state, const char *id)
{
    char *manifest = path_of(state, id, ".json"), *tree = path_of(state, id, "");
    (void)unlink(manifest); /* first: what is half gone is not here */
    bundle_remove_tree(tree);
    free(manifest);
    free(tree);
}

/* ---- the store ---- */

struct bundle_store *bundle_store_new(const char *state)
{
    struct bundle_store *store = memory_alloc(sizeof *store);
    *store = (struct bundle_store){.state = memory_copy_text(state)};
    pthread_mutex_init(&store->mutex, NULL);
    return store;
}

void bundle_store_free(struct bundle_store *store)
{
    if (store != NULL) {
        pthread_mutex_destroy(&store->mutex);
        free(store->state);
        free(store);
    }
}

const char *bundle_store_state(const struct bundle_store *store)
{
    return store->state;
}

/* With the mutex. */
static bool is_taken(const struct bundle_store *store, const char *id)
{
    for (size_t i = 0; i < store->taken_count; i++) {
        if (strcmp(store->taken[i], id) == 0) {
            return true;
        }
    }
    return false;
}

bool bundle_store_take(struct bundle_store *store, const char *id)
{
    pthread_mutex_lock(&store->mutex);
    bool may = store->taken_count < BUNDLE_TAKEN_MAX && !is_taken(store, id);
    if (may) {
        memcpy(store->taken[store->taken_count++], id, BUNDLE_ID_SIZE);
    }
    pthread_mutex_unlock(&store->mutex);
    return may;
}

void bundle_store_leave(struct bundle_store *store, const char *id)
{
    pthread_mutex_lock(&store->mutex);
    size_t at = 0;
    while (strcmp(store->taken[at], id) != 0) {
        at++;
    }
    memcpy(store->taken[at], store->taken[--store->taken_count], BUNDLE_ID_SIZE);
    pthread_mutex_unlock(&store->mutex);
}

int bundle_store_remove(struct bundle_store *store, const char *id, char why[BUNDLE_WHY_SIZE])
{
    if (!bundle_is_here(store->state, id)) {
        return bundle_fail(why, ERROR_NOT_FOUND, "the bundle %.12s is not here", id);
    }
    if (!bundle_store_take(store, id)) {
        return bundle_fail(why, ERROR_BUSY, "the bundle %.12s is coming", id);
    }
    remove_whole(store->state, id);
    bundle_store_leave(store, id);
    return 0;
}

/* Where nothing can be locked (some networks' file systems) nobody is known to be at it. */
int bundle_hold_folder(const char *path, int *fd)
{
    struct stat held, there;
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd == -1) {
        return 0;
    }
    bool is_busy = flock(*fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK;
    bool is_same = fstat(*fd, &held) == 0 && lstat(path, &there) == 0 && held.st_dev == there.st_dev &&
                   held.st_ino == there.st_ino;
    if (is_busy || !is_same) { /* or it was put in its place meanwhile */
        (void)close(*fd);
        *fd = -1;
        return ERROR_BUSY;
    }
    return 0;
}

static bool is_left(const char *state, const char *id)
{
    static const char *const suffixes[] = {"", ".part"};
    bool is_left = true;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        int fd;
        char *path = path_of(state, id, suffixes[i]);
        is_left = bundle_hold_folder(path, &fd) == 0 && is_left;
        if (fd != -1) {
            (void)close(fd);
        }
        free(path);
    }
    return is_left;
}

/* A tree without its manifest, a manifest without its tree, what has not come to its end; of processes that
 * ended. */
static void remove_rest(struct bundle_store *store, const char *name)
{
    static const char *const suffixes[] = {"", ".json", ".json.new", ".part"};
    char id[BUNDLE_ID_SIZE];
    size_t i = 0;
    while (i < sizeof suffixes / sizeof *suffixes && !match_name(name, suffixes[i], id)) {
        i++;
    }
    if (i == sizeof suffixes / sizeof *suffixes || !bundle_store_take(store, id)) {
        return;
    }
    if ((i > 1 || !bundle_is_here(store->state, id)) && is_left(store->state, id)) {
        char *path = path_of(store->state, name, "");
        bundle_remove_tree(path);
        free(path);
    }
    bundle_store_leave(store, id);
}

static void remove_rests(struct bundle_store *store)
{
    char *path = memory_print("%s/%s", store->state, BUNDLE_FOLDER);
    DIR *folder = opendir(path);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        remove_rest(store, entry->d_name);
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    free(path);
}

size_t bundle_store_sweep(struct bundle_store *store, bool (*is_needed)(void *context, const char *id),
                          void *context)
{
    struct bundle_item *items;
    size_t count, kept = 0, gone = 0;
    char why[BUNDLE_WHY_SIZE];
    remove_rests(store);
    if (bundle_list(store->state, &items, &count, why) != 0) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        kept += is_needed(context, items[i].id);
    }
    for (size_t i = 0; i < count; i++) {
        if (is_needed(context, items[i].id)) {
            continue;
        }
        if (kept < BUNDLE_KEEP) {
            kept++;
        } else {
            gone += bundle_store_remove(store, items[i].id, why) == 0;
        }
    }
    free(items);
    return gone;
}
