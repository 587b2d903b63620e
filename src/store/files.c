/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See files.h. A file that is gone or another one is told by its inode: SQLite would go on writing to what
 * nobody finds again. */
#include "config.h"

#include "store/files.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/report.h"
#include "store/database.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const suffixes[FILES_COUNT] = {"", "-wal", "-shm"};

void files_init(struct files *files, const char *folder)
{
    *files = (struct files){.folder = memory_copy_text(folder), .lock = -1};
    for (size_t i = 0; i < FILES_COUNT; i++) {
        files->paths[i] = memory_print("%s/%s%s", folder, STORE_FILE, suffixes[i]);
    }
}

void files_fini(struct files *files)
{
    files_unlock(files);
    for (size_t i = 0; i < FILES_COUNT; i++) {
        free(files->paths[i]);
    }
    free(files->folder);
}

static int fail_errno(struct files *files, const char *what, int number)
{
    snprintf(files->why, sizeof files->why, "%s: %s", what, error_text(-number));
    return -number;
}

/* ---- one writer ---- */

int files_lock(struct files *files)
{
    char *path = memory_print("%s/store.lock", files->folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600), error = 0;
    if (fd == -1) {
        error = fail_errno(files, "its lock cannot be opened", errno);
    } else if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
        error = errno == EWOULDBLOCK ? -EBUSY : -errno;
        char pid[16] = "?";
        (void)pread(fd, pid, sizeof pid - 1, 0);
        pid[strspn(pid, "0123456789?")] = '\0';
        snprintf(files->why, sizeof files->why,
                 error == -EBUSY ? "the process %s has it; expected one steerd for each"
                                 : "it cannot be locked (%s)",
                 error == -EBUSY ? pid : error_text(error));
        (void)close(fd);
    } else {
        (void)(ftruncate(fd, 0) == 0 && dprintf(fd, "%ld\n", (long)getpid()) > 0); /* only told to people */
        files->lock = fd;
    }
    free(path);
    return error;
}

void files_unlock(struct files *files)
{
    if (files->lock != -1) {
        (void)close(files->lock);
        files->lock = -1;
    }
}

/* ---- what there is ---- */

static uint64_t find_size(const char *path)
{
    struct stat status;
    return stat(path, &status) == -1 ? 0 : (uint64_t)status.st_size;
}

static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* There is no store.db: was there one? */
static int look_for_rest(struct files *files)
{
    char *rescued = memory_print("%s" FILES_RESCUED, files->paths[FILES_DB]);
    int error = ERROR_NOT_FOUND;
    if (find_size(files->paths[FILES_WAL]) > 0) {
        snprintf(files->why, sizeof files->why,
                 "it is gone, but %s-wal is there: put it back, or set that aside", STORE_FILE);
        error = ERROR_SYNTAX;
    } else if (is_there(rescued)) {
        snprintf(files->why, sizeof files->why,
                 "it is gone, but %s" FILES_RESCUED
                 " is there, which was written anew from it: give that its "
                 "name back, or set it aside",
                 STORE_FILE);
        error = ERROR_SYNTAX;
    }
    free(rescued);
    return error;
}

int files_look(struct files *files)
{
    struct stat status;
    if (stat(files->paths[FILES_DB], &status) == -1) {
        int number = errno;
        if (number != ENOENT || is_there(files->paths[FILES_DB])) {
            return fail_errno(files, "it cannot be looked at", number);
        }
        return look_for_rest(files);
    }
    if (!S_ISREG(status.st_mode)) {
        snprintf(files->why, sizeof files->why, "found no regular file; move it away");
        return ERROR_SYNTAX;
    }
    if (status.st_size == 0) {
        snprintf(files->why, sizeof files->why,
                 "found an empty file: it was truncated; restore a backup, or: steerctl salvage");
        return ERROR_SYNTAX;
    }
    return 0;
}

bool files_is_unclean(const struct files *files)
{
    return find_size(files->paths[FILES_WAL]) > 0;
}

static struct files_identity identify(const char *path)
{
    struct stat status;
    struct files_identity identity = {.inode = 0};
    if (stat(path, &status) == 0) {
        identity = (struct files_identity){.device = status.st_dev, .inode = status.st_ino};
    }
    return identity;
}

void files_note(struct files *files)
{
    for (size_t i = 0; i < FILES_COUNT; i++) {
        files->identities[i] = identify(files->paths[i]);
        files->least[i] = 0;
    }
}

void files_note_size(struct files *files)
{
    uint64_t size = find_size(files->paths[FILES_DB]);
    if (size > files->least[FILES_DB]) { /* it never gets smaller */
        files->least[FILES_DB] = size;
    }
}

int files_check(struct files *files)
{
    for (size_t i = 0; i < FILES_COUNT; i++) {
        struct files_identity was = files->identities[i], is = identify(files->paths[i]);
        if (was.inode != 0 && (was.inode != is.inode || was.device != is.device)) {
            bool gone = is.inode == 0;
            snprintf(
                files->why, sizeof files->why, "%s%s was %s", STORE_FILE, suffixes[i],
                gone ? "deleted while it was in use; it is to be written anew"
                     : "exchanged while it was in use; put back what was there, or restart steerd to go on "
                       "with this one");
            return gone ? -ENOENT : -ESTALE;
        }
        if (files->least[i] > 0 && find_size(files->paths[i]) < files->least[i]) {
            snprintf(files->why, sizeof files->why,
                     "%s%s was truncated while it was in use; restore the store", STORE_FILE, suffixes[i]);
            return ERROR_SYNTAX;
        }
    }
    return 0;
}

bool files_are_same(const struct files *files)
{
    bool same = true;
    for (size_t i = 0; i < FILES_COUNT; i++) {
        struct files_identity was = files->identities[i], is = identify(files->paths[i]);
        same = same && was.inode == is.inode && was.device == is.device;
    }
    return same;
}

uint64_t files_stamp(const struct files *files)
{
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < FILES_SHM; i++) {
        struct stat status;
        memset(&status, 0, sizeof status);
        (void)stat(files->paths[i], &status);
        hash = hash_bytes(hash, &status.st_dev, sizeof status.st_dev);
        hash = hash_bytes(hash, &status.st_ino, sizeof status.st_ino);
        hash = hash_bytes(hash, &status.st_size, sizeof status.st_size);
        hash = hash_bytes(hash, &status.st_mtim, sizeof status.st_mtim);
    }
    char *rescued = memory_print("%s" FILES_RESCUED, files->paths[FILES_DB]);
    bool is_rescued = is_there(rescued);
    hash = hash_bytes(hash, &is_rescued, sizeof is_rescued);
    free(rescued);
    return hash_finish(hash);
}

uint64_t files_size(const struct files *files)
{
    return find_size(files->paths[FILES_DB]) + find_size(files->paths[FILES_WAL]);
}

int files_sync_folder(struct files *files)
{
    int fd = open(files->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd == -1 || fsync(fd) == -1 ? fail_errno(files, "its folder cannot be synced", errno) : 0;
    if (fd != -1) {
        (void)close(fd);
    }
    return error;
}

bool files_has_db(const struct files *files)
{
    return is_there(files->paths[FILES_DB]);
}

int files_put(struct files *files, const char *from)
{
    if (link(from, files->paths[FILES_DB]) == -1) {
        return fail_errno(files, "it cannot be made", errno);
    }
    (void)unlink(from);
    return files_sync_folder(files);
}

void files_remove_rest(struct files *files)
{
    for (size_t i = FILES_WAL; i < FILES_COUNT; i++) {
        struct files_identity was = files->identities[i], is = identify(files->paths[i]);
        if (is.inode != 0 && was.inode == is.inode && was.device == is.device) {
            (void)unlink(files->paths[i]);
        }
    }
}

/* ---- away with it ---- */

static int move_all(struct files *files, const char *name, struct report *report)
{
    for (size_t i = 0; i < FILES_COUNT; i++) {
        char *to = memory_print("%s%s", name, suffixes[i]);
        int error = rename(files->paths[i], to) == -1 && errno != ENOENT ? -errno : 0;
        if (error != 0) {
            report_add(report, REPORT_ERROR, &(struct report_place){.file = files->paths[i]},
                       "cannot be renamed to %s: %s", to, error_text(error));
        }
        free(to);
        if (error != 0) {
            return error;
        }
    }
    return files_sync_folder(files);
}

/* To the second, and a number where that is taken. */
static char *choose_name(const struct files *files)
{
    struct clock clock;
    char text[CLOCK_TEXT_SIZE], stamp[CLOCK_TEXT_SIZE] = "";
    clock_init(&clock);
    clock_write_rfc3339(clock_wall_ms(&clock), text);
    for (size_t i = 0, to = 0; text[i] != '.' && text[i] != '\0'; i++) {
        if (text[i] != '-' && text[i] != ':') {
            stamp[to++] = text[i];
        }
    }
    char *name = memory_print("%s.damaged-%sZ", files->paths[FILES_DB], stamp);
    for (unsigned i = 2; is_there(name); i++) {
        free(name);
        name = memory_print("%s.damaged-%sZ.%u", files->paths[FILES_DB], stamp, i);
    }
    return name;
}

int store_set_aside(const char *folder, struct report *report, char **name)
{
    struct files files;
    files_init(&files, folder);
    int error = files_lock(&files);
    if (error != 0) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = files.paths[FILES_DB]}, "%s",
                   files.why);
    } else if (!is_there(files.paths[FILES_DB]) && !is_there(files.paths[FILES_WAL])) {
        error = -ENOENT;
        report_add(report, REPORT_ERROR, &(struct report_place){.file = files.paths[FILES_DB]},
                   "there is none to be set aside");
    } else {
        char *to = choose_name(&files);
        error = move_all(&files, to, report);
        if (error == 0 && name != NULL) {
            *name = to;
        } else {
            free(to);
        }
    }
    files_fini(&files);
    return error;
}
