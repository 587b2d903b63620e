/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of zone policies against one small topology: what a good one becomes, and for each way to be wrong
 * the message and its place. */
#include "config.h"

#include "policy_kit.h"

#include "conf/server.h"

#include <stdlib.h>

/* Indices: web-1 0, web-2 1 (az us-1), web-3 2 (us-2), web-4 3 (eu-1), db 4 (eu-1) */
static const char topology_text[] =
    "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {}, \"us-2\": {}}}, \"eu\": {\"azs\": {\"eu-1\": {}}}},\n"
    "\"endpoints\": {\"web-1\": {\"az\": \"us-1\", \"addresses\": \"192.0.2.1\", \"weight\": 60},\n"
    "\"web-2\": {\"az\": \"us-1\", \"addresses\": \"192.0.2.2\"},\n"
    "\"web-3\": {\"az\": \"us-2\", \"addresses\": \"192.0.2.3\"},\n"
    "\"web-4\": {\"az\": \"eu-1\", \"addresses\": \"192.0.2.4\"},\n"
    "\"db\": {\"az\": \"eu-1\", \"addresses\": \"192.0.2.5\"}}}";

static int load_topology(void **state)
{
    return policy_kit_load(state, topology_text);
}

/* One error in the owner name, which is in line 2. */
static void expect_owner_error(void **state, const char *owner, const char *line)
{
    char text[1024];
    snprintf(text, sizeof text, "{\"names\": {\n\"%s\": {\"endpoints\": \"db\"}}}", owner);
    expect_error(state, text, line);
}

static void holds_are_read(void **state)
{
    struct conf_policy *p = parse_good(state, "{\"names\": {\n"
                                              "\"a\": {\"endpoints\": \"db\", \"on_hold\": \"fallback\"},\n"
                                              "\"b\": {\"endpoints\": \"db\", \"on_hold\": \"stay\"},\n"
                                              "\"c\": {\"endpoints\": \"db\"}}}");
    assert_true(p->names[0].falls_back);
    assert_false(p->names[1].falls_back);
    assert_false(p->names[2].falls_back);
    conf_free_policy(p);
    expect_error(
        state, "{\"names\": {\n\"a\": {\"endpoints\": \"db\", \"on_hold\": \"go\"}}}",
        "p.json:2:37: error: found \"go\", expected \"stay\" or \"fallback\" (at $.names.a.on_hold)");
}

static void whose_subnet_counts_is_read(void **state)
{
    struct conf_policy *p =
        parse_good(state, "{\"names\": {\n"
                          "\"a\": {\"endpoints\": \"db\", \"client_subnet\": \"ignore\"},\n"
                          "\"b\": {\"endpoints\": \"db\", \"client_subnet\": \"use\"},\n"
                          "\"c\": {\"endpoints\": \"db\"}}}");
    assert_true(p->names[0].ignores_subnet);
    assert_false(p->names[1].ignores_subnet);
    assert_false(p->names[2].ignores_subnet);
    conf_free_policy(p);
    expect_error(
        state, "{\"names\": {\n\"a\": {\"endpoints\": \"db\", \"client_subnet\": true}}}",
        "p.json:2:43: error: found true, expected \"use\" or \"ignore\" (at $.names.a.client_subnet)");
}

static void what_answers_are_apart_in_is_read(void **state)
{
    struct conf_policy *p = parse_good(
        state, "{\"names\": {\n\"a\": {\"endpoints\": \"db\", \"answers\": 2, \"apart\": \"az\"},\n"
               "\"b\": {\"endpoints\": \"db\", \"answers\": 2, \"apart\": \"region\"},\n"
               "\"c\": {\"endpoints\": \"db\"}}}");
    assert_int_equal(p->names[0].apart, CONF_APART_AZ);
    assert_int_equal(p->names[1].apart, CONF_APART_REGION);
    assert_int_equal(p->names[2].apart, CONF_APART_NOTHING);
    conf_free_policy(p);
    expect_error(
        state, "{\"names\": {\n\"a\": {\"endpoints\": \"db\", \"apart\": \"az\"}}}",
        "p.json:2:26: error: \"apart\" has a meaning only for several \"answers\" that are picked by "
        "weight (at $.names.a.apart)");
}

static void defaults_are_documented(void **state)
{
    struct conf_policy *p =
        parse_good(state, "{\"names\": {\n  \"www\": {\"endpoints\": [\"web-2\", \"web-1\"]}}}");
    assert_string_equal(p->path, "p.json");
    assert_string_equal(p->origin, "example.com.");
    assert_int_equal(p->name_count, 1);
    const struct conf_name *n = &p->names[0];
    assert_string_equal(n->owner, "www.example.com.");
    assert_int_equal(n->ttl, 30);
    assert_int_equal(n->member_count, 2);
    assert_int_equal(n->members[0].endpoint, 0);
    assert_int_equal(n->members[0].weight, 60);
    assert_int_equal(n->members[1].endpoint, 1);
    assert_int_equal(n->members[1].weight, 1);
    assert_int_equal(n->tiers.count, 1);
    assert_tier(&n->tiers.items[0], "all", "0 1");
    assert_null(n->geo);
    assert_int_equal(n->tiers.nearest, 0);
    assert_int_equal(n->pick, CONF_PICK_WEIGHTED);
    assert_int_equal(n->answers, 1);
    assert_int_equal(n->fallback->then, CONF_FALLBACK_FIRST);
    assert_null(n->wants_static);
    assert_int_equal(n->line, 2);
    assert_int_equal(n->column, 3);
    conf_free_policy(p);
    conf_free_policy(NULL);
}

static void every_key_arrives(void **state)
{
    struct conf_policy *p =
        parse_good(state, "{\"$schema\": 1, \"names\": {\"$comment\": \"x\", \"*.App\": {\"ttl\": \"5m\",\n"
                          "\"endpoints\": [\"db\", \"web-*\", \"web-1\"],\n"
                          "\"weights\": {\"web-1\": 9, \"web-*\": 5, \"*-4\": 0, \"$comment\": 1},\n"
                          "\"tiers\": [[\"us-1\", \"web-3\"], [\"db\"], [\"web-4\"]],\n"
                          "\"geo\": [{\"when\": {\"country\": [\"us\", \"CA\"], \"continent\": \"NA\",\n"
                          "\"cidr\": [\"192.0.2.0/24\", \"2001:db8::/32\"]}, \"tiers\": [[\"us\"]]},\n"
                          "{\"when\": {\"continent\": [\"EU\"]}, \"tiers\": [[\"eu\"], [\"us\"]]}],\n"
                          "\"pick\": \"all\", \"answers\": 64, \"fallback\": \"servfail\"}}}");
    const struct conf_name *n = &p->names[0];
    assert_string_equal(n->owner, "*.app.example.com.");
    assert_int_equal(n->ttl, 300);
    assert_int_equal(n->member_count, 5);
    static const uint32_t weights[] = {9, 5, 5, 0, 1};
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(n->members[i].endpoint, i);
        assert_int_equal(n->members[i].weight, weights[i]);
    }
    assert_int_equal(n->tiers.count, 3);
    assert_tier(&n->tiers.items[0], "us-1+web-3", "0 1 2");
    assert_tier(&n->tiers.items[1], "db", "4");
    assert_tier(&n->tiers.items[2], "web-4", "3");
    assert_int_equal(n->geo->rule_count, 2);
    const struct conf_geo_rule *rules = n->geo->rules;
    assert_int_equal(rules[0].values[CONF_GEO_COUNTRY].text_count, 2);
    assert_string_equal(rules[0].values[CONF_GEO_COUNTRY].texts[0], "US");
    assert_string_equal(rules[0].values[CONF_GEO_COUNTRY].texts[1], "CA");
    assert_string_equal(rules[0].values[CONF_GEO_CONTINENT].texts[0], "NA");
    assert_int_equal(rules[0].prefix_count, 2);
    assert_int_equal(rules[0].prefixes[1].len, 32);
    assert_tier(&n->outcomes[rules[0].outcome].items[0], "us", "0 1 2");
    assert_int_equal(rules[1].values[CONF_GEO_COUNTRY].text_count, 0);
    assert_tier(&n->outcomes[rules[1].outcome].items[0], "eu", "3 4");
    assert_int_equal(n->pick, CONF_PICK_ALL);
    assert_int_equal(n->answers, 64);
    assert_int_equal(n->fallback->then, CONF_FALLBACK_SERVFAIL);
    conf_free_policy(p);
}

static void owners_are_absolute(void **state)
{
    struct conf_policy *p =
        parse_good(state, "{\"names\": {\"@\": {\"endpoints\": \"db\"}, \"A.example.COM.\": "
                          "{\"endpoints\": \"db\"}, \"b.c\": {\"endpoints\": \"db\"}, \"*\": "
                          "{\"endpoints\": \"db\"}}}");
    assert_string_equal(p->names[0].owner, "example.com.");
    assert_string_equal(p->names[1].owner, "a.example.com.");
    assert_string_equal(p->names[2].owner, "b.c.example.com.");
    assert_string_equal(p->names[3].owner, "*.example.com.");
    conf_free_policy(p);
}

static void the_root_holds_every_name(void **state)
{
    static const char text[] =
        "{\"names\": {\"@\": {\"endpoints\": \"db\"}, \"com\": {\"endpoints\": \"db\"}}}";
    static const char *const nothing[] = {NULL};
    struct report *report = report_new();
    struct conf_policy *p = conf_parse_policy("p.json", ".", text, sizeof text - 1, *state, report);
    expect_report(report, nothing);
    assert_string_equal(p->names[0].owner, ".");
    assert_string_equal(p->names[1].owner, "com.");
    conf_free_policy(p);
}

static void owners_are_checked(void **state)
{
    expect_owner_error(state, "www.example.org.",
                       "p.json:2:1: error: \"www.example.org.\" is outside the zone "
                       "example.com. (at $.names[\"www.example.org.\"])");
    expect_owner_error(state, "xexample.com.",
                       "p.json:2:1: error: \"xexample.com.\" is outside the zone "
                       "example.com. (at $.names[\"xexample.com.\"])");
    expect_owner_error(state, "a..b",
                       "p.json:2:1: error: \"a..b\" is no domain name: expected labels of 1 to 63 "
                       "characters, separated by dots, at most 255 octets with the origin (at "
                       "$.names[\"a..b\"])");
    expect_owner_error(state, "a.*",
                       "p.json:2:1: error: \"a.*\" is no owner name: the label \"*\" may only be the first "
                       "one, as in \"*.app\" (at $.names[\"a.*\"])");
    expect_owner_error(state, "*.*",
                       "p.json:2:1: error: \"*.*\" is no owner name: the label \"*\" may only be the first "
                       "one, as in \"*.app\" (at $.names[\"*.*\"])");
    expect_owner_error(state, "a b",
                       "p.json:2:1: error: \"a b\" is no domain name: found a blank or a character "
                       "outside ASCII, expected the xn-- form of internationalised names (at "
                       "$.names[\"a b\"])");
    expect_error(
        state,
        "{\"names\": {\"www\": {\"endpoints\": \"db\"},\n\"WWW.example.com.\": {\"endpoints\": \"db\"}}}",
        "p.json:2:1: error: the name www.example.com. is there already, in line 1 (at "
        "$.names[\"WWW.example.com.\"])");
    expect_error(state, "{}", "p.json:1:1: error: missing key \"names\" (at $)");
    expect_error(state, "{\"names\": []}",
                 "p.json:1:11: error: found an array, expected an object (at $.names)");
    expect_error(state, "{\"names\": {\"w\": 1}}",
                 "p.json:1:17: error: found 1, expected an object (at $.names.w)");
}

static void a_missing_final_dot_is_noticed(void **state)
{
    struct report *report = report_new();
    struct conf_policy *p =
        parse(state, "{\"names\":\n {\"www.example.com\": {\"endpoints\": \"db\"}}}", report);
    assert_non_null(p);
    conf_free_policy(p);
    expect_line(report,
                "p.json:2:3: warning: \"www.example.com\" stands for www.example.com.example.com.; write "
                "\"www.example.com.\" with a final dot if it is complete (at $.names[\"www.example.com\"])");
}

static void members_are_checked(void **state)
{
    expect_name_error(state, "", "p.json:2:1: error: missing key \"endpoints\" (at $.names.www)");
    expect_name_error(
        state, "\"endpoints\": []",
        "p.json:2:15: error: there are no endpoints, expected at least one (at $.names.www.endpoints)");
    expect_name_error(
        state, "\"endpoints\": {}",
        "p.json:2:15: error: found an object, expected an endpoint or an array of endpoints (at "
        "$.names.www.endpoints)");
    expect_name_error(
        state, "\"endpoints\": [\"web-9\", \"db\"]",
        "p.json:2:16: error: no endpoint \"web-9\", did you mean \"web-1\"? There are \"web-1\", "
        "\"web-2\", \"web-3\", \"web-4\", \"db\" (at $.names.www.endpoints[0])");
    expect_name_error(
        state, "\"endpoints\": [\"mail-*\"]",
        "p.json:2:16: error: no endpoint matches \"mail-*\"; there are \"web-1\", \"web-2\", \"web-3\", "
        "\"web-4\", \"db\" (at $.names.www.endpoints[0])");
    expect_name_error(
        state, "\"endpoints\": \"us-1\"",
        "p.json:2:15: error: \"us-1\" is an az, expected an endpoint, a pattern of endpoints or a group (at "
        "$.names.www.endpoints)");
    expect_web_error(
        state, "\"weights\": {\"db\": 1}",
        "p.json:3:13: error: \"db\" matches none of the name's endpoints (at $.names.www.weights.db)");
    expect_web_error(
        state, "\"weights\": {\"d*\": 1}",
        "p.json:3:13: error: \"d*\" matches none of the name's endpoints (at $.names.www.weights[\"d*\"])");
    expect_web_error(state, "\"weights\": {\"web-1\": 65536}",
                     "p.json:3:22: error: found 65536, expected a whole number from 0 to 65535 (at "
                     "$.names.www.weights.web-1)");
    expect_web_error(state, "\"weights\": 1",
                     "p.json:3:12: error: found 1, expected an object (at $.names.www.weights)");
}

static void settings_are_checked(void **state)
{
    static const char *const ttls[] = {"-1", "2147483648", "\"500ms\"", "1.5", "\"x\"", "\"999999h\""};
    for (size_t i = 0; i < sizeof ttls / sizeof *ttls; i++) {
        char member[64], line[256];
        snprintf(member, sizeof member, "\"ttl\": %s", ttls[i]);
        snprintf(line, sizeof line,
                 "p.json:3:8: error: found %s, expected a TTL from 0 to 2147483647 whole seconds, "
                 "such as 30, \"30s\", \"5m\" or \"1h\" (at $.names.www.ttl)",
                 ttls[i]);
        expect_web_error(state, member, line);
    }
    expect_web_error(
        state, "\"pick\": \"wieghted\"",
        "p.json:3:9: error: found \"wieghted\", expected \"weighted\", \"round-robin\", \"all\" or "
        "\"sticky\" (at $.names.www.pick)");
    expect_web_error(
        state, "\"answers\": 65",
        "p.json:3:12: error: found 65, expected a whole number from 1 to 64 (at $.names.www.answers)");
    expect_web_error(
        state, "\"fallback\": \"drop\"",
        "p.json:3:13: error: found \"drop\", expected \"first\", \"all\", \"static\", \"nodata\" or "
        "\"servfail\" (at $.names.www.fallback)");
    expect_web_error(
        state, "\"tier\": []",
        "p.json:3:1: error: unknown key \"tier\"; did you mean \"tiers\"? (at $.names.www.tier)");
}

static void ttls_have_bounds(void **state)
{
    struct conf_policy *p =
        parse_good(state, "{\"names\": {\"a\": {\"endpoints\": \"db\", \"ttl\": 0}, \"b\": "
                          "{\"endpoints\": \"db\", \"ttl\": 2147483647}, \"c\": {\"endpoints\": "
                          "\"db\", \"ttl\": \"1h\"}}}");
    assert_int_equal(p->names[0].ttl, 0);
    assert_int_equal(p->names[1].ttl, 2147483647);
    assert_int_equal(p->names[2].ttl, 3600);
    conf_free_policy(p);
}

static void tiers_are_checked(void **state)
{
    expect_web_error(state, "\"tiers\": []",
                     "p.json:3:10: error: there are no tiers, expected at least one (at $.names.www.tiers)");
    expect_web_error(
        state, "\"tiers\": [[]]",
        "p.json:3:11: error: the tier is empty, expected names of regions, azs, endpoints or groups (at "
        "$.names.www.tiers[0])");
    expect_web_error(state, "\"tiers\": \"us\"",
                     "p.json:3:10: error: found \"us\", expected an array of tiers, such as [[\"us-east\"], "
                     "[\"eu-west\"]], or \"nearest\" (at $.names.www.tiers)");
    expect_web_error(state, "\"tiers\": [\"us\"]",
                     "p.json:3:11: error: found \"us\", expected an array of names of regions, azs, "
                     "endpoints or groups, such "
                     "as [\"us-east\"] (at $.names.www.tiers[0])");
    expect_web_error(state, "\"tiers\": [[\"us\", 1]]",
                     "p.json:3:18: error: found 1, expected a string (at $.names.www.tiers[0][1])");
    expect_web_error(
        state, "\"tiers\": [[\"us\"], [\"asia\"]]",
        "p.json:3:20: error: no region, az, endpoint or group \"asia\"; there are \"us\", \"eu\", \"us-1\", "
        "\"us-2\", \"eu-1\", \"web-1\", \"web-2\", \"web-3\" and 2 more (at $.names.www.tiers[1][0])");
    expect_web_error(
        state, "\"tiers\": [[\"db\"]]",
        "p.json:3:11: error: the tier \"db\" has no members: none of the name's endpoints is there (at "
        "$.names.www.tiers[0])");
    expect_web_error(
        state, "\"tiers\": [[\"us\"], [\"us-1\", \"us-2\"]]",
        "p.json:3:19: error: the tier \"us-1+us-2\" has no members left: all of them are in earlier tiers "
        "(at $.names.www.tiers[1])");
}

static void the_first_tier_keeps_a_member(void **state)
{
    static const char *const lines[] = {
        "p.json:3:29: warning: \"web-1\" and 1 more are in earlier tiers already and stay in those only (at "
        "$.names.a.tiers[1])",
        "p.json:4:28: warning: \"web-4\" is in an earlier tier already and stays in that one only (at "
        "$.names.b.tiers[1])",
        "p.json:5:28: warning: \"web-4\" is in an earlier tier already and stays in that one only (at "
        "$.names.c.tiers[1])",
        NULL};
    struct report *report = report_new();
    struct conf_policy *p =
        parse(state,
              "{\"names\": {\n\"a\": {\"endpoints\": \"*\",\n\"tiers\": [[\"us-1\", \"us-1\"], "
              "[\"us\"], [\"eu\"]]},\n\"b\": {\"tiers\": [[\"web-4\"], [\"eu\"]], \"endpoints\": "
              "\"*\"},\n\"c\": {\"tiers\": [[\"web-4\"], [\"eu\"]], \"endpoints\": \"*\"}}}",
              report);
    assert_non_null(p);
    assert_tier(&p->names[0].tiers.items[0], "us-1+us-1", "0 1");
    assert_tier(&p->names[0].tiers.items[1], "us", "2");
    assert_tier(&p->names[1].tiers.items[1], "eu", "4");
    assert_tier(&p->names[2].tiers.items[1], "eu", "4");
    conf_free_policy(p);
    expect_report(report, lines);
}

/* What is wrong with the members must not be reported again as tiers without members. */
static void errors_do_not_cascade(void **state)
{
    static const char *const lines[] = {
        "p.json:1:37: error: no endpoint \"web-9\", did you mean \"web-1\"? There are \"web-1\", \"web-2\", "
        "\"web-3\", "
        "\"web-4\", \"db\" (at $.names.a.endpoints[0])",
        "p.json:2:28: error: no region, az, endpoint or group \"asia\"; there are \"us\", \"eu\", \"us-1\", "
        "\"us-2\", "
        "\"eu-1\", \"web-1\", \"web-2\", \"web-3\" and 2 more (at $.names.a.tiers[2][0])",
        "p.json:3:20: error: no endpoint \"web-9\", did you mean \"web-1\"? There are \"web-1\", \"web-2\", "
        "\"web-3\", \"web-4\", \"db\" (at $.names.b.endpoints)",
        NULL};
    struct report *report = report_new();
    assert_null(parse(
        state,
        "{\"names\": {\"a\": {     \"endpoints\": [\"web-9\", \"db\"],\n\"tiers\": [[\"us\"], [\"eu\"], "
        "[\"asia\"]], \"weights\": {\"web-9\": 1}},\n\"b\": {\"endpoints\": \"web-9\"}}}",
        report));
    expect_report(report, lines);
}

static void names_written_alike_share(void **state)
{
    static const char settings[] =
        "{\"endpoints\": \"web-*\", \"weights\": {\"web-1\": 3}, \"tiers\": [[\"us\"], "
        "[\"eu\"]], \"geo\": [{\"when\": {\"continent\": \"EU\"}, \"tiers\": [[\"eu\"]]}]}";
    char text[2048];
    snprintf(text, sizeof text,
             "{\"names\": {\"a\": %s, \"b\": %s, \"c\": {\"endpoints\": \"web-*\", \"tiers\": "
             "[[\"us\"], [\"eu\"]]}}}",
             settings, settings);
    struct conf_policy *p = parse_good(state, text);
    const struct conf_name *a = &p->names[0], *b = &p->names[1], *c = &p->names[2];
    assert_ptr_equal(a->members, b->members);
    assert_ptr_equal(a->tiers.items, b->tiers.items);
    assert_ptr_equal(a->geo, b->geo);
    assert_int_equal(b->geo->rule_count, 1);
    assert_ptr_equal(a->outcomes, b->outcomes);
    assert_ptr_not_equal(a->members, c->members);
    assert_int_equal(c->members[0].weight, 60);
    assert_int_equal(a->members[0].weight, 3);
    assert_ptr_not_equal(a->tiers.items, c->tiers.items);
    conf_free_policy(p);
}

/* The sample documents, which the JSON Schemas accept (test_conf_schema), are good for the server too. */
static void samples_are_good(void **state)
{
    (void)state;
    static const char *const nothing[] = {NULL};
    struct report *report = report_new();
    struct conf_server *s = conf_load_server(TEST_DATA "/steerd.json", report);
    assert_non_null(s);
    assert_string_equal(s->topology_path, TEST_DATA "/topology.json");
    struct conf_topology *t = conf_load_topology(s->topology_path, report);
    assert_non_null(t);
    struct conf_policy *p = conf_load_policy(s->zones[0].policy_path, s->zones[0].origin, t, report);
    assert_non_null(p);
    expect_report(report, nothing);
    assert_int_equal(p->name_count, 8);
    assert_string_equal(p->names[3].owner, "api.example.com.");
    assert_int_equal(p->names[3].line, 20);
    assert_int_equal(p->names[3].column, 5);
    assert_int_equal(p->names[1].members[1].weight, 5);
    conf_free_policy(p);
    conf_free_topology(t);
    conf_free_server(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_are_read),
        cmocka_unit_test(whose_subnet_counts_is_read),
        cmocka_unit_test(what_answers_are_apart_in_is_read),
        cmocka_unit_test(defaults_are_documented),
        cmocka_unit_test(every_key_arrives),
        cmocka_unit_test(owners_are_absolute),
        cmocka_unit_test(the_root_holds_every_name),
        cmocka_unit_test(owners_are_checked),
        cmocka_unit_test(a_missing_final_dot_is_noticed),
        cmocka_unit_test(members_are_checked),
        cmocka_unit_test(settings_are_checked),
        cmocka_unit_test(ttls_have_bounds),
        cmocka_unit_test(tiers_are_checked),
        cmocka_unit_test(the_first_tier_keeps_a_member),
        cmocka_unit_test(errors_do_not_cascade),
        cmocka_unit_test(names_written_alike_share),
        cmocka_unit_test(samples_are_good),
    };
    return cmocka_run_group_tests_name("conf policy", tests, load_topology, policy_kit_free);
}
