/* SPDX-License-Identifier: BSD-3-Clause
 *
 * All at once: writing what this node has as what holds (who makes the cluster, and who refills it), and
 * taking what etcd has instead of what is here (who comes anew, or was away for longer than entries are
 * kept).
 *
 * Writing has no head until its end: whoever looks meanwhile finds none, and nobody takes half of the
 * objects. `filling` says who does it, and goes with that node's session; each step holds only while it is
 * there, so a second one begins from the beginning. Each step may be sent again. Taking reads page by page,
 * and is good only if the head was the same with all of them. */
#include "config.h"

#include "cluster/inside.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/sha2.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_MAX = FILL_CHUNK_MAX, CHUNK_OCTETS = CLUSTER_ENTRY_MAX };

static void drop_doomed(struct fill *fill)
{
    for (size_t i = 0; i < fill->doomed_count; i++) {
        free(fill->doomed[i]);
    }
    fill->doomed_count = 0;
}

static void clear(struct cluster *cluster)
{
    struct fill *fill = &cluster->fill;
    cluster_call_off(cluster, &fill->ask);
    arena_free(fill->arena);
    fill->arena = NULL;
    free(fill->objects);
    fill->objects = NULL;
    fill->count = fill->capacity = fill->put = 0;
    fill->is_offered = fill->is_written = fill->is_again = false;
    drop_doomed(fill);
}

void cluster_fill_fini(struct cluster *cluster)
{
    struct fill *fill = &cluster->fill;
    clear(cluster);
    if (fill->done != NULL) {
        fill->done(fill->context, ERROR_CANCELLED, "this steerd ends");
        fill->done = NULL;
    }
}

static void end(struct cluster *cluster, int error, const char *why)
{
    struct fill *fill = &cluster->fill;
    fill->stage = FILL_NONE;
    fill->result = error;
    snprintf(fill->why, sizeof fill->why, "%s", why);
    fill->is_over = true;
    cluster->follow.needs_sync = true;
    cluster_note(cluster);
}

static void tell_end(struct cluster *cluster)
{
    struct fill *fill = &cluster->fill;
    cluster_mend_fn *done = fill->done;
    fill->is_over = false;
    clear(cluster);
    fill->done = NULL;
    if (done != NULL) {
        done(fill->context, fill->result, fill->why);
    }
}

/* ---- what there is here ---- */

static void add_object(struct fill *fill, const struct cluster_object *object)
{
    fill->objects = memory_grow(fill->objects, fill->count, &fill->capacity, sizeof *fill->objects);
    fill->objects[fill->count++] =
        (struct cluster_object){.kind = arena_copy_text(fill->arena, object->kind),
                                .key = arena_copy_text(fill->arena, object->key),
                                .value = arena_copy_text(fill->arena, object->value),
                                .expires_ms = object->expires_ms,
                                .seq = object->seq,
                                .node = arena_copy_text(fill->arena, object->node),
                                .at_ms = object->at_ms};
}

void cluster_offer(struct cluster *cluster, const struct cluster_object *object)
{
    struct fill *fill = &cluster->fill;
    struct store_op op = {.kind = object->kind, .key = object->key, .value = object->value};
    if (fill->stage == FILL_COLLECT && cluster_judge_ops(&op, 1) == NULL) {
        add_object(fill, object);
    }
}

void cluster_offered(struct cluster *cluster)
{
    cluster->fill.is_offered = true;
    cluster_note(cluster);
}

/* ---- writing ---- */

static void make_id(struct cluster *cluster, unsigned char id[CLUSTER_ID_SIZE])
{
    struct sha256 sha;
    uint8_t digest[SHA256_SIZE];
    uint64_t salt[3] = {cluster->run, (uint64_t)cluster->wall_ms, ++cluster->fill.takes};
    sha256_init(&sha);
    sha256_add(&sha, salt, sizeof salt);
    sha256_add(&sha, cluster->node, strlen(cluster->node));
    sha256_end(&sha, digest);
    memcpy(id, digest, CLUSTER_ID_SIZE);
}

static void begin(struct cluster *cluster, bool replaces)
{
    struct fill *fill = &cluster->fill;
    clear(cluster);
    fill->arena = arena_new(0);
    fill->stage = FILL_COLLECT;
    fill->replaces = replaces;
    fill->is_asked = false;
    fill->limit = CHUNK_MAX;
    cluster_note(cluster);
}

void cluster_fill_create(struct cluster *cluster)
{
    struct fill *fill = &cluster->fill;
    unsigned char id[CLUSTER_ID_SIZE];
    if (fill->seen.is_there && !cluster_is_ours(cluster, &fill->seen)) {
        snprintf(cluster->follow.why, sizeof cluster->follow.why, "%s is beginning this cluster",
                 fill->seen.who.node);
        return;
    }
    make_id(cluster, id);
    cluster_begin(id, &fill->position);
    begin(cluster, false);
}

int cluster_refill(struct cluster *cluster, bool replaces, cluster_mend_fn *done, void *context)
{
    struct fill *fill = &cluster->fill;
    if (cluster->follow.estranged == ESTRANGED_NOT || !cluster->has_position) {
        return ERROR_CONFLICT;
    }
    if (!cluster_fill_is_idle(cluster) || fill->done != NULL || cluster->follow.is_applying) {
        return ERROR_BUSY;
    }
    fill->position = cluster->follow.tail;
    fill->done = done;
    fill->context = context;
    begin(cluster, replaces);
    return 0;
}

/* What is of another history; a mark of it would settle what is not in this one. */
static const char *const wiped_prefixes[] = {"object/", "entry/", "mark/"};

struct step {
    struct arena *arena;
    struct etcd_condition conditions[3];
    size_t condition_count;
    struct etcd_op then[CHUNK_MAX + 4], otherwise[2];
    size_t then_count, otherwise_count;
};

static const char *key_of(struct cluster *cluster, struct step *step, const char *name)
{
    char key[KEY_SIZE];
    return arena_copy_text(step->arena, cluster_key(cluster, key, "%s", name));
}

static void need(struct step *step, enum etcd_condition_kind kind, const char *key, const char *value)
{
    step->conditions[step->condition_count++] = (struct etcd_condition){kind, key, .value = value};
}

static void add_begin(struct cluster *cluster, struct step *step)
{
    struct fill *fill = &cluster->fill;
    struct cluster_holder who = {.run = cluster->run, .take = ++fill->takes};
    const char *head = key_of(cluster, step, "head"), *filling = key_of(cluster, step, "filling");
    char key[KEY_SIZE];
    snprintf(who.node, sizeof who.node, "%s", cluster->node);
    (void)cluster_write_holder(&who, fill->mine);
    (void)cluster_key(cluster, key, "claim/%s", cluster->node);
    need(step, ETCD_IF_VALUE, arena_copy_text(step->arena, key), cluster->claim.mine);
    if (cluster_is_ours(cluster, &fill->seen)) { /* one that was not answered, or not ended */
        need(step, ETCD_IF_VALUE, filling, fill->seen.text);
    } else {
        need(step, ETCD_IF_ABSENT, filling, NULL);
    }
    if (fill->replaces) {
        step->then[step->then_count++] = (struct etcd_op){.kind = ETCD_DELETE, .key = head};
    } else {
        need(step, ETCD_IF_ABSENT, head, NULL);
    }
    step->then[step->then_count++] =
        (struct etcd_op){.kind = ETCD_PUT, .key = filling, .value = fill->mine, .lease = cluster->session.id};
    step->otherwise[step->otherwise_count++] = (struct etcd_op){.kind = ETCD_GET, .key = filling};
    step->otherwise[step->otherwise_count++] = (struct etcd_op){.kind = ETCD_GET, .key = head};
}

static void add_put(struct cluster *cluster, struct step *step)
{
    struct fill *fill = &cluster->fill;
    size_t octets = 0;
    char key[KEY_SIZE];
    fill->put_next = fill->put;
    while (fill->put_next < fill->count && step->then_count < CHUNK_MAX) {
        const struct cluster_object *object = &fill->objects[fill->put_next];
        struct cluster_record record = {.value = object->value,
                                        .node = cluster->node,
                                        .at_ms = cluster->wall_ms,
                                        .expires_ms = object->expires_ms};
        char *text = cluster_write_record(&record);
        octets += strlen(text);
        if (octets > CHUNK_OCTETS && step->then_count > 0) {
            free(text);
            break;
        }
        (void)cluster_key(cluster, key, "object/%s/%s", object->kind, object->key);
        step->then[step->then_count++] = (struct etcd_op){ETCD_PUT, arena_copy_text(step->arena, key),
                                                          .value = arena_copy_text(step->arena, text)};
        free(text);
        fill->put_next++;
    }
}

static void add_step(struct cluster *cluster, struct step *step)
{
    struct fill *fill = &cluster->fill;
    const char *head = key_of(cluster, step, "head"), *filling = key_of(cluster, step, "filling");
    if (fill->stage == FILL_BEGIN) {
        add_begin(cluster, step);
        return;
    }
    need(step, ETCD_IF_VALUE, filling, fill->mine);
    step->otherwise[step->otherwise_count++] = (struct etcd_op){.kind = ETCD_GET, .key = filling};
    step->otherwise[step->otherwise_count++] = (struct etcd_op){.kind = ETCD_GET, .key = head};
    if (fill->stage == FILL_WIPE && fill->doomed_count > 0) {
        for (size_t i = 0; i < fill->doomed_count; i++) {
            step->then[step->then_count++] = (struct etcd_op){.kind = ETCD_DELETE, .key = fill->doomed[i]};
        }
    } else if (fill->stage == FILL_WIPE) {
        const char *prefix = key_of(cluster, step, wiped_prefixes[fill->wiped]);
        step->then[step->then_count++] =
            (struct etcd_op){.kind = ETCD_LIST, .key = prefix, .limit = fill->limit};
    } else if (fill->stage == FILL_PUT) {
        add_put(cluster, step);
    } else {
        char text[CLUSTER_HEAD_SIZE];
        (void)cluster_write_head(&fill->position, text);
        need(step, ETCD_IF_ABSENT, head, NULL);
        step->then[step->then_count++] =
            (struct etcd_op){.kind = ETCD_PUT, .key = head, .value = arena_copy_text(step->arena, text)};
        step->then[step->then_count++] = (struct etcd_op){.kind = ETCD_DELETE, .key = filling};
    }
}

static void wiped(struct fill *fill, const struct etcd_answer *answer)
{
    if (fill->doomed_count > 0) {
        drop_doomed(fill);
        return;
    }
    for (size_t i = 0; i < answer->kv_count && fill->doomed_count < CHUNK_MAX; i++) {
        fill->doomed[fill->doomed_count++] = memory_copy_text(answer->kvs[i].key);
    }
    if (fill->doomed_count == 0 && ++fill->wiped == sizeof wiped_prefixes / sizeof wiped_prefixes[0]) {
        fill->stage = FILL_PUT;
        fill->put = 0;
    }
}

static void went_on(struct cluster *cluster, const struct etcd_answer *answer)
{
    struct fill *fill = &cluster->fill;
    if (fill->stage == FILL_BEGIN) {
        fill->stage = FILL_WIPE;
        fill->wiped = 0;
        drop_doomed(fill);
    } else if (fill->stage == FILL_WIPE) {
        wiped(fill, answer);
    } else if (fill->stage == FILL_PUT) {
        fill->put = fill->put_next;
        fill->stage = fill->put == fill->count ? FILL_END : FILL_PUT;
    } else {
        fill->is_written = true;
    }
}

static void stopped(struct cluster *cluster, const struct etcd_answer *answer)
{
    struct fill *fill = &cluster->fill;
    char head[CLUSTER_HEAD_SIZE];
    const struct etcd_kv *at_head = cluster_find(cluster, answer, "head");
    cluster_read_held(cluster, answer, "filling", &fill->seen);
    if (fill->stage == FILL_END && at_head != NULL &&
        strcmp(at_head->value, cluster_write_head(&fill->position, head)) == 0) {
        fill->is_written = true; /* an earlier one had effect */
    } else if (fill->stage == FILL_BEGIN && cluster_is_ours(cluster, &fill->seen)) {
        fill->ask.has_failed = true; /* begun before, and not answered: over that */
    } else if (at_head != NULL) {
        end(cluster, ERROR_CONFLICT, "somebody has put something there meanwhile");
    } else {
        end(cluster, ERROR_CONFLICT, "somebody else is filling it, or this node's lease was lost");
    }
}

static void filled(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    struct fill *fill = &cluster->fill;
    fill->ask.number = 0;
    enum heard heard = cluster_hear(cluster, answer);
    if (heard == HEARD_NOTHING) {
        cluster_shrink(answer, &fill->limit);
        fill->ask.has_failed = true;
    } else if (heard == HEARD_YES) {
        went_on(cluster, answer);
    } else {
        stopped(cluster, answer);
    }
}

static void fill_on(struct cluster *cluster)
{
    struct fill *fill = &cluster->fill;
    struct step step = {.arena = arena_new(0)};
    add_step(cluster, &step);
    fill->ask.number = etcd_ask(cluster->etcd, &(struct etcd_request){.conditions = step.conditions,
                                                                      .condition_count = step.condition_count,
                                                                      .then = step.then,
                                                                      .then_count = step.then_count,
                                                                      .otherwise = step.otherwise,
                                                                      .otherwise_count = step.otherwise_count,
                                                                      .deadline_ms = WRITE_MS,
                                                                      .done = filled,
                                                                      .context = cluster});
    arena_free(step.arena);
}

/* ---- taking ---- */

void cluster_fill_take(struct cluster *cluster)
{
    struct fill *fill = &cluster->fill;
    clear(cluster);
    fill->arena = arena_new(0);
    fill->stage = FILL_TAKE;
    fill->after = NULL;
    fill->limit = PAGE_LIMIT;
    cluster_note(cluster);
}

void cluster_fill_take_again(struct cluster *cluster)
{
    cluster_fill_take(cluster);
    cluster->fill.is_again = true;
}

/* Something came in between, or is on its way: what was read is not what is to be here. */
static bool is_passed(const struct cluster *cluster, const struct cluster_position *at)
{
    return cluster->fill.is_again && (!cluster_is_at_rest(cluster) || !cluster_is_at(at, &cluster->at));
}

static void give_up(struct cluster *cluster)
{
    clear(cluster);
    cluster->fill.stage = FILL_NONE;
}

int cluster_adopt(struct cluster *cluster, cluster_mend_fn *done, void *context)
{
    struct fill *fill = &cluster->fill;
    if (cluster->follow.estranged == ESTRANGED_NOT) {
        return ERROR_CONFLICT;
    }
    if (!cluster_fill_is_idle(cluster) || fill->done != NULL) {
        return ERROR_BUSY;
    }
    fill->done = done;
    fill->context = context;
    cluster_fill_take(cluster);
    return 0;
}

static void take_object(struct cluster *cluster, const struct etcd_kv *kv)
{
    struct fill *fill = &cluster->fill;
    struct cluster_record record;
    const char *name = cluster_strip(cluster, kv->key) + strlen("object/");
    const char *slash = strchr(name, '/');
    struct arena *arena = fill->arena;
    if (slash == NULL || cluster_read_record(kv->value, kv->value_len, arena, &record) != 0) {
        return;
    }
    char *kind = memory_print("%.*s", (int)(slash - name), name);
    struct store_op op = {.kind = kind, .key = slash + 1, .value = record.value};
    if (cluster_judge_ops(&op, 1) == NULL) {
        add_object(fill, &(struct cluster_object){.kind = kind,
                                                  .key = op.key,
                                                  .value = record.value,
                                                  .expires_ms = record.expires_ms,
                                                  .seq = record.seq,
                                                  .node = record.node,
                                                  .at_ms = record.at_ms});
    }
    free(kind);
}

static void took(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    struct fill *fill = &cluster->fill;
    const struct etcd_kv *head = cluster_find(cluster, answer, "head");
    struct cluster_position position;
    fill->ask.number = 0;
    if (cluster_hear(cluster, answer) != HEARD_YES) {
        cluster_shrink(answer, &fill->limit);
        fill->ask.has_failed = true;
        return;
    }
    if (head == NULL || cluster_read_head(head->value, head->value_len, &position, NULL) != 0) {
        end(cluster, ERROR_NOT_FOUND, "there is nothing in etcd");
        return;
    }
    if (is_passed(cluster, &position)) {
        give_up(cluster);
        return;
    }
    if (fill->after != NULL && !cluster_is_at(&position, &fill->position)) {
        cluster_fill_take(cluster); /* it has gone on meanwhile */
        return;
    }
    fill->position = position;
    for (size_t i = 0; i < answer->kv_count; i++) {
        if (strncmp(cluster_strip(cluster, answer->kvs[i].key), "object/", strlen("object/")) == 0) {
            fill->after = arena_copy_text(fill->arena, answer->kvs[i].key);
            take_object(cluster, &answer->kvs[i]);
        }
    }
    fill->is_written = !answer->more;
}

static void take_on(struct cluster *cluster)
{
    struct fill *fill = &cluster->fill;
    char keys[2][KEY_SIZE];
    (void)cluster_key(cluster, keys[0], "head");
    (void)cluster_key(cluster, keys[1], "object/");
    struct etcd_op ops[] = {{.kind = ETCD_GET, .key = keys[0]},
                            {.kind = ETCD_LIST, .key = keys[1], .after = fill->after, .limit = fill->limit}};
    fill->ask.number =
        etcd_ask(cluster->etcd,
                 &(struct etcd_request){
                     .then = ops, .then_count = 2, .deadline_ms = READ_MS, .done = took, .context = cluster});
}

/* ---- both ---- */

/* It is the owner's now: what it does not have comes, what is not there goes, and with it the position. */
static void hand_over(struct cluster *cluster)
{
    struct fill *fill = &cluster->fill;
    struct follow *follow = &cluster->follow;
    if (is_passed(cluster, &fill->position)) {
        give_up(cluster);
        return;
    }
    if (follow->is_applying || follow->first != NULL) {
        return; /* what is known to come before first */
    }
    bool may_refuse = fill->stage == FILL_TAKE && !cluster->has_position && fill->done == NULL;
    fill->is_written = false;
    fill->stage = FILL_HANDED;
    follow->is_applying = follow->is_adopting = true;
    follow->applies++;
    cluster->hooks.adopt(cluster->hooks.context, fill->objects, fill->count, &fill->position, may_refuse);
}

void cluster_refuse_taking(struct cluster *cluster, const char *why)
{
    cluster->follow.is_applying = cluster->follow.is_adopting = false;
    give_up(cluster);
    cluster_set_estranged(cluster, ESTRANGED_FOREIGN, why);
}

void cluster_fill_taken(struct cluster *cluster)
{
    if (cluster->fill.is_again) {
        give_up(cluster);
        return;
    }
    cluster->at = cluster->follow.tail = cluster->fill.position;
    cluster->has_position = true;
    cluster->follow.estranged = ESTRANGED_NOT;
    cluster->follow.why[0] = '\0';
    cluster_abandon_flight(cluster);
    cluster_pending_lose(cluster);
    end(cluster, 0, "");
}

void cluster_fill_step(struct cluster *cluster)
{
    struct fill *fill = &cluster->fill;
    if (fill->is_over) {
        tell_end(cluster);
    }
    if (fill->stage == FILL_COLLECT && !fill->is_asked) {
        fill->is_asked = true;
        cluster->hooks.collect(cluster->hooks.context);
    }
    if (fill->stage == FILL_COLLECT && fill->is_offered) {
        fill->stage = FILL_BEGIN;
    }
    if (fill->is_written && fill->stage != FILL_NONE) {
        hand_over(cluster);
    }
    bool writes = fill->stage >= FILL_BEGIN && fill->stage <= FILL_END && !fill->is_written &&
                  cluster->claim.is_mine && cluster->session.id != 0;
    if (writes && cluster_is_ready(cluster, &fill->ask)) {
        fill_on(cluster);
    } else if (fill->stage == FILL_TAKE && !fill->is_written && cluster_is_ready(cluster, &fill->ask)) {
        take_on(cluster);
    }
}
