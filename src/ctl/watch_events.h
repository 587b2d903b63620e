/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The latest events for `steerctl watch`, as they come: a connection that is made anew when it ends, and goes
 * on behind what was had. */
#pragma once

#include "ctl/tail.h"

#include <stdint.h>

enum { WATCH_EVENTS_MAX = 200 };

struct watch_events {
    struct tail tail;          /* fd -1: it is not open */
    char id[SSE_NAME_SIZE];    /* of the latest that was had; "": none */
    json_t *items;             /* owned: the latest ones, the oldest first. A gap has "gap": true */
    json_t *known;             /* owned: endpoints of the region that is shown, as keys */
    char why[TABLE_CELL_SIZE]; /* why there are none; "": there may be */
    int64_t next_ms;           /* monotonic: not tried again before */
    bool is_current, has_news; /* it had all that there was; since it was drawn last there are more */
};

void watch_events_init(struct watch_events *events);
void watch_events_fini(struct watch_events *events);
/* Connect, if it is not, and if it is time to. */
void watch_events_tend(struct watch_events *events, const struct steerctl *ctl, int64_t now_ms);
/* What can be read without waiting. */
void watch_events_read(struct watch_events *events, int64_t now_ms);
/* All that has been until now, for as long as that takes, but not longer than so. */
void watch_events_read_all(struct watch_events *events, int ms);
/* Those that are shown, owned by the caller: all, or, of a region, those about it, its azs and those
 * endpoints that had a check on the screen; and what is about no place. */
json_t *watch_events_choose(struct watch_events *events, const char *region, const json_t *azs,
                            const json_t *const checks[2]);
