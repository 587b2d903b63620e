/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Recovery points as objects, when they are due and which go; objects as lines. In virtual time, against
 * plain counting. */
#include "config.h"

#include "unit.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "past/lines.h"
#include "past/points.h"

#include <stdlib.h>
#include <string.h>

#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS };
static const int64_t noon_ms = 1763812800000; /* 2025-11-22T12:00:00Z */

static struct random dice;

static int draw(void)
{
    return (int)random_below(&dice, INT32_MAX);
}

/* ---- as objects ---- */

static void a_point_is_read_as_it_was_written(void **state)
{
    (void)state;
    static const struct point_use uses[] = {{.time_ms = 1000, .actor = "alice", .reason = "drill"},
                                            {.time_ms = 2000, .actor = "", .reason = ""}};
    const struct point point = {.id = "before-migration",
                                .time_ms = noon_ms,
                                .seq = 123,
                                .hash = {0xab, 0, 1},
                                .kind = POINTS_NAMED,
                                .reason = "we \"move\"",
                                .actor = "bob",
                                .objects = SHA,
                                .configuration = SHA,
                                .generation = 7,
                                .uses = uses,
                                .use_count = 2};
    struct arena *arena = arena_new(0);
    struct point found;
    const char *why;
    char *text = points_write(&point);
    assert_int_equal(points_read(point.id, text, arena, &found, &why), 0);
    char *again = points_write(&found);
    assert_string_equal(again, text);
    assert_int_equal(found.seq, 123);
    assert_memory_equal(found.hash, point.hash, sizeof point.hash);
    assert_int_equal(found.kind, POINTS_NAMED);
    assert_int_equal(found.use_count, 2);
    assert_string_equal(found.uses[0].actor, "alice");
    free(text);
    free(again);
    arena_free(arena);
}

static void what_is_no_point_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"time\":\"2025-11-22T12:00:00Z\",\"seq\":-1,\"hash\":\"" SHA
        "\",\"kind\":\"named\",\"objects\":\"" SHA "\"}",
        "{\"time\":\"2025-11-22T12:00:00Z\",\"seq\":1,\"hash\":\"abc\",\"kind\":\"named\",\"objects\":\"" SHA
        "\"}",
        "{\"time\":\"2025-11-22T12:00:00Z\",\"seq\":1,\"hash\":\"" SHA
        "\",\"kind\":\"daily\",\"objects\":\"" SHA "\"}",
        "{\"time\":\"2025-11-22T12:00:00Z\",\"seq\":1,\"hash\":\"" SHA
        "\",\"kind\":\"named\",\"objects\":\"../../../etc/passwd\"}",
        "{\"time\":\"2025-11-22T12:00:00Z\",\"seq\":1,\"hash\":\"" SHA "\",\"kind\":\"named\"}",
        "{\"time\":\"noon\",\"seq\":1,\"hash\":\"" SHA "\",\"kind\":\"named\",\"objects\":\"" SHA "\"}",
        "{\"time\":\"2025-11-22T12:00:00Z\",\"seq\":1,\"hash\":\"" SHA
        "\",\"kind\":\"named\",\"objects\":\"" SHA "\",\"used\":7}",
    };
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct point point;
        const char *why = NULL;
        assert_int_equal(points_read("x", bad[i], arena, &point, &why), ERROR_SYNTAX);
        assert_non_null(why);
    }
    arena_free(arena);
}

static void names_are_judged(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "before-migration", "2025.11", "7", "x_y", "m"};
    static const char *const bad[] = {"",   "A",  "-2h", ".hidden",  "_x", "a b",          "a/b",
                                      "\n", "2h", "90m", "1d12h30m", "ä",  "hourly-today", "restore-1"};
    char longest[POINTS_ID_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[POINTS_ID_MAX] = '\0';
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_null(points_judge_name(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_non_null(points_judge_name(bad[i]));
    }
    assert_null(points_judge_name(longest));
    longest[POINTS_ID_MAX] = 'a';
    longest[POINTS_ID_MAX + 1] = '\0';
    assert_non_null(points_judge_name(longest));
    char id[POINTS_ID_SIZE];
    points_write_id(POINTS_HOURLY, noon_ms + 12, id);
    assert_string_equal(id, "hourly-20251122T120000Z");
    points_write_id(POINTS_BEFORE_RESTORE, noon_ms + 61000, id);
    assert_string_equal(id, "restore-20251122T120101Z");
}

/* ---- when ---- */

struct world {
    struct points_rule rule;
    struct point points[4096];
    size_t count;
    int64_t now_ms;
    uint64_t seq;
};

static void make(struct world *world, enum points_kind kind)
{
    assert_true(world->count < 4096);
    world->points[world->count++] =
        (struct point){.id = "x", .time_ms = world->now_ms, .seq = world->seq++, .kind = kind};
}

/* What the thread does with each of its looks. Returns whether it made one. */
static bool look(struct world *world)
{
    bool gone[4096];
    struct points_latest latest;
    points_find_latest(world->points, world->count, &latest);
    if (!points_is_due(&world->rule, &latest, world->now_ms, world->seq)) {
        return false;
    }
    make(world, POINTS_HOURLY);
    size_t kept = 0;
    points_find_gone(&world->rule, world->points, world->count, world->now_ms, gone);
    for (size_t i = 0; i < world->count; i++) {
        world->points[kept] = world->points[i];
        kept += !gone[i];
    }
    world->count = kept;
    return true;
}

static struct world *new_world(void)
{
    struct world *world = memory_alloc(sizeof *world);
    world->rule = (struct points_rule){.every_ms = HOUR_MS, .keep_count = 24};
    world->now_ms = noon_ms + 5;
    return world;
}

static void one_is_made_in_each_full_hour(void **state)
{
    (void)state;
    struct world *world = new_world();
    assert_true(look(world));
    size_t made = 0;
    for (int second = 0; second < 48 * 3600; second++) {
        world->now_ms += 1000;
        made += look(world);
    }
    assert_int_equal(made, 48);
    assert_int_equal(world->count, 24);
    free(world);
}

static void one_that_was_missed_is_made_at_once_and_once(void **state)
{
    (void)state;
    struct world *world = new_world();
    assert_true(look(world));
    assert_false(look(world)); /* a restart within the hour */
    world->now_ms += 5 * HOUR_MS;
    assert_true(look(world));
    assert_false(look(world));
    free(world);
}

static void a_clock_that_is_set_neither_doubles_nor_stops_them(void **state)
{
    (void)state;
    struct world *world = new_world();
    assert_true(look(world));
    world->now_ms -= 1000; /* back over the full hour, and forth */
    assert_false(look(world));
    world->now_ms += 1000;
    assert_false(look(world));
    world->now_ms -= 10 * DAY_MS;
    assert_true(look(world)); /* or there would be none for ten days */
    assert_false(look(world));
    world->now_ms += HOUR_MS;
    assert_true(look(world));
    world->now_ms += 366 * (int64_t)DAY_MS;
    assert_true(look(world));
    assert_false(look(world));
    world->now_ms -= 366 * (int64_t)DAY_MS;
    assert_true(look(world));
    assert_false(look(world));
    assert_int_equal(world->count, 5);
    free(world);
}

static void much_that_happened_makes_one_due(void **state)
{
    (void)state;
    struct world *world = new_world();
    assert_true(look(world));
    world->seq += POINTS_ENTRIES_MAX - 2;
    assert_false(look(world));
    world->seq += 1;
    assert_true(look(world));
    assert_false(look(world));
    world->seq += POINTS_ENTRIES_MAX - 2;
    make(world, POINTS_NAMED); /* from there the way is short again */
    world->seq += 2;
    assert_false(look(world));
    world->rule.every_ms = 0;
    world->seq += 10 * POINTS_ENTRIES_MAX;
    world->now_ms += DAY_MS;
    assert_false(look(world));
    free(world);
}

/* For each one: how many of its kind are later? By sorting them. */
static int by_seq(const void *a, const void *b)
{
    const struct point *left = a, *right = b;
    return left->seq < right->seq ? 1 : left->seq > right->seq ? -1 : 0;
}

static bool is_kept(const struct points_rule *rule, const struct point *points, size_t count,
                    const struct point *one, int64_t now_ms)
{
    struct point *same = memory_alloc_array(count, sizeof *same);
    size_t of_kind = 0, rank = 0;
    for (size_t i = 0; i < count; i++) {
        if (points[i].kind == one->kind) {
            same[of_kind++] = points[i];
        }
    }
    qsort(same, of_kind, sizeof *same, by_seq);
    while (same[rank].seq != one->seq) {
        rank++;
    }
    free(same);
    return one->kind == POINTS_NAMED || rank < rule->keep_count ||
           (rule->keep_days != 0 && now_ms - one->time_ms < (int64_t)rule->keep_days * DAY_MS);
}

static void those_that_go_are_those_that_counting_finds(void **state)
{
    (void)state;
    struct world *world = new_world();
    bool gone[4096];
    random_init(&dice, 7);
    for (int round = 0; round < 500; round++) {
        world->count = 0;
        world->rule.keep_count = 1 + (uint32_t)draw() % 30;
        world->rule.keep_days = draw() % 3 == 0 ? 0 : (uint32_t)draw() % 10;
        for (int i = draw() % 80; i > 0; i--) {
            world->now_ms += draw() % 10 == 0 ? -(draw() % 5) * (int64_t)DAY_MS : draw() % DAY_MS;
            world->seq += (uint64_t)draw() % 5;
            make(world, (enum points_kind)(draw() % POINTS_KINDS));
        }
        size_t found = points_find_gone(&world->rule, world->points, world->count, world->now_ms, gone),
               sum = 0;
        for (size_t i = 0; i < world->count; i++) {
            assert_int_equal(!gone[i], is_kept(&world->rule, world->points, world->count, &world->points[i],
                                               world->now_ms));
            sum += gone[i];
        }
        assert_int_equal(found, sum);
    }
    free(world);
}

static void what_is_needed_begins_with_the_oldest_that_goes_by_itself(void **state)
{
    (void)state;
    struct world *world = new_world();
    struct arena *arena = arena_new(0);
    struct points_span span;
    points_find_span(world->points, 0, arena, &span);
    assert_true(span.seq == UINT64_MAX && span.since_ms == INT64_MIN && span.named_count == 0);
    int64_t begun_ms = world->now_ms;
    for (int i = 0; i < 4; i++) {
        world->now_ms = begun_ms + (int64_t)i * HOUR_MS;
        world->seq = 10 + (uint64_t)i;
        make(world, i < 2 ? POINTS_NAMED : i == 2 ? POINTS_BEFORE_RESTORE : POINTS_HOURLY);
    }
    points_find_span(world->points, 2, arena, &span);
    assert_true(span.seq == 10 && span.since_ms == begun_ms && span.named_count == 2);
    points_find_span(world->points, 4, arena, &span);
    assert_true(span.seq == 12 && span.since_ms == begun_ms + 2 * (int64_t)HOUR_MS && span.named_count == 2 &&
                span.named_ms[1] == begun_ms + HOUR_MS);
    world->points[3].time_ms = begun_ms - 5; /* the clock was set back */
    points_find_span(world->points, 4, arena, &span);
    assert_true(span.seq == 12 && span.since_ms == begun_ms - 5);
    arena_free(arena);
    free(world);
}

/* ---- lines ---- */

static void a_line_is_read_as_it_was_written(void **state)
{
    (void)state;
    static const struct store_object objects[] = {
        {.kind = "override", .key = "region:us-east", .value = "{\"a\":0.1,\"b\":1e400000}", .revision = 3},
        {.kind = "override",
         .key = "region:us-east",
         .value = "{\"a\":0.1,\"b\":1E2,\"a\\u0041\":\"\\u0000\"}",
         .revision = 3,
         .written_ms = 5,
         .expires_ms = 9},
        {.kind = "x", .key = "a \"quoted\\ key", .value = "7"},
        {.kind = "x", .key = "ä", .value = "null"},
    };
    struct arena *arena = arena_new(0);
    for (size_t i = 1; i < sizeof objects / sizeof *objects; i++) {
        struct buffer text;
        struct store_object found;
        char why[LINES_WHY_SIZE];
        buffer_init(&text);
        lines_write(&text, &objects[i]);
        if (strstr(objects[i].value, "u0000") != NULL) { /* it may be in JSON, but in no text of ours */
            assert_int_equal(lines_read(text.bytes, text.len - 1, arena, &found, why), ERROR_SYNTAX);
        } else {
            assert_int_equal(lines_read(text.bytes, text.len - 1, arena, &found, why), 0);
            assert_string_equal(found.kind, objects[i].kind);
            assert_string_equal(found.key, objects[i].key);
            assert_string_equal(found.value, objects[i].value);
            assert_int_equal(found.revision, objects[i].revision);
            assert_int_equal(found.expires_ms, objects[i].expires_ms);
        }
        buffer_fini(&text);
    }
    arena_free(arena);
}

static bool count_lines(void *context, const struct store_object *object, size_t line)
{
    (void)object, (void)line;
    ++*(size_t *)context;
    return true;
}

static void a_bad_line_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t line, good;
        const char *why;
    } cases[] = {
        {"", 0, 0, NULL},
        {"\n\r\n", 2, 0, NULL},
        {"{\"kind\":\"a\",\"key\":\"b\",\"value\":1}\r\n\n{\"key\":\"b\",\"kind\":\"a\",\"value\":{}}", 3, 2,
         NULL},
        {"{\"kind\":\"a\",\"key\":\"b\",\"value\":1}\n{\"kind\":\"a\"}", 2, 1,
         "\"key\": found nothing, expected"},
        {"{\"kind\":\"a\",\"key\":\"b\"}", 1, 0, "\"value\": found nothing, expected any JSON"},
        {"{\"kind\":\"A\",\"key\":\"b\",\"value\":1}", 1, 0,
         "\"kind\": found another text, expected 1 to 63"},
        {"{\"kind\":7,\"key\":\"b\",\"value\":1}", 1, 0, "\"kind\": found a number, expected"},
        {"{\"kind\":\"a\",\"key\":\"\\u0007\",\"value\":1}", 1, 0, "\"key\": found another text"},
        {"{\"kind\":\"a\",\"key\":\"b\",\"value\":1,\"revision\":-1}", 1, 0,
         "\"revision\": found a number below 0"},
        {"{\"kind\":\"a\",\"key\":\"b\",\"value\":1,\"values\":1}", 1, 0,
         "\"values\": found a field of this name"},
        {"{\"kind\":\"a\",\"key\":\"b\",\"value\":1,\"value\":2}", 1, 0, "duplicate"},
        {"\n[]", 2, 0, "found an array, expected a JSON object"},
        {"{", 1, 0, "column 1: "},
        {"\xff", 1, 0, "column "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena = arena_new(0);
        char why[LINES_WHY_SIZE] = "";
        size_t line, good = 0;
        int error = lines_walk(cases[i].text, strlen(cases[i].text), arena, count_lines, &good, &line, why);
        assert_int_equal(error, cases[i].why == NULL ? 0 : ERROR_SYNTAX);
        assert_int_equal(line, cases[i].line);
        assert_int_equal(good, cases[i].good);
        if (cases[i].why != NULL && strstr(why, cases[i].why) == NULL) {
            assert_string_equal(why, cases[i].why);
        }
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_is_read_as_it_was_written),
        cmocka_unit_test(what_is_no_point_is_refused),
        cmocka_unit_test(names_are_judged),
        cmocka_unit_test(one_is_made_in_each_full_hour),
        cmocka_unit_test(one_that_was_missed_is_made_at_once_and_once),
        cmocka_unit_test(a_clock_that_is_set_neither_doubles_nor_stops_them),
        cmocka_unit_test(much_that_happened_makes_one_due),
        cmocka_unit_test(those_that_go_are_those_that_counting_finds),
        cmocka_unit_test(what_is_needed_begins_with_the_oldest_that_goes_by_itself),
        cmocka_unit_test(a_line_is_read_as_it_was_written),
        cmocka_unit_test(a_bad_line_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
