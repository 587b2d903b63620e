/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A node whose clock was wrong for a while, or that was killed at the wrong moment, has ended overrides that
 * hold elsewhere, and no entry brings them back. So nodes compare which overrides they have: each tells a
 * hash of them with its beat, which says something where both have applied the same entries and nothing is on
 * its way. A node that differs for some seconds takes what etcd has once more, at the position that it has;
 * so does one whose own clock has stepped. Where that does not help, as while a clock is wrong, it is tried
 * ever more seldom. */
#include "config.h"

#include "cluster/inside.h"

#include <stdlib.h>
#include <string.h>

enum {
    DIFFERS_MS = 5000,    /* nodes do, for a moment, whenever something ends */
    SELDOM_MS = 60000,    /* at least so often it is tried again */
    CLOCK_STEP_MS = 1000, /* a clock that drifts is set by less */
    CLOCK_SET_MS = 250,   /* … and is not set at all by less */
};

static void follow_clock(struct cluster *cluster)
{
    struct heal *heal = &cluster->heal;
    int64_t clock_ms = cluster->wall_ms - cluster->now_ms;
    int64_t step_ms = heal->has_clock ? clock_ms - heal->clock_ms : 0;
    heal->is_due = heal->is_due || llabs(step_ms) > CLOCK_STEP_MS;
    if (llabs(step_ms) > CLOCK_SET_MS) {
        cluster_nodes_set_clock(cluster, step_ms);
    }
    heal->has_clock = true;
    heal->clock_ms = clock_ms;
}

static bool is_comparable(const struct cluster *cluster, const struct cluster_node *node)
{
    return node->is_fresh && node->self.overrides != 0 && node->applied == cluster->at.seq &&
           memcmp(node->hash, cluster->at.hash, sizeof node->hash) == 0 && node->phase != NULL &&
           strcmp(node->phase, cluster_phase_text(CLUSTER_FOLLOWING)) == 0;
}

bool cluster_agrees(const struct cluster *cluster)
{
    const struct nodes *nodes = &cluster->nodes;
    uint64_t own = nodes->list[0].self.overrides;
    bool agrees = own != 0 && cluster_is_at_rest(cluster);
    for (size_t i = 1; i < nodes->count && agrees; i++) {
        const struct cluster_node *node = &nodes->list[i];
        agrees = !node->is_fresh || (is_comparable(cluster, node) && node->self.overrides == own);
    }
    return agrees;
}

static bool differs(const struct cluster *cluster)
{
    const struct nodes *nodes = &cluster->nodes;
    uint64_t own = nodes->list[0].self.overrides;
    bool differs = false;
    for (size_t i = 1; i < nodes->count; i++) {
        const struct cluster_node *node = &nodes->list[i];
        differs = differs || (is_comparable(cluster, node) && node->self.overrides != own);
    }
    return differs && own != 0;
}

static void compare(struct cluster *cluster)
{
    struct heal *heal = &cluster->heal;
    if (!differs(cluster)) {
        heal->differs_ms = heal->wait_ms = 0;
        return;
    }
    if (heal->differs_ms == 0) {
        heal->differs_ms = cluster->now_ms;
        heal->wait_ms = DIFFERS_MS;
        heal->next_ms = cluster->now_ms + DIFFERS_MS;
    }
    if (cluster->now_ms >= heal->next_ms) {
        heal->is_due = true;
        heal->wait_ms = 2 * heal->wait_ms < SELDOM_MS ? 2 * heal->wait_ms : SELDOM_MS;
        heal->next_ms = cluster->now_ms + heal->wait_ms;
    }
    cluster_due(cluster, heal->next_ms);
}

void cluster_heal_step(struct cluster *cluster)
{
    struct heal *heal = &cluster->heal;
    follow_clock(cluster);
    if (!cluster_is_at_rest(cluster)) {
        return;
    }
    compare(cluster);
    if (heal->is_due && cluster->fill.stage == FILL_NONE) {
        heal->is_due = false;
        cluster_fill_take_again(cluster);
    }
}
