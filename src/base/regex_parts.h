/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A regular expression on its way to a table: a graph whose nodes stand for octets or for nothing (Thompson's
 * construction). Private to base/regex*.c. */
#pragma once

#include "base/regex.h"

enum { NODES_MAX = 1024, SET_WORDS = 4 };

enum node_kind {
    NODE_EMPTY, /* on to `a` */
    NODE_SPLIT, /* on to `a` or `b` */
    NODE_SET,   /* one octet of the set, then `a` */
    NODE_BEGIN, /* on to `a` at the beginning */
    NODE_END,   /* … at the end */
    NODE_MATCH,
};

struct node {
    enum node_kind kind;
    uint16_t a, b;
    uint64_t set[SET_WORDS];
};

struct graph {
    struct node *nodes; /* NODES_MAX, of the caller */
    size_t count;
    uint16_t start;
};

static inline bool set_has(const uint64_t set[SET_WORDS], unsigned octet)
{
    return (set[octet / 64] >> octet % 64 & 1) != 0;
}

/* false: why not. */
bool regex_parse(const char *pattern, struct graph *graph, char why[REGEX_WHY_SIZE]);
