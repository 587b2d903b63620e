/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A switchover as an object of the store, "switchover" / ID: {"state": "moved", "actor": …, "reason": …,
 * "targets": [{"target": "region:us-east", "before": {…}}], "to": …, "steps": [5, 25],
 * "each_ms": …, "step": 1, "ttl_s": 60, "created": …, "since": …, "step_since": …, "verified": …,
 * "changes": 7, "notes": [{"state": …, "time": …, "what": …, "actor": …, …}], "notes_lost": 3}; what is not
 * there is left out. Pure. Private to src/daemon. */
#pragma once

#include "operate/switchover.h"

/* With room for its targets and notes; owned. */
struct switchover *switchover_new(size_t targets);
void switchover_free(struct switchover *switchover); /* NULL is fine */
struct switchover *switchover_copy(const struct switchover *switchover);

char *switchover_write_json(const struct switchover *switchover); /* owned (free) */
/* Returns owned, or NULL and what is wrong with it in *why (static). */
struct switchover *switchover_read_json(const char *id, const char *text, const char **why);
