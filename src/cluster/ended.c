/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Overrides that end by themselves do so on each node, without an entry; etcd would keep them for ever. Each
 * minute the node that has the work reads those of etcd, a page at a time, and deletes what has been over for
 * some time. It does so only where all nodes that are heard of have the same overrides, and while the head is
 * what it was when the page was read: so nothing goes that holds somewhere, or that was ordered anew. */
#include "config.h"

#include "cluster/inside.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_AGAIN_MS = 60000 };

static void rest(struct cluster *cluster)
{
    struct ended *ended = &cluster->ended;
    arena_free(ended->arena);
    ended->arena = NULL;
    ended->after = NULL;
    ended->count = 0;
    ended->next_ms = cluster->now_ms + LOOK_AGAIN_MS;
}

/* What fails or is not as it was begins anew, later. */
static void deleted(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    struct ended *ended = &cluster->ended;
    ended->ask.number = 0;
    ended->count = 0;
    if (cluster_hear(cluster, answer) != HEARD_YES || !ended->has_more) {
        rest(cluster);
    }
}

static void delete_them(struct cluster *cluster)
{
    struct ended *ended = &cluster->ended;
    char keys[2][KEY_SIZE], head[CLUSTER_HEAD_SIZE];
    struct etcd_op ops[FILL_CHUNK_MAX];
    (void)cluster_key(cluster, keys[0], "head");
    (void)cluster_key(cluster, keys[1], "work");
    struct etcd_condition conditions[] = {
        {.kind = ETCD_IF_VALUE, .key = keys[0], .value = cluster_write_head(&ended->at, head)},
        {.kind = ETCD_IF_VALUE, .key = keys[1], .value = cluster->work.text}};
    for (size_t i = 0; i < ended->count; i++) {
        ops[i] = (struct etcd_op){.kind = ETCD_DELETE, .key = ended->keys[i]};
    }
    ended->ask.number = etcd_ask(cluster->etcd, &(struct etcd_request){.conditions = conditions,
                                                                       .condition_count = 2,
                                                                       .then = ops,
                                                                       .then_count = ended->count,
                                                                       .deadline_ms = WRITE_MS,
                                                                       .done = deleted,
                                                                       .context = cluster});
}

static void judge(struct cluster *cluster, const struct etcd_kv *kv)
{
    static const char prefix[] = "object/override/";
    struct ended *ended = &cluster->ended;
    const char *name = cluster_strip(cluster, kv->key);
    struct cluster_record record;
    if (strncmp(name, prefix, strlen(prefix)) != 0) {
        return;
    }
    ended->after = arena_copy_text(ended->arena, kv->key);
    if (cluster_read_record(kv->value, kv->value_len, ended->arena, &record) == 0 &&
        cluster->hooks.is_over(cluster->hooks.context, name + strlen(prefix), record.value)) {
        ended->keys[ended->count++] = ended->after;
    }
}

static void listed(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    struct ended *ended = &cluster->ended;
    ended->ask.number = 0;
    bool is_good = cluster_hear(cluster, answer) == HEARD_YES;
    const struct etcd_kv *head = is_good ? cluster_find(cluster, answer, "head") : NULL;
    if (head == NULL || cluster_read_head(head->value, head->value_len, &ended->at, NULL) != 0 ||
        !cluster_is_at(&ended->at, &cluster->at) || !cluster_agrees(cluster)) {
        rest(cluster);
        return;
    }
    for (size_t i = 0; i < answer->kv_count && ended->count < FILL_CHUNK_MAX; i++) {
        judge(cluster, &answer->kvs[i]);
    }
    ended->has_more = answer->more;
    if (ended->count == 0 && !ended->has_more) {
        rest(cluster);
    }
}

static void list(struct cluster *cluster)
{
    struct ended *ended = &cluster->ended;
    char keys[2][KEY_SIZE];
    ended->arena = ended->arena == NULL ? arena_new(0) : ended->arena;
    (void)cluster_key(cluster, keys[0], "head");
    (void)cluster_key(cluster, keys[1], "object/override/");
    struct etcd_op ops[] = {
        {.kind = ETCD_GET, .key = keys[0]},
        {.kind = ETCD_LIST, .key = keys[1], .after = ended->after, .limit = FILL_CHUNK_MAX}};
    ended->ask.number = etcd_ask(
        cluster->etcd,
        &(struct etcd_request){
            .then = ops, .then_count = 2, .deadline_ms = READ_MS, .done = listed, .context = cluster});
}

void cluster_ended_step(struct cluster *cluster)
{
    struct ended *ended = &cluster->ended;
    if (cluster->hooks.is_over == NULL || !cluster_has_work(cluster) || ended->ask.number != 0) {
        return;
    }
    if (cluster->now_ms < ended->next_ms) {
        cluster_due(cluster, ended->next_ms);
    } else if (!cluster_agrees(cluster)) {
        rest(cluster);
    } else if (ended->count != 0) {
        delete_them(cluster);
    } else {
        list(cluster);
    }
}

void cluster_ended_fini(struct cluster *cluster)
{
    cluster_call_off(cluster, &cluster->ended.ask);
    arena_free(cluster->ended.arena);
}
