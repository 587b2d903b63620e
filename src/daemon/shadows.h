/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Shadow drills: losses that are rehearsed on this server, in a private state over what it serves, and seen
 * by drill clients only (answer/shadow.h). Real results go into that state as they go into the one that
 * serves, but for those of what is lost, which fail there at the pace of the real checks. Nothing of it is
 * durable: with the process all drills are gone. Owned by the control thread. Private to src/daemon. */
#pragma once

#include "admin/shadow.h"
#include "answer/shadow.h"

#include <stdint.h>

struct probe_result;
struct server;
struct shadows;

int shadows_open(struct server *server, struct shadows **shadows); /* 0 or a negative error */
/* All end, and their threads have ended; when no DNS thread runs any more. has_ended: so has the store, else
 * what it may come back to stays. NULL is fine. */
void shadows_close(struct shadows *shadows, bool has_ended);
/* The server ends: so do they, and those that wait for one are told. */
void shadows_stop(struct shadows *shadows);
/* The state folder is this process's, NULL: there is none. Those that ran when the process before was gone
 * are told of; of one that was taken over from there are none. */
void shadows_learn(struct shadows *shadows, const char *state_path, bool is_heir);
/* Likewise, of a store that could not be read then: a live drill (live.h), or what one has stopped
 * (live_stops.h). */
struct store_object;
void shadows_regain(struct shadows *shadows, const struct store_object *object);
/* Where DNS threads find them; before they start. */
const struct answer_shadow_slot *shadows_get_slot(const struct shadows *shadows);

/* What they were copied from goes away: they end because of that ("reload", "takeover"), before it does. */
void shadows_end_all(struct shadows *shadows, const char *because);

/* A check of the view that serves has ended, in the lock of the server; on any thread. */
void shadows_take_result(struct shadows *shadows, uint32_t monitor, const struct probe_result *result,
                         int64_t wall_ms);
/* Likewise, of a control target. */
void shadows_take_control(struct shadows *shadows, uint32_t control, const struct probe_result *result);

/* Likewise; a report and a load that were pushed, by the control thread. */
struct health_push;
struct health_load_report;
struct health_lag_report;
void shadows_take_push(struct shadows *shadows, const char *endpoint, const char *check,
                       const struct health_push *push, int64_t wall_ms);
void shadows_take_load(struct shadows *shadows, const char *endpoint, const struct health_load_report *report,
                       int64_t wall_ms);

/* Likewise, by the thread of vantages: what one of them says, that it is alive (new: and was started anew),
 * and that it is not there any more. */
struct health_heard;
void shadows_hear(struct shadows *shadows, unsigned vantage, const struct health_heard *heard, size_t count);
void shadows_hear_alive(struct shadows *shadows, unsigned vantage, bool is_new);
void shadows_lose_vantage(struct shadows *shadows, unsigned vantage);
/* Those that are enrolled are others, or count otherwise. By the control thread, without the lock; NULL is
 * fine. */
struct health_vantage_plan;
void shadows_follow_members(struct shadows *shadows, const struct health_vantage_plan *plans, size_t count);

/* How far a copy is behind, as it was asked or pushed. */
void shadows_take_lag(struct shadows *shadows, size_t pair, const struct health_lag_report *report,
                      int64_t wall_ms);

/* Host names lead elsewhere, as the view that serves has heard. By the control thread. */
struct view_host_update;
void shadows_take_hosts(struct shadows *shadows, const struct view_host_update *updates, size_t count);

/* The wall clock was set by so much: what began is over after as long as ever. By the control thread. */
void shadows_follow_clock_step(struct shadows *shadows, int64_t by_ms);

/* What live drills have stopped, live_stops.h. */
struct live_stops;
const struct live_stops *shadows_get_stops(const struct shadows *shadows);

/* Verbs of the admin API. */
void shadows_fill_verbs(struct admin_shadow_verbs *verbs);
