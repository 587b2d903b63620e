/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A choice in words and in shares: what reports and drills say of it. */
#pragma once

#include "base/arena.h"
#include "steer/steer.h"

/* "tier us-east", "tiers us-east 75 %, eu-west 25 %", "tier us-east (no AAAA)", "fallback static". */
const char *operate_describe_choice(const struct steer_class *class, const struct steer_choice *choice,
                                    const char *type, struct arena *arena);

/* The part of each member of the choice in all records of its answers, 0..1, adding up to 1: the odds by
 * their sum. shares has room for choice->count. */
void operate_find_shares(const struct steer_policy *policy, const struct steer_choice *choice,
                         double *shares);

/* Is an endpoint of the choice one that serves (unserved.h), with this family? The choice was made from this
 * table. */
bool operate_is_served(const struct steer_policy *policy, const struct steer_choice *choice,
                       const struct health_table *table, enum health_family family);
