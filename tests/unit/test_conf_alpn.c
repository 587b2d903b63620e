/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of conf: what https checks offer to speak. */
#include "config.h"

#include "test_conf.h"

#include "conf/topology.h"

#define CHECK(type, tls)                                                                                     \
    "{\"regions\": {\"r\": {\"azs\": {\"a\": {}}}}, \"checks\": {\"c\":\n{\"type\": \"" type                 \
    "\", \"port\": 1, \"tls\": {\"verify\": false" tls "}}}}"

static struct conf_topology *parse(const char *text, struct report *report)
{
    return conf_parse_topology("t.json", text, strlen(text), report);
}

static void lists_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *protocols;
    } lists[] = {
        {CHECK("https", ""), NULL},
        {CHECK("https", ", \"alpn\": [\"http/1.1\"]"), NULL},
        {CHECK("https", ", \"alpn\": [\"h2\"]"), "\x02h2"},
        {CHECK("https", ", \"alpn\": [\"h2\", \"http/1.1\"]"), "\x02h2\x08http/1.1"},
        {CHECK("https", ", \"alpn\": [\"http/1.1\", \"h2\"]"), "\x08http/1.1\x02h2"},
        {CHECK("grpc", ""), NULL},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct report *report = report_new();
        struct conf_topology *topology = parse(lists[i].text, report);
        assert_non_null(topology);
        const char *got = topology->checks[0].tls->protocols;
        if (lists[i].protocols == NULL) {
            assert_null(got);
        } else {
            assert_non_null(got);
            assert_string_equal(got, lists[i].protocols);
        }
        conf_free_topology(topology);
        report_free(report);
    }
}

static void lists_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {
        CHECK("https", ", \"alpn\": []"),
        CHECK("https", ", \"alpn\": \"h2\""),
        CHECK("https", ", \"alpn\": {\"h2\": 1}"),
        CHECK("https", ", \"alpn\": [\"h3\"]"),
        CHECK("https", ", \"alpn\": [\"\"]"),
        CHECK("https", ", \"alpn\": [1]"),
        CHECK("https", ", \"alpn\": [\"h2\", \"h2\"]"),
        CHECK("https", ", \"alpn\": [\"h2\", null]"),
        CHECK("https", ", \"alpn\": [\"h2\", \"http/1.1\", \"h2\"]"),
    };
    char line[256];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct report *report = report_new();
        assert_null(parse(bad[i], report));
        assert_int_equal(report_count(report), 1);
        report_write_item(report_get(report, 0), line, sizeof line);
        assert_non_null(strstr(line, "expected an array of \"h2\", \"http/1.1\" or both, the best first"));
        assert_non_null(strstr(line, "(at $.checks.c.tls.alpn)"));
        report_free(report);
    }
    struct report *report = report_new();
    assert_null(parse(CHECK("grpc", ", \"alpn\": [\"h2\"]"), report));
    expect_line(report, "t.json:2:54: error: a check of type \"grpc\" speaks HTTP/2, and sets \"alpn\" by "
                        "itself (at $.checks.c.tls.alpn)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(lists_are_checked),
    };
    return cmocka_run_group_tests_name("conf_alpn", tests, NULL, NULL);
}
