/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What held here while etcd was away is an entry by now, or in conflict. While it was pending the safer of
 * two overrides was in force, and other kinds were not followed: so what the store has may be something else.
 * It is put in force when nothing is on its way, so that the store is not behind what holds. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/batch.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/kinds.h"

#include <stdlib.h>
#include <string.h>

struct clustered_settled {
    struct clustered_settled *next;
    struct arena *arena;
    struct store_op *ops;
    size_t count;
    bool is_told; /* that the store cannot be read */
};

static void note(struct clustered *clustered, const struct cluster_pending *pending)
{
    struct clustered_settled *settled = memory_alloc(sizeof *settled), **last = &clustered->settled;
    *settled = (struct clustered_settled){.arena = arena_new(0), .count = pending->op_count};
    settled->ops = arena_alloc(settled->arena, (settled->count + 1) * sizeof *settled->ops);
    for (size_t i = 0; i < settled->count; i++) {
        settled->ops[i] = (struct store_op){.kind = arena_copy_text(settled->arena, pending->ops[i].kind),
                                            .key = arena_copy_text(settled->arena, pending->ops[i].key),
                                            .if_revision = STORE_ANY};
    }
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = settled;
}

void clustered_settle(void *context, const struct cluster_pending *pending,
                      const struct cluster_conflict *conflicts, size_t count)
{
    struct clustered *clustered = context;
    clustered_forget_pending(clustered, pending->number);
    clustered_direct_settle(clustered, pending->mark);
    note(clustered, pending);
    for (size_t i = 0; i < count; i++) {
        const struct cluster_conflict *conflict = &conflicts[i];
        clustered->conflict_count++;
        log_warning("conflict kind=%s key=%s holds=%s other_node=%s effect=\"the safer one holds until "
                    "somebody orders "
                    "anew; see steerctl cluster conflicts\"",
                    conflict->kind, conflict->key, conflict->ours_holds ? "ours" : "theirs",
                    conflict->their_node);
    }
    clustered_poke(clustered);
}

static void forget(struct clustered *clustered)
{
    struct clustered_settled *settled = clustered->settled;
    clustered->settled = settled->next;
    arena_free(settled->arena);
    free(settled);
}

/* What still is pending by another order has its own time. */
static void put(struct clustered *clustered, struct clustered_settled *settled)
{
    size_t count = 0;
    for (size_t i = 0; i < settled->count; i++) {
        const struct store_op *op = &settled->ops[i];
        if (cluster_is_pending(clustered->cluster, op->kind, op->key)) {
            continue;
        }
        if (strcmp(op->kind, OVERRIDE_KIND) == 0) {
            settled->ops[count++] = *op;
        } else {
            clustered_follow_object(clustered, op->kind, op->key, op->value);
        }
    }
    if (count != 0) {
        clustered_put_again(clustered, settled->ops, count, NULL, "what the cluster has of it holds");
    }
}

void clustered_settled_go_on(struct clustered *clustered)
{
    while (clustered->settled != NULL && clustered_rests(clustered) &&
           !batches_any(clustered->server->batches)) {
        struct clustered_settled *settled = clustered->settled;
        int error = clustered_read_values(clustered, settled->ops, settled->count, settled->arena);
        if (error != 0) { /* it is tried again with the next look */
            if (!settled->is_told) {
                log_error("what the cluster has of an order cannot be read why=\"%s\"", error_text(error));
            }
            settled->is_told = true;
            return;
        }
        put(clustered, settled);
        forget(clustered);
    }
}

void clustered_drop_settled(struct clustered *clustered)
{
    while (clustered->settled != NULL) {
        forget(clustered);
    }
}
