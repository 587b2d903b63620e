/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who counts as what, and what follows: monitors in a family of their endpoint, endpoints in their az, azs in
 * their region. For the files of src/health only. */
#pragma once

#include "health/machine.h"

/* A monitor as its families have counted it. */
struct health_share {
    bool counts, wavers, inherited;
    enum health_observed verdict;
};

struct health_share health_share_of(const struct health_monitor *monitor);
/* It was counted like `before`, and is not like that any more. */
void health_count_again(struct health *health, const struct health_monitor *monitor,
                        struct health_share before);
void health_add_ballots(struct health *health);
void health_clear_ballots(struct health *health);
/* Has it a monitor that has a say? */
bool health_has_voters(const struct health *health, uint32_t endpoint);
/* Of the kinds above: one member that was counted as `before`, and is as `after` now; each is an enum
 * health_observed or enum health_standing. */
void health_count_standing(struct health_tally *tally, unsigned before, unsigned after);

/* Do the latest results speak against the verdict? Or is there none yet, so that any may come? */
bool health_wavers(const struct health_monitor *monitor);
uint32_t health_find_wavers(const struct health *health, uint32_t endpoint); /* of HEALTH_WORD_WAVERS */

/* What follows from the counters, of HEALTH_WORD_VERDICTS. */
uint32_t health_judge_endpoint(const struct health *health, uint32_t endpoint);
uint32_t health_judge_group(const struct health *health, enum health_kind kind, uint32_t index);
/* As many unhealthy ones of it as make it lost. */
uint32_t health_find_lost_from(const struct health *health, enum health_kind kind, uint32_t index);
/* The same of an endpoint if those of its monitors that are unhealthy, but back by then, were healthy. */
typedef bool health_is_back_fn(const struct health *health, uint32_t monitor, int64_t until_ms);
uint32_t health_foresee_endpoint(const struct health *health, uint32_t endpoint, int64_t until_ms,
                                 health_is_back_fn *is_back_by);

struct health_combination health_find_combination(const struct health *health, uint32_t endpoint,
                                                  enum health_family family);

/* As what an object counts in its parent, with this word: enum health_observed or enum health_standing. */
unsigned health_find_standing(const struct health *health, enum health_kind kind, uint32_t index,
                              uint32_t word);
