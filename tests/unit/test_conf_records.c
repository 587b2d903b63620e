/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of "records" and "addresses" of a name: which key a member gets its rdata from, what may be steered,
 * and where errors are. */
#include "config.h"

#include "policy_kit.h"

#include "dns/types.h"

/* Indices: web-1 0, web-2 1 (az us-1), web-3 2 (us-2), web-4 3 (eu-1), db 4 (eu-1) */
static const char topology_text[] =
    "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {}, \"us-2\": {}}}, \"eu\": {\"azs\": {\"eu-1\": {}}}},\n"
    "\"endpoints\": {\"web-1\": {\"az\": \"us-1\", \"addresses\": \"192.0.2.1\"},\n"
    "\"web-2\": {\"az\": \"us-1\", \"addresses\": \"192.0.2.2\"},\n"
    "\"web-3\": {\"az\": \"us-2\", \"addresses\": \"192.0.2.3\"},\n"
    "\"web-4\": {\"az\": \"eu-1\", \"addresses\": \"192.0.2.4\"},\n"
    "\"db\": {\"az\": \"eu-1\", \"addresses\": \"192.0.2.5\"}},\n"
    "\"groups\": {\"both\": [\"web-3\", \"web-4\"]}}";

static int load_topology(void **state)
{
    return policy_kit_load(state, topology_text);
}

/* The rdata of each member as "a b|c|-|", "-" where nothing is said, and nothing for an empty list. */
static void assert_lists(const struct conf_name *name, size_t index, uint16_t type, const char *expected)
{
    char text[256] = "";
    assert_non_null(name->records);
    assert_true(index < name->records->count);
    const struct conf_record_type *t = &name->records->types[index];
    assert_int_equal(t->type, type);
    for (size_t i = 0; i < name->member_count; i++) {
        size_t at = strlen(text);
        if (t->of_member[i] == CONF_NO_LIST) {
            snprintf(text + at, sizeof text - at, "-|");
            continue;
        }
        const struct conf_list *list = &t->lists[t->of_member[i]];
        for (size_t k = 0; k < list->count; k++, at = strlen(text)) {
            snprintf(text + at, sizeof text - at, "%s%s", k == 0 ? "" : " ", list->items[k].text);
        }
        snprintf(text + at, sizeof text - at, "|");
    }
    assert_string_equal(text, expected);
}

static struct conf_policy *parse_records(void **state, const char *records)
{
    char text[2048];
    snprintf(text, sizeof text, "{\"names\": {\"www\": {\"endpoints\": \"*\", \"records\": {%s}}}}", records);
    return parse_good(state, text);
}

static void the_narrowest_key_wins(void **state)
{
    struct conf_policy *p = parse_records(
        state,
        "\"TXT\": {\"web-1\": \"endpoint\", \"web-*\": \"pattern\", \"both\": \"group\", \"us-1\": \"az\", "
        "\"us\": \"region\", \"eu\": \"europe\", \"eu-1\": \"zone\"},"
        "\"MX\": {\"us-1\": \"az\", \"both\": \"group\", \"us\": \"region\"},"
        "\"SRV\": {\"eu-1\": \"az\", \"eu\": \"region\"}");
    assert_lists(&p->names[0], 0, DNS_TYPE_TXT, "endpoint|pattern|pattern|pattern|zone|");
    assert_lists(&p->names[0], 1, DNS_TYPE_MX, "az|az|group|group|-|");
    assert_lists(&p->names[0], 2, DNS_TYPE_SRV, "-|-|-|az|az|");
    conf_free_policy(p);
}

static void of_equal_keys_the_last_wins(void **state)
{
    struct conf_policy *p = parse_records(state, "\"TXT\": {\"web-*\": \"a\", \"*-1\": \"b\", \"*\": \"c\"}, "
                                                 "\"MX\": {\"*-1\": \"b\", \"web-*\": \"a\"}");
    assert_lists(&p->names[0], 0, DNS_TYPE_TXT, "b|a|a|a|c|");
    assert_lists(&p->names[0], 1, DNS_TYPE_MX, "a|a|a|a|-|");
    conf_free_policy(p);
}

static void an_asterisk_is_for_all_others(void **state)
{
    struct conf_policy *p = parse_records(
        state, "\"TXT\": {\"us\": \"us\", \"*\": \"rest\"}, \"MX\": {\"*\": \"rest\", \"eu\": []}");
    assert_lists(&p->names[0], 0, DNS_TYPE_TXT, "us|us|us|rest|rest|");
    assert_lists(&p->names[0], 1, DNS_TYPE_MX, "rest|rest|rest|||");
    conf_free_policy(p);
}

static void lists_hold_any_number(void **state)
{
    struct conf_policy *p = parse_records(
        state, "\"type65400\": {\"$comment\": \"x\", \"us\": [\"1\", \"2\", \"3\"], \"web-2\": []}");
    assert_lists(&p->names[0], 0, 65400, "1 2 3||1 2 3|-|-|");
    const struct conf_rdata *second = &p->names[0].records->types[0].lists[0].items[1];
    assert_string_equal(second->place.path, "$.names.www.records.type65400.us[1]");
    assert_int_equal(second->place.line, 1);
    assert_int_equal(second->place.column, 93);
    conf_free_policy(p);
}

static void addresses_stay_unless_there_are_records(void **state)
{
    struct conf_policy *p =
        parse_good(state, "{\"names\": {\"a\": {\"endpoints\": \"*\"},"
                          "\"b\": {\"endpoints\": \"*\", \"records\": {\"TXT\": {\"*\": \"x\"}}},"
                          "\"c\": {\"endpoints\": \"*\", \"records\": {\"TXT\": {\"*\": \"x\"}}, "
                          "\"addresses\": true}}}");
    assert_true(p->names[0].addresses);
    assert_null(p->names[0].records);
    assert_false(p->names[1].addresses);
    assert_true(p->names[2].addresses);
    assert_ptr_equal(p->names[1].records, p->names[2].records); /* written alike */
    conf_free_policy(p);
}

static void types_are_judged(void **state)
{
    static const struct {
        const char *type, *message;
    } bad[] = {
        {"MXX", "\"MXX\" is no record type, expected one such as \"MX\" or \"TYPE65534\""},
        {"TYPE65536", "\"TYPE65536\" is no record type, expected one such as \"MX\" or \"TYPE65534\""},
        {"", "\"\" is no record type, expected one such as \"MX\" or \"TYPE65534\""},
        {"soa", "SOA cannot be steered: a zone has one SOA for all"},
        {"TYPE6", "SOA cannot be steered: a zone has one SOA for all"},
        {"DNAME", "DNAME cannot be steered: a DNAME redirects other names than its own"},
        {"DS", "DS cannot be steered: records of DNSSEC and of delegations are the same for every client"},
        {"TYPE60", "CDNSKEY cannot be steered: records of DNSSEC and of delegations are the same for every "
                   "client"},
        {"ANY", "ANY cannot be steered: it is for messages, not for zones (RFC 6895)"},
        {"TYPE0", "TYPE0 cannot be steered: it is for messages, not for zones (RFC 6895)"},
        {"OPT", "OPT cannot be steered: it is for messages, not for zones (RFC 6895)"},
        {"TYPE128", "TYPE128 cannot be steered: it is for messages, not for zones (RFC 6895)"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char members[128], line[256];
        snprintf(members, sizeof members, "\"records\": {\"%s\": {\"*\": \"x\"}}", bad[i].type);
        snprintf(line, sizeof line, "p.json:3:13: error: %s (at $.names.www.records%s%s%s)", bad[i].message,
                 bad[i].type[0] == '\0' ? "[\"" : ".", bad[i].type, bad[i].type[0] == '\0' ? "\"]" : "");
        expect_web_error(state, members, line);
    }
    expect_web_error(state, "\"records\": {\"MX\": {\"*\": \"x\"},\n\"mx\": {\"*\": \"x\"}}",
                     "p.json:4:1: error: the type \"mx\" is there already (at $.names.www.records.mx)");
}

static void there_are_at_most_14_types_besides_addresses(void **state)
{
    char text[1024] = "\"records\": {\"A\": {\"*\": \"192.0.2.7\"}, \"AAAA\": {\"*\": \"::1\"}";
    for (unsigned type = 65300; type < 65314; type++) {
        size_t at = strlen(text);
        snprintf(text + at, sizeof text - at, ", \"TYPE%u\": {}", type);
    }
    char good[1200];
    snprintf(good, sizeof good, "{\"names\": {\"www\": {\"endpoints\": \"*\", %s}}}}", text);
    struct conf_policy *p = parse_good(state, good);
    assert_int_equal(p->names[0].records->count, 16);
    conf_free_policy(p);
    strcat(text, ", \"MX\": {}}");
    expect_name_error(state, strcat(strcpy(good, "\"endpoints\": \"*\", "), text),
                      "p.json:2:31: error: found 15 types, expected at most 14 besides A and AAAA (at "
                      "$.names.www.records)");
}

static void lists_are_judged(void **state)
{
    expect_web_error(state, "\"records\": []",
                     "p.json:3:12: error: found an array, expected an object (at $.names.www.records)");
    expect_web_error(state, "\"records\": {\"MX\": \"10 mx\"}",
                     "p.json:3:19: error: found \"10 mx\", expected an object (at $.names.www.records.MX)");
    expect_web_error(state, "\"records\": {\"MX\": {\"us\": 10}}",
                     "p.json:3:26: error: found 10, expected rdata or an array of rdata, each as in a zone "
                     "file (at $.names.www.records.MX.us)");
    expect_web_error(state, "\"records\": {\"MX\": {\"us\": [\"10 a\", {}]}}",
                     "p.json:3:35: error: found an object, expected a string (at "
                     "$.names.www.records.MX.us[1])");
    expect_web_error(state, "\"records\": {\"MX\": {\"db\": \"10 mx\"}}",
                     "p.json:3:20: error: \"db\" matches none of the name's endpoints, expected an endpoint, "
                     "a pattern of endpoints, a group, an az or a region of theirs (at "
                     "$.names.www.records.MX.db)");
    expect_web_error(state, "\"records\": {\"MX\": {\"asia\": \"10 mx\"}}",
                     "p.json:3:20: error: \"asia\" matches none of the name's endpoints, expected an "
                     "endpoint, a pattern of endpoints, a group, an az or a region of theirs (at "
                     "$.names.www.records.MX.asia)");
    expect_web_error(state, "\"addresses\": 1",
                     "p.json:3:14: error: found 1, expected true or false (at $.names.www.addresses)");
    expect_web_error(state, "\"addresses\": false",
                     "p.json:3:14: error: nothing is left to answer: expected \"records\" beside "
                     "\"addresses\": false (at $.names.www.addresses)");
}

static void an_alias_is_alone(void **state)
{
    static const char other[] = "\"records\": {\"CNAME\": {\"*\": \"a\"}, \"TXT\": {\"*\": \"x\"}}",
                      alias[] = "\"records\": {\"CNAME\": {\"*\": \"a\"}}";
    char text[256];
    expect_web_error(state, other,
                     "p.json:3:12: error: a CNAME beside other types; a CNAME has to be alone (at "
                     "$.names.www.records)");
    expect_web_error(state, strcat(strcpy(text, alias), ", \"addresses\": true"),
                     "p.json:3:12: error: a CNAME beside \"addresses\"; a CNAME has to be alone (at "
                     "$.names.www.records)");
    expect_web_error(state, strcat(strcpy(text, alias), ", \"answers\": 2"),
                     "p.json:3:12: error: a CNAME leads to one name; expected \"answers\": 1, and no "
                     "\"pick\": \"all\" (at $.names.www.records)");
    expect_web_error(state, strcat(strcpy(text, alias), ", \"pick\": \"all\""),
                     "p.json:3:12: error: a CNAME leads to one name; expected \"answers\": 1, and no "
                     "\"pick\": \"all\" (at $.names.www.records)");
    snprintf(text, sizeof text, "{\"names\": {\"eXample.com.\": {\"endpoints\": \"*\",\n%s}}}", alias);
    expect_error(state, text,
                 "p.json:2:12: error: a CNAME at the apex, where SOA and NS stand; expected A and AAAA, or "
                 "HTTPS in AliasMode (\"0 target\") (at $.names[\"eXample.com.\"].records)");
    struct conf_policy *p = parse_records(state, "\"CNAME\": {\"us\": \"a\", \"eu\": \"b\"}");
    assert_lists(&p->names[0], 0, DNS_TYPE_CNAME, "a|a|a|b|b|");
    conf_free_policy(p);
}

/* How host names are answered, as far as the document decides it. */
static void host_answers_are_judged(void **state)
{
    static const struct {
        const char *owner, *settings;
        bool may_alias;
    } good[] = {
        {"www", "\"ttl\": 5", true},
        {"www", "\"host_answer\": \"cname\"", true},
        {"www", "\"host_answer\": \"addresses\"", false},
        {"@", "\"host_answer\": \"auto\"", false},
        {"www", "\"answers\": 2", false},
        {"www", "\"pick\": \"all\"", false},
        {"www", "\"records\": {\"TXT\": {\"*\": \"x\"}}, \"addresses\": true", false},
    };
    char text[512];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(text, sizeof text, "{\"names\": {\"%s\": {\"endpoints\": \"*\", %s}}}", good[i].owner,
                 good[i].settings);
        struct conf_policy *p = parse_good(state, text);
        assert_int_equal(p->names[0].may_alias, good[i].may_alias);
        conf_free_policy(p);
    }
    static const char *const bad[][3] = {
        {"@", "\"ttl\": 5", "at the apex, where SOA and NS stand"},
        {"www", "\"answers\": 2", "with more than one of \"answers\""},
        {"www", "\"pick\": \"all\"", "with \"pick\": \"all\""},
        {"www", "\"records\": {\"TXT\": {\"*\": \"x\"}}", "beside \"records\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char expected[256];
        snprintf(text, sizeof text,
                 "{\"names\": {\"%s\": {\"endpoints\": \"*\", %s,\n\"host_answer\": \"cname\"}}}", bad[i][0],
                 bad[i][1]);
        snprintf(expected, sizeof expected,
                 "p.json:2:16: error: found \"cname\" %s; a CNAME has to be alone (at $.names%s.host_answer)",
                 bad[i][2], bad[i][0][0] == '@' ? "[\"@\"]" : ".www");
        expect_error(state, text, expected);
    }
}

/* What is wrong with the members must not be reported again as keys that match none. */
static void errors_do_not_cascade(void **state)
{
    expect_error(state,
                 "{\"names\": {\"a\": {\"endpoints\": [\"web-1\", \"nothing\"],\n"
                 "\"records\": {\"MX\": {\"eu\": \"10 mx\"}}}}}",
                 "p.json:1:41: error: no endpoint \"nothing\"; there are \"web-1\", \"web-2\", \"web-3\", "
                 "\"web-4\", \"db\", \"both\" (at $.names.a.endpoints[1])");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_narrowest_key_wins),
        cmocka_unit_test(of_equal_keys_the_last_wins),
        cmocka_unit_test(an_asterisk_is_for_all_others),
        cmocka_unit_test(lists_hold_any_number),
        cmocka_unit_test(addresses_stay_unless_there_are_records),
        cmocka_unit_test(types_are_judged),
        cmocka_unit_test(there_are_at_most_14_types_besides_addresses),
        cmocka_unit_test(lists_are_judged),
        cmocka_unit_test(an_alias_is_alone),
        cmocka_unit_test(host_answers_are_judged),
        cmocka_unit_test(errors_do_not_cascade),
    };
    return cmocka_run_group_tests_name("conf_records", tests, load_topology, policy_kit_free);
}
