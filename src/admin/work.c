/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Answers that are made on a worker. The call moves there with all that it holds, reads a snapshot, and comes
 * back with a status and a body, which the control thread only has to send. What is large is made and freed
 * on the worker. */
#include "config.h"

#include "admin/call.h"

#include "base/error.h"
#include "base/memory.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

struct work {
    struct worker_job job; /* the first, so that one is the other */
    struct worker *lane;
    struct call_pending *pending;
    void (*handle)(struct call *call);
    struct call call;
    /* of orders: */
    struct work *next_order;
    unsigned rounds;
    bool overtaken;
};

static bool is_order(const struct work *work)
{
    return work->lane == work->call.admin->verbs.lanes[ADMIN_ORDERS];
}

static void open_reader(struct worker_job *job)
{
    struct work *work = (struct work *)job;
    const struct admin_verbs *verbs = &work->call.admin->verbs;
    if (work->call.reader == NULL) {
        work->call.reader = (is_order(work) ? verbs->open_live : verbs->open_reader)(verbs->context);
    }
}

static void run(struct worker_job *job)
{
    struct work *work = (struct work *)job;
    struct call *call = &work->call;
    if (!progress_is_cancelled(&job->progress)) {
        work->handle(call);
    }
    if (is_order(work)) {
        return; /* it is freed by the owner, who may ask what it is about, and has not waited for that */
    }
    if (call->fetch == NULL || progress_is_cancelled(&job->progress)) {
        call->admin->verbs.close_reader(call->reader);
        call->reader = NULL;
    }
    if (call->fetch == NULL) {
        call_finish(call);
        call->arena = NULL;
    }
    if (progress_is_cancelled(&job->progress) && call->answer.body != NULL) {
        evbuffer_free(call->answer.body);
        call->answer.body = NULL;
    }
}

static void free_work(struct work *work)
{
    struct call *call = &work->call;
    struct work **at = &call->admin->orders;
    while (*at != NULL && *at != work) {
        at = &(*at)->next_order;
    }
    *at = *at == NULL ? NULL : work->next_order;
    if (call->reader != NULL) {
        call->admin->verbs.close_reader(call->reader);
    }
    if (call->answer.body != NULL) {
        evbuffer_free(call->answer.body);
    }
    call_finish(call);
    free(work);
}

static void refuse(struct call *call)
{
    problem_set(&call->problem, PROBLEM_BUSY, "too many answers are being computed; ask again later");
    call_reply_problem(call);
}

/* Other things may have happened since the worker looked. Returns whether it looks again. */
static bool look_again(struct work *work)
{
    struct call *call = &work->call;
    const struct admin_verbs *verbs = &call->admin->verbs;
    if (work->overtaken || ++work->rounds == ADMIN_ROUNDS || verbs->is_current(call->reader)) {
        return false;
    }
    verbs->close_reader(call->reader);
    call->reader = NULL;
    call->settle = NULL;
    worker_repeat(work->lane, &work->job);
    return true;
}

/* What the worker has found is told to who asked, if he is still there. */
static void settle(struct work *work)
{
    const struct call *from = &work->call;
    struct call call;
    if (!call_resume(work->pending, &call)) {
        call = (struct call){.admin = from->admin,
                             .method = from->method,
                             .reader = from->admin->verbs.current,
                             .arena = arena_new(0)};
        problem_init(&call.problem, call.arena);
    }
    call.route = from->route;
    call.data = from->data;
    call.condition = from->condition;
    call.overtaken = work->overtaken;
    from->settle(&call);
    if (call.answer.body != NULL) {
        evbuffer_free(call.answer.body);
    }
    call_finish(&call);
}

static void done(struct worker_job *job)
{
    struct work *work = (struct work *)job;
    struct call call;
    bool is_cancelled = progress_is_cancelled(&job->progress);
    bool is_refused = false;
    if (!is_cancelled && work->call.fetch != NULL) {
        work->call.fetch(&work->call);
        work->call.fetch = NULL;
        work->call.fetched = true;
        if (worker_submit(work->lane, job) == 0) {
            return;
        }
        is_refused = true;
    }
    if (!is_cancelled && !is_refused && work->call.settle != NULL) {
        if (!look_again(work)) {
            settle(work);
            free_work(work);
        }
        return;
    }
    if (call_resume(work->pending, &call)) {
        if (is_refused || is_cancelled) { /* cancelled: nobody listens, but the request has to end */
            refuse(&call);
        } else {
            call.revision = work->call.revision;
            call_send(&call, &work->call.answer);
            work->call.answer.body = NULL;
        }
        call_finish(&call);
    }
    free_work(work);
}

static void client_left(void *argument)
{
    struct work *work = argument;
    worker_cancel(work->lane, &work->job);
}

/* Without workers. */
static void answer_now(struct call *call, void (*handle)(struct call *call))
{
    handle(call);
    if (call->fetch != NULL) {
        call->fetch(call);
        call->fetch = NULL;
        call->fetched = true;
        handle(call);
    }
    if (call->settle != NULL) {
        call->settle(call);
    }
}

void call_work(struct call *call, enum admin_lane lane, const char *what, void (*handle)(struct call *call))
{
    struct worker *worker = call->admin->verbs.lanes[lane];
    if (worker == NULL) {
        answer_now(call, handle);
        return;
    }
    struct work *work = memory_alloc(sizeof *work);
    *work = (struct work){
        .job = {.name = what, .prepare = open_reader, .run = run, .done = done},
        .lane = worker,
        .handle = handle,
        .call = *call,
    };
    work->call.request = NULL;
    work->call.receipt = NULL; /* the pending has it */
    work->call.change = NULL;
    work->call.wish = NULL;
    work->call.reader = NULL;
    work->call.progress = &work->job.progress;
    if (call->body_len != 0) { /* it was the request's, whose client may leave */
        char *body = arena_alloc_bytes(call->arena, call->body_len + 1);
        memcpy(body, call->body, call->body_len);
        body[call->body_len] = '\0';
        work->call.body = body;
    }
    work->pending = call_defer(call);
    call_show(work->pending, &work->job);
    if (lane != ADMIN_ORDERS && call->receipt == NULL) { /* an order that has come is carried out */
        call_watch(work->pending, client_left, work);
    } else if (lane == ADMIN_ORDERS) {
        work->next_order = call->admin->orders;
        call->admin->orders = work;
    }
    call->arena = NULL; /* it goes with the work */
    if (worker_submit(worker, &work->job) != 0) {
        struct call again;
        if (call_resume(work->pending, &again)) {
            refuse(&again);
            call_finish(&again);
        }
        free_work(work);
    }
}

void call_overtake(const struct call *call)
{
    for (struct work *work = call->admin->orders; work != NULL; work = work->next_order) {
        const struct route *route = &work->call.route;
        work->overtaken |= route->kind == call->route.kind && strcmp(route->name, call->route.name) == 0;
    }
}
