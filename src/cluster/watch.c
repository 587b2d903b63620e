/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the watch over all keys of the cluster brings. Each key says by its revision whether it is news: the
 * answer to a request may be here before what the watch tells of the same change, or behind it. */
#include "config.h"

#include "cluster/inside.h"

#include "base/error.h"

#include <string.h>

void cluster_watch_begun(void *context, int64_t revision)
{
    struct cluster *cluster = context;
    struct follow *follow = &cluster->follow;
    follow->is_watch_lost = false;
    if (revision < follow->watch_revision) {
        follow->needs_sync = true; /* etcd is not what it was, or this member has not come as far yet */
    }
    cluster_note(cluster);
}

static bool begins(const char *key, const char *with)
{
    return strncmp(key, with, strlen(with)) == 0;
}

static void take_change(struct cluster *cluster, const struct etcd_change *change)
{
    const char *key = cluster_strip(cluster, change->kv.key);
    const struct etcd_kv *kv = change->is_delete ? NULL : &change->kv;
    int64_t revision = change->kv.mod_revision;
    if (strcmp(key, "head") == 0) {
        cluster_follow_head(cluster, kv, revision);
    } else if (begins(key, "entry/") && kv != NULL) {
        (void)cluster_follow_take(cluster, kv->value, kv->value_len);
    } else if (strcmp(key, "turn") == 0) {
        (void)cluster_set_held(&cluster->turn.seen, kv, revision);
    } else if (strcmp(key, "work") == 0) {
        (void)cluster_set_held(&cluster->work, kv, revision);
    } else if (strcmp(key, "filling") == 0) {
        (void)cluster_set_held(&cluster->fill.seen, kv, revision);
    } else if (begins(key, "claim/") && strcmp(key + strlen("claim/"), cluster->node) == 0) {
        (void)cluster_set_held(&cluster->claim.seen, kv, revision);
    } else if (begins(key, "memo/")) {
        cluster_memo_take(cluster, key + strlen("memo/"), kv);
    } else if (begins(key, "alive/")) {
        cluster_nodes_take_alive(cluster, key + strlen("alive/"), kv);
    } else if (begins(key, "node/")) {
        cluster_nodes_take(cluster, key + strlen("node/"), kv);
    }
}

void cluster_watch_changed(void *context, const struct etcd_change *changes, size_t count, int64_t revision)
{
    struct cluster *cluster = context;
    cluster->follow.is_watch_lost = false;
    cluster->follow.watch_revision = revision;
    cluster_see_revision(cluster, revision);
    for (size_t i = 0; i < count; i++) {
        take_change(cluster, &changes[i]);
    }
    cluster->has_changed = true;
    cluster_note(cluster);
}

void cluster_watch_lost(void *context, const char *why)
{
    struct cluster *cluster = context;
    (void)why;
    cluster->follow.is_watch_lost = true;
    cluster_note(cluster);
}

void cluster_watch_ended(void *context, int error, const char *why)
{
    struct cluster *cluster = context;
    (void)error;
    (void)why;
    cluster->follow.watch = 0;
    cluster->follow.needs_sync = true;
    cluster->follow.ask.has_failed = true; /* not faster than it can be refused */
    cluster_note(cluster);
}
