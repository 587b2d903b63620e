/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How long to wait before the next attempt to reach a server: 0.1 s at first, then twice as long each time up
 * to 5 s, each half of it by chance, so that a server that comes back is not met by all of its vantages at
 * once. Pure. */
#pragma once

#include "base/random.h"

#include <stdint.h>

enum { PAUSE_LEAST_MS = 100, PAUSE_MOST_MS = 5000 };

struct pause {
    uint32_t last_ms; /* 0: nothing has failed */
};

static inline void pause_reset(struct pause *pause)
{
    pause->last_ms = 0;
}

/* Another attempt has failed. */
static inline uint32_t pause_next(struct pause *pause, struct random *random)
{
    uint32_t doubled = pause->last_ms == 0 ? PAUSE_LEAST_MS : pause->last_ms * 2;
    pause->last_ms = doubled < PAUSE_MOST_MS ? doubled : PAUSE_MOST_MS;
    return pause->last_ms / 2 + (uint32_t)random_below(random, pause->last_ms / 2 + 1);
}
