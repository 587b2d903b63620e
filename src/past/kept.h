/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The recovery points that a store has, and what of the depot they need. Waits for a disk. */
#pragma once

#include "past/objects.h"
#include "past/points.h"

struct progress;

/* Those that can be read, the latest first (by seq); in the arena. */
struct kept_list {
    struct point *items;
    uint64_t *revisions;
    size_t count, unread;
};

int kept_list(struct store_reader *reader, struct arena *arena, struct kept_list *list);
/* Its object. ERROR_NOT_FOUND; else what the reader says. */
int kept_get(struct store_reader *reader, const char *id, struct arena *arena, struct store_object *object);
/* That and what it means; ERROR_SYNTAX and why, static, if it cannot be read. */
int kept_get_point(struct store_reader *reader, const char *id, struct arena *arena, struct point *point,
                   const char **why);

/* A moment as somebody asks for it: the ID of a point, an RFC 3339 time, or how long ago that was. */
struct kept_moment {
    uint64_t seq;    /* what was right after this entry */
    int64_t wall_ms; /* what was asked for; of a point when it was made */
    const char *id;  /* of the point; NULL: it is a time */
};

/* 0; ERROR_SYNTAX: it is none of these; ERROR_INVALID: it is yet to come; ERROR_NOT_FOUND: there is no such
 * point, or the journal begins later; else what the reader says. With words in `why`. */
int kept_find_moment(struct store_reader *reader, const char *text, int64_t now_ms, struct arena *arena,
                     struct kept_moment *moment, char why[OBJECTS_WHY_SIZE]);

/* Which configuration served, of the objects of that moment: manifest and generation of the point are set. */
void kept_find_configuration(const struct objects *objects, struct arena *arena, struct point *point);

/* Remove what neither a point needs nor what served at any moment since the oldest of those that go by
 * themselves (if there are none, of those that were made by hand); of what was written or needed at or after
 * before_ms nothing. Whoever puts into the depot waits meanwhile. */
struct kept_sweep {
    struct store_reader *reader;
    const char *folder;         /* of the state */
    const struct point *points; /* all there are */
    size_t count;
    int64_t before_ms; /* wall */
    bool is_forced;    /* whoever holds it off (hold.h) */
    const struct progress *progress;
};

/* 0; else an error and why. Where a manifest cannot be read, nothing is removed. ERROR_BUSY: somebody reads
 * all of it just now. */
int kept_sweep_depot(const struct kept_sweep *sweep, char why[OBJECTS_WHY_SIZE]);
