/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See challenges.h. An order is written first and in force then, so that what was acknowledged is neither
 * lost nor answered by some nodes only. What is over each node of a cluster stops answering by itself; the
 * one that works takes it out of the store, unless somebody has changed something meanwhile: that may be its
 * renewal. */
#include "config.h"

#include "daemon/challenges_inside.h"

#include "daemon/answers.h"
#include "daemon/durable.h"
#include "daemon/metrics_kept.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum { LOOK_MS = 1000, OVER_MAX = 64 };

static int64_t wall_ms(const struct challenges *challenges)
{
    return clock_wall_ms(&challenges->server->clock);
}

/* ---- ends ---- */

static bool is_over(const struct challenge_item *item, int64_t now_ms)
{
    return item->what.expires_ms <= now_ms;
}

/* Another node does that, or nobody can now. */
static bool may_forget(const struct challenges *challenges)
{
    const struct server *server = challenges->server;
    return !server->is_frozen && !(server->is_node && server->works_elsewhere);
}

/* What is over, on its way out of the store. */
struct ending {
    struct store_job job; /* the first, so that one is the other */
    struct challenges *challenges;
    struct arena *texts;
    const struct challenge_item *items; /* copies */
    struct durable_sender sender;
};

/* What could not be written is tried with the next look. */
static void on_forgotten(struct store_job *job)
{
    struct ending *ending = (struct ending *)job;
    for (size_t i = 0; i < job->op_count; i++) {
        const struct challenge_item *was = &ending->items[i];
        struct challenge_item *item = challenges_find(ending->challenges, was->name, was->what.value);
        if (item != NULL && item->begun != 0) {
            item->begun--;
        }
        if (item != NULL && item->has_ended && job->error == 0) {
            challenges_take_out(ending->challenges, was->name, was->what.value);
        }
    }
    arena_free(ending->texts);
    free(ending);
}

static bool is_due(const struct challenge_item *item)
{
    return item->has_ended && item->begun == 0;
}

static void fill_ending(struct ending *ending, struct challenge_item *const *due, size_t count)
{
    struct arena *arena = ending->texts = arena_new(0);
    struct challenge_item *items = arena_alloc(arena, count * sizeof *items);
    struct store_op *ops = arena_alloc(arena, count * sizeof *ops);
    for (size_t i = 0; i < count; i++) {
        due[i]->begun++;
        items[i] = *due[i];
        items[i].name = arena_copy_text(arena, due[i]->name);
        char *key = challenge_write_key(due[i]->name, due[i]->what.value);
        ops[i] = (struct store_op){
            .kind = CHALLENGE_KIND, .key = arena_copy_text(arena, key), .if_revision = STORE_ANY};
        free(key);
    }
    ending->items = items;
    ending->job = (struct store_job){.cause = {.actor = "steerd", .reason = "its time is over"},
                                     .ops = ops,
                                     .op_count = count,
                                     .done = on_forgotten};
}

/* Some of what is over goes, if nobody has renewed it by then. */
static void forget(struct challenges *challenges)
{
    struct durable *durable = challenges->server->durable;
    struct challenge_item *due[OVER_MAX];
    size_t count = 0;
    for (size_t at = 0; at < challenges->count && count < OVER_MAX; at++) {
        if (is_due(challenges->items[at])) {
            due[count++] = challenges->items[at];
        }
    }
    if (count == 0) {
        return;
    }
    struct ending *ending = memory_alloc(sizeof *ending);
    fill_ending(ending, due, count);
    ending->challenges = challenges;
    ending->sender = (struct durable_sender){.needs_sight = true, .sight = durable_see(durable)};
    if (durable_has_store(durable)) {
        durable_send(durable, &ending->job, &ending->sender);
    } else {
        on_forgotten(&ending->job);
    }
}

static void end_some(struct challenges *challenges, int64_t now_ms)
{
    for (size_t i = 0; i < challenges->count; i++) {
        struct challenge_item *item = challenges->items[i];
        if (!item->has_ended && is_over(item, now_ms)) {
            item->has_ended = true;
            challenges->is_stale = true;
            log_info("challenge ended name=%s challenge=%s", item->name, item->what.value);
        }
    }
}

/* Wall time may be set: never sleep for long on it. */
static void arm(struct challenges *challenges, int64_t now_ms)
{
    int64_t left_ms = LOOK_MS;
    for (size_t i = 0; i < challenges->count; i++) {
        const struct challenge_item *item = challenges->items[i];
        int64_t item_ms = item->has_ended ? LOOK_MS : item->what.expires_ms - now_ms;
        left_ms = item_ms < left_ms ? item_ms : left_ms;
    }
    left_ms = left_ms < 1 ? 1 : left_ms;
    if (challenges->count != 0) {
        event_add(challenges->timer,
                  &(struct timeval){.tv_usec = left_ms % 1000 * 1000, .tv_sec = left_ms / 1000});
    }
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct challenges *challenges = argument;
    int64_t now_ms = wall_ms(challenges);
    (void)fd, (void)what;
    end_some(challenges, now_ms);
    if (may_forget(challenges)) {
        forget(challenges);
    }
    challenges_publish(challenges);
    arm(challenges, now_ms);
}

/* ---- orders ---- */

/* One that is on its way to the store. */
struct change {
    struct store_job job; /* the first, so that one is the other */
    struct challenges *challenges;
    struct arena *texts;
    bool clears, is_new, is_marked;
    const char *name;
    const char **cleared; /* values */
    size_t cleared_count;
    struct challenge_value what; /* to be set */
    struct durable_sender sender;
    struct store_op *ops;
    admin_challenge_done *done;
    void *argument;
};

static void put_in_force(struct change *change)
{
    struct challenges *challenges = change->challenges;
    const struct store_cause *cause = &change->job.cause;
    if (!change->clears) {
        challenges_put(challenges, change->name, &change->what);
    }
    for (size_t i = 0; i < change->cleared_count; i++) {
        challenges_take_out(challenges, change->name, change->cleared[i]);
    }
    challenges_publish(challenges);
    log_info("challenge %s name=%s challenge=%s actor=\"%s\" peer=\"%s\"", change->clears ? "cleared" : "set",
             change->name,
             change->cleared_count > 1 ? "*"
             : change->clears          ? change->cleared[0]
                                       : change->what.value,
             cause->actor, cause->peer);
}

static void finish(struct change *change, bool is_durable)
{
    struct durable_status status;
    int error = change->job.error;
    struct challenge_item *item =
        change->is_marked ? challenges_find(change->challenges, change->name, change->what.value) : NULL;
    if (item != NULL && item->begun != 0) {
        item->begun--;
    }
    if (error == 0) {
        put_in_force(change);
    }
    durable_get_status(change->challenges->server->durable, &status);
    change->done(change->argument, &(struct admin_challenge_result){.error = error,
                                                                    .why = status.stats.reason,
                                                                    .is_new = change->is_new,
                                                                    .is_durable = is_durable});
    arena_free(change->texts);
    free(change);
}

static void on_written(struct store_job *job)
{
    finish((struct change *)job, true);
}

static void fill_cause(struct change *change, const struct admin_challenge_order *order)
{
    change->job.cause = (struct store_cause){.actor = arena_copy_text(change->texts, order->actor),
                                             .peer = arena_copy_text(change->texts, order->peer),
                                             .reason = arena_copy_text(change->texts, order->reason),
                                             .request = arena_copy_text(change->texts, order->request)};
}

static void add_op(struct change *change, const char *value, const char *text)
{
    char *key = challenge_write_key(change->name, value);
    change->ops[change->job.op_count++] = (struct store_op){.kind = CHALLENGE_KIND,
                                                            .key = arena_copy_text(change->texts, key),
                                                            .value = arena_copy_text(change->texts, text),
                                                            .if_revision = STORE_ANY};
    free(key);
}

static void fill_set(struct change *change, const struct admin_challenge_order *order)
{
    struct challenge_value *what = &change->what;
    what->set_ms = wall_ms(change->challenges);
    what->expires_ms = what->set_ms + order->lasts_ms;
    assert(challenge_is_value(order->value)); /* answers copy as many octets */
    (void)snprintf(what->value, sizeof what->value, "%s", order->value);
    (void)snprintf(what->actor, sizeof what->actor, "%s", order->actor);
    (void)snprintf(what->peer, sizeof what->peer, "%s", order->peer);
    (void)snprintf(what->reason, sizeof what->reason, "%s", order->reason);
    struct challenge_item *item = challenges_find(change->challenges, change->name, what->value);
    change->is_marked = item != NULL;
    if (item != NULL) { /* it may be over by now */
        item->begun++;
    }
    char *text = challenge_write(what);
    add_op(change, what->value, text);
    free(text);
}

static void fill_clear(struct change *change, const struct admin_challenge_order *order)
{
    const struct challenges *challenges = change->challenges;
    change->cleared = arena_alloc(change->texts, (challenges->count + 1) * sizeof *change->cleared);
    for (size_t at = challenges_seek(challenges, order->name, NULL);
         at < challenges->count && strcmp(challenges->items[at]->name, order->name) == 0; at++) {
        const struct challenge_item *item = challenges->items[at];
        if (!item->has_ended && (order->value == NULL || strcmp(order->value, item->what.value) == 0)) {
            change->cleared[change->cleared_count++] = arena_copy_text(change->texts, item->what.value);
        }
    }
    for (size_t i = 0; i < change->cleared_count; i++) {
        add_op(change, change->cleared[i], NULL);
    }
}

static size_t count_values(const struct challenges *challenges, const char *name)
{
    size_t count = 0;
    for (size_t at = challenges_seek(challenges, name, NULL);
         at < challenges->count && strcmp(challenges->items[at]->name, name) == 0; at++) {
        count += !challenges->items[at]->has_ended;
    }
    return count;
}

static bool holds(const struct challenges *challenges, const char *name, const char *value)
{
    const struct challenge_item *item = value == NULL ? NULL : challenges_find(challenges, name, value);
    return item != NULL && !item->has_ended;
}

static int judge(const struct challenges *challenges, const struct admin_challenge_order *order)
{
    size_t count = count_values(challenges, order->name);
    if (challenges->server->is_frozen) {
        return ERROR_BUSY;
    }
    if (order->clears) {
        bool is_there = order->value == NULL ? count != 0 : holds(challenges, order->name, order->value);
        return is_there ? 0 : ERROR_NOT_FOUND;
    }
    if (holds(challenges, order->name, order->value)) {
        return 0;
    }
    return count >= ADMIN_CHALLENGE_VALUES_MAX                                          ? ERROR_TOO_LARGE
           : count == 0 && atomic_load(&challenges->names) >= ADMIN_CHALLENGE_NAMES_MAX ? ERROR_CONFLICT
                                                                                        : 0;
}

static int change_challenge(void *context, const struct admin_challenge_order *order,
                            admin_challenge_done *done, void *argument)
{
    const struct server *server = context;
    struct challenges *challenges = server->challenges;
    int error = judge(challenges, order);
    if (error != 0) {
        return error;
    }
    struct change *change = memory_alloc(sizeof *change);
    *change = (struct change){.job = {.done = on_written},
                              .challenges = challenges,
                              .texts = arena_new(0),
                              .clears = order->clears,
                              .is_new = !order->clears && !holds(challenges, order->name, order->value),
                              .sender = {.change = order->change},
                              .done = done,
                              .argument = argument};
    change->name = arena_copy_text(change->texts, order->name);
    change->ops = arena_alloc(change->texts, (challenges->count + 2) * sizeof *change->ops);
    fill_cause(change, order);
    if (order->clears) {
        fill_clear(change, order);
    } else {
        fill_set(change, order);
    }
    if (!durable_has_store(server->durable)) {
        finish(change, false);
        return 0;
    }
    size_t count = change->job.op_count;
    change->job.ops = change->ops;
    change->job.op_count += answers_add_op(order->receipt, change->texts, &change->ops[count]);
    durable_send(server->durable, &change->job, &change->sender);
    return 0;
}

/* ---- looking ---- */

static void show(const struct challenge_value *from, struct arena *arena, struct admin_challenge_value *to)
{
    *to = (struct admin_challenge_value){.value = arena_copy_text(arena, from->value),
                                         .set_ms = from->set_ms,
                                         .expires_ms = from->expires_ms,
                                         .actor = arena_copy_text(arena, from->actor),
                                         .peer = arena_copy_text(arena, from->peer),
                                         .reason = arena_copy_text(arena, from->reason)};
}

/* All of the name of number `at` that is in force. Returns the number of the first one behind them. */
static size_t show_name(const struct challenges *challenges, size_t at, struct arena *arena,
                        struct admin_challenge *to)
{
    const char *name = challenges->items[at]->name;
    struct admin_challenge_place place;
    challenges_find_place(challenges->server->view, name, arena, &place);
    *to =
        (struct admin_challenge){.name = arena_copy_text(arena, name), .zone = place.zone, .why = place.why};
    to->values = arena_alloc(arena, count_values(challenges, name) * sizeof *to->values);
    for (; at < challenges->count && strcmp(challenges->items[at]->name, name) == 0; at++) {
        if (!challenges->items[at]->has_ended) {
            show(&challenges->items[at]->what, arena, &to->values[to->value_count++]);
        }
    }
    return at;
}

static size_t list(void *context, const char *name, struct arena *arena, struct admin_challenge **items)
{
    const struct challenges *challenges = ((const struct server *)context)->challenges;
    size_t count = 0, at = name == NULL ? 0 : challenges_seek(challenges, name, NULL);
    *items = arena_alloc(arena, (challenges->count + 1) * sizeof **items);
    while (at < challenges->count && (name == NULL || strcmp(challenges->items[at]->name, name) == 0)) {
        at = show_name(challenges, at, arena, &(*items)[count]);
        count += (*items)[count].value_count != 0;
    }
    return count;
}

static void find_place(void *context, const char *text, struct arena *arena,
                       struct admin_challenge_place *place)
{
    challenges_find_place(((const struct server *)context)->view, text, arena, place);
}

void challenges_fill_verbs(struct admin_challenge_verbs *verbs)
{
    *verbs =
        (struct admin_challenge_verbs){.list = list, .find_place = find_place, .change = change_challenge};
}

void challenges_write_metrics(const struct challenges *challenges, struct buffer *out)
{
    print_head(out, "steerd_challenges", "gauge", "Values of ACME challenges that are set.");
    buffer_print(out, "steerd_challenges %zu\n",
                 atomic_load_explicit(&challenges->values, memory_order_relaxed));
}

/* ---- to the next process ---- */

json_t *challenges_hand(const struct challenges *challenges, size_t at)
{
    if (at >= challenges->count) {
        return NULL;
    }
    const struct challenge_item *from = challenges->items[at];
    char *key = challenge_write_key(from->name, from->what.value), *value = challenge_write(&from->what);
    json_t *item = json_object();
    json_object_set_new(item, "challenge", json_string(key));
    json_object_set_new(item, "value", json_string(value));
    free(key);
    free(value);
    return item;
}

bool challenges_take(struct challenges *challenges, const json_t *item)
{
    const char *key = json_string_value(json_object_get(item, "challenge")),
               *value = json_string_value(json_object_get(item, "value"));
    if (key == NULL) {
        return false;
    }
    if (value != NULL) {
        challenges_regain(challenges, key, value);
    }
    return true;
}

struct challenges *challenges_new(struct server *server)
{
    struct challenges *challenges = memory_alloc(sizeof *challenges);
    challenges->server = server;
    challenges->timer = evtimer_new(server->base, on_timer, challenges);
    if (challenges->timer == NULL) {
        free(challenges);
        return NULL;
    }
    return challenges;
}
