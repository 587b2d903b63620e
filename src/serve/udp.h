/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One UDP thread: a socket of its own, batches of up to 64 queries. It ends when the stop flag is set and the
 * socket is shut down for reading. */
#pragma once

#include "serve/worker.h"

#include <stdbool.h>
#include <stdint.h>

struct udp_worker {
    struct worker worker;
    size_t listener; /* number of its address */
    int fd;          /* owned by serve.c, which closes it after the thread has ended */
    uint8_t family;  /* enum addr_family */
    bool wildcard;   /* answers have to leave from the address that was asked */
};

void udp_run(struct udp_worker *udp);        /* the thread */
void udp_wake(const struct udp_worker *udp); /* from another thread, after setting the stop flag */
