/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The traffic view: what DNS threads have counted, summed up by a thread of its own once a second and
 * whenever somebody asks. It waits for readers of views that are not served any more, for nothing else.
 * Private to src/daemon. */
#pragma once

#include "admin/traffic.h"
#include "base/buffer.h"

struct clock;
struct sights;
struct stream;
struct switchover;
struct traffic;
struct view;

int traffic_open(const struct clock *clock, struct traffic **traffic); /* 0 and owned, or a negative error */
/* When nobody answers queries or asks any more. NULL is fine. */
void traffic_close(struct traffic *traffic);
/* This one serves now. On the control thread. */
void traffic_follow(struct traffic *traffic, const struct view *view);

/* Clients of a live drill are answered from this one, which counts for itself; NULL: none are any more. It
 * shares the content of the view that serves, and ends before that does. Likewise. */
void traffic_follow_drill(struct traffic *traffic, const struct view *view);

/* What so many DNS threads note of clients; before they start, once. Borrowed. */
struct sights **traffic_make_sights(struct traffic *traffic, size_t threads);
/* Switches are among these changes, from now on. */
void traffic_listen(struct traffic *traffic, struct stream *stream);

/* For a switchover, in words: how much of the latest answers its targets get; and how resolvers have left
 * them since. NULL: nothing is known. In the arena. By workers. */
const char *traffic_tell_share(struct traffic *traffic, const struct switchover *switchover,
                               struct arena *arena);
/* How many of the latest answers were of each name of a view, and of each class. In the arena. By workers. */
struct operate_rates;
const struct operate_rates *traffic_measure_rates(struct traffic *traffic, const struct view *view,
                                                  struct arena *arena);
/* Is that to wait for, after a reload? By any thread. */
bool traffic_is_behind(struct traffic *traffic);
const char *traffic_tell_drains(struct traffic *traffic, const struct switchover *switchover,
                                struct arena *arena);

/* How resolvers have left a place ("region:us-east") since a switch in this span of wall times. By workers.
 */
struct traffic_drain_progress;
bool traffic_measure_drain(struct traffic *traffic, const char *target, const int64_t span_ms[2],
                           struct traffic_drain_progress *progress);

void traffic_write_metrics(struct traffic *traffic, struct buffer *out);
/* See admin_traffic_verbs. */
void traffic_fill_verbs(struct admin_traffic_verbs *verbs);
