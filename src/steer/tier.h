/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading the health words of one tier: which members serve, and how much of the tier that is. Internal to
 * the folder. Each member's words are read once: what goes to the choice was seen to serve in that very read,
 * whatever other threads store meanwhile. */
#pragma once

#include "steer/ban.h"
#include "steer/fence.h"
#include "steer/scope.h"
#include "steer/steer.h"

/* Who may answer. Members are never worse than asked for because better ones are there: the caller begins
 * with those who serve. */
enum steer_accepts {
    STEER_ACCEPTS_SERVING,
    STEER_ACCEPTS_SICK, /* those whom checks speak against, too */
    STEER_ACCEPTS_DOWN, /* those whom an operator took for unhealthy, too, but none that is drained */
};

enum { STEER_NO_TIER = UINT16_MAX };

/* One evaluation under way. */
struct steer_reading {
    const struct steer_policy *policy;
    const struct health_table *table;
    struct steer_choice *choice;
    struct steer_ask ask;
    /* Of what is asked. */
    enum health_family family;
    enum steer_accepts accepts;
    const struct steer_ban *ban; /* what may not move; NULL: nobody looks at that */
    struct steer_fence *fence;   /* where what moves is to go; NULL: nobody looks at that */
    uint16_t tier;               /* under way, of the class; STEER_NO_TIER: of no class */
    uint32_t used;               /* members in the choice so far */
    uint32_t listed;             /* entries of `accepted` so far */
    const uint64_t *inside;      /* a bit per member: who counts for another tier already; NULL: nobody */
    bool weighted;     /* the part in the making has a member with a weight: those without are out */
    bool by_type;      /* of the tier under way, only who has records of the type counts */
    uint32_t left_out; /* of the tier under way: who does not, for that */
    bool holds;        /* who came back a moment ago does not serve yet, unless clients had to go there */
    bool admits;       /* of the tier under way: it sufficed before the first of those came back */
    uint64_t latest_left_ms;         /* of the tier under way: when the latest of its members left */
    uint64_t until_ms;               /* wall time from which another evaluation may say something else */
    bool has_held;                   /* there was such a member */
    bool any_shed;                   /* some member sheds everything */
    bool again;                      /* read once more, as if nobody shed anything */
    bool is_stuck;                   /* what is moved off has all answers: nobody else serves */
    unsigned types;                  /* of the member that was read last, as it has them now */
    int32_t failing;                 /* the first member that does not serve or wavers; -1: none so far */
    int32_t planned;                 /* the first one with an override planned or in part; -1: none so far */
    enum health_kind planned_by;     /* … which is what that override is of */
    const struct health_marks *ttls; /* NULL: no override has a TTL, or drains in part */
    uint32_t ttl_s;                  /* the least of overrides so far, STEER_TTL_FREE: none … */
    int32_t limited;                 /* … of the first member that has it; -1: none */
    enum health_kind limited_by;     /* … which is what the override is of */
};

struct steer_measure {
    uint32_t members, serving, left_out; /* as in struct steer_trace_tier */
    double healthy, unshed;              /* likewise; unshed: available */
    double available;                    /* what serves, less what it sheds, by capacity or number */
    bool qualifies;
    double suffices; /* 0..1: the part of all answers that the tier can take; 0: does not qualify */
};

/* Acquired, also though the generation was before: a word may be newer than the generation that was read, and
 * all that is stored before the word has to be seen by who saw the word, at once and for as long as the
 * choice is kept (health/table.h). The same as one acquire fence behind all words, which ThreadSanitizer
 * would not understand; for x86 it is nothing. */
static inline uint32_t tier_load(const _Atomic uint32_t *words, uint32_t index)
{
    return atomic_load_explicit(&words[index], memory_order_acquire);
}

/* What a member's words say: its own as if both families were the one that is asked for, its az's, its
 * region's. */
static inline void tier_load_words(const struct steer_reading *reading, uint16_t index, uint32_t words[3])
{
    const struct steer_member *member = &reading->policy->members[index];
    const struct steer_place *place = &reading->policy->places[member->endpoint];
    const struct health_table *table = reading->table;
    words[0] = health_word_of(tier_load(table->endpoints, member->endpoint), reading->family);
    words[1] = tier_load(table->azs, place->az);
    words[2] = tier_load(table->regions, place->region);
    if (((words[0] | words[1] | words[2]) & HEALTH_WORD_SCOPED) != 0) {
        scope_narrow(reading, index, words);
    }
}

/* An empty part behind what is there. */
void tier_begin(struct steer_reading *reading, struct steer_part *part);

/* The members of the tier that serve and have records of the type become parts of the choice, one for each
 * group, behind those that are there. Returns how many parts. */
size_t tier_read(struct steer_reading *reading, const struct steer_tier *tier, struct steer_part *parts,
                 struct steer_measure *measure);

/* Add what is not drained of this list to a part; returns whether there was any, of any type. `seen` (a bit
 * per member of the policy, all clear at first) keeps members from being offered twice. */
bool tier_offer(struct steer_reading *reading, const uint16_t *members, size_t count, struct steer_part *part,
                uint64_t *seen);

/* Cumulative weights of a part. */
void tier_weigh(const struct steer_reading *reading, struct steer_part *part);
