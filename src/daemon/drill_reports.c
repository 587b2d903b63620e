/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See drill_reports.h. What is to be kept is cut to its size, and its figures are read, on the worker of the
 * long answers; where that has too much to do, a report waits, and an order is refused. */
#include "config.h"

#include "daemon/drill_reports_inside.h"

#include "daemon/drills.h"
#include "daemon/durable.h"
#include "daemon/lanes.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/worker.h"
#include "drill/drill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum { REPORT_MAX = 256 << 10, RETRY_MS = 500, LENGTH_MAX = 4 << 20 };

struct drill_job {
    struct worker_job job; /* the first, so that one is the other */
    struct drill_reports *all;
    struct drill_job *next; /* of those that wait for a worker, or are computed */
    struct reader *reader;  /* of a simulation */
    struct arena *arena;
    struct admin_drill asked; /* likewise */
    char *drill, *report;     /* JSON; of one that has ended */
    struct drill_fact fact;
    char *text; /* what is kept; NULL: nothing was found */
    int error;
    drill_reports_done *done;
    void *argument;
};

static struct drill_job *begin(struct drill_reports *all, const struct drill_origin *origin)
{
    struct drill_job *job = memory_alloc(sizeof *job);
    struct drill_fact *fact = &job->fact;
    job->all = all;
    job->arena = arena_new(0);
    fact->at_ms = origin->at_ms;
    snprintf(fact->id, sizeof fact->id, "%s", origin->id == NULL ? "" : origin->id);
    snprintf(fact->schedule, sizeof fact->schedule, "%s", origin->schedule == NULL ? "" : origin->schedule);
    snprintf(fact->actor, sizeof fact->actor, "%s", origin->actor == NULL ? "" : origin->actor);
    snprintf(fact->peer, sizeof fact->peer, "%s", origin->peer == NULL ? "" : origin->peer);
    snprintf(fact->reason, sizeof fact->reason, "%s", origin->reason == NULL ? "" : origin->reason);
    if (origin->why_not != NULL) {
        fact->outcome = DRILL_NOT_RUN;
        snprintf(fact->figures.why, sizeof fact->figures.why, "%s", origin->why_not);
    }
    all->jobs++;
    return job;
}

static void end(struct drill_job *job)
{
    job->all->jobs--;
    if (job->reader != NULL) {
        reader_close(job->reader);
    }
    if (job->asked.report != NULL) {
        report_free(job->asked.report);
    }
    arena_free(job->arena);
    free(job->drill);
    free(job->report);
    free(job->text);
    free(job);
}

/* ---- what it is, on any thread ---- */

/* `json` is the drill, or the report of a simulation. */
static void judge(struct drill_job *job, const char *json)
{
    char why_not[PAGE_WHY_SIZE];
    struct drill_fact *fact = &job->fact;
    bool has_ended = fact->outcome != DRILL_NOT_RUN;
    snprintf(why_not, sizeof why_not, "%s", fact->figures.why);
    job->text = page_keep(json, REPORT_MAX, &fact->figures);
    fact->octets = job->text == NULL ? 0 : strlen(job->text);
    if (has_ended && fact->figures.has_report) {
        fact->outcome = fact->figures.is_met ? DRILL_MET : DRILL_MISSED;
    } else {
        fact->outcome = DRILL_NOT_RUN;
        snprintf(fact->figures.why, sizeof fact->figures.why, "%s",
                 has_ended ? "nothing is known of what it found" : why_not);
    }
}

/* ---- one that has ended ---- */

static void join(struct drill_job *job)
{
    size_t len = strlen(job->drill);
    char *whole = job->report == NULL || len == 0
                      ? memory_copy_text(job->drill)
                      : memory_print("%.*s,\"report\":%s}", (int)(len - 1), job->drill, job->report);
    judge(job, whole);
    free(whole);
}

static void run_join(struct worker_job *job)
{
    join((struct drill_job *)job);
}

static void keep(struct drill_job *job, void (*written)(void *argument, int error))
{
    drill_reports_write_id(job->all, &job->fact);
    char *text = memory_copy_text(job->text);
    drill_reports_keep(job->all, &job->fact, text, written, job);
}

/* Called off by the end of the process, it is kept without its report, which is long. */
static void on_joined(struct worker_job *worker_job)
{
    struct drill_job *job = (struct drill_job *)worker_job;
    if (job->text == NULL) {
        free(job->report);
        job->report = NULL;
        join(job);
    }
    keep(job, NULL);
    end(job);
}

static void submit(struct drill_job *job)
{
    const struct timeval later = {.tv_usec = RETRY_MS * 1000};
    struct drill_reports *all = job->all;
    struct worker *lane = lanes_get(all->server->lanes, ADMIN_LONG);
    job->job = (struct worker_job){.name = "drill-report", .run = run_join, .done = on_joined};
    if (lane == NULL) {
        on_joined(&job->job);
    } else if (worker_submit(lane, &job->job) != 0) {
        job->next = all->waiting;
        all->waiting = job;
        event_add(all->retry, &later);
    }
}

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    struct drill_reports *all = argument;
    struct drill_job *waiting = all->waiting;
    (void)fd, (void)what;
    all->waiting = NULL;
    while (waiting != NULL) {
        struct drill_job *job = waiting;
        waiting = job->next;
        submit(job);
    }
}

/* Hundreds of megabytes are neither copied here nor read on a worker. */
static char *copy_report(const char *report)
{
    bool is_long = report != NULL && strnlen(report, LENGTH_MAX + 1) > LENGTH_MAX;
    return is_long ? drill_cut_json(report) : memory_copy_text(report);
}

void drill_reports_take(struct drill_reports *all, const struct drill_origin *origin, const char *drill,
                        const char *report)
{
    if (all == NULL) {
        return;
    }
    struct drill_job *job = begin(all, origin);
    job->drill = memory_copy_text(drill);
    job->report = copy_report(report);
    if (job->report == NULL) {
        on_joined(&job->job); /* short: at once */
    } else {
        submit(job);
    }
}

/* ---- simulations ---- */

static void open_reader(struct worker_job *worker_job)
{
    struct drill_job *job = (struct drill_job *)worker_job;
    job->reader = reader_open(job->all->server);
}

static void run_simulation(struct worker_job *worker_job)
{
    struct drill_job *job = (struct drill_job *)worker_job;
    char *json = NULL;
    job->asked.progress = &job->job.progress;
    job->error = drills_simulate(job->reader, &job->asked, &json);
    if (job->error == 0) {
        judge(job, json);
    }
    free(json);
    reader_close(job->reader);
    job->reader = NULL;
}

static void tell(struct drill_job *job, struct admin_report_result *result)
{
    char *json = job->text == NULL ? NULL : drill_fact_write_shown(&job->fact);
    result->drill = &job->asked;
    result->json = json;
    result->report = job->text;
    if (job->done != NULL) {
        job->done(job->argument, result, job->text == NULL ? NULL : &job->fact);
    }
    free(json);
    end(job);
}

static void on_written(void *argument, int error)
{
    tell(argument, &(struct admin_report_result){.is_durable = error == 0});
}

static void leave(struct drill_job *job)
{
    struct drill_job **at = &job->all->computed;
    while (*at != job) {
        at = &(*at)->next;
    }
    *at = job->next;
}

static void on_simulated(struct worker_job *worker_job)
{
    struct drill_job *job = (struct drill_job *)worker_job;
    leave(job);
    if (progress_is_cancelled(&job->job.progress)) {
        job->error = ERROR_CANCELLED;
    }
    if (job->error == 0 && job->text != NULL) {
        keep(job, on_written);
    } else {
        free(job->text);
        job->text = NULL;
        tell(job, &(struct admin_report_result){.error = job->error == 0 ? ERROR_TOO_LARGE : job->error});
    }
}

/* What the client said is gone when it is computed. */
static void copy_asked(struct drill_job *job, const struct admin_drill *asked)
{
    struct admin_drill *to = &job->asked;
    const char **losses = arena_alloc(job->arena, (asked->count + 1) * sizeof *losses);
    *to = *asked;
    for (size_t i = 0; i < asked->count; i++) {
        losses[i] = arena_copy_text(job->arena, asked->losses[i]);
    }
    to->losses = losses;
    to->failure = arena_copy_text(job->arena, asked->failure);
    if (asked->document != NULL) {
        char *text = arena_alloc_bytes(job->arena, asked->document_len + 1);
        memcpy(text, asked->document, asked->document_len);
        text[asked->document_len] = '\0';
        to->document = text;
    }
    to->report = report_new();
    to->bad = NULL;
    to->is_short = true;
}

const struct worker_job *drill_reports_simulate(struct drill_reports *all,
                                                const struct drill_simulation *simulation)
{
    struct server *server = all->server;
    struct worker *lane = lanes_get(server->lanes, ADMIN_LONG);
    struct drill_job *job = begin(all, &simulation->origin);
    copy_asked(job, simulation->drill);
    job->done = simulation->done;
    job->argument = simulation->argument;
    job->job = (struct worker_job){
        .name = "drill", .prepare = open_reader, .run = run_simulation, .done = on_simulated};
    int error = !durable_has_store(server->durable)                                        ? ERROR_UNSUPPORTED
                : lane == NULL || server->is_frozen || worker_submit(lane, &job->job) != 0 ? ERROR_BUSY
                                                                                           : 0;
    if (error != 0) {
        tell(job, &(struct admin_report_result){.error = error});
        return NULL;
    }
    job->next = all->computed;
    all->computed = job;
    return &job->job;
}

struct asking {
    admin_report_done *done;
    void *argument;
};

static void on_answer(void *argument, const struct admin_report_result *result, const struct drill_fact *fact)
{
    struct asking *asking = argument;
    (void)fact;
    asking->done(asking->argument, result);
    free(asking);
}

static const struct worker_job *simulate(void *context, const struct admin_report_order *order,
                                         admin_report_done *done, void *argument)
{
    const struct server *server = context;
    struct asking *asking = memory_alloc(sizeof *asking);
    *asking = (struct asking){.done = done, .argument = argument};
    return drill_reports_simulate(
        server->drill_reports, &(struct drill_simulation){.drill = order->drill,
                                                          .origin = {.at_ms = clock_wall_ms(&server->clock),
                                                                     .actor = order->actor,
                                                                     .peer = order->peer,
                                                                     .reason = order->reason},
                                                          .done = on_answer,
                                                          .argument = asking});
}

void drill_reports_fill_verbs(struct admin_report_verbs *verbs)
{
    drill_reports_fill_kept(verbs);
    verbs->simulate = simulate;
}

/* ---- others ---- */

void drill_reports_hook(struct drill_reports *all, void (*kept)(void *context, const struct drill_fact *fact),
                        void *context)
{
    all->kept = kept;
    all->context = context;
}

void drill_reports_call_off(struct drill_reports *all)
{
    struct worker *lane = lanes_get(all->server->lanes, ADMIN_LONG);
    for (struct drill_job *job = all->computed, *next; job != NULL; job = next) {
        next = job->next;
        worker_cancel(lane, &job->job);
    }
}

/* ---- life ---- */

bool drill_reports_any(const struct drill_reports *all)
{
    return all != NULL && all->jobs != 0;
}

struct drill_reports *drill_reports_open(struct server *server)
{
    struct drill_reports *all = memory_alloc(sizeof *all);
    all->server = server;
    all->retry = evtimer_new(server->base, on_retry, all);
    if (all->retry == NULL) {
        free(all);
        return NULL;
    }
    return all;
}

void drill_reports_close(struct drill_reports *all)
{
    if (all == NULL) {
        return;
    }
    while (all->waiting != NULL) {
        struct drill_job *job = all->waiting;
        all->waiting = job->next;
        end(job);
    }
    while (all->first != NULL) {
        drill_reports_drop(all, all->first);
    }
    event_free(all->retry);
    free(all);
}
