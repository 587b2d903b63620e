/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which time a vantage goes by, of what its servers say. */
#include "config.h"

#include "unit.h"

#include "steerprobe/wall.h"

enum { NOW = 1000000000, YEAR = 2000000000 }; /* ms: ahead of the time since the machine was switched on */

static int64_t look(const struct wall *wall)
{
    return wall->ahead_ms;
}

static void one_server_is_believed(void **state)
{
    struct wall wall = {.is_off = false};
    (void)state;
    assert_int_equal(wall_measure(&wall, YEAR), 0);
    assert_true(wall_note(&wall, 3, NOW, YEAR));
    assert_int_equal(look(&wall), NOW);
    assert_true(wall.is_off);
    assert_int_equal(wall_measure(&wall, YEAR), YEAR - NOW);
    assert_false(wall_note(&wall, 3, NOW + 5, YEAR));
    assert_int_equal(look(&wall), NOW + 5);
    assert_true(wall_note(&wall, 3, NOW, NOW - 59999));
    assert_false(wall.is_off);
    assert_true(wall_note(&wall, 3, NOW, NOW - 60000));
    assert_int_equal(wall_measure(&wall, NOW - 60000), -60000);
}

static void one_of_several_that_is_wrong_is_not_believed(void **state)
{
    struct wall wall = {.is_off = false};
    (void)state;
    (void)wall_note(&wall, 0, NOW, NOW + 7);
    (void)wall_note(&wall, 1, YEAR, NOW + 7);
    assert_int_equal(look(&wall), NOW + 7); /* our own one is between them */
    (void)wall_note(&wall, 1, YEAR, NOW - 7);
    assert_int_equal(look(&wall), NOW);
    (void)wall_note(&wall, 15, NOW - 3, YEAR);
    assert_int_equal(look(&wall), NOW);
    (void)wall_note(&wall, 1, 1, YEAR);
    assert_int_equal(look(&wall), NOW - 3);
}

static void who_is_forgotten_has_said_nothing(void **state)
{
    struct wall wall = {.is_off = false};
    (void)state;
    (void)wall_note(&wall, 0, NOW, YEAR);
    (void)wall_note(&wall, 1, YEAR, YEAR);
    assert_int_equal(look(&wall), YEAR);
    assert_true(wall_note(&wall, 1, 0, YEAR));
    assert_int_equal(look(&wall), NOW);
    assert_true(wall_note(&wall, 0, 0, YEAR));
    assert_int_equal(look(&wall), 0);
    assert_false(wall.is_off);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_server_is_believed),
        cmocka_unit_test(one_of_several_that_is_wrong_is_not_believed),
        cmocka_unit_test(who_is_forgotten_has_said_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
