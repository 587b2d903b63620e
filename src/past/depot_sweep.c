/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Going through what a depot holds. Whatever somebody else may have put there is nobody's business here. */
#include "config.h"

#include "past/depot_internal.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDERS = 256, FOLDER_LEN = 2 };

struct walk {
    struct depot *depot;
    int (*take)(void *context, const struct depot_item *item);
    void *context;
    bool removes_rests;
};

static bool is_rest(const char *name)
{
    size_t len = strlen(name);
    return len > strlen(DEPOT_NEW) && strcmp(name + len - strlen(DEPOT_NEW), DEPOT_NEW) == 0;
}

static int take_entry(struct walk *walk, int folder, const char *prefix, const char *name)
{
    struct stat status;
    if (walk->removes_rests && is_rest(name)) {
        (void)unlinkat(folder, name, 0);
        return 0;
    }
    if (!depot_is_name(name) || memcmp(name, prefix, FOLDER_LEN) != 0 ||
        fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(status.st_mode)) {
        return 0;
    }
    struct depot_item item = {.name = name,
                              .size = (uint64_t)status.st_size,
                              .modified_ns =
                                  (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec};
    return walk->take(walk->context, &item);
}

static int walk_folder(struct walk *walk, unsigned number)
{
    char prefix[FOLDER_LEN + 1];
    snprintf(prefix, sizeof prefix, "%02x", number & (FOLDERS - 1));
    char *path = memory_print("%s/%s", walk->depot->folder, prefix);
    DIR *folder = opendir(path);
    int error = 0;
    if (folder == NULL && errno != ENOENT) {
        error = depot_fail_errno(walk->depot, path, errno);
    }
    for (struct dirent *entry; folder != NULL && error == 0;) {
        errno = 0;
        if ((entry = readdir(folder)) == NULL) {
            error = errno == 0 ? 0 : depot_fail_errno(walk->depot, path, errno);
            break;
        }
        error = progress_is_cancelled(walk->depot->progress)
                    ? depot_fail(walk->depot, ERROR_CANCELLED, "%s: called off", path)
                    : take_entry(walk, dirfd(folder), prefix, entry->d_name);
    }
    if (folder != NULL) {
        closedir(folder);
    }
    free(path);
    return error;
}

static int walk_all(struct walk *walk)
{
    int error = 0;
    for (unsigned i = 0; i < FOLDERS && error == 0; i++) {
        error = walk_folder(walk, i);
    }
    return error;
}

int depot_list(struct depot *depot, int (*take)(void *context, const struct depot_item *item), void *context)
{
    return walk_all(&(struct walk){.depot = depot, .take = take, .context = context});
}

int depot_remove(struct depot *depot, const char *name)
{
    if (!depot_is_name(name)) {
        return depot_fail(depot, ERROR_INVALID, "found %.80s, expected a SHA-256 of 64 hexadecimal digits",
                          name);
    }
    char *path = depot_path(depot, name, "");
    int error = 0;
    if (unlink(path) == -1) {
        error = errno == ENOENT ? depot_fail(depot, ERROR_NOT_FOUND, "%s: it is not kept here", path)
                                : depot_fail_errno(depot, path, errno);
    }
    free(path);
    return error;
}

struct sweep {
    struct depot *depot;
    bool (*keep)(void *context, const struct depot_item *item);
    void *context;
    struct depot_swept *swept;
};

static int sweep_item(void *context, const struct depot_item *item)
{
    struct sweep *sweep = context;
    if (sweep->keep(sweep->context, item)) {
        sweep->swept->kept++;
        sweep->swept->kept_octets += item->size;
        return 0;
    }
    int error = depot_remove(sweep->depot, item->name);
    if (error == 0) {
        sweep->swept->removed++;
        sweep->swept->octets += item->size;
    }
    return error == ERROR_NOT_FOUND ? 0 : error;
}

int depot_sweep(struct depot *depot, bool (*keep)(void *context, const struct depot_item *item),
                void *context, struct depot_swept *swept)
{
    *swept = (struct depot_swept){.removed = 0};
    struct sweep sweep = {.depot = depot, .keep = keep, .context = context, .swept = swept};
    return walk_all(
        &(struct walk){.depot = depot, .take = sweep_item, .context = &sweep, .removes_rests = true});
}
