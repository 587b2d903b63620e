/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of the schedule of drills share: what is known of them (drill_schedule_kept.c), and when
 * they run (drill_schedule.c). Private to src/daemon. */
#pragma once

#include "daemon/drill_schedule.h"
#include "daemon/drill_state.h"
#include "conf/drills.h"
#include "drill/plan.h"

struct event;

struct scheduled {
    struct scheduled *next;
    struct drill_state state;
    int64_t next_ms; /* wall: when to look again */
    const char *was; /* static: what is in its way; NULL: nothing, or it is not due */
};

struct drill_schedule {
    struct server *server;
    struct scheduled *first;
    struct event *timer;
    const struct conf_drills *conf; /* at the latest look; to compare only */
    int64_t looked_ms;              /* wall */
};

/* One that has begun. */
struct running {
    struct drill_schedule *all;
    char name[DRILL_SCHEDULE_SIZE];
    int64_t before_ms; /* what was handled before it */
};

struct scheduled *drill_schedule_find(const struct drill_schedule *schedule, const char *name);
/* There is one for each of these from now on. */
void drill_schedule_match(struct drill_schedule *schedule, const struct conf_drills *drills);
const struct conf_schedule *drill_schedule_find_conf(const struct server *server, const char *name);
void drill_schedule_learn(struct drill_schedule *schedule, const char *folder);
size_t drill_schedule_list(void *context, const char *name, struct arena *arena,
                           struct admin_scheduled **items);
void drill_schedule_drop_all(struct drill_schedule *schedule);
