/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What wakes a thread that reads the stream: a descriptor that becomes readable when something was published.
 * Ringing neither waits nor takes a lock, and costs a load while nobody listens. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

struct bell {
    int fd;                  /* readable: it rang; -1: none could be had, and nobody is woken */
    _Atomic bool is_awaited; /* somebody listens */
    _Atomic bool has_rung;   /* and has not come yet */
};

int bell_init(struct bell *bell); /* returns 0 or -errno */
void bell_fini(struct bell *bell);
void bell_ring(void *bell); /* a struct bell; for stream_add_waker() */
/* By the thread that listens, and no other. Who begins to listen looks at the stream once by himself. */
void bell_listen(struct bell *bell, bool listens);
/* It was heard: before the stream is read, so that what is published meanwhile rings again. */
void bell_take(struct bell *bell);
