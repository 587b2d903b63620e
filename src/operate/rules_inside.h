/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An order that is judged: rules.c finds the moments of its time and takes the measures, rules_judge.c says
 * what each rule makes of them. Private to src/operate. */
#pragma once

#include "operate/moments.h"
#include "operate/rules.h"
#include "operate/rules_measure.h"

enum { BEFORE, AFTER, SIDES };

struct judging {
    const struct operate_unserved_ask *ask;
    const struct conf_topology *topology;
    struct health_table *table; /* a copy of the words, with what is assumed */
    struct health_spell old;    /* of the target: what is accepted now */
    struct health_spell *others;
    size_t other_count;
    struct moments moments;
    struct measure sides[SIDES];
    bool *served[SIDES]; /* of each rule: does one of its targets serve? */
    int64_t at_ms;       /* wall: the moment */
    bool is_split;       /* there are drains for some names: of_moves is another look at each moment */
    bool of_moves; /* a drain for some names counts as one: of rules about moving, not about what serves */
    bool begins;   /* the order begins to take something away then */
    bool is_order; /* else things as they are: both sides are alike */
    struct arena *arena;
};

/* Fills in all but from_ms; returns whether the rule is violated. */
bool rules_judge(const struct judging *judging, struct operate_rule *to);
/* Targets of a rule that serve on a side, which is that of the words in the table. */
size_t rules_count_targets(const struct judging *judging, const struct conf_rule *rule, unsigned side);
