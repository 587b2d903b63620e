/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Hosts that check, too: who they are is in the store (vantage/NAME), what they check follows from the view
 * that serves, and what they think goes to its health machine. A thread of their own talks to them
 * (fleet/listener.h). Belongs to the control thread, but for what says otherwise. Private to src/daemon. */
#pragma once

#include "admin/admin.h"
#include "base/report.h"

struct health;
struct probe_aim;
struct server;
struct vantages;
struct view;

/* What there is to prepare for a view before it serves: the list, and what is shown to vantages; files are
 * read, and made where there are none. On the thread that loads. NULL: the view wants none of it. Owned. */
struct vantages_news;
struct vantages_news *vantages_prepare(const struct view *view, struct report *report);
void vantages_free_news(struct vantages_news *news); /* NULL is fine */

/* 0, or -errno. There is nobody yet, until vantages_begin(). */
int vantages_open(struct server *server, struct vantages **vantages);
/* Nothing is heard of them any more: before the lock and the views go. NULL is fine, here and below. */
void vantages_stop(struct vantages *vantages);
void vantages_close(struct vantages *vantages); /* then, when the store has ended */
/* Who they are, by the store in this folder, which may be another process's yet. To be known before anything
 * is judged: a view that is installed without it goes by our own results alone. NULL is no folder; what was
 * handed over counts more. */
void vantages_learn(struct vantages *vantages, const char *folder);
/* The store is ours: they can be changed. */
void vantages_begin(struct vantages *vantages);
/* Taking over: the process before says who they are; one of them; and that is all, or it said nothing of them
 * and the store has to. */
void vantages_begin_to_hand(struct vantages *vantages);
void vantages_hand(struct vantages *vantages, const char *name, const char *value);
void vantages_adopt(struct vantages *vantages);
/* What stands was judged with them, in the process before: they are awaited from now on. */
void vantages_await(struct vantages *vantages);
/* The store could not be read until now: one that is in it; and all have been said. */
void vantages_regain(struct vantages *vantages, const char *name, const char *value);
void vantages_end_regain(struct vantages *vantages);
/* One is this now (NULL: gone), because another node of the cluster said so. */
void vantages_follow_member(struct vantages *vantages, const char *name, const char *value);
/* For a process that takes over: all of them, as the store has them. */
void vantages_list_all(const struct vantages *vantages,
                       void (*take)(void *context, const char *name, const char *value), void *context);
/* Is a change on its way, not in force yet? */
bool vantages_any(const struct vantages *vantages);

/* A thread listens to them, and follows how long ago each was heard. */
bool vantages_are_heard(const struct vantages *vantages);
/* Another process has taken over: they are to go there. */
void vantages_leave(struct vantages *vantages);

/* The current view is another one; takes the news. */
void vantages_follow(struct vantages *vantages, struct vantages_news *news);
/* Whose opinions this machine is to count: made without the lock, counted from then on under it, and freed
 * (health/opinion.h) without. NULL: nobody's are known yet. */
struct health_enrolment *vantages_make_enrolment(const struct vantages *vantages,
                                                 const struct health *health);
void vantages_introduce(struct vantages *vantages, struct health *health, struct health_enrolment *enrolment);
/* Who they are; names are borrowed until something changes. Returns how many. */
struct health_vantage_plan;
size_t vantages_list_plans(const struct vantages *vantages, struct health_vantage_plan *plans);
/* What the prober is told as well. */
void vantages_aim(struct vantages *vantages, uint64_t generation, const struct probe_aim *aims, size_t count);

/* See fleet_answer_order(). Any thread. */
void vantages_answer_order(struct vantages *vantages, unsigned number, uint64_t mark, const char *why);

struct fleet_message;
/* See fleet_give(): takes the octets. Any thread. */
void vantages_give(struct vantages *vantages, unsigned number, uint64_t connection,
                   const struct fleet_message *message, uint8_t *octets);

/* See admin_verbs. */
int server_list_vantages(void *reader, struct arena *arena, struct admin_vantages *list);
int server_change_vantage(void *context, const struct admin_vantage_order *order, admin_vantage_done *done,
                          void *argument);

/* See admin_verbs.try_checks, with `from`: ERROR_CONFLICT: there is no such vantage. */
int server_try_from(void *reader, struct admin_tries *tries, struct arena *arena);

/* For metrics; any thread. */
struct fleet_stats;
struct fleet_status;
bool vantages_get_stats(struct vantages *vantages, struct fleet_stats *stats);
