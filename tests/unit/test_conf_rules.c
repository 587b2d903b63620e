/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of topology.json: safety rules. */
#include "config.h"

#include "test_conf.h"

#include "base/buffer.h"
#include "conf/topology.h"
#include "conf/value.h"

#define HEAD                                                                                                 \
    "{\"regions\": {\"us\": {\"azs\": {\"u1\": {}, \"u2\": {}}}, \"eu\": {\"azs\": {\"e1\": {}}}},\n"        \
    "\"endpoints\": {\"a\": {\"az\": \"u1\", \"addresses\": [\"192.0.2.1\"], \"capacity\": 10},\n"           \
    "\"b\": {\"az\": \"e1\", \"addresses\": [\"192.0.2.2\"], \"capacity\": 30},\n"                           \
    "\"c\": {\"az\": \"u1\", \"addresses\": [\"192.0.2.3\"]}},\n"                                            \
    "\"groups\": {\"g\": [\"a\", \"b\"]},\n\"rules\": {\n"

static struct conf_topology *parse(const char *rules, struct report *report)
{
    struct buffer text;
    buffer_init(&text);
    buffer_print(&text, "%s%s}}", HEAD, rules);
    struct conf_topology *topology = conf_parse_topology("t.json", text.bytes, text.len, report);
    buffer_fini(&text);
    return topology;
}

/* Refused with this line alone. */
static void refuse(const char *rules, const char *line)
{
    struct report *report = report_new();
    assert_null(parse(rules, report));
    expect_line(report, line);
}

static void rules_are_read(void **state)
{
    (void)state;
    struct report *report = report_new();
    struct conf_topology *topology =
        parse("\"two\": {\"$comment\": \"x\", \"type\": \"serving\", \"at_least\": 2},"
              "\"azs\": {\"type\": \"serving\", \"kind\": \"az\", \"in\": \"us\", \"at_least\": 1},"
              "\"lost\": {\"type\": \"lost\", \"kind\": \"region\", \"at_most\": 1},"
              "\"pair\": {\"type\": \"not_all_of\", \"targets\": [\"region:us\", \"e1\", \"group:g\", "
              "\"endpoint:a\"]},"
              "\"room\": {\"type\": \"capacity\", \"at_least\": \"60%\", \"applies_to\": [\"automatic\", "
              "\"manual\"]}",
              report);
    expect_report(report, (const char *const[]){NULL});
    assert_non_null(topology);
    const struct conf_rules *rules = &topology->rules;
    const struct conf_rule *items = rules->items;
    assert_int_equal(rules->count, 5);
    assert_string_equal(items[0].name, "two");
    assert_true(items[0].type == CONF_RULE_SERVING && !items[0].of_azs && items[0].count == 2);
    assert_true(items[0].automatic && items[0].manual && items[0].in == CONF_RULE_EVERYWHERE);
    assert_true(items[1].of_azs && items[1].in == 0 && !items[1].automatic && items[1].manual);
    assert_true(items[2].type == CONF_RULE_LOST && items[2].count == 1);
    assert_true(items[2].automatic && !items[2].manual);
    assert_int_equal(items[3].target_count, 4);
    assert_true(items[3].targets[0]->kind == CONF_REGION && items[3].targets[1]->kind == CONF_AZ);
    assert_true(items[3].targets[2]->kind == CONF_GROUP && items[3].targets[3]->kind == CONF_ENDPOINT);
    assert_true(items[4].type == CONF_RULE_CAPACITY && items[4].share == 0.6);
    assert_true(items[4].automatic && items[4].manual);
    /* az by az */
    const uint32_t first[] = {0, 2, 2, 3}, by_az[] = {0, 2, 1}, capacities[] = {10, 0, 30};
    assert_memory_equal(rules->az_first, first, sizeof first);
    assert_memory_equal(rules->by_az, by_az, sizeof by_az);
    assert_memory_equal(rules->capacities, capacities, sizeof capacities);
    assert_true(rules->capacity == 40 && !rules->is_by_number);
    conf_free_topology(topology);
}

static void nobody_has_a_capacity(void **state)
{
    (void)state;
    static const char text[] =
        "{\"regions\": {\"us\": {\"azs\": {\"u1\": {}}}}, \"endpoints\": {\"a\": {\"az\": "
        "\"u1\", \"addresses\": [\"192.0.2.1\"]}}, \"rules\": {\"room\": {\"type\": "
        "\"capacity\", \"at_least\": 0.5}}}";
    struct report *report = report_new();
    struct conf_topology *topology = conf_parse_topology("t.json", text, sizeof text - 1, report);
    expect_report(report, (const char *const[]){NULL});
    assert_true(topology->rules.is_by_number && topology->rules.capacity == 1);
    assert_int_equal(topology->rules.capacities[0], 1);
    conf_free_topology(topology);
}

static void errors_are_told(void **state)
{
    (void)state;
    refuse("\"r\": 5", "t.json:7:6: error: found 5, expected an object (at $.rules.r)");
    refuse("\"r\": {}", "t.json:7:6: error: missing key \"type\" (at $.rules.r)");
    refuse(
        "\"r\": {\"type\": \"serve\", \"at_least\": 1}",
        "t.json:7:15: error: found \"serve\", expected \"serving\", \"lost\", \"not_all_of\", \"capacity\", "
        "\"lag\", \"wait\" or \"freeze\" (at $.rules.r.type)");
    refuse("\"-r\": {\"type\": \"capacity\", \"at_least\": 1}",
           "t.json:7:1: error: found \"-r\" as the name of a rule, expected 1 to 63 letters, digits, '-', "
           "'_' or '.', not beginning with '-' (at $.rules.-r)");
    refuse(
        "\"r\": {\"type\": \"serving\", \"at_least\": 3}",
        "t.json:7:38: error: found 3, expected at most 2: there are no more regions (at $.rules.r.at_least)");
    refuse("\"r\": {\"type\": \"serving\", \"kind\": \"az\", \"in\": \"eu\", \"at_least\": 2}",
           "t.json:7:64: error: found 2, expected at most 1: there are no more azs in \"eu\" (at "
           "$.rules.r.at_least)");
    refuse("\"r\": {\"type\": \"serving\", \"at_least\": 0}",
           "t.json:7:38: error: found 0, expected at least 1 (at $.rules.r.at_least)");
    refuse("\"r\": {\"type\": \"serving\", \"in\": \"us\", \"at_least\": 1}",
           "t.json:7:26: error: found \"in\" of a rule about regions, expected it with \"kind\": \"az\" only "
           "(at $.rules.r.in)");
    refuse("\"r\": {\"type\": \"lost\", \"at_most\": 1, \"applies_to\": \"manual\"}",
           "t.json:7:51: error: found \"manual\", expected \"automatic\": the rule counts what is lost by "
           "itself (at $.rules.r.applies_to)");
    refuse("\"r\": {\"type\": \"lost\", \"at_most\": 1, \"kind\": \"az\"}",
           "t.json:7:45: error: found \"az\", expected \"region\": an az that is lost is never held (at "
           "$.rules.r.kind)");
    refuse(
        "\"r\": {\"type\": \"not_all_of\", \"targets\": [\"us\", \"e1\"], \"applies_to\": [\"automatic\"]}",
        "t.json:7:69: error: found \"automatic\", expected \"manual\": only regions are held when they are "
        "lost by themselves (at $.rules.r.applies_to[0])");
    refuse("\"r\": {\"type\": \"capacity\", \"at_least\": 1, \"applies_to\": []}",
           "t.json:7:56: error: found an array, expected \"automatic\", \"manual\" or an array of them (at "
           "$.rules.r.applies_to)");
    refuse("\"r\": {\"type\": \"capacity\", \"at_least\": 1, \"applies_to\": \"people\"}",
           "t.json:7:56: error: found \"people\", expected \"automatic\" or \"manual\" (at "
           "$.rules.r.applies_to)");
    refuse("\"r\": {\"type\": \"capacity\", \"at_most\": 1, \"at_least\": 1}",
           "t.json:7:27: error: unknown key \"at_most\", expected one of \"type\", \"applies_to\", "
           "\"at_least\" (at $.rules.r.at_most)");
    refuse("\"r\": {\"type\": \"not_all_of\", \"targets\": [\"us\"]}",
           "t.json:7:40: error: found an array, expected an array of at least two targets such as "
           "\"region:eu-west\" (at $.rules.r.targets)");
    refuse("\"r\": {\"type\": \"not_all_of\", \"targets\": [\"us\", \"region:us\"]}",
           "t.json:7:47: error: \"region:us\" is there twice (at $.rules.r.targets[1])");
    refuse("\"r\": {\"type\": \"not_all_of\", \"targets\": [\"us\", \"az:eu\"]}",
           "t.json:7:47: error: \"eu\" is a region, expected \"region:eu\" (at $.rules.r.targets[1])");
    refuse("\"r\": {\"type\": \"not_all_of\", \"targets\": [\"us\", \"az:e2\"]}",
           "t.json:7:47: error: there is no region, az, group or endpoint \"e2\", did you mean \"eu\"? There "
           "are \"us\", \"eu\", \"u1\", \"u2\", \"e1\", \"g\", \"a\", \"b\" and 1 more (at "
           "$.rules.r.targets[1])");
}

#define PAIRS                                                                                                \
    "{\"regions\": {\"us\": {\"azs\": {\"u1\": {\"replicates_to\": [\"u2\"]}, \"u2\": {}}, "                 \
    "\"replicates_to\": [\"eu\"]}, \"eu\": {\"azs\": {\"e1\": {}}, \"replicates_to\": [\"us\"]}, \"ap\": "   \
    "{\"azs\": {\"a1\": {}}}}, "

static struct conf_topology *parse_pairs(const char *rules, struct report *report)
{
    struct buffer text;
    buffer_init(&text);
    buffer_print(&text, PAIRS "\"objectives\": {\"rpo\": \"5s\"}, \"rules\": {%s}}", rules);
    struct conf_topology *topology = conf_parse_topology("t.json", text.bytes, text.len, report);
    buffer_fini(&text);
    return topology;
}

static void rules_of_time_and_data_are_read(void **state)
{
    (void)state;
    struct report *report = report_new();
    struct conf_topology *topology = parse_pairs(
        "\"data\": {\"type\": \"lag\"}, \"us\": {\"type\": \"lag\", \"regions\": \"us\", \"stage\": \"any\"},"
        "\"slow\": {\"type\": \"wait\", \"for\": \"10m\"},"
        "\"calm\": {\"type\": \"freeze\", \"windows\": [{\"days\": [\"fri\", \"sat\"], \"from\": \"16:00\", "
        "\"to\": \"24:00\"}, {}, {\"begin\": \"2026-12-24T00:00:00Z\", \"end\": "
        "\"2026-12-27T01:00:00+01:00\"}, {\"days\": \"sun\", \"from\": \"22:30\", \"to\": \"06:00\"}]}",
        report);
    expect_report(report, (const char *const[]){NULL});
    assert_non_null(topology);
    const struct conf_rule *items = topology->rules.items;
    assert_int_equal(items[0].pair_count, 3); /* us to eu, u1 to u2, eu to us */
    assert_false(items[0].any_stage);
    assert_int_equal(items[1].pair_count, 2);
    assert_true(items[1].any_stage && items[1].automatic && items[1].manual);
    assert_int_equal(items[2].wait_ms, 600000);
    assert_int_equal(items[3].freeze_count, 4);
    assert_true(items[3].manual && !items[3].automatic); /* it is about what is planned */
    const struct conf_freeze *freezes = items[3].freezes;
    assert_true(freezes[0].is_weekly && freezes[0].days == 0x30);
    assert_true(freezes[0].from_s == 57600 && freezes[0].to_s == 86400);
    assert_string_equal(freezes[0].zone_name, "UTC");
    assert_true(freezes[1].days == 127 && freezes[1].from_s == 0 && freezes[1].to_s == 86400);
    assert_false(freezes[2].is_weekly);
    assert_int_equal(freezes[2].end_ms - freezes[2].begin_ms, 3 * 86400000);
    assert_true(freezes[3].days == 0x40 && freezes[3].from_s == 81000 && freezes[3].to_s == 21600);
    conf_free_topology(topology);
}

/* What the one error of these rules says. */
static void refuse_pairs(const char *rules, const char *part)
{
    char text[2048];
    struct report *report = report_new();
    assert_null(parse_pairs(rules, report));
    assert_int_equal(report_count(report), 1);
    report_write_item(report_get(report, 0), text, sizeof text);
    if (strstr(text, part) == NULL) {
        fail_msg("found %s, expected %s", text, part);
    }
    report_free(report);
}

static void a_freeze_that_holds_failovers_is_told(void **state)
{
    (void)state;
    const char *const scopes[] = {"\"automatic\"", "[\"manual\", \"automatic\"]", "\"manual\""};
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        struct report *report = report_new();
        char rules[256], text[1024] = "";
        bool is_told = i < 2;
        snprintf(rules, sizeof rules,
                 "\"calm\": {\"type\": \"freeze\", \"applies_to\": %s, \"windows\": [{}]}", scopes[i]);
        struct conf_topology *topology = parse_pairs(rules, report);
        assert_non_null(topology);
        assert_int_equal(topology->rules.items[0].automatic, is_told);
        assert_int_equal(report_count(report), is_told ? 1 : 0);
        if (is_told) {
            report_write_item(report_get(report, 0), text, sizeof text);
            assert_non_null(strstr(text, "warning: "));
            assert_non_null(strstr(text, "holds failovers, too"));
        }
        report_free(report);
        conf_free_topology(topology);
    }
}

static void errors_of_time_and_data_are_told(void **state)
{
    (void)state;
    refuse_pairs("\"r\": {\"type\": \"lag\", \"regions\": [\"us\", \"ue\"]}",
                 "no region \"ue\", did you mean");
    refuse_pairs("\"r\": {\"type\": \"lag\", \"regions\": [\"ap\"]}", "nothing replicates from there");
    refuse_pairs("\"r\": {\"type\": \"lag\", \"stage\": \"full\"}",
                 "found \"full\", expected \"real_time\" or \"any\"");
    refuse_pairs("\"r\": {\"type\": \"wait\"}", "missing key \"for\"");
    refuse_pairs("\"r\": {\"type\": \"wait\", \"for\": \"10\"}", "found \"10\"");
    refuse_pairs("\"r\": {\"type\": \"freeze\"}", "missing key \"windows\"");
    refuse_pairs("\"r\": {\"type\": \"freeze\", \"windows\": []}", "found 0 windows, expected 1 to 64");
    refuse_pairs("\"r\": {\"type\": \"freeze\", \"windows\": [5]}", "found 5, expected an object");
    refuse_pairs("\"r\": {\"type\": \"freeze\", \"windows\": [{\"days\": [\"friday\"]}]}",
                 "found \"friday\"");
    refuse_pairs("\"r\": {\"type\": \"freeze\", \"windows\": [{\"from\": \"24:01\"}]}",
                 "found \"24:01\", expected a time of the day");
    refuse_pairs("\"r\": {\"type\": \"freeze\", \"windows\": [{\"from\": \"7:00\"}]}", "found \"7:00\"");
    refuse_pairs("\"r\": {\"type\": \"freeze\", \"windows\": [{\"from\": \"07:00\", \"to\": \"07:00\"}]}",
                 "found the time of \"from\"");
    refuse_pairs("\"r\": {\"type\": \"freeze\", \"windows\": [{\"time_zone\": \"Mars/Olympus\"}]}",
                 "found \"Mars/Olympus\", which is no time zone of this system: ");
    refuse_pairs("\"r\": {\"type\": \"freeze\", \"windows\": [{\"time_zone\": \"../../etc/passwd\"}]}",
                 "expected a name such as");
    refuse_pairs("\"r\": {\"type\": \"freeze\", \"windows\": [{\"begin\": \"2026-12-24T00:00:00Z\"}]}",
                 "missing key \"end\"");
    refuse_pairs("\"r\": {\"type\": \"freeze\", \"windows\": [{\"begin\": \"2026-12-24T00:00:00Z\", \"end\": "
                 "\"2026-12-23T00:00:00Z\"}]}",
                 "found a time that is not after \"begin\"");
    refuse_pairs("\"r\": {\"type\": \"freeze\", \"windows\": [{\"begin\": \"2026-12-24T00:00:00Z\", \"end\": "
                 "\"2026-12-25T00:00:00Z\", \"from\": \"10:00\"}]}",
                 "unknown key \"from\"");
}

static void a_lag_without_an_rpo_is_refused(void **state)
{
    (void)state;
    static const char text[] = PAIRS "\"rules\": {\"r\": {\"type\": \"lag\", \"regions\": \"eu\"}}}";
    struct report *report = report_new();
    assert_null(conf_parse_topology("t.json", text, sizeof text - 1, report));
    assert_int_equal(report_count(report), 1);
    assert_non_null(strstr(report_get(report, 0)->message,
                           "how far \"us\" lags behind \"eu\", for which there is no RPO"));
    report_free(report);
}

static void objectives_are_read(void **state)
{
    (void)state;
    static const char text[] = PAIRS
        "\"objectives\": {\"rto\": \"30s\", \"rpo\": \"5s\", \"capacity\": \"60%\", \"pairs\": [{\"from\": "
        "\"us\", \"to\": \"eu\", \"rpo\": \"9s\", \"may_move\": false}], \"names\": {\"WWW.example.com\": "
        "{\"rto\": "
        "\"1s\"}}}}";
    struct report *report = report_new();
    struct conf_topology *topology = conf_parse_topology("t.json", text, sizeof text - 1, report);
    expect_report(report, (const char *const[]){NULL});
    assert_non_null(topology);
    assert_true(topology->rto_ms == 30000 && topology->rpo_ms == 5000);
    assert_true(topology->objective.capacity == 0.6 && topology->objective.may_move);
    assert_int_equal(topology->objective_count, 2);
    const struct conf_objective *pair = &topology->objectives[0], *name = &topology->objectives[1];
    assert_true(pair->name == NULL && pair->from == 0 && pair->to == 1 && !pair->may_move);
    assert_string_equal(name->name, "www.example.com.");
    assert_true(name->rto_ms == 1000 && name->capacity == 0 && name->may_move);
    assert_ptr_equal(conf_find_objective(topology, "www.example.com."), name);
    assert_null(conf_find_objective(topology, "example.com."));
    assert_int_equal(topology->replications[0].rpo_ms, 9000); /* us to eu */
    assert_int_equal(topology->replications[1].rpo_ms, 0);    /* of azs */
    conf_free_topology(topology);
}

static void refuse_objectives(const char *objectives, const char *part)
{
    char line[2048];
    struct buffer text;
    struct report *report = report_new();
    buffer_init(&text);
    buffer_print(&text, PAIRS "\"objectives\": {%s}}", objectives);
    assert_null(conf_parse_topology("t.json", text.bytes, text.len, report));
    buffer_fini(&text);
    assert_int_equal(report_count(report), 1);
    report_write_item(report_get(report, 0), line, sizeof line);
    if (strstr(line, part) == NULL) {
        fail_msg("found %s, expected %s", line, part);
    }
    report_free(report);
}

static void errors_of_objectives_are_told(void **state)
{
    (void)state;
    refuse_objectives("\"pairs\": [{\"from\": \"us\", \"to\": \"us\"}]", "found the same region in");
    refuse_objectives("\"pairs\": [{\"from\": \"us\", \"to\": \"ue\"}]", "no region \"ue\", did you mean");
    refuse_objectives("\"pairs\": [{\"from\": \"us\"}]", "missing key \"to\"");
    refuse_objectives("\"pairs\": [{\"from\": \"us\", \"to\": \"eu\"}, {\"from\": \"us\", \"to\": \"eu\"}]",
                      "this pair is there twice");
    refuse_objectives("\"names\": {\"a.b\": {}, \"A.b.\": {}}", "is there twice");
    refuse_objectives("\"names\": {\"a..b\": {}}", "expected a name such as");
    refuse_objectives("\"names\": {\"a\": {\"may_move\": 1}}", "found 1, expected true or false");
    refuse_objectives("\"capacity\": 2", "found 2");
}

static void names_are_in_their_group(void **state)
{
    (void)state;
    static const char text[] = PAIRS "\"name_groups\": {\"shop\": [\"Shop.example.com\", \"*.example.com\"], "
                                     "\"pay\": [\"*.pay.example.com\", \"www.example.com.\"], \"none\": []}}";
    struct report *report = report_new();
    struct conf_topology *topology = conf_parse_topology("t.json", text, sizeof text - 1, report);
    expect_report(report, (const char *const[]){NULL});
    assert_non_null(topology);
    assert_int_equal(topology->name_group_count, 3);
    assert_int_equal(conf_find_name_group(topology, "shop.example.com."), 1);
    assert_int_equal(conf_find_name_group(topology, "a.b.example.com."), 1);
    assert_int_equal(conf_find_name_group(topology, "a\\.pay.example.com."), 1);
    assert_int_equal(conf_find_name_group(topology, "www.example.com."), 2);
    assert_int_equal(conf_find_name_group(topology, "a.pay.example.com."), 2);
    assert_int_equal(conf_find_name_group(topology, "a.b.pay.example.com."), 2);
    assert_int_equal(conf_find_name_group(topology, "pay.example.com."), 1);
    assert_int_equal(conf_find_name_group(topology, "*.pay.example.com."), 2);
    assert_int_equal(conf_find_name_group(topology, "example.com."), 0);
    assert_int_equal(conf_find_name_group(topology, "."), 0);
    conf_free_topology(topology);
}

static void refuse_groups(const char *groups, const char *part)
{
    char line[2048];
    struct buffer text;
    struct report *report = report_new();
    buffer_init(&text);
    buffer_print(&text, PAIRS "\"name_groups\": {%s}}", groups);
    assert_null(conf_parse_topology("t.json", text.bytes, text.len, report));
    buffer_fini(&text);
    assert_int_equal(report_count(report), 1);
    report_write_item(report_get(report, 0), line, sizeof line);
    assert_non_null(strstr(line, part));
    report_free(report);
}

static void errors_of_name_groups_are_told(void **state)
{
    (void)state;
    refuse_groups("\"a\": [\"x.example.com\"], \"b\": [\"X.example.com.\"]",
                  "\"X.example.com.\" is in group \"a\" already");
    refuse_groups("\"a\": [\"x..example.com\"]", "expected a name such as");
    refuse_groups("\"a\": [\"@\"]", "expected a name such as");
    refuse_groups("\"a\": \"x.example.com\"", "expected an array of names");
    refuse_groups("\"a,b\": []", "found the name \"a,b\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_in_their_group),
        cmocka_unit_test(errors_of_name_groups_are_told),
        cmocka_unit_test(rules_are_read),
        cmocka_unit_test(nobody_has_a_capacity),
        cmocka_unit_test(errors_are_told),
        cmocka_unit_test(rules_of_time_and_data_are_read),
        cmocka_unit_test(a_freeze_that_holds_failovers_is_told),
        cmocka_unit_test(errors_of_time_and_data_are_told),
        cmocka_unit_test(objectives_are_read),
        cmocka_unit_test(errors_of_objectives_are_told),
        cmocka_unit_test(a_lag_without_an_rpo_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
