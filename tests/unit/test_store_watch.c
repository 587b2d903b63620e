/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Watches of the store: random ones (of a kind, of a prefix, from anywhere on, slow ones, ones that are
 * cancelled amid what they are told) beside random transactions and closings, compared with the journal; and
 * what they hear when there is no more to be told. */
#include "config.h"

#include "unit.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 2, KEYS = 4, WATCHERS = 6, ROUNDS = 60, STEPS = 40, MANY = 700, VALUE_LEN = 100000 };

static const char *const kinds[KINDS] = {"a", "b"}, *const keys[KEYS] = {"k", "ka", "kb", "l"};
static const char *const prefixes[] = {NULL, "", "k", "ka", "m"};

struct watcher {
    struct store_watch *watch; /* NULL: none */
    struct buffer told;
    const char *kind, *prefix;
    uint64_t after, last; /* that was told */
    unsigned patience;    /* entries until it wants no more; 0: none is too many */
    unsigned left;        /* entries until it cancels itself; 0: it does not */
    bool rests;
    int ended;
    char why[256];
};

static void tell(struct buffer *to, const struct store_entry *entry)
{
    buffer_print(to, "%llu %s/%s@%llu %s %s %.10s %02x\n", (unsigned long long)entry->seq, entry->kind,
                 entry->key, (unsigned long long)entry->revision_before, entry->cause.actor,
                 entry->cause.request, entry->after == NULL ? "-" : entry->after, entry->hash[0]);
}

static bool on_change(void *context, const struct store_entry *entry)
{
    struct watcher *watcher = context;
    assert_non_null(watcher->watch);
    assert_false(watcher->rests);
    assert_null(entry->before);
    assert_true(entry->seq > watcher->last);
    watcher->last = entry->seq;
    tell(&watcher->told, entry);
    if (watcher->left != 0 && --watcher->left == 0) {
        store_watch_cancel(watcher->watch);
        watcher->watch = NULL;
        return true;
    }
    watcher->rests = watcher->patience != 0 && entry->seq % watcher->patience == 0;
    if (watcher->rests && entry->seq % 2 == 0) { /* or at once after all */
        watcher->rests = false;
        store_watch_go_on(watcher->watch);
        return false;
    }
    return !watcher->rests;
}

static void on_end(void *context, int error, const char *why)
{
    struct watcher *watcher = context;
    assert_non_null(watcher->watch);
    watcher->watch = NULL;
    watcher->ended = error;
    snprintf(watcher->why, sizeof watcher->why, "%s", why);
}

static void begin(struct store_fixture *fixture, struct watcher *watcher)
{
    watcher->last = watcher->after;
    watcher->rests = false;
    watcher->ended = 0;
    watcher->watch = store_watch(fixture->store, &(struct store_watch_options){.kind = watcher->kind,
                                                                               .prefix = watcher->prefix,
                                                                               .after_seq = watcher->after,
                                                                               .context = watcher,
                                                                               .changed = on_change,
                                                                               .ended = on_end});
}

static void init(struct watcher *watcher)
{
    *watcher = (struct watcher){.watch = NULL};
    buffer_init(&watcher->told);
    buffer_add_text(&watcher->told, "");
}

/* ---- what it should have been told ---- */

struct expected {
    const struct watcher *watcher;
    uint64_t until; /* included */
    struct buffer text;
};

static bool expect(void *context, const struct store_entry *entry)
{
    struct expected *expected = context;
    const char *prefix = expected->watcher->prefix;
    if (entry->seq <= expected->until &&
        (prefix == NULL || strncmp(entry->key, prefix, strlen(prefix)) == 0)) {
        tell(&expected->text, entry);
    }
    return true;
}

static void compare(struct store_fixture *fixture, const struct watcher *watcher, uint64_t until)
{
    struct expected expected = {.watcher = watcher, .until = until};
    struct store_filter filter = {.kind = watcher->kind, .after_seq = watcher->after};
    struct store_reader *reader = store_fixture_read(fixture);
    buffer_init(&expected.text);
    buffer_add_text(&expected.text, "");
    assert_int_equal(store_read_journal(reader, &filter, expect, &expected), 0);
    assert_string_equal(watcher->told.bytes, expected.text.bytes);
    buffer_fini(&expected.text);
    store_reader_close(reader);
}

/* ---- random lives ---- */

struct world {
    struct store_fixture *fixture;
    struct watcher watchers[WATCHERS];
    struct random random;
    char *large;
    uint64_t seq;
};

static void write_some(struct world *world)
{
    struct random *random = &world->random;
    struct store_op ops[4];
    struct store_job job = {.cause = {.actor = "alice", .request = "PUT /x"},
                            .ops = ops,
                            .op_count = 1 + random_below(random, 4)};
    for (size_t i = 0; i < job.op_count; i++) {
        ops[i] = (struct store_op){.kind = kinds[random_below(random, KINDS)],
                                   .key = keys[random_below(random, KEYS)],
                                   .if_revision = STORE_ANY};
        ops[i].value = random_below(random, 4) == 0    ? NULL
                       : random_below(random, 20) == 0 ? world->large
                                                       : "1";
    }
    assert_int_equal(store_fixture_submit(world->fixture, &job), 0);
    world->seq = job.seq;
}

static struct world *waiting_world;

static bool all_are_told(struct store_fixture *fixture)
{
    struct expected expected;
    for (size_t i = 0; i < WATCHERS; i++) {
        struct watcher *watcher = &waiting_world->watchers[i];
        if (watcher->watch == NULL) {
            continue;
        }
        if (watcher->rests) {
            watcher->rests = false;
            store_watch_go_on(watcher->watch);
        }
        struct store_filter filter = {.kind = watcher->kind, .after_seq = watcher->last};
        struct store_reader *reader = store_fixture_read(fixture);
        expected = (struct expected){.watcher = watcher, .until = UINT64_MAX};
        buffer_init(&expected.text);
        assert_int_equal(store_read_journal(reader, &filter, expect, &expected), 0);
        store_reader_close(reader);
        bool is_told = expected.text.len == 0;
        buffer_fini(&expected.text);
        if (!is_told) {
            return false;
        }
    }
    return true;
}

static void drop(struct world *world, struct watcher *watcher)
{
    if (watcher->watch != NULL) {
        store_watch_cancel(watcher->watch);
        watcher->watch = NULL;
    }
    compare(world->fixture, watcher, watcher->last);
    buffer_fini(&watcher->told);
    init(watcher);
}

static void step(struct world *world)
{
    struct random *random = &world->random;
    struct watcher *watcher = &world->watchers[random_below(random, WATCHERS)];
    switch (random_below(random, 8)) {
    case 0:
        drop(world, watcher);
        watcher->kind = random_below(random, 2) == 0 ? NULL : kinds[random_below(random, KINDS)];
        watcher->prefix = prefixes[random_below(random, 5)];
        watcher->after = random_below(random, world->seq + 1);
        watcher->patience = (unsigned)random_below(random, 4);
        watcher->left = (unsigned)(random_below(random, 3) == 0 ? random_below(random, 30) : 0);
        begin(world->fixture, watcher);
        break;
    case 1:
        if (watcher->watch != NULL && watcher->rests) {
            watcher->rests = false;
            store_watch_go_on(watcher->watch);
        }
        break;
    case 2: store_reap(world->fixture->store); break;
    default: write_some(world);
    }
}

/* What they were told until then is right, and they go on from there when it is open again. */
static void reopen(struct world *world)
{
    store_fixture_close(world->fixture);
    assert_int_equal(store_fixture_open(world->fixture), 0);
    for (size_t i = 0; i < WATCHERS; i++) {
        struct watcher *watcher = &world->watchers[i];
        assert_null(watcher->watch);
        if (watcher->ended != 0) {
            assert_int_equal(watcher->ended, ERROR_CANCELLED);
            assert_string_equal(watcher->why, "the store is closed");
            compare(world->fixture, watcher, watcher->last);
            uint64_t first = watcher->after;
            watcher->after = watcher->last;
            begin(world->fixture, watcher);
            watcher->after = first;
        }
    }
}

static void each_change_is_told_once_and_in_order(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct world world = {.fixture = store_fixture_new(), .large = memory_alloc(VALUE_LEN + 1)};
        memset(world.large, '1', VALUE_LEN);
        random_init(&world.random, 1 + round);
        assert_int_equal(store_fixture_open(world.fixture), 0);
        for (size_t i = 0; i < WATCHERS; i++) {
            init(&world.watchers[i]);
        }
        for (unsigned i = 0; i < STEPS; i++) {
            step(&world);
            if (random_below(&world.random, 20) == 0) {
                reopen(&world);
            }
        }
        waiting_world = &world;
        store_fixture_wait(world.fixture, all_are_told);
        for (size_t i = 0; i < WATCHERS; i++) {
            drop(&world, &world.watchers[i]);
            buffer_fini(&world.watchers[i].told);
        }
        store_fixture_free(world.fixture);
        free(world.large);
    }
}

/* ---- the end ---- */

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

static struct watcher one;

static bool one_has_ended(struct store_fixture *fixture)
{
    (void)fixture;
    return one.watch == NULL;
}

static bool one_has_all(struct store_fixture *fixture)
{
    struct store_stats stats;
    store_get_stats(fixture->store, &stats);
    return one.last == stats.seq;
}

static void a_start_beyond_the_end_is_told(void **state)
{
    struct store_fixture *fixture = *state;
    assert_int_equal(store_fixture_put(fixture, "a", "k", "1"), 0);
    init(&one);
    one.after = 2;
    begin(fixture, &one);
    store_fixture_wait(fixture, one_has_ended);
    assert_int_equal(one.ended, ERROR_NOT_FOUND);
    assert_string_equal(one.why, "entry 2 is not there, the last one is 1: the journal was cut, or is "
                                 "another one");
    buffer_fini(&one.told);
}

static bool one_rests(struct store_fixture *fixture)
{
    (void)fixture;
    return one.rests;
}

static void another_journal_is_not_told_as_the_rest(void **state)
{
    struct store_fixture *fixture = *state;
    assert_int_equal(store_fixture_put(fixture, "a", "k", "1"), 0);
    assert_int_equal(store_fixture_put(fixture, "a", "k", "2"), 0);
    init(&one);
    one.patience = 1;
    begin(fixture, &one);
    store_fixture_wait(fixture, one_rests);
    assert_int_equal(one.last, 1);
    store_fixture_sql(fixture, "UPDATE journal SET hash = zeroblob(32) WHERE seq = 1");
    one.rests = false;
    store_watch_go_on(one.watch);
    store_fixture_wait(fixture, one_has_ended);
    assert_int_equal(one.last, 1);
    assert_int_equal(one.ended, ERROR_CONFLICT);
    assert_string_equal(one.why, "entry 1 is another one: the journal is not the one it was");
    buffer_fini(&one.told);
}

/* Somebody else's hand in the file: to look again and again would be of no use. */
static void a_journal_that_was_cut_is_told(void **state)
{
    struct store_fixture *fixture = *state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(store_fixture_put(fixture, "a", "k", "1"), 0);
    }
    store_fixture_sql(fixture, "DELETE FROM journal WHERE seq > 1");
    for (uint64_t after = 0; after <= 2; after++) {
        init(&one);
        one.after = after;
        begin(fixture, &one);
        store_fixture_wait(fixture, one_has_ended);
        assert_int_equal(one.last, after == 0 ? 1 : after);
        assert_int_equal(one.ended, ERROR_NOT_FOUND);
        assert_non_null(strstr(one.why, "the last one is 3: the journal was cut"));
        buffer_fini(&one.told);
    }
}

static void what_was_there_before_is_read_while_others_write(void **state)
{
    struct store_fixture *fixture = *state;
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(store_fixture_put(fixture, i % 70 == 0 ? "b" : "a", "k", "1"), 0);
    }
    init(&one);
    one.kind = "b";
    begin(fixture, &one);
    assert_int_equal(store_fixture_put(fixture, "b", "k", "1"), 0);
    store_fixture_wait(fixture, one_has_all);
    compare(fixture, &one, MANY + 1);
    store_watch_cancel(one.watch);
    buffer_fini(&one.told);
}

static bool one_has_two(struct store_fixture *fixture)
{
    (void)fixture;
    return one.last == 2;
}

/* What expires is a change like any other; and what waits for one does not keep it from expiring. */
static void what_expires_is_told(void **state)
{
    struct store_fixture *fixture = *state;
    struct clock clock;
    clock_init(&clock);
    struct store_op op = {
        .kind = "a", .key = "k", .value = "1", .if_revision = 0, .expires_ms = clock_wall_ms(&clock) + 50};
    init(&one);
    begin(fixture, &one);
    assert_int_equal(store_fixture_write(fixture, &op, NULL), 0);
    store_fixture_wait(fixture, one_has_two);
    store_watch_cancel(one.watch);
    assert_non_null(strstr(one.told.bytes, "2 a/k@1 steerd  - "));
    buffer_fini(&one.told);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_is_told_once_and_in_order),
        cmocka_unit_test_setup_teardown(a_start_beyond_the_end_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(another_journal_is_not_told_as_the_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(a_journal_that_was_cut_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_there_before_is_read_while_others_write, setup, teardown),
        cmocka_unit_test_setup_teardown(what_expires_is_told, setup, teardown),
    };
    return cmocka_run_group_tests_name("store_watch", tests, NULL, NULL);
}
