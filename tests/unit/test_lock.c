/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the lock that measures: it excludes, and every turn is counted once, in the bucket of its length.
 */
#include "config.h"

#include "unit.h"

#include "base/clock.h"
#include "base/lock.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

enum { THREADS = 4, TURNS = 5000 };

struct shared {
    struct lock lock;
    unsigned long turns;
    bool taken;
};

static void *take_turns(void *argument)
{
    struct shared *shared = argument;
    lock_take(&shared->lock);
    for (int i = 0; i < TURNS; i++) {
        assert_false(shared->taken);
        shared->taken = true;
        shared->turns++;
        shared->taken = false;
        lock_pass(&shared->lock);
    }
    lock_leave(&shared->lock);
    return NULL;
}

static uint64_t sum(const struct spans *times)
{
    uint64_t all = 0;
    for (int i = 0; i < SPAN_BUCKETS; i++) {
        all += times->buckets[i];
    }
    return all;
}

static void one_at_a_time(void **state)
{
    (void)state;
    struct shared shared = {.turns = 0};
    struct lock_stats stats;
    pthread_t threads[THREADS];
    lock_init(&shared.lock);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_turns, &shared), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    lock_get_stats(&shared.lock, &stats);
    assert_int_equal(shared.turns, THREADS * TURNS);
    assert_int_equal(stats.held.count, THREADS * (TURNS + 1));
    assert_int_equal(stats.waited.count, stats.held.count);
    assert_int_equal(sum(&stats.held), stats.held.count);
    assert_int_equal(sum(&stats.waited), stats.waited.count);
    assert_true(stats.held.sum_ns >= stats.held.longest_ns);
    assert_true(spans_find_recent(&stats.held, clock_machine_ns()) <= stats.held.longest_ns);
    lock_fini(&shared.lock);
}

static void *wait_for_it(void *argument)
{
    struct lock *lock = argument;
    lock_take(lock);
    lock_leave(lock);
    return NULL;
}

static void what_takes_long_is_told(void **state)
{
    (void)state;
    enum { LONG_US = 15000 };
    struct lock lock;
    struct lock_stats stats;
    pthread_t thread;
    lock_init(&lock);
    lock_take(&lock);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &lock), 0);
    usleep(LONG_US);
    lock_leave(&lock);
    pthread_join(thread, NULL);
    lock_get_stats(&lock, &stats);
    assert_int_equal(stats.held.count, 2);
    assert_true(stats.held.longest_ns >= (uint64_t)LONG_US * 1000);
    assert_true(stats.held.buckets[4] + stats.held.buckets[5] + stats.held.buckets[6] >= 1);
    assert_true(spans_find_recent(&stats.held, clock_machine_ns()) >= (uint64_t)LONG_US * 1000);
    lock_fini(&lock);
}

/* The longest of late is forgotten, that since the start is not. */
static void minutes_pass(void **state)
{
    (void)state;
    const uint64_t minute = UINT64_C(60000000000);
    struct spans spans = {.count = 0};
    spans_note(&spans, 5000000, 7 * minute);
    spans_note(&spans, 20, 7 * minute + 1);
    assert_int_equal(spans_find_recent(&spans, 8 * minute - 1), 5000000);
    assert_int_equal(spans_find_recent(&spans, 9 * minute - 1), 5000000);
    spans_note(&spans, 30, 8 * minute);
    assert_int_equal(spans_find_recent(&spans, 8 * minute), 5000000);
    assert_int_equal(spans_find_recent(&spans, 9 * minute), 30);
    assert_int_equal(spans_find_recent(&spans, 10 * minute), 0);
    spans_note(&spans, 40, 20 * minute);
    assert_int_equal(spans_find_recent(&spans, 20 * minute), 40);
    assert_int_equal(spans.longest_ns, 5000000);
    assert_int_equal(spans.count, 4);
    assert_int_equal(spans.buckets[3], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(what_takes_long_is_told),
        cmocka_unit_test(minutes_pass),
    };
    return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
