/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a reload has to say, or the start: its findings, and what it could not change. */
#include "config.h"

#include "daemon/reload.h"

#include "daemon/server.h"
#include "base/log.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A place without a line has no column either. */
static void log_item(const struct report_item *item)
{
    const struct report_place *place = &item->place;
    void (*say)(const char *format, ...) __attribute__((format(printf, 1, 2))) =
        item->severity == REPORT_ERROR ? log_error : log_warning;
    if (place->line == 0) {
        say("config file=%s path=%s message=%s", place->file, place->path, item->message);
    } else if (place->column == 0) {
        say("config file=%s line=%u path=%s message=%s", place->file, place->line, place->path,
            item->message);
    } else {
        say("config file=%s line=%u column=%u path=%s message=%s", place->file, place->line, place->column,
            place->path, item->message);
    }
}

void server_log_report(const struct report *report)
{
    for (size_t i = 0; i < report_count(report); i++) {
        log_item(report_get(report, i));
    }
}

/* Listen addresses, threads and the admin socket are fixed at start: say so instead of ignoring it silently.
 */
void server_warn_of_fixed(const struct server *server, const struct view *view, struct report *report)
{
    const struct serve_options *now = &server->serve_options;
    const struct conf_server *wanted = view->server, *old = server->view->server;
    struct report_place place = {.file = server->path};
    bool same_listen = now->listen_count == wanted->listen_count;
    for (size_t i = 0; same_listen && i < wanted->listen_count; i++) {
        same_listen = addr_equal(&now->listen[i].addr, &wanted->listen[i].addr) &&
                      now->listen[i].port == wanted->listen[i].port;
    }
    bool same_admin = (old->admin_socket == NULL) == (wanted->admin_socket == NULL) &&
                      (old->admin_socket == NULL || strcmp(old->admin_socket, wanted->admin_socket) == 0) &&
                      old->admin_socket_mode == wanted->admin_socket_mode;
    if (!same_listen || now->threads != wanted->threads) {
        report_add(report, REPORT_WARNING, &place,
                   "listen and threads changed: they take effect at the next start");
    }
    if (!same_admin) {
        report_add(report, REPORT_WARNING, &place, "admin changed: it takes effect at the next start");
    }
}

/* What there is to say of the start. Whoever should read it may not: then the start goes on without. */
void server_print_report(const struct report *report)
{
    enum { PATIENCE_MS = 1000, CHUNK = 512 }; /* a pipe that can be written to takes at least so much */
    struct pollfd to = {.fd = STDERR_FILENO, .events = POLLOUT};
    char *text = NULL;
    size_t len = 0, done = 0;
    FILE *stream = open_memstream(&text, &len);
    if (stream == NULL) {
        return;
    }
    report_write(report, stream);
    fclose(stream);
    while (done < len && poll(&to, 1, PATIENCE_MS) == 1) {
        ssize_t written = write(to.fd, text + done, len - done < CHUNK ? len - done : CHUNK);
        if (written <= 0) {
            break;
        }
        done += (size_t)written;
    }
    free(text);
}
