/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An order, or a change of the configuration, that is judged: rules.c finds the moments of its time and takes
 * the measures, rules_judge.c says what each rule makes of them. Private to src/operate. */
#pragma once

#include "operate/moments.h"
#include "operate/rules.h"
#include "operate/rules_measure.h"

enum { BEFORE, AFTER, SIDES };

struct judging {
    const struct operate_unserved_ask *ask;
    const struct view *next; /* that comes in the place of ask->view, and no order; NULL: an order */
    const struct conf_topology *topology;
    struct health_table *tables[SIDES]; /* copies of the words, with what is assumed */
    double *weights;                    /* of policies; NULL: see measure.weights */
    struct health_spell old;            /* of the target: what is accepted now */
    struct health_spell *others;
    size_t other_count;
    struct moments moments;
    struct measure sides[SIDES];
    int64_t at_ms; /* wall: the moment */
    bool begins;   /* the order begins to take something away then */
    bool is_order; /* else things as they are: both sides are alike */
    bool has_flows;
    bool *flows; /* of the moment, if has_flows: by two regions, and behind them by pair */
    struct arena *arena;
};

/* Fills in all but from_ms; returns whether the rule is violated. */
bool rules_judge(struct judging *judging, struct operate_rule *to);
/* ---- rules_change.c ---- */

/* Both sides, where the configuration changes. */
void rules_measure_change(struct judging *judging);
/* ---- rules_flows.c ---- */

/* Do answers of a name leave one place, and go to another? Of regions; and of both ends of a pair of the
 * topology. As they are found on both sides, so it costs an evaluation of all policies, once per moment. */
bool rules_flow_between(struct judging *judging, uint32_t from, uint32_t to);
bool rules_flow_along(struct judging *judging, uint32_t pair);
