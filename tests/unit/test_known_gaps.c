/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what cannot be known of past health, and how that is said: gaps, clocks that were set, files that
 * are torn or gone; and of what a process goes on with. */
#include "config.h"

#include "known_life.h"

/* ---- where nobody was, and what came twice ---- */

enum { AGE_MS = 100 }; /* of a machine in which nothing happens */

static int begin_quiet(void **state)
{
    struct life *life = test_calloc(1, sizeof *life);
    begin_life(life, 1);
    *state = life;
    return 0;
}

static int end_quiet(void **state)
{
    end_life(*state);
    test_free(*state);
    return 0;
}

/* Until then nothing happens, but turns. */
static void stay_until(struct life *life, int64_t now_ms)
{
    while (life->s.now_ms + AGE_MS <= now_ms) {
        life->s.now_ms += AGE_MS;
        follow_time(life);
        add_moment(life);
        flush(life);
    }
}

static struct known_about ask_about(const struct life *life, int64_t at_ms)
{
    struct known_about about;
    struct known *known = known_find(life->folder, at_ms, &about);
    assert_int_equal(known != NULL, about.state == KNOWN_FOUND);
    known_free(known);
    return about;
}

static void gaps_are_told(void **state)
{
    struct life *life = *state;
    int64_t first_ms = life->snapshots[0].wall_ms, before_ms = first_ms + 20001;
    stay_until(life, before_ms);
    struct known_about about = ask_about(life, before_ms - 1000);
    assert_true(about.gap_from_ms == 0 && about.gap_until_ms == 0 && about.note[0] == '\0');
    assert_in_range(before_ms - 1000 - about.as_of_ms, 0, KNOWN_BEAT_MS);
    about = ask_about(life, before_ms + KNOWN_GAP_MS + KNOWN_BEAT_MS);
    assert_true(about.gap_from_ms == about.as_of_ms && about.gap_until_ms == 0);
    assert_non_null(strstr(about.note, "no steerd has run since"));
    for (int i = 0; i < 2; i++) { /* in the next segment, or in this one */
        int64_t left_ms = life->s.now_ms;
        recorder_free(life->recorder);
        life->s.now_ms += 4000;
        follow_time(life);
        open_recorder(life, i == 1);
        int64_t back_ms = life->s.now_ms;
        write_whole(life);
        stay_until(life, back_ms + 10000);
        about = ask_about(life, back_ms - 1);
        assert_int_equal(about.gap_from_ms, left_ms);
        assert_int_equal(about.gap_until_ms, back_ms);
        assert_non_null(strstr(about.note, "no steerd ran between 1970"));
        assert_int_equal(ask_about(life, left_ms).gap_from_ms, left_ms);
        assert_int_equal(ask_about(life, left_ms - 1).gap_from_ms, 0);
        assert_int_equal(ask_about(life, back_ms).gap_from_ms, 0);
    }
    struct segments list;
    assert_int_equal(segments_list(life->folder, &list), 0);
    assert_int_equal(list.count, 2);
    segments_fini(&list);
    about = ask_about(life, first_ms - 1);
    assert_int_equal(about.state, KNOWN_BEFORE);
    assert_int_equal(about.oldest_ms, first_ms);
    assert_non_null(strstr(about.note, "the oldest is of 1970-01-01T00:"));
}

/* A rotation is none. */
static void one_segment_after_the_other_is_no_gap(void **state)
{
    struct life *life = *state;
    recorder_set_limits(life->recorder,
                        &(struct recorder_limits){.every_ms = 100, .octets = SEGMENTS_OCTETS});
    int64_t first_ms = life->s.now_ms, next_ms = first_ms + 12345;
    stay_until(life, next_ms);
    write_whole(life);
    int64_t began_ms = clock_wall_ms(&life->clock);
    stay_until(life, next_ms + 10000);
    for (int64_t at_ms = first_ms; at_ms < next_ms + 10000; at_ms += 97) {
        assert_int_equal(ask_about(life, at_ms).gap_from_ms, 0);
    }
    struct segments list;
    assert_int_equal(segments_list(life->folder, &list), 0);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[1].begun_ms, began_ms);
    segments_fini(&list);
}

/* Two hours back, in one segment; then a process that begins another one. */
static void what_came_twice_is_the_later_one(void **state)
{
    enum { HOUR_MS = 3600000 };
    struct life *life = *state;
    life->ahead_ms = 10 * HOUR_MS;
    recorder_free(life->recorder);
    follow_time(life);
    open_recorder(life, false);
    write_whole(life);
    int64_t wall_ms = clock_wall_ms(&life->clock);
    stay_until(life, life->s.now_ms + 30000);
    life->ahead_ms -= 20000; /* of the 30 s these come again */
    stay_until(life, life->s.now_ms + 60000);
    struct known_about about = ask_about(life, wall_ms + 25000);
    assert_true(about.is_twice);
    assert_non_null(strstr(about.note, "came twice"));
    assert_false(ask_about(life, wall_ms + 5000).is_twice);
    assert_false(ask_about(life, wall_ms + 50000).is_twice);
    assert_in_range(wall_ms + 50000 - ask_about(life, wall_ms + 50000).as_of_ms, 0, KNOWN_BEAT_MS);
    recorder_free(life->recorder);
    life->ahead_ms -= 40000; /* begun between the beginning of the first one and the moment */
    follow_time(life);
    open_recorder(life, false);
    write_whole(life);
    int64_t begun_ms = clock_wall_ms(&life->clock);
    stay_until(life, life->s.now_ms + 60000);
    about = ask_about(life, begun_ms + 20000);
    char *name = segments_write_path(life->folder, begun_ms);
    assert_string_equal(about.file, name + strlen(life->folder) + 1);
    assert_true(about.is_twice);
    free(name);
}

static void what_is_not_there_is_said(void **state)
{
    struct life *life = *state;
    struct known_about about;
    int64_t at_ms = clock_wall_ms(&life->clock);
    stay_until(life, life->s.now_ms + 20000);
    struct segments list;
    assert_int_equal(segments_list(life->folder, &list), 0);
    char *path = segments_write_path(life->folder, list.items[0].begun_ms);
    segments_fini(&list);
    for (off_t len = 3000; len >= 0; len -= 750) { /* torn, to nothing: last-health still has it */
        assert_int_equal(truncate(path, len), 0);
        about = ask_about(life, at_ms + 10000);
        assert_int_equal(about.state, KNOWN_FOUND);
        assert_string_equal(about.file, LAST_FILE);
    }
    assert_int_equal(unlink(life->last_path), 0);
    about = ask_about(life, at_ms + 10000);
    assert_int_equal(about.state, KNOWN_UNREAD);
    assert_non_null(strstr(about.note, "cannot be read"));
    assert_int_equal(unlink(path), 0);
    about = ask_about(life, at_ms + 10000);
    assert_int_equal(about.state, KNOWN_NONE);
    assert_string_equal(about.note, "health is not kept");
    free(path);
}

/* Another boot, other objects, a clock that is behind, a torn end: what is appended can be read. */
static void it_goes_on_only_where_it_may(void **state)
{
    struct life *life = *state;
    struct recorder_stats stats;
    static const struct {
        const char *boot;
        int64_t ahead_ms;
        bool goes_on;
    } cases[] = {{"another", 0, false}, {"", 0, false}, {"a boot", -5000, false}, {"a boot", 0, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stay_until(life, life->s.now_ms + 20000);
        recorder_get_stats(life->recorder, &stats);
        int64_t before_ms = stats.begun_ms;
        recorder_free(life->recorder);
        char *path = segments_write_path(life->folder, before_ms);
        FILE *file = fopen(path, "ab");
        assert_non_null(file);
        assert_true(fputs("torn", file) >= 0 && fclose(file) == 0);
        free(path);
        life->s.now_ms += 1000;
        life->ahead_ms = cases[i].ahead_ms;
        follow_time(life);
        life->recorder = recorder_new(life->folder, &life->clock);
        recorder_resume(life->recorder, cases[i].boot);
        write_whole(life);
        int64_t at_ms = clock_wall_ms(&life->clock);
        stay_until(life, life->s.now_ms + 20000);
        recorder_get_stats(life->recorder, &stats);
        assert_int_equal(stats.begun_ms == before_ms, cases[i].goes_on);
        assert_in_range(at_ms + 15000 - ask_about(life, at_ms + 15000).as_of_ms, 0, KNOWN_BEAT_MS);
        life->ahead_ms = 0;
    }
}

/* However often it is begun. */
static void there_is_a_limit(void **state)
{
    struct life *life = *state;
    struct segments list;
    struct stat status;
    assert_int_equal(stat(life->last_path, &status), 0);
    for (int i = 0; i < 10; i++) {
        recorder_free(life->recorder);
        life->s.now_ms += 1000;
        follow_time(life);
        open_recorder(life, false);
        recorder_set_limits(
            life->recorder,
            &(struct recorder_limits){.every_ms = EVERY_MS, .octets = 4 * (uint64_t)status.st_size});
        write_whole(life);
        assert_int_equal(segments_list(life->folder, &list), 0);
        assert_in_range(list.count, 1, 4);
        assert_int_equal(list.items[list.count - 1].begun_ms, clock_wall_ms(&life->clock));
        segments_fini(&list);
    }
    assert_int_equal(ask_about(life, clock_wall_ms(&life->clock) - 5000).state, KNOWN_BEFORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gaps_are_told, begin_quiet, end_quiet),
        cmocka_unit_test_setup_teardown(one_segment_after_the_other_is_no_gap, begin_quiet, end_quiet),
        cmocka_unit_test_setup_teardown(what_came_twice_is_the_later_one, begin_quiet, end_quiet),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_said, begin_quiet, end_quiet),
        cmocka_unit_test_setup_teardown(it_goes_on_only_where_it_may, begin_quiet, end_quiet),
        cmocka_unit_test_setup_teardown(there_is_a_limit, begin_quiet, end_quiet),
    };
    return cmocka_run_group_tests_name("known_gaps", tests, NULL, NULL);
}
