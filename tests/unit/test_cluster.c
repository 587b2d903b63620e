/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The machine of a cluster, clause by clause, in virtual time over an etcd that the test makes up. */
#include "config.h"

#include "unit.h"

#include "cluster_case.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char drain[] = "{\"state\":\"drain\"}", up[] = "{\"state\":\"up\"}",
                  down[] = "{\"state\":\"down\"}";

static void test_one_makes_it_and_others_join(void **state)
{
    (void)state;
    struct world *world = calloc(1, sizeof *world);
    world_init(world, 3, 1);
    /* the first has something already, the second something else */
    world_set(&world->nodes[0].disk,
              &(struct store_op){.kind = "override", .key = "region:a", .value = drain});
    world_set(&world->nodes[1].disk, &(struct store_op){.kind = "override", .key = "region:b", .value = up});
    world_start(&world->nodes[0]);
    assert_true(world_wait(world, world_follows, 10000));
    assert_non_null(etcd_model_get(world->model, "/steerd/prod/object/override/region:a"));
    assert_null(etcd_model_get(world->model, "/steerd/prod/filling"));
    world_start(&world->nodes[1]);
    world_start(&world->nodes[2]);
    assert_true(world_wait(world, world_follows, 10000));
    assert_true(world_agrees(world));
    assert_null(world_find(&world->nodes[1].memory, "override", "region:b"));
    assert_string_equal(world_find(&world->nodes[2].disk, "override", "region:a"), drain);
    assert_int_equal(status_of(&world->nodes[2]).at.seq, 0);
    case_end(world);
}

static void test_an_order_is_everywhere(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    struct world_order order;
    world_order(&world->nodes[1], &order, "region:a", drain);
    world_run(world, 100);
    assert_true(order.is_done && order.write.error == 0 && order.write.written == 1);
    assert_int_equal(order.write.at.seq, 1);
    assert_true(world_agrees(world));
    assert_string_equal(world_find(&world->nodes[2].memory, "override", "region:a"), drain);
    assert_int_equal(world->nodes[1].applied_hooks, 0); /* its own is not told to it again */
    assert_int_equal(world->nodes[0].applied_hooks, 1);
    case_end(world);
}

/* ---- turns ---- */

static void order_with_turn(struct world_node *node, struct world_order *order, const char *key,
                            const char *value)
{
    world_prepare(node, order, key, value);
    order->write.needs_turn = true;
    cluster_submit(node->cluster, &order->write);
}

static void test_turns_are_taken_one_by_one(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct turn_told waiting = {false, 0};
    assert_int_equal(take_turn(world, &world->nodes[0], 500).error, 0);
    assert_true(status_of(&world->nodes[0]).has_turn);
    assert_int_equal(take_turn(world, &world->nodes[1], 500).error, ERROR_BUSY);
    assert_string_equal(status_of(&world->nodes[1]).turn_node, "ns1");
    (void)cluster_take_turn(world->nodes[1].cluster, 5000, told_turn, &waiting);
    world_run(world, 200);
    assert_false(waiting.is_told);
    cluster_give_turn(world->nodes[0].cluster);
    world_run(world, 500);
    assert_true(waiting.is_told && waiting.error == 0);
    case_end(world);
}

/* Orders given one after the other, each as soon as the one before is done, do not wait; but for a second,
 * then somebody else comes to it. */
static void test_many_orders_do_not_wait_nor_keep_others_waiting(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    int64_t begin_ms = world->now_ms, asked_ms = 0, longest_ms = 0;
    struct turn_told other = {false, 0}, told = {true, 0};
    bool is_wanted = false;
    while (!other.is_told && world->now_ms - begin_ms < 5000) {
        if (told.is_told) {
            assert_int_equal(told.error, 0);
            cluster_give_turn(world->nodes[0].cluster);
            longest_ms = asked_ms != 0 && world->now_ms - asked_ms > longest_ms ? world->now_ms - asked_ms
                                                                                : longest_ms;
            told.is_told = false;
            asked_ms = world->now_ms;
            world_run(world, 1); /* it is given back, as nobody wants it at this moment */
            (void)cluster_take_turn(world->nodes[0].cluster, 5000, told_turn, &told);
        }
        if (!is_wanted && world->now_ms - begin_ms >= 900) {
            assert_true(longest_ms < 50);
            (void)cluster_take_turn(world->nodes[1].cluster, 5000, told_turn, &other);
            is_wanted = true;
        }
        world_run(world, 1);
    }
    assert_true(other.is_told && other.error == 0);
    assert_true(world->now_ms - begin_ms < 1500);
    case_end(world);
}

static void test_a_turn_that_is_lost_writes_nothing(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct world_order order;
    assert_int_equal(take_turn(world, &world->nodes[0], 500).error, 0);
    etcd_model_delete(world->model, "/steerd/prod/turn"); /* it does not know that yet */
    order_with_turn(&world->nodes[0], &order, "region:a", drain);
    world_run(world, 2000);
    assert_true(order.is_done);
    assert_int_equal(order.write.error, ERROR_CONFLICT);
    assert_int_equal(etcd_model_count(world->model, "/steerd/prod/entry/"), 0);
    case_end(world);
}

static void test_who_dies_loses_the_turn(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    assert_int_equal(take_turn(world, &world->nodes[0], 500).error, 0);
    world_crash(&world->nodes[0]);
    assert_int_equal(take_turn(world, &world->nodes[1], 6000).error, 0);
    case_end(world);
}

static void test_what_was_judged_on_something_else_is_judged_again(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct world_order emergency, order;
    assert_int_equal(take_turn(world, &world->nodes[0], 500).error, 0);
    etcd_model_way(world->nodes[0].etcd)->is_deaf = true;
    world_emergency(&world->nodes[1], &emergency, "region:a", drain);
    world_run(world, 100);
    assert_true(emergency.is_done && emergency.write.error == 0);
    order_with_turn(&world->nodes[0], &order, "region:b", drain);
    world_run(world, 500);
    assert_true(order.is_done);
    assert_int_equal(order.write.error, ERROR_PRECONDITION);
    assert_true(status_of(&world->nodes[0]).has_turn);
    order_with_turn(&world->nodes[0], &order, "region:b", drain); /* judged on that now */
    world_run(world, 500);
    assert_int_equal(order.write.error, 0);
    case_end(world);
}

static void write_by_sight(struct world_node *node, struct world_order *order, const char *key,
                           uint64_t sight)
{
    world_prepare(node, order, key, drain);
    order->write.needs_sight = true;
    order->write.sight = sight;
    cluster_submit(node->cluster, &order->write);
}

static void test_what_needs_sight_is_written_on_what_was_seen(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct world_order order, step;
    uint64_t sight = cluster_see(world->nodes[0].cluster);
    etcd_model_way(world->nodes[0].etcd)->is_deaf = true; /* another one orders, and it is not told */
    world_order(&world->nodes[1], &order, "region:a", drain);
    world_run(world, 100);
    assert_true(order.is_done && order.write.error == 0);
    assert_int_equal(cluster_see(world->nodes[0].cluster), sight);
    write_by_sight(&world->nodes[0], &step, "region:b", sight);
    world_run(world, 500);
    assert_true(step.is_done);
    assert_int_equal(step.write.error, ERROR_PRECONDITION);
    assert_null(etcd_model_get(world->model, "/steerd/prod/object/override/region:b"));
    sight = cluster_see(world->nodes[0].cluster); /* looked at again, and nothing comes between */
    write_by_sight(&world->nodes[0], &step, "region:b", sight);
    world_run(world, 500);
    assert_true(step.is_done && step.write.error == 0);
    assert_true(cluster_see(world->nodes[0].cluster) != sight); /* its own counts as well */
    write_by_sight(&world->nodes[0], &step, "region:b", sight);
    world_run(world, 500);
    assert_int_equal(step.write.error, ERROR_PRECONDITION);
    case_end(world);
}

/* What holds here when it is judged may have been the reason that it was allowed. */
static void test_what_was_judged_on_what_was_lost_is_lost(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct world_order first, second;
    size_t len = 700 * 1024;
    char *large = malloc(len + 1);
    memset(large, 'x', len);
    large[0] = large[len - 1] = '"';
    large[len] = '\0';
    assert_int_equal(take_turn(world, &world->nodes[0], 500).error, 0);
    world_prepare(&world->nodes[0], &first, "region:a", drain);
    first.op.value = large;
    first.write.needs_turn = true;
    cluster_submit(world->nodes[0].cluster, &first.write);
    order_with_turn(&world->nodes[0], &second, "region:b", drain);
    world_run(world, 500);
    assert_true(first.is_done && second.is_done);
    assert_int_equal(first.write.error, ERROR_TOO_LARGE);
    assert_int_equal(second.write.error, ERROR_PRECONDITION);
    assert_int_equal(etcd_model_count(world->model, "/steerd/prod/entry/"), 0);
    free(large);
    case_end(world);
}

/* ---- what is not answered ---- */

static void test_a_lost_reply_is_found_out(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct world_order order;
    etcd_model_way(world->nodes[0].etcd)->lost_reply = 1000;
    world_order(&world->nodes[0], &order, "region:a", drain);
    etcd_model_way(world->nodes[0].etcd)->is_deaf = true;
    world_run(world, 1500);
    assert_false(order.is_done); /* it is there, but who asked does not know */
    assert_int_equal(etcd_model_count(world->model, "/steerd/prod/entry/"), 1);
    etcd_model_way(world->nodes[0].etcd)->lost_reply = 0;
    world_run(world, 4000);
    assert_true(order.is_done && order.write.error == 0);
    assert_int_equal(order.write.at.seq, 1);
    assert_int_equal(etcd_model_count(world->model, "/steerd/prod/entry/"), 1);
    assert_true(world_wait(world, world_follows, 10000) && world_agrees(world));
    case_end(world);
}

static void test_what_never_came_through_is_not_told_as_done(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct world_order order, other;
    etcd_model_way(world->nodes[0].etcd)->is_cut = true;
    world_order(&world->nodes[0], &order, "region:a", drain);
    world_run(world, 1200);
    assert_false(order.is_done); /* open */
    world_order(&world->nodes[1], &other, "region:b", drain);
    world_run(world, 100);
    assert_int_equal(other.write.error, 0);
    etcd_model_way(world->nodes[0].etcd)->is_cut = false;
    assert_true(world_wait(world, world_follows, 10000));
    assert_true(order.is_done);
    /* lost to the other one, or written behind it: what is told is what is */
    assert_int_equal(order.write.error == 0,
                     etcd_model_get(world->model, "/steerd/prod/object/override/region:a") != NULL);
    assert_true(world_agrees(world));
    case_end(world);
}

static void test_a_crash_between_etcd_and_the_disk(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct world_order order;
    world->nodes[0].disk_ms = 5000;
    world_order(&world->nodes[0], &order, "region:a", drain);
    world_run(world, 50);
    assert_true(order.is_done && order.write.error == 0);
    world_crash(&world->nodes[0]);
    assert_null(world_find(&world->nodes[0].disk, "override", "region:a"));
    world->nodes[0].disk_ms = 0;
    world_start(&world->nodes[0]);
    assert_true(world_wait(world, world_follows, 10000));
    assert_int_equal(world->nodes[0].applied_hooks, 1); /* as anybody's */
    assert_true(world_agrees(world));
    case_end(world);
}

/* ---- etcd is away ---- */

static void cut(struct world *world, size_t node, bool is_cut)
{
    etcd_model_way(world->nodes[node].etcd)->is_refused = is_cut;
}

static void test_without_etcd_only_emergencies(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct world_order emergency;
    cut(world, 0, true);
    world_run(world, 3000);
    assert_int_equal(status_of(&world->nodes[0]).phase, CLUSTER_AWAY);
    assert_int_equal(take_turn(world, &world->nodes[0], 200).error, -ENETUNREACH);
    world_emergency(&world->nodes[0], &emergency, "region:a", drain);
    world_run(world, 1000);
    assert_true(emergency.is_done && emergency.is_pended);
    assert_int_equal(status_of(&world->nodes[0]).pending, 1);
    cut(world, 0, false);
    assert_true(world_wait(world, world_follows, 10000));
    assert_true(world_agrees(world));
    assert_string_equal(world_find(&world->nodes[1].disk, "override", "region:a"), drain);
    assert_non_null(
        strstr(etcd_model_get(world->model, "/steerd/prod/entry/00000000000000000001"), "provisional_since"));
    assert_int_equal(world->nodes[0].conflicts, 0);
    case_end(world);
}

/* Node 1 says `ours` alone, node 2 `theirs` through etcd; what holds then? */
static void conflict(const char *ours, const char *theirs, const char *holds, bool restarts)
{
    struct world *world = case_begin(2);
    struct world_order order;
    cut(world, 0, true);
    world_pend(&world->nodes[0], "region:a", ours, 4711, NULL);
    world_run(world, 1000);
    if (restarts) {
        world_crash(&world->nodes[0]);
        world_start(&world->nodes[0]);
        cut(world, 0, true);
        world_run(world, 500);
    }
    world_order(&world->nodes[1], &order, "region:a", theirs);
    world_run(world, 1000);
    assert_int_equal(order.write.error, 0);
    cut(world, 0, false);
    assert_true(world_wait(world, world_follows, 10000));
    assert_true(world_agrees(world));
    const char *found = world_find(&world->nodes[1].memory, "override", "region:a");
    assert_true(holds == NULL ? found == NULL : found != NULL && strcmp(found, holds) == 0);
    assert_int_equal(world->nodes[0].conflicts, 1);
    assert_non_null(world_find(&world->nodes[1].memory, "conflict", "override:region:a"));
    case_end(world);
}

/* Whoever reaches etcd first brings an order that was given elsewhere: a conflict names where. */
static void test_a_conflict_names_where_it_was_given(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    struct world_order order;
    cut(world, 0, true);
    cut(world, 1, true);
    world_pend(&world->nodes[1], "region:a", drain, 4711, NULL);
    world_run(world, 100);
    assert_int_equal(world_tell(&world->nodes[1], &world->nodes[0]), 1);
    world_order(&world->nodes[2], &order, "region:a", up);
    world_run(world, 3000);
    assert_int_equal(order.write.error, 0);
    cut(world, 0, false);
    world_run(world, 5000);
    const char *found = world_find(&world->nodes[2].memory, "conflict", "override:region:a");
    assert_non_null(found);
    assert_non_null(strstr(found, "\"node\":\"ns2\""));
    assert_non_null(strstr(found, "\"their_node\":\"ns3\""));
    cut(world, 1, false);
    assert_true(world_wait(world, world_follows, 10000));
    assert_true(world_agrees(world));
    case_end(world);
}

/* … also where that was an end, which leaves no object that says it. */
static void test_a_conflict_names_where_an_end_was_given(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    struct world_order order;
    world_order(&world->nodes[0], &order, "region:a", drain);
    world_run(world, 1000);
    assert_int_equal(order.write.error, 0);
    for (int i = 0; i < 3; i++) {
        cut(world, i, true);
    }
    world_pend(&world->nodes[1], "region:a", NULL, 4711, NULL);
    world_pend(&world->nodes[2], "region:a", down, 4712, NULL);
    world_run(world, 100);
    assert_int_equal(world_tell(&world->nodes[1], &world->nodes[0]), 1);
    cut(world, 0, false);
    world_run(world, 5000);
    cut(world, 2, false);
    world_run(world, 5000);
    const char *found = world_find(&world->nodes[0].memory, "conflict", "override:region:a");
    assert_non_null(found);
    assert_non_null(strstr(found, "\"node\":\"ns3\""));
    assert_non_null(strstr(found, "\"their_node\":\"ns2\""));
    case_end(world);
}

static void test_the_safer_one_holds(void **state)
{
    (void)state;
    conflict(drain, up, drain, false);
    conflict(up, drain, drain, false);
    conflict(down, drain, down, true);
    conflict(NULL, drain, drain, true);
    conflict("{\"state\":\"drain\",\"share\":10}", "{\"state\":\"drain\",\"share\":20}",
             "{\"state\":\"drain\",\"share\":20}", false);
    conflict("{\"state\":\"drain\",\"reason\":\"a\"}", "{\"state\":\"drain\",\"reason\":\"b\"}",
             "{\"state\":\"drain\",\"reason\":\"b\"}", false); /* equally safe: the later one */
}

static void test_each_of_several_that_lost_is_kept(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    struct world_order order;
    cut(world, 0, true);
    cut(world, 1, true);
    world_pend(&world->nodes[0], "region:a", "{\"state\":\"up\",\"reason\":\"first\"}", 1, NULL);
    world_pend(&world->nodes[1], "region:a", "{\"state\":\"up\",\"reason\":\"second\"}", 2, NULL);
    world_order(&world->nodes[2], &order, "region:a", drain);
    world_run(world, 1000);
    cut(world, 0, false);
    assert_true(world_wait(world, world_follows, 10000) || true);
    world_run(world, 3000);
    cut(world, 1, false);
    assert_true(world_wait(world, world_follows, 10000));
    const char *found = world_find(&world->nodes[2].memory, "conflict", "override:region:a");
    assert_non_null(found);
    assert_true(strstr(found, "first") != NULL && strstr(found, "second") != NULL);
    assert_string_equal(world_find(&world->nodes[0].memory, "override", "region:a"), drain);
    assert_true(world_agrees(world));
    case_end(world);
}

static void test_the_same_order_on_two_nodes_is_one(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    struct world_order lifted;
    cut(world, 0, true);
    cut(world, 1, true);
    world_pend(&world->nodes[0], "region:a", drain, 99, NULL);
    world_pend(&world->nodes[1], "region:a", drain, 99, NULL); /* it went there directly */
    world_run(world, 1000);
    cut(world, 0, false);
    world_run(world, 5000);
    world_order(&world->nodes[2], &lifted, "region:a", NULL); /* an operator has seen it */
    world_run(world, 500);
    assert_int_equal(lifted.write.error, 0);
    cut(world, 1, false);
    assert_true(world_wait(world, world_follows, 10000));
    assert_null(world_find(&world->nodes[1].memory, "override", "region:a")); /* it does not come back */
    assert_int_equal(world->nodes[1].conflicts, 0);
    assert_int_equal(world->nodes[1].settled_hooks, 1);
    assert_true(world_agrees(world));
    case_end(world);
}

/* ---- names, work, watches ---- */

static void test_one_name_is_one_process(void **state)
{
    (void)state;
    struct world *world = case_begin(1);
    struct world_node *other = &world->nodes[1];
    world->count = 2;
    *other = (struct world_node){.world = world, .name = "ns1"};
    other->last_job = &other->jobs;
    world_start(other);
    world_run(world, 8000);
    assert_int_equal(status_of(other).phase, CLUSTER_ESTRANGED);
    assert_non_null(strstr(status_of(other).why, "another steerd says that it is ns1"));
    assert_int_equal(take_turn(world, other, 100).error, ERROR_CONFLICT);
    assert_int_equal(status_of(&world->nodes[0]).phase, CLUSTER_FOLLOWING);
    world_crash(&world->nodes[0]);
    world_run(world, 7000);
    assert_int_equal(status_of(other).phase, CLUSTER_FOLLOWING);
    world_start(&world->nodes[0]); /* and the other way round */
    world_run(world, 8000);
    assert_int_equal(status_of(&world->nodes[0]).phase, CLUSTER_ESTRANGED);
    case_end(world);
}

static unsigned count_work(struct world *world)
{
    unsigned count = 0;
    for (size_t i = 0; i < world->count; i++) {
        count += world->nodes[i].is_up && status_of(&world->nodes[i]).has_work;
    }
    return count;
}

static void test_work_moves_and_is_never_two_s(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    for (size_t i = 0; i < 3; i++) {
        cluster_want_work(world->nodes[i].cluster, true);
    }
    world_run(world, 500);
    for (unsigned round = 0; round < 6; round++) {
        int64_t without_ms = 0;
        for (unsigned i = 0; i < 150; i++) {
            assert_true(count_work(world) <= 1);
            without_ms += count_work(world) == 0 ? 100 : 0;
            world_run(world, 100);
        }
        assert_true(without_ms <= 10000);
        assert_int_equal(count_work(world), 1);
        for (size_t i = 0; i < 3; i++) { /* who has it is cut off, the others are not */
            *etcd_model_way(world->nodes[i].etcd) =
                (struct etcd_way){.delay_ms = 2, .is_cut = status_of(&world->nodes[i]).has_work};
        }
    }
    case_end(world);
}

static void test_a_deaf_watch_and_a_compacted_one(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    etcd_model_way(world->nodes[1].etcd)->is_deaf = true;
    give(world, 0, "region:a", drain);
    world_run(world, 5000);
    assert_string_equal(world_find(&world->nodes[1].memory, "override", "region:a"), drain);
    *etcd_model_way(world->nodes[1].etcd) = (struct etcd_way){.delay_ms = 2, .is_cut = true};
    world_run(world, 5000);
    give(world, 0, "region:b", drain);
    etcd_model_compact(world->model);
    etcd_model_way(world->nodes[1].etcd)->is_cut = false;
    assert_true(world_wait(world, world_follows, 10000));
    assert_true(world_agrees(world));
    case_end(world);
}

/* ---- who has it ---- */

struct spread_told {
    size_t in_force, waiting;
    bool is_told, is_satisfied;
};

static void told_spread(void *context, const struct cluster_spread *spread)
{
    *(struct spread_told *)context =
        (struct spread_told){spread->in_force_count, spread->waiting_count, true, spread->is_satisfied};
}

static void test_who_has_applied_it(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    struct spread_told majority = {0}, all = {0};
    etcd_model_way(world->nodes[2].etcd)->is_cut = true;
    give(world, 0, "region:a", drain);
    (void)cluster_await(world->nodes[0].cluster, 1, CLUSTER_MAJORITY, 1000, told_spread, &majority);
    (void)cluster_await(world->nodes[0].cluster, 1, CLUSTER_ALL, 1000, told_spread, &all);
    world_run(world, 100);
    assert_true(majority.is_told && majority.is_satisfied && majority.in_force == 2 && majority.waiting == 1);
    assert_false(all.is_told);
    world_run(world, 1000);
    assert_true(all.is_told && !all.is_satisfied);
    world_run(world, 4000); /* it is not fresh any more */
    all = (struct spread_told){0};
    world->wall_ms -= 86400000; /* clocks that jump mean nothing */
    (void)cluster_await(world->nodes[0].cluster, 1, CLUSTER_ALL, 1000, told_spread, &all);
    world_run(world, 100);
    assert_true(all.is_told && all.is_satisfied);
    case_end(world);
}

/* How old an entry can be at most is known without anybody's wall clock: this node saw that it was not there.
 */
static void test_how_old_an_entry_can_be(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    world_run(world, 5000);
    int64_t written_ms = world->now_ms;
    give(world, 0, "region:a", drain);
    world_run(world, 50);
    assert_in_range(world->nodes[1].after_ms, written_ms - 2000, written_ms);
    etcd_model_way(world->nodes[1].etcd)->is_cut = true;
    int64_t cut_ms = world->now_ms;
    world_run(world, 60000);
    give(world, 0, "region:a", up);
    world_run(world, 60000);
    etcd_model_way(world->nodes[1].etcd)->is_cut = false;
    assert_true(world_wait(world, world_follows, 20000));
    assert_true(world_agrees(world));
    assert_in_range(world->nodes[1].after_ms, cut_ms - 2000, cut_ms);
    case_end(world);
}

/* ---- what nodes have ---- */

static void say(struct world *world, size_t node, uint64_t overrides)
{
    cluster_set_self(world->nodes[node].cluster, &(struct cluster_self){.overrides = overrides});
}

static unsigned count_adopted(const struct world *world)
{
    return world->nodes[0].adopted_hooks + world->nodes[1].adopted_hooks;
}

static void test_who_differs_takes_all_again(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    give(world, 0, "region:a", drain);
    say(world, 0, 1);
    say(world, 1, 1);
    world_run(world, 20000);
    unsigned before = count_adopted(world);
    world_set(&world->nodes[1].memory, &(struct store_op){.kind = "override", .key = "region:a"});
    say(world, 1, 2);
    world_run(world, 4000);
    assert_int_equal(count_adopted(world), before); /* for a moment that is normal */
    world_run(world, 3000);
    assert_int_equal(count_adopted(world), before + 2);
    assert_true(world_agrees(world));
    assert_int_equal(status_of(&world->nodes[1]).at.seq, 1);
    assert_int_equal(status_of(&world->nodes[1]).phase, CLUSTER_FOLLOWING);
    world_run(world, 600000); /* it does not help */
    assert_true(count_adopted(world) > before + 2 && count_adopted(world) < before + 2 * 16);
    say(world, 1, 0); /* an earlier version */
    world_run(world, 1000);
    before = count_adopted(world);
    world_run(world, 600000);
    assert_int_equal(count_adopted(world), before);
    world->wall_ms += 3600000; /* both see it */
    world_run(world, 1000);
    assert_int_equal(count_adopted(world), before + 2);
    give(world, 1, "region:a", up);
    assert_true(world_agrees(world));
    case_end(world);
}

static void test_what_is_over_leaves_etcd(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    const char *key = "/steerd/prod/object/override/region:a";
    cluster_want_work(world->nodes[0].cluster, true);
    give(world, 0, "region:a", "{\"state\":\"over\"}");
    give(world, 0, "region:b", drain);
    say(world, 0, 1);
    say(world, 1, 2);
    world_run(world, 150000);
    assert_non_null(etcd_model_get(world->model, key)); /* it holds somewhere */
    say(world, 1, 1);
    world_run(world, 150000);
    assert_null(etcd_model_get(world->model, key));
    assert_non_null(etcd_model_get(world->model, "/steerd/prod/object/override/region:b"));
    assert_int_equal(status_of(&world->nodes[1]).at.seq, 2);
    give(world, 1, "region:a", up);
    assert_non_null(etcd_model_get(world->model, key));
    case_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_makes_it_and_others_join),
        cmocka_unit_test(test_an_order_is_everywhere),
        cmocka_unit_test(test_turns_are_taken_one_by_one),
        cmocka_unit_test(test_many_orders_do_not_wait_nor_keep_others_waiting),
        cmocka_unit_test(test_a_turn_that_is_lost_writes_nothing),
        cmocka_unit_test(test_who_dies_loses_the_turn),
        cmocka_unit_test(test_what_was_judged_on_something_else_is_judged_again),
        cmocka_unit_test(test_what_needs_sight_is_written_on_what_was_seen),
        cmocka_unit_test(test_what_was_judged_on_what_was_lost_is_lost),
        cmocka_unit_test(test_a_lost_reply_is_found_out),
        cmocka_unit_test(test_what_never_came_through_is_not_told_as_done),
        cmocka_unit_test(test_a_crash_between_etcd_and_the_disk),
        cmocka_unit_test(test_without_etcd_only_emergencies),
        cmocka_unit_test(test_a_conflict_names_where_it_was_given),
        cmocka_unit_test(test_a_conflict_names_where_an_end_was_given),
        cmocka_unit_test(test_the_safer_one_holds),
        cmocka_unit_test(test_each_of_several_that_lost_is_kept),
        cmocka_unit_test(test_the_same_order_on_two_nodes_is_one),
        cmocka_unit_test(test_one_name_is_one_process),
        cmocka_unit_test(test_work_moves_and_is_never_two_s),
        cmocka_unit_test(test_a_deaf_watch_and_a_compacted_one),
        cmocka_unit_test(test_who_has_applied_it),
        cmocka_unit_test(test_how_old_an_entry_can_be),
        cmocka_unit_test(test_who_differs_takes_all_again),
        cmocka_unit_test(test_what_is_over_leaves_etcd),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
