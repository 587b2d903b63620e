/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What wakes a thread from another one: a pair of sockets, and no eventfd, since DNS threads may not call
 * write(2) (confine.h). Ringing never waits; of many rings one may be all that is heard. */
#pragma once

struct wake {
    int rings, hears; /* poll `hears`: readable, it rang; -1: not open */
};

int wake_open(struct wake *wake); /* 0 or -errno; then it is not open */
void wake_close(struct wake *wake);
void wake_ring(const struct wake *wake);  /* any thread */
void wake_clear(const struct wake *wake); /* of who listens, before looking at what there is to do */
