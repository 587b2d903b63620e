/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How nodes know that others live, and how little they write for it, in virtual time. */
#include "config.h"

#include "unit.h"

#include "cluster_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a node knows of another one; NULL: nothing. */
static const struct cluster_node *find_node(const struct world_node *at, const char *name)
{
    const struct cluster_node *nodes;
    size_t count = cluster_list_nodes(at->cluster, &nodes);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(nodes[i].name, name) == 0) {
            return &nodes[i];
        }
    }
    return NULL;
}

static bool is_fresh(const struct world_node *at, const char *name)
{
    const struct cluster_node *node = find_node(at, name);
    return node != NULL && node->is_fresh;
}

static void start(struct world_node *node)
{
    world_start(node);
    etcd_model_way(node->etcd)->delay_ms = 2;
}

static bool all_are_fresh(struct world *world)
{
    bool are = world_follows(world);
    for (size_t i = 0; i < world->count; i++) {
        for (size_t j = 0; j < world->count; j++) {
            are = are && is_fresh(&world->nodes[i], world->nodes[j].name);
        }
    }
    return are;
}

static struct world *begin(void)
{
    struct world *world = case_begin(3);
    cluster_want_work(world->nodes[0].cluster, true);
    world_run(world, 20000); /* until all have compared their clocks */
    assert_true(all_are_fresh(world));
    return world;
}

/* In thousandths of a revision a second. */
static int64_t count_revisions(struct world *world, int64_t ms)
{
    int64_t before = etcd_model_revision(world->model);
    world_run(world, ms);
    return (etcd_model_revision(world->model) - before) * 1000000 / ms;
}

static void test_who_has_nothing_to_say_writes_little(void **state)
{
    (void)state;
    struct world *world = begin();
    int64_t rate = count_revisions(world, 600000);
    print_message("# 3 nodes: %.3f revisions a second\n", (double)rate / 1000);
    assert_in_range(rate, 100, 400);
    assert_true(all_are_fresh(world));
    case_end(world);
}

/* Until it is known at the first node that the third one is gone. */
static int64_t wait_gone(struct world *world)
{
    int64_t began_ms = world->now_ms;
    while (is_fresh(&world->nodes[0], "ns3") && world->now_ms < began_ms + 20000) {
        world_run(world, 10);
    }
    return world->now_ms - began_ms;
}

enum { LATE_MS = CLUSTER_FRESH_MS + 50 };

static void test_who_dies_is_known_to_be_gone(void **state)
{
    (void)state;
    struct world *world = begin();
    for (int64_t at_ms = 0; at_ms < 3000; at_ms += 130) {
        world_run(world, 10000 + at_ms);
        world_crash(&world->nodes[2]);
        assert_in_range(wait_gone(world), 1800, LATE_MS);
        start(&world->nodes[2]);
        assert_true(world_wait(world, all_are_fresh, 10000));
    }
    case_end(world);
}

static void cut_others(struct world *world, bool is_cut)
{
    for (size_t i = 0; i < 2; i++) {
        etcd_model_way(world->nodes[i].etcd)->is_cut = is_cut;
    }
}

/* Its leases live longer by that. */
static void test_who_dies_with_the_leader_of_etcd_is_known_to_be_gone(void **state)
{
    (void)state;
    struct world *world = begin();
    for (int64_t at_ms = 0; at_ms < 2000; at_ms += 230) {
        world_run(world, 10000 + at_ms);
        world_crash(&world->nodes[2]);
        cut_others(world, true); /* nobody answers until there is a new one */
        world_run(world, at_ms);
        etcd_model_elect(world->model);
        cut_others(world, false);
        int64_t gone_ms = at_ms + wait_gone(world);
        assert_in_range(gone_ms, 1500, LATE_MS);
        world_run(world, 2000);
        assert_false(is_fresh(&world->nodes[0], "ns3"));
        assert_true(is_fresh(&world->nodes[0], "ns2") && is_fresh(&world->nodes[1], "ns1"));
        start(&world->nodes[2]);
        assert_true(world_wait(world, all_are_fresh, 10000));
    }
    case_end(world);
}

static void test_who_is_late_for_a_moment_is_not_gone(void **state)
{
    (void)state;
    struct world *world = begin();
    for (int64_t at_ms = 0; at_ms < 1500; at_ms += 70) {
        int64_t until_ms = world->now_ms + 10000 + at_ms;
        etcd_model_way(world->nodes[2].etcd)->is_cut = true;
        for (unsigned i = 0; i < 18; i++) { /* nor is etcd away for it */
            world_run(world, 50);
            assert_int_equal(status_of(&world->nodes[2]).phase, CLUSTER_FOLLOWING);
        }
        etcd_model_way(world->nodes[2].etcd)->is_cut = false;
        while (world->now_ms < until_ms) {
            world_run(world, 50);
            assert_true(is_fresh(&world->nodes[0], "ns3"));
        }
    }
    for (unsigned i = 0; i < 3; i++) { /* requests that are lost now and then */
        etcd_model_way(world->nodes[i].etcd)->lost = 20;
    }
    unsigned gone = 0;
    for (unsigned i = 0; i < 6000; i++) {
        world_run(world, 100);
        gone += !is_fresh(&world->nodes[0], "ns3");
    }
    assert_in_range(gone, 0, 60);
    case_end(world);
}

/* An etcd with a long election time-out: what lives by a lease would be dead for long. */
static void test_where_leases_are_long_beats_tell_it(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    etcd_model_set_least(world->model, 5);
    etcd_model_expire(world->model, 0);
    assert_true(world_wait(world, all_are_fresh, 20000));
    world_run(world, 20000);
    assert_in_range(count_revisions(world, 60000), 2800, 3500);
    for (int64_t at_ms = 0; at_ms < 3000; at_ms += 430) {
        world_run(world, 5000 + at_ms);
        world_crash(&world->nodes[2]);
        assert_in_range(wait_gone(world), 1800, LATE_MS);
        start(&world->nodes[2]);
        assert_true(world_wait(world, all_are_fresh, 10000));
    }
    etcd_model_set_least(world->model, 0);
    etcd_model_expire(world->model, 0);
    world_run(world, 30000);
    assert_in_range(count_revisions(world, 60000), 100, 400);
    case_end(world);
}

/* Nodes of an earlier version know beats only, and are known by theirs. */
static void test_beside_an_earlier_version_beats_tell_it(void **state)
{
    (void)state;
    enum { SECONDS = 60 };
    struct world *world = begin();
    struct cluster_node old = {
        .name = "ns9", .software = "0.1", .protocol = 1, .run = 77, .phase = "following"};
    int64_t before = etcd_model_revision(world->model);
    for (unsigned i = 0; i < SECONDS; i++) {
        old.beat++;
        old.wall_ms = world->wall_ms;
        char *text = cluster_write_node(&old);
        assert_null(strstr(text, "leased"));
        etcd_model_put(world->model, "/steerd/prod/node/ns9", text, 0);
        free(text);
        world_run(world, 1000);
        assert_true(is_fresh(&world->nodes[0], "ns9"));
    }
    assert_in_range(etcd_model_revision(world->model) - before, (SECONDS - 3) * 4, (SECONDS + 3) * 4);
    world_run(world, LATE_MS);
    assert_false(is_fresh(&world->nodes[0], "ns9"));
    etcd_model_delete(world->model, "/steerd/prod/node/ns9"); /* as its lease does */
    world_run(world, 15000);
    assert_in_range(count_revisions(world, 60000), 100, 400);
    case_end(world);
}

/* Whose name it is lives, and says so by its lease only. */
static void test_a_name_of_who_is_silent_is_not_taken(void **state)
{
    (void)state;
    struct world *world = begin();
    struct world_node *other = &world->nodes[3];
    world->count = 4;
    *other = (struct world_node){.world = world, .name = "ns1"};
    other->last_job = &other->jobs;
    start(other);
    for (unsigned i = 0; i < 3000; i++) {
        world_run(world, 100);
        assert_int_equal(status_of(&world->nodes[0]).phase, CLUSTER_FOLLOWING);
        assert_true(i < 100 || status_of(other).phase == CLUSTER_ESTRANGED);
        if (i % 500 == 300) {
            etcd_model_elect(world->model);
        }
    }
    etcd_model_way(other->etcd)->is_deaf = true;
    world_run(world, 60000);
    assert_int_equal(status_of(&world->nodes[0]).phase, CLUSTER_FOLLOWING);
    world_crash(&world->nodes[0]);
    world_run(world, 9000);
    assert_int_equal(status_of(other).phase, CLUSTER_FOLLOWING);
    case_end(world);
}

/* Beats are seldom: who has set its clock says it at once, and reckons with it. */
static void test_a_clock_that_was_set_is_known_soon(void **state)
{
    (void)state;
    enum { STEP_MS = 3600000 };
    for (int64_t step_ms = -STEP_MS; step_ms <= STEP_MS; step_ms += 2 * STEP_MS) {
        struct world *world = begin();
        world->nodes[2].ahead_ms = step_ms;
        world_run(world, 2000);
        int64_t here_ms = find_node(&world->nodes[2], "ns1")->ahead_ms;
        assert_in_range(here_ms + step_ms + 100, 0, 200);
        world_run(world, 8000);
        int64_t there_ms = find_node(&world->nodes[0], "ns3")->ahead_ms;
        assert_in_range(there_ms - step_ms + 100, 0, 200);
        here_ms = find_node(&world->nodes[2], "ns1")->ahead_ms;
        assert_in_range(here_ms + step_ms + 100, 0, 200);
        case_end(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_has_nothing_to_say_writes_little),
        cmocka_unit_test(test_who_dies_is_known_to_be_gone),
        cmocka_unit_test(test_who_dies_with_the_leader_of_etcd_is_known_to_be_gone),
        cmocka_unit_test(test_who_is_late_for_a_moment_is_not_gone),
        cmocka_unit_test(test_where_leases_are_long_beats_tell_it),
        cmocka_unit_test(test_beside_an_earlier_version_beats_tell_it),
        cmocka_unit_test(test_a_name_of_who_is_silent_is_not_taken),
        cmocka_unit_test(test_a_clock_that_was_set_is_known_soon),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
