/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the table of token buckets, in virtual time: what passes, the order of slips, a table that is
 * full, clocks that turn round, threads that share it. */
#include "config.h"

#include "unit.h"

#include "base/limiter.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum { SECOND = 1000000, MANY = 1 << 16 };

static const struct limiter_rate five = {.interval_us = SECOND / 5, .depth_us = SECOND, .slip = 2};

static enum limiter_verdict take(struct limiter *limiter, uint64_t who, const struct limiter_rate *rate,
                                 uint64_t now_us)
{
    return limiter_take(limiter, rate, who, 7, now_us);
}

static unsigned count_passes(struct limiter *limiter, uint64_t who, unsigned events, uint64_t now_us)
{
    unsigned passes = 0;
    for (unsigned i = 0; i < events; i++) {
        passes += take(limiter, who, &five, now_us) == LIMITER_PASS;
    }
    return passes;
}

static void a_second_at_once_then_the_rate(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(MANY);
    uint64_t now = 123456789;
    assert_int_equal(count_passes(limiter, 1, 1000, now), 5);
    assert_int_equal(count_passes(limiter, 1, 1000, now + SECOND / 5 - 1), 0);
    assert_int_equal(count_passes(limiter, 1, 1000, now + SECOND / 5), 1);
    assert_int_equal(count_passes(limiter, 1, 1000, now + SECOND), 4);
    /* ten seconds of a flood: 5 a second, however hard it is */
    unsigned passes = 0;
    for (unsigned ms = 1; ms <= 10000; ms++) {
        passes += count_passes(limiter, 1, 3, now + SECOND + ms * 1000);
    }
    assert_int_equal(passes, 50);
    /* left alone for a second it is as new */
    assert_int_equal(count_passes(limiter, 1, 1000, now + 12 * SECOND), 5);
    limiter_release(limiter);
}

/* In line or called, it is the same bucket. */
static void the_short_way_is_the_same(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(MANY);
    assert_false(limiter_try(limiter, &five, 1, 7, SECOND)); /* no bucket yet */
    assert_int_equal(take(limiter, 1, &five, SECOND), LIMITER_PASS);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(limiter_try(limiter, &five, 1, 7, SECOND));
    }
    for (unsigned i = 0; i < 10; i++) {
        assert_false(limiter_try(limiter, &five, 1, 7, SECOND)); /* and counts nothing */
    }
    assert_int_equal(take(limiter, 1, &five, SECOND), LIMITER_SLIP);
    assert_int_equal(take(limiter, 1, &five, SECOND), LIMITER_DROP);
    assert_true(limiter_try(limiter, &five, 1, 7, SECOND + SECOND / 5));
    assert_int_equal(take(limiter, 1, &five, SECOND + SECOND / 5), LIMITER_SLIP);
    limiter_release(limiter);
}

static void keys_have_buckets_of_their_own(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(MANY);
    const struct limiter_rate once = {.interval_us = SECOND, .depth_us = SECOND};
    for (unsigned i = 0; i < 64 * 2; i++) {
        uint64_t bit = (uint64_t)1 << (i / 2), who = i % 2 == 0 ? 1 ^ bit : 1,
                 what = i % 2 == 1 ? 1 ^ bit : 1;
        assert_int_equal(limiter_take(limiter, &once, who, what, 5 * SECOND), LIMITER_PASS);
        assert_int_equal(limiter_take(limiter, &once, who, what, 5 * SECOND), LIMITER_DROP);
    }
    assert_int_equal(limiter_take(limiter, &once, 1, 1, 5 * SECOND), LIMITER_PASS);
    const struct limiter_rate any = {.interval_us = 0};
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(limiter_take(limiter, &any, 1, 1, 5 * SECOND), LIMITER_PASS);
    }
    limiter_release(limiter);
}

/* "P" pass, "S" slip, "D" drop. */
static void expect_sequence(unsigned slip, const char *expected)
{
    struct limiter *limiter = limiter_new(MANY);
    const struct limiter_rate two = {.interval_us = SECOND / 2, .depth_us = SECOND, .slip = (uint8_t)slip};
    for (size_t i = 0; i < strlen(expected); i++) {
        assert_int_equal("PSD"[take(limiter, 1, &two, SECOND)], expected[i]);
    }
    limiter_release(limiter);
}

static void the_first_slips_then_every_nth(void **state)
{
    (void)state;
    expect_sequence(0, "PPDDDDDDDD");
    expect_sequence(1, "PPSSSSSSSS");
    expect_sequence(2, "PPSDSDSDSD");
    expect_sequence(3, "PPSDDSDDSD");
    expect_sequence(10, "PPSDDDDDDDDDSDDDDDDDDDS");
    expect_sequence(15, "PPSDDDDDDDDDDDDDDSDDDDDDDDDDDDDDS");
}

static void slips_go_on_over_what_passes_and_start_anew_after_a_rest(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(MANY);
    const struct limiter_rate rate = {.interval_us = SECOND / 2, .depth_us = SECOND, .slip = 3};
    static const struct {
        unsigned at_ms;
        const char *expected;
    } steps[] = {{0, "PPS"}, {500, "PD"}, {1000, "PD"}, {1500, "PSD"}, {2499, "PD"}, {4500, "PPSD"}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        for (const char *expected = steps[i].expected; *expected != '\0'; expected++) {
            uint64_t now = SECOND + steps[i].at_ms * 1000;
            assert_int_equal("PSD"[take(limiter, 1, &rate, now)], *expected);
        }
    }
    limiter_release(limiter);
}

static void a_smaller_slip_takes_over(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(MANY);
    struct limiter_rate rate = {.interval_us = SECOND, .depth_us = SECOND, .slip = 15};
    for (unsigned i = 0; i < 14; i++) {
        (void)take(limiter, 1, &rate, SECOND);
    }
    rate.slip = 2;
    assert_int_equal(take(limiter, 1, &rate, SECOND), LIMITER_DROP);
    assert_int_equal(take(limiter, 1, &rate, SECOND), LIMITER_SLIP);
    assert_int_equal(take(limiter, 1, &rate, SECOND), LIMITER_DROP);
    assert_int_equal(take(limiter, 2, &rate, SECOND), LIMITER_PASS);
    limiter_release(limiter);
}

/* Four buckets are one set. Whoever floods keeps his; the rest take turns in what is left, and pass. */
static void a_full_table_keeps_those_who_flood(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(4);
    assert_int_equal(limiter_size(limiter), 4);
    unsigned passes = 0, others = 0;
    for (unsigned ms = 0; ms < 10000; ms++) {
        uint64_t now = SECOND + ms * 1000;
        passes += count_passes(limiter, 1, 20, now);
        for (unsigned i = 0; i < 5; i++) {
            others += take(limiter, 1000 + ms * 5 + i, &five, now) == LIMITER_PASS;
        }
    }
    assert_in_range(passes, 50, 55);
    assert_in_range(others, 49990, 50000); /* who asks once is refused by chance only (2^-20) */
    limiter_release(limiter);
}

static void many_floods_at_once(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(MANY);
    unsigned passes = 0;
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned who = 0; who < 500; who++) {
            passes += take(limiter, who, &five, SECOND) == LIMITER_PASS;
        }
    }
    assert_int_equal(passes, 500 * 5);
    limiter_release(limiter);
}

static void clocks_turn_round_and_run_apart(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(MANY);
    uint64_t turn = (uint64_t)1 << 40;
    assert_int_equal(count_passes(limiter, 1, 9, turn - SECOND / 2), 5); /* its time lies behind the turn */
    assert_int_equal(count_passes(limiter, 1, 9, turn - SECOND / 2), 0);
    assert_int_equal(count_passes(limiter, 1, 9, turn + SECOND / 2 - 1), 4);
    assert_int_equal(count_passes(limiter, 1, 9, turn + SECOND / 2), 1);
    /* another thread is behind: nothing is forgotten, and nothing passes that did not before */
    assert_int_equal(count_passes(limiter, 1, 9, turn + SECOND / 2 - 900000), 0);
    /* nearly a turn later the bucket's time seems to lie ahead: it is not believed */
    assert_int_equal(count_passes(limiter, 1, 9, 2 * turn - 10 * SECOND), 5);
    limiter_release(limiter);
}

/* ---- threads ---- */

enum { THREADS = 4, EVENTS = 50000 };

struct taker {
    struct limiter *limiter;
    unsigned passes;
};

static void *take_many(void *argument)
{
    struct taker *taker = argument;
    const struct limiter_rate thousand = {.interval_us = 1000, .depth_us = SECOND, .slip = 2};
    for (unsigned i = 0; i < EVENTS; i++) {
        taker->passes += take(taker->limiter, 1, &thousand, SECOND) == LIMITER_PASS;
    }
    limiter_blame(taker->limiter, 1);
    return NULL;
}

/* The limit is that of the table, not of a thread; only an event that lost three times is not counted. */
static void threads_share_a_bucket(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(MANY);
    struct taker takers[THREADS] = {{0}};
    pthread_t threads[THREADS];
    unsigned passes = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        takers[i].limiter = limiter;
        limiter_hold(limiter);
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &takers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        passes += takers[i].passes;
        limiter_release(limiter);
    }
    assert_in_range(passes, 1000, 1100);
    limiter_release(limiter);
}

static void culprits_are_named_most_first(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_new(4);
    struct limiter_culprit list[3];
    const uint64_t other = (uint64_t)42 << 32;
    assert_int_equal(limiter_list_culprits(limiter, list, 3), 0);
    for (unsigned i = 0; i < 1000; i++) {
        limiter_blame(limiter, 42);
        limiter_blame(limiter, other);
        limiter_blame(limiter, other);
        limiter_blame(limiter, 1000 + i); /* one of many */
    }
    assert_int_equal(limiter_list_culprits(limiter, list, 3), 3);
    assert_true(list[0].who == other && list[0].count > 1900 && list[0].count <= 2000);
    assert_true(list[1].who == 42 && list[1].count > 900 && list[1].count <= 1000);
    assert_true(list[2].count <= list[1].count);
    assert_int_equal(limiter_list_culprits(limiter, list, 3), 0); /* it begins anew */
    limiter_release(limiter);
    limiter_release(NULL);
}

/* The table has a secret, so each one is another draw of who meets whom in a set. */
static void culprits_do_not_hide_each_other(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        struct limiter *limiter = limiter_new(4);
        struct limiter_culprit list[2];
        for (unsigned i = 0; i < 20; i++) {
            limiter_blame(limiter, 1);
            limiter_blame(limiter, 2);
        }
        assert_int_equal(limiter_list_culprits(limiter, list, 2), 2);
        assert_true(list[0].count == 20 && list[1].count == 20 && list[0].who != list[1].who);
        limiter_release(limiter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_at_once_then_the_rate),
        cmocka_unit_test(the_short_way_is_the_same),
        cmocka_unit_test(keys_have_buckets_of_their_own),
        cmocka_unit_test(the_first_slips_then_every_nth),
        cmocka_unit_test(slips_go_on_over_what_passes_and_start_anew_after_a_rest),
        cmocka_unit_test(a_smaller_slip_takes_over),
        cmocka_unit_test(a_full_table_keeps_those_who_flood),
        cmocka_unit_test(many_floods_at_once),
        cmocka_unit_test(clocks_turn_round_and_run_apart),
        cmocka_unit_test(threads_share_a_bucket),
        cmocka_unit_test(culprits_are_named_most_first),
        cmocka_unit_test(culprits_do_not_hide_each_other),
    };
    return cmocka_run_group_tests_name("limiter", tests, NULL, NULL);
}
