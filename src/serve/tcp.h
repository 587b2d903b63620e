/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One TCP thread: an event loop with listeners of its own for all addresses, and the connections that it
 * accepted. It ends, after a last pass over its connections, when it is woken. */
#pragma once

#include "serve/tcp_share.h"
#include "serve/worker.h"

#include <stdbool.h>
#include <stddef.h>

struct tcp_worker;

struct tcp_options {
    const int *listeners; /* copied; the descriptors stay the caller's */
    size_t listener_count;
    const struct addr_port *locals; /* borrowed: where each of them listens */
    struct tcp_share *share;        /* borrowed */
    size_t thread;                  /* which of its threads this one is */
};

/* Takes a copy of `worker`. Returns owned, or NULL when the system has no descriptors left. */
struct tcp_worker *tcp_new(const struct worker *worker, const struct tcp_options *options);
void tcp_free(struct tcp_worker *tcp); /* NULL is fine; the thread has ended or never ran */
void tcp_run(struct tcp_worker *tcp);  /* the thread */
/* From another thread, after setting the stop flag: end. Else: look at the limits anew. */
void tcp_wake(const struct tcp_worker *tcp);
/* From another thread, once: accept nobody any more. kept[i] (borrowed for good): another process accepts at
 * listener i; those who wait at the others are still let in. Who is connected has as long as it may be idle,
 * a transfer as long as its peer takes it. */
void tcp_leave(struct tcp_worker *tcp, const bool *kept);
bool tcp_has_left(const struct tcp_worker *tcp); /* its listeners are not used any more */
