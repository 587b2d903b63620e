/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Looks for some octets anywhere in what a connection brings, in pieces of any size. Pure: keeps two numbers
 * of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXPECT_LEN_MAX = 255, EXPECT_READ_MAX = 16384 };

/* What is looked for; immutable, and without padding: equal ones are equal octets. */
struct expect {
    uint32_t read_max; /* octets that are looked at */
    uint8_t len;       /* 1 or more */
    uint8_t octets[EXPECT_LEN_MAX];
    uint8_t falls_to[EXPECT_LEN_MAX + 1]; /* private: of what matched so far, how much also is a beginning */
};

struct expect_scan {
    uint32_t read; /* octets so far, at most read_max */
    uint8_t matched;
};

enum expect_progress {
    EXPECT_MORE,
    EXPECT_FOUND,
    EXPECT_ABSENT, /* not within the first read_max octets */
};

/* To be looked for in the first EXPECT_READ_MAX octets. */
void expect_init(struct expect *expect, const uint8_t *octets, size_t len);
/* Is the same looked for? NULL is nothing. */
bool expect_is_same(const struct expect *a, const struct expect *b);
/* A scan begins zeroed. After FOUND it is over; after ABSENT it stays so. */
enum expect_progress expect_feed(struct expect_scan *scan, const struct expect *expect, const uint8_t *octets,
                                 size_t len);
