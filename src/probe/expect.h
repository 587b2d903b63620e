/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Looks for some octets anywhere in what a connection brings, in pieces of any size. Pure: keeps two numbers
 * of it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { EXPECT_LEN_MAX = 255, EXPECT_READ_MAX = 16384 };

/* What is looked for; immutable. */
struct expect {
    uint8_t len; /* 1 or more */
    uint8_t octets[EXPECT_LEN_MAX];
    uint8_t falls_to[EXPECT_LEN_MAX]; /* private: of what matched so far, how much also is a beginning */
};

struct expect_scan {
    uint32_t read; /* octets so far, at most EXPECT_READ_MAX */
    uint8_t matched;
};

enum expect_progress {
    EXPECT_MORE,
    EXPECT_FOUND,
    EXPECT_ABSENT, /* not within the first EXPECT_READ_MAX octets */
};

void expect_init(struct expect *expect, const uint8_t *octets, size_t len);
/* A scan begins zeroed. After FOUND it is over; after ABSENT it stays so. */
enum expect_progress expect_feed(struct expect_scan *scan, const struct expect *expect, const uint8_t *octets,
                                 size_t len);
