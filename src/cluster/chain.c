/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The tail of what this node knows, and the head of what etcd has: entries are taken if they fit. */
#include "config.h"

#include "cluster/inside.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cluster_set_estranged(struct cluster *cluster, enum estrangement estranged, const char *why)
{
    struct follow *follow = &cluster->follow;
    follow->estranged = estranged;
    follow->looked_ms = cluster->now_ms;
    follow->is_synced = follow->is_synced && estranged == ESTRANGED_NOT;
    snprintf(follow->why, sizeof follow->why, "%s", why);
    cluster_note(cluster);
}

static void step_tail(struct follow *follow, const struct cluster_entry *entry)
{
    cluster_step(&follow->tail, entry);
    follow->lately[follow->tail.seq % LATELY] = follow->tail;
}

static void enqueue(struct cluster *cluster, struct queued *queued)
{
    struct follow *follow = &cluster->follow;
    queued->next = NULL;
    *follow->last = queued;
    follow->last = &queued->next;
    step_tail(follow, &queued->entry);
    queued->entry.after_ms = follow->known_ms;
    cluster_note(cluster);
}

static void take(struct cluster *cluster, struct queued *queued)
{
    enum write_fate fate = cluster_write_judge(cluster, &queued->entry);
    cluster_nodes_hear(cluster, &queued->entry);
    if (fate == FATE_WRITTEN_BY_OWNER) {
        step_tail(&cluster->follow, &queued->entry);
        cluster_write_won(cluster);
        arena_free(queued->arena);
        free(queued);
        return;
    }
    enqueue(cluster, queued);
}

bool cluster_follow_take(struct cluster *cluster, const char *text, size_t len)
{
    struct follow *follow = &cluster->follow;
    struct queued *queued = memory_alloc(sizeof *queued);
    const char *why = NULL;
    queued->arena = arena_new(0);
    int error = cluster_read_entry(text, len, queued->arena, &queued->entry, &why);
    bool fits = error == 0 && cluster_follows(&follow->tail, &queued->entry);
    if (fits && cluster->has_position && cluster_fill_is_idle(cluster)) {
        take(cluster, queued);
        return true;
    }
    if (error != 0 && queued->entry.seq == follow->tail.seq + 1) {
        char told[sizeof follow->why];
        snprintf(told, sizeof told, "entry %" PRIu64 " is not understood: %s", queued->entry.seq, why);
        cluster_set_estranged(cluster, ESTRANGED_OTHER, told);
    } else if (error != 0 || queued->entry.seq > follow->tail.seq) {
        follow->needs_fetch = true;
    } else if (queued->entry.seq == follow->tail.seq &&
               memcmp(queued->entry.hash, follow->tail.hash, STORE_HASH_SIZE) != 0) {
        follow->needs_sync = true;
    }
    arena_free(queued->arena);
    free(queued);
    return false;
}

void cluster_follow_head(struct cluster *cluster, const struct etcd_kv *kv, int64_t revision)
{
    struct follow *follow = &cluster->follow;
    if (revision < follow->head_revision) {
        return;
    }
    bool had_head = follow->has_head;
    follow->head_revision = revision;
    follow->has_head = follow->is_head_bad = false;
    if (kv != NULL) {
        follow->is_head_bad = cluster_read_head(kv->value, kv->value_len, &follow->head, NULL) != 0;
        follow->has_head = !follow->is_head_bad;
    }
    bool is_same = follow->has_head && memcmp(follow->head.id, follow->tail.id, CLUSTER_ID_SIZE) == 0 &&
                   follow->head.seq >= follow->tail.seq;
    if (had_head != follow->has_head || (cluster->has_position && follow->has_head && !is_same)) {
        follow->needs_sync = follow->needs_sync || follow->is_synced;
        follow->needs_fetch = true;
    }
    if (follow->has_head && follow->is_watch_lost && follow->head.seq > follow->tail.seq) {
        follow->needs_fetch = true;
    }
    cluster_note(cluster);
}

void cluster_follow_wrote(struct cluster *cluster, int64_t revision)
{
    struct follow *follow = &cluster->follow;
    if (revision >= follow->head_revision) {
        follow->head = follow->tail;
        follow->has_head = true;
        follow->head_revision = revision;
    }
}
