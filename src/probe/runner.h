/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A process that does things for this one, as its parent sees it: commands (exec/frame.h), requests
 * (post/frame.h). Started when somebody first wants something, and again when it has died. Used by one
 * thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct runner {
    const char *program;           /* borrowed; NULL: there is none */
    int channel;                   /* -1: it does not run */
    pid_t pid;                     /* that was not waited for; 0: none */
    int64_t began_us;              /* the latest start; 0: never */
    struct runner_start *starting; /* by a thread of its own; NULL: it is not */
};

void runner_init(struct runner *runner, const char *program);
/* It ends, and all that it runs. Does not wait for one that is being started: it ends then. */
void runner_fini(struct runner *runner);
/* The same, for who may not wait at all: a thread of its own sees to its end. */
void runner_leave(struct runner *runner);

/* Hand an order to it, with the far end of the check's own pair, which stays the caller's. Returns 0, -EAGAIN
 * (it is being started, or has not taken those before: try again soon), or another negative errno: there is
 * none, and the next one is tried a second after the one before. */
int runner_order(struct runner *runner, void *bytes, size_t len, int story, int64_t now_us);
