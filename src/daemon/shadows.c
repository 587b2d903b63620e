/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See shadows.h. A drill begins when its thread has made its world, and ends by its lease, an order, or
 * because what it is a copy of goes away. In that moment DNS threads and results lose sight of it; its thread
 * looks at production once more, and reports. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "daemon/changes.h"
#include "daemon/live.h"
#include "daemon/live_stops.h"
#include "daemon/reclaim.h"
#include "daemon/server.h"
#include "daemon/traffic.h"
#include "daemon/vantages.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/thread.h"
#include "operate/operate.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

enum { REPORTS_MAX = 64 << 20 }; /* octets, of drills that have ended; the latest is kept whatever it has */

/* ---- memory ---- */

static void free_shadow(struct shadow *shadow)
{
    json_decref(shadow->clients);
    live_free(shadow->live);
    free(shadow->dues);
    free(shadow->is_due);
    arena_free(shadow->arena);
    free(shadow->report);
    free(shadow->past);
    pthread_cond_destroy(&shadow->news);
    pthread_mutex_destroy(&shadow->lock);
    free(shadow);
}

/* Those that have ended are kept for who looks later, but not all of them. */
static void drop_surplus(struct shadows *all)
{
    size_t ended = 0, octets = 0;
    for (struct shadow **at = &all->first; *at != NULL;) {
        struct shadow *shadow = *at;
        if (shadow->state == SHADOW_ENDED && ++ended > SHADOW_KEPT_MAX) {
            *at = shadow->next;
            free_shadow(shadow);
        } else {
            octets += shadow->report_len;
            if (octets > REPORTS_MAX && ended > 1) { /* of 100,000 names each has tens of megabytes */
                free(shadow->report);
                shadow->report = NULL;
                shadow->report_len = 0;
            }
            at = &shadow->next;
        }
    }
}

/* ---- what DNS threads see ---- */

static void publish(struct shadows *all)
{
    const struct answer_shadow *seen[ANSWER_SHADOWS_MAX];
    size_t count = 0;
    for (struct shadow *shadow = all->first; shadow != NULL; shadow = shadow->next) {
        if (shadow->state == SHADOW_RUNNING && shadow->real == NULL) {
            seen[count++] = &shadow->world->seen;
        }
    }
    const struct answer_shadows *old =
        atomic_exchange_explicit(&all->slot.current, answer_shadows_new(seen, count), memory_order_acq_rel);
    reclaim_add(all->server->reclaim, (void *)(uintptr_t)old, free);
}

/* ---- the beginning ---- */

/* In the journal: of those that all see. */
static void note(struct shadow *shadow)
{
    if (shadow->live != NULL) {
        live_write_down(shadow);
    }
}

/* Clients of production are counted there, also those that see it. */
static void count(const struct shadow *shadow, bool begins)
{
    if (shadow->live != NULL && shadow->real == NULL) {
        traffic_follow_drill(shadow->all->server->traffic, begins ? shadow->world->view : NULL);
    }
}

static void begin(struct shadow *shadow)
{
    struct shadows *all = shadow->all;
    shadow_catch_up_hosts(shadow);
    struct health_vantage_plan plans[HEALTH_VANTAGES_MAX];
    shadow_follow_members(shadow, plans, vantages_list_plans(all->server->vantages, plans));
    lock_take(&all->server->lock);
    shadow_begin_time(shadow);
    lock_leave(&all->server->lock);
    shadow->started_ms = clock_wall_ms(&all->server->clock);
    shadow->state = SHADOW_RUNNING;
    publish(all);
    pthread_mutex_lock(&shadow->lock);
    shadow->begins = true;
    pthread_cond_signal(&shadow->news);
    pthread_mutex_unlock(&shadow->lock);
    shadows_write_down(all);
    note(shadow);
    count(shadow, true);
    shadow_tell(shadow, "started");
    shadows_tick_soon(all);
    shadow_answer(shadow, ADMIN_SHADOW_GOOD, NULL);
}

/* ---- the end ---- */

/* Who stops it when all that was to happen has been there, and is gone, takes nothing from it. In the lock.
 */
static bool has_run_its_course(const struct shadow *shadow)
{
    return strcmp(shadow->because, "time") == 0 ||
           (strcmp(shadow->because, "stopped") == 0 && drill_stage_is_complete(shadow->stage));
}

static void undo(struct shadow *shadow)
{
    if (shadow->real != NULL) {
        live_real_end(shadow);
    }
}

static void end(struct shadow *shadow, const char *because)
{
    struct shadows *all = shadow->all;
    bool was_running = shadow->state == SHADOW_RUNNING;
    if (shadow->state >= SHADOW_ENDING) {
        return;
    }
    shadow->state = SHADOW_ENDING;
    shadow->because = because;
    shadow->ended_ms = clock_wall_ms(&all->server->clock);
    int64_t now_us = clock_now_us(&all->server->clock);
    if (was_running) {
        publish(all);
        shadows_write_down(all);
        note(shadow);
        count(shadow, false);
        undo(shadow);
    }
    if (was_running && (strcmp(because, "takeover") == 0 || strcmp(because, "shutdown") == 0)) {
        shadow_keep(shadow); /* its thread may take longer than the store is there */
    }
    lock_take(&all->server->lock);
    shadow->is_complete = was_running && has_run_its_course(shadow);
    if (shadow->is_fed) {
        shadow_end_feed(shadow);
    }
    pthread_mutex_lock(&shadow->lock); /* a thread that is about to let results in sees it in this lock */
    shadow->times.ended_us = now_us;
    shadow->ends = true;
    pthread_cond_signal(&shadow->news);
    pthread_mutex_unlock(&shadow->lock);
    lock_leave(&all->server->lock);
}

/* Its thread has nothing to do any more. */
static void reap(struct shadow *shadow)
{
    struct shadows *all = shadow->all;
    bool has_run = shadow->started_ms != 0;
    pthread_join(shadow->thread, NULL);
    shadow->state = SHADOW_ENDED;
    if (has_run) {
        shadow_tell_steps(shadow);
    }
    shadow->report_len = shadow->report == NULL ? 0 : strlen(shadow->report);
    shadow_count_queries(shadow);
    drill_stage_free(shadow->stage);
    reclaim_add(all->server->reclaim, shadow->world, shadow_world_free);
    shadow->stage = NULL;
    shadow->world = NULL;
    if (has_run) {
        shadow_tell(shadow, "ended");
        shadow_keep(shadow);
        return;
    }
    shadow_answer(shadow, ADMIN_SHADOW_BUSY, "the configuration changes at this moment: try again");
    struct shadow **at = &all->first;
    while (*at != shadow) {
        at = &(*at)->next;
    }
    *at = shadow->next;
    free_shadow(shadow);
}

void shadows_end_all(struct shadows *all, const char *because)
{
    if (all == NULL) {
        return;
    }
    for (struct shadow *shadow = all->first; shadow != NULL; shadow = shadow->next) {
        end(shadow, because);
    }
}

/* ---- time and news ---- */

static void end_live(struct shadow *shadow, const char *because)
{
    if (because != NULL) {
        end(shadow, because);
    }
}

static void follow_live(struct shadow *shadow, int64_t now_ms)
{
    if (shadow->real != NULL) {
        live_real_follow(shadow);
    }
    end_live(shadow, live_find_end(shadow, now_ms));
    if (shadow->state == SHADOW_RUNNING && live_widen(shadow, now_ms)) {
        publish(shadow->all);
        note(shadow);
        shadow_tell(shadow, "whole");
    }
}

static void follow(struct shadow *shadow)
{
    pthread_mutex_lock(&shadow->lock);
    bool is_ready = shadow->is_ready, is_over = shadow->is_over;
    pthread_mutex_unlock(&shadow->lock);
    if (is_over) {
        reap(shadow);
    } else if (is_ready && shadow->state == SHADOW_STARTING) {
        begin(shadow);
    }
}

static void end_dues(struct shadows *all)
{
    int64_t left_us = shadows_end_dues(all);
    const struct timeval left = {.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};
    if (left_us >= 0) {
        event_add(all->due, &left);
    }
}

static void on_due(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    end_dues(argument);
}

static void on_wake(evutil_socket_t fd, short what, void *argument)
{
    struct shadows *all = argument;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)what, (void)got;
    end_dues(all);
    for (struct shadow *shadow = all->first, *next; shadow != NULL; shadow = next) {
        next = shadow->next;
        if (shadow->live != NULL && shadow->state == SHADOW_RUNNING) {
            end_live(shadow, live_find_failure(shadow));
        }
        if (shadow->state == SHADOW_RUNNING) {
            shadow_tell_steps(shadow);
        }
        if (shadow->state != SHADOW_ENDED) {
            follow(shadow);
        }
    }
    drop_surplus(all); /* when nobody is on the way through the list */
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct shadows *all = argument;
    struct server *server = all->server;
    bool any = false;
    (void)fd, (void)what;
    if (server->view == NULL) { /* it starts */
        shadows_tick_soon(all);
        return;
    }
    shadows_follow_time(all);
    shadows_learn_late(all);
    int64_t now_ms = clock_now_ms(&server->clock);
    uint64_t changes = health_count_override_changes(server->view->health);
    for (struct shadow *shadow = all->first; shadow != NULL; shadow = shadow->next) {
        if (shadow->state == SHADOW_RUNNING) {
            if (shadow->override_changes != changes) {
                shadow->override_changes = changes;
                shadow->overrides_moved = true;
                shadow_follow_overrides(shadow);
            }
            shadow_tell_steps(shadow);
            if (now_ms >= shadow->began_us / 1000 + shadow->duration_ms) {
                end(shadow, "time");
            } else if (shadow->live != NULL) {
                follow_live(shadow, now_ms);
            }
        }
        any |= shadow->state == SHADOW_RUNNING;
        if (shadow->is_left) {
            shadow->is_left = false;
            live_real_clean(all, shadow->id);
        }
    }
    if (any) {
        shadows_tick_soon(all);
    }
}

/* ---- orders ---- */

static void write_id(const struct shadows *all, int64_t wall_ms, char id[SHADOW_ID_SIZE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    char stamp[20];
    gmtime_r(&seconds, &parts);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts);
    bool is_taken = true;
    for (int i = 1; is_taken; i++) {
        snprintf(id, SHADOW_ID_SIZE, "%.17s-%d", stamp, i);
        is_taken = false;
        for (const struct shadow *other = all->first; other != NULL; other = other->next) {
            is_taken |= strcmp(other->id, id) == 0;
        }
    }
}

static const struct shadow *find_overlap(const struct shadows *all, const struct shadow_world *world)
{
    for (const struct shadow *other = all->first; other != NULL; other = other->next) {
        if (other->world != NULL && other->state < SHADOW_ENDING &&
            answer_clients_overlap(&other->world->seen.clients, &world->seen.clients)) {
            return other;
        }
    }
    return NULL;
}

/* What asking again changes nothing about. */
static const char *find_reason(const struct server *server)
{
    return server->view->topology == NULL ? "the configuration has no topology" : NULL;
}

static const char *find_obstacle(const struct shadows *all)
{
    size_t count = 0;
    for (const struct shadow *other = all->first; other != NULL; other = other->next) {
        count += other->state < SHADOW_ENDED;
    }
    return all->server->is_frozen        ? "another process takes over"
           : count == ANSWER_SHADOWS_MAX ? "as many drills as there can be are running"
                                         : NULL;
}

static struct shadow *new_shadow(struct shadows *all, const struct admin_shadow_order *order)
{
    struct shadow *shadow = memory_alloc(sizeof *shadow);
    shadow->all = all;
    write_id(all, clock_wall_ms(&all->server->clock), shadow->id);
    shadow->arena = arena_new(0);
    shadow->misled_since_ms = -1;
    snprintf(shadow->actor, sizeof shadow->actor, "%s", order->actor);
    snprintf(shadow->peer, sizeof shadow->peer, "%s", order->peer);
    snprintf(shadow->reason, sizeof shadow->reason, "%s", order->reason);
    snprintf(shadow->schedule, sizeof shadow->schedule, "%s", order->schedule == NULL ? "" : order->schedule);
    pthread_mutex_init(&shadow->lock, NULL);
    thread_init_cond(&shadow->news);
    return shadow;
}

/* Returns 0 or -errno. Takes the world. */
static int start(struct shadow *shadow, struct shadow_world *world)
{
    struct shadows *all = shadow->all;
    if (shadow->live != NULL &&
        !live_is_injected(shadow->live)) { /* before its thread lets anything see it */
        live_real_prepare(shadow, live_has_hooks(shadow->live));
    }
    world->view = view_begin_copy(all->server->view);
    world->without = view_hold_counts(all->server->view);
    shadow->world = world;
    int error = thread_start(&shadow->thread, shadow_run, shadow);
    if (error == 0) {
        shadow->next = all->first;
        all->first = shadow;
        return 0;
    }
    view_abandon_copy(world->view);
    world->view = NULL;
    return -error;
}

static void start_drill(void *context, const struct admin_shadow_order *order, admin_shadow_done *done,
                        void *argument)
{
    struct server *server = context;
    struct shadows *all = server->shadows;
    struct admin_shadow_result result = {.trouble = ADMIN_SHADOW_STATE, .what = find_reason(server)};
    const struct conf_key *key =
        order->clients.key == NULL ? NULL : shadow_find_key(server, order->clients.key);
    if (result.what == NULL) {
        result = (struct admin_shadow_result){.trouble = ADMIN_SHADOW_BUSY, .what = find_obstacle(all)};
    }
    if (result.what != NULL) {
        done(argument, &result);
        return;
    }
    if (order->live != NULL && !order->live->has_looked) {
        live_look(server, order, start_drill, done, argument);
        return;
    }
    struct shadow *shadow = new_shadow(all, order);
    struct shadow_world *world = shadow_world_new(server, &order->clients, key);
    shadow->live = order->live == NULL ? NULL : live_new(server, order->live, &world->seen);
    const char *wrong =
        shadow_find_listeners(server, &order->clients, shadow->arena, &world->seen.clients.listeners);
    const struct shadow *other = find_overlap(all, world);
    if (!shadow_take_document(shadow, order, &result)) {
        /* it says what is wrong */
    } else if (order->clients.key != NULL && key == NULL) {
        result.trouble = ADMIN_SHADOW_KEY;
    } else if (wrong != NULL) {
        result = (struct admin_shadow_result){.trouble = ADMIN_SHADOW_LISTEN, .what = wrong};
    } else if (other != NULL) {
        result = (struct admin_shadow_result){.trouble = ADMIN_SHADOW_OVERLAPS, .what = other->id};
    } else if (start(shadow, world) == 0) {
        shadow->done = done;
        shadow->argument = argument;
        return;
    } else {
        result.what = "no thread can be started";
    }
    done(argument, &result); /* which may borrow from the drill */
    shadow_world_free(world);
    free_shadow(shadow);
}

static struct shadow *find(const struct shadows *all, const char *id)
{
    struct shadow *shadow = all->first;
    while (shadow != NULL && strcmp(shadow->id, id) != 0) {
        shadow = shadow->next;
    }
    return shadow != NULL && shadow->state != SHADOW_STARTING ? shadow : NULL;
}

/* One that has ended already stays as it is. */
static int stop_drill(void *context, const char *id, const char *actor)
{
    const struct server *server = context;
    struct shadow *shadow = find(server->shadows, id);
    if (shadow == NULL) {
        return ERROR_NOT_FOUND;
    }
    if (shadow->state == SHADOW_RUNNING) {
        snprintf(shadow->stopped_by, sizeof shadow->stopped_by, "%s", actor);
        end(shadow, "stopped");
    }
    return 0;
}

static size_t list_drills(void *context, const char *id, struct arena *arena, struct admin_shadow **drills)
{
    const struct server *server = context;
    size_t count = 0, room = 0;
    for (const struct shadow *shadow = server->shadows->first; shadow != NULL; shadow = shadow->next) {
        room++;
    }
    *drills = arena_alloc(arena, room * sizeof **drills);
    for (struct shadow *shadow = server->shadows->first; shadow != NULL; shadow = shadow->next) {
        if (shadow->started_ms != 0 && (id == NULL || strcmp(id, shadow->id) == 0)) {
            char *json = shadow_write(shadow, id != NULL);
            (*drills)[count++] = (struct admin_shadow){.id = arena_copy_text(arena, shadow->id),
                                                       .json = arena_copy_text(arena, json)};
            free(json);
        }
    }
    return count;
}

void shadows_fill_verbs(struct admin_shadow_verbs *verbs)
{
    *verbs = (struct admin_shadow_verbs){.start = start_drill, .stop = stop_drill, .list = list_drills};
}

/* ---- opening and closing ---- */

const struct answer_shadow_slot *shadows_get_slot(const struct shadows *all)
{
    return &all->slot;
}

const struct live_stops *shadows_get_stops(const struct shadows *all)
{
    return all->stops;
}

int shadows_open(struct server *server, struct shadows **to)
{
    struct shadows *all = memory_alloc(sizeof *all);
    all->server = server;
    all->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    all->wake = all->fd == -1 ? NULL : event_new(server->base, all->fd, EV_READ | EV_PERSIST, on_wake, all);
    all->tick = evtimer_new(server->base, on_tick, all);
    all->due = evtimer_new(server->base, on_due, all);
    *to = all;
    all->stops = live_stops_open(server, live_real_fail, all);
    changes_hook_failures(server->changes, live_hear, all);
    return all->wake == NULL || all->tick == NULL || all->due == NULL || event_add(all->wake, NULL) != 0
               ? -ENOMEM
               : 0;
}

void shadows_stop(struct shadows *all)
{
    for (struct shadow *shadow = all == NULL ? NULL : all->first; shadow != NULL; shadow = shadow->next) {
        end(shadow, "shutdown");
        if (shadow->state != SHADOW_ENDED) { /* nobody will read its report */
            progress_cancel(&shadow->progress);
        }
        shadow_answer(shadow, ADMIN_SHADOW_BUSY, "the server ends");
    }
}

void shadows_close(struct shadows *all, bool has_ended)
{
    if (all == NULL) {
        return;
    }
    changes_hook_failures(all->server->changes, NULL, NULL);
    shadows_stop(all);
    for (struct shadow *shadow = all->first, *next; shadow != NULL; shadow = next) {
        next = shadow->next;
        if (shadow->state != SHADOW_ENDED) {
            reap(shadow);
        }
    }
    for (struct shadow_kept *kept; (kept = shadow_pop_kept(all)) != NULL;) {
        shadow_free_kept(kept);
    }
    while (all->first != NULL) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed is not in the list any more */
        struct shadow *shadow = all->first;
        all->first = shadow->next; /* NOLINT(clang-analyzer-unix.Malloc): likewise */
        free_shadow(shadow);
    }
    if (all->wake != NULL) {
        event_free(all->wake);
    }
    if (all->tick != NULL) {
        event_free(all->tick);
    }
    shadows_forget_notes(all);
    live_stops_close(all->stops, has_ended);
    if (all->due != NULL) {
        event_free(all->due);
    }
    if (all->fd != -1) {
        close(all->fd);
    }
    free(all);
}
