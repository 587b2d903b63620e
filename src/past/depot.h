/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files by their content: STATE/depot/ab/abcdef…, named by the SHA-256 of their octets, in hexadecimal. So a
 * content is kept once, whoever refers to it, is never changed, and what is read is what was written or an
 * error that says so. The folder is for its owner alone (0700, files 0600): configuration holds secrets.
 *
 * What is put is written beside, as NAME.new, and has its place when depot_settle() has synced it: a process
 * that ends at any moment leaves whole files, and rests that the next sweep removes. One thread at a time
 * puts, settles, removes and sweeps; whoever reads may do so at any time, in any process.
 *
 * Functions return 0 or an error, and say in depot->why what is wrong, with the path. Waits for the disk. */
#pragma once

#include "base/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;

enum { DEPOT_NAME_SIZE = 65, DEPOT_WHY_SIZE = 4608 };

struct depot_pending;

struct depot {
    char *folder;                    /* owned */
    const struct progress *progress; /* borrowed: long copies end with ERROR_CANCELLED. NULL: never */
    struct depot_pending *pending;   /* owned: what is to be settled */
    uint64_t written;                /* files that were not there before, since depot_init() */
    char why[DEPOT_WHY_SIZE];
};

/* Touches no disk: the folder is made when something is put. `state` is the state folder. */
void depot_init(struct depot *depot, const char *state);
/* The same in another folder of the state than "depot". */
void depot_init_at(struct depot *depot, const char *state, const char *name);
void depot_fini(struct depot *depot); /* what was not settled goes away */

/* 64 hexadecimal digits in lower case; every other text is refused by all of these (ERROR_INVALID). */
bool depot_is_name(const char *text);

/* `name` becomes that of the content. What is there already, undamaged, is not written again. */
int depot_put(struct depot *depot, const void *bytes, size_t len, char name[DEPOT_NAME_SIZE]);
/* The same with a file that was opened and not read; closes it. ERROR_CONFLICT: it changed meanwhile. */
int depot_put_file(struct depot *depot, const char *path, struct file *file, char name[DEPOT_NAME_SIZE]);
/* All that was put is in its place and on stable storage, or none of it, maybe, and the error why not: then
 * it has to be put once more. */
int depot_settle(struct depot *depot);

/* Returns owned octets, NUL behind them, or NULL and *code. ERROR_NOT_FOUND; ERROR_TOO_LARGE; ERROR_SYNTAX:
 * the octets are not what they were. */
char *depot_get(struct depot *depot, const char *name, uint64_t max, size_t *len, int *code);
/* Into a new file at `path`, which must not be there, with mode 0600; not synced. The errors of depot_get();
 * then there is no file. */
int depot_copy(struct depot *depot, const char *name, const char *path);
/* The same file there, if it is what its name says, where that is possible: it is to be read only, and goes
 * on being the depot's. -EXDEV: that is not possible, and it has to be copied. */
int depot_link(struct depot *depot, const char *name, const char *path);
/* What a file would be called here. 0 or an error. */
int depot_hash_file(const char *path, char name[DEPOT_NAME_SIZE]);
/* Is its content what its name says? *size may be NULL. */
int depot_check(struct depot *depot, const char *name, uint64_t *size);
bool depot_has(struct depot *depot, const char *name); /* without reading it */

struct depot_item {
    const char *name;
    uint64_t size;
    int64_t modified_ns; /* when it was written, or found to be needed again */
};
/* In no order. take() ends the walk by returning anything but 0, which is then returned. */
int depot_list(struct depot *depot, int (*take)(void *context, const struct depot_item *item), void *context);
int depot_remove(struct depot *depot, const char *name);
/* Remove whatever keep() denies, and what is left of writers that ended. Names that nobody here gives are
 * left alone. */
struct depot_swept {
    uint64_t removed, octets, kept, kept_octets;
};
int depot_sweep(struct depot *depot, bool (*keep)(void *context, const struct depot_item *item),
                void *context, struct depot_swept *swept);
