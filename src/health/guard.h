/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Failovers that a safety rule forbids. A rule forbids to leave a region by itself, altogether or for another
 * region (a way); it says so beforehand, so that nothing has to be asked at the moment of loss. What falls
 * while that is forbidden is as unhealthy as it is, but answers stay where they are (steer/ban.h), until the
 * rule forbids it no more, or an operator releases it.
 *
 * Nothing is stored for each name, nor is anything looked for when a rule begins or ends: falls, and the
 * begins of what is forbidden, are numbered as they come. A fall is held by what was forbidden before it, and
 * is without a break since then. So whoever had moved before never comes back because of a rule, and whoever
 * was released stays so.
 *
 * Rules that count regions are judged here, within the change that loses one: two that fail at once cannot
 * both go. So are those that wait, and those that go by copies; all
 * others by somebody else, who says what they forbid: health_forbid(). Orders of an
 * operator are never held. */
#pragma once

#include "health/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEALTH_GUARDS_MAX = 64 };   /* rules */
#define HEALTH_ANYWHERE UINT32_MAX /* in the place of a region to move to */

/* What counts regions: those of the list that do not serve (were left by themselves, and if `counts_ordered`
 * are drained or forced down) and the one in question may weigh so much together, else it may not be left. So
 * "at least N of S serve" is a limit of |S| - N, "at most K are lost" one of K, "never both" one of 1 for
 * two, "capacity of at least X %" one of (1 - X) of all, where they weigh their capacity. */
struct health_guard_plan {
    const char *name;        /* each once */
    const uint32_t *regions; /* each once; NULL: it does not count; then somebody says what it forbids */
    const double *weights;   /* of those; NULL: 1 each */
    size_t region_count;
    double limit;
    bool counts_ordered;
    /* Or it goes by copies: who may be behind its RPO, or not in real time unless `any_stage`, is no place to
     * go. Pairs of regions of the plan's lags, by number; NULL: it does not. Those are ways, too. */
    const uint32_t *lags;
    size_t lag_count;
    bool any_stage;
    bool only_copies; /* nor is, from a region of which there are copies, any other region: ways, too */
    /* Or it forbids to leave any region for so long after one left, came back or was let go, by whomever. */
    int64_t wait_ms; /* 0: it does not */
};

struct health_guards_plan {
    const struct health_guard_plan *rules; /* HEALTH_GUARDS_MAX at most */
    size_t rule_count;
    const struct health_way *ways; /* pairs of regions that a rule may forbid, each once, in any order */
    size_t way_count;
};

struct arena;
struct health;

size_t health_count_guards(const struct health *health);
const char *health_get_guard_name(const struct health *health, size_t rule); /* borrowed from the machine */
ptrdiff_t health_find_guard(const struct health *health, const char *name);  /* -1: there is none */

/* A rule that does neither says that it forbids, or does not any more, to leave a region for another one,
 * or for anywhere. It stands until something else is said, also over reloads and restarts, for a rule of that
 * name. 0; ERROR_NOT_FOUND: no such rule that is told, region or way. Cheap if that is what it said. */
int health_forbid(struct health *health, size_t rule, uint32_t from, uint32_t to, bool forbids,
                  int64_t wall_ms);
/* Does it forbid that now (whoever asks)? Not if it was released there. */
bool health_guard_forbids(const struct health *health, size_t rule, uint32_t from, uint32_t to);
/* All that it forbids so: regions to leave (for HEALTH_ANYWHERE), then ways, of which `count` fit. Returns
 * how many there are. */
size_t health_guard_list(const struct health *health, size_t rule, struct health_way *ways, size_t count);

/* Time passes for those that wait: to be called at least once a second. */
void health_follow_guards(struct health *health, int64_t wall_ms);
/* Wall: when a region left, came back or was let go last, by itself or by an order; 0: never. One that is
 * held has not left. */
int64_t health_get_last_move(const struct health *health);

/* An operator lets go what this rule holds in a region, until all is well again there that fell while it was
 * forbidden to leave. 0; ERROR_NOT_FOUND; ERROR_CONFLICT: it holds nothing there. */
int health_release_hold(struct health *health, uint32_t region, size_t rule, int64_t wall_ms);
int health_judge_release(const struct health *health, uint32_t region, size_t rule); /* could it be? */
/* It was released at a wall time: that holds of what fell before, as long as that lasts. Of nothing else;
 * also of a machine that is being taken over, before anybody counts. */
void health_restore_release(struct health *health, uint32_t region, size_t rule, int64_t said_ms);
bool health_is_released(const struct health *health, uint32_t region, size_t rule);

/* A region in which something is held. */
struct health_hold_status {
    const char *region; /* borrowed from the machine */
    bool is_held;       /* something has fallen there that may not be left */
    uint64_t rules;     /* which forbid it: a bit each; also if nothing is held, and then for what may come */
    uint64_t released;  /* which do not, because an operator said so: likewise */
    uint64_t keeps;     /* which keep it down though it is well: its data are not there (stay.h) */
    int64_t since_ms;   /* wall; if held */
};
/* 0 or ERROR_NOT_FOUND. */
int health_get_hold(const struct health *health, uint32_t region, struct health_hold_status *status);
/* Which rules hold answers there, or keep it down, and the command that releases all of them, as a sentence
 * without an end. NULL: none does. */
const char *health_describe_hold(const struct health *health, const struct health_hold_status *status,
                                 struct arena *arena);
size_t health_count_holds(const struct health *health, size_t rule); /* regions that it holds something in */

enum health_hold_turn {
    HEALTH_HOLD_BEGAN,    /* "began" */
    HEALTH_HOLD_ALLOWED,  /* "allowed": no rule forbids it any more */
    HEALTH_HOLD_RELEASED, /* "released": an operator said so */
    HEALTH_HOLD_WELL,     /* "well": it is well again */
};
const char *health_hold_turn_text(enum health_hold_turn turn);

/* Told when the table is up to date. `rules` are those that hold it, or held it until now. */
struct health_hold_change {
    const struct health *health; /* borrowed: what the rules are called */
    enum health_hold_turn turn;
    struct health_hold_status status;
};
