/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the store is told of overrides that hold already: of those with a duration after the clock was set, of
 * all where the store is another one than was read. In turns at the lock and on the control thread, to which
 * it belongs. Private to src/daemon. */
#pragma once

#include "health/health.h"

struct durations;
struct note;
struct server;

struct durations_options {
    struct server *server;
    void *context;
    bool (*is_begun)(void *context, enum health_kind kind,
                     const char *name);              /* is an order on its way for it? */
    void (*write)(void *context, struct note *note); /* takes it */
};

struct durations *durations_open(const struct durations_options *options); /* NULL: no memory */
void durations_close(struct durations *durations);                         /* NULL is fine */

/* Once more from the start; the first turns now. by_ms: what the clock was set by, added to what is not told
 * yet. */
void durations_tell(struct durations *durations, int64_t by_ms);
void durations_tell_all(struct durations *durations);
bool durations_are_on(const struct durations *durations); /* there is more to tell */
void durations_finish(struct durations *durations);       /* all of it now: the server ends */
