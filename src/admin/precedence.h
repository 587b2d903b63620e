/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who comes from elsewhere is shaken hands with by one of two threads: one that has its share of a processor
 * like any other, and one that is nice and waits until there is nothing else to do. Handshakes are dear, and
 * whoever likes may ask for them; so only some of them go to the first one: PRECEDENCE_BURST at once, one
 * more each PRECEDENCE_MS, of all strangers together. An address from which somebody has come who may come
 * has as many of its own, so a crowd from elsewhere leaves operators where they are. Nobody is refused.
 * Pure: the time is an argument, milliseconds of the monotonic clock. Belongs to the control thread. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PRECEDENCE_MS = 50,
    PRECEDENCE_BURST = 20,
    PRECEDENCE_KNOWN_MAX = 64, /* who has not come for longest gives way */
};

struct precedence_known {
    struct addr from;
    int64_t seen_ms;
    int64_t full_ms; /* as below */
};

struct precedence {
    int64_t full_ms; /* of strangers: when all places are free again */
    struct precedence_known known[PRECEDENCE_KNOWN_MAX];
    size_t count;
};

void precedence_init(struct precedence *precedence);
/* Somebody comes from there. Returns whether he goes first. */
bool precedence_take(struct precedence *precedence, const struct addr *from, int64_t now_ms);
/* Who came from there has shown who he is, and may come. */
void precedence_learn(struct precedence *precedence, const struct addr *from, int64_t now_ms);
