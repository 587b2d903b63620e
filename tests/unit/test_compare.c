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
        .view = {before->view, after->view}, .limit = limit, .wall_ms = {WORLD_WALL_MS, WORLD_WALL_MS}};
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

static const struct operate_setting *find_setting(const struct operate_comparison *changes, const char *key)
{
    for (size_t i = 0; i < changes->setting_count; i++) {
        if (strcmp(changes->settings[i].key, key) == 0) {
            return &changes->settings[i];
        }
    }
    return NULL;
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

/* Classes that one side has are held against what their clients had. */
static void classes_are_matched_by_clients(void **state)
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

#define BARE "\"endpoints\": [\"*\"], \"tiers\": [[\"us\"], [\"eu\"]]"

/* www has A in the zone file, web AAAA, mail an MX: all of them are there, whoever steers them. */
static void steering_comes_and_goes(void **state)
{
    struct world *before;
    void *after;
    (void)state;
    static const char others[] =
        "{\"names\": {\"web\": {" BARE "}, \"mail\": {" BARE "}, \"far\": {\"endpoints\": "
        "[\"c\"], \"fallback\": \"nodata\"}}}";
    struct operate_comparison changes = compare_with(topology, others, HEALTH_DESIRED_AUTO, &before, &after);
    assert_int_equal(changes.names[OPERATE_STEERED].total, 2);
    assert_int_equal(changes.names[OPERATE_UNSTEERED].total, 1);
    assert_string_equal(changes.names[OPERATE_UNSTEERED].items[0].name, "www.example.com.");
    assert_int_equal(changes.names[OPERATE_REMOVED].total, 1);  /* same: nothing is left of it */
    assert_int_equal(changes.names_moved[OPERATE_UNSERVED], 0); /* AAAA of web is not steered, and stays */
    assert_int_equal(changes.names_moved[OPERATE_MOVED], 3);
    assert_int_equal(changes.membership_total, 0);
    world_assert_text(changes.steps, changes.step_count, "1 name is not steered any more: www.example.com.");
    world_assert_text(changes.steps, changes.step_count, "2 names become steered: mail.example.com., ");
    world_assert_text(changes.steps, changes.step_count,
                      "web.example.com. A (class default: no records -> tier us");
    changes = compare(after, before, 1);
    assert_int_equal(changes.names[OPERATE_UNSTEERED].total, 2);
    assert_int_equal(changes.names[OPERATE_UNSTEERED].count, 1);
    assert_int_equal(changes.names_moved[OPERATE_UNSERVED], 2); /* A of web and mail */
    close_both(before, &after);
}

/* What answers the same now, and not when something fails. */
static void settings_differ(void **state)
{
    struct world *before;
    void *after;
    (void)state;
    static const char others[] =
        "{\"names\": {\"www\": {\"endpoints\": [\"*\"], \"tiers\": [[\"us\"]], \"fallback\": \"static\", "
        "\"geo\": "
        "[" RULE("198.51.100.0/24", "\"eu\"") "]}, \"same\": {" BARE ", \"geo\": [" RULE(
            "198.51.100.0/24", "\"eu\"") "]},"
                                         " \"far\": {\"endpoints\": [\"c\"], \"fallback\": \"nodata\", "
                                         "\"answers\": 2, \"weights\": {\"c\": 3}}}}";
    struct operate_comparison changes = compare_with(topology, others, HEALTH_DESIRED_AUTO, &before, &after);
    assert_int_equal(changes.move_total, 0);
    assert_int_equal(changes.setting_count, 4);
    assert_string_equal(find_setting(&changes, "tiers")->items[0], "www.example.com.");
    assert_string_equal(find_setting(&changes, "fallback")->items[0], "www.example.com.");
    assert_string_equal(find_setting(&changes, "answers")->items[0], "far.example.com.");
    assert_string_equal(find_setting(&changes, "weights")->items[0], "far.example.com.");
    world_assert_text(changes.steps, changes.step_count, "1 name differs in \"tiers\": www.example.com.");
    close_both(before, &after);
    changes = compare_with(moved, policy, HEALTH_DESIRED_AUTO, &before, &after);
    assert_int_equal(changes.setting_count, 0); /* other members are no other setting */
    close_both(before, &after);
}

#define SPEAKING(tls)                                                                                        \
    "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {}}}, \"eu\": {\"azs\": {\"eu-1\": {}}}},"                  \
    " \"checks\": {\"it\": {\"type\": \"https\", \"port\": 1, \"tls\": {\"verify\": false" tls "}}},"        \
    " \"endpoints\": {\"c\": {\"az\": \"eu-1\", \"addresses\": [\"192.0.2.3\"], \"checks\": \"it\"}}}"

/* What a check offers to speak is a setting of it. */
static void speech_differs(void **state)
{
    (void)state;
    static const char far[] = "{\"names\": {\"far\": {\"endpoints\": [\"c\"]}}}";
    static const char *const topologies[] = {SPEAKING(""), SPEAKING(", \"alpn\": [\"http/1.1\"]"),
                                             SPEAKING(", \"alpn\": [\"h2\"]")};
    void *worlds[3];
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(world_open(&worlds[i], topologies[i], far), 0);
    }
    struct operate_comparison changes = compare(worlds[0], worlds[1], 10);
    assert_int_equal(changes.setting_count, 0);
    changes = compare(worlds[0], worlds[2], 10);
    assert_int_equal(changes.setting_count, 1);
    assert_string_equal(find_setting(&changes, "tls")->items[0], "it");
    for (size_t i = 0; i < 3; i++) {
        world_close(&worlds[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(names_are_no_addresses),
        cmocka_unit_test(classes_are_matched_by_clients),
        cmocka_unit_test(states_decide),
        cmocka_unit_test(steering_comes_and_goes),
        cmocka_unit_test(settings_differ),
        cmocka_unit_test(speech_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
