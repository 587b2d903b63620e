/* SPDX-License-Identifier: BSD-3-Clause
 *
 * (policy, client class, health table) -> ordered members: which of a steered name's endpoints answer. Pure:
 * no I/O, no clock, no allocation while choosing. The same evaluation serves queries, explain and drills.
 *
 * A choice is made in two steps. steer_evaluate() reads the health words: tiers in order of preference get
 * shares of the answers, usually the first that serves all of them, else the fallback. Its result depends on
 * nothing but the table, so it is cached per (policy, class) and stamped with the table's generation.
 * steer_pick() then draws from it per query. */
#pragma once

#include "base/addr.h"
#include "base/random.h"
#include "geo/geo.h"
#include "health/table.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum steer_pick { STEER_PICK_WEIGHTED, STEER_PICK_ROUND_ROBIN, STEER_PICK_ALL, STEER_PICK_STICKY };
enum steer_fallback {
    STEER_FALLBACK_ALL,
    STEER_FALLBACK_STATIC,
    STEER_FALLBACK_NODATA,
    STEER_FALLBACK_SERVFAIL,
    STEER_FALLBACK_FIRST
};

static inline const char *steer_pick_text(enum steer_pick pick)
{
    static const char *const texts[] = {[STEER_PICK_WEIGHTED] = "weighted",
                                        [STEER_PICK_ROUND_ROBIN] = "round-robin",
                                        [STEER_PICK_ALL] = "all",
                                        [STEER_PICK_STICKY] = "sticky"};
    return texts[pick];
}

static inline const char *steer_fallback_text(enum steer_fallback fallback)
{
    static const char *const texts[] = {[STEER_FALLBACK_ALL] = "all",
                                        [STEER_FALLBACK_STATIC] = "static",
                                        [STEER_FALLBACK_NODATA] = "nodata",
                                        [STEER_FALLBACK_SERVFAIL] = "servfail",
                                        [STEER_FALLBACK_FIRST] = "first"};
    return texts[fallback];
}

/* Of what several weighted answers have to be different ones. */
enum steer_apart { STEER_APART_NOTHING, STEER_APART_AZ, STEER_APART_REGION };

enum { STEER_ANSWERS_MAX = 64, STEER_MEMBERS_MAX = 65535, STEER_CLASSES_MAX = 65535 };

/* What a member has records of: one bit per type of its policy. The first two are the same in every policy,
 * further ones are what the policy's list of types says. */
enum steer_types { STEER_HAS_A = 1, STEER_HAS_AAAA = 2 };
enum { STEER_TYPES_MAX = 16, STEER_TYPES_FIXED = 2 };

/* What is the same of an endpoint in every policy. */
struct steer_place {
    uint32_t az, region; /* indices in the health table */
    uint32_t capacity;
    uint32_t host;     /* 1 + index of the host that it is (view/hosts.h); 0: none */
    uint64_t identity; /* the same in every view and on every server: for sticky picks */
};

/* There may be ten million of them. */
struct steer_member {
    uint32_t endpoint : 30; /* index in the health table, and of its place */
    uint32_t has_host : 1;  /* it has the addresses of its host besides */
    uint32_t is_alias : 1;  /* answers with a CNAME in the place of addresses */
    uint16_t weight;
    uint16_t types; /* one bit per type of the policy, or-ed */
};

/* How much of a tier has to be there: a share of it (0 < share <= 1), or a number of members. Both 0: not
 * given. */
struct steer_need {
    double share;
    uint32_t count;
};

struct steer_table; /* sticky.c: clients to members */

/* Members of a tier that have a share of it in common, such as a canary's 5 %. */
struct steer_group {
    uint16_t count;                  /* the next so many members of the tier */
    double share;                    /* of the tier, 0..1; 0: what the others leave */
    const struct steer_table *table; /* made by steer_set_add() for sticky picks, else NULL */
};

/* Members with a weight are what a group normally consists of; those without one (standby) count where no
 * other of it serves. A share is measured by capacity where by_capacity says so, else by number. */
struct steer_tier {
    const char *label;
    const uint16_t *members; /* indices into the policy's members; one is in one tier of a class only */
    uint16_t count;
    struct steer_need min_healthy; /* with less the tier is passed over; not given: one member */
    struct steer_need spill_below; /* with less the missing share goes to the next tiers */
    double trickle; /* this share of answers goes here when it would get less; 0 <= trickle < 1 */
    bool by_capacity;
    const struct steer_group *groups; /* of the members, in their order; NULL: one group */
    uint16_t group_count;
};

/* A class of clients: by rules, by the nearest places, or everybody else. Class 0 is what a client gets of
 * whom nothing is known. */
struct steer_class {
    const char *label; /* "default", "geo[0]", "nearest(us-east,eu-west)" … */
    const struct steer_tier *tiers;
    uint16_t tier_count;
    bool spread; /* what the first tier cannot take goes to all others by capacity, not to the next one */
    bool fenced; /* answers never leave the tiers; told by explain, compiled into what is offered and rest */
    bool has_fallback;             /* of its own, else the policy's */
    enum steer_fallback fallback;  /* likewise */
    const struct steer_tier *pool; /* serves where no tier does, before the fallback; NULL: none */
    const struct steer_tier *rest; /* where fallback "first" looks behind the tiers, for whom these do not
                                      have; it may have their members besides; NULL: nowhere */
    /* What fallback "all" offers: NULL: the members of the tiers. */
    const uint16_t *offered;
    uint16_t offered_count;
    /* Sticky and fallback "all": what is offered, one after another, as a group; made by steer_set_add(). */
    const uint16_t *offer;
    const struct steer_group *offer_group;
};

struct steer_policy {
    uint32_t id; /* index in its set */
    enum steer_pick pick;
    enum steer_fallback fallback;
    uint16_t answers; /* 1..STEER_ANSWERS_MAX */
    uint16_t member_count, class_count;
    enum steer_apart apart; /* of STEER_PICK_WEIGHTED: fewer answers where there are fewer of these */
    uint16_t type_count;    /* of types; a set makes it at least STEER_TYPES_FIXED */
    uint16_t types[STEER_TYPES_MAX]; /* the DNS type that bit n stands for; a set fills in A and AAAA */
    const struct steer_member *members;
    const struct steer_place *places; /* by endpoint; those of the set, if that was given any */
    const struct steer_class *classes;
    const struct geo_tree *geo; /* NULL: one class, scope 0 */
    /* What the data path asks: `geo`, or what tells nothing where client subnets are not to decide; NULL:
     * nothing depends on the client, or on no more than its prefix. Made by steer_set_add(). */
    const struct geo_tree *subnets;
    struct {
        uint8_t v4_len, v6_len; /* clients in one prefix of this length stick together */
        uint32_t hold_ms;       /* for so long after it came back an endpoint gets no clients; 0: at once */
    } sticky;                   /* of STEER_PICK_STICKY */
    bool has_ttl_failing;
    bool ignores_subnet; /* clients are where their resolvers are, whatever these say */
    bool falls_back; /* where it may not leave a tier and not go elsewhere: to the fallback, else it stays */
    uint32_t ttl_failing;  /* s, at most, while a member of the class does not serve or is about to change, by
                              its checks or by plan */
    const char *geo_label; /* of the tree's rules, for explain: "geo", or the name of a set; may be NULL */
    uint32_t ttl_floor;    /* s: no override limits the TTL to less */
    uint32_t group;        /* of names, 1 + index; 0: none. Overrides may be about some of these only */
    uint32_t cache_at;     /* first slot of this policy in a cache */
    uint32_t offered_at;   /* of the first member among what a cache counts */
};

/* ---- sets: all policies of a view, identical ones once ---- */

struct steer_set;

struct steer_set *steer_set_new(void);
/* Before any policy: all endpoints, copied. Without, policies borrow the places of their plans. */
void steer_set_give_places(struct steer_set *set, const struct steer_place *places, size_t count);
/* A set that has all policies of `base` under the same ids, and to which more may be added while others read
 * base. What it shares with base lives as long as either. */
struct steer_set *steer_set_extend(const struct steer_set *base);
void steer_set_free(struct steer_set *set);
const struct steer_place *steer_set_places(const struct steer_set *set); /* NULL: it was given none */
/* Copies the plan (its geo tree included by taking ownership: it is freed if one with the same key exists
 * already; identity of trees is judged by geo_key, a hash of rules and databases). id and cache_at of the
 * plan are ignored. Returns the policy's id. */
uint32_t steer_set_add(struct steer_set *set, const struct steer_policy *plan, struct geo_tree *geo,
                       uint64_t geo_key);
/* The tree with this key, or NULL. If there is one, steer_set_add() may be called with geo NULL and the key,
 * and the tree need not be built again: policies with the same key share one. A key of 0 names no tree. */
const struct geo_tree *steer_set_find_geo(const struct steer_set *set, uint64_t geo_key);
size_t steer_set_count(const struct steer_set *set);
/* A number for a name that has a policy of the set, under which its answers are counted. No other name of the
 * set has it, nor of those that extend it or that it extends. */
uint32_t steer_set_number_name(struct steer_set *set);
size_t steer_set_count_names(const struct steer_set *set); /* numbers given out so far, by all of these */
/* Does a policy have ttl_failing? Then health has to tell of verdicts that waver. */
bool steer_set_has_ttl_failing(const struct steer_set *set);
/* How many of them were added by extending: some may be of no use any more. */
size_t steer_set_count_added(const struct steer_set *set);
const struct steer_policy *steer_set_get(const struct steer_set *set, uint32_t id);
/* The bit of a DNS type, or 0: the policy's names have no steered records of it. */
uint16_t steer_find_type(const struct steer_policy *policy, uint16_t type);
/* All of them, by id; until the next one is added. */
const struct steer_policy *const *steer_set_policies(const struct steer_set *set);

static inline const struct steer_place *steer_get_place(const struct steer_policy *policy, size_t member)
{
    return &policy->places[policy->members[member].endpoint];
}

/* The az or region of a member, as far as answers have to be apart. */
static inline uint32_t steer_get_apart(const struct steer_policy *policy, size_t member)
{
    const struct steer_place *place = steer_get_place(policy, member);
    return policy->apart == STEER_APART_AZ ? place->az : place->region;
}

/* 1 + index of the host whose addresses a member has besides; 0: none. */
static inline uint32_t steer_get_host(const struct steer_policy *policy, size_t member)
{
    return policy->members[member].has_host ? steer_get_place(policy, member)->host : 0;
}

/* ---- evaluating ---- */

enum steer_source {
    STEER_FROM_TIER,
    STEER_FROM_ALL,    /* fallback all: nothing qualifies, everything that is not drained is offered */
    STEER_FROM_STATIC, /* fallback: the zone file's records */
    STEER_FROM_NODATA,
    STEER_FROM_SERVFAIL,
    STEER_FROM_POOL,  /* fallback: a pool of the class */
    STEER_FROM_FIRST, /* fallback first: those who serve of a tier that has less than it needs */
    STEER_FROM_SICK,  /* fallback first, and nobody serves: a tier's members that are not drained */
    STEER_FROM_HELD,  /* a tier as if some of it had not fallen: a rule forbids to leave it */
};

const char *
steer_source_text(enum steer_source source); /* "tier" "all" … "pool" "first" "first_sick" "held" */

/* Does it come from one of the tiers, or from those that come first among what is left? */
static inline bool steer_source_has_tier(enum steer_source source)
{
    return source == STEER_FROM_TIER || source == STEER_FROM_FIRST || source == STEER_FROM_SICK ||
           source == STEER_FROM_HELD;
}

/* What becomes of answers that a rule forbids to leave a tier for where they would go (health/guard.h). */
enum steer_hold {
    STEER_HOLDS_NOTHING,
    STEER_HOLDS,           /* "stay": they stay, with those who fell */
    STEER_HOLDS_ELSEWHERE, /* "elsewhere": they go to a later tier, where they may */
    STEER_HOLDS_BACK,      /* "fallback": the policy has it so, and theirs is the fallback */
};
enum { STEER_HELD_TIERS = 1 << 14 }; /* those behind are never held */

/* Members that are drawn from together: of one group of one tier. A choice has several where a tier spills
 * over or trickles, or a group has a share; first a part is drawn by share, then members of it, so an answer
 * never mixes tiers. */
struct steer_part {
    uint32_t until; /* drawn by a number below this one, of 2^32; the last part takes the rest */
    uint16_t tier;
    uint16_t count; /* members, from `first` of the choice on */
    uint32_t first, total_weight;
    uint32_t listed;                 /* sticky: where the group's members begin in `accepted` */
    const struct steer_group *group; /* NULL: of a fallback without a table */
    const uint16_t *group_members;   /* sticky: all members of the group, as in the tier */
    const struct steer_table *table; /* sticky: of those with a weight, or of standbys */
    uint32_t lots;                   /* sticky: which lots of the table have somebody who serves */
    uint32_t unit;                   /* what a weight of 1 is in `weights`, in 32nds */
    /* Sticky, for choices of several parts, on lines of 2^32: the clients of the group while all groups have
     * somebody; those of the tier's trickle; and how many leave the tier of those whose member serves, and of
     * the others. The last two are of the first part of a tier. */
    uint32_t group_from, group_len, slice_from, slice_len, leave_home, leave_lost;
    double home;     /* sticky: this share of the group's clients has the member that it always has */
    double fraction; /* of its tier */
    double share;    /* of all answers, 0..1; they add up to 1 */
    bool is_home;    /* sticky: the table is the one of quiet times */
    bool holds;      /* sticky: somebody was out lately, see outages */
    bool is_quick;   /* sticky: the first draw is the answer, if it is accepted */
    bool trickles;   /* the tier has no more than its trickle, and would have less */
    bool leaves;     /* an override moves a part of the tier off: leave_home says who leaves */
    bool all_shed;   /* its members shed everything, and have their weights all the same */
};

/* When a member of a policy with a hold was out: ms from two holds ago on; 0: before that, or never. */
struct steer_outage {
    uint32_t left, back;
};

#define STEER_TTL_FREE UINT32_MAX

struct steer_choice {
    uint64_t generation; /* of the table it was made from; 0: never made */
    enum steer_source source;
    uint16_t tier; /* with STEER_FROM_TIER: of the first part; FIRST, SICK: the one, tier_count: the rest */
    uint16_t part_count; /* with one part the choice is that part */
    uint32_t count;      /* members of all parts */
    uint32_t total_weight;
    bool is_single : 1; /* one member, drawn by weight if there are several: see steer_draw_single() */
    /* Of one part, from a tier, with its own TTL besides: the short way that steer_draw_simple() goes. */
    bool is_simple : 1;
    bool is_even : 1; /* a simple one whose members have the same weight */
    /* An enum steer_hold, and if it holds: the tier that is not left. (One octet more, and finding a choice
     * would take longer.) */
    uint16_t hold : 2, held_tier : 14;
    /* Wall time of the evaluation, and how long it is good for, at most 49 days; ms, modulo 2^32. */
    uint32_t made_ms, lasts_ms;
    uint32_t ttl;             /* at most, of records and of their absence; STEER_TTL_FREE: their own */
    uint32_t next;            /* round robin; steer_evaluate() leaves it alone */
    uint32_t outages_at;      /* how far behind `accepted`, see steer_get_outages() */
    uint32_t *weights;        /* cumulative within each part: the last one is its total_weight */
    uint16_t *members;        /* of the policy, part by part, in order */
    struct steer_part *parts; /* all arrays have the room that steer_find_room() says */
    /* Sticky only: of each member of the parts' groups, serving or not: how many of 2^32 draws it takes. */
    uint32_t *accepted;
    /* In a cache, where they stay: answers that were made of it, and of each member of the policy, how often
     * it was in one. Counted by the thread that has the cache, modulo 2^32. */
    _Atomic uint32_t *answered, *offered;
};

/* Of policies with a hold: beside each of `accepted`. */
static inline struct steer_outage *steer_get_outages(const struct steer_choice *choice)
{
    return (struct steer_outage *)(void *)(choice->accepted + choice->outages_at);
}

/* What becomes of answers that an override moves off, and sends to a place. */
enum steer_exit {
    STEER_EXIT_NOWHERE,   /* nothing here is sent, or nobody else would take it: as overrides alone have it */
    STEER_EXIT_SENT,      /* they go there, before anywhere else */
    STEER_EXIT_ELSEWHERE, /* nobody there serves: they go where policies have them */
    STEER_EXIT_SHARED,    /* others had answers, too: likewise */
};

/* What evaluate saw of each tier, for explain. */
struct steer_trace_tier {
    uint32_t members, serving; /* standbys only where they stand in, or are all of a group */
    uint32_t counted;  /* serving as safety rules have it: with who is held, less where these forbid to go */
    uint32_t left_out; /* have no address of the family that is asked for, which others have */
    double healthy;    /* serving, as the share that min_healthy and spill_below are compared with */
    double available;  /* healthy, less what serving members shed */
    double share;      /* of answers */
    bool considered;   /* there was a share left for it, or a trickle is due */
    bool qualifies;    /* has min_healthy */
};

struct steer_trace {
    struct steer_trace_tier *tiers; /* room for tier_count of the class; all are filled */
    /* The first member that ttl_failing is due to: because it does not serve or wavers, and because an
     * override of it is planned, or drains a part of it only; and what that is of. -1: none, or the next is
     * less. */
    int32_t failing, planned;
    enum health_kind planned_by;
    /* The first member of whom an override limits the TTL, and what that is of. -1: none, or ttl_failing is
     * as short. */
    int32_t limited;
    enum health_kind limited_by;
    enum steer_exit exit;
};

/* Memory for choices of a class: */
struct steer_room {
    size_t members, parts, accepted, outages;
};

struct steer_room steer_find_room(const struct steer_policy *policy, uint16_t class_id);
/* For a choice that many evaluations share: make the room, at first all 0, enough for every class of a
 * policy. */
void steer_widen_room(struct steer_room *room, const struct steer_policy *policy);
size_t steer_room_size(struct steer_room room); /* bytes, a multiple of 8 */
/* Give the choice its arrays, in zeroed memory of that size, aligned to 8. */
void steer_choice_init(struct steer_choice *choice, struct steer_room room, void *memory);
struct steer_room steer_choice_room(const struct steer_choice *choice); /* what a copy needs at least */
/* Copy what a choice says; `to` has as much room. */
void steer_choice_copy(struct steer_choice *to, const struct steer_choice *from);
/* Do they lead to the same places? TTLs do not matter. */
bool steer_choice_equal(const struct steer_choice *a, const struct steer_choice *b);

/* What is asked of a policy. */
struct steer_ask {
    uint64_t now_ms; /* wall time, for what depends on it */
    uint16_t class_id;
    uint16_t types;    /* one bit */
    bool ignores_load; /* as if nobody shed or ramped: for what knows no weights */
};

/* Whose health decides about records of a type: who asks for A comes with IPv4, for AAAA with IPv6. */
static inline enum health_family steer_get_family(uint16_t type)
{
    return type == STEER_HAS_A ? HEALTH_V4 : type == STEER_HAS_AAAA ? HEALTH_V6 : HEALTH_ANY;
}

/* Fill choice (its arrays are the caller's) for records of a type. The tier is decided by the health of its
 * family alone, so that A and AAAA of a name come from the same place while both work there: of A and AAAA by
 * the members that have such a record. A tier without any is judged by all of its members and then left out,
 * and if that was all the choice is empty (NODATA). trace may be NULL; it
 * makes evaluate look at all tiers, but changes no answer. */
void steer_evaluate(const struct steer_policy *policy, struct steer_ask ask, const struct health_table *table,
                    struct steer_choice *choice, struct steer_trace *trace);

/* Does one look tell that steer_evaluate() would find somebody? In the first tier there is a member that
 * serves by all means, and one is enough. False: that is not known. */
bool steer_surely_serves(const struct steer_policy *policy, struct steer_ask ask,
                         const struct health_table *table);

/* Wall time (ms) until which a member that came back (with this family) gets no clients of a sticky policy
 * who could be elsewhere, or 0. */
uint64_t steer_find_hold(const struct steer_policy *policy, const struct health_table *table, uint16_t member,
                         enum health_family family, uint64_t now_ms);

/* Draw from a choice: returns how many members went to out (at most answers, or all of them with pick "all").
 * With a sticky policy the client's key decides, and luck plays no part. */
size_t steer_pick_sticky(const struct steer_policy *policy, const struct steer_choice *choice, uint64_t key,
                         uint16_t out[STEER_ANSWERS_MAX]);
size_t steer_pick(const struct steer_policy *policy, struct steer_choice *choice, struct random *random,
                  uint16_t out[STEER_ANSWERS_MAX]);

/* The chance of each member of the choice to be in an answer, 0..1; odds has room for choice->count. */
void steer_odds(const struct steer_policy *policy, const struct steer_choice *choice, double *odds);

/* ---- caching: one cache per DNS thread and set, used by that thread only ---- */

struct steer_cache;

/* What a cache has counted since it was made, modulo 2^32 each. May be read by anybody. */
struct steer_counts {
    const _Atomic uint32_t *names;                    /* by number */
    const _Atomic uint32_t *answered;                 /* by slot: see steer_find_slot() */
    const _Atomic uint32_t *offered;                  /* by offered_at of the policy and member */
    size_t name_count, answered_count, offered_count; /* room */
};

void steer_cache_get_counts(const struct steer_cache *cache, struct steer_counts *counts);

/* Of a policy, class and number of a type. */
static inline size_t steer_find_slot(const struct steer_policy *policy, size_t class_id, unsigned type)
{
    return policy->cache_at + class_id * policy->type_count + type;
}

/* The set gets no more policies, and lives as long as the cache. Names may be numbered later, up to
 * STEER_NAMES_SPARE. */
enum { STEER_NAMES_SPARE = 1 << 16 };
struct steer_cache *steer_cache_new(const struct steer_set *set);
void steer_cache_free(struct steer_cache *cache);
/* The choice for what is asked, evaluated if the table or the time has moved on. Valid until the next call,
 * which may need its memory for another. */
struct steer_choice *steer_cache_get(struct steer_cache *cache, const struct steer_policy *policy,
                                     struct steer_ask ask, const struct health_table *table);

/* Class of a client, and the ECS scope prefix length (0 where geography plays no part). */
static inline struct geo_match steer_find_class(const struct steer_policy *policy, const struct addr *client)
{
    if (policy->geo == NULL) {
        return (struct geo_match){0, 0};
    }
    struct geo_match match = geo_find_class(policy->geo, client);
    /* A tree is shared by key; that its classes are those of this policy is the caller's promise, not ours.
     */
    if (match.class_id >= policy->class_count) {
        match.class_id = 0;
    }
    return match;
}

/* A client of a sticky policy: the number that decides, the same on every server, and the length of the
 * prefix that shares it. */
struct steer_key {
    uint64_t key;
    uint8_t prefix_len;
};

struct steer_key steer_find_key(const struct steer_policy *policy, const struct addr *client);
