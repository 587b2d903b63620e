/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the traffic view have in common. Private to traffic*.c. */
#pragma once

#include "daemon/traffic.h"

#include "daemon/traffic_counts.h"
#include "daemon/traffic_crowd.h"
#include "traffic/book.h"

#include <pthread.h>

/* A view that serves, or did: what it counts is to be read. */
struct traffic_news {
    struct traffic_news *next;
    struct view *view; /* owned */
    bool is_drill;     /* it serves clients of a drill beside the other one; NULL: none does */
};

struct traffic {
    const struct clock *clock;
    pthread_t thread;

    pthread_mutex_t door; /* of what follows; for moments, by the control thread as well */
    pthread_cond_t bell;
    struct traffic_news *news; /* the oldest first */
    unsigned pending;          /* of these, and the one that is being followed */
    pthread_cond_t followed;
    bool is_closing;

    pthread_mutex_t lock; /* of all below; by the thread, and by workers that answer */
    struct traffic_book *book;
    struct traffic_rate answers;   /* of steered names, all together */
    struct traffic_counts *counts; /* of the view that serves; NULL: none yet */
    struct traffic_counts *drill;  /* of that of a live drill; NULL: there is none */
    struct traffic_crowd *crowd;
    int64_t read_ms, since_ms; /* monotonic: up to when it was read; wall: since when */
};

/* See admin_traffic_verbs. */
void traffic_list_resolvers(void *context, struct admin_resolvers *to, struct arena *arena);
void traffic_list_drains(void *context, struct admin_drains *to, struct arena *arena);

void traffic_write_drains(struct traffic *traffic, struct buffer *out); /* metrics; under the lock */

/* Before the lock: wait, a moment, until the view that serves is the one that is read. By workers. */
void traffic_catch_up(struct traffic *traffic);
/* Under the lock: what was counted up to now is in the book. Returns that moment. */
int64_t traffic_read(struct traffic *traffic);
