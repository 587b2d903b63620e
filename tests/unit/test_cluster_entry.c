/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Entries, heads, nodes and the small values of a cluster: JSON and back, and what is refused. */
#include "config.h"

#include "unit.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"
#include "cluster/node.h"
#include "cluster/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char id[CLUSTER_ID_SIZE] = "0123456789abcde";

static struct cluster_entry make_entry(const struct store_op *ops, size_t count)
{
    return (struct cluster_entry){.node = "ns1",
                                  .given_on = "ns2",
                                  .mark = 0xfeedbeefcafe0123,
                                  .mark_from = 3,
                                  .mark_to = 5,
                                  .cause = {.wall_ms = 1795000000123,
                                            .actor = "alice",
                                            .peer = "token:ops",
                                            .reason = "\"maintenance\" f\xc3\xbcr",
                                            .request = "PUT /v1/regions/us-east/override"},
                                  .provisional_since_ms = 1794999999999,
                                  .provisional_ms = 77,
                                  .ops = ops,
                                  .op_count = count};
}

static void test_entry_round_trip(void **state)
{
    (void)state;
    const struct store_op ops[] = {
        {.kind = "override",
         .key = "region:us-east",
         .value = "{\"state\":\"drain\",\"x\":1.10}",
         .if_revision = STORE_ANY,
         .expires_ms = 1795000360000},
        {.kind = "conflict", .key = "override:region:\xc3\xa9/x", .if_revision = STORE_ANY}};
    struct cluster_entry entry = make_entry(ops, 2), read;
    struct cluster_position at, after;
    const char *why = "";
    struct arena *arena = arena_new(0);
    cluster_begin(id, &at);
    char *text = cluster_write_entry(&at, &entry);
    assert_non_null(text);
    assert_int_equal(cluster_read_entry(text, strlen(text), arena, &read, &why), 0);
    assert_null(why);
    assert_int_equal(read.seq, 1);
    assert_true(cluster_follows(&at, &read));
    assert_memory_equal(read.hash, entry.hash, STORE_HASH_SIZE);
    assert_true(read.mark == entry.mark && read.mark_from == 3 && read.mark_to == 5);
    assert_true(read.cause.wall_ms == entry.cause.wall_ms && read.provisional_since_ms == 1794999999999);
    assert_string_equal(read.node, "ns1");
    assert_int_equal(read.provisional_ms, 77);
    assert_string_equal(cluster_entry_origin(&read), "ns2");
    assert_string_equal(read.cause.reason, entry.cause.reason);
    assert_string_equal(read.ops[0].value, ops[0].value); /* to the octet: 1.10 is no 1.1 */
    assert_true(read.ops[0].expires_ms == ops[0].expires_ms && read.ops[1].value == NULL);
    assert_string_equal(read.ops[1].key, ops[1].key);
    after = at;
    cluster_step(&after, &read);
    assert_false(cluster_follows(&after, &read));
    assert_false(cluster_is_at(&after, &at));
    free(text);
    arena_free(arena);
}

static void test_chain_tells_what_was_changed(void **state)
{
    (void)state;
    const struct store_op op = {.kind = "token", .key = "ops", .value = "{}", .if_revision = STORE_ANY};
    struct cluster_entry entry = make_entry(&op, 1), read;
    struct cluster_position at;
    const char *why;
    struct arena *arena = arena_new(0);
    cluster_begin(id, &at);
    char *text = cluster_write_entry(&at, &entry);
    char *place = strstr(text, "alice");
    place[0] = 'A';
    assert_int_equal(cluster_read_entry(text, strlen(text), arena, &read, &why), 0);
    assert_memory_not_equal(read.hash, entry.hash, STORE_HASH_SIZE);
    free(text);
    arena_free(arena);
}

static int read_with(const char *ops, const char *more)
{
    struct cluster_entry read;
    const char *why = NULL;
    struct arena *arena = arena_new(0);
    char zeros[65];
    memset(zeros, '0', 64);
    zeros[64] = '\0';
    char *text = memory_print(
        "{\"version\":1,\"seq\":1,\"before\":\"%s\",\"node\":\"ns1\",\"mark\":\"0000000000000001\","
        "\"from\":0,\"to\":1,\"ops\":%s%s}",
        zeros, ops, more);
    int error = cluster_read_entry(text, strlen(text), arena, &read, &why);
    assert_true((error == 0) == (why == NULL));
    free(text);
    arena_free(arena);
    return error;
}

static void test_what_is_no_entry(void **state)
{
    (void)state;
    assert_int_equal(read_with("[]", ""), 0);
    assert_int_equal(read_with("[]", ",\"later\":true"), 0); /* a member of a later version */
    assert_int_equal(read_with("[{\"kind\":\"override\",\"key\":\"a\",\"value\":\"{}\"}]", ""), 0);
    assert_int_equal(read_with("[{\"kind\":\"incident\",\"key\":\"a\"}]", ""),
                     ERROR_INVALID);                                                 /* not shared */
    assert_int_equal(read_with("[{\"kind\":\"later-kind\",\"key\":\"a\"}]", ""), 0); /* likewise */
    assert_int_equal(read_with("[{\"kind\":\"Later\",\"key\":\"a\"}]", ""), ERROR_INVALID);
    assert_int_equal(read_with("[{\"kind\":\"override\",\"key\":\"\"}]", ""), ERROR_INVALID);
    assert_int_equal(read_with("[{\"kind\":\"override\",\"key\":\"a\\nb\"}]", ""), ERROR_INVALID);
    assert_int_equal(read_with("[{\"kind\":\"override\",\"key\":\"a\",\"value\":\"{\"}]", ""), ERROR_INVALID);
    assert_int_equal(read_with("[{\"kind\":\"override\",\"key\":\"a\",\"expires\":5}]", ""), ERROR_INVALID);
    assert_int_equal(read_with("[3]", ""), ERROR_INVALID);
    assert_int_equal(read_with("{}", ""), ERROR_INVALID);
    assert_int_equal(read_with("[]", ",\"at\":\"today\""), ERROR_INVALID);
    assert_int_equal(read_with("[", ""), ERROR_SYNTAX);
    assert_int_equal(read_with("[]", ",\"seq\":1"), ERROR_SYNTAX); /* twice */
}

static void test_only_kinds_of_this_version_are_written(void **state)
{
    (void)state;
    static const char *const kinds[] = {"override", "later-kind", "cluster"};
    struct store_op op = {.key = "a", .if_revision = STORE_ANY};
    for (size_t i = 0; i < 3; i++) {
        op.kind = kinds[i];
        assert_int_equal(cluster_is_shared(kinds[i]), i == 0);
        assert_int_equal(cluster_may_share(kinds[i]), i < 2);
        assert_int_equal(cluster_judge_ops(&op, 1) == NULL, i == 0);
    }
    assert_false(cluster_may_share(""));
    assert_false(cluster_may_share("abcdefghijklmnopqrstuvwxyzabcdefg"));
}

static void test_too_long_is_none(void **state)
{
    (void)state;
    struct cluster_position at;
    cluster_begin(id, &at);
    char *long_value = memory_alloc(CLUSTER_ENTRY_MAX + 16);
    memset(long_value, 'x', CLUSTER_ENTRY_MAX);
    long_value[0] = long_value[CLUSTER_ENTRY_MAX - 1] = '"';
    struct store_op op = {.kind = "token", .key = "a", .value = long_value, .if_revision = STORE_ANY};
    struct cluster_entry entry = make_entry(&op, 1);
    assert_null(cluster_write_entry(&at, &entry));
    free(long_value);
}

static void test_head(void **state)
{
    (void)state;
    struct cluster_position at, read;
    char text[CLUSTER_HEAD_SIZE], again[CLUSTER_HEAD_SIZE];
    const char *why;
    cluster_begin(id, &at);
    at.seq = INT64_MAX - 1;
    (void)cluster_write_head(&at, text);
    assert_int_equal(cluster_read_head(text, strlen(text), &read, &why), 0);
    assert_true(cluster_is_at(&at, &read));
    assert_string_equal(cluster_write_head(&read, again), text);
    assert_int_equal(cluster_read_head("{}", 2, &read, &why), ERROR_INVALID);
    assert_int_equal(cluster_read_head("[]", 2, &read, &why), ERROR_SYNTAX);
}

static void test_node(void **state)
{
    (void)state;
    struct cluster_node node = {.name = "ns1",
                                .software = "steerd 1.2",
                                .protocol = 1,
                                .run = UINT64_MAX,
                                .beat = 42,
                                .wall_ms = 1795000000123,
                                .applied = 17,
                                .has_work = true,
                                .phase = "following",
                                .self = {.health = 1,
                                         .configuration = UINT64_MAX,
                                         .generation = 9,
                                         .listen_count = 2,
                                         .has_fingerprint = true,
                                         .fingerprint = {1, 2}}};
    struct cluster_node read;
    const char *why;
    assert_int_equal(addr_parse_port("10.0.0.1:5308", &node.self.listen[0]), 0);
    assert_int_equal(addr_parse_port("[2001:db8::1]:5308", &node.self.listen[1]), 0);
    char *text = cluster_write_node(&node);
    assert_int_equal(cluster_read_node(text, strlen(text), &read, &why), 0);
    char *again = cluster_write_node(&read);
    assert_string_equal(text, again);
    assert_true(read.run == node.run && read.self.configuration == UINT64_MAX && read.has_work);
    assert_true(addr_equal(&read.self.listen[1].addr, &node.self.listen[1].addr));
    free(text);
    free(again);
    assert_int_equal(cluster_read_node("{\"name\":\"a b\"}", 14, &read, &why), ERROR_INVALID);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(cluster_is_name("ns1") && cluster_is_name("Ns-1"));
    assert_false(cluster_is_name("") || cluster_is_name("-a") || cluster_is_name("a-") ||
                 cluster_is_name("a.b") || cluster_is_name("a/b"));
}

static void test_safety(void **state)
{
    (void)state;
    const int64_t now_ms = 1795000000000; /* 2026-11-18 */
    const char *const down = "{\"state\":\"down\"}", *const drain = "{\"state\":\"drain\"}",
                      *const part = "{\"state\":\"drain\",\"share\":25}",
                      *const more = "{\"state\":\"drain\",\"share\":50}", *const up = "{\"state\":\"up\"}";
    const char *const order[] = {down, drain, more, part, NULL, up}; /* the safest first */
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 6; j++) {
            int by = cluster_compare_safety(order[i], order[j], now_ms);
            assert_true(i < j ? by < 0 : i > j ? by > 0 : by == 0);
        }
    }
    assert_int_equal(
        cluster_compare_safety("{\"state\":\"down\",\"expires\":\"2026-01-01T00:00:00Z\"}", NULL, now_ms), 0);
    assert_int_equal(
        cluster_compare_safety("{\"state\":\"down\",\"planned\":true,\"starts\":\"2030-01-01T00:00:00Z\"}",
                               NULL, now_ms),
        0);
    assert_true(
        cluster_compare_safety("{\"state\":\"down\",\"planned\":true,\"starts\":\"2026-01-01T00:00:00Z\"}",
                               NULL, now_ms) < 0);
    assert_int_equal(cluster_compare_safety("nonsense", NULL, now_ms), 0);
}

static void test_values(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct cluster_record record = {.seq = 4,
                                    .at_ms = 5,
                                    .node = "ns2",
                                    .value = "{\"a\":\"b\"}",
                                    .expires_ms = 6},
                          got;
    char *text = cluster_write_record(&record);
    assert_int_equal(cluster_read_record(text, strlen(text), arena, &got), 0);
    assert_true(got.seq == 4 && got.at_ms == 5 && got.expires_ms == 6);
    assert_string_equal(got.value, record.value);
    free(text);
    struct cluster_conflict conflict = {.kind = "override",
                                        .key = "region:a",
                                        .ours = "{}",
                                        .ours_holds = true,
                                        .since_ms = 7,
                                        .node = "ns1",
                                        .their_node = "ns2",
                                        .actor = "",
                                        .reason = "x"},
                            told;
    text = cluster_write_conflict(&conflict);
    assert_int_equal(cluster_read_conflict(text, strlen(text), arena, &told), 0);
    assert_true(told.ours_holds && told.theirs == NULL && told.since_ms == 7);
    assert_string_equal(told.their_node, "ns2");
    free(text);
    struct cluster_holder holder = {.node = "ns1", .run = 77, .take = 3}, had;
    char small[CLUSTER_HOLDER_SIZE];
    (void)cluster_write_holder(&holder, small);
    assert_int_equal(cluster_read_holder(small, strlen(small), &had), 0);
    assert_true(had.run == 77 && had.take == 3);
    struct cluster_mark mark = {9, 2}, marked;
    (void)cluster_write_mark(&mark, small);
    assert_int_equal(cluster_read_mark(small, strlen(small), &marked), 0);
    assert_true(marked.seq == 9 && marked.to == 2);
    arena_free(arena);
}

static int64_t lead_of_provisional(int64_t since_ms, int64_t for_ms, int64_t after_ms)
{
    struct cluster_entry entry = {.cause.wall_ms = since_ms,
                                  .after_ms = after_ms,
                                  .provisional_since_ms = since_ms,
                                  .provisional_ms = for_ms};
    return cluster_find_clock_lead(&entry, 100000, 50000000);
}

static int64_t lead_of(int64_t written_ms, int64_t after_ms, int64_t since_ms)
{
    struct cluster_entry entry = {
        .cause.wall_ms = written_ms, .after_ms = after_ms, .provisional_since_ms = since_ms};
    return cluster_find_clock_lead(&entry, 100000, 50000000);
}

static void test_how_old_it_is_tells_of_a_wrong_clock(void **state)
{
    enum { NOW = 50000000, HOUR = 3600000 };
    (void)state;
    /* it came within half a second */
    assert_int_equal(lead_of(NOW - 300, 99500, 0), 0);
    assert_int_equal(lead_of(NOW - HOUR, 99500, 0), HOUR - 500);
    assert_int_equal(lead_of(NOW + HOUR, 99500, 0), -HOUR);
    /* this node was away for 90 s: as the clocks say, within that */
    assert_int_equal(lead_of(NOW - 60000, 10000, 0), 0);
    assert_int_equal(lead_of(NOW - HOUR, 10000, 0), HOUR - 90000);
    /* … or nobody knows for how long, or since when it had held elsewhere */
    assert_int_equal(lead_of(NOW - HOUR, 0, 0), 0);
    assert_int_equal(lead_of(NOW - HOUR, 99500, NOW - HOUR), 0);
    assert_int_equal(lead_of(NOW + HOUR, 0, 0), -HOUR);
    assert_int_equal(lead_of(0, 99500, 0), 0);
    /* it had held for ten minutes */
    assert_int_equal(lead_of_provisional(NOW - 600000, 600000, 99500), 0);
    assert_int_equal(lead_of_provisional(NOW - 600000 - HOUR, 600000, 99500), HOUR - 500);
    assert_int_equal(lead_of_provisional(NOW - 600000 + HOUR, 600000, 99500), -HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry_round_trip),
        cmocka_unit_test(test_chain_tells_what_was_changed),
        cmocka_unit_test(test_what_is_no_entry),
        cmocka_unit_test(test_only_kinds_of_this_version_are_written),
        cmocka_unit_test(test_too_long_is_none),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_node),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_safety),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_how_old_it_is_tells_of_a_wrong_clock),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
