/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Checks that a server wants to see made now, step by step: one after the other on a thread of their own, as
 * the prober makes them. Its schedule and verdicts know nothing of them. */
#pragma once

#include "steerprobe/assignment.h"

struct event_base;
struct tries;

struct tries_hooks {
    void *context;
    /* On the control thread: a step, and the end; the message is borrowed for the call. `session` is who
     * asked. */
    void (*say)(void *context, uint64_t session, const struct fleet_message *message);
    const _Atomic int64_t *ahead_ms; /* as in probe_hooks */
};

/* Returns 0 and owned, or a negative error. */
int tries_open(struct event_base *base, const struct tries_hooks *hooks, struct tries **tries);
void tries_close(struct tries *tries); /* NULL is fine */

/* Make the check of a target, all of its addresses. Returns 0, ERROR_BUSY, or ERROR_NOT_FOUND: there is
 * nothing to check of it; then nothing is said. */
int tries_start(struct tries *tries, uint64_t session, uint32_t id, struct assignment *assignment,
                size_t index);
