/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is wanted of one value of a JSON document: where it is, and how it compares. Plain data. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum wish_op {
    WISH_EQUAL,
    WISH_DIFFERENT,
    WISH_LESS,
    WISH_AT_MOST,
    WISH_MORE,
    WISH_AT_LEAST,
    WISH_EXISTS, /* or does not: TRUE or FALSE */
};

enum wish_kind { WISH_NUMBER, WISH_TEXT, WISH_TRUE, WISH_FALSE, WISH_NULL };

enum { WISHES_MAX = 8, WISHES_TOLD_MAX = 3 };

struct wish {
    const char *pointer; /* RFC 6901, begins with "/" */
    enum wish_op op;     /* LESS to AT_LEAST: numbers only */
    enum wish_kind kind; /* what it is compared with */
    double number;
    const char *text;
};

bool wish_is_same(const struct wish *a, const struct wish *b);
/* Lists of them. */
bool wishes_are_same(const struct wish *a, size_t a_count, const struct wish *b, size_t b_count);
