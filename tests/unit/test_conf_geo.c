/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of geography in documents: conditions, sets of rules that names share, tiers by distance; and for
 * each way to be wrong the message and its place. */
#include "config.h"

#include "policy_kit.h"

#include <stdlib.h>

/* Indices: web-1 0, web-2 1 (az us-1), web-3 2 (us-2), web-4 3 (eu-1), db 4 (eu-1), lost-1 5, lost-2 6 */
static const char topology_text[] =
    "{\"regions\": {\"us\": {\"location\": [38.9, -77], \"azs\": {\"us-1\": {}, \"us-2\": {\"location\": "
    "[-33, 0]}}},"
    "\"eu\": {\"location\": [53.3, -6.3], \"azs\": {\"eu-1\": {}}}, \"nowhere\": {\"azs\": {\"nowhere-1\": "
    "{}}}},\n"
    "\"endpoints\": {\"web-1\": {\"az\": \"us-1\", \"addresses\": \"192.0.2.1\", \"weight\": 60},\n"
    "\"web-2\": {\"az\": \"us-1\", \"addresses\": \"192.0.2.2\"},\n"
    "\"web-3\": {\"az\": \"us-2\", \"addresses\": \"192.0.2.3\"},\n"
    "\"web-4\": {\"az\": \"eu-1\", \"addresses\": \"192.0.2.4\"},\n"
    "\"db\": {\"az\": \"eu-1\", \"addresses\": \"192.0.2.5\", \"location\": [53.3, -6.3]},\n"
    "\"lost-1\": {\"az\": \"nowhere-1\", \"addresses\": \"192.0.2.6\"},\n"
    "\"lost-2\": {\"az\": \"nowhere-1\", \"addresses\": \"192.0.2.7\"}},\n"
    "\"geo_rules\": {\"by-continent\": [{\"when\": {\"continent\": \"NA\"}, \"tiers\": [[\"us\"], "
    "[\"eu\"]]},\n"
    "{\"when\": {\"continent\": \"EU\"}, \"tiers\": [[\"eu-1\"]]}]}}";

static int load_topology(void **state)
{
    return policy_kit_load(state, topology_text);
}

static void rules_are_checked(void **state)
{
#define TIERS ", \"tiers\": [[\"us\"]]"
    expect_web_error(state, "\"geo\": {}",
                     "p.json:3:8: error: found an object, expected an array of rules, such as "
                     "{\"when\": {\"country\": \"US\"}, \"tiers\": [...]}, or the name of such in "
                     "\"geo_rules\" (at $.names.www.geo)");
    expect_web_error(state, "\"geo\": [1]",
                     "p.json:3:9: error: found 1, expected an object (at $.names.www.geo[0])");
    expect_web_error(state, "\"geo\": [{\"tiers\": [[\"us\"]]}]",
                     "p.json:3:9: error: missing key \"when\" (at $.names.www.geo[0])");
    expect_web_error(state, "\"geo\": [{\"when\": {\"country\": \"US\"}}]",
                     "p.json:3:9: error: missing key \"tiers\" (at $.names.www.geo[0])");
    expect_web_error(
        state, "\"geo\": [{\"when\": {\"$comment\": 1}" TIERS "}]",
        "p.json:3:18: error: found no condition, expected \"cidr\", \"asn\", \"city\", \"subdivision\", "
        "\"country\" or \"continent\"; for all other clients there is \"tiers\" of the name (at "
        "$.names.www.geo[0].when)");
    expect_web_error(
        state, "\"geo\": [{\"when\": {\"country\": []}" TIERS "}]",
        "p.json:3:30: error: the array is empty, expected at least one value: without any, no client "
        "matches (at $.names.www.geo[0].when.country)");
    expect_web_error(
        state, "\"geo\": [{\"when\": {\"country\": [\"US\", \"USA\"]}" TIERS "}]",
        "p.json:3:37: error: found \"USA\", expected an ISO 3166-1 country code of two letters, such as "
        "\"US\" (at $.names.www.geo[0].when.country[1])");
    expect_web_error(
        state, "\"geo\": [{\"when\": {\"country\": 1}" TIERS "}]",
        "p.json:3:30: error: found 1, expected an ISO 3166-1 country code of two letters, such as "
        "\"US\" (at $.names.www.geo[0].when.country)");
    expect_web_error(
        state, "\"geo\": [{\"when\": {\"continent\": \"XX\"}" TIERS "}]",
        "p.json:3:32: error: found \"XX\", expected one of \"AF\", \"AN\", \"AS\", \"EU\", \"NA\", \"OC\", "
        "\"SA\" (at $.names.www.geo[0].when.continent)");
    expect_web_error(
        state, "\"geo\": [{\"when\": {\"cidr\": \"192.0.2.0/33\"}" TIERS "}]",
        "p.json:3:27: error: found \"192.0.2.0/33\", expected an address prefix, such as \"192.0.2.0/24\" "
        "or \"2001:db8::/32\" (at $.names.www.geo[0].when.cidr)");
    expect_web_error(
        state, "\"geo\": [{\"when\": {\"cidr\": \"192.0.2.1/24\"}" TIERS "}]",
        "p.json:3:27: error: found \"192.0.2.1/24\" with bits set behind the prefix; did you mean "
        "\"192.0.2.0/24\"? (at $.names.www.geo[0].when.cidr)");
    expect_web_error(state, "\"geo\": [{\"when\": {\"countri\": \"US\"}" TIERS "}]",
                     "p.json:3:19: error: unknown key \"countri\"; did you mean \"country\"? (at "
                     "$.names.www.geo[0].when.countri)");
    expect_web_error(
        state, "\"geo\": [{\"when\": {\"country\": \"US\"}, \"tiers\": [[\"db\"]]}]",
        "p.json:3:47: error: the tier \"db\" has no members: none of the name's endpoints is there (at "
        "$.names.www.geo[0].tiers[0])");
#undef TIERS
}

#define RULE(when) "\"geo\": [{\"when\": " when ", \"tiers\": [[\"us\"]]}]"

static void every_kind_of_condition_arrives(void **state)
{
    struct conf_policy *p = parse_good(
        state, "{\"names\": {\"www\": {\"endpoints\": \"web-*\", \"geo\": [\n"
               "{\"when\": {\"asn\": [64496, \"AS64497\", \"as4294967295\"]}, \"tiers\": [[\"us\"]]},\n"
               "{\"when\": {\"city\": [\"Paris\", 2988507], \"country\": \"fr\"}, \"tiers\": [[\"eu\"]]},\n"
               "{\"when\": {\"city\": 7, \"subdivision\": [\"us-CA\", \"FR-Ile-de-France\"]},\n"
               "\"tiers\": [[\"us\"]]}]}}}");
    const struct conf_geo *geo = p->names[0].geo;
    assert_string_equal(geo->label, "geo");
    assert_false(geo->is_shared);
    const struct conf_geo_values *asn = &geo->rules[0].values[CONF_GEO_ASN];
    assert_int_equal(asn->number_count, 3);
    assert_int_equal(asn->numbers[1], 64497);
    assert_int_equal(asn->numbers[2], 4294967295);
    const struct conf_geo_values *city = &geo->rules[1].values[CONF_GEO_CITY];
    assert_int_equal(city->text_count, 1);
    assert_string_equal(city->texts[0], "Paris");
    assert_int_equal(city->number_count, 1);
    assert_int_equal(city->numbers[0], 2988507);
    assert_string_equal(geo->rules[1].values[CONF_GEO_COUNTRY].texts[0], "FR");
    assert_int_equal(geo->rules[2].values[CONF_GEO_CITY].numbers[0], 7);
    assert_string_equal(geo->rules[2].values[CONF_GEO_SUBDIVISION].texts[1], "FR-Ile-de-France");
    /* Two rules with the same tiers make one class. */
    assert_int_equal(geo->outcome_count, 2);
    assert_int_equal(geo->rules[0].outcome, 0);
    assert_int_equal(geo->rules[2].outcome, 0);
    assert_int_equal(geo->outcomes[1].first_rule, 1);
    conf_free_policy(p);
}

static void values_are_checked(void **state)
{
#define SYSTEM "the number of an autonomous system, such as 64496 or \"AS64496\""
    expect_web_error(state, RULE("{\"asn\": \"AS\"}"),
                     "p.json:3:26: error: found \"AS\", expected " SYSTEM
                     " (at $.names.www.geo[0].when.asn)");
    expect_web_error(state, RULE("{\"asn\": [\"AS4294967296\"]}"),
                     "p.json:3:27: error: found \"AS4294967296\", expected " SYSTEM
                     " (at $.names.www.geo[0].when.asn[0])");
    expect_web_error(state, RULE("{\"asn\": \"AS0\"}"),
                     "p.json:3:26: error: found \"AS0\", expected " SYSTEM
                     " (at $.names.www.geo[0].when.asn)");
    expect_web_error(state, RULE("{\"asn\": 0}"),
                     "p.json:3:26: error: found 0, expected a whole number from 1 to 4294967295 (at "
                     "$.names.www.geo[0].when.asn)");
    expect_web_error(state, RULE("{\"asn\": {}}"),
                     "p.json:3:26: error: found an object, expected an autonomous system or an array of them "
                     "(at $.names.www.geo[0].when.asn)");
#undef SYSTEM
    expect_web_error(state, RULE("{\"city\": \"\"}"),
                     "p.json:3:27: error: found \"\", expected the name of a city, such as \"Paris\", or its "
                     "GeoNames id, such as 2988507 (at $.names.www.geo[0].when.city)");
    expect_web_error(state, RULE("{\"city\": [1.5]}"),
                     "p.json:3:28: error: found 1.5, expected a whole number from 1 to 2147483647 (at "
                     "$.names.www.geo[0].when.city[0])");
    expect_web_error(
        state, RULE("{\"city\": [[]]}"),
        "p.json:3:28: error: found an array, expected the name of a city, such as \"Paris\", or its "
        "GeoNames id, such as 2988507 (at $.names.www.geo[0].when.city[0])");
    static const char *const bad[] = {"\"California\"", "\"US-\"", "\"USA-CA\"", "\"U1-CA\"", "7"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char members[256], line[256];
        snprintf(members, sizeof members, RULE("{\"subdivision\": %s}"), bad[i]);
        snprintf(line, sizeof line,
                 "p.json:3:34: error: found %s, expected an ISO 3166-2 code, such as \"US-CA\" (at "
                 "$.names.www.geo[0].when.subdivision)",
                 bad[i]);
        expect_web_error(state, members, line);
    }
}

/* ---- sets of rules ---- */

static void names_share_sets(void **state)
{
    struct conf_policy *p = parse_good(
        state,
        "{\"geo_rules\": {\"here\": [{\"when\": {\"country\": \"DE\"}, \"tiers\": [[\"eu\"], [\"us\"]]}]},\n"
        "\"names\": {\"a\": {\"endpoints\": \"*\", \"geo\": \"here\"},\n"
        "\"b\": {\"endpoints\": [\"web-1\", \"db\"], \"geo\": \"here\"},\n"
        "\"c\": {\"endpoints\": \"web-1\", \"geo\": \"here\"},\n"
        "\"d\": {\"endpoints\": \"*\", \"geo\": \"by-continent\"},\n"
        "\"e\": {\"endpoints\": \"*\", \"geo\": \"here\"}}}");
    const struct conf_name *n = p->names;
    assert_ptr_equal(n[0].geo, n[1].geo);
    assert_ptr_equal(n[0].geo, n[4].geo);
    assert_ptr_equal(n[0].outcomes, n[4].outcomes);
    assert_string_equal(n[0].geo->label, "here");
    assert_true(n[0].geo->is_shared);
    assert_int_equal(n[0].outcomes[0].count, 2);
    assert_int_equal(n[1].outcomes[0].count, 2);
    assert_tier(&n[1].outcomes[0].items[0], "eu", "1");
    assert_int_equal(n[2].outcomes[0].count, 1); /* nothing of it is in eu */
    assert_tier(&n[2].outcomes[0].items[0], "us", "0");
    assert_string_equal(n[3].geo->label, "by-continent"); /* of the topology */
    assert_int_equal(n[3].geo->rule_count, 2);
    assert_tier(&n[3].outcomes[1].items[0], "eu-1", "3 4");
    assert_true(n[3].geo->identity != n[0].geo->identity);
    conf_free_policy(p);
}

static void sets_are_checked(void **state)
{
    expect_web_error(
        state, "\"geo\": \"nowhere\"",
        "p.json:3:8: error: no geo rules \"nowhere\": neither the \"geo_rules\" of this document nor "
        "those of the topology t.json have them (at $.names.www.geo)");
    expect_error(state, "{\"names\": {}, \"geo_rules\": {\n\"by-continent\": []}}",
                 "p.json:2:1: error: the topology has geo rules \"by-continent\" already (at "
                 "$.geo_rules.by-continent)");
    expect_error(
        state, "{\"names\": {}, \"geo_rules\": {\n\"-x\": []}}",
        "p.json:2:1: error: found the name \"-x\", expected 1 to 63 letters, digits, '-', '_' or '.', "
        "not beginning with '-' (at $.geo_rules.-x)");
    expect_error(
        state, "{\"names\": {}, \"geo_rules\": {\n\"x\": \"y\"}}",
        "p.json:2:6: error: found \"y\", expected an array of rules, such as {\"when\": {\"country\": "
        "\"US\"}, \"tiers\": [...]} (at $.geo_rules.x)");
    expect_error(
        state,
        "{\"geo_rules\": {\"x\": [{\"when\": {\"asn\": 1}, \"tiers\": [[\"us\"]]}, {\"when\": {\"asn\": 2}, "
        "\"tiers\": [[\"eu\"], [\"web-4\"]]}]}, \"names\": {\"w\": {\"endpoints\": \"web-1\",\n\"geo\": "
        "\"x\"}}}",
        "p.json:2:8: error: the name has no endpoint in any tier of rule 1 of \"x\" (at $.names.w.geo)");
    expect_error(
        state,
        "{\"names\": {}, \"geo_rules\": {\"x\": [{\"when\": {\"asn\": 1}, \"tiers\":\n[[\"asia\"]]}]}}",
        "p.json:2:3: error: no region, az, endpoint or group \"asia\"; there are \"us\", \"eu\", "
        "\"nowhere\", \"us-1\", \"us-2\", \"eu-1\", \"nowhere-1\", \"web-1\" and 6 more (at "
        "$.geo_rules.x[0].tiers[0][0])");
}

/* ---- nearest ---- */

static void the_nearest_places_are_tiers(void **state)
{
    struct conf_policy *p = parse_good(
        state, "{\"names\": {\"a\": {\"endpoints\": [\"web-*\", \"db\"], \"tiers\": \"nearest\"},\n"
               "\"b\": {\"endpoints\": \"web-*\", \"tiers\": {\"nearest\": 8, \"others\": false},\n"
               "\"geo\": [{\"when\": {\"asn\": 1}, \"tiers\": {\"nearest\": 1}}]}}}");
    const struct conf_tiers *a = &p->names[0].tiers, *b = &p->names[1].tiers;
    assert_int_equal(a->nearest, 3);
    assert_true(a->others);
    /* us-2 is not where its region is, nor is db where its az is; web-4 is at db's place. */
    assert_int_equal(a->count, 3);
    assert_tier(&a->items[0], "us", "0 1");
    assert_tier(&a->items[1], "us-2", "2");
    assert_tier(&a->items[2], "eu+db", "3 4");
    assert_true(a->items[0].latitude == 38.9 && a->items[0].longitude == -77);
    assert_true(a->items[1].latitude == -33 && a->items[1].longitude == 0);
    assert_int_equal(b->nearest, 8);
    assert_false(b->others);
    assert_tier(&b->items[2], "eu", "3");
    assert_int_equal(p->names[1].outcomes[0].nearest, 1);
    assert_true(p->names[1].outcomes[0].others);
    conf_free_policy(p);
}

static void distances_are_checked(void **state)
{
    expect_web_error(state, "\"tiers\": {\"nearest\": 9}",
                     "p.json:3:22: error: found 9, expected a whole number from 1 to 8 (at "
                     "$.names.www.tiers.nearest)");
    expect_web_error(state, "\"tiers\": {\"nearest\": 1, \"others\": 1}",
                     "p.json:3:35: error: found 1, expected true or false (at $.names.www.tiers.others)");
    expect_web_error(state, "\"tiers\": {}",
                     "p.json:3:10: error: missing key \"nearest\" (at $.names.www.tiers)");
    expect_web_error(state, "\"tiers\": \"nearest-region\"",
                     "p.json:3:10: error: found \"nearest-region\", expected an array of tiers, such as "
                     "[[\"us-east\"], [\"eu-west\"]], or \"nearest\" (at $.names.www.tiers)");
    expect_name_error(
        state, "\"endpoints\": [\"lost-*\", \"db\"],\n\"tiers\": \"nearest\"",
        "p.json:3:10: error: \"nearest\" needs to know where endpoint \"lost-1\" (and 1 more) is: "
        "neither it nor its az \"nowhere-1\" nor its region \"nowhere\" has a \"location\" (at "
        "$.names.www.tiers)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_checked),     cmocka_unit_test(every_kind_of_condition_arrives),
        cmocka_unit_test(values_are_checked),    cmocka_unit_test(names_share_sets),
        cmocka_unit_test(sets_are_checked),      cmocka_unit_test(the_nearest_places_are_tiers),
        cmocka_unit_test(distances_are_checked),
    };
    return cmocka_run_group_tests_name("conf geo", tests, load_topology, policy_kit_free);
}
