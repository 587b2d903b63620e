/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whose a name is: removed nodes, and machines that take the name of others, in virtual time. */
#include "config.h"

#include "unit.h"

#include "cluster_case.h"

#include "base/error.h"
#include "cluster/member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT "/steerd/prod/object/" CLUSTER_MEMBER_KIND "/ns3"

/* An order of the first node. id 0: removed. */
static void put_member(struct world *world, uint64_t id)
{
    struct world_order order;
    struct cluster_member member = {.is_removed = id == 0, .id = id, .at_ms = world->wall_ms, .by = "ns1"};
    char *value = cluster_write_member(&member);
    world_prepare(&world->nodes[0], &order, "ns3", value);
    order.op.kind = CLUSTER_MEMBER_KIND;
    cluster_submit(world->nodes[0].cluster, &order.write);
    world_run(world, 300);
    assert_true(order.is_done && order.write.error == 0);
    free(value);
}

static size_t count_nodes(const struct world_node *node)
{
    const struct cluster_node *nodes;
    return cluster_list_nodes(node->cluster, &nodes);
}

static bool third_is_shut(struct world *world)
{
    return status_of(&world->nodes[2]).is_shut && status_of(&world->nodes[2]).phase == CLUSTER_ESTRANGED;
}

static bool third_has_its_name(struct world *world)
{
    return etcd_model_get(world->model, "/steerd/prod/claim/ns3") != NULL;
}

static bool third_has_no_name(struct world *world)
{
    return !third_has_its_name(world) && etcd_model_get(world->model, "/steerd/prod/node/ns3") == NULL;
}

static bool third_follows(struct world *world)
{
    return status_of(&world->nodes[2]).phase == CLUSTER_FOLLOWING;
}

static void start_third(struct world *world, uint64_t member)
{
    world->nodes[2].member = member;
    world_start(&world->nodes[2]);
    etcd_model_way(world->nodes[2].etcd)->delay_ms = 2;
}

static void spread_told(void *context, const struct cluster_spread *spread)
{
    *(size_t *)context = spread->in_force_count + spread->waiting_count;
    assert_true(spread->is_satisfied);
}

static void test_removed_is_gone_at_once(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    struct world_order late;
    size_t counted = 0;
    put_member(world, 0);
    assert_true(third_has_no_name(world));
    assert_int_equal(count_nodes(&world->nodes[0]), 2);
    assert_int_equal(count_nodes(&world->nodes[1]), 2);
    assert_true(world_wait(world, third_is_shut, 3000));
    assert_non_null(strstr(status_of(&world->nodes[2]).why, "removed"));
    world_order(&world->nodes[2], &late, "region:a", "{\"state\":\"drain\"}");
    world_run(world, 3000);
    assert_true(late.is_done && late.write.error == ERROR_CONFLICT && late.write.written == 0);
    give(world, 0, "region:a", "{\"state\":\"drain\"}");
    (void)cluster_await(world->nodes[0].cluster, status_of(&world->nodes[0]).at.seq, CLUSTER_ALL, 1000,
                        spread_told, &counted);
    world_run(world, 1100);
    assert_int_equal(counted, 2);
    assert_true(third_has_no_name(world));
    case_end(world);
}

static void test_removed_stays_out_until_it_is_let_in(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    world_crash(&world->nodes[2]);
    put_member(world, 0);
    start_third(world, 0);
    assert_true(world_wait(world, third_is_shut, 5000));
    world_run(world, 40000); /* longer than any lease */
    assert_true(third_is_shut(world) && third_has_no_name(world));
    assert_int_equal(cluster_refill(world->nodes[2].cluster, true, NULL, NULL), ERROR_CONFLICT);
    put_member(world, 7);
    world_run(world, 3000);
    assert_true(third_is_shut(world)); /* it is not that machine yet */
    world_stop(&world->nodes[2]);
    start_third(world, 7);
    assert_true(world_wait(world, third_follows, 10000));
    assert_true(world_wait(world, world_follows, 10000) && world_agrees(world));
    case_end(world);
}

static void test_the_one_before_is_shut_out(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    world_crash(&world->nodes[2]);
    world_run(world, 5000);
    put_member(world, 9);
    start_third(world, 0); /* before the new one has ever started */
    assert_true(world_wait(world, third_is_shut, 5000));
    assert_true(third_has_no_name(world));
    assert_non_null(strstr(status_of(&world->nodes[2]).why, "another machine"));
    world_stop(&world->nodes[2]);
    start_third(world, 9);
    assert_true(world_wait(world, third_follows, 10000));
    case_end(world);
}

/* While etcd is refilled objects are missing for a while. */
static void test_whose_name_it_is_is_looked_at_again(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    put_member(world, 0);
    assert_true(world_wait(world, third_is_shut, 3000));
    char *value = strdup(etcd_model_get(world->model, OBJECT));
    etcd_model_delete(world->model, OBJECT);
    assert_true(world_wait(world, third_has_its_name, 5000));
    etcd_model_put(world->model, OBJECT, value, 0);
    assert_true(world_wait(world, third_has_no_name, 5000) && third_is_shut(world));
    free(value);
    case_end(world);
}

static void test_what_is_not_understood_lets_nobody_in(void **state)
{
    (void)state;
    struct world *world = case_begin(3);
    world_crash(&world->nodes[2]);
    world_run(world, 31000);
    etcd_model_put(world->model, OBJECT, "{\"seq\":1,\"value\":\"7\"}", 0);
    start_third(world, 0);
    assert_true(world_wait(world, third_is_shut, 5000));
    assert_true(third_has_no_name(world));
    case_end(world);
}

/* ---- values ---- */

static void test_values(void **state)
{
    static const char *const bad_members[] = {"",
                                              "[]",
                                              "{}",
                                              "{\"id\":\"0000000000000000\",\"by\":\"ns1\"}",
                                              "{\"id\":\"abc\",\"by\":\"ns1\"}",
                                              "{\"removed\":1,\"by\":\"ns1\"}",
                                              "{\"id\":\"0123456789abcdef\"}"},
                             *const bad_invites[] = {"", "{}", "{\"sha256\":\"00\"}"};
    const struct cluster_invite invite = {
        .hash = {1, 2, 3}, .until_ms = 1000, .used_ms = 900, .replaces = true};
    struct cluster_member read;
    struct cluster_invite read_invite;
    (void)state;
    for (size_t i = 0; i < sizeof bad_members / sizeof *bad_members; i++) {
        assert_int_not_equal(cluster_read_member(bad_members[i], strlen(bad_members[i]), &read), 0);
    }
    for (size_t i = 0; i < sizeof bad_invites / sizeof *bad_invites; i++) {
        assert_int_not_equal(cluster_read_invite(bad_invites[i], strlen(bad_invites[i]), &read_invite), 0);
    }
    char *text = cluster_write_member(&(struct cluster_member){.id = 77, .at_ms = 5, .by = "ns1"});
    assert_int_equal(cluster_read_member(text, strlen(text), &read), 0);
    assert_true(read.id == 77 && !read.is_removed && read.at_ms == 5 && strcmp(read.by, "ns1") == 0);
    free(text);
    text = cluster_write_invite(&invite);
    assert_int_equal(cluster_read_invite(text, strlen(text), &read_invite), 0);
    assert_memory_equal(read_invite.hash, invite.hash, sizeof invite.hash);
    assert_true(read_invite.until_ms == 1000 && read_invite.used_ms == 900 && read_invite.replaces);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_removed_is_gone_at_once),
        cmocka_unit_test(test_removed_stays_out_until_it_is_let_in),
        cmocka_unit_test(test_the_one_before_is_shut_out),
        cmocka_unit_test(test_whose_name_it_is_is_looked_at_again),
        cmocka_unit_test(test_what_is_not_understood_lets_nobody_in),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
