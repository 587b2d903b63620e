/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The side that goes: see takeover.h. Everything is driven by what the new process says, by its end, and by a
 * timer that looks at the limits; no call here waits, but for a process that has been killed. */
#include "config.h"

#include "daemon/takeover.h"

#include "daemon/activated.h"
#include "daemon/archive.h"
#include "daemon/batch.h"
#include "daemon/bequest.h"
#include "daemon/channel.h"
#include "daemon/clustered.h"
#include "daemon/durable.h"
#include "daemon/handed.h"
#include "daemon/drill_reports.h"
#include "daemon/incidents.h"
#include "daemon/invitation.h"
#include "daemon/lanes.h"
#include "daemon/last.h"
#include "daemon/live_stops.h"
#include "daemon/orders.h"
#include "daemon/outbox.h"
#include "daemon/primaries.h"
#include "daemon/reload.h"
#include "daemon/restore.h"
#include "daemon/savepoints.h"
#include "daemon/revisions.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/spawn.h"
#include "daemon/successor.h"
#include "daemon/switchovers.h"
#include "daemon/tidings.h"
#include "daemon/vantages.h"
#include "daemon/withdrawal.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "serve/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

enum {
    TICK_US = 2000,
    HELLO_MS = 5000,    /* to say that it knows what is asked of it */
    LOAD_MS = 280000,   /* to load and to look at its endpoints; steerctl waits a little longer */
    CALM_MS = 5000,     /* for the disk to take what is under way: nothing is ordered meanwhile */
    STEP_MS = 30000,    /* for each step after that */
    END_MS = 1000,      /* to be gone, once it does not talk any more */
    DYING_MS = 10000,   /* likewise, once it has failed or was killed */
    DEAF_MS = 20,       /* what has passed the lookup of a socket that is given up is in its queue by then */
    DRAIN_MS = 2000,    /* to answer what is in such sockets */
    LEAVE_MS = 3600000, /* for transfers to their ends */
};

/* What is waited for. */
enum phase {
    HELLO,      /* the new process to say who it is */
    LOADING,    /* it to have loaded */
    RELOADING,  /* a reload here to end; from now on none begins */
    CALMING,    /* orders to be done with and durable, the state to be on disk */
    ENTERING,   /* it to answer queries, with the state that it was given */
    COMMITTING, /* it to say that it has everything */
    DYING,      /* its end */
    DRAINING,   /* queries in sockets that it did not take */
    LEAVING,    /* the last connections */
};

static const char *const waits[] = {[HELLO] = "to say who it is",
                                    [LOADING] = "to load",
                                    [RELOADING] = "to get its turn: a reload is running here",
                                    [CALMING] = "to get its turn: the state folder cannot be read or written",
                                    [ENTERING] = "to begin to answer",
                                    [COMMITTING] = "to take everything over"};

struct takeover {
    struct server *server;
    enum phase phase;
    struct successor successor;
    int fd;
    struct event *readable, *timer;
    struct outbox *outbox;
    int64_t begun_ms, until_ms, left_ms;
    struct serve_socket *sockets;
    size_t socket_count;
    bool *kept;
    bool adopted, is_killed;
    size_t overrides;
    json_t *owed; /* to the store, NULL: nothing */
    char *version, *why;
    struct report *report;
    void (*done)(void *argument, const struct admin_takeover_result *result);
    void *argument;
};

static int64_t now_ms(const struct takeover *takeover)
{
    return clock_now_ms(&takeover->server->clock);
}

static void enter(struct takeover *takeover, enum phase phase, int64_t limit_ms)
{
    takeover->phase = phase;
    takeover->until_ms = now_ms(takeover) + limit_ms;
}

/* ---- the end, for better or worse ---- */

static void free_takeover(struct takeover *takeover)
{
    struct event *events[] = {takeover->readable, takeover->timer};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (events[i] != NULL) {
            event_free(events[i]);
        }
    }
    outbox_close(takeover->outbox);
    successor_close(&takeover->successor);
    if (takeover->fd != -1) {
        (void)close(takeover->fd);
    }
    report_free(takeover->report);
    json_decref(takeover->owed);
    free(takeover->sockets);
    free(takeover->kept);
    free(takeover->version);
    free(takeover->why);
    free(takeover);
}

static void tell(struct takeover *takeover, int error)
{
    if (takeover->done != NULL) {
        takeover->done(takeover->argument,
                       &(struct admin_takeover_result){.error = error,
                                                       .pid = takeover->successor.pid,
                                                       .version = takeover->version,
                                                       .duration_ms = now_ms(takeover) - takeover->begun_ms,
                                                       .overrides = takeover->overrides,
                                                       .why = takeover->why,
                                                       .report = takeover->report});
        takeover->done = NULL;
    }
}

static void reattach(struct server *server)
{
    struct report *report = report_new();
    (void)durable_attach(server->durable, server->view->server->state_path, report);
    revisions_learn(server->revisions, server->view->server->state_path);
    clustered_begin(server->clustered, server->view->server->state_path);
    server_log_report(report);
    report_free(report);
}

/* Everything is as it was before. */
static void go_on(struct takeover *takeover)
{
    struct server *server = takeover->server;
    log_error("takeover failed pid=%ld duration_ms=%lld why=\"%s\"", (long)takeover->successor.pid,
              (long long)(now_ms(takeover) - takeover->begun_ms), takeover->why);
    if (takeover->report != NULL) {
        server_log_report(takeover->report);
    }
    if (server->is_frozen) {
        server->is_frozen = false;
        last_pause(server->last, false);
        tidings_freeze(server, false);
        archive_pause(server->archive, false);
        primaries_take_back(server->primaries);
        if (!durable_has_store(server->durable)) {
            reattach(server);
        }
        handed_keep(server, takeover->owed, "no takeover");
        if (server->admin != NULL) {
            admin_resume(server->admin);
        }
    }
    server->takeover = NULL;
    spawn_tell_supervisor("READY=1\nSTATUS=takeover failed: %.180s", takeover->why);
    tell(takeover, ERROR_LIBRARY);
    free_takeover(takeover);
    if (server->reload_again && server->reload == NULL) {
        server->reload_again = false;
        server_reload_soon(server, false);
    }
}

static void set_why(struct takeover *takeover, char *why)
{
    if (takeover->why == NULL) {
        takeover->why = why;
    } else {
        free(why);
    }
}

/* Its end comes as the end of the channel. */
static void fail(struct takeover *takeover, char *why)
{
    set_why(takeover, why);
    takeover->is_killed = true;
    successor_signal(&takeover->successor, SIGKILL);
    enter(takeover, DYING, DYING_MS);
}

/* How it ended, if nobody has said so. */
static char *describe_end(const struct takeover *takeover)
{
    static const char *const while_[] = {
        [HELLO] = "before it said who it is", [LOADING] = "while it loaded",
        [RELOADING] = "before its turn",      [CALMING] = "before its turn",
        [ENTERING] = "before it answered",    [COMMITTING] = "before it had taken everything over"};
    const char *when = takeover->phase < DYING ? while_[takeover->phase] : "";
    char *how = successor_describe(&takeover->successor);
    char *why = memory_print("the new process ended%s %s: its log says why", how, when);
    free(how);
    return why;
}

/* It has closed the channel, and with it most likely ended. Returns whether it is gone. */
static bool bury(struct takeover *takeover)
{
    bool has_ended = successor_has_ended(&takeover->successor);
    if (has_ended && takeover->why == NULL) {
        takeover->why = describe_end(takeover);
    }
    return has_ended;
}

/* ---- what is sent ---- */

static void on_unsent(void *context, int error)
{
    struct takeover *takeover = context;
    if (takeover->phase < DYING) {
        fail(takeover, memory_print("the new process cannot be talked to: %s", error_text(error)));
    }
}

/* ---- what comes ---- */

static void on_hello(struct takeover *takeover, const json_t *body)
{
    json_int_t version = json_integer_value(json_object_get(body, "channel"));
    const char *name = json_string_value(json_object_get(body, "version"));
    if (version != CHANNEL_VERSION) {
        fail(takeover,
             memory_print(
                 "the new process speaks version %lld of the takeover, expected %d: stop this one and "
                 "start the other",
                 (long long)version, CHANNEL_VERSION));
        return;
    }
    takeover->version = memory_copy_text(name == NULL ? "?" : name);
    bequest_send_files(takeover->outbox, takeover->server);
    bequest_send_sockets(takeover->outbox, takeover->sockets, takeover->socket_count);
    outbox_send(takeover->outbox, bequest_say("begin"), NULL, 0);
    enter(takeover, LOADING, LOAD_MS);
}

static void read_item(struct report *report, const json_t *item)
{
    const char *message = json_string_value(json_object_get(item, "message"));
    json_int_t line = json_integer_value(json_object_get(item, "line"));
    json_int_t column = json_integer_value(json_object_get(item, "column"));
    const struct report_place place = {.file = json_string_value(json_object_get(item, "file")),
                                       .path = json_string_value(json_object_get(item, "path")),
                                       .line = (unsigned)line,
                                       .column = (unsigned)column};
    report_add(report, json_is_true(json_object_get(item, "warning")) ? REPORT_WARNING : REPORT_ERROR, &place,
               "%s", message ? message : "?");
}

/* Its last words; they may come in several messages. */
static void on_failed(struct takeover *takeover, const json_t *body)
{
    const char *why = json_string_value(json_object_get(body, "why"));
    size_t i;
    const json_t *item;
    if (takeover->report == NULL) {
        takeover->report = report_new();
    }
    json_array_foreach(json_object_get(body, "errors"), i, item)
    {
        read_item(takeover->report, item);
    }
    if (why != NULL) {
        set_why(takeover, memory_copy_text(why));
        enter(takeover, DYING, DYING_MS);
    }
}

static void on_answering(struct takeover *takeover, const json_t *body)
{
    size_t i;
    const json_t *number;
    takeover->adopted = json_is_true(json_object_get(body, "admin"));
    json_array_foreach(json_object_get(body, "kept"), i, number)
    {
        json_int_t at = json_integer_value(number);
        if (at >= 0 && (size_t)at < takeover->socket_count) {
            takeover->kept[at] = true;
        }
    }
    takeover->overrides = (size_t)json_integer_value(json_object_get(body, "overrides"));
    outbox_send(takeover->outbox, bequest_say("commit"), NULL, 0);
    enter(takeover, COMMITTING, STEP_MS);
}

/* The other one has everything: nothing of this one is needed any more, but by those who are connected. */
static void on_committed(struct takeover *takeover)
{
    struct server *server = takeover->server;
    log_info("takeover done pid=%ld version=%s duration_ms=%lld overrides=%zu", (long)takeover->successor.pid,
             takeover->version, (long long)(now_ms(takeover) - takeover->begun_ms), takeover->overrides);
    if (server->reload_again) {
        successor_signal(&takeover->successor, SIGHUP);
    }
    activated_hand(server->activated, takeover->successor.pid);
    serve_leave(server->serve, takeover->kept);
    outbox_send(takeover->outbox, bequest_say("left"), NULL, 0);
    tell(takeover, 0);
    if (server->admin != NULL) {
        admin_leave(server->admin, takeover->adopted);
    }
    folders_leave(&server->folders); /* another start must not find them locked, should the new process die */
    takeover->left_ms = now_ms(takeover);
    vantages_leave(server->vantages);
    tidings_leave(server);
    enter(takeover, DRAINING, DRAIN_MS);
}

static void hear(struct takeover *takeover, const struct channel_message *message)
{
    if (strcmp(message->say, "hello") == 0 && takeover->phase == HELLO) {
        on_hello(takeover, message->body);
    } else if (strcmp(message->say, "failed") == 0 && takeover->phase < DRAINING) {
        on_failed(takeover, message->body);
    } else if (strcmp(message->say, "loaded") == 0 && takeover->phase == LOADING) {
        enter(takeover, RELOADING, LOAD_MS);
    } else if (strcmp(message->say, "answering") == 0 && takeover->phase == ENTERING) {
        on_answering(takeover, message->body);
    } else if (strcmp(message->say, "committed") == 0 && takeover->phase == COMMITTING) {
        on_committed(takeover);
    }
}

static void on_readable(int fd, short events, void *argument)
{
    struct takeover *takeover = argument;
    struct channel_message message;
    int error = channel_try_receive(fd, &message);
    (void)events;
    if (error == 0) {
        hear(takeover, &message);
        channel_free_message(&message);
    } else if (error == -ECONNRESET) {
        (void)event_del(takeover->readable);
        if (takeover->phase < DYING) {
            takeover->until_ms = now_ms(takeover) + END_MS; /* on_tick buries it, or kills it first */
        }
    } else if (error != -EAGAIN && takeover->phase < DYING) {
        fail(takeover, memory_print("the new process cannot be understood: %s", error_text(error)));
    }
}

/* ---- as time goes on ---- */

static bool has_orders(const struct server *server)
{
    struct worker_stats stats = {.running = NULL};
    bool is_owed;
    struct worker *lane = lanes_get(server->lanes, ADMIN_ORDERS);
    if (lane != NULL) {
        worker_get_stats(lane, &stats);
    }
    return stats.running != NULL || stats.waiting != 0 || orders_any(server->orders) ||
           batches_any(server->batches) || switchovers_any(server->switchovers) ||
           incidents_any(server->incidents) || drill_reports_any(server->drill_reports) ||
           live_stops_any(shadows_get_stops(server->shadows)) || restores_any(server->restores) ||
           savepoints_any(server->savepoints) || vantages_any(server->vantages) ||
           !withdrawal_is_calm(server->withdrawal) || !durable_is_calm(server->durable, &is_owed);
}

static void freeze(struct takeover *takeover)
{
    struct server *server = takeover->server;
    refusals_flush(server);
    server->is_frozen = true;
    shadows_end_all(server->shadows, "takeover");
    drill_reports_call_off(server->drill_reports);
    if (server->admin != NULL) {
        admin_pause(server->admin);
    }
    primaries_give(server->primaries);
    last_pause(server->last, true);
    tidings_freeze(server, true);
    archive_pause(server->archive, true);
    savepoints_call_off(server->savepoints);
    enter(takeover, CALMING, CALM_MS);
}

static void hand_over(struct takeover *takeover)
{
    if (bequest_send_state(takeover->outbox, takeover->server, &takeover->owed) != 0) {
        return; /* again in a moment, until it is too late */
    }
    clustered_stop(takeover->server->clustered, false); /* the new process is the node from now on */
    if (!durable_detach(takeover->server->durable)) {
        fail(takeover, memory_copy_text("the disk hangs"));
        return;
    }
    bequest_send_end(takeover->outbox, takeover->owed != NULL);
    enter(takeover, ENTERING, STEP_MS);
}

static void on_late(struct takeover *takeover)
{
    if (takeover->phase == DYING && takeover->is_killed) { /* the kernel holds it: it does nothing any more */
        set_why(takeover, memory_copy_text("the new process does not end"));
        log_error("takeover does not end pid=%ld", (long)takeover->successor.pid);
        go_on(takeover);
    } else if (takeover->phase == DYING || event_pending(takeover->readable, EV_READ, NULL) == 0) {
        fail(takeover, memory_copy_text("the new process does not talk any more"));
    } else {
        fail(takeover, memory_print("the new process took too long %s", waits[takeover->phase]));
    }
}

/* The new process is a child of this one yet: a supervisor does not hear of its end, and would wait as long
 * as there are connections here. So this one is the service again, and has failed. */
static void reap(struct takeover *takeover)
{
    struct successor *successor = &takeover->successor;
    if (successor->has_ended || !successor_has_ended(successor) || !spawn_has_supervisor()) {
        return;
    }
    log_error("takeover undone pid=%ld why=\"the new process has ended while this one had connections\" "
              "effect=\"this one ends, so that the supervisor starts another one\"",
              (long)successor->pid);
    spawn_tell_supervisor("MAINPID=%ld", (long)getpid());
    takeover->server->start_error = ERROR_LIBRARY;
    (void)event_del(takeover->timer);
    (void)event_base_loopbreak(takeover->server->base);
}

static void leave(struct takeover *takeover)
{
    struct server *server = takeover->server;
    struct serve_tcp_stats stats;
    bool is_late = now_ms(takeover) >= takeover->until_ms;
    if (takeover->phase == DRAINING) {
        bool is_drained = now_ms(takeover) >= takeover->left_ms + DEAF_MS && serve_is_drained(server->serve);
        if (is_drained || is_late) {
            serve_end_udp(server->serve);
            enter(takeover, LEAVING, LEAVE_MS);
        }
        return;
    }
    serve_get_tcp_stats(server->serve, &stats);
    bool is_quiet = stats.clients == 0 && (server->admin == NULL || admin_is_idle(server->admin)) &&
                    tidings_are_idle(server);
    if (is_quiet || is_late) {
        log_info("leaving connections=%u", (unsigned)stats.clients);
        (void)event_del(takeover->timer);
        (void)event_base_loopbreak(server->base);
    }
}

static void on_tick(int fd, short events, void *argument)
{
    struct takeover *takeover = argument;
    const struct server *server = takeover->server;
    (void)fd, (void)events;
    if (takeover->phase >= DRAINING) {
        reap(takeover);
        leave(takeover);
    } else if (event_pending(takeover->readable, EV_READ, NULL) == 0 && bury(takeover)) {
        go_on(takeover);
    } else if (now_ms(takeover) >= takeover->until_ms) {
        on_late(takeover);
    } else if (takeover->phase == RELOADING && server->reload == NULL) {
        freeze(takeover);
    } else if (takeover->phase == CALMING && !has_orders(server) && primaries_are_given(server->primaries) &&
               last_is_paused(server->last) && archive_is_paused(server->archive) &&
               tidings_are_calm(server)) {
        hand_over(takeover);
    }
}

bool takeover_has_left(const struct server *server)
{
    return server->takeover != NULL && server->takeover->phase >= DRAINING;
}

bool takeover_pass_hangup(const struct server *server)
{
    if (!takeover_has_left(server)) {
        return false;
    }
    successor_signal(&server->takeover->successor, SIGHUP);
    return true;
}

/* ---- the beginning ---- */

static int watch(struct takeover *takeover)
{
    struct event_base *base = takeover->server->base;
    const struct timeval tick = {.tv_usec = TICK_US};
    takeover->readable = event_new(base, takeover->fd, EV_READ | EV_PERSIST, on_readable, takeover);
    takeover->outbox = outbox_open(base, takeover->fd, on_unsent, takeover);
    takeover->timer = event_new(base, -1, EV_PERSIST, on_tick, takeover);
    bool good = takeover->readable != NULL && takeover->outbox != NULL && takeover->timer != NULL;
    good = good && event_add(takeover->readable, NULL) == 0 && event_add(takeover->timer, &tick) == 0;
    return good ? 0 : -ENOMEM;
}

/* Somebody else has started it, and it waits to be met. */
static int meet(struct takeover *takeover)
{
    char *path = invitation_write_path(takeover->server->view->server->admin_socket);
    int error = successor_meet(&takeover->successor, path, &takeover->fd);
    free(path);
    return error;
}

static int start_program(struct takeover *takeover)
{
    int ends[2], error = channel_open(ends);
    if (error == 0) {
        takeover->fd = ends[0];
        error = successor_start(&takeover->successor, takeover->server->argv, ends[1]);
        (void)close(ends[1]);
    }
    return error;
}

static int find_obstacle(const struct server *server, bool is_invited)
{
    return server->takeover != NULL                          ? ERROR_CONFLICT
           : server->opening != NULL || server->heir != NULL ? ERROR_BUSY
           : !is_invited && spawn_is_watched()               ? ERROR_UNSUPPORTED
                                                             : 0;
}

int takeover_start(struct server *server, bool is_invited,
                   void (*done)(void *argument, const struct admin_takeover_result *result), void *argument)
{
    int error = find_obstacle(server, is_invited);
    if (error != 0) {
        return error;
    }
    struct takeover *takeover = memory_alloc(sizeof *takeover);
    *takeover = (struct takeover){
        .server = server, .fd = -1, .successor = {.fd = -1, .has_ended = true}, .argument = argument};
    takeover->begun_ms = now_ms(takeover);
    takeover->sockets = serve_list_sockets(server->serve, &takeover->socket_count);
    takeover->kept = memory_alloc_array(takeover->socket_count, sizeof *takeover->kept);
    enter(takeover, HELLO, HELLO_MS);
    error = is_invited ? meet(takeover) : start_program(takeover);
    if (error == 0 && (error = watch(takeover)) != 0) {
        successor_end(&takeover->successor);
    }
    if (error != 0) {
        log_error("takeover failed program=%s why=\"it cannot be %s: %s\"",
                  is_invited ? "?" : server->argv[0], is_invited ? "met" : "started", error_text(error));
        free_takeover(takeover);
        return error;
    }
    takeover->done = done;
    server->takeover = takeover;
    spawn_tell_supervisor("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_now_us(&server->clock));
    log_info("takeover begins program=%s pid=%ld", is_invited ? "?" : server->argv[0],
             (long)takeover->successor.pid);
    return 0;
}

void takeover_close(struct takeover *takeover)
{
    if (takeover == NULL) {
        return;
    }
    if (takeover->phase < DRAINING) {
        set_why(takeover, memory_copy_text("the server ends"));
        successor_end(&takeover->successor);
        tell(takeover, ERROR_CANCELLED);
    }
    free_takeover(takeover);
}
