/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of past health in virtual time: machines live, are reloaded, killed and started again, segments begin
 * and end, and whatever moment is asked for, what is read is the machine that was. The brute force beside it
 * is a copy of the machine after each turn. */
#include "config.h"

#include "known_life.h"

/* ---- what was, and what is read ---- */

/* Whatever decides an answer, and why. */
static void expect_as_good(const struct health *a, const struct health *b)
{
    for (int kind = HEALTH_ENDPOINT; kind < KINDS; kind++) {
        for (uint32_t i = 0; i < health_count(a, kind); i++) {
            struct health_status x, y;
            (void)(health_get_status(a, kind, i, &x) + health_get_status(b, kind, i, &y));
            assert_int_equal(word(a, kind, i), word(b, kind, i));
            assert_true(x.since_ms == y.since_ms && x.load.source == y.load.source);
            const struct health_outage *one = outage(a, kind, i, HEALTH_ANY),
                                       *other = outage(b, kind, i, HEALTH_ANY);
            assert_true(one->left_ms == other->left_ms && one->back_ms == other->back_ms);
        }
    }
    for (uint32_t i = 0; i < health_monitor_count(a); i++) {
        struct health_monitor_status x = {.endpoint = 0}, y = {.endpoint = 0};
        (void)(health_get_monitor(a, i, &x) + health_get_monitor(b, i, &y));
        assert_true(x.verdict == y.verdict && x.outcome == y.outcome && x.idle == y.idle &&
                    x.inherited == y.inherited && x.held == y.held);
        assert_true((x.checked_ms == 0) == (y.checked_ms == 0) && y.checked_ms <= x.checked_ms);
    }
}

/* Does the machine at that moment have what the snapshot has? */
static void expect_snapshot(const struct life *life, const struct snapshot *snapshot, int64_t at_ms)
{
    struct known_about about;
    struct known *known = known_find(life->folder, at_ms, &about);
    assert_non_null(known);
    assert_int_equal(about.state, KNOWN_FOUND);
    assert_true(about.as_of_ms <= at_ms && about.as_of_ms <= snapshot->wall_ms);
    struct health *read = known_make_health(
        known, &(struct health_reading){.wall_ms = at_ms, .alive_ms = known_get_moment(known).now_ms});
    assert_non_null(read);
    expect_as_good(snapshot->health, read);
    health_free(read);
    known_free(known);
}

/* The latest that is not after it, in the order of turns. */
static const struct snapshot *find_snapshot(const struct life *life, int64_t at_ms)
{
    const struct snapshot *found = NULL;
    for (size_t i = 0; i < life->count; i++) {
        found = life->snapshots[i].wall_ms <= at_ms ? &life->snapshots[i] : found;
    }
    return found;
}

/* The turn that comes next, if the process is still the same. */
static const struct snapshot *find_next(const struct life *life, int64_t at_ms)
{
    for (size_t i = 0; i < life->count; i++) {
        if (life->snapshots[i].wall_ms > at_ms) {
            return life->snapshots[i].begins ? NULL : &life->snapshots[i];
        }
    }
    return NULL;
}

static void ask(struct life *life)
{
    int64_t first_ms = life->snapshots[0].wall_ms, last_ms = life->snapshots[life->count - 1].wall_ms;
    for (int i = 0; i < QUESTIONS; i++) {
        int64_t at_ms = first_ms + (int64_t)roll(&life->s, (uint64_t)(last_ms - first_ms + 100));
        const struct snapshot *snapshot = find_snapshot(life, at_ms);
        expect_snapshot(life, snapshot, find_next(life, at_ms) == NULL ? at_ms : snapshot->wall_ms);
    }
    for (size_t i = 0; i < life->count; i += 7) { /* to the millisecond, the last of equal ones */
        const struct snapshot *at = find_snapshot(life, life->snapshots[i].wall_ms);
        expect_snapshot(life, at, at->wall_ms);
    }
}

static void any_moment_is_what_it_was(void **state)
{
    uint64_t reloads = 0, crashes = 0;
    size_t segments = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= LIVES; seed++) {
        struct life life = {.count = 0};
        struct segments list;
        begin_life(&life, seed);
        for (int i = 0; i < TURNS; i++) {
            let_happen(&life.s, life.health, roll(&life.s, 6) == 0 ? 200 : 8);
            uint64_t what = roll(&life.s, 30);
            if (what == 0) {
                reload(&life);
            } else if (what == 1) {
                crash(&life);
            } else {
                turn(&life);
            }
            if (i % 40 == 39) {
                ask(&life); /* the last segment is being written */
            }
        }
        end_writers(&life);
        ask(&life);
        assert_int_equal(segments_list(life.folder, &list), 0);
        segments += list.count;
        segments_fini(&list);
        reloads += life.reloads;
        crashes += life.crashes;
        end_life(&life);
    }
    assert_true(reloads > LIVES && crashes > LIVES && segments > crashes / 2 + reloads / 2 + LIVES);
}

/* ---- between two turns ---- */

static enum health_state ask_state(const struct life *life, int64_t at_ms, uint32_t endpoint,
                                   int64_t *since_ms)
{
    struct known_about about;
    struct health_status status;
    struct known *known = known_find(life->folder, at_ms, &about);
    assert_non_null(known);
    struct health *read = known_make_health(known, &(struct health_reading){.wall_ms = at_ms});
    assert_int_equal(health_get_status(read, HEALTH_ENDPOINT, endpoint, &status), 0);
    *since_ms = status.since_ms;
    health_free(read);
    known_free(known);
    return status.effective.state;
}

/* If it is new since the turn before: returns whether it is. */
static bool expect_flip(const struct life *life, uint32_t e)
{
    struct health_status status;
    int64_t since_ms;
    (void)health_get_status(life->health, HEALTH_ENDPOINT, e, &status);
    bool is_fresh = status.effective.decided_by == HEALTH_BY_VERDICT && status.since_ms > life->before_ms;
    if (is_fresh) {
        assert_int_equal(ask_state(life, status.since_ms, e, &since_ms), status.effective.state);
        assert_int_equal(since_ms, status.since_ms);
        assert_int_not_equal(ask_state(life, status.since_ms - 1, e, &since_ms), status.effective.state);
    }
    return is_fresh;
}

/* Endpoints turn over and over, some times in a turn: whoever asks for the time that its state says has that
 * state, and before it the other one. */
static size_t run_flips(struct life *life)
{
    size_t flips = 0;
    for (int i = 0; i < TURNS; i++) {
        for (uint32_t m = 0; m < health_monitor_count(life->health); m++) {
            enum health_outcome outcome = i % 12 < 6 ? HEALTH_OUTCOME_OK : HEALTH_OUTCOME_TIMEOUT;
            life->s.now_ms += 3;
            health_observe(life->health, m, outcome, life->s.now_ms, 1, 0);
        }
        for (uint32_t m = 0; i % 2 == 0 && m < health_monitor_count(life->health); m++) {
            life->s.now_ms += 3; /* and say it again before it is written */
            health_observe(life->health, m, i % 12 < 6 ? HEALTH_OUTCOME_OK : HEALTH_OUTCOME_TIMEOUT,
                           life->s.now_ms, 1, 0);
        }
        turn(life);
        for (uint32_t e = 0; e < health_count(life->health, HEALTH_ENDPOINT); e++) {
            flips += expect_flip(life, e);
        }
    }
    return flips;
}

static void a_flip_is_where_it_says(void **state)
{
    size_t flips = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct life life = {.count = 0};
        if (seed % 4 != 0) { /* a brake changes its mind without a result */
            begin_life(&life, seed);
            flips += run_flips(&life);
            end_life(&life);
        }
    }
    assert_true(flips > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_moment_is_what_it_was),
        cmocka_unit_test(a_flip_is_where_it_says),
    };
    return cmocka_run_group_tests_name("known", tests, NULL, NULL);
}
