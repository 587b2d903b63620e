/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "ramp" of topology.json: its forms, who has which, and what is no ramp. */
#include "config.h"

#include "unit.h"

#include "base/report.h"
#include "conf/topology.h"

#include <stdio.h>
#include <string.h>

static void expect_ramp(const struct conf_ramp *ramp, const char *steps, uint32_t each_ms)
{
    char text[128] = "";
    for (size_t i = 0; i < ramp->count; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%u", i == 0 ? "" : " ", (unsigned)ramp->steps[i]);
    }
    assert_string_equal(text, steps);
    assert_int_equal(ramp->each_ms, each_ms);
}

static void ramps_are_read(void **state)
{
    (void)state;
    struct report *report = report_new();
    static const char text[] =
        "{\"ramp\": {}, \"regions\": {\"r\": {\"ramp\": \"10-100\", \"azs\": {\"z\": {\"ramp\": "
        "{\"steps\": [2, 3, 100], \"each\": \"10s\"}}}}}, \"endpoints\": {\"e\": {\"az\": \"z\", "
        "\"addresses\": [\"192.0.2.1\"]}, \"f\": {\"az\": \"z\", \"addresses\": [\"192.0.2.2\"], "
        "\"ramp\": \"off\"}, \"g\": {\"az\": \"z\", \"addresses\": [\"192.0.2.3\"], \"ramp\": "
        "{\"steps\": \"1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16-100\", \"each\": \"1s\"}}}}";
    struct conf_topology *topology = conf_parse_topology("t.json", text, strlen(text), report);
    assert_non_null(topology);
    expect_ramp(&topology->regions[0].ramp, "10", 300000);
    expect_ramp(&topology->azs[0].ramp, "2 3", 10000);
    expect_ramp(&conf_get_manner(&topology->endpoints[0])->ramp, "1 5 25", 300000);
    expect_ramp(&conf_get_manner(&topology->endpoints[1])->ramp, "", 300000);
    expect_ramp(&conf_get_manner(&topology->endpoints[2])->ramp, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
                1000);
    conf_free_topology(topology);
    report_free(report);
}

static void what_is_no_ramp_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "1",
        "true",
        "\"\"",
        "\"on\"",
        "\"1\"",
        "\"100\"",
        "\"1-100-\"",
        "\"-1-100\"",
        "\"5-1-100\"",
        "\"1-1-100\"",
        "\"0-100\"",
        "\"1-101\"",
        "\"1-100-100\"",
        "\"1-4294967396\"",
        "\"1-5-25\"",
        "\"1-100 \"",
        "\"1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16-17-100\"",
        "[1, 100]",
        "{\"steps\": []}",
        "{\"steps\": [100]}",
        "{\"steps\": [1, 5]}",
        "{\"steps\": [5, 1, 100]}",
        "{\"steps\": [1, 100, 100]}",
        "{\"steps\": [1.5, 100]}",
        "{\"steps\": [\"1\", 100]}",
        "{\"steps\": {}}",
        "{\"steps\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 100]}",
        "{\"each\": \"999ms\"}",
        "{\"each\": \"169h\"}",
        "{\"each\": 5}",
        "{\"step\": [1, 100]}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[256];
        struct report *report = report_new();
        snprintf(text, sizeof text, "{\"ramp\": %s, \"regions\": {\"r\": {\"azs\": {\"z\": {}}}}}", wrong[i]);
        if (conf_parse_topology("t.json", text, strlen(text), report) != NULL) {
            fail_msg("%s is accepted", wrong[i]);
        }
        assert_int_equal(report_errors(report), 1);
        report_free(report);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ramps_are_read),
        cmocka_unit_test(what_is_no_ramp_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
