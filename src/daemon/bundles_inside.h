/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of bundles share. Private to src/daemon/bundles*.c. */
#pragma once

#include "daemon/bundles.h"
#include "daemon/server.h"
#include "base/progress.h"
#include "base/worker.h"
#include "past/bundle.h"

#include <stddef.h>
#include <stdint.h>

struct event;

enum {
    BUNDLES_COMING_MAX = 4, /* at once */
    BUNDLES_KNOWN_MAX = 32,
};

/* On its way here; of the worker. */
struct bundles_coming {
    struct bundle_part *part; /* NULL: none */
    int64_t used_ms;          /* monotonic */
};

/* Of one that is here, what its manifest would say; likewise. */
struct bundles_known {
    char id[BUNDLE_ID_SIZE];
    size_t files;
    uint64_t size;
};

struct bundles {
    struct server *server;
    char *state;
    struct bundle_store *store;
    struct worker *worker;
    int fd;
    struct event *wake, *timer;
    struct progress end; /* cancelled: this is the end */
    struct bundles_coming coming[BUNDLES_COMING_MAX];
    struct bundles_known known[BUNDLES_KNOWN_MAX];
    size_t known_count;
    bool is_tidying, tidies_again;
    bool has_coming; /* something may be on its way here */
    unsigned ticks;
    size_t waiting; /* octets that the worker was given; of the control thread */
};

/* Monotonic. */
static inline int64_t bundles_now_ms(const struct bundles *bundles)
{
    return clock_now_ms(&bundles->server->clock);
}

/* On the worker: what came of it is removed. */
static inline void bundles_let_go(struct bundles_coming *coming)
{
    bundle_part_close(coming->part);
    coming->part = NULL;
}
