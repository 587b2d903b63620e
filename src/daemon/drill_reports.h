/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills that are over, kept in the store with their reports: those that ran on this server for some clients
 * or for all, and simulations that somebody wants kept. So many are kept (steerd.json, "drills"), the oldest
 * go. What is made of a report is made on a worker; nothing waits for it. Belongs to the control thread.
 * Private to src/daemon. */
#pragma once

#include "admin/drill_reports.h"
#include "daemon/drill_fact.h"

struct drill_reports;
struct server;

struct drill_reports *drill_reports_open(struct server *server);
/* When workers and store have ended. NULL is fine. */
void drill_reports_close(struct drill_reports *reports);
/* Read what the store in the folder holds; NULL: there is none. */
void drill_reports_begin(struct drill_reports *reports, const char *folder);
/* One that could not be read then. */
void drill_reports_regain(struct drill_reports *reports, const char *id, const char *value);
bool drill_reports_any(const struct drill_reports *reports); /* is one on its way? */

/* Texts are borrowed. */
struct drill_origin {
    const char *id;                               /* NULL: it gets one */
    int64_t at_ms;                                /* wall: when it began */
    const char *schedule, *actor, *peer, *reason; /* NULL: none */
    const char *why_not;                          /* it did not run to its end; NULL: it did */
};
/* Is told of each that belongs to a schedule, when it is kept. Set once. */
void drill_reports_hook(struct drill_reports *reports,
                        void (*kept)(void *context, const struct drill_fact *fact), void *context);
/* Simulations that are not computed yet are called off: another process takes over. */
void drill_reports_call_off(struct drill_reports *reports);
/* One has ended: the drill as the API shows it, an object, and its report, JSON; NULL: there is none. */
void drill_reports_take(struct drill_reports *reports, const struct drill_origin *origin, const char *drill,
                        const char *report);

/* Simulate it and keep what comes of it. `done` is called once, at once or later; NULL: nobody waits. The
 * fact is NULL where none was kept. Returns the job, NULL: there is none. */
struct admin_drill;
struct worker_job;
typedef void drill_reports_done(void *argument, const struct admin_report_result *result,
                                const struct drill_fact *fact);
struct drill_simulation {
    const struct admin_drill *drill;
    struct drill_origin origin;
    drill_reports_done *done;
    void *argument;
};
const struct worker_job *drill_reports_simulate(struct drill_reports *reports,
                                                const struct drill_simulation *simulation);

/* Verbs of the admin API. */
void drill_reports_fill_verbs(struct admin_report_verbs *verbs);
