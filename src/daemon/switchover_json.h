/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A switchover as an object of the store, "switchover" / ID: {"state": "moved", "actor": …, "reason": …,
 * "targets": [{"target": "region:us-east", "before": {…}}], "to": …, "steps": [5, 25],
 * "each_ms": …, "step": 1, "ttl_s": 60, "created": …, "since": …, "step_since": …, "verified": …,
 * "changes": 7, "notes": [{"state": …, "time": …, "what": …, "actor": …, …}], "notes_lost": 3,
 * "clock": {"boot": …, "offset_ms": …}}; what is not there is left out. By its clock (override_json.h) who
 * reads it sees whether the wall clock was set since: override_find_step(), switchover_shift(). Pure. Private
 * to src/daemon. */
#pragma once

#include "operate/switchover.h"

/* With room for its targets and notes; owned. */
struct switchover *switchover_new(size_t targets);
void switchover_free(struct switchover *switchover); /* NULL is fine */
struct switchover *switchover_copy(const struct switchover *switchover);

struct override_clock;

/* clock: by which its times are; NULL: it is not said. Owned (free). */
char *switchover_write_json(const struct switchover *switchover, const struct override_clock *clock);
/* Returns owned, or NULL and what is wrong with it in *why (static). */
struct switchover *switchover_read_json(const char *id, const char *text, const char **why);
