/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How the weight of what came back returns, each rule for itself, in virtual time; all of them together are
 * in test_health_stay_model.c. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "health/health.h"

#include <string.h>

enum { WALL_MS = 1000000, ENDPOINTS = 3, EACH_MS = 10000 };

/* Three endpoints in one az: each has a monitor of IPv4 and one of IPv6. */
struct place {
    struct health *health;
    int64_t now_ms;
    struct health_ramp_change told[64];
    size_t count;
};

static const struct health_ramp_plan plans[] = {{.steps = {1, 5, 25}, .count = 3, .each_ms = EACH_MS}};

static void note(void *context, const struct health_ramp_change *change)
{
    struct place *p = context;
    assert_true(p->count < 64);
    p->told[p->count++] = *change;
}

static struct health *make(enum health_kind kind, double lost_at)
{
    static const uint32_t all[ENDPOINTS] = {1, 1, 1};
    static const struct health_endpoint_plan endpoints[] = {{"e0", 0}, {"e1", 0}, {"e2", 0}};
    const struct health_region_plan regions[] = {{"r", 1}};
    const struct health_az_plan azs[] = {{"z", 0, lost_at}};
    struct health_monitor_plan monitors[2 * ENDPOINTS];
    for (uint32_t i = 0; i < 2 * ENDPOINTS; i++) {
        monitors[i] =
            (struct health_monitor_plan){i / 2, 2, 3, i + 1, (uint8_t)(1 << (i % 2 ? HEALTH_V6 : HEALTH_V4))};
    }
    const struct health_ramps ramps = {.plans = plans,
                                       .count = 1,
                                       .endpoints = kind == HEALTH_ENDPOINT ? all : NULL,
                                       .azs = kind == HEALTH_AZ ? all : NULL,
                                       .regions = kind == HEALTH_REGION ? all : NULL};
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = 1,
                                            .azs = azs,
                                            .az_count = 1,
                                            .endpoints = endpoints,
                                            .endpoint_count = ENDPOINTS,
                                            .monitors = monitors,
                                            .monitor_count = 2 * ENDPOINTS,
                                            .ramps = &ramps},
                      WALL_MS);
}

static void open_place(struct place *p, enum health_kind kind)
{
    *p = (struct place){.health = make(kind, 1), .now_ms = 5000};
    health_set_listener(p->health, &(struct health_listener){.context = p, .ramped = note});
    health_follow_time(p->health, p->now_ms);
}

static void pass(struct place *p, int64_t by_ms)
{
    p->now_ms += by_ms;
    while (health_follow_stays(p->health, p->now_ms, WALL_MS + p->now_ms) != 0) {
    }
    health_follow_time(p->health, p->now_ms);
}

static void hear(const struct place *p, uint32_t monitor, bool failing, int times)
{
    for (int i = 0; i < times; i++) {
        health_observe(p->health, monitor, failing ? HEALTH_OUTCOME_REFUSED : HEALTH_OUTCOME_OK,
                       WALL_MS + p->now_ms, 0, 0);
    }
}

static void hear_all(const struct place *p, bool failing)
{
    for (uint32_t i = 0; i < 2 * ENDPOINTS; i++) {
        hear(p, i, failing, 3);
    }
}

static struct health_ramp_status status_of(const struct place *p, enum health_kind kind, uint32_t index)
{
    struct health_status status;
    assert_int_equal(health_get_status(p->health, kind, index, &status), 0);
    return status.ramp;
}

/* Percent of its weight that steering gives to an endpoint. */
static unsigned weight_of(const struct place *p, uint32_t endpoint, enum health_family family)
{
    const struct health_table *table = health_get_table(p->health);
    const uint32_t words[] = {table->endpoints[endpoint], table->azs[0], table->regions[0]};
    struct health_effective effective = health_table_effective(table, endpoint, 0, 0, family);
    return HEALTH_RAMP_WHOLE - health_find_withheld(words, family, effective.state);
}

static void what_comes_back_returns_in_steps(void **state)
{
    (void)state;
    struct place p;
    open_place(&p, HEALTH_ENDPOINT);
    hear_all(&p, false);
    hear(&p, 0, true, 3);
    hear(&p, 1, true, 3);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 100);
    pass(&p, 60300);
    uint64_t before = health_get_table(p.health)->generation;
    hear(&p, 0, false, 2);
    assert_int_equal(health_get_table(p.health)->generation,
                     before + 1); /* it is never seen with all of it */
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 1);
    assert_int_equal(weight_of(&p, 0, HEALTH_ANY), 1);
    assert_int_equal(weight_of(&p, 1, HEALTH_V4), 100);
    struct health_ramp_status ramp = status_of(&p, HEALTH_ENDPOINT, 0);
    int64_t begun_ms = 66000; /* the next whole second */
    assert_int_equal(ramp.next_ms, WALL_MS + begun_ms + EACH_MS);
    assert_int_equal(ramp.next_percent, 5);
    assert_int_equal(ramp.ends_ms, WALL_MS + begun_ms + 3 * EACH_MS);
    assert_int_equal(health_next_stay(p.health), begun_ms + EACH_MS);
    pass(&p, begun_ms + EACH_MS - 1 - p.now_ms);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 1);
    pass(&p, 1);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 5);
    pass(&p, EACH_MS);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 25);
    pass(&p, EACH_MS);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 100);
    assert_int_equal(status_of(&p, HEALTH_ENDPOINT, 0).percent, 0);
    assert_true(health_next_stay(p.health) == INT64_MAX);
    static const unsigned told[] = {1, 5, 25, 0};
    assert_int_equal(p.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(p.told[i].status.percent, told[i]);
        assert_string_equal(p.told[i].name, "e0");
    }
    health_free(p.health);
}

static void a_late_look_skips_steps(void **state)
{
    (void)state;
    struct place p;
    open_place(&p, HEALTH_AZ);
    hear_all(&p, false);
    hear_all(&p, true);
    hear_all(&p, false);
    assert_int_equal(weight_of(&p, 2, HEALTH_V6), 1);
    pass(&p, 2 * EACH_MS); /* the process was stopped */
    assert_int_equal(weight_of(&p, 2, HEALTH_V6), 25);
    assert_int_equal(p.count, 2);
    health_free(p.health);
}

static void the_first_verdict_begins_none(void **state)
{
    (void)state;
    struct place p;
    open_place(&p, HEALTH_ENDPOINT);
    health_begin(p.health);
    hear(&p, 0, false, 1);
    hear(&p, 1, true, 1); /* decides, and is taken back */
    hear(&p, 1, false, 1);
    assert_int_equal(status_of(&p, HEALTH_ENDPOINT, 0).percent, 0);
    hear(&p, 2, true, 3); /* is no accident */
    hear(&p, 3, true, 3);
    hear(&p, 2, false, 2);
    assert_int_equal(status_of(&p, HEALTH_ENDPOINT, 1).percent, 1);
    assert_int_equal(status_of(&p, HEALTH_ENDPOINT, 0).percent, 0);
    health_free(p.health);
}

static void a_failure_ends_it_and_the_next_return_begins_anew(void **state)
{
    (void)state;
    struct place p;
    open_place(&p, HEALTH_REGION);
    hear_all(&p, false);
    hear_all(&p, true);
    hear_all(&p, false);
    pass(&p, 2 * EACH_MS);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 25);
    hear_all(&p, true);
    assert_int_equal(status_of(&p, HEALTH_REGION, 0).percent, 0);
    hear_all(&p, false);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 1);
    pass(&p, EACH_MS);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 5);
    health_free(p.health);
}

/* No family loses weight for another one. */
static void families_ramp_by_themselves(void **state)
{
    (void)state;
    struct place p;
    open_place(&p, HEALTH_ENDPOINT);
    hear_all(&p, false);
    hear(&p, 1, true, 3);
    hear(&p, 1, false, 2);
    assert_int_equal(weight_of(&p, 0, HEALTH_V6), 1);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 100);
    assert_int_equal(weight_of(&p, 0, HEALTH_ANY), 100);
    pass(&p, EACH_MS);
    hear(&p, 0, true, 3); /* joins where the other one is */
    hear(&p, 0, false, 2);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 5);
    assert_int_equal(weight_of(&p, 0, HEALTH_V6), 5);
    assert_int_equal(weight_of(&p, 0, HEALTH_ANY), 100); /* some family of it was there all the time */
    hear(&p, 1, true, 3);
    hear(&p, 0, true, 3);
    hear(&p, 0, false, 2);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 1);
    assert_int_equal(weight_of(&p, 0, HEALTH_ANY), 1);
    assert_true(status_of(&p, HEALTH_ENDPOINT, 0).families[HEALTH_V4]);
    assert_false(status_of(&p, HEALTH_ENDPOINT, 0).families[HEALTH_V6]);
    health_free(p.health);
}

static void override(const struct place *p, enum health_kind kind, enum health_desired desired)
{
    const struct health_override what = {.desired = desired, .set_ms = WALL_MS + p->now_ms};
    assert_int_equal(health_set_override(p->health, kind, 0, &what, WALL_MS + p->now_ms), 0);
}

static void an_override_up_ends_it(void **state)
{
    (void)state;
    struct place p;
    open_place(&p, HEALTH_ENDPOINT);
    hear_all(&p, false);
    hear_all(&p, true);
    hear_all(&p, false);
    size_t before = p.count;
    override(&p, HEALTH_ENDPOINT, HEALTH_DESIRED_UP);
    assert_int_equal(status_of(&p, HEALTH_ENDPOINT, 0).percent, 0);
    assert_int_equal(p.count, before + 1);
    assert_int_equal(p.told[before].status.percent, 0);
    override(&p, HEALTH_ENDPOINT, HEALTH_DESIRED_AUTO);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 100);
    override(&p, HEALTH_REGION, HEALTH_DESIRED_UP); /* of what is below at once, too, as far as answers go */
    assert_int_equal(weight_of(&p, 1, HEALTH_V4), 100);
    pass(&p, EACH_MS);
    override(&p, HEALTH_REGION, HEALTH_DESIRED_AUTO);
    assert_int_equal(weight_of(&p, 1, HEALTH_V4), 100);
    override(&p, HEALTH_ENDPOINT, HEALTH_DESIRED_DRAIN); /* its end is nobody's return */
    override(&p, HEALTH_ENDPOINT, HEALTH_DESIRED_AUTO);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 100);
    health_free(p.health);
}

/* Thousands would fill the log. */
static void steps_of_an_az_are_told_together(void **state)
{
    (void)state;
    struct place p;
    open_place(&p, HEALTH_ENDPOINT);
    hear_all(&p, false);
    hear_all(&p, true);
    hear_all(&p, false);
    assert_int_equal(p.count, ENDPOINTS);
    uint64_t before = health_get_table(p.health)->generation;
    pass(&p, EACH_MS);
    assert_int_equal(health_get_table(p.health)->generation, before + 1);
    assert_int_equal(p.count, ENDPOINTS + 1);
    assert_int_equal(p.told[ENDPOINTS].endpoints, ENDPOINTS);
    assert_int_equal(p.told[ENDPOINTS].kind, HEALTH_AZ);
    assert_int_equal(p.told[ENDPOINTS].status.percent, 5);
    pass(&p, 2 * EACH_MS);
    assert_int_equal(p.count, ENDPOINTS + 2);
    assert_int_equal(p.told[ENDPOINTS + 1].status.percent, 0);
    health_free(p.health);
}

/* A reload that brings no ramp ends it; one that changes steps goes on from when it began. */
static void a_reload_has_the_last_word_about_steps(void **state)
{
    (void)state;
    struct place p;
    open_place(&p, HEALTH_ENDPOINT);
    hear_all(&p, false);
    hear_all(&p, true);
    hear_all(&p, false);
    pass(&p, EACH_MS);
    struct health *same = make(HEALTH_ENDPOINT, 1), *other = make(HEALTH_AZ, 1);
    health_carry(same, p.health, WALL_MS + p.now_ms);
    health_carry(other, p.health, WALL_MS + p.now_ms);
    health_free(p.health);
    p.health = other;
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 100);
    health_free(other);
    p.health = same;
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 5);
    pass(&p, EACH_MS);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 25);
    health_free(same);
}

/* ---- drained in part ---- */

static void drain(const struct place *p, enum health_kind kind, uint8_t share, int64_t starts_ms)
{
    const struct health_override what = {.desired = share == 100 ? HEALTH_DESIRED_AUTO : HEALTH_DESIRED_DRAIN,
                                         .share = share % HEALTH_RAMP_WHOLE,
                                         .starts_ms = starts_ms};
    assert_int_equal(health_set_override(p->health, kind, 0, &what, WALL_MS + p->now_ms), 0);
}

static void a_part_is_drained_whatever_is_observed(void **state)
{
    (void)state;
    struct place p;
    open_place(&p, HEALTH_ENDPOINT);
    hear_all(&p, false);
    uint64_t before = health_get_table(p.health)->generation;
    drain(&p, HEALTH_REGION, 25, 0);
    assert_int_equal(health_get_table(p.health)->generation, before + 1);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 75);
    assert_int_equal(weight_of(&p, 2, HEALTH_V6), 75);
    assert_int_equal(status_of(&p, HEALTH_REGION, 0).percent, 0); /* it is no ramp */
    assert_true(health_is_overridden(p.health, HEALTH_REGION, 0));
    struct health_spell spell =
        health_find_spell(p.health, HEALTH_REGION, 0, health_get_override(p.health, HEALTH_REGION, 0));
    assert_int_equal(spell.desired, HEALTH_DESIRED_AUTO); /* whom does it leave unserved? */
    drain(&p, HEALTH_REGION, 60, 0);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 40);
    hear_all(&p, true);
    hear_all(&p, false);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 1); /* the ramp of the endpoint withholds more */
    drain(&p, HEALTH_REGION, 100, 0);
    pass(&p, 3 * EACH_MS + 1000);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 100);
    assert_false(health_is_overridden(p.health, HEALTH_REGION, 0));
    health_free(p.health);
}

static void of_drain_and_ramp_the_lower_counts(void **state)
{
    (void)state;
    struct place p;
    open_place(&p, HEALTH_ENDPOINT);
    hear_all(&p, false);
    drain(&p, HEALTH_ENDPOINT, 90, 0);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 10);
    hear_all(&p, true);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 10); /* which is of no use to anybody now */
    hear_all(&p, false);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 1);
    assert_int_equal(status_of(&p, HEALTH_ENDPOINT, 0).percent, 1);
    pass(&p, 1000 + EACH_MS);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 5);
    pass(&p, EACH_MS); /* 25 by the ramp */
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 10);
    assert_int_equal(status_of(&p, HEALTH_ENDPOINT, 0).percent, 25);
    pass(&p, EACH_MS);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 10);
    assert_int_equal(status_of(&p, HEALTH_ENDPOINT, 0).percent, 0);
    drain(&p, HEALTH_ENDPOINT, 100, 0);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 100);
    health_free(p.health);
}

static void a_part_that_is_planned_is_drained_then(void **state)
{
    (void)state;
    struct place p;
    open_place(&p, HEALTH_AZ);
    hear_all(&p, false);
    drain(&p, HEALTH_AZ, 30, WALL_MS + p.now_ms + 5000);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 100);
    assert_false(health_is_overridden(p.health, HEALTH_AZ, 0));
    pass(&p, 5000);
    assert_int_equal(health_follow_clock(p.health, WALL_MS + p.now_ms), 1);
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 70);
    const struct health_override later = {.desired = HEALTH_DESIRED_DOWN,
                                          .starts_ms = WALL_MS + p.now_ms + 9};
    assert_int_equal(health_set_override(p.health, HEALTH_AZ, 0, &later, WALL_MS + p.now_ms), ERROR_CONFLICT);
    struct health *next = make(HEALTH_ENDPOINT, 1); /* a reload keeps it */
    health_carry(next, p.health, WALL_MS + p.now_ms);
    health_free(p.health);
    p.health = next;
    assert_int_equal(weight_of(&p, 0, HEALTH_V4), 70);
    health_free(p.health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_back_returns_in_steps),
        cmocka_unit_test(a_late_look_skips_steps),
        cmocka_unit_test(the_first_verdict_begins_none),
        cmocka_unit_test(a_failure_ends_it_and_the_next_return_begins_anew),
        cmocka_unit_test(families_ramp_by_themselves),
        cmocka_unit_test(an_override_up_ends_it),
        cmocka_unit_test(steps_of_an_az_are_told_together),
        cmocka_unit_test(a_reload_has_the_last_word_about_steps),
        cmocka_unit_test(a_part_is_drained_whatever_is_observed),
        cmocka_unit_test(of_drain_and_ramp_the_lower_counts),
        cmocka_unit_test(a_part_that_is_planned_is_drained_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
