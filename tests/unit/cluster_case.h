/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of src/cluster begin with. */
#pragma once

#include "cluster_world.h"

struct turn_told {
    bool is_told;
    int error;
};

struct world *case_begin(size_t nodes); /* all have joined */
void case_end(struct world *world);
struct cluster_status status_of(const struct world_node *node);
void told_turn(void *context, int error);
struct turn_told take_turn(struct world *world, struct world_node *node, uint32_t patience_ms);
/* An order that succeeds. */
void give(struct world *world, size_t node, const char *key, const char *value);
