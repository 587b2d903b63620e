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
#include "serve/socket.h"
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

/* Addresses of a family that this system has disabled are left out, unless there are no others. Returns
 * owned. */
static struct addr_port *list_possible(const struct conf_server *conf, size_t *count, struct report *report)
{
    struct addr_port *list = memory_copy(conf->listen, conf->listen_count * sizeof *list);
    *count = 0;
    for (size_t i = 0; i < conf->listen_count; i++) {
        const struct addr_port *at = &conf->listen[i];
        char path[32], text[ADDR_TEXT_SIZE];
        if (socket_has_family(at->addr.family)) {
            list[(*count)++] = *at;
            continue;
        }
        snprintf(path, sizeof path, "$.listen[%zu]", i);
        report_add(report, REPORT_WARNING, &(struct report_place){.path = path},
                   "%s is not served: this system has %s disabled", addr_write_port(at, text),
                   at->addr.family == ADDR_V6 ? "IPv6" : "IPv4");
    }
    *count = *count == 0 ? conf->listen_count : *count; /* serve_open() says what is wrong */
    return list;
}

int server_open_sockets(struct server *server, const struct view *view, struct report *report)
{
    size_t listen_count;
    struct addr_port *listen = list_possible(view->server, &listen_count, report);
    server->serve_options = (struct serve_options){.listen = listen,
                                                   .listen_count = listen_count,
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
    return error;
}
