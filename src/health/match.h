/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who is who in two machines of different plans, for carry.c: found once, from what plans say alone, so
 * without a lock. */
#pragma once

#include "health/health.h"

enum { HEALTH_NEW = UINT32_MAX }; /* there is no such object in the other machine */

struct health_match {
    bool is_same_plan;                 /* everybody has the same number; all else is NULL */
    uint32_t *old[HEALTH_REGION + 1];  /* of each new object: that of its name */
    uint32_t *next[HEALTH_REGION + 1]; /* of each old object: likewise */
    uint32_t *seen;                    /* of each new endpoint: who was observed at its addresses */
    uint32_t *first_heir, *next_heir;  /* of each old endpoint: who is seen in it */
    uint32_t *monitors;                /* of each new monitor: the one that it goes on from */
    bool *is_exact;                    /* with all of its history, else with its verdict */
    uint32_t *fresh;                   /* new endpoints that have a monitor without such a one */
    size_t fresh_count;
    size_t gone_count; /* old objects whose name nobody has */
};

void health_match_init(struct health_match *match, const struct health *to, const struct health *from);
void health_match_fini(struct health_match *match);

static inline uint32_t health_match_old(const struct health_match *match, enum health_kind kind,
                                        uint32_t index)
{
    return match->is_same_plan ? index : match->old[kind][index];
}

static inline uint32_t health_match_next(const struct health_match *match, enum health_kind kind,
                                         uint32_t old)
{
    return match->is_same_plan ? old : match->next[kind][old];
}

/* Who it was, as far as its state is concerned. */
static inline uint32_t health_match_seen(const struct health_match *match, enum health_kind kind,
                                         uint32_t index)
{
    bool is_seen = !match->is_same_plan && kind == HEALTH_ENDPOINT && match->seen[index] != HEALTH_NEW;
    return is_seen ? match->seen[index] : health_match_old(match, kind, index);
}
