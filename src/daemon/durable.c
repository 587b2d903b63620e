/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See durable.h. An object of the store is "override" / "region:us-east" → override_json.h. Everything that
 * is written here insists: what an operator ordered holds whether or not a disk does, and what has ended has
 * ended. */
#include "config.h"

#include "daemon/durable.h"

#include "daemon/override_json.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

enum { PATIENCE_MS = 500, ANCHOR_S = 5 };

static const char unread[] =
    "it could not be read at the start, so the overrides in it are not in force: restart "
    "steerd, and they are";

struct turn {
    enum health_kind kind;
    char *name;
    const char *text;
};

struct durable {
    struct server *server;
    char *folder;
    struct store *store; /* NULL: there is none */
    int fd;
    struct event *woken;
    struct durable_order *orders; /* on their way */
    struct turn *turns;           /* of the overrides that have started or ended */
    size_t turn_count, turn_capacity;
    bool is_failing;         /* and was said to be */
    bool is_unread;          /* since the start: what it holds is not in force */
    uint64_t anchored;       /* seq of the latest anchor in the log */
    struct event *anchor;    /* timer: the next one */
    struct store_stats last; /* of the store that was closed */
    atomic_size_t late;
};

/* ---- what is written without anybody's order ---- */

struct note {
    struct store_job job; /* the first, so that one is the other */
    struct arena *texts;
    struct store_op *ops;
};

static void on_noted(struct store_job *job)
{
    struct note *note = (struct note *)job;
    arena_free(note->texts);
    free(note);
}

static struct note *note_new(size_t ops, const char *reason)
{
    struct note *note = memory_alloc(sizeof *note);
    note->texts = arena_new(0);
    note->ops = arena_alloc(note->texts, ops * sizeof *note->ops);
    note->job =
        (struct store_job){.cause = {.actor = "steerd", .reason = arena_copy_text(note->texts, reason)},
                           .ops = note->ops,
                           .insists = true,
                           .done = on_noted};
    return note;
}

static void add_op(struct note *note, enum health_kind kind, const char *name,
                   const struct health_override *override, bool planned)
{
    char *json = override == NULL ? NULL : override_write_json(override, planned);
    note->ops[note->job.op_count++] =
        (struct store_op){.kind = "override",
                          .key = arena_print(note->texts, "%s:%s", health_kind_text(kind), name),
                          .value = arena_copy_text(note->texts, json),
                          .if_revision = STORE_ANY};
    free(json);
}

static void submit(struct durable *durable, struct note *note)
{
    if (durable->store == NULL || note->job.op_count == 0) {
        on_noted(&note->job);
    } else {
        store_submit(durable->store, &note->job);
    }
}

/* [lock] */
static void add_target(struct note *note, const struct health *health, enum health_kind kind,
                       const char *name)
{
    ptrdiff_t index = health_find(health, kind, name);
    struct health_status status = {.planned = false};
    if (index >= 0) {
        health_get_status(health, kind, (uint32_t)index, &status);
        add_op(note, kind, name, health_get_override(health, kind, (uint32_t)index), status.planned);
        return;
    }
    const struct health_dormant *dormant = health_find_dormant(health, kind, name);
    add_op(note, kind, name, dormant == NULL ? NULL : &dormant->what, dormant != NULL && dormant->planned);
}

void durable_keep(struct durable *durable, enum health_kind kind, const char *name, const char *why)
{
    struct server *server = durable->server;
    if (durable->store == NULL) {
        return;
    }
    struct note *note = note_new(1, why);
    lock_take(&server->lock);
    add_target(note, server->view->health, kind, name);
    lock_leave(&server->lock);
    submit(durable, note);
}

/* ---- turns ---- */

void durable_note_turn(void *context, const struct health_override_turn *turn)
{
    struct durable *durable = context;
    if (durable->store == NULL || turn->turn == HEALTH_TURN_DORMANT || turn->turn == HEALTH_TURN_WOKEN) {
        return;
    }
    durable->turns =
        memory_grow(durable->turns, durable->turn_count, &durable->turn_capacity, sizeof *durable->turns);
    durable->turns[durable->turn_count++] = (struct turn){
        .kind = turn->kind, .name = memory_copy_text(turn->name), .text = health_turn_text(turn->turn)};
}

/* Of those from `at` on what fits into one job: as many as a turn at the lock may have, of one reason.
 * Returns where the next one begins. */
static size_t keep_turns(struct durable *durable, size_t at)
{
    struct server *server = durable->server;
    const char *text = durable->turns[at].text;
    struct note *note = note_new(HEALTH_CLOCK_TURN, text);
    lock_take(&server->lock);
    for (; at < durable->turn_count && note->job.op_count < HEALTH_CLOCK_TURN; at++) {
        const struct turn *turn = &durable->turns[at];
        if (strcmp(turn->text, text) != 0) {
            break;
        }
        if (!durable_is_begun(durable, turn->kind, turn->name)) {
            add_target(note, server->view->health, turn->kind, turn->name);
        }
    }
    lock_leave(&server->lock);
    submit(durable, note);
    return at;
}

void durable_follow(struct durable *durable)
{
    for (size_t at = 0; at < durable->turn_count;) {
        at = keep_turns(durable, at);
    }
    for (size_t i = 0; i < durable->turn_count; i++) {
        free(durable->turns[i].name);
    }
    durable->turn_count = 0;
}

static bool has_duration(const struct health_override *override, bool planned)
{
    return (planned && override->starts_by_duration) ||
           (override->expires_ms != 0 && override->expires_by_duration);
}

/* [lock] Some objects from *at on; returns whether there are more. What an order is on its way for is not
 * told what was before it: that would come after the order, and be what a restart finds. */
static bool add_durations(const struct durable *durable, struct note *note, enum health_kind kind,
                          uint32_t *at)
{
    enum { TURN = 64 };
    const struct health *health = durable->server->view->health;
    uint32_t end = *at + TURN, count = (uint32_t)health_count(health, kind);
    for (; *at < count && *at < end && note->job.op_count < STORE_OPS_MAX; (*at)++) {
        const struct health_override *override = health_get_override(health, kind, *at);
        struct health_status status;
        if (override != NULL && health_get_status(health, kind, *at, &status) == 0 &&
            has_duration(override, status.planned) && !durable_is_begun(durable, kind, status.name)) {
            add_op(note, kind, status.name, override, status.planned);
        }
    }
    return *at < count;
}

void durable_keep_durations(struct durable *durable, int64_t by_ms)
{
    struct server *server = durable->server;
    if (durable->store == NULL) {
        return;
    }
    char *why = memory_print("the clock stepped by %lld ms", (long long)by_ms);
    struct note *note = note_new(STORE_OPS_MAX, why);
    lock_take(&server->lock);
    const struct health *health = server->view->health;
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (uint32_t at = 0; add_durations(durable, note, kind, &at);) {
            lock_pass(&server->lock);
            if (note->job.op_count == STORE_OPS_MAX) {
                submit(durable, note);
                note = note_new(STORE_OPS_MAX, why);
            }
        }
    }
    submit(durable, note);
    note = note_new(HEALTH_DORMANT_MAX, why);
    for (size_t i = 0; i < health_count_dormant(health); i++) {
        const struct health_dormant *dormant = health_get_dormant(health, i);
        if (has_duration(&dormant->what, dormant->planned) &&
            !durable_is_begun(durable, dormant->kind, dormant->name)) {
            add_op(note, dormant->kind, dormant->name, &dormant->what, dormant->planned);
        }
    }
    lock_leave(&server->lock);
    submit(durable, note);
    free(why);
}

/* ---- orders ---- */

void durable_begin(struct durable *durable, struct durable_order *order)
{
    order->next = durable->orders;
    durable->orders = order;
}

void durable_end(struct durable *durable, struct durable_order *order)
{
    struct durable_order **at = &durable->orders;
    while (*at != order) {
        at = &(*at)->next;
    }
    *at = order->next;
}

bool durable_is_begun(const struct durable *durable, enum health_kind kind, const char *name)
{
    for (const struct durable_order *order = durable->orders; order != NULL; order = order->next) {
        if (order->kind == kind && strcmp(order->name, name) == 0) {
            return true;
        }
    }
    return false;
}

void durable_note_late(struct durable *durable, int by)
{
    atomic_fetch_add_explicit(&durable->late, (size_t)by, memory_order_relaxed);
}

bool durable_has_store(const struct durable *durable)
{
    return durable->store != NULL;
}

void durable_submit(struct durable *durable, struct store_job *job)
{
    store_submit(durable->store, job);
}

/* ---- start ---- */

struct restoring {
    struct durable *durable;
    struct health *health;
    struct report *report;
    int64_t wall_ms;
    size_t in_force, dormant, ended, unread;
};

static bool parse_key(const char *key, enum health_kind *kind, const char **name)
{
    const char *colon = strchr(key, ':');
    char word[16];
    if (colon == NULL || (size_t)(colon - key) >= sizeof word) {
        return false;
    }
    memcpy(word, key, (size_t)(colon - key));
    word[colon - key] = '\0';
    *name = colon + 1;
    return health_parse_kind(word, kind) == 0;
}

static void complain(struct restoring *restoring, const struct store_object *object, const char *why)
{
    restoring->unread++;
    report_add(restoring->report, REPORT_WARNING, &(struct report_place){.file = restoring->durable->folder},
               "store: override/%s is not understood: %s; it is left there, and is not in force", object->key,
               why);
}

static bool restore(void *context, const struct store_object *object)
{
    struct restoring *restoring = context;
    struct health_override override;
    enum health_kind kind;
    const char *name, *why;
    bool planned;
    if (!parse_key(object->key, &kind, &name)) {
        complain(restoring, object, "expected a key \"region:NAME\", \"az:NAME\" or \"endpoint:NAME\"");
        return true;
    }
    if (override_read_json(object->value, &override, &planned, &why) != 0) {
        complain(restoring, object, why);
        return true;
    }
    struct lock *lock = &restoring->durable->server->lock;
    lock_take(lock);
    int error =
        health_restore_override(restoring->health, kind, name, &override, planned, restoring->wall_ms);
    lock_leave(lock);
    restoring->in_force += error == 0;
    restoring->dormant += error == ERROR_NOT_FOUND;
    if (error == ERROR_INVALID) {
        struct note *note = note_new(1, "expired while steerd was not running");
        add_op(note, kind, name, NULL, false);
        submit(restoring->durable, note);
        restoring->ended++;
    }
    return true;
}

void durable_restore(struct durable *durable, struct view *view, struct report *report)
{
    struct restoring restoring = {.durable = durable,
                                  .health = view->health,
                                  .report = report,
                                  .wall_ms = clock_wall_ms(&durable->server->clock)};
    struct store_reader *reader;
    if (durable->store == NULL || view->health == NULL) {
        return;
    }
    int error = store_reader_open(durable->folder, report, &reader);
    durable->is_unread = error != 0 && error != ERROR_NOT_FOUND;
    if (error != 0) {
        return;
    }
    error = store_list(reader, "override", "", NULL, restore, &restoring);
    store_reader_close(reader);
    if (error != 0) {
        durable->is_unread = true;
        report_add(report, REPORT_ERROR, &(struct report_place){.file = durable->folder},
                   "store: overrides cannot be read: %s", error_text(error));
    }
    if (restoring.in_force + restoring.dormant + restoring.ended + restoring.unread != 0) {
        log_info(
            "overrides restored in_force_or_planned=%zu dormant=%zu expired_meanwhile=%zu not_understood=%zu",
            restoring.in_force, restoring.dormant, restoring.ended, restoring.unread);
    }
}

/* ---- life ---- */

/* On the store's thread. */
static void wake(void *context)
{
    const struct durable *durable = context;
    uint64_t one = 1;
    ssize_t written = write(durable->fd, &one, sizeof one);
    (void)written;
}

/* ---- anchors: that the end of a journal was cut off shows in nothing but a hash that was noted elsewhere
 * ---- */

static void write_anchor(struct durable *durable, const struct store_stats *stats)
{
    char hash[2 * STORE_HASH_SIZE + 1];
    if (stats->seq == durable->anchored) {
        return;
    }
    for (size_t i = 0; i < STORE_HASH_SIZE; i++) {
        snprintf(hash + 2 * i, sizeof hash - 2 * i, "%02x", stats->hash[i]);
    }
    log_info("journal anchor seq=%llu hash=%s", (unsigned long long)stats->seq, hash);
    durable->anchored = stats->seq;
}

static void on_anchor(evutil_socket_t fd, short what, void *argument)
{
    struct durable *durable = argument;
    struct store_stats stats;
    (void)fd, (void)what;
    store_get_stats(durable->store, &stats);
    write_anchor(durable, &stats);
}

/* A moment after the first entry that has none: of many one is enough. */
static void plan_anchor(struct durable *durable, const struct store_stats *stats)
{
    const struct timeval after = {.tv_sec = ANCHOR_S};
    if (stats->seq != durable->anchored && event_pending(durable->anchor, EV_TIMEOUT, NULL) == 0) {
        (void)event_add(durable->anchor, &after);
    }
}

/* ---- */

/* Says when it begins to fail and when that is over. */
static void tell(struct durable *durable)
{
    struct store_stats stats;
    store_get_stats(durable->store, &stats);
    if (stats.error != 0 && !durable->is_failing) {
        log_error("store failing folder=%s error=\"%s\" effect=\"overrides hold at once, but a restart would "
                  "forget "
                  "what is ordered now; tried again every second\"",
                  durable->folder, stats.reason);
    } else if (stats.error == 0 && durable->is_failing && stats.owed == 0 && durable->is_unread) {
        log_error("store unread folder=%s reason=\"%s\"", durable->folder, unread);
    } else if (stats.error == 0 && durable->is_failing && stats.owed == 0) {
        log_info("store well folder=%s seq=%llu what=\"everything that holds is durable\"", durable->folder,
                 (unsigned long long)stats.seq);
    }
    durable->is_failing = stats.error != 0 || (durable->is_failing && stats.owed != 0);
    plan_anchor(durable, &stats);
}

static void on_wake(evutil_socket_t fd, short what, void *argument)
{
    struct durable *durable = argument;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)what, (void)got;
    if (durable->store != NULL) { /* else it was given away meanwhile */
        store_reap(durable->store);
        tell(durable);
    }
}

int durable_attach(struct durable *durable, const char *folder, struct report *report)
{
    if (folder == NULL) {
        return 0;
    }
    if (durable->folder == NULL) {
        durable->folder = memory_copy_text(folder);
    }
    if (durable->fd == -1) {
        durable->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    if (durable->fd == -1) {
        return -errno;
    }
    struct event_base *base = durable->server->base;
    if (durable->woken == NULL) {
        durable->woken = event_new(base, durable->fd, EV_READ | EV_PERSIST, on_wake, durable);
        durable->anchor = evtimer_new(base, on_anchor, durable);
    }
    if (durable->woken == NULL || durable->anchor == NULL || event_add(durable->woken, NULL) != 0) {
        return -ENOMEM;
    }
    int error = store_open(
        &(struct store_options){
            .folder = folder, .context = durable, .wake = wake, .may_fail = true, .last = &durable->last},
        report, &durable->store);
    if (error == 0) {
        on_anchor(-1, 0, durable);
    }
    return error;
}

bool durable_is_idle(const struct durable *durable)
{
    struct durable_status status;
    durable_get_status(durable, &status);
    return durable->store == NULL ||
           (status.stats.error == 0 && status.stats.owed == 0 && status.stats.waiting == 0);
}

bool durable_detach(struct durable *durable)
{
    struct store *store = durable->store;
    if (store == NULL) {
        return true;
    }
    bool has_ended = store_close(store, PATIENCE_MS);
    durable->store = NULL;
    (void)event_del(durable->anchor);
    if (has_ended) {
        write_anchor(durable, &durable->last);
    }
    return has_ended;
}

int durable_open(struct server *server, const char *folder, struct report *report, struct durable **to)
{
    struct durable *durable = memory_alloc(sizeof *durable);
    *durable = (struct durable){.server = server, .fd = -1};
    *to = durable;
    return durable_attach(durable, folder, report);
}

bool durable_close(struct durable *durable)
{
    if (durable == NULL) {
        return true;
    }
    bool has_ended = true;
    if (durable->store != NULL && !(has_ended = store_close(durable->store, PATIENCE_MS))) {
        log_error(
            "store not closed folder=%s effect=\"what was ordered last may not be durable: the disk hangs\"",
            durable->folder);
    }
    if (durable->store != NULL && has_ended) {
        write_anchor(durable, &durable->last);
    }
    for (size_t i = 0; i < durable->turn_count; i++) {
        free(durable->turns[i].name);
    }
    free(durable->turns);
    if (durable->anchor != NULL) {
        event_free(durable->anchor);
    }
    if (durable->woken != NULL) {
        event_free(durable->woken);
    }
    if (has_ended) { /* else its thread may wake us yet */
        if (durable->fd != -1) {
            close(durable->fd);
        }
        free(durable->folder);
        free(durable);
    }
    return has_ended;
}

/* ---- looking ---- */

const char *durable_get_folder(const struct durable *durable)
{
    return durable->folder;
}

void durable_get_status(const struct durable *durable, struct durable_status *status)
{
    *status = (struct durable_status){.state = "none"};
    if (durable->store != NULL) {
        struct store_stats *stats = &status->stats;
        size_t late = atomic_load_explicit(&durable->late, memory_order_relaxed);
        store_get_stats(durable->store, stats);
        stats->owed += late;
        if (stats->error == 0 && late != 0) {
            snprintf(stats->reason, sizeof stats->reason, "the disk does not answer in time");
        }
        if (stats->error == 0 && late == 0 && durable->is_unread) {
            snprintf(stats->reason, sizeof stats->reason, "%s", unread);
        }
        status->state = stats->error != 0 || stats->owed != 0 || durable->is_unread ? "failing" : "ok";
    }
}
