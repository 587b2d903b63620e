/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Unit tests of src/cluster/rollout.c, and of what a node says of bundles in its record. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "base/random.h"
#include "cluster/rollout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 5, MINUTE = 60000 };

static const int64_t start_ms = 1795000000000;

static const char *make_id(unsigned number, char id[CLUSTER_BUNDLE_ID_SIZE])
{
    snprintf(id, CLUSTER_BUNDLE_ID_SIZE, "%064x", number);
    return id;
}

/* Written, read, and the same text again. */
static void check_text(const struct rollout *rollout)
{
    struct rollout read;
    const char *why = NULL;
    char *text = rollout_write(rollout);
    if (rollout_read(text, strlen(text), &read, &why) != 0) {
        fail_msg("%s: %s", why, text);
    }
    char *again = rollout_write(&read);
    assert_string_equal(text, again);
    free(text);
    free(again);
}

static int begin_it(struct rollout *rollout, unsigned number, uint64_t round, enum rollout_require require)
{
    char id[CLUSTER_BUNDLE_ID_SIZE];
    int error = rollout_begin(rollout, &(struct rollout_wish){.id = make_id(number, id),
                                                              .actor = "alice",
                                                              .reason = "new zones",
                                                              .round = round,
                                                              .now_ms = start_ms,
                                                              .within_ms = MINUTE,
                                                              .require = require});
    check_text(rollout);
    return error;
}

/* ---- nodes ---- */

struct world {
    struct rollout_node nodes[NODES];
    struct cluster_bundle bundles[NODES];
    struct rollout_look look;
};

static void make_world(struct world *world, const struct rollout *rollout, size_t count)
{
    static const char *const names[NODES] = {"ns1", "ns2", "ns3", "ns4", "ns5"};
    *world = (struct world){.look = {.count = count, .now_ms = start_ms + 1000, .is_settled = true}};
    world->look.nodes = world->nodes;
    for (size_t i = 0; i < count; i++) {
        struct cluster_bundle *bundle = &world->bundles[i];
        *bundle =
            (struct cluster_bundle){.is_told = true, .is = CLUSTER_BUNDLE_FETCHING, .round = rollout->round};
        memcpy(bundle->id, rollout->next.id, sizeof bundle->id);
        world->nodes[i] = (struct rollout_node){.name = names[i], .is_fresh = true, .bundle = bundle};
    }
}

static void set_all(struct world *world, enum cluster_bundle_is is)
{
    for (size_t i = 0; i < world->look.count; i++) {
        world->bundles[i].is = is;
    }
}

/* ---- tests ---- */

static void test_first(void **state)
{
    struct rollout rollout = {.round = 0};
    struct world world;
    char id[CLUSTER_BUNDLE_ID_SIZE];
    (void)state;
    assert_true(cluster_is_shared(ROLLOUT_KIND));
    check_text(&rollout);
    assert_int_equal(begin_it(&rollout, 1, 7, ROLLOUT_ALL), 0);
    assert_int_equal(begin_it(&rollout, 2, 8, ROLLOUT_ALL), ERROR_BUSY);
    make_world(&world, &rollout, 3);
    assert_false(rollout_decide(&rollout, &world.look));
    set_all(&world, CLUSTER_BUNDLE_READY);
    world.bundles[2].is = CLUSTER_BUNDLE_CHECKING;
    assert_false(rollout_decide(&rollout, &world.look));
    set_all(&world, CLUSTER_BUNDLE_READY);
    assert_true(rollout_is_ready(&rollout, &world.bundles[2]));
    assert_true(rollout_decide(&rollout, &world.look));
    assert_string_equal(rollout.active.id, make_id(1, id));
    assert_string_equal(rollout.active.actor, "alice");
    assert_string_equal(rollout.next.id, "");
    assert_string_equal(rollout.before, "");
    assert_int_equal(rollout.last.result, ROLLOUT_ACTIVE);
    assert_int_equal(rollout.last.node_count, 0);
    assert_false(rollout_decide(&rollout, &world.look));
    check_text(&rollout);
    assert_int_equal(begin_it(&rollout, 1, 9, ROLLOUT_ALL), ERROR_CONFLICT);
    assert_int_equal(begin_it(&rollout, 2, 9, ROLLOUT_ALL), 0);
    make_world(&world, &rollout, 3);
    set_all(&world, CLUSTER_BUNDLE_READY);
    assert_true(rollout_decide(&rollout, &world.look));
    assert_string_equal(rollout.before, make_id(1, id));
    assert_string_equal(rollout.active.id, make_id(2, id));
    char before[CLUSTER_BUNDLE_ID_SIZE];
    const struct rollout_wish wish = {
        .id = id, .role = "admin", .may_more = true, .round = 10, .now_ms = start_ms, .within_ms = MINUTE};
    assert_int_equal(rollout_begin(&rollout, &wish), 0); /* the same once more, with more rights */
    check_text(&rollout);
    make_world(&world, &rollout, 3);
    set_all(&world, CLUSTER_BUNDLE_READY);
    assert_true(rollout_decide(&rollout, &world.look));
    assert_string_equal(rollout.active.role, "admin");
    assert_string_equal(rollout.before, make_id(1, before));
}

static void test_one_cannot(void **state)
{
    struct rollout rollout = {.round = 0};
    struct world world;
    (void)state;
    (void)begin_it(&rollout, 1, 7, ROLLOUT_ALL);
    make_world(&world, &rollout, 3);
    world.bundles[1].is = CLUSTER_BUNDLE_FAILED;
    snprintf(world.bundles[1].why, sizeof world.bundles[1].why, "the disk is full");
    assert_true(rollout_decide(&rollout, &world.look)); /* the others need not go on */
    assert_string_equal(rollout.active.id, "");
    assert_int_equal(rollout.last.result, ROLLOUT_FAILED);
    assert_int_equal(rollout.last.node_count, 1);
    assert_string_equal(rollout.last.nodes[0].node, "ns2");
    assert_string_equal(rollout.last.nodes[0].why, "the disk is full");
    check_text(&rollout);

    (void)begin_it(&rollout, 1, 8, ROLLOUT_MAJORITY);
    make_world(&world, &rollout, 3);
    world.bundles[1].is = CLUSTER_BUNDLE_FAILED;
    world.bundles[0].is = world.bundles[2].is = CLUSTER_BUNDLE_READY;
    assert_true(rollout_decide(&rollout, &world.look));
    assert_int_equal(rollout.last.result, ROLLOUT_ACTIVE);
    assert_int_equal(rollout.last.node_count, 1);
    assert_string_equal(rollout.last.nodes[0].node, "ns2");
    check_text(&rollout);
}

static void test_one_is_gone(void **state)
{
    struct rollout rollout = {.round = 0}, before;
    struct world world;
    (void)state;
    (void)begin_it(&rollout, 1, 7, ROLLOUT_ALL);
    make_world(&world, &rollout, 3);
    set_all(&world, CLUSTER_BUNDLE_READY);
    world.nodes[2].is_fresh = false;
    world.nodes[2].bundle = NULL;
    world.look.is_settled = false; /* it may come yet */
    assert_false(rollout_decide(&rollout, &world.look));
    before = rollout;
    world.look.is_settled = true;
    assert_true(rollout_decide(&rollout, &world.look));
    assert_int_equal(rollout.last.result, ROLLOUT_ACTIVE);
    assert_string_equal(rollout.last.nodes[0].node, "ns3");
    assert_string_equal(rollout.last.nodes[0].why, "it is not heard of");
    check_text(&rollout);

    rollout = before; /* who is there and does not say how it is is waited for, until it is too late */
    world.nodes[2].is_fresh = true;
    assert_false(rollout_decide(&rollout, &world.look));
    world.look.now_ms = start_ms + MINUTE;
    assert_true(rollout_decide(&rollout, &world.look));
    assert_int_equal(rollout.last.result, ROLLOUT_FAILED);
    assert_string_equal(rollout.last.nodes[0].node, "ns3");
}

static void test_majority_of_all(void **state)
{
    struct rollout rollout = {.round = 0};
    struct world world;
    (void)state;
    (void)begin_it(&rollout, 1, 7, ROLLOUT_MAJORITY);
    make_world(&world, &rollout, 5);
    set_all(&world, CLUSTER_BUNDLE_READY);
    for (size_t i = 2; i < 5; i++) {
        world.nodes[i].is_fresh = false;
    }
    assert_true(rollout_decide(&rollout, &world.look)); /* two of five, however few are heard of */
    assert_int_equal(rollout.last.result, ROLLOUT_FAILED);
    assert_int_equal(rollout.last.node_count, 3);

    (void)begin_it(&rollout, 1, 8, ROLLOUT_MAJORITY);
    make_world(&world, &rollout, 5);
    set_all(&world, CLUSTER_BUNDLE_READY);
    world.bundles[4].is = world.bundles[3].is = CLUSTER_BUNDLE_FETCHING;
    assert_false(rollout_decide(&rollout, &world.look)); /* they have their time */
    world.look.now_ms = start_ms + MINUTE;
    assert_true(rollout_decide(&rollout, &world.look));
    assert_int_equal(rollout.last.result, ROLLOUT_ACTIVE);
    assert_int_equal(rollout.last.node_count, 2);
}

/* What a node said of the same bundle in a round before says nothing of this one. */
static void test_rounds(void **state)
{
    struct rollout rollout = {.round = 0};
    struct world world;
    (void)state;
    (void)begin_it(&rollout, 1, 7, ROLLOUT_ALL);
    make_world(&world, &rollout, 3);
    assert_int_equal(rollout_cancel(&rollout, "not today", start_ms), 0);
    assert_int_equal(rollout_cancel(&rollout, "", start_ms), ERROR_NOT_FOUND);
    assert_int_equal(rollout.last.result, ROLLOUT_CANCELLED);
    assert_string_equal(rollout.last.why, "not today");
    (void)begin_it(&rollout, 1, 8, ROLLOUT_ALL);
    set_all(&world, CLUSTER_BUNDLE_READY);
    assert_false(rollout_is_ready(&rollout, &world.bundles[0]));
    assert_false(rollout_decide(&rollout, &world.look));
    set_all(&world, CLUSTER_BUNDLE_FAILED);
    assert_false(rollout_decide(&rollout, &world.look));
}

/* ---- against the rules in other words ---- */

enum ending { GOES_ON, BECOMES_ACTIVE, FAILS };

static enum ending expect_end(const struct rollout *rollout, const struct world *world)
{
    size_t ready = 0, failed = 0, waits = 0;
    bool is_over = world->look.now_ms >= rollout->until_ms;
    for (size_t i = 0; i < world->look.count; i++) {
        bool is_fresh = world->nodes[i].is_fresh;
        const struct cluster_bundle *said = world->nodes[i].bundle;
        bool counts = is_fresh && said != NULL && said->round == rollout->round;
        ready += counts && said->is == CLUSTER_BUNDLE_READY;
        failed += counts && said->is == CLUSTER_BUNDLE_FAILED;
        waits += is_fresh ? !counts || (said->is != CLUSTER_BUNDLE_READY && said->is != CLUSTER_BUNDLE_FAILED)
                          : !world->look.is_settled;
    }
    if (rollout->require == ROLLOUT_MAJORITY) {
        return waits != 0 && !is_over ? GOES_ON : 2 * ready > world->look.count ? BECOMES_ACTIVE : FAILS;
    }
    return failed != 0  ? FAILS
           : waits == 0 ? (ready != 0 ? BECOMES_ACTIVE : FAILS)
           : is_over    ? FAILS
                        : GOES_ON;
}

static void scatter(struct world *world, struct random *random)
{
    for (size_t i = 0; i < world->look.count; i++) {
        struct cluster_bundle *bundle = &world->bundles[i];
        world->nodes[i].is_fresh = random_below(random, 4) != 0;
        world->nodes[i].bundle = random_below(random, 8) == 0 ? NULL : bundle;
        bundle->is = (enum cluster_bundle_is)random_below(random, CLUSTER_BUNDLE_FAILED + 1);
        if (random_below(random, 2) == 0) {
            bundle->is = CLUSTER_BUNDLE_READY;
        }
        if (random_below(random, 8) == 0) {
            bundle->round++;
        }
    }
    world->look.is_settled = random_below(random, 4) != 0;
    world->look.now_ms = start_ms + (random_below(random, 4) == 0 ? MINUTE : MINUTE - 1);
}

static void check_end(const struct rollout *before, const struct rollout *after, enum ending ending)
{
    assert_string_equal(after->next.id, "");
    assert_int_equal(after->round, 0);
    assert_string_equal(after->last.id, before->next.id);
    if (ending == BECOMES_ACTIVE) {
        assert_string_equal(after->active.id, before->next.id);
        assert_string_equal(after->before, before->active.id);
    } else {
        assert_string_equal(after->active.id, before->active.id);
        assert_string_equal(after->before, before->before);
        assert_int_equal(after->last.result, ROLLOUT_FAILED);
        assert_true(after->last.node_count != 0);
    }
    check_text(after);
}

static void test_random(void **state)
{
    struct rollout rollout = {.round = 0};
    struct random random;
    size_t ends[FAILS + 1] = {0};
    (void)state;
    random_init(&random, 14);
    for (unsigned i = 1; i <= 20000; i++) {
        struct world world;
        enum rollout_require require = random_below(&random, 2) == 0 ? ROLLOUT_ALL : ROLLOUT_MAJORITY;
        if (rollout.next.id[0] == '\0') {
            assert_int_equal(begin_it(&rollout, i, i, require), 0);
        }
        struct rollout before = rollout;
        make_world(&world, &rollout, 1 + random_below(&random, NODES));
        scatter(&world, &random);
        enum ending ending = expect_end(&rollout, &world);
        bool has_ended = rollout_decide(&rollout, &world.look);
        ends[ending]++;
        assert_int_equal(has_ended, ending != GOES_ON);
        if (has_ended) {
            check_end(&before, &rollout, ending);
        } else {
            assert_memory_equal(&before, &rollout, sizeof rollout);
        }
    }
    assert_true(ends[GOES_ON] > 1000 && ends[BECOMES_ACTIVE] > 1000 && ends[FAILS] > 1000);
}

/* ---- texts ---- */

static void test_wrong(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{\"active\":1}",
        "{\"active\":{}}",
        "{\"active\":{\"id\":\"abc\"}}",
        "{\"before\":\"abc\"}",
        "{\"next\":{\"id\":\"%s\"}}",
        "{\"next\":{\"id\":\"%s\",\"require\":\"all\",\"round\":\"0000000000000000\",\"until\":1}}",
        "{\"next\":{\"id\":\"%s\",\"require\":\"all\",\"round\":\"0000000000000001\"}}",
        "{\"next\":{\"id\":\"%s\",\"require\":\"some\",\"round\":\"0000000000000001\",\"until\":1}}",
        "{\"last\":{\"id\":\"%s\",\"result\":\"well\"}}",
        "{\"last\":{\"id\":\"%s\",\"result\":\"failed\",\"nodes\":[]}}",
        "{\"last\":{\"id\":\"%s\",\"result\":\"failed\",\"nodes\":{\"-\":\"a\"}}}",
        "{\"last\":{\"id\":\"%s\",\"result\":\"failed\",\"nodes\":{\"ns1\":1}}}"};
    char id[CLUSTER_BUNDLE_ID_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct rollout rollout;
        const char *why = NULL, *gap = strstr(wrong[i], "%s");
        char text[512];
        if (gap == NULL) {
            snprintf(text, sizeof text, "%s", wrong[i]);
        } else {
            snprintf(text, sizeof text, "%.*s%s%s", (int)(gap - wrong[i]), wrong[i], make_id(3, id), gap + 2);
        }
        if (rollout_read(text, strlen(text), &rollout, &why) == 0 || why == NULL) {
            fail_msg("taken: %s", text);
        }
    }
}

/* What an operator says may be long, and not of one octet a letter. */
static void test_long(void **state)
{
    struct rollout rollout = {.round = 0};
    char id[CLUSTER_BUNDLE_ID_SIZE], long_text[1024];
    (void)state;
    memset(long_text, 'a', sizeof long_text);
    for (size_t i = 1; i + 2 < sizeof long_text; i += 2) {
        memcpy(long_text + i, "\xc3\xa9", 2);
    }
    long_text[1021] = '\0';
    assert_int_equal(rollout_begin(&rollout, &(struct rollout_wish){.id = make_id(1, id),
                                                                    .actor = long_text,
                                                                    .reason = long_text,
                                                                    .round = 1,
                                                                    .now_ms = 1,
                                                                    .within_ms = 1}),
                     0);
    assert_int_equal(strlen(rollout.next.actor), ROLLOUT_ACTOR_SIZE - 1);
    assert_int_equal(strlen(rollout.next.reason), ROLLOUT_REASON_SIZE - 1);
    check_text(&rollout);
    (void)rollout_cancel(&rollout, NULL, 2);
    check_text(&rollout);
}

static void test_record(void **state)
{
    struct cluster_node node = {.name = "ns1", .phase = "following", .protocol = 1, .run = 1}, read;
    struct cluster_bundle *bundle = &node.self.bundle;
    char id[CLUSTER_BUNDLE_ID_SIZE];
    const char *why = NULL;
    (void)state;
    char *text = cluster_write_node(&node);
    assert_null(strstr(text, "bundle"));
    assert_int_equal(cluster_read_node(text, strlen(text), &read, &why), 0);
    assert_false(read.self.bundle.is_told);
    free(text);
    *bundle = (struct cluster_bundle){.is_told = true, .is = CLUSTER_BUNDLE_FAILED, .round = 9, .done = 40};
    memcpy(bundle->serves, make_id(1, id), sizeof id);
    memcpy(bundle->id, make_id(2, id), sizeof id);
    snprintf(bundle->why, sizeof bundle->why, "topology.json: no");
    text = cluster_write_node(&node);
    assert_int_equal(cluster_read_node(text, strlen(text), &read, &why), 0);
    assert_memory_equal(&read.self.bundle, bundle, sizeof *bundle);
    char *at = strstr(text, "\"failed\"");
    memcpy(at, "\"newest\"", strlen("\"newest\"")); /* of a later version */
    assert_int_equal(cluster_read_node(text, strlen(text), &read, &why), 0);
    assert_false(read.self.bundle.is_told);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first),  cmocka_unit_test(test_one_cannot),
        cmocka_unit_test(test_rounds), cmocka_unit_test(test_one_is_gone),
        cmocka_unit_test(test_random), cmocka_unit_test(test_majority_of_all),
        cmocka_unit_test(test_wrong),  cmocka_unit_test(test_long),
        cmocka_unit_test(test_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
