/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What tally.c notes and tally_sum.c adds up. */
#pragma once

#include "observe/reply.h"
#include "observe/tally.h"

struct tally_answer {
    uint16_t addresses[REPLY_ADDRESSES_MAX]; /* ascending */
    size_t count;
};

struct tally_note {
    int64_t at_ms;
    uint32_t who;  /* a cache, or an address */
    uint32_t what; /* an answer, or whether it fails */
};

struct tally_notes {
    struct tally_note *items;
    size_t count, capacity;
};

struct tally {
    size_t cache_count;
    struct addr addresses[TALLY_ADDRESSES_MAX];
    size_t address_count;
    struct tally_answer *answers; /* the first: none */
    size_t answer_count;
    uint32_t *now; /* by cache: its answer; UINT32_MAX: it has not been answered yet */
    struct tally_notes caches, services, fresh; /* services: of each request, as they ended */
    bool is_full;
};
