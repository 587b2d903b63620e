/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of drill reports share: keeping them (drill_reports_kept.c), the store
 * (drill_reports_write.c), and making them (drill_reports.c). Private to src/daemon. */
#pragma once

#include "daemon/drill_reports.h"

struct event;
struct drill_job;

struct kept_report {
    struct kept_report *next; /* the latest first */
    struct drill_fact fact;
    char *text;     /* the report, until it is written; NULL: it is, or there is none */
    char *observed; /* what resolvers saw of it, likewise */
    bool is_going;  /* somebody deletes it */
};

struct drill_reports {
    struct server *server;
    struct kept_report *first;
    size_t count, jobs; /* jobs: on their way */
    int64_t second;     /* of the latest ID that was made, and its number */
    unsigned number;
    struct drill_job *waiting; /* for a worker, the latest first */
    struct event *retry;
    struct drill_job *computed; /* simulations that are not yet, the latest first */
    void (*kept)(void *context, const struct drill_fact *fact); /* NULL: nobody is told */
    void *context;
};

/* ---- drill_reports_kept.c ---- */

struct kept_report *drill_reports_put(struct drill_reports *reports, const struct drill_fact *fact,
                                      char *text); /* takes it */
void drill_reports_drop(struct drill_reports *reports, struct kept_report *kept);
/* The oldest one, if there are too many of them. Returns its ID, owned. */
char *drill_reports_drop_surplus(struct drill_reports *reports);
size_t drill_reports_list(void *context, const char *id, struct arena *arena, struct admin_report **items);
struct kept_report *drill_reports_find(const struct drill_reports *reports, const char *id);
/* One that no other has, made from the time it began. */
void drill_reports_write_id(struct drill_reports *reports, struct drill_fact *fact);
/* ---- drill_reports_write.c ---- */

/* Keep it and write it down; takes the text (NULL: there is none). `written` is called once, when it is in
 * the store, or could not be written, or there is none: then at once. NULL: nobody waits. */
void drill_reports_keep(struct drill_reports *reports, const struct drill_fact *fact, char *text,
                        void (*written)(void *argument, int error), void *argument);
void drill_reports_fill_kept(struct admin_report_verbs *verbs);
