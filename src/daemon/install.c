/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Everybody who looks at the current view is told of a new one, in an order in which nobody sees halves. */
#include "config.h"

#include "daemon/install.h"

#include "daemon/changes.h"
#include "daemon/expiry.h"
#include "daemon/hosts.h"
#include "daemon/peers.h"
#include "daemon/primaries.h"
#include "daemon/reclaim.h"
#include "daemon/rules_watch.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/snapshot.h"
#include "daemon/tidings.h"
#include "daemon/traffic.h"
#include "daemon/vantages.h"
#include "admin/admin.h"
#include "base/log.h"
#include "base/memory.h"
#include "health/opinion.h"
#include "probe/probe.h"
#include "tap/tap.h"

enum { TOLD_MAX = 1000 };

/* There may be thousands: what is not new is counted, and many new ones are. */
static void report_dormants(const struct view *view, struct report *report, const struct report_place *place)
{
    struct health_dormant_cursor cursor = {0};
    size_t old = 0, new = 0;
    for (const struct health_dormant *dormant;
         (dormant = health_next_dormant(view->health, &cursor)) != NULL;) {
        const char *kind = health_kind_text(dormant->kind);
        old += !dormant->is_new;
        new += dormant->is_new;
        if (dormant->is_new && new <= TOLD_MAX) {
            report_add(report, REPORT_WARNING, place,
                       "the %s of %s %s by %s lies dormant: there is no such %s any more%s%s",
                       health_desired_text(dormant->what.desired), kind, dormant->name, dormant->what.actor,
                       kind, dormant->heir == NULL ? "" : ", its addresses are those of ",
                       dormant->heir == NULL ? "" : dormant->heir);
        }
    }
    if (new > TOLD_MAX) {
        report_add(report, REPORT_WARNING, place, "%zu more overrides lie dormant likewise", new - TOLD_MAX);
    }
    if (old != 0) {
        report_add(report, REPORT_WARNING, place,
                   "%zu override%s from before lie%s dormant, for want of what they are about", old,
                   old == 1 ? "" : "s", old == 1 ? "s" : "");
    }
}

/* Drains that are about groups of names which are not there: names that were in one go where policies say. */
static void report_groupless(const struct view *view, struct report *report, const struct report_place *place)
{
    enum { PART = 64 };
    struct health_spell spells[PART];
    size_t told = 0;
    for (size_t at = 0, count; (count = health_list_spells(view->health, at, spells, PART)) != 0;
         at += count) {
        for (size_t i = 0; i < count && told < TOLD_MAX; i++) {
            struct health_status status;
            size_t missing;
            const char *group;
            const struct health_override *what =
                health_get_override(view->health, spells[i].kind, spells[i].index);
            (void)health_find_groups(view->health, what->names, &group, &missing);
            if (missing != 0) {
                (void)health_get_status(view->health, spells[i].kind, spells[i].index, &status);
                told++;
                report_add(report, REPORT_WARNING, place,
                           "the drain of %s %s by %s is about names of group %.*s, of which there is none:"
                           " there it drains nobody",
                           health_kind_text(spells[i].kind), status.name, what->actor, (int)missing, group);
            }
        }
    }
}

void server_report_idle_overrides(const struct view *view, struct report *report)
{
    struct report_place place = {.file = view->server->topology_path};
    report_dormants(view, report, &place);
    report_groupless(view, report, &place);
}

static void free_view(void *view)
{
    view_free(view);
    memory_trim(); /* and what the new one was made of */
}

void server_install_view(struct server *server, struct view *view, struct view_succession *succession,
                         struct targets *targets, struct vantages_news *news)
{
    shadows_end_all(server->shadows, "reload");
    view_map_listeners(view, server->serve_options.listen, server->serve_options.listen_count, server->view);
    if (server->primaries != NULL) {
        primaries_let_go(server->primaries);
    }
    if (succession != NULL) {
        view_succession_catch_up(succession);
    }
    peers_learn(server->peers, view);
    struct health_enrolment *enrolment = vantages_make_enrolment(server->vantages, view->health);
    lock_take(&server->lock);
    if (succession != NULL) {
        view_succession_end(succession);
    }
    changes_listen(server->changes, server->teller, view->health);
    vantages_introduce(server->vantages, view->health, enrolment);
    server->view = view;
    if (view->server->cluster != NULL) {
        health_watch_own(view->health, peers_saw, server->peers);
    }
    struct view *old = view_exchange(server->slot, view);
    lock_leave(&server->lock);
    health_enrolment_free(enrolment);
    prober_set_limits(server->prober, &(struct probe_limits){.in_flight = view->server->probe.in_flight,
                                                             .per_address = view->server->probe.per_address,
                                                             .per_second = view->server->probe.per_second,
                                                             .commands = view->server->probe.commands});
    prober_use_targets(server->prober, targets); /* whose results so far are of the old view */
    health_tell_carried(view->health);           /* this thread alone changes overrides */
    server_forget_snapshot(server);
    log_configure(&view->server->log);
    taps_configure(server->taps, view->server);
    vantages_follow(server->vantages, news);
    if (server->admin != NULL) {
        admin_listen(server->admin, view->server->doors, view->server->door_count, NULL, 0);
    }
    traffic_follow(server->traffic, view);
    hosts_follow(server->hosts, view);
    tidings_follow(server);
    rules_watch_follow(server->rules);
    server_schedule_expiry(server);
    if (server->primaries != NULL) {
        primaries_follow(server->primaries, view);
    }
    reclaim_add(server->reclaim, old, free_view);
}
