/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A store whose file somebody else has changed, or exchanged for an older copy: objects are what the journal
 * says, and where that ended is noted beside it. */
#include "config.h"

#include "unit.h"

#include "base/memory.h"
#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    struct store_fixture *fixture = store_fixture_new();
    *state = fixture;
    return store_fixture_open(fixture);
}

static int teardown(void **state)
{
    store_fixture_free(*state);
    return 0;
}

static void expect_objects(struct store_fixture *fixture, const char *kind, const char *expected)
{
    struct buffer text;
    store_fixture_tell_objects(fixture, kind, &text);
    assert_string_equal(text.bytes, expected);
    buffer_fini(&text);
}

static void expect_whole(struct store_fixture *fixture)
{
    struct store_reader *reader = store_fixture_read(fixture);
    struct store_verdict verdict;
    assert_int_equal(store_verify(reader, 0, NULL, &verdict), 0);
    assert_string_equal(verdict.why, "");
    assert_true(verdict.is_whole);
    store_reader_close(reader);
}

static void reopen(struct store_fixture *fixture)
{
    store_fixture_close(fixture);
    assert_int_equal(store_fixture_open(fixture), 0);
}

/* Somebody changes objects and leaves the journal alone: at the next opening it says what they are. */
static void test_objects_behind_the_journals_back(void **state)
{
    static const char *const changes[] = {
        "UPDATE objects SET expires_ms = 1",
        "UPDATE objects SET value = '{\"state\":\"up\"}' WHERE key = 'region:us'",
        "UPDATE objects SET revision = 1, written_ms = 7",
        "DELETE FROM objects",
        "INSERT INTO objects VALUES('override', 'region:gone', '{}', 4, 1, 0)",
        "INSERT INTO objects VALUES('override', 'region:forged', '{}', 2, 1, 0)",
    };
    struct store_fixture *fixture = *state;
    assert_int_equal(store_fixture_put(fixture, "override", "region:us", "{\"state\":\"drain\"}"), 0);
    assert_int_equal(store_fixture_put(fixture, "override", "region:eu", "{\"state\":\"down\"}"), 0);
    assert_int_equal(store_fixture_put(fixture, "override", "region:gone", "{\"state\":\"down\"}"), 0);
    const struct store_op gone = {.kind = "override", .key = "region:gone", .if_revision = STORE_ANY};
    assert_int_equal(store_fixture_write(fixture, &gone, NULL), 0);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        store_fixture_close(fixture);
        store_fixture_sql(fixture, changes[i]);
        assert_int_equal(store_fixture_open(fixture), 0);
        assert_non_null(strstr(store_fixture_said(fixture), "behind the journal's back"));
        expect_objects(fixture, "override",
                       "override/region:eu={\"state\":\"down\"}@2\n"
                       "override/region:us={\"state\":\"drain\"}@1\n");
        expect_whole(fixture);
    }
    reopen(fixture);
    assert_string_equal(store_fixture_said(fixture), "");
}

static bool has_none_due(struct store_fixture *fixture)
{
    struct store_stats stats;
    store_get_stats(fixture->store, &stats);
    return stats.mended != 0;
}

/* … and while it is open: before one expires, or is replaced. */
static void test_objects_behind_its_back_while_it_is_open(void **state)
{
    struct store_fixture *fixture = *state;
    uint64_t seq;
    assert_int_equal(store_fixture_put(fixture, "override", "region:us", "{\"state\":\"drain\"}"), 0);
    store_fixture_sql(fixture, "UPDATE objects SET expires_ms = 1");
    assert_int_equal(store_fixture_put(fixture, "override", "region:eu", "{\"state\":\"down\"}"), 0);
    store_fixture_wait(fixture, has_none_due);
    expect_objects(fixture, "override",
                   "override/region:eu={\"state\":\"down\"}@2\n"
                   "override/region:us={\"state\":\"drain\"}@1\n");
    assert_string_equal(fixture->expired.len == 0 ? "" : fixture->expired.bytes, "");
    store_fixture_sql(fixture, "UPDATE objects SET revision = 2 WHERE key = 'region:us'");
    const struct store_op op = {.kind = "override", .key = "region:us", .value = "{}", .if_revision = 1};
    assert_int_equal(store_fixture_write(fixture, &op, &seq), 0);
    assert_int_equal(seq, 3);
    expect_whole(fixture);
}

/* ---- the end, noted beside the database ---- */

static void copy(const struct store_fixture *fixture, const char *from, const char *to)
{
    char *a = store_fixture_path(fixture, from), *b = store_fixture_path(fixture, to);
    char *command = memory_print("cp '%s' '%s'", a, b);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): names are ours */
    free(command);
    free(b);
    free(a);
}

static void test_an_older_copy_is_told(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_stats stats;
    assert_int_equal(store_fixture_put(fixture, "override", "region:us", "{}"), 0);
    store_fixture_close(fixture);
    copy(fixture, "store.db", "older");
    assert_int_equal(store_fixture_open(fixture), 0);
    assert_string_equal(store_fixture_said(fixture), "");
    assert_int_equal(store_fixture_put(fixture, "override", "region:eu", "{}"), 0);
    store_fixture_close(fixture);
    copy(fixture, "older", "store.db");
    assert_int_equal(store_fixture_open(fixture), 0);
    assert_non_null(strstr(store_fixture_said(fixture), "whose journal went to entry 2"));
    store_get_stats(fixture->store, &stats);
    assert_true(stats.is_other);
    assert_int_equal(store_fixture_put(fixture, "override", "region:ap", "{}"), 0);
    reopen(fixture);
    assert_string_equal(store_fixture_said(fixture), ""); /* it goes on from there */
}

static void test_one_that_is_gone_is_told(void **state)
{
    struct store_fixture *fixture = *state;
    assert_int_equal(store_fixture_put(fixture, "override", "region:us", "{}"), 0);
    store_fixture_close(fixture);
    char *path = store_fixture_path(fixture, "store.db");
    assert_int_equal(remove(path), 0);
    free(path);
    assert_int_equal(store_fixture_open(fixture), 0);
    assert_non_null(strstr(store_fixture_said(fixture), "whose journal went to entry 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_objects_behind_the_journals_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_objects_behind_its_back_while_it_is_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_older_copy_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_that_is_gone_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
