/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "admin/operations.h"
#include "tests/unit/unit.h"

#include <event2/buffer.h>
#include <stdlib.h>

static const struct operation_wish wish = {.peer = "uid:1", .request = "POST /v1/drills"};

static struct evbuffer *make_body(size_t len)
{
    struct evbuffer *body = evbuffer_new();
    char *bytes = calloc(1, len + 1);
    evbuffer_add(body, bytes, len);
    free(bytes);
    return body;
}

static void test_what_runs_is_bounded_and_never_goes(void **state)
{
    struct operations operations = {.instance = 1};
    (void)state;
    for (int i = 0; i < OPERATIONS_RUNNING_MAX; i++) {
        assert_non_null(operations_add(&operations, &wish, 1000));
    }
    assert_null(operations_add(&operations, &wish, 1000));
    operations_trim(&operations, INT64_C(1) << 50);
    assert_int_equal(operations.count, OPERATIONS_RUNNING_MAX);
    operations_end(&operations, operations.first, 200, make_body(1), 2000);
    assert_non_null(operations_add(&operations, &wish, 2000));
    operations_fini(&operations);
    assert_int_equal(operations.count, 0);
}

static void test_what_has_ended_is_bounded_in_number_and_time(void **state)
{
    struct operations operations = {.instance = 1};
    (void)state;
    for (int i = 0; i < OPERATIONS_MAX + 10; i++) {
        operations_end(&operations, operations_add(&operations, &wish, i + 1), 200, make_body(4), i + 1);
    }
    assert_int_equal(operations.count, OPERATIONS_MAX);
    assert_null(operations_find(&operations, "00000001-10"));
    assert_non_null(operations_find(&operations, "00000001-11"));
    assert_int_equal(operations.octets, 4 * OPERATIONS_MAX);
    operations_trim(&operations, OPERATIONS_KEPT_MS + 12);
    assert_null(operations_find(&operations, "00000001-12"));
    assert_non_null(operations_find(&operations, "00000001-13"));
    operations_fini(&operations);
}

static void test_octets_are_bounded(void **state)
{
    struct operations operations = {.instance = 1};
    (void)state;
    struct operation *large = operations_add(&operations, &wish, 1);
    operations_end(&operations, large, 200, make_body(OPERATIONS_RESULT_MAX + 1), 1);
    assert_true(large->is_cut && large->body == NULL && large->state == OPERATION_SUCCEEDED);
    for (int i = 0; i < 5; i++) {
        operations_end(&operations, operations_add(&operations, &wish, 2 + i), 200,
                       make_body(OPERATIONS_RESULT_MAX), 2 + i);
        assert_true(operations.octets <= OPERATIONS_OCTETS_MAX);
    }
    assert_int_equal(operations.count, 4);
    operations_fini(&operations);
    assert_int_equal(operations.octets, 0);
}

static void test_how_it_ends(void **state)
{
    struct operations operations = {.instance = 0xabc};
    (void)state;
    struct operation *cancelled = operations_add(&operations, &wish, 1),
                     *failed = operations_add(&operations, &wish, 1);
    cancelled->state = OPERATION_CANCELLING;
    operations_end(&operations, cancelled, 503, make_body(3), 2);
    operations_end(&operations, failed, 422, make_body(3), 2);
    assert_int_equal(cancelled->state, OPERATION_CANCELLED);
    assert_true(cancelled->body == NULL && cancelled->status == 0 && cancelled->ended_ms == 2);
    assert_int_equal(failed->state, OPERATION_FAILED);
    assert_int_equal(failed->status, 422);
    assert_string_equal(failed->id, "00000abc-2");
    operations_fini(&operations);
}

static void test_ids(void **state)
{
    struct operations operations = {.instance = 0xabc, .last = 9};
    static const char *const bad[] = {"",
                                      "x",
                                      "00000abc",
                                      "00000abc-",
                                      "00000abc-0",
                                      "00000abc-x",
                                      "00000abc-1x",
                                      "0000abc-1",
                                      "000000abc-1",
                                      "00000ABC-1",
                                      "00000abc_1",
                                      "-1",
                                      "00000abc-01",
                                      "00000abc-1234567890123456789"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(operations_is_id(bad[i]));
        assert_false(operations_has_given(&operations, bad[i]));
    }
    assert_true(operations_is_id("00000abd-1") && !operations_has_given(&operations, "00000abd-1"));
    assert_true(operations_has_given(&operations, "00000abc-9"));
    assert_true(operations_is_id("00000abc-10") && !operations_has_given(&operations, "00000abc-10"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_runs_is_bounded_and_never_goes),
        cmocka_unit_test(test_what_has_ended_is_bounded_in_number_and_time),
        cmocka_unit_test(test_octets_are_bounded),
        cmocka_unit_test(test_how_it_ends),
        cmocka_unit_test(test_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
