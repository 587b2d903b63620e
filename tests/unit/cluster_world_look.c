/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What all nodes have: see cluster_world.h. */
#include "config.h"

#include "unit.h"

#include "cluster_world.h"

#include <string.h>

bool world_wait(struct world *world, bool (*holds)(struct world *world), int64_t ms)
{
    int64_t until = world->now_ms + ms;
    while (!holds(world)) {
        if (world->now_ms >= until) {
            return false;
        }
        world_run(world, 10);
    }
    return true;
}

static bool head_of(struct world *world, struct cluster_position *head)
{
    const char *text = etcd_model_get(world->model, "/steerd/prod/head");
    return text != NULL && cluster_read_head(text, strlen(text), head, NULL) == 0;
}

bool world_follows(struct world *world)
{
    struct cluster_position head;
    if (!head_of(world, &head)) {
        return false;
    }
    for (size_t i = 0; i < world->count; i++) {
        struct world_node *node = &world->nodes[i];
        struct cluster_status status;
        if (!node->is_up) {
            continue;
        }
        cluster_get_status(node->cluster, &status);
        if (status.phase != CLUSTER_FOLLOWING || !cluster_is_at(&status.at, &head) || node->jobs != NULL) {
            return false;
        }
    }
    return true;
}

static bool is_within(const struct world_state *a, const struct world_state *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct world_object *object = &a->objects[i];
        const char *other = world_find(b, object->kind, object->key);
        if (object->is_there != (other != NULL) || (object->is_there && strcmp(object->value, other) != 0)) {
            return false;
        }
    }
    return true;
}

bool world_agrees(struct world *world)
{
    const struct world_state *first = NULL;
    for (size_t i = 0; i < world->count; i++) {
        const struct world_node *node = &world->nodes[i];
        if (!node->is_up) {
            continue;
        }
        first = first == NULL ? &node->memory : first;
        if (!is_within(first, &node->memory) || !is_within(&node->memory, first) ||
            !is_within(first, &node->disk) || !is_within(&node->disk, first) ||
            node->disk.at.seq != first->at.seq) {
            return false;
        }
    }
    return true;
}
