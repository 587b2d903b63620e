/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What held here while etcd was away becomes an entry, or a conflict, oldest first (doc/cluster.md has the
 * rules). For that the entries since then are read again: they say which objects somebody else has changed.
 * Then what etcd has of the objects is read, and the entry is written only if nothing has come since that. An
 * op is settled when an entry with its mark is applied, whoever wrote it: this node now, this node before it
 * was started again, or another one where the same order held. */
#include "config.h"

#include "cluster/inside.h"

#include "base/error.h"
#include "base/memory.h"
#include "store/kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_MAX = CLUSTER_OPS_MAX / 2 }; /* an op may bring a conflict along */

void cluster_pending_init(struct cluster *cluster)
{
    cluster->pending.last = &cluster->pending.first;
    cluster->pending.chunk = CHUNK_MAX;
    cluster->pending.limit = FETCH_LIMIT;
}

static void free_pend(struct pend *pend)
{
    arena_free(pend->arena);
    free(pend->conflicts);
    free(pend);
}

void cluster_pending_fini(struct cluster *cluster)
{
    struct pending *pending = &cluster->pending;
    cluster_call_off(cluster, &pending->ask);
    while (pending->first != NULL) {
        struct pend *pend = pending->first;
        pending->first = pend->next;
        free_pend(pend);
    }
    arena_free(pending->arena);
    cluster_forget_touched(cluster);
}

/* ---- what holds here ---- */

static void copy_ops(struct pend *pend, const struct cluster_pending *from)
{
    struct store_op *ops = arena_alloc(pend->arena, (from->op_count + 1) * sizeof *ops);
    for (size_t i = 0; i < from->op_count; i++) {
        ops[i] = (struct store_op){.kind = arena_copy_text(pend->arena, from->ops[i].kind),
                                   .key = arena_copy_text(pend->arena, from->ops[i].key),
                                   .value = arena_copy_text(pend->arena, from->ops[i].value),
                                   .if_revision = STORE_ANY,
                                   .expires_ms = from->ops[i].value == NULL ? 0 : from->ops[i].expires_ms};
    }
    pend->what.ops = ops;
    pend->what.over = from->over_count == 0
                          ? NULL
                          : arena_copy(pend->arena, from->over, from->over_count * sizeof *from->over);
}

void cluster_pend(struct cluster *cluster, const struct cluster_pending *what)
{
    struct pending *pending = &cluster->pending;
    struct pend *pend = memory_alloc(sizeof *pend);
    pend->arena = arena_new(0);
    pend->what = *what;
    pend->what.node = arena_copy_text(pend->arena, what->node == NULL ? cluster->node : what->node);
    pend->what.cause.actor = arena_copy_text(pend->arena, what->cause.actor);
    pend->what.cause.peer = arena_copy_text(pend->arena, what->cause.peer);
    pend->what.cause.reason = arena_copy_text(pend->arena, what->cause.reason);
    pend->what.cause.request = arena_copy_text(pend->arena, what->cause.request);
    copy_ops(pend, what);
    pend->is_settled = arena_alloc(pend->arena, what->op_count + 1);
    for (size_t i = 0; i < what->op_count; i++) {
        pend->is_settled[i] = cluster_judge_ops(&what->ops[i], 1) != NULL; /* it can be no entry's */
    }
    if (what->mark == 0) {
        pend->what.mark = cluster_make_mark(~cluster->run, what->number);
    }
    *pending->last = pend;
    pending->last = &pend->next;
    pending->count++;
    cluster->has_changed = true;
    cluster_note(cluster);
}

/* Is a later op of it about the same object? */
static bool is_superseded(const struct pend *pend, size_t at)
{
    const struct store_op *ops = pend->what.ops;
    for (size_t i = at + 1; i < pend->what.op_count; i++) {
        if (strcmp(ops[i].kind, ops[at].kind) == 0 && strcmp(ops[i].key, ops[at].key) == 0) {
            return true;
        }
    }
    return false;
}

/* Is it known what came behind the position where it held? */
static bool is_placed(const struct cluster *cluster, const struct pend *pend)
{
    const struct cluster_position *at = &pend->what.at;
    return !pend->has_gap && pend->what.has_position && at->seq <= cluster->at.seq &&
           memcmp(at->id, cluster->at.id, CLUSTER_ID_SIZE) == 0;
}

/* A position is a number and a hash: after an etcd that was restored there may be others of that number. */
static void compare_positions(struct cluster *cluster, uint64_t seq,
                              const unsigned char hash[STORE_HASH_SIZE])
{
    for (struct pend *pend = cluster->pending.first; pend != NULL; pend = pend->next) {
        const struct cluster_position *at = &pend->what.at;
        pend->has_gap = pend->has_gap || (at->seq == seq && memcmp(at->hash, hash, sizeof at->hash) != 0);
    }
}

static void begin_reading(struct cluster *cluster)
{
    struct pending *pending = &cluster->pending;
    compare_positions(cluster, cluster->at.seq, cluster->at.hash);
    pending->from = pending->read = cluster->at.seq;
    for (struct pend *pend = pending->first; pend != NULL; pend = pend->next) {
        const struct cluster_pending *what = &pend->what;
        if (is_placed(cluster, pend) && what->at.seq < pending->read) {
            pending->from = pending->read = what->at.seq;
        }
    }
    pending->until = cluster->at.seq;
    pending->is_reading = true;
}

static void note_read(struct cluster *cluster, const struct etcd_kv *kv)
{
    struct pending *pending = &cluster->pending;
    struct arena *arena = arena_new(0);
    struct cluster_entry entry;
    const char *why;
    if (cluster_read_entry(kv->value, kv->value_len, arena, &entry, &why) == 0) {
        if (entry.seq != pending->read + 1) {
            pending->from = entry.seq - 1; /* what came before is not kept any more */
        }
        compare_positions(cluster, entry.seq - 1, entry.before);
        pending->read = entry.seq;
        cluster_pending_hear(cluster, &entry);
    }
    arena_free(arena);
}

static void read_more(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    struct pending *pending = &cluster->pending;
    pending->ask.number = 0;
    pending->stage = PENDING_IDLE;
    if (cluster_hear(cluster, answer) != HEARD_YES) {
        cluster_shrink(answer, &pending->limit);
        pending->ask.has_failed = true;
        return;
    }
    for (size_t i = 0; i < answer->kv_count; i++) {
        note_read(cluster, &answer->kvs[i]);
    }
    if (answer->kv_count == 0 && pending->read < pending->until) {
        pending->from = pending->read = pending->until; /* there are none */
    }
    pending->has_table = pending->read >= pending->until;
}

static void ask_entries(struct cluster *cluster)
{
    struct pending *pending = &cluster->pending;
    char keys[2][KEY_SIZE];
    (void)cluster_key(cluster, keys[0], "entry/");
    (void)cluster_key(cluster, keys[1], "entry/%020" PRIu64, pending->read);
    struct etcd_op list = {.kind = ETCD_LIST, .key = keys[0], .after = keys[1], .limit = pending->limit};
    pending->stage = PENDING_READING;
    pending->ask.number = etcd_ask(
        cluster->etcd,
        &(struct etcd_request){
            .then = &list, .then_count = 1, .deadline_ms = READ_MS, .done = read_more, .context = cluster});
}

/* ---- judging one ---- */

struct judged {
    const struct store_op *mine;
    struct cluster_record theirs;
    bool is_there;        /* theirs */
    const char *conflict; /* NULL: there is none */
};

static bool is_same(const struct judged *judged)
{
    if (judged->mine->value == NULL || !judged->is_there) {
        return judged->mine->value == NULL && !judged->is_there;
    }
    return strcmp(judged->mine->value, judged->theirs.value) == 0;
}

static bool is_over(const struct pend *pend, uint64_t mark)
{
    for (size_t i = 0; i < pend->what.over_count; i++) {
        if (pend->what.over[i] == mark) {
            return true;
        }
    }
    return false;
}

/* Has somebody else changed the object since it held here? */
static bool is_changed(const struct cluster *cluster, const struct pend *pend, const struct judged *judged)
{
    const struct pending *pending = &cluster->pending;
    const struct touched *touched = cluster_find_touched(pending, judged->mine);
    bool has_gap = !is_placed(cluster, pend) || pend->what.at.seq < pending->from;
    if (touched != NULL && (has_gap || touched->seq > pend->what.at.seq)) {
        return !is_over(pend, touched->mark);
    }
    return has_gap; /* then it is not known */
}

static bool do_ours_hold(const struct cluster *cluster, const struct pend *pend, const struct judged *judged)
{
    const struct touched *touched = cluster_find_touched(&cluster->pending, judged->mine);
    if (strcmp(judged->mine->kind, OVERRIDE_KIND) != 0) {
        return false;
    }
    int by = cluster_compare_safety(judged->mine->value, judged->is_there ? judged->theirs.value : NULL,
                                    cluster->wall_ms);
    int64_t their_ms = judged->is_there ? judged->theirs.at_ms : touched != NULL ? touched->at_ms : 0;
    return by < 0 || (by == 0 && pend->what.since_ms > their_ms);
}

/* NULL: its key would be none. */
static const char *conflict_key(struct arena *arena, const struct store_op *op)
{
    size_t len = strlen(op->kind) + 1 + strlen(op->key);
    return len > STORE_KEY_MAX ? NULL : arena_print(arena, "%s:%s", op->kind, op->key);
}

static char *describe(struct cluster *cluster, const struct pend *pend, const struct judged *judged,
                      bool ours_holds)
{
    const struct pending *pending = &cluster->pending;
    const struct touched *touched = cluster_find_touched(pending, judged->mine);
    bool is_terse = pending->is_terse;
    struct cluster_conflict conflict = {
        .kind = judged->mine->kind,
        .key = judged->mine->key,
        .ours = is_terse && ours_holds ? NULL : judged->mine->value,
        .theirs = judged->is_there && !(is_terse && !ours_holds) ? judged->theirs.value : NULL,
        .ours_expires_ms = judged->mine->expires_ms,
        .theirs_expires_ms = judged->is_there ? judged->theirs.expires_ms : 0,
        .ours_holds = ours_holds,
        .since_ms = cluster->wall_ms,
        .node = pend->what.node,
        .their_node = judged->is_there  ? judged->theirs.node
                      : touched != NULL ? touched->node
                                        : "",
        .actor = pend->what.cause.actor,
        .reason = pend->what.cause.reason,
        .earlier = is_terse ? NULL : judged->conflict,
    };
    return cluster_write_conflict(&conflict);
}

static void add_op(struct pending *pending, const struct store_op *op)
{
    pending->ops[pending->op_count] = *op;
    pending->ops[pending->op_count].if_revision = STORE_ANY;
    pending->op_count++;
}

/* What holds from now on, in any case as an op: so each node has it, and this one brings it into force. */
static void judge_op(struct cluster *cluster, const struct pend *pend, const struct judged *judged)
{
    struct pending *pending = &cluster->pending;
    const char *key = conflict_key(pending->arena, judged->mine);
    struct store_op holds = *judged->mine;
    bool is_conflict = is_changed(cluster, pend, judged) && !is_same(judged);
    bool ours_holds = !is_conflict || do_ours_hold(cluster, pend, judged);
    if (!ours_holds) {
        holds.value = judged->is_there ? judged->theirs.value : NULL;
        holds.expires_ms = judged->is_there ? judged->theirs.expires_ms : 0;
    }
    add_op(pending, &holds);
    if (key == NULL || !is_conflict) {
        return; /* one that is there stays: who gave this did not see it */
    }
    char *text = describe(cluster, pend, judged, ours_holds);
    add_op(pending, &(struct store_op){
                        .kind = CONFLICT_KIND, .key = key, .value = arena_copy_text(pending->arena, text)});
    free(text);
}

static void read_theirs(struct cluster *cluster, const struct etcd_answer *answer, struct judged *judged)
{
    struct arena *arena = cluster->pending.arena;
    struct cluster_record conflict;
    char *key = memory_print("object/%s/%s", judged->mine->kind, judged->mine->key);
    const struct etcd_kv *kv = cluster_find(cluster, answer, key);
    free(key);
    judged->is_there = kv != NULL &&
                       cluster_read_record(kv->value, kv->value_len, arena, &judged->theirs) == 0 &&
                       (judged->theirs.expires_ms == 0 || judged->theirs.expires_ms > cluster->wall_ms);
    key = memory_print("object/conflict/%s:%s", judged->mine->kind, judged->mine->key);
    kv = cluster_find(cluster, answer, key);
    if (kv != NULL && cluster_read_record(kv->value, kv->value_len, arena, &conflict) == 0) {
        judged->conflict = conflict.value;
    }
    free(key);
}

static void compose(struct cluster *cluster, const struct etcd_answer *answer)
{
    struct pending *pending = &cluster->pending;
    struct pend *pend = pending->first;
    bool is_open = false;
    pending->op_count = 0;
    for (size_t i = pending->first_op; i < pending->end_op; i++) {
        struct judged judged = {.mine = &pend->what.ops[i]};
        is_open = is_open || !pend->is_settled[i];
        if (!pend->is_settled[i] && !is_superseded(pend, i)) {
            read_theirs(cluster, answer, &judged);
            judge_op(cluster, pend, &judged);
        }
    }
    /* all of it may have come as an entry of another node while this was asked */
    pending->stage = is_open ? PENDING_JUDGED : PENDING_IDLE;
    pending->judged_at = cluster->at;
}

static bool is_known_by_mark(struct cluster *cluster, const struct etcd_answer *answer)
{
    struct pend *pend = cluster->pending.first;
    struct cluster_mark mark;
    char key[64];
    snprintf(key, sizeof key, "mark/%016" PRIx64, pend->what.mark);
    const struct etcd_kv *kv = cluster_find(cluster, answer, key);
    if (kv == NULL || cluster_read_mark(kv->value, kv->value_len, &mark) != 0) {
        return false;
    }
    bool is_news = false;
    for (size_t i = 0; i < mark.to && i < pend->what.op_count; i++) {
        is_news = is_news || !pend->is_settled[i];
        pend->is_settled[i] = true;
    }
    return is_news;
}

static void looked(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    struct pending *pending = &cluster->pending;
    char head[CLUSTER_HEAD_SIZE];
    pending->ask.number = 0;
    pending->stage = PENDING_IDLE;
    if (cluster_hear(cluster, answer) != HEARD_YES) {
        pending->ask.has_failed = true;
        return;
    }
    const struct etcd_kv *kv = cluster_find(cluster, answer, "head");
    if (kv == NULL || strcmp(kv->value, cluster_write_head(&cluster->at, head)) != 0) {
        cluster->follow.needs_fetch = true; /* something has come; it is judged on that */
    } else if (!is_known_by_mark(cluster, answer)) {
        compose(cluster, answer);
    }
}

static void ask_objects(struct cluster *cluster)
{
    struct pending *pending = &cluster->pending;
    struct pend *pend = pending->first;
    struct etcd_op ops[2 * CHUNK_MAX + 2];
    char key[KEY_SIZE];
    size_t count = 0;
    arena_free(pending->arena);
    pending->arena = arena_new(0);
    (void)cluster_key(cluster, key, "head");
    ops[count++] = (struct etcd_op){.kind = ETCD_GET, .key = arena_copy_text(pending->arena, key)};
    (void)cluster_key(cluster, key, "mark/%016" PRIx64, pend->what.mark);
    ops[count++] = (struct etcd_op){.kind = ETCD_GET, .key = arena_copy_text(pending->arena, key)};
    for (size_t i = pending->first_op; i < pending->end_op; i++) {
        const struct store_op *op = &pend->what.ops[i];
        (void)cluster_key(cluster, key, "object/%s/%s", op->kind, op->key);
        ops[count++] = (struct etcd_op){.kind = ETCD_GET, .key = arena_copy_text(pending->arena, key)};
        (void)cluster_key(cluster, key, "object/conflict/%s:%s", op->kind, op->key);
        ops[count++] = (struct etcd_op){.kind = ETCD_GET, .key = arena_copy_text(pending->arena, key)};
    }
    pending->stage = PENDING_LOOKING;
    pending->ask.number = etcd_ask(
        cluster->etcd,
        &(struct etcd_request){
            .then = ops, .then_count = count, .deadline_ms = READ_MS, .done = looked, .context = cluster});
}

/* ---- one after the other ---- */

static bool find_ops(struct pending *pending)
{
    const struct pend *pend = pending->first;
    size_t at = 0;
    while (at < pend->what.op_count && pend->is_settled[at]) {
        at++;
    }
    pending->first_op = at;
    while (at < pend->what.op_count && at - pending->first_op < pending->chunk) {
        at++;
    }
    pending->end_op = at;
    return pending->first_op < pend->what.op_count;
}

static void tell_settled(struct cluster *cluster)
{
    struct pending *pending = &cluster->pending;
    while (pending->first != NULL && pending->stage != PENDING_JUDGED && pending->ask.number == 0 &&
           !find_ops(pending)) {
        struct pend *pend = pending->first;
        pending->first = pend->next;
        pending->last = pending->first == NULL ? &pending->first : pending->last;
        pending->count--;
        pending->chunk = CHUNK_MAX;
        pending->is_terse = false;
        cluster->has_changed = true;
        cluster_note(cluster);
        cluster->hooks.settled(cluster->hooks.context, &pend->what, pend->conflicts, pend->conflict_count);
        free_pend(pend);
    }
    if (pending->count == 0) {
        cluster_forget_touched(cluster);
    }
}

/* Too long to be one entry: less of it. */
static void shrink(struct pending *pending)
{
    if (pending->chunk > 1) {
        pending->chunk /= 2;
    } else if (!pending->is_terse) {
        pending->is_terse = true;
    } else {
        pending->first->is_settled[pending->first_op] = true; /* nothing could ever bring it there */
    }
}

static void write_judged(struct cluster *cluster)
{
    struct pending *pending = &cluster->pending;
    struct pend *pend = pending->first;
    pending->stage = PENDING_IDLE;
    cluster_note(cluster);
    if (!cluster_is_at(&pending->judged_at, &cluster->at)) {
        return;
    }
    bool is_here = strcmp(pend->what.node, cluster->node) == 0;
    struct cluster_entry entry = {.given_on = is_here ? NULL : pend->what.node,
                                  .mark = pend->what.mark,
                                  .mark_from = (uint32_t)pending->first_op,
                                  .mark_to = (uint32_t)pending->end_op,
                                  .cause = pend->what.cause,
                                  .provisional_since_ms = pend->what.since_ms,
                                  .provisional_ms =
                                      pend->what.born_ms == 0 ? 0 : cluster->now_ms - pend->what.born_ms,
                                  .ops = pending->ops,
                                  .op_count = pending->op_count};
    if (!cluster_write_pending(cluster, &entry)) {
        shrink(pending);
    }
}

void cluster_pending_step(struct cluster *cluster)
{
    struct pending *pending = &cluster->pending;
    if (pending->count == 0) {
        return;
    }
    tell_settled(cluster);
    bool is_quiet = pending->count > 0 && cluster->is_reached && cluster->write.flight == FLIGHT_NONE &&
                    cluster->write.finished == NULL && cluster_is_caught_up(cluster);
    if (!is_quiet) {
        return;
    }
    if (!pending->is_reading) {
        begin_reading(cluster);
    }
    pending->has_table = pending->has_table || pending->read >= pending->until;
    if (pending->stage == PENDING_JUDGED) {
        write_judged(cluster);
    } else if (pending->stage == PENDING_IDLE && cluster_is_ready(cluster, &pending->ask)) {
        if (!pending->has_table) {
            ask_entries(cluster);
        } else if (find_ops(pending)) {
            ask_objects(cluster);
        }
    }
}
