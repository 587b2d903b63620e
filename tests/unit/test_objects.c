/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The objects of a moment, against a model that remembers all of them. */
#include "config.h"

#include "unit.h"

#include "base/memory.h"
#include "base/random.h"
#include "past/depot.h"
#include "past/lines.h"
#include "past/objects.h"
#include "past/points.h"
#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES = 12, STEPS = 300 };

static struct random dice;

static int draw(void)
{
    return (int)random_below(&dice, INT32_MAX);
}

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

static struct objects *open_at(struct store_reader *reader, uint64_t seq)
{
    struct objects *objects = NULL;
    char why[OBJECTS_WHY_SIZE];
    assert_int_equal(objects_open(&(struct objects_ask){.reader = reader, .seq = seq}, &objects, why), 0);
    return objects;
}

/* 0: not there; else its value. */
struct model {
    unsigned values[STEPS + 1][NAMES];
};

static void write_name(int i, char kind[8], char key[8])
{
    snprintf(kind, 8, "kind%d", i % 3);
    snprintf(key, 8, "key%d", i / 3);
}

static void expect_like(const struct objects *objects, const unsigned values[NAMES])
{
    size_t count = 0;
    for (int i = 0; i < NAMES; i++) {
        char kind[8], key[8], value[16];
        write_name(i, kind, key);
        snprintf(value, sizeof value, "%u", values[i]);
        const struct store_object *found = objects_find(objects, kind, key);
        assert_int_equal(found != NULL, values[i] != 0);
        if (found != NULL) {
            assert_string_equal(found->value, value);
        }
        count += values[i] != 0;
    }
    assert_int_equal(objects_count(objects), count);
}

static bool count_difference(void *context, const struct store_object *before,
                             const struct store_object *after)
{
    assert_true(before != NULL || after != NULL);
    ++*(size_t *)context;
    return true;
}

static void expect_difference(struct store_reader *reader, const struct model *model, uint64_t a, uint64_t b)
{
    struct objects *before = open_at(reader, a), *after = open_at(reader, b);
    size_t found = 0, expected = 0;
    objects_compare(before, after, count_difference, &found);
    for (int i = 0; i < NAMES; i++) {
        expected += model->values[a][i] != model->values[b][i];
    }
    assert_int_equal(found, expected);
    objects_close(before);
    objects_close(after);
}

static void every_moment_is_as_it_was(void **state)
{
    struct store_fixture *fixture = *state;
    struct model *model = memory_alloc(sizeof *model);
    uint64_t last = 0;
    random_init(&dice, 3);
    while (last < STEPS) {
        int i = draw() % NAMES;
        char kind[8], key[8], value[16];
        bool removes = draw() % 4 == 0;
        write_name(i, kind, key);
        snprintf(value, sizeof value, "%u", 1 + (unsigned)last);
        uint64_t seq;
        const struct store_op op = {
            .kind = kind, .key = key, .value = removes ? NULL : value, .if_revision = STORE_ANY};
        assert_int_equal(store_fixture_write(fixture, &op, &seq), 0);
        if (seq != last) {
            memcpy(model->values[seq], model->values[last], sizeof model->values[seq]);
            model->values[seq][i] = removes ? 0 : 1 + (unsigned)last;
            last = seq;
        }
    }
    struct store_reader *reader = store_fixture_read(fixture);
    for (uint64_t seq = 0; seq <= last; seq++) {
        struct objects *objects = open_at(reader, seq);
        expect_like(objects, model->values[seq]);
        objects_close(objects);
    }
    for (int i = 0; i < 100; i++) {
        expect_difference(reader, model, (uint64_t)draw() % STEPS, (uint64_t)draw() % STEPS);
    }
    store_reader_close(reader);
    free(model);
}

/* A point of what is now, as a server saves it. Returns its seq. */
static uint64_t save_point(struct store_fixture *fixture, const char *id, char sha[DEPOT_NAME_SIZE])
{
    struct store_reader *reader = store_fixture_read(fixture);
    struct objects_end end;
    struct buffer text;
    struct depot depot;
    assert_int_equal(objects_find_end(reader, &end), 0);
    struct objects *objects = open_at(reader, end.seq);
    buffer_init(&text);
    for (size_t i = 0; i < objects_count(objects); i++) {
        lines_write(&text, objects_get(objects, i));
    }
    depot_init(&depot, fixture->folder);
    assert_int_equal(depot_put(&depot, text.bytes, text.len, sha), 0);
    assert_int_equal(depot_settle(&depot), 0);
    depot_fini(&depot);
    char *value = points_write(
        &(struct point){.id = id, .time_ms = 1, .seq = end.seq, .kind = POINTS_NAMED, .objects = sha});
    assert_int_equal(store_fixture_put(fixture, "point", id, value), 0);
    free(value);
    buffer_fini(&text);
    objects_close(objects);
    store_reader_close(reader);
    return end.seq;
}

static void expect_same(struct store_fixture *fixture, uint64_t seq, bool is_based)
{
    struct store_reader *reader = store_fixture_read(fixture);
    struct objects *from_points, *alone = open_at(reader, seq);
    char why[OBJECTS_WHY_SIZE];
    const struct objects_ask ask = {.reader = reader, .seq = seq, .folder = fixture->folder};
    assert_int_equal(objects_open(&ask, &from_points, why), 0);
    assert_int_equal(objects_get_base(from_points) != 0, is_based);
    assert_int_equal(objects_count(from_points), objects_count(alone));
    for (size_t i = 0; i < objects_count(alone); i++) {
        const struct store_object *a = objects_get(alone, i), *b = objects_get(from_points, i);
        assert_string_equal(a->kind, b->kind);
        assert_string_equal(a->key, b->key);
        assert_string_equal(a->value, b->value);
        assert_int_equal(a->revision, b->revision);
        assert_int_equal(a->written_ms, b->written_ms);
    }
    objects_close(alone);
    objects_close(from_points);
    store_reader_close(reader);
}

static void write_some(struct store_fixture *fixture, int count)
{
    for (int i = 0; i < count; i++) {
        char kind[8], key[8], value[16];
        write_name(draw() % NAMES, kind, key);
        snprintf(value, sizeof value, "%d", draw());
        const struct store_op op = {
            .kind = kind, .key = key, .value = draw() % 3 == 0 ? NULL : value, .if_revision = STORE_ANY};
        assert_int_equal(store_fixture_write(fixture, &op, NULL), 0);
    }
}

/* From a point it is the same as from the journal alone; one that is damaged is not used. */
static void a_point_shortens_the_way(void **state)
{
    struct store_fixture *fixture = *state;
    char first[DEPOT_NAME_SIZE], second[DEPOT_NAME_SIZE];
    random_init(&dice, 5);
    write_some(fixture, 40);
    uint64_t from = save_point(fixture, "one", first);
    write_some(fixture, 40);
    save_point(fixture, "two", second);
    write_some(fixture, 40);
    for (uint64_t seq = 0; seq < 90; seq++) {
        expect_same(fixture, seq, seq >= from);
    }
    struct depot depot;
    depot_init(&depot, fixture->folder);
    assert_int_equal(depot_remove(&depot, second), 0);
    expect_same(fixture, 85, true);
    assert_int_equal(depot_remove(&depot, first), 0);
    expect_same(fixture, 85, false);
    depot_fini(&depot);
}

static void points_are_left_out(void **state)
{
    struct store_fixture *fixture = *state;
    struct objects_end end;
    assert_int_equal(store_fixture_put(fixture, "override", "region:a", "1"), 0);
    assert_int_equal(store_fixture_put(fixture, "point", "x", "{}"), 0);
    struct store_reader *reader = store_fixture_read(fixture);
    assert_int_equal(objects_find_end(reader, &end), 0);
    assert_int_equal(end.seq, 2);
    struct objects *objects = open_at(reader, end.seq);
    assert_int_equal(objects_count(objects), 1);
    assert_null(objects_find(objects, "point", "x"));
    objects_close(objects);
    store_reader_close(reader);
}

static void a_set_of_ones_own_has_no_name_twice(void **state)
{
    (void)state;
    struct objects *objects = objects_new();
    const struct store_object *twice = NULL;
    objects_add(objects, &(struct store_object){.kind = "b", .key = "y", .value = "1"});
    objects_add(objects, &(struct store_object){.kind = "a", .key = "x", .value = "2"});
    assert_true(objects_sort(objects, &twice));
    assert_string_equal(objects_get(objects, 0)->value, "2");
    objects_add(objects, &(struct store_object){.kind = "b", .key = "y", .value = "3"});
    assert_false(objects_sort(objects, &twice));
    assert_string_equal(twice->key, "y");
    objects_close(objects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_moment_is_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(a_point_shortens_the_way, setup, teardown),
        cmocka_unit_test_setup_teardown(points_are_left_out, setup, teardown),
        cmocka_unit_test(a_set_of_ones_own_has_no_name_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
