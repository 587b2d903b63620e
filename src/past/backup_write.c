/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Writing an archive: libarchive makes the tar and compresses it, and what comes out of it is hashed on its
 * way to the file, so that the seal can be put behind it. */
#include "config.h"

#include "past/backup_parts.h"
#include "base/sha2.h"
#include "past/backup_seal.h"

#include "base/error.h"
#include "base/memory.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct backup_writer {
    struct archive *archive;
    struct sha256 sha;
    struct report *report;
    char *path;
    const char *name; /* borrowed: what people call it */
    int fd;
    enum backup_seal_kind kind;
    size_t bytes;
    int error; /* of writing, which libarchive says in words of its own */
};

static int write_all(struct backup_writer *writer, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t done = write(writer->fd, at, len);
        if (done == -1 && errno != EINTR) {
            return -errno;
        }
        at += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
        writer->bytes += done > 0 ? (size_t)done : 0;
    }
    return 0;
}

static la_ssize_t put(struct archive *archive, void *context, const void *bytes, size_t len)
{
    struct backup_writer *writer = context;
    writer->error = writer->error != 0 ? writer->error : write_all(writer, bytes, len);
    if (writer->error != 0) {
        archive_set_error(archive, EIO, "cannot be written");
        return -1;
    }
    sha256_add(&writer->sha, bytes, len);
    return (la_ssize_t)len;
}

/* Why libarchive would not. */
static int fail(struct backup_writer *writer)
{
    if (writer->error != 0) {
        return backup_fail(writer->report, writer->name, writer->error, "it cannot be written: %s",
                           error_text(writer->error));
    }
    const char *why = archive_error_string(writer->archive);
    return backup_fail(writer->report, writer->name, ERROR_LIBRARY, "it cannot be written: %s",
                       why == NULL ? "no reason is given" : why);
}

static int open_archive(struct backup_writer *writer)
{
    struct archive *archive = writer->archive = archive_write_new();
    if (archive == NULL) {
        writer->error = -ENOMEM;
        return fail(writer);
    }
    int code = writer->kind == BACKUP_SEAL_ZSTD ? archive_write_add_filter_zstd(archive)
                                                : archive_write_add_filter_gzip(archive);
    code = code != ARCHIVE_OK ? code : archive_write_set_format_pax_restricted(archive);
    code = code != ARCHIVE_OK || writer->kind == BACKUP_SEAL_ZSTD
               ? code
               : archive_write_set_options(archive, "gzip:!timestamp");
    code = code != ARCHIVE_OK ? code : archive_write_set_bytes_in_last_block(archive, 1);
    code = code != ARCHIVE_OK ? code : archive_write_open(archive, writer, NULL, put, NULL);
    return code == ARCHIVE_OK ? 0 : fail(writer);
}

int backup_writer_open(const char *path, bool is_zstd, const char *name, struct report *report,
                       struct backup_writer **to)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1) {
        int error = -errno;
        return backup_fail(report, name, error, "%s cannot be made: %s", path, error_text(error));
    }
    struct backup_writer *writer = memory_alloc(sizeof *writer);
    *writer = (struct backup_writer){.report = report,
                                     .path = memory_copy_text(path),
                                     .name = name,
                                     .fd = fd,
                                     .kind = is_zstd ? BACKUP_SEAL_ZSTD : BACKUP_SEAL_GZIP};
    sha256_init(&writer->sha);
    int error = open_archive(writer);
    if (error != 0) {
        backup_writer_free(writer);
        return error;
    }
    *to = writer;
    return 0;
}

int backup_writer_begin(struct backup_writer *writer, const struct backup_member *member, int64_t made_ms)
{
    struct archive_entry *entry = archive_entry_new();
    if (entry == NULL) {
        writer->error = -ENOMEM;
        return fail(writer);
    }
    archive_entry_set_pathname(entry, member->path);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_size(entry, (la_int64_t)member->size);
    archive_entry_set_mtime(entry, made_ms / 1000, 0);
    int code = archive_write_header(writer->archive, entry);
    archive_entry_free(entry);
    return code == ARCHIVE_OK ? 0 : fail(writer);
}

int backup_writer_add(struct backup_writer *writer, const void *bytes, size_t len)
{
    return archive_write_data(writer->archive, bytes, len) == (la_ssize_t)len ? 0 : fail(writer);
}

static int seal(struct backup_writer *writer, struct backup_summary *summary)
{
    unsigned char hash[BACKUP_HASH_SIZE], bytes[BACKUP_SEAL_MAX];
    struct sha256 sha = writer->sha;
    sha256_end(&sha, hash);
    size_t len = backup_seal_write(writer->kind, hash, bytes);
    writer->error = write_all(writer, bytes, len);
    if (writer->error == 0 && fsync(writer->fd) == -1) {
        writer->error = -errno;
    }
    sha256_add(&writer->sha, bytes, len);
    sha256_end(&writer->sha, hash);
    backup_write_hex(hash, summary->sha256);
    summary->bytes = writer->bytes;
    return writer->error == 0 ? 0 : fail(writer);
}

int backup_writer_close(struct backup_writer *writer, struct backup_summary *summary)
{
    int error = archive_write_close(writer->archive) == ARCHIVE_OK ? 0 : fail(writer);
    error = error != 0 ? error : seal(writer, summary);
    backup_writer_free(writer);
    return error;
}

void backup_writer_free(struct backup_writer *writer)
{
    if (writer != NULL) {
        if (writer->archive != NULL) {
            writer->error = writer->error != 0 ? writer->error : ERROR_CANCELLED; /* put() writes no more */
            (void)archive_write_close(writer->archive); /* filters have memory that only this gives back */
            (void)archive_write_free(writer->archive);
        }
        (void)close(writer->fd);
        free(writer->path);
        free(writer);
    }
}
