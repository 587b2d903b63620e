/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of "records" on their way into a view: which rdata each member has, which policies are one, and where
 * broken rdata is reported. */
#include "config.h"

#include "view_folder.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "dns/name.h"
#include "dns/types.h"
#include "view/view.h"
#include "zone/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int set_up(void **state)
{
    (void)state;
    folder_open();
    put("steerd.json",
        "{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": \"topology.json\"}");
    put("topology.json", "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}, \"b\": {\"azs\": {\"b1\": {}}}},"
                         "\"endpoints\": {"
                         "\"one\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.1\", \"2001:db8::1\"]},"
                         "\"three\": {\"az\": \"b1\", \"addresses\": [\"2001:db8::3\"]},"
                         "\"two\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.2\"]}}}");
    return 0;
}

/* What the report has to say, as of folder_compile(). */
static struct view *compile(const char *records, const char *expected)
{
    put("zones/a.test.zone", "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.53\nwww TXT x\n"
                             "cut NS ns.cut\nns.cut A 192.0.2.9\n");
    put("zones/a.test.json", records);
    return folder_compile(expected);
}

static const struct zone *zone_of(const struct view *view)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    assert_true(dns_name_parse("a.test.", NULL, wire) > 0);
    return zone_table_get(view->zones, wire);
}

static const struct zone_rrset *find(const struct view *view, const char *owner, uint16_t type)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    struct dns_key key;
    int len = dns_name_parse(owner, NULL, wire);
    assert_true(len > 0);
    assert_int_not_equal(dns_key_fill(&key, wire, (size_t)len), 0);
    uint32_t at = zone_find_node(zone_of(view), &key);
    assert_int_not_equal(at, 0);
    return zone_find_rrset(zone_get_node(zone_of(view), at), type);
}

/* The numbers of records of each member, "-" for none: "2 - 1"; and that members answer so by their policy.
 */
static void assert_counts(const struct view *view, const char *owner, uint16_t type, const char *expected)
{
    const struct zone_rrset *rrset = find(view, owner, type);
    char text[64] = "";
    assert_non_null(rrset);
    assert_int_equal(rrset->flags & (ZONE_RRSET_STEERED | ZONE_RRSET_LISTED),
                     ZONE_RRSET_STEERED | ZONE_RRSET_LISTED);
    const struct zone_listed *list = zone_get_listed(zone_of(view), rrset);
    const struct steer_policy *policy = steer_set_get(view->steer, list->policy);
    assert_int_equal(rrset->types, steer_find_type(policy, type));
    for (unsigned i = 0; i < policy->member_count; i++) {
        const struct zone_set *set = zone_get_set(zone_of(view), list, i);
        size_t at = strlen(text);
        if (set == NULL) {
            snprintf(text + at, sizeof text - at, "%s-", i == 0 ? "" : " ");
        } else {
            snprintf(text + at, sizeof text - at, "%s%u", i == 0 ? "" : " ", set->rrset.count);
        }
        assert_int_equal((policy->members[i].types & rrset->types) != 0, set != NULL);
    }
    assert_string_equal(text, expected);
}

static void each_member_has_its_records(void **state)
{
    (void)state;
    struct view *view = compile(
        "{\"names\": {\"@\": {\"endpoints\": \"*\", \"records\": {"
        "\"MX\": {\"a\": [\"10 ns\", \"20 mx.example.net.\"], \"three\": \"10 ns\"},"
        "\"NS\": {\"a\": \"ns\", \"two\": []}, \"TYPE65400\": {\"b\": [\"\\\\# 0\", \"\\\\# 1 aa\"]}}}}}",
        "");
    assert_non_null(view);
    assert_counts(view, "a.test.", DNS_TYPE_MX, "2 1 2");
    assert_counts(view, "a.test.", DNS_TYPE_NS, "1 - -");
    assert_counts(view, "a.test.", 65400, "- 2 -");
    assert_null(find(view, "a.test.", DNS_TYPE_A));
    assert_int_equal(zone_get_listed(zone_of(view), find(view, "a.test.", DNS_TYPE_MX))->single_count, 2);
    assert_int_equal(__builtin_popcount(view->names[0].types), 3);
    view_free(view);
}

static void addresses_fill_the_gaps(void **state)
{
    (void)state;
    struct view *view =
        compile("{\"names\": {\"x\": {\"endpoints\": \"*\", \"addresses\": true, \"records\": {"
                "\"A\": {\"one\": [\"192.0.2.7\", \"192.0.2.8\"], \"three\": []}}},"
                "\"y\": {\"endpoints\": \"*\", \"records\": {\"A\": {\"one\": \"192.0.2.7\"}}},"
                "\"z\": {\"endpoints\": \"*\", \"records\": {\"TXT\": {}, \"MX\": {\"a\": []}}}}}",
                "");
    assert_non_null(view);
    assert_counts(view, "x.a.test.", DNS_TYPE_A, "2 - 1");
    const struct zone_rrset *aaaa = find(view, "x.a.test.", DNS_TYPE_AAAA);
    assert_non_null(aaaa); /* as without records: addresses have a form of their own */
    assert_int_equal(aaaa->flags & (ZONE_RRSET_STEERED | ZONE_RRSET_LISTED), ZONE_RRSET_STEERED);
    assert_counts(view, "y.a.test.", DNS_TYPE_A, "1 - -");
    assert_null(find(view, "y.a.test.", DNS_TYPE_AAAA));
    assert_int_equal(view->names[2].types, 0);
    view_free(view);
}

static void equal_policies_are_one(void **state)
{
    (void)state;
    struct view *view =
        compile("{\"names\": {"
                "\"p\": {\"endpoints\": \"*\", \"records\": {\"TXT\": {\"a\": \"1\"}}},"
                "\"q\": {\"endpoints\": \"*\", \"records\": {\"TXT\": {\"a\": [\"2\", \"3\"]}}},"
                "\"r\": {\"endpoints\": \"*\", \"records\": {\"TXT\": {\"b\": \"1\"}}},"
                "\"s\": {\"endpoints\": \"*\", \"records\": {\"MX\": {\"a\": \"1 ns\"}}}}}",
                "");
    assert_non_null(view);
    assert_int_equal(view->names[0].policy, view->names[1].policy); /* the rdata are the zone's */
    assert_int_not_equal(view->names[0].policy, view->names[2].policy);
    assert_int_not_equal(view->names[0].policy, view->names[3].policy);
    assert_int_equal(steer_set_count(view->steer), 3);
    assert_counts(view, "p.a.test.", DNS_TYPE_TXT, "1 - 1");
    assert_counts(view, "q.a.test.", DNS_TYPE_TXT, "2 - 2");
    view_free(view);
}

static void broken_rdata_is_reported_where_it_is(void **state)
{
    (void)state;
    struct view *view = compile("{\"names\": {\"x\": {\"endpoints\": \"*\", \"records\": {\n"
                                "\"MX\": {\"a\": [\"10 ok\",\n \"mx\"]},\n"
                                "\"A\": {\"one\": \"192.0.2.300\"},\n"
                                "\"AAAA\": {\"one\": \"2001:db8::1\\n2001:db8::2\"},\n"
                                "\"TXT\": {\"one\": \"\", \"two\": \"\\\"open\"}}}}}",
                                "zones/a.test.json:3:2: error: \"mx\" where a preference is expected, a "
                                "number from 0 to 65535 (at $.names.x.records.MX.a[1])\n"
                                "zones/a.test.json:4:14: error: \"192.0.2.300\" is not an IPv4 address; "
                                "expected four numbers such as 192.0.2.1 (at $.names.x.records.A.one)\n"
                                "zones/a.test.json:5:17: error: a line break, expected one record in one "
                                "line (at $.names.x.records.AAAA.one)\n"
                                "zones/a.test.json:6:16: error: the line ends where a text is expected (at "
                                "$.names.x.records.TXT.one)\n"
                                "zones/a.test.json:6:27: error: this quote is not closed on its line (at "
                                "$.names.x.records.TXT.two)\n");
    view_free(view);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *names, *expected;
    } cases[] = {
        {"\"x\": {\"endpoints\": \"*\", \"records\":\n{\"NS\": {\"a\": \"ns\"}}}",
         "zones/a.test.json:1:12: error: NS records of x.a.test. would delegate it; expected them in the "
         "zone file: a delegation is the same for everybody, and NS is steered at the apex only\n"},
        {"\"www\": {\"endpoints\": \"*\", \"records\":\n{\"CNAME\": {\"a\": \"ns\"}}}",
         "zones/a.test.json:1:12: error: www.a.test. has a CNAME and other data (TXT); a CNAME has to be "
         "alone\n"},
        {"\"x\": {\"endpoints\": \"*\", \"records\":\n{\"CNAME\": {\"a\": [\"ns\", \"www\"]}}}",
         "zones/a.test.json:2:24: error: a second CNAME; a name leads to one other name, so each list has "
         "one\n"},
        {"\"x.cut\": {\"endpoints\": \"*\", \"records\":\n{\"TXT\": {\"a\": \"ns\"}}}",
         "zones/a.test.json:1:12: error: a steered name at or below a delegation or DNAME would never be "
         "answered\n"},
        {"\"x\": {\"endpoints\": \"*\", \"records\":\n{\"TXT\": {\"a\": [\"b\", \"b\"]}}}",
         "zones/a.test.json:2:21: warning: duplicate TXT record ignored\n"},
        {"\"x\": {\"endpoints\": \"*\", \"records\":\n{\"MX\": {\"a\": \"10 nowhere\"}}}",
         "zones/a.test.json:2:14: warning: the mail server nowhere.a.test. has no address (A or AAAA) in "
         "this zone\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, "{\"names\": {%s}}", cases[i].names);
        view_free(compile(text, cases[i].expected));
    }
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, folder_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(each_member_has_its_records), WITH(addresses_fill_the_gaps),
        WITH(equal_policies_are_one),      WITH(broken_rdata_is_reported_where_it_is),
        WITH(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("view_records", tests, NULL, NULL);
}
