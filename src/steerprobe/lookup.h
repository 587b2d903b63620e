/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The addresses of a server, by the system's own resolver, which may take its time: on a thread that nobody
 * waits for, and that may outlive whoever asked. */
#pragma once

#include "base/addr.h"
#include "steerprobe/state.h"

struct event_base;
struct lookup;

enum { LOOKUP_MAX = 8 };

struct lookup_hooks {
    void *context;
    /* On the thread of the base, once; count 0: why not. The lookup is gone then. */
    void (*found)(void *context, const struct addr_port *addresses, size_t count, const char *why);
};

/* Returns owned until it has found; NULL: there is no memory, no descriptor or no thread for it. */
struct lookup *lookup_start(struct event_base *base, const struct state_place *place,
                            const struct lookup_hooks *hooks);
void lookup_cancel(struct lookup *lookup); /* nobody is called then; NULL is fine */
