/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How entries are written, one at a time. The transaction holds only where `head` is the text of the position
 * that this node has applied, which no head after it is ever again: so the same transaction may be sent as
 * often as is needed to learn what has become of it, takes effect once at most, and one that lingers in the
 * network does so only as long as nothing else was written. Whether an entry was written is known by an
 * answer, or by what is there at its number. */
#include "config.h"

#include "cluster/inside.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cluster_write_init(struct cluster *cluster)
{
    cluster->write.last = &cluster->write.first;
    cluster->write.finished_last = &cluster->write.finished;
}

void cluster_write_tell(struct cluster *cluster)
{
    struct write *write = &cluster->write;
    while (write->finished != NULL) {
        struct cluster_write *done = write->finished;
        write->finished = done->next;
        if (write->finished == NULL) {
            write->finished_last = &write->finished;
        }
        done->done(done);
    }
}

void cluster_write_fini(struct cluster *cluster)
{
    struct write *write = &cluster->write;
    cluster_end_flight(cluster);
    while (write->first != NULL) {
        cluster_finish(cluster, write->first, ERROR_CANCELLED);
    }
    cluster_write_tell(cluster);
}

void cluster_submit(struct cluster *cluster, struct cluster_write *submitted)
{
    struct write *write = &cluster->write;
    submitted->next = NULL;
    submitted->error = 0;
    submitted->written = 0;
    submitted->came_after = submitted->is_told_late = false;
    submitted->seen = cluster->follow.applies;
    submitted->lost = write->losses;
    submitted->until_ms = UNTIMED;
    *write->last = submitted;
    write->last = &submitted->next;
    if (submitted->op_count == 0 || cluster_judge_ops(submitted->ops, submitted->op_count) != NULL) {
        cluster_finish(cluster, submitted, ERROR_INVALID);
    }
    cluster_note(cluster);
}

uint64_t cluster_see(const struct cluster *cluster)
{
    return cluster->follow.applies + cluster->write.wins + cluster->write.losses;
}

/* ---- the transaction ---- */

struct transaction {
    struct arena *arena;
    struct etcd_op ops[3 * CLUSTER_OPS_MAX + 8];
    size_t count;
};

static void add(struct transaction *transaction, enum etcd_op_kind kind, const char *key, const char *value)
{
    transaction->ops[transaction->count++] =
        (struct etcd_op){.kind = kind, .key = arena_copy_text(transaction->arena, key), .value = value};
}

/* Of several changes of one object the last one is what holds: etcd takes each key once. */
static bool is_last(const struct cluster_entry *entry, size_t at)
{
    for (size_t i = at + 1; i < entry->op_count; i++) {
        if (strcmp(entry->ops[i].kind, entry->ops[at].kind) == 0 &&
            strcmp(entry->ops[i].key, entry->ops[at].key) == 0) {
            return false;
        }
    }
    return true;
}

/* Whose a name is becomes another: whoever has it cannot write any more from that moment on. */
static void take_name(struct cluster *cluster, struct transaction *transaction, const char *name)
{
    char key[KEY_SIZE];
    if (strcmp(name, cluster->node) != 0) { /* or nothing of this could be written */
        add(transaction, ETCD_DELETE, cluster_key(cluster, key, "claim/%s", name), NULL);
        add(transaction, ETCD_DELETE, cluster_key(cluster, key, "node/%s", name), NULL);
    }
}

static void add_object(struct cluster *cluster, struct transaction *transaction, const struct store_op *op)
{
    const struct cluster_entry *entry = &cluster->write.entry;
    char key[KEY_SIZE];
    (void)cluster_key(cluster, key, "object/%s/%s", op->kind, op->key);
    if (strcmp(op->kind, CLUSTER_MEMBER_KIND) == 0) {
        take_name(cluster, transaction, op->key);
    }
    if (op->value == NULL) {
        add(transaction, ETCD_DELETE, key, NULL);
        return;
    }
    struct cluster_record record = {.seq = entry->seq,
                                    .at_ms = entry->provisional_since_ms != 0 ? entry->provisional_since_ms
                                                                              : entry->cause.wall_ms,
                                    .node = cluster_entry_origin(entry),
                                    .value = op->value,
                                    .expires_ms = op->expires_ms};
    char *text = cluster_write_record(&record);
    add(transaction, ETCD_PUT, key, arena_copy_text(transaction->arena, text));
    free(text);
}

static void add_ops(struct cluster *cluster, struct transaction *transaction)
{
    struct write *write = &cluster->write;
    const struct cluster_entry *entry = &write->entry;
    char key[KEY_SIZE], head[CLUSTER_HEAD_SIZE], mark[CLUSTER_MARK_SIZE];
    struct cluster_position after = write->before;
    cluster_step(&after, entry);
    (void)cluster_write_head(&after, head);
    add(transaction, ETCD_PUT, cluster_key(cluster, key, "head"), arena_copy_text(transaction->arena, head));
    add(transaction, ETCD_PUT, cluster_key(cluster, key, "entry/%020" PRIu64, entry->seq), write->text);
    if (entry->seq > CLUSTER_KEPT) {
        (void)cluster_key(cluster, key, "entry/%020" PRIu64, entry->seq - CLUSTER_KEPT);
        add(transaction, ETCD_DELETE, key, NULL);
    }
    if (write->has_mark) {
        (void)cluster_write_mark(&(struct cluster_mark){entry->seq, entry->mark_to}, mark);
        add(transaction, ETCD_PUT, cluster_key(cluster, key, "mark/%016" PRIx64, entry->mark),
            arena_copy_text(transaction->arena, mark));
        transaction->ops[transaction->count - 1].lease = cluster->marks.id;
    }
    for (size_t i = 0; i < entry->op_count; i++) {
        if (is_last(entry, i)) {
            add_object(cluster, transaction, &entry->ops[i]);
        }
    }
}

/* ---- what became of it ---- */

static void stay_open(struct write *write)
{
    write->flight = FLIGHT_OPEN;
    write->is_open = true;
    write->ask.has_failed = true;
}

static void answered_no(struct cluster *cluster, const struct etcd_answer *answer)
{
    struct write *write = &cluster->write;
    char key[CLUSTER_NAME_MAX + 16], head[CLUSTER_HEAD_SIZE];
    const struct etcd_kv *at_head = cluster_find(cluster, answer, "head");
    snprintf(key, sizeof key, "entry/%020" PRIu64, write->entry.seq);
    const struct etcd_kv *there = cluster_find(cluster, answer, key);
    cluster_read_held(cluster, answer, "turn", &cluster->turn.seen);
    snprintf(key, sizeof key, "claim/%s", cluster->node);
    cluster_read_held(cluster, answer, key, &cluster->claim.seen);
    cluster_follow_head(cluster, at_head, answer->revision);
    if (there != NULL && cluster_follow_take(cluster, there->value, there->value_len)) {
        return;
    }
    if (at_head == NULL || strcmp(at_head->value, cluster_write_head(&write->before, head)) != 0) {
        cluster->follow.needs_sync = true;
        stay_open(write);
    } else if (write->turn[0] != '\0' && strcmp(cluster->turn.seen.text, write->turn) != 0) {
        struct cluster_write *owner = write->owner; /* that turn never comes again */
        cluster_end_flight(cluster);
        cluster_finish(cluster, owner, ERROR_CONFLICT);
    } else if (!write->is_open) {
        cluster_lose_flight(cluster); /* it was not ours to write */
    } else {
        stay_open(write); /* an earlier one may still come through */
    }
}

/* An earlier one that was not answered may still come through, so only the first one knows that it did not.
 */
static void unanswered(struct cluster *cluster, const struct etcd_answer *answer)
{
    struct write *write = &cluster->write;
    struct cluster_write *owner = write->owner;
    if (answer->error == ERROR_NOT_FOUND) {
        cluster->marks.id = 0; /* the lease of the mark is gone: etcd was restored, or emptied */
    }
    bool is_refused = answer->error == ERROR_INVALID || answer->error == ERROR_TOO_LARGE;
    if (answer->may_have_effect || write->is_open) {
        stay_open(write);
        return;
    }
    cluster_lose_flight(cluster);
    write->ask.has_failed = true;
    if (is_refused && owner != NULL && cluster->write.first == owner) {
        cluster_finish(cluster, owner, answer->error); /* no other time either */
    }
}

static void answered(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    struct write *write = &cluster->write;
    write->ask.number = 0;
    enum heard heard = cluster_hear(cluster, answer);
    if (heard == HEARD_NOTHING) {
        unanswered(cluster, answer);
    } else if (heard == HEARD_NO) {
        answered_no(cluster, answer);
    } else if (answer->kv_count != 0 || !cluster_follow_take(cluster, write->text, strlen(write->text))) {
        cluster->follow.needs_sync = true; /* nothing was asked for, or etcd is not what it was */
        stay_open(write);
    } else {
        cluster_follow_wrote(cluster, answer->revision);
    }
}

static void transmit(struct cluster *cluster)
{
    struct write *write = &cluster->write;
    char keys[4][KEY_SIZE], head[CLUSTER_HEAD_SIZE];
    struct transaction transaction = {.arena = arena_new(0)};
    (void)cluster_key(cluster, keys[0], "head");
    (void)cluster_key(cluster, keys[1], "claim/%s", cluster->node);
    (void)cluster_key(cluster, keys[2], "turn");
    (void)cluster_key(cluster, keys[3], "entry/%020" PRIu64, write->entry.seq);
    struct etcd_condition conditions[] = {
        {.kind = ETCD_IF_VALUE, .key = keys[0], .value = cluster_write_head(&write->before, head)},
        {.kind = ETCD_IF_VALUE, .key = keys[1], .value = cluster->claim.mine},
        {.kind = ETCD_IF_VALUE, .key = keys[2], .value = write->turn},
    };
    struct etcd_op otherwise[] = {{.kind = ETCD_GET, .key = keys[0]},
                                  {.kind = ETCD_GET, .key = keys[1]},
                                  {.kind = ETCD_GET, .key = keys[2]},
                                  {.kind = ETCD_GET, .key = keys[3]}};
    add_ops(cluster, &transaction);
    write->flight = FLIGHT_SENT;
    write->ask.number =
        etcd_ask(cluster->etcd, &(struct etcd_request){.conditions = conditions,
                                                       .condition_count = write->turn[0] == '\0' ? 2 : 3,
                                                       .then = transaction.ops,
                                                       .then_count = transaction.count,
                                                       .otherwise = otherwise,
                                                       .otherwise_count = 4,
                                                       .deadline_ms = WRITE_MS,
                                                       .done = answered,
                                                       .context = cluster});
    arena_free(transaction.arena);
}

/* ---- what is next ---- */

/* As many of these ops as fit into one entry; 0: not even the first. */
static size_t compose(struct cluster *cluster, struct cluster_entry *entry, size_t most)
{
    struct write *write = &cluster->write;
    size_t count = most < CLUSTER_OPS_MAX ? most : CLUSTER_OPS_MAX;
    entry->node = cluster->node;
    entry->cause.wall_ms = entry->cause.wall_ms == 0 ? cluster->wall_ms : entry->cause.wall_ms;
    write->has_mark = entry->mark != 0;
    if (entry->mark == 0) {
        entry->mark = cluster_make_mark(cluster->run, ++write->marks);
    }
    write->before = cluster->at;
    while (count > 0) {
        entry->op_count = count;
        entry->mark_to = entry->mark_from + (uint32_t)count;
        write->text = cluster_write_entry(&write->before, entry);
        if (write->text != NULL) {
            break;
        }
        count /= 2;
    }
    return count;
}

bool cluster_write_pending(struct cluster *cluster, struct cluster_entry *entry)
{
    struct write *write = &cluster->write;
    uint32_t to = entry->mark_to;
    size_t count = entry->op_count;
    if (compose(cluster, entry, count) != count) {
        free(write->text);
        write->text = NULL;
        return false;
    }
    entry->mark_to = to;
    free(write->text);
    write->text = cluster_write_entry(&write->before, entry);
    write->entry = *entry;
    write->owner = NULL;
    write->turn[0] = '\0';
    write->is_open = false;
    transmit(cluster);
    return true;
}

static void start(struct cluster *cluster, struct cluster_write *next)
{
    struct write *write = &cluster->write;
    bool has_moved = next->seen != cluster->follow.applies;
    if (next->needs_turn && cluster->turn.state != TURN_HELD) {
        cluster_finish(cluster, next, ERROR_CONFLICT);
        return;
    }
    bool is_other = (next->needs_turn && (has_moved || next->lost != write->losses)) ||
                    (next->needs_sight && next->written == 0 && next->sight != cluster_see(cluster));
    if (is_other) {
        cluster_finish(cluster, next, ERROR_PRECONDITION);
        return;
    }
    write->entry = (struct cluster_entry){.mark = next->mark,
                                          .mark_from = (uint32_t)next->written,
                                          .cause = next->cause,
                                          .ops = next->ops + next->written};
    if (compose(cluster, &write->entry, next->op_count - next->written) == 0) {
        cluster_finish(cluster, next, ERROR_TOO_LARGE);
        return;
    }
    next->came_after = next->came_after || has_moved || next->lost != write->losses;
    write->owner = next;
    write->is_open = false;
    snprintf(write->turn, sizeof write->turn, "%s", next->needs_turn ? cluster->turn.mine : "");
    transmit(cluster);
}

static void look_at_time(struct cluster *cluster)
{
    struct write *write = &cluster->write;
    for (struct cluster_write *one = write->first, *next; one != NULL; one = next) {
        next = one->next;
        if (cluster->now_ms < cluster_time(cluster, &one->until_ms, one->deadline_ms)) {
            cluster_due(cluster, one->until_ms);
        } else if (write->flight == FLIGHT_NONE || write->owner != one) {
            cluster_finish(cluster, one, cluster->is_reached ? -ETIMEDOUT : -ENETUNREACH);
        } else if (!one->is_told_late && one->late != NULL) {
            one->is_told_late = true;
            one->late(one);
        }
    }
}

/* Nothing can be written any more that follows what this node has. */
static void give_up(struct cluster *cluster)
{
    struct write *write = &cluster->write;
    if (cluster->follow.estranged != ESTRANGED_NOT) {
        cluster_abandon_flight(cluster);
    }
    for (struct cluster_write *one = write->first, *next; one != NULL; one = next) {
        next = one->next;
        if (write->flight == FLIGHT_NONE || write->owner != one) {
            cluster_finish(cluster, one, ERROR_CONFLICT);
        }
    }
}

void cluster_write_step(struct cluster *cluster)
{
    struct write *write = &cluster->write;
    if (cluster->follow.estranged != ESTRANGED_NOT || cluster->claim.is_refused) {
        give_up(cluster);
    }
    look_at_time(cluster);
    if (write->flight == FLIGHT_OPEN && cluster->claim.is_mine && cluster_is_ready(cluster, &write->ask)) {
        transmit(cluster);
    }
    if (write->flight == FLIGHT_NONE && write->first != NULL && cluster->is_reached &&
        cluster->pending.count == 0 && write->finished == NULL && cluster_is_caught_up(cluster) &&
        cluster_is_ready(cluster, &write->ask)) {
        start(cluster, write->first);
    }
}
