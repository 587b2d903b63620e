/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The prober without its thread: holds the current list, starts checks when they are due, ends each of them
 * in one place, and sleeps in between. All calls come from one thread, except engine_get_stats(). */
#pragma once

#include "probe/targets.h"

struct engine;

/* Returns 0 and an owned engine, or a negative error. `wake_fd` (borrowed) ends a sleep when it is readable.
 */
int engine_open(const struct probe_hooks *hooks, int wake_fd, struct engine **engine);
/* Drops all checks without a result. NULL is fine. */
void engine_close(struct engine *engine);

/* Takes `targets`; what they share with the current list goes on undisturbed, the rest is dropped in silence.
 */
void engine_replace_targets(struct engine *engine, struct targets *targets);

/* Of the current list; the first checks of those that were idle are spread as those of a list are. */
void engine_aim(struct engine *engine, uint64_t generation, const struct probe_aim *aims, size_t count);

void engine_set_limits(struct engine *engine, const struct probe_limits *limits);

/* One round: do what is due, then sleep until something happens. Returns true if wake_fd was readable. */
bool engine_run(struct engine *engine);

/* Is any check in flight, or leaving? */
bool engine_is_busy(const struct engine *engine);

void engine_get_stats(const struct engine *engine, struct probe_stats *stats);
