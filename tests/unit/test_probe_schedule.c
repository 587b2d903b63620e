/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of when checks start, in virtual time: the grid, jitter, stalls, the heap of timers, what a new list
 * keeps. */
#include "config.h"

#include "unit.h"

#include "base/memory.h"
#include "probe/schedule.h"
#include "probe/targets.h"
#include "probe/timers.h"

#include <stdlib.h>
#include <string.h>

enum { SECOND = 1000000, MS = 1000 };

static void first_starts_are_spread(void **state)
{
    (void)state;
    static const int64_t intervals[] = {50 * MS, SECOND, 10 * SECOND};
    for (size_t k = 0; k < sizeof intervals / sizeof *intervals; k++) {
        int64_t spread = intervals[k] < SECOND ? intervals[k] : SECOND, before = 5 * SECOND - spread / 1000;
        for (size_t i = 0; i < 1000; i++) {
            struct schedule s;
            schedule_init(&s, 5 * SECOND, intervals[k], i, 1000);
            assert_in_range(s.grid_us - before, spread / 1000 - 1, spread / 1000 + 1);
            before = s.grid_us;
        }
        assert_true(before < 5 * SECOND + spread);
    }
}

static void one_target_starts_at_once(void **state)
{
    (void)state;
    struct schedule s;
    schedule_init(&s, 77, 60LL * SECOND, 0, 1);
    assert_int_equal(s.grid_us, 77);
    schedule_init(&s, 77, 60LL * SECOND, 0, 0);
    assert_int_equal(s.grid_us, 77);
}

/* Few do not wait for each other: a start waits for the last of them. */
static void few_targets_start_within_milliseconds(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct schedule s;
        schedule_init(&s, 0, 10 * SECOND, i, 5);
        assert_in_range(s.grid_us, i * MS - (i > 0), i * MS);
    }
}

/* Whatever checks take, starts stay on the grid: no gap beyond the jitter, and no drift. */
static void starts_do_not_drift(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 1);
    const int64_t interval = 2 * SECOND;
    struct schedule s;
    schedule_init(&s, 0, interval, 3, 10);
    int64_t start = s.grid_us, checks = 100000, least = INT64_MAX, most = 0;
    for (int64_t i = 0; i < checks; i++) {
        int64_t late = (int64_t)random_below(&random, 3 * MS); /* the loop wakes up a little late */
        int64_t next = schedule_next(&s, start + late, interval, &random);
        least = next - start < least ? next - start : least;
        most = next - start > most ? next - start : most;
        start = next;
    }
    assert_true(least >= interval * 9 / 10);
    assert_true(most <= interval * 11 / 10);
    assert_true(most - least > interval / 20); /* there is jitter */
    assert_int_equal(s.shift_us, 0);
    int64_t drift = start - checks * interval;
    assert_in_range(drift + interval, 0, 2 * interval);
}

/* After some rounds 1,000 targets at 10 s are spread over the whole interval, not over its first second. */
static void long_intervals_even_out(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 2);
    const int64_t interval = 10 * SECOND;
    unsigned per_second[10] = {0};
    for (size_t i = 0; i < 1000; i++) {
        struct schedule s;
        schedule_init(&s, 0, interval, i, 1000);
        int64_t at = s.grid_us;
        for (int k = 0; k < 30; k++) {
            at = schedule_next(&s, at, interval, &random);
        }
        per_second[at % interval / SECOND]++;
    }
    for (int k = 0; k < 10; k++) {
        assert_in_range(per_second[k], 90, 110);
    }
}

static void missed_starts_are_skipped(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 3);
    struct schedule s;
    schedule_init(&s, 0, SECOND, 0, 1);
    int64_t next = schedule_next(&s, 3600LL * SECOND + 7, SECOND, &random);
    assert_in_range(next, 3601LL * SECOND, 3601LL * SECOND + SECOND / 20);
    next = schedule_next(&s, next, SECOND, &random);
    assert_in_range(next, 3602LL * SECOND, 3602LL * SECOND + SECOND / 20);
}

/* A start in between, because a verdict hangs on it, moves nothing: the one after it is where it was. */
static void starts_in_between_leave_the_grid(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 5);
    struct schedule s;
    schedule_init(&s, 0, SECOND, 0, 1);
    int64_t next = schedule_next(&s, 0, SECOND, &random);
    for (int64_t now = 100 * MS; now < SECOND; now += 100 * MS) {
        next = schedule_next(&s, now, SECOND, &random);
        assert_in_range(next, SECOND, SECOND + SECOND / 20);
    }
    next = schedule_next(&s, next, SECOND, &random);
    assert_in_range(next, 2 * SECOND, 2 * SECOND + SECOND / 20);
}

/* For an hour it fails: starts are at most a tenth of that apart, and never further than the longest
 * interval; on the way there they stay on the grid. */
static void what_fails_for_long_is_seldom_asked(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 6);
    const int64_t interval = 2 * SECOND, longest = 60LL * SECOND;
    struct schedule s;
    schedule_init(&s, 0, interval, 0, 1);
    int64_t start = 0, starts = 0, most = 0;
    while (start < 3600LL * SECOND) {
        int64_t next = schedule_next(&s, start, interval, &random);
        next = schedule_back_off(&s, next, interval, start, longest);
        int64_t apart = next - start, jitter = interval / 20;
        assert_true(apart <= (start / 10 > interval ? start / 10 : interval) + jitter);
        assert_true(apart >= interval - jitter);
        assert_int_equal(s.grid_us % interval, 0);
        most = apart > most ? apart : most;
        start = next;
        starts++;
    }
    assert_in_range(most, longest - interval, longest + interval / 20);
    assert_in_range(starts, 60, 130);                           /* of 1,800 */
    int64_t next = schedule_next(&s, start, interval, &random); /* it is back */
    assert_in_range(next, start + interval - interval / 20, start + interval + interval / 20);
}

static void a_shorter_interval_counts_at_once(void **state)
{
    (void)state;
    static const int64_t ahead[] = {1,           50 * MS - 1, 50 * MS, 50 * MS + 1,
                                    52 * MS + 1, 52500LL,     52501LL, 3600LL * SECOND + 7};
    for (size_t i = 0; i < sizeof ahead / sizeof *ahead; i++) {
        struct schedule s = {.grid_us = 5 * SECOND + ahead[i] - 1};
        int64_t next = schedule_hurry(&s, 5 * SECOND + ahead[i], 5 * SECOND, 50 * MS);
        assert_in_range(next, 5 * SECOND + 1, 5 * SECOND + 50 * MS + 50 * MS / 20);
        assert_int_equal((next - ahead[i]) % (50 * MS), 0); /* its phase, by which targets are spread */
        assert_int_equal(s.grid_us, next - 1);
    }
    struct schedule s = {.grid_us = 7};
    assert_int_equal(schedule_hurry(&s, 8, 5 * SECOND, 50 * MS), 8); /* overdue */
}

/* What has just started does not start again because a list came that changes nothing. */
static void an_equal_interval_changes_nothing(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 7);
    for (int i = 0; i < 1000; i++) {
        struct schedule s;
        schedule_init(&s, 5 * SECOND, 60 * SECOND, 1, 2);
        int64_t start = s.grid_us, next = schedule_next(&s, start, 60 * SECOND, &random), grid = s.grid_us;
        assert_int_equal(schedule_hurry(&s, next, start + i, 60 * SECOND), next);
        assert_int_equal(s.grid_us, grid);
    }
}

static void stalls_do_not_count(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace);
    assert_int_equal(pace_now(&pace, 1000 * SECOND), 1000 * SECOND);
    pace_sleep(&pace, PACE_NEVER); /* nothing to do: sleeping long is no stall */
    assert_int_equal(pace_now(&pace, 2000 * SECOND), 2000 * SECOND);
    pace_sleep(&pace, 2001 * SECOND);
    assert_int_equal(pace_now(&pace, 2000 * SECOND + 5), 2000 * SECOND + 5); /* woken by a socket */
    assert_int_equal(pace_now(&pace, 2001 * SECOND + PACE_STALL_US), 2001 * SECOND + PACE_STALL_US);
    assert_int_equal(pace.lost_us, 0);
    assert_int_equal(pace_now(&pace, 2061LL * SECOND),
                     2001 * SECOND); /* stopped for a minute, from then on */
    assert_int_equal(pace.lost_us, 60 * SECOND);
    assert_int_equal(pace_now(&pace, 2062LL * SECOND - 950 * MS), 2001 * SECOND + 50 * MS);
    /* One that may have begun long before the prober wanted to wake took none of that time. */
    pace_sleep(&pace, 2001 * SECOND + 250 * MS);
    assert_int_equal(pace_now(&pace, 2063LL * SECOND), 2001 * SECOND + 50 * MS);
    assert_int_equal(pace_now(&pace, 2063LL * SECOND + 10 * MS), 2001 * SECOND + 60 * MS);
    /* But a second one does, or there would be no end of it; and nobody is excused for longer than a second.
     */
    assert_int_equal(pace_now(&pace, 2064LL * SECOND), 2001 * SECOND + 250 * MS);
    pace_sleep(&pace, 2009 * SECOND);
    assert_int_equal(pace_now(&pace, 2100LL * SECOND), 2008 * SECOND);
    assert_int_equal(pace_now(&pace, 2200LL * SECOND), 2009 * SECOND);
}

/* However often the process does not run, its own time comes to the next wake. */
static void time_goes_on_through_stalls(void **state)
{
    (void)state;
    struct pace pace;
    struct random random;
    random_init(&random, 7);
    pace_init(&pace);
    int64_t clock_us = 0, last_us = pace_now(&pace, 0);
    for (int64_t wake = 1; wake <= 1000; wake++) {
        pace_sleep(&pace, wake * 30 * MS);
        for (int tries = 0; last_us < pace.wake_us; tries++) {
            assert_in_range(tries, 0, 1);
            clock_us += 200 * MS + (int64_t)random_below(&random, SECOND);
            int64_t now_us = pace_now(&pace, clock_us);
            assert_true(now_us >= last_us);
            assert_true(now_us <= pace.wake_us + PACE_STALL_US);
            last_us = now_us;
        }
    }
}

static void heap_keeps_order(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    struct timer *timers = memory_alloc_array(COUNT, sizeof *timers);
    int64_t *at = memory_alloc_array(COUNT, sizeof *at);
    struct timer_heap heap;
    struct random random;
    random_init(&random, 4);
    timer_heap_init(&heap);
    assert_null(timer_heap_find_first(&heap));
    for (size_t round = 0; round < 5; round++) {
        size_t inside = 0;
        for (size_t i = 0; i < COUNT; i++) {
            at[i] = (int64_t)random_below(&random, 1000); /* many equal ones */
            timer_heap_add(&heap, &timers[i], at[i]);
        }
        for (size_t i = 0; i < COUNT; i++) {
            if (random_below(&random, 3) == 0) {
                timer_heap_remove(&heap, &timers[i]);
                timer_heap_remove(&heap, &timers[i]); /* twice is harmless */
                at[i] = -1;
            }
            inside += at[i] != -1;
        }
        assert_int_equal(heap.count, inside);
        int64_t last = 0;
        for (const struct timer_slot *first; (first = timer_heap_find_first(&heap)) != NULL; inside--) {
            size_t i = (size_t)(first->timer - timers);
            assert_int_equal(first->at_us, at[i]);
            assert_true(first->at_us >= last);
            last = first->at_us;
            timer_heap_remove(&heap, &timers[i]);
            assert_int_equal(timers[i].place, 0);
        }
        assert_int_equal(inside, 0);
    }
    timer_heap_fini(&heap);
    free(timers);
    free(at);
}

static struct probe_target target(uint64_t identity, const char *path)
{
    return (struct probe_target){
        .type = PROBE_HTTP,
        .at = {.addr = {.family = ADDR_V4, .bytes = {192, 0, 2, (uint8_t)identity}}, .port = 8080},
        .interval_ms = 60000,
        .timeout_ms = 1000,
        .path = path,
        .identity = identity,
    };
}

static void lists_find_what_stays(void **state)
{
    (void)state;
    const struct probe_target before[] = {target(1, "/"), target(2, "/"), target(3, "/")};
    struct probe_target after[] = {target(3, "/"), target(2, "/other"), target(1, "/"), target(4, "/"),
                                   target(3, "/")};
    after[2].interval_ms = 50;
    after[4].timeout_ms = 2000;
    struct targets *old = targets_new(1, before, 3), *new = targets_new(2, after, 5);
    struct flight flight = {.check = &old->checks[2]};
    old->checks[0].next_us = old->checks[0].schedule.grid_us = 70LL * SECOND;
    old->checks[2].next_us = 71LL * SECOND;
    old->checks[2].schedule.failing_us = 7;
    old->checks[2].flight = &flight;

    struct check *same = targets_find_same(old, &new->checks[0]);
    assert_ptr_equal(same, &old->checks[2]);
    assert_ptr_equal(targets_find_same(new, same), &new->checks[0]); /* whichever is looked into */
    targets_forget_index(new);
    targets_carry(same, &new->checks[0], 20 * SECOND);
    assert_ptr_equal(flight.check, &new->checks[0]);
    assert_ptr_equal(new->checks[0].flight, &flight);
    assert_null(old->checks[2].flight);
    assert_int_equal(new->checks[0].next_us, 71LL * SECOND);
    assert_int_equal(new->checks[0].schedule.failing_us, 7);

    assert_null(targets_find_same(old, &new->checks[1])); /* it asks for something else, */
    assert_null(targets_find_same(old, &new->checks[3])); /* somebody else, */
    assert_null(targets_find_same(old, &new->checks[4])); /* with more patience */

    same = targets_find_same(old, &new->checks[2]);
    assert_ptr_equal(same, &old->checks[0]);
    targets_carry(same, &new->checks[2], 20 * SECOND);
    struct check *hurries = &new->checks[2]; /* the shorter interval counts at once, and from then on */
    assert_in_range(hurries->next_us, 20 * SECOND + 1, 20 * SECOND + 50 * MS);
    assert_int_equal(hurries->schedule.grid_us, hurries->next_us);
    targets_free(old);
    targets_free(new);
}

/* Who asks the same of the same address shares, whatever the identity; the most eager decides how often. */
static void lists_share(void **state)
{
    (void)state;
    struct probe_target targets[6];
    for (uint64_t i = 0; i < 6; i++) {
        targets[i] = target(9, "/");
        targets[i].identity = i + 1;
        targets[i].interval_ms = 10000 - (uint32_t)i;
        targets[i].recheck_ms = i == 2 ? 300 : i == 4 ? 200 : 0;
        targets[i].back_off_ms = i == 0 ? 0 : 20000 + (uint32_t)i;
    }
    targets[1].path = "/other";
    targets[3].path = "/other";
    targets[5].timeout_ms = 999;
    struct targets *list = targets_new(1, targets, 6);
    assert_int_equal(list->count, 3);
    static const uint32_t checks[] = {0, 1, 0, 1, 0, 2}, members[3][3] = {{0, 2, 4}, {1, 3}, {5}};
    static const uint32_t counts[] = {3, 2, 1};
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(list->check_of[i], checks[i]);
    }
    for (uint32_t i = 0; i < 3; i++) {
        const struct check *check = &list->checks[i];
        assert_int_equal(check->member_count, counts[i]);
        for (uint32_t k = 0; k < counts[i]; k++) {
            assert_int_equal(list->members[check->first_member + k], members[i][k]);
            assert_int_equal(list->identities[members[i][k]], members[i][k] + 1);
        }
    }
    assert_int_equal(list->checks[0].ask->interval_ms, 9996);
    assert_int_equal(list->checks[0].ask->recheck_ms, 200);
    assert_int_equal(list->checks[0].ask->back_off_ms, 0); /* one of them does not want that */
    assert_int_equal(list->checks[1].ask->back_off_ms, 20001);
    assert_int_equal(list->checks[1].ask->recheck_ms, 0);
    targets_free(list);
}

/* What is offered to be spoken is part of what is asked. */
static void who_speaks_otherwise_asks_otherwise(void **state)
{
    (void)state;
    static const char *const protocols[] = {NULL,     "\x02h2", "\x02h2\x08http/1.1", "\x08http/1.1\x02h2",
                                            "\x02h2", NULL};
    struct probe_tls tls[6];
    struct probe_target targets[6];
    for (size_t i = 0; i < 6; i++) {
        tls[i] = (struct probe_tls){.mark = 1, .name = "a", .protocols = protocols[i]};
        targets[i] = target(9, "/");
        targets[i].tls = &tls[i];
    }
    struct targets *list = targets_new(1, targets, 6);
    assert_int_equal(list->count, 4);
    assert_int_equal(list->check_of[4], list->check_of[1]);
    assert_int_equal(list->check_of[5], list->check_of[0]);
    targets_free(list);
}

static void odd_lists(void **state)
{
    (void)state;
    struct targets *none = targets_new(1, NULL, 0);
    const struct probe_target zero = {.type = PROBE_TCP, .at = {.addr = {.family = ADDR_V4}}};
    struct targets *one = targets_new(2, &zero, 1);
    assert_null(targets_find_same(none, &one->checks[0]));
    assert_true(one->checks[0].ask->interval_ms >=
                50); /* nothing that is asked for can make the prober spin */
    assert_true(one->checks[0].ask->timeout_ms >= 50);
    targets_free(none);
    targets_free(one);
    targets_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_starts_are_spread),
        cmocka_unit_test(one_target_starts_at_once),
        cmocka_unit_test(few_targets_start_within_milliseconds),
        cmocka_unit_test(starts_do_not_drift),
        cmocka_unit_test(long_intervals_even_out),
        cmocka_unit_test(missed_starts_are_skipped),
        cmocka_unit_test(starts_in_between_leave_the_grid),
        cmocka_unit_test(what_fails_for_long_is_seldom_asked),
        cmocka_unit_test(a_shorter_interval_counts_at_once),
        cmocka_unit_test(an_equal_interval_changes_nothing),
        cmocka_unit_test(stalls_do_not_count),
        cmocka_unit_test(time_goes_on_through_stalls),
        cmocka_unit_test(heap_keeps_order),
        cmocka_unit_test(lists_find_what_stays),
        cmocka_unit_test(lists_share),
        cmocka_unit_test(who_speaks_otherwise_asks_otherwise),
        cmocka_unit_test(odd_lists),
    };
    return cmocka_run_group_tests_name("probe_schedule", tests, NULL, NULL);
}
