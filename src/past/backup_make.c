/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Making a backup. All that it needs on the disk is in the folder FILE.partial, which is locked: what lies
 * there without a lock is of somebody who was cut off. The file is written there, too, and takes its name at
 * last.
 *
 * The store comes first, then the files: those that it refers to are there for longer than itself. The server
 * does not sweep meanwhile (hold.h); if one is gone all the same when its turn comes, all of it is done once
 * more. */
#include "config.h"

#include "past/backup_gather.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/sha2.h"
#include "past/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ATTEMPTS = 3 };

struct making {
    const struct backup_order *order;
    struct report *report;
    char *scratch, *archive;
    int scratch_fd;
    struct backup_reader *base; /* NULL: none */
    struct backup_members known;
    struct backup_manifest manifest;
    struct backup_gathered gathered;
    struct hold hold;
    bool was_swept; /* it is to be done once more */
};

/* ---- the folder beside the file ---- */

static void clear_scratch(const struct making *making)
{
    static const char *const names[] = {"archive",      "store.db",     "store.db-journal",
                                        "store.db-wal", "store.db-shm", BACKUP_JOURNAL,
                                        "live-0",       "live-1",       "live-2"};
    _Static_assert(BACKUP_LIVE_MAX == 3, "each of them is removed");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)unlinkat(making->scratch_fd, names[i], 0);
    }
}

/* Ours only with the lock: what lies in it may be another one's. */
static int lock_scratch(struct making *making)
{
    int fd = open(making->scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        making->scratch_fd = fd;
        return 0;
    }
    int error = -errno;
    if (fd != -1) {
        (void)close(fd);
    }
    return error == -EWOULDBLOCK ? backup_fail(making->report, making->order->file, ERROR_BUSY,
                                               "another process is making it just now")
                                 : backup_fail(making->report, making->scratch, error,
                                               "this folder cannot be used: %s", error_text(error));
}

static int open_scratch(struct making *making)
{
    making->scratch = memory_print("%s.partial", making->order->file);
    making->archive = memory_print("%s/archive", making->scratch);
    if (mkdir(making->scratch, 0700) == -1 && errno != EEXIST) {
        int error = -errno;
        return backup_fail(making->report, making->scratch, error, "this folder cannot be made: %s",
                           error_text(error));
    }
    int error = lock_scratch(making);
    if (error == 0) {
        clear_scratch(making);
    }
    return error;
}

static void close_scratch(struct making *making)
{
    if (making->scratch_fd != -1) {
        clear_scratch(making);
        (void)rmdir(making->scratch);
        (void)close(making->scratch_fd);
    }
    free(making->scratch);
    free(making->archive);
}

/* ---- the file's name ---- */

static int check_name(const struct making *making)
{
    struct stat status;
    if (lstat(making->order->file, &status) == 0 &&
        !(making->order->may_replace && S_ISREG(status.st_mode))) {
        return backup_fail(making->report, making->order->file, ERROR_CONFLICT,
                           S_ISREG(status.st_mode)
                               ? "it is there already; give it another name, or use --force"
                               : "it is there already, and is no file");
    }
    return 0;
}

static int sync_folder_of(const char *path)
{
    char *copy = memory_copy_text(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd == -1 || fsync(fd) == -1 ? -errno : 0;
    if (fd != -1) {
        (void)close(fd);
    }
    free(copy);
    return error;
}

/* Nothing is replaced that has come meanwhile; not every file system can promise that. */
static int put_in_place(struct making *making)
{
    const char *file = making->order->file;
    unsigned flags = making->order->may_replace ? 0 : RENAME_NOREPLACE;
    int code = renameat2(AT_FDCWD, making->archive, AT_FDCWD, file, flags);
    if (code == -1 && errno == EINVAL) {
        int error = check_name(making);
        if (error != 0) {
            return error;
        }
        code = rename(making->archive, file);
    }
    int error = code == -1 ? -errno : sync_folder_of(file);
    return error == 0 ? 0
                      : backup_fail(making->report, file, error, "it cannot be put in its place: %s",
                                    error_text(error));
}

/* ---- the base ---- */

static bool is_same_file(const char *a, const char *b)
{
    struct stat of_a, of_b;
    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

static int check_base(const struct making *making)
{
    const struct backup_manifest *base = backup_reader_manifest(making->base);
    if (is_same_file(making->order->file, making->order->base)) {
        return backup_fail(making->report, making->order->file, ERROR_CONFLICT,
                           "it is the base itself, without which the new one would be worth nothing");
    }
    if (making->order->kind == BACKUP_DIFFERENTIAL && base->kind != BACKUP_FULL) {
        return backup_fail(making->report, making->order->base, ERROR_CONFLICT,
                           "it is %s; expected a full backup as the base of a differential one",
                           backup_kind_text(base->kind));
    }
    return 0;
}

static int open_base(struct making *making)
{
    const struct backup_order *order = making->order;
    if (order->kind == BACKUP_FULL) {
        return 0;
    }
    int error = backup_reader_open(order->base, order->progress, making->report, &making->base);
    error = error != 0 ? error : check_base(making);
    if (error == 0) {
        const struct backup_manifest *base = backup_reader_manifest(making->base);
        struct backup_manifest *manifest = &making->manifest;
        making->known = backup_manifest_list(base);
        memcpy(manifest->base.id, base->id, sizeof manifest->base.id);
        manifest->base.kind = base->kind;
        manifest->base.made_ms = base->made_ms;
        manifest->base.to = base->to;
    }
    return error;
}

/* ---- the store ---- */

static int fail_store(struct making *making, struct store_reader *reader, int error)
{
    return backup_fail(making->report, making->order->state, error, "its store cannot be read: %s",
                       store_reader_why(reader));
}

static int describe_store(struct making *making, struct store_reader *reader)
{
    struct store_identity identity;
    struct backup_manifest *manifest = &making->manifest;
    int error = store_identify(reader, &identity);
    if (error == 0) {
        memcpy(manifest->store, identity.id, sizeof manifest->store);
        memcpy(manifest->machine, identity.machine, sizeof manifest->machine);
        manifest->to = identity.last;
        error = backup_count_objects(reader, identity.last.seq, &manifest->objects, manifest->objects_hash);
    }
    return error == 0 ? 0 : fail_store(making, reader, error);
}

static int add_file(struct making *making, const char *name)
{
    char *path = memory_print("%s/%s", making->scratch, name);
    unsigned char hash[BACKUP_HASH_SIZE];
    uint64_t size;
    int error = backup_hash_file(path, NULL, making->order->progress, making->report, &size, hash);
    if (error == 0) {
        backup_gathered_add(&making->gathered, name, path, size, hash);
    }
    free(path);
    return error;
}

/* A backup of what is broken is better than none, as long as everybody knows. */
static int judge_copy(struct making *making, struct store_reader *copied)
{
    struct store_verdict verdict;
    int error = store_verify(copied, 0, NULL, &verdict);
    if (error != 0) {
        return fail_store(making, copied, error);
    }
    if (!verdict.is_whole) {
        report_add(making->report, REPORT_WARNING, &(struct report_place){.file = making->order->state},
                   "its journal is not whole, and so is this backup: entry %" PRIu64
                   ": %s; an older backup may "
                   "be good",
                   verdict.bad_seq, verdict.why);
    }
    return 0;
}

static int copy_store(struct making *making, struct store_reader *reader)
{
    char *copy = memory_print("%s/" BACKUP_STORE, making->scratch);
    struct store_reader *copied = NULL;
    int error = store_copy(reader, copy);
    if (error != 0) {
        (void)backup_fail(making->report, making->order->state, error, "its store cannot be copied: %s",
                          store_reader_why(reader));
    }
    error = error != 0 ? error : store_reader_open(making->scratch, making->report, &copied);
    if (error == 0) {
        store_reader_set_progress(copied, making->order->progress);
        error = describe_store(making, copied);
        error = error != 0 ? error : judge_copy(making, copied);
    }
    store_reader_close(copied);
    free(copy);
    return error != 0 ? error : add_file(making, BACKUP_STORE);
}

/* ---- the journal since ---- */

struct journal {
    struct making *making;
    struct store_place place;
    struct buffer lines;
    int fd, error;
};

static int flush(struct journal *journal)
{
    const char *at = journal->lines.bytes;
    while (journal->lines.len > 0) {
        ssize_t done = write(journal->fd, at, journal->lines.len);
        if (done == -1 && errno != EINTR) {
            int error = -errno;
            return backup_fail(journal->making->report, journal->making->scratch, error,
                               "the journal cannot be written there: %s", error_text(error));
        }
        at += done > 0 ? done : 0;
        journal->lines.len -= done > 0 ? (size_t)done : 0;
    }
    return 0;
}

static bool take_entry(void *context, const struct store_entry *entry)
{
    struct journal *journal = context;
    if (!store_follow(&journal->place, entry)) {
        journal->error =
            backup_fail(journal->making->report, journal->making->order->state, ERROR_SYNTAX,
                        "entry %" PRIu64 " of its journal is not what it was: see steerctl audit "
                        "verify",
                        entry->seq);
        return false;
    }
    backup_write_entry(entry, &journal->lines);
    journal->error = journal->lines.len < BACKUP_PIECE ? 0 : flush(journal);
    return journal->error == 0;
}

/* Is the journal the one that the base has the beginning of? */
static int check_place(struct making *making, struct store_reader *reader)
{
    const struct backup_manifest *base = backup_reader_manifest(making->base);
    struct store_place place;
    if (strcmp(base->store, making->manifest.store) != 0) {
        return backup_fail(making->report, making->order->base, ERROR_CONFLICT,
                           "it is of another store (%.12s…) than %s (%.12s…); make a full backup",
                           base->store, making->order->state, making->manifest.store);
    }
    int error = store_find_place(reader, base->to.seq, &place);
    if (error != 0 && error != ERROR_NOT_FOUND) {
        return fail_store(making, reader, error);
    }
    if (error == ERROR_NOT_FOUND || memcmp(place.hash, base->to.hash, sizeof place.hash) != 0) {
        return backup_fail(making->report, making->order->base, ERROR_CONFLICT,
                           "its journal ends with entry %" PRIu64 ", which %s %s: that was restored to an "
                           "older time since; make a full backup",
                           base->to.seq, making->order->state,
                           error != 0 ? "does not have" : "has another one in the place of");
    }
    return 0;
}

static int write_journal(struct making *making, struct store_reader *reader, const char *path)
{
    struct journal journal = {.making = making, .place = making->manifest.base.to};
    struct store_filter filter = {.after_seq = making->manifest.base.to.seq,
                                  .before_seq = making->manifest.to.seq + 1,
                                  .without_before = true};
    journal.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (journal.fd == -1) {
        int error = -errno;
        return backup_fail(making->report, path, error, "it cannot be made: %s", error_text(error));
    }
    buffer_init(&journal.lines);
    int error = store_read_journal(reader, &filter, take_entry, &journal);
    error = error != 0 ? fail_store(making, reader, error) : journal.error;
    error = error != 0 ? error : flush(&journal);
    if (error == 0 && journal.place.seq != making->manifest.to.seq) {
        error = backup_fail(making->report, making->order->state, ERROR_SYNTAX,
                            "entries of its journal are missing: see steerctl audit verify");
    }
    buffer_fini(&journal.lines);
    (void)close(journal.fd);
    return error;
}

static int continue_journal(struct making *making, struct store_reader *reader)
{
    char *path = memory_print("%s/" BACKUP_JOURNAL, making->scratch);
    int error = describe_store(making, reader);
    error = error != 0 ? error : check_place(making, reader);
    error = error != 0 ? error : write_journal(making, reader, path);
    error = error != 0 ? error : add_file(making, BACKUP_JOURNAL);
    free(path);
    return error;
}

static int take_store(struct making *making)
{
    struct store_reader *reader = NULL;
    int error = store_reader_open(making->order->state, making->report, &reader);
    if (error != 0) {
        return error;
    }
    store_reader_set_progress(reader, making->order->progress);
    error =
        making->order->kind == BACKUP_FULL ? copy_store(making, reader) : continue_journal(making, reader);
    store_reader_close(reader);
    return error;
}

static int gather(struct making *making)
{
    struct backup_names before, after = {.items = NULL};
    const char *state = making->order->state;
    int error = backup_names_list(state, making->report, &before);
    if (error != 0) {
        return error;
    }
    error = take_store(making);
    error = error != 0 ? error : backup_names_list(state, making->report, &after);
    if (error == 0 && !backup_names_include(&after, &before)) {
        making->was_swept = true;
        error = backup_fail(making->report, state, ERROR_BUSY,
                            "files of it were removed meanwhile, again and again");
    }
    error = error != 0 ? error : backup_gather_files(&making->gathered, &after);
    backup_names_fini(&before);
    backup_names_fini(&after);
    return error;
}

/* ---- the archive ---- */

static int write_octets(struct making *making, struct backup_writer *writer, struct file *file, uint64_t size,
                        unsigned char hash[BACKUP_HASH_SIZE])
{
    char *piece = memory_alloc(BACKUP_PIECE);
    struct sha256 sha;
    int error = 0;
    sha256_init(&sha);
    for (size_t len = 1; error == 0 && size > 0 && len > 0; size -= len) {
        error = progress_is_cancelled(making->order->progress)
                    ? ERROR_CANCELLED
                    : file_read(file, piece, size < BACKUP_PIECE ? (size_t)size : BACKUP_PIECE, &len);
        if (error != 0) {
            (void)backup_fail(making->report, making->order->file, error, "it is not made: %s",
                              error_text(error));
            break;
        }
        sha256_add(&sha, piece, len);
        error = len == 0 ? 0 : backup_writer_add(writer, piece, len);
    }
    sha256_end(&sha, hash);
    free(piece);
    return error;
}

static int write_member(struct making *making, struct backup_writer *writer, size_t index)
{
    const struct backup_member *member = &making->manifest.members.items[index];
    const char *source = making->gathered.sources[index];
    unsigned char hash[BACKUP_HASH_SIZE];
    struct file file;
    int error = file_open(source, INT64_MAX, &file);
    if (error != 0) {
        making->was_swept = error == -ENOENT;
        return backup_fail(making->report, source, error, "it cannot be read: %s", file.why);
    }
    error = backup_writer_begin(writer, member, making->manifest.made_ms);
    error = error != 0 ? error : write_octets(making, writer, &file, member->size, hash);
    file_close(&file);
    if (error == 0 && memcmp(hash, member->hash, sizeof hash) != 0) {
        making->was_swept = true;
        return backup_fail(making->report, source, ERROR_CONFLICT, "it was changed while it was read");
    }
    return error;
}

static int write_manifest(struct making *making, struct backup_writer *writer)
{
    struct buffer text;
    buffer_init(&text);
    backup_manifest_write(&making->manifest, &text);
    char name[] = BACKUP_MANIFEST;
    struct backup_member member = {.path = name, .size = text.len};
    int error = text.len <= BACKUP_MANIFEST_MAX &&
                        making->manifest.members.count + making->manifest.before.count <= BACKUP_MEMBERS_MAX
                    ? backup_writer_begin(writer, &member, making->manifest.made_ms)
                    : backup_fail(making->report, making->order->state, ERROR_TOO_LARGE,
                                  "it has too many files: expected at most %d", BACKUP_MEMBERS_MAX);
    error = error != 0 ? error : backup_writer_add(writer, text.bytes, text.len);
    buffer_fini(&text);
    return error;
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t len = strlen(text), suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

static int write_archive(struct making *making, struct backup_summary *summary)
{
    const char *file = making->order->file;
    struct backup_writer *writer = NULL;
    int error = backup_writer_open(making->archive, has_suffix(file, ".zst") || has_suffix(file, ".tzst"),
                                   file, making->report, &writer);
    error = error != 0 ? error : write_manifest(making, writer);
    for (size_t i = 0; error == 0 && i < making->manifest.members.count; i++) {
        error = write_member(making, writer, i);
    }
    if (error != 0) {
        backup_writer_free(writer);
        return error;
    }
    return backup_writer_close(writer, summary);
}

/* ---- all of it ---- */

static void summarize(const struct making *making, struct backup_summary *summary)
{
    const struct backup_manifest *manifest = &making->manifest;
    summary->kind = manifest->kind;
    summary->made_ms = manifest->made_ms;
    summary->from_seq = manifest->base.to.seq;
    summary->to = manifest->to;
    summary->objects = manifest->objects;
    summary->members = manifest->members.count;
    summary->files = manifest->members.count - 1 + manifest->before.count;
    memcpy(summary->id, manifest->id, sizeof summary->id);
    memcpy(summary->base, manifest->base.id, sizeof summary->base);
    memcpy(summary->store, manifest->store, sizeof summary->store);
}

static int attempt(const struct backup_order *order, struct report *report, struct backup_summary *summary,
                   bool *was_swept)
{
    struct making making = {
        .order = order, .report = report, .scratch_fd = -1, .manifest = {.kind = order->kind}};
    struct clock clock;
    clock_init(&clock);
    making.manifest.made_ms = clock_wall_ms(&clock);
    int error = check_name(&making);
    error = error != 0 ? error : open_scratch(&making);
    error = error != 0 ? error : open_base(&making);
    making.gathered = (struct backup_gathered){.state = order->state,
                                               .scratch = making.scratch,
                                               .progress = order->progress,
                                               .report = report,
                                               .known = &making.known,
                                               .manifest = &making.manifest};
    hold_take(order->state, &making.hold);
    error = error != 0 ? error : gather(&making);
    error = error != 0 ? error : write_archive(&making, summary);
    error = error != 0 ? error : put_in_place(&making);
    if (error == 0) {
        summarize(&making, summary);
    }
    hold_release(&making.hold);
    *was_swept = making.was_swept;
    backup_reader_close(making.base);
    free(making.known.items);
    backup_gathered_fini(&making.gathered);
    backup_manifest_fini(&making.manifest);
    close_scratch(&making);
    return error;
}

int backup_make(const struct backup_order *order, struct report *report, struct backup_summary *summary)
{
    int error = 0;
    bool again = true;
    for (int i = 0; i < ATTEMPTS && again; i++) {
        struct report *part = report_new_part(report);
        *summary = (struct backup_summary){.kind = order->kind};
        error = attempt(order, part, summary, &again);
        again = again && error != 0;
        if (!again || i + 1 == ATTEMPTS) {
            report_append(report, part);
        }
        report_free(part);
    }
    return error;
}
