/* SPDX-License-Identifier: BSD-3-Clause
 *
 * All objects of the store as they were right after an entry of its journal, in memory: to look one up, to
 * walk them, and to compare two moments. They come from the nearest recovery point before it and the journal
 * from there; without one from the journal alone. Recovery points themselves (kind "point") are left out: who
 * goes back in time does not forget them. Waits for a disk. */
#pragma once

#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OBJECTS_POINT "point" /* the kind that is left out */

struct objects;

enum { OBJECTS_WHY_SIZE = 256 };

struct objects_ask {
    struct store_reader *reader;
    const char *folder; /* of the state: where the blobs of points are; NULL: go without */
    uint64_t seq;       /* right after this entry; 0: before the first one */
    int64_t wall_ms;    /* what had expired by then is left out; 0: nothing is */
};

/* 0 and owned; else what the reader says, and why. */
int objects_open(const struct objects_ask *ask, struct objects **objects, char why[OBJECTS_WHY_SIZE]);
void objects_close(struct objects *objects); /* NULL is fine */

/* By kind and key. Borrowed from the set. */
size_t objects_count(const struct objects *objects);
const struct store_object *objects_get(const struct objects *objects, size_t i);
const struct store_object *objects_find(const struct objects *objects, const char *kind, const char *key);
/* The seq of the point that it was made from; 0: of none. */
uint64_t objects_get_base(const struct objects *objects);

/* Each object that is not the same in both, by kind and key: `before` or `after` is NULL where it is not
 * there. Values are compared, not revisions. `got` returns false to end the walk. */
void objects_compare(const struct objects *before, const struct objects *after,
                     bool (*got)(void *context, const struct store_object *before,
                                 const struct store_object *after),
                     void *context);

/* A set of one's own, for what comes from a file: add in any order, then sort. Texts are copied. */
struct objects *objects_new(void);
void objects_add(struct objects *objects, const struct store_object *object);
/* false: *twice is there twice, and both are left. */
bool objects_sort(struct objects *objects, const struct store_object **twice);

/* The last entry of the journal. seq 0: there is none. */
struct objects_end {
    uint64_t seq;
    int64_t wall_ms;
    unsigned char hash[STORE_HASH_SIZE];
};
int objects_find_end(struct store_reader *reader, struct objects_end *end);
