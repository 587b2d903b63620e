/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the list of files of past health: whatever else lies in the folder, only they are seen, and the
 * oldest go first. */
#include "config.h"

#include "unit.h"

#include "past/hold.h"
#include "past/segments.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char state_folder[] = "test_segments.XXXXXX";

static int make_folder(void **state)
{
    char path[64];
    (void)state;
    assert_non_null(mkdtemp(state_folder));
    snprintf(path, sizeof path, "%s/health", state_folder);
    return mkdir(path, 0700);
}

static int remove_folder(void **state)
{
    char command[96];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", state_folder);
    return system(command); /* NOLINT(cert-env33-c): a folder of our own */
}

static void put(const char *name, size_t octets)
{
    char path[128];
    snprintf(path, sizeof path, "%s/health/%s", state_folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < octets; i++) {
        (void)fputc('x', file);
    }
    assert_int_equal(fclose(file), 0);
}

static void names_are_times(void **state)
{
    (void)state;
    assert_int_equal(segments_parse_name("1790000000000.trail"), 1790000000000);
    assert_int_equal(segments_parse_name("0.trail"), 0);
    static const char *const none[] = {"",
                                       ".trail",
                                       "1.trail.new",
                                       "01.trail",
                                       "-1.trail",
                                       "1 .trail",
                                       "1.trai",
                                       "1",
                                       "x.trail",
                                       "1.5.trail",
                                       "1e3.trail",
                                       "+1.trail",
                                       "1.trailx",
                                       "..",
                                       "0x1.trail",
                                       " 1.trail",
                                       "9999999999999999999.trail"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_int_equal(segments_parse_name(none[i]), -1);
    }
    char *path = segments_write_path("/s", 1790000000000);
    assert_string_equal(path, "/s/health/1790000000000.trail");
    free(path);
}

static size_t surplus_of(const uint64_t *octets, size_t count, int64_t keep_ms, uint64_t most)
{
    struct segment items[8];
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct segment){.begun_ms = (int64_t)(i + 1) * 1000, .octets = octets[i]};
    }
    bool gone[8];
    size_t surplus =
        segments_find_surplus(&(struct segments){.items = items, .count = count},
                              &(struct segments_limits){.keep_ms = keep_ms, .octets = most}, gone);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(gone[i], i < surplus);
    }
    return surplus;
}

/* One that was begun before the moment that is asked for may reach beyond it. */
static void the_oldest_go_first(void **state)
{
    static const uint64_t octets[] = {10, 20, 30, 40};
    (void)state;
    assert_int_equal(surplus_of(octets, 0, INT64_MAX, 0), 0);
    assert_int_equal(surplus_of(octets, 1, INT64_MAX, 0), 0); /* the newest stays */
    assert_int_equal(surplus_of(octets, 4, INT64_MIN, 100), 0);
    assert_int_equal(surplus_of(octets, 4, INT64_MIN, 99), 1);
    assert_int_equal(surplus_of(octets, 4, INT64_MIN, 90), 1);
    assert_int_equal(surplus_of(octets, 4, INT64_MIN, 70), 2);
    assert_int_equal(surplus_of(octets, 4, INT64_MIN, 69), 3);
    assert_int_equal(surplus_of(octets, 4, INT64_MIN, 0), 3);
    assert_int_equal(surplus_of(octets, 4, 1999, 100), 0);
    assert_int_equal(surplus_of(octets, 4, 2000, 100), 1);
    assert_int_equal(surplus_of(octets, 4, 3500, 100), 2);
    assert_int_equal(surplus_of(octets, 4, INT64_MAX, 100), 3);
}

/* What a point that was made by hand needs is kept as long as there is room for it. */
static void what_covers_a_moment_stays_whatever_its_age(void **state)
{
    static const int64_t moments[] = {999, 2000, 3999};
    static const struct {
        int64_t keep_ms;
        uint64_t octets;
        bool gone[5];
    } cases[] = {
        {INT64_MIN, 500, {false}},
        {4000, 500, {true}},
        {5000, 500, {true, false, false, true}},
        {INT64_MAX, 300, {true, false, false, true}},
        {INT64_MAX, 299, {true, true, false, true}},
        {INT64_MAX, 0, {true, true, true, true}},
    };
    struct segment items[5];
    const struct segments list = {.items = items, .count = 5};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        items[i] = (struct segment){.begun_ms = (int64_t)(i + 1) * 1000, .octets = 100};
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool gone[5];
        size_t expected = 0;
        const struct segments_limits limits = {
            .keep_ms = cases[i].keep_ms, .octets = cases[i].octets, .moments = moments, .moment_count = 3};
        for (size_t j = 0; j < 5; j++) {
            expected += cases[i].gone[j];
        }
        assert_int_equal(segments_find_surplus(&list, &limits, gone), expected);
        assert_memory_equal(gone, cases[i].gone, sizeof gone);
    }
}

static void a_sweep_takes_nothing_else(void **state)
{
    struct segments list;
    size_t removed;
    (void)state;
    put("3000.trail", 30);
    put("1000.trail", 10);
    put("20000.trail", 20);
    put("notes.txt", 1000);
    put("500.trail.new", 1000);
    assert_int_equal(segments_list(state_folder, &list), 0);
    assert_int_equal(list.count, 3);
    assert_true(list.items[0].begun_ms == 1000 && list.items[1].begun_ms == 3000 &&
                list.items[2].begun_ms == 20000 && list.items[1].octets == 30);
    segments_fini(&list);
    const struct segments_limits limits = {.keep_ms = INT64_MIN, .octets = 50};
    assert_int_equal(segments_sweep(state_folder, &limits, &removed), 0);
    assert_int_equal(removed, 1);
    assert_int_equal(segments_list(state_folder, &list), 0);
    assert_true(list.count == 2 && list.items[0].begun_ms == 3000);
    segments_fini(&list);
}

/* As when the clock was set back. */
static void what_is_written_to_stays_whatever_its_name(void **state)
{
    struct segments list;
    size_t removed;
    (void)state;
    put("1000.trail", 10);
    put("3000.trail", 30);
    put("20000.trail", 20);
    const struct segments_limits limits = {.keep_ms = INT64_MIN, .octets = 35, .live_ms = 1000};
    assert_int_equal(segments_sweep(state_folder, &limits, &removed), 0);
    assert_int_equal(removed, 1);
    assert_int_equal(segments_list(state_folder, &list), 0);
    assert_true(list.count == 2 && list.items[0].begun_ms == 1000 && list.items[1].begun_ms == 20000);
    segments_fini(&list);
}

/* Two may read at once; a folder that is not there holds nobody off. */
static void who_reads_holds_off_who_removes(void **state)
{
    struct hold one, other;
    int fd, none;
    (void)state;
    hold_take(state_folder, &one);
    assert_false(hold_begin_sweep(state_folder, SEGMENTS_FOLDER, &fd));
    assert_int_equal(fd, -1);
    assert_true(hold_begin_sweep(state_folder, "depot", &none));
    assert_int_equal(none, -1);
    hold_take(state_folder, &other);
    hold_release(&one);
    assert_false(hold_begin_sweep(state_folder, SEGMENTS_FOLDER, &fd));
    hold_release(&other);
    assert_true(hold_begin_sweep(state_folder, SEGMENTS_FOLDER, &fd));
    assert_int_not_equal(fd, -1);
    hold_end_sweep(fd);
}

static void no_folder_has_none(void **state)
{
    struct segments list;
    size_t removed;
    (void)state;
    assert_int_equal(segments_list("test_segments.none", &list), 0);
    assert_int_equal(list.count, 0);
    segments_fini(&list);
    const struct segments_limits limits = {.keep_ms = INT64_MAX};
    assert_int_equal(segments_sweep("test_segments.none", &limits, &removed), 0);
    assert_int_equal(removed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_times),
        cmocka_unit_test(the_oldest_go_first),
        cmocka_unit_test(a_sweep_takes_nothing_else),
        cmocka_unit_test(what_covers_a_moment_stays_whatever_its_age),
        cmocka_unit_test(what_is_written_to_stays_whatever_its_name),
        cmocka_unit_test(who_reads_holds_off_who_removes),
        cmocka_unit_test(no_folder_has_none),
    };
    return cmocka_run_group_tests_name("segments", tests, make_folder, remove_folder);
}
