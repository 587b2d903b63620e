/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See answers.h. What cannot be written is not: the process knows it, and a restart does not. */
#include "config.h"

#include "daemon/answers.h"

#include "admin/admin.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/durable.h"
#include "daemon/server.h"
#include "store/store.h"

#include <stdlib.h>

/* One on its way to the store. */
struct writing {
    struct store_job job; /* the first, so that one is the other */
    struct store_op op;
    struct arena *texts;
};

const struct admin_receipt *answers_copy(const struct admin_receipt *receipt, struct arena *arena)
{
    if (receipt == NULL) {
        return NULL;
    }
    struct admin_receipt *copy = arena_copy(arena, receipt, sizeof *receipt);
    copy->key = arena_copy_text(arena, receipt->key);
    copy->value = arena_copy_text(arena, receipt->value);
    return copy;
}

unsigned answers_add_op(const struct admin_receipt *receipt, struct arena *arena, struct store_op *op)
{
    if (receipt == NULL) {
        return 0;
    }
    *op = (struct store_op){.kind = ANSWER_KIND,
                            .key = arena_copy_text(arena, receipt->key),
                            .value = arena_copy_text(arena, receipt->value),
                            .if_revision = STORE_ANY,
                            .expires_ms = receipt->value == NULL ? 0 : receipt->expires_ms};
    return 1;
}

static void on_written(struct store_job *job)
{
    struct writing *writing = (struct writing *)job;
    arena_free(writing->texts);
    free(writing);
}

void server_keep_answer(void *context, const struct admin_receipt *receipt)
{
    const struct server *server = context;
    if (server->is_frozen || !durable_has_store(server->durable)) {
        return;
    }
    struct writing *writing = memory_alloc(sizeof *writing);
    *writing = (struct writing){
        .texts = arena_new(0),
        .job = {.op_count = 1,
                .done = on_written,
                .cause = {.actor = "steerd", .reason = "what was answered to a request with a key"}}};
    writing->job.ops = &writing->op;
    (void)answers_add_op(receipt, writing->texts, &writing->op);
    durable_submit(server->durable, &writing->job);
}

static bool read_one(void *context, const struct store_object *object)
{
    const struct server *server = context;
    if (admin_learn_answer(server->admin, object->key, object->value) != 0) {
        log_error("answer not understood key=%s effect=\"its request would be carried out again\"",
                  object->key);
    }
    return true;
}

void answers_learn(struct server *server, const char *folder)
{
    struct report *report = report_new();
    struct store_reader *reader;
    if (server->admin != NULL && folder != NULL && store_reader_open(folder, report, &reader) == 0) {
        (void)store_list(reader, ANSWER_KIND, "", NULL, read_one, server);
        store_reader_close(reader);
    }
    report_free(report);
}
