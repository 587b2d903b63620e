/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of conf: what tcp checks say and expect, what is warned of, the brake, and quorums. */
#include "config.h"

#include "test_conf.h"

#include "base/regex.h"
#include "base/wish.h"
#include "base/buffer.h"
#include "conf/topology.h"
#include "dns/ask.h"

#include <stdlib.h>

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
        "\"type\": \"http\", \"port\": 1, \"send\": \"x\"",
        "t.json:2:29: error: found \"send\" in a check that asks by GET, expected \"method\": \"POST\" "
        "(at $.checks.c.send)");
}

static void bodies_are_read(void **state)
{
    (void)state;
    struct report *report = report_new();
    struct conf_topology *topology =
        parse("{" REGIONS
              ", \"checks\": {\"c\": {\"type\": \"http\", \"port\": 1, \"expect_regex\": \"^ok\\\\.$\", "
              "\"json\": [{\"pointer\": \"/a\", \"value\": \"up\"}, {\"pointer\": \"/a/b\", \"op\": \">=\", "
              "\"value\": 1.5}, "
              "{\"pointer\": \"/x\", \"op\": \"exists\"}, {\"pointer\": \"/~1\", \"op\": \"!=\", \"value\": "
              "null}]}}}",
              report);
    assert_non_null(topology);
    const struct conf_check *check = &topology->checks[0];
    assert_string_equal(regex_get_text(check->regex), "^ok\\.$");
    static const struct wish wishes[] = {{"/a", WISH_EQUAL, WISH_TEXT, 0, "up"},
                                         {"/a/b", WISH_AT_LEAST, WISH_NUMBER, 1.5, NULL},
                                         {"/x", WISH_EXISTS, WISH_TRUE, 0, NULL},
                                         {"/~1", WISH_DIFFERENT, WISH_NULL, 0, NULL}};
    assert_true(wishes_are_same(check->wishes, check->wish_count, wishes, 4));
    assert_false(wishes_are_same(check->wishes, check->wish_count, wishes, 3));
    conf_free_topology(topology);
    report_free(report);
}

static void bodies_are_checked(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\"expect_regex\": \"a(\"",
         "45: error: in this regular expression found \"(\" without \")\", expected as many of both "
         "(at $.checks.c.expect_regex)"},
        {"\"json\": {}",
         "37: error: found an object, expected an array of objects with \"pointer\", \"op\" and "
         "\"value\" (at $.checks.c.json)"},
        {"\"json\": []", "37: error: found 0 conditions, expected 1 to 8 (at $.checks.c.json)"},
        {"\"json\": [{\"pointer\": \"a\", \"value\": 1}]",
         "50: error: found \"a\", expected a JSON pointer, such as \"/status\" or \"/db/0/lag\" "
         "(at $.checks.c.json[0].pointer)"},
        {"\"json\": [{\"pointer\": \"/a\", \"value\": [1]}]",
         "65: error: found an array, expected a number, a text, true, false or null "
         "(at $.checks.c.json[0].value)"},
        {"\"json\": [{\"pointer\": \"/a\", \"op\": \"<\", \"value\": \"1\"}]",
         "76: error: found \"1\", expected a number, which is all that \"<\", \"<=\", \">\" and \">=\" "
         "compare "
         "(at $.checks.c.json[0].value)"},
        {"\"json\": [{\"pointer\": \"/a\", \"op\": \"exists\", \"value\": 1}]",
         "81: error: found 1, expected true or false: whether \"pointer\" has to lead to something "
         "(at $.checks.c.json[0].value)"},
        {"\"method\": \"HEAD\", \"json\": [{\"pointer\": \"/a\", \"value\": 1}]",
         "47: error: found \"json\" in a check that asks by HEAD, to which there is no body (at "
         "$.checks.c.json)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char check[256], error[320];
        snprintf(check, sizeof check, "\"type\": \"http\", \"port\": 1, %s", cases[i][0]);
        snprintf(error, sizeof error, "t.json:2:%s", cases[i][1]);
        expect_check_error(check, error);
    }
}

static void pings_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        struct conf_icmp icmp;
    } cases[] = {
        {"", {3, 50, 0, 0, 0.34}},
        {", \"packets\": 20, \"spacing\": \"10ms\", \"loss\": 0, \"rtt\": \"1ms\"", {20, 10, 1, 0, 0}},
        {", \"packets\": 1, \"timeout\": \"50ms\", \"spacing\": \"10s\"", {1, 10000, 0, 0, 0.34}},
        {", \"timeout\": \"50ms\"", {3, 24, 0, 0, 0.34}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct report *report = report_new();
        char text[512];
        snprintf(text, sizeof text, "{" REGIONS ", \"checks\": {\"c\": {\"type\": \"icmp\"%s}}}",
                 cases[i].keys);
        struct conf_topology *topology = parse(text, report);
        assert_non_null(topology);
        assert_int_equal(topology->checks[0].port, 0);
        assert_memory_equal(topology->checks[0].icmp, &cases[i].icmp, sizeof cases[i].icmp);
        conf_free_topology(topology);
        report_free(report);
    }
}

static void pings_are_checked(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\"port\": 7", "18: error: \"port\" has no meaning in a check of type \"icmp\", only in \"http\", "
                        "\"tcp\", \"https\", \"dns\", \"grpc\" and \"exec\" (at "
                        "$.checks.c.port)"},
        {"\"path\": \"/\"", "18: error: \"path\" has no meaning in a check of type \"icmp\", only in "
                            "\"http\" and \"https\" (at $.checks.c.path)"},
        {"\"packets\": 21",
         "29: error: found 21, expected a whole number from 1 to 20 (at $.checks.c.packets)"},
        {"\"packets\": 5, \"spacing\": \"250ms\"", "43: error: found 5 packets with 1s from the first to the "
                                                   "last, expected less than the timeout of 1s (at "
                                                   "$.checks.c.spacing)"},
        {"\"packets\": 20, \"timeout\": \"100ms\"",
         "29: error: found 20 packets with 950ms from the first to the last, expected less than the timeout "
         "of 100ms (at "
         "$.checks.c.packets)"},
        {"\"loss\": 1", "26: error: found 1, expected a number from 0 to 0.99 (at $.checks.c.loss)"},
        {"\"rtt\": \"1s\"", "25: error: found 1s, expected less than the timeout of 1s (at $.checks.c.rtt)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char check[256], error[320];
        snprintf(check, sizeof check, "\"type\": \"icmp\", %s", cases[i][0]);
        snprintf(error, sizeof error, "t.json:2:%s", cases[i][1]);
        expect_check_error(check, error);
    }
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

static void expect_statuses(const char *list, const char *good)
{
    char text[512];
    struct report *report = report_new();
    snprintf(text, sizeof text,
             "{" REGIONS ", \"checks\": {\"c\": {\"type\": \"http\", \"port\": 1, \"status\": \"%s\"}}}",
             list);
    struct conf_topology *topology = parse(text, report);
    assert_non_null(topology);
    for (uint32_t status = 100; status < 1000; status++) {
        char number[8];
        snprintf(number, sizeof number, "%u", status);
        assert_int_equal(conf_accepts_status(topology->checks[0].statuses, status),
                         strstr(good, number) != NULL);
    }
    conf_free_topology(topology);
    report_free(report);
}

static void lists_of_statuses_are_read(void **state)
{
    (void)state;
    expect_statuses("200", "200");
    expect_statuses("204,200 , 301-303", "200 204 301 302 303");
    expect_statuses("100-101,599,600,999", "100 101 599 600 999");
    static const char *const bad[] = {"200,", ",200",    "2",       "2000", "1000",
                                      "99",   "300-200", "200 204", "200-", "abc"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[128], error[256];
        snprintf(text, sizeof text, "\"type\": \"http\", \"port\": 1, \"status\": \"%s\"", bad[i]);
        snprintf(error, sizeof error,
                 "t.json:2:39: error: found \"%s\", expected one status (200), the lowest and the highest "
                 "([200, 399]) or a list (\"200,204,301-308\"), each 100 to 999 (at $.checks.c.status)",
                 bad[i]);
        expect_check_error(text, error);
    }
}

static void headers_are_checked(void **state)
{
    (void)state;
    expect_check_error(
        "\"type\": \"http\", \"port\": 1, \"headers\": {\"hOst\": \"x\"}",
        "t.json:2:41: error: a check sets \"hOst\" by itself: use \"host\" (at $.checks.c.headers.hOst)");
    expect_check_error(
        "\"type\": \"http\", \"port\": 1, \"headers\": {\"X\": \"a\\r\\nY: b\"}",
        "t.json:2:46: error: found a text that is not shown, expected a text without control characters "
        "(at $.checks.c.headers.X)");
    expect_check_error(
        "\"type\": \"http\", \"port\": 1, \"method\": \"HEAD\", \"expect\": \"x\"",
        "t.json:2:47: error: found \"expect\" in a check that asks by HEAD, to which there is no "
        "body (at $.checks.c.expect)");
    expect_check_error("\"type\": \"http\", \"port\": 1, \"tls\": {}",
                       "t.json:2:29: error: \"tls\" has no meaning in a check of type \"http\", only in "
                       "\"https\" and \"grpc\" (at $.checks.c.tls)");
}

#define DNS(rest) "\"type\": \"dns\"" rest
#define SOA       ", \"query\": {\"name\": \"a.\", \"type\": \"SOA\"}"

static void questions_are_read(void **state)
{
    (void)state;
    struct report *report = report_new();
    struct conf_topology *topology = parse(
        "{" REGIONS ", \"checks\": {\"c\": {" DNS(SOA) "}, \"d\": {\"type\": \"dns\", \"port\": 5353, "
                                                       "\"query\": {\"name\": \"Host.example\", \"type\": "
                                                       "\"type28\", \"class\": \"CH\"}, \"rcode\": "
                                                       "[\"NOERROR\", \"BADVERS\"], \"answer\": "
                                                       "[\"2001:DB8::1\"], \"transport\": \"udp_then_tcp\", "
                                                       "\"recursion\": true, \"edns\": false}}}",
        report);
    assert_non_null(topology);
    const struct conf_check *c = &topology->checks[0], *d = &topology->checks[1];
    assert_int_equal(c->port, 53);
    assert_memory_equal(c->dns->name, "\1a", 3);
    assert_true(c->dns->type == DNS_TYPE_SOA && c->dns->class == DNS_CLASS_IN && c->dns->edns);
    assert_true(c->dns->transport == DNS_ASK_UDP && !c->dns->recursion && !c->dns->wants_record);
    assert_int_equal(c->dns->rcodes, 1);
    assert_int_equal(c->dns->value_count, 0);
    assert_int_equal(d->port, 5353);
    assert_true(d->dns->type == DNS_TYPE_AAAA && d->dns->class == DNS_CLASS_CH && !d->dns->edns);
    assert_true(d->dns->transport == DNS_ASK_UDP_THEN_TCP && d->dns->recursion);
    assert_int_equal(d->dns->rcodes, 1 | 1 << DNS_RCODE_BADVERS);
    assert_int_equal(d->dns->value_count, 1);
    assert_memory_equal(d->dns->values[0].octets, "\x20\x01\x0d\xb8", 4);
    conf_free_topology(topology);
    report_free(report);
}

static void questions_are_checked(void **state)
{
    (void)state;
    expect_check_error(DNS(""), "t.json:2:1: error: missing key \"query\" (at $.checks.c)");
    expect_check_error(DNS(", \"query\": {\"name\": \"a..b\", \"type\": \"SOA\"}"),
                       "t.json:2:35: error: found \"a..b\", expected a domain name such as \"example.com.\" "
                       "(at $.checks.c.query.name)");
    expect_check_error(DNS(", \"query\": {\"name\": \"a\", \"type\": \"AXFR\"}"),
                       "t.json:2:48: error: found \"AXFR\", expected a type that can be asked for, such as "
                       "\"SOA\", \"A\" or \"TYPE64\" (at $.checks.c.query.type)");
    expect_check_error(DNS(SOA ", \"rcode\": \"OK\""),
                       "t.json:2:66: error: found \"OK\", expected a response code such as \"NOERROR\", "
                       "\"NXDOMAIN\" or \"REFUSED\" (at $.checks.c.rcode)");
    expect_check_error(DNS(SOA ", \"answer\": [\"x\"]"),
                       "t.json:2:67: error: found values of records of type SOA, expected the type A, AAAA, "
                       "CNAME, NS, PTR or TXT, or \"any\" (at $.checks.c.answer)");
    expect_check_error(DNS(SOA ", \"answer\": \"any\", \"rcode\": \"REFUSED\""),
                       "t.json:2:57: error: found \"answer\" where \"rcode\" is without NOERROR, expected it "
                       "there: replies with any other code are taken without a look at their records (at "
                       "$.checks.c.answer)");
    expect_check_error(
        DNS(", \"query\": {\"name\": \"a\", \"type\": \"A\"}, \"answer\": [\"::1\"]"),
        "t.json:2:65: error: found \"::1\", expected an IPv4 address (at $.checks.c.answer[0])");
    expect_check_error(DNS(", \"query\": {\"name\": \"a\", \"type\": \"A\"}, \"answer\": []"),
                       "t.json:2:64: error: found 0 values, expected 1 to 16 (at $.checks.c.answer)");
    expect_check_error(DNS(SOA ", \"path\": \"/\""),
                       "t.json:2:57: error: \"path\" has no meaning in a check of type \"dns\", only in "
                       "\"http\" and \"https\" (at $.checks.c.path)");
    expect_check_error("\"type\": \"tcp\", \"port\": 1, \"edns\": false",
                       "t.json:2:28: error: \"edns\" has no meaning in a check of type \"tcp\", only in "
                       "\"dns\" (at $.checks.c.edns)");
}

static void quorums_arrive(void **state)
{
    (void)state;
    struct report *report = report_new();
    struct conf_topology *t =
        parse("{" REGIONS ", \"checks\": {\"c\": {\"type\": \"http\", \"port\": 1, \"quorum\": 3, \"stale\": "
              "\"5s\", \"at_least\": 2, "
              "\"vantages\": [\"eu-*\", \"local\"]}, \"d\": {\"type\": \"http\", \"port\": 1, \"quorum\": "
              "\"any\"}}, "
              "\"endpoints\": {\"e\": {\"az\": \"a\", \"addresses\": \"192.0.2.1\", \"checks\": \"c\", "
              "\"vantages\": \"us-1\"}}}",
              report);
    assert_int_equal(t->checks[0].quorum.kind, CONF_QUORUM_COUNT);
    assert_int_equal(t->checks[0].quorum.count, 3);
    assert_int_equal(t->checks[0].stale_ms, 5000);
    assert_int_equal(t->checks[1].stale_ms, 60000);
    assert_int_equal(t->checks[0].quorum.at_least, 2);
    assert_int_equal(t->checks[0].quorum.name_count, 2);
    assert_string_equal(t->checks[0].quorum.names[0], "eu-*");
    assert_int_equal(t->checks[1].quorum.kind, CONF_QUORUM_ANY);
    assert_int_equal(t->checks[1].quorum.name_count, 0);
    assert_int_equal(t->endpoints[0].manner->quorum.name_count, 1);
    assert_string_equal(t->endpoints[0].manner->quorum.names[0], "us-1");
    conf_free_topology(t);
    report_free(report);
    expect_check_error(
        "\"type\": \"http\", \"port\": 1, \"quorum\": \"most\"",
        "t.json:2:39: error: found \"most\", expected \"any\", \"majority\", \"all\" or a whole "
        "number (at $.checks.c.quorum)");
    expect_check_error("\"type\": \"http\", \"port\": 1, \"quorum\": 0",
                       "t.json:2:39: error: found 0, expected a whole number from 1 to 3200 (at "
                       "$.checks.c.quorum)");
    expect_check_error("\"type\": \"http\", \"port\": 1, \"vantages\": []",
                       "t.json:2:41: error: found no vantage, expected at least one: nobody would judge (at "
                       "$.checks.c.vantages)");
    expect_check_error(
        "\"type\": \"http\", \"port\": 1, \"vantages\": \"a?\"",
        "t.json:2:41: error: found \"a?\", expected a name of a vantage, which may have '*' in it "
        "for any characters: 1 to 63 letters, digits, '-', '_' or '.', not beginning with '-' (at "
        "$.checks.c.vantages)");
    expect_check_error("\"type\": \"push\", \"quorum\": \"all\"",
                       "t.json:2:18: error: \"quorum\" has no meaning in a check of type \"push\", only in "
                       "\"http\", \"tcp\", \"https\", \"dns\", \"icmp\" and \"grpc\" (at $.checks.c.quorum)");
}

static void calls_are_read(void **state)
{
    (void)state;
    struct report *report = report_new();
    struct conf_topology *topology = parse(
        "{" REGIONS
        ", \"checks\": {\"c\": {\"type\": \"grpc\", \"port\": 1}, \"d\": {\"type\": \"grpc\", \"port\": 2, "
        "\"service\": \"shop\", \"host\": \"shop.example.com\", \"headers\": {\"Authorization\": \"x\"}, "
        "\"keep_alive\": true, \"tls\": {\"verify\": false}}}}",
        report);
    assert_non_null(topology);
    const struct conf_check *c = &topology->checks[0], *d = &topology->checks[1];
    assert_int_equal(c->type, CONF_CHECK_GRPC);
    assert_string_equal(c->service, "");
    assert_true(c->tls == NULL && c->host == NULL && c->headers == NULL && !c->keep_alive);
    assert_string_equal(d->service, "shop");
    assert_string_equal(d->host, "shop.example.com");
    assert_string_equal(d->headers, "Authorization: x\r\n");
    assert_true(d->tls != NULL && d->tls->context != NULL && d->keep_alive);
    conf_free_topology(topology);
    report_free(report);
}

#define GRPC(rest) "\"type\": \"grpc\", \"port\": 1, " rest

static void calls_are_checked(void **state)
{
    (void)state;
    char text[512], name[260];
    struct report *report = report_new();
    expect_check_error(GRPC("\"service\": 1"),
                       "t.json:2:40: error: found 1, expected the name of a service, up to 255 octets, or "
                       "\"\" for the whole server (at $.checks.c.service)");
    expect_check_error(GRPC("\"path\": \"/\""),
                       "t.json:2:29: error: \"path\" has no meaning in a check of type "
                       "\"grpc\", only in \"http\" and \"https\" (at $.checks.c.path)");
    expect_check_error(GRPC("\"headers\": {\"Grpc-Timeout\": \"1S\"}"),
                       "t.json:2:41: error: a check of type \"grpc\" sets \"Grpc-Timeout\" by itself "
                       "(at $.checks.c.headers.Grpc-Timeout)");
    expect_check_error(GRPC("\"headers\": {\"TE\": \"trailers\"}"),
                       "t.json:2:41: error: a check sets \"TE\" by itself (at $.checks.c.headers.TE)");
    expect_check_error("\"type\": \"http\", \"port\": 1, \"service\": \"a\"",
                       "t.json:2:29: error: \"service\" has no meaning in a check of type \"http\", only in "
                       "\"grpc\" (at $.checks.c.service)");
    memset(name, 'x', 256);
    name[256] = '\0';
    snprintf(text, sizeof text, "{" REGIONS ", \"checks\": {\"c\": {" GRPC("\"service\": \"%s\"") "}}}",
             name);
    assert_null(parse(text, report));
    name[255] = '\0';
    snprintf(text, sizeof text, "{" REGIONS ", \"checks\": {\"c\": {" GRPC("\"service\": \"%s\"") "}}}",
             name);
    conf_free_topology(parse(text, report));
    assert_int_equal(report_errors(report), 1);
    report_free(report);
}

/* ---- definitions ---- */

static void assert_same_text(const char *a, const char *b)
{
    assert_true((a == NULL) == (b == NULL));
    assert_true(a == NULL || b == NULL || strcmp(a, b) == 0);
}

static void assert_same_tls(const struct conf_tls *a, const struct conf_tls *b)
{
    assert_true((a == NULL) == (b == NULL));
    if (a != NULL && b != NULL) {
        assert_true(a->mark == b->mark && a->resumes == b->resumes && a->warn_days == b->warn_days &&
                    a->min_days == b->min_days && a->file_count == b->file_count);
        assert_same_text(a->name, b->name);
        assert_same_text(a->protocols, b->protocols);
        for (size_t i = 0; i < a->file_count; i++) {
            assert_string_equal(a->files[i].path, b->files[i].path);
            assert_string_equal(a->files[i].content, b->files[i].content);
            assert_non_null(strstr(a->files[i].content, "BEGIN CERTIFICATE"));
        }
    }
}

static void assert_same_question(const struct dns_ask *a, const struct dns_ask *b)
{
    uint8_t queries[2][DNS_ASK_QUERY_MAX];
    assert_true((a == NULL) == (b == NULL));
    if (a != NULL && b != NULL) {
        size_t len = dns_ask_write(a, 1, queries[0]);
        assert_int_equal(len, dns_ask_write(b, 1, queries[1]));
        assert_memory_equal(queries[0], queries[1], len);
        assert_true(a->rcodes == b->rcodes && a->transport == b->transport &&
                    a->value_count == b->value_count);
    }
}

static void assert_same_check(const struct conf_check *a, const struct conf_check *b)
{
    assert_string_equal(a->definition, b->definition);
    assert_true(a->type == b->type && a->port == b->port && a->interval_ms == b->interval_ms &&
                a->timeout_ms == b->timeout_ms && a->recheck_ms == b->recheck_ms &&
                a->back_off_ms == b->back_off_ms && a->fall == b->fall && a->rise == b->rise &&
                a->body_max == b->body_max && a->keep_alive == b->keep_alive && a->send_len == b->send_len &&
                a->expect_len == b->expect_len && a->ttl_ms == b->ttl_ms);
    assert_true(wishes_are_same(a->wishes, a->wish_count, b->wishes, b->wish_count));
    assert_same_text(a->host, b->host);
    assert_same_text(a->path, b->path);
    assert_same_text(a->method, b->method);
    assert_same_text(a->headers, b->headers);
    assert_same_text(a->regex == NULL ? NULL : regex_get_text(a->regex),
                     b->regex == NULL ? NULL : regex_get_text(b->regex));
    assert_true((a->statuses == NULL) == (b->statuses == NULL));
    if (a->statuses != NULL) {
        assert_memory_equal(a->statuses, b->statuses, CONF_STATUS_WORDS * sizeof *a->statuses);
    }
    assert_same_tls(a->tls, b->tls);
    assert_same_question(a->dns, b->dns);
}

/* Whoever makes a check elsewhere reads its definition with this code, beside the files that it names. */
static void a_definition_is_read_again_as_the_same_check(void **state)
{
    (void)state;
    char path[1024];
    const char *top = getenv("srcdir");
    struct report *report = report_new();
    snprintf(path, sizeof path, "%s/tests/data/conf/topology.json", top == NULL ? "." : top);
    struct conf_topology *all = conf_load_topology(path, report);
    assert_non_null(all);
    assert_true(all->check_count > 4);
    for (size_t i = 0; i < all->check_count; i++) {
        struct buffer text;
        buffer_init(&text);
        buffer_print(&text, "{" REGIONS ", \"checks\": {\"c\": %s}}", all->checks[i].definition);
        struct conf_topology *one = conf_parse_topology(path, text.bytes, text.len, report);
        assert_non_null(one);
        assert_same_check(&all->checks[i], &one->checks[0]);
        conf_free_topology(one);
        buffer_fini(&text);
    }
    conf_free_topology(all);
    report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_definition_is_read_again_as_the_same_check),
        cmocka_unit_test(talks_are_read),
        cmocka_unit_test(talks_are_checked),
        cmocka_unit_test(bodies_are_read),
        cmocka_unit_test(bodies_are_checked),
        cmocka_unit_test(pings_are_read),
        cmocka_unit_test(pings_are_checked),
        cmocka_unit_test(bare_tcp_checks_are_warned_of),
        cmocka_unit_test(brakes_are_read),
        cmocka_unit_test(lists_of_statuses_are_read),
        cmocka_unit_test(headers_are_checked),
        cmocka_unit_test(questions_are_read),
        cmocka_unit_test(questions_are_checked),
        cmocka_unit_test(quorums_arrive),
        cmocka_unit_test(calls_are_read),
        cmocka_unit_test(calls_are_checked),
    };
    return cmocka_run_group_tests_name("conf_talk", tests, NULL, NULL);
}
