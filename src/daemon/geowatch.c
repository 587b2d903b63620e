/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reloading when a geo database changes: those come by cron from elsewhere, and nobody sends a signal. The
 * inode of each file is looked at once a second, which works with whatever replaces it (a rename, a symbolic
 * link, writing in place, a network file system). A file counts as changed once it has been the same for a
 * second, so that one that is being written is left in peace; and a content is tried once.
 *
 * A network file system may take its time, or all time. So a worker of its own looks, and the control thread
 * hears what it saw. Where it hangs, databases are not followed and nothing else happens: not even the end of
 * the server waits for it. */
#include "config.h"

#include "daemon/geowatch.h"

#include "daemon/reload.h"
#include "daemon/server.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/worker.h"
#include "geo/geo.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

enum {
    INTERVAL_S = 1,
    SLOW_TICKS = 10, /* after so many intervals a look that is not over is worth a line in the log */
    LAST_LOOK_MS = 100,
    NICE = 10
};

/* What was seen of a file. */
struct watched {
    char *path; /* owned */
    struct geo_signature now, last, tried;
    bool was_tried;
};

struct geowatch {
    struct worker_job job; /* the first, so that one is the other */
    struct server *server;
    struct worker *worker;
    int fd; /* that wakes the control thread */
    struct event *timer, *wake;
    struct watched *files; /* the worker's while it looks */
    size_t count;
    bool is_looking;
    unsigned ticks; /* since it began to */
};

static void forget_files(struct geowatch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        free(watch->files[i].path);
    }
    free(watch->files);
    watch->files = NULL;
    watch->count = 0;
}

static bool is_same_list(const struct geowatch *watch, const struct view *view)
{
    bool same = watch->count == view->geo_count;
    for (size_t i = 0; same && i < watch->count; i++) {
        same = strcmp(watch->files[i].path, view->geo_files[i].real) == 0;
    }
    return same;
}

/* The files of the view, from now on. */
static void list_files(struct geowatch *watch, const struct view *view)
{
    forget_files(watch);
    watch->files = memory_alloc_array(view->geo_count, sizeof *watch->files);
    watch->count = view->geo_count;
    for (size_t i = 0; i < watch->count; i++) {
        watch->files[i] = (struct watched){.path = memory_copy_text(view->geo_files[i].real),
                                           .last = view->geo_files[i].signature};
    }
}

/* Has the file settled on something that the view was not made from and that was not tried yet? */
static bool has_changed(struct watched *file, const struct view_geo *served)
{
    struct geo_signature now = file->now;
    bool settled = geo_signature_equal(&now, &file->last);
    bool known = geo_signature_equal(&now, &served->signature) ||
                 (file->was_tried && geo_signature_equal(&now, &file->tried));
    file->last = now;
    return settled && !known;
}

/* On the worker. */
static void look(struct worker_job *job)
{
    const struct geowatch *watch = (const struct geowatch *)job;
    for (size_t i = 0; i < watch->count; i++) {
        watch->files[i].now = geo_sign_file(watch->files[i].path);
    }
}

/* On the control thread again. */
static void has_looked(struct worker_job *job)
{
    struct geowatch *watch = (struct geowatch *)job;
    struct server *server = watch->server;
    const struct view *view = server->view;
    const char *changed = NULL;
    if (watch->ticks >= SLOW_TICKS) {
        log_info("geo files looked at seconds=%u", watch->ticks * INTERVAL_S);
    }
    watch->is_looking = false;
    if (progress_is_cancelled(&job->progress) || server->reload != NULL || !is_same_list(watch, view)) {
        return; /* a reload may be reading them */
    }
    for (size_t i = 0; i < watch->count; i++) {
        struct watched *file = &watch->files[i];
        if (has_changed(file, &view->geo_files[i])) {
            file->tried = file->last;
            file->was_tried = true;
            changed = file->path;
        }
    }
    if (changed != NULL) {
        log_info("reload started why=\"a geo database changed\" file=%s", changed);
        (void)server_start_reload(server, &(struct admin_reload){.limit = ADMIN_CHANGES}, NULL, NULL);
    }
}

static void on_tick(int fd, short events, void *argument)
{
    (void)fd;
    (void)events;
    struct geowatch *watch = argument;
    struct server *server = watch->server;
    if (watch->is_looking) {
        if (++watch->ticks == SLOW_TICKS) {
            log_warning("geo files not looked at seconds=%u file=%s why=\"their file system does not "
                        "answer\" effect=\"a new database is not noticed\"",
                        SLOW_TICKS * INTERVAL_S, watch->files[0].path);
        }
    } else if (!is_same_list(watch, server->view)) {
        list_files(watch, server->view);
    } else if (watch->count != 0 && server->reload == NULL) {
        watch->is_looking = true;
        watch->ticks = 0;
        watch->job = (struct worker_job){.name = "geo", .run = look, .done = has_looked};
        (void)worker_submit(watch->worker, &watch->job); /* it has nothing else to do */
    }
}

/* ---- the worker ---- */

static void wake(void *context)
{
    const struct geowatch *watch = context;
    uint64_t one = 1;
    ssize_t written = write(watch->fd, &one, sizeof one);
    (void)written; /* an eventfd below its maximum takes it */
}

static void on_wake(evutil_socket_t fd, short events, void *argument)
{
    const struct geowatch *watch = argument;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)events, (void)got;
    worker_reap(watch->worker);
}

static int start(struct geowatch *watch)
{
    const struct timeval interval = {.tv_sec = INTERVAL_S};
    watch->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watch->fd == -1) {
        return -errno;
    }
    watch->timer = event_new(watch->server->base, -1, EV_PERSIST, on_tick, watch);
    watch->wake = event_new(watch->server->base, watch->fd, EV_READ | EV_PERSIST, on_wake, watch);
    if (watch->timer == NULL || event_add(watch->timer, &interval) != 0 || watch->wake == NULL ||
        event_add(watch->wake, NULL) != 0) {
        return -ENOMEM;
    }
    return worker_open(
        &(struct worker_options){.name = "geo", .limit = 1, .nice = NICE, .context = watch, .wake = wake},
        &watch->worker);
}

int geowatch_start(struct server *server, struct geowatch **to)
{
    struct geowatch *watch = memory_alloc(sizeof *watch);
    watch->server = server;
    int error = start(watch);
    if (error != 0) {
        geowatch_stop(watch);
        return error;
    }
    list_files(watch, server->view);
    *to = watch;
    return 0;
}

/* Its look is over, or will be in a moment. */
static bool can_join(const struct geowatch *watch)
{
    return !watch->is_looking ||
           poll(&(struct pollfd){.fd = watch->fd, .events = POLLIN}, 1, LAST_LOOK_MS) == 1;
}

void geowatch_stop(struct geowatch *watch)
{
    if (watch == NULL) {
        return;
    }
    if (watch->timer != NULL) {
        event_free(watch->timer);
    }
    if (watch->wake != NULL) {
        event_free(watch->wake);
    }
    if (!can_join(watch)) {
        log_warning("geo files not looked at file=%s why=\"their file system does not answer\" "
                    "effect=\"the end does not wait for it\"",
                    watch->files[0].path);
        return; /* with all that the thread has in its hands */
    }
    worker_close(watch->worker);
    if (watch->fd != -1) {
        close(watch->fd);
    }
    forget_files(watch);
    free(watch);
}
