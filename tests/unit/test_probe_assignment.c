/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A server's list, as it comes in and as it is used. */
#include "config.h"

#include "unit.h"

#include "steerprobe/assignment.h"

#include <string.h>

static const struct addr one = {.family = ADDR_V4, .bytes = {192, 0, 2, 1}};
static const char http[] =
    "{\"type\":\"http\",\"port\":80,\"path\":\"/x\",\"interval\":\"2s\",\"fall\":4,\"rise\":5}";

static void add_check(struct assignment *assignment, uint32_t index, const char *definition)
{
    char why[FLEET_WHY_SIZE] = "";
    const struct fleet_check check = {.index = index, .definition = definition};
    assert_true(assignment_add_check(assignment, &check, why));
    assert_string_equal(why, "");
}

static bool add_target(struct assignment *assignment, const struct fleet_target *target, const char *expected)
{
    char why[FLEET_WHY_SIZE] = "";
    bool good = assignment_add_targets(assignment, target, 1, why);
    if (strstr(why, expected) == NULL) {
        fail_msg("found \"%s\", expected \"%s\"", why, expected);
    }
    return good;
}

static const struct fleet_target plain = {
    .identity = 7, .check = 0, .name = "web-1 ipv4", .addresses = &one, .address_count = 1};

static void a_target_is_its_check_at_its_address(void **state)
{
    char why[FLEET_WHY_SIZE];
    struct assignment *assignment = assignment_new(9, 1, 0);
    struct arena *arena = arena_new(0);
    struct verdicts_plan plan;
    (void)state;
    add_check(assignment, 0, http);
    assert_true(add_target(assignment, &plain, ""));
    assert_true(assignment_finish(assignment, why));
    struct probe_target target = assignment_describe(assignment, 0, arena);
    assert_int_equal(target.type, PROBE_HTTP);
    assert_int_equal(target.at.port, 80);
    assert_true(addr_equal(&target.at.addr, &one));
    assert_string_equal(target.path, "/x");
    assert_null(target.host);
    assert_int_equal(target.interval_ms, 2000);
    assert_int_equal(target.identity, 7);
    assignment_plan(assignment, &plan);
    assert_true(plan.identity == 7 && plan.fall == 4 && plan.rise == 5 && plan.window == 0 && !plan.idle);
    assert_int_equal(assignment_find(assignment, 7), 0);
    assert_int_equal(assignment_find(assignment, 8), -1);
    assert_string_equal(assignment_name(assignment, 0), "web-1 ipv4");
    arena_free(arena);
    assignment_drop(assignment);
}

static void a_refused_check_holds_the_places_of_its_targets(void **state)
{
    char why[FLEET_WHY_SIZE];
    struct assignment *assignment = assignment_new(9, 2, 0);
    struct arena *arena = arena_new(0);
    struct verdicts_plan plans[2];
    struct fleet_target other = plain;
    size_t count;
    (void)state;
    add_check(assignment, 0, "{\"type\":\"http\",\"port\":80,\"colour\":\"blue\"}");
    add_check(assignment, 1, http);
    other.check = 1;
    other.identity = 8;
    assert_true(add_target(assignment, &plain, ""));
    assert_true(add_target(assignment, &other, ""));
    assert_true(assignment_finish(assignment, why));
    const struct fleet_untaken *refused = assignment_refused(assignment, &count);
    assert_int_equal(count, 1);
    assert_int_equal(refused[0].check, 0);
    assert_non_null(strstr(refused[0].why, "colour"));
    assert_true(assignment_describe(assignment, 0, arena).idle);
    assert_false(assignment_describe(assignment, 1, arena).idle);
    assignment_plan(assignment, plans);
    assert_true(plans[0].idle && !plans[1].idle);
    arena_free(arena);
    assignment_drop(assignment);
}

static void only_the_network_is_looked_at(void **state)
{
    struct assignment *assignment = assignment_new(9, 0, 0);
    size_t count;
    (void)state;
    add_check(assignment, 0, "{\"type\":\"push\",\"ttl\":\"10s\"}");
    add_check(assignment, 1, "{\"type\":\"icmp\"}");
    add_check(assignment, 2, "{\"type\":\"exec\",\"command\":[\"/bin/true\"]}");
    add_check(assignment, 3, "{\"type\":\"file\",\"file\":\"/etc/shadow\"}");
    const struct fleet_untaken *refused = assignment_refused(assignment, &count);
    assert_int_equal(count, 3);
    assert_int_equal(refused[0].check, 0);
    assert_non_null(strstr(refused[0].why, "checks of type \"push\" are not made by vantages"));
    assert_int_equal(refused[1].check, 2);
    assert_int_equal(refused[2].check, 3);
    assert_non_null(strstr(refused[2].why, "checks of type \"file\" are not made by vantages"));
    assignment_drop(assignment);
}

static void contradictions_are_refused(void **state)
{
    char why[FLEET_WHY_SIZE] = "";
    struct assignment *assignment = assignment_new(9, 3, 0);
    struct fleet_target bad = plain;
    (void)state;
    const struct fleet_check late = {.index = 1, .definition = http};
    assert_false(assignment_add_check(assignment, &late, why));
    assert_non_null(strstr(why, "found the check 1, expected 0"));
    assert_false(add_target(assignment, &plain, "has the check 0, of 0"));
    add_check(assignment, 0, http);
    bad.address_count = 0;
    assert_false(add_target(assignment, &bad, "has 0 addresses, expected 1"));
    assert_true(add_target(assignment, &plain, ""));
    assert_false(assignment_finish(assignment, why));
    assert_non_null(strstr(why, "found 1 targets, expected the 3"));
    assert_true(add_target(assignment, &plain, ""));
    bad = plain;
    bad.identity = 8;
    assert_true(add_target(assignment, &bad, ""));
    assert_false(add_target(assignment, &bad, "more than the 3 that were announced"));
    assert_false(assignment_finish(assignment, why));
    assert_non_null(strstr(why, "two targets of the identity 0000000000000007"));
    assignment_drop(assignment);
}

static void addresses_of_names_follow(void **state)
{
    char why[FLEET_WHY_SIZE];
    struct assignment *assignment = assignment_new(9, 2, 3);
    struct arena *arena = arena_new(0);
    struct fleet_target named = {
        .identity = 8, .name = "named", .host = "a.example:8080", .in_turn = true, .idle = true};
    (void)state;
    add_check(assignment, 0, http);
    assert_true(add_target(assignment, &plain, ""));
    assert_true(add_target(assignment, &named, ""));
    assert_true(assignment_finish(assignment, why));
    assert_true(assignment_describe(assignment, 1, arena).idle);
    struct fleet_aim aim = {.index = 1, .addresses = &one, .address_count = 1};
    assert_true(assignment_aim(assignment, &aim, 1, why));
    struct probe_target target = assignment_describe(assignment, 1, arena);
    assert_true(target.in_turn && !target.idle && target.address_count == 1);
    assert_string_equal(target.host, "a.example:8080");
    assert_int_not_equal(target.subject, 0);
    aim.index = 0;
    assert_false(assignment_aim(assignment, &aim, 1, why));
    aim.index = 2;
    assert_false(assignment_aim(assignment, &aim, 1, why));
    arena_free(arena);
    assignment_drop(assignment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_its_check_at_its_address),
        cmocka_unit_test(a_refused_check_holds_the_places_of_its_targets),
        cmocka_unit_test(only_the_network_is_looked_at),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(addresses_of_names_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
