/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Several vantages look at the same monitors, and a quorum of their opinions is the judgement.
 *
 * A vantage counts results by itself, with the monitor's rise, fall and window: what it says is an opinion,
 * up, down or none. Number 0 is ourselves ("local"): its opinion is what our own results say, while they do
 * and the brake does not hold them. Others have the numbers 1 to HEALTH_VANTAGES_MAX - 1, which stay with
 * their name.
 *
 * Opinions count of vantages that are in the scope of the monitor, have a weight, are not drained, were heard
 * of within `expires_ms`, and are not set aside. With F the weight of those that have one, and D of those
 * that say down, the monitor is down ANY: if D > 0    MAJORITY: if 2 D > F    ALL: if D = F    COUNT: if D >=
 * count, or all that could be said if that is less, and else up; provided that there are enough of them:
 * `at_least`, or half of those that could have one (rounded up), and never more than those; and that F is not
 * below what COUNT takes, where D > 0. With less the last verdict stands. hold_down, failback and flap
 * (stay.h) act on the judgement.
 *
 * A vantage is set aside, for monitors of one family of addresses, while it says down of `share` (brake.h) of
 * that family's control targets or more, where most of the weight of the others says up; and then until it
 * says something else of them, though it is silent or started again meanwhile.
 *
 * Absence of data never moves a verdict, but by leaving the judgement to those who are left. Nor does that
 * somebody begins anew: whoever was started again, or all when we were, or when a check asks something else,
 * may have made the verdict that stands. Until they have an opinion, for `expires_ms` at most, they are
 * awaited: a verdict changes only to what they could not prevent. */
#pragma once

#include "health/outcome.h"
#include "health/table.h"

#include <stddef.h>
#include <stdint.h>

enum {
    HEALTH_VANTAGES_MAX = 32, /* with ourselves */
    HEALTH_VANTAGE_NAME_SIZE = 64,
    HEALTH_HEAR_MAX = 64, /* opinions at once */
};

#define HEALTH_LOCAL_NAME "local"

/* ---- what is asked for: of the plan ---- */

enum health_quorum_kind { HEALTH_QUORUM_MAJORITY, HEALTH_QUORUM_ANY, HEALTH_QUORUM_ALL, HEALTH_QUORUM_COUNT };

struct health_quorum {
    enum health_quorum_kind kind;
    uint32_t count;           /* of COUNT: the weight that says down */
    uint32_t at_least;        /* opinions; 0: half of those that could be there */
    const char *const *names; /* who counts: names and patterns as of fnmatch(3) */
    size_t name_count;        /* 0: all */
};

/* NULL in the plan: nobody else ever looks, and nothing of this takes time or memory. */
struct health_quorums {
    const struct health_quorum *quorums;
    size_t count;             /* 1 or more */
    const uint32_t *monitors; /* which of them, by monitor; NULL: the first */
    uint32_t local_weight;    /* 0: only others count */
    const char
        *local_name; /* what we are called elsewhere: names that mean that mean us, too; NULL: nothing */
    int64_t expires_ms;
};

/* ---- who looks ---- */

struct health_vantage_plan {
    const char *name; /* copied, cut off at HEALTH_VANTAGE_NAME_SIZE */
    uint8_t number;   /* 1 to HEALTH_VANTAGES_MAX - 1, each once: kept when it is renamed */
    uint32_t weight;
    bool drained; /* says what it sees, and does not count */
};

struct health;

/* From now on these look; what was known of a number that is still there stays. What follows is left to
 * health_follow_vantages(). Nothing, if the plan has no quorums. What takes long or allocates is done by
 * _new, which needs no lock if nobody else changes who looks, and _free. */
struct health_enrolment;
struct health_enrolment *health_enrolment_new(const struct health *health,
                                              const struct health_vantage_plan *plans,
                                              size_t count); /* returns owned */
void health_enrol(struct health *health, struct health_enrolment *enrolment,
                  int64_t now_ms);                              /* of this machine */
void health_enrolment_free(struct health_enrolment *enrolment); /* NULL is fine */
/* All three. */
void health_set_vantages(struct health *health, const struct health_vantage_plan *plans, size_t count,
                         int64_t now_ms);

/* ---- what they say ---- */

struct health_opinion {
    enum health_observed verdict; /* UNKNOWN: none */
    enum health_outcome outcome;  /* of its latest result */
    uint16_t detail, streak;
    uint32_t duration_us;
    int64_t age_ms; /* of the verdict, by the vantage's own monotonic clock */
};

struct health_heard {
    uint32_t monitor; /* those from the number of monitors on are control targets */
    struct health_opinion opinion;
};

/* What a vantage says, HEALTH_HEAR_MAX opinions at most: one change of the table. It is alive with that. A
 * number that nobody has, and monitors that are not there or not observed, are passed over. */
void health_hear(struct health *health, unsigned vantage, const struct health_heard *heard, size_t count,
                 int64_t wall_ms, int64_t now_ms);
/* The same of one that would say so, by somebody who knows what it does not: no sign of life, and nothing of
 * one that is silent. */
void health_hear_instead(struct health *health, unsigned vantage, const struct health_heard *heard,
                         size_t count, int64_t wall_ms, int64_t now_ms);
/* It is alive, and goes on saying what it said; but if it was silent for `expires_ms`, it knows of nothing
 * yet, and has to say it anew. */
void health_hear_vantage(struct health *health, unsigned vantage, int64_t now_ms);
/* We were started anew: all that have no opinion yet are awaited, from now on. */
void health_await_vantages(struct health *health, int64_t now_ms);
/* Nothing was done here for so long. If that is longer than `expires_ms` that is as a start: health_doubt(),
 * and all are awaited; health_follow_vantages() judges anew then. Returns whether it was. */
bool health_hold_up(struct health *health, int64_t for_ms, int64_t now_ms);
/* It knows nothing of what it said before: it was started anew. If it had said anything it is awaited. */
void health_forget_vantage(struct health *health, unsigned vantage);
/* Those that were not heard of for `expires_ms` leave the judgement; and whatever else changed of vantages is
 * followed, for some dozens of monitors at once. Returns whether there is more: to be called at least once a
 * second, and until it is false. */
bool health_follow_vantages(struct health *health, int64_t wall_ms, int64_t now_ms);

/* ---- what changed ---- */

enum health_vantage_turn {
    HEALTH_VANTAGE_HEARD,    /* "heard": of it, for the first time or again */
    HEALTH_VANTAGE_SILENT,   /* "silent": not any more */
    HEALTH_VANTAGE_ASIDE,    /* "set_aside": it does not agree about control targets */
    HEALTH_VANTAGE_RETURNED, /* "returned": it does again */
};

struct health_vantage_change {
    const char *name; /* borrowed from the machine */
    uint8_t number;
    enum health_vantage_turn turn;
};

const char *health_vantage_turn_text(enum health_vantage_turn turn);

/* ---- looking ---- */

struct health_vantage_status {
    const char *name; /* borrowed until the next call that changes vantages */
    uint8_t number;
    uint32_t weight;
    bool drained;
    bool is_fresh;     /* heard of lately; ourselves: always */
    bool aside[2];     /* for IPv4, IPv6 */
    int64_t silent_ms; /* since it was heard of; -1: never */
    uint32_t up, down; /* monitors of which it says so; of others than ourselves */
};

/* False: nobody has that number. */
bool health_get_vantage(const struct health *health, unsigned number, int64_t now_ms,
                        struct health_vantage_status *status);
/* -1: nobody is called that. */
int health_find_vantage(const struct health *health, const char *name);
/* Does anybody else look at this machine's monitors, or could? */
bool health_has_vantages(const struct health *health);

/* Does that vantage count for this monitor, or would if it was not drained? To be asked of ourselves, too. */
bool health_is_in_scope(const struct health *health, unsigned vantage, uint32_t monitor);

/* How a monitor is judged now. */
struct health_judgement {
    bool is_by_quorum;           /* else our own results alone decide, and nothing of the rest is said */
    enum health_observed judged; /* UNKNOWN: too few opinions, or some are awaited: the last verdict stands */
    enum health_observed own;    /* what our own results say */
    enum health_quorum_kind kind;
    uint32_t count;              /* of COUNT */
    unsigned opinions, up, down; /* that count */
    unsigned could, needed;      /* how many there could be; are needed */
    unsigned awaited;            /* that begin anew, and may say anything */
    uint32_t weight, weight_down;
    uint32_t weight_needed; /* of COUNT, that says down */
};

void health_get_judgement(const struct health *health, uint32_t monitor, struct health_judgement *judgement);

/* What our own results say of a monitor, or of a control target, whoever judges it: for those who count it
 * elsewhere, as a vantage's. Nothing that others say is in it, and none of what we cannot see now: what is
 * from before the start, too old, or held by our own brake. Its age is not known. */
struct health_opinion health_get_own_opinion(const struct health *health, uint32_t monitor);
/* Who wants to know at once that it is another one, within the change; but for what only time changes. NULL:
 * nobody. */
typedef void health_saw_fn(void *context, uint32_t monitor);
void health_watch_own(struct health *health, health_saw_fn *saw, void *context);

enum health_discount {
    HEALTH_COUNTS,             /* NULL */
    HEALTH_COUNTS_NOT_NONE,    /* "none": it has no opinion */
    HEALTH_COUNTS_NOT_SILENT,  /* "silent" */
    HEALTH_COUNTS_NOT_DRAINED, /* "drained" */
    HEALTH_COUNTS_NOT_ASIDE,   /* "set_aside" */
    HEALTH_COUNTS_NOT_HELD,    /* "held": by our own brake */
    HEALTH_COUNTS_NOT_OLD,     /* "old": it is from before the start */
    HEALTH_COUNTS_NOT_AWAITED, /* "awaited": it begins anew, and has none yet */
};

const char *health_discount_text(enum health_discount discount);

struct health_opinion_status {
    const char *vantage; /* borrowed like the name above */
    uint8_t number;
    uint32_t weight;
    enum health_discount discount; /* why it does not count */
    struct health_opinion opinion;
};

/* Those in the scope of the monitor, by number. Returns how many. */
size_t health_list_opinions(const struct health *health, uint32_t monitor, int64_t now_ms,
                            struct health_opinion_status list[HEALTH_VANTAGES_MAX]);
/* What one says of a monitor, or of a control target, whether it counts or not; UNKNOWN: nothing, or not
 * since it began anew, or it is ourselves, or not there. */
struct health_opinion health_get_opinion(const struct health *health, unsigned vantage, uint32_t monitor);

/* Why a quorum judges as it does, as a line: "down by majority: 2 of 3 vantages say down; down:
 * fra-1 connect_timeout for 12 s, sin-1 refused for 3 s; up: local; not counted: nyc-1 (silent)". Cut off if
 * it does not fit; "" where none judges. */
enum { HEALTH_JUDGEMENT_SIZE = 400 };
void health_write_judgement(const struct health *health, uint32_t monitor, int64_t now_ms,
                            char text[HEALTH_JUDGEMENT_SIZE]);
const char *health_quorum_text(enum health_quorum_kind kind); /* "majority" "any" "all" "count" */
