/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "checks" and "healthy_if" of endpoints: what each form becomes, and what is refused where. */
#include "config.h"

#include "test_conf.h"

#include "conf/topology.h"

#include <stdio.h>

#define HEAD                                                                                                 \
    "{\"regions\": {\"r\": {\"azs\": {\"a\": {}}}}, \"checks\": {\"one\": {\"type\": \"http\", \"port\": "   \
    "80},"                                                                                                   \
    "\"two\": {\"type\": \"http\", \"port\": 81}, \"three\": {\"type\": \"http\", \"port\": 82}},"           \
    " \"endpoints\": {\"e\": {\"az\": \"a\", \"addresses\": \"192.0.2.1\",\n"

static struct conf_topology *parse(const char *members, struct report *report)
{
    char text[1024];
    snprintf(text, sizeof text, HEAD "%s}}}", members);
    return conf_parse_topology("t.json", text, strlen(text), report);
}

static void expect_rule(const char *rule, uint16_t at_least, uint8_t one, uint8_t two, uint8_t three)
{
    const char *const nothing[] = {NULL};
    struct report *report = report_new();
    char members[512];
    snprintf(members, sizeof members, "\"checks\": [\"one\", \"two\", \"three\"]%s%s",
             rule[0] == '\0' ? "" : ", \"healthy_if\": ", rule);
    struct conf_topology *topology = parse(members, report);
    expect_report(report, nothing);
    assert_non_null(topology);
    assert_int_equal(topology->endpoints[0].at_least, at_least);
    assert_int_equal(topology->endpoints[0].uses[0].role, one);
    assert_int_equal(topology->endpoints[0].uses[1].role, two);
    assert_int_equal(topology->endpoints[0].uses[2].role, three);
    conf_free_topology(topology);
}

static void each_form_says_what_is_needed(void **state)
{
    (void)state;
    enum { R = CONF_REQUIRED, C = CONF_COUNTED, W = CONF_WATCHED };
    expect_rule("", 0, R, R, R);
    expect_rule("\"all\"", 0, R, R, R);
    expect_rule("\"any\"", 1, C, C, C);
    expect_rule("{\"at_least\": 2}", 2, C, C, C);
    expect_rule("{\"at_least\": 3}", 0, R, R, R);
    expect_rule("{}", 0, R, R, R);
    expect_rule("{\"at_least\": 2, \"must_be_healthy\": [\"two\"]}", 2, C, R, C);
    expect_rule("{\"at_least\": 1, \"must_be_healthy\": \"one\", \"monitoring_only\": \"three\"}", 1, R, C,
                W);
    expect_rule("{\"monitoring_only\": [\"one\", \"three\"]}", 0, W, R, W);
    expect_rule("{\"monitoring_only\": [\"one\", \"two\", \"three\"]}", 0, W, W, W);
}

static void expect_refused(const char *members, const char *line)
{
    const char *const lines[] = {line, NULL};
    struct report *report = report_new();
    assert_null(parse(members, report));
    expect_report(report, lines);
}

static void what_makes_no_sense_is_refused_at_its_place(void **state)
{
    (void)state;
#define CHECKS "\"checks\": [\"one\", \"two\"],\n\"healthy_if\": "
#define RULE   " (at $.endpoints.e.healthy_if"
    expect_refused(CHECKS "\"most\"",
                   "t.json:3:15: error: found \"most\", expected \"all\", \"any\" or an object "
                   "such as { \"at_least\": 2 }" RULE ")");
    expect_refused(CHECKS "{\"at_least\": 3}",
                   "t.json:3:28: error: found 3, expected at most 2, which is how many "
                   "checks count" RULE ".at_least)");
    expect_refused(CHECKS "{\"at_least\": 0}",
                   "t.json:3:28: error: found 0, expected a whole number from 1 to 65535" RULE ".at_least)");
    expect_refused(CHECKS "{\"at_least\": 1, \"monitoring_only\": \"three\"}",
                   "t.json:3:50: error: found \"three\", expected one of the endpoint's checks" RULE
                   ".monitoring_only)");
    expect_refused(CHECKS "{\"at_least\": 1, \"must_be_healthy\": \"one\", \"monitoring_only\": [\"one\"]}",
                   "t.json:3:77: error: check \"one\" is named twice" RULE ".monitoring_only[0])");
    expect_refused(
        CHECKS "{\"must_be_healthy\": \"one\"}",
        "t.json:3:16: error: found \"must_be_healthy\" without \"at_least\": then all checks must be" RULE
        ".must_be_healthy)");
    expect_refused("\"healthy_if\": \"any\"",
                   "t.json:2:1: error: found \"healthy_if\" of an endpoint without checks" RULE ")");
#undef CHECKS
}

static struct conf_topology *parse_good(const char *members)
{
    const char *const nothing[] = {NULL};
    struct report *report = report_new();
    struct conf_topology *topology = parse(members, report);
    expect_report(report, nothing);
    assert_non_null(topology);
    return topology;
}

static void a_check_may_be_run_elsewhere_and_for_one_family(void **state)
{
    (void)state;
    struct conf_topology *topology = parse_good(
        "\"checks\": [{\"check\": \"one\", \"address\": \"10.0.0.5\"}, {\"check\": \"two\", \"address\": "
        "[\"2001:db8::5\", \"10.0.0.6\"], \"family\": \"ipv4\"}, \"three\"]");
    const struct conf_use *uses = topology->endpoints[0].uses;
    char text[ADDR_TEXT_SIZE];
    assert_string_equal(addr_write(&uses[0].addresses[0], text), "10.0.0.5");
    assert_string_equal(addr_write(&uses[0].addresses[1], text), "10.0.0.5");
    assert_int_equal(uses[0].families, 3);
    assert_string_equal(addr_write(&uses[1].addresses[0], text), "10.0.0.6");
    assert_string_equal(addr_write(&uses[1].addresses[1], text), "2001:db8::5");
    assert_int_equal(uses[1].families, 1);
    assert_null(uses[2].addresses);
    assert_int_equal(uses[2].families, 3);
    conf_free_topology(topology);
    topology = parse_good("\"checks\": {\"check\": \"three\", \"address\": \"2001:db8::5\"}");
    assert_string_equal(addr_write(&topology->endpoints[0].uses[0].addresses[0], text), "2001:db8::5");
    conf_free_topology(topology);
}

static void what_cannot_be_asked_is_refused(void **state)
{
    (void)state;
#define AT " (at $.endpoints.e.checks"
    expect_refused("\"checks\": [{\"check\": \"one\", \"family\": \"ipv6\"}]",
                   "t.json:2:39: error: found \"ipv6\", but the endpoint has no such address" AT
                   "[0].family)");
    expect_refused("\"checks\": [{\"check\": \"one\", \"address\": \"x\"}]",
                   "t.json:2:40: error: found \"x\", expected an IPv4 or IPv6 address" AT "[0].address)");
    expect_refused(
        "\"checks\": [{\"check\": \"one\", \"address\": []}]",
        "t.json:2:40: error: found no address, expected an IPv4 address, an IPv6 address or one of each" AT
        "[0].address)");
    expect_refused(
        "\"checks\": [{\"check\": \"one\", \"address\": [\"10.0.0.1\", \"10.0.0.2\"]}]",
        "t.json:2:53: error: found a second IPv4 address, expected at most one IPv4 and one IPv6 address" AT
        "[0].address[1])");
    expect_refused("\"checks\": [7]",
                   "t.json:2:12: error: found 7, expected the name of a check, or an object with "
                   "\"check\"" AT "[0])");
    expect_refused("\"checks\": [{\"address\": \"10.0.0.1\"}]",
                   "t.json:2:12: error: missing key \"check\"" AT "[0])");
    expect_refused("\"checks\": [\"one\", {\"check\": \"one\"}]",
                   "t.json:2:29: error: check \"one\" is listed twice" AT "[1].check)");
#undef AT
}

/* ---- another face of the same place ---- */

static void a_face_is_as_what_it_is_one_of(void **state)
{
    (void)state;
    const char *const nothing[] = {NULL};
    struct report *report = report_new();
    struct conf_topology *topology =
        parse("\"weight\": 7, \"capacity\": 9, \"checks\": \"one\", \"vantages\": \"us-*\"},\n"
              "\"f\": {\"same_as\": \"e\", \"vantages\": [\"eu-*\", \"local\"]},\n"
              "\"g\": {\"same_as\": \"f\", \"vantages\": \"sin-1\"",
              report);
    expect_report(report, nothing);
    assert_non_null(topology);
    assert_int_equal(topology->endpoint_count, 3);
    enum { FACES = 3 };
    static const size_t names[FACES] = {1, 2, 1};
    for (size_t i = 0; i < FACES; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        assert_string_equal(endpoint->name, i == 0 ? "e" : i == 1 ? "f" : "g");
        assert_int_equal(endpoint->weight, 7);
        assert_int_equal(endpoint->capacity, 9);
        assert_int_equal(endpoint->check_count, 1);
        assert_memory_equal(&endpoint->v4, &topology->endpoints[0].v4, sizeof endpoint->v4);
        assert_int_equal(conf_get_manner(endpoint)->quorum.name_count, names[i]);
    }
    assert_string_equal(topology->endpoints[1].manner->quorum.names[0], "eu-*");
    assert_string_equal(topology->endpoints[0].manner->quorum.names[0], "us-*");
    conf_free_topology(topology);
}

/* 100,000 endpoints that say the same say it once. */
static void what_endpoints_have_in_common_is_there_once(void **state)
{
    (void)state;
#define SAID                                                                                                 \
    "\"vantages\": [\"us-*\", \"local\"], \"hold_down\": \"1m\", \"ramp\": \"1-100\", \"location\": [1, "    \
    "2],\n"                                                                                                  \
    "\"load\": {\"low\": 1, \"high\": 2}, \"checks\": "
    const char *const nothing[] = {NULL};
    struct report *report = report_new();
    struct conf_topology *topology =
        parse(SAID "\"one\"},\n\"f\": {\"az\": \"a\", \"addresses\": \"192.0.2.2\", " SAID
                   "\"one\"},\n\"g\": {\"az\": \"a\", \"addresses\": \"192.0.2.3\", \"checks\": \"one\"",
              report);
    expect_report(report, nothing);
    assert_non_null(topology);
    const struct conf_endpoint *e = &topology->endpoints[0], *f = e + 1, *g = e + 2;
    assert_ptr_equal(e->manner, f->manner);
    assert_ptr_equal(e->load, f->load);
    assert_ptr_equal(e->location, f->location);
    assert_ptr_not_equal(e->manner, g->manner);
    assert_ptr_not_equal(e->load, g->load);
    assert_null(g->location);
    assert_int_equal(conf_get_manner(f)->stay.hold_down_ms, 60000);
    assert_int_equal(conf_get_manner(f)->ramp.count, 1);
    assert_int_equal(conf_get_manner(g)->stay.hold_down_ms, 0);
    conf_free_topology(topology);
#undef SAID
}

static void a_face_of_nothing_is_refused(void **state)
{
    (void)state;
#define SAME(name, more) "\"checks\": \"one\"},\n\"f\": {\"same_as\": " name more
#define WHO              ", \"vantages\": \"eu-*\""
#define NOBODY           "expected the name of an endpoint that stands above this one (at $.endpoints.f.same_as)"
    expect_refused(SAME("\"g\"", WHO), "t.json:3:18: error: found \"g\", " NOBODY);
    expect_refused(SAME("\"f\"", WHO), "t.json:3:18: error: found \"f\", " NOBODY);
    expect_refused(SAME("\"a\"", WHO), "t.json:3:18: error: found \"a\", " NOBODY);
    expect_refused(SAME("5", WHO), "t.json:3:18: error: found 5, " NOBODY);
    expect_refused(SAME("\"e\"", ""), "t.json:3:6: error: missing key \"vantages\" (at $.endpoints.f)");
    expect_refused(SAME("\"e\"", WHO ", \"weight\": 1"),
                   "t.json:3:43: error: unknown key \"weight\", expected one of \"same_as\", \"vantages\" "
                   "(at $.endpoints.f.weight)");
#undef SAME
#undef WHO
#undef NOBODY
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_says_what_is_needed),
        cmocka_unit_test(what_makes_no_sense_is_refused_at_its_place),
        cmocka_unit_test(a_check_may_be_run_elsewhere_and_for_one_family),
        cmocka_unit_test(what_cannot_be_asked_is_refused),
        cmocka_unit_test(a_face_is_as_what_it_is_one_of),
        cmocka_unit_test(what_endpoints_have_in_common_is_there_once),
        cmocka_unit_test(a_face_of_nothing_is_refused),
    };
    return cmocka_run_group_tests_name("conf_combine", tests, NULL, NULL);
}
