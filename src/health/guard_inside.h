/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is forbidden (guard.h), for the files of src/health only. A place is what may be forbidden: to leave a
 * region (by its index), or to go a way (behind the regions). Rules are bits of a set. */
#pragma once

#include "health/guard.h"
#include "health/machine.h"
#include "health/match.h"

struct health_guard_rule {
    const char *name;
    const uint32_t *regions; /* NULL: it does not count */
    const double *weights;
    uint32_t count;
    double limit;
    bool counts_ordered;
    const uint32_t *lags; /* NULL: it does not go by these */
    uint32_t lag_count;
    bool any_stage, only_copies;
    int64_t wait_ms; /* 0: it does not wait */
};

/* Of a region. */
struct health_hold {
    uint64_t from;      /* number: since then something is forbidden, or released; 0: nothing is */
    uint64_t released;  /* rules that do not count here */
    uint64_t last_fall; /* number: nothing fell in it since then */
    uint32_t down;      /* what fell since then and is not well again, each family by itself */
    int64_t since_ms;   /* wall: when the first of these fell */
    uint64_t told_rules;
    bool is_told, waits; /* told to be held; to be looked at before the change ends */
    bool is_gone;        /* answers have left it */
    bool is_let_go;      /* an operator said so, within the change */
    bool is_allowed;     /* no rule forbids it any more, likewise */
};

struct health_guards {
    struct health_bans bans;
    const struct health_guard_rule *rules; /* of the frame */
    uint32_t rule_count;
    uint64_t *said;            /* by place: which rules forbid it */
    struct health_hold *holds; /* by region */
    uint8_t
        *counted[HEALTH_KINDS]; /* families that `down` has, a bit each; by object, untouched where none */
    uint32_t *line;             /* regions to be looked at */
    uint32_t line_count;
    uint64_t number; /* the latest that was given to anything */
    uint64_t changes;
    uint64_t seen;        /* of the machine that this was taken over from */
    bool *is_news;        /* by place: not written yet */
    uint32_t news;        /* how many are */
    int64_t last_move_ms; /* wall: when a region left or came back; 0: never */
    bool knows_moves;     /* else which are gone is to be found out */
    bool is_amid;         /* a step of a change is being stored */
    bool rests;           /* being taken over: what happens did so elsewhere */
    bool is_due;          /* who counts has to count again */
    bool has_changed;     /* answers have to follow */
};

/* What is known of the fall of an object, of a machine or of its records. */
struct health_fallen {
    uint64_t fell[HEALTH_VIEWS], ordered;
    uint8_t bad; /* families that are down: a bit each */
};

static inline bool health_guard_is_ordered(uint32_t word)
{
    enum health_desired desired = health_word_desired(word);
    return desired == HEALTH_DESIRED_DRAIN || desired == HEALTH_DESIRED_DOWN;
}

static inline uint64_t health_number_get(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static inline void health_number_set(_Atomic uint64_t *number, uint64_t to)
{
    atomic_store_explicit(number, to, memory_order_relaxed);
}

/* Most were never written to: no page. */
static inline void health_number_copy(_Atomic uint64_t *to, const _Atomic uint64_t *from)
{
    if (health_number_get(to) != health_number_get(from)) {
        health_number_set(to, health_number_get(from));
    }
}

static inline void health_ban_copy_time(struct health_ban_time *to, const struct health_ban_time *from)
{
    health_number_copy(&to->was, &from->was);
    health_number_copy(&to->ended, &from->ended);
}

/* Of what there are falls, and HEALTH_ANY behind it. */
static inline enum health_family health_first_family(enum health_kind kind)
{
    return kind == HEALTH_ENDPOINT ? HEALTH_V4 : HEALTH_ANY;
}

/* NULL or no rules: nothing is done by any of these. */
void health_guards_add(struct health *health, const struct health_guards_plan *plan);
void health_guards_add_like(struct health *health, const struct health *from);

/* A word is about to become another. */
void health_guard_fall(struct health *health, enum health_kind kind, uint32_t index, uint32_t before,
                       uint32_t after);
/* It has. */
void health_guard_follow(struct health *health, enum health_kind kind, uint32_t index, uint32_t before);
/* The end of a change: tell what is held, and what is not any more. */
void health_guard_tell(struct health *health);

/* ---- guard_place.c ---- */

static inline uint32_t health_guard_count_places(const struct health *health)
{
    return health->counts[HEALTH_REGION] + health->guards->bans.way_count;
}

/* UINT32_MAX: there is none. */
uint32_t health_guard_find_place(const struct health *health, uint32_t from, uint32_t to);
/* The region that is left. */
uint32_t health_guard_get_region(const struct health *health, uint32_t place);
struct health_ban *health_ban_at(const struct health *health, uint32_t place);
/* Which rules forbid something in a region: to leave it, or a way from there. */
uint64_t health_guard_find_rules(const struct health *health, uint32_t region);
/* The rules that hold a region, of those that forbid a way out of it. A rule that allows copies only forbids
 * all other ways for good; it does not hold a region that fell while all of its copies were allowed and one
 * served. */
uint64_t health_guard_find_closed(const struct health *health, uint32_t region);
/* Has something fallen there since? Not where the region itself fell before anything was forbidden. */
bool health_guard_is_down(const struct health *health, uint32_t region);
/* And is that held, without a way to a copy? */
bool health_guard_is_held(const struct health *health, uint32_t region);
/* What is known of it is to be written. */
void health_guard_note(struct health *health, uint32_t place);
/* Another set of rules forbids it, or what is released there changed. */
void health_guard_say(struct health *health, uint32_t place, uint64_t said);
struct health_fall *health_fall_at(const struct health *health, enum health_kind kind, uint32_t index);
/* What is told of it may change. */
void health_guard_look_later(struct health *health, uint32_t region);
/* In what `down` counts, or out of it. */
void health_guard_count(struct health *health, enum health_kind kind, uint32_t index);
void health_guard_uncount(struct health *health, enum health_kind kind, uint32_t index);

/* When an order of it began or ended. 0: it never did, or there are no rules; then nothing is put. */
uint64_t health_guard_get_order(const struct health *health, enum health_kind kind, uint32_t index);
void health_guard_put_order(struct health *health, enum health_kind kind, uint32_t index, uint64_t number);

/* ---- guard_count.c ---- */

/* Who counts counts again, until nothing changes. */
void health_guard_settle(struct health *health);
/* Words of one check, or order, are stored: who counts is judged at the end of that. */
void health_guard_begin_step(struct health *health);
void health_guard_step(struct health *health);

/* ---- guard_move.c ---- */

/* Has any region moved that is to be looked at? Then rules forbid that wait. */
void health_guard_note_moves(struct health *health);
void health_guard_resume_moves(struct health *health);
void health_guard_follow_time(struct health *health, int64_t wall_ms);

/* ---- guard_lag.c ---- */

/* It is judged otherwise; or all of them may be. */
void health_guard_hear_lag(struct health *health, uint32_t lag);
void health_guard_hear_lags(struct health *health);
/* It serves, or does not any more: also its copies are others' way out. */
void health_guard_hear_region(struct health *health, uint32_t region);
/* Which rules keep a region from coming back: a bit each. Its data are those of when it left; who took over
 * has newer ones, which are not there as long as the copy from there is behind. */
uint64_t health_guard_keeps(const struct health *health, uint32_t region);

/* ---- guard.c ---- */

/* What rules say of a region, and of the ways to it, after a release or without one. */
void health_guard_follow_region(struct health *health, uint32_t region);
/* The end of a change that came from no word. */
void health_guards_publish(struct health *health);

/* ---- guard_carry.c ---- */

void health_guard_read_fall(const struct health *health, enum health_kind kind, uint32_t index,
                            struct health_fallen *fallen);
/* What happens from now on did so elsewhere, until health_guards_resume(). */
void health_guards_rest(struct health *health);
/* NULL: of an object that was not there before. What is down there and was not falls now. */
void health_guard_put_fall(struct health *health, enum health_kind kind, uint32_t index,
                           const struct health_fallen *fallen);
/* What is forbidden and released there, by names; unless `all`, only if something changed since. */
void health_guards_carry(struct health *to, const struct health *from, bool all);
/* Likewise, with all falls, into one that is in use. */
void health_guards_adopt(struct health *to, const struct health *from, const struct health_match *match);
/* It has taken over all, and goes on by itself. Nothing if it does. */
void health_guards_resume(struct health *health);
