/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Nodes of a cluster in virtual time over etcd_model.h: each with a local store that commits later than it is
 * told, so that a crash loses what was not committed; and a record of what was acknowledged, which is
 * compared in the end. */
#pragma once

#include "cluster/cluster.h"
#include "etcd_model.h"

enum { WORLD_NODES = 5, WORLD_OBJECTS = 64, WORLD_JOBS = 256, WORLD_OVER = 16 };

struct world_object {
    char kind[32], key[64], value[2048];
    bool is_there;
};

struct world_state { /* shared objects, pending ones and the position, as committed or as in force */
    struct world_object objects[WORLD_OBJECTS];
    size_t count;
    bool has_position;
    struct cluster_position at;
    struct world_pending *pending; /* owned */
};

struct world_pending {
    uint64_t number, mark;
    const char *node; /* NULL: here */
    int64_t since_ms;
    bool has_position;
    struct cluster_position at;
    struct store_op op;
    char kind[32], key[64], value[512];
    uint64_t over[WORLD_OVER];
    size_t over_count;
    struct world_pending *next;
};

struct world_job;
struct world;

struct world_node {
    struct world *world;
    char name[32];
    bool is_up, wakes;
    struct etcd *etcd;
    struct cluster *cluster;
    int64_t due_ms;
    struct world_state memory, disk;
    struct world_job *jobs, **last_job;
    int64_t disk_ms;   /* how long a commit takes at most */
    bool applies_late; /* cluster_applied() when it is committed */
    uint64_t run, pendings;
    uint64_t member;  /* see cluster_options */
    int64_t ahead_ms; /* its wall clock, of the world's */
    int64_t after_ms; /* of the entry that was applied last */
    bool refuses;     /* to lose what it has when it becomes a node */
    unsigned applied_hooks, adopted_hooks, settled_hooks, conflicts;
};

struct world {
    struct etcd_model *model;
    struct random random;
    int64_t now_ms, wall_ms;
    struct world_node nodes[WORLD_NODES];
    size_t count;
    uint64_t runs;
};

/* What was given to a node, and what became of it. */
struct world_order {
    struct cluster_write write;
    struct store_op op;
    struct world_node *node;
    char key[64], value[512];
    bool is_done, was_late, is_pended, is_safe /* pended, and that is committed */;
    struct world_order *next;
};

void world_init(struct world *world, size_t count, uint64_t seed);
void world_fini(struct world *world);
void world_start(struct world_node *node);
void world_stop(struct world_node *node);  /* in order */
void world_crash(struct world_node *node); /* what is not committed is lost */
void world_run(struct world *world, int64_t ms);
/* Until it holds; false: not within so many ms. */
bool world_wait(struct world *world, bool (*holds)(struct world *world), int64_t ms);
bool world_follows(struct world *world); /* all nodes that are up follow, and are as far as the head */

const char *world_find(const struct world_state *state, const char *kind, const char *key); /* NULL: none */
void world_set(struct world_state *state, const struct store_op *op);
bool world_agrees(struct world *world); /* all that are up have the same objects, in memory and on disk */
/* Without its being submitted; and what `done` of an order does at least. */
void world_prepare(struct world_node *node, struct world_order *order, const char *key, const char *value);
void world_written(struct cluster_write *write);
/* An order; kept by the caller until it is done. value NULL: delete. */
void world_order(struct world_node *node, struct world_order *order, const char *key, const char *value);
/* One that holds at once: an entry if that succeeds, and otherwise a pending one. */
void world_emergency(struct world_node *node, struct world_order *order, const char *key, const char *value);
/* On its disk, from when it was there. */
void world_keep_pending(struct world_node *node, const char *key, const char *value,
                        const struct cluster_position *at);
/* What is pending at one node is told to another one over a link of theirs, in its order: it holds there,
 * too, but where etcd is reached it is brought first. Returns how many were news. */
unsigned world_tell(struct world_node *from, struct world_node *to);
/* Held, and no entry was tried. safe: NULL, or set when it is committed. */
void world_pend(struct world_node *node, const char *key, const char *value, uint64_t mark, bool *safe);
