/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The compiled form of a rule set: made by build.c, asked by tree.c. */
#pragma once

#include "geo/geo.h"
#include "geo/trie.h"

/* Copies the nodes in the order that look-ups like. Leaves hold classes. */
struct geo_tree *geo_tree_new(const struct geo_trie *classes, uint32_t root_v4, uint32_t root_v6);
