/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See durable.h. An object of the store is "override" / "region:us-east" → override_json.h. Everything that
 * is written here insists: what an operator ordered holds whether or not a disk does, and what has ended has
 * ended. */
#include "config.h"

#include "daemon/durable.h"

#include "daemon/anchors.h"
#include "daemon/durations.h"
#include "daemon/kinds.h"
#include "daemon/notes.h"
#include "daemon/override_json.h"
#include "daemon/overrides.h"
#include "daemon/regain.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sanitizer.h"
#include "past/objects.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

enum {
    PATIENCE_MS = 500 * SANITIZER_SLOWNESS, /* at the end */
    ORDER_US = 500000,                      /* of who ordered something, with the disk */
    EMERGENCY_US = 2000,                    /* and where it burns */
};

static const char slow[] = "the disk has not answered for half a second; it is written as soon as it does";
static const char slow_emergency[] =
    "an emergency waits 2 ms for the disk, which has not answered by then; it "
    "is written as soon as it does";
static const char unread[] =
    "it could not be read at the start; the overrides in it are in force as soon as it can be";

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
    struct durations *durations;
    uint64_t read_seq;     /* of what was read from a store that cannot be written yet; else 0 */
    bool is_failing;       /* and was said to be */
    uint64_t mended;       /* objects, and were said to be */
    atomic_bool is_unread; /* since the start: what it holds is not in force */
    struct durable_way way;
    struct regain *regain; /* tries to read it then; else NULL */
    struct anchors anchors;
    struct store_stats last; /* of the store that was closed */
    atomic_size_t late;
};

/* ---- what is written without anybody's order ---- */

static void submit(struct durable *durable, struct note *note)
{
    const struct override_clock clock = {durable->server->boot, durable->server->clock_offset_ms};
    note_submit(note, durable->store, &clock);
}

void durable_keep(struct durable *durable, enum health_kind kind, const char *name, const char *why)
{
    struct server *server = durable->server;
    if (durable->store == NULL) {
        return;
    }
    struct note *note = note_new(1, why);
    lock_take(&server->lock);
    note_add(note, server->view->health, kind, name);
    lock_leave(&server->lock);
    submit(durable, note);
    regain_note(durable->regain, kind, name);
}

void durable_forget(struct durable *durable, enum health_kind kind, const char *name, const char *why)
{
    struct note *note = note_new(1, why);
    note_add_one(note, kind, name, NULL, false);
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
    regain_note(durable->regain, turn->kind, turn->name);
}

/* Of those from `at` on what fits into one job: as many as a turn at the lock may have, of one reason.
 * Returns where the next one begins. */
static size_t keep_turns(struct durable *durable, size_t at)
{
    struct server *server = durable->server;
    const char *text = durable->turns[at].text;
    struct note *note = note_new(HEALTH_CLOCK_TURN, text);
    lock_take(&server->lock);
    for (; at < durable->turn_count && note_count(note) < HEALTH_CLOCK_TURN; at++) {
        const struct turn *turn = &durable->turns[at];
        if (strcmp(turn->text, text) != 0) {
            break;
        }
        if (!durable_is_begun(durable, turn->kind, turn->name)) {
            note_add(note, server->view->health, turn->kind, turn->name);
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

/* ---- what holds already ---- */

static bool is_ordered(void *context, enum health_kind kind, const char *name)
{
    return durable_is_begun(context, kind, name);
}

static void submit_kept(void *context, struct note *note)
{
    submit(context, note);
}

void durable_keep_durations(struct durable *durable, int64_t by_ms)
{
    if (durable->store != NULL) {
        durations_tell(durable->durations, by_ms);
    }
}

static void begin_reading(void *context, struct report *report, struct overrides_reading *reading);
static void end_regain(void *context);

/* An order that is on its way says what is right. */
static void remove_stale(void *context, enum health_kind kind, const char *name)
{
    if (!durable_is_begun(context, kind, name)) {
        durable_forget(context, kind, name, "it did not hold when this store took the place of another one");
    }
}

/* The one that was read at the start could not be written; the one that can be now has less, so it was put in
 * its place: it is to hold what does, and nothing that had been removed by then. */
static void compare_stores(struct durable *durable, const struct store_stats *stats)
{
    uint64_t read_seq = durable->read_seq, seq = stats->seq - stats->entries;
    durable->read_seq = 0;
    if (seq >= read_seq) {
        return;
    }
    log_warning("store is another one folder=%s read_seq=%llu seq=%llu effect=\"overrides that hold are "
                "written to it, and others are removed from it\"",
                durable->folder, (unsigned long long)read_seq, (unsigned long long)seq);
    durations_tell_all(durable->durations);
    if (durable->regain == NULL) {
        durable->regain = regain_open(&(struct regain_options){.server = durable->server,
                                                               .folder = durable->folder,
                                                               .context = durable,
                                                               .begin = begin_reading,
                                                               .end = end_regain,
                                                               .remove = remove_stale});
        if (durable->regain != NULL) {
            regain_note_base(durable->regain, seq);
        }
    }
}

/* ---- orders ---- */

void durable_note_order(struct durable *durable, enum health_kind kind, const char *name)
{
    regain_note(durable->regain, kind, name);
}

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
    const struct durable_order *order = durable->orders;
    while (order != NULL && !order->covers(order, kind, name)) {
        order = order->next;
    }
    return order != NULL;
}

int64_t durable_patience_us(const struct durable *durable, bool is_emergency)
{
    const struct durable_way *way = &durable->way;
    int64_t more_us = way->find_patience_ms == NULL ? 0 : 1000 * (int64_t)way->find_patience_ms(way->context);
    return more_us + (is_emergency ? EMERGENCY_US : ORDER_US);
}

const char *durable_slow_text(bool is_emergency)
{
    return is_emergency ? slow_emergency : slow;
}

void durable_note_late(struct durable *durable, int by)
{
    atomic_fetch_add_explicit(&durable->late, (size_t)by, memory_order_relaxed);
}

void durable_tell_late(struct durable *durable, const struct store_job *job, int64_t since_us)
{
    if (job->error == 0 && job->op_count != 0) {
        log_info("order durable key=%s:%s seq=%llu after_ms=%lld", job->ops[0].kind, job->ops[0].key,
                 (unsigned long long)job->seq,
                 (long long)(clock_now_us(&durable->server->clock) - since_us) / 1000);
    }
}

bool durable_is_unread(const struct durable *durable)
{
    return atomic_load(&durable->is_unread);
}

bool durable_has_store(const struct durable *durable)
{
    return durable->store != NULL;
}

void durable_submit_here(struct durable *durable, struct store_job *job)
{
    store_submit(durable->store, job);
}

void durable_send(struct durable *durable, struct store_job *job, const struct durable_sender *sender)
{
    if (durable->way.submit == NULL) {
        durable_submit_here(durable, job);
    } else {
        durable->way.submit(durable->way.context, job, sender);
    }
}

uint64_t durable_see(const struct durable *durable)
{
    return durable->way.see == NULL ? 0 : durable->way.see(durable->way.context);
}

void durable_submit(struct durable *durable, struct store_job *job)
{
    durable_send(durable, job, &(struct durable_sender){.change = NULL});
}

void durable_set_way(struct durable *durable, const struct durable_way *way)
{
    static const struct durable_way none = {.context = NULL};
    durable->way = way == NULL ? none : *way;
}

struct store_watch *durable_watch(struct durable *durable, const struct store_watch_options *options)
{
    return durable->store == NULL ? NULL : store_watch(durable->store, options);
}

/* ---- start ---- */

static void note_ended(void *context, enum health_kind kind, const char *name)
{
    durable_forget(context, kind, name, "expired while steerd was not running");
}

static void begin_reading(void *context, struct report *report, struct overrides_reading *reading)
{
    struct durable *durable = context;
    *reading = (struct overrides_reading){.lock = &durable->server->lock,
                                          .wall_ms = clock_wall_ms(&durable->server->clock),
                                          .boot = durable->server->boot,
                                          .clock_offset_ms = &durable->server->clock_offset_ms,
                                          .folder = durable->folder,
                                          .report = report,
                                          .context = durable,
                                          .ended = note_ended};
}

static void tell(struct durable *durable);

/* Of what could not be read at the start all is in force by now. */
static void end_regain(void *context)
{
    struct durable *durable = context;
    regain_close(durable->regain);
    durable->regain = NULL;
    atomic_store(&durable->is_unread, false);
    durable->server->store_is_read(durable->server);
    if (durable->store != NULL) {
        tell(durable);
    }
}

struct putting {
    const struct kind *kind;
    struct overrides_reading *reading;
};

static bool put(void *context, const struct store_object *object)
{
    const struct putting *putting = context;
    putting->kind->put(putting->reading, object);
    return true;
}

/* Of all kinds that go into the health machine. */
static int put_all(const struct durable *durable, struct store_reader *reader,
                   struct overrides_reading *reading)
{
    int error = 0;
    for (int i = 0; error == 0 && i < STORE_KINDS; i++) {
        struct putting putting = {&durable->server->kinds[i], reading};
        if (putting.kind->put != NULL) {
            error = store_list(reader, store_kind_get((enum store_kind_id)i)->name, "", NULL, put, &putting);
        }
    }
    return error;
}

static int read_overrides(struct durable *durable, struct overrides_reading *reading)
{
    struct store_reader *reader;
    int error = store_reader_open(durable->folder, reading->report, &reader);
    if (error != 0) {
        return error;
    }
    struct objects_end end = {.seq = 0};
    error = put_all(durable, reader, reading);
    error = error == 0 ? objects_find_end(reader, &end) : error;
    durable->read_seq = end.seq;
    store_reader_close(reader);
    if (error != 0) {
        report_add(reading->report, REPORT_ERROR, &(struct report_place){.file = durable->folder},
                   "store: overrides cannot be read: %s", error_text(error));
    }
    return error;
}

/* That there is no store is known only once there is one that can be used. */
static bool is_missed(struct durable *durable, int error)
{
    struct store_stats stats;
    store_get_stats(durable->store, &stats);
    return error != 0 && (error != ERROR_NOT_FOUND || stats.error != 0);
}

void durable_restore(struct durable *durable, struct view *view, struct report *report)
{
    struct overrides_reading reading;
    if (durable->store == NULL || view->health == NULL) {
        return;
    }
    begin_reading(durable, report, &reading);
    reading.health = view->health;
    int error = read_overrides(durable, &reading);
    struct store_stats stats;
    store_get_stats(durable->store, &stats);
    durable->read_seq = stats.error == 0 ? 0 : durable->read_seq;
    overrides_tell(&reading, "restored");
    if (is_missed(durable, error)) {
        atomic_store(&durable->is_unread, true);
        durable->regain = regain_open(&(struct regain_options){.server = durable->server,
                                                               .folder = durable->folder,
                                                               .context = durable,
                                                               .begin = begin_reading,
                                                               .end = end_regain});
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

/* The report of the store's opening says what was found then. */
static void tell_mended(struct durable *durable, const struct store_stats *stats)
{
    if (stats->mended > durable->mended) {
        log_warning("store objects mended folder=%s count=%llu key=%s why=\"somebody changed the file; they "
                    "are again what the journal says; see who can write it\"",
                    durable->folder, (unsigned long long)(stats->mended - durable->mended),
                    stats->mended_last);
    }
    durable->mended = stats->mended;
}

/* Says when it begins to fail and when that is over. */
static void tell(struct durable *durable)
{
    struct store_stats stats;
    bool is_unread = atomic_load(&durable->is_unread);
    store_get_stats(durable->store, &stats);
    tell_mended(durable, &stats);
    bool is_all = stats.owed == 0 && stats.waiting == 0; /* what waits may hold already */
    if (stats.error == 0 && durable->regain != NULL) {
        regain_note_base(durable->regain, stats.seq - stats.entries);
    }
    if (stats.error == 0 && durable->read_seq != 0) {
        compare_stores(durable, &stats);
    }
    if (stats.error != 0 && !durable->is_failing) {
        log_error("store failing folder=%s error=\"%s\" effect=\"overrides hold at once, but a restart would "
                  "forget what is ordered now; tried again every second\"",
                  durable->folder, stats.reason);
    } else if (stats.error == 0 && durable->is_failing && is_all && !is_unread) {
        log_info("store well folder=%s seq=%llu what=\"everything that holds is durable\"", durable->folder,
                 (unsigned long long)stats.seq);
    }
    durable->is_failing = stats.error != 0 || (durable->is_failing && (!is_all || is_unread));
    anchors_plan(&durable->anchors, &stats);
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
        if (anchors_open(&durable->anchors, base, &durable->store) != 0) {
            return -ENOMEM;
        }
        durable->durations = durations_open(&(struct durations_options){
            .server = durable->server, .context = durable, .is_begun = is_ordered, .write = submit_kept});
    }
    if (durable->woken == NULL || durable->durations == NULL || event_add(durable->woken, NULL) != 0) {
        return -ENOMEM;
    }
    int error = store_open(
        &(struct store_options){
            .folder = folder, .context = durable, .wake = wake, .may_fail = true, .last = &durable->last},
        report, &durable->store);
    if (error == 0) {
        anchors_tell(&durable->anchors);
    }
    return error;
}

bool durable_is_calm(const struct durable *durable, bool *is_owed)
{
    struct durable_status status;
    durable_get_status(durable, &status);
    const struct store_stats *stats = &status.stats;
    *is_owed = durable->store != NULL && (stats->error != 0 || stats->owed != 0);
    return durable->store == NULL ||
           ((durable->way.is_calm == NULL || durable->way.is_calm(durable->way.context)) &&
            stats->waiting == 0 && (stats->owed == 0 || stats->error != 0) &&
            !durations_are_on(durable->durations) && !atomic_load(&durable->is_unread));
}

bool durable_detach(struct durable *durable)
{
    struct store *store = durable->store;
    if (store == NULL) {
        return true;
    }
    bool has_ended = store_close(store, PATIENCE_MS);
    durable->store = NULL;
    anchors_stop(&durable->anchors);
    if (has_ended) {
        anchors_tell_of(&durable->anchors, &durable->last);
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
    regain_close(durable->regain);
    durable->regain = NULL;
    durations_finish(durable->durations);
    if (durable->store != NULL && !(has_ended = store_close(durable->store, PATIENCE_MS))) {
        log_error(
            "store not closed folder=%s effect=\"what was ordered last may not be durable: the disk hangs\"",
            durable->folder);
    }
    if (durable->store != NULL && has_ended) {
        anchors_tell_of(&durable->anchors, &durable->last);
    }
    for (size_t i = 0; i < durable->turn_count; i++) {
        free(durable->turns[i].name);
    }
    free(durable->turns);
    anchors_close(&durable->anchors);
    durations_close(durable->durations);
    if (durable->woken != NULL) {
        event_free(durable->woken);
    }
    durable->turns = NULL;
    durable->turn_count = 0;
    durable->durations = NULL;
    durable->woken = NULL;
    if (has_ended) { /* else its thread may wake us yet */
        durable->store = NULL;
        if (durable->fd != -1) {
            close(durable->fd);
            durable->fd = -1;
        }
    }
    return has_ended;
}

void durable_free(struct durable *durable)
{
    if (durable != NULL) {
        free(durable->folder);
        free(durable);
    }
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
        bool is_unread = atomic_load(&durable->is_unread);
        if (stats->error == 0 && late == 0 && is_unread) {
            snprintf(stats->reason, sizeof stats->reason, "%s", unread);
        }
        status->state = stats->error != 0 || stats->owed != 0 || is_unread ? "failing" : "ok";
    }
}
