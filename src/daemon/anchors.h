/* SPDX-License-Identifier: BSD-3-Clause
 *
 * That the end of a journal was cut off shows in nothing but a hash that was noted elsewhere: the log gets
 * the one of the last entry, at the start, at the end, and a moment after the first entry that has none yet.
 * On the control thread. Private to src/daemon. */
#pragma once

#include "store/store.h"

struct event;
struct event_base;

struct anchors {
    struct event *timer;
    struct store *const *store; /* borrowed; none while there is no store */
    uint64_t told;              /* seq of the latest one in the log */
};

/* 0 or -ENOMEM. */
int anchors_open(struct anchors *anchors, struct event_base *base, struct store *const *store);
void anchors_stop(const struct anchors *anchors);  /* until the next plan */
void anchors_close(const struct anchors *anchors); /* also what was not opened */

/* Now, of the store as it is; or as it was. Nothing is said twice. */
void anchors_tell(struct anchors *anchors);
void anchors_tell_of(struct anchors *anchors, const struct store_stats *stats);
/* A moment from now, if there is something new: of many one is enough. */
void anchors_plan(const struct anchors *anchors, const struct store_stats *stats);
