/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The model of test_health_stay_model.c: it looks at everything every millisecond and remembers all that ever
 * happened. */
#pragma once

#include "unit.h"

#include "base/random.h"
#include "health/health.h"
#include "stay_object.h"

enum { WALL_MS = 1000000 }; /* ahead of the monotonic time */

enum { REGIONS = 2, AZS = 4, ENDPOINTS = 8, MONITORS = 14, EVENTS = 4000 };
enum { PLACES = ENDPOINTS + AZS + REGIONS };

struct watched {
    struct object object;
    uint32_t endpoint;
    enum health_role role;
    unsigned rise, fall, window;
    bool *results; /* all of them: did it fail */
    size_t result_count;
};

struct world {
    struct random random;
    struct health *health;
    int64_t now_ms;
    struct watched monitors[MONITORS];
    struct health_need needs[ENDPOINTS]; /* of every other one; else all are needed */
    enum health_observed endpoints[ENDPOINTS];
    struct object azs[AZS], regions[REGIONS];
    struct rising risings[PLACES];
    bool up[PLACES]; /* an operator wants it */
};

uint64_t roll(struct world *w, uint64_t below);
void judge_monitor(struct watched *m, int64_t now_ms);
bool is_good(const struct world *w, uint32_t e, enum health_observed unknown, int64_t back_ms);
enum health_kind kind_of(size_t place, uint32_t *index);
bool is_wanted_up(const struct world *w, size_t place);
void judge_all(struct world *w);
void look_at_all(struct world *w);
void choose_rules(struct world *w);
struct health *build(struct world *w);
void open_world(struct world *w, uint64_t seed);
void close_world(struct world *w);
