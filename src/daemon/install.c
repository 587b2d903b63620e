/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Everybody who looks at the current view is told of a new one, in an order in which nobody sees halves. */
#include "config.h"

#include "daemon/install.h"

#include "daemon/changes.h"
#include "daemon/expiry.h"
#include "daemon/hosts.h"
#include "daemon/primaries.h"
#include "daemon/reclaim.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "daemon/targets.h"
#include "base/log.h"

static void free_view(void *view)
{
    view_free(view);
}

void server_install_view(struct server *server, struct view *view, struct view_succession *succession)
{
    view_map_listeners(view, server->serve_options.listen, server->serve_options.listen_count, server->view);
    primaries_let_go(server->primaries);
    if (succession != NULL) {
        view_succession_catch_up(succession);
    }
    lock_take(&server->lock);
    if (succession != NULL) {
        view_succession_end(succession);
    }
    changes_listen(server->changes, server->teller, view->health);
    server->view = view;
    struct view *old = view_exchange(server->slot, view);
    lock_leave(&server->lock);
    view_succession_free(succession);
    server_forget_snapshot(server);
    log_configure(&view->server->log);
    hosts_follow(server->hosts, view);
    server_set_targets(server);
    server_schedule_expiry(server);
    primaries_follow(server->primaries, view);
    reclaim_add(server->reclaim, old, free_view);
}
