/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One reload under way: for carry.c, which takes objects over, and carry_dormant.c, which does that for
 * overrides without a target. */
#pragma once

#include "health/guard_inside.h"
#include "health/health.h"
#include "health/machine.h"
#include "health/match.h"

/* What the old machine says of an object. */
struct health_kept {
    int64_t since_ms;
    struct health_outage outages[HEALTH_VIEWS];
    struct health_fallen fallen;
    enum health_state state;
};

struct health_carrier {
    struct health *to, *from;
    int64_t wall_ms;
    struct health_match match;
    size_t fresh_left;                      /* of those, to be carried again: an az or region has changed */
    struct health_kept *kept[HEALTH_KINDS]; /* of each new object */
    size_t done;                            /* of all objects, in the first turn */
    bool watches, is_settled;
    uint64_t dormant_changes; /* of `from`, when its dormant overrides were taken over */
    uint64_t *stamps;         /* likewise, of each block of them */
    size_t blocks_done;       /* of those, in the first turn */
    size_t orphans_done;      /* of all old objects, likewise */
    struct health_journal journal;
    struct health_carrier_hook hook;
    struct health_listener listener; /* of `to`, until the end */
    struct health_place *touched;    /* while catching up: new objects that changed */
    size_t touched_count, touched_capacity;
};

/* ---- carry_dormant.c ---- */

/* Of `to`: it is another object than before, and is to be put right. */
void health_carrier_note(void *context, const struct health_change *change);

/* The next blocks of dormant overrides, and then the next old objects that are gone and have one. Return
 * whether there are more. */
bool health_carrier_take_blocks(struct health_carrier *c, size_t count);
bool health_carrier_take_orphans(struct health_carrier *c, size_t count);
/* The override of an object that is not here any more. */
void health_carrier_take_orphan(struct health_carrier *c, enum health_kind kind, uint32_t old);
/* What changed since. Returns whether anything did. */
bool health_carrier_take_blocks_again(struct health_carrier *c);
