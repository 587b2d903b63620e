/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One UDP thread: a socket of its own, batches of up to 64 queries. It ends when the stop flag is set and it
 * is woken: what it has read by then is answered, what waits in the socket stays there. The socket is none of
 * the means, because another process may have it, too. */
#pragma once

#include "base/addr.h"
#include "serve/worker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct udp_worker {
    struct worker worker;
    size_t listener;        /* number of its address */
    int fd;                 /* owned by serve.c, which closes it after the thread has ended */
    uint8_t family;         /* enum addr_family */
    bool wildcard;          /* answers have to leave from the address that was asked */
    struct addr_port asked; /* that address and its port, for taps; of this thread */
};

void udp_run(struct udp_worker *udp); /* the thread */
void udp_prepare_wakes(void);         /* once, before the threads start */
/* After setting the stop flag, again and again until the thread has ended: one that comes just before the
 * thread blocks is not heard. */
void udp_wake(pthread_t thread);
