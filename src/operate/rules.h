/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Safety rules (conf/rule.h): which of them an order would violate, and which are violated as things are.
 *
 * A place serves while one of its endpoints may be chosen (healthy, unknown or forced up) and orders leave it
 * half of its answers or more: of a drain in part what is left, of one for some names what others are asked
 * for. An order violates
 * a rule if, at some moment of its time (moments.h), the rule does not hold and the order makes it worse: so
 * what only brings back is never refused, nor is what leaves a figure as it was. Health is as it is now;
 * other overrides count as they start and end. Rules that go by the time (wait, freeze) are asked when the
 * order begins to take something away, and not again when another one does. Pure; by any thread, without a
 * lock: it reads words of the health table, each endpoint's once per moment. */
#pragma once

#include "base/arena.h"
#include "operate/unserved.h"
#include "view/view.h"

#include <stddef.h>
#include <stdint.h>

struct operate_rule {
    const struct conf_rule *rule; /* borrowed from the topology of the view */
    const char *type;             /* "serving" … */
    bool is_violated;
    int64_t from_ms;        /* wall: an order violates it from then on; 0: at once */
    const char *why;        /* "1 of 3 regions would serve (eu-west), expected at least 2" */
    const char *needs;      /* what has to happen for it to hold; NULL: it does */
    struct subject subject; /* of a violation: how much is missing, or which copies are not good */
};

struct operate_rules {
    struct operate_rule *items; /* in the order of the topology */
    size_t count, violated;
};

/* Of all rules that hold for what people do. `ask` is that of operate_find_unserved(), of which limit and
 * progress play no part. Strings are in the arena. */
void operate_judge_rules(const struct operate_unserved_ask *ask, struct arena *arena,
                         struct operate_rules *rules);
/* The same of a configuration that would come in the place of the one of `ask`, of which only the view, the
 * time, lags and rates play a part. Rules are those that stand, and so is what they count; places are found
 * by name. What is left of one is what the names that both have use of it: a weight counts beside what it
 * was, 0 as nothing while others of its group have one. Health is that of before, what is new counts as
 * unknown. */
void operate_judge_change(const struct operate_unserved_ask *ask, const struct view *next,
                          struct arena *arena, struct operate_rules *rules);
/* Of all rules, with what is; one about lags, a wait or a freeze is violated while it forbids to move. Of the
 * ask only the view, spells, the time, lags and rates play a part. */
void operate_look_at_rules(const struct operate_unserved_ask *ask, struct arena *arena,
                           struct operate_rules *rules);
/* Is somebody drained for some names, so that it counts how much these are asked for (`rates`)? */
bool operate_asks_of_names(const struct operate_unserved_ask *ask);
/* Is each rule that is violated among these names, and each of the names that of one? */
bool operate_rules_allow(const struct operate_rules *rules, const char *const *names, size_t count);
/* So that they outlive the topology: what they are called is copied. */
void operate_keep_rules(struct operate_rules *rules, struct arena *arena);
/* What rules have to know of pairs that replicate, as it is at a monotonic time: a lock is the caller's
 * business. Returns how many there are; 0 where no rule asks for them. Some at a time: from `first` on, up to
 * `count`. */
size_t operate_count_lags(const struct view *view);
size_t operate_list_lags(const struct view *view, int64_t now_ms, size_t first,
                         struct health_lag_status *lags, size_t count);
