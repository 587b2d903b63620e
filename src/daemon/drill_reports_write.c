/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reports on their way to the store, out of it, and read there. What a drill has found it has found, whether
 * or not it can be written. */
#include "config.h"

#include "daemon/drill_reports_inside.h"

#include "daemon/durable.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum { SURPLUS = 8 }; /* that go at once */

/* ---- writing ---- */

struct writing {
    struct store_job job; /* the first */
    struct store_op ops[3 * SURPLUS + 3];
    struct drill_reports *all;
    char *value, *text, *keys[SURPLUS + 1]; /* keys: it, and what goes */
    size_t key_count;
    bool is_deletion, is_observation;
    char actor[HEALTH_ACTOR_SIZE], peer[HEALTH_PEER_SIZE], reason[HEALTH_REASON_SIZE];
    void (*written)(void *argument, int error);
    void *argument;
};

static void add_op(struct writing *writing, const char *kind, const char *key, const char *value)
{
    writing->ops[writing->job.op_count++] =
        (struct store_op){.kind = kind, .key = key, .value = value, .if_revision = STORE_ANY};
}

static void add_deletion(struct writing *writing, char *key)
{
    writing->keys[writing->key_count++] = key;
    add_op(writing, DRILL_KIND, key, NULL);
    add_op(writing, DRILL_REPORT_KIND, key, NULL);
    add_op(writing, DRILL_OBSERVED_KIND, key, NULL);
}

static void forget(char **text)
{
    free(*text); /* whoever wants it reads it in the store */
    *text = NULL;
}

static void on_written(struct store_job *job)
{
    struct writing *writing = (struct writing *)job;
    struct kept_report *kept = drill_reports_find(writing->all, writing->keys[0]);
    if (kept != NULL && writing->is_deletion) {
        kept->is_going = false;
    }
    if (kept != NULL && job->error == 0 && writing->is_deletion) {
        drill_reports_drop(writing->all, kept);
    } else if (kept != NULL && writing->is_observation) {
        forget(&kept->observed); /* also where it could not be written: that is told */
    } else if (kept != NULL && job->error == 0) {
        forget(&kept->text);
    }
    if (writing->written != NULL) {
        writing->written(writing->argument, job->error);
    }
    for (size_t i = 0; i < writing->key_count; i++) {
        free(writing->keys[i]);
    }
    free(writing->value);
    free(writing->text);
    free(writing);
}

static struct writing *begin(struct drill_reports *all, const char *actor, const char *peer,
                             const char *reason)
{
    struct writing *writing = memory_alloc(sizeof *writing);
    writing->all = all;
    snprintf(writing->actor, sizeof writing->actor, "%s", actor);
    snprintf(writing->peer, sizeof writing->peer, "%s", peer);
    snprintf(writing->reason, sizeof writing->reason, "%s", reason);
    writing->job = (struct store_job){
        .cause = {.actor = writing->actor, .peer = writing->peer, .reason = writing->reason},
        .ops = writing->ops,
        .done = on_written};
    return writing;
}

void drill_reports_keep(struct drill_reports *all, const struct drill_fact *fact, char *text,
                        void (*written)(void *argument, int error), void *argument)
{
    const char *actor = fact->actor[0] != '\0' ? fact->actor : "steerd";
    bool has_store = durable_has_store(all->server->durable);
    struct writing *writing = has_store ? begin(all, actor, fact->peer, fact->reason) : NULL;
    if (writing != NULL) {
        writing->written = written;
        writing->argument = argument;
        writing->job.insists = true;
        writing->value = drill_fact_write(fact);
        writing->text = memory_copy_text(text);
        writing->keys[writing->key_count++] = memory_copy_text(fact->id);
        add_op(writing, DRILL_KIND, writing->keys[0], writing->value);
        if (text != NULL) {
            add_op(writing, DRILL_REPORT_KIND, writing->keys[0], writing->text);
        }
    }
    drill_reports_put(all, fact, text);
    for (char *id; (writing == NULL || writing->key_count <= SURPLUS) &&
                   (id = drill_reports_drop_surplus(all)) != NULL;) {
        if (writing != NULL) {
            add_deletion(writing, id);
        } else {
            free(id);
        }
    }
    if (writing != NULL) {
        durable_submit(all->server->durable, &writing->job);
    } else if (written != NULL) {
        written(argument, ERROR_UNSUPPORTED);
    }
    if (fact->schedule[0] != '\0' && all->kept != NULL) {
        all->kept(all->context, fact);
    }
}

/* ---- verbs ---- */

struct ordering {
    admin_report_done *done;
    void *argument;
};

static void on_ordered(void *argument, int error)
{
    struct ordering *ordering = argument;
    ordering->done(ordering->argument, &(struct admin_report_result){.error = error});
    free(ordering);
}

static void remove_report(void *context, const char *id, const struct admin_report_order *order,
                          admin_report_done *done, void *argument)
{
    const struct server *server = context;
    struct drill_reports *all = server->drill_reports;
    struct kept_report *kept = drill_reports_find(all, id);
    bool is_busy = kept != NULL && (kept->is_going || server->is_frozen);
    if (kept == NULL || is_busy) {
        done(argument, &(struct admin_report_result){.error = is_busy ? ERROR_BUSY : ERROR_NOT_FOUND});
        return;
    }
    if (!durable_has_store(server->durable)) {
        drill_reports_drop(all, kept);
        done(argument, &(struct admin_report_result){.error = 0});
        return;
    }
    struct ordering *ordering = memory_alloc(sizeof *ordering);
    *ordering = (struct ordering){.done = done, .argument = argument};
    struct writing *writing = begin(all, order->actor, order->peer, order->reason);
    writing->written = on_ordered;
    writing->argument = ordering;
    writing->is_deletion = true;
    kept->is_going = true;
    add_deletion(writing, memory_copy_text(id));
    durable_submit(server->durable, &writing->job);
}

static void observe(void *context, const char *id, const char *json, const struct admin_report_order *order,
                    admin_report_done *done, void *argument)
{
    const struct server *server = context;
    struct drill_reports *all = server->drill_reports;
    struct kept_report *kept = drill_reports_find(all, id);
    bool has_store = durable_has_store(server->durable);
    bool is_busy =
        kept != NULL && (kept->is_going || (has_store && kept->observed != NULL) || server->is_frozen);
    if (kept == NULL || is_busy) {
        done(argument, &(struct admin_report_result){.error = is_busy ? ERROR_BUSY : ERROR_NOT_FOUND});
        return;
    }
    free(kept->observed);
    kept->observed = memory_copy_text(json);
    if (!has_store) {
        done(argument, &(struct admin_report_result){.error = 0});
        return;
    }
    struct ordering *ordering = memory_alloc(sizeof *ordering);
    *ordering = (struct ordering){.done = done, .argument = argument};
    struct writing *writing = begin(all, order->actor, order->peer, order->reason);
    writing->written = on_ordered;
    writing->argument = ordering;
    writing->is_observation = true;
    writing->text = memory_copy_text(json);
    writing->keys[writing->key_count++] = memory_copy_text(id);
    add_op(writing, DRILL_OBSERVED_KIND, writing->keys[0], writing->text);
    durable_submit(server->durable, &writing->job);
}

struct found {
    struct arena *arena;
    const char *json;
};

static void on_found(void *context, const struct store_object *object)
{
    struct found *found = context;
    found->json = arena_copy_text(found->arena, object->value);
}

static int read_part(void *context, const char *id, enum admin_report_part part, struct arena *arena,
                     const char **json, const char **why)
{
    const struct reader *reader = context;
    const char *folder = durable_get_folder(reader->server->durable);
    struct found found = {.arena = arena};
    struct report *report = report_new();
    struct store_reader *store;
    int error = folder == NULL ? ERROR_NOT_FOUND : store_reader_open(folder, report, &store);
    if (error == 0) {
        error = store_get(store, part == ADMIN_REPORT ? DRILL_REPORT_KIND : DRILL_OBSERVED_KIND, id, on_found,
                          &found);
        *why = error == 0 ? NULL : arena_copy_text(arena, store_reader_why(store));
        store_reader_close(store);
    } else {
        *why = report_count(report) == 0 ? error_text(error)
                                         : arena_copy_text(arena, report_get(report, 0)->message);
    }
    report_free(report);
    *json = found.json;
    return error;
}

void drill_reports_fill_kept(struct admin_report_verbs *verbs)
{
    verbs->list = drill_reports_list;
    verbs->remove = remove_report;
    verbs->observe = observe;
    verbs->read = read_part;
}
