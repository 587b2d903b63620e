/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of topology.json: what is copied where, what is asked how far it lags, and circles. */
#include "config.h"

#include "test_conf.h"

#include "base/buffer.h"
#include "conf/topology.h"

#include <stdlib.h>

static struct conf_topology *parse(const char *text, struct report *report)
{
    return conf_parse_topology("t.json", text, strlen(text), report);
}

static struct conf_topology *parse_good(const char *text)
{
    struct report *report = report_new();
    struct conf_topology *topology = parse(text, report);
    const char *const nothing[] = {NULL};
    expect_report(report, nothing);
    assert_non_null(topology);
    return topology;
}

/* Regions a to e, one letter each, with pairs such as "ab". NULL: refused; then the report has this. */
static bool accepts(const char *const *pairs, bool of_azs, char why[512])
{
    struct buffer text;
    struct report *report = report_new();
    buffer_init(&text);
    buffer_print(&text, "{\"regions\": {");
    for (char c = 'a'; c <= 'e'; c++) {
        buffer_print(&text, "%s\"%s%c\": {\"azs\": {\"%s%c\": {%s", c == 'a' ? "" : ", ", of_azs ? "r" : "",
                     c, of_azs ? "" : "z", c, of_azs ? "" : "}}");
        buffer_print(&text, "%s\"replicates_to\": [", of_azs ? "" : ", ");
        int count = 0;
        for (size_t i = 0; pairs[i] != NULL; i++) {
            if (pairs[i][0] == c) {
                buffer_print(&text, "%s\"%c\"", count++ == 0 ? "" : ", ", pairs[i][1]);
            }
        }
        buffer_print(&text, of_azs ? "]}}}" : "]}");
    }
    buffer_print(&text, "}}");
    struct conf_topology *topology = parse(text.bytes, report);
    bool is_good = topology != NULL;
    snprintf(why, 512, "%s", "");
    if (!is_good) {
        assert_int_equal(report_count(report), 1);
        report_write_item(report_get(report, 0), why, 512);
    }
    conf_free_topology(topology);
    report_free(report);
    buffer_fini(&text);
    return is_good;
}

static void circles_that_go_one_way_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pairs[12];
        const char *circle; /* NULL: it is fine */
    } cases[] = {
        {{"ab"}, NULL},
        {{"ab", "ba"}, NULL},
        {{"ab", "bc", "cd", "ad"}, NULL},
        {{"ab", "ba", "bc", "cb", "ca", "ac"}, NULL}, /* everybody has it */
        {{"ab", "ba", "bc", "cb", "ac"}, NULL},       /* likewise */
        {{"ab", "bc", "ca"}, "a to b, b to c, c to a"},
        {{"ab", "ba", "bc", "cd", "da"}, "b to c, c to d, d to a"}, /* a and b are one place */
        {{"eb", "ab", "bc", "ca", "cd"}, "a to b, b to c, c to a"},
        {{"de", "ed", "ab", "bc", "ca"}, "a to b, b to c, c to a"},
    };
    for (int of_azs = 0; of_azs < 2; of_azs++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            char why[512];
            assert_int_equal(accepts(cases[i].pairs, of_azs != 0, why), cases[i].circle == NULL);
            if (cases[i].circle != NULL) {
                assert_non_null(strstr(why, "circle"));
                for (size_t j = 0; j + 5 < strlen(cases[i].circle) + 1;
                     j += 8) { /* each pair, from wherever */
                    char pair[7] = "";
                    memcpy(pair, cases[i].circle + j, 6);
                    assert_non_null(strstr(why, pair));
                }
            }
        }
    }
}

static void pairs_are_read(void **state)
{
    (void)state;
    struct conf_topology *topology =
        parse_good("{\"regions\": {\"us\": {\"azs\": {\"a\": {\"replicates_to\": [\"b\"]}}, "
                   "\"replicates_to\": [{\"to\": \"eu\", "
                   "\"lag\": {\"check\": \"db\", \"address\": \"2001:db8::1\"}, \"rpo\": \"5s\", \"hold\": "
                   "\"0s\"}]}, \"eu\": "
                   "{\"azs\": {\"b\": {}}, \"replicates_to\": [{\"to\": \"us\", \"stage\": \"full\", "
                   "\"max_age\": \"2m\"}]}}, "
                   "\"checks\": {\"db\": {\"type\": \"http\", \"port\": 1, \"interval\": \"1m\", \"lag\": "
                   "{\"value\": \"/v\", "
                   "\"unit\": \"ms\", \"stage\": \"/s\"}}}}");
    const struct conf_replication *pairs = topology->replications;
    assert_int_equal(topology->replication_count, 3);
    assert_true(!pairs[0].of_azs && pairs[0].from == 0 && pairs[0].to == 1 && pairs[0].is_asked);
    assert_int_equal(pairs[0].addr.family, ADDR_V6);
    assert_int_equal(pairs[0].rpo_ms, 5000);
    assert_int_equal(pairs[0].hold_ms, 0);
    assert_int_equal(pairs[0].max_age_ms, 180000); /* three intervals */
    assert_true(pairs[1].of_azs && pairs[1].from == 0 && pairs[1].to == 1 && !pairs[1].is_asked);
    assert_int_equal(pairs[1].max_age_ms, 60000);
    assert_int_equal(pairs[1].hold_ms, 10000);
    assert_int_equal(pairs[2].stage, CONF_STAGE_FULL);
    assert_int_equal(pairs[2].max_age_ms, 120000);
    const struct conf_lag *lag = topology->checks[0].lag;
    assert_string_equal(lag->value, "/v");
    assert_int_equal(lag->unit, CONF_LAG_MILLISECONDS);
    assert_string_equal(lag->stage, "/s");
    assert_string_equal(lag->words[CONF_STAGE_REAL_TIME], "real_time");
    conf_free_topology(topology);
}

static void errors_have_their_places(void **state)
{
    (void)state;
    struct report *report = report_new();
    assert_null(parse(
        "{\"regions\": {\"us\": {\"azs\": {\"a\": {}}, \"replicates_to\": [\n\"eu\",\n\"eu\",\n\"us\"]},\n"
        "\"eu\": {\"azs\": {\"b\": {}}, \"replicates_to\":\n[{\"to\": \"a\"}, 5]}}}",
        report));
    const char *const lines[] = {
        "t.json:3:1: error: \"us\" replicates to \"eu\" already, in line 2, column 1 (at "
        "$.regions.us.replicates_to[1])",
        "t.json:4:1: error: region \"us\" replicates to itself, expected another one (at "
        "$.regions.us.replicates_to[2])",
        "t.json:6:9: error: \"a\" is an az, expected a region: regions replicate to regions, and azs to azs "
        "(at $.regions.eu.replicates_to[0].to)",
        "t.json:6:15: error: found 5, expected an object (at $.regions.eu.replicates_to[1])", NULL};
    expect_report(report, lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(circles_that_go_one_way_are_refused),
        cmocka_unit_test(pairs_are_read),
        cmocka_unit_test(errors_have_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
