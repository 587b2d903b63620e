/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See reload_hold.h. What takes long, reading and compiling, is done before; what is left is what a view
 * takes over from the one before it, which is the same for any reload. */
#include "config.h"

#include "daemon/reload_hold.h"

#include "daemon/documents.h"
#include "daemon/reload_inside.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/memory.h"
#include "view/view.h"

#include <stdio.h>
#include <string.h>

static bool is_free(const struct server *server)
{
    return server->reload == NULL && server->heir == NULL && !server->is_frozen && server->takeover == NULL;
}

static bool fits(const struct reload *held)
{
    const struct view *view = held->server->view;
    return held->previous == view && held->generation == view_number(view) + 1;
}

bool server_holds_bundle(const struct server *server, const char *id)
{
    const struct reload *held = server->held;
    return held != NULL && fits(held) && strcmp(held->bundle, id) == 0;
}

void server_drop_held(struct server *server)
{
    struct reload *held = server->held;
    if (held != NULL) {
        server->held = NULL;
        view_free(held->view);
        reload_reclaim(held);
    }
}

static void keep(struct reload *reload)
{
    struct server *server = reload->server;
    void (*done)(void *argument, const struct admin_reload_result *result) = reload->done;
    bool is_good = reload->view != NULL && report_errors(reload->report) == 0;
    reload->done = NULL;
    server->reload = NULL;
    if (is_good) {
        server->held = reload;
    }
    done(reload->argument, &(struct admin_reload_result){.error = is_good ? 0 : ERROR_INVALID,
                                                         .generation = view_number(server->view),
                                                         .report = reload->report});
    if (!is_good) {
        view_free(reload->view);
        reload_reclaim(reload);
    }
    reload_start_next(server);
}

int server_hold_bundle(struct server *server, const char *id, enum role role,
                       void (*done)(void *argument, const struct admin_reload_result *result), void *argument)
{
    if (!is_free(server)) {
        return ERROR_CONFLICT;
    }
    server_drop_held(server);
    struct reload *reload =
        reload_new(server, &(struct admin_reload){.bundle = id, .role = role}, done, argument);
    reload->keep = keep;
    snprintf(reload->bundle, sizeof reload->bundle, "%s", id);
    reload->documents = documents_begin(server, &(struct documents_options){.bundle = id});
    return reload_launch(reload);
}

int server_install_held(struct server *server,
                        void (*done)(void *argument, const struct admin_reload_result *result),
                        void *argument)
{
    struct reload *held = server->held;
    if (held == NULL || !is_free(server) || !fits(held)) {
        return ERROR_CONFLICT;
    }
    held->done = done;
    held->argument = argument;
    held->started_us = clock_now_us(&server->clock);
    server->held = NULL;
    server->reload = held;
    int error = reload_go_on(held);
    if (error != 0) {
        server->reload = NULL;
        held->is_storing = false;
        server->held = held;
        return ERROR_CONFLICT;
    }
    return 0;
}
