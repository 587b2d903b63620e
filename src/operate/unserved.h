/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The last place: which names would be left with nobody to serve them.
 *
 * A name is served for a class of clients and a type of records if its answers are drawn from at least one
 * endpoint that serves: one that is healthy, unknown or forced up, and that has records of the type. It is
 * unserved if only such are left that do not (fallbacks "all" and "first" offer the dead, too), or the zone
 * file's records, or none at all. What would be unserved at the same moment without the override is not its
 * fault; nor is anything while it ends a drain or is "up": that is what somebody wants back.
 *
 * The moments are those at which the override, what it replaces, or another one that was accepted starts or
 * ends; health is as it is now. Where there are more than MOMENTS_MAX (moments.h), neighbours are one: drains
 * count for all of it, and what is `up` counts for nothing. */
#pragma once

#include "base/arena.h"
#include "base/progress.h"
#include "operate/subject.h"
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
    int64_t from_ms;        /* wall: nobody is before; 0: at once */
    struct subject subject; /* all names and types, and as the amount of how many classes */
};

struct operate_rates;

struct operate_unserved_ask {
    const struct view *view;           /* whose names, policies and table */
    const struct health_spell *wish;   /* AUTO: what if there were none? NULL: see `after` */
    const struct health_spell *spells; /* all that were accepted */
    size_t spell_count;
    /* Without a wish: what is asked about is that these would be all that are accepted. Costs a look at each
     * endpoint, and at each policy with a member that is in another state then. */
    const struct health_spell *after;
    size_t after_count;
    int64_t wall_ms; /* now */
    size_t limit;    /* names to list */
    struct progress *progress;
    /* For safety rules (rules.h): what is known of each pair of the topology that replicates. */
    const struct health_lag_status *lags;
    size_t lag_count;
    int64_t last_move_ms;              /* wall: when a region left or came back last; 0: as the table says */
    const struct operate_rates *rates; /* by which names weigh that are drained; NULL: alike */
};

/* Only policies with a member in the target are evaluated, and for a moment only if one of their members is
 * in another state then; so it costs what is concerned: of an az or a region a look at each policy and each
 * name, and some evaluations. Strings are copied to the arena. 0 or ERROR_CANCELLED. */
int operate_find_unserved(const struct operate_unserved_ask *ask, struct arena *arena,
                          struct operate_unserved *unserved);
