/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See etcd_model.h. */
#include "config.h"

#include "etcd_model_inside.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct etcd_model *etcd_model_new(uint64_t seed)
{
    struct etcd_model *model = memory_alloc(sizeof *model);
    random_init(&model->random, seed);
    model->revision = 1;
    model->lease_ids = 7000;
    model->term = 2;
    return model;
}

static void free_item(struct item *item)
{
    free(item->key);
    free(item->value);
}

void etcd_model_free_call(struct call *call)
{
    arena_free(call->arena);
    arena_free(call->answer.arena);
    free(call);
}

void etcd_model_free(struct etcd_model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        free_item(&model->items[i]);
    }
    for (size_t i = 0; i < model->history_count; i++) {
        free_item(&model->history[i]);
    }
    while (model->calls != NULL) {
        struct call *call = model->calls;
        model->calls = call->next;
        etcd_model_free_call(call);
    }
    free(model->items);
    free(model->history);
    free(model->leases);
    free(model);
}

/* ---- keys ---- */

static size_t find(const struct etcd_model *model, const char *key, bool *is_there)
{
    size_t low = 0, high = model->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(model->items[middle].key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *is_there = low < model->count && strcmp(model->items[low].key, key) == 0;
    return low;
}

static void remember(struct etcd_model *model, const struct item *item, const char *value)
{
    model->history =
        memory_grow(model->history, model->history_count, &model->history_capacity, sizeof *model->history);
    struct item *last = &model->history[model->history_count++];
    *last = *item;
    last->key = memory_copy_text(item->key);
    last->value = memory_copy_text(value);
    last->mod = model->revision;
}

static void put(struct etcd_model *model, const char *key, const char *value, int64_t lease)
{
    bool is_there;
    size_t at = find(model, key, &is_there);
    if (!is_there) {
        model->items = memory_grow(model->items, model->count, &model->capacity, sizeof *model->items);
        memmove(&model->items[at + 1], &model->items[at], (model->count - at) * sizeof *model->items);
        model->count++;
        model->items[at] = (struct item){.key = memory_copy_text(key), .create = model->revision};
    }
    struct item *item = &model->items[at];
    free(item->value);
    item->value = memory_copy_text(value);
    item->mod = model->revision;
    item->version++;
    item->lease = lease;
    remember(model, item, value);
    if (model->put != NULL) {
        model->put(model->context, key, value);
    }
}

static bool remove_key(struct etcd_model *model, const char *key)
{
    bool is_there;
    size_t at = find(model, key, &is_there);
    if (is_there) {
        remember(model, &model->items[at], NULL);
        free_item(&model->items[at]);
        model->count--;
        memmove(&model->items[at], &model->items[at + 1], (model->count - at) * sizeof *model->items);
    }
    return is_there;
}

bool etcd_model_begins(const char *key, const char *prefix)
{
    return strncmp(key, prefix, strlen(prefix)) == 0;
}

const char *etcd_model_get(const struct etcd_model *model, const char *key)
{
    bool is_there;
    size_t at = find(model, key, &is_there);
    return is_there ? model->items[at].value : NULL;
}

void etcd_model_put(struct etcd_model *model, const char *key, const char *value, int64_t lease)
{
    model->revision++;
    put(model, key, value, lease);
}

void etcd_model_delete(struct etcd_model *model, const char *prefix)
{
    model->revision++;
    for (size_t i = model->count; i > 0; i--) {
        if (etcd_model_begins(model->items[i - 1].key, prefix)) {
            remove_key(model, model->items[i - 1].key);
        }
    }
}

size_t etcd_model_count(const struct etcd_model *model, const char *prefix)
{
    size_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        count += etcd_model_begins(model->items[i].key, prefix);
    }
    return count;
}

/* What a watch that goes on from this revision needs stays. */
static void compact(struct etcd_model *model, int64_t revision)
{
    size_t kept = 0;
    for (size_t i = 0; i < model->history_count; i++) {
        if (model->history[i].mod < revision) {
            free_item(&model->history[i]);
        } else {
            model->history[kept++] = model->history[i];
        }
    }
    model->history_count = kept;
    model->compacted = revision;
}

void etcd_model_compact(struct etcd_model *model)
{
    model->compacted = model->revision;
}

size_t etcd_model_history(const struct etcd_model *model)
{
    return model->history_count;
}

int64_t etcd_model_revision(const struct etcd_model *model)
{
    return model->revision;
}

struct etcd_backup *etcd_model_save(const struct etcd_model *model)
{
    struct etcd_backup *backup = memory_alloc(sizeof *backup);
    backup->items = memory_alloc_array(model->count + 1, sizeof *backup->items);
    backup->count = model->count;
    backup->revision = model->revision;
    for (size_t i = 0; i < model->count; i++) {
        backup->items[i] = model->items[i];
        backup->items[i].key = memory_copy_text(model->items[i].key);
        backup->items[i].value = memory_copy_text(model->items[i].value);
    }
    return backup;
}

void etcd_backup_free(struct etcd_backup *backup)
{
    for (size_t i = 0; i < backup->count; i++) {
        free_item(&backup->items[i]);
    }
    free(backup->items);
    free(backup);
}

void etcd_model_restore(struct etcd_model *model, const struct etcd_backup *backup)
{
    for (size_t i = 0; i < model->count; i++) {
        free_item(&model->items[i]);
    }
    for (size_t i = 0; i < model->history_count; i++) {
        free_item(&model->history[i]);
    }
    model->count = model->history_count = 0;
    model->lease_count = 0;
    model->revision = model->compacted = backup->revision;
    for (size_t i = 0; i < backup->count; i++) {
        if (backup->items[i].lease == 0) {
            put(model, backup->items[i].key, backup->items[i].value, 0);
        }
    }
}

uint64_t etcd_model_requests(const struct etcd_model *model)
{
    return model->requests;
}

void etcd_model_listen(struct etcd_model *model,
                       void (*told)(void *context, const char *key, const char *value), void *context)
{
    model->put = told;
    model->context = context;
}

/* ---- leases ---- */

static struct lease *find_lease(struct etcd_model *model, int64_t id)
{
    for (size_t i = 0; i < model->lease_count; i++) {
        if (model->leases[i].id == id) {
            return &model->leases[i];
        }
    }
    return NULL;
}

/* etcd looks every 500 ms which ones are over. */
static void begin_lease(const struct etcd_model *model, struct lease *lease, int64_t more_ms)
{
    enum { LOOK_MS = 500 };
    int64_t until_ms = model->now_ms + lease->ttl_s * 1000 + more_ms;
    lease->until_ms = (until_ms + LOOK_MS - 1) / LOOK_MS * LOOK_MS;
}

void etcd_model_set_least(struct etcd_model *model, int64_t ttl_s)
{
    model->least_ttl_s = ttl_s;
}

void etcd_model_elect(struct etcd_model *model)
{
    enum { MORE_MS = 1000 };
    model->term++;
    for (size_t i = 0; i < model->lease_count; i++) {
        begin_lease(model, &model->leases[i], MORE_MS);
    }
}

void etcd_model_end_lease(struct etcd_model *model, size_t at)
{
    int64_t id = model->leases[at].id;
    model->leases[at] = model->leases[--model->lease_count];
    for (size_t i = model->count; i > 0; i--) {
        if (model->items[i - 1].lease == id) {
            model->revision++;
            remove_key(model, model->items[i - 1].key);
        }
    }
}

void etcd_model_expire(struct etcd_model *model, int64_t lease)
{
    for (size_t i = model->lease_count; i > 0; i--) {
        if (lease == 0 || model->leases[i - 1].id == lease) {
            etcd_model_end_lease(model, i - 1);
        }
    }
}

/* ---- what it answers ---- */

static void add_kv(struct answer *answer, const struct item *item)
{
    struct etcd_kv *kvs = arena_alloc(answer->arena, (answer->told.kv_count + 1) * sizeof *kvs);
    if (answer->told.kv_count > 0) {
        memcpy(kvs, answer->told.kvs, answer->told.kv_count * sizeof *kvs);
    }
    kvs[answer->told.kv_count++] = (struct etcd_kv){.key = arena_copy_text(answer->arena, item->key),
                                                    .value = arena_copy_text(answer->arena, item->value),
                                                    .key_len = strlen(item->key),
                                                    .value_len = strlen(item->value),
                                                    .mod_revision = item->mod,
                                                    .create_revision = item->create,
                                                    .version = item->version,
                                                    .lease = item->lease};
    answer->told.kvs = kvs;
}

static bool holds(const struct etcd_model *model, const struct etcd_condition *condition)
{
    bool is_there;
    size_t at = find(model, condition->key, &is_there);
    const struct item *item = is_there ? &model->items[at] : NULL;
    switch (condition->kind) {
    case ETCD_IF_ABSENT: return item == NULL;
    case ETCD_IF_MOD_REVISION: return (item == NULL ? 0 : item->mod) == condition->number;
    case ETCD_IF_CREATE_REVISION: return (item == NULL ? 0 : item->create) == condition->number;
    case ETCD_IF_VALUE: return item != NULL && strcmp(item->value, condition->value) == 0;
    }
    return false;
}

static void list(const struct etcd_model *model, const struct etcd_op *op, struct answer *answer)
{
    size_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct item *item = &model->items[i];
        if (!etcd_model_begins(item->key, op->key) ||
            (op->after != NULL && strcmp(item->key, op->after) <= 0)) {
            continue;
        }
        if (op->limit != 0 && count == op->limit) {
            answer->told.more = true;
            return;
        }
        add_kv(answer, item);
        count++;
    }
}

static void do_op(struct etcd_model *model, const struct etcd_op *op, struct answer *answer)
{
    bool is_there;
    size_t at;
    switch (op->kind) {
    case ETCD_PUT: put(model, op->key, op->value, op->lease); break;
    case ETCD_DELETE: (void)remove_key(model, op->key); break;
    case ETCD_GET:
        at = find(model, op->key, &is_there);
        if (is_there) {
            add_kv(answer, &model->items[at]);
        }
        break;
    case ETCD_LIST: list(model, op, answer); break;
    }
}

/* etcd refuses a transaction that puts or deletes a key twice. */
static bool is_twice(const struct etcd_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            bool writes = (ops[i].kind == ETCD_PUT || ops[i].kind == ETCD_DELETE) &&
                          (ops[j].kind == ETCD_PUT || ops[j].kind == ETCD_DELETE);
            if (writes && strcmp(ops[i].key, ops[j].key) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool is_request(struct etcd_model *model, const struct etcd_request *request)
{
    size_t octets = 0;
    for (size_t i = 0; i < request->then_count; i++) {
        const struct etcd_op *op = &request->then[i];
        octets += strlen(op->key) + (op->value == NULL ? 0 : strlen(op->value));
        if (op->kind == ETCD_PUT && op->lease != 0 && find_lease(model, op->lease) == NULL) {
            return false;
        }
    }
    return !is_twice(request->then, request->then_count) && octets < 1500000 &&
           request->then_count <= ETCD_OPS_MAX && request->otherwise_count <= ETCD_OPS_MAX;
}

static void answer_ask(struct etcd_model *model, struct call *call)
{
    const struct etcd_request *request = &call->request;
    struct answer *answer = &call->answer;
    bool holds_all = true;
    for (size_t i = 0; i < request->condition_count; i++) {
        holds_all = holds_all && holds(model, &request->conditions[i]);
    }
    if (holds_all && !is_request(model, request)) {
        answer->told.error = ERROR_NOT_FOUND; /* the lease of a put is gone; the rest is our own fault */
        return;
    }
    const struct etcd_op *ops = holds_all ? request->then : request->otherwise;
    size_t count = holds_all ? request->then_count : request->otherwise_count;
    answer->told.error = holds_all ? 0 : ERROR_CONFLICT;
    model->revision += holds_all && call->writes;
    for (size_t i = 0; i < count; i++) {
        do_op(model, &ops[i], answer);
    }
}

static void answer_lease(struct etcd_model *model, struct call *call)
{
    struct lease *lease = find_lease(model, call->lease);
    if (call->kind == GRANT) {
        model->leases =
            memory_grow(model->leases, model->lease_count, &model->lease_capacity, sizeof *model->leases);
        lease = &model->leases[model->lease_count++];
        *lease = (struct lease){.id = ++model->lease_ids,
                                .ttl_s = call->ttl_s < model->least_ttl_s ? model->least_ttl_s : call->ttl_s};
    }
    if (lease == NULL) {
        call->answer.told.error = ERROR_NOT_FOUND;
        return;
    }
    begin_lease(model, lease, 0);
    call->answer.told.lease = lease->id;
    call->answer.told.ttl_s = lease->ttl_s;
    if (call->kind == REVOKE) {
        etcd_model_end_lease(model, (size_t)(lease - model->leases));
    }
}

void etcd_model_serve(struct etcd_model *model, struct call *call)
{
    call->is_done = true;
    call->answer.arena = arena_new(0);
    call->answer.told.why = "";
    call->answer.told.endpoint = "model";
    if (call->kind == COMPACT && (call->compacts <= model->compacted || call->compacts > model->revision)) {
        call->answer.told.error = ERROR_NOT_FOUND;
    } else if (call->kind == COMPACT) {
        compact(model, call->compacts);
    } else if (call->kind == ASK) {
        answer_ask(model, call);
    } else {
        answer_lease(model, call);
    }
    call->answer.told.revision = model->revision;
    call->answer.told.cluster_id = 1;
    call->answer.told.raft_term = model->term;
    model->requests++;
    call->replies_ms =
        model->now_ms + (int64_t)random_below(&model->random, (uint64_t)call->client->way.delay_ms + 1);
}
