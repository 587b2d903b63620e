/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The last place: which names would be left with nobody to serve them.
 *
 * A name is served for a class of clients and a type of records if its answers are drawn from at least one
 * endpoint that serves: one that is healthy, unknown or forced up, and that has records of the type. It is
 * unserved if only such are left that do not (fallbacks "all" and "first" offer the dead, too), or the zone
 * file's records, or none at all. What was unserved before is nobody's fault. */
#pragma once

#include "base/arena.h"
#include "view/view.h"

#include <stddef.h>
#include <stdint.h>

enum { OPERATE_UNSERVED_TYPES = STEER_TYPES_MAX + 1 };

struct operate_unserved_name {
    const char *name, *zone;
    const char *types[OPERATE_UNSERVED_TYPES]; /* that somebody gets no more; NULL ends them */
    const char *class_label;                   /* the first class of clients that is concerned */
    uint32_t class_count;                      /* how many are */
};

struct operate_unserved {
    struct operate_unserved_name *names; /* the first ones, by name */
    size_t count, total;
};

struct operate_unserved_ask {
    const struct view *view;          /* whose names and policies */
    const struct health_table *after; /* instead of the view's table */
    int64_t wall_ms;                  /* now */
    size_t limit;                     /* names to list */
};

/* Only policies with a member whose state differs are evaluated, so it costs what is concerned: one look at
 * each membership and each name, and some evaluations. Strings are copied to the arena. */
void operate_find_unserved(const struct operate_unserved_ask *ask, struct arena *arena,
                           struct operate_unserved *unserved);
