/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What selector.c (members) and tiers.c share. */
#pragma once

#include "conf/selector.h"

#include "conf/keytable.h"

struct selector {
    const struct conf_topology *topology;
    struct arena *arena;   /* of the caller, for results */
    struct arena *scratch; /* for the caches */
    struct keytable *selections, *members, *tiers;
    uint32_t *seen; /* per endpoint: the round in which it was chosen */
    uint32_t round;
    uint32_t *tier_of; /* per member of the name at hand: its tier + 1, or 0 */
    size_t tier_of_size;
    uint32_t *matched, *chosen; /* room for all endpoints: of a pattern, of a name */
};

/* "found" is no name of the topology; lists in the order of enum conf_kind, from `first` on. */
void selector_report_no_match(const struct selector *selector, const struct doc_node *node, const char *what,
                              enum conf_kind first);
/* Enter a value under the key in the buffer, which ends; NULL: nothing is entered. */
void selector_remember(struct selector *selector, struct keytable *table, struct buffer *key, void *value);
/* The member that is this endpoint, or NULL. */
struct conf_member *selector_find_member(const struct selector_members *members, uint32_t endpoint);

/* The members that a name of the topology or a pattern of endpoints stands for. Begin with `at` 0. */
struct selector_walk {
    const struct selector *selector;
    const struct selector_members *members;
    const char *key;
    size_t at;
    bool spare; /* those of pools, too */
};

struct conf_member *selector_next_match(struct selector_walk *walk); /* NULL: that was all */
