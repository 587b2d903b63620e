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

/* From "endpoints", "weights" and the pools of fallbacks of the node of a name. Never NULL. */
const struct selector_members *selector_read_members(struct selector *selector, const struct doc_node *name);

/* "fallback" of a name or rule: false if there is none. */
bool selector_read_fallback(struct selector *selector, const struct doc_node *node,
                            const struct selector_members *members, struct conf_last_resort *fallback);

/* From the array of tiers; node NULL: one tier with every member. */
struct conf_tiers selector_read_tiers(struct selector *selector, const struct doc_node *node,
                                      const struct selector_members *members);
