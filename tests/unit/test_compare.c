/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What another configuration changes for traffic: two real views side by side, each with a state of its own.
 */
#include "config.h"

#include "unit.h"

#include "operate_world.h"

#include "operate/compare.h"

#include <string.h>

#define TOPOLOGY(b, c)                                                                                       \
    "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {}}}, \"eu\": {\"azs\": {\"eu-1\": {}}}},"                  \
    " \"endpoints\": {\"a\": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.1\"]},"                            \
    " " b ": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.2\"]},"                                            \
    " \"c\": {\"az\": \"eu-1\", \"addresses\": [\"" c "\"]}}}"

static const char topology[] = TOPOLOGY("\"b\"", "192.0.2.3"), renamed[] = TOPOLOGY("\"z\"", "192.0.2.3"),
                  moved[] = TOPOLOGY("\"b\"", "192.0.2.33");

#define RULE(cidr, tiers) "{\"when\": {\"cidr\": [\"" cidr "\"]}, \"tiers\": [[" tiers "]]}"
#define NAMES(extra)                                                                                         \
    "{\"names\": {\"www\": {\"endpoints\": [\"*\"], \"tiers\": [[\"us\"], [\"eu\"]], \"geo\": [" extra       \
    "]}, \"same\": {\"endpoints\": [\"*\"], \"tiers\": [[\"us\"], [\"eu\"]], \"geo\": [" extra "]},"         \
    " \"far\": {\"endpoints\": [\"c\"], \"fallback\": \"nodata\"}}}"

static const char policy[] = NAMES(RULE("198.51.100.0/24", "\"eu\""));

static struct operate_comparison compare(struct world *before, struct world *after, size_t limit)
{
    struct operate_comparison changes;
    const struct operate_compare asked = {
        .view = {before->view, after->view}, .limit = limit, .wall_ms = WORLD_WALL_MS};
    operate_compare_views(&asked, before->arena, &changes);
    return changes;
}

static struct operate_comparison compare_with(const char *topology_after, const char *policy_after,
                                              enum health_desired c, struct world **before, void **after)
{
    void *first;
    assert_int_equal(world_open(&first, topology, policy), 0);
    *before = first;
    assert_int_equal(world_open(after, topology_after, policy_after), 0);
    if (c != HEALTH_DESIRED_AUTO) {
        assert_int_equal(world_put(*after, HEALTH_ENDPOINT, "c", c, 0), 0);
    }
    return compare(first, *after, 10);
}

static void close_both(struct world *before, void **after)
{
    void *first = before;
    world_close(&first);
    world_close(after);
}

static void nothing_is_nothing(void **state)
{
    struct world *before;
    (void)state;
    void *after;
    struct operate_comparison changes = compare_with(topology, policy, HEALTH_DESIRED_AUTO, &before, &after);
    assert_int_equal(changes.step_count, 0);
    assert_int_equal(changes.steered[0], 3);
    assert_int_equal(changes.steered[1], 3);
    assert_int_equal(changes.move_total + changes.membership_total, 0);
    changes = compare(before, before, 0); /* one that lists nothing counts all the same */
    assert_int_equal(changes.move_total, 0);
    close_both(before, &after);
}

static void names_are_no_addresses(void **state)
{
    struct world *before;
    void *after;
    (void)state;
    struct operate_comparison changes = compare_with(renamed, policy, HEALTH_DESIRED_AUTO, &before, &after);
    assert_int_equal(changes.step_count, 0);
    close_both(before, &after);
    changes = compare_with(moved, policy, HEALTH_DESIRED_AUTO, &before, &after);
    assert_int_equal(changes.gained, 3); /* of each name, under another address */
    assert_int_equal(changes.lost, 3);
    assert_int_equal(changes.names_moved[OPERATE_MOVED], 3);
    assert_string_equal(changes.memberships[0].gained.names[0], "c");
    assert_string_equal(changes.moves[0].class_label, "geo[0]"); /* of two names, all others of one */
    assert_int_equal(changes.moves[0].name_count, 2);
    changes = compare(before, after, 1);
    assert_int_equal(changes.move_total, 2);
    assert_int_equal(changes.move_count, 1);
    assert_int_equal(changes.membership_count, 1);
    assert_int_equal(changes.membership_total, 2);
    close_both(before, &after);
}

/* Classes that one side has are held against the default of the other one. */
static void classes_are_matched_by_label(void **state)
{
    struct world *before;
    void *after;
    (void)state;
    static const char more[] = NAMES(RULE("198.51.100.0/24", "\"eu\"") ", " RULE(
        "203.0.113.0/24", "\"us\"") ", " RULE("192.0.2.0/24", "\"a\""));
    struct operate_comparison changes = compare_with(topology, more, HEALTH_DESIRED_AUTO, &before, &after);
    assert_int_equal(changes.move_total, 1); /* geo[1] is what the default class had, geo[2] half of it */
    assert_string_equal(changes.moves[0].class_label, "geo[2]");
    assert_int_equal(changes.moves[0].severity, OPERATE_MOVED);
    close_both(before, &after);
}

static void states_decide(void **state)
{
    struct world *before;
    void *after;
    (void)state;
    struct operate_comparison changes = compare_with(topology, policy, HEALTH_DESIRED_DOWN, &before, &after);
    assert_string_equal(changes.moves[0].name, "far.example.com.");
    assert_int_equal(changes.moves[0].severity, OPERATE_UNSERVED);
    assert_string_equal(changes.moves[0].types[0], "A");
    assert_int_equal(changes.names_moved[OPERATE_UNSERVED], 1);
    world_assert_text(changes.steps, changes.step_count,
                      "1 name is served by nobody any more: far.example.com. A (class default: tier ");
    changes = compare(after, before, 10); /* what comes back is no loss */
    assert_int_equal(changes.names_moved[OPERATE_UNSERVED], 0);
    close_both(before, &after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(names_are_no_addresses),
        cmocka_unit_test(classes_are_matched_by_label),
        cmocka_unit_test(states_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
