/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which configurations can still be had: the depot loses those that served before the oldest recovery point
 * that goes by itself, but for those of points with a name. Found by looking, since the rule may have been
 * another one. Waits for a disk. */
#pragma once

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

struct progress;
struct store_reader;

enum { WHOLE_POINTS_MAX = 100 };

struct whole_point {
    const char *id;
    int64_t time_ms; /* wall */
};

struct whole {
    int64_t since_ms; /* wall: every one that served since then is there; 0: not even the present one */
    struct whole_point *points; /* older ones with a name that have theirs, the latest first */
    size_t count;
};

struct whole_ask {
    struct store_reader *reader;
    const char *folder;              /* of the state */
    const struct progress *progress; /* NULL: nobody calls it off */
};

/* 0, or what the reader says. Looks at all files of the oldest one and of points, and at the lists only of
 * those in between. */
int whole_find(const struct whole_ask *ask, struct arena *arena, struct whole *whole);
