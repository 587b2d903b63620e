/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of topology.json: what a good one becomes, and for each way to be wrong the message and its place. */
#include "config.h"

#include "test_conf.h"

#include "conf/topology.h"

#include <stdlib.h>

static void assert_accepts(const struct conf_check *check, uint32_t low, uint32_t high)
{
    for (uint32_t status = 0; status < 1200; status++) {
        assert_int_equal(conf_accepts_status(check->statuses, status), status >= low && status <= high);
    }
}

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

static void expect_refused(const char *text, const char *const *lines)
{
    struct report *report = report_new();
    assert_null(parse(text, report));
    expect_report(report, lines);
}

/* One error in the document. */
static void expect_error(const char *text, const char *line)
{
    const char *const lines[] = {line, NULL};
    expect_refused(text, lines);
}

#define REGIONS "\"regions\": {\"r\": {\"azs\": {\"a\": {}}}}"

/* One error in the member of a check, which begins in line 2. */
static void expect_check_error(const char *members, const char *line)
{
    char text[1024];
    snprintf(text, sizeof text, "{" REGIONS ", \"checks\": {\"c\":\n{%s}}}", members);
    expect_error(text, line);
}

static void expect_endpoint_error(const char *members, const char *line)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{" REGIONS
             ", \"checks\": {\"c\": {\"type\": \"http\", \"port\": 1}}, \"endpoints\": {\"e\":\n{%s}}}",
             members);
    expect_error(text, line);
}

static void defaults_are_documented(void **state)
{
    (void)state;
    struct conf_topology *t = parse_good(
        "{" REGIONS
        ", \"checks\": {\"web\": {\"type\": \"http\", \"port\": 80}, \"fast\": {\"type\": \"tcp\", "
        "\"port\": 443, \"interval\": \"200ms\"}}, \"endpoints\": {\"e\": {\"az\": \"a\", \"addresses\": "
        "\"192.0.2.1\"}}}");
    assert_string_equal(t->path, "t.json");
    assert_int_equal(t->region_count, 1);
    assert_false(t->regions[0].location.is_known || t->azs[0].location.is_known ||
                 t->endpoints[0].location != NULL);
    assert_true(t->regions[0].lost_at == 1 && t->azs[0].lost_at == 1);
    const struct conf_check *web = &t->checks[0], *fast = &t->checks[1];
    assert_int_equal(web->type, CONF_CHECK_HTTP);
    assert_int_equal(web->interval_ms, 2000);
    assert_int_equal(web->timeout_ms, 1000);
    assert_true(web->recheck_ms == 0 && web->back_off_ms == 0);
    assert_int_equal(web->fall, 3);
    assert_int_equal(web->rise, 2);
    assert_null(web->host);
    assert_string_equal(web->path, "/");
    assert_accepts(web, 200, 299);
    assert_string_equal(web->method, "GET");
    assert_null(web->headers);
    assert_int_equal(fast->type, CONF_CHECK_TCP);
    assert_int_equal(fast->timeout_ms, 200);
    assert_int_equal(t->endpoints[0].weight, 1);
    assert_int_equal(t->endpoints[0].capacity, 0);
    assert_int_equal(t->endpoints[0].check_count, 0);
    assert_int_equal(t->endpoints[0].v6.family, ADDR_NONE);
    assert_int_equal(t->rto_ms, 0);
    assert_int_equal(t->rpo_ms, 0);
    conf_free_topology(t);
}

static bool is_together(const char *families, const char *of_endpoint)
{
    char text[512];
    snprintf(text, sizeof text,
             "{" REGIONS ", %s \"endpoints\": {\"e\": {%s \"az\": \"a\", \"addresses\": \"192.0.2.1\"}}}",
             families, of_endpoint);
    struct conf_topology *t = parse_good(text);
    bool together = t->endpoints[0].together;
    conf_free_topology(t);
    return together;
}

static void families_are_apart_unless_said(void **state)
{
    (void)state;
    static const char apart[] = "\"families\": \"apart\",", together[] = "\"families\": \"together\",";
    assert_false(is_together("", ""));
    assert_false(is_together(apart, ""));
    assert_true(is_together(together, ""));
    assert_true(is_together("", together));
    assert_true(is_together(apart, together));
    assert_false(is_together(together, apart));
    expect_endpoint_error("\"az\": \"a\", \"addresses\": \"192.0.2.1\", \"families\": \"alone\"",
                          "t.json:2:51: error: found \"alone\", expected \"apart\" or \"together\" (at "
                          "$.endpoints.e.families)");
}

static const char everything[] =
    "{ \"$schema\": \"x\", \"$comment\": [\"any\"],\n"
    "  \"regions\": { \"$comment\": \"x\",\n"
    "    \"us\": { \"location\": [38.9, -77], \"lost_at\": 0.5, \"azs\": { \"us-1\": { \"lost_at\": 0.25, "
    "\"location\": [1.5, 0] }, "
    "\"us-2\": {} } },\n"
    "    \"eu\": { \"azs\": { \"$comment\": 1, \"eu-1\": { \"$comment\": {} } } } },\n"
    "  \"checks\": { \"web\": { \"type\": \"http\", \"port\": 8080, \"interval\": \"1m\", \"timeout\": "
    "\"50ms\",\n"
    "      \"fall\": 1, \"rise\": 100, \"host\": \"example.com:8080\", \"path\": \"/x?y=1\", \"status\": "
    "[200, 399], \"load\": \"/a~1b/0/~0\" },\n"
    "    \"one\": { \"type\": \"http\", \"port\": 1, \"status\": 204 }, \"t\": { \"type\": \"tcp\", "
    "\"port\": 65535 } },\n"
    "  \"endpoints\": {\n"
    "    \"b\": { \"az\": \"us-2\", \"addresses\": [\"2001:db8::1\"], \"weight\": 0, \"capacity\": "
    "4294967295, \"checks\": [] },\n"
    "    \"a\": { \"az\": \"eu-1\", \"addresses\": [\"2001:db8::2\", \"192.0.2.2\"], \"weight\": 65535,\n"
    "      \"checks\": [\"t\", \"web\"] },\n"
    "    \"c\": { \"az\": \"us-1\", \"addresses\": \"192.0.2.3\", \"checks\": \"one\", \"location\": [90, "
    "-180], \"load\": {\"low\": 0, \"high\": 0.5, \"max_age\": \"24h\", \"$comment\": 1} } },\n"
    "  \"objectives\": { \"rto\": \"30s\", \"rpo\": \"1h\" } }\n";

static void every_key_arrives(void **state)
{
    (void)state;
    struct conf_topology *t = parse_good(everything);
    assert_int_equal(t->region_count, 2);
    assert_string_equal(t->regions[0].name, "us");
    assert_true(t->regions[0].location.is_known);
    assert_true(t->regions[0].location.latitude == 38.9 && t->regions[0].location.longitude == -77);
    assert_true(t->azs[0].location.is_known && t->azs[0].location.latitude == 1.5);
    assert_true(t->endpoints[2].location != NULL && t->endpoints[2].location->longitude == -180);
    assert_true(t->regions[0].lost_at == 0.5 && t->azs[0].lost_at == 0.25);
    assert_int_equal(t->az_count, 3);
    assert_int_equal(t->azs[2].region, 1);
    assert_int_equal(t->check_count, 3);
    assert_int_equal(t->checks[0].interval_ms, 60000);
    assert_int_equal(t->checks[0].timeout_ms, 50);
    assert_int_equal(t->checks[0].fall, 1);
    assert_int_equal(t->checks[0].rise, 100);
    assert_string_equal(t->checks[0].host, "example.com:8080");
    assert_string_equal(t->checks[0].path, "/x?y=1");
    assert_accepts(&t->checks[0], 200, 399);
    assert_string_equal(t->checks[0].load, "/a~1b/0/~0");
    assert_null(t->checks[1].load);
    assert_true(t->endpoints[2].load->is_given && t->endpoints[2].load->low == 0 &&
                t->endpoints[2].load->high == 0.5);
    assert_int_equal(t->endpoints[2].load->max_age_ms, 24 * 3600 * 1000);
    assert_false(t->endpoints[0].load->is_given);
    assert_int_equal(t->endpoints[0].load->max_age_ms, 60000);
    assert_accepts(&t->checks[1], 204, 204);
    assert_int_equal(t->endpoint_count, 3);
    assert_string_equal(t->endpoints[0].name, "b");
    assert_int_equal(t->endpoints[0].weight, 0);
    assert_int_equal(t->endpoints[0].capacity, 4294967295);
    assert_int_equal(t->endpoints[0].az, 1);
    assert_int_equal(t->endpoints[0].region, 0);
    assert_int_equal(t->endpoints[0].v4.family, ADDR_NONE);
    assert_int_equal(t->endpoints[1].v4.family, ADDR_V4);
    assert_int_equal(t->endpoints[1].v6.family, ADDR_V6);
    assert_int_equal(t->endpoints[1].check_count, 2);
    assert_int_equal(t->endpoints[1].uses[0].check, 2);
    assert_int_equal(t->endpoints[1].uses[1].check, 0);
    assert_int_equal(t->endpoints[2].uses[0].check, 1);
    assert_int_equal(t->rto_ms, 30000);
    assert_int_equal(t->rpo_ms, 3600000);
    conf_free_topology(t);
}

static void names_are_found(void **state)
{
    (void)state;
    struct conf_topology *t = parse_good(everything);
    assert_int_equal(conf_find_region(t, "eu"), 1);
    assert_int_equal(conf_find_region(t, "eu-1"), -1);
    assert_int_equal(conf_find_az(t, "eu-1"), 2);
    assert_int_equal(conf_find_az(t, "EU-1"), -1);
    assert_int_equal(conf_find_endpoint(t, "c"), 2);
    assert_int_equal(conf_find_endpoint(t, ""), -1);
    assert_int_equal(conf_find_check(t, "t"), 2);
    assert_int_equal(conf_find_check(t, "a"), -1);
    assert_null(conf_find_place(t, "$comment"));
    const struct conf_place *place = conf_find_place(t, "us-2");
    assert_non_null(place);
    assert_int_equal(place->kind, CONF_AZ);
    assert_int_equal(place->index, 1);
    assert_string_equal(conf_kind_text(place->kind), "an az");
    conf_free_topology(t);
}

static void regions_are_checked(void **state)
{
    (void)state;
    expect_error("{}", "t.json:1:1: error: missing key \"regions\" (at $)");
    expect_error("{\"regions\": []}",
                 "t.json:1:13: error: found an array, expected an object (at $.regions)");
    expect_error("{\"regions\": {\"$comment\": 1}}",
                 "t.json:1:13: error: there are no regions, expected at least one (at $.regions)");
    expect_error("{\"regions\": {\n\"r\": {}}}", "t.json:2:6: error: missing key \"azs\" (at $.regions.r)");
    expect_error("{\"regions\": {\"r\": {\"azs\": { }}}}",
                 "t.json:1:27: error: region \"r\" has no azs, expected at least one (at $.regions.r.azs)");
    expect_error("{\"regions\": {\"r\": {\"azs\": {\"a\": {\"lost_at\": 0}}}}}",
                 "t.json:1:45: error: found 0, expected a share above 0 and at most 1, or such as \"50%\" "
                 "(at $.regions.r.azs.a.lost_at)");
    expect_error("{\"regions\": {\"r\": {\"azs\": {\"a\": {}}, \"lost_at\": 1.5}}}",
                 "t.json:1:49: error: found 1.5, expected a share above 0 and at most 1, or such as \"50%\" "
                 "(at $.regions.r.lost_at)");
    expect_error("{\"regions\": {\"r\": {\"azs\": {\"a\": {}}, \"location\": [1]}}}",
                 "t.json:1:50: error: found 1 numbers, expected [latitude, longitude], such as [38.9, -77.0] "
                 "(at $.regions.r.location)");
    expect_error(
        "{\"regions\": {\"r\": {\"azs\": {\"a\": {}}, \"location\": [91, 0]}}}",
        "t.json:1:51: error: found 91, expected a number from -90 to 90 (at $.regions.r.location[0])");
    expect_error(
        "{\"regions\": {\"r\": {\"azs\": {\"a\": {}}, \"location\": [90, \"w\"]}}}",
        "t.json:1:55: error: found \"w\", expected a number from -180 to 180 (at $.regions.r.location[1])");
}

static void names_are_checked(void **state)
{
    (void)state;
    expect_error(
        "{\"regions\": {\"-r\": {\"azs\": {\"a\": {}}}}}",
        "t.json:1:14: error: found the name \"-r\", expected 1 to 63 letters, digits, '-', '_' or '.', not "
        "beginning with '-' (at $.regions.-r)");
    expect_error(
        "{\"regions\": {\"r\": {\"azs\": {\"a b\": {}}}}}",
        "t.json:1:28: error: found the name \"a b\", expected 1 to 63 letters, digits, '-', '_' or '.', not "
        "beginning with '-' (at $.regions.r.azs[\"a b\"])");
    expect_error("{\"regions\": {\"r\": {\"azs\": {\"r\": {}}}}}",
                 "t.json:1:28: error: the name \"r\" is taken by a region: regions, azs, endpoints and "
                 "groups share one name space (at $.regions.r.azs.r)");
    expect_error("{" REGIONS ", \"endpoints\": {\n \"a\": {\"az\": \"a\", \"addresses\": \"192.0.2.1\"}}}",
                 "t.json:2:2: error: the name \"a\" is taken by an az: regions, azs, endpoints and "
                 "groups share one name space (at $.endpoints.a)");
    expect_error(
        "{" REGIONS ", \"checks\": {\n\"\": {\"type\": \"tcp\", \"port\": 1}}}",
        "t.json:2:1: error: found the name \"\", expected 1 to 63 letters, digits, '-', '_' or '.', not "
        "beginning with '-' (at $.checks[\"\"])");
}

static void checks_are_checked(void **state)
{
    (void)state;
    expect_check_error("\"port\": 1", "t.json:2:1: error: missing key \"type\" (at $.checks.c)");
    expect_check_error("\"type\": \"tcp\"", "t.json:2:1: error: missing key \"port\" (at $.checks.c)");
    expect_check_error("\"type\": \"ftp\", \"port\": 1",
                       "t.json:2:10: error: found \"ftp\", expected \"http\", \"tcp\", \"https\", \"push\", "
                       "\"dns\", \"icmp\", \"grpc\", \"exec\" or \"file\" "
                       "(at $.checks.c.type)");
    expect_check_error(
        "\"type\": 5, \"port\": 1",
        "t.json:2:10: error: found 5, expected \"http\", \"tcp\", "
        "\"https\", \"push\", \"dns\", \"icmp\", \"grpc\", \"exec\" or \"file\" (at $.checks.c.type)");
    expect_check_error(
        "\"type\": \"tcp\", \"port\": 65536",
        "t.json:2:25: error: found 65536, expected a whole number from 1 to 65535 (at $.checks.c.port)");
    expect_check_error(
        "\"type\": \"tcp\", \"port\": 1, \"interval\": 2",
        "t.json:2:40: error: found 2, expected a duration with its unit: write \"2s\" for seconds or "
        "\"2ms\" (at $.checks.c.interval)");
    expect_check_error(
        "\"type\": \"tcp\", \"port\": 1, \"interval\": \"2 s\"",
        "t.json:2:40: error: found \"2 s\", expected a duration: a whole number and a unit, such as "
        "\"500ms\", \"2s\", \"1m\", \"1h\" (at $.checks.c.interval)");
    expect_check_error("\"type\": \"tcp\", \"port\": 1, \"interval\": \"49ms\"",
                       "t.json:2:40: error: found \"49ms\", expected a duration from 50ms to 1h "
                       "(at $.checks.c.interval)");
    expect_check_error(
        "\"type\": \"tcp\", \"port\": 1, \"interval\": \"99999999999999999999h\"",
        "t.json:2:40: error: found \"99999999999999999999h\", expected a duration from 50ms to 1h "
        "(at $.checks.c.interval)");
    expect_check_error("\"type\": \"tcp\", \"port\": 1, \"timeout\": \"3s\"",
                       "t.json:2:39: error: found a timeout of 3s, expected at most the interval of 2s "
                       "(at $.checks.c.timeout)");
    expect_check_error("\"type\": \"tcp\", \"port\": 1, \"recheck\": \"3s\"",
                       "t.json:2:39: error: found 3s, expected at most the interval of 2s "
                       "(at $.checks.c.recheck)");
    expect_check_error("\"type\": \"tcp\", \"port\": 1, \"recheck\": \"20ms\"",
                       "t.json:2:39: error: found \"20ms\", expected a duration from 50ms to 1h "
                       "(at $.checks.c.recheck)");
    expect_check_error("\"type\": \"tcp\", \"port\": 1, \"back_off\": \"1s\"",
                       "t.json:2:40: error: found 1s, expected at least the interval of 2s "
                       "(at $.checks.c.back_off)");
    expect_check_error(
        "\"type\": \"tcp\", \"port\": 1, \"fall\": 0",
        "t.json:2:36: error: found 0, expected a whole number from 1 to 100 (at $.checks.c.fall)");
    expect_check_error(
        "\"type\": \"tcp\", \"port\": 1, \"rise\": 2.0",
        "t.json:2:36: error: found 2, expected a whole number from 1 to 100 (at $.checks.c.rise)");
    expect_check_error(
        "\"type\": \"tcp\", \"port\": 1, \"path\": \"/\"",
        "t.json:2:28: error: \"path\" has no meaning in a check of type \"tcp\", only in \"http\" and "
        "\"https\" (at $.checks.c.path)");
    expect_check_error("\"type\": \"tcp\", \"port\": 1, \"intervall\": \"1s\"",
                       "t.json:2:28: error: unknown key \"intervall\"; did you mean \"interval\"? "
                       "(at $.checks.c.intervall)");
    expect_check_error(
        "\"type\": \"tcp\", \"port\": 1, \"colour\": 1",
        "t.json:2:28: error: unknown key \"colour\", expected one of \"type\", \"port\", \"interval\", "
        "\"timeout\", \"recheck\", \"back_off\", \"fall\", \"rise\", \"window\", \"hold_down\", \"flap\", "
        "\"host\", \"path\", \"status\", \"load\", \"lag\", \"method\", "
        "\"headers\", \"max_body\", \"tls\", \"send\", \"expect\", \"json\", \"expect_regex\", "
        "\"keep_alive\", \"proxy\", \"ttl\", \"absent\", \"query\", \"rcode\", \"answer\", \"transport\", "
        "\"recursion\", \"edns\", \"packets\", \"spacing\", \"loss\", \"rtt\", \"quorum\", "
        "\"at_least\", \"vantages\", \"service\", \"stale\", "
        "\"command\", \"environment\", \"output_max\", \"warning\", \"unknown\", "
        "\"file\", \"format\", \"key\", \"max_age\" (at $.checks.c.colour)");
}

static void requests_are_checked(void **state)
{
    (void)state;
    expect_check_error(
        "\"type\": \"http\", \"port\": 1, \"path\": \"x\"",
        "t.json:2:37: error: found \"x\", expected a path that begins with \"/\" and holds visible "
        "ASCII only, up to 1024 characters (at $.checks.c.path)");
    expect_check_error(
        "\"type\": \"http\", \"port\": 1, \"path\": \"/a\\r\\nX: y\"",
        "t.json:2:37: error: found \"/a??X: y\", expected a path that begins with \"/\" and holds "
        "visible ASCII only, up to 1024 characters (at $.checks.c.path)");
    expect_check_error(
        "\"type\": \"http\", \"port\": 1, \"host\": \"a b\"",
        "t.json:2:37: error: found \"a b\", expected a host name or address, with \":port\" if it needs "
        "one (at $.checks.c.host)");
    expect_check_error("\"type\": \"http\", \"port\": 1, \"host\": \"\"",
                       "t.json:2:37: error: found \"\", expected a non-empty string (at $.checks.c.host)");
    expect_check_error(
        "\"type\": \"http\", \"port\": 1, \"status\": 99",
        "t.json:2:39: error: found 99, expected a whole number from 100 to 999 (at $.checks.c.status)");
    expect_check_error(
        "\"type\": \"http\", \"port\": 1, \"status\": [200]",
        "t.json:2:39: error: found 1 numbers, expected one status (200), the lowest and the highest "
        "([200, 399]) or a list (\"200,204,301-308\"), each 100 to 999 (at $.checks.c.status)");
    expect_check_error(
        "\"type\": \"http\", \"port\": 1, \"status\": [300, 200]",
        "t.json:2:39: error: found [300, 200], expected the lowest status first (at $.checks.c.status)");
    expect_check_error("\"type\": \"http\", \"port\": 1, \"status\": [200, null]",
                       "t.json:2:45: error: found null, expected a whole number from 100 to 999 "
                       "(at $.checks.c.status[1])");
}

#define HOST_RULE "a host name such as \"lb-1.example.net\""

static void hosts_are_checked(void **state)
{
    (void)state;
    expect_endpoint_error("\"az\": \"a\", \"addresses\": \"::1\", \"host\": \"lb.example\"",
                          "t.json:2:33: error: found \"addresses\" and \"host\", expected one of them "
                          "(at $.endpoints.e.host)");
    expect_endpoint_error("\"az\": \"a\", \"host\": \"192.0.2.1\"",
                          "t.json:2:21: error: \"192.0.2.1\" is an address, expected " HOST_RULE
                          ", or \"addresses\" instead of \"host\" (at $.endpoints.e.host)");
    static const char *const bad[] = {"", "@", ".", "*.example.net", "a..b", "a.*.example"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[128], expected[256];
        snprintf(text, sizeof text, "\"az\": \"a\", \"host\": \"%s\"", bad[i]);
        snprintf(expected, sizeof expected,
                 "t.json:2:21: error: found \"%s\", expected " HOST_RULE " (at $.endpoints.e.host)", bad[i]);
        expect_endpoint_error(text, expected);
    }
    expect_endpoint_error("\"az\": \"a\", \"host\": 7",
                          "t.json:2:21: error: found 7, expected " HOST_RULE " (at $.endpoints.e.host)");
}

static void equal_hosts_are_one(void **state)
{
    (void)state;
    struct conf_topology *t = parse_good("{\"regions\": {\"r\": {\"azs\": {\"a\": {}}}}, \"endpoints\": {"
                                         "\"x\": {\"az\": \"a\", \"host\": \"LB.example.net\"},"
                                         "\"y\": {\"az\": \"a\", \"host\": \"other.example.net.\"},"
                                         "\"n\": {\"az\": \"a\", \"addresses\": \"::1\"},"
                                         "\"z\": {\"az\": \"a\", \"host\": \"lb.Example.net.\"}}}");
    assert_int_equal(t->host_count, 2);
    assert_string_equal(t->hosts[0]->name, "lb.example.net");
    assert_string_equal(t->hosts[1]->name, "other.example.net");
    assert_int_equal(t->hosts[1]->index, 1);
    assert_ptr_equal(t->endpoints[0].host, t->hosts[0]);
    assert_ptr_equal(t->endpoints[3].host, t->hosts[0]);
    assert_null(t->endpoints[2].host);
    assert_int_equal(t->endpoints[0].v4.family, ADDR_NONE);
    assert_int_equal(t->hosts[0]->wire_len, 16);
    conf_free_topology(t);
}

static void loads_are_checked(void **state)
{
    (void)state;
    static const char *const pointers[] = {"load", "", "/a~", "/~2", "/a/~/b"};
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        char text[128], error[256];
        const char *expected = pointers[i][0] == '\0' ? "a non-empty string"
                                                      : "a JSON pointer to a number in the answer, such as "
                                                        "\"/load\" or \"/status/cpu/0\"";
        snprintf(text, sizeof text, "\"type\": \"http\", \"port\": 1, \"load\": \"%s\"", pointers[i]);
        snprintf(error, sizeof error, "t.json:2:37: error: found \"%s\", expected %s (at $.checks.c.load)",
                 pointers[i], expected);
        expect_check_error(text, error);
    }
    expect_check_error("\"type\": \"tcp\", \"port\": 1, \"load\": \"/load\"",
                       "t.json:2:28: error: \"load\" has no meaning in a check of type \"tcp\", only in "
                       "\"http\" and \"https\" (at $.checks.c.load)");
    expect_endpoint_error("\"az\": \"a\", \"addresses\": \"::1\", \"load\": 5",
                          "t.json:2:41: error: found 5, expected an object (at $.endpoints.e.load)");
    expect_endpoint_error("\"az\": \"a\", \"addresses\": \"::1\", \"load\": {\"low\": 1}",
                          "t.json:2:41: error: missing key \"high\" (at $.endpoints.e.load)");
    expect_endpoint_error("\"az\": \"a\", \"addresses\": \"::1\", \"load\": {\"low\": 1, \"high\": 1}",
                          "t.json:2:60: error: found 1, expected more than \"low\", which is 1 "
                          "(at $.endpoints.e.load.high)");
    expect_endpoint_error("\"az\": \"a\", \"addresses\": \"::1\", \"load\": {\"low\": -1, \"high\": 1}",
                          "t.json:2:49: error: found -1, expected a number from 0 to 1e+15 "
                          "(at $.endpoints.e.load.low)");
    expect_endpoint_error(
        "\"az\": \"a\", \"addresses\": \"::1\", \"load\": {\"low\": 1, \"high\": 2, \"max_age\": \"10ms\"}",
        "t.json:2:74: error: found \"10ms\", expected a duration from 1s to 24h "
        "(at $.endpoints.e.load.max_age)");
}

static void endpoints_are_checked(void **state)
{
    (void)state;
    expect_endpoint_error("\"addresses\": \"192.0.2.1\"",
                          "t.json:2:1: error: missing key \"az\" (at $.endpoints.e)");
    expect_endpoint_error("\"az\": \"a\"",
                          "t.json:2:1: error: found neither \"addresses\" nor \"host\", expected one of them "
                          "(at $.endpoints.e)");
    expect_endpoint_error("\"az\": \"b\", \"addresses\": \"192.0.2.1\"",
                          "t.json:2:8: error: no az \"b\"; there are \"a\" (at $.endpoints.e.az)");
    expect_endpoint_error(
        "\"az\": \"r\", \"addresses\": \"192.0.2.1\"",
        "t.json:2:8: error: \"r\" is a region, expected one of its azs (at $.endpoints.e.az)");
    expect_endpoint_error(
        "\"az\": [], \"addresses\": \"192.0.2.1\"",
        "t.json:2:8: error: found an array, expected the name of an az (at $.endpoints.e.az)");
    expect_endpoint_error(
        "\"az\": \"a\", \"addresses\": []",
        "t.json:2:26: error: found no address, expected an IPv4 address, an IPv6 address or one of "
        "each (at $.endpoints.e.addresses)");
    expect_endpoint_error("\"az\": \"a\", \"addresses\": [\"192.0.2.256\"]",
                          "t.json:2:27: error: found \"192.0.2.256\", expected an IPv4 or IPv6 address "
                          "(at $.endpoints.e.addresses[0])");
    expect_endpoint_error(
        "\"az\": \"a\", \"addresses\": [\"::1\", \"::2\"]",
        "t.json:2:34: error: found a second IPv6 address \"::2\" after \"::1\", expected at most one "
        "IPv4 and one IPv6 address (at $.endpoints.e.addresses[1])");
    expect_endpoint_error("\"az\": \"a\", \"addresses\": 7",
                          "t.json:2:26: error: found 7, expected an address or an array of addresses "
                          "(at $.endpoints.e.addresses)");
    expect_endpoint_error("\"az\": \"a\", \"addresses\": \"::1\", \"weight\": -1",
                          "t.json:2:43: error: found -1, expected a whole number from 0 to 65535 "
                          "(at $.endpoints.e.weight)");
    expect_endpoint_error("\"az\": \"a\", \"addresses\": \"::1\", \"checks\": [\"d\"]",
                          "t.json:2:44: error: no check \"d\"; there are \"c\" (at $.endpoints.e.checks[0])");
    expect_endpoint_error("\"az\": \"a\", \"addresses\": \"::1\", \"checks\": [\"c\", \"c\"]",
                          "t.json:2:49: error: check \"c\" is listed twice (at $.endpoints.e.checks[1])");
    expect_endpoint_error("\"az\": \"a\", \"addresses\": \"::1\", \"checks\": [true]",
                          "t.json:2:44: error: found true, expected the name of a check, or an object with "
                          "\"check\" (at $.endpoints.e.checks[0])");
}

static void near_names_are_offered(void **state)
{
    (void)state;
    expect_error(
        "{\"regions\": {\"us\": {\"azs\": {\"us-east-1a\": {}, \"us-east-1b\": {}}}},\n\"endpoints\": "
        "{\"e\": "
        "{\"az\": \"us-esat-1b\", \"addresses\": \"::1\"}}}",
        "t.json:2:27: error: no az \"us-esat-1b\", did you mean \"us-east-1b\"? There are \"us-east-1a\", "
        "\"us-east-1b\" (at $.endpoints.e.az)");
    expect_error("{" REGIONS
                 ", \"endpoints\": {\"e\": {\"az\": \"a\", \"addresses\": \"::1\", \"checks\":\n \"x\"}}}",
                 "t.json:2:2: error: no check \"x\"; there are none (at $.endpoints.e.checks)");
}

static void all_errors_come_at_once(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "t.json:8:3: error: unknown key \"endpoint\"; did you mean \"endpoints\"? (at $.endpoint)",
        "t.json:2:34: error: found \"half\", expected a share above 0 and at most 1, or such as \"50%\" (at "
        "$.regions.r.lost_at)",
        "t.json:3:47: error: found \"5\", expected a duration: a whole number and a unit, such as \"500ms\", "
        "\"2s\", "
        "\"1m\", \"1h\" (at $.checks.c.interval)",
        "t.json:5:16: error: no az \"zz\"; there are \"a\" (at $.endpoints.e1.az)",
        "t.json:5:35: error: found \"x\", expected an IPv4 or IPv6 address (at $.endpoints.e1.addresses)",
        "t.json:6:51: error: found \"9\", expected a whole number from 0 to 65535 (at $.endpoints.e2.weight)",
        "t.json:7:30: error: found null, expected a duration: a whole number and a unit, such as \"500ms\", "
        "\"2s\", "
        "\"1m\", \"1h\" (at $.objectives.rto)",
        NULL};
    expect_refused(
        "{\n"
        "  \"regions\": {\"r\": {\"lost_at\":   \"half\", \"azs\": {\"a\": {}}}},\n"
        "  \"checks\": {\"c\": {\"type\": \"tcp\", \"interval\": \"5\", \"port\": 1, \"timeout\": \"5s\"}},\n"
        "  \"endpoints\": {\n"
        "  \"e1\": {\"az\": \"zz\", \"addresses\": \"x\"},\n"
        "  \"e2\": {\"addresses\": \"::1\", \"az\": \"a\", \"weight\": \"9\"}},\n"
        "  \"objectives\": { \"rto\":     null },\n"
        "  \"endpoint\": {}}",
        lines);
}

static void thousands_of_errors_are_counted(void **state)
{
    (void)state;
    enum { COUNT = 50000, ROOM = 128 };
    char *text = malloc((size_t)COUNT * ROOM);
    size_t len = (size_t)sprintf(text, "{" REGIONS ", \"endpoints\": {");
    for (int i = 0; i < COUNT; i++) {
        len += (size_t)sprintf(text + len, "%s\n\"e%d\": {\"az\": \"b\", \"addresses\": \"::1\"}",
                               i == 0 ? "" : ",", i);
    }
    len += (size_t)sprintf(text + len, "}}");
    struct report *report = report_new();
    assert_null(conf_parse_topology("t.json", text, len, report));
    assert_int_equal(report_errors(report), COUNT);
    assert_int_equal(report_count(report), REPORT_MAX_ITEMS);
    const struct report_item *last = report_get(report, REPORT_MAX_ITEMS - 1);
    assert_int_equal(last->place.line, REPORT_MAX_ITEMS + 1);
    assert_string_equal(last->place.path, "$.endpoints.e999.az");
    report_free(report);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_documented),
        cmocka_unit_test(families_are_apart_unless_said),
        cmocka_unit_test(every_key_arrives),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(regions_are_checked),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(checks_are_checked),
        cmocka_unit_test(requests_are_checked),
        cmocka_unit_test(loads_are_checked),
        cmocka_unit_test(hosts_are_checked),
        cmocka_unit_test(equal_hosts_are_one),
        cmocka_unit_test(endpoints_are_checked),
        cmocka_unit_test(near_names_are_offered),
        cmocka_unit_test(all_errors_come_at_once),
        cmocka_unit_test(thousands_of_errors_are_counted),
    };
    return cmocka_run_group_tests_name("conf topology", tests, NULL, NULL);
}
