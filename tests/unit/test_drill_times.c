/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How times are spread: by hand, and random ones against a count millisecond by millisecond. */
#include "config.h"

#include "unit.h"

#include "base/random.h"
#include "drill/times.h"

#include <string.h>

enum { PARTS = 12, LONGEST_MS = 400 };

static void assert_times(const struct drill_times *times, int64_t half, int64_t most, int64_t nearly,
                         int64_t all)
{
    assert_int_equal(times->ms[0], half);
    assert_int_equal(times->ms[1], most);
    assert_int_equal(times->ms[2], nearly);
    assert_int_equal(times->ms[3], all);
}

static void one_check_is_spread_over_its_interval(void **state)
{
    (void)state;
    struct times_part part = {0.25, 7000, 2000};
    struct drill_times times = drill_find_times(&part, 1);
    assert_times(&times, 6000, 6800, 6980, 7000);
    part.phase_ms = 0;
    times = drill_find_times(&part, 1);
    assert_times(&times, 7000, 7000, 7000, 7000);
    times = drill_find_times(&part, 0);
    assert_times(&times, -1, -1, -1, -1);
}

static void users_weigh(void **state)
{
    (void)state;
    struct times_part parts[] = {{0.02, 60000, 0}, {0.5, 3000, 1000}, {0.48, 3000, 1000}};
    struct drill_times times = drill_find_times(parts, 3);
    assert_times(&times, 2511, 2919, 60000, 60000);
    struct times_part other[] = {{0.02, 60000, 0}, {98, 3000, 1000}};
    times = drill_find_times(other, 2);
    assert_times(&times, 2501, 2901, 2991, 60000);
}

/* Of users whose time is at most `at_ms`, if the loss comes at each of a thousand moments of the interval. */
static double count_through(const struct times_part *parts, size_t count, int64_t at_ms)
{
    enum { MOMENTS = 1000 };
    double through = 0;
    for (size_t i = 0; i < count; i++) {
        for (int moment = 0; moment < MOMENTS; moment++) {
            double time_ms = (double)parts[i].worst_ms - (double)parts[i].phase_ms * (moment + 0.5) / MOMENTS;
            through += time_ms <= (double)at_ms ? parts[i].weight / MOMENTS : 0;
        }
    }
    return through;
}

static void random_ones_are_as_counted(void **state)
{
    (void)state;
    static const double shares[] = {0.5, 0.9, 0.99};
    struct random random;
    random_init(&random, 7);
    for (int round = 0; round < 50; round++) {
        struct times_part parts[PARTS], kept[PARTS];
        size_t count = 1 + random_below(&random, PARTS);
        double all = 0;
        for (size_t i = 0; i < count; i++) {
            int64_t worst_ms = 1 + (int64_t)random_below(&random, LONGEST_MS);
            parts[i] = (struct times_part){1 + (double)random_below(&random, 9), worst_ms,
                                           (int64_t)random_below(&random, (uint64_t)worst_ms)};
            all += parts[i].weight;
        }
        memcpy(kept, parts, sizeof kept);
        struct drill_times times = drill_find_times(parts, count);
        for (size_t q = 0; q < 3; q++) { /* a moment more or less is within the thousandth that is counted */
            assert_true(count_through(kept, count, times.ms[q] + 1) >= shares[q] * all - 1e-9);
            assert_true(count_through(kept, count, times.ms[q] - 2) < shares[q] * all);
        }
        int64_t last_ms = 0;
        for (size_t i = 0; i < count; i++) {
            last_ms = kept[i].worst_ms > last_ms ? kept[i].worst_ms : last_ms;
        }
        assert_int_equal(times.ms[3], last_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_check_is_spread_over_its_interval),
        cmocka_unit_test(users_weigh),
        cmocka_unit_test(random_ones_are_as_counted),
    };
    return cmocka_run_group_tests_name("drill_times", tests, NULL, NULL);
}
