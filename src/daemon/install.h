/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Making a compiled view the current one. On the control thread. Private to src/daemon. */
#pragma once

struct report;
struct server;
struct targets;
struct vantages_news;
struct view;
struct view_succession;

/* Make a compiled view current, with what it takes over from the one that serves now: prober and DNS threads
 * are switched. The view has been prepared by primaries_prepare(), and `targets` and news are made of it.
 * Takes all three; succession NULL: it is the first. */
void server_install_view(struct server *server, struct view *view, struct view_succession *succession,
                         struct targets *targets, struct vantages_news *news);

/* Warn of the overrides that lie dormant in a view that has taken over, and of those that are about groups of
 * names which are not there. On the control thread, or of a view
 * that nobody else has. */
void server_report_idle_overrides(const struct view *view, struct report *report);
