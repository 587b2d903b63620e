/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Trees of bundles: see bundle.h. An operator's folder is read once, which gives its manifest, and then block
 * by block; a block is cut out of whatever files it covers. */
#include "config.h"

#include "past/bundle.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "past/bundle_internal.h"

enum { PIECE = 256 << 10 };

int bundle_fail_errno(char why[BUNDLE_WHY_SIZE], const char *path, int number)
{
    return bundle_fail(why, -number, "%.1100s: %s", path, error_text(-number));
}

static int fail_file(char *why, int error, const char *path, const struct file *file)
{
    return bundle_fail(why, error, "%.1100s: %s", path, file->why);
}

/* ---- one file ---- */

static int add_all(struct file *file, const struct progress *progress, struct sha256 *sha)
{
    char *piece = memory_alloc(PIECE);
    size_t len;
    int error = 0;
    do {
        error = progress_is_cancelled(progress) ? ERROR_CANCELLED : file_read(file, piece, PIECE, &len);
        if (error == 0) {
            sha256_add(sha, piece, len);
        }
    } while (error == 0 && len != 0);
    free(piece);
    return error;
}

static int fail_size(char *why, const char *path, uint64_t found, uint64_t size)
{
    return bundle_fail(why, ERROR_SYNTAX, "%.1100s: found %llu octets, expected %llu", path,
                       (unsigned long long)found, (unsigned long long)size);
}

int bundle_hash_file(const char *path, uint64_t size, const struct progress *progress,
                     uint8_t sha256[SHA256_SIZE], char why[BUNDLE_WHY_SIZE])
{
    struct file file;
    struct sha256 sha;
    int error = file_open(path, UINT64_MAX, &file);
    if (error != 0) {
        return fail_file(why, error, path, &file);
    }
    sha256_init(&sha);
    if (file.size == size) {
        error = add_all(&file, progress, &sha);
        if (error == ERROR_CANCELLED) {
            bundle_fail(why, error, "called off");
        } else if (error != 0) {
            fail_file(why, error, path, &file);
        }
    }
    if (error == 0 && (file.size != size || file.taken != size)) {
        error = fail_size(why, path, file.taken == 0 ? file.size : file.taken, size);
    }
    file_close(&file);
    sha256_end(&sha, sha256);
    return error;
}

/* ---- blocks ---- */

struct bundle_cut bundle_cut_block(const struct bundle *bundle, uint32_t block)
{
    uint64_t at = (uint64_t)block * BUNDLE_BLOCK_SIZE;
    return (struct bundle_cut){.bundle = bundle,
                               .at = at,
                               .end = at + bundle_block_len(bundle->size, block),
                               .next = bundle_find_at(bundle, at)};
}

bool bundle_next_piece(struct bundle_cut *cut, struct bundle_piece *piece)
{
    while (cut->at < cut->end) {
        const struct bundle_file *file = &cut->bundle->files[cut->next];
        uint64_t end = file->at + file->size;
        if (end <= cut->at) {
            cut->next++; /* an empty one */
            continue;
        }
        *piece = (struct bundle_piece){.file = cut->next,
                                       .from = cut->at - file->at,
                                       .len = (size_t)((end < cut->end ? end : cut->end) - cut->at)};
        cut->at += piece->len;
        cut->next++;
        return true;
    }
    return false;
}

static int read_piece(const char *path, uint64_t from, char *bytes, size_t len, char *why)
{
    struct file file;
    int error = file_open(path, UINT64_MAX, &file);
    if (error != 0) {
        return fail_file(why, error, path, &file);
    }
    for (size_t done = 0; done < len && error == 0;) {
        ssize_t got = pread(file.fd, bytes + done, len - done, (off_t)(from + done));
        if (got == 0) {
            error = bundle_fail(why, ERROR_CONFLICT, "%.1100s: it is shorter than it was", path);
        } else if (got == -1 && errno != EINTR) {
            error = bundle_fail_errno(why, path, errno);
        } else if (got > 0) {
            done += (size_t)got;
        }
    }
    file_close(&file);
    return error;
}

int bundle_read_block(const char *folder, const struct bundle *bundle, uint32_t block, void *bytes,
                      char why[BUNDLE_WHY_SIZE])
{
    struct bundle_piece piece;
    char *to = bytes;
    int error = 0;
    if (bundle_block_len(bundle->size, block) == 0) {
        return bundle_fail(why, ERROR_INVALID, "there is no block %u", block);
    }
    for (struct bundle_cut cut = bundle_cut_block(bundle, block);
         error == 0 && bundle_next_piece(&cut, &piece);) {
        char *path = memory_print("%s/%s", folder, bundle->files[piece.file].path);
        error = read_piece(path, piece.from, to, piece.len, why);
        to += piece.len;
        free(path);
    }
    return error;
}

/* ---- looking through a folder ---- */

struct scan {
    const char *folder;
    const struct progress *progress;
    struct bundle_skipped *skipped;
    struct arena *arena;  /* of paths */
    const char **folders; /* to be looked through: "", "zones/" */
    size_t folder_count, folder_capacity;
    struct bundle_file *files;
    size_t count, capacity;
    char *why;
};

static bool is_left_out(struct scan *scan, const char *name, const struct stat *status)
{
    bool is_folder = S_ISDIR(status->st_mode);
    if (name[0] == '.') {
        scan->skipped->hidden++;
    } else if (!is_folder && bundle_is_own_file(name)) {
        scan->skipped->settings++;
    } else if (is_folder && bundle_is_own_folder(name)) {
        scan->skipped->states++;
    } else {
        return false;
    }
    return true;
}

static int take_file(struct scan *scan, const char *real, const char *path, uint64_t size)
{
    if (scan->count == BUNDLE_FILES_MAX) {
        return bundle_fail(scan->why, ERROR_TOO_LARGE, "found more than %d files, expected at most these",
                           (int)BUNDLE_FILES_MAX);
    }
    scan->files = memory_grow(scan->files, scan->count, &scan->capacity, sizeof *scan->files);
    struct bundle_file *file = &scan->files[scan->count];
    *file = (struct bundle_file){.path = path, .size = size};
    int error = bundle_hash_file(real, size, scan->progress, file->sha256, scan->why);
    if (error == ERROR_SYNTAX) {
        return bundle_fail(scan->why, ERROR_CONFLICT, "%.1100s: it changed while it was read", real);
    }
    scan->count += error == 0;
    return error;
}

/* A link to a file is what it leads to; one to a folder might lead in a circle. */
static int take_entry(struct scan *scan, const char *prefix, const char *name)
{
    struct stat status, target;
    const char *path = arena_print(scan->arena, "%s%s", prefix, name);
    const char *real = arena_print(scan->arena, "%s/%s", scan->folder, path);
    if (lstat(real, &status) == -1) {
        return bundle_fail_errno(scan->why, real, errno);
    }
    if (is_left_out(scan, name, &status)) {
        return 0;
    }
    if (!bundle_is_path(path)) {
        return bundle_fail(scan->why, ERROR_INVALID,
                           "%.1100s: found a name that a bundle cannot have, expected UTF-8 without control "
                           "characters or ones that change the direction of text, at most %d octets",
                           real, (int)BUNDLE_PATH_MAX);
    }
    if (S_ISDIR(status.st_mode)) {
        scan->folders =
            memory_grow(scan->folders, scan->folder_count, &scan->folder_capacity, sizeof *scan->folders);
        scan->folders[scan->folder_count++] = arena_print(scan->arena, "%s/", path);
        return 0;
    }
    if (stat(real, &target) == -1) {
        return bundle_fail_errno(scan->why, real, errno);
    }
    if (!S_ISREG(target.st_mode)) {
        return bundle_fail(scan->why, ERROR_INVALID, "%.1100s: found %s, expected files and folders", real,
                           S_ISDIR(target.st_mode) ? "a symbolic link to a folder"
                                                   : "something that is no file");
    }
    return take_file(scan, real, path, (uint64_t)target.st_size);
}

static int look_through(struct scan *scan, const char *prefix)
{
    const char *path = arena_print(scan->arena, "%s/%s", scan->folder, prefix);
    DIR *folder = opendir(path);
    int error = folder == NULL ? bundle_fail_errno(scan->why, path, errno) : 0;
    while (folder != NULL && error == 0) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            error = errno == 0 ? 0 : bundle_fail_errno(scan->why, path, errno);
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            error = take_entry(scan, prefix, entry->d_name);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return error;
}

int bundle_scan(const char *folder, const struct progress *progress, struct bundle **bundle,
                struct bundle_skipped *skipped, char why[BUNDLE_WHY_SIZE])
{
    struct bundle_skipped none = {.hidden = 0};
    struct scan scan = {.folder = folder,
                        .progress = progress,
                        .skipped = skipped == NULL ? &none : skipped,
                        .arena = arena_new(0),
                        .why = why};
    *scan.skipped = (struct bundle_skipped){.hidden = 0};
    *bundle = NULL;
    int error = look_through(&scan, "");
    while (error == 0 && scan.folder_count != 0) {
        error = look_through(&scan, scan.folders[--scan.folder_count]);
    }
    if (error == 0 && scan.count == 0) {
        error = bundle_fail(why, ERROR_INVALID, "%.1100s: found no files, expected at least one", folder);
    }
    if (error == 0) {
        error = bundle_make(scan.files, scan.count, bundle, why);
    }
    free(scan.files);
    free(scan.folders);
    arena_free(scan.arena);
    return error;
}
