/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a node keeps in its store beside the shared objects: its position, who it is, and what holds here and
 * could not be told (clustered_pending.h has the text of that). */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/durable.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store_op clustered_position_op(const struct cluster_position *at, struct arena *arena)
{
    char text[CLUSTER_HEAD_SIZE];
    return (struct store_op){.kind = CLUSTER_KIND,
                             .key = POSITION_KEY,
                             .value = arena_copy_text(arena, cluster_write_head(at, text)),
                             .if_revision = STORE_ANY};
}

/* ---- what is this node's alone ---- */

struct noting {
    struct store_job job; /* the first */
    struct store_op op;
    char key[32], value[32];
    char *text; /* NULL: there is none */
};

static void on_noted(struct store_job *job)
{
    free(((struct noting *)job)->text);
    free(job);
}

static void note(struct clustered *clustered, struct noting *noting, const char *reason)
{
    noting->op.key = noting->key;
    noting->op.if_revision = STORE_ANY;
    noting->job = (struct store_job){.cause = {.actor = "steerd", .reason = reason},
                                     .ops = &noting->op,
                                     .op_count = 1,
                                     .insists = true,
                                     .done = on_noted};
    durable_submit_here(clustered->server->durable, &noting->job);
}

void clustered_forget_pending(struct clustered *clustered, uint64_t number)
{
    struct noting *noting = memory_alloc(sizeof *noting);
    snprintf(noting->key, sizeof noting->key, "%020" PRIu64, number);
    noting->op.kind = PENDING_KIND;
    note(clustered, noting, "the cluster was told of it");
}

void clustered_note_pending(struct clustered *clustered, uint64_t number, const char *text)
{
    struct noting *noting = memory_alloc(sizeof *noting);
    snprintf(noting->key, sizeof noting->key, "%020" PRIu64, number);
    noting->text = memory_copy_text(text);
    noting->op.kind = PENDING_KIND;
    noting->op.value = noting->text;
    note(clustered, noting, "another node was told it");
}

void clustered_note_run(struct clustered *clustered, uint64_t run)
{
    struct noting *noting = memory_alloc(sizeof *noting);
    snprintf(noting->key, sizeof noting->key, RUN_KEY);
    snprintf(noting->value, sizeof noting->value, "\"%016" PRIx64 "\"", run);
    noting->op.kind = CLUSTER_KIND;
    noting->op.value = noting->value;
    note(clustered, noting, "this process is the node now");
}

/* ---- what holds ---- */

struct reading {
    struct store_op *to;
    struct arena *arena;
};

static void take_value(void *context, const struct store_object *object)
{
    const struct reading *reading = context;
    reading->to->value = arena_copy_text(reading->arena, object->value);
    reading->to->expires_ms = object->expires_ms;
}

int clustered_read_values(const struct clustered *clustered, struct store_op *ops, size_t count,
                          struct arena *arena)
{
    struct report *report = report_new();
    struct store_reader *reader;
    int error = store_reader_open(clustered->folder, report, &reader);
    bool is_open = error == 0;
    for (size_t i = 0; error == 0 && i < count; i++) {
        struct reading reading = {.to = &ops[i], .arena = arena};
        ops[i].value = NULL;
        ops[i].expires_ms = 0;
        error = store_get(reader, ops[i].kind, ops[i].key, take_value, &reading);
        error = error == ERROR_NOT_FOUND ? 0 : error;
    }
    if (is_open) {
        store_reader_close(reader);
    }
    report_free(report);
    return error;
}

/* ---- the process before ---- */

struct found {
    struct clustered_past *past;
    int error;
    const char *why;
};

static void read_position(void *context, const struct store_object *object)
{
    struct found *found = context;
    found->error = cluster_read_head(object->value, strlen(object->value), &found->past->at, &found->why);
}

static void read_run(void *context, const struct store_object *object)
{
    struct clustered_past *past = context;
    json_t *run = json_loads(object->value, JSON_DECODE_ANY, NULL);
    if (!json_is_string(run) || !hex_read_word(json_string_value(run), &past->run)) {
        past->run = 0;
    }
    json_decref(run);
}

int clustered_read_past(struct clustered *clustered, struct clustered_past *past)
{
    struct report *report = report_new();
    struct store_reader *reader;
    struct found found = {.past = past};
    *past = (struct clustered_past){.has_position = false};
    int error = store_reader_open(clustered->folder, report, &reader);
    if (error == 0) {
        (void)store_get(reader, CLUSTER_KIND, RUN_KEY, read_run, past);
        error = store_get(reader, CLUSTER_KIND, POSITION_KEY, read_position, &found);
        store_reader_close(reader);
    }
    report_free(report);
    past->has_position = error == 0 && found.error == 0;
    if (found.error != 0) {
        log_error("position not understood why=\"%s\" effect=\"this node takes what the cluster has\"",
                  found.why);
    }
    return error == ERROR_NOT_FOUND ? 0 : error;
}
