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
#include "base/log.h"
#include "probe/probe.h"

/* There may be hundreds: what is not new is counted. */
void server_report_dormants(const struct view *view, struct report *report)
{
    struct report_place place = {.file = view->server->topology_path};
    size_t old = 0, count = health_count_dormant(view->health), dropped = health_count_dropped(view->health);
    for (size_t i = 0; i < count; i++) {
        const struct health_dormant *dormant = health_get_dormant(view->health, i);
        const char *kind = health_kind_text(dormant->kind);
        old += !dormant->is_new;
        if (dormant->is_new) {
            report_add(report, REPORT_WARNING, &place,
                       "the %s of %s %s by %s lies dormant: there is no such %s any more%s%s",
                       health_desired_text(dormant->what.desired), kind, dormant->name, dormant->what.actor,
                       kind, dormant->heir == NULL ? "" : ", its addresses are those of ",
                       dormant->heir == NULL ? "" : dormant->heir);
        }
    }
    if (old != 0) {
        report_add(report, REPORT_WARNING, &place,
                   "%zu override%s from before lie%s dormant, for want of what they are about", old,
                   old == 1 ? "" : "s", old == 1 ? "s" : "");
    }
    if (dropped != 0) {
        report_add(report, REPORT_WARNING, &place,
                   "%zu more overrides have lost what they are about and were dropped: %d may lie dormant",
                   dropped, HEALTH_DORMANT_MAX);
    }
}

static void free_view(void *view)
{
    view_free(view);
}

void server_install_view(struct server *server, struct view *view, struct view_succession *succession,
                         struct targets *targets)
{
    view_map_listeners(view, server->serve_options.listen, server->serve_options.listen_count, server->view);
    if (server->primaries != NULL) {
        primaries_let_go(server->primaries);
    }
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
    prober_use_targets(server->prober, targets); /* whose results so far are of the old view */
    health_tell_carried(view->health);           /* this thread alone changes overrides */
    server_forget_snapshot(server);
    log_configure(&view->server->log);
    hosts_follow(server->hosts, view);
    server_schedule_expiry(server);
    if (server->primaries != NULL) {
        primaries_follow(server->primaries, view);
    }
    reclaim_add(server->reclaim, old, free_view);
}
