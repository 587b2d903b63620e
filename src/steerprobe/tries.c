/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tries.h. What happens is written down while it does, and said when all of it is over: that is no later
 * than the check's time-out. */
#include "config.h"

#include "steerprobe/tries.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

enum { WAITING_MAX = 16, STEPS_MAX = 200 };

struct step {
    const char *step;
    char *text; /* owned */
    uint32_t at_us;
};

struct job {
    struct worker_job job; /* first */
    struct tries *tries;
    uint64_t session;
    uint32_t id;
    struct assignment *assignment; /* held */
    struct arena *arena;
    struct probe_target targets[PROBE_ADDRESSES_MAX];
    size_t target_count;
    struct step steps[STEPS_MAX];
    size_t step_count;
    struct probe_result result; /* the first one that failed, or the last one */
    int error;
};

struct tries {
    struct worker *worker;
    struct tries_hooks hooks;
    struct event *event;
    int fd;
};

/* ---- on the worker's thread ---- */

/* Octets as text; what is none is a dot. */
static char *write_text(const struct probe_trace *trace)
{
    size_t len = trace->len < FLEET_TEXT_MAX ? trace->len : FLEET_TEXT_MAX;
    char *text = memory_alloc(len + 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = ((const unsigned char *)trace->bytes)[i];
        text[i] = (char)((c < ' ' && c != '\r' && c != '\n' && c != '\t') || c >= 127 ? '.' : c);
    }
    return text;
}

static void on_traced(void *context, const struct probe_trace *trace)
{
    struct job *job = context;
    if (job->step_count < STEPS_MAX) {
        job->steps[job->step_count++] = (struct step){
            .step = probe_step_text(trace->step), .at_us = trace->at_us, .text = write_text(trace)};
    }
}

static bool on_ended(void *context, const struct probe_result *result)
{
    struct job *job = context;
    if (job->result.outcome == HEALTH_OUTCOME_NONE || job->result.outcome == HEALTH_OUTCOME_OK) {
        job->result = *result;
    }
    return false;
}

static void run(struct worker_job *of)
{
    struct job *job = (struct job *)of;
    const struct probe_hooks hooks = {
        .context = job, .ended = on_ended, .traced = on_traced, .ahead_ms = job->tries->hooks.ahead_ms};
    job->error = probe_try(job->targets, job->target_count, &hooks, &of->progress);
}

static void wake(void *context)
{
    const struct tries *tries = context;
    ssize_t written = write(tries->fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)written; /* an eventfd below its maximum takes it */
}

/* ---- on the control thread ---- */

static void free_job(struct job *job)
{
    for (size_t i = 0; i < job->step_count; i++) {
        free(job->steps[i].text);
    }
    assignment_drop(job->assignment);
    arena_free(job->arena);
    free(job);
}

static void done(struct worker_job *of)
{
    struct job *job = (struct job *)of;
    const struct tries_hooks *hooks = &job->tries->hooks;
    for (size_t i = 0; i < job->step_count; i++) {
        const struct step *step = &job->steps[i];
        hooks->say(
            hooks->context, job->session,
            &(struct fleet_message){
                .kind = FLEET_TRACE,
                .trace = {.id = job->id, .at_us = step->at_us, .step = step->step, .text = step->text}});
    }
    bool ended = job->error == 0 && job->result.outcome != HEALTH_OUTCOME_NONE;
    hooks->say(
        hooks->context, job->session,
        &(struct fleet_message){.kind = FLEET_RAN,
                                .ran = {.id = job->id,
                                        .outcome = ended ? job->result.outcome : HEALTH_OUTCOME_LOCAL_ERROR,
                                        .detail = job->result.detail,
                                        .duration_us = job->result.duration_us}});
    free_job(job);
}

static void on_wake(int fd, short events, void *argument)
{
    const struct tries *tries = argument;
    uint64_t count;
    (void)events;
    if (read(fd, &count, sizeof count) == (ssize_t)sizeof count) {
        worker_reap(tries->worker);
    }
}

/* Of several addresses each one. */
static void fill(struct job *job, size_t index)
{
    struct probe_target target = assignment_describe(job->assignment, index, job->arena);
    if (target.idle) {
        return;
    }
    if (!target.in_turn || target.address_count == 0) {
        job->targets[job->target_count++] = target;
        return;
    }
    target.in_turn = false;
    for (size_t i = 0; i < target.address_count && i < PROBE_ADDRESSES_MAX; i++) {
        target.at.addr = target.addresses[i];
        job->targets[job->target_count++] = target;
    }
}

int tries_start(struct tries *tries, uint64_t session, uint32_t id, struct assignment *assignment,
                size_t index)
{
    struct job *job = memory_alloc(sizeof *job);
    *job = (struct job){.job = {.name = "try", .run = run, .done = done},
                        .tries = tries,
                        .session = session,
                        .id = id,
                        .assignment = assignment_hold(assignment),
                        .arena = arena_new(0)};
    fill(job, index);
    int error = job->target_count == 0 ? ERROR_NOT_FOUND : worker_submit(tries->worker, &job->job);
    if (error != 0) {
        free_job(job);
    }
    return error;
}

/* ---- life ---- */

int tries_open(struct event_base *base, const struct tries_hooks *hooks, struct tries **tries)
{
    struct tries *made = memory_alloc(sizeof *made);
    *made = (struct tries){.hooks = *hooks, .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    made->event = made->fd == -1 ? NULL : event_new(base, made->fd, EV_READ | EV_PERSIST, on_wake, made);
    int error = made->event == NULL || event_add(made->event, NULL) != 0 ? -ENOMEM : 0;
    if (error == 0) {
        error = worker_open(
            &(struct worker_options){
                .name = "tries", .limit = WAITING_MAX, .in_order = true, .context = made, .wake = wake},
            &made->worker);
    }
    if (error != 0) {
        tries_close(made);
        return error;
    }
    *tries = made;
    return 0;
}

void tries_close(struct tries *tries)
{
    if (tries == NULL) {
        return;
    }
    worker_close(tries->worker);
    if (tries->event != NULL) {
        event_free(tries->event);
    }
    if (tries->fd != -1) {
        close(tries->fd);
    }
    free(tries);
}
