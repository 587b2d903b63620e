/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The small world of the health tests: two regions, three azs, five endpoints, and a listener that remembers.
 */
#pragma once

#include "unit.h"

#include "health/health.h"

/* ---- a small world: two regions, three azs, five endpoints ----
 *
 * us-east ⊃ use1a ⊃ a1 (two monitors), a2 (one)      monitors 0 1, 2
 *           use1b ⊃ b1 (one)                         monitor 3
 * eu-west ⊃ euw1a ⊃ e1 (one), quiet (none)           monitor 4 */

enum { US, EU };
enum { USE1A, USE1B, EUW1A };
enum { A1, A2, B1, E1, QUIET };

#define MAX_CHANGES 64

extern const struct health_region_plan health_world_regions[2];
extern const struct health_az_plan health_world_azs[3];
extern const struct health_endpoint_plan health_world_endpoints[5];
extern const struct health_plan health_world_plan;

struct world {
    struct health *health;
    struct health_change changes[MAX_CHANGES];
    uint64_t generation_told; /* the table's when the first change was told */
    size_t change_count;
};

uint64_t generation(const struct health *health);
void remember(void *context, const struct health_change *change);
int health_set_up(void **state);
int health_tear_down(void **state);
void observe_times(struct health *health, uint32_t monitor, enum health_outcome outcome, int times);
void make_all_healthy(struct health *health);
struct health_status status_of(const struct health *health, enum health_kind kind, uint32_t index);
void expect(const struct health *health, enum health_kind kind, uint32_t index, enum health_state state,
            enum health_decider decider);
void override_as(struct health *health, enum health_kind kind, uint32_t index, enum health_desired desired,
                 int64_t expires_ms);
