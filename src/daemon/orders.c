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

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum { PATIENCE_MS = 500 };

enum stage {
    WAITS,     /* for another one of its target */
    SUBMITTED, /* to the store */
    IN_FORCE,  /* and acknowledged; the store is not done with it */
};

struct order {
    struct store_job job; /* the first, so that one is the other */
    struct orders *orders;
    struct order *next; /* in the order in which they came */
    enum stage stage;
    int64_t until_ms; /* monotonic: then it is in force, store or not */
    struct durable_order mark;
    struct health_override what;
    const char *overrides_rules;       /* in texts; NULL: none */
    const struct condition *condition; /* likewise */
    bool fails_back;                   /* it lets its target come back; of `what` it has who and why */
    const char *releases;              /* likewise: a rule lets it go; in texts; NULL: it does not */
    int64_t clock_offset_ms;           /* between the clocks, when it came */
    struct arena *texts;
    const struct admin_receipt *receipt; /* in texts; NULL: none */
    struct store_op ops[2];              /* its own, and that of the receipt */
    uint64_t seqs[2];
    admin_ordered_fn *done;
    void *argument;
};

struct orders {
    struct server *server;
    struct order *first, **last;
    struct event *patience;
};

static const char slow[] = "the disk has not answered for half a second; it is written as soon as it does";

/* ---- judging and carrying out ---- */

/* [lock] */
static int judge_failback(const struct health *health, const struct order *order)
{
    ptrdiff_t index = health_find(health, order->mark.kind, order->mark.name);
    return index < 0 ? ERROR_NOT_FOUND : health_judge_failback(health, order->mark.kind, (uint32_t)index);
}

/* [lock] */
static int put_release(struct health *health, const struct order *order, int64_t wall_ms)
{
    ptrdiff_t index = health_find(health, HEALTH_REGION, order->mark.name),
              rule = health_find_guard(health, order->releases);
    return index < 0 || rule < 0 ? ERROR_NOT_FOUND
                                 : health_release_hold(health, (uint32_t)index, (size_t)rule, wall_ms);
}

/* [lock] */
static int judge_release(const struct health *health, const struct order *order)
{
    ptrdiff_t index = health_find(health, HEALTH_REGION, order->mark.name),
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
    return operate_judge_override(server->view, order->mark.kind, order->mark.name, &order->what,
                                  clock_wall_ms(&server->clock));
}

/* "region:us-east", "region:us-east rule:slowly" */
static const char *write_key(const struct order *order)
{
    const char *target =
        arena_print(order->texts, "%s:%s", health_kind_text(order->mark.kind), order->mark.name);
    return order->releases == NULL ? target
                                   : arena_print(order->texts, "%s rule:%s", target, order->releases);
}

/* [lock] Nothing else is on its way for this target, so what is found here is what is changed. */
static int judge_condition(const struct server *server, const struct order *order)
{
    const struct health *health = server->view->health;
    ptrdiff_t index = health_find(health, order->mark.kind, order->mark.name);
    bool is_there = index >= 0 ? health_get_override(health, order->mark.kind, (uint32_t)index) != NULL
                               : health_find_dormant(health, order->mark.kind, order->mark.name) != NULL;
    return revisions_judge(server->revisions, "override", write_key(order), is_there, order->condition);
}

static bool is_over(const struct order *order, int64_t wall_ms)
{
    return order->what.expires_ms != 0 && order->what.expires_ms <= wall_ms;
}

/* [lock] */
static int put_failback(struct health *health, const struct order *order, int64_t wall_ms)
{
    ptrdiff_t index = health_find(health, order->mark.kind, order->mark.name);
    return index < 0 ? ERROR_NOT_FOUND : health_fail_back(health, order->mark.kind, (uint32_t)index, wall_ms);
}

/* [lock] It was judged before it was written, but its target may have gone with a reload since. One that has
 * ended on its way was good when it came, and the store has it in the place of what was before: so that is
 * over, too, as it would be after a crash now. */
static int put(const struct server *server, const struct order *order)
{
    int64_t wall_ms = clock_wall_ms(&server->clock);
    struct health_override what = order->what;
    if (order->fails_back) {
        return put_failback(server->view->health, order, wall_ms);
    }
    if (order->releases != NULL) {
        return put_release(server->view->health, order, wall_ms);
    }
    what.desired = is_over(order, wall_ms) ? HEALTH_DESIRED_AUTO : what.desired;
    int error = operate_put_override(server->view, order->mark.kind, order->mark.name, &what, wall_ms);
    if (error == ERROR_NOT_FOUND && order->what.desired != HEALTH_DESIRED_AUTO) {
        (void)health_restore_override(server->view->health, order->mark.kind, order->mark.name, &order->what,
                                      order->what.starts_ms > wall_ms, wall_ms);
        return 0;
    }
    return error == ERROR_NOT_FOUND ? 0 : error;
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

/* Was the clock set since it came? Durations go along. Returns whether it is another one now. */
static bool follow_clock(struct order *order)
{
    struct server *server = order->orders->server;
    server_follow_clock_step(server); /* it knows the time as it is now */
    int64_t by_ms = server->clock_offset_ms - order->clock_offset_ms;
    bool planned = order->what.starts_ms > clock_wall_ms(&server->clock) - by_ms;
    return by_ms != 0 && health_override_shift(&order->what, planned, by_ms);
}

static void tell_overridden(const struct order *order)
{
    if (order->overrides_rules != NULL) {
        const struct durable_order *mark = &order->mark;
        changes_tell_overridden(order->orders->server->changes, order->overrides_rules,
                                arena_print(order->texts, "%s:%s", health_kind_text(mark->kind), mark->name),
                                &order->what);
    }
}

/* It holds, or could not be put. */
static void tell(struct order *order, int error, bool is_shifted)
{
    struct server *server = order->orders->server;
    const struct durable_order *mark = &order->mark;
    if (order->releases != NULL) {
        if (error == 0) {
            changes_tell_released(server->changes, order->releases, mark->name, &order->what);
        }
        return;
    }
    if (order->fails_back) {
        if (error == 0) {
            changes_tell_failback(server->changes, mark->kind, mark->name, &order->what);
        }
        return;
    }
    if (error == 0) {
        changes_tell_override(server->changes, mark->kind, mark->name, &order->what);
        tell_overridden(order);
    }
    if (error != 0 || is_shifted ||
        is_over(order, clock_wall_ms(&server->clock))) { /* what was written is not what is */
        durable_keep(server->durable, mark->kind, mark->name, "as it came to be");
    }
}

static void carry_out(struct order *order, bool durable, const char *why)
{
    struct server *server = order->orders->server;
    bool is_shifted = follow_clock(order);
    lock_take(&server->lock);
    int error = put(server, order);
    lock_leave(&server->lock);
    server_forget_snapshot(server);
    durable_end(server->durable, &order->mark);
    order->stage = IN_FORCE;
    tell(order, error, is_shifted);
    server_schedule_expiry(server);
    reply(order, error, durable, why);
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
    const struct order *order = orders->first;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed is not in the list any more */
    while (order != NULL && order->stage != SUBMITTED) {
        order = order->next;
    }
    if (order == NULL) {
        event_del(orders->patience);
        return;
    }
    int64_t left = order->until_ms - clock_now_ms(&orders->server->clock);
    left = left < 1 ? 1 : left;
    struct timeval timeout = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    event_add(orders->patience, &timeout);
}

static int begin(struct order *order);

/* Orders of this target that have waited for the one before. */
static void begin_next(struct orders *orders)
{
    for (struct order *order = orders->first, *next; order != NULL; order = next) {
        next = order->next;
        if (order->stage == WAITS &&
            !durable_is_begun(orders->server->durable, order->mark.kind, order->mark.name)) {
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
    bool was_submitted = order->stage == SUBMITTED;
    revisions_note(orders->server->revisions, job);
    if (!was_submitted) {
        durable_note_late(orders->server->durable, -1);
    } else if (job->error == 0) {
        carry_out(order, true, NULL);
    } else {
        struct durable_status status;
        durable_get_status(orders->server->durable, &status); /* it may be well again */
        const char *reason = status.stats.reason;
        carry_out(order, false, reason[0] == '\0' ? error_text(job->error) : reason);
    }
    unlink_order(orders, order);
    forget(order);
    if (was_submitted) {
        begin_next(orders);
    }
}

static void on_patience(evutil_socket_t fd, short what, void *argument)
{
    struct orders *orders = argument;
    int64_t now = clock_now_ms(&orders->server->clock);
    bool any = false;
    (void)fd, (void)what;
    for (struct order *order = orders->first; order != NULL; order = order->next) {
        if (order->stage == SUBMITTED && order->until_ms <= now) {
            durable_note_late(orders->server->durable, 1);
            revisions_note_unwritten(orders->server->revisions, order->ops[0].kind, order->ops[0].key);
            carry_out(order, false, slow);
            any = true;
        }
    }
    if (any) {
        begin_next(orders);
    } else {
        schedule(orders);
    }
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
    order->ops[0] = (struct store_op){.kind = order->fails_back         ? "failback"
                                              : order->releases != NULL ? "release"
                                                                        : "override",
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
    lock_take(&server->lock);
    int error = judge(server, order);
    error = error != 0 || order->condition == NULL ? error : judge_condition(server, order);
    lock_leave(&server->lock);
    if (error != 0) {
        return error;
    }
    durable_begin(server->durable, &order->mark);
    if (!durable_has_store(server->durable)) {
        carry_out(order, false, NULL);
        unlink_order(orders, order);
        forget(order);
        return 0;
    }
    order->stage = SUBMITTED;
    order->until_ms = clock_now_ms(&server->clock) + PATIENCE_MS;
    write_op(order);
    durable_submit(server->durable, &order->job);
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
        .mark = {.kind = asked->kind, .name = arena_copy_text(texts, asked->name)},
        .what = *asked->override,
        .overrides_rules = arena_copy_text(texts, asked->overrides_rules),
        .condition = condition_copy(asked->condition, texts),
        .receipt = answers_copy(asked->receipt, texts),
        .fails_back = asked->fails_back,
        .releases = arena_copy_text(texts, asked->releases),
        .clock_offset_ms = server->clock_offset_ms,
        .texts = texts,
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
    if (durable_is_begun(server->durable, asked->kind, asked->name)) {
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
        ptrdiff_t index = order->stage == IN_FORCE || order->fails_back || order->releases != NULL
                              ? -1
                              : health_find(orders->server->view->health, order->mark.kind, order->mark.name);
        if (index >= 0 && used < count) {
            spells[used] = health_find_spell(orders->server->view->health, order->mark.kind, (uint32_t)index,
                                             &order->what);
        }
        used += index >= 0;
    }
    return used;
}

bool orders_any(const struct orders *orders)
{
    const struct order *order = orders->first;
    while (order != NULL && order->stage == IN_FORCE) {
        order = order->next;
    }
    return order != NULL;
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
