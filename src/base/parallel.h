/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The same work on several threads at once, for as long as one call lasts. Not for the data path. */
#pragma once

/* Processors that the calling thread may run on; at least 1. */
unsigned parallel_processors(void);

/* Call work(context, index) on `count` threads, one of them the caller's (index 0), and return when all of
 * them have returned. Threads that cannot be started are done without, so that work has to share itself out
 * as it goes on; index is below count. Signals are blocked in the others. */
void parallel_run(unsigned count, void (*work)(void *context, unsigned index), void *context);
