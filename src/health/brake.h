/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The brake: when nearly everything fails at once, it is more likely that steerd lost its sight. Then nothing
 * falls for a while, and what fell within the same window is taken back.
 *
 * Per family of addresses, over targets: what stands at one address is one, however many endpoints and checks
 * it has. A target answers if the latest result of any of its checks came from it: a success, or a word that
 * was not the expected one. It is suspected from the first failure of what was healthy before, for a window:
 * the longest interval and time-out of all, but at most `hold_ms`. Longer failing ones, and those never seen
 * healthy, say nothing; nor, where `share` is all of them, does who failed before another one answered: that
 * was no failure of everything at once. The brake is on when at least `targets` are suspected and these are
 * at least `share` of them and of those that answer, unless a control target of that family has answered
 * since the first of them failed. Whether one answers is known from its latest result, until nine tenths of
 * its interval have passed without another one since then.
 *
 * Where `share` is less than all of them, and somebody always fails, the first failure may be long past. So
 * an answer of a control target speaks for what failed up to a window later, and no longer; one of another
 * target counts until its next result.
 *
 * It is off again
 * - when one of them answers, or another makes their share too small. Then each falls by its own next
 *   failure, if that is of a check that began afterwards;
 * - when a control target answers, while none has failed: all fall that have failed often enough. Where one
 *   had, our sight was lost and is back: then each falls by its own next failure, as above;
 * - when `hold_ms` have passed since it was first on: likewise. It is not on again before none is suspected.
 *
 * Costs a few steps per result. Times are monotonic: health_follow_time(). */
#pragma once

#include "health/outcome.h"

#include <stddef.h>
#include <stdint.h>

enum { HEALTH_BRAKES = 2 }; /* IPv4, IPv6 */

struct health_brake_monitor {
    uint64_t subject; /* equal: the same target; 0: one of its own */
    uint32_t interval_ms, timeout_ms;
    uint8_t family; /* below HEALTH_BRAKES */
};

struct health_brake_plan {
    double share;     /* 0 < x <= 1 */
    uint32_t targets; /* at least; 1 or more */
    int64_t hold_ms;
    const struct health_brake_monitor *monitors; /* one for each monitor of the plan */
    const uint8_t *controls;                     /* families of control targets */
    const uint64_t *control_identities;          /* which of another plan's each is; NULL: of no other's */
    size_t control_count;
};

enum health_brake_turn {
    HEALTH_BRAKE_ENGAGED,   /* "engaged" */
    HEALTH_BRAKE_RECOVERED, /* "recovered": something answers again */
    HEALTH_BRAKE_BELIEVED,  /* "believed": a control target answers */
    HEALTH_BRAKE_EXPIRED,   /* "expired": its time is up */
};

struct health_brake_status {
    bool is_on; /* there is one, whether or not it holds anything */
    bool engaged;
    uint32_t targets, failing, answering; /* in all; suspected; others that answer, as far as is known */
    uint32_t controls, controls_answering;
    int64_t engaged_ms, left_ms; /* if engaged: for how long already, and at most from now on */
    uint64_t engagements;        /* so far */
};

struct health_brake_change {
    uint8_t family;
    enum health_brake_turn turn;
    struct health_brake_status status;
};

const char *health_brake_turn_text(enum health_brake_turn turn);

struct health;

/* What time it is from now on, in monotonic milliseconds; not going back. */
void health_follow_time(struct health *health, int64_t now_ms);
int64_t health_get_time(const struct health *health);

/* A control target was checked. LOCAL_ERROR: nothing is known of it. */
void health_observe_control(struct health *health, uint32_t control, enum health_outcome outcome);

/* Take back, or let fall, what waits for it; up to `max` monitors. To be called after every observation until
 * nothing is left. Returns whether something is. */
bool health_follow_brake(struct health *health, size_t max, int64_t wall_ms);

/* From now on those that are not observed answer, and so do control targets until they are: for a simulation
 * that observes only what is lost. What it observes is what all vantages see. */
void health_assume_answers(struct health *health);
/* The same for one in which vantages have opinions of their own: these go on, and our own results do not grow
 * old. */
void health_assume_opinions(struct health *health);

void health_get_brake(const struct health *health, unsigned family, struct health_brake_status *status);
