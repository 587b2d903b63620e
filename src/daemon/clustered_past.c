/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the process before held that could not be told, and what was in conflict; and that a server which is
 * no node any more forgets how far it had come. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/durable.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/number.h"
#include "store/kinds.h"

#include <stdlib.h>

static bool read_one_pending(void *context, const struct store_object *object)
{
    struct clustered *clustered = context;
    struct arena *arena = arena_new(0);
    struct cluster_pending pending = {.number = 0};
    const char *why = "its number is none";
    int error = number_read(object->key, 10, UINT64_MAX, &pending.number) ? 0 : ERROR_SYNTAX;
    error = error == 0 ? clustered_parse_pending(object->value, arena, &pending, &why) : error;
    if (error != 0) {
        log_error("provisional order not understood key=%s why=\"%s\" effect=\"it holds here only\"",
                  object->key, why);
    } else {
        clustered->next_pending =
            pending.number >= clustered->next_pending ? pending.number + 1 : clustered->next_pending;
        cluster_pend(clustered->cluster, &pending);
        clustered_put_safer(clustered, &pending);
        clustered_tell_peers(clustered, &pending, object->value);
    }
    arena_free(arena);
    return true;
}

static bool read_conflict(void *context, const struct store_object *object)
{
    clustered_put_conflict(context, object->key, object->value);
    return true;
}

int clustered_read_pending(struct clustered *clustered)
{
    struct report *report = report_new();
    struct store_reader *reader;
    int error = store_reader_open(clustered->folder, report, &reader);
    clustered->next_pending = 1;
    if (error == 0) {
        error = store_list(reader, PENDING_KIND, "", NULL, read_one_pending, clustered);
        error = error == 0 ? store_list(reader, CONFLICT_KIND, "", NULL, read_conflict, clustered) : error;
        store_reader_close(reader);
    }
    report_free(report);
    return error == ERROR_NOT_FOUND ? 0 : error;
}

/* ---- no node any more ---- */

enum { FORGET_MAX = 1000 }; /* pending ones a transaction */

struct forgetting {
    struct store_job job; /* the first */
    struct clustered *clustered;
    struct arena *arena;
    struct store_op *ops;
    size_t count;
};

static void forget_pending(struct store_job *job);

static void forget(struct forgetting *forgetting)
{
    forgetting->job = (struct store_job){
        .cause = {.actor = "steerd", .reason = "this server is no node by its configuration"},
        .ops = forgetting->ops,
        .op_count = forgetting->count,
        .insists = true,
        .done = forget_pending};
    durable_submit_here(forgetting->clustered->server->durable, &forgetting->job);
}

static void add(struct forgetting *forgetting, const char *kind, const char *key)
{
    forgetting->ops[forgetting->count++] = (struct store_op){
        .kind = kind, .key = arena_copy_text(forgetting->arena, key), .if_revision = STORE_ANY};
}

static bool add_pending(void *context, const struct store_object *object)
{
    struct forgetting *forgetting = context;
    add(forgetting, PENDING_KIND, object->key);
    return forgetting->count < FORGET_MAX;
}

/* What was written until then is in the store by now: once more, until there are none. */
static void forget_pending(struct store_job *job)
{
    struct forgetting *forgetting = (struct forgetting *)job;
    struct clustered *clustered = forgetting->clustered;
    struct report *report = report_new();
    struct store_reader *reader;
    forgetting->count = 0;
    if (job->error == 0 && clustered->folder != NULL && clustered->cluster == NULL &&
        store_reader_open(clustered->folder, report, &reader) == 0) {
        (void)store_list(reader, PENDING_KIND, "", NULL, add_pending, forgetting);
        store_reader_close(reader);
    }
    report_free(report);
    if (forgetting->count != 0) {
        forget(forgetting);
        return;
    }
    arena_free(forgetting->arena);
    free(forgetting);
}

void clustered_forget_past(struct clustered *clustered)
{
    struct clustered_past past;
    clustered->has_forgotten = clustered_read_past(clustered, &past) == 0;
    if (!clustered->has_forgotten || !past.has_position) {
        return;
    }
    log_info("position forgotten position=%llu why=\"this server is no node by its configuration\" "
             "effect=\"if it is one again it takes what the cluster has by then\"",
             (unsigned long long)past.at.seq);
    struct forgetting *forgetting = memory_alloc(sizeof *forgetting);
    *forgetting = (struct forgetting){.clustered = clustered, .arena = arena_new(0)};
    forgetting->ops = arena_alloc(forgetting->arena, FORGET_MAX * sizeof *forgetting->ops);
    add(forgetting, CLUSTER_KIND, POSITION_KEY);
    forget(forgetting);
}
