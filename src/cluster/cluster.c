/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The machine as a whole: opens and closes, calls the steps of the parts, and says how it is. What etcd
 * answers passes cluster_hear(), which knows whether etcd is reached and whether it is still the one that it
 * was. */
#include "config.h"

#include "cluster/inside.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- from outside ---- */

struct cluster *cluster_open(const struct cluster_options *options)
{
    struct cluster *cluster = memory_alloc(sizeof *cluster);
    assert(cluster_is_name(options->name) && cluster_is_name(options->node) && options->run != 0);
    cluster->etcd = options->etcd;
    cluster->hooks = options->hooks;
    snprintf(cluster->node, sizeof cluster->node, "%s", options->node);
    snprintf(cluster->prefix, sizeof cluster->prefix, "/steerd/%s/", options->name);
    cluster->run = options->run;
    cluster->run_before = options->run_before;
    cluster->member = options->member;
    cluster->now_ms = cluster->phase_ms = options->now_ms;
    cluster->wall_ms = options->wall_ms;
    cluster->has_position = options->has_position;
    cluster->at = options->at;
    cluster->session = (struct lease){.ttl_s = SESSION_S, .is_exclusive = true};
    cluster->presence = (struct lease){.ttl_s = PRESENCE_S, .is_exclusive = true};
    cluster->alive.ttl_s = ALIVE_S;
    cluster->marks.ttl_s = MARKS_S;
    snprintf(cluster->away_why, sizeof cluster->away_why, "etcd has not answered yet");
    cluster_follow_init(cluster);
    cluster_write_init(cluster);
    cluster_turn_init(cluster);
    cluster_nodes_init(cluster, options->software);
    cluster_pending_init(cluster);
    return cluster;
}

void cluster_close(struct cluster *cluster)
{
    if (cluster == NULL) {
        return;
    }
    cluster->is_ticking = true; /* nobody is to be woken */
    cluster_memo_fini(cluster);
    cluster_compact_fini(cluster);
    cluster_ended_fini(cluster);
    cluster_turn_fini(cluster);
    cluster_write_fini(cluster);
    cluster_nodes_fini(cluster);
    cluster_fill_fini(cluster);
    cluster_pending_fini(cluster);
    cluster_follow_fini(cluster);
    cluster_claim_fini(cluster);
    cluster_lease_fini(cluster);
    free(cluster);
}

static void compute_phase(struct cluster *cluster)
{
    const struct follow *follow = &cluster->follow;
    enum cluster_phase phase = CLUSTER_FOLLOWING;
    const char *why = "";
    if (cluster->claim.is_refused || follow->estranged != ESTRANGED_NOT) {
        phase = CLUSTER_ESTRANGED;
        why = cluster->claim.is_shut      ? cluster->claim.shut_why
              : cluster->claim.is_refused ? cluster->claim.why
                                          : follow->why;
    } else if (!cluster->is_reached) {
        phase = CLUSTER_AWAY;
        why = cluster->away_why;
    } else if (!cluster_is_caught_up(cluster) || cluster->pending.count > 0) {
        phase = CLUSTER_CATCHING;
        why = follow->why;
    }
    if (phase != cluster->phase) {
        cluster->phase_ms = cluster->now_ms;
    }
    if (phase != cluster->phase || strcmp(why, cluster->why) != 0) {
        cluster->phase = phase;
        snprintf(cluster->why, sizeof cluster->why, "%s", why);
        cluster->has_changed = true;
        cluster->nodes.is_told = false;
    }
}

int64_t cluster_tick(struct cluster *cluster, int64_t now_ms, int64_t wall_ms)
{
    enum { ROUNDS_MAX = 1000 }; /* what does not end goes on with the next tick */
    int rounds = 0;
    cluster->now_ms = now_ms;
    cluster->wall_ms = wall_ms;
    cluster->is_ticking = true;
    do {
        cluster->again = false;
        cluster->due_ms = now_ms + CLUSTER_BEAT_MS;
        cluster_lease_step(cluster);
        cluster_claim_step(cluster);
        cluster_follow_step(cluster);
        cluster_heal_step(cluster);
        cluster_fill_step(cluster);
        cluster_write_tell(cluster);
        cluster_follow_apply(cluster);
        cluster_pending_step(cluster);
        cluster_turn_step(cluster);
        cluster_write_step(cluster);
        cluster_work_step(cluster);
        cluster_compact_step(cluster);
        cluster_ended_step(cluster);
        cluster_memo_step(cluster);
        compute_phase(cluster);
        cluster_nodes_step(cluster);
        if (cluster->has_changed && cluster->hooks.changed != NULL) {
            cluster->has_changed = false;
            cluster->hooks.changed(cluster->hooks.context);
        }
    } while (cluster->again && ++rounds < ROUNDS_MAX);
    cluster->is_ticking = false;
    return cluster->again ? now_ms : cluster->due_ms;
}

void cluster_get_status(const struct cluster *cluster, struct cluster_status *status)
{
    *status = (struct cluster_status){
        .phase = cluster->phase,
        .since_ms = cluster->phase_ms,
        .why = cluster->why,
        .has_position = cluster->has_position,
        .at = cluster->at,
        .head_seq = cluster->follow.has_head ? cluster->follow.head.seq : cluster->at.seq,
        .is_at_head = cluster->follow.has_head && cluster->has_position &&
                      cluster_is_at(&cluster->follow.head, &cluster->at),
        .turn_node = cluster->turn.seen.who.node,
        .work_node = cluster->work.who.node,
        .has_turn = cluster->turn.state == TURN_HELD,
        .has_work = cluster_has_work(cluster),
        .is_shut = cluster->claim.is_shut,
        .pending = cluster->pending.count,
    };
}
