/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See bundles.h. What is coming belongs to the worker; whoever stops bringing it makes room for others after
 * a while. Who brings the last block waits until all of it was looked at. */
#include "config.h"

#include "daemon/bundles.h"

#include "daemon/bundles_inside.h"
#include "daemon/documents.h"
#include "daemon/porter.h"
#include "daemon/rollouts.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/worker.h"
#include "past/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

enum {
    NICE = 10,
    JOBS_MAX = 64,
    WAITING_MAX = 128 << 20, /* octets of them; one is taken however long it is */
    YIELD_MS = 30000,        /* who brings nothing for so long makes room */
    TICK_S = 5,
    PAUSE_MS = 100,
    PAUSES = 10,
    TICKS_IDLE = 12, /* while nothing is on its way */
};

struct task {
    struct worker_job job; /* the first, so that one is the other */
    struct bundles *bundles;
    struct arena *arena;
    struct admin_bundle_ask ask; /* copied */
    admin_bundle_done *done;
    void *argument;
    struct admin_bundle_result result;
    bool came; /* a bundle is whole with it */
    char why[BUNDLE_WHY_SIZE], damaged[BUNDLE_WHY_SIZE];
};

static int fail(struct task *task, int error, const char *why)
{
    snprintf(task->why, sizeof task->why, "%s", why);
    return error;
}

/* ---- on the worker: what is known ---- */

static void learn(struct bundles *bundles, const struct bundle *bundle)
{
    if (bundles->known_count == BUNDLES_KNOWN_MAX) {
        bundles->known_count = 0; /* so many are never here at once */
    }
    struct bundles_known *known = &bundles->known[bundles->known_count++];
    *known = (struct bundles_known){.files = bundle->count, .size = bundle->size};
    memcpy(known->id, bundle->id, sizeof known->id);
}

static const struct bundles_known *find_known(struct bundles *bundles, const char *id, char *why)
{
    for (size_t i = 0; i < bundles->known_count; i++) {
        if (strcmp(bundles->known[i].id, id) == 0) {
            return &bundles->known[i];
        }
    }
    struct bundle *bundle;
    if (bundle_load(bundles->state, id, &bundle, why) != 0) {
        return NULL;
    }
    learn(bundles, bundle);
    bundle_free(bundle);
    return &bundles->known[bundles->known_count - 1];
}

static bool show_here(struct task *task, const struct bundle_item *item, struct admin_bundle *to)
{
    const struct bundles_known *known = find_known(task->bundles, item->id, task->why);
    *to = (struct admin_bundle){.is_here = true, .came_ms = item->came_ms};
    memcpy(to->id, item->id, sizeof to->id);
    if (known != NULL) {
        to->files = known->files;
        to->size = known->size;
        to->blocks = bundle_count_blocks(known->size);
    }
    return known != NULL;
}

static void show_coming(struct task *task, const struct bundle_part *part, struct admin_bundle *to)
{
    const struct bundle *bundle = bundle_part_get(part);
    struct admin_bundle_range *ranges = NULL, *last = NULL;
    size_t capacity = 0;
    *to = (struct admin_bundle){.files = bundle->count,
                                .size = bundle->size,
                                .blocks = bundle_count_blocks(bundle->size),
                                .missing_blocks = bundle_part_count_missing(part)};
    memcpy(to->id, bundle->id, sizeof to->id);
    for (uint32_t i = 0; i < to->blocks; i++) {
        if (bundle_part_has(part, i)) {
            continue;
        }
        if (last != NULL && last->last + 1 == i) {
            last->last = i;
        } else {
            ranges = memory_grow(ranges, to->missing_count, &capacity, sizeof *ranges);
            last = &ranges[to->missing_count++];
            *last = (struct admin_bundle_range){i, i};
        }
    }
    to->missing = arena_copy(task->arena, ranges, to->missing_count * sizeof *ranges);
    free(ranges);
}

static int list(struct task *task)
{
    struct bundles *bundles = task->bundles;
    struct bundle_item *found;
    size_t count;
    int error = bundle_list(bundles->state, &found, &count, task->why);
    struct admin_bundle *items = arena_alloc(task->arena, (count + BUNDLES_COMING_MAX) * sizeof *items);
    for (size_t i = 0; i < BUNDLES_COMING_MAX; i++) {
        if (bundles->coming[i].part != NULL) {
            show_coming(task, bundles->coming[i].part, &items[task->result.count++]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        task->result.count += show_here(task, &found[i], &items[task->result.count]);
    }
    task->result.items = items;
    free(found);
    return error;
}

static struct bundles_coming *find_coming(struct bundles *bundles, const char *id)
{
    for (size_t i = 0; i < BUNDLES_COMING_MAX; i++) {
        struct bundle_part *part = bundles->coming[i].part;
        if (part != NULL && strcmp(bundle_part_get(part)->id, id) == 0) {
            return &bundles->coming[i];
        }
    }
    return NULL;
}

/* One that is here or coming becomes the result. */
static int show(struct task *task, const char *id)
{
    struct bundles *bundles = task->bundles;
    const struct bundles_coming *coming = find_coming(bundles, id);
    struct admin_bundle *item = arena_alloc(task->arena, sizeof *item);
    struct bundle_item *found;
    size_t count;
    task->result.items = item;
    if (coming != NULL) {
        show_coming(task, coming->part, item);
        task->result.count = 1;
        return 0;
    }
    int error = bundle_list(bundles->state, &found, &count, task->why);
    for (size_t i = 0; i < count && error == 0; i++) {
        if (strcmp(found[i].id, id) == 0) {
            task->result.count = 1;
            error = show_here(task, &found[i], item) ? 0 : ERROR_SYNTAX;
        }
    }
    free(found);
    return error == 0 && task->result.count == 0 ? fail(task, ERROR_NOT_FOUND, "") : error;
}

/* ---- on the worker: what comes ---- */

/* All of it is there, or it is told what is not. */
static int complete(struct task *task, struct bundles_coming *coming)
{
    struct bundles *bundles = task->bundles;
    char id[BUNDLE_ID_SIZE];
    const struct bundle *bundle = bundle_part_get(coming->part);
    memcpy(id, bundle->id, sizeof id);
    int error = bundle_part_end(coming->part, task->damaged);
    coming->used_ms = bundles_now_ms(bundles);
    if (error == 0) {
        learn(bundles, bundle);
        log_info("bundle here id=%.12s files=%zu octets=%llu", id, bundle->count,
                 (unsigned long long)bundle->size);
        task->damaged[0] = '\0';
        task->came = true;
        bundles_let_go(coming);
    } else if (error == ERROR_SYNTAX) {
        log_warning("bundle damaged id=%.12s why=\"%s\" effect=\"what is damaged has to come anew\"", id,
                    task->damaged);
        error = 0;
    } else {
        bundles_let_go(coming);
        (void)fail(task, error, task->damaged);
    }
    return error == 0 ? show(task, id) : error;
}

static struct bundles_coming *find_room(struct bundles *bundles)
{
    struct bundles_coming *oldest = &bundles->coming[0];
    for (size_t i = 0; i < BUNDLES_COMING_MAX; i++) {
        struct bundles_coming *coming = &bundles->coming[i];
        if (coming->part == NULL) {
            return coming;
        }
        oldest = coming->used_ms < oldest->used_ms ? coming : oldest;
    }
    if (bundles_now_ms(bundles) - oldest->used_ms < YIELD_MS) {
        return NULL;
    }
    bundles_let_go(oldest);
    return oldest;
}

/* Takes the bundle. If this node was fetching it, and nobody gives it the rest, it is ours. */
static int begin_part(struct task *task, struct bundle *bundle, struct bundle_part **part)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    struct bundles *bundles = task->bundles;
    int error = bundle_part_begin(bundles->store, bundle, &bundles->end, part, task->why);
    for (int i = 0; error == ERROR_BUSY && i < PAUSES && !progress_is_cancelled(&bundles->end); i++) {
        if (i == 0) {
            porter_yield(bundles->server->porter, task->ask.id);
        }
        nanosleep(&pause, NULL);
        error = bundle_read(task->ask.bytes, task->ask.len, &bundle, task->why);
        error =
            error == 0 ? bundle_part_begin(bundles->store, bundle, &bundles->end, part, task->why) : error;
    }
    return error;
}

static int begin(struct task *task)
{
    struct bundles *bundles = task->bundles;
    struct bundle *bundle;
    int error = bundle_read(task->ask.bytes, task->ask.len, &bundle, task->why);
    if (error != 0) {
        return error;
    }
    task->ask.id = arena_copy_text(task->arena, bundle->id);
    struct bundles_coming *coming = find_coming(bundles, bundle->id);
    if (coming != NULL || bundle_is_here(bundles->state, bundle->id)) {
        bundle_free(bundle);
        return show(task, task->ask.id);
    }
    coming = find_room(bundles);
    if (coming == NULL) {
        bundle_free(bundle);
        return fail(task, ERROR_BUSY, "others are bringing bundles just now");
    }
    error = begin_part(task, bundle, &coming->part);
    coming->used_ms = bundles_now_ms(bundles);
    if (error != 0) {
        return error;
    }
    return bundle_part_count_missing(coming->part) == 0 ? complete(task, coming) : show(task, task->ask.id);
}

/* A block, and those that follow it. */
static int put_blocks(struct task *task, struct bundle_part *part)
{
    const struct admin_bundle_ask *ask = &task->ask;
    uint64_t size = bundle_part_get(part)->size;
    uint32_t block = ask->block;
    int error = 0;
    size_t at = 0;
    do {
        size_t len = bundle_block_len(size, block);
        len = len != 0 && len < ask->len - at ? len : ask->len - at;
        error = bundle_part_put(part, block++, ask->bytes + at, len, task->why);
        at += len;
    } while (error == 0 && at < ask->len);
    return error;
}

static int put(struct task *task)
{
    struct bundles *bundles = task->bundles;
    struct bundles_coming *coming = find_coming(bundles, task->ask.id);
    if (coming == NULL) {
        return show(task, task->ask.id); /* it may be whole by now */
    }
    bool was_whole = bundle_part_count_missing(coming->part) == 0;
    int error = put_blocks(task, coming->part);
    coming->used_ms = bundles_now_ms(bundles);
    if (error != 0 && error != ERROR_INVALID) {
        bundles_let_go(coming); /* the disk does not take it */
    }
    if (error != 0) {
        return error;
    }
    return bundle_part_count_missing(coming->part) == 0 && !was_whole ? complete(task, coming)
                                                                      : show(task, task->ask.id);
}

static int delete (struct task *task)
{
    struct bundles_coming *coming = find_coming(task->bundles, task->ask.id);
    if (coming != NULL) {
        bundles_let_go(coming);
        return 0;
    }
    return bundle_store_remove(task->bundles->store, task->ask.id, task->why);
}

static void run(struct worker_job *job)
{
    struct task *task = (struct task *)job;
    static int (*const steps[])(struct task *) = {[ADMIN_BUNDLE_LIST] = list,
                                                  [ADMIN_BUNDLE_SHOW] = NULL,
                                                  [ADMIN_BUNDLE_BEGIN] = begin,
                                                  [ADMIN_BUNDLE_PUT] = put,
                                                  [ADMIN_BUNDLE_DELETE] = delete};
    task->result.error =
        task->ask.what == ADMIN_BUNDLE_SHOW ? show(task, task->ask.id) : steps[task->ask.what](task);
}

/* ---- on the control thread: requests ---- */

static void add_use(struct task *task)
{
    const struct server *server = task->bundles->server;
    struct admin_bundle *items = (struct admin_bundle *)(uintptr_t)task->result.items;
    for (size_t i = 0; i < task->result.count; i++) {
        items[i].serves = strcmp(documents_get_bundle(server->documents), items[i].id) == 0;
        items[i].is_needed = rollouts_needs(server, items[i].id);
    }
}

static void done(struct worker_job *job)
{
    struct task *task = (struct task *)job;
    struct admin_bundle_result *result = &task->result;
    bool is_cancelled = progress_is_cancelled(&job->progress) && result->items == NULL;
    char *rollout = NULL;
    if (is_cancelled) {
        result->error = fail(task, ERROR_BUSY, "the server is ending");
    } else {
        add_use(task);
        rollout = task->ask.what == ADMIN_BUNDLE_LIST ? rollouts_write(task->bundles->server) : NULL;
    }
    if (task->ask.what == ADMIN_BUNDLE_DELETE && result->error == 0) {
        log_info("bundle deleted id=%.12s actor=%s reason=\"%s\"", task->ask.id, task->ask.actor,
                 task->ask.reason);
    }
    task->bundles->waiting -= task->ask.len;
    task->bundles->has_coming = task->bundles->has_coming || task->ask.what == ADMIN_BUNDLE_BEGIN;
    result->why = task->why;
    result->damaged = task->damaged;
    result->rollout = rollout;
    task->done(task->argument, result);
    if (task->came) {
        bundles_tidy(task->bundles);
    }
    free(rollout);
    arena_free(task->arena);
    free(task);
}

static void refuse(int error, const char *why, admin_bundle_done *tell, void *argument)
{
    tell(argument, &(struct admin_bundle_result){.error = error, .why = why, .damaged = ""});
}

static bool has_place(const struct server *server)
{
    const struct conf_cluster *cluster = server->view->server->cluster;
    return server->bundles != NULL && cluster != NULL && cluster->etcd_count != 0;
}

/* false: too many wait. */
static bool submit(struct bundles *bundles, const struct admin_bundle_ask *ask, admin_bundle_done *tell,
                   void *argument)
{
    if (bundles->waiting != 0 && bundles->waiting + ask->len > WAITING_MAX) {
        return false;
    }
    struct task *task = memory_alloc(sizeof *task);
    *task = (struct task){.job = {.name = "bundles", .run = run, .done = done},
                          .bundles = bundles,
                          .arena = arena_new(0),
                          .ask = *ask,
                          .done = tell,
                          .argument = argument};
    task->ask.id = arena_copy_text(task->arena, ask->id);
    task->ask.actor = arena_copy_text(task->arena, ask->actor);
    task->ask.reason = arena_copy_text(task->arena, ask->reason);
    task->ask.bytes = ask->len == 0 ? "" : arena_copy(task->arena, ask->bytes, ask->len);
    if (worker_submit(bundles->worker, &task->job) != 0) {
        arena_free(task->arena);
        free(task);
        return false;
    }
    bundles->waiting += ask->len;
    return true;
}

void server_change_bundle(void *context, const struct admin_bundle_ask *ask, admin_bundle_done *tell,
                          void *argument)
{
    struct server *server = context;
    if (!has_place(server)) {
        refuse(ERROR_PRECONDITION,
               "this server is by itself: its steerd.json has no \"cluster\" with \"etcd\"", tell, argument);
    } else if (server->is_frozen) {
        refuse(ERROR_BUSY, "another process takes over", tell, argument);
    } else if (ask->what == ADMIN_BUNDLE_DELETE && rollouts_needs(server, ask->id)) {
        refuse(ERROR_CONFLICT, "it is needed: it is or was active, is on its way, or serves here", tell,
               argument);
    } else if (!submit(server->bundles, ask, tell, argument)) {
        refuse(ERROR_BUSY, "too many requests about bundles wait", tell, argument);
    }
}

/* ---- life ---- */

/* On the worker. */
static void wake(void *context)
{
    const struct bundles *bundles = context;
    uint64_t one = 1;
    ssize_t written = write(bundles->fd, &one, sizeof one);
    (void)written; /* an eventfd below its maximum takes it */
}

static void on_wake(evutil_socket_t fd, short events, void *argument)
{
    const struct bundles *bundles = argument;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)events, (void)got;
    worker_reap(bundles->worker);
}

static void on_tick(evutil_socket_t fd, short events, void *argument)
{
    struct bundles *bundles = argument;
    (void)fd, (void)events;
    bool is_due = ++bundles->ticks % TICKS_IDLE == 0 || bundles->has_coming;
    if (is_due && !bundles->server->is_frozen) {
        bundles_tidy(bundles);
    }
}

static int start(struct bundles *bundles)
{
    const struct timeval tick = {.tv_sec = TICK_S};
    struct event_base *base = bundles->server->base;
    bundles->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bundles->fd == -1) {
        return -errno;
    }
    bundles->wake = event_new(base, bundles->fd, EV_READ | EV_PERSIST, on_wake, bundles);
    bundles->timer = event_new(base, -1, EV_PERSIST, on_tick, bundles);
    if (bundles->wake == NULL || bundles->timer == NULL || event_add(bundles->wake, NULL) != 0 ||
        event_add(bundles->timer, &tick) != 0) {
        return -ENOMEM;
    }
    return worker_open(&(struct worker_options){.name = "bundles",
                                                .limit = JOBS_MAX,
                                                .nice = NICE,
                                                .in_order = true,
                                                .context = bundles,
                                                .wake = wake},
                       &bundles->worker);
}

int bundles_open(struct server *server, struct bundles **to)
{
    const char *state = server->view->server->state_path;
    *to = NULL;
    if (state == NULL) {
        return 0;
    }
    struct bundles *bundles = memory_alloc(sizeof *bundles);
    *bundles = (struct bundles){
        .server = server, .state = memory_copy_text(state), .store = bundle_store_new(state), .fd = -1};
    int error = start(bundles);
    if (error != 0) {
        bundles_close(bundles);
        return error;
    }
    *to = bundles;
    return 0;
}

void bundles_stop(struct bundles *bundles)
{
    if (bundles == NULL) {
        return;
    }
    progress_cancel(&bundles->end);
    worker_close(bundles->worker);
    bundles->worker = NULL;
    for (size_t i = 0; i < BUNDLES_COMING_MAX; i++) {
        bundle_part_leave(bundles->coming[i].part);
        bundles->coming[i].part = NULL;
    }
}

void bundles_close(struct bundles *bundles)
{
    if (bundles == NULL) {
        return;
    }
    bundles_stop(bundles);
    struct event *events[] = {bundles->wake, bundles->timer};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (events[i] != NULL) {
            event_free(events[i]);
        }
    }
    if (bundles->fd != -1) {
        (void)close(bundles->fd);
    }
    bundle_store_free(bundles->store);
    free(bundles->state);
    free(bundles);
}

struct bundle_store *bundles_get_store(const struct bundles *bundles)
{
    return bundles == NULL ? NULL : bundles->store;
}
