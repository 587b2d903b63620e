/* SPDX-License-Identifier: BSD-3-Clause
 *
 * etcd keeps every revision until somebody compacts it, and takes nothing any more when it is full. The node
 * that has the work does it, as Kubernetes' apiserver does: every five minutes it writes etcd's revision to
 * "compact", if that is what it was when this node looked last, and lets go of what came before the revision
 * that stood there. So at least the changes of five minutes are there for a watch that was interrupted; one
 * that was away for longer ends, and everything is read again (follow.c). What fails is tried again; nothing
 * waits for it. */
#include "config.h"

#include "cluster/inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPACT_MS = 5 * 60 * 1000 };

static void answered(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    struct compaction *compaction = &cluster->compaction;
    compaction->ask.number = 0;
    enum heard heard = cluster_hear(cluster, answer);
    if (heard != HEARD_YES) {
        const struct etcd_kv *kv = heard == HEARD_NO ? cluster_find(cluster, answer, "compact") : NULL;
        compaction->ask.has_failed = true; /* with what stands there, if that was it */
        if (heard == HEARD_NO) {
            snprintf(compaction->seen, sizeof compaction->seen, "%s", kv == NULL ? "" : kv->value);
        }
        return;
    }
    int64_t before = strtoll(compaction->seen, NULL, 10);
    memcpy(compaction->seen, compaction->mine, sizeof compaction->seen);
    compaction->next_ms = cluster->now_ms + COMPACT_MS;
    if (before > 0) {
        (void)etcd_compact(cluster->etcd, before, WRITE_MS, cluster_ignore, NULL);
    }
}

static void ask(struct cluster *cluster)
{
    struct compaction *compaction = &cluster->compaction;
    char keys[2][KEY_SIZE];
    (void)cluster_key(cluster, keys[0], "work");
    (void)cluster_key(cluster, keys[1], "compact");
    snprintf(compaction->mine, sizeof compaction->mine, "%" PRId64, cluster->follow.revision);
    bool is_absent = compaction->seen[0] == '\0';
    struct etcd_condition conditions[] = {
        {.kind = ETCD_IF_VALUE, .key = keys[0], .value = cluster->work.text},
        {.kind = is_absent ? ETCD_IF_ABSENT : ETCD_IF_VALUE, .key = keys[1], .value = compaction->seen}};
    struct etcd_op put = {.kind = ETCD_PUT, .key = keys[1], .value = compaction->mine};
    struct etcd_op get = {.kind = ETCD_GET, .key = keys[1]};
    compaction->ask.number = etcd_ask(cluster->etcd, &(struct etcd_request){.conditions = conditions,
                                                                            .condition_count = 2,
                                                                            .then = &put,
                                                                            .then_count = 1,
                                                                            .otherwise = &get,
                                                                            .otherwise_count = 1,
                                                                            .deadline_ms = WRITE_MS,
                                                                            .done = answered,
                                                                            .context = cluster});
}

void cluster_compact_step(struct cluster *cluster)
{
    struct compaction *compaction = &cluster->compaction;
    if (!cluster_has_work(cluster)) {
        compaction->is_begun = false;
        return;
    }
    if (!compaction->is_begun) { /* what stands there was written by somebody else, maybe just now */
        compaction->is_begun = true;
        compaction->next_ms = cluster->now_ms + COMPACT_MS;
    }
    if (cluster->now_ms < compaction->next_ms) {
        cluster_due(cluster, compaction->next_ms);
    } else if (cluster_is_ready(cluster, &compaction->ask)) {
        ask(cluster);
    }
}

void cluster_compact_fini(struct cluster *cluster)
{
    cluster_call_off(cluster, &cluster->compaction.ask);
}
