/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The rules of what stays down and of how weight returns, for the models of tests: of one object, by all that
 * ever happened to it. */
#pragma once

#include "unit.h"

#include "health/health.h"

enum { FALLS = 4000 };

/* What is known of how its weight returns. */
struct rising {
    struct health_ramp_plan plan; /* count 0: at once */
    bool ramps;
    enum health_observed was;
    unsigned percent;
    int64_t begun_ms;
};

struct object {
    struct health_rule rule;
    enum health_observed verdict;
    bool is_down, is_ready;
    int64_t down_ms, ready_ms;
    int64_t *falls; /* times of all of them, FALLS at most */
    size_t fall_count, forgiven;
};

/* By all that it ever did: the penalty at that time, and whether it is too high. */
double replay(const struct object *o, int64_t now_ms, bool *suppressed);
bool may_return(const struct object *o, int64_t now_ms);
/* What it is by what it consists of; and then by its rule. */
void follow_object(struct object *o, enum health_observed judged, bool is_well, int64_t now_ms);
/* Percent that it has of its weight. */
unsigned find_percent(const struct rising *r, int64_t now_ms);
/* After every moment in which something may have changed; an order to be up is the caller's to look at. */
void follow_rising(struct rising *r, enum health_observed verdict, int64_t now_ms);
