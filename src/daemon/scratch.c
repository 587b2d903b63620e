/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See scratch.h. A lock is taken before anything is in the folder; between mkdtemp() and flock() a sweep may
 * remove it, and then another one is made. */
#include "config.h"

#include "daemon/scratch.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 10, DESCRIPTORS = 16 };

/* ---- removing ---- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    (void)remove(path);
    return 0;
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* ---- making ---- */

/* Is it still there, and ours? */
static bool is_there(const char *path, int fd)
{
    struct stat named, opened;
    return stat(path, &named) == 0 && fstat(fd, &opened) == 0 && named.st_dev == opened.st_dev &&
           named.st_ino == opened.st_ino;
}

static int lock_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd != -1 && (flock(fd, LOCK_EX | LOCK_NB) == -1 || !is_there(path, fd))) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static int make(const char *folder, const char *name, struct scratch *scratch)
{
    for (int i = 0; i < TRIES; i++) {
        scratch->path = memory_print("%s/%s-XXXXXX", folder, name);
        if (mkdtemp(scratch->path) == NULL) {
            return -errno;
        }
        scratch->fd = lock_folder(scratch->path);
        if (scratch->fd != -1) {
            return 0;
        }
        free(scratch->path);
        scratch->path = NULL;
    }
    scratch->path = memory_copy_text(folder);
    return -EAGAIN;
}

int scratch_open(const char *state, const char *name, struct scratch *scratch)
{
    *scratch = (struct scratch){.fd = -1};
    char *folder = memory_print("%s/tmp", state);
    int error = mkdir(folder, 0700) == -1 && errno != EEXIST ? -errno : make(folder, name, scratch);
    free(folder);
    if (error == -EROFS || error == -EACCES || error == -EPERM) {
        const char *other = getenv("TMPDIR");
        char *named = memory_print("steerd-%s", name);
        free(scratch->path);
        error = make(other != NULL && other[0] == '/' ? other : "/tmp", named, scratch);
        free(named);
    } else if (scratch->path == NULL) {
        scratch->path = memory_print("%s/tmp", state);
    }
    return error;
}

void scratch_close(struct scratch *scratch)
{
    if (scratch->path != NULL && scratch->fd != -1) {
        remove_tree(scratch->path);
        (void)close(scratch->fd);
    }
    free(scratch->path);
    *scratch = (struct scratch){.fd = -1};
}

/* ---- what is left ---- */

static bool sweep_one(const char *folder, const char *name)
{
    char *path = memory_print("%s/%s", folder, name);
    int fd = lock_folder(path);
    if (fd != -1) {
        remove_tree(path);
        (void)close(fd);
    }
    free(path);
    return fd != -1;
}

size_t scratch_sweep(const char *state)
{
    char *folder = memory_print("%s/tmp", state);
    size_t removed = 0;
    DIR *entries = opendir(folder);
    for (const struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            removed += sweep_one(folder, entry->d_name);
        }
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    free(folder);
    return removed;
}
