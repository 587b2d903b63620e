/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See sockets.h. What a DNS thread begins with, and where it notes and tells what it sees, belongs to its
 * socket. */
#include "config.h"

#include "daemon/sockets.h"

#include "daemon/activated.h"
#include "daemon/challenges.h"
#include "daemon/confined.h"
#include "daemon/heir.h"
#include "daemon/limits.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/traffic.h"
#include "base/memory.h"
#include "tap/tap.h"
#include "view/view.h"

static void lend(struct server *server)
{
    if (server->heir != NULL) {
        heir_lend_sockets(server->heir);
    } else {
        activated_lend_sockets(server->activated, &server->serve_options);
    }
}

static void note(struct server *server)
{
    if (server->heir != NULL) {
        heir_note_sockets(server->heir);
    } else {
        activated_note_sockets(server->activated, &server->serve_options);
    }
}

int server_open_sockets(struct server *server, const struct view *view, struct report *report)
{
    server->serve_options = (struct serve_options){.listen = view->server->listen,
                                                   .listen_count = view->server->listen_count,
                                                   .threads = view->server->threads,
                                                   .slot = server->slot,
                                                   .shadows = shadows_get_slot(server->shadows),
                                                   .challenges = challenges_get_slot(server->challenges)};
    server->serve_options.sights =
        traffic_make_sights(server->traffic, serve_thread_count(&server->serve_options));
    server_find_tcp_limits(view, &server->serve_options.tcp);
    server->taps = taps_new(serve_thread_count(&server->serve_options));
    server->serve_options.taps = taps_list(server->taps);
    lend(server);
    confined_prepare(server, &view->server->confine);
    int error = serve_open(&server->serve_options, report, &server->serve);
    note(server);
    /* the options outlive the view that they came from */
    server->serve_options.listen =
        memory_copy(view->server->listen, view->server->listen_count * sizeof *view->server->listen);
    return error;
}
