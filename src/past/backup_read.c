/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading an archive. First all octets of the file are hashed, and its seal is held to that. Then libarchive
 * reads the tar, of which nothing is believed: the manifest has to come first, and then exactly the members
 * that it lists, in that order, as plain files of the size and with the hash that it says. So there is no
 * path, type or amount in an archive that anybody else would have to judge. */
#include "config.h"

#include "past/backup_parts.h"
#include "base/sha2.h"
#include "past/backup_seal.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct backup_reader {
    struct archive *archive;
    struct file file; /* of libarchive */
    const char *path; /* borrowed */
    const struct progress *progress;
    struct report *report;
    struct backup_manifest manifest;
    bool has_manifest;
    char sha256[BACKUP_ID_SIZE];
    char *piece; /* BACKUP_PIECE octets */
};

static int cancel(const struct backup_reader *reader)
{
    return backup_fail(reader->report, reader->path, ERROR_CANCELLED, "cancelled");
}

static int fail_read(const struct backup_reader *reader, int error, const struct file *file)
{
    return backup_fail(reader->report, reader->path, error, "it cannot be read: %s", file->why);
}

/* What libarchive says of something that is none. */
static int fail_archive(const struct backup_reader *reader)
{
    const char *why = archive_error_string(reader->archive);
    return reader->file.why[0] != '\0' ? fail_read(reader, ERROR_LIBRARY, &reader->file)
                                       : backup_fail(reader->report, reader->path, ERROR_SYNTAX,
                                                     "its archive is damaged: %s", why == NULL ? "?" : why);
}

/* ---- the seal ---- */

/* The first octets of the file. */
static int hash_file(struct backup_reader *reader, struct file *file, uint64_t of_body, struct sha256 *sha)
{
    for (uint64_t done = 0; done < of_body;) {
        size_t want = of_body - done < BACKUP_PIECE ? (size_t)(of_body - done) : BACKUP_PIECE, len;
        int error = file_read(file, reader->piece, want, &len);
        if (error != 0 || len != want) {
            return error != 0 ? fail_read(reader, error, file)
                              : backup_fail(reader->report, reader->path, ERROR_SYNTAX, "it became shorter");
        }
        if (progress_is_cancelled(reader->progress)) {
            return cancel(reader);
        }
        sha256_add(sha, reader->piece, len);
        done += len;
    }
    return 0;
}

static int check_seal(struct backup_reader *reader, struct file *file, enum backup_seal_kind kind)
{
    size_t seal_len = backup_seal_len(kind), len = 0;
    unsigned char hash[BACKUP_HASH_SIZE], expected[BACKUP_SEAL_MAX], found[BACKUP_SEAL_MAX];
    struct sha256 sha;
    sha256_init(&sha);
    int error = hash_file(reader, file, file->size - seal_len, &sha);
    struct sha256 whole = sha;
    sha256_end(&sha, hash);
    error = error != 0 ? error : file_read(file, found, seal_len, &len);
    if (error != 0) {
        return error;
    }
    (void)backup_seal_write(kind, hash, expected);
    if (len != seal_len || memcmp(expected, found, seal_len) != 0) {
        return backup_fail(
            reader->report, reader->path, ERROR_SYNTAX,
            "it is damaged: the checksum at its end is not that of its octets; it was changed, "
            "cut off or added to");
    }
    sha256_add(&whole, found, seal_len);
    sha256_end(&whole, hash);
    backup_write_hex(hash, reader->sha256);
    return 0;
}

static int judge_seal(struct backup_reader *reader)
{
    unsigned char magic[BACKUP_SEAL_MAGIC] = {0};
    struct file file;
    size_t len = 0;
    int error = file_open(reader->path, INT64_MAX, &file);
    error = error != 0 ? error : file_read(&file, magic, sizeof magic, &len);
    if (error != 0) {
        (void)fail_read(reader, error, &file);
        file_close(&file);
        return error;
    }
    enum backup_seal_kind kind = len == sizeof magic ? backup_seal_find(magic) : BACKUP_SEAL_NONE;
    file_close(&file);
    if (kind == BACKUP_SEAL_NONE || file.size <= backup_seal_len(kind)) {
        return backup_fail(reader->report, reader->path, ERROR_SYNTAX,
                           "found %" PRIu64
                           " octets that are no backup of steerd, expected a tar in gzip or zstd",
                           file.size);
    }
    if ((error = file_open(reader->path, INT64_MAX, &file)) != 0) {
        return fail_read(reader, error, &file);
    }
    error = check_seal(reader, &file, kind);
    file_close(&file);
    return error;
}

/* ---- the archive ---- */

static la_ssize_t get(struct archive *archive, void *context, const void **bytes)
{
    struct backup_reader *reader = context;
    size_t len;
    *bytes = reader->piece + BACKUP_PIECE;
    if (file_read(&reader->file, reader->piece + BACKUP_PIECE, BACKUP_PIECE, &len) != 0) {
        archive_set_error(archive, EIO, "it cannot be read");
        return -1;
    }
    return (la_ssize_t)len;
}

/* Plain files only; and no more of them than there are. */
static int judge_entry(const struct backup_reader *reader, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    const char *what = path == NULL                                ? "a member without a name"
                       : archive_entry_hardlink(entry) != NULL     ? "a link"
                       : archive_entry_filetype(entry) == AE_IFLNK ? "a link"
                       : archive_entry_filetype(entry) == AE_IFDIR ? "a folder"
                       : archive_entry_filetype(entry) != AE_IFREG ? "a device"
                       : archive_entry_sparse_count(entry) != 0    ? "a file with holes"
                       : archive_entry_size_is_set(entry) == 0     ? "a file without a size"
                                                                   : NULL;
    return what == NULL ? 0
                        : backup_fail(reader->report, reader->path, ERROR_SYNTAX,
                                      "found %s (\"%.128s\") in its archive, expected plain files", what,
                                      path == NULL ? "" : path);
}

/* NULL: there is none any more. */
static int next_entry(struct backup_reader *reader, struct archive_entry **entry)
{
    int code = archive_read_next_header(reader->archive, entry);
    if (code == ARCHIVE_EOF) {
        *entry = NULL;
        return 0;
    }
    return code == ARCHIVE_OK || code == ARCHIVE_WARN ? judge_entry(reader, *entry) : fail_archive(reader);
}

static int read_manifest(struct backup_reader *reader)
{
    struct archive_entry *entry;
    int error = next_entry(reader, &entry);
    if (error != 0) {
        return error;
    }
    if (entry == NULL || strcmp(archive_entry_pathname(entry), BACKUP_MANIFEST) != 0) {
        return backup_fail(reader->report, reader->path, ERROR_SYNTAX,
                           "found \"%.128s\", expected " BACKUP_MANIFEST " as its first member",
                           entry == NULL ? "" : archive_entry_pathname(entry));
    }
    la_int64_t size = archive_entry_size(entry);
    if (size < 0 || size > BACKUP_MANIFEST_MAX) {
        return backup_fail(reader->report, reader->path, ERROR_SYNTAX,
                           "its " BACKUP_MANIFEST " has %" PRId64 " octets, expected at most %d",
                           (int64_t)size, BACKUP_MANIFEST_MAX);
    }
    char *text = memory_alloc((size_t)size + 1);
    la_ssize_t len = archive_read_data(reader->archive, text, (size_t)size);
    error = len == size
                ? backup_manifest_parse(text, (size_t)size, reader->path, reader->report, &reader->manifest)
                : fail_archive(reader);
    reader->has_manifest = error == 0;
    free(text);
    return error;
}

static int open_archive(struct backup_reader *reader, const void *bytes, size_t len)
{
    reader->archive = archive_read_new();
    if (reader->archive == NULL) {
        return backup_fail(reader->report, reader->path, -ENOMEM, "it cannot be read: no memory");
    }
    int code = archive_read_support_format_tar(reader->archive);
    if (bytes == NULL) {
        code = code != ARCHIVE_OK ? code : archive_read_support_filter_gzip(reader->archive);
        code = code != ARCHIVE_OK ? code : archive_read_support_filter_zstd(reader->archive);
        code = code != ARCHIVE_OK ? code : archive_read_open(reader->archive, reader, NULL, get, NULL);
    } else {
        code = code != ARCHIVE_OK ? code : archive_read_open_memory(reader->archive, bytes, len);
    }
    return code == ARCHIVE_OK ? read_manifest(reader) : fail_archive(reader);
}

static struct backup_reader *make(const char *path, const struct progress *progress, struct report *report)
{
    struct backup_reader *reader = memory_alloc(sizeof *reader);
    *reader = (struct backup_reader){.file = {.fd = -1},
                                     .path = path,
                                     .progress = progress,
                                     .report = report,
                                     .piece = memory_alloc(2 * BACKUP_PIECE)};
    return reader;
}

static int finish(struct backup_reader *reader, int error, struct backup_reader **to)
{
    if (error != 0) {
        backup_reader_close(reader);
    } else {
        *to = reader;
    }
    return error;
}

int backup_reader_open(const char *path, const struct progress *progress, struct report *report,
                       struct backup_reader **to)
{
    struct backup_reader *reader = make(path, progress, report);
    int error = judge_seal(reader);
    if (error == 0 && (error = file_open(path, INT64_MAX, &reader->file)) != 0) {
        (void)fail_read(reader, error, &reader->file);
    }
    error = error != 0 ? error : open_archive(reader, NULL, 0);
    return finish(reader, error, to);
}

int backup_reader_open_memory(const void *bytes, size_t len, struct report *report, struct backup_reader **to)
{
    struct backup_reader *reader = make("memory", NULL, report);
    return finish(reader, open_archive(reader, bytes, len), to);
}

void backup_reader_close(struct backup_reader *reader)
{
    if (reader != NULL) {
        (void)archive_read_free(reader->archive);
        file_close(&reader->file);
        if (reader->has_manifest) {
            backup_manifest_fini(&reader->manifest);
        }
        free(reader->piece);
        free(reader);
    }
}

const struct backup_manifest *backup_reader_manifest(const struct backup_reader *reader)
{
    return &reader->manifest;
}

const char *backup_reader_path(const struct backup_reader *reader)
{
    return reader->path;
}

void backup_reader_summarize(const struct backup_reader *reader, struct backup_summary *summary)
{
    const struct backup_manifest *manifest = &reader->manifest;
    struct backup_members list = backup_manifest_list(manifest);
    bool is_full = manifest->kind == BACKUP_FULL;
    *summary = (struct backup_summary){.kind = manifest->kind,
                                       .made_ms = manifest->made_ms,
                                       .from_seq = is_full ? 0 : manifest->base.to.seq,
                                       .to = manifest->to,
                                       .objects = manifest->objects,
                                       .members = manifest->members.count,
                                       .files = list.count,
                                       .bytes = (size_t)reader->file.size};
    memcpy(summary->id, manifest->id, sizeof summary->id);
    memcpy(summary->base, manifest->base.id, sizeof summary->base);
    memcpy(summary->sha256, reader->sha256, sizeof summary->sha256);
    memcpy(summary->store, manifest->store, sizeof summary->store);
    free(list.items);
}

/* ---- members ---- */

static int fail_member(const struct backup_reader *reader, const struct backup_member *member,
                       const char *why)
{
    return backup_fail(reader->report, reader->path, ERROR_SYNTAX,
                       "its member %s is not what its " BACKUP_MANIFEST " says: %s", member->path, why);
}

static int copy_member(struct backup_reader *reader, const struct backup_member *member,
                       const struct backup_taker *taker)
{
    unsigned char hash[BACKUP_HASH_SIZE];
    struct sha256 sha;
    uint64_t done = 0;
    sha256_init(&sha);
    for (la_ssize_t len; (len = archive_read_data(reader->archive, reader->piece, BACKUP_PIECE)) != 0;) {
        if (len < 0) {
            return fail_archive(reader);
        }
        done += (uint64_t)len;
        if (done > member->size) {
            return fail_member(reader, member, "it is larger");
        }
        if (progress_is_cancelled(reader->progress)) {
            return cancel(reader);
        }
        sha256_add(&sha, reader->piece, (size_t)len);
        int error = taker->take(taker->context, reader->piece, (size_t)len);
        if (error != 0) {
            return error;
        }
    }
    sha256_end(&sha, hash);
    return done == member->size && memcmp(hash, member->hash, sizeof hash) == 0
               ? 0
               : fail_member(reader, member,
                             done == member->size ? "its octets are others" : "it is smaller");
}

static int walk_member(struct backup_reader *reader, const struct backup_member *member,
                       const struct backup_taker *taker)
{
    struct archive_entry *entry;
    int error = next_entry(reader, &entry);
    if (error != 0) {
        return error;
    }
    if (entry == NULL || strcmp(archive_entry_pathname(entry), member->path) != 0) {
        return backup_fail(reader->report, reader->path, ERROR_SYNTAX,
                           "found %s%.128s, expected the member %s by its " BACKUP_MANIFEST,
                           entry == NULL ? "the end" : "the member ",
                           entry == NULL ? "" : archive_entry_pathname(entry), member->path);
    }
    if ((uint64_t)archive_entry_size(entry) != member->size) {
        return fail_member(reader, member, "it has another size");
    }
    error = taker->begin(taker->context, member);
    error = error != 0 ? error : copy_member(reader, member, taker);
    return error != 0 ? error : taker->end(taker->context);
}

int backup_reader_walk(struct backup_reader *reader, const struct backup_taker *taker)
{
    struct archive_entry *entry;
    int error = 0;
    for (size_t i = 0; i < reader->manifest.members.count && error == 0; i++) {
        error = walk_member(reader, &reader->manifest.members.items[i], taker);
    }
    error = error != 0 ? error : next_entry(reader, &entry);
    if (error == 0 && entry != NULL) {
        return backup_fail(reader->report, reader->path, ERROR_SYNTAX,
                           "found the member %.128s, which its " BACKUP_MANIFEST " does not list",
                           archive_entry_pathname(entry));
    }
    return error;
}
