/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the store while all is well: objects, revisions, transactions, the journal and its chain, leases,
 * what is there when it is opened again. */
#include "config.h"

#include "unit.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/progress.h"
#include "base/memory.h"
#include "tests/unit/store_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

static void expect_journal(struct store_fixture *fixture, const struct store_filter *filter,
                           const char *expected)
{
    struct buffer text;
    store_fixture_tell_journal(fixture, filter, &text);
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

static void what_was_written_is_there_again(void **state)
{
    struct store_fixture *fixture = *state;
    assert_int_equal(store_fixture_put(fixture, "override", "region:us-east", "{\"desired\":\"drain\"}"), 0);
    assert_int_equal(store_fixture_put(fixture, "override", "region:eu-west", "1"), 0);
    assert_int_equal(store_fixture_put(fixture, "other", "region:eu-west", "2"), 0);
    assert_int_equal(store_fixture_put(fixture, "override", "region:us-east", "3"), 0);
    reopen(fixture);
    expect_objects(fixture, "override", "override/region:eu-west=1@2\noverride/region:us-east=3@4\n");
    expect_objects(fixture, "other", "other/region:eu-west=2@3\n");
    expect_objects(fixture, "none", "");
    expect_journal(fixture, &(struct store_filter){.key = "region:us-east"},
                   "1 override/region:us-east ->{\"desired\":\"drain\"}\n"
                   "4 override/region:us-east {\"desired\":\"drain\"}>3\n");
    expect_whole(fixture);
}

static int write_if(struct store_fixture *fixture, const char *value, uint64_t revision)
{
    struct store_op op = {.kind = "a", .key = "b", .value = value, .if_revision = revision};
    return store_fixture_write(fixture, &op, NULL);
}

static void conditions_hold_or_nothing_is_written(void **state)
{
    struct store_fixture *fixture = *state;
    assert_int_equal(write_if(fixture, "1", 1), ERROR_CONFLICT);
    assert_int_equal(write_if(fixture, "1", 0), 0);
    assert_int_equal(write_if(fixture, "2", 0), ERROR_CONFLICT);
    assert_int_equal(write_if(fixture, "2", 1), 0);
    assert_int_equal(write_if(fixture, NULL, 1), ERROR_CONFLICT);
    assert_int_equal(write_if(fixture, NULL, 2), 0);
    assert_int_equal(write_if(fixture, NULL, STORE_ANY), 0); /* of nothing: no entry */
    assert_int_equal(write_if(fixture, "4", 0), 0);
    expect_journal(fixture, &(struct store_filter){.kind = "a"},
                   "1 a/b ->1\n2 a/b 1>2\n3 a/b 2>-\n4 a/b ->4\n");
    expect_whole(fixture);
}

static void a_transaction_is_whole_or_not_at_all(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_op ops[] = {
        {.kind = "a", .key = "x", .value = "1", .if_revision = STORE_ANY},
        {.kind = "a", .key = "y", .value = "2", .if_revision = 7},
    };
    struct store_job job = {.ops = ops, .op_count = 2};
    assert_int_equal(store_fixture_submit(fixture, &job), ERROR_CONFLICT);
    assert_int_equal(job.conflict, 1);
    ops[1].if_revision = 0;
    assert_int_equal(store_fixture_submit(fixture, &job), 0);
    assert_int_equal(job.seq, 2);
    expect_objects(fixture, "a", "a/x=1@1\na/y=2@2\n");
}

static void what_is_none_is_refused(void **state)
{
    struct store_fixture *fixture = *state;
    char *long_key = memory_alloc(STORE_KEY_MAX + 2);
    memset(long_key, 'k', STORE_KEY_MAX + 1);
    static const struct {
        const char *kind, *key, *value;
    } bad[] = {{"", "k", "1"},         {"A", "k", "1"},   {"a", "", "1"},    {"a", "k\n", "1"},
               {"a", "\xff", "1"},     {"a", "k", "{"},   {"a", "k", ""},    {"a", "k", "\"\xff\""},
               {"a", "k", "{\"a\":}"}, {"a b", "k", "1"}, {"a", "k", "1 2"}, {NULL, "k", "1"},
               {"a", NULL, "1"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(store_fixture_put(fixture, bad[i].kind, bad[i].key, bad[i].value), ERROR_INVALID);
    }
    assert_int_equal(store_fixture_put(fixture, "a", long_key, "1"), ERROR_INVALID);
    long_key[STORE_KEY_MAX] = '\0';
    assert_int_equal(store_fixture_put(fixture, "a", long_key, "1"), 0);
    struct store_op op = {.kind = "a", .key = "k", .value = "1", .if_revision = 0};
    struct store_job job = {.ops = &op, .op_count = 1, .insists = true};
    assert_int_equal(store_fixture_submit(fixture, &job), ERROR_INVALID);
    job = (struct store_job){.cause.reason = "\xc0", .ops = &op, .op_count = 1};
    assert_int_equal(store_fixture_submit(fixture, &job), ERROR_INVALID);
    assert_int_equal(job.conflict, 1);
    free(long_key);
    expect_whole(fixture);
}

static bool take_key(void *context, const struct store_object *object)
{
    struct buffer *text = context;
    buffer_print(text, "%s ", object->key);
    return text->len < 12;
}

static void lists_are_by_prefix_and_go_on_after(void **state)
{
    struct store_fixture *fixture = *state;
    static const char *const keys[] = {"az:1", "region:a", "region:b", "region:c", "region:d", "regional"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_int_equal(store_fixture_put(fixture, "o", keys[i], "0"), 0);
    }
    struct store_reader *reader = store_fixture_read(fixture);
    struct buffer text;
    buffer_init(&text);
    assert_int_equal(store_list(reader, "o", "region:", NULL, take_key, &text), 0);
    assert_string_equal(text.bytes, "region:a region:b ");
    buffer_remove_front(&text, text.len);
    assert_int_equal(store_list(reader, "o", "region:", "region:c", take_key, &text), 0);
    assert_string_equal(text.bytes, "region:d ");
    buffer_fini(&text);
    store_reader_close(reader);
}

static void take_value(void *context, const struct store_object *object)
{
    buffer_print(context, "%s@%llu", object->value, (unsigned long long)object->revision);
}

static void one_object_is_found_or_not(void **state)
{
    struct store_fixture *fixture = *state;
    struct buffer text;
    buffer_init(&text);
    assert_int_equal(store_fixture_put(fixture, "a", "b", "[1]"), 0);
    struct store_reader *reader = store_fixture_read(fixture);
    assert_int_equal(store_get(reader, "a", "b", take_value, &text), 0);
    assert_int_equal(store_get(reader, "a", "c", take_value, &text), ERROR_NOT_FOUND);
    assert_int_equal(store_fixture_put(fixture, "a", "b", "[2]"), 0); /* seen by one that is open */
    assert_int_equal(store_get(reader, "a", "b", take_value, &text), 0);
    assert_string_equal(text.bytes, "[1]@1[2]@2");
    store_reader_close(reader);
    buffer_fini(&text);
}

/* ---- the journal ---- */

static void write_at(struct store_fixture *fixture, const char *key, int64_t wall_ms, const char *actor)
{
    struct store_op op = {.kind = "k", .key = key, .value = "0", .if_revision = STORE_ANY};
    struct store_job job = {
        .cause = {.wall_ms = wall_ms, .actor = actor, .peer = "uid:7"}, .ops = &op, .op_count = 1};
    assert_int_equal(store_fixture_submit(fixture, &job), 0);
}

static void expect_seqs(struct store_fixture *fixture, const struct store_filter *filter,
                        const char *expected)
{
    struct buffer text;
    char seqs[64] = "";
    store_fixture_tell_journal(fixture, filter, &text);
    for (const char *line = text.bytes; *line != '\0'; line = strchr(line, '\n') + 1) {
        strncat(seqs, line, strcspn(line, " ") + 1);
    }
    assert_string_equal(seqs, expected);
    buffer_fini(&text);
}

/* Times of entries 1 to 8: the wall clock was wrong for a while, and set back twice. */
static const int64_t times[] = {100, 200, 900, 950, 210, 220, 120, 300};

static void write_times(struct store_fixture *fixture)
{
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        write_at(fixture, i % 2 == 0 ? "even" : "odd", times[i], i < 4 ? "alice" : "bob");
    }
}

static void the_journal_is_filtered(void **state)
{
    struct store_fixture *fixture = *state;
    write_times(fixture);
    expect_seqs(fixture, &(struct store_filter){.kind = "k"}, "1 2 3 4 5 6 7 8 ");
    expect_seqs(fixture, &(struct store_filter){.backward = true, .before_seq = 4}, "3 2 1 ");
    expect_seqs(fixture, &(struct store_filter){.after_seq = 6}, "7 8 ");
    expect_seqs(fixture, &(struct store_filter){.key = "even", .kind = "k", .backward = true}, "7 5 3 1 ");
    expect_seqs(fixture, &(struct store_filter){.actor = "bob"}, "5 6 7 8 ");
    expect_seqs(fixture, &(struct store_filter){.actor = "uid:7", .after_seq = 7}, "8 ");
    expect_seqs(fixture, &(struct store_filter){.kind = "other"}, "");
    for (int64_t since = 90; since <= 960; since += 10) {
        char expected[64] = "", upto[64] = "";
        for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
            char one[4] = {(char)('1' + i), ' ', '\0'};
            strcat(times[i] >= since ? expected : upto, one);
        }
        expect_seqs(fixture, &(struct store_filter){.since_ms = since}, expected);
        expect_seqs(fixture, &(struct store_filter){.until_ms = since - 1}, upto);
    }
    expect_whole(fixture);
}

static void what_was_before_may_be_left_out(void **state)
{
    struct store_fixture *fixture = *state;
    assert_int_equal(store_fixture_put(fixture, "k", "x", "1"), 0);
    assert_int_equal(store_fixture_put(fixture, "k", "x", "2"), 0);
    expect_journal(fixture, &(struct store_filter){.kind = "k"}, "1 k/x ->1\n2 k/x 1>2\n");
    expect_journal(fixture, &(struct store_filter){.without_before = true}, "1 k/x ->1\n2 k/x ->2\n");
}

static void a_time_is_found_although_the_clock_was_set(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_reader *reader = store_fixture_read(fixture);
    uint64_t seq;
    assert_int_equal(store_find_seq(reader, INT64_MAX, &seq), 0);
    assert_int_equal(seq, 0);
    write_times(fixture);
    for (int64_t at = 90; at <= 960; at += 5) {
        uint64_t expected = 0;
        for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
            expected = times[i] <= at ? i + 1 : expected;
        }
        assert_int_equal(store_find_seq(reader, at, &seq), 0);
        assert_int_equal(seq, expected);
    }
    store_reader_close(reader);
}

static bool tell_state(void *context, const struct store_object *object)
{
    buffer_print(context, "%s/%s=%s ", object->kind, object->key, object->value);
    return true;
}

static void objects_are_told_as_they_were(void **state)
{
    struct store_fixture *fixture = *state;
    static const char *const states[] = {"",       "a/x=1 ",       "a/x=1 b/x=2 ", "a/x=3 b/x=2 ",
                                         "b/x=2 ", "b/x=2 a/y=4 ", "b/x=2 a/y=4 "};
    struct buffer text;
    assert_int_equal(store_fixture_put(fixture, "a", "x", "1"), 0);
    assert_int_equal(store_fixture_put(fixture, "b", "x", "2"), 0);
    assert_int_equal(store_fixture_put(fixture, "a", "x", "3"), 0);
    assert_int_equal(
        store_fixture_write(fixture, &(struct store_op){.kind = "a", .key = "x", .if_revision = STORE_ANY},
                            NULL),
        0);
    assert_int_equal(store_fixture_put(fixture, "a", "y", "4"), 0);
    struct store_reader *reader = store_fixture_read(fixture);
    for (uint64_t seq = 0; seq < sizeof states / sizeof *states; seq++) {
        buffer_init(&text);
        buffer_add_text(&text, "");
        assert_int_equal(store_list_at(reader, seq, tell_state, &text), 0);
        assert_string_equal(text.bytes, states[seq]);
        buffer_fini(&text);
    }
    store_reader_close(reader);
}

/* ---- the chain ---- */

static void judge(struct store_fixture *fixture, uint64_t anchor_seq, const unsigned char *anchor,
                  struct store_verdict *verdict)
{
    struct store_reader *reader = store_fixture_read(fixture);
    assert_int_equal(store_verify(reader, anchor_seq, anchor, verdict), 0);
    store_reader_close(reader);
}

static void whatever_is_changed_is_found(void **state)
{
    static const struct {
        const char *sql;
        uint64_t bad_seq;
    } cases[] = {
        {"UPDATE journal SET actor = 'mallory' WHERE seq = 3", 3},
        {"UPDATE journal SET actor = 'al', peer = 'iceuid:0' WHERE seq = 3", 3},
        {"UPDATE journal SET wall_ms = wall_ms + 1 WHERE seq = 1", 1},
        {"UPDATE journal SET after = NULL WHERE seq = 2", 2},
        {"DELETE FROM journal WHERE seq = 4", 4},
        {"DELETE FROM journal WHERE seq = 1", 1},
        {"UPDATE journal SET seq = 100 WHERE seq = 2; UPDATE journal SET seq = 2 WHERE seq = 3;"
         "UPDATE journal SET seq = 3 WHERE seq = 100",
         2},
        {"UPDATE objects SET value = '99'", 0},
        {"DELETE FROM objects", 0},
        {"INSERT INTO objects VALUES('k', 'new', '1', 3, 0, 0)", 0},
        {"UPDATE objects SET expires_ms = 9e12", 0},
        {"INSERT INTO turns VALUES(3, 0)", 0},
        {"UPDATE meta SET value = 'x' WHERE name = 'id'", 1},
    };
    struct store_fixture *fixture = *state;
    struct store_verdict verdict;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int n = 0; n < 6; n++) {
            assert_int_equal(store_fixture_put(fixture, "k", "key", "1"), 0);
        }
        expect_whole(fixture);
        store_fixture_close(fixture);
        store_fixture_sql(fixture, cases[i].sql);
        judge(fixture, 0, NULL, &verdict);
        assert_false(verdict.is_whole);
        assert_int_equal(verdict.bad_seq, cases[i].bad_seq);
        assert_string_not_equal(verdict.why, "");
        assert_int_equal(store_set_aside(fixture->folder, fixture->report, NULL), 0);
        assert_int_equal(store_fixture_open(fixture), 0);
    }
}

static void whoever_looks_through_it_can_be_called_off(void **state)
{
    struct store_fixture *fixture = *state;
    struct progress progress = {.cancelled = false};
    struct store_verdict verdict;
    assert_int_equal(store_fixture_put(fixture, "k", "x", "1"), 0);
    struct store_reader *reader = store_fixture_read(fixture);
    store_reader_set_progress(reader, &progress);
    store_reader_set_count(reader, &progress);
    assert_int_equal(store_verify(reader, 0, NULL, &verdict), 0);
    assert_true(verdict.is_whole);
    assert_true(atomic_load(&progress.done) == 1 && atomic_load(&progress.of) == 1);
    progress_cancel(&progress);
    assert_int_equal(store_verify(reader, 0, NULL, &verdict), ERROR_CANCELLED);
    assert_false(verdict.is_whole);
    store_reader_set_progress(reader, NULL);
    assert_int_equal(store_verify(reader, 0, NULL, &verdict), 0);
    store_reader_close(reader);
}

static void an_anchor_shows_that_the_end_is_gone(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_stats stats;
    struct store_verdict verdict;
    for (int n = 0; n < 5; n++) {
        assert_int_equal(store_fixture_put(fixture, "k", "key", "1"), 0);
    }
    store_get_stats(fixture->store, &stats);
    assert_int_equal(stats.seq, 5);
    judge(fixture, stats.seq, stats.hash, &verdict);
    assert_true(verdict.is_whole);
    assert_int_equal(verdict.entries, 5);
    store_fixture_close(fixture);
    store_fixture_sql(fixture,
                      "DELETE FROM journal WHERE seq = 5; UPDATE objects SET revision = 4, written_ms = "
                      "(SELECT wall_ms FROM journal WHERE seq = 4)");
    judge(fixture, 0, NULL, &verdict);
    assert_true(verdict.is_whole);
    judge(fixture, stats.seq, stats.hash, &verdict);
    assert_false(verdict.is_whole);
    assert_int_equal(verdict.bad_seq, 5);
    assert_int_equal(store_fixture_open(fixture), 0);
    assert_int_equal(store_fixture_put(fixture, "k", "key", "1"), 0);
    judge(fixture, stats.seq, stats.hash, &verdict); /* there is one again, but not that one */
    assert_false(verdict.is_whole);
}

/* ---- copies ---- */

static void a_copy_is_a_store(void **state)
{
    struct store_fixture *fixture = *state, *other = store_fixture_new();
    char *path = store_fixture_path(other, "store.db"), *own = store_fixture_path(fixture, "store.db");
    struct store_stats stats;
    struct store_verdict verdict;
    struct stat status;
    assert_int_equal(store_fixture_put(fixture, "k", "key", "1"), 0);
    assert_int_equal(store_fixture_put(fixture, "k", "key", "2"), 0);
    store_get_stats(fixture->store, &stats);
    struct store_reader *reader = store_fixture_read(fixture);
    assert_int_equal(store_copy(reader, path), 0);
    assert_int_equal(store_copy(reader, path), -EEXIST);
    assert_non_null(strstr(store_reader_why(reader), path));
    store_reader_close(reader);
    assert_int_equal(store_fixture_put(fixture, "k", "key", "3"), 0); /* the copy knows nothing of it */
    assert_int_equal(store_fixture_open(other), 0);
    judge(other, stats.seq, stats.hash, &verdict);
    assert_true(verdict.is_whole);
    expect_objects(other, "k", "k/key=2@2\n");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777 & ~0640U, 0);
    assert_int_equal(stat(own, &status), 0);
    assert_int_equal(status.st_mode & 07777 & ~0640U, 0);
    store_fixture_free(other);
    free(path);
    free(own);
}

/* ---- leases ---- */

static int64_t now_ms(void)
{
    struct clock clock;
    clock_init(&clock);
    return clock_wall_ms(&clock);
}

static bool has_expired(struct store_fixture *fixture)
{
    return fixture->expired.len > 0;
}

static void what_expires_is_deleted_with_an_entry(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_op op = {
        .kind = "a", .key = "y", .value = "1", .if_revision = STORE_ANY, .expires_ms = now_ms() + 3600000};
    assert_int_equal(store_fixture_write(fixture, &op, NULL), 0);
    op.key = "x";
    op.expires_ms = now_ms() + 60;
    assert_int_equal(store_fixture_write(fixture, &op, NULL), 0);
    store_fixture_wait(fixture, has_expired);
    assert_string_equal(fixture->expired.bytes, "a/x@3\n");
    expect_objects(fixture, "a", "a/y=1@1\n");
    expect_journal(fixture, &(struct store_filter){.after_seq = 2}, "3 a/x 1>-\n");
    op.expires_ms = 0; /* a later one without an end holds */
    assert_int_equal(store_fixture_write(fixture, &op, NULL), 0);
    expect_whole(fixture);
}

static void what_expired_meanwhile_is_gone_when_it_is_opened(void **state)
{
    struct store_fixture *fixture = *state;
    int64_t end_ms = now_ms() + 300;
    for (int i = 0; i < 3; i++) {
        char key[] = {(char)('a' + i), '\0'};
        struct store_op op = {
            .kind = "k", .key = key, .value = "1", .if_revision = STORE_ANY, .expires_ms = end_ms};
        assert_int_equal(store_fixture_write(fixture, &op, NULL), 0);
    }
    store_fixture_close(fixture);
    while (now_ms() < end_ms) {
    }
    expect_objects(fixture, "k", ""); /* nobody has come to deleting them */
    assert_int_equal(store_fixture_open(fixture), 0);
    struct store_stats stats;
    store_get_stats(fixture->store, &stats);
    assert_int_equal(stats.seq, 6);
    expect_whole(fixture);
}

/* ---- many at once ---- */

enum { MANY = 5000 };

struct many {
    struct store_job job;
    struct store_op op;
    char key[16];
    uint64_t *last;
    int *left;
};

static void end_many(struct store_job *job)
{
    struct many *many = (struct many *)job;
    assert_int_equal(job->error, 0);
    assert_int_equal(job->seq, *many->last + 1); /* in the order of submission */
    *many->last = job->seq;
    --*many->left;
}

static int left;

static bool none_is_left(struct store_fixture *fixture)
{
    (void)fixture;
    return left == 0;
}

static void what_waits_is_committed_together(void **state)
{
    struct store_fixture *fixture = *state;
    struct many *jobs = memory_alloc_array(MANY, sizeof *jobs);
    struct store_stats stats;
    uint64_t last = 0;
    left = MANY;
    for (int i = 0; i < MANY; i++) {
        snprintf(jobs[i].key, sizeof jobs[i].key, "%d", i);
        jobs[i].op = (struct store_op){.kind = "k", .key = jobs[i].key, .value = "{}", .if_revision = 0};
        jobs[i].job = (struct store_job){.ops = &jobs[i].op, .op_count = 1, .done = end_many};
        jobs[i].last = &last;
        jobs[i].left = &left;
        store_submit(fixture->store, &jobs[i].job);
    }
    store_fixture_wait(fixture, none_is_left);
    store_get_stats(fixture->store, &stats);
    assert_int_equal(stats.entries, MANY);
    assert_int_equal(stats.waiting, 0);
    assert_true(stats.commits < MANY);
    expect_whole(fixture);
    free(jobs);
}

static void what_waits_when_it_is_closed_is_written(void **state)
{
    struct store_fixture *fixture = *state;
    struct many *jobs = memory_alloc_array(100, sizeof *jobs);
    uint64_t last = 0;
    left = 100;
    for (int i = 0; i < 100; i++) {
        snprintf(jobs[i].key, sizeof jobs[i].key, "%d", i);
        jobs[i].op = (struct store_op){.kind = "k", .key = jobs[i].key, .value = "{}", .if_revision = 0};
        jobs[i].job = (struct store_job){.ops = &jobs[i].op, .op_count = 1, .done = end_many};
        jobs[i].last = &last;
        jobs[i].left = &left;
        store_submit(fixture->store, &jobs[i].job);
    }
    store_fixture_close(fixture);
    assert_int_equal(left, 0);
    assert_int_equal(store_fixture_open(fixture), 0);
    struct store_stats stats;
    store_get_stats(fixture->store, &stats);
    assert_int_equal(stats.seq, 100);
    free(jobs);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_is_there_again, setup, teardown),
        cmocka_unit_test_setup_teardown(conditions_hold_or_nothing_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(a_transaction_is_whole_or_not_at_all, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_none_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_are_by_prefix_and_go_on_after, setup, teardown),
        cmocka_unit_test_setup_teardown(one_object_is_found_or_not, setup, teardown),
        cmocka_unit_test_setup_teardown(the_journal_is_filtered, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_before_may_be_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_time_is_found_although_the_clock_was_set, setup, teardown),
        cmocka_unit_test_setup_teardown(objects_are_told_as_they_were, setup, teardown),
        cmocka_unit_test_setup_teardown(whatever_is_changed_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(whoever_looks_through_it_can_be_called_off, setup, teardown),
        cmocka_unit_test_setup_teardown(an_anchor_shows_that_the_end_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_is_a_store, setup, teardown),
        cmocka_unit_test_setup_teardown(what_expires_is_deleted_with_an_entry, setup, teardown),
        cmocka_unit_test_setup_teardown(what_expired_meanwhile_is_gone_when_it_is_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(what_waits_is_committed_together, setup, teardown),
        cmocka_unit_test_setup_teardown(what_waits_when_it_is_closed_is_written, setup, teardown),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
