/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A real view, compiled from files that a test of src/operate writes. */
#pragma once

#include "operate/operate.h"

enum { WORLD_WALL_MS = 5000 };

struct world {
    char folder[40];
    struct view *view;
    struct arena *arena;
};

/* Regions us (azs us-1, us-2) and eu (eu-1) with the endpoints a, b and c, one in each az, and zone
 * example.com; topology and policy of the test's own where they are not NULL. */
int world_open(void **state, const char *topology, const char *policy);
int world_close(void **state);

/* Every monitor of an endpoint gets this result. */
void world_observe(struct world *w, const char *endpoint, enum health_outcome outcome);
/* An override by "tester" with the reason "test"; returns what operate_put_override() does. */
int world_put(struct world *w, enum health_kind kind, const char *name, enum health_desired desired,
              int64_t expires_ms);
/* Fails unless a step has this part. */
void world_assert_step(const struct operate_explanation *explanation, const char *part);
void world_assert_text(const char *const *steps, size_t count, const char *part);
