/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How a node follows: it reads what there is behind its tail (the last entry that it knows), and then
 * watches. What the watch brings is taken if it fits to the tail, and otherwise shows that there is something
 * to be read; so nothing depends on the watch but how soon it is. The head is read with every beat as well.
 * Where the tail does not fit to the head the node is estranged, and looks again every so often. */
#include "config.h"

#include "cluster/inside.h"

#include "base/error.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cluster_follow_init(struct cluster *cluster)
{
    struct follow *follow = &cluster->follow;
    follow->last = &follow->first;
    follow->tail = cluster->at;
    follow->needs_sync = true;
    follow->limit = FETCH_LIMIT;
}

static void drop_first(struct follow *follow)
{
    struct queued *queued = follow->first;
    follow->first = queued->next;
    follow->last = follow->first == NULL ? &follow->first : follow->last;
    arena_free(queued->arena);
    free(queued);
}

void cluster_follow_fini(struct cluster *cluster)
{
    struct follow *follow = &cluster->follow;
    cluster_call_off(cluster, &follow->ask);
    if (follow->watch != 0) {
        etcd_call_off(cluster->etcd, follow->watch);
    }
    while (follow->first != NULL) {
        drop_first(follow);
    }
}

/* ---- being estranged ---- */

static void set_behind(struct cluster *cluster)
{
    char why[sizeof cluster->follow.why];
    const struct cluster_position *tail = &cluster->follow.tail;
    snprintf(why, sizeof why,
             "etcd is at entry %" PRIu64 " of another history than this node, which is at entry %" PRIu64
             ": it was restored from a backup",
             cluster->follow.head.seq, tail->seq);
    cluster_set_estranged(cluster, ESTRANGED_BEHIND, why);
}

/* ---- asking ---- */

static void note_entries(struct cluster *cluster, const struct etcd_answer *answer)
{
    for (size_t i = 0; i < answer->kv_count; i++) {
        const struct etcd_kv *kv = &answer->kvs[i];
        if (strncmp(cluster_strip(cluster, kv->key), "entry/", strlen("entry/")) == 0) {
            (void)cluster_follow_take(cluster, kv->value, kv->value_len);
        }
    }
}

/* Is there an entry with the number of the tail, and is it another one? */
static bool is_forked(struct cluster *cluster, const struct etcd_answer *answer)
{
    char key[64];
    const struct cluster_position *tail = &cluster->follow.tail;
    struct cluster_entry entry;
    const char *why;
    snprintf(key, sizeof key, "entry/%020" PRIu64, tail->seq);
    const struct etcd_kv *kv = tail->seq == 0 ? NULL : cluster_find(cluster, answer, key);
    if (kv == NULL) {
        return false;
    }
    struct arena *arena = arena_new(0);
    bool is_other = cluster_read_entry(kv->value, kv->value_len, arena, &entry, &why) != 0 ||
                    memcmp(entry.hash, tail->hash, STORE_HASH_SIZE) != 0;
    arena_free(arena);
    return is_other;
}

/* What comes behind the tail is known from its first entry on, or that is not there any more. */
static bool is_next_there(struct cluster *cluster, const struct etcd_answer *answer)
{
    char key[64];
    snprintf(key, sizeof key, "entry/%020" PRIu64, cluster->follow.tail.seq + 1);
    return cluster_find(cluster, answer, key) != NULL;
}

static void judge_missing(struct cluster *cluster)
{
    struct follow *follow = &cluster->follow;
    if (follow->is_head_bad) {
        cluster_set_estranged(cluster, ESTRANGED_OTHER, "what etcd has at head is not understood");
    } else if (cluster->has_position) {
        cluster_set_estranged(cluster, ESTRANGED_EMPTY,
                              "etcd has lost what this cluster was told: it was emptied");
    } else if (cluster_fill_is_idle(cluster)) {
        follow->looked_ms = cluster->now_ms;
        cluster_fill_create(cluster);
    }
}

static void judge_ahead(struct cluster *cluster, const struct etcd_answer *answer)
{
    struct follow *follow = &cluster->follow;
    uint64_t before = follow->tail.seq;
    if (is_forked(cluster, answer)) {
        set_behind(cluster);
        return;
    }
    bool is_there = is_next_there(cluster, answer);
    cluster_set_estranged(cluster, ESTRANGED_NOT, "");
    follow->is_synced = true;
    note_entries(cluster, answer);
    if (follow->tail.seq != before || follow->estranged != ESTRANGED_NOT) {
        follow->needs_fetch = follow->needs_fetch || follow->tail.seq < follow->head.seq;
    } else if (is_there) {
        set_behind(cluster); /* it does not follow */
    } else if (cluster_fill_is_idle(cluster)) {
        cluster_fill_take(cluster); /* it was away for too long */
    }
}

/* How does what this node knows compare with what there is? */
static void judge(struct cluster *cluster, const struct etcd_answer *answer)
{
    struct follow *follow = &cluster->follow;
    follow->needs_fetch = false;
    if (!follow->has_head) {
        judge_missing(cluster);
    } else if (!cluster->has_position) {
        if (cluster_fill_is_idle(cluster) && follow->estranged != ESTRANGED_FOREIGN) {
            cluster_fill_take(cluster);
        }
    } else if (memcmp(follow->head.id, follow->tail.id, CLUSTER_ID_SIZE) != 0) {
        cluster_set_estranged(
            cluster, ESTRANGED_OTHER,
            "what etcd has is of another cluster than this node: it was emptied and begun anew");
    } else if (follow->head.seq > follow->tail.seq) {
        judge_ahead(cluster, answer);
    } else if (cluster_is_at(&follow->head, &follow->tail)) {
        cluster_set_estranged(cluster, ESTRANGED_NOT, "");
        follow->is_synced = true;
    } else {
        set_behind(cluster);
    }
}

static void note_all(struct cluster *cluster, const struct etcd_answer *answer)
{
    const struct follow *follow = &cluster->follow;
    char key[KEY_SIZE];
    snprintf(key, sizeof key, "claim/%s", cluster->node);
    cluster_read_held(cluster, answer, "turn", &cluster->turn.seen);
    cluster_read_held(cluster, answer, "work", &cluster->work);
    cluster_read_held(cluster, answer, "filling", &cluster->fill.seen);
    cluster_read_held(cluster, answer, key, &cluster->claim.seen);
    cluster_nodes_read(cluster, answer);
    cluster_nodes_read_alive(cluster, answer, follow->asked_ms);
    cluster_memo_read(cluster, answer);
}

static void start_watch(struct cluster *cluster, int64_t revision)
{
    struct follow *follow = &cluster->follow;
    follow->is_watch_lost = false;
    follow->watch_revision = 0;
    follow->watch = etcd_watch(cluster->etcd, &(struct etcd_watch_options){.prefix = cluster->prefix,
                                                                           .from_revision = revision + 1,
                                                                           .context = cluster,
                                                                           .begun = cluster_watch_begun,
                                                                           .changed = cluster_watch_changed,
                                                                           .lost = cluster_watch_lost,
                                                                           .ended = cluster_watch_ended});
}

static void answered(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    struct follow *follow = &cluster->follow;
    bool is_sync = follow->is_sync;
    follow->ask.number = 0;
    if (cluster_hear(cluster, answer) != HEARD_YES) {
        cluster_shrink(answer, &follow->limit);
        follow->ask.has_failed = true;
        follow->needs_sync = follow->needs_sync || is_sync;
        follow->needs_fetch = true;
        return;
    }
    cluster_compare_revision(cluster, follow->asked_revision, answer->revision);
    cluster_follow_head(cluster, cluster_find(cluster, answer, "head"), answer->revision);
    if (is_sync) {
        follow->needs_sync = false;
        note_all(cluster, answer);
        start_watch(cluster, answer->revision);
    }
    judge(cluster, answer);
    follow->behind_ms = 0;
}

static void ask(struct cluster *cluster, bool is_sync)
{
    struct follow *follow = &cluster->follow;
    char keys[10][KEY_SIZE];
    uint64_t seq = follow->tail.seq;
    (void)cluster_key(cluster, keys[0], "head");
    (void)cluster_key(cluster, keys[1], "entry/%020" PRIu64, seq);
    (void)cluster_key(cluster, keys[2], "entry/");
    (void)cluster_key(cluster, keys[3], "turn");
    (void)cluster_key(cluster, keys[4], "work");
    (void)cluster_key(cluster, keys[5], "filling");
    (void)cluster_key(cluster, keys[6], "claim/%s", cluster->node);
    (void)cluster_key(cluster, keys[7], "node/");
    (void)cluster_key(cluster, keys[8], "memo/");
    (void)cluster_key(cluster, keys[9], "alive/");
    struct etcd_op ops[] = {
        {.kind = ETCD_GET, .key = keys[0]},
        {.kind = ETCD_GET, .key = keys[1]},
        {.kind = ETCD_LIST, .key = keys[2], .after = keys[1], .limit = follow->limit},
        {.kind = ETCD_GET, .key = keys[3]},
        {.kind = ETCD_GET, .key = keys[4]},
        {.kind = ETCD_GET, .key = keys[5]},
        {.kind = ETCD_GET, .key = keys[6]},
        {.kind = ETCD_LIST, .key = keys[7]},
        {.kind = ETCD_LIST, .key = keys[8]},
        {.kind = ETCD_LIST, .key = keys[9]},
    };
    follow->is_sync = is_sync;
    follow->asked_revision = follow->revision;
    follow->asked_ms = cluster->now_ms;
    follow->ask.number = etcd_ask(cluster->etcd, &(struct etcd_request){.then = ops,
                                                                        .then_count = is_sync ? 10 : 3,
                                                                        .deadline_ms = READ_MS,
                                                                        .done = answered,
                                                                        .context = cluster});
}

/* What makes it look without being told. */
static void look(struct cluster *cluster)
{
    struct follow *follow = &cluster->follow;
    bool is_lost = follow->estranged != ESTRANGED_NOT || (!follow->has_head && !cluster->has_position);
    if (is_lost && cluster_fill_is_idle(cluster)) {
        if (cluster->now_ms - follow->looked_ms >= LOOK_MS) {
            follow->looked_ms = cluster->now_ms;
            follow->needs_fetch = true;
        }
        cluster_due(cluster, follow->looked_ms + LOOK_MS);
    }
    bool is_ahead = follow->has_head && follow->is_synced && follow->head.seq > follow->tail.seq;
    follow->behind_ms = !is_ahead ? 0 : follow->behind_ms == 0 ? cluster->now_ms : follow->behind_ms;
    if (is_ahead && cluster->now_ms - follow->behind_ms >= STUCK_MS) {
        follow->needs_sync = true; /* the watch is told nothing */
        follow->behind_ms = 0;
    }
    if (follow->behind_ms != 0) {
        cluster_due(cluster, follow->behind_ms + STUCK_MS);
    }
}

void cluster_follow_step(struct cluster *cluster)
{
    struct follow *follow = &cluster->follow;
    look(cluster);
    if (follow->needs_sync && cluster_is_ready(cluster, &follow->ask)) {
        if (follow->watch != 0) {
            etcd_call_off(cluster->etcd, follow->watch);
            follow->watch = 0;
        }
        ask(cluster, true);
    } else if (follow->needs_fetch && !follow->needs_sync && cluster_fill_is_idle(cluster) &&
               cluster_is_ready(cluster, &follow->ask)) {
        ask(cluster, false);
    }
}

/* ---- applying ---- */

void cluster_applied(struct cluster *cluster)
{
    cluster->follow.is_applied = true;
    cluster_note(cluster);
}

void cluster_note_over(struct cluster *cluster)
{
    const struct follow *follow = &cluster->follow;
    if (follow->is_applying && !follow->is_adopting) {
        cluster->nodes.list[0].over = follow->first->entry.seq;
    }
}

static void finish_applying(struct cluster *cluster)
{
    struct follow *follow = &cluster->follow;
    follow->is_applying = follow->is_applied = false;
    if (follow->is_adopting) {
        follow->is_adopting = false;
        cluster_fill_taken(cluster);
    } else {
        cluster_step(&cluster->at, &follow->first->entry);
        drop_first(follow);
    }
    cluster->nodes.is_told = false;
    cluster->has_changed = true;
    cluster_note(cluster);
}

void cluster_follow_apply(struct cluster *cluster)
{
    struct follow *follow = &cluster->follow;
    if (follow->is_applying && follow->is_applied) {
        finish_applying(cluster);
    }
    if (follow->is_applying || follow->first == NULL || cluster->write.finished != NULL) {
        return;
    }
    struct cluster_position at = cluster->at;
    cluster_step(&at, &follow->first->entry);
    follow->is_applying = true;
    follow->applies++;
    cluster_pending_hear(cluster, &follow->first->entry);
    cluster->hooks.apply(cluster->hooks.context, &follow->first->entry, &at);
}
