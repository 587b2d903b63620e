/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who asks: what DNS threads note of clients (traffic/sight.h), read into the sketch of the most frequent and
 * into drains; and the switches that begin these, read from the stream of changes. It sets how many are
 * noted. Private to traffic*.c. */
#pragma once

#include "traffic/drain.h"
#include "traffic/sight.h"
#include "traffic/top.h"

struct stream;
struct view;

struct traffic_crowd;

enum { TRAFFIC_PLACES = 1024, TRAFFIC_HOSTS = 16384 };

struct traffic_crowd *traffic_crowd_new(void);
void traffic_crowd_free(struct traffic_crowd *crowd); /* NULL is fine */
/* What so many DNS threads write to, made once. Borrowed. */
struct sights **traffic_crowd_make_sights(struct traffic_crowd *crowd, size_t threads);
void traffic_crowd_listen(struct traffic_crowd *crowd, struct stream *stream); /* changes from now on */
/* Endpoints of this view, and where they are; those of the one before are known yet. */
void traffic_crowd_follow(struct traffic_crowd *crowd, const struct view *view);
/* Everything up to now. */
void traffic_crowd_read(struct traffic_crowd *crowd, int64_t now_ms, int64_t wall_ms);

struct traffic_crowd_stats {
    uint32_t every;   /* queries per turn */
    double hosts;     /* share of hosts that drains see */
    uint64_t lost;    /* notes that nobody read in time */
    int64_t since_ms; /* monotonic */
};
void traffic_crowd_get_stats(const struct traffic_crowd *crowd, struct traffic_crowd_stats *stats);
const struct traffic_top *traffic_crowd_get_top(const struct traffic_crowd *crowd);
const struct traffic_drains *traffic_crowd_get_drains(const struct traffic_crowd *crowd);
