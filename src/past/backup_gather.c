/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which files of a state folder are to be in a backup, and what is in them now. A server may write meanwhile:
 * what it goes on writing to is copied first, and the rest is what its name says, or is gone. */
#include "config.h"

#include "past/backup_gather.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/sha2.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH = 2 };

/* ---- names ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_name(struct backup_names *names, const char *path)
{
    names->items = memory_grow(names->items, names->count, &names->capacity, sizeof *names->items);
    names->items[names->count++] = memory_copy_text(path);
}

static bool is_dot(const char *name)
{
    return name[0] == '.';
}

/* Folders within folders, as deep as ours are. */
static int walk(const char *state, const char *folder, int depth, struct backup_names *names)
{
    char *path = memory_print("%s/%s", state, folder);
    DIR *stream = opendir(path);
    int error = stream != NULL || errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    errno = 0;
    for (const struct dirent *entry; error == 0 && stream != NULL && (entry = readdir(stream)) != NULL;) {
        char *name = memory_print("%s/%s", folder, entry->d_name);
        if (backup_has_path(name)) {
            add_name(names, name);
        } else if (depth < DEPTH && !is_dot(entry->d_name) && strlen(name) <= BACKUP_PATH_MAX) {
            error = walk(state, name, depth + 1, names);
        }
        free(name);
        errno = 0;
    }
    if (stream != NULL) {
        error = error != 0 ? error : -errno;
        closedir(stream);
    }
    free(path);
    return error;
}

int backup_names_list(const char *state, struct report *report, struct backup_names *names)
{
    int error = 0;
    *names = (struct backup_names){.items = NULL};
    for (size_t i = 0; backup_folders[i] != NULL && error == 0; i++) {
        error = walk(state, backup_folders[i], 1, names);
    }
    if (error != 0) {
        backup_names_fini(names);
        return backup_fail(report, state, error, "its files cannot be listed: %s", error_text(error));
    }
    add_name(names, "last-health");
    add_name(names, "serials");
    qsort(names->items, names->count, sizeof *names->items, compare);
    return 0;
}

void backup_names_fini(struct backup_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
    *names = (struct backup_names){.items = NULL};
}

bool backup_names_include(const struct backup_names *names, const struct backup_names *others)
{
    size_t at = 0;
    for (size_t i = 0; i < others->count; i++) {
        while (at < names->count && strcmp(names->items[at], others->items[i]) < 0) {
            at++;
        }
        if (at == names->count || strcmp(names->items[at], others->items[i]) != 0) {
            return false;
        }
    }
    return true;
}

/* Is it still written to? The two, and the newest piece of past health: their names are equally long. */
static bool is_live(const struct backup_names *names, size_t index)
{
    const char *name = names->items[index];
    return strchr(name, '/') == NULL ||
           (strncmp(name, "health/", 7) == 0 &&
            (index + 1 == names->count || strncmp(names->items[index + 1], "health/", 7) != 0));
}

/* ---- octets ---- */

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, bytes, len);
        if (done == -1 && errno != EINTR) {
            return -errno;
        }
        bytes += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
    }
    return 0;
}

/* From a file that is open to its end as of then; fd -1: only its hash. */
static int copy_octets(struct file *file, int fd, const struct progress *progress,
                       unsigned char hash[BACKUP_HASH_SIZE])
{
    char *piece = memory_alloc(BACKUP_PIECE);
    struct sha256 sha;
    size_t len = 0;
    int error = 0;
    sha256_init(&sha);
    do {
        error =
            progress_is_cancelled(progress) ? ERROR_CANCELLED : file_read(file, piece, BACKUP_PIECE, &len);
        if (error == 0) {
            sha256_add(&sha, piece, len);
            error = fd == -1 ? 0 : write_all(fd, piece, len);
        }
    } while (error == 0 && len > 0);
    sha256_end(&sha, hash);
    free(piece);
    return error;
}

static int copy_to(struct file *file, const char *copy, const struct progress *progress,
                   unsigned char hash[BACKUP_HASH_SIZE])
{
    int fd = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int error = fd == -1 ? -errno : copy_octets(file, fd, progress, hash);
    if (fd != -1) {
        (void)close(fd);
    }
    return error;
}

int backup_hash_file(const char *path, const char *copy, const struct progress *progress,
                     struct report *report, uint64_t *size, unsigned char hash[BACKUP_HASH_SIZE])
{
    struct file file;
    int error = file_open(path, INT64_MAX, &file);
    if (error == -ENOENT) {
        return error;
    }
    error = error != 0     ? error
            : copy == NULL ? copy_octets(&file, -1, progress, hash)
                           : copy_to(&file, copy, progress, hash);
    *size = file.taken;
    file_close(&file);
    if (error != 0) {
        (void)backup_fail(report, path, error, "it cannot be read or copied: %s",
                          file.why[0] != '\0' ? file.why : error_text(error));
    }
    return error;
}

/* ---- all of them ---- */

static void add_source(struct backup_gathered *gathered, const char *name, const char *from, uint64_t size,
                       const unsigned char hash[BACKUP_HASH_SIZE])
{
    const struct backup_member *was = backup_members_find(gathered->known, name);
    struct backup_manifest *manifest = gathered->manifest;
    if (was != NULL && was->size == size && memcmp(was->hash, hash, BACKUP_HASH_SIZE) == 0) {
        backup_members_add(&manifest->before, name, size, hash);
        return;
    }
    backup_gathered_add(gathered, name, from, size, hash);
}

void backup_gathered_add(struct backup_gathered *gathered, const char *name, const char *from, uint64_t size,
                         const unsigned char hash[BACKUP_HASH_SIZE])
{
    struct backup_members *members = &gathered->manifest->members;
    backup_members_add(members, name, size, hash);
    gathered->sources = memory_resize(gathered->sources, members->count, sizeof *gathered->sources);
    gathered->sources[members->count - 1] = memory_copy_text(from);
}

void backup_gathered_fini(struct backup_gathered *gathered)
{
    for (size_t i = 0; gathered->sources != NULL && i < gathered->manifest->members.count; i++) {
        free(gathered->sources[i]);
    }
    free(gathered->sources);
    gathered->sources = NULL;
}

/* What has a hash for its name, and was in a backup before, need not be read once more. */
static bool is_known(const struct backup_gathered *gathered, const char *name, const char *path)
{
    const struct backup_member *was = backup_members_find(gathered->known, name);
    struct file file;
    if (was == NULL || !backup_is_content(name) || file_look(path, &file) != 0 || file.size != was->size) {
        return false;
    }
    backup_members_add(&gathered->manifest->before, name, was->size, was->hash);
    return true;
}

int backup_gather_files(struct backup_gathered *gathered, const struct backup_names *names)
{
    int error = 0;
    for (size_t i = 0; i < names->count && error == 0; i++) {
        const char *name = names->items[i];
        char *path = memory_print("%s/%s", gathered->state, name);
        char *copy =
            is_live(names, i) ? memory_print("%s/live-%zu", gathered->scratch, gathered->copies++) : NULL;
        unsigned char hash[BACKUP_HASH_SIZE];
        uint64_t size;
        if (!is_known(gathered, name, path)) {
            error = backup_hash_file(path, copy, gathered->progress, gathered->report, &size, hash);
            if (error == 0 && !backup_is_named(name, hash)) {
                report_add(gathered->report, REPORT_WARNING, &(struct report_place){.file = path},
                           "it is damaged, and left out: its content is not what its name says");
            } else if (error == 0) {
                add_source(gathered, name, copy != NULL ? copy : path, size, hash);
            }
        }
        error = error == -ENOENT ? 0 : error; /* it has not been written yet, or was swept */
        free(copy);
        free(path);
    }
    return error;
}
