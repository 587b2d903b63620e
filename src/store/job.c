/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See job.h. */
#include "config.h"

#include "store/job.h"

#include "base/error.h"
#include "base/utf8.h"
#include "store/key.h"

#include <stdlib.h>
#include <string.h>

void job_list_init(struct job_list *list)
{
    *list = (struct job_list){.last = &list->first};
}

void job_list_add(struct job_list *list, struct store_job *job)
{
    job->next = NULL;
    *list->last = job;
    list->last = &job->next;
    list->count++;
}

struct store_job *job_list_take(struct job_list *list)
{
    struct store_job *job = list->first;
    if (job != NULL) {
        list->first = job->next;
        list->last = job->next == NULL ? &list->first : list->last;
        list->count--;
    }
    return job;
}

void job_list_append(struct job_list *to, struct job_list *from)
{
    if (from->first != NULL) {
        *to->last = from->first;
        to->last = from->last;
        to->count += from->count;
        job_list_init(from);
    }
}

/* ---- judging ---- */

int job_judge_open(struct job_judge *judge)
{
    int error = database_open(&judge->db, ":memory:", DATABASE_MAKE);
    return error != 0 ? error : database_prepare(&judge->db, "SELECT json_valid(?1)", &judge->statement);
}

void job_judge_close(struct job_judge *judge)
{
    (void)sqlite3_finalize(judge->statement);
    database_close(&judge->db);
}

static bool is_kind(const char *kind)
{
    size_t len = kind == NULL ? 0 : strnlen(kind, STORE_KIND_MAX + 1);
    return len > 0 && len <= STORE_KIND_MAX && strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static bool is_text(const char *text)
{
    size_t len = text == NULL ? 0 : strnlen(text, STORE_CAUSE_MAX + 1);
    return text == NULL || (len <= STORE_CAUSE_MAX && utf8_check(text, len) == len);
}

static bool is_value(struct job_judge *judge, const char *value)
{
    size_t len = strnlen(value, STORE_VALUE_MAX + 1);
    bool has, is;
    if (len > STORE_VALUE_MAX || utf8_check(value, len) != len) {
        return false;
    }
    (void)sqlite3_bind_text(judge->statement, 1, value, (int)len, SQLITE_STATIC);
    is = database_step(&judge->db, judge->statement, &has) == 0 && has &&
         sqlite3_column_int(judge->statement, 0) == 1;
    (void)sqlite3_reset(judge->statement);
    return is;
}

static bool is_op(struct job_judge *judge, const struct store_op *op)
{
    return is_kind(op->kind) && op->key != NULL && store_is_key(op->key) && op->expires_ms >= 0 &&
           (op->value == NULL || is_value(judge, op->value));
}

void job_judge(struct job_judge *judge, struct store_job *job)
{
    const struct store_cause *cause = &job->cause;
    size_t at = 0;
    bool said =
        is_text(cause->actor) && is_text(cause->peer) && is_text(cause->reason) && is_text(cause->request);
    while (said && at < job->op_count && is_op(judge, &job->ops[at]) &&
           (!job->insists || job->ops[at].if_revision == STORE_ANY)) {
        at++;
    }
    bool good = said && at == job->op_count && job->op_count <= STORE_OPS_MAX;
    job->error = good ? 0 : ERROR_INVALID;
    job->conflict = said && !good ? at : job->op_count;
}
