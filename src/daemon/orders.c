/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See orders.h. */
#include "config.h"

#include "daemon/orders.h"

#include "daemon/answers.h"
#include "daemon/changes.h"
#include "daemon/durable.h"
#include "daemon/expiry.h"
#include "daemon/override_json.h"
#include "daemon/revisions.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"
#include "store/kinds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum stage {
    WAITS,    /* for something else about its target */
    IN_FORCE, /* and with the store */
    LATE,     /* and acknowledged; the store is not done with it */
};

struct order {
    struct store_job job; /* the first, so that one is the other */
    struct orders *orders;
    struct order *next; /* in the order in which they came */
    enum stage stage;
    int64_t since_us; /* monotonic: when it was in force */
    int64_t until_us; /* then it is acknowledged, store or not */
    enum health_kind kind;
    const char *name; /* in texts */
    bool is_emergency;
    struct health_override what;
    const char *overrides_rules;       /* in texts; NULL: none */
    const struct condition *condition; /* likewise */
    const char *mark;                  /* likewise: of whose override it is about */
    bool fails_back;                   /* it lets its target come back; of `what` it has who and why */
    const char *releases;              /* likewise: a rule lets it go; in texts; NULL: it does not */
    int64_t clock_offset_ms;           /* between the clocks, when it came */
    struct arena *texts;
    const struct admin_receipt *receipt; /* in texts; NULL: none */
    struct durable_sender sender;
    struct store_op ops[2]; /* its own, and that of the receipt */
    uint64_t seqs[2];
    void (*in_force)(void *argument); /* NULL: nobody has to know */
    admin_ordered_fn *done;
    void *argument;
};

struct orders {
    struct server *server;
    struct order *first, **last;
    struct event *patience;
};

/* ---- judging and carrying out ---- */

/* [lock] */
static int judge_failback(const struct health *health, const struct order *order)
{
    ptrdiff_t index = health_find(health, order->kind, order->name);
    return index < 0 ? ERROR_NOT_FOUND : health_judge_failback(health, order->kind, (uint32_t)index);
}

/* [lock] */
static int put_release(struct health *health, const struct order *order, int64_t wall_ms)
{
    ptrdiff_t index = health_find(health, HEALTH_REGION, order->name),
              rule = health_find_guard(health, order->releases);
    return index < 0 || rule < 0 ? ERROR_NOT_FOUND
                                 : health_release_hold(health, (uint32_t)index, (size_t)rule, wall_ms);
}

/* [lock] */
static int judge_release(const struct health *health, const struct order *order)
{
    ptrdiff_t index = health_find(health, HEALTH_REGION, order->name),
              rule = health_find_guard(health, order->releases);
    return index < 0 || rule < 0 ? ERROR_NOT_FOUND
                                 : health_judge_release(health, (uint32_t)index, (size_t)rule);
}

/* [lock] */
static int judge(const struct server *server, const struct order *order)
{
    if (order->releases != NULL) {
        return judge_release(server->view->health, order);
    }
    if (order->fails_back) {
        return judge_failback(server->view->health, order);
    }
    return operate_judge_override(server->view, order->kind, order->name, &order->what,
                                  clock_wall_ms(&server->clock));
}

/* "region:us-east", "region:us-east rule:slowly" */
static const char *write_key(const struct order *order)
{
    const char *target = arena_print(order->texts, "%s:%s", health_kind_text(order->kind), order->name);
    return order->releases == NULL ? target
                                   : arena_print(order->texts, "%s rule:%s", target, order->releases);
}

/* [lock] The one that is there, dormant or not; NULL: none is. */
static const struct health_override *find_override(const struct health *health, const struct order *order)
{
    ptrdiff_t index = health_find(health, order->kind, order->name);
    const struct health_dormant *dormant =
        index >= 0 ? NULL : health_find_dormant(health, order->kind, order->name);
    return index >= 0        ? health_get_override(health, order->kind, (uint32_t)index)
           : dormant != NULL ? &dormant->what
                             : NULL;
}

/* [lock] Nothing else is on its way for this target, so what is found here is what is changed. */
static int judge_condition(const struct server *server, const struct order *order)
{
    const struct health_override *there = find_override(server->view->health, order);
    if (order->mark != NULL &&
        (there == NULL || strncmp(there->reason, order->mark, strlen(order->mark)) != 0)) {
        return ERROR_PRECONDITION;
    }
    if (order->condition == NULL) {
        return 0;
    }
    return revisions_judge(server->revisions, OVERRIDE_KIND, write_key(order), there != NULL,
                           order->condition);
}

/* [lock] */
static int put_failback(struct health *health, const struct order *order, int64_t wall_ms)
{
    ptrdiff_t index = health_find(health, order->kind, order->name);
    return index < 0 ? ERROR_NOT_FOUND : health_fail_back(health, order->kind, (uint32_t)index, wall_ms);
}

/* [lock] It was judged under the same lock. */
static int put(const struct server *server, const struct order *order)
{
    int64_t wall_ms = clock_wall_ms(&server->clock);
    return order->fails_back ? put_failback(server->view->health, order, wall_ms)
           : order->releases != NULL
               ? put_release(server->view->health, order, wall_ms)
               : operate_put_override(server->view, order->kind, order->name, &order->what, wall_ms);
}

static void reply(struct order *order, int error, bool durable, const char *why)
{
    assert(order->done != NULL); /* each is answered once */
    order->done(order->argument, &(struct admin_ordered){.error = error, .durable = durable, .why = why});
    order->done = NULL;
}

static void forget(struct order *order)
{
    arena_free(order->texts);
    free(order);
}

/* If the clock was set since it came, durations go along. */
static void follow_clock(struct order *order)
{
    struct server *server = order->orders->server;
    server_follow_clock_step(server); /* it knows the time as it is now */
    int64_t by_ms = server->clock_offset_ms - order->clock_offset_ms;
    bool planned = order->what.starts_ms > clock_wall_ms(&server->clock) - by_ms;
    if (by_ms != 0) {
        (void)health_override_shift(&order->what, planned, by_ms);
    }
    order->clock_offset_ms = server->clock_offset_ms;
}

static void tell(const struct order *order)
{
    struct changes *changes = order->orders->server->changes;
    if (order->releases != NULL) {
        changes_tell_released(changes, order->releases, order->name, &order->what);
    } else if (order->fails_back) {
        changes_tell_failback(changes, order->kind, order->name, &order->what);
    } else {
        changes_tell_override(changes, order->kind, order->name, &order->what);
    }
    if (order->overrides_rules != NULL) {
        const struct changes_overriding overriding = {
            .target = arena_print(order->texts, "%s:%s", health_kind_text(order->kind), order->name),
            .by = health_desired_text(order->what.desired),
            .actor = order->what.actor,
            .peer = order->what.peer,
            .reason = order->what.reason};
        changes_tell_overridden(changes, order->overrides_rules, &overriding);
    }
}

/* Judged and in force, in one turn at the lock: answers change here. Or it is refused. */
static int put_in_force(struct order *order)
{
    struct server *server = order->orders->server;
    follow_clock(order);
    lock_take(&server->lock);
    int error = judge(server, order);
    error = error != 0 ? error : judge_condition(server, order);
    error = error != 0 ? error : put(server, order);
    lock_leave(&server->lock);
    if (error != 0) {
        return error;
    }
    order->since_us = clock_now_us(&server->clock);
    durable_note_order(server->durable, order->kind, order->name);
    server_forget_snapshot(server);
    tell(order);
    server_schedule_expiry(server);
    if (order->in_force != NULL) {
        order->in_force(order->argument);
    }
    return 0;
}

/* ---- the store's part ---- */

static void unlink_order(struct orders *orders, struct order *order)
{
    struct order **at = &orders->first;
    while (*at != order) {
        at = &(*at)->next;
    }
    *at = order->next;
    if (*at == NULL) {
        orders->last = at;
    }
}

static void schedule(struct orders *orders)
{
    int64_t until_us = INT64_MAX;
    for (const struct order *order = orders->first; order != NULL; order = order->next) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed is not in the list any more */
        until_us = order->stage == IN_FORCE && order->until_us < until_us ? order->until_us : until_us;
    }
    if (until_us == INT64_MAX) {
        event_del(orders->patience);
        return;
    }
    int64_t left_us = until_us - clock_now_us(&orders->server->clock);
    left_us = left_us < 1 ? 1 : left_us;
    struct timeval timeout = {.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};
    event_add(orders->patience, &timeout);
}

static int begin(struct order *order);

/* What is put in turns has to be there as a whole before something is put over it. And whoever takes
 * something for granted is told who has changed it, which is known when that is written. */
static bool has_to_wait(const struct order *order)
{
    const struct orders *orders = order->orders;
    if (durable_is_begun(orders->server->durable, order->kind, order->name)) {
        return true;
    }
    const struct order *other = order->condition == NULL ? order : orders->first;
    while (other != order && (other->stage != IN_FORCE || other->kind != order->kind ||
                              strcmp(other->name, order->name) != 0)) {
        other = other->next;
    }
    return other != order;
}

static void begin_next(struct orders *orders)
{
    for (struct order *order = orders->first, *next; order != NULL; order = next) {
        next = order->next;
        if (order->stage == WAITS && !has_to_wait(order)) {
            int error = begin(order);
            if (error != 0) {
                reply(order, error, false, NULL);
                unlink_order(orders, order);
                forget(order);
            }
        }
    }
    schedule(orders);
}

static void on_written(struct store_job *job)
{
    struct order *order = (struct order *)job;
    struct orders *orders = order->orders;
    struct server *server = orders->server;
    bool was_awaited = order->stage == IN_FORCE;
    revisions_end(server->revisions, job);
    if (!was_awaited) {
        durable_note_late(server->durable, -1);
        durable_tell_late(server->durable, job, order->since_us);
    } else if (job->error == 0) {
        reply(order, 0, true, NULL);
    } else {
        struct durable_status status;
        durable_get_status(server->durable, &status); /* it may be well again */
        const char *reason = status.stats.reason;
        reply(order, 0, false, reason[0] == '\0' ? error_text(job->error) : reason);
    }
    unlink_order(orders, order);
    forget(order);
    if (was_awaited) {
        begin_next(orders);
    }
}

static void on_patience(evutil_socket_t fd, short what, void *argument)
{
    struct orders *orders = argument;
    int64_t now_us = clock_now_us(&orders->server->clock);
    (void)fd, (void)what;
    for (struct order *order = orders->first; order != NULL; order = order->next) {
        if (order->stage == IN_FORCE && order->until_us <= now_us) {
            durable_note_late(orders->server->durable, 1);
            order->stage = LATE;
            reply(order, 0, false, durable_slow_text(order->is_emergency));
        }
    }
    begin_next(orders);
}

/* ---- an order's way ---- */

/* NULL: there is nothing of it any more. Owned. A failback tells that what went down before may come back: so
 * a restart knows, whatever it finds of the target's health. */
static char *write_value(const struct order *order)
{
    struct server *server = order->orders->server;
    const struct override_clock clock = {server->boot, order->clock_offset_ms};
    bool planned = order->what.starts_ms > clock_wall_ms(&server->clock);
    if (order->fails_back || order->releases != NULL) {
        return failback_write_json(&order->what, &clock);
    }
    return order->what.desired == HEALTH_DESIRED_AUTO ? NULL
                                                      : override_write_json(&order->what, planned, &clock);
}

static void write_op(struct order *order)
{
    char *json = write_value(order);
    order->ops[0] = (struct store_op){.kind = order->fails_back         ? FAILBACK_KIND
                                              : order->releases != NULL ? RELEASE_KIND
                                                                        : OVERRIDE_KIND,
                                      .key = write_key(order),
                                      .value = arena_copy_text(order->texts, json),
                                      .if_revision = STORE_ANY};
    free(json);
    order->job.ops = order->ops;
    order->job.seqs = order->seqs;
    order->job.op_count = 1 + answers_add_op(order->receipt, order->texts, &order->ops[1]);
}

/* Or it is refused, and the caller's. */
static int begin(struct order *order)
{
    struct orders *orders = order->orders;
    struct server *server = orders->server;
    int error = put_in_force(order);
    if (error != 0) {
        return error;
    }
    if (!durable_has_store(server->durable)) {
        reply(order, 0, false, NULL);
        unlink_order(orders, order);
        forget(order);
        return 0;
    }
    order->stage = IN_FORCE;
    order->until_us = order->since_us + durable_patience_us(server->durable, order->is_emergency);
    write_op(order);
    revisions_begin(server->revisions, &order->job);
    durable_send(server->durable, &order->job, &order->sender);
    return 0;
}

int orders_put(struct orders *orders, const struct admin_order *asked, admin_ordered_fn *done, void *argument)
{
    struct server *server = orders->server;
    struct order *order = memory_alloc(sizeof *order);
    struct arena *texts = arena_new(0);
    server_follow_clock_step(server); /* it knows the time as it is now */
    *order = (struct order){
        .orders = orders,
        .kind = asked->kind,
        .name = arena_copy_text(texts, asked->name),
        .is_emergency = asked->is_emergency,
        .what = *asked->override,
        .overrides_rules = arena_copy_text(texts, asked->overrides_rules),
        .condition = condition_copy(asked->condition, texts),
        .mark = arena_copy_text(texts, asked->mark),
        .receipt = answers_copy(asked->receipt, texts),
        .sender = {.change = asked->change},
        .fails_back = asked->fails_back,
        .releases = arena_copy_text(texts, asked->releases),
        .clock_offset_ms = server->clock_offset_ms,
        .texts = texts,
        .in_force = asked->in_force,
        .done = done,
        .argument = argument,
        .job = {.insists = true, .done = on_written},
    };
    order->job.cause = (struct store_cause){.actor = order->what.actor,
                                            .peer = order->what.peer,
                                            .reason = order->what.reason,
                                            .request = arena_copy_text(texts, asked->request)};
    *orders->last = order;
    orders->last = &order->next;
    if (has_to_wait(order)) {
        return 0; /* judged when it is its turn */
    }
    int error = begin(order);
    if (error != 0) {
        unlink_order(orders, order);
        forget(order);
    }
    schedule(orders);
    return error;
}

void orders_go_on(struct orders *orders)
{
    begin_next(orders);
}

size_t orders_list(const struct orders *orders, struct health_spell *spells, size_t count)
{
    size_t used = 0;
    for (const struct order *order = orders->first; order != NULL; order = order->next) {
        ptrdiff_t index = order->stage != WAITS || order->fails_back || order->releases != NULL
                              ? -1
                              : health_find(orders->server->view->health, order->kind, order->name);
        if (index >= 0 && used < count) {
            spells[used] =
                health_find_spell(orders->server->view->health, order->kind, (uint32_t)index, &order->what);
        }
        used += index >= 0;
    }
    return used;
}

static bool has_stage(const struct orders *orders, enum stage stage)
{
    const struct order *order = orders->first;
    while (order != NULL && order->stage != stage) {
        order = order->next;
    }
    return order != NULL;
}

bool orders_wait(const struct orders *orders)
{
    return has_stage(orders, WAITS);
}

bool orders_any(const struct orders *orders)
{
    return orders_wait(orders) || has_stage(orders, IN_FORCE);
}

/* ---- life ---- */

struct orders *orders_open(struct server *server)
{
    struct orders *orders = memory_alloc(sizeof *orders);
    orders->server = server;
    orders->last = &orders->first;
    orders->patience = evtimer_new(server->base, on_patience, orders);
    if (orders->patience == NULL) {
        free(orders);
        return NULL;
    }
    return orders;
}

void orders_close(struct orders *orders)
{
    if (orders == NULL) {
        return;
    }
    while (orders->first != NULL) {
        struct order *order = orders->first;
        orders->first = order->next;
        if (order->done != NULL) {
            reply(order, ERROR_CANCELLED, false, NULL);
        }
        forget(order);
    }
    event_free(orders->patience);
    free(orders);
}
