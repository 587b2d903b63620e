/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the connections to all servers share; borrowed by them, and outlives them. */
#pragma once

#include "steerprobe/crew.h"
#include "steerprobe/tries.h"
#include "steerprobe/wall.h"

struct event_base;

struct world {
    struct event_base *base;
    const struct clock *clock;
    struct crew *crew;
    struct tries *tries;
    struct wall *wall;
    uint64_t run; /* of this process: another one after each start */
};
