/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary prefix trees inside this folder: of databases (leaves are places), of prefix rules (leaves are sets
 * of rules) and of the compiled result (leaves are classes). A reference is either the index of a node or,
 * with GEO_LEAF set, the value of a leaf. A node is the pair of references for the next bit of an address.
 * Nodes may have several parents: databases alias their IPv4 part into 2002::/16 and others, and it is stored
 * once.
 *
 * Two sibling leaves never hold the same value: geo_trie_join() makes one leaf of them. So the depth of a
 * leaf is the shortest prefix around an address that has one value throughout. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GEO_LEAF UINT32_C(0x80000000)

struct geo_node {
    uint32_t child[2];
};

struct geo_trie {
    struct geo_node *nodes;
    size_t count, capacity;
};

static inline bool geo_is_leaf(uint32_t ref)
{
    return (ref & GEO_LEAF) != 0;
}

/* The reference for one more bit; a leaf covers everything below it. */
static inline uint32_t geo_trie_child(const struct geo_trie *trie, uint32_t ref, unsigned bit)
{
    return geo_is_leaf(ref) ? ref : trie->nodes[ref].child[bit];
}

/* A reference to the pair, or the leaf if both are the same one. */
uint32_t geo_trie_join(struct geo_trie *trie, uint32_t zero, uint32_t one);
uint32_t geo_trie_add(struct geo_trie *trie, uint32_t zero, uint32_t one); /* without merging */
void geo_trie_fini(struct geo_trie *trie);
/* Where an address that begins with this many 0 bits goes on. */
uint32_t geo_trie_skip_zeros(const struct geo_trie *trie, uint32_t ref, unsigned bits);

/* ---- laying one tree over another ---- */

struct geo_memo_slot {
    uint64_t key;
    uint32_t value;
    bool used;
};

struct report;

struct geo_overlay {
    const struct geo_trie *upper, *lower; /* not the same as out */
    struct geo_trie *out;
    void *context;
    const struct report *report; /* with which it is called off; NULL: never */
    /* The value where these leaves' values meet. */
    uint32_t (*combine)(void *context, uint32_t upper, uint32_t lower);
    /* Is the value the same for every lower one? Then combine() is asked with 0 for all of them. */
    bool (*decides)(void *context, uint32_t upper);
    /* Zero before the first run; geo_overlay_fini() frees them. */
    uint8_t *upper_parents, *lower_parents; /* of each node: 0, 1, or 2 for more */
    struct geo_memo_slot *memo;
    size_t memo_room, memo_used;
};

/* Runs of one overlay may share what they have built. Depth of each tree at most 128. Returns a reference in
 * out. */
uint32_t geo_overlay_run(struct geo_overlay *overlay, uint32_t upper, uint32_t lower);
void geo_overlay_fini(struct geo_overlay *overlay);
