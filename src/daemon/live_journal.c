/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What live drills leave in the journal: that one began, that all see it, that it ended, each with who and
 * why, as orders do. The object of the store, "live-drill" / ID, is there while it runs; nothing is read from
 * it but what it was, when a server that was killed starts again. Nobody waits for the disk. */
#include "config.h"

#include "daemon/live.h"

#include "daemon/drilling.h"
#include "daemon/durable.h"
#include "daemon/server.h"
#include "daemon/shadow_inside.h"
#include "base/memory.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writing {
    struct store_job job; /* the first, so that one is the other */
    struct store_op op;
    char key[SHADOW_ID_SIZE];
    char actor[HEALTH_ACTOR_SIZE], peer[HEALTH_PEER_SIZE], reason[HEALTH_REASON_SIZE];
    char *value; /* NULL: it is over */
};

static void on_written(struct store_job *job)
{
    struct writing *writing = (struct writing *)job;
    free(writing->value);
    free(writing);
}

static struct writing *begin(const char *id)
{
    struct writing *writing = memory_alloc(sizeof *writing);
    snprintf(writing->key, sizeof writing->key, "%s", id);
    snprintf(writing->actor, sizeof writing->actor, "steerd");
    return writing;
}

/* Takes it. */
static void submit(struct durable *durable, struct writing *writing)
{
    if (!durable_has_store(durable)) {
        on_written(&writing->job);
        return;
    }
    writing->op = (struct store_op){
        .kind = LIVE_KIND, .key = writing->key, .value = writing->value, .if_revision = STORE_ANY};
    writing->job = (struct store_job){.cause = {.actor = writing->actor,
                                                .peer = writing->peer,
                                                .reason = writing->reason,
                                                .request = "a live drill"},
                                      .ops = &writing->op,
                                      .op_count = 1,
                                      .insists = true,
                                      .done = on_written};
    durable_submit(durable, &writing->job);
}

static char *write_value(struct shadow *shadow)
{
    char ends[CLOCK_TEXT_SIZE];
    json_t *lose = json_array();
    for (size_t i = 0; i < shadow->lose_count; i++) {
        json_array_append_new(lose, json_string(shadow->lose[i]));
    }
    clock_write_rfc3339(shadow->started_ms + shadow->duration_ms, ends);
    json_t *object = json_pack("{s:i, s:o, s:s}", "share", (int)live_get_percent(shadow->live), "lose", lose,
                               "ends", ends);
    char *drill = shadow_write(shadow, false);
    json_object_set_new(object, "drill", json_loads(drill, 0, NULL));
    free(drill);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

void live_write_down(struct shadow *shadow)
{
    struct writing *writing = begin(shadow->id);
    bool is_over = shadow->because != NULL, is_asked = !is_over && live_is_fresh(shadow->live);
    const char *why = live_get_why(shadow->live);
    if (is_asked) { /* what comes later comes by itself, or by who stops it */
        snprintf(writing->actor, sizeof writing->actor, "%s", shadow->actor);
        snprintf(writing->peer, sizeof writing->peer, "%s", shadow->peer);
    } else if (is_over && shadow->stopped_by[0] != '\0') {
        snprintf(writing->actor, sizeof writing->actor, "%s", shadow->stopped_by);
    }
    if (is_over) {
        snprintf(writing->reason, sizeof writing->reason, "live drill ended: %s%s%.200s", shadow->because,
                 why[0] == '\0' ? "" : ", ", why);
    } else if (is_asked) {
        snprintf(writing->reason, sizeof writing->reason, "live drill began: %.200s", shadow->reason);
    } else {
        snprintf(writing->reason, sizeof writing->reason, "all clients see the live drill");
    }
    if (is_over) {
        drilling_end(shadow->all->server);
    }
    writing->value = is_over ? NULL : write_value(shadow);
    submit(shadow->all->server->durable, writing);
}

/* ---- of a process before ---- */

struct learning {
    void *context;
    void (*found)(void *context, const char *id, json_t *drill);
};

static bool read_one(void *context, const struct store_object *object)
{
    const struct learning *learning = context;
    json_t *value = json_loads(object->value, JSON_REJECT_DUPLICATES, NULL);
    learning->found(learning->context, object->key, json_object_get(value, "drill"));
    json_decref(value);
    return true;
}

void live_learn(const char *folder, void (*found)(void *context, const char *id, json_t *drill),
                void *context)
{
    struct learning learning = {context, found};
    struct report *report = report_new();
    struct store_reader *reader;
    if (store_reader_open(folder, report, &reader) == 0) {
        (void)store_list(reader, LIVE_KIND, "", NULL, read_one, &learning);
        store_reader_close(reader);
    }
    report_free(report);
}

void live_note_interrupted(struct server *server, const char *id)
{
    struct writing *writing = begin(id);
    snprintf(writing->reason, sizeof writing->reason, "live drill ended: restart");
    submit(server->durable, writing);
}
