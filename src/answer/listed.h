/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steered RRsets of any rdata: members are lists of records. Private to answer. */
#pragma once

#include "answer/rrset.h"

/* Numbers of records that were seen. */
struct listed_numbers {
    uint64_t words[ZONE_SINGLES_MAX / 64];
};

/* Members that answer together, and where their records stand: in the order of members, each record once. */
struct listed_crowd {
    const struct zone_listed *listed;
    uint16_t members[STEER_ANSWERS_MAX];
    size_t count;
    size_t from;
    const struct zone_rrset *rrset; /* with one member: its records as an RRset */
};

static inline void listed_clear(struct listed_numbers *numbers, unsigned count)
{
    memset(numbers->words, 0, (count + 63u) / 64 * sizeof *numbers->words);
}

/* Returns whether it is the first time. */
static inline bool listed_note(struct listed_numbers *numbers, unsigned number)
{
    uint64_t *word = &numbers->words[number / 64], bit = UINT64_C(1) << number % 64;
    bool is_new = (*word & bit) == 0;
    *word |= bit;
    return is_new;
}

/* What the choice in hand (work->choice) gives. Beyond RRSET_DONE and RRSET_ALIAS the crowd says nothing. */
enum rrset_outcome listed_add(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                              struct reply_place place, struct listed_crowd *crowd);
