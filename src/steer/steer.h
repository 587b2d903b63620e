/* SPDX-License-Identifier: BSD-3-Clause
 *
 * (policy, client class, health table) -> ordered members: which of a steered name's endpoints answer. Pure:
 * no I/O, no clock, no allocation while choosing. The same evaluation serves queries, explain and drills.
 *
 * A choice is made in two steps. steer_evaluate() reads the health words: the first tier with a member that
 * serves wins, else the fallback. Its result depends on nothing but the table, so it is cached per (policy,
 * class) and stamped with the table's generation. steer_pick() then draws from it per query. */
#pragma once

#include "base/addr.h"
#include "base/random.h"
#include "geo/geo.h"
#include "health/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum steer_pick { STEER_PICK_WEIGHTED, STEER_PICK_ROUND_ROBIN, STEER_PICK_ALL };
enum steer_fallback {
    STEER_FALLBACK_ALL,
    STEER_FALLBACK_STATIC,
    STEER_FALLBACK_NODATA,
    STEER_FALLBACK_SERVFAIL
};

enum { STEER_ANSWERS_MAX = 64, STEER_MEMBERS_MAX = 65535, STEER_CLASSES_MAX = 65535 };

/* What a member has records of. */
enum steer_types { STEER_HAS_A = 1, STEER_HAS_AAAA = 2 };

struct steer_member {
    uint32_t endpoint, az, region; /* indices in the health table */
    uint32_t weight;
    uint8_t types; /* enum steer_types, or-ed */
};

struct steer_tier {
    const char *label;
    const uint16_t *members; /* indices into the policy's members */
    uint16_t count;
};

/* A class of clients: by rules, by the nearest places, or everybody else. Class 0 is what a client gets of
 * whom nothing is known. */
struct steer_class {
    const char *label; /* "default", "geo[0]", "nearest(us-east,eu-west)" … */
    const struct steer_tier *tiers;
    uint16_t tier_count;
};

struct steer_policy {
    uint32_t id; /* index in its set */
    enum steer_pick pick;
    enum steer_fallback fallback;
    uint16_t answers; /* 1..STEER_ANSWERS_MAX */
    uint16_t member_count, class_count;
    const struct steer_member *members;
    const struct steer_class *classes;
    const struct geo_tree *geo; /* NULL: one class, scope 0 */
    const char *geo_label; /* of the tree's rules, for explain: "geo", or the name of a set; may be NULL */
    uint32_t cache_at;     /* first slot of this policy in a cache */
};

/* ---- sets: all policies of a view, identical ones once ---- */

struct steer_set;

struct steer_set *steer_set_new(void);
/* A set that has all policies of `base` under the same ids, and to which more may be added while others read
 * base. What it shares with base lives as long as either. */
struct steer_set *steer_set_extend(const struct steer_set *base);
void steer_set_free(struct steer_set *set);
/* Copies the plan (its geo tree included by taking ownership: it is freed if one with the same key exists
 * already; identity of trees is judged by geo_key, a hash of rules and databases). id and cache_at of the
 * plan are ignored. Returns the policy's id. */
uint32_t steer_set_add(struct steer_set *set, const struct steer_policy *plan, struct geo_tree *geo,
                       uint64_t geo_key);
/* The tree with this key, or NULL. If there is one, steer_set_add() may be called with geo NULL and the key,
 * and the tree need not be built again: policies with the same key share one. A key of 0 names no tree. */
const struct geo_tree *steer_set_find_geo(const struct steer_set *set, uint64_t geo_key);
size_t steer_set_count(const struct steer_set *set);
/* How many of them were added by extending: some may be of no use any more. */
size_t steer_set_count_added(const struct steer_set *set);
const struct steer_policy *steer_set_get(const struct steer_set *set, uint32_t id);

/* ---- evaluating ---- */

enum steer_source {
    STEER_FROM_TIER,
    STEER_FROM_ALL,    /* fallback all: nothing qualifies, everything that is not drained is offered */
    STEER_FROM_STATIC, /* fallback: the zone file's records */
    STEER_FROM_NODATA,
    STEER_FROM_SERVFAIL,
};

const char *steer_source_text(enum steer_source source); /* "tier" "all" "static" "nodata" "servfail" */

struct steer_choice {
    uint64_t generation; /* of the table it was made from; 0: never made */
    enum steer_source source;
    uint16_t tier;  /* with STEER_FROM_TIER */
    uint16_t count; /* members */
    uint32_t total_weight;
    uint32_t next;     /* round robin; steer_evaluate() leaves it alone */
    uint32_t *weights; /* cumulative: weights[count - 1] == total_weight */
    uint16_t *members; /* of the policy, in order; both have room for member_count of them, or for as many as
                        * all tiers of the class hold together if that is less */
};

/* What evaluate looked at, for explain: one entry per tier up to the one that serves. */
struct steer_trace {
    struct {
        uint16_t serving; /* members of the tier that may serve, of any type */
    } * tiers;            /* room for tier_count of the class */
    uint16_t considered;
};

/* Fill choice (its arrays are the caller's) for records of `types` (one of enum steer_types). The tier is
 * decided by health alone, so that A and AAAA of a name come from the same place; a tier without records of
 * the type is an empty choice (NODATA). trace may be NULL. */
void steer_evaluate(const struct steer_policy *policy, uint16_t class_id, uint8_t types,
                    const struct health_table *table, struct steer_choice *choice, struct steer_trace *trace);

/* Draw from a choice: returns how many members went to out (at most answers, or all of them with pick "all").
 */
size_t steer_pick(const struct steer_policy *policy, struct steer_choice *choice, struct random *random,
                  uint16_t out[STEER_ANSWERS_MAX]);

/* The chance of each member of the choice to be in an answer, 0..1; odds has room for choice->count. */
void steer_odds(const struct steer_policy *policy, const struct steer_choice *choice, double *odds);

/* ---- caching: one cache per DNS thread and set, used by that thread only ---- */

struct steer_cache;

struct steer_cache *steer_cache_new(const struct steer_set *set);
void steer_cache_free(struct steer_cache *cache);
/* The choice for (policy, class, type), evaluated if the table has moved on. Valid until the next call. */
struct steer_choice *steer_cache_get(struct steer_cache *cache, const struct steer_policy *policy,
                                     uint16_t class_id, uint8_t types, const struct health_table *table);

/* Class of a client, and the ECS scope prefix length (0 where geography plays no part). */
struct geo_match steer_find_class(const struct steer_policy *policy, const struct addr *client);
