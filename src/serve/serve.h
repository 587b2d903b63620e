/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sockets and DNS threads. Per listen address and worker one UDP thread: a SO_REUSEPORT socket of its own,
 * blocking recvmmsg/sendmmsg, answer_query() in between, no allocation, lock or log. Per worker one TCP
 * thread (libevent) for all listen addresses: pipelined queries, one write per wakeup (RFC 7766). Threads
 * read the view through its slot and are offline to it while they block. */
#pragma once

#include "answer/answer.h"
#include "base/addr.h"
#include "base/report.h"
#include "view/view.h"

#include <stddef.h>

struct serve_options {
    const struct addr_port *listen; /* port 0 is taken as asked: the kernel picks, UDP and TCP the same */
    size_t listen_count;
    unsigned threads; /* workers per listen address (UDP) and in all (TCP) */
    struct view_slot *slot;
    unsigned tcp_idle_ms;     /* 0: 10 s */
    unsigned tcp_max_clients; /* per thread; 0: 1000; the one idle longest goes when a new one comes */
};

struct serve;

/* Create and bind all sockets (needs the privilege for low ports); nothing is answered yet. Everything that
 * cannot be bound is in the report. Returns 0 and owned, or a negative error. */
int serve_open(const struct serve_options *options, struct report *report, struct serve **serve);
/* Start the threads; a view must have been published. DNS thread number i uses view->caches[i]: UDP threads
 * first (address by address), then TCP threads; serve_thread_count() of them. */
int serve_start(struct serve *serve);
/* Stop and join the threads, close the sockets, free. TCP answers that are due are still written. NULL is
 * fine. */
void serve_close(struct serve *serve);

size_t serve_thread_count(const struct serve_options *options);
/* The address that listen[i] is bound to (differs where port 0 was asked for). */
const struct addr_port *serve_get_address(const struct serve *serve, size_t index);
/* Sum over all threads. */
void serve_get_counters(const struct serve *serve, uint64_t sums[ANSWER_COUNTERS]);
