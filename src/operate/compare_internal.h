/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A comparison in the making, shared by its files. Internal to the folder. */
#pragma once

#include "operate/compare.h"
#include "zone/zone.h"

#define COMPARE_NONE UINT32_MAX /* not steered */

/* Names that had the one policy and have the other one now. */
struct compare_entry {
    uint32_t policy[2];
    uint16_t types[2]; /* bits of each policy */
    uint32_t count;
    const char *owner; /* of the first one */
    /* Where one side steers types that the other one does not: of names with the same static records in place
     * of them, the first one's node; NULL: there is none, or all types are steered on both sides. */
    const struct zone *zone[2];
    const struct zone_node *node[2];
    uint64_t statics; /* a number of those records */
    bool is_told;
};

/* What is told of a class in the end; again a few octets, since there may be many. */
struct compare_row {
    uint32_t entry, types; /* types: bits of compare_list_types() */
    uint16_t class_id[2];
    uint8_t severity;
};

/* Two trees, and which classes clients have with them. */
struct compare_trees {
    const struct geo_tree *tree[2];
    size_t first, count; /* pairs */
};

struct compare_pairs {
    uint16_t (*items)[2];
    size_t count, capacity;
    struct compare_trees *trees;
    size_t tree_count, tree_capacity;
    uint32_t *tree_slots; /* 1 + number, by hash */
    size_t tree_slot_count;
    uint32_t *slots; /* likewise; of the pairs of the last trees */
    size_t slot_count;
};

struct comparing {
    const struct operate_compare *compare;
    struct arena *arena;
    struct operate_comparison *comparison;
    struct compare_entry *entries;
    size_t entry_count, entry_capacity;
    uint32_t *slots; /* entries by hash: 1 + number, 0: none */
    size_t slot_count;
    uint32_t *same;    /* of each endpoint after: the number of the same one before, or a number of its own */
    uint64_t *keys[2]; /* of each endpoint, what it is by its addresses */
    size_t counts[2];  /* endpoints */
    bool has_other_statics; /* of the zone that is looked at */
    bool is_same_state; /* policies that are alike answer alike: endpoints, places and words are the same */
    double *share[2];   /* by those numbers; all 0 between two looks */
    uint64_t *notes[2]; /* likewise */
    double *shares;
    struct steer_choice choice[2];
    const struct zone_rrset *statics[2]; /* that answer in the place of a choice; NULL: none */
    struct compare_pairs pairs;
    struct compare_row *rows;
    size_t row_count, row_capacity;
};

enum { COMPARE_TYPES_MAX = 2 * STEER_TYPES_MAX };

static inline bool compare_is_called_off(const struct comparing *c)
{
    return c->compare->report != NULL && report_is_cancelled(c->compare->report);
}

/* NULL: that side is static. */
static inline const struct steer_policy *compare_policy(const struct comparing *c,
                                                        const struct compare_entry *entry, int side)
{
    return entry->policy[side] == COMPARE_NONE
               ? NULL
               : steer_set_get(c->compare->view[side]->steer, entry->policy[side]);
}

/* The number of a member's endpoint, the same on both sides. */
static inline uint32_t compare_number(const struct comparing *c, const struct steer_policy *policy,
                                      size_t member, int side)
{
    uint32_t endpoint = policy->members[member].endpoint;
    return side == 0 ? endpoint : c->same[endpoint];
}

static inline uint64_t compare_hash(uint64_t hash, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

#define COMPARE_HASH_START UINT64_C(0xcbf29ce484222325)

/* ---- compare_note.c ---- */

/* An object differs in a key; item: its name, or NULL. */
void compare_note(struct comparing *c, enum operate_scope scope, const char *key, const char *item,
                  size_t times);
/* DNS types that either side steers, in a fixed order. */
unsigned compare_list_types(const struct comparing *c, const struct compare_entry *entry,
                            uint16_t types[COMPARE_TYPES_MAX]);

/* ---- compare_endpoints.c ---- */

void compare_match_endpoints(struct comparing *c);

/* ---- compare_policy.c: members, and settings that differ ---- */

/* Returns whether both policies are the same in all that answers depend on. */
bool compare_policies(struct comparing *c, const struct compare_entry *entry);

/* ---- compare_classes.c ---- */

/* Classes that some client has on both sides; *count of them, until the next call. */
const uint16_t (*compare_find_pairs(struct comparing *c, const struct compare_entry *entry,
                                    size_t *count))[2];
void compare_free_pairs(struct compare_pairs *pairs);

/* ---- compare_answers.c ---- */

void compare_answers(struct comparing *c, uint32_t entry_at);
void compare_tell_moves(struct comparing *c);

/* ---- compare_conf.c: of the server, of zones and the topology ---- */

void compare_documents(struct comparing *c);

/* ---- compare_zones.c ---- */

void compare_zones(struct comparing *c);
/* The zone that answers for a name on a side, and the name's node there; NULL: there is none, or nothing of
 * it is answered. */
const struct zone_node *compare_find_node(const struct comparing *c, int side, const char *owner,
                                          const struct zone **zone);
/* One more name or zone with this fate. */
void compare_count(struct comparing *c, struct operate_counts *counts, const char *name,
                   const uint32_t numbers[2]);
uint32_t compare_count_records(const struct zone_node *node);

/* ---- compare_story.c ---- */

void compare_tell_story(struct arena *arena, struct operate_comparison *comparison);
