/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See depot.h. Few files are synced one by one; of many the whole file system is at once: a hundred thousand
 * waits for the disk, one behind the other, would take minutes. */
#include "config.h"

#include "past/depot.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha2.h"
#include "past/depot_internal.h"

enum {
    PIECE = 256 << 10,
    SMALL = 4 << 20, /* octets that are read once, to memory */
    SINGLE = 64,     /* files that are synced one by one */
};

struct depot_pending {
    char (*names)[DEPOT_NAME_SIZE];
    size_t count, capacity;
};

/* ---- names ---- */

static void write_name(const uint8_t digest[SHA256_SIZE], char name[DEPOT_NAME_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        name[2 * i] = digits[digest[i] >> 4];
        name[2 * i + 1] = digits[digest[i] & 15];
    }
    name[DEPOT_NAME_SIZE - 1] = '\0';
}

static void finish_name(struct sha256 *sha, char name[DEPOT_NAME_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    sha256_end(sha, digest);
    write_name(digest, name);
}

bool depot_is_name(const char *text)
{
    return strspn(text, "0123456789abcdef") == DEPOT_NAME_SIZE - 1 && text[DEPOT_NAME_SIZE - 1] == '\0';
}

char *depot_path(const struct depot *depot, const char *name, const char *suffix)
{
    return memory_print("%s/%.2s/%s%s", depot->folder, name, name, suffix);
}

int depot_fail(struct depot *depot, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(depot->why, sizeof depot->why, format, arguments);
    va_end(arguments);
    return error;
}

int depot_fail_errno(struct depot *depot, const char *path, int number)
{
    return depot_fail(depot, -number, "%s: %s", path, error_text(-number));
}

static int check_name(struct depot *depot, const char *name)
{
    return depot_is_name(name) ? 0
                               : depot_fail(depot, ERROR_INVALID,
                                            "found %.80s, expected a SHA-256 of 64 hexadecimal digits", name);
}

void depot_init_at(struct depot *depot, const char *state, const char *name)
{
    *depot = (struct depot){.folder = memory_print("%s/%s", state, name),
                            .pending = memory_alloc(sizeof *depot->pending)};
}

void depot_init(struct depot *depot, const char *state)
{
    depot_init_at(depot, state, "depot");
}

static void forget_pending(struct depot *depot)
{
    struct depot_pending *pending = depot->pending;
    for (size_t i = 0; i < pending->count; i++) {
        char *beside = depot_path(depot, pending->names[i], DEPOT_NEW);
        (void)unlink(beside);
        free(beside);
    }
    free(pending->names);
    *pending = (struct depot_pending){.count = 0};
}

void depot_fini(struct depot *depot)
{
    forget_pending(depot);
    free(depot->pending);
    free(depot->folder);
}

/* ---- reading ---- */

/* Where the octets of a file go to. */
struct flow {
    struct sha256 sha;
    int fd; /* -1: nowhere */
    const char *path;
    char *bytes; /* NULL: they are not kept */
};

static int write_all(int fd, const void *bytes, size_t len)
{
    for (const char *at = bytes; len > 0;) {
        ssize_t done = write(fd, at, len);
        if (done == -1 && errno != EINTR) {
            return -errno;
        }
        at += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
    }
    return 0;
}

/* All of an open file, hashed, and written on the way. */
static int pass(struct depot *depot, const char *path, struct file *file, struct flow *flow)
{
    char *piece = memory_alloc(PIECE);
    int error = 0;
    size_t len = 1;
    sha256_init(&flow->sha);
    while (error == 0 && len > 0) {
        error = progress_is_cancelled(depot->progress) ? ERROR_CANCELLED : 0;
        if (error == 0) {
            error = file_read(file, piece, PIECE, &len);
        }
        if (error != 0) {
            depot_fail(depot, error, "%s: %s", path, error == ERROR_CANCELLED ? "called off" : file->why);
            break;
        }
        sha256_add(&flow->sha, piece, len);
        if (flow->fd != -1 && (error = write_all(flow->fd, piece, len)) != 0) {
            depot_fail_errno(depot, flow->path, -error);
        }
    }
    free(piece);
    return error;
}

int depot_hash_file(const char *path, char name[DEPOT_NAME_SIZE])
{
    struct depot none = {.folder = NULL};
    struct flow flow = {.fd = -1};
    struct file file;
    int error = file_open(path, UINT64_MAX, &file);
    if (error == 0) {
        error = pass(&none, path, &file, &flow);
        finish_name(&flow.sha, name);
        file_close(&file);
    }
    return error;
}

static int judge(struct depot *depot, const char *path, const char *name, const char *found)
{
    return strcmp(name, found) == 0
               ? 0
               : depot_fail(depot, ERROR_SYNTAX,
                            "%s: damaged: found octets with the SHA-256 %s, expected those of its name", path,
                            found);
}

/* Open what has this name. */
static int open_item(struct depot *depot, const char *name, uint64_t max, char **path, struct file *file)
{
    *path = NULL;
    *file = (struct file){.fd = -1};
    int error = check_name(depot, name);
    if (error != 0) {
        return error;
    }
    *path = depot_path(depot, name, "");
    error = file_open(*path, max, file);
    error = error == -ENOENT ? ERROR_NOT_FOUND : error;
    if (error != 0) {
        depot_fail(depot, error, "%s: %s", *path,
                   error == ERROR_NOT_FOUND ? "it is not kept here" : file->why);
    }
    return error;
}

/* Its octets through `flow`, and whether they are what they were. */
static int read_item(struct depot *depot, const char *name, struct flow *flow, uint64_t *size)
{
    char *path, found[DEPOT_NAME_SIZE];
    struct file file;
    int error = open_item(depot, name, UINT64_MAX, &path, &file);
    if (error == 0) {
        error = pass(depot, path, &file, flow);
    }
    if (error == 0) {
        finish_name(&flow->sha, found);
        error = judge(depot, path, name, found);
    }
    if (error == 0 && size != NULL) {
        *size = file.taken;
    }
    file_close(&file);
    free(path);
    return error;
}

char *depot_get(struct depot *depot, const char *name, uint64_t max, size_t *len, int *code)
{
    char *path, found[DEPOT_NAME_SIZE], *bytes = NULL;
    struct file file;
    *len = 0;
    *code = open_item(depot, name, max, &path, &file);
    if (*code == 0) {
        bytes = memory_try_alloc((size_t)file.size + 1);
        *code = bytes == NULL ? depot_fail_errno(depot, path, ENOMEM)
                              : file_read(&file, bytes, (size_t)file.size, len);
        if (bytes != NULL && *code != 0) {
            depot_fail(depot, *code, "%s: %s", path, file.why);
        }
    }
    if (*code == 0) {
        struct sha256 sha;
        sha256_init(&sha);
        sha256_add(&sha, bytes, *len);
        finish_name(&sha, found);
        *code = judge(depot, path, name, found);
    }
    if (*code != 0) {
        free(bytes);
        bytes = NULL;
    }
    file_close(&file);
    free(path);
    return bytes;
}

int depot_copy(struct depot *depot, const char *name, const char *path)
{
    int error = check_name(depot, name);
    if (error != 0) {
        return error;
    }
    struct flow flow = {.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600),
                        .path = path};
    if (flow.fd == -1) {
        return depot_fail_errno(depot, path, errno);
    }
    error = read_item(depot, name, &flow, NULL);
    if (close(flow.fd) == -1 && error == 0) {
        error = depot_fail_errno(depot, path, errno);
    }
    if (error != 0) {
        (void)unlink(path);
    }
    return error;
}

static bool is_no_way(int number)
{
    return number == EXDEV || number == EPERM || number == EMLINK || number == EOPNOTSUPP || number == ENOSYS;
}

int depot_link(struct depot *depot, const char *name, const char *path)
{
    int error = depot_check(depot, name, NULL);
    if (error == 0) {
        char *from = depot_path(depot, name, "");
        if (link(from, path) == -1) {
            error = depot_fail_errno(depot, path, is_no_way(errno) ? EXDEV : errno);
        }
        free(from);
    }
    return error;
}

int depot_check(struct depot *depot, const char *name, uint64_t *size)
{
    return read_item(depot, name, &(struct flow){.fd = -1}, size);
}

bool depot_has(struct depot *depot, const char *name)
{
    struct stat status;
    if (!depot_is_name(name)) {
        return false;
    }
    char *path = depot_path(depot, name, "");
    bool has = lstat(path, &status) == 0 && S_ISREG(status.st_mode);
    free(path);
    return has;
}

/* ---- writing ---- */

static int make_folder(struct depot *depot, const char *path)
{
    return mkdir(path, 0700) == -1 && errno != EEXIST ? depot_fail_errno(depot, path, errno) : 0;
}

static int make_folders(struct depot *depot, const char *name)
{
    char *inner = memory_print("%s/%.2s", depot->folder, name);
    int error = make_folder(depot, inner);
    if (error == -ENOENT) {
        error = make_folder(depot, depot->folder);
        error = error == 0 ? make_folder(depot, inner) : error;
    }
    free(inner);
    return error;
}

/* It is there, as it should be: who sweeps by age sees that it is wanted again. */
static bool is_there(struct depot *depot, const char *name)
{
    if (!depot_has(depot, name) || depot_check(depot, name, NULL) != 0) {
        return false;
    }
    char *path = depot_path(depot, name, "");
    (void)utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
    free(path);
    return true;
}

static void add_pending(struct depot *depot, const char *name)
{
    struct depot_pending *pending = depot->pending;
    pending->names = memory_grow(pending->names, pending->count, &pending->capacity, sizeof *pending->names);
    memcpy(pending->names[pending->count++], name, DEPOT_NAME_SIZE);
}

static int open_beside(struct depot *depot, const char *name, const char *path, int *fd)
{
    int error = make_folders(depot, name);
    *fd = error != 0 ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    return error == 0 && *fd == -1 ? depot_fail_errno(depot, path, errno) : error;
}

/* Closes it. */
static int end_beside(struct depot *depot, const char *name, const char *path, int fd, int error)
{
    if (error == 0 && depot->pending->count < SINGLE && fsync(fd) == -1) {
        error = depot_fail_errno(depot, path, errno);
    }
    if (close(fd) == -1 && error == 0) {
        error = depot_fail_errno(depot, path, errno);
    }
    if (error == 0) {
        add_pending(depot, name);
    } else {
        (void)unlink(path);
    }
    return error;
}

int depot_put(struct depot *depot, const void *bytes, size_t len, char name[DEPOT_NAME_SIZE])
{
    struct sha256 sha;
    sha256_init(&sha);
    sha256_add(&sha, bytes, len);
    finish_name(&sha, name);
    if (is_there(depot, name)) {
        return 0;
    }
    char *path = depot_path(depot, name, DEPOT_NEW);
    int fd, error = open_beside(depot, name, path, &fd);
    if (error == 0) {
        error = write_all(fd, bytes, len);
        if (error != 0) {
            depot_fail_errno(depot, path, -error);
        }
        error = end_beside(depot, name, path, fd, error);
    }
    free(path);
    return error;
}

static int fail_changed(struct depot *depot, const char *path)
{
    return depot_fail(depot, ERROR_CONFLICT, "%s: it changed while it was read", path);
}

static int put_small(struct depot *depot, const char *path, struct file *file, char name[DEPOT_NAME_SIZE])
{
    size_t len = 0;
    char *bytes = memory_alloc((size_t)file->size);
    int error = file_read(file, bytes, (size_t)file->size, &len);
    if (error != 0) {
        depot_fail(depot, error, "%s: %s", path, file->why);
    } else if (len != file->size) {
        error = fail_changed(depot, path);
    } else {
        error = depot_put(depot, bytes, len, name);
    }
    free(bytes);
    return error;
}

/* A second time, to where it belongs. */
static int copy_large(struct depot *depot, const char *path, struct file *file, const char *name)
{
    char found[DEPOT_NAME_SIZE];
    file->taken = 0;
    if (lseek(file->fd, 0, SEEK_SET) == -1) {
        return depot_fail_errno(depot, path, errno);
    }
    char *beside = depot_path(depot, name, DEPOT_NEW);
    int fd, error = open_beside(depot, name, beside, &fd);
    if (error == 0) {
        struct flow flow = {.fd = fd, .path = beside};
        error = pass(depot, path, file, &flow);
        if (error == 0) {
            finish_name(&flow.sha, found);
            error = strcmp(found, name) == 0 ? 0 : fail_changed(depot, path);
        }
        error = end_beside(depot, name, beside, fd, error);
    }
    free(beside);
    return error;
}

static int put_large(struct depot *depot, const char *path, struct file *file, char name[DEPOT_NAME_SIZE])
{
    struct flow flow = {.fd = -1};
    int error = pass(depot, path, file, &flow);
    if (error != 0) {
        return error;
    }
    finish_name(&flow.sha, name);
    if (file->taken != file->size) {
        return fail_changed(depot, path);
    }
    return is_there(depot, name) ? 0 : copy_large(depot, path, file, name);
}

int depot_put_file(struct depot *depot, const char *path, struct file *file, char name[DEPOT_NAME_SIZE])
{
    int error = file->size <= SMALL ? put_small(depot, path, file, name) : put_large(depot, path, file, name);
    file_close(file);
    return error;
}

/* ---- settling ---- */

static int sync_folder(struct depot *depot, const char *path, bool whole)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
    if (fd == -1 || (whole ? syncfs(fd) : fsync(fd)) == -1) {
        error = depot_fail_errno(depot, path, errno);
    }
    if (fd != -1) {
        (void)close(fd);
    }
    return error;
}

static int rename_one(struct depot *depot, const char *name)
{
    char *beside = depot_path(depot, name, DEPOT_NEW), *path = depot_path(depot, name, "");
    int error = 0;
    if (rename(beside, path) == 0) {
        depot->written++;
    } else if (errno != ENOENT || !depot_has(depot, name)) { /* the same content was put twice */
        error = depot_fail_errno(depot, beside, errno);
    }
    free(beside);
    free(path);
    return error;
}

static int sync_names(struct depot *depot)
{
    const struct depot_pending *pending = depot->pending;
    int error = 0;
    if (pending->count > SINGLE) {
        error = sync_folder(depot, depot->folder, true);
    } else {
        for (size_t i = 0; i < pending->count && error == 0; i++) {
            char *inner = memory_print("%s/%.2s", depot->folder, pending->names[i]);
            error = sync_folder(depot, inner, false);
            free(inner);
        }
        error = error == 0 ? sync_folder(depot, depot->folder, false) : error;
    }
    if (error == 0) { /* its own name */
        char *state = memory_copy_text(depot->folder);
        *strrchr(state, '/') = '\0';
        error = sync_folder(depot, state, false);
        free(state);
    }
    return error;
}

int depot_settle(struct depot *depot)
{
    struct depot_pending *pending = depot->pending;
    if (pending->count == 0) {
        return 0;
    }
    int error = pending->count > SINGLE ? sync_folder(depot, depot->folder, true) : 0;
    for (size_t i = 0; i < pending->count && error == 0; i++) {
        error = rename_one(depot, pending->names[i]);
    }
    error = error == 0 ? sync_names(depot) : error;
    if (error != 0) {
        forget_pending(depot);
    }
    pending->count = 0;
    return error;
}
