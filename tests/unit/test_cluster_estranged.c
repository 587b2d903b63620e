/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The machine of a cluster where etcd is not what it was: emptied, restored, gone on with, or too far ahead.
 */
#include "config.h"

#include "unit.h"

#include "cluster_case.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char drain[] = "{\"state\":\"drain\"}", up[] = "{\"state\":\"up\"}";

static bool are_estranged(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        if (world->nodes[i].is_up && status_of(&world->nodes[i]).phase != CLUSTER_ESTRANGED) {
            return false;
        }
    }
    return true;
}

struct mended {
    bool is_told;
    int error;
};

static void told_mend(void *context, int error, const char *why)
{
    struct mended *mended = context;
    assert_non_null(why);
    *mended = (struct mended){true, error};
}

static void test_emptied_and_refilled(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    struct mended mended = {false, 0};
    give(world, 0, "region:a", drain);
    world_crash(&world->nodes[2]); /* one that is behind then */
    give(world, 0, "region:b", up);
    assert_int_equal(cluster_refill(world->nodes[0].cluster, false, told_mend, &mended), ERROR_CONFLICT);
    etcd_model_delete(world->model, "/steerd/prod/");
    assert_true(world_wait(world, are_estranged, 5000));
    assert_int_equal(take_turn(world, &world->nodes[0], 200).error, ERROR_CONFLICT);
    assert_non_null(strstr(status_of(&world->nodes[0]).why, "emptied"));
    assert_string_equal(world_find(&world->nodes[0].memory, "override", "region:a"),
                        drain); /* it serves on */
    assert_int_equal(cluster_refill(world->nodes[1].cluster, false, told_mend, &mended), 0);
    world_start(&world->nodes[2]);
    assert_true(world_wait(world, world_follows, 20000));
    assert_true(mended.is_told && mended.error == 0);
    assert_true(world_agrees(world));
    assert_int_equal(status_of(&world->nodes[2]).at.seq, 2);
    give(world, 2, "region:c", drain);
    assert_true(world_wait(world, world_follows, 5000) && world_agrees(world));
    case_end(world);
}

static void test_restored_from_a_backup(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct mended mended = {false, 0};
    give(world, 0, "region:a", drain);
    struct etcd_backup *backup = etcd_model_save(world->model);
    give(world, 0, "region:b", up);
    etcd_model_restore(world->model, backup);
    assert_true(world_wait(world, are_estranged, 8000));
    assert_non_null(strstr(status_of(&world->nodes[1]).why, "restored"));
    assert_int_equal(cluster_adopt(world->nodes[0].cluster, told_mend, &mended), 0);
    world_run(world, 2000);
    assert_true(mended.is_told && mended.error == 0);
    assert_null(world_find(&world->nodes[0].memory, "override", "region:b"));
    mended = (struct mended){false, 0};
    assert_int_equal(cluster_refill(world->nodes[1].cluster, true, told_mend, &mended), 0);
    world_run(world, 3000);
    assert_true(mended.is_told && mended.error == 0);
    assert_true(world_wait(world, world_follows, 10000)); /* who was behind takes all */
    assert_string_equal(world_find(&world->nodes[0].memory, "override", "region:b"), up);
    assert_true(world_agrees(world));
    etcd_backup_free(backup);
    case_end(world);
}

static void test_restored_and_gone_on_with(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    give(world, 0, "region:a", drain);
    struct etcd_backup *backup = etcd_model_save(world->model);
    world_crash(&world->nodes[1]);
    world->nodes[1].disk = (struct world_state){.has_position = true, .at = world->nodes[0].disk.at};
    world_set(&world->nodes[1].disk,
              &(struct store_op){.kind = "override", .key = "region:a", .value = drain});
    give(world, 0, "region:b", up);
    world_stop(&world->nodes[0]);
    etcd_model_restore(world->model, backup);
    world_start(&world->nodes[1]); /* fits */
    world_run(world, 6000);
    give(world, 1, "region:c", up); /* the same number, another entry */
    give(world, 1, "region:d", up);
    world_start(&world->nodes[0]);
    world_run(world, 6000);
    assert_int_equal(status_of(&world->nodes[0]).phase, CLUSTER_ESTRANGED);
    assert_int_equal(status_of(&world->nodes[1]).phase, CLUSTER_FOLLOWING);
    etcd_backup_free(backup);
    case_end(world);
}

static void test_away_for_longer_than_entries_are_kept(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct world_order order;
    char value[64];
    world_crash(&world->nodes[1]);
    for (unsigned i = 0; i <= CLUSTER_KEPT; i++) {
        snprintf(value, sizeof value, "{\"state\":\"drain\",\"n\":%u}", i);
        world_order(&world->nodes[0], &order, i == 5 ? "region:b" : "region:a", value);
        world_run(world, 20);
        assert_true(order.is_done && order.write.error == 0);
    }
    assert_int_equal(etcd_model_count(world->model, "/steerd/prod/entry/"), CLUSTER_KEPT);
    world_start(&world->nodes[1]);
    assert_true(world_wait(world, world_follows, 10000));
    assert_true(world_agrees(world));
    assert_int_equal(world->nodes[1].adopted_hooks, 2); /* when it joined, and now */
    case_end(world);
}

/* A server that has orders of its own, and is to be a node where others are: it is asked first. */
static void test_what_is_its_own_goes_when_it_may(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct world_node *node = &world->nodes[1];
    struct mended mended = {false, 0};
    give(world, 0, "region:a", drain);
    world_stop(node);
    node->disk.has_position = false;
    world_set(&node->disk, &(struct store_op){.kind = "override", .key = "region:a"});
    world_set(&node->disk, &(struct store_op){.kind = "override", .key = "region:x", .value = up});
    node->refuses = true;
    world_start(node);
    world_run(world, 20000);
    assert_int_equal(status_of(node).phase, CLUSTER_ESTRANGED);
    assert_string_equal(status_of(node).why, "it has some of its own");
    give(world, 0, "region:b", drain);
    world_run(world, 5000);
    assert_string_equal(world_find(&node->memory, "override", "region:x"), up);
    assert_null(world_find(&node->memory, "override", "region:b"));
    assert_int_equal(cluster_refill(node->cluster, true, told_mend, &mended), ERROR_CONFLICT);
    assert_int_equal(cluster_adopt(node->cluster, told_mend, &mended), 0);
    assert_true(world_wait(world, world_follows, 10000));
    assert_true(mended.is_told && mended.error == 0 && world_agrees(world));
    assert_null(world_find(&node->memory, "override", "region:x"));
    /* and where there is nothing any more, it begins anew */
    world_stop(node);
    node->disk.has_position = false;
    world_set(&node->disk, &(struct store_op){.kind = "override", .key = "region:x", .value = up});
    world_start(node);
    world_run(world, 2000);
    assert_int_equal(status_of(node).phase, CLUSTER_ESTRANGED);
    world_stop(&world->nodes[0]);
    etcd_model_delete(world->model, "/steerd/prod/");
    assert_true(world_wait(world, world_follows, 20000));
    assert_string_equal(world_find(&node->memory, "override", "region:x"), up);
    case_end(world);
}

/* Adopted, and restarted before what is pending was brought: its position has the number of another entry. */
static void test_a_position_is_more_than_a_number(void **state)
{
    (void)state;
    struct world *world = case_begin(2);
    struct cluster_position before;
    give(world, 0, "region:z", drain);
    before = world->nodes[0].disk.at;
    struct etcd_backup *backup = etcd_model_save(world->model);
    give(world, 0, "region:x", up);
    struct cluster_position then = world->nodes[0].disk.at;
    world_stop(&world->nodes[0]);
    world_crash(&world->nodes[1]);
    world->nodes[1].disk.at = before;
    world_set(&world->nodes[1].disk, &(struct store_op){.kind = "override", .key = "region:x"});
    etcd_model_restore(world->model, backup);
    world_start(&world->nodes[1]);
    world_run(world, 6000);
    give(world, 1, "region:a", drain); /* the number that node 1 knows as another one */
    /* node 1 has taken that, and has something pending from before */
    struct world_node *node = &world->nodes[0];
    node->disk.at = world->nodes[1].disk.at;
    world_set(&node->disk, &(struct store_op){.kind = "override", .key = "region:x"});
    world_set(&node->disk, &(struct store_op){.kind = "override", .key = "region:a", .value = drain});
    world_keep_pending(node, "region:a", up, &then);
    world_start(node);
    assert_true(world_wait(world, world_follows, 10000));
    assert_int_equal(node->conflicts, 1);
    assert_string_equal(world_find(&world->nodes[1].memory, "override", "region:a"), drain);
    assert_true(world_agrees(world));
    etcd_backup_free(backup);
    case_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_emptied_and_refilled),
        cmocka_unit_test(test_restored_from_a_backup),
        cmocka_unit_test(test_restored_and_gone_on_with),
        cmocka_unit_test(test_what_is_its_own_goes_when_it_may),
        cmocka_unit_test(test_a_position_is_more_than_a_number),
        cmocka_unit_test(test_away_for_longer_than_entries_are_kept),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
