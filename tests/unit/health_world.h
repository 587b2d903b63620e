/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A small world for the tests of the health machine, and what they do to it again and again. Two regions,
 * three azs, five endpoints:
 *
 * us-east ⊃ use1a ⊃ a1 (two monitors), a2 (one)      monitors 0 1, 2
 *           use1b ⊃ b1 (one)                         monitor 3
 * eu-west ⊃ euw1a ⊃ e1 (one), quiet (none)           monitor 4
 *
 * All monitors: rise 2, fall 3. */
#pragma once

#include "unit.h"

#include "health/health.h"

enum { US, EU };
enum { USE1A, USE1B, EUW1A };
enum { A1, A2, B1, E1, QUIET };

enum { MAX_CHANGES = 64 };

struct world {
    struct health *health;
    struct health_change changes[MAX_CHANGES];
    uint64_t generation_told; /* the table's when the first change was told */
    size_t change_count;
};

extern const struct health_region_plan regions[2];
extern const struct health_az_plan azs[3];
extern const struct health_endpoint_plan endpoints[5];
extern const struct health_monitor_plan monitors[5];
extern const struct health_plan plan; /* of all of them */

/* A fixture of cmocka: *state is a struct world in which everything is unknown. */
int set_up(void **state);
int tear_down(void **state);

uint64_t generation(const struct health *health);
void observe_times(struct health *health, uint32_t monitor, enum health_outcome outcome, int times);
void make_all_healthy(struct health *health);
struct health_status status_of(const struct health *health, enum health_kind kind, uint32_t index);
/* Status and table agree on this effective state and who decided it. */
void expect(const struct health *health, enum health_kind kind, uint32_t index, enum health_state state,
            enum health_decider decider);
void override_as(struct health *health, enum health_kind kind, uint32_t index, enum health_desired desired,
                 int64_t expires_ms);
