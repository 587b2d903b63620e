/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Requests on their way to the model and back, watches, and time. See etcd_model.h. */
#include "config.h"

#include "etcd_model_inside.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- asking ---- */

static struct etcd_op *copy_ops(struct arena *arena, const struct etcd_op *ops, size_t count)
{
    struct etcd_op *copies = arena_alloc(arena, (count + 1) * sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        copies[i] = ops[i];
        copies[i].key = arena_copy_text(arena, ops[i].key);
        copies[i].value = arena_copy_text(arena, ops[i].value);
        copies[i].after = arena_copy_text(arena, ops[i].after);
    }
    return copies;
}

static struct call *begin(struct etcd *client, enum kind kind, uint32_t deadline_ms, etcd_fn *done,
                          void *context)
{
    struct etcd_model *model = client->model;
    struct etcd_way *way = &client->way;
    struct random *random = &model->random;
    struct call *call = memory_alloc(sizeof *call);
    call->number = ++model->numbers;
    call->client = client;
    call->kind = kind;
    call->arena = arena_new(0);
    call->request.done = done;
    call->request.context = context;
    call->arrives_ms = model->now_ms + (int64_t)random_below(random, (uint64_t)way->delay_ms + 1);
    call->until_ms = model->now_ms + deadline_ms;
    call->is_refused = way->is_refused;
    call->is_lost = random_below(random, 1000) < way->lost;
    call->is_reply_lost = random_below(random, 1000) < way->lost_reply;
    if (random_below(random, 1000) < way->straggles) {
        call->arrives_ms += (int64_t)random_below(random, 6000);
    }
    struct call **last = &model->calls;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = call;
    return call;
}

uint64_t etcd_ask(struct etcd *client, const struct etcd_request *request)
{
    struct call *call = begin(client, ASK, request->deadline_ms, request->done, request->context);
    struct etcd_condition *conditions =
        arena_alloc(call->arena, (request->condition_count + 1) * sizeof *conditions);
    for (size_t i = 0; i < request->condition_count; i++) {
        conditions[i] = request->conditions[i];
        conditions[i].key = arena_copy_text(call->arena, request->conditions[i].key);
        conditions[i].value = arena_copy_text(call->arena, request->conditions[i].value);
    }
    call->request = *request;
    call->request.conditions = conditions;
    call->request.then = copy_ops(call->arena, request->then, request->then_count);
    call->request.otherwise = copy_ops(call->arena, request->otherwise, request->otherwise_count);
    for (size_t i = 0; i < request->then_count; i++) {
        call->writes =
            call->writes || request->then[i].kind == ETCD_PUT || request->then[i].kind == ETCD_DELETE;
    }
    return call->number;
}

uint64_t etcd_grant(struct etcd *client, int64_t ttl_s, uint32_t deadline_ms, etcd_fn *done, void *context)
{
    struct call *call = begin(client, GRANT, deadline_ms, done, context);
    call->ttl_s = ttl_s;
    call->writes = true;
    return call->number;
}

uint64_t etcd_keep(struct etcd *client, int64_t lease, uint32_t deadline_ms, etcd_fn *done, void *context)
{
    struct call *call = begin(client, KEEP, deadline_ms, done, context);
    call->lease = lease;
    return call->number;
}

uint64_t etcd_revoke(struct etcd *client, int64_t lease, uint32_t deadline_ms, etcd_fn *done, void *context)
{
    struct call *call = begin(client, REVOKE, deadline_ms, done, context);
    call->lease = lease;
    return call->number;
}

uint64_t etcd_compact(struct etcd *client, int64_t revision, uint32_t deadline_ms, etcd_fn *done,
                      void *context)
{
    struct call *call = begin(client, COMPACT, deadline_ms, done, context);
    call->compacts = revision;
    return call->number;
}

static void end_watch(struct etcd *client, uint64_t number)
{
    for (struct watch **at = &client->watches; *at != NULL; at = &(*at)->next) {
        if ((*at)->number == number) {
            struct watch *gone = *at;
            *at = gone->next;
            free(gone->prefix);
            free(gone);
            return;
        }
    }
}

void etcd_call_off(struct etcd *client, uint64_t number)
{
    for (struct call *call = client->model->calls; call != NULL; call = call->next) {
        if (call->number == number) {
            call->is_over = true; /* it may come through all the same */
        }
    }
    end_watch(client, number);
}

uint64_t etcd_watch(struct etcd *client, const struct etcd_watch_options *options)
{
    struct watch *watch = memory_alloc(sizeof *watch);
    *watch = (struct watch){.number = ++client->model->numbers,
                            .at = options->from_revision,
                            .prefix = memory_copy_text(options->prefix),
                            .told = *options,
                            .next = client->watches};
    client->watches = watch;
    return watch->number;
}

struct etcd *etcd_model_join(struct etcd_model *model)
{
    struct etcd *client = memory_alloc(sizeof *client);
    client->model = model;
    client->next = model->clients;
    model->clients = client;
    return client;
}

struct etcd_way *etcd_model_way(struct etcd *client)
{
    return &client->way;
}

void etcd_close(struct etcd *client)
{
    struct etcd_model *model = client->model;
    struct etcd **at = &model->clients;
    while (*at != client) {
        at = &(*at)->next;
    }
    *at = client->next;
    while (client->watches != NULL) {
        end_watch(client, client->watches->number);
    }
    for (struct call *call = model->calls; call != NULL; call = call->next) {
        if (call->client == client) {
            call->is_over = true;
            call->client = NULL;
        }
    }
    free(client);
}

/* ---- time ---- */

static void tell(struct call *call, const struct etcd_answer *answer)
{
    call->is_over = true;
    call->request.done(call->request.context, answer);
}

static void run_call(struct etcd_model *model, struct call *call)
{
    const struct etcd_way *way = call->client == NULL ? NULL : &call->client->way;
    bool is_cut = way != NULL && (way->is_cut || way->is_refused);
    if (!call->is_done && !call->is_lost && !call->is_refused && !is_cut &&
        model->now_ms >= call->arrives_ms) {
        if (call->client == NULL) {
            struct etcd nobody = {.model = model};
            call->client = &nobody;
            etcd_model_serve(model, call);
            call->client = NULL;
        } else {
            etcd_model_serve(model, call);
        }
    }
    if (call->is_over) {
        return;
    }
    if (call->is_refused) {
        tell(call, &(struct etcd_answer){.error = -ECONNREFUSED, .why = "refused", .endpoint = ""});
    } else if (call->is_done && !call->is_reply_lost && !is_cut && model->now_ms >= call->replies_ms) {
        tell(call, &call->answer.told);
    } else if (model->now_ms >= call->until_ms) {
        tell(call,
             &(struct etcd_answer){
                 .error = -ETIMEDOUT, .may_have_effect = call->writes, .why = "no answer", .endpoint = ""});
    }
}

static bool is_gone(const struct call *call)
{
    return call->is_over && (call->is_done || call->is_lost || call->is_refused);
}

static void run_calls(struct etcd_model *model)
{
    uint64_t last = model->numbers;
    for (uint64_t number = 0; number <= last;) {
        struct call *next = NULL;
        for (struct call *call = model->calls; call != NULL; call = call->next) {
            if (call->number > number && call->number <= last &&
                (next == NULL || call->number < next->number)) {
                next = call;
            }
        }
        if (next == NULL) {
            break;
        }
        number = next->number;
        run_call(model, next);
    }
    for (struct call **at = &model->calls; *at != NULL;) {
        struct call *call = *at;
        if (is_gone(call)) {
            *at = call->next;
            etcd_model_free_call(call);
        } else {
            at = &call->next;
        }
    }
}

/* All that there is; the watch may be gone then. */
static void feed(struct etcd_model *model, struct watch *watch)
{
    struct etcd_change *changes = NULL;
    size_t count = 0, capacity = 0;
    int64_t from = watch->at;
    for (size_t i = 0; i < model->history_count; i++) {
        const struct item *item = &model->history[i];
        if (item->mod >= from && etcd_model_begins(item->key, watch->prefix)) {
            changes = memory_grow(changes, count, &capacity, sizeof *changes);
            changes[count++] =
                (struct etcd_change){.is_delete = item->value == NULL,
                                     .kv = {.key = item->key,
                                            .value = item->value == NULL ? "" : item->value,
                                            .key_len = strlen(item->key),
                                            .value_len = item->value == NULL ? 0 : strlen(item->value),
                                            .mod_revision = item->mod,
                                            .create_revision = item->create,
                                            .version = item->version,
                                            .lease = item->lease}};
        }
    }
    watch->at = model->revision + 1;
    if (count > 0) {
        watch->told.changed(watch->told.context, changes, count, model->revision);
    }
    free(changes);
}

static void run_watch(struct etcd_model *model, struct etcd *client, struct watch *watch)
{
    const struct etcd_way *way = &client->way;
    bool is_cut = way->is_cut || way->is_refused;
    struct etcd_watch_options told = watch->told;
    if (is_cut) {
        if (!watch->is_lost && model->now_ms - client->cut_ms >= 3000) {
            watch->is_lost = true;
            watch->has_begun = false;
            told.lost(told.context, "cut");
        }
        return;
    }
    if (watch->at != 0 && watch->at <= model->compacted && !watch->has_begun) {
        end_watch(client, watch->number);
        told.ended(told.context, ERROR_NOT_FOUND, "compacted");
        return;
    }
    if (!watch->has_begun) {
        watch->has_begun = true;
        watch->is_lost = false;
        watch->at = watch->at == 0 ? model->revision + 1 : watch->at;
        told.begun(told.context, model->revision);
        return; /* it may be gone */
    }
    if (watch->at <= model->revision && !way->is_deaf) {
        feed(model, watch);
    }
}

static void run_watches(struct etcd_model *model)
{
    for (struct etcd *client = model->clients; client != NULL; client = client->next) {
        bool is_cut = client->way.is_cut || client->way.is_refused;
        client->cut_ms = is_cut ? client->cut_ms : model->now_ms;
        if (client->watches != NULL && model->now_ms >= client->look_ms) {
            client->look_ms =
                model->now_ms + (int64_t)random_below(&model->random, (uint64_t)client->way.delay_ms + 1);
            run_watch(model, client, client->watches);
        }
    }
}

void etcd_model_run(struct etcd_model *model, int64_t now_ms)
{
    model->now_ms = now_ms;
    for (size_t i = model->lease_count; i > 0; i--) {
        if (now_ms >= model->leases[i - 1].until_ms) {
            etcd_model_end_lease(model, i - 1);
        }
    }
    run_calls(model);
    run_watches(model);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t etcd_model_next(const struct etcd_model *model)
{
    int64_t next = model->now_ms + 1000;
    for (const struct call *call = model->calls; call != NULL; call = call->next) {
        if (!call->is_done && !call->is_lost) {
            next = sooner(next, call->arrives_ms);
        }
        if (!call->is_over) {
            next = sooner(next, call->is_refused ? model->now_ms : call->until_ms);
            next = call->is_done ? sooner(next, call->replies_ms) : next;
        }
    }
    for (const struct etcd *client = model->clients; client != NULL; client = client->next) {
        const struct watch *watch = client->watches;
        if (watch != NULL && (!watch->has_begun || watch->at <= model->revision)) {
            next = sooner(next, client->look_ms);
        }
    }
    return next <= model->now_ms ? model->now_ms + 1 : next;
}
