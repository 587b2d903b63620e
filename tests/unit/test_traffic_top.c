/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The sketch of the most frequent held against exact counts: whatever comes, in whatever order, what it
 * promises of errors holds. */
#include "unit.h"

#include "base/random.h"
#include "traffic/top.h"

#include <math.h>
#include <string.h>

enum { HOSTS = 4000, PLACES = 64 };

static struct addr make_addr(uint32_t number)
{
    struct addr addr = {.family = number % 3 == 0 ? ADDR_V6 : ADDR_V4};
    memcpy(addr.bytes, &number, sizeof number);
    return addr;
}

static uint32_t get_number(const struct addr *addr)
{
    uint32_t number;
    memcpy(&number, addr->bytes, sizeof number);
    return number;
}

static void check(const struct traffic_top *top, const double *exact, double sum, int64_t now_ms)
{
    struct traffic_top_item items[PLACES];
    bool listed[HOSTS] = {false};
    size_t count = traffic_top_list(top, now_ms, items, PLACES);
    const double slack = 1e-9 * sum;
    assert_true(fabs(traffic_top_sum(top, now_ms) - sum) <= slack);
    for (size_t i = 0; i < count; i++) {
        uint32_t number = get_number(&items[i].addr);
        assert_false(listed[number]);
        listed[number] = true;
        assert_true(i == 0 || items[i - 1].count >= items[i].count);
        assert_true(items[i].count + slack >= exact[number]);
        assert_true(items[i].count - items[i].error <= exact[number] + slack);
        assert_true(items[i].error <= sum / PLACES + slack);
    }
    for (size_t i = 0; i < HOSTS; i++) { /* whoever has more than that is there */
        assert_true(listed[i] || exact[i] <= sum / PLACES + slack);
    }
}

/* Some come often: the number is a power of a uniform one. */
static uint32_t draw(struct random *random, double skew)
{
    double u = (double)(random_next(random) >> 11) / (double)(1ull << 53);
    return (uint32_t)(pow(u, skew) * (HOSTS - 1));
}

static void never_too_low(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 3);
    for (int round = 0; round < 12; round++) {
        struct traffic_top *top = traffic_top_new(PLACES, 0);
        double exact[HOSTS] = {0}, sum = 0;
        for (int i = 0; i < 20000; i++) {
            uint32_t number = draw(&random, 1 + round);
            struct addr addr = make_addr(number);
            double weight = round % 2 == 0 ? 1 : (double)(1 + random_below(&random, 64));
            traffic_top_add(top, &addr, weight, i);
            exact[number] += weight;
            sum += weight;
            if (i % 5000 == 0) {
                check(top, exact, sum, i);
            }
        }
        check(top, exact, sum, 20000);
        traffic_top_free(top);
    }
    traffic_top_free(NULL);
}

/* Likewise when what was long ago counts less, through many times of what halves it. */
static void forgets(void **state)
{
    (void)state;
    enum { HALF_MS = 1000, ALL = 30000 };
    struct random random;
    struct traffic_top *top = traffic_top_new(PLACES, HALF_MS);
    double exact[HOSTS] = {0}, sum = 0;
    int64_t now_ms = 0;
    random_init(&random, 5);
    for (int i = 0; i < ALL; i++) {
        int64_t pause_ms = (int64_t)random_below(&random, i % 1000 == 0 ? 90000 : 60);
        double factor = exp2(-(double)pause_ms / HALF_MS);
        now_ms += pause_ms;
        sum *= factor;
        for (size_t k = 0; k < HOSTS; k++) {
            exact[k] *= factor;
        }
        uint32_t number = draw(&random, 4);
        struct addr addr = make_addr(number);
        traffic_top_add(top, &addr, 1, now_ms);
        exact[number] += 1;
        sum += 1;
        if (i % 3000 == 0) {
            check(top, exact, sum, now_ms);
        }
    }
    traffic_top_free(top);
}

/* With places enough it is exact. */
static void exact_for_few(void **state)
{
    (void)state;
    struct traffic_top *top = traffic_top_new(PLACES, 0);
    struct traffic_top_item items[PLACES];
    for (uint32_t i = 0; i < PLACES; i++) {
        struct addr addr = make_addr(i);
        traffic_top_add(top, &addr, i + 1, 0);
    }
    assert_int_equal(traffic_top_list(top, 0, items, 3), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(get_number(&items[i].addr), PLACES - 1 - i);
        assert_true(items[i].count == PLACES - i && items[i].error == 0);
    }
    traffic_top_free(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_too_low),
        cmocka_unit_test(forgets),
        cmocka_unit_test(exact_for_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
