/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of "static" of a policy: its records are those of the zone, beside steered ones and those of the
 * master file, and what is wrong with them is said of their place in the document. */
#include "config.h"

#include "view_folder.h"

#include "dns/name.h"
#include "dns/types.h"
#include "view/view.h"
#include "zone/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int set_up(void **state)
{
    (void)state;
    folder_open();
    put("steerd.json",
        "{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": \"topology.json\"}");
    put("topology.json", "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}},"
                         "\"endpoints\": {\"one\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.1\"]}}}");
    return 0;
}

/* What the report has to say, as of folder_compile(). */
static struct view *compile(const char *statics, const char *expected)
{
    char text[1024];
    snprintf(text, sizeof text, "{\"names\": {\"www\": {\"endpoints\": \"*\"}}, \"static\":\n{%s}}", statics);
    put("zones/a.test.zone", "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.53\nold TXT x\n");
    put("zones/a.test.json", text);
    return folder_compile(expected);
}

static const struct zone_rrset *find(const struct view *view, const char *owner, uint16_t type)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    struct dns_key key;
    assert_true(dns_name_parse("a.test.", NULL, wire) > 0);
    const struct zone *zone = zone_table_get(view->zones, wire);
    int len = dns_name_parse(owner, NULL, wire);
    assert_true(len > 0);
    assert_int_not_equal(dns_key_fill(&key, wire, (size_t)len), 0);
    uint32_t at = zone_find_node(zone, &key);
    return at == 0 ? NULL : zone_find_rrset(zone_get_node(zone, at), type);
}

static void they_are_records_of_the_zone(void **state)
{
    (void)state;
    struct view *view =
        compile("\"mail\": {\"ttl\": \"1h\", \"records\": {\"MX\": [\"10 ns\", \"20 mx.example.net.\"],\n"
                "\"txt\": \"\\\"of many words\\\"\", \"TYPE65400\": []}},\n"
                "\"www\": {\"records\": {\"TXT\": \"beside\"}}, \"@\": {\"records\": {\"MX\": \"0 .\"}},\n"
                "\"*.Wild.a.test.\": {\"records\": {\"CNAME\": \"www\"}}",
                "");
    assert_non_null(view);
    const struct zone_rrset *mx = find(view, "mail.a.test.", DNS_TYPE_MX);
    assert_non_null(mx);
    assert_int_equal(mx->count, 2);
    assert_int_equal(find(view, "mail.a.test.", DNS_TYPE_TXT)->count, 1);
    assert_null(find(view, "mail.a.test.", 65400));
    assert_int_equal(find(view, "www.a.test.", DNS_TYPE_TXT)->flags & ZONE_RRSET_STEERED, 0);
    assert_int_equal(find(view, "www.a.test.", DNS_TYPE_A)->flags & ZONE_RRSET_STEERED, ZONE_RRSET_STEERED);
    assert_non_null(find(view, "a.test.", DNS_TYPE_MX));
    assert_non_null(find(view, "*.wild.a.test.", DNS_TYPE_CNAME));
    assert_non_null(find(view, "old.a.test.", DNS_TYPE_TXT));
    view_free(view);
}

static void what_is_wrong_is_said_of_the_document(void **state)
{
    (void)state;
    static const struct {
        const char *statics, *expected;
    } cases[] = {
        {"\"x\": {\"records\": {\"MX\": [\"10 ns\",\n\"mx\"]}}",
         "zones/a.test.json:3:1: error: \"mx\" where a preference is expected, a number from 0 to 65535 (at "
         "$.static.x.records.MX[1])\n"},
        {"\"x\": {\"records\": {\"TXT\": \"a\\nb TXT c\"}}",
         "zones/a.test.json:2:27: error: a line break, expected one record in one line (at "
         "$.static.x.records.TXT)\n"},
        {"\"x\": {\"records\": {\"A\": \"192.0.2.1 (\"}}",
         "zones/a.test.json:2:25: error: this parenthesis is not closed before the end of the file (at "
         "$.static.x.records.A)\n"},
        {"\"x\": {\"records\": {\"TEXT\": \"a\"}}",
         "zones/a.test.json:2:20: error: \"TEXT\" is no record type, expected one such as \"MX\" or "
         "\"TYPE65534\" (at $.static.x.records.TEXT)\n"},
        {"\"x\": {\"records\": {\"SOA\": \"a b 1 1 1 1 1\"}}",
         "zones/a.test.json:2:20: error: SOA cannot stand here, expected it in the zone file (at "
         "$.static.x.records.SOA)\n"},
        {"\"x\": {\"ttl\": 60}", "zones/a.test.json:2:7: error: missing key \"records\" (at $.static.x)\n"},
        {"\"x.example.com.\": {\"records\": {}}",
         "zones/a.test.json:2:2: error: \"x.example.com.\" is outside the zone a.test. (at "
         "$.static[\"x.example.com.\"])\n"},
        {"\"www\": {\"records\": {\"CNAME\": \"ns\"}}",
         "zones/a.test.json:2:31: error: www.a.test. has a CNAME and other data (a policy that steers "
         "it); a CNAME has to be alone\n"},
        {"\"old\": {\"ttl\": 60, \"records\": {\"TXT\": [\"x\"]}}",
         "zones/a.test.json:2:41: warning: duplicate TXT record of old.a.test. ignored\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        view_free(compile(cases[i].statics, cases[i].expected));
    }
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, folder_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(they_are_records_of_the_zone),
        WITH(what_is_wrong_is_said_of_the_document),
    };
    return cmocka_run_group_tests_name("view_statics", tests, NULL, NULL);
}
