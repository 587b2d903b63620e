/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What whoever works tells the others, and who works after it: keys of etcd that are no orders, and are in no
 * entry. Written only by who has the work, seen by all in the order in which it was written. */
#include "config.h"

#include "cluster/inside.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct memo { /* to be written, or heard */
    struct memo *next;
    struct cluster *cluster;
    char *key, *value;
    struct asked ask;
    bool is_over;
    int error;
    cluster_memo_fn *done;
    void *context;
};

static struct memo *append(struct memo **list, const char *key, const char *value, size_t len)
{
    struct memo *memo = memory_alloc(sizeof *memo);
    *memo = (struct memo){.key = memory_copy_text(key), .value = memory_alloc(len + 1)};
    memcpy(memo->value, value, len);
    memo->value[len] = '\0';
    while (*list != NULL) {
        list = &(*list)->next;
    }
    *list = memo;
    return memo;
}

static void free_memo(struct memo *memo)
{
    free(memo->key);
    free(memo->value);
    free(memo);
}

void cluster_write_memo(struct cluster *cluster, const char *key, const char *value, cluster_memo_fn *done,
                        void *context)
{
    struct memo *memo = append(&cluster->memos, key, value, strlen(value));
    memo->cluster = cluster;
    memo->done = done;
    memo->context = context;
    cluster_note(cluster);
}

static void answered(void *context, const struct etcd_answer *answer)
{
    struct memo *memo = context;
    memo->ask.number = 0;
    enum heard heard = cluster_hear(memo->cluster, answer);
    memo->is_over = true;
    memo->error = heard == HEARD_YES   ? 0
                  : heard == HEARD_NO  ? ERROR_CONFLICT
                  : answer->error != 0 ? answer->error
                                       : ERROR_LIBRARY;
}

static void ask(struct cluster *cluster, struct memo *memo)
{
    char keys[3][KEY_SIZE];
    (void)cluster_key(cluster, keys[0], "work");
    (void)cluster_key(cluster, keys[1], "claim/%s", cluster->node);
    (void)cluster_key(cluster, keys[2], "memo/%s", memo->key);
    struct etcd_condition conditions[] = {
        {.kind = ETCD_IF_VALUE, .key = keys[0], .value = cluster->work.text},
        {.kind = ETCD_IF_VALUE, .key = keys[1], .value = cluster->claim.mine}};
    struct etcd_op put = {.kind = ETCD_PUT, .key = keys[2], .value = memo->value};
    memo->ask.number = etcd_ask(cluster->etcd, &(struct etcd_request){.conditions = conditions,
                                                                      .condition_count = 2,
                                                                      .then = &put,
                                                                      .then_count = 1,
                                                                      .deadline_ms = WRITE_MS,
                                                                      .done = answered,
                                                                      .context = memo});
}

/* ---- heard ---- */

void cluster_memo_take(struct cluster *cluster, const char *key, const struct etcd_kv *kv)
{
    if (kv != NULL && kv->mod_revision > cluster->memo_revision) {
        cluster->memo_revision = kv->mod_revision;
        (void)append(&cluster->memos_heard, key, kv->value, kv->value_len);
        cluster_note(cluster);
    }
}

/* In the order of their revisions: a list is in that of its keys. */
void cluster_memo_read(struct cluster *cluster, const struct etcd_answer *answer)
{
    static const char prefix[] = "memo/";
    int64_t latest = cluster->memo_revision;
    for (size_t i = 0; i < answer->kv_count; i++) {
        const struct etcd_kv *kv = &answer->kvs[i];
        const char *key = cluster_strip(cluster, kv->key);
        if (strncmp(key, prefix, sizeof prefix - 1) == 0 && kv->mod_revision > cluster->memo_revision) {
            (void)append(&cluster->memos_heard, key + sizeof prefix - 1, kv->value, kv->value_len);
            latest = kv->mod_revision > latest ? kv->mod_revision : latest;
        }
    }
    cluster->memo_revision = latest;
}

static void tell_heard(struct cluster *cluster)
{
    while (cluster->memos_heard != NULL) {
        struct memo *memo = cluster->memos_heard;
        cluster->memos_heard = memo->next;
        if (cluster->hooks.noted != NULL) {
            cluster->hooks.noted(cluster->hooks.context, memo->key, memo->value);
        }
        free_memo(memo);
    }
}

/* ---- going on ---- */

static void finish(struct memo **at)
{
    struct memo *memo = *at;
    *at = memo->next;
    memo->done(memo->context, memo->error);
    free_memo(memo);
}

void cluster_memo_step(struct cluster *cluster)
{
    bool has_work = cluster_has_work(cluster);
    tell_heard(cluster);
    for (struct memo **at = &cluster->memos; *at != NULL;) {
        struct memo *memo = *at;
        if (!memo->is_over && memo->ask.number == 0 && !has_work) {
            memo->is_over = true;
            memo->error = ERROR_CONFLICT;
        } else if (!memo->is_over && memo->ask.number == 0) {
            ask(cluster, memo);
        }
        if (memo->is_over) {
            finish(at);
        } else {
            at = &memo->next;
        }
    }
}

void cluster_memo_fini(struct cluster *cluster)
{
    while (cluster->memos != NULL) {
        struct memo *memo = cluster->memos;
        cluster_call_off(cluster, &memo->ask);
        memo->error = ERROR_CANCELLED;
        finish(&cluster->memos);
    }
    while (cluster->memos_heard != NULL) {
        struct memo *memo = cluster->memos_heard;
        cluster->memos_heard = memo->next;
        free_memo(memo);
    }
}
