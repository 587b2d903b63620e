/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rates as means of several windows, and the book of rows that outlives reloads. */
#include "unit.h"

#include "traffic/book.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SECOND = 1000, MINUTE = 60000 };

static void feed(struct traffic_rate *rate, int64_t from_ms, int64_t to_ms, uint64_t per_second)
{
    for (int64_t at = from_ms; at < to_ms; at += SECOND) {
        struct traffic_span span = traffic_make_span(at, at + SECOND);
        traffic_rate_add(rate, &span, per_second);
    }
}

static void assert_close(double found, double expected)
{
    assert_true(fabs(found - expected) < 1e-6 * (1 + fabs(expected)));
}

static void test_steady(void **state)
{
    struct traffic_rate rate;
    (void)state;
    traffic_rate_init(&rate, 5000);
    for (int i = 0; i < TRAFFIC_WINDOWS; i++) {
        assert_close(traffic_rate_get(&rate, (enum traffic_window)i, 5000), 0);
    }
    feed(&rate, 5000, 8000, 40); /* young: the mean of its own time, in every window */
    for (int i = 0; i < TRAFFIC_WINDOWS; i++) {
        assert_close(traffic_rate_get(&rate, (enum traffic_window)i, 8000), 40);
    }
    assert_int_equal(rate.total, 120);
}

static void test_decay(void **state)
{
    struct traffic_rate rate;
    (void)state;
    traffic_rate_init(&rate, 0);
    feed(&rate, 0, 100 * MINUTE, 10);
    double ends = traffic_rate_get(&rate, TRAFFIC_1M, 101 * MINUTE);
    assert_close(ends, 10 * exp(-1)); /* a minute without any */
    assert_close(traffic_rate_get(&rate, TRAFFIC_5M, 105 * MINUTE), 10 * exp(-1) / (1 - exp(-105. / 5)));
    feed(&rate, 101 * MINUTE, 101 * MINUTE + SECOND, 10); /* the gap is known when it goes on, too */
    double w = exp(-1. / 60);
    assert_close(traffic_rate_get(&rate, TRAFFIC_1M, 101 * MINUTE + SECOND), ends * w + 10 * (1 - w));
}

/* In as many portions as one likes. */
static void test_portions(void **state)
{
    struct traffic_rate once, often;
    (void)state;
    traffic_rate_init(&once, 0), traffic_rate_init(&often, 0);
    for (int64_t at = 0; at < 100; at++) {
        struct traffic_span span = traffic_make_span(at * 700, (at + 1) * 700);
        traffic_rate_add(&once, &span, 6);
        traffic_rate_add(&often, &span, 1);
        traffic_rate_add(&often, &span, 3);
        traffic_rate_add(&often, &span, 2);
    }
    assert_int_equal(once.total, often.total);
    for (int i = 0; i < TRAFFIC_WINDOWS; i++) {
        assert_close(traffic_rate_get(&often, (enum traffic_window)i, 70000),
                     traffic_rate_get(&once, (enum traffic_window)i, 70000));
    }
}

static void test_sweep(void **state)
{
    enum { MANY = 1000 };
    struct traffic_book *book = traffic_book_new();
    char key[32];
    (void)state;
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "n%03d.example.", (i * 37) % MANY);
        struct traffic_row *row = traffic_book_get(book, TRAFFIC_NAME, key, 0, 7);
        struct traffic_span span = traffic_make_span(0, SECOND);
        traffic_book_add(row, &span, (uint64_t)i + 1);
        assert_ptr_equal(traffic_book_get(book, TRAFFIC_NAME, key, 0, 8), row);
    }
    assert_int_equal(traffic_book_count(book, TRAFFIC_NAME), MANY);
    assert_null(traffic_book_find(book, TRAFFIC_CLASS, "n000.example."));
    struct traffic_row **list = traffic_book_list(book, TRAFFIC_NAME);
    for (int i = 1; i < MANY; i++) {
        assert_true(strcmp(list[i - 1]->key, list[i]->key) < 0);
    }
    traffic_book_begin_sweep(book);
    for (int i = 0; i < MANY; i += 2) {
        snprintf(key, sizeof key, "n%03d.example.", i);
        traffic_book_find(book, TRAFFIC_NAME, key)->is_there = true;
    }
    traffic_book_end_sweep(book);
    assert_int_equal(traffic_book_count(book, TRAFFIC_NAME), MANY / 2);
    assert_null(traffic_book_find(book, TRAFFIC_NAME, "n001.example."));
    assert_string_equal(traffic_book_list(book, TRAFFIC_NAME)[1]->key, "n002.example.");
    assert_int_equal(traffic_book_find(book, TRAFFIC_NAME, "n000.example.")->rate.total, 1);
    traffic_book_free(book);
    traffic_book_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady),
        cmocka_unit_test(test_decay),
        cmocka_unit_test(test_portions),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
