/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what policies say about tiers: what they need, where a missing share goes, groups and patterns. */
#include "config.h"

#include "policy_kit.h"

/* Indices: web-1 0, web-2 1 (az us-1), web-3 2 (us-2), web-4 3 (eu-1), db 4 (eu-1) */
static const char topology_text[] =
    "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {}, \"us-2\": {}}}, \"eu\": {\"azs\": {\"eu-1\": {}}}},\n"
    "\"endpoints\": {\"web-1\": {\"az\": \"us-1\", \"addresses\": \"192.0.2.1\", \"weight\": 60},\n"
    "\"web-2\": {\"az\": \"us-1\", \"addresses\": \"192.0.2.2\"},\n"
    "\"web-3\": {\"az\": \"us-2\", \"addresses\": \"192.0.2.3\"},\n"
    "\"web-4\": {\"az\": \"eu-1\", \"addresses\": \"192.0.2.4\"},\n"
    "\"db\": {\"az\": \"eu-1\", \"addresses\": \"192.0.2.5\"}},\n"
    "\"groups\": {\"both\": [\"web-3\", \"web-4\"]}}";

static int load_topology(void **state)
{
    return policy_kit_load(state, topology_text);
}

static void assert_need(const struct conf_need *need, double share, uint32_t count)
{
    assert_true(need->share - share < 1e-9 && share - need->share < 1e-9);
    assert_int_equal(need->count, count);
}

static void tiers_say_what_they_need(void **state)
{
    struct conf_policy *p = parse_good(
        state, "{\"names\": {\"www\": {\"endpoints\": [\"web-*\", \"db\"], \"min_healthy\": \"12.5%\",\n"
               "\"spill_below\": 0.75, \"tiers\": [[\"us-1\"], {\"members\": [\"both\", \"web-3\"],\n"
               "\"label\": \"second\", \"min_healthy\": 2, \"spill_below\": \"100%\", \"trickle\": 0.01},\n"
               "[\"d*\"]],\n"
               "\"geo\": [{\"when\": {\"country\": \"US\"}, \"tiers\": [[\"us\"]], \"fence\": true}]}}}");
    const struct conf_name *n = &p->names[0];
    assert_need(&n->min_healthy, 0.125, 0);
    assert_need(&n->spill_below, 0.75, 0);
    assert_int_equal(n->spill, CONF_SPILL_NEXT);
    assert_tier(&n->tiers.items[0], "us-1", "0 1");
    assert_need(&n->tiers.items[0].min_healthy, 0, 0);
    assert_tier(&n->tiers.items[1], "second", "2 3");
    assert_need(&n->tiers.items[1].min_healthy, 0, 2);
    assert_need(&n->tiers.items[1].spill_below, 1, 0);
    assert_true(n->tiers.items[1].trickle == 0.01);
    assert_tier(&n->tiers.items[2], "d*", "4");
    assert_true(n->outcomes[0].fence);
    conf_free_policy(p);
}

static void groups_stand_for_endpoints(void **state)
{
    struct conf_policy *p = parse_good(
        state, "{\"names\": {\"www\": {\"endpoints\": [\"both\", \"web-1\"], \"weights\": {\"both\": 7,\n"
               "\"web-4\": 9}}}}");
    const struct conf_name *n = &p->names[0];
    assert_int_equal(n->member_count, 3);
    static const uint32_t endpoints[] = {0, 2, 3}, weights[] = {60, 7, 9};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(n->members[i].endpoint, endpoints[i]);
        assert_int_equal(n->members[i].weight, weights[i]);
    }
    conf_free_policy(p);
}

static void needs_are_checked(void **state)
{
    expect_web_error(state, "\"min_healthy\": 0",
                     "p.json:3:16: error: found 0, expected a whole number from 1 to 65535 (at "
                     "$.names.www.min_healthy)");
    expect_web_error(state, "\"min_healthy\": 1.0",
                     "p.json:3:16: error: found 1.0, expected 1 for one endpoint or \"100%\" for all of the "
                     "tier (at $.names.www.min_healthy)");
    static const char *const bad[][2] = {{"1.5", "1.5"},       {"\"0%\"", "\"0%\""}, {"\"101%\"", "\"101%\""},
                                         {"\"50\"", "\"50\""}, {"\"%\"", "\"%\""},   {"\"5.%\"", "\"5.%\""},
                                         {"true", "true"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char members[64], line[256];
        snprintf(members, sizeof members, "\"spill_below\": %s", bad[i][0]);
        snprintf(line, sizeof line,
                 "p.json:3:16: error: found %s, expected a number of endpoints, such as 2, or a share of the "
                 "tier, such as \"50%%\" or 0.5 (at $.names.www.spill_below)",
                 bad[i][1]);
        expect_web_error(state, members, line);
    }
    expect_web_error(state, "\"tiers\": [[\"us\"], {\"members\": [\"eu\"], \"trickle\": 0.6}]",
                     "p.json:3:50: error: found 0.6, expected a small share, above 0 and at most 0.5 (at "
                     "$.names.www.tiers[1].trickle)");
    expect_web_error(state,
                     "\"tiers\": [[\"us-1\"], {\"members\": [\"us-2\"], \"trickle\": 0.3}, {\"members\": "
                     "[\"eu\"], \"trickle\": \"30%\"}]",
                     "p.json:3:10: error: the trickles add up to 0.6, expected at most 0.5 of all tiers "
                     "together (at $.names.www.tiers)");
    expect_web_error(state, "\"tiers\": [{\"min_healthy\": 2}]",
                     "p.json:3:11: error: missing key \"members\" (at $.names.www.tiers[0])");
    expect_web_error(state, "\"tiers\": [[\"d*\"]]",
                     "p.json:3:11: error: \"d*\" matches none of the name's endpoints (at "
                     "$.names.www.tiers[0])");
    expect_web_error(state, "\"spill\": \"capacity\"",
                     "p.json:3:10: error: spilling by \"capacity\" needs the capacity of every endpoint; "
                     "\"web-1\" has none in the topology (at $.names.www.spill)");
    expect_web_error(state, "\"spill\": \"far\"",
                     "p.json:3:10: error: found \"far\", expected \"next\" or \"capacity\" (at "
                     "$.names.www.spill)");
    expect_web_error(state,
                     "\"geo\": [{\"when\": {\"country\": \"US\"}, \"tiers\": [[\"us\"]], \"fence\": 1}]",
                     "p.json:3:65: error: found 1, expected true or false (at $.names.www.geo[0].fence)");
}

static void a_trickle_to_the_first_is_noticed(void **state)
{
    struct report *report = report_new();
    static const char text[] = "{\"names\": {\"www\": {\"endpoints\": \"web-*\",\n"
                               "\"tiers\": [{\"members\": [\"us\"], \"trickle\": \"1%\"}, [\"eu\"]]}}}";
    conf_free_policy(parse(state, text, report));
    expect_line(report, "p.json:2:31: warning: the first tier has no use for a trickle: it is for tiers that "
                        "wait (at $.names.www.tiers[0].trickle)");
}

static void sticky_picks_are_read(void **state)
{
    struct conf_policy *p = parse_good(
        state,
        "{\"names\": {\"a\": {\"endpoints\": \"db\", \"pick\": \"sticky\"}, \"b\": {\"endpoints\": \"db\",\n"
        "\"pick\": \"sticky\", \"sticky\": {\"ipv4_prefix\": 20, \"ipv6_prefix\": 48, \"hold\": \"30m\"}}}}");
    assert_int_equal(p->names[0].pick, CONF_PICK_STICKY);
    assert_int_equal(p->names[0].sticky.v4_len, 24);
    assert_int_equal(p->names[0].sticky.v6_len, 56);
    assert_int_equal(p->names[0].sticky.hold_ms, 0);
    assert_int_equal(p->names[1].sticky.v4_len, 20);
    assert_int_equal(p->names[1].sticky.v6_len, 48);
    assert_int_equal(p->names[1].sticky.hold_ms, 1800000);
    conf_free_policy(p);
    expect_web_error(state, "\"sticky\": {\"hold\": \"1m\"}",
                     "p.json:3:1: error: \"sticky\" has no meaning without \"pick\": \"sticky\" (at "
                     "$.names.www.sticky)");
    expect_web_error(state, "\"pick\": \"sticky\", \"sticky\": {\"ipv4_prefix\": 33}",
                     "p.json:3:45: error: found 33, expected a whole number from 1 to 32 (at "
                     "$.names.www.sticky.ipv4_prefix)");
    expect_web_error(state, "\"pick\": \"sticky\", \"sticky\": {\"hold\": \"500ms\"}",
                     "p.json:3:38: error: found \"500ms\", expected a duration from 1s to 24h (at "
                     "$.names.www.sticky.hold)");
}

static void weights_may_be_shares(void **state)
{
    struct conf_policy *p =
        parse_good(state, "{\"names\": {\"www\": {\"endpoints\": \"web-*\", \"weights\": {\"web-*\": 3,\n"
                          "\"both\": \"12.5%\", \"web-2\": \"1%\", \"web-4\": 5}}}}");
    const struct conf_member *members = p->names[0].members;
    assert_true(members[0].share == 0 && members[0].group == 0 && members[0].weight == 3);
    assert_true(members[1].share == 0.01 && members[1].weight == 3);
    assert_true(members[2].share == 0.125 && members[2].weight == 3);
    assert_true(members[3].share == 0 && members[3].group == 0 && members[3].weight == 5);
    assert_true(members[1].group != members[2].group && members[1].group != 0 && members[2].group != 0);
    conf_free_policy(p);
    expect_web_error(state, "\"weights\": {\"web-1\": \"0%\"}",
                     "p.json:3:22: error: found \"0%\", expected a whole number from 0 to 65535, or a share "
                     "such as \"5%\" (at $.names.www.weights.web-1)");
    expect_web_error(state, "\"weights\": {\"web-1\": \"60%\", \"web-2\": \"50%\"}",
                     "p.json:3:12: error: the shares add up to 110 %, expected at most 100 % (at "
                     "$.names.www.weights)");
}

static void ttls_while_failing_are_read(void **state)
{
    struct conf_policy *p = parse_good(
        state,
        "{\"ttl_floor\": 10, \"names\": {\"a\": {\"endpoints\": \"db\", \"ttl\": \"1m\", \"ttl_failing\": "
        "20},\n"
        "\"b\": {\"endpoints\": \"db\", \"ttl\": 5, \"ttl_failing\": 0}, \"c\": {\"endpoints\": \"db\"}}}");
    assert_true(p->names[0].ttl == 60 && p->names[0].has_ttl_failing && p->names[0].ttl_failing == 20);
    assert_true(p->names[1].ttl == 10 && p->names[1].has_ttl_failing && p->names[1].ttl_failing == 10);
    assert_true(p->names[2].ttl == 30 && !p->names[2].has_ttl_failing);
    conf_free_policy(p);
    expect_web_error(state, "\"ttl\": 5, \"ttl_failing\": 6",
                     "p.json:3:26: error: found 6 s, expected at most the ttl of 5 s (at "
                     "$.names.www.ttl_failing)");
}

static void pools_are_spare(void **state)
{
    struct conf_policy *p = parse_good(
        state,
        "{\"names\": {\"www\": {\"endpoints\": [\"web-1\", \"web-2\"], \"fallback\": {\"pool\": [\"d*\", "
        "\"web-2\"],\n"
        "\"then\": \"nodata\"}, \"geo\": [{\"when\": {\"country\": \"DE\"}, \"tiers\": [[\"us\"]],\n"
        "\"fallback\": {\"pool\": \"both\"}}, {\"when\": {\"country\": \"FR\"}, \"tiers\": [[\"us\"]],\n"
        "\"fallback\": \"static\"}]},\n"
        "\"other\": {\"endpoints\": [\"web-1\", \"web-2\"]}}}");
    const struct conf_name *n = &p->names[0];
    static const bool spare[] = {false, false, true, true, true};
    assert_int_equal(n->member_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(n->members[i].is_spare, spare[i]);
    }
    assert_tier(&n->tiers.items[0], "all", "0 1");
    assert_tier(n->fallback->pool, "d*+web-2", "1 4");
    assert_int_equal(n->fallback->then, CONF_FALLBACK_NODATA);
    assert_tier(&n->outcomes[0].items[0], "us", "0 1"); /* web-3 is in us, too, but spare */
    assert_tier(n->outcomes[0].fallback->pool, "both", "2 3");
    assert_int_equal(n->outcomes[0].fallback->then, CONF_FALLBACK_FIRST);
    assert_null(n->outcomes[1].fallback->pool);
    assert_int_equal(n->outcomes[1].fallback->then, CONF_FALLBACK_STATIC);
    assert_string_equal(n->wants_static->path, "$.names.www.geo[1].fallback");
    assert_int_equal(n->wants_static->line, 4);
    assert_int_equal(p->names[1].member_count, 2); /* written alike but for the pool: not shared */
    assert_ptr_not_equal(p->names[1].members, n->members);
    conf_free_policy(p);
    expect_web_error(state, "\"fallback\": {\"then\": \"all\"}",
                     "p.json:3:13: error: missing key \"pool\" (at $.names.www.fallback)");
    expect_web_error(
        state, "\"fallback\": {\"pool\": []}",
        "p.json:3:22: error: the pool is empty, expected endpoints (at $.names.www.fallback.pool)");
    expect_web_error(state, "\"fallback\": {\"pool\": \"dbs\"}",
                     "p.json:3:22: error: no endpoint \"dbs\", did you mean \"db\"? There are \"web-1\", "
                     "\"web-2\", \"web-3\", \"web-4\", \"db\", \"both\" (at $.names.www.fallback.pool)");
    expect_web_error(
        state, "\"tiers\": [[\"db\"]], \"fallback\": {\"pool\": \"db\"}",
        "p.json:3:11: error: the tier \"db\" has no members: none of the name's endpoints is there "
        "(at $.names.www.tiers[0])");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiers_say_what_they_need),    cmocka_unit_test(groups_stand_for_endpoints),
        cmocka_unit_test(needs_are_checked),           cmocka_unit_test(a_trickle_to_the_first_is_noticed),
        cmocka_unit_test(sticky_picks_are_read),       cmocka_unit_test(weights_may_be_shares),
        cmocka_unit_test(ttls_while_failing_are_read), cmocka_unit_test(pools_are_spare),
    };
    return cmocka_run_group_tests_name("conf_tiers", tests, load_topology, policy_kit_free);
}
