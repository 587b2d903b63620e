/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Many overrides at once, and objects of the store that go with them: one transaction (of several thousand
 * ops each), which is written while they are put in force, so that no disk holds that up. Orders about the
 * same targets that come meanwhile wait. They are put in turns, so that nothing waits for ten thousand of
 * them; other answers in between see those that hold already. Whoever waits is told when all is in force and
 * written, or has been with the disk for durable_patience_us(). Belongs to the control thread.
 * Private to src/daemon. */
#pragma once

#include "daemon/durable.h"
#include "base/arena.h"
#include "health/health.h"
#include "store/store.h"

struct batches;
struct server;
struct view;

/* One override that is put or removed. */
struct batch_op {
    enum health_kind kind;
    const char *name, *key; /* "us-east", "region:us-east" */
    const char *before;     /* its value now; NULL: there is none, or nobody asked */
    const char *value;      /* what it becomes; NULL: it is removed */
    const char *written;    /* the same as the store gets it, with the clock that it goes by */
    struct health_override what;
    bool planned; /* its start is yet to come */
    bool dormant; /* its target is not there */
};

struct batch_ops {
    struct batch_op *items; /* by key, each once */
    size_t count;
};

/* Do one to a machine that nobody else has meanwhile. Returns false if it has ended by now: nothing is put.
 */
bool batch_apply(const struct view *view, const struct batch_op *op, int64_t wall_ms);
const struct batch_op *batch_find(const struct batch_ops *ops, enum health_kind kind, const char *name);

struct batch_result {
    int error;       /* 0; ERROR_CANCELLED: this is the end, and whether it is in force by now is open */
    bool is_refused; /* by the cluster: what held before is about to hold again */
    bool durable;
    const char *not_durable_because; /* NULL: it is, or there is no store */
    size_t transactions;
};

struct batch_plan {
    struct arena *arena; /* that holds all of this: the batch's to free */
    struct batch_ops ops;
    const struct store_op *others; /* objects that go with them; STORE_ANY */
    size_t other_count;            /* below STORE_OPS_MAX */
    struct store_cause cause;
    struct durable_sender sender;
    bool is_emergency;
    bool is_local;           /* it is not told to other nodes: it came from them */
    int64_t clock_offset_ms; /* between the clocks, when it was planned: durations follow it */
    void *context;
    /* Once, at once or later, when all are in force, and durable or not. */
    void (*done)(void *context, const struct batch_result *result);
};

struct batches *batches_open(struct server *server); /* NULL: no memory */
/* Whoever waits is told ERROR_CANCELLED. Only when the store has ended; NULL is fine. */
void batches_close(struct batches *batches);
/* Is any not in force, or its order not answered yet? NULL: none. */
bool batches_any(const struct batches *batches);
void batches_start(struct batches *batches, const struct batch_plan *plan);
