/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "unit.h"

#include "admin/lockout.h"

#include <stdlib.h>

static struct addr at(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(text, &addr), 0);
    return addr;
}

static struct lockout *make(void)
{
    struct lockout *lockout = malloc(sizeof *lockout);
    lockout_init(lockout, 12345);
    return lockout;
}

static void bad(struct lockout *lockout, const struct addr *from, int times, int64_t now_ms)
{
    for (int i = 0; i < times; i++) {
        lockout_note_bad(lockout, from, now_ms);
    }
}

static void the_first_ones_cost_nothing(void **state)
{
    (void)state;
    struct lockout *lockout = make();
    struct addr one = at("192.0.2.1"), other = at("192.0.2.2");
    bad(lockout, &one, LOCKOUT_FREE, 1000);
    assert_int_equal(lockout_get_wait_ms(lockout, &one, 1000), 0);
    bad(lockout, &one, 1, 1000);
    assert_int_equal(lockout_get_wait_ms(lockout, &one, 1000), LOCKOUT_FIRST_MS);
    assert_int_equal(lockout_get_wait_ms(lockout, &one, 1000 + LOCKOUT_FIRST_MS), 0);
    assert_int_equal(lockout_get_wait_ms(lockout, &other, 1000), 0);
    free(lockout);
}

static void waits_double_and_end(void **state)
{
    (void)state;
    struct lockout *lockout = make();
    struct addr one = at("192.0.2.1");
    int64_t expected = LOCKOUT_FIRST_MS;
    bad(lockout, &one, LOCKOUT_FREE, 1000);
    for (int i = 0; i < 40; i++) {
        bad(lockout, &one, 1, 1000);
        assert_int_equal(lockout_get_wait_ms(lockout, &one, 1000), expected);
        expected = expected * 2 < LOCKOUT_MOST_MS ? expected * 2 : LOCKOUT_MOST_MS;
    }
    bad(lockout, &one, 1, 1000 + LOCKOUT_FORGET_MS);
    assert_int_equal(lockout_get_wait_ms(lockout, &one, 1000 + LOCKOUT_FORGET_MS), 0);
    free(lockout);
}

static void a_good_one_ends_it_and_is_remembered(void **state)
{
    (void)state;
    struct lockout *lockout = make();
    struct addr one = at("192.0.2.1");
    bad(lockout, &one, 20, 1000);
    lockout_note_good(lockout, &one, 2000);
    assert_int_equal(lockout_get_wait_ms(lockout, &one, 2000), 0);
    bad(lockout, &one, 20, 3000);
    assert_int_equal(lockout_get_wait_ms(lockout, &one, 3000), LOCKOUT_FRIEND_MS);
    bad(lockout, &one, 20, 2000 + LOCKOUT_FRIEND_FOR_MS);
    assert_int_equal(lockout_get_wait_ms(lockout, &one, 2000 + LOCKOUT_FRIEND_FOR_MS), LOCKOUT_MOST_MS);
    free(lockout);
}

static void neighbours_of_ipv6_are_one(void **state)
{
    (void)state;
    struct lockout *lockout = make();
    struct addr one = at("2001:db8::1"), same = at("2001:db8::ffff:1"), other = at("2001:db8:0:1::1");
    bad(lockout, &one, 10, 1000);
    assert_true(lockout_get_wait_ms(lockout, &same, 1000) > 0);
    assert_int_equal(lockout_get_wait_ms(lockout, &other, 1000), 0);
    free(lockout);
}

/* However many come, who is at it now is known. */
static void the_silent_give_way(void **state)
{
    (void)state;
    struct lockout *lockout = make();
    struct addr one = at("192.0.2.1");
    for (uint32_t i = 0; i < 100000; i++) {
        struct addr crowd = {.family = ADDR_V4,
                             .bytes = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        bad(lockout, &crowd, 1, 1000 + i);
    }
    bad(lockout, &one, 10, 200000);
    assert_true(lockout_get_wait_ms(lockout, &one, 200000) > 0);
    free(lockout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_ones_cost_nothing),
        cmocka_unit_test(waits_double_and_end),
        cmocka_unit_test(a_good_one_ends_it_and_is_remembered),
        cmocka_unit_test(neighbours_of_ipv6_are_one),
        cmocka_unit_test(the_silent_give_way),
    };
    return cmocka_run_group_tests_name("lockout", tests, NULL, NULL);
}
