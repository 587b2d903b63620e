/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A loss in real time: which answers change on a health table that somebody else leads, when, and back. One
 * choice per distinct (policy, class, type) is evaluated, however many names share it. */
#pragma once

#include "drill/drill.h"

struct drill_watch;

/* How the names of the view are answered now is "before"; the view is borrowed, and its table may change all
 * the time. Losses are of its topology. Returns owned. */
struct drill_watch *drill_watch_new(const struct view *view, const struct drill_loss *losses, size_t count);
void drill_watch_free(struct drill_watch *watch); /* NULL is fine */
bool drill_watch_is_lost(const struct drill_watch *watch, uint32_t endpoint);
/* Look at all answers; those that are others than at the last call changed at that time after the loss.
 * Returns how many did, of names, types and classes. */
size_t drill_watch_follow(struct drill_watch *watch, int64_t at_ms);

/* What the caller has seen meanwhile. */
struct drill_seen {
    const struct drill_event *events;
    size_t event_count;
};
/* As JSON text (returns owned, for free()), after the last look. Times are ms after the loss. */
char *drill_watch_write(struct drill_watch *watch, const struct drill_seen *seen);
