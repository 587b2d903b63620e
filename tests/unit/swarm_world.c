/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See swarm_world.h. */
#include "config.h"

#include "swarm_world.h"

#include "base/memory.h"

#include <stdlib.h>

bool world_has_all(const struct world *world, unsigned node)
{
    const struct world_node *at = &world->nodes[node];
    return at->is_origin || (at->swarm != NULL && swarm_count_missing(at->swarm) == 0);
}

bool world_is_done(const struct world *world)
{
    bool done = true;
    for (unsigned i = 0; i < world->plan.nodes; i++) {
        done = done && (!world->nodes[i].is_up || world_has_all(world, i));
    }
    return done;
}

double world_most_sent(const struct world *world)
{
    uint64_t most = 0;
    for (unsigned i = 0; i < world->plan.nodes; i++) {
        most = world->nodes[i].sent > most ? world->nodes[i].sent : most;
    }
    return (double)most / (double)world->plan.blocks;
}

/* ---- what they say ---- */

static void tell(struct world_node *to, unsigned from, const struct world_node *node, uint32_t since)
{
    if (to->swarm == NULL || !to->is_up) {
        return;
    }
    for (uint32_t i = since; i < node->log_len; i++) {
        swarm_hear_has(to->swarm, from, node->log[i], 1);
    }
}

static void say(struct world *world, unsigned number)
{
    struct world_node *node = &world->nodes[number];
    for (unsigned i = 0; i < world->plan.nodes; i++) {
        if (i != number) {
            tell(&world->nodes[i], number, node, node->said);
        }
    }
    node->said = node->log_len;
}

static void ask(struct world *world, unsigned number)
{
    struct swarm_ask ask;
    struct world_node *node = &world->nodes[number];
    if (node->swarm == NULL) {
        return;
    }
    (void)swarm_follow_time(node->swarm, world->now_ms);
    while (swarm_next(node->swarm, world->now_ms, &ask)) {
        struct world_node *of = &world->nodes[ask.peer];
        if (of->waiting[number] < WORLD_QUEUE) {
            of->wishes[number][(of->head[number] + of->waiting[number]++) % WORLD_QUEUE] =
                (struct world_wish){ask.block, ask.scarce};
        }
    }
}

/* ---- what they give ---- */

static void take(struct world *world, unsigned number, unsigned from, uint32_t block)
{
    struct world_node *node = &world->nodes[number];
    if (node->is_up && node->swarm != NULL && swarm_hear_block(node->swarm, from, block, world->now_ms)) {
        node->log[node->log_len++] = block;
    }
}

/* With all that it would be refused as well. */
static void refuse(struct world *world, unsigned number, unsigned to, uint32_t block, bool is_gone)
{
    struct world_node *node = &world->nodes[number], *asker = &world->nodes[to];
    if (!asker->is_up || asker->swarm == NULL) {
        return;
    }
    swarm_hear_none(asker->swarm, number, block, is_gone, world->now_ms);
    for (uint32_t *told = &node->tired[to]; *told < node->giver.tired_count; (*told)++) {
        swarm_hear_none(asker->swarm, number, node->giver.tired[*told], false, world->now_ms);
    }
}

/* False: there was none, or it was refused, which takes no time. */
static bool give_one(struct world *world, unsigned number, unsigned to)
{
    struct world_node *node = &world->nodes[number];
    if (node->waiting[to] == 0) {
        return false;
    }
    struct world_wish wish = node->wishes[to][node->head[to]];
    node->head[to] = (node->head[to] + 1) % WORLD_QUEUE;
    node->waiting[to]--;
    bool has = node->is_origin || swarm_has(node->swarm, wish.block);
    if (has && swarm_giver_may(&node->giver, wish.block, wish.scarce, world->now_ms)) {
        node->sent++;
        take(world, to, number, wish.block);
        return true;
    }
    node->refused++;
    refuse(world, number, to, wish.block, !has);
    return false;
}

static void give(struct world *world, unsigned number)
{
    struct world_node *node = &world->nodes[number];
    for (unsigned i = 0; i < world->plan.nodes && !node->is_deaf; i++) {
        node->turn = (node->turn + 1) % world->plan.nodes;
        if (give_one(world, number, node->turn)) {
            return;
        }
    }
}

void world_tick(struct world *world)
{
    world->now_ms++;
    for (unsigned i = 0; i < world->plan.nodes; i++) {
        struct world_node *node = &world->nodes[i];
        if (node->is_up && (world->now_ms + i * 7) % world->plan.says_every_ms == 0) {
            say(world, i);
        }
    }
    for (unsigned i = 0; i < world->plan.nodes; i++) {
        if (world->nodes[i].is_up) {
            ask(world, i);
        }
    }
    for (unsigned i = 0; i < world->plan.nodes; i++) {
        unsigned times = world->nodes[i].is_origin && world->plan.speed > 1 ? world->plan.speed : 1;
        for (; world->nodes[i].is_up && times > 0; times--) {
            give(world, i);
        }
    }
}

/* ---- who is there ---- */

static void forget(struct world_node *node, unsigned other)
{
    node->waiting[other] = node->tired[other] = 0;
    if (node->swarm != NULL) {
        swarm_leave(node->swarm, other);
    }
}

void world_kill(struct world *world, unsigned number)
{
    struct world_node *node = &world->nodes[number];
    node->is_up = false;
    for (unsigned i = 0; i < world->plan.nodes; i++) {
        forget(&world->nodes[i], number);
        node->waiting[i] = node->tired[i] = 0;
    }
    swarm_free(node->swarm);
    node->swarm = NULL;
    node->is_origin = false;
    node->log_len = node->said = 0;
}

static void link_both(struct world *world, unsigned one, unsigned other)
{
    struct world_node *a = &world->nodes[one], *b = &world->nodes[other];
    if (a->swarm != NULL) {
        swarm_come(a->swarm, other);
        tell(a, other, b, 0);
    }
    if (b->swarm != NULL) {
        swarm_come(b->swarm, one);
        tell(b, one, a, 0);
    }
}

void world_start(struct world *world, unsigned number)
{
    struct world_node *node = &world->nodes[number];
    node->is_up = true;
    swarm_giver_fini(&node->giver);
    swarm_giver_init(&node->giver, world->plan.blocks);
    if (!node->is_origin) {
        node->swarm = swarm_new(world->plan.blocks, random_next(&world->random));
    }
    for (unsigned i = 0; i < world->plan.nodes; i++) {
        if (i != number && world->nodes[i].is_up) {
            link_both(world, number, i);
        }
    }
}

struct world *world_new(const struct world_plan *plan)
{
    struct world *world = memory_alloc(sizeof *world);
    world->plan = *plan;
    random_init(&world->random, plan->seed);
    for (unsigned i = 0; i < plan->nodes; i++) {
        struct world_node *node = &world->nodes[i];
        node->log = memory_alloc_array(plan->blocks, sizeof *node->log);
        node->is_origin = i < plan->origins;
        for (uint32_t k = 0; node->is_origin && k < plan->blocks; k++) {
            node->log[node->log_len++] = k;
        }
        world_start(world, i);
    }
    return world;
}

void world_free(struct world *world)
{
    for (unsigned i = 0; i < world->plan.nodes; i++) {
        swarm_free(world->nodes[i].swarm);
        swarm_giver_fini(&world->nodes[i].giver);
        free(world->nodes[i].log);
    }
    free(world);
}
