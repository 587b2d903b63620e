/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What users notice: resolvers that cache answers, and clients behind them, over the answers of a drill and
 * the times at which endpoints can be reached. Pure.
 *
 * A resolver asks again as soon as an answer has expired, for somebody always wants it. It counts whole
 * seconds: half of them drop an answer as the last one begins (as BIND does, after the TTL), half when that
 * is over (as unbound does, a second later: both as measured). Some ignore TTLs and keep it for `ignore_ms`
 * at least, and where there is no answer it remembers that for `negative_ms`. What it has, its clients go
 * by, each request anew: to one of the addresses, and if that fails and they try again, to the next ones.
 *
 * Resolvers are spread evenly over the phases of their TTLs: `resolvers` of them for each kind of answers.
 * What is computed are shares of users, not users: so the work is for each change of answers and each
 * resolver, whatever the number of clients, names that have all in common, and the time that passes. */
#pragma once

#include "drill/part.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct population_step {
    int64_t at_ms;
    int64_t ttl_ms;
    uint32_t records; /* in one answer */
    const struct drill_part *parts;
    size_t part_count; /* 0: elsewhere, or nothing */
    bool is_empty;     /* there is no answer: requests fail */
};

/* Users who have all answers in common. */
struct population_cohort {
    const struct population_step *steps; /* the first at 0 */
    size_t step_count;
    double weight; /* their part in all users */
};

/* How requests to an endpoint end from a time on: the share that fails, and after how long others are
 * answered. It changes at the plan's times only. */
struct population_service {
    double fails;
    int64_t slow_ms;
};

struct population_plan {
    int64_t duration_ms;
    int64_t begin_ms; /* the first loss: times are since then */
    uint32_t resolvers;
    double ignore_share;
    int64_t ignore_ms, negative_ms;
    int64_t patience_ms;  /* of a client; what takes longer has failed */
    double retry_share;   /* of clients that try other addresses */
    const int64_t *turns; /* times at which services change, ascending, the first at 0 */
    size_t turn_count;
    struct population_service (*serve)(void *context, uint32_t endpoint, int64_t at_ms);
    void *context;
    const uint32_t *places; /* by endpoint: a number below place_count … */
    size_t place_count;     /* … and whoever is led nowhere has this one */
};

enum { POPULATION_MOVED = 4 }; /* 50, 90, 99 and 100 % */

struct population {
    size_t second_count;
    /* By second: the share of requests that fails of clients that take the first address, that try all of
     * them, and of those that there are; and of those led to what fails. */
    double *failed_one, *failed_all, *failed, *misled;
    double *shares;            /* by place, then by second: of requests */
    size_t place_count;        /* with nowhere */
    int64_t first_ms, last_ms; /* failed requests, since the drill began; -1: none */
    double failed_seconds[3];  /* seconds of all requests that failed: one, all, as they are */
    /* Since begin_ms: until so many of those who were led to what is lost are not; -1: never, or nobody was
     */
    int64_t moved_ms[POPULATION_MOVED];
};

/* Returns owned: population_free(). */
struct population *population_new(const struct population_plan *plan);
/* A cohort more. */
void population_add(struct population *population, const struct population_cohort *cohort);
/* All are there: fill in everything. Once. */
void population_finish(struct population *population);
void population_free(struct population *population);
