/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Requests whose answers nobody waits for: each is an operation, which is looked at until it has ended, and
 * for a while after that. Bounded in number and octets: of those that have ended the oldest goes. They are
 * gone with the process, and IDs say of which one they are. Belongs to the control thread; no I/O. Internal
 * to the folder. */
#pragma once

#include "conf/roles.h"
#include "health/health.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call_pending;
struct worker_job;
struct evbuffer;

enum {
    OPERATIONS_MAX = 256,
    OPERATIONS_RUNNING_MAX = 64,      /* of those */
    OPERATIONS_OCTETS_MAX = 32 << 20, /* of all results */
    OPERATIONS_RESULT_MAX = 8 << 20,  /* of one: a longer one is not kept */
    OPERATIONS_KEPT_MS = 3600 * 1000, /* after the end */
    OPERATIONS_ID_SIZE = 32,
    OPERATIONS_REQUEST_SIZE = 128
};

enum operation_state {
    OPERATION_RUNNING,
    OPERATION_CANCELLING,
    OPERATION_SUCCEEDED,
    OPERATION_FAILED,
    OPERATION_CANCELLED
};

/* Who wants what. */
struct operation_wish {
    int64_t wait_ms; /* so long the request waits for its answer */
    enum role role;  /* what it takes to ask for that */
    char peer[HEALTH_PEER_SIZE];
    char request[OPERATIONS_REQUEST_SIZE]; /* "POST /v1/drills", clipped */
};

struct operation {
    struct operation *next; /* an earlier one */
    char id[OPERATIONS_ID_SIZE];
    struct operation_wish wish;
    enum operation_state state;
    int64_t made_ms, ended_ms;    /* wall; 0: not ended */
    size_t done, of;              /* when it ended */
    struct call_pending *pending; /* NULL: it has ended */
    const struct worker_job *job; /* how far it is; NULL: not known */
    bool only_computes;           /* so that it may be cancelled */
    unsigned status;              /* of the answer; 0: none */
    bool is_cut;                  /* the answer is too long to be kept */
    struct evbuffer *body;        /* of the answer: JSON. Owned; NULL: none */
    size_t body_len;
};

/* All zero but for the instance: none. */
struct operations {
    struct operation *first; /* the latest */
    size_t count, running, octets;
    uint64_t last;     /* number */
    uint32_t instance; /* of the process */
};

/* NULL: too many are running. */
struct operation *operations_add(struct operations *operations, const struct operation_wish *wish,
                                 int64_t wall_ms);
/* It was answered; takes the body. */
void operations_end(struct operations *operations, struct operation *operation, unsigned status,
                    struct evbuffer *body, int64_t wall_ms);
struct operation *operations_find(const struct operations *operations, const char *id);
/* Those go that have had their time, or have to make room. */
void operations_trim(struct operations *operations, int64_t wall_ms);
/* Is the ID one that this process has, or had, given away? */
bool operations_has_given(const struct operations *operations, const char *id);
/* Is it one of ours at all: of this process or another one? */
bool operations_is_id(const char *id);
void operations_fini(struct operations *operations);
const char *operation_state_text(enum operation_state state);
