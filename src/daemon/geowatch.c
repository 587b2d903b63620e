/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reloading when a geo database changes: those come by cron from elsewhere, and nobody sends a signal. The
 * control thread looks at the inode of each file once a second, which works with whatever replaces it (a
 * rename, a symbolic link, writing in place, a network file system). A file counts as changed once it has
 * been the same for a second, so that one that is being written is left in peace; and a content is tried
 * once. */
#include "config.h"

#include "daemon/server.h"

#include "base/log.h"
#include "base/memory.h"
#include "geo/geo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum { INTERVAL_S = 1 };

/* What was seen of a file. */
struct watched {
    char *path; /* owned */
    struct geo_signature last, tried;
    bool was_tried;
};

struct geowatch {
    struct server *server;
    struct event *timer;
    struct watched *files;
    size_t count;
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
        same = strcmp(watch->files[i].path, geo_get_info(view->geo[i])->path) == 0;
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
        watch->files[i] = (struct watched){.path = memory_copy_text(geo_get_info(view->geo[i])->path),
                                           .last = view->geo_files[i].signature};
    }
}

/* Has the file settled on something that the view was not made from and that was not tried yet? */
static bool has_changed(struct watched *file, const struct view_geo *served)
{
    struct geo_signature now = geo_sign_file(file->path);
    bool settled = geo_signature_equal(&now, &file->last);
    bool known = geo_signature_equal(&now, &served->signature) ||
                 (file->was_tried && geo_signature_equal(&now, &file->tried));
    file->last = now;
    return settled && !known;
}

static void on_tick(int fd, short events, void *argument)
{
    (void)fd;
    (void)events;
    struct geowatch *watch = argument;
    struct server *server = watch->server;
    const struct view *view = server->view;
    const char *changed = NULL;
    if (!is_same_list(watch, view)) {
        list_files(watch, view);
        return;
    }
    if (server->reload != NULL) {
        return; /* it may be reading them */
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
        log_info("reload started reason=\"a geo database changed\" file=%s", changed);
        (void)server_start_reload(server, NULL, NULL, NULL);
    }
}

int geowatch_start(struct server *server, struct geowatch **to)
{
    struct geowatch *watch = memory_alloc(sizeof *watch);
    struct timeval interval = {.tv_sec = INTERVAL_S};
    watch->server = server;
    watch->timer = event_new(server->base, -1, EV_PERSIST, on_tick, watch);
    if (watch->timer == NULL || event_add(watch->timer, &interval) != 0) {
        geowatch_stop(watch);
        return -ENOMEM;
    }
    list_files(watch, server->view);
    *to = watch;
    return 0;
}

void geowatch_stop(struct geowatch *watch)
{
    if (watch != NULL) {
        if (watch->timer != NULL) {
            event_free(watch->timer);
        }
        forget_files(watch);
        free(watch);
    }
}
