/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Jobs: lists of them, and whether one can be written at all. Inside this folder only. */
#pragma once

#include "store/database.h"
#include "store/store.h"

/* In the order of submission, linked by `next`. */
struct job_list {
    struct store_job *first, **last;
    size_t count;
};

void job_list_init(struct job_list *list);
void job_list_add(struct job_list *list, struct store_job *job);
struct store_job *job_list_take(struct job_list *list);           /* the first; NULL: there is none */
void job_list_append(struct job_list *to, struct job_list *from); /* which is empty then */

/* Judges JSON; a database in memory, so that it works while there is no store. */
struct job_judge {
    struct database db;
    sqlite3_stmt *statement;
};
int job_judge_open(struct job_judge *judge);
void job_judge_close(struct job_judge *judge);
/* Sets job->error to 0, or to ERROR_INVALID with job->conflict (op_count: the cause). */
void job_judge(struct job_judge *judge, struct store_job *job);
