/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reloading: a loader thread compiles the new view off-line, the control thread installs it. Whatever is
 * invalid leaves the running view untouched. */
#include "config.h"

#include "daemon/reload_inside.h"

#include "daemon/archive.h"
#include "daemon/changes.h"
#include "daemon/documents.h"
#include "daemon/ends.h"
#include "daemon/install.h"
#include "daemon/limits.h"
#include "daemon/primaries.h"
#include "daemon/reclaim.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/snapshot.h"
#include "daemon/spawn.h"
#include "daemon/targets.h"
#include "daemon/traffic.h"
#include "daemon/vantages.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "conf/commands.h"
#include "probe/probe.h"
#include "zone/zone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>

enum { EDITS_WAITING = 64 };

/* Reading everything takes all processors for a while: those that answer go first. For the calling thread and
 * those that it starts; in Linux each thread has a priority of its own. */
static void give_way(void)
{
    enum { NICE = 10 };
    (void)setpriority(PRIO_PROCESS, 0, NICE);
}

static void *look(void *argument)
{
    give_way();
    (void)reload_find_same(argument);
    return NULL;
}

static void *compile(void *argument)
{
    struct reload *reload = argument;
    give_way();
    const struct view_load load = {.path = reload->server->path,
                                   .previous = reload->previous,
                                   .generation = reload->generation,
                                   .wall_ms = clock_wall_ms(&reload->server->clock),
                                   .cache_count = reload->cache_count,
                                   .documents = {.context = reload->documents,
                                                 .chooser = documents_get_chooser(reload->documents),
                                                 .place = documents_place}};
    reload->view = view_compile_load(&load, reload->report);
    if (reload->view != NULL) {
        const struct commands_place before = {reload->previous->topology, reload->previous->server},
                                    next = {reload->view->topology, reload->view->server};
        reload->needed = commands_find_lacking(&before, &next, reload->role, reload->report);
    }
    bool is_good = reload->view != NULL && reload->needed == ROLE_NONE;
    reload->is_refused = reload->needed != ROLE_NONE ||
                         (reload->is_edit && (reload->view == NULL ||
                                              !documents_are_good(reload->documents, &load, reload->report)));
    documents_leave_broken(reload->documents, reload->report);
    if (is_good && !reload->is_refused) {
        reload_judge_rules(reload, reload->view);
        reload->is_refused = reload->is_against_rules && !reload->is_dry;
    }
    if (reload->is_refused) {
        view_free(reload->view);
        reload->view = NULL;
    }
    return NULL;
}

/* It gave up at the first broken document; of a bundle all that is wrong is told. */
static void *check(void *argument)
{
    struct reload *reload = argument;
    give_way();
    documents_check_all(reload->documents, &reload->report);
    return NULL;
}

/* What is new changes for traffic, on the states that both views have now. */
static void *compare(void *argument)
{
    struct reload *reload = argument;
    const struct view *before = reload->previous, *next = reload->view;
    int64_t wall_ms = clock_wall_ms(&reload->server->clock);
    const struct zone *read = view_peek_update(reload->update);
    if (read != NULL) {
        next = view_peek_successor(reload->update);
        next = next == NULL ? before : next;
    }
    const struct operate_compare asked = {
        .view = {before, next},
        .zone = reload->told_zone == -1 ? NULL : before->zone_list[reload->told_zone].origin,
        .read = read,
        .limit = reload->limit,
        .wall_ms = {wall_ms, wall_ms},
        .report = reload->report};
    give_way();
    reload->changes = arena_alloc(reload->arena, sizeof *reload->changes);
    operate_compare_views(&asked, reload->arena, reload->changes);
    return NULL;
}

/* On a thread of its own: what comes afterwards takes turns at the health lock, and whoever gave way might
 * lose its processor in one. */
static void run_beside(struct reload *reload, void *(*work)(void *reload))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, reload) != 0) {
        work(reload);
        return;
    }
    pthread_join(thread, NULL);
}

/* The slow disk comes first, so that what is taken over is fresh. */
static void load_rest(struct reload *reload)
{
    struct server *server = reload->server;
    primaries_reserve(server->primaries, reload->view);
    reload->succession =
        view_succession_new(reload->view, reload->previous, clock_wall_ms(&server->clock), &server->lock);
    if (reload->keep == NULL) { /* else that was looked at before */
        run_beside(reload, compare);
    }
    primaries_prepare(server->primaries, reload->view);
    reload->targets = targets_make(reload->view);
    reload->news = vantages_prepare(reload->view, reload->report);
    view_succession_catch_up(reload->succession);
}

/* What has to be stored before it serves is stored between the two halves: while it waits for the store,
 * nothing has been taken away from what serves. */
static void load_all(struct reload *reload)
{
    run_beside(reload, look);
    if (reload->is_same) {
        return;
    }
    run_beside(reload, compile);
    if (reload->view != NULL && !documents_want_store(reload->documents)) {
        load_rest(reload);
    }
}

/* Nobody ever sees the new view. What it would take over comes from a copy, which nobody else has. */
static void load_dry(struct reload *reload)
{
    struct server *server = reload->server;
    int64_t wall_ms = clock_wall_ms(&server->clock);
    struct lock lock;
    run_beside(reload, look);
    if (reload->is_same) {
        server_warn_of_fixed(server, reload->previous, reload->report);
        server_report_idle_overrides(snapshot_look(reload->before), reload->report);
    } else {
        run_beside(reload, compile);
    }
    if (!reload->is_same && reload->view == NULL && reload->needed == ROLE_NONE) {
        run_beside(reload, check);
    }
    if (reload->view != NULL) {
        struct view *copy = view_copy(snapshot_look(reload->before), wall_ms, NULL);
        server_warn_of_fixed(server, reload->view, reload->report);
        lock_init(&lock);
        struct view_succession *succession = view_succession_new(reload->view, copy, wall_ms, &lock);
        view_succession_end(succession);
        view_succession_free(succession);
        lock_fini(&lock);
        server_report_idle_overrides(reload->view, reload->report);
        reload->previous = copy;
        run_beside(reload, compare);
        view_free(reload->view);
        view_free(copy);
        reload->view = NULL;
    }
    snapshot_release(reload->before);
}

/* false: the zone changes which endpoints lead back to themselves, which is found with everything at hand. */
static bool load_zone(struct reload *reload)
{
    documents_place(reload->documents, reload->previous->server, reload->report);
    reload->update = view_read_zone(reload->previous, (size_t)reload->zone_index, reload->report);
    if (view_update_moves_loops(reload->previous, reload->update)) {
        log_info("reload goes on with everything zone=%s why=%s",
                 reload->previous->zone_list[reload->zone_index].origin,
                 "other endpoints than before lead back to themselves");
        view_free_update(reload->update);
        report_free(reload->report);
        reload->update = NULL;
        reload->report = report_new();
        report_set_cancel(reload->report, ends_get_progress(reload->server->ends));
        reload->zone_index = reload->told_zone = -1;
        return false;
    }
    const struct zone *zone = view_peek_update(reload->update);
    const struct view *next = zone == NULL ? NULL : view_peek_successor(reload->update);
    reload_judge_rules(reload, next == NULL ? reload->previous : next);
    if (reload->is_against_rules) {
        reload->is_refused = true;
        view_free_update(reload->update);
        reload->update = NULL;
        return true;
    }
    if (zone != NULL) {
        run_beside(reload, compare);
    }
    if (zone != NULL && view_find_primary(reload->previous, zone->apex) != NULL) {
        reload->fingerprint = zone_fingerprint(zone);
        primaries_reserve_zone(reload->server->primaries, reload->previous, zone, reload->fingerprint);
    }
    return true;
}

static void *load(void *argument)
{
    struct reload *reload = argument;
    if (reload->before != NULL) {
        load_dry(reload);
    } else if (reload->is_storing) {
        load_rest(reload);
    } else if (reload->keep != NULL) {
        run_beside(reload, compile);
    } else if (reload->zone_index == -1 || !load_zone(reload)) {
        load_all(reload);
    }
    uint64_t one = 1;
    ssize_t written = write(reload->fd, &one, sizeof one);
    (void)written; /* an eventfd below its maximum takes it */
    return NULL;
}

static void free_memory(void *argument)
{
    struct reload *reload = argument;
    documents_end(reload->documents);
    view_succession_free(reload->succession);
    report_free(reload->report);
    arena_free(reload->arena);
    free(reload);
}

static void close_events(struct reload *reload)
{
    if (reload->finished != NULL) {
        event_free(reload->finished);
    }
    if (reload->fd != -1) {
        close(reload->fd);
    }
}

void reload_free(struct reload *reload)
{
    close_events(reload);
    free_memory(reload);
}

void reload_reclaim(struct reload *reload)
{
    close_events(reload);
    reclaim_add(reload->server->reclaim, reload, free_memory); /* megabytes go back to the system */
}

static void finish_update(void *update)
{
    view_finish_update(update);
}

static bool install_zone(struct reload *reload)
{
    struct server *server = reload->server;
    struct zone *zone = view_peek_update(reload->update);
    if (zone != NULL) {
        primaries_prepare_zone(server->primaries, zone, reload->fingerprint);
    }
    primaries_let_go(server->primaries);
    shadows_end_all(server->shadows, "reload");
    lock_take(&server->lock); /* the prober looks into the view */
    server->view = view_install_zone(server->slot, (size_t)reload->zone_index, reload->update);
    lock_leave(&server->lock);
    server_forget_snapshot(server);
    if (zone != NULL) {
        primaries_follow_zone(server->primaries, zone);
    }
    traffic_follow(server->traffic, server->view);
    archive_follow_zone(server->archive, reload->update);
    reclaim_add(server->reclaim, reload->update, finish_update);
    return zone != NULL;
}

/* Returns whether what was read serves now. */
static bool install(struct reload *reload)
{
    struct server *server = reload->server;
    if (reload->is_same) {
        reload_install_same(reload);
        return true;
    }
    if (reload->zone_index != -1) {
        return !reload->is_refused && install_zone(reload);
    }
    if (reload->view != NULL) {
        server_warn_of_fixed(server, reload->view, reload->report);
        server_install_view(server, reload->view, reload->succession, reload->targets, reload->news);
        server_report_idle_overrides(reload->view, reload->report);
        archive_follow(server->archive, reload->view, "reload");
        documents_adopt(server->documents, reload->documents);
        server_find_tcp_limits(server->view, &server->serve_options.tcp);
        serve_set_tcp_limits(server->serve, &server->serve_options.tcp);
    }
    return reload->view != NULL;
}

static const char *result_text(const struct reload *reload, bool good)
{
    return !good ? "refused" : report_errors(reload->report) != 0 ? "partial" : "ok";
}

static void tell(const struct reload *reload, bool good)
{
    struct server *server = reload->server;
    server_log_report(reload->report);
    const char *what = reload->is_edit            ? "documents"
                       : reload->zone_index == -1 ? "all"
                                                  : server->view->zone_list[reload->zone_index].origin;
    changes_tell_reload(
        server->changes,
        &(struct changes_reload){.result = result_text(reload, good),
                                 .what = what,
                                 .generation = view_number(server->view),
                                 .errors = report_errors(reload->report),
                                 .warnings = report_warnings(reload->report),
                                 .duration_ms = (clock_now_us(&server->clock) - reload->started_us) / 1000});
    reload_tell_rules(reload, what, good);
}

static int start_thread(struct reload *reload);

/* The last that happens to it on the control thread. */
static void finish(struct reload *reload)
{
    struct server *server = reload->server;
    bool is_dry = reload->is_dry, good;
    if (is_dry) {
        good = reload->changes != NULL;
    } else {
        good = install(reload);
        server->counted.reloads++;
        server->counted.reload_failures += !reload->is_edit && report_errors(reload->report) != 0;
        tell(reload, good);
        spawn_tell_supervisor("READY=1\nSTATUS=reload %s: errors=%zu warnings=%zu", result_text(reload, good),
                              report_errors(reload->report), report_warnings(reload->report));
    }
    server->reload = NULL;
    if (reload->done != NULL) {
        struct admin_edited edited;
        documents_describe(reload->documents, reload->store_error, reload->is_refused, &edited);
        reload->done(reload->argument,
                     &(struct admin_reload_result){.error = good ? 0 : ERROR_INVALID,
                                                   .generation = view_number(server->view),
                                                   .dry_run = is_dry,
                                                   .report = reload->report,
                                                   .changes = reload->changes,
                                                   .needed = reload->needed,
                                                   .rules = &reload->rules,
                                                   .is_against_rules = reload->is_against_rules,
                                                   .overruling = &reload->overruling,
                                                   .edited = reload->is_edit ? &edited : NULL});
    }
    reload_reclaim(reload);
    reload_start_next(server);
}

/* An edit that is not stored does not serve; all else does without. */
static void on_stored(void *argument, int error)
{
    struct reload *reload = argument;
    struct server *server = reload->server;
    reload->store_error = error;
    if (ends_is_stopping(server->ends)) {
        return; /* server_stop_reload() comes */
    }
    if (error != 0 && !reload->is_edit) {
        log_warning("documents not taken over error=%s effect=\"tried again with the next reload\"",
                    error_text(error));
    }
    if (error == 0 || !reload->is_edit) {
        error = start_thread(reload);
    }
    if (error != 0) {
        view_free(reload->view);
        reload->view = NULL;
        finish(reload);
    }
}

static void on_finished(int fd, short events, void *argument)
{
    struct reload *reload = argument;
    uint64_t written;
    (void)events;
    if (ends_is_stopping(reload->server->ends)) {
        return; /* called off: server_stop_reload() comes */
    }
    /* whoever reads what the loader has written sees all that it did before */
    ssize_t got = read(fd, &written, sizeof written);
    (void)got;
    pthread_detach(reload->thread); /* it has nothing more to do, but to be given a processor for its end */
    reload->is_loading = false;
    if (reload->keep != NULL && reload->succession == NULL) {
        reload->keep(reload);
        return;
    }
    bool has_rest = reload->before == NULL && reload->view != NULL && reload->succession == NULL;
    if (!has_rest) {
        finish(reload);
        return;
    }
    reload->is_storing = true;
    if (!documents_commit(reload->documents, on_stored, reload)) {
        on_stored(reload, -EROFS);
    }
}

int reload_go_on(struct reload *reload)
{
    reload->is_storing = true;
    if (!documents_want_store(reload->documents)) {
        return start_thread(reload);
    }
    if (!documents_commit(reload->documents, on_stored, reload)) {
        on_stored(reload, -EROFS);
    }
    return 0;
}

static int open_events(struct reload *reload)
{
    reload->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (reload->fd == -1) {
        return -errno;
    }
    reload->finished = event_new(reload->server->base, reload->fd, EV_READ | EV_PERSIST, on_finished, reload);
    return reload->finished == NULL || event_add(reload->finished, NULL) != 0 ? -ENOMEM : 0;
}

static int start_thread(struct reload *reload)
{
    int error = thread_start(&reload->thread, load, reload);
    reload->is_loading = error == 0;
    return -error;
}

struct reload *reload_new(struct server *server, const struct admin_reload *asked,
                          void (*done)(void *argument, const struct admin_reload_result *result),
                          void *argument)
{
    struct reload *reload = memory_alloc(sizeof *reload);
    *reload = (struct reload){.server = server,
                              .fd = -1,
                              .is_dry = asked->dry_run,
                              .is_edit = asked->edits != NULL,
                              .told_zone = -1,
                              .zone_index = -1,
                              .limit = asked->limit,
                              .role = asked->role,
                              .arena = arena_new(0),
                              .is_start = asked->is_start,
                              .report = report_new(),
                              .done = done,
                              .argument = argument};
    reload_copy_overruling(reload, &asked->overruling);
    report_set_cancel(reload->report, ends_get_progress(server->ends));
    return reload;
}

int reload_launch(struct reload *reload)
{
    struct server *server = reload->server;
    reload->previous = server->view;
    reload->generation = view_number(server->view) + 1;
    reload->cache_count = server->view->cache_count;
    reload->before = reload->is_dry ? server_get_snapshot(server) : NULL;
    reload->started_us = clock_now_us(&server->clock);
    documents_follow(reload->documents);
    int error = open_events(reload);
    error = error == 0 ? start_thread(reload) : error;
    if (error != 0) {
        log_error("reload failed why=\"cannot start the loader\" error=%s", error_text(error));
        if (reload->before != NULL) {
            snapshot_release(reload->before);
        }
        reload_free(reload);
        return error;
    }
    server->reload = reload;
    if (!reload->is_dry && reload->keep == NULL) {
        spawn_tell_supervisor("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)reload->started_us);
    }
    return 0;
}

/* Who waits has a turn, in the order in which they came: what an edit changes is what is there then. */
static int enqueue(struct reload *reload)
{
    size_t count = 0;
    struct reload **end = &reload->server->edits;
    while (*end != NULL && (++count < EDITS_WAITING || reload->done == NULL)) {
        end = &(*end)->next;
    }
    if (*end != NULL) {
        reload_free(reload);
        return ERROR_CONFLICT;
    }
    *end = reload;
    return 0;
}

/* Whoever asked is owed an end all the same. -EAGAIN: it had not begun. */
static void call_off(struct reload *reload, int error)
{
    if (reload->done != NULL) {
        reload->done(reload->argument, &(struct admin_reload_result){.error = error});
    } else {
        reload->server->reload_again = true;
    }
    reload_free(reload);
}

void reload_start_next(struct server *server)
{
    while (server->reload == NULL && server->edits != NULL) {
        struct reload *next = server->edits;
        server->edits = next->next;
        void (*done)(void *argument, const struct admin_reload_result *result) = next->done;
        void *argument = next->argument;
        if (server->is_frozen) {
            call_off(next, -EAGAIN);
        } else if (reload_launch(next) != 0 && done != NULL) {
            done(argument, &(struct admin_reload_result){.error = -EAGAIN});
        }
    }
}

/* Now, or behind the one that runs. Signals without end keep nobody out; two of the API are told. */
static bool has_turn(const struct server *server, const struct admin_reload *asked, bool is_signal)
{
    return server->reload == NULL || asked->edits != NULL ||
           ((is_signal || server->reload->done == NULL) && asked->zone == NULL && asked->bundle == NULL);
}

int server_start_reload(struct server *server, const struct admin_reload *asked,
                        void (*done)(void *argument, const struct admin_reload_result *result),
                        void *argument)
{
    bool is_edit = asked->edits != NULL;
    /* where serials are another process's, nothing is published */
    if (!has_turn(server, asked, done == NULL) || server->heir != NULL || server->is_frozen ||
        (is_edit && server->takeover != NULL)) {
        return ERROR_CONFLICT;
    }
    ptrdiff_t index = asked->zone == NULL ? -1 : view_find_zone(server->view, asked->zone);
    if (asked->zone != NULL && index == -1) {
        return ERROR_NOT_FOUND;
    }
    bool alone = index != -1 && !asked->dry_run && view_can_update_zone(server->view, (size_t)index);
    struct reload *reload = reload_new(server, asked, done, argument);
    reload->may_be_same = reload_may_be_same(server, asked);
    reload->zone_index = alone ? index : -1;
    reload->told_zone = asked->dry_run || alone ? index : -1;
    reload->documents = documents_begin(
        server, &(struct documents_options){.edits = asked->edits,
                                            .bundle = asked->bundle,
                                            .may_write = !alone && (!asked->dry_run || is_edit)});
    return server->reload != NULL ? enqueue(reload) : reload_launch(reload);
}

void server_reload_soon(struct server *server, bool is_start)
{
    const struct admin_reload everything = {.limit = ADMIN_CHANGES, .is_start = is_start};
    struct reload *waiting = server->edits;
    while (waiting != NULL && waiting->done != NULL) {
        waiting = waiting->next;
    }
    if (waiting != NULL) {
        waiting->is_start |= is_start;
    }
    if (waiting != NULL || server->reload_again) {
        return; /* several are one */
    }
    bool waits = server->reload != NULL;
    server->reload_again = server_start_reload(server, &everything, NULL, NULL) == ERROR_CONFLICT;
    if (waits || server->reload_again) {
        log_info("reload remembered why=\"one is running, or a takeover\"");
    }
}

static void give_up(struct reload *reload)
{
    struct server *server = reload->server;
    primaries_drop(server->primaries);
    lock_take(&server->lock);
    view_succession_end(reload->succession);
    lock_leave(&server->lock);
    prober_free_targets(reload->targets);
    vantages_free_news(reload->news);
    view_free(reload->view);
}

void server_stop_reload(struct server *server)
{
    struct reload *reload = server->reload;
    if (reload != NULL) {
        if (reload->is_loading) {
            pthread_join(reload->thread, NULL);
        }
        if (reload->view != NULL && reload->succession != NULL) {
            give_up(reload);
        } else {
            view_free(reload->view); /* before the store had it */
        }
        view_free_update(reload->update);
        call_off(reload, -ECANCELED);
        server->reload = NULL;
    }
    while (server->edits != NULL) {
        struct reload *waiting = server->edits;
        server->edits = waiting->next;
        call_off(waiting, -EAGAIN);
    }
}
