/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See refusals.h. Twenty at once and one per second are told, of strangers and of others each, so that
 * whoever knocks all day long does not fill the log, nor push out of the stream of events what others need to
 * see. */
#include "config.h"

#include "daemon/refusals.h"

#include "daemon/changes.h"
#include "daemon/durable.h"
#include "daemon/server.h"
#include "daemon/stored.h"
#include "base/memory.h"
#include "health/health.h"
#include "store/store.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_MAX = 20, REFILL_MS = 1000 };

static int class_of(enum admin_refusal_cause cause)
{
    bool is_known =
        cause == ADMIN_REFUSED_ROLE || cause == ADMIN_REFUSED_SCOPE || cause == ADMIN_REFUSED_RULES;
    return is_known ? REFUSALS_OF_KNOWN : REFUSALS_OF_STRANGERS;
}

static bool may_tell(struct refusals_told *refusals, int64_t now_ms)
{
    int64_t due = refusals->filled_ms == 0 ? TOKENS_MAX : (now_ms - refusals->filled_ms) / REFILL_MS;
    if (due > 0) {
        bool is_full = due >= (int64_t)(TOKENS_MAX - refusals->tokens);
        refusals->tokens = is_full ? TOKENS_MAX : refusals->tokens + (unsigned)due;
        refusals->filled_ms = now_ms;
    }
    if (refusals->tokens == 0) {
        return false;
    }
    refusals->tokens--;
    return true;
}

/* ---- the journal ---- */

enum { PEERS = 16, ROWS = REFUSAL_CLASSES * PEERS + ADMIN_REFUSAL_CAUSES, MINUTE_S = 60, WHY_SIZE = 160 };

static const char others[] = "others";

struct row {
    enum admin_refusal_cause cause;
    char peer[HEALTH_PEER_SIZE];
    uint64_t count;
    int64_t since_ms, until_ms;      /* wall */
    char request[96], why[WHY_SIZE]; /* the latest */
};

struct refusal_minute {
    struct server *server;
    struct event *timer; /* its end */
    struct row rows[ROWS];
    size_t count;
};

static char *write_json(const struct row *row)
{
    json_t *object = json_object();
    stored_set_text(object, "cause", admin_refusal_text(row->cause));
    stored_set_text(object, "peer", row->peer);
    stored_set_number(object, "count", row->count);
    stored_set_time(object, "since", row->since_ms);
    stored_set_time(object, "until", row->until_ms);
    stored_set_text(object, "request", row->request);
    stored_set_text(object, "why", row->why);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

static void write_row(struct server *server, const struct row *row)
{
    char why[64], *value = write_json(row);
    const struct store_op op = {.kind = REFUSAL_KIND,
                                .key = admin_refusal_text(row->cause),
                                .value = value,
                                .if_revision = STORE_ANY};
    snprintf(why, sizeof why, "%llu refused", (unsigned long long)row->count);
    durable_note(server->durable, &op, 1, why);
    free(value);
}

void refusals_flush(struct server *server)
{
    struct refusal_minute *minute = server->refusals.minute;
    if (minute == NULL || server->is_frozen || server->durable == NULL) {
        return;
    }
    for (size_t i = 0; i < minute->count && durable_has_store(server->durable); i++) {
        write_row(server, &minute->rows[i]);
    }
    minute->count = 0;
    (void)event_del(minute->timer);
}

void refusals_end(struct server *server)
{
    refusals_flush(server);
    if (server->refusals.minute != NULL) {
        event_free(server->refusals.minute->timer);
        free(server->refusals.minute);
        server->refusals.minute = NULL;
    }
}

static void begin_minute(struct refusal_minute *minute)
{
    (void)event_add(minute->timer, &(struct timeval){.tv_sec = MINUTE_S});
}

static void on_minute(evutil_socket_t fd, short what, void *context)
{
    struct refusal_minute *minute = context;
    (void)fd, (void)what;
    refusals_flush(minute->server);
    if (minute->count != 0) { /* another process may go on, or not */
        begin_minute(minute);
    }
}

/* NULL: no memory for the timer. */
static struct refusal_minute *get_minute(struct server *server)
{
    struct refusal_minute *minute = server->refusals.minute;
    if (minute == NULL) {
        minute = memory_alloc(sizeof *minute);
        minute->server = server;
        minute->timer = evtimer_new(server->base, on_minute, minute);
        if (minute->timer == NULL) {
            free(minute);
            return NULL;
        }
        server->refusals.minute = minute;
    }
    return minute;
}

static struct row *find_row(struct refusal_minute *minute, enum admin_refusal_cause cause, const char *peer)
{
    for (size_t i = 0; i < minute->count; i++) {
        if (minute->rows[i].cause == cause && strcmp(minute->rows[i].peer, peer) == 0) {
            return &minute->rows[i];
        }
    }
    return NULL;
}

/* Of this peer, or of all those for whom there is no room. */
static struct row *take_row(struct refusal_minute *minute, enum admin_refusal_cause cause, const char *peer)
{
    struct row *row = find_row(minute, cause, peer);
    size_t peers = 0;
    for (size_t i = 0; i < minute->count; i++) {
        peers +=
            class_of(minute->rows[i].cause) == class_of(cause) && strcmp(minute->rows[i].peer, others) != 0;
    }
    if (row == NULL && peers == PEERS) {
        peer = others;
        row = find_row(minute, cause, peer);
    }
    if (row == NULL) {
        row = &minute->rows[minute->count++];
        *row = (struct row){.cause = cause};
        snprintf(row->peer, sizeof row->peer, "%s", peer);
    }
    return row;
}

static void keep(struct server *server, const struct admin_refusal *refusal)
{
    struct refusal_minute *minute = get_minute(server);
    if (minute == NULL || !durable_has_store(server->durable)) {
        return;
    }
    if (minute->count == 0) {
        begin_minute(minute);
    }
    struct row *row = take_row(minute, refusal->cause, refusal->peer == NULL ? "?" : refusal->peer);
    row->until_ms = clock_wall_ms(&server->clock);
    row->since_ms = row->count == 0 ? row->until_ms : row->since_ms;
    row->count++;
    snprintf(row->request, sizeof row->request, "%.15s %.72s", refusal->method, refusal->resource);
    snprintf(row->why, sizeof row->why, "%s", refusal->why == NULL ? "" : refusal->why);
}

/* ---- events ---- */

void server_note_refusal(void *context, const struct admin_refusal *refusal)
{
    struct server *server = context;
    struct refusals *refusals = &server->refusals;
    keep(server, refusal);
    (void)atomic_fetch_add_explicit(&refusals->counts[refusal->cause], 1, memory_order_relaxed);
    struct refusals_told *told = &refusals->told[class_of(refusal->cause)];
    if (!may_tell(told, clock_now_ms(&server->clock))) {
        told->untold++;
        return;
    }
    changes_tell_access(server->changes, refusal, told->untold);
    told->untold = 0;
}

void refusals_write_metrics(const struct server *server, struct buffer *out)
{
    buffer_add_text(out,
                    "# HELP steerd_admin_refused_total Requests that the admin API has refused, by cause.\n"
                    "# TYPE steerd_admin_refused_total counter\n");
    for (int i = 0; i < ADMIN_REFUSAL_CAUSES; i++) {
        uint64_t count = atomic_load_explicit(&server->refusals.counts[i], memory_order_relaxed);
        buffer_print(out, "steerd_admin_refused_total{cause=\"%s\"} %llu\n",
                     admin_refusal_text((enum admin_refusal_cause)i), (unsigned long long)count);
    }
}
