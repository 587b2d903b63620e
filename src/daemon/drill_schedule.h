/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills that are done regularly (steerd.json, "drills"). What was handled is in the store before anything is
 * run, so each time is handled once, whatever process it is that does. None runs while a real incident is
 * open. Belongs to the control thread. Private to src/daemon. */
#pragma once

#include "admin/drill_schedule.h"

struct drill_schedule;
struct server;

struct drill_schedule *drill_schedule_open(struct server *server); /* NULL: no memory */
/* When workers and store have ended. NULL is fine. */
void drill_schedule_close(struct drill_schedule *schedule);
/* Read what the store in the folder holds (NULL: there is none), reports as well, and look at the clock from
 * now on. */
void drill_schedule_begin(struct drill_schedule *schedule, const char *folder);
/* One is this now (NULL: gone), because another node said so. */
void drill_schedule_follow(struct drill_schedule *schedule, const char *name, const char *value);
/* The same of the store, which could not be read at the start: no drill has begun since. */
void drill_schedule_regain(struct drill_schedule *schedule, const char *name, const char *value);
/* What runs is done here from now on: whoever had begun something does not end it. */
void drill_schedule_take_over(struct drill_schedule *schedule);
/* Metrics as text, owned; NULL: there are none. */
char *drill_schedule_write_metrics(const struct drill_schedule *schedule);

/* Verbs of the admin API. */
void drill_schedule_fill_verbs(struct admin_schedule_verbs *verbs);
