/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The book of an observation: which cache had which answer from when on, which address failed from when on,
 * and what fresh answers were. From that, and not from samples, it is computed what users noticed: shares of
 * requests, each of which goes to one of the addresses that its cache has, as in drill/population.h. Pure.
 * Times are milliseconds since the observation began. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TALLY_ADDRESSES_MAX = 256,
    TALLY_ANSWERS_MAX = 4096, /* different ones */
    TALLY_NOTES_MAX = 4 << 20,
    TALLY_MOVED = 4, /* 50, 90, 99 and 100 % */
};

struct tally;

/* Returns owned: tally_free(). */
struct tally *tally_new(size_t cache_count);
void tally_free(struct tally *tally);
/* More happened than fits: what follows was not noted. */
bool tally_is_full(const struct tally *tally);

size_t tally_count_addresses(const struct tally *tally);
const struct addr *tally_get_address(const struct tally *tally, size_t index);
/* The number of an address, which may be new; TALLY_ADDRESSES_MAX: there is no room. */
size_t tally_find_address(struct tally *tally, const struct addr *address);

/* A cache has these addresses from now on (count 0: none). Times do not go back. */
void tally_note_answer(struct tally *tally, size_t cache, const struct addr *addresses, size_t count,
                       int64_t at_ms);
/* A fresh answer to one of up to 32 names, which no cache was asked for. Likewise. */
void tally_note_fresh(struct tally *tally, size_t name, const struct addr *addresses, size_t count,
                      int64_t at_ms);
/* A request to an address that began at this time failed, or did not; in any order. */
void tally_note_service(struct tally *tally, size_t address, bool fails, int64_t at_ms);

struct tally_sum {
    size_t second_count;
    /* By second, shares of all requests: that fail if clients take one of the addresses, if they try all,
     * and those led to what fails. Owned. */
    double *failed_one, *failed_all, *misled;
    double seconds_one, seconds_all; /* of all requests, that failed */
    int64_t lost_ms;                 /* the first failure of an address; -1: none */
    int64_t first_ms, last_ms;       /* failed requests: from, to; -1: none */
    /* Since lost_ms: from then on no fresh answer had an address that failed, before there was
     * none for a second. -1: none ever led there, or they did until nothing failed any more, or all the time.
     */
    int64_t decided_ms;
    int64_t moved_ms[TALLY_MOVED]; /* since lost_ms; as population.h has it, but by the millisecond */
};

/* Up to this time. */
void tally_add_up(struct tally *tally, int64_t duration_ms, struct tally_sum *sum);
void tally_sum_fini(struct tally_sum *sum);
