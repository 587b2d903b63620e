/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bundles that are coming: see bundle.h. Each file is written in its place below ID.part as its blocks come;
 * what another bundle has is a second name of the same file, which nobody ever writes to. What was found to
 * be as it should is not written to again either, so a block that comes anew for the sake of one file cannot
 * spoil its neighbours. */
#include "config.h"

#include "past/bundle.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "past/bundle_store.h"

enum part_file {
    PART_COMING,
    PART_LINKED, /* another bundle's: to be looked at */
    PART_GOOD,   /* looked at */
};

struct bundle_part {
    struct bundle_store *store;
    struct bundle *bundle; /* owned */
    const struct progress *progress;
    char *bundles, *folder; /* STATE/bundles; ID.part in it */
    uint8_t *files;         /* enum part_file of each */
    uint8_t *blocks;        /* whether each is there */
    uint32_t block_count, missing;
    int hold;      /* of that folder, for other processes to see; -1: it is not ours */
    bool is_whole; /* it has its place */
};

static char *path_of(const struct bundle_part *part, size_t file)
{
    return memory_print("%s/%s", part->folder, part->bundle->files[file].path);
}

static int fail_cancelled(char *why)
{
    return bundle_fail(why, ERROR_CANCELLED, "called off");
}

/* ---- folders ---- */

static int make_folder(const char *path, char *why)
{
    return mkdir(path, 0700) == -1 && errno != EEXIST ? bundle_fail_errno(why, path, errno) : 0;
}

static int sync_folder(const char *path, char *why)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd == -1 || fsync(fd) == -1 ? bundle_fail_errno(why, path, errno) : 0;
    if (fd != -1) {
        (void)close(fd);
    }
    return error;
}

/* The folders of a path that the one before does not have. */
static int make_parents(const struct bundle_part *part, const char *path, const char *before, char *why)
{
    int error = 0;
    for (const char *slash = strchr(path, '/'); slash != NULL && error == 0; slash = strchr(slash + 1, '/')) {
        size_t len = (size_t)(slash - path) + 1;
        if (strncmp(path, before, len) != 0) {
            char *folder = memory_print("%s/%.*s", part->folder, (int)(len - 1), path);
            error = make_folder(folder, why);
            free(folder);
        }
    }
    return error;
}

static int make_file(const char *path, char *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1) {
        return bundle_fail_errno(why, path, errno);
    }
    (void)close(fd);
    return 0;
}

/* All folders, and the files that no block brings. */
static int make_tree(const struct bundle_part *part, char *why)
{
    const struct bundle *bundle = part->bundle;
    int error = 0;
    for (size_t i = 0; i < bundle->count && error == 0; i++) {
        error = make_parents(part, bundle->files[i].path, i == 0 ? "" : bundle->files[i - 1].path, why);
        if (error == 0 && bundle->files[i].size == 0) {
            char *path = path_of(part, i);
            error = make_file(path, why);
            free(path);
        }
        error = error == 0 && progress_is_cancelled(part->progress) ? fail_cancelled(why) : error;
    }
    return error;
}

static int make_bundles(const struct bundle_part *part, char *why)
{
    if (mkdir(part->bundles, 0700) == 0) {
        return sync_folder(part->store->state, why);
    }
    return errno == EEXIST ? 0 : bundle_fail_errno(why, part->bundles, errno);
}

/* ---- what other bundles have ---- */

static int compare_contents(const void *left, const void *right)
{
    const struct bundle_file *const *a = left, *const *b = right;
    return memcmp((*a)->sha256, (*b)->sha256, SHA256_SIZE);
}

static void link_file(struct bundle_part *part, size_t file, const char *tree, const struct bundle_file *from)
{
    struct stat status;
    char *old = memory_print("%s/%s", tree, from->path), *new = path_of(part, file);
    if (lstat(old, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size == from->size &&
        link(old, new) == 0) {
        part->files[file] = PART_LINKED;
    }
    free(old);
    free(new);
}

static void link_from(struct bundle_part *part, const char *id)
{
    struct bundle *other;
    char why[BUNDLE_WHY_SIZE];
    if (bundle_load(part->store->state, id, &other, why) != 0) {
        return;
    }
    char *tree = bundle_locate(part->store->state, id);
    const struct bundle_file **sorted = memory_alloc_array(other->count, sizeof(struct bundle_file *));
    for (size_t i = 0; i < other->count; i++) {
        sorted[i] = &other->files[i];
    }
    qsort(sorted, other->count, sizeof(struct bundle_file *), compare_contents);
    for (size_t i = 0; i < part->bundle->count && !progress_is_cancelled(part->progress); i++) {
        const struct bundle_file *file = &part->bundle->files[i];
        const struct bundle_file **found =
            part->files[i] != PART_COMING || file->size == 0
                ? NULL
                : bsearch(&file, sorted, other->count, sizeof(struct bundle_file *), compare_contents);
        if (found != NULL && (*found)->size == file->size) {
            link_file(part, i, tree, *found);
        }
    }
    free(sorted);
    free(tree);
    bundle_free(other);
}

static int link_known(struct bundle_part *part, char *why)
{
    struct bundle_item *items;
    size_t count;
    int error = bundle_list(part->store->state, &items, &count, why);
    for (size_t i = 0; error == 0 && i < count; i++) {
        if (bundle_store_take(part->store, items[i].id)) { /* it does not go meanwhile */
            link_from(part, items[i].id);
            bundle_store_leave(part->store, items[i].id);
        }
    }
    free(items);
    return error == 0 && progress_is_cancelled(part->progress) ? fail_cancelled(why) : error;
}

/* ---- blocks ---- */

static void set_missing(struct bundle_part *part, size_t file)
{
    const struct bundle_file *of = &part->bundle->files[file];
    if (of->size == 0) {
        return;
    }
    uint32_t last = (uint32_t)((of->at + of->size - 1) / BUNDLE_BLOCK_SIZE);
    for (uint32_t block = (uint32_t)(of->at / BUNDLE_BLOCK_SIZE); block <= last; block++) {
        part->missing += part->blocks[block];
        part->blocks[block] = 0;
    }
}

static void count_missing(struct bundle_part *part)
{
    memset(part->blocks, 1, part->block_count);
    part->missing = 0;
    for (size_t i = 0; i < part->bundle->count; i++) {
        if (part->files[i] == PART_COMING) {
            set_missing(part, i);
        }
    }
}

bool bundle_part_has(const struct bundle_part *part, uint32_t block)
{
    return block < part->block_count && part->blocks[block] != 0;
}

uint32_t bundle_part_count_missing(const struct bundle_part *part)
{
    return part->missing;
}

const struct bundle *bundle_part_get(const struct bundle_part *part)
{
    return part->bundle;
}

static int write_piece(const char *path, uint64_t from, const char *bytes, size_t len, char *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), error = 0;
    for (size_t done = 0; fd != -1 && done < len && error == 0;) {
        ssize_t written = pwrite(fd, bytes + done, len - done, (off_t)(from + done));
        if (written == -1 && errno != EINTR) {
            error = bundle_fail_errno(why, path, errno);
        } else if (written > 0) {
            done += (size_t)written;
        }
    }
    if (fd == -1 || close(fd) == -1) {
        error = error == 0 ? bundle_fail_errno(why, path, errno) : error;
    }
    return error;
}

int bundle_part_put(struct bundle_part *part, uint32_t block, const void *bytes, size_t len,
                    char why[BUNDLE_WHY_SIZE])
{
    struct bundle_piece piece;
    const char *from = bytes;
    int error = 0;
    if (block >= part->block_count || len != bundle_block_len(part->bundle->size, block)) {
        return bundle_fail(why, ERROR_INVALID,
                           "found %zu octets as block %u, expected %zu (there are %u blocks)", len, block,
                           bundle_block_len(part->bundle->size, block), part->block_count);
    }
    if (part->blocks[block] != 0) {
        return 0;
    }
    for (struct bundle_cut cut = bundle_cut_block(part->bundle, block);
         error == 0 && bundle_next_piece(&cut, &piece);) {
        if (part->files[piece.file] == PART_COMING) {
            char *path = path_of(part, piece.file);
            error = write_piece(path, piece.from, from, piece.len, why);
            free(path);
        }
        from += piece.len;
    }
    if (error == 0) {
        part->blocks[block] = 1;
        part->missing--;
    }
    return error;
}

int bundle_part_read(const struct bundle_part *part, uint32_t block, void *bytes, char why[BUNDLE_WHY_SIZE])
{
    return bundle_part_has(part, block) ? bundle_read_block(part->folder, part->bundle, block, bytes, why)
                                        : bundle_fail(why, ERROR_NOT_FOUND, "block %u is not here", block);
}

/* ---- its beginning ---- */

static int judge_room(const struct bundle_part *part, char *why)
{
    struct statvfs status;
    uint64_t wanted = 0;
    for (size_t i = 0; i < part->bundle->count; i++) {
        wanted += part->files[i] == PART_COMING ? part->bundle->files[i].size : 0;
    }
    if (statvfs(part->folder, &status) == -1) {
        return bundle_fail_errno(why, part->folder, errno);
    }
    uint64_t room = (uint64_t)status.f_bavail * status.f_frsize;
    return room >= wanted ? 0
                          : bundle_fail(why, -ENOSPC, "%.1000s: found room for %llu octets, expected %llu",
                                        part->bundles, (unsigned long long)room, (unsigned long long)wanted);
}

static int fail_busy(const struct bundle_part *part, char *why)
{
    return bundle_fail(why, ERROR_BUSY, "the bundle %.12s is coming to another process", part->bundle->id);
}

/* Without what an earlier try left. */
static int make_anew(struct bundle_part *part, char *why)
{
    int before;
    if (bundle_hold_folder(part->folder, &before) != 0) {
        return fail_busy(part, why);
    }
    bundle_remove_tree(part->folder);
    int error = make_folder(part->folder, why);
    if (error == 0 && bundle_hold_folder(part->folder, &part->hold) != 0) {
        error = fail_busy(part, why);
    } else if (error == 0 && part->hold == -1) {
        error = bundle_fail_errno(why, part->folder, errno);
    }
    if (before != -1) {
        (void)close(before);
    }
    return error;
}

static int begin(struct bundle_part *part, char *why)
{
    int error = make_bundles(part, why);
    error = error == 0 ? make_anew(part, why) : error;
    error = error == 0 ? make_tree(part, why) : error;
    error = error == 0 ? link_known(part, why) : error;
    if (error == 0) {
        count_missing(part);
        error = judge_room(part, why);
    }
    return error;
}

int bundle_part_begin(struct bundle_store *store, struct bundle *bundle, const struct progress *progress,
                      struct bundle_part **to, char why[BUNDLE_WHY_SIZE])
{
    int error = 0;
    *to = NULL;
    if (!bundle_store_take(store, bundle->id)) {
        error = bundle_fail(why, ERROR_BUSY, "the bundle %.12s is coming already", bundle->id);
        bundle_free(bundle);
        return error;
    }
    struct bundle_part *part = memory_alloc(sizeof *part);
    *part = (struct bundle_part){.store = store, .bundle = bundle, .progress = progress, .hold = -1};
    part->bundles = memory_print("%s/%s", store->state, BUNDLE_FOLDER);
    part->folder = memory_print("%s/%s.part", part->bundles, bundle->id);
    part->files = memory_alloc(bundle->count);
    part->block_count = bundle_count_blocks(bundle->size);
    part->blocks = memory_alloc(part->block_count);
    error = bundle_is_here(store->state, bundle->id)
                ? bundle_fail(why, ERROR_CONFLICT, "the bundle %.12s is here already", bundle->id)
                : begin(part, why);
    if (error != 0) {
        bundle_part_close(part);
        return error;
    }
    *to = part;
    return 0;
}

/* ---- its end ---- */

/* A file that is not what it should be, or another's that is not any more, comes anew. */
static void take_back(struct bundle_part *part, size_t file)
{
    char *path = path_of(part, file);
    (void)unlink(path);
    free(path);
    part->files[file] = PART_COMING;
    set_missing(part, file);
}

static int verify_file(struct bundle_part *part, size_t index, char *why)
{
    const struct bundle_file *file = &part->bundle->files[index];
    uint8_t sha256[SHA256_SIZE];
    char *path = path_of(part, index);
    int error = bundle_hash_file(path, file->size, part->progress, sha256, why);
    free(path);
    if (error == 0 && memcmp(sha256, file->sha256, SHA256_SIZE) != 0) {
        error = ERROR_SYNTAX;
    }
    if (error == 0) {
        part->files[index] = PART_GOOD;
    } else if (error == ERROR_SYNTAX || error == -ENOENT) {
        take_back(part, index);
        error = ERROR_SYNTAX;
    }
    return error;
}

static int verify(struct bundle_part *part, char *why)
{
    size_t damaged = 0, first = 0;
    for (size_t i = 0; i < part->bundle->count; i++) {
        int error = part->files[i] == PART_GOOD ? 0 : verify_file(part, i, why);
        if (error == ERROR_SYNTAX) {
            first = damaged++ == 0 ? i : first;
        } else if (error != 0) {
            return error;
        }
    }
    return damaged == 0 ? 0
                        : bundle_fail(why, ERROR_SYNTAX,
                                      "%zu files are not what the manifest says, the first is %.1000s",
                                      damaged, part->bundle->files[first].path);
}

static int sync_all(const struct bundle_part *part, char *why)
{
    int fd = open(part->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd == -1 || syncfs(fd) == -1 ? bundle_fail_errno(why, part->folder, errno) : 0;
    if (fd != -1) {
        (void)close(fd);
    }
    return error;
}

static int write_manifest(const struct bundle_part *part, const char *path, char *why)
{
    const struct bundle *bundle = part->bundle;
    (void)unlink(path);
    int error = write_piece(path, 0, bundle->manifest, bundle->manifest_len, why);
    int fd = error == 0 ? open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (error == 0 && (fd == -1 || fsync(fd) == -1)) {
        error = bundle_fail_errno(why, path, errno);
    }
    if (fd != -1) {
        (void)close(fd);
    }
    return error;
}

static int rename_to(const char *from, const char *to, char *why)
{
    return rename(from, to) == -1 ? bundle_fail_errno(why, to, errno) : 0;
}

/* The tree first: a bundle is here when its manifest is. */
static int settle(struct bundle_part *part, char *why)
{
    char *tree = memory_print("%s/%s", part->bundles, part->bundle->id);
    char *manifest = memory_print("%s.json", tree), *beside = memory_print("%s.new", manifest);
    int error = sync_all(part, why);
    error = error == 0 ? write_manifest(part, beside, why) : error;
    if (error == 0) {
        bundle_remove_tree(tree); /* that has no manifest */
        error = rename_to(part->folder, tree, why);
    }
    error = error == 0 ? sync_folder(part->bundles, why) : error;
    error = error == 0 ? rename_to(beside, manifest, why) : error;
    error = error == 0 ? sync_folder(part->bundles, why) : error;
    part->is_whole = error == 0;
    free(tree);
    free(manifest);
    free(beside);
    return error;
}

int bundle_part_end(struct bundle_part *part, char why[BUNDLE_WHY_SIZE])
{
    if (part->missing != 0) {
        return bundle_fail(why, ERROR_CONFLICT, "%u of %u blocks are missing", part->missing,
                           part->block_count);
    }
    int error = verify(part, why);
    return error == 0 ? settle(part, why) : error;
}

void bundle_part_close(struct bundle_part *part)
{
    if (part != NULL && part->hold != -1 && !part->is_whole) {
        bundle_remove_tree(part->folder);
    }
    bundle_part_leave(part);
}

void bundle_part_leave(struct bundle_part *part)
{
    if (part == NULL) {
        return;
    }
    if (part->hold != -1) {
        (void)close(part->hold);
    }
    bundle_store_leave(part->store, part->bundle->id);
    bundle_free(part->bundle);
    free(part->bundles);
    free(part->folder);
    free(part->files);
    free(part->blocks);
    free(part);
}
