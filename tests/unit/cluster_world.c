/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See cluster_world.h. */
#include "config.h"

#include "unit.h"

#include "cluster_world.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the local store of a node ---- */

enum { JOB_OPS = 128 };

struct world_job {
    int64_t at_ms;
    struct world_object ops[JOB_OPS];
    size_t op_count;
    bool replaces, has_at, applies;
    struct cluster_position at;
    struct world_pending *pends; /* comes */
    bool *safe;                  /* set then; may be NULL */
    uint64_t forgets;            /* goes */
    struct world_job *next;
};

static struct world_object *find(struct world_state *state, const char *kind, const char *key)
{
    for (size_t i = 0; i < state->count; i++) {
        if (strcmp(state->objects[i].kind, kind) == 0 && strcmp(state->objects[i].key, key) == 0) {
            return &state->objects[i];
        }
    }
    return NULL;
}

const char *world_find(const struct world_state *state, const char *kind, const char *key)
{
    const struct world_object *object = find((struct world_state *)(uintptr_t)state, kind, key);
    return object != NULL && object->is_there ? object->value : NULL;
}

void world_set(struct world_state *state, const struct store_op *op)
{
    struct world_object *object = find(state, op->kind, op->key);
    if (object == NULL) {
        assert_true(state->count < WORLD_OBJECTS);
        object = &state->objects[state->count++];
        snprintf(object->kind, sizeof object->kind, "%s", op->kind);
        snprintf(object->key, sizeof object->key, "%s", op->key);
    }
    object->is_there = op->value != NULL;
    snprintf(object->value, sizeof object->value, "%s", op->value == NULL ? "" : op->value);
}

static void add_op(struct world_job *job, const struct store_op *op)
{
    struct world_object *object = &job->ops[job->op_count++];
    assert_true(job->op_count <= JOB_OPS);
    snprintf(object->kind, sizeof object->kind, "%s", op->kind);
    snprintf(object->key, sizeof object->key, "%s", op->key);
    object->is_there = op->value != NULL;
    snprintf(object->value, sizeof object->value, "%s", op->value == NULL ? "" : op->value);
}

static struct world_job *submit(struct world_node *node)
{
    struct world_job *job = memory_alloc(sizeof *job);
    job->at_ms =
        node->world->now_ms + (int64_t)random_below(&node->world->random, (uint64_t)node->disk_ms + 1);
    *node->last_job = job;
    node->last_job = &job->next;
    return job;
}

static void forget_pending(struct world_state *state, uint64_t number)
{
    for (struct world_pending **at = &state->pending; *at != NULL; at = &(*at)->next) {
        if ((*at)->number == number) {
            struct world_pending *gone = *at;
            *at = gone->next;
            free(gone);
            return;
        }
    }
}

static void add_pending(struct world_state *state, const struct world_pending *pending)
{
    struct world_pending **at = &state->pending;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = memory_copy(pending, sizeof *pending);
    (*at)->next = NULL;
    (*at)->op.kind = (*at)->kind;
    (*at)->op.key = (*at)->key;
    (*at)->op.value = (*at)->op.value == NULL ? NULL : (*at)->value;
}

static void commit(struct world_node *node, const struct world_job *job)
{
    struct world_state *disk = &node->disk;
    if (job->replaces) {
        disk->count = 0;
    }
    for (size_t i = 0; i < job->op_count; i++) {
        const struct world_object *object = &job->ops[i];
        world_set(disk, &(struct store_op){.kind = object->kind,
                                           .key = object->key,
                                           .value = object->is_there ? object->value : NULL});
    }
    if (job->has_at) {
        disk->has_position = true;
        disk->at = job->at;
    }
    if (job->pends != NULL) {
        add_pending(disk, job->pends);
        if (job->safe != NULL) {
            *job->safe = true;
        }
    }
    forget_pending(disk, job->forgets);
    if (job->applies && node->is_up) {
        cluster_applied(node->cluster);
    }
}

static void run_disk(struct world_node *node, bool all)
{
    while (node->jobs != NULL && (all || node->jobs->at_ms <= node->world->now_ms)) {
        struct world_job *job = node->jobs;
        node->jobs = job->next;
        node->last_job = node->jobs == NULL ? &node->jobs : node->last_job;
        commit(node, job);
        free(job->pends);
        free(job);
    }
}

static void lose_disk(struct world_node *node)
{
    while (node->jobs != NULL) {
        struct world_job *job = node->jobs;
        node->jobs = job->next;
        free(job->pends);
        free(job);
    }
    node->last_job = &node->jobs;
}

static void clear_state(struct world_state *state)
{
    while (state->pending != NULL) {
        forget_pending(state, state->pending->number);
    }
    *state = (struct world_state){0};
}

/* ---- what the machine asks for ---- */

static void wake(void *context)
{
    struct world_node *node = context;
    node->wakes = true;
}

static void set_at(struct world_node *node, struct world_job *job, const struct cluster_position *at)
{
    node->memory.has_position = job->has_at = true;
    node->memory.at = job->at = *at;
}

static void apply(void *context, const struct cluster_entry *entry, const struct cluster_position *at)
{
    struct world_node *node = context;
    struct world_job *job = submit(node);
    assert_true(cluster_follows(&node->memory.at, entry));
    for (size_t i = 0; i < entry->op_count; i++) {
        add_op(job, &entry->ops[i]);
        const struct store_op *op = &entry->ops[i];
        bool is_held = cluster_is_pending(node->cluster, op->kind, op->key);
        if (!is_held || cluster_compare_safety(op->value, world_find(&node->memory, op->kind, op->key),
                                               node->world->wall_ms) < 0) {
            world_set(&node->memory, &entry->ops[i]);
        }
    }
    set_at(node, job, at);
    node->after_ms = entry->after_ms;
    node->applied_hooks++;
    job->applies = node->applies_late;
    if (!node->applies_late) {
        cluster_applied(node->cluster);
    }
}

static void adopt(void *context, const struct cluster_object *objects, size_t count,
                  const struct cluster_position *at, bool may_refuse)
{
    struct world_node *node = context;
    if (may_refuse && node->refuses) {
        cluster_refuse_taking(node->cluster, "it has some of its own");
        return;
    }
    struct world_job *job = submit(node);
    node->memory.count = 0;
    job->replaces = true;
    for (size_t i = 0; i < count; i++) {
        struct store_op op = {.kind = objects[i].kind, .key = objects[i].key, .value = objects[i].value};
        add_op(job, &op);
        world_set(&node->memory, &op);
    }
    for (const struct world_pending *one = node->memory.pending; one != NULL; one = one->next) {
        world_set(&node->memory, &one->op); /* holds on */
    }
    set_at(node, job, at);
    node->adopted_hooks++;
    job->applies = node->applies_late;
    if (!node->applies_late) {
        cluster_applied(node->cluster);
    }
}

static bool is_over(void *context, const char *key, const char *value)
{
    (void)context, (void)key;
    return strstr(value, "\"over\"") != NULL;
}

static void collect(void *context)
{
    struct world_node *node = context;
    for (size_t i = 0; i < node->memory.count; i++) {
        const struct world_object *object = &node->memory.objects[i];
        if (object->is_there) {
            cluster_offer(
                node->cluster,
                &(struct cluster_object){.kind = object->kind, .key = object->key, .value = object->value});
        }
    }
    cluster_offered(node->cluster);
}

/* What the store has once all is committed. */
static const char *find_stored(const struct world_node *node, const char *kind, const char *key)
{
    const char *value = world_find(&node->disk, kind, key);
    for (const struct world_job *job = node->jobs; job != NULL; job = job->next) {
        value = job->replaces ? NULL : value;
        for (size_t i = 0; i < job->op_count; i++) {
            const struct world_object *object = &job->ops[i];
            if (strcmp(object->kind, kind) == 0 && strcmp(object->key, key) == 0) {
                value = object->is_there ? object->value : NULL;
            }
        }
    }
    return value;
}

/* What was settled long ago, or before this process, brings no entry any more: what the store has is in
 * force. */
static void put_stored(struct world_node *node, uint64_t number)
{
    for (const struct world_pending *one = node->memory.pending; one != NULL; one = one->next) {
        if (one->number == number && !cluster_is_pending(node->cluster, one->kind, one->key)) {
            world_set(&node->memory, &(struct store_op){.kind = one->kind,
                                                        .key = one->key,
                                                        .value = find_stored(node, one->kind, one->key)});
        }
    }
}

static void settled(void *context, const struct cluster_pending *pending,
                    const struct cluster_conflict *conflicts, size_t count)
{
    struct world_node *node = context;
    put_stored(node, pending->number);
    forget_pending(&node->memory, pending->number);
    submit(node)->forgets = pending->number;
    node->settled_hooks++;
    node->conflicts += (unsigned)count;
    (void)conflicts;
}

/* ---- nodes ---- */

static void pend_to(struct world_node *node, const struct world_pending *pending)
{
    cluster_pend(node->cluster, &(struct cluster_pending){.number = pending->number,
                                                          .node = pending->node,
                                                          .mark = pending->mark,
                                                          .since_ms = pending->since_ms,
                                                          .has_position = pending->has_position,
                                                          .at = pending->at,
                                                          .cause = {.actor = "alice"},
                                                          .ops = &pending->op,
                                                          .op_count = 1,
                                                          .over = pending->over,
                                                          .over_count = pending->over_count});
}

void world_start(struct world_node *node)
{
    struct world *world = node->world;
    uint64_t before = node->run;
    node->etcd = etcd_model_join(world->model);
    node->run = ++world->runs;
    clear_state(&node->memory);
    node->memory = node->disk;
    node->memory.pending = NULL;
    struct cluster_options options = {.etcd = node->etcd,
                                      .name = "prod",
                                      .node = node->name,
                                      .software = "steerd test",
                                      .run = node->run,
                                      .run_before = before,
                                      .member = node->member,
                                      .has_position = node->disk.has_position,
                                      .at = node->disk.at,
                                      .hooks = {.context = node,
                                                .wake = wake,
                                                .apply = apply,
                                                .adopt = adopt,
                                                .collect = collect,
                                                .is_over = is_over,
                                                .settled = settled},
                                      .now_ms = world->now_ms,
                                      .wall_ms = world->wall_ms + node->ahead_ms};
    node->cluster = cluster_open(&options);
    node->is_up = node->wakes = true;
    for (const struct world_pending *one = node->disk.pending; one != NULL; one = one->next) {
        add_pending(&node->memory, one);
        world_set(&node->memory, &one->op);
        pend_to(node, one);
        node->pendings = one->number > node->pendings ? one->number : node->pendings;
    }
}

static void end(struct world_node *node)
{
    node->is_up = false;
    cluster_close(node->cluster);
    etcd_close(node->etcd);
    node->cluster = NULL;
    node->etcd = NULL;
}

void world_stop(struct world_node *node)
{
    end(node);
    run_disk(node, true);
}

void world_crash(struct world_node *node)
{
    struct etcd_way *way = etcd_model_way(node->etcd);
    way->is_refused = true; /* nothing is said any more */
    end(node);
    lose_disk(node);
}

/* ---- time ---- */

void world_init(struct world *world, size_t count, uint64_t seed)
{
    *world = (struct world){.model = etcd_model_new(seed + 1), .wall_ms = 1795000000000, .count = count};
    random_init(&world->random, seed);
    for (size_t i = 0; i < count; i++) {
        struct world_node *node = &world->nodes[i];
        node->world = world;
        node->last_job = &node->jobs;
        snprintf(node->name, sizeof node->name, "ns%zu", i + 1);
    }
}

void world_fini(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        struct world_node *node = &world->nodes[i];
        if (node->is_up) {
            world_stop(node);
        }
        lose_disk(node);
        clear_state(&node->memory);
        clear_state(&node->disk);
    }
    etcd_model_free(world->model);
}

static void step(struct world *world, int64_t most_ms)
{
    int64_t next = etcd_model_next(world->model);
    for (size_t i = 0; i < world->count; i++) {
        const struct world_node *node = &world->nodes[i];
        if (node->is_up) {
            next = node->wakes ? world->now_ms : node->due_ms < next ? node->due_ms : next;
        }
        next = node->jobs != NULL && node->jobs->at_ms < next ? node->jobs->at_ms : next;
    }
    next = next > most_ms ? most_ms : next < world->now_ms ? world->now_ms : next;
    world->wall_ms += next - world->now_ms;
    world->now_ms = next;
    for (size_t i = 0; i < world->count; i++) {
        struct world_node *node = &world->nodes[i];
        run_disk(node, false);
        if (node->is_up && (node->wakes || node->due_ms <= world->now_ms)) {
            node->wakes = false;
            node->due_ms = cluster_tick(node->cluster, world->now_ms, world->wall_ms + node->ahead_ms);
        }
    }
    etcd_model_run(world->model, world->now_ms);
}

void world_run(struct world *world, int64_t ms)
{
    int64_t until = world->now_ms + ms;
    for (unsigned idle = 0; world->now_ms < until; idle++) {
        int64_t before = world->now_ms;
        step(world, until);
        idle = world->now_ms == before ? idle : 0;
        assert_true(idle < 10000); /* it spins */
    }
}

/* ---- orders ---- */

void world_written(struct cluster_write *write)
{
    struct world_order *order = (struct world_order *)write; /* its first member */
    struct world_node *node = order->node;
    order->is_done = true;
    if (write->written == 0) {
        return;
    }
    struct world_job *job = submit(node);
    add_op(job, &order->op);
    world_set(&node->memory, &order->op);
    set_at(node, job, &write->at);
}

void world_prepare(struct world_node *node, struct world_order *order, const char *key, const char *value)
{
    *order = (struct world_order){.node = node};
    snprintf(order->key, sizeof order->key, "%s", key);
    snprintf(order->value, sizeof order->value, "%s", value == NULL ? "" : value);
    order->op = (struct store_op){.kind = "override",
                                  .key = order->key,
                                  .value = value == NULL ? NULL : order->value,
                                  .if_revision = STORE_ANY};
    order->write = (struct cluster_write){.cause = {.actor = "alice"},
                                          .ops = &order->op,
                                          .op_count = 1,
                                          .deadline_ms = 1000,
                                          .done = world_written};
}

void world_order(struct world_node *node, struct world_order *order, const char *key, const char *value)
{
    world_prepare(node, order, key, value);
    cluster_submit(node->cluster, &order->write);
}

static size_t list_marks(const struct world_node *node, const struct store_op *op, uint64_t marks[WORLD_OVER])
{
    size_t count = node->is_up ? cluster_list_marks(node->cluster, op, marks, WORLD_OVER) : 0;
    assert_true(count < WORLD_OVER);
    return count;
}

/* Into memory and onto the disk; takes neither kind nor key nor value from where they were. */
static void begin_pending(struct world_node *node, struct world_job *job, const struct world_pending *pending)
{
    add_pending(&node->memory, pending);
    job->pends = memory_copy(pending, sizeof *pending);
    job->pends->op.kind = job->pends->kind;
    job->pends->op.key = job->pends->key;
    job->pends->op.value = pending->op.value == NULL ? NULL : job->pends->value;
    if (node->is_up) {
        pend_to(node, pending);
    }
}

/* Was it given on top of what is here, and nothing else? */
static bool is_laid_over(const struct world_node *node, const struct world_pending *pending)
{
    uint64_t marks[WORLD_OVER];
    size_t count = list_marks(node, &pending->op, marks);
    bool is = pending->has_position == node->memory.has_position &&
              (!pending->has_position || cluster_is_at(&pending->at, &node->memory.at));
    for (size_t i = 0; i < count && is; i++) {
        size_t k = 0;
        while (k < pending->over_count && pending->over[k] != marks[i]) {
            k++;
        }
        is = k < pending->over_count;
    }
    return is;
}

static void be_told(struct world_node *node, const struct world_pending *one)
{
    struct world_job *job = submit(node);
    struct world_pending pending = *one;
    struct cluster_status status;
    cluster_get_status(node->cluster, &status);
    bool brings = status.phase == CLUSTER_FOLLOWING || status.phase == CLUSTER_CATCHING;
    const char *present = world_find(&node->memory, one->kind, one->key);
    pending.number = ++node->pendings;
    pending.op.kind = pending.kind;
    pending.op.key = pending.key;
    pending.op.value = one->op.value == NULL ? NULL : pending.value;
    if (!brings && is_laid_over(node, one)) {
        add_op(job, &pending.op);
        world_set(&node->memory, &pending.op);
    } else if (!brings && cluster_compare_safety(present, one->op.value, node->world->wall_ms) > 0) {
        world_set(&node->memory, &pending.op); /* and not onto the disk */
    }
    begin_pending(node, job, &pending);
}

unsigned world_tell(struct world_node *from, struct world_node *to)
{
    unsigned news = 0;
    for (const struct world_pending *one = from->memory.pending; one != NULL; one = one->next) {
        if (!cluster_knows_mark(to->cluster, one->mark)) {
            be_told(to, one);
            news++;
        }
    }
    return news;
}

static void pend(struct world_node *node, const struct store_op *op, uint64_t mark, bool *safe)
{
    struct world_job *job = submit(node);
    struct world_pending pending = {.number = ++node->pendings,
                                    .mark = mark,
                                    .node = node->name,
                                    .since_ms = node->world->wall_ms,
                                    .has_position = node->memory.has_position,
                                    .at = node->memory.at,
                                    .op = *op};
    snprintf(pending.kind, sizeof pending.kind, "%s", op->kind);
    snprintf(pending.key, sizeof pending.key, "%s", op->key);
    snprintf(pending.value, sizeof pending.value, "%s", op->value == NULL ? "" : op->value);
    pending.over_count = list_marks(node, op, pending.over);
    world_set(&node->memory, op);
    add_op(job, op);
    job->safe = safe;
    begin_pending(node, job, &pending);
}

void world_pend(struct world_node *node, const char *key, const char *value, uint64_t mark, bool *safe)
{
    pend(node, &(struct store_op){.kind = "override", .key = key, .value = value}, mark, safe);
}

void world_keep_pending(struct world_node *node, const char *key, const char *value,
                        const struct cluster_position *at)
{
    struct world_pending pending = {.number = ++node->pendings,
                                    .mark = random_next(&node->world->random) | 1,
                                    .since_ms = node->world->wall_ms,
                                    .has_position = true,
                                    .at = *at,
                                    .op = {.value = value}};
    snprintf(pending.kind, sizeof pending.kind, "override");
    snprintf(pending.key, sizeof pending.key, "%s", key);
    snprintf(pending.value, sizeof pending.value, "%s", value);
    add_pending(&node->disk, &pending);
}

static void make_pending(struct world_order *order)
{
    if (!order->is_pended) {
        order->is_pended = true;
        pend(order->node, &order->op, order->write.mark, &order->is_safe);
    }
}

static void emergency_late(struct cluster_write *write)
{
    struct world_order *order = (struct world_order *)write;
    order->was_late = true;
    make_pending(order);
}

static void emergency_written(struct cluster_write *write)
{
    struct world_order *order = (struct world_order *)write;
    world_written(write);
    if (write->error != 0) {
        make_pending(order); /* also what is open: its mark settles it if it did get through */
    }
}

void world_emergency(struct world_node *node, struct world_order *order, const char *key, const char *value)
{
    world_prepare(node, order, key, value);
    order->write.mark = random_next(&node->world->random) | 1;
    order->write.done = emergency_written;
    order->write.late = emergency_late;
    order->write.deadline_ms = 200;
    world_set(&node->memory, &order->op);
    cluster_submit(node->cluster, &order->write);
}
