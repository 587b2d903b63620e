/* SPDX-License-Identifier: BSD-3-Clause
 *
 * When something is due by the clocks of a place, also when these are put forward and back. */
#include "config.h"

#include "unit.h"

#include "base/cron.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct arena *arena;

static const struct tzif *load(const char *name)
{
    char why[TZIF_WHY_SIZE] = "";
    const struct tzif *zone = tzif_load(NULL, name, arena, why);
    if (zone == NULL) {
        print_message("%s\n", why);
        skip();
    }
    return zone;
}

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* "2026-03-29 01:00:00", UTC */
static int64_t at(const char *text)
{
    struct tm tm = {.tm_sec = 0};
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
    return (int64_t)timegm(&tm);
}

/* When it is due next, several times in a row. */
static void expect(const char *expression, const char *zone_name, const char *after, const char *const *times)
{
    const struct tzif *zone = load(zone_name);
    struct cron cron;
    int64_t now = at(after);
    assert_int_equal(cron_parse(expression, &cron), 0);
    for (size_t i = 0; times[i] != NULL; i++) {
        char found[32];
        now = cron_find_next(&cron, zone, now);
        time_t time = (time_t)now;
        struct tm tm;
        strftime(found, sizeof found, "%Y-%m-%d %H:%M:%S", gmtime_r(&time, &tm));
        assert_string_equal(found, times[i]);
    }
}

#define EXPECT(expression, zone, after, ...)                                                                 \
    expect(expression, zone, after, (const char *const[]){__VA_ARGS__, NULL})

static void fields_are_as_in_crontab(void **state)
{
    (void)state;
    EXPECT("* * * * *", "UTC", "2026-11-23 22:00:00", "2026-11-23 22:01:00", "2026-11-23 22:02:00");
    EXPECT("* * * * *", "UTC", "2026-11-23 22:00:59", "2026-11-23 22:01:00");
    EXPECT("30 3 * * *", "UTC", "2026-11-23 03:29:59", "2026-11-23 03:30:00", "2026-11-24 03:30:00");
    EXPECT("*/20 8-9 * * *", "UTC", "2026-11-23 08:10:00", "2026-11-23 08:20:00", "2026-11-23 08:40:00",
           "2026-11-23 09:00:00");
    EXPECT("5,10-12,50-58/4 0 1 jan *", "UTC", "2026-11-23 00:00:00", "2027-01-01 00:05:00",
           "2027-01-01 00:10:00", "2027-01-01 00:11:00", "2027-01-01 00:12:00", "2027-01-01 00:50:00",
           "2027-01-01 00:54:00", "2027-01-01 00:58:00", "2028-01-01 00:05:00");
    EXPECT("0 0 29 2 *", "UTC", "2026-11-23 00:00:00", "2028-02-29 00:00:00", "2032-02-29 00:00:00");
    EXPECT("0 0 31 * *", "UTC", "2026-11-23 00:00:00", "2026-12-31 00:00:00", "2027-01-31 00:00:00",
           "2027-03-31 00:00:00");
    EXPECT("@weekly", "UTC", "2026-11-23 00:00:00", "2026-11-29 00:00:00", "2026-12-06 00:00:00");
    EXPECT("@hourly", "UTC", "2026-11-23 00:00:00", "2026-11-23 01:00:00");
    EXPECT(" 0\t12  * * MON-Fri ", "UTC", "2026-11-20 12:00:00", "2026-11-23 12:00:00",
           "2026-11-24 12:00:00");
    EXPECT("0 12 * * 0", "UTC", "2026-11-23 12:00:00", "2026-11-29 12:00:00");
    EXPECT("0 12 * * 7", "UTC", "2026-11-23 12:00:00", "2026-11-29 12:00:00");
    EXPECT("0 12 * * sat-sun", "UTC", "2026-11-23 12:00:00", "2026-11-28 12:00:00", "2026-11-29 12:00:00",
           "2026-12-05 12:00:00");
}

static void days_that_are_both_restricted_are_alternatives(void **state)
{
    (void)state;
    EXPECT("0 0 13 * fri", "UTC", "2026-11-08 00:00:00", "2026-11-13 00:00:00", "2026-11-20 00:00:00",
           "2026-11-27 00:00:00", "2026-12-04 00:00:00", "2026-12-11 00:00:00", "2026-12-13 00:00:00");
    EXPECT("0 0 */2 * fri", "UTC", "2026-11-08 00:00:00", "2026-11-13 00:00:00", "2026-11-27 00:00:00");
}

static void what_clocks_skip_is_due_after_that(void **state)
{
    (void)state;
    EXPECT("30 2 * * *", "Europe/Berlin", "2026-03-28 00:00:00", "2026-03-28 01:30:00", "2026-03-29 01:00:00",
           "2026-03-30 00:30:00");
    EXPECT("0,30 2 * * *", "Europe/Berlin", "2026-03-28 12:00:00", "2026-03-29 01:00:00",
           "2026-03-30 00:00:00");
    EXPECT("30 2,4 * * sun", "America/New_York", "2026-03-08 00:00:00", "2026-03-08 07:00:00",
           "2026-03-08 08:30:00", "2026-03-15 06:30:00");
    EXPECT("15 2 * * *", "Australia/Lord_Howe", "2026-10-03 00:00:00", "2026-10-03 15:30:00",
           "2026-10-04 15:15:00");
    EXPECT("30 * * * *", "Europe/Berlin", "2026-03-28 23:45:00", "2026-03-29 00:30:00",
           "2026-03-29 01:30:00");
    EXPECT("0 12 30 12 *", "Pacific/Apia", "2011-12-01 00:00:00", "2011-12-30 10:00:00",
           "2012-12-29 22:00:00");
}

static void what_clocks_show_twice_is_due_once(void **state)
{
    (void)state;
    EXPECT("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00:00", "2026-10-25 00:30:00",
           "2026-10-26 01:30:00");
    EXPECT("*/30 2 * * *", "Europe/Berlin", "2026-10-24 12:00:00", "2026-10-25 00:00:00",
           "2026-10-25 00:30:00", "2026-10-26 01:00:00");
    EXPECT("30 1 * * *", "America/New_York", "2026-11-01 00:00:00", "2026-11-01 05:30:00",
           "2026-11-02 06:30:00");
    EXPECT("45 1 * * *", "Australia/Lord_Howe", "2026-04-04 00:00:00", "2026-04-04 14:45:00",
           "2026-04-05 15:15:00");
    EXPECT("0 * * * *", "Europe/Berlin", "2026-10-24 23:30:00", "2026-10-25 00:00:00", "2026-10-25 01:00:00",
           "2026-10-25 02:00:00");
}

/* Over four years, in places that do odd things: each minute that clocks show for the first time, and that is
 * wanted, is due; and nothing else but what they skipped. */
static void each_day_has_it_once(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/London",       "America/St_Johns", "Africa/Casablanca",
                                        "Australia/Lord_Howe", "Asia/Gaza",        "America/Santiago"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        const struct tzif *zone = load(names[n]);
        struct cron cron;
        char expression[32];
        for (unsigned hour = 0; hour < 4; hour++) {
            snprintf(expression, sizeof expression, "17 %u * * *", hour);
            assert_int_equal(cron_parse(expression, &cron), 0);
            int64_t now = at("2023-01-01 12:00:00");
            for (int day = 0; day < 365 * 4; day++) {
                int64_t next = cron_find_next(&cron, zone, now);
                struct tzif_local was = tzif_find_local(zone, now), is = tzif_find_local(zone, next);
                assert_true(next > now && next - now <= 28 * 3600);
                assert_true(day == 0 || is.weekday == (was.weekday + 1) % 7); /* once a day, and every day */
                assert_true(is.second >= hour * 3600 + 17 * 60 && is.second <= hour * 3600 + 77 * 60);
                now = next;
            }
        }
    }
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "* * * *",
                                      "* * * * * *",
                                      "60 * * * *",
                                      "* 24 * * *",
                                      "* * 0 * *",
                                      "* * 32 * *",
                                      "* * * 13 *",
                                      "* * * 0 *",
                                      "* * * * 8",
                                      "5-2 * * * *",
                                      "*/0 * * * *",
                                      "5/2 * * * *",
                                      ", * * * *",
                                      "1,, * * * *",
                                      "1- * * * *",
                                      "-1 * * * *",
                                      "* * 30 feb *",
                                      "* * 31 4,6,9,11 *",
                                      "@often",
                                      "@daily x",
                                      "* * * foo *",
                                      "1000 * * * *",
                                      "*5 * * * *",
                                      "* * * mond *",
                                      "0 0 * * mon,",
                                      "1\n* * * *"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cron cron;
        if (cron_parse(bad[i], &cron) != ERROR_SYNTAX) {
            fail_msg("taken for one: \"%s\"", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fields_are_as_in_crontab, set_up, tear_down),
        cmocka_unit_test_setup_teardown(days_that_are_both_restricted_are_alternatives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_clocks_skip_is_due_after_that, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_clocks_show_twice_is_due_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_day_has_it_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_none_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
