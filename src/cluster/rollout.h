/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which bundle of configuration all nodes go by, and which one comes next (doc/cluster.md, "Bundles"): the
 * shared object "bundle" / "current", JSON and back, and what becomes of it. Two steps: `next` is set, and
 * every node fetches and checks it and says how it is with it (struct cluster_bundle); then the node that has
 * the work sets `active`, or gives it up and says who could not. Times are wall milliseconds. Pure. */
#pragma once

#include "cluster/node.h"

#define ROLLOUT_KIND "bundle"
#define ROLLOUT_KEY  "current"

enum {
    ROLLOUT_WHY_SIZE = CLUSTER_BUNDLE_WHY_SIZE,
    ROLLOUT_ACTOR_SIZE = 64,
    ROLLOUT_REASON_SIZE = 256,
    ROLLOUT_ROLE_SIZE = 16,
};

enum rollout_require { ROLLOUT_ALL, ROLLOUT_MAJORITY };
const char *rollout_require_text(enum rollout_require require); /* "all" "majority" */
enum rollout_result { ROLLOUT_ACTIVE, ROLLOUT_FAILED, ROLLOUT_CANCELLED };
const char *rollout_result_text(enum rollout_result result); /* "active" "failed" "cancelled" */

/* Who wants it, and since when. */
struct rollout_said {
    char id[CLUSTER_BUNDLE_ID_SIZE]; /* "": there is none */
    int64_t since_ms;
    char actor[ROLLOUT_ACTOR_SIZE], reason[ROLLOUT_REASON_SIZE]; /* cut if they are longer */
    char role[ROLLOUT_ROLE_SIZE]; /* by which each node judges what the bundle contains; "": not said */
};

struct rollout_absent {
    char node[CLUSTER_NAME_MAX + 1];
    char why[ROLLOUT_WHY_SIZE];
};

struct rollout {
    struct rollout_said active, next;
    char before[CLUSTER_BUNDLE_ID_SIZE]; /* what was active before; "": nothing */
    /* of next: */
    uint64_t round; /* random: what a node said of the same bundle in another round does not count; not 0 */
    int64_t until_ms;
    enum rollout_require require;
    /* how the latest ended; id "": there was none */
    struct {
        char id[CLUSTER_BUNDLE_ID_SIZE];
        enum rollout_result result;
        char why[ROLLOUT_WHY_SIZE]; /* "": the result says it all */
        int64_t at_ms;
        struct rollout_absent nodes[CLUSTER_NODES_MAX]; /* who was not ready */
        size_t node_count;
    } last;
};

/* 0, ERROR_SYNTAX or ERROR_INVALID and *why (static). */
int rollout_read(const char *text, size_t len, struct rollout *rollout, const char **why);
char *rollout_write(const struct rollout *rollout); /* owned (free) */

/* ---- what becomes of it ---- */

struct rollout_wish {
    const char *id, *actor, *reason, *role; /* NULL or "": not said; the ID always is */
    bool may_more; /* the role may do more than that of what is active: it is activated again */
    uint64_t round;
    int64_t now_ms, within_ms;
    enum rollout_require require;
};
/* 0, and `next` is that; ERROR_BUSY: another one is under way; ERROR_CONFLICT: it is active already,
 * and the role does not exceed that. */
int rollout_begin(struct rollout *rollout, const struct rollout_wish *wish);
/* What is under way ends. 0, or ERROR_NOT_FOUND: nothing is. */
int rollout_cancel(struct rollout *rollout, const char *why, int64_t now_ms);

/* A node that counts, and what is known of it. Borrowed. */
struct rollout_node {
    const char *name;
    bool is_fresh;
    const struct cluster_bundle *bundle; /* what it said last; NULL: nothing */
};
struct rollout_look {
    const struct rollout_node *nodes; /* all that are known, this one included */
    size_t count;
    int64_t now_ms;
    /* It has been looked at for so long that whoever is not fresh is not there. Else it may yet come. */
    bool is_settled;
};
/* Has it come to an end by now? Then it is what it is to be from now on. */
bool rollout_decide(struct rollout *rollout, const struct rollout_look *look);

/* How a node is with what is under way: it has fetched and checked it, and can take it at once. */
bool rollout_is_ready(const struct rollout *rollout, const struct cluster_bundle *bundle);
