/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Levels by times; and when they cannot be told. */
#include "config.h"

#include "unit.h"

#include "drill/level.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static void times_have_levels(void **state)
{
    (void)state;
    static const struct {
        int64_t rto_ms, rpo_ms;
        unsigned level;
    } cases[] = {
        {0, 0, 6},
        {10 * MINUTE, 0, 6},
        {10 * MINUTE + 1, 0, 5},
        {0, 1, 5},
        {2 * DAY, 30 * MINUTE, 5},
        {2 * DAY, 30 * MINUTE + 1, 4},
        {2 * DAY, DAY, 4},
        {2 * DAY + 1, DAY, 3},
        {0, DAY + 1, 2},
        {400 * DAY, 7 * DAY, 2},
        {0, 7 * DAY + 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(drill_level_of(cases[i].rto_ms, cases[i].rpo_ms), cases[i].level);
    }
}

static void what_is_not_known_has_none(void **state)
{
    (void)state;
    struct drill_copy copies[] = {{.lag_ms = 2000}, {.lag_ms = 5000}};
    struct drill_report report = {.recovery_ms = 7000, .copies = copies, .copy_count = 2};
    struct drill_level found = drill_find_level(&report);
    assert_int_equal(found.level, 5);
    assert_int_equal(found.rto_ms, 7000);
    assert_int_equal(found.rpo_ms, 5000);
    assert_null(found.why);
    copies[0].lag_ms = copies[1].lag_ms = 0;
    assert_int_equal(drill_find_level(&report).level, 6);
    copies[0].lag_ms = -1;
    found = drill_find_level(&report);
    assert_int_equal(found.level, 0);
    assert_int_equal(found.rpo_ms, -1);
    assert_non_null(found.why);
    report.copy_count = 0;
    assert_int_equal(drill_find_level(&report).level, 0);
    copies[0].lag_ms = 0;
    report.copy_count = 2;
    report.unserved_count = 1;
    assert_int_equal(drill_find_level(&report).level, 0);
    report.unserved_count = 0;
    report.recovery_ms = -1;
    assert_string_equal(drill_find_level(&report).why, "no answer changed");
}

static void what_is_declared_is_a_bound_too(void **state)
{
    (void)state;
    struct drill_copy copy = {.lag_ms = 2000};
    struct drill_report report = {.recovery_ms = 7000, .copies = &copy, .copy_count = 1};
    struct drill_level found = drill_find_level(&report);
    assert_int_equal(found.level, 5);
    assert_int_equal(found.undeclared, (1 << DRILL_RESOURCES) - 1);
    for (unsigned i = 0; i < DRILL_RESOURCES; i++) {
        report.resources[i] = 6;
    }
    found = drill_find_level(&report); /* times still count */
    assert_int_equal(found.level, 5);
    assert_int_equal(found.undeclared, 0);
    report.resources[DRILL_OPERATION] = 3;
    found = drill_find_level(&report);
    assert_int_equal(found.level, 3);
    assert_int_equal(found.of_times, 5);
    assert_null(found.why);
    copy.lag_ms = 8 * DAY;
    found = drill_find_level(&report);
    assert_int_equal(found.level, 0);
    assert_non_null(found.why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_have_levels),
        cmocka_unit_test(what_is_not_known_has_none),
        cmocka_unit_test(what_is_declared_is_a_bound_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
