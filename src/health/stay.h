/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How long what went down stays so. A monitor, az or region that was healthy and is not any more comes back
 * when its results (or those inside it) say so and besides
 * - `hold_down_ms` have passed since it went down,
 * - it has been well for `failback_ms` without a break, or, if that is HEALTH_MANUAL, an operator said so,
 * - it did not flap: each time it goes down costs a penalty, which halves every `half_life_ms`. From
 *   `suppress` on it stays down until the penalty has fallen to `reuse`, which is at most `max_suppress_ms`
 *   after the last time (RFC 2439, section 2.3; what goes down again while it stays down counts, too).
 * What was never healthy, as after a start, did not go down; nor did what the brake takes back. Until it is
 * back it is unhealthy like any other, for answers and for what counts it.
 *
 * A region that answers have left, by themselves or by an order, comes back when besides no rule about copies
 * keeps it (health_guard_keeps()). An operator's failback is no matter of that; a release of the rule is.
 *
 * An endpoint comes back when all its monitors do, which is the same as if it had a rule of its own. Times
 * are monotonic. Ends come about exactly: health_follow_stays() at health_next_stay(). */
#pragma once

#include "health/table.h"

#include <stddef.h>
#include <stdint.h>

#define HEALTH_MANUAL INT64_MAX

struct health_rule {
    int64_t hold_down_ms, failback_ms;
    double penalty, suppress, reuse; /* 0 < reuse < suppress; penalty 0: flaps do not count */
    int64_t half_life_ms, max_suppress_ms;
};

enum { HEALTH_WINDOW_MAX = 64 };

/* What is asked of verdicts besides rise and fall. By index + 1 in `rules`; 0: none, it comes back as its
 * results say. A monitor with a window is down while `fall` of its last so many results are failures; 0: they
 * are asked in a row. NULL instead of a list: 0 for all. */
struct health_rules {
    const struct health_rule *rules;
    size_t count;
    const uint32_t *monitors, *azs, *regions;
    const uint8_t *windows; /* of monitors */
    const uint32_t *stales; /* likewise: without a result for so many ms nothing is known now; 0: for ever */
};

enum health_stay_reason {
    HEALTH_STAY_NONE,      /* it does not stay down for any other reason than its results */
    HEALTH_STAY_HOLD_DOWN, /* "hold_down" */
    HEALTH_STAY_FAILBACK,  /* "failback": it has not been well for long enough */
    HEALTH_STAY_FLAP,      /* "flap" */
    HEALTH_STAY_MANUAL,    /* "manual": until somebody says so */
    HEALTH_STAY_DATA,      /* "data": a rule about copies keeps it (health_guard_keeps()) */
};
enum { HEALTH_STAYS = HEALTH_STAY_DATA + 1 };

const char *health_stay_text(enum health_stay_reason reason); /* NULL for none */

/* It is well and yet down. */
struct health_stay_status {
    enum health_stay_reason reason; /* of several the one that ends last */
    int64_t ends_ms;                /* wall; 0: somebody has to say so, or there is none */
    int64_t left_ms;                /* likewise; from now on */
    int64_t down_ms;                /* wall: when it went down */
    double penalty;                 /* as it is now; 0: flaps do not count */
    const char *rule; /* DATA: the first one that keeps it, borrowed from the machine; else NULL */
    bool is_return;   /* DATA: an order of it ended, and it has been well ever since: it was not lost */
};

/* It begins to stay down although it is well. What ends that is told as any change. */
struct health_stay_change {
    enum health_kind kind;
    const char *name; /* borrowed from the machine */
    struct health_stay_status status;
};

struct health;

/* What of it ends by now, and which steps of ramps are due (ramp.h), as far as one turn goes; monotonic and
 * wall time. Returns how much that was: to be called until it is 0, by whoever holds a lock with turns in
 * between. */
enum { HEALTH_STAY_TURN = 32 };
size_t health_follow_stays(struct health *health, int64_t now_ms, int64_t wall_ms);
/* Monotonic time of the next end; INT64_MAX: there is none. It may be too early. */
int64_t health_next_stay(const struct health *health);

/* An operator says that it may come back, whatever rule keeps it; penalties are forgotten. 0;
 * ERROR_NOT_FOUND; ERROR_CONFLICT: nothing but its results keep it down, or it is not down. */
int health_judge_failback(const struct health *health, enum health_kind kind, uint32_t index);
int health_fail_back(struct health *health, enum health_kind kind, uint32_t index, int64_t wall_ms);
/* Likewise for what was said at a wall time before a restart: only what went down before that comes back, now
 * or as soon as it is well. */
void health_restore_failback(struct health *health, enum health_kind kind, uint32_t index, int64_t said_ms);
