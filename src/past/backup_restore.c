/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Restoring: a full backup is unpacked, the journals of those that follow are added to its store entry by
 * entry, and files are those that the last one lists. All of it is checked before the store gets its name, so
 * that no steerd finds a folder that is half of something. */
#include "config.h"

#include "past/backup_gather.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define STAGE "store.partial" /* the folder in which the store lies until it is whole */

enum {
    LINE_MAX_OCTETS = 16 << 20,
    FILE_MODE = 0600,
    FOLDER_MODE = 0700,
    STATE_MODE = 0750 /* as steerd makes it */
};

struct backup_restorer {
    char *folder, *stage;
    bool made_folder, has_owner;
    uid_t uid;
    gid_t gid;
    const struct progress *progress;
    struct report *report;
    struct backup_manifest last; /* of the backup before; its lists: `members` are all files, sorted */
    bool has_last;
    /* of the one in hand */
    const char *source;
    int fd;                        /* of its member; -1: none, or the journal */
    struct store_rebuild *rebuild; /* NULL: not the journal */
    struct buffer line;
};

static int fail(const struct backup_restorer *restorer, const char *path, int error, const char *what)
{
    return backup_fail(restorer->report, path, error, "%s: %s", what, error_text(error));
}

/* ---- the folder ---- */

static int check_empty(const struct backup_restorer *restorer)
{
    DIR *stream = opendir(restorer->folder);
    if (stream == NULL) {
        return fail(restorer, restorer->folder, -errno, "this folder cannot be read");
    }
    int error = 0;
    for (const struct dirent *entry; error == 0 && (entry = readdir(stream)) != NULL;) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, "lost+found") != 0) {
            error = backup_fail(restorer->report, restorer->folder, ERROR_CONFLICT,
                                "found \"%.64s\" in it; expected an empty folder, or one that is not there",
                                name);
        }
    }
    closedir(stream);
    return error;
}

static int take_folder(struct backup_restorer *restorer)
{
    struct stat status;
    restorer->made_folder = mkdir(restorer->folder, STATE_MODE) == 0;
    if (!restorer->made_folder && errno != EEXIST) {
        return fail(restorer, restorer->folder, -errno, "this folder cannot be made");
    }
    if (stat(restorer->folder, &status) == -1) {
        return fail(restorer, restorer->folder, -errno, "this folder cannot be looked at");
    }
    int error = restorer->made_folder ? 0 : check_empty(restorer);
    restorer->has_owner = geteuid() == 0 && status.st_uid != 0; /* whoever is to run with it */
    restorer->uid = status.st_uid;
    restorer->gid = status.st_gid;
    return error;
}

static int make_file(struct backup_restorer *restorer, const char *path)
{
    (void)unlink(path); /* of a backup before */
    restorer->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (restorer->fd == -1) {
        return fail(restorer, path, -errno, "it cannot be made");
    }
    return restorer->has_owner && fchown(restorer->fd, restorer->uid, restorer->gid) == -1
               ? fail(restorer, path, -errno, "it cannot be given to the owner of the folder")
               : 0;
}

/* An empty one, which steerd refuses: should we be cut off, nobody begins a new store in half a folder. So it
 * is the first thing in it. */
static int hold_place(struct backup_restorer *restorer)
{
    char *path = memory_print("%s/" BACKUP_STORE, restorer->folder);
    int error = make_file(restorer, path);
    if (restorer->fd != -1) {
        (void)close(restorer->fd);
        restorer->fd = -1;
    }
    if (error == 0 && mkdir(restorer->stage, FOLDER_MODE) == -1) {
        error = fail(restorer, restorer->stage, -errno, "it cannot be made");
    }
    free(path);
    return error;
}

int backup_restorer_open(const char *folder, const struct progress *progress, struct report *report,
                         struct backup_restorer **to)
{
    struct backup_restorer *restorer = memory_alloc(sizeof *restorer);
    *restorer = (struct backup_restorer){.folder = memory_copy_text(folder),
                                         .stage = memory_print("%s/" STAGE, folder),
                                         .progress = progress,
                                         .report = report,
                                         .fd = -1};
    buffer_init(&restorer->line);
    int error = take_folder(restorer);
    if (error != 0) {
        free(restorer->folder); /* what is in it is not ours */
        restorer->folder = NULL;
    }
    error = error != 0 ? error : hold_place(restorer);
    if (error != 0) {
        backup_restorer_free(restorer);
        return error;
    }
    *to = restorer;
    return 0;
}

static void remove_store(const char *folder)
{
    static const char *const names[] = {"store.db", "store.db-journal", "store.db-wal", "store.db-shm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = memory_print("%s/%s", folder, names[i]);
        (void)unlink(path);
        free(path);
    }
}

static void remove_stage(const char *stage)
{
    remove_store(stage);
    (void)rmdir(stage);
}

static void remove_names(const char *folder, const struct backup_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        char *path = memory_print("%s/%s", folder, names->items[i]);
        (void)unlink(path);
        char *slash = strrchr(path, '/'); /* its folder, if it was the last one there */
        while (slash != NULL && slash > path + strlen(folder)) {
            *slash = '\0';
            slash = rmdir(path) == 0 ? strrchr(path, '/') : NULL;
        }
        free(path);
    }
}

void backup_remove_restored(const char *folder)
{
    struct report *report = report_new();
    struct backup_names names;
    char *stage = memory_print("%s/" STAGE, folder);
    if (backup_names_list(folder, report, &names) == 0) {
        remove_names(folder, &names);
        backup_names_fini(&names);
    }
    remove_store(folder);
    remove_stage(stage);
    free(stage);
    report_free(report);
}

/* ---- which backup may come next ---- */

static const char *when(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
    return clock_write_rfc3339(wall_ms, text);
}

static int check_base(const struct backup_restorer *restorer, const struct backup_manifest *next)
{
    const struct backup_manifest *last = &restorer->last;
    char made[CLOCK_TEXT_SIZE], found[CLOCK_TEXT_SIZE];
    if (strcmp(next->store, last->store) != 0) {
        return backup_fail(restorer->report, restorer->source, ERROR_CONFLICT,
                           "it is of another store (%.12s…) than the one before it (%.12s…)", next->store,
                           last->store);
    }
    if (strcmp(next->base.id, last->id) != 0) {
        return backup_fail(restorer->report, restorer->source, ERROR_CONFLICT,
                           "it goes on from the %s backup of %s (entry %" PRIu64
                           "); the one before it is the %s backup of %s (entry %" PRIu64
                           "): one is missing, or they are in another order",
                           backup_kind_text(next->base.kind), when(next->base.made_ms, made),
                           next->base.to.seq, backup_kind_text(last->kind), when(last->made_ms, found),
                           last->to.seq);
    }
    return 0;
}

/* What it says to stand in those before does. */
static int check_before(const struct backup_restorer *restorer, const struct backup_manifest *next)
{
    for (size_t i = 0; i < next->before.count; i++) {
        const struct backup_member *file = &next->before.items[i];
        const struct backup_member *was = backup_members_find(&restorer->last.members, file->path);
        if (was == NULL || was->size != file->size || memcmp(was->hash, file->hash, BACKUP_HASH_SIZE) != 0) {
            return backup_fail(restorer->report, restorer->source, ERROR_SYNTAX,
                               "it says that %s is in a backup before, where it is not", file->path);
        }
    }
    return 0;
}

static int check_next(const struct backup_restorer *restorer, const struct backup_manifest *next)
{
    bool is_full = next->kind == BACKUP_FULL;
    if (is_full != !restorer->has_last) {
        return backup_fail(
            restorer->report, restorer->source, ERROR_CONFLICT,
            is_full ? "it is a full backup; expected incremental or differential ones behind the first"
                    : "it is %s; expected a full backup first",
            backup_kind_text(next->kind));
    }
    int error = is_full ? 0 : check_base(restorer, next);
    return error != 0 || is_full ? error : check_before(restorer, next);
}

/* What it would take is said before anything is written: a small file may claim to be a large one. */
static int check_room(const struct backup_restorer *restorer, const struct backup_manifest *next)
{
    struct statvfs room;
    uint64_t wanted = 0;
    for (size_t i = 0; i < next->members.count; i++) {
        uint64_t size = next->members.items[i].size;
        wanted = size > UINT64_MAX - wanted ? UINT64_MAX : wanted + size;
    }
    if (statvfs(restorer->folder, &room) == -1) {
        return fail(restorer, restorer->folder, -errno, "its file system cannot be looked at");
    }
    uint64_t has = (uint64_t)room.f_bavail * room.f_frsize;
    return wanted <= has ? 0
                         : backup_fail(restorer->report, restorer->folder, -ENOSPC,
                                       "%s needs %" PRIu64 " octets there, found room for %" PRIu64,
                                       restorer->source, wanted, has);
}

/* ---- members ---- */

static int make_folder(const struct backup_restorer *restorer, const char *path)
{
    if (mkdir(path, FOLDER_MODE) == -1) {
        return errno == EEXIST ? 0 : fail(restorer, path, -errno, "this folder cannot be made");
    }
    return restorer->has_owner && chown(path, restorer->uid, restorer->gid) == -1
               ? fail(restorer, path, -errno, "it cannot be given to the owner of the folder")
               : 0;
}

/* The folders that a path goes through. */
static int make_folders(const struct backup_restorer *restorer, char *path)
{
    int error = 0;
    for (char *slash = path + strlen(restorer->folder) + 1;
         error == 0 && (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        error = make_folder(restorer, path);
        *slash = '/';
    }
    return error;
}

static int begin(void *context, const struct backup_member *member)
{
    struct backup_restorer *restorer = context;
    if (strcmp(member->path, BACKUP_JOURNAL) == 0) {
        return store_rebuild_open(restorer->stage, restorer->report, &restorer->rebuild);
    }
    bool is_store = strcmp(member->path, BACKUP_STORE) == 0;
    char *path = memory_print("%s/%s", is_store ? restorer->stage : restorer->folder, member->path);
    int error = is_store ? 0 : make_folders(restorer, path);
    error = error != 0 ? error : make_file(restorer, path);
    free(path);
    return error;
}

static int add_line(struct backup_restorer *restorer, const char *line, size_t len)
{
    struct backup_entry entry;
    const char *why;
    int error = backup_parse_entry(line, len, &entry, restorer->report, restorer->source);
    if (error != 0) {
        return error;
    }
    error = store_rebuild_add(restorer->rebuild, &entry.entry, &why);
    if (error != 0) {
        error = error == ERROR_CONFLICT ? ERROR_SYNTAX : error;
        (void)backup_fail(restorer->report, restorer->source, error, "its journal cannot be added: %s", why);
    }
    backup_end_entry(&entry);
    return error;
}

/* Whole lines; the rest waits. */
static int take_lines(struct backup_restorer *restorer, const char *bytes, size_t len)
{
    int error = 0;
    while (error == 0 && len > 0) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end == NULL ? len : (size_t)(end - bytes);
        bool is_whole = end != NULL && restorer->line.len == 0;
        if (!is_whole) {
            buffer_add(&restorer->line, bytes, part);
        }
        if (restorer->line.len > LINE_MAX_OCTETS) {
            return backup_fail(restorer->report, restorer->source, ERROR_SYNTAX,
                               "a line of its " BACKUP_JOURNAL " has more than %d octets", LINE_MAX_OCTETS);
        }
        if (end != NULL) {
            error = is_whole ? add_line(restorer, bytes, part)
                             : add_line(restorer, restorer->line.bytes, restorer->line.len);
            restorer->line.len = 0;
            part++;
        }
        bytes += part;
        len -= part;
    }
    return error;
}

static int write_all(const struct backup_restorer *restorer, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t done = write(restorer->fd, bytes, len);
        if (done == -1 && errno != EINTR) {
            return fail(restorer, restorer->folder, -errno, "it cannot be written to");
        }
        bytes += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
    }
    return 0;
}

static int take(void *context, const void *bytes, size_t len)
{
    struct backup_restorer *restorer = context;
    return restorer->rebuild != NULL ? take_lines(restorer, bytes, len) : write_all(restorer, bytes, len);
}

static int end_journal(struct backup_restorer *restorer)
{
    struct store_rebuild *rebuild = restorer->rebuild;
    restorer->rebuild = NULL;
    int error = store_rebuild_close(rebuild, restorer->report);
    if (error == 0 && restorer->line.len != 0) {
        error = backup_fail(restorer->report, restorer->source, ERROR_SYNTAX,
                            "the last line of its " BACKUP_JOURNAL " has no end");
    }
    return error;
}

static int end(void *context)
{
    struct backup_restorer *restorer = context;
    if (restorer->rebuild != NULL) {
        return end_journal(restorer);
    }
    int code = close(restorer->fd);
    restorer->fd = -1;
    return code == 0 ? 0 : fail(restorer, restorer->folder, -errno, "it cannot be written to");
}

/* ---- one backup ---- */

static int fail_store(const struct backup_restorer *restorer, const struct store_reader *reader, int error)
{
    return backup_fail(restorer->report, restorer->source, error, "the store cannot be read: %s",
                       store_reader_why(reader));
}

/* Is the store, as it is by now, the one that this backup speaks of? */
static int check_store(const struct backup_restorer *restorer, const struct backup_manifest *manifest)
{
    struct store_reader *reader = NULL;
    struct store_identity identity;
    int error = store_reader_open(restorer->stage, restorer->report, &reader);
    if (error == 0 && (error = store_identify(reader, &identity)) != 0) {
        (void)fail_store(restorer, reader, error);
    }
    if (error == 0 && (strcmp(identity.id, manifest->store) != 0 || identity.last.seq != manifest->to.seq ||
                       memcmp(identity.last.hash, manifest->to.hash, sizeof identity.last.hash) != 0)) {
        error = backup_fail(restorer->report, restorer->source, ERROR_SYNTAX,
                            "its store ends with entry %" PRIu64 ", which is not the entry %" PRIu64
                            " that its " BACKUP_MANIFEST " says",
                            identity.last.seq, manifest->to.seq);
    }
    store_reader_close(reader);
    return error;
}

static void keep_manifest(struct backup_restorer *restorer, const struct backup_manifest *manifest)
{
    struct backup_members list = backup_manifest_list(manifest);
    backup_manifest_fini(&restorer->last);
    restorer->last = *manifest;
    restorer->last.before = restorer->last.members = (struct backup_members){.items = NULL};
    for (size_t i = 0; i < list.count; i++) {
        backup_members_add(&restorer->last.members, list.items[i].path, list.items[i].size,
                           list.items[i].hash);
    }
    restorer->has_last = true;
    free(list.items);
}

int backup_restorer_add(struct backup_restorer *restorer, struct backup_reader *reader)
{
    const struct backup_manifest *manifest = backup_reader_manifest(reader);
    struct backup_taker taker = {.context = restorer, .begin = begin, .take = take, .end = end};
    restorer->source = backup_reader_path(reader);
    int error = check_next(restorer, manifest);
    error = error != 0 ? error : check_room(restorer, manifest);
    error = error != 0 ? error : backup_reader_walk(reader, &taker);
    error = error != 0 ? error : check_store(restorer, manifest);
    if (error == 0) {
        keep_manifest(restorer, manifest);
    }
    return error;
}

/* ---- the end ---- */

static int check_objects(const struct backup_restorer *restorer)
{
    struct store_reader *reader = NULL;
    uint64_t count;
    unsigned char hash[BACKUP_HASH_SIZE];
    int error = store_reader_open(restorer->stage, restorer->report, &reader);
    if (error != 0) {
        return error;
    }
    store_reader_set_progress(reader, restorer->progress);
    error = backup_count_objects(reader, restorer->last.to.seq, &count, hash);
    if (error != 0) {
        (void)fail_store(restorer, reader, error);
    } else if (count != restorer->last.objects ||
               memcmp(hash, restorer->last.objects_hash, sizeof hash) != 0) {
        error = backup_fail(restorer->report, restorer->source, ERROR_SYNTAX,
                            "found %" PRIu64 " objects in the restored store, which are not the %" PRIu64
                            " that the " BACKUP_MANIFEST " says",
                            count, restorer->last.objects);
    }
    store_reader_close(reader);
    return error;
}

/* Files of a backup before that were gone later. */
static int remove_gone(const struct backup_restorer *restorer)
{
    struct backup_names names, gone = {.items = NULL};
    int error = backup_names_list(restorer->folder, restorer->report, &names);
    if (error != 0) {
        return error;
    }
    gone.items = memory_alloc_array(names.count, sizeof *gone.items);
    for (size_t i = 0; i < names.count; i++) {
        if (backup_members_find(&restorer->last.members, names.items[i]) == NULL) {
            gone.items[gone.count++] = names.items[i];
        }
    }
    remove_names(restorer->folder, &gone);
    free(gone.items);
    backup_names_fini(&names);
    return 0;
}

/* They are those of the backup, and others may have been served since, until the server that reads them
 * starts: it is to go on above those (transfer/keeper.h). */
static int mark_serials(const struct backup_restorer *restorer)
{
    char *path = memory_print("%s/serials", restorer->folder), line[64];
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW), error = 0;
    int len = snprintf(line, sizeof line, "# restored %" PRId64 "\n", restorer->last.made_ms / 1000);
    if (fd == -1) {
        error = errno == ENOENT ? 0 : fail(restorer, path, -errno, "it cannot be written to");
    } else {
        ssize_t done = write(fd, line, (size_t)len);
        error = close(fd) == -1 || done != len ? fail(restorer, path, -EIO, "it cannot be written to") : 0;
    }
    free(path);
    return error;
}

static int put_store(struct backup_restorer *restorer)
{
    char *from = memory_print("%s/" BACKUP_STORE, restorer->stage);
    char *to = memory_print("%s/" BACKUP_STORE, restorer->folder);
    int fd = open(restorer->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
    if (fd == -1 || syncfs(fd) == -1 || rename(from, to) == -1) {
        error = fail(restorer, to, -errno, "it cannot be put in its place");
    } else {
        remove_stage(restorer->stage);
        error = fsync(fd) == -1 ? fail(restorer, to, -errno, "it cannot be put in its place") : 0;
    }
    if (fd != -1) {
        (void)close(fd);
    }
    free(from);
    free(to);
    return error;
}

static void destroy(struct backup_restorer *restorer)
{
    backup_manifest_fini(&restorer->last);
    store_rebuild_free(restorer->rebuild);
    buffer_fini(&restorer->line);
    if (restorer->fd != -1) {
        (void)close(restorer->fd);
    }
    free(restorer->folder);
    free(restorer->stage);
    free(restorer);
}

int backup_restorer_close(struct backup_restorer *restorer)
{
    int error = check_objects(restorer);
    error = error != 0 ? error : remove_gone(restorer);
    error = error != 0 ? error : mark_serials(restorer);
    error = error != 0 ? error : put_store(restorer);
    if (error != 0) {
        backup_restorer_free(restorer);
    } else {
        destroy(restorer);
    }
    return error;
}

void backup_restorer_free(struct backup_restorer *restorer)
{
    if (restorer != NULL) {
        store_rebuild_free(restorer->rebuild); /* before its files are removed */
        restorer->rebuild = NULL;
        if (restorer->folder != NULL) {
            backup_remove_restored(restorer->folder);
            if (restorer->made_folder) {
                (void)rmdir(restorer->folder);
            }
        }
        destroy(restorer);
    }
}
