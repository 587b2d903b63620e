/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was asked of etcd and is not answered yet: requests, and watches, in the order of their numbers.
 * Private to src/etcd. */
#pragma once

#include "base/buffer.h"
#include "etcd/frame.h"

struct ask {
    struct ask *next;
    uint64_t number;
    enum etcd_call_kind kind;
    bool is_write, is_sent;
    struct buffer body;  /* of a request */
    int64_t deadline_ms; /* of a watch: when it is tried (again) */
    int error;           /* known already; told on the loop */
    const char *why;
    etcd_fn *done;
    void *context;
    /* of a watch: its body is made anew each time */
    struct etcd_watch_options watch;
    char *prefix;
    int64_t next_revision; /* 0: from now on */
    int64_t again_ms;
    bool is_lost; /* and that was said */
};

struct asks {
    struct ask *first;
    uint64_t last_number;
    size_t count, len; /* of requests; octets */
};

static inline bool ask_is_watch(const struct ask *ask)
{
    return ask->kind == ETCD_CALL_WATCH;
}

struct ask *ask_new(struct asks *asks, enum etcd_call_kind kind); /* with a number, not in the list yet */
void ask_free(struct ask *ask);
void asks_append(struct asks *asks, struct ask *ask);
void asks_unlink(struct asks *asks, const struct ask *ask);
struct ask *asks_find(const struct asks *asks, uint64_t number); /* NULL: none */
