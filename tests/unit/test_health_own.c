/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what our own results say, for those who count it elsewhere (health/opinion.h). */
#include "config.h"

#include "health/opinion.h"
#include "opinion_scene.h"

enum { CONTROL = MONITORS };

struct notes {
    unsigned count;
    uint32_t last;
};

static void note(void *context, uint32_t monitor)
{
    struct notes *notes = context;
    notes->count++;
    notes->last = monitor;
}

static void begin_watched(struct scene *s, struct notes *notes)
{
    begin(s);
    health_watch_own(s->health, note, notes);
}

static enum health_observed own(const struct scene *s, uint32_t monitor)
{
    return health_get_own_opinion(s->health, monitor).verdict;
}

static void what_others_say_is_none_of_it(void **state)
{
    struct scene *s = *state;
    struct notes notes = {.count = 0};
    begin_watched(s, &notes);
    start_well(s, 0);
    assert_int_equal(notes.count, 1);
    for (unsigned i = FRA; i <= NYC; i++) {
        down(s, i, 0);
    }
    assert_down(s, 0);
    assert_int_equal(own(s, 0), HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(notes.count, 1);
    for (unsigned i = FRA; i <= NYC; i++) {
        up(s, i, 0);
    }
    see(s, 0, false, 3);
    assert_up(s, 0);
    assert_int_equal(own(s, 0), HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(health_get_own_opinion(s->health, 0).outcome, HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(notes.count, 2);
}

static void each_turn_is_told_once(void **state)
{
    struct scene *s = *state;
    struct notes notes = {.count = 0};
    begin_watched(s, &notes);
    assert_int_equal(own(s, 7), HEALTH_OBSERVED_UNKNOWN);
    see(s, 7, true, 5);
    assert_int_equal(notes.count, 1);
    assert_int_equal(notes.last, 7);
    see(s, 7, false, 2);
    assert_int_equal(notes.count, 1);
    see(s, 7, false, 5);
    assert_int_equal(notes.count, 2);
    see(s, 7, true, 2);
    assert_int_equal(notes.count, 3);
    assert_int_equal(own(s, 7), HEALTH_OBSERVED_HEALTHY);
    health_watch_own(s->health, NULL, NULL);
    see(s, 7, false, 3);
    assert_int_equal(notes.count, 3);
}

/* One result that says the same, or as many as change it. */
static void what_is_doubted_is_none_before_a_result_says_so(void **state)
{
    struct scene *s = *state;
    struct notes notes = {.count = 0};
    begin_watched(s, &notes);
    start_well(s, 0);
    start_well(s, 1);
    notes.count = 0;
    health_doubt(s->health);
    assert_int_equal(notes.count, 2);
    assert_int_equal(own(s, 0), HEALTH_OBSERVED_UNKNOWN);
    assert_up(s, 0);
    see(s, 0, true, 1);
    assert_int_equal(own(s, 0), HEALTH_OBSERVED_HEALTHY);
    see(s, 1, false, 2);
    assert_int_equal(own(s, 1), HEALTH_OBSERVED_UNKNOWN);
    assert_int_equal(notes.count, 3);
    see(s, 1, false, 1);
    assert_int_equal(own(s, 1), HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(notes.count, 4);
}

static void where_nobody_else_looks_it_is_the_verdict(void **state)
{
    struct scene *s = *state;
    struct notes notes = {.count = 0};
    begin_watched(s, &notes);
    health_set_vantages(s->health, NULL, 0, s->now_ms);
    see(s, 0, true, 1);
    assert_int_equal(own(s, 0), HEALTH_OBSERVED_HEALTHY);
    see(s, 0, false, 3);
    assert_int_equal(own(s, 0), HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(notes.count, 2);
}

static void what_is_too_old_is_no_opinion(void **state)
{
    struct scene *s = *state;
    s->stale_ms = 3000;
    begin(s);
    start_well(s, 0);
    assert_int_equal(own(s, 0), HEALTH_OBSERVED_HEALTHY);
    pass(s, 4000, ALL_ALIVE);
    assert_int_equal(own(s, 0), HEALTH_OBSERVED_UNKNOWN);
    assert_up(s, 0); /* the others see it */
    see(s, 0, true, 1);
    assert_int_equal(own(s, 0), HEALTH_OBSERVED_HEALTHY);
}

static void control_targets_have_one_too(void **state)
{
    struct scene *s = *state;
    struct notes notes = {.count = 0};
    begin_watched(s, &notes);
    assert_int_equal(own(s, CONTROL), HEALTH_OBSERVED_UNKNOWN);
    health_observe_control(s->health, 0, HEALTH_OUTCOME_OK);
    assert_int_equal(own(s, CONTROL), HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(notes.last, CONTROL);
    health_observe_control(s->health, 1, HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(own(s, CONTROL + 1), HEALTH_OBSERVED_UNKNOWN); /* it may be a lost packet */
    health_observe_control(s->health, 1, HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(own(s, CONTROL + 1), HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(notes.count, 2);
    assert_int_equal(own(s, CONTROL + 2), HEALTH_OBSERVED_UNKNOWN); /* there is none */
}

static void what_we_are_called_elsewhere_means_us(void **state)
{
    static const char *const names[] = {"node:ns1"};
    struct scene *s = *state;
    s->quorum.names = names;
    s->quorum.name_count = 1;
    s->quorums.local_name = "node:ns1";
    begin(s);
    assert_true(health_is_in_scope(s->health, 0, 0));
    assert_false(health_is_in_scope(s->health, 1, 0));
    s->quorums.local_name = "node:ns2";
    begin(s);
    assert_false(health_is_in_scope(s->health, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_others_say_is_none_of_it),
        TEST(each_turn_is_told_once),
        TEST(what_is_doubted_is_none_before_a_result_says_so),
        TEST(where_nobody_else_looks_it_is_the_verdict),
        TEST(what_is_too_old_is_no_opinion),
        TEST(control_targets_have_one_too),
        TEST(what_we_are_called_elsewhere_means_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
