/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reloading: a loader thread compiles, the control thread installs. On the control thread. Private to
 * src/daemon. */
#pragma once

#include "admin/admin.h"
#include "base/report.h"

struct server;

/* Start compiling on the loader thread: everything, or one zone; a dry run compiles everything, says what
 * would change and installs nothing. done (may be NULL) is called once on the control thread. Returns 0,
 * ERROR_CONFLICT or ERROR_NOT_FOUND. */
int server_start_reload(struct server *server, const struct admin_reload *asked,
                        void (*done)(void *argument, const struct admin_reload_result *result),
                        void *argument);
/* Reload everything: now, or if a reload is running (it may have read what changed meanwhile) behind that.
 * is_start: what a start leaves to be done, which safety rules are not asked about. */
void server_reload_soon(struct server *server, bool is_start);
/* Wait for a running loader and drop its result. */
void server_stop_reload(struct server *server);
/* Listen addresses, threads and the admin socket are fixed at start: say so of the view that has others. */
struct view;
void server_warn_of_fixed(const struct server *server, const struct view *view, struct report *report);
/* Write a report of the start to stderr, if somebody reads that. */
void server_print_report(const struct report *report);
/* Write a report to the log. */
void server_log_report(const struct report *report);
