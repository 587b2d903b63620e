/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See drilling.h. */
#include "config.h"

#include "daemon/drilling.h"

#include "admin/admin.h"
#include "daemon/durable.h"
#include "daemon/server.h"
#include "daemon/stored.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/memory.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char key[] = "live";

/* ---- what is known ---- */

void drilling_follow(struct server *server, const char *value)
{
    json_t *object = value == NULL ? NULL : json_loads(value, JSON_REJECT_DUPLICATES, NULL);
    const char *node = json_string_value(json_object_get(object, "node")),
               *ends = json_string_value(json_object_get(object, "ends"));
    struct drilling read = {.node = ""};
    if (node != NULL && ends != NULL && clock_parse_rfc3339(ends, &read.ends_ms) == 0) {
        snprintf(read.node, sizeof read.node, "%s", node);
    } else if (value != NULL) {
        log_error("live drill of another node not understood");
    }
    server->drilling = read;
    json_decref(object);
}

static void take_object(void *context, const struct store_object *object)
{
    drilling_follow(context, object->value);
}

void drilling_learn(struct server *server, const char *folder)
{
    struct report *report = report_new();
    struct store_reader *reader;
    if (folder != NULL && store_reader_open(folder, report, &reader) == 0) {
        (void)store_get(reader, DRILLING_KIND, key, take_object, server);
        store_reader_close(reader);
    }
    report_free(report);
}

static bool is_of_this_host(const struct server *server)
{
    const char *mine = server->node, *its = server->drilling.node;
    size_t len = strcspn(mine, "/");
    return strncmp(mine, its, len) == 0 && its[len] == '/';
}

const char *drilling_find_other(const struct server *server, struct arena *arena)
{
    const struct drilling *drilling = &server->drilling;
    char ends[CLOCK_TEXT_SIZE];
    bool is_over = drilling->ends_ms <= clock_wall_ms(&server->clock);
    if (!server->is_node || drilling->node[0] == '\0' || is_over || is_of_this_host(server)) {
        return NULL;
    }
    clock_write_rfc3339(drilling->ends_ms, ends);
    return arena_print(arena, "node %.*s runs a live drill, until %s at most; there is one at a time",
                       (int)strcspn(drilling->node, "/"), drilling->node, ends);
}

/* ---- what is said ---- */

struct beginning {
    struct store_job job; /* the first, so that one is the other */
    struct store_op op;
    struct server *server;
    struct drilling drilling;
    struct arena *texts;
    void (*done)(void *argument, int error);
    void *argument;
};

static void on_written(struct store_job *job)
{
    struct beginning *beginning = (struct beginning *)job;
    int error = job->error;
    if (error == 0) {
        beginning->server->drilling = beginning->drilling;
    }
    beginning->done(beginning->argument, error);
    arena_free(beginning->texts);
    free(beginning);
}

void drilling_begin(struct server *server, const struct store_cause *cause, const void *change,
                    void (*done)(void *argument, int error), void *argument)
{
    if (!server->is_node || !durable_has_store(server->durable)) {
        done(argument, 0);
        return;
    }
    struct beginning *beginning = memory_alloc(sizeof *beginning);
    char ends[CLOCK_TEXT_SIZE];
    *beginning =
        (struct beginning){.server = server, .texts = arena_new(0), .done = done, .argument = argument};
    struct arena *texts = beginning->texts;
    beginning->drilling.ends_ms = clock_wall_ms(&server->clock) + ADMIN_SHADOW_MAX_MS;
    snprintf(beginning->drilling.node, sizeof beginning->drilling.node, "%s", server->node);
    clock_write_rfc3339(beginning->drilling.ends_ms, ends);
    beginning->op = (struct store_op){
        .kind = DRILLING_KIND,
        .key = key,
        .value = arena_print(texts, "{\"node\":\"%s\",\"ends\":\"%s\"}", server->node, ends),
        .if_revision = STORE_ANY};
    beginning->job = (struct store_job){.cause = {.actor = arena_copy_text(texts, cause->actor),
                                                  .peer = arena_copy_text(texts, cause->peer),
                                                  .reason = arena_copy_text(texts, cause->reason),
                                                  .request = "a live drill"},
                                        .ops = &beginning->op,
                                        .op_count = 1,
                                        .done = on_written};
    durable_send(server->durable, &beginning->job, &(struct durable_sender){.change = change});
}

static bool is_own(const struct server *server)
{
    return server->drilling.node[0] != '\0' && strcmp(server->drilling.node, server->node) == 0;
}

static void take_away(struct server *server)
{
    const struct store_op op = {.kind = DRILLING_KIND, .key = key, .if_revision = STORE_ANY};
    server->drilling = (struct drilling){.node = ""};
    durable_note(server->durable, &op, 1, "the live drill is over");
}

void drilling_end(struct server *server)
{
    if (is_own(server)) {
        take_away(server);
    }
}

void drilling_clean(struct server *server)
{
    if (is_of_this_host(server) && !is_own(server)) {
        take_away(server);
    }
}
