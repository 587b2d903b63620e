/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The model of test_health_opinion_model.c: it keeps everything that anybody ever said, and judges all of it
 * anew at each step. */
#pragma once

#include "unit.h"

#include "base/random.h"
#include "health/health.h"
#include "stay_object.h"

enum { MONITORS = 70, QUORUMS = 6, VANTAGES = 5, CONTROLS = 2, EXPIRES = 10000, WALL = 1000000 };
enum { RISE = 2, FALL = 3, STEPS = 1500, ROUNDS = 10 };

struct opinion {
    enum health_observed verdict;
    bool is_old; /* it was said by a run before */
};

struct vantage {
    bool is_there, drained;
    uint32_t weight;
    char name[16];
    int64_t heard_ms; /* -1: never */
    bool has_spoken, aside;
    int64_t awaited_ms; /* until then it may say anything */
    struct opinion says[MONITORS + CONTROLS];
};

struct watched {
    unsigned row; /* results alike */
    bool failing;
    enum health_observed own;
    int64_t result_ms, stale_ms; /* result_ms: of the latest of our own; 0: none yet. stale_ms: 0: for ever */
    struct object object;        /* the verdict, and what keeps it down */
    struct rising rising;
    bool is_first; /* it is down, and nothing was known of it before */
};

struct world {
    struct random random;
    struct health *health;
    struct health_quorum quorums[QUORUMS];
    const char *names[QUORUMS][2];
    uint32_t quorum_of[MONITORS];
    uint32_t local_weight;
    int64_t now_ms;
    struct vantage vantages[VANTAGES]; /* [0]: ourselves */
    unsigned control_row[CONTROLS];    /* of our own failures */
    struct watched monitors[MONITORS];
};

uint64_t roll(struct world *w, uint64_t below);
bool is_fresh(const struct world *w, unsigned v);
/* Had we no result of it for so long that we do not know any more? */
bool is_stale(const struct world *w, unsigned monitor);
void weigh(struct world *w); /* who is set aside */

struct count {
    uint32_t weight, weight_down, weight_awaited, weight_could;
    unsigned opinions, could;
    bool by_others;
};
struct count count_all(const struct world *w, unsigned monitor);
/* By what counts; UNKNOWN: nothing is judged. */
enum health_observed judge(const struct world *w, unsigned monitor);
/* What it says of a monitor has become this; by a result of our own? Of what others say down of which nothing
 * was known before, nobody knows whether it ever served: its weight returns at once. */
void settle(struct world *w, unsigned monitor, enum health_observed judged, bool is_own);
void settle_all(struct world *w);
