/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which endpoints a steered name has, and in which tiers: patterns, weights and references of a policy
 * resolved against a topology. What was written the same way before is resolved once and shared, so that a
 * hundred thousand names with one policy cost one of them. Called by policy.c and georule.c; errors go to the
 * document's report. */
#pragma once

#include "base/arena.h"
#include "conf/doc.h"
#include "conf/policy.h"

#include <stdbool.h>
#include <stddef.h>

enum { SELECTOR_MEMBERS_MAX = 65535 };

struct selector;

/* The members of a name; shared by all names that are written the same way. */
struct selector_members {
    struct conf_member *items; /* ascending by endpoint */
    size_t count;
    bool complete; /* false: something was reported, so what is missing may not be missing */
};

/* Results go to the arena; the topology is borrowed until selector_free(). Returns owned. */
struct selector *selector_new(const struct conf_topology *topology, struct arena *arena);
void selector_free(struct selector *selector);

/* Where else a name may have endpoints. */
struct selector_pools {
    const struct refs_fallback *own; /* NULL: none */
    const struct conf_geo *geo;      /* with pools in it; NULL: none */
};

/* From "endpoints" and "weights" of the node of a name, and from pools. Never NULL. */
const struct selector_members *selector_read_members(struct selector *selector, const struct doc_node *name,
                                                     const struct selector_pools *pools);

/* Where tiers that are resolved for a name are written: in this array; or, for those of a shared set of
 * rules, at the name that refers to it. */
struct selector_place {
    const struct doc_node *node;
    const struct conf_geo *set; /* NULL: written here */
    size_t rule;
};

/* What a fallback is for these members; NULL: "first". */
const struct conf_last_resort *selector_resolve_fallback(struct selector *selector,
                                                         const struct refs_fallback *fallback,
                                                         const struct selector_members *members);

/* refs NULL: one tier with every member. In a shared set, tiers without members are left out: it is an error
 * only if none remains. */
struct conf_tiers selector_resolve_tiers(struct selector *selector, const struct refs *refs,
                                         const struct selector_members *members,
                                         const struct selector_place *place);
