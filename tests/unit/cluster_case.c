/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See cluster_case.h. */
#include "config.h"

#include "unit.h"

#include "cluster_case.h"

#include <stdlib.h>

struct world *case_begin(size_t nodes)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world_init(world, nodes, 7);
    for (size_t i = 0; i < nodes; i++) {
        world_start(&world->nodes[i]);
        etcd_model_way(world->nodes[i].etcd)->delay_ms = 2;
        assert_true(world_wait(world, world_follows, 10000));
    }
    return world;
}

void case_end(struct world *world)
{
    world_fini(world);
    free(world);
}

struct cluster_status status_of(const struct world_node *node)
{
    struct cluster_status status;
    cluster_get_status(node->cluster, &status);
    return status;
}

void told_turn(void *context, int error)
{
    struct turn_told *told = context;
    assert_false(told->is_told);
    *told = (struct turn_told){true, error};
}

struct turn_told take_turn(struct world *world, struct world_node *node, uint32_t patience_ms)
{
    struct turn_told told = {false, 0};
    (void)cluster_take_turn(node->cluster, patience_ms, told_turn, &told);
    world_run(world, patience_ms + 50);
    assert_true(told.is_told);
    return told;
}

void give(struct world *world, size_t node, const char *key, const char *value)
{
    struct world_order order;
    world_order(&world->nodes[node], &order, key, value);
    world_run(world, 300);
    assert_true(order.is_done && order.write.error == 0);
}
