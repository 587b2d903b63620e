/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Webhooks of a node: what all nodes see is told by the one that works, as records that lie in etcd. Where
 * etcd is not reached for a while each node tells for itself. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/server.h"
#include "base/hash.h"
#include "base/memory.h"
#include "herald/herald.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMO_PREFIX "webhook/"

enum { ALONE_MS = 10000 }; /* without etcd: as long as work takes at most to move */

struct writing {
    struct clustered *clustered;
    char name[];
};

static void on_written(void *context, int error)
{
    struct writing *writing = context;
    if (writing->clustered->server->herald != NULL) {
        herald_written(writing->clustered->server->herald, writing->name, error);
    }
    free(writing);
}

static void write_record(void *context, const char *name, const char *text)
{
    struct clustered *clustered = context;
    size_t size = strlen(name) + 1;
    struct writing *writing = memory_alloc(sizeof *writing + size);
    char *key = memory_print(MEMO_PREFIX "%s", name);
    writing->clustered = clustered;
    memcpy(writing->name, name, size);
    cluster_write_memo(clustered->cluster, key, text, on_written, writing);
    free(key);
}

void clustered_hear_memo(void *context, const char *key, const char *value)
{
    const struct clustered *clustered = context;
    size_t len = sizeof MEMO_PREFIX - 1;
    if (clustered->server->herald != NULL && strncmp(key, MEMO_PREFIX, len) == 0) {
        herald_hear(clustered->server->herald, key + len, value);
    }
}

static enum herald_part find_part(struct clustered *clustered, int64_t now_ms)
{
    struct cluster_status status;
    if (clustered->cluster == NULL) {
        clustered->unjoined_ms = clustered->unjoined_ms == 0 ? now_ms : clustered->unjoined_ms;
        return now_ms - clustered->unjoined_ms >= ALONE_MS ? HERALD_ALONE : HERALD_HOLDS;
    }
    clustered->unjoined_ms = 0;
    cluster_get_status(clustered->cluster, &status);
    bool is_cut = status.phase == CLUSTER_AWAY || status.phase == CLUSTER_ESTRANGED;
    return status.has_work                                  ? HERALD_WORKS
           : is_cut && now_ms - status.since_ms >= ALONE_MS ? HERALD_ALONE
                                                            : HERALD_HOLDS;
}

void clustered_share_work(struct clustered *clustered, int64_t now_ms, bool is_node)
{
    struct herald *herald = clustered->server->herald;
    if (herald == NULL) {
        return;
    }
    if (!is_node) {
        herald_set_part(herald, HERALD_ALONE, NULL);
        return;
    }
    enum herald_part part = find_part(clustered, now_ms);
    if (clustered->cluster == NULL) {
        herald_set_part(herald, part, NULL);
        return;
    }
    const struct herald_share_hooks hooks = {
        .context = clustered,
        .salt = hash_finish(hash_bytes(HASH_START, clustered->name, strlen(clustered->name))),
        .write = write_record};
    herald_set_part(herald, part, &hooks);
}

void clustered_stop_sharing(struct clustered *clustered)
{
    if (clustered->server->herald != NULL) {
        herald_set_part(clustered->server->herald, HERALD_HOLDS, NULL);
    }
}
