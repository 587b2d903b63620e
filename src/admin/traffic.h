/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the API asks the application about answers that were given. */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "operate/errors.h"
#include "traffic/book.h"
#include "traffic/drain.h"

/* How many requests of a place fail, as reported. */
struct admin_errors {
    const struct errors_status *status; /* borrowed from the reader */
    double most;                        /* so large a share is an objective; 0: there is none */
};

/* A row; texts in the arena. */
struct admin_traffic_row {
    const char *name;
    const char *of;          /* of a class: a name with its policy; else NULL */
    const char *az, *region; /* where it lies; NULL: of others than endpoints, and azs of which the region */
    uint64_t answers;
    double rates[TRAFFIC_WINDOWS];
    double share; /* of all of its kind, in the last 5 minutes; < 0: there were none */
    int64_t since_ms;
};

struct admin_traffic {
    enum traffic_kind kind;
    const char *cursor; /* key of the row before; NULL: from the start */
    bool is_busiest;    /* the busiest first, without a cursor */
    size_t limit;
    struct admin_traffic_row all; /* of the kind */
    struct admin_traffic_row *items;
    size_t count;
    const char *next; /* cursor; NULL: that was all */
};

/* One of the most frequent resolvers. */
struct admin_resolver {
    struct addr addr;
    double rate, least, share; /* queries per second over 15 minutes: at most, at least; of all */
};

struct admin_resolvers {
    size_t limit;
    struct admin_resolver *items;
    size_t count, places;
    uint32_t every; /* so many queries are one sample at this time */
    uint64_t lost;  /* samples that were not read in time */
    double rate;    /* of all */
};

struct admin_drains {
    struct traffic_drain_look *items; /* the latest first; texts in the arena */
    size_t count;
    double hosts; /* the share of hosts that is looked at, at this time */
};

struct admin_traffic_verbs {
    /* On a worker. 0; ERROR_NOT_FOUND: there is no row of the cursor. */
    int (*list)(void *reader, struct admin_traffic *traffic, struct arena *arena);
    void (*list_resolvers)(void *reader, struct admin_resolvers *resolvers, struct arena *arena);
    void (*list_drains)(void *reader, struct admin_drains *drains, struct arena *arena);
};
