/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The scene of the tests of the brake, in virtual time. Endpoints 0 to 5 stand in two regions of three; each
 * is checked every 2 s, one after the other, with a time-out of 1 s. */
#pragma once

#include "unit.h"

#include "health/health.h"

enum { ENDPOINTS = 6, INTERVAL_MS = 2000, TIMEOUT_MS = 1000, STEP_MS = INTERVAL_MS / ENDPOINTS };
enum { HOLD_MS = 60000, ALL = (1 << ENDPOINTS) - 1, WEST = 7, EAST = 56 };

struct scene {
    struct health *health;
    struct health_brake_plan brake;
    bool is_off; /* there is no brake */
    struct health_brake_monitor monitors[ENDPOINTS];
    uint16_t fall;
    int64_t now_ms;
    unsigned dead; /* bits of endpoints */
    enum health_outcome failure;
    unsigned turns[4], round;
    struct health_brake_change latest; /* that was told */
};

/* What a test changes of the scene before begin() is the plan. */
int set_up(void **state);
int tear_down(void **state);
void begin(struct scene *scene);

/* Another machine of the plan as it is now. Returns owned. */
struct health *make_health(const struct scene *scene);
/* It goes on from what the one before knew; takes it. */
void reload(struct scene *scene, struct health *next);
void listen_to(struct scene *scene);

void check(struct scene *scene, uint32_t endpoint, enum health_outcome outcome, uint32_t duration_ms);
/* The next checks, one each STEP_MS. */
void run(struct scene *scene, unsigned checks);
void run_rounds(struct scene *scene, unsigned rounds);
/* Rounds of five: a check of the last one is under way all the time. */
void run_without_last(struct scene *scene, unsigned rounds);
/* One control target of IPv4. */
void add_control(struct scene *scene);
void control(struct scene *scene, enum health_outcome outcome);

unsigned unhealthy(const struct scene *scene); /* bits of endpoints */
struct health_brake_status brake_of(const struct scene *scene);

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
