/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tidings.h. */
#include "config.h"

#include "daemon/tidings.h"

#include "daemon/changes.h"
#include "daemon/metrics_kept.h"
#include "daemon/server.h"
#include "daemon/withdrawal.h"
#include "admin/feed.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "events/bell.h"
#include "herald/herald.h"
#include "herald/hooks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct tidings {
    struct bell herald_bell, hooks_bell;
    char *post, *exec; /* the programs */
};

int tidings_open(struct server *server)
{
    struct tidings *tidings = memory_alloc(sizeof *tidings);
    server->tidings = tidings;
    tidings->post = program_find_part("steerd-post");
    tidings->exec = program_find_part("steerd-exec");
    int error = bell_init(&tidings->herald_bell);
    int other = bell_init(&tidings->hooks_bell);
    changes_add_bell(server->changes, &tidings->herald_bell);
    changes_add_bell(server->changes, &tidings->hooks_bell);
    return error == 0 ? other : error;
}

/* A file that cannot be read was put there by somebody, or is torn: what it may have held is told of. */
static void keep(struct server *server)
{
    const char *folder = server->view->server->state_path;
    char *path = folder == NULL ? NULL : memory_print("%s/webhooks", folder);
    int error = herald_keep(server->herald, path);
    if (error != 0) {
        log_error("webhooks not read path=%s error=\"%s\" effect=\"what waited for them is not known\"", path,
                  error_text(error));
    }
    free(path);
}

int tidings_begin(struct server *server)
{
    struct stream *stream = changes_get_stream(server->changes);
    struct tidings *tidings = server->tidings;
    server->herald = herald_open(&(struct herald_options){
        .base = server->base, .stream = stream, .bell = &tidings->herald_bell, .program = tidings->post});
    server->hooks = hooks_open(&(struct hooks_options){
        .base = server->base, .stream = stream, .bell = &tidings->hooks_bell, .program = tidings->exec});
    if (server->herald == NULL || server->hooks == NULL) {
        return -ENOMEM;
    }
    server->feed->herald = server->herald;
    server->feed->hooks = server->hooks;
    if (server->works_elsewhere) { /* until it is known that it is here, or that there is no etcd */
        herald_set_part(server->herald, HERALD_HOLDS, NULL);
    }
    keep(server);
    tidings_follow(server);
    return 0;
}

void tidings_follow(struct server *server)
{
    const struct conf_server *conf = server->view->server;
    if (server->herald != NULL && server->hooks != NULL) {
        herald_follow(server->herald, conf->webhooks, conf->webhook_count);
        hooks_follow(server->hooks, conf->hooks, conf->hook_count);
    }
}

/* ---- a takeover ---- */

void tidings_freeze(struct server *server, bool is_frozen)
{
    if (server->herald != NULL) {
        herald_freeze(server->herald, is_frozen);
    }
}

bool tidings_are_calm(const struct server *server)
{
    return server->herald == NULL || herald_is_calm(server->herald);
}

void tidings_leave(struct server *server)
{
    if (server->hooks != NULL) {
        hooks_leave(server->hooks);
    }
}

bool tidings_are_idle(const struct server *server)
{
    return server->hooks == NULL || hooks_are_idle(server->hooks);
}

/* ---- the end ---- */

void tidings_stop(struct server *server)
{
    withdrawal_stop(server->withdrawal); /* its command is run by hooks */
    herald_close(server->herald);
    hooks_close(server->hooks);
    server->herald = NULL;
    server->hooks = NULL;
    refusals_end(server); /* nobody is refused any more, and the store is there yet */
}

void tidings_close(struct server *server)
{
    struct tidings *tidings = server->tidings;
    if (tidings != NULL) {
        bell_fini(&tidings->herald_bell);
        bell_fini(&tidings->hooks_bell);
        free(tidings->post);
        free(tidings->exec);
        free(tidings);
    }
}

/* ---- metrics ---- */

static uint64_t get_waiting(const struct webhook *webhook)
{
    return webhook->queue.count;
}

static uint64_t get_dead(const struct webhook *webhook)
{
    return webhook->dead.count;
}

static uint64_t get_failing(const struct webhook *webhook)
{
    return webhook->is_failing;
}

static uint64_t get_delivered(const struct webhook *webhook)
{
    return webhook->delivered;
}

static uint64_t get_attempts(const struct webhook *webhook)
{
    return webhook->attempts;
}

static uint64_t get_failed(const struct webhook *webhook)
{
    return webhook->failed;
}

static uint64_t get_given_up(const struct webhook *webhook)
{
    return webhook->given_up;
}

static uint64_t get_lost(const struct webhook *webhook)
{
    return webhook->lost;
}

static void print_webhooks(const struct herald *herald, struct buffer *out)
{
    static const struct {
        const char *name, *type, *help;
        uint64_t (*get)(const struct webhook *webhook);
    } rows[] = {
        {"steerd_webhook_waiting", "gauge", "Events that the receiver of a webhook has not taken yet.",
         get_waiting},
        {"steerd_webhook_dead", "gauge", "Events that were given up and can be tried again (steerctl retry).",
         get_dead},
        {"steerd_webhook_failing", "gauge", "1 if the latest three attempts failed, or events were given up.",
         get_failing},
        {"steerd_webhook_delivered_total", "counter", "Events that a receiver has taken.", get_delivered},
        {"steerd_webhook_attempts_total", "counter", "Requests to a receiver.", get_attempts},
        {"steerd_webhook_failures_total", "counter", "Requests to a receiver that failed.", get_failed},
        {"steerd_webhook_given_up_total", "counter",
         "Events that a receiver was not told of, after many attempts.", get_given_up},
        {"steerd_webhook_lost_total", "counter", "Events that came when too many waited for a receiver.",
         get_lost},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_head(out, rows[i].name, rows[i].type, rows[i].help);
        for (size_t j = 0; j < herald_count(herald); j++) {
            const struct webhook *webhook = herald_get(herald, j);
            buffer_print(out, "%s{webhook=\"%s\"} %" PRIu64 "\n", rows[i].name, webhook->conf.name,
                         rows[i].get(webhook));
        }
    }
    print_head(out, "steerd_webhooks_kept", "gauge",
               "0 if what waits cannot be written to the state folder.");
    buffer_print(out, "steerd_webhooks_kept %d\n", herald_error(herald) == 0);
}

static void print_hooks(const struct hooks *hooks, struct buffer *out)
{
    struct hooks_status status;
    size_t count = hooks_count(hooks);
    print_head(out, "steerd_hook_runs_total", "counter", "Runs of hooks, by how they ended.");
    for (size_t i = 0; i < count; i++) {
        hooks_get(hooks, i, &status);
        for (int outcome = 0; outcome < HOOKS_OUTCOMES; outcome++) {
            buffer_print(out, "steerd_hook_runs_total{hook=\"%s\",outcome=\"%s\"} %" PRIu64 "\n",
                         status.conf->name, hooks_outcome_text((enum hooks_outcome)outcome),
                         status.outcomes[outcome]);
        }
    }
    print_head(out, "steerd_hook_running", "gauge", "Runs of hooks that are under way.");
    for (size_t i = 0; i < count; i++) {
        hooks_get(hooks, i, &status);
        buffer_print(out, "steerd_hook_running{hook=\"%s\"} %zu\n", status.conf->name, status.running);
    }
    print_head(out, "steerd_hook_waiting", "gauge", "Events that wait for a run of a hook.");
    for (size_t i = 0; i < count; i++) {
        hooks_get(hooks, i, &status);
        buffer_print(out, "steerd_hook_waiting{hook=\"%s\"} %zu\n", status.conf->name, status.waiting);
    }
    print_head(out, "steerd_hook_dropped_total", "counter",
               "Events for which a hook did not run: too many waited.");
    for (size_t i = 0; i < count; i++) {
        hooks_get(hooks, i, &status);
        buffer_print(out, "steerd_hook_dropped_total{hook=\"%s\"} %" PRIu64 "\n", status.conf->name,
                     status.dropped);
    }
}

char *tidings_write_metrics(const struct server *server)
{
    struct buffer out;
    buffer_init(&out);
    if (server->herald != NULL && herald_count(server->herald) != 0) {
        print_webhooks(server->herald, &out);
    }
    if (server->hooks != NULL && hooks_count(server->hooks) != 0) {
        print_hooks(server->hooks, &out);
    }
    return out.bytes;
}
