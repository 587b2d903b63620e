/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of conf: what tcp checks say and expect, what is warned of, and the brake. */
#include "config.h"

#include "test_conf.h"

#include "conf/topology.h"

#define REGIONS "\"regions\": {\"r\": {\"azs\": {\"a\": {}}}}"

static struct conf_topology *parse(const char *text, struct report *report)
{
    return conf_parse_topology("t.json", text, strlen(text), report);
}

static void expect_check_error(const char *check, const char *line)
{
    char text[1024];
    struct report *report = report_new();
    snprintf(text, sizeof text, "{" REGIONS ", \"checks\": {\"c\":\n{%s}}}", check);
    assert_null(parse(text, report));
    expect_line(report, line);
}

static void talks_are_read(void **state)
{
    (void)state;
    struct report *report = report_new();
    struct conf_topology *topology = parse(
        "{" REGIONS
        ", \"checks\": {\"c\": {\"type\": \"tcp\", \"port\": 1, \"send\": \"a\\\\x00\\\\xfF\\\\\\\\\\r\\n\", "
        "\"expect\": \"\\u00e4\"}}, \"endpoints\": {\"e\": {\"az\": \"a\", \"addresses\": \"::1\", "
        "\"checks\": \"c\"}}}",
        report);
    assert_non_null(topology);
    assert_int_equal(report_count(report), 0);
    const struct conf_check *check = &topology->checks[0];
    assert_int_equal(check->send_len, 6);
    assert_memory_equal(check->send, "a\0\xff\\\r\n", 6);
    assert_int_equal(check->expect_len, 2);
    assert_memory_equal(check->expect, "\xc3\xa4", 2);
    conf_free_topology(topology);
    report_free(report);
}

static void talks_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {"\\\\x0", "\\\\", "\\\\n", "\\\\x0g"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[128], error[256], shown[16];
        snprintf(text, sizeof text, "\"type\": \"tcp\", \"port\": 1, \"expect\": \"%s\"", bad[i]);
        snprintf(shown, sizeof shown, "%s", bad[i] + 1); /* JSON has one backslash less */
        snprintf(error, sizeof error,
                 "t.json:2:38: error: found \"%s\", expected 1 to 255 octets, in which \"\\\\xHH\" is any "
                 "octet and "
                 "\"\\\\\\\\\" a backslash (as JSON writes them) (at $.checks.c.expect)",
                 shown);
        expect_check_error(text, error);
    }
    expect_check_error(
        "\"type\": \"tcp\", \"port\": 1, \"send\": \"x\"",
        "t.json:2:28: error: found \"send\" without \"expect\", expected both: that octets were taken "
        "says no more than that the connection was (at $.checks.c.send)");
    expect_check_error(
        "\"type\": \"http\", \"port\": 1, \"expect\": \"x\"",
        "t.json:2:29: error: \"expect\" has no meaning in a check of type \"http\", only in \"tcp\" "
        "(at $.checks.c.expect)");
}

/* Once per check, however many endpoints have no other kind. */
static void bare_tcp_checks_are_warned_of(void **state)
{
    (void)state;
    struct report *report = report_new();
    struct conf_topology *topology = parse(
        "{" REGIONS
        ", \"checks\": {\n\"bare\": {\"type\": \"tcp\", \"port\": 1},\n\"web\": {\"type\": \"http\", "
        "\"port\": 1}}, \"endpoints\": {\"e\": {\"az\": \"a\", \"addresses\": \"::1\", \"checks\": "
        "\"bare\"}, \"f\": {\"az\": \"a\", \"addresses\": \"::2\", \"checks\": [\"bare\", \"web\"]}, \"g\": "
        "{\"az\": \"a\", \"addresses\": \"::3\", \"checks\": [\"bare\"]}}}",
        report);
    assert_non_null(topology);
    conf_free_topology(topology);
    expect_line(report,
                "t.json:2:1: warning: endpoint \"e\" (and 1 more) has no other kind of check than this one, "
                "which does not see a process that is stopped or hangs: the kernel accepts connections "
                "for it; give it \"expect\" (and \"send\"), or use type \"http\" (at $.checks.bare)");
}

static void expect_brake(const char *brake, const char *line)
{
    char text[1024];
    struct report *report = report_new();
    snprintf(text, sizeof text,
             "{" REGIONS ", \"checks\": {\"c\": {\"type\": \"http\", \"port\": 1}},\n\"brake\": %s}", brake);
    struct conf_topology *topology = parse(text, report);
    assert_null(topology);
    expect_line(report, line);
}

static void brakes_are_read(void **state)
{
    (void)state;
    static const char *const texts[] = {"", ", \"brake\": {}", ", \"brake\": false",
                                        ", \"brake\": {\"share\": \"80%\", \"targets\": 5, \"hold\": \"2m\", "
                                        "\"control\": [{\"address\": \"192.0.2.1\", \"check\": \"c\"}]}"};
    for (size_t i = 0; i < 4; i++) {
        char text[1024];
        struct report *report = report_new();
        snprintf(text, sizeof text, "{" REGIONS ", \"checks\": {\"c\": {\"type\": \"http\", \"port\": 1}}%s}",
                 texts[i]);
        struct conf_topology *topology = parse(text, report);
        assert_non_null(topology);
        const struct conf_brake *brake = &topology->brake;
        assert_int_equal(brake->is_on, i != 2);
        assert_int_equal(brake->targets, i == 3 ? 5 : 3);
        assert_int_equal(brake->hold_ms, i == 3 ? 120000 : 60000);
        assert_true(brake->share == (i == 3 ? 0.8 : 1) && brake->control_count == (i == 3));
        conf_free_topology(topology);
        report_free(report);
    }
    expect_brake("true",
                 "t.json:2:10: error: found true, expected false, or an object with \"share\", \"targets\", "
                 "\"hold\" and \"control\" (at $.brake)");
    expect_brake(
        "{\"targets\": 1}",
        "t.json:2:22: error: found 1, expected a whole number from 2 to 100000 (at $.brake.targets)");
    expect_brake("{\"control\": [{\"address\": \"::x\", \"check\": \"c\"}]}",
                 "t.json:2:35: error: found \"::x\", expected an IPv4 or IPv6 address "
                 "(at $.brake.control[0].address)");
    expect_brake(
        "{\"control\": [{\"address\": \"::1\", \"check\": \"d\"}]}",
        "t.json:2:51: error: found \"d\", expected the name of a check (at $.brake.control[0].check)");
    expect_brake("{\"control\": [{\"address\": \"::1\", \"check\": \"c\"},\n"
                 "{\"address\": \"::2\", \"check\": \"c\"},\n {\"address\": \"0::1\", \"check\": \"c\"}]}",
                 "t.json:4:2: error: this control target is there already, in line 2, column 23 "
                 "(at $.brake.control[2])");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talks_are_read),
        cmocka_unit_test(talks_are_checked),
        cmocka_unit_test(bare_tcp_checks_are_warned_of),
        cmocka_unit_test(brakes_are_read),
    };
    return cmocka_run_group_tests_name("conf_talk", tests, NULL, NULL);
}
