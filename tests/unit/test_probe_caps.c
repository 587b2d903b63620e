/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the limits of checks, in virtual time: starts per second, checks to one address, who waits for
 * whom. */
#include "config.h"

#include "unit.h"

#include "base/random.h"
#include "probe/caps.h"
#include "probe/check.h"

enum { SECOND = 1000000, MS = 1000 };

static void without_limits_nothing_waits(void **state)
{
    (void)state;
    struct caps caps;
    caps_init(&caps);
    struct addr addr = {.family = ADDR_V4, .bytes = {192, 0, 2, 1}};
    struct check check = {.timer.place = 0};
    for (int i = 0; i < 1000; i++) {
        struct caps_address *place;
        assert_int_equal(caps_find_start(&caps, 5), 5);
        caps_spend(&caps, 5);
        assert_true(caps_enter(&caps, &addr, &check, &place));
        assert_null(place);
        assert_null(caps_leave(&caps, place));
    }
    caps_fini(&caps);
}

/* However much is due, a second sees as many starts as it may, evenly, and idle time is not saved up. */
static void starts_per_second_are_bounded(void **state)
{
    (void)state;
    static const uint32_t rates[] = {1, 7, 100, 30000};
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        struct caps caps;
        caps_init(&caps);
        caps.limits.per_second = rates[k];
        int64_t now = 1000LL * SECOND, from = now;
        for (uint64_t n = 0; n < rates[k] * 3ULL; n++) {
            now = caps_find_start(&caps, now);
            assert_int_equal(caps_find_start(&caps, now), now);
            caps_spend(&caps, now);
        }
        assert_in_range(now - from, 3LL * SECOND - SECOND / rates[k] - 11 * MS, 3LL * SECOND);
        from = now = 2000LL * SECOND;
        for (uint64_t n = 0; n <= rates[k]; n++) {
            now = caps_find_start(&caps, now);
            caps_spend(&caps, now);
        }
        assert_in_range(now - from, SECOND - 11 * MS, SECOND);
        caps_fini(&caps);
    }
}

static void an_address_is_asked_by_so_many(void **state)
{
    (void)state;
    struct caps caps;
    struct check checks[5] = {{.timer.place = 0}};
    struct caps_address *places[5];
    struct addr one = {.family = ADDR_V4, .bytes = {192, 0, 2, 1}}, other = {.family = ADDR_V6, .bytes = {1}};
    caps_init(&caps);
    caps.limits.per_address = 2;
    assert_true(caps_enter(&caps, &one, &checks[0], &places[0]));
    assert_true(caps_enter(&caps, &one, &checks[1], &places[1]));
    assert_false(caps_enter(&caps, &one, &checks[2], &places[2]));
    assert_false(caps_enter(&caps, &one, &checks[3], &places[3]));
    assert_true(caps_enter(&caps, &other, &checks[4], &places[4]));
    assert_int_equal(caps.waiting, 2);
    assert_null(caps_leave(&caps, places[4]));
    assert_ptr_equal(caps_leave(&caps, places[1]), &checks[2]); /* who came first goes first */
    assert_true(caps_enter(&caps, &one, &checks[2], &places[2]));
    assert_ptr_equal(caps_leave(&caps, places[0]), &checks[3]);
    assert_true(caps_enter(&caps, &one, &checks[3], &places[3]));
    assert_false(caps_enter(&caps, &one, &checks[0], &places[0]));
    caps.limits.per_address = 1;
    assert_null(caps_leave(&caps, places[3])); /* there are as many as may be now */
    assert_ptr_equal(caps_leave(&caps, places[2]), &checks[0]);
    assert_int_equal(caps.count, 0); /* nothing is remembered of an address that nobody asks */
    caps_fini(&caps);
}

/* Commands have a line of their own, whatever addresses they are about. */
static void commands_wait_for_each_other(void **state)
{
    (void)state;
    struct caps caps;
    struct check checks[4] = {{.timer.place = 0}};
    struct caps_address *places[4];
    caps_init(&caps);
    caps.limits.commands = 2;
    assert_true(caps_enter_command(&caps, &checks[0], &places[0]));
    assert_true(caps_enter_command(&caps, &checks[1], &places[1]));
    assert_false(caps_enter_command(&caps, &checks[2], &places[2]));
    assert_false(caps_enter_command(&caps, &checks[3], &places[3]));
    assert_ptr_equal(caps_leave(&caps, places[0]), &checks[2]);
    struct check *left = caps_take_all(&caps);
    assert_ptr_equal(left, &checks[3]);
    assert_null(left->behind);
    assert_int_equal(caps.waiting, 0);
    assert_null(caps_leave(&caps, places[1]));
    caps.limits.commands = 0;
    for (int i = 0; i < 64; i++) {
        assert_true(caps_enter_command(&caps, &checks[0], &places[0]));
    }
    assert_false(caps_enter_command(&caps, &checks[1], &places[1]));
    caps_fini(&caps);
}

/* Many addresses, at random: no more under way than may be, whoever waits has its turn, nothing stays. */
static void nobody_waits_for_ever(void **state)
{
    (void)state;
    enum { CHECKS = 2000, ADDRESSES = 700, ROUNDS = 200000 };
    static struct check checks[CHECKS];
    static struct caps_address *places[CHECKS];
    static enum { RESTS, WAITS, FLIES } states[CHECKS];
    static unsigned under_way[ADDRESSES];
    struct random random;
    struct caps caps;
    random_init(&random, 7);
    caps_init(&caps);
    caps.limits.per_address = 1;
    for (int round = 0; round < ROUNDS; round++) {
        size_t i = random_below(&random, CHECKS), a = i % ADDRESSES;
        struct addr addr = {.family = ADDR_V4, .bytes = {10, 0, (uint8_t)(a >> 8), (uint8_t)a}};
        if (states[i] == RESTS) {
            bool flies = caps_enter(&caps, &addr, &checks[i], &places[i]);
            assert_int_equal(flies, under_way[a] == 0);
            states[i] = flies ? FLIES : WAITS;
            under_way[a] += flies;
        } else if (states[i] == FLIES) {
            struct check *next = caps_leave(&caps, places[i]);
            states[i] = RESTS;
            under_way[a]--;
            if (next != NULL) {
                size_t n = (size_t)(next - checks);
                assert_int_equal(states[n], WAITS);
                assert_int_equal(n % ADDRESSES, a);
                assert_true(caps_enter(&caps, &addr, next, &places[n]));
                states[n] = FLIES;
                under_way[a]++;
            }
        }
    }
    size_t waiting = 0, taken = 0;
    for (size_t i = 0; i < CHECKS; i++) {
        waiting += states[i] == WAITS;
    }
    assert_int_equal(caps.waiting, waiting);
    for (struct check *check = caps_take_all(&caps); check != NULL; check = check->behind) {
        assert_int_equal(states[check - checks], WAITS);
        taken++;
    }
    assert_int_equal(taken, waiting);
    for (size_t i = 0; i < CHECKS; i++) {
        if (states[i] == FLIES) {
            assert_null(caps_leave(&caps, places[i]));
        }
    }
    assert_int_equal(caps.count, 0);
    caps_fini(&caps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_limits_nothing_waits),   cmocka_unit_test(starts_per_second_are_bounded),
        cmocka_unit_test(an_address_is_asked_by_so_many), cmocka_unit_test(commands_wait_for_each_other),
        cmocka_unit_test(nobody_waits_for_ever),
    };
    return cmocka_run_group_tests_name("probe_caps", tests, NULL, NULL);
}
