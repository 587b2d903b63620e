/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One restore on its way, for restore.c, which carries it out on the control thread, and restore_look.c,
 * which looks on a worker at what it would do. */
#pragma once

#include "daemon/durable.h"
#include "daemon/reader.h"
#include "daemon/restore.h"
#include "daemon/restore_plan.h"

struct restore {
    struct worker_job job; /* the first, so that one is the other */
    struct restores *all;
    struct restore *next;
    struct arena *arena;
    struct admin_restore asked;
    admin_restore_done *done;
    void *argument;
    unsigned rounds;
    /* of one plan: */
    struct reader *reader;
    uint64_t override_changes;
    int64_t clock_offset_ms;
    struct arena *planned; /* what it is in; NULL: the batch has it */
    struct restore_plan plan;
    struct admin_restore_result result;
    struct operate_report answers;
    struct operate_unserved unserved;
    struct operate_rules rules;
};

struct restores {
    struct server *server;
    struct restore *first;   /* all of them */
    struct restore *current; /* the one that is carried out */
};

/* ---- on the worker ---- */

/* What is wanted, what is to be done for that, and what that would do to answers: into the plan and the
 * result.
 */
void restore_look(struct restore *restore, const struct view *view, int64_t wall_ms);
/* Any thread: it ends with that. `why` NULL or "": the error says it all. Returns the error. */
int restore_refuse(struct restore *restore, enum admin_restore_trouble trouble, int error, const char *why);
