/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The HTTP layer on a unix socket in a folder of its own, over the made-up world of admin_fake.h. Client and
 * server share one event loop. */
#pragma once

#include "admin_fake.h"
#include "unit.h"

#include "base/buffer.h"

#include <event2/event.h>

struct world {
    char folder[32], path[64];
    struct event_base *base;
    struct fake fake;
    struct admin *admin;
    struct report *report;
    struct buffer out, err; /* of a child that asks, if there is one */
};

/* cmocka's set-up and tear-down: *state is the world; STEERD_SOCKET names its socket. */
int world_open(void **state);
int world_close(void **state);
