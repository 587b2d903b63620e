/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what `steerctl check` is made of: ranges as the guidelines of monitoring plugins have them, and
 * figures out of answers of the API and of metrics. */
#include "config.h"

#include "ctl/range.h"
#include "ctl/watched_figures.h"

#include "base/clock.h"
#include "base/error.h"

#include "unit.h"

#include <math.h>
#include <string.h>

/* What the guidelines list, and what lies at the ends. */
static void test_ranges(void **state)
{
    static const struct {
        const char *range;
        double in[3], out[3];
    } cases[] = {
        {"10", {0, 5, 10}, {-1, 10.5, 11}},       {"10:", {10, 11, 1e9}, {9.9, 0, -5}},
        {"~:10", {-1e9, 0, 10}, {10.1, 11, 1e9}}, {"10:20", {10, 15, 20}, {9, 21, -15}},
        {"@10:20", {9, 21, -15}, {10, 15, 20}},   {"@10", {-1, 11, 12}, {0, 5, 10}},
        {"0", {0, 0, 0}, {1, -1, 0.5}},           {"-20:-10", {-20, -15, -10}, {-21, -9, 0}},
        {"1.5", {0, 1, 1.5}, {1.6, 2, -1}},       {"@~:0", {1, 2, 3}, {0, -1, -2}},
        {"0:", {0, 1, 2}, {-1, -2, -3}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct range range;
        assert_int_equal(range_parse(cases[i].range, "", &range), 0);
        for (int j = 0; j < 3; j++) {
            assert_false(range_tells(&range, cases[i].in[j]));
            assert_true(range_tells(&range, cases[i].out[j]));
        }
    }
}

static void test_what_is_no_range(void **state)
{
    static const char *const texts[] = {
        "",
        "@",
        ":",
        "a",
        "10:5",
        "1:2:3",
        "0x10",
        "inf",
        "nan:",
        "1e3",
        "~",
        "10 ",
        " 10",
        "1,2",
        "--1",
        ".",
        "5m",
        "50%",
        "1:~",
        "@@1",
        "+-1",
        "1..2",
        "~:~",
        "~1:2",
        "10::",
        "-",
        "1234567890123456789012345678901234567890",
        "1111111111111111111111111111111111111111111111111111111111111111111:2"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct range range;
        assert_int_equal(range_parse(texts[i], "", &range), ERROR_SYNTAX);
    }
}

static void test_units(void **state)
{
    struct range range;
    char text[RANGE_SIZE];
    (void)state;
    assert_int_equal(range_parse("90m:2d", "s", &range), 0);
    assert_string_equal(range_write(&range, text), "5400:172800");
    assert_int_equal(range_parse("1w", "s", &range), 0);
    assert_string_equal(range_write(&range, text), "604800");
    assert_int_equal(range_parse("2.5%", "%", &range), 0);
    assert_string_equal(range_write(&range, text), "2.5");
    assert_int_equal(range_parse("5%", "s", &range), ERROR_SYNTAX);
    assert_int_equal(range_parse("5s", "%", &range), ERROR_SYNTAX);
}

static void test_written_is_read(void **state)
{
    static const char *const texts[] = {"10", "10:", "~:10", "10:20", "@10:20", "0", "0:", "@~:5", "-5:5"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct range range;
        char text[RANGE_SIZE];
        assert_int_equal(range_parse(texts[i], "", &range), 0);
        assert_string_equal(range_write(&range, text), texts[i]);
    }
}

/* ---- figures ---- */

static const struct figure *find(const char *name)
{
    for (size_t i = 0; i < watched_figures_count(); i++) {
        if (strcmp(watched_figures_get(i)->name, name) == 0) {
            return watched_figures_get(i);
        }
    }
    fail_msg("%s", name);
    return NULL;
}

static double read_figure(const struct watched_input *in, const char *name)
{
    double value;
    return watched_figures_read(in, find(name), &value) ? value : NAN;
}

static void check_is(const struct watched_input *in, const char *name, double expected)
{
    double found = read_figure(in, name);
    if (!(fabs(found - expected) < 1e-6)) {
        fail_msg("%s is %g, expected %g", name, found, expected);
    }
}

/* Each has a name of its own that consumers take as it is, and ranges that can be read. */
static void test_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < watched_figures_count(); i++) {
        const struct figure *figure = watched_figures_get(i);
        struct range range;
        assert_int_equal(strspn(figure->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(figure->name));
        assert_ptr_equal(find(figure->name), figure);
        assert_true(figure->warning == NULL || range_parse(figure->warning, figure->unit, &range) == 0);
        assert_true(figure->critical == NULL || range_parse(figure->critical, figure->unit, &range) == 0);
        for (size_t j = 0; j < watched_figures_count(); j++) {
            assert_string_not_equal(figure->name, watched_figures_get(j)->what);
        }
    }
}

static json_t *load(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static void test_status(void **state)
{
    json_t *status = load(
        "{\"regions\": {\"total\": 2, \"unhealthy\": 1, \"stays_down\": 1}, \"azs\": {\"stays_down\": 0},"
        "\"endpoints\": {\"total\": 8, \"unhealthy\": 2, \"stays_down\": 3},"
        "\"brake\": {\"ipv4\": {\"state\": \"holding\"}, \"ipv6\": {\"state\": \"ready\"}},"
        "\"holds\": [{\"of\": \"failover\"}, {\"of\": \"return\"}, {\"of\": \"failover\"}],"
        "\"live_drill\": null, \"contact\": {\"serving\": false, \"cut_off\": true}, \"vantages\": null,"
        "\"files\": [{\"state\": \"good\"}, {\"state\": \"refused\"}, {\"state\": \"useless\"}],"
        "\"store\": {\"state\": \"ok\"}, \"points\": {\"error\": \"no room\", \"last\": null},"
        "\"started\": \"2026-11-21T04:05:06.000Z\"}");
    const struct watched_input in = {.documents = {[WATCHED_STATUS] = status}, .now_ms = 1795233916000};
    (void)state;
    check_is(&in, "regions_unhealthy", 1);
    check_is(&in, "endpoints_unhealthy_share", 25);
    check_is(&in, "stays_down", 4);
    check_is(&in, "brake_holding", 1);
    check_is(&in, "holds", 2);
    check_is(&in, "live_drill", 0);
    check_is(&in, "withdrawn", 1);
    check_is(&in, "cut_off", 1);
    check_is(&in, "check_files_bad", 2);
    check_is(&in, "store_failing", 0);
    check_is(&in, "points_failing", 1);
    check_is(&in, "uptime", 10);
    assert_true(isnan(read_figure(&in, "vantages_silent")) && isnan(read_figure(&in, "point_age")));
    assert_true(isnan(read_figure(&in, "azs_unhealthy"))); /* what an older server does not say */
    json_decref(status);
}

static void test_ages(void **state)
{
    json_t *overrides =
        load("{\"items\": [{\"set\": \"2026-11-21T04:04:06Z\", \"planned\": true},"
             "{\"set\": \"2026-11-21T04:04:46Z\"}, {\"set\": \"2026-11-21T04:04:56Z\", \"dormant\": false},"
             "{\"set\": \"2026-11-01T00:00:00Z\", \"starts\": \"2026-11-21T04:05:00Z\"},"
             "{\"set\": \"2026-11-01T00:00:00Z\", \"dormant\": true}, {\"set\": \"2027-01-01T00:00:00Z\"}]}");
    json_t *moves = load("{\"items\": [{\"state\": \"closed\", \"since\": \"2026-11-01T00:00:00Z\"},"
                         "{\"state\": \"verified\", \"since\": \"2026-11-21T04:05:01Z\"}]}");
    const struct watched_input in = {
        .documents = {[WATCHED_OVERRIDES] = overrides, [WATCHED_SWITCHOVERS] = moves},
        .now_ms = 1795233906000};
    (void)state;
    check_is(&in, "override_age", 20);
    check_is(&in, "switchover_undecided_age", 5);
    json_decref(overrides);
    json_decref(moves);
}

static const char metrics[] =
    "# HELP steerd_zones Zones, by state.\n# TYPE steerd_zones gauge\nsteerd_zones{state=\"current\"} 5\n"
    "steerd_zones{state=\"stale\"} 2\nsteerd_zones{state=\"failed\"} 0\n# HELP steerd_rule_violated x\n"
    "# TYPE steerd_rule_violated gauge\n# HELP steerd_certificate_end_time_seconds When.\n"
    "# TYPE steerd_certificate_end_time_seconds gauge\n"
    "steerd_certificate_end_time_seconds{endpoint=\"a b\",check=\"c\"} 1795406706\n"
    "steerd_certificate_end_time_seconds{endpoint=\"state=\\\"stale\\\"\",check=\"c\"} 1795320306\n"
    "# TYPE steerd_drill_last_success_timestamp_seconds gauge\n"
    "steerd_drill_last_success_timestamp_seconds{schedule=\"a\"} 5\n"
    "steerd_drill_last_success_timestamp_seconds{schedule=\"b\"} 0\n"
    "# TYPE steerd_drill_last_run_timestamp_seconds gauge\n"
    "steerd_drill_last_run_timestamp_seconds{schedule=\"a\"} 5\n"
    "steerd_drill_last_run_timestamp_seconds{schedule=\"b\"} 7\n"
    "# TYPE steerd_queries_total counter\nsteerd_queries_total{transport=\"udp\"} 100\n"
    "steerd_queries_total{transport=\"tcp\"} 10\n# TYPE steerd_answers_steered_total counter\n"
    "steerd_answers_steered_total 100\n# TYPE steerd_answers_fallback_total counter\n"
    "steerd_answers_fallback_total 100";

static const char later[] =
    "# TYPE steerd_queries_total counter\nsteerd_queries_total{transport=\"udp\"} 140\n"
    "steerd_queries_total{transport=\"tcp\"} 20\n# TYPE steerd_answers_steered_total counter\n"
    "steerd_answers_steered_total 140\n# TYPE steerd_answers_fallback_total counter\n"
    "steerd_answers_fallback_total 110\n";

static void test_metrics(void **state)
{
    const struct watched_input in = {
        .metrics = metrics, .later = later, .between_s = 2, .now_ms = 1795233906000};
    const struct watched_input again = {
        .metrics = later, .later = metrics, .between_s = 2, .now_ms = 1795233906000};
    (void)state;
    check_is(&in, "zones_stale", 2);
    check_is(&in, "zones_failed", 0);
    check_is(&in, "certificate_days", 1);
    check_is(&in, "drills_failed", 1);
    check_is(&in, "queries_rate", 25);
    check_is(&in, "fallback_share", 25);
    check_is(&again, "queries_rate", 55); /* a server that was started anew */
    assert_true(isnan(read_figure(&in, "rules_violated")) && isnan(read_figure(&in, "geo_stale")));
    assert_true(isnan(read_figure(&in, "servfail_share")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),    cmocka_unit_test(test_what_is_no_range),
        cmocka_unit_test(test_units),     cmocka_unit_test(test_written_is_read),
        cmocka_unit_test(test_the_table), cmocka_unit_test(test_status),
        cmocka_unit_test(test_ages),      cmocka_unit_test(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
