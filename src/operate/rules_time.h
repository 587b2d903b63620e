/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rules that go by the time. Pure. Private to src/operate, but for who tells the health machine. */
#pragma once

#include "conf/rule.h"
#include "health/table.h"

/* Is a rule of type freeze in one of its windows? By the clocks of its place: an hour that they leave out is
 * in none, one that they show twice is twice. */
bool rules_are_frozen(const struct conf_rule *rule, int64_t wall_ms);
/* When that is over, to the minute; 0: not within eight days. Looks at each minute until then. */
int64_t rules_find_thaw(const struct conf_rule *rule, int64_t wall_ms);
/* When a region came back or left last, by itself or by an order; 0: never. */
int64_t rules_find_last_move(const struct health_table *table);
