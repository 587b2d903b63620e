/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The machine of a cluster: orders of several entries, and entries of a later version. */
#include "config.h"

#include "unit.h"

#include "cluster_case.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char drain[] = "{\"state\":\"drain\"}", up[] = "{\"state\":\"up\"}";

static void done(struct cluster_write *write)
{
    *(bool *)(write + 1) = true;
}

static void test_a_long_order_becomes_several(void **state)
{
    (void)state;
    struct world *world = case_begin(1);
    struct store_op ops[130];
    char keys[130][16];
    struct {
        struct cluster_write write;
        bool is_done;
    } order = {.write = {.ops = ops, .op_count = 130, .deadline_ms = 1000, .done = done}};
    for (size_t i = 0; i < 130; i++) {
        snprintf(keys[i], sizeof keys[i], "az:%zu", i % 100); /* some twice: the last one holds */
        ops[i] = (struct store_op){.kind = "override", .key = keys[i], .value = i < 100 ? up : drain};
    }
    cluster_submit(world->nodes[0].cluster, &order.write);
    world_run(world, 500);
    assert_true(order.is_done && order.write.error == 0);
    assert_int_equal(order.write.written, 130);
    assert_int_equal(order.write.at.seq, 3);
    assert_non_null(strstr(etcd_model_get(world->model, "/steerd/prod/object/override/az:0"), "drain"));
    case_end(world);
}

/* One of a kind that this version does not know, as a node that was upgraded already writes it. */
static void test_a_later_version_is_followed(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct cluster_position at = status_of(&world->nodes[0]).at;
    struct store_op op = {.kind = "later-kind", .key = "a", .value = "{\"x\":1}", .if_revision = STORE_ANY};
    struct cluster_entry entry = {
        .node = "ns9", .mark = 5, .mark_to = 1, .cause = {.wall_ms = 1}, .ops = &op, .op_count = 1};
    char key[64], head[CLUSTER_HEAD_SIZE];
    char *text = cluster_write_entry(&at, &entry);
    assert_non_null(text);
    cluster_step(&at, &entry);
    snprintf(key, sizeof key, "/steerd/prod/entry/%020llu", (unsigned long long)at.seq);
    etcd_model_put(world->model, key, text, 0);
    etcd_model_put(world->model, "/steerd/prod/head", cluster_write_head(&at, head), 0);
    free(text);
    world_run(world, 3000);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(status_of(&world->nodes[i]).phase, CLUSTER_FOLLOWING);
        assert_string_equal(world_find(&world->nodes[i].disk, "later-kind", "a"), "{\"x\":1}");
    }
    give(world, 1, "region:a", drain);
    case_end(world);
}

struct long_order {
    struct cluster_write write;
    bool is_done;
    struct store_op ops[600];
    char keys[600][16];
};

static void submit_long(struct world_node *node, struct long_order *order, size_t count)
{
    order->write = (struct cluster_write){
        .ops = order->ops, .op_count = count, .deadline_ms = 300, .done = done, .late = done};
    order->is_done = false;
    for (size_t i = 0; i < count; i++) {
        snprintf(order->keys[i], sizeof order->keys[i], "az:%zu", i % 100);
        order->ops[i] = (struct store_op){.kind = "override", .key = order->keys[i], .value = drain};
    }
    cluster_submit(node->cluster, &order->write);
}

/* Its deadline is that of an entry, not of all of them; so is that of one behind it. */
static void test_a_long_order_has_time_as_long_as_it_goes_on(void **state)
{
    (void)state;
    struct world *world = case_begin(1);
    struct long_order *orders = memory_alloc(2 * sizeof *orders);
    int64_t began_ms = world->now_ms;
    etcd_model_way(world->nodes[0].etcd)->delay_ms = 100;
    submit_long(&world->nodes[0], &orders[0], 600);
    submit_long(&world->nodes[0], &orders[1], 1);
    while (!orders[1].is_done && world->now_ms < began_ms + 10000) {
        world_run(world, 10);
    }
    assert_true(world->now_ms > began_ms + 600); /* or it would say nothing */
    assert_true(orders[0].is_done && orders[0].write.error == 0 && orders[0].write.written == 600);
    assert_true(orders[1].is_done && orders[1].write.error == 0);
    submit_long(&world->nodes[0], &orders[0], 600);
    world_run(world, 300);
    etcd_model_way(world->nodes[0].etcd)->is_refused = true; /* it does not go on */
    world_run(world, 1000);
    assert_true(orders[0].is_done && orders[0].write.written < 600);
    case_end(world); /* what is open is told to it */
    free(orders);
}

/* ---- what is left of them in etcd ---- */

/* Orders with a mark, and beats, for CLUSTER_HOURS: etcd keeps the changes of some ten minutes, and a node
 * that was away for longer follows again. Marks go with their lease, and an order whose lease is gone takes
 * another one. */
static void test_etcd_does_not_grow(void **state)
{
    (void)state;
    /* a lease that goes takes the marks of two days with it at once */
    enum { MINUTE_MS = 60000, CHANGES = 2500, LEASED = 3360 };
    const char *text = getenv("CLUSTER_HOURS");
    long minutes = 60 * (text == NULL ? 24 : strtol(text, NULL, 10));
    struct world *world = case_begin(2);
    size_t most = 0;
    for (size_t i = 0; i < 2; i++) {
        cluster_want_work(world->nodes[i].cluster, true);
    }
    for (long minute = 0; minute < minutes; minute++) {
        struct world_order order;
        if (minute == 30) {
            world_crash(&world->nodes[1]);
        }
        world_emergency(&world->nodes[0], &order, "region:a", minute % 2 == 0 ? drain : NULL);
        world_run(world, MINUTE_MS);
        assert_true(order.is_done && order.write.error == 0);
        most = etcd_model_history(world->model) > most ? etcd_model_history(world->model) : most;
    }
    print_message("# %ld minutes: %zu changes at most\n", minutes, most);
    assert_in_range(most, 100, CHANGES + LEASED);
    size_t marks = etcd_model_count(world->model, "/steerd/prod/mark/");
    assert_true(minutes > 4 * 1440 ? marks >= 4 * 1440 && marks <= 7 * 1440 : marks == (size_t)minutes);
    world_start(&world->nodes[1]);
    etcd_model_expire(world->model, 0);
    assert_int_equal(etcd_model_count(world->model, "/steerd/prod/mark/"), 0);
    world_run(world, MINUTE_MS);
    give(world, 0, "region:b", up);
    assert_true(world_wait(world, world_follows, 20000));
    assert_true(world_agrees(world));
    case_end(world);
}

/* Each hour an order, and a while in which two nodes beat; each week a quarter of an hour of that, long
 * enough for a compaction. In between all sleep, as on machines that are suspended: their leases are over,
 * and all is claimed anew. */
static void test_a_year_leaves_what_holds(void **state)
{
    (void)state;
    enum {
        WEEK = 7 * 24,
        HOURS = 365 * 24,
        HOUR_MS = 3600000,
        WAKING_MS = 3000,
        AWAKE_MS = 1000,
        WEEKLY_MS = 15 * 60000
    };
    enum { ENTRIES = 1000, MARKS = WEEK, REST = 60, CHANGES = 60 * WEEK };
    struct world *world = case_begin(2);
    size_t keys = 0, changes = 0;
    int64_t asleep_ms = 0, revision = etcd_model_revision(world->model);
    for (size_t i = 0; i < 2; i++) {
        cluster_want_work(world->nodes[i].cluster, true);
    }
    for (size_t hour = 0; hour < HOURS; hour++) {
        struct world_order order;
        world_emergency(&world->nodes[hour % 2], &order, "region:a", hour % 2 == 0 ? drain : NULL);
        world_run(world, hour % WEEK == WEEK - 1 ? WEEKLY_MS : AWAKE_MS);
        assert_true(order.is_done && order.write.error == 0);
        keys = etcd_model_count(world->model, "") > keys ? etcd_model_count(world->model, "") : keys;
        changes = etcd_model_history(world->model) > changes ? etcd_model_history(world->model) : changes;
        asleep_ms = HOUR_MS - (hour % WEEK == WEEK - 1 ? WEEKLY_MS : AWAKE_MS);
        world->now_ms += asleep_ms;
        world->wall_ms += asleep_ms;
        world_run(world, WAKING_MS);
        assert_true(world_wait(world, world_follows, 20000));
    }
    revision = etcd_model_revision(world->model) - revision;
    print_message("# %d orders: %" PRId64 " revisions, %zu keys and %zu changes at most\n", HOURS, revision,
                  keys, changes);
    assert_in_range(keys, ENTRIES, ENTRIES + MARKS + REST);
    assert_in_range(changes, 100, CHANGES);
    case_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_long_order_becomes_several),
        cmocka_unit_test(test_a_long_order_has_time_as_long_as_it_goes_on),
        cmocka_unit_test(test_a_later_version_is_followed),
        cmocka_unit_test(test_etcd_does_not_grow),
        cmocka_unit_test(test_a_year_leaves_what_holds),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
