/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Nodes that fetch the same thing from each other, in virtual time: each sends one block a tick of 1 ms at
 * most, to those who have asked in turn, and says every so often what it has by now. */
#pragma once

#include "cluster/swarm.h"

#include "base/random.h"

#include <stdbool.h>
#include <stdint.h>

enum { WORLD_NODES_MAX = 32, WORLD_QUEUE = 64 };

struct world_plan {
    unsigned nodes, origins; /* origins: those that have all of it at first */
    uint32_t blocks;
    unsigned says_every_ms;
    unsigned speed; /* of an origin: blocks a tick; 0: 1, as all others */
    uint64_t seed;
};

struct world_wish {
    uint32_t block;
    bool scarce;
};

struct world_node {
    bool is_up, is_origin, is_deaf; /* deaf: it is linked, and gives nothing */
    struct swarm *swarm;            /* NULL: an origin has all */
    struct swarm_giver giver;
    uint32_t *log, log_len; /* what it has, in the order in which it came */
    uint32_t said;          /* of that */
    struct world_wish wishes[WORLD_NODES_MAX][WORLD_QUEUE];
    unsigned head[WORLD_NODES_MAX], waiting[WORLD_NODES_MAX], turn;
    uint32_t tired[WORLD_NODES_MAX]; /* of what it does not give any more: told to that one */
    uint64_t sent, refused;
};

struct world {
    struct world_plan plan;
    struct random random;
    struct world_node nodes[WORLD_NODES_MAX];
    int64_t now_ms;
};

struct world *world_new(const struct world_plan *plan);
void world_free(struct world *world);
void world_tick(struct world *world);
void world_kill(struct world *world, unsigned node);  /* what it had goes away */
void world_start(struct world *world, unsigned node); /* it begins anew */
bool world_has_all(const struct world *world, unsigned node);
bool world_is_done(const struct world *world);     /* all that are up have all */
double world_most_sent(const struct world *world); /* by one node, in times the whole */
