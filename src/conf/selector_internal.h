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
    struct keytable *selections, *members, *tiers, *fallbacks;
    uint32_t *seen;    /* per endpoint: the round in which it was chosen, or for spare ones the next number */
    uint32_t round;    /* even */
    uint32_t *tier_of; /* per member of the name at hand: its tier + 1, or 0 */
    size_t tier_of_size;
    uint32_t *matched, *chosen; /* room for all endpoints: of a pattern, of a name */
};

/* The member that is this endpoint, or NULL. */
struct conf_member *selector_find_member(const struct selector_members *members, uint32_t endpoint);

/* The members that a reference stands for. Begin with `at` 0. */
struct selector_walk {
    const struct selector *selector;
    const struct selector_members *members;
    struct refs_item item;
    size_t at;
    bool spare; /* those of pools, too */
};

struct conf_member *selector_next_match(struct selector_walk *walk); /* NULL: that was all */
