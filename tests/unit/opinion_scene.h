/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The scene of the tests of vantages, in virtual time: this server and three others look at a hundred
 * endpoints with a monitor each. */
#pragma once

#include "unit.h"

#include "health/health.h"

enum { WALL = 1000000, EXPIRES = 10000, LOCAL, FRA, SIN, NYC };
enum { VANTAGES = 3, MONITORS = 100 }; /* one for each endpoint; more than one turn */

struct scene {
    struct health *health;
    struct health_quorum quorum;
    struct health_quorums quorums;
    struct health_rule rule;
    uint32_t stale_ms;
    uint8_t controls[2];
    int64_t now_ms;
    unsigned changes, turns[4];
    uint64_t first_told;
};

/* What a test changes of the scene before begin() is the plan. */
void enrol(struct scene *s);
struct health *build(const struct scene *s);
void listen_to(struct scene *s);
void begin(struct scene *s);
int set_up(void **state);
int tear_down(void **state);
void follow(struct scene *s);
void see(struct scene *s, uint32_t monitor, bool up, int times);
void say(struct scene *s, unsigned vantage, uint32_t monitor, enum health_observed verdict);
void up(struct scene *s, unsigned vantage, uint32_t monitor);
void down(struct scene *s, unsigned vantage, uint32_t monitor);
void start_well(struct scene *s, uint32_t monitor);
void keep_alive(struct scene *s, unsigned bits);
void pass(struct scene *s, int64_t by_ms, unsigned alive);
enum health_observed verdict(const struct scene *s, uint32_t monitor);
struct health_judgement judgement(const struct scene *s, uint32_t monitor);

#define ALL_ALIVE                  0xeu
#define assert_up(s, monitor)      assert_int_equal(verdict(s, monitor), HEALTH_OBSERVED_HEALTHY)
#define assert_down(s, monitor)    assert_int_equal(verdict(s, monitor), HEALTH_OBSERVED_UNHEALTHY)
#define assert_unknown(s, monitor) assert_int_equal(verdict(s, monitor), HEALTH_OBSERVED_UNKNOWN)
#define TEST(name)                 cmocka_unit_test_setup_teardown(name, set_up, tear_down)
