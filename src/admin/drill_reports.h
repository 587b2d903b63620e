/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is asked of the application about simulations, and about the reports of drills that it keeps, and
 * what it answers. */
#pragma once

#include "admin/drill_schedule.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct progress;
struct report;
struct worker_job;

/* A loss to be simulated, or a document that says what happens. */
struct admin_drill {
    const char *document; /* NULL: the losses */
    size_t document_len;
    struct report *report;     /* with a document: what is wrong with it */
    const char *const *losses; /* "region:us-east" … */
    size_t count;
    const char *failure; /* "timeout" or "refused" */
    bool from_live;
    bool is_short; /* very long lists are left out */
    bool sweeps;   /* all losses that there are, with the clients and objectives of the document, if any */
    struct progress *progress;
    const char *bad; /* set by the verb: the loss that it did not understand */
};

/* Texts are in the arena of who asks. */
struct admin_report {
    const char *id;
    const char *json;     /* an object: its figures */
    const char *report;   /* JSON; NULL: it is in the store */
    const char *observed; /* likewise: what resolvers saw of it, if any did */
    bool has_report;
};
enum admin_report_part { ADMIN_REPORT, ADMIN_REPORT_OBSERVED };

/* One that is computed now, and kept. Borrowed for the call. */
struct admin_report_order {
    const struct admin_drill *drill; /* its progress does not count */
    const char *actor, *peer, *reason;
};

/* Borrowed for the call. */
struct admin_report_result {
    int error;                       /* 0; ERROR_UNSUPPORTED: there is no store; ERROR_BUSY; ERROR_NOT_FOUND;
                                      * ERROR_CANCELLED; else `drill` says what is wrong, or `why` */
    const struct admin_drill *drill; /* that was asked for; NULL: none was */
    const char *json, *report;       /* as above */
    const char *why;                 /* in words; NULL: the error says it */
    bool is_durable;
};
typedef void admin_report_done(void *argument, const struct admin_report_result *result);

struct admin_report_verbs {
    /* The latest first; with an ID that one alone. Returns how many. */
    size_t (*list)(void *context, const char *id, struct arena *arena, struct admin_report **items);
    /* `done` is called once, at once or later; the job tells how far it is, NULL: not at all. */
    const struct worker_job *(*simulate)(void *context, const struct admin_report_order *order,
                                         admin_report_done *done, void *argument);
    void (*remove)(void *context, const char *id, const struct admin_report_order *order,
                   admin_report_done *done, void *argument);
    /* What resolvers saw of it, JSON: instead of what is known of that. */
    void (*observe)(void *context, const char *id, const char *json, const struct admin_report_order *order,
                    admin_report_done *done, void *argument);
    /* A part of it, in the arena; on a worker: it waits for a disk. 0, ERROR_NOT_FOUND, or an error and why.
     */
    int (*read)(void *reader, const char *id, enum admin_report_part part, struct arena *arena,
                const char **json, const char **why);
};
