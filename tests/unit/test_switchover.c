/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The states of a switchover: all sequences of verbs and of time, to a depth, against the rules that the
 * documentation gives; and each rule for itself. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "operate/switchover.h"

#include <string.h>

enum { WALL_MS = 1000000, EACH_MS = 60000, DEPTH = 11, DEPTH_NAMES = 9 };

static const struct switchover_wish plain[SWITCHOVER_VERBS] = {
    {.verb = SWITCHOVER_EXECUTE},   {.verb = SWITCHOVER_VERIFY},    {.verb = SWITCHOVER_COMMIT},
    {.verb = SWITCHOVER_ROLL_BACK}, {.verb = SWITCHOVER_REPROTECT}, {.verb = SWITCHOVER_FAIL_BACK},
    {.verb = SWITCHOVER_CANCEL},    {.verb = SWITCHOVER_CLOSE},
};

static struct switchover make(size_t steps, struct switchover_target *targets, size_t count)
{
    struct switchover made = {.id = "s1",
                              .actor = "alice",
                              .reason = "power work",
                              .targets = targets,
                              .target_count = count,
                              .steps = {5, 25},
                              .step_count = steps,
                              .each_ms = EACH_MS,
                              .created_ms = WALL_MS,
                              .since_ms = WALL_MS};
    return made;
}

/* ---- the model: what the documentation says, by what has happened ---- */

struct past {
    bool executed, lowering, committed, protected, failed_back, over;
    bool good;       /* what was verified still holds */
    int64_t good_ms; /* since then */
    int64_t step_ms; /* the latest step began */
};

/* A clock that was set back by more says nothing, either. */
static bool is_fresh(int64_t good_ms, int64_t now_ms)
{
    return now_ms - good_ms <= SWITCHOVER_FRESH_MS && good_ms - now_ms <= SWITCHOVER_FRESH_MS;
}

/* May it be done? */
static bool may(const struct past *past, enum switchover_verb verb, bool emergency, bool arrived,
                int64_t now_ms)
{
    bool is_way = past->executed && (!past->committed || past->failed_back);
    if (past->over) {
        return false;
    }
    switch (verb) {
    case SWITCHOVER_EXECUTE: return !past->executed || (past->lowering && emergency);
    case SWITCHOVER_CANCEL: return !past->executed;
    case SWITCHOVER_VERIFY: return is_way && arrived;
    case SWITCHOVER_COMMIT: return is_way && past->good && is_fresh(past->good_ms, now_ms);
    case SWITCHOVER_ROLL_BACK: return is_way;
    case SWITCHOVER_REPROTECT: return past->committed && !past->failed_back && !past->protected;
    case SWITCHOVER_FAIL_BACK: return past->committed && !past->failed_back && (past->protected || emergency);
    case SWITCHOVER_CLOSE: return past->committed && !past->failed_back;
    default: return false;
    }
}

static void happen(struct past *past, enum switchover_verb verb, bool lowers, int64_t now_ms)
{
    past->lowering = verb == SWITCHOVER_EXECUTE && lowers;
    past->good = verb == SWITCHOVER_VERIFY;
    past->good_ms = now_ms;
    past->step_ms = now_ms;
    switch (verb) {
    case SWITCHOVER_EXECUTE: past->executed = true; break;
    case SWITCHOVER_COMMIT:
        past->over = past->committed;
        past->committed = true;
        break;
    case SWITCHOVER_ROLL_BACK:
        past->over = !past->committed;
        past->protected = past->committed;
        past->failed_back = false;
        break;
    case SWITCHOVER_REPROTECT: past->protected = true; break;
    case SWITCHOVER_FAIL_BACK: past->failed_back = true; break;
    case SWITCHOVER_CANCEL:
    case SWITCHOVER_CLOSE: past->over = true; break;
    default: break;
    }
}

static unsigned find_share(const struct past *past, bool arrived, unsigned step)
{
    static const unsigned steps[] = {5, 25};
    bool away = past->executed && !past->failed_back;
    if (past->lowering) {
        return 0;
    }
    if (!arrived) {
        return past->failed_back ? 100 - steps[step] : steps[step];
    }
    return away ? 100 : 0;
}

static bool is_on_its_way(const struct switchover *s)
{
    return s->state == SWITCHOVER_MOVING || s->state == SWITCHOVER_RETURNING ||
           s->state == SWITCHOVER_LOWERING;
}

/* What may be desired of a target when it begins: nothing, and these. */
static const struct {
    enum health_desired desired;
    uint8_t share;
    const char *names;
    bool planned;
} befores[] = {{HEALTH_DESIRED_DRAIN, 0, "shop", false},  {HEALTH_DESIRED_DRAIN, 0, "", false},
               {HEALTH_DESIRED_DRAIN, 30, "shop", false}, {HEALTH_DESIRED_DRAIN, 0, "pay,shop", false},
               {HEALTH_DESIRED_UP, 0, "", false},         {HEALTH_DESIRED_DRAIN, 0, "shop", true}};
enum { TARGETS = 1 + sizeof befores / sizeof *befores };

static void make_targets(struct switchover_target targets[TARGETS])
{
    memset(targets, 0, TARGETS * sizeof *targets);
    for (size_t i = 0; i < TARGETS - 1; i++) {
        struct switchover_target *target = &targets[i + 1];
        target->had_override = true;
        target->was_planned = befores[i].planned;
        target->before = (struct health_override){.desired = befores[i].desired, .share = befores[i].share};
        strcpy(target->before.names, befores[i].names);
    }
}

static bool is_drained(const struct health_override *what, const char *group)
{
    bool is_meant = what->names[0] == '\0' || health_names_include(what->names, group);
    return what->desired == HEALTH_DESIRED_DRAIN && is_meant;
}

/* Of each group, and of who is in none (""): who was drained stays so while it moves, but for the steps of a
 * switchover of all; who is meant moves with it; of others nothing is wanted that was not before. */
static void check_wanted(const struct switchover *at, const struct past *past, bool arrived)
{
    static const char *const groups[] = {"shop", "pay", "other"};
    unsigned share = past->over ? switchover_get_share(at) : find_share(past, arrived, (unsigned)at->step);
    for (size_t i = 0; i < at->target_count; i++) {
        bool planned;
        const struct switchover_target *target = &at->targets[i];
        struct health_override want = switchover_want(at, i, &planned);
        bool is_on = target->had_override && !target->was_planned;
        if (share == 0 && !(past->lowering && !is_on)) {
            assert_int_equal(want.desired,
                             target->had_override ? target->before.desired : HEALTH_DESIRED_AUTO);
            assert_string_equal(want.names, target->before.names);
            continue;
        }
        assert_int_equal(planned, past->lowering);
        for (size_t g = 0; g < 3; g++) {
            bool was = is_on && is_drained(&target->before, groups[g]) && target->before.share == 0;
            bool is_meant = at->names[0] == '\0' || strcmp(at->names, groups[g]) == 0;
            assert_int_equal(is_drained(&want, groups[g]), was || is_meant);
            assert_true(!was || at->names[0] == '\0' || strcmp(at->names, target->before.names) == 0 ||
                        want.share == 0 || health_names_include(at->names, target->before.names));
        }
    }
}

static size_t explored;
static bool wants_checked[SWITCHOVER_STATES][SWITCHOVER_STEPS_MAX]; /* on which nothing else has a bearing */

static void explore(const struct switchover *at, const struct past *past, int64_t now_ms, int depth);

/* Commands are run before it moves, and end without it: it is where it was, whatever has been done to it
 * since leads on as if nobody had asked them, and nothing that was verified is good for longer by that. */
static void explore_hooks(const struct switchover *at, const struct past *past, int64_t now_ms, int depth)
{
    static const enum switchover_verb moving[] = {SWITCHOVER_EXECUTE, SWITCHOVER_FAIL_BACK};
    for (size_t i = 0; i < 2 && !at->asks_hooks; i++) {
        char why[SWITCHOVER_WHY_SIZE];
        struct switchover asked = *at;
        if (switchover_judge(at, &plain[moving[i]], now_ms, why) != 0) {
            continue;
        }
        switchover_ask_hooks(&asked, &plain[moving[i]], now_ms);
        assert_true(asked.asks_hooks && asked.asked_for == moving[i] && asked.state == at->state);
        explore(&asked, past, now_ms, depth - 1);
        switchover_end_hooks(&asked, "interrupted", &plain[moving[i]], now_ms);
        assert_true(!asked.asks_hooks && asked.state == at->state && asked.changes == at->changes + 2);
        explore(&asked, past, now_ms, depth > 3 ? depth - 3 : 0);
    }
}

static void explore(const struct switchover *at, const struct past *past, int64_t now_ms, int depth)
{
    char why[SWITCHOVER_WHY_SIZE];
    bool arrived = !is_on_its_way(at);
    explored++;
    assert_true(switchover_is_over(at) == past->over);
    if (!past->over) {
        assert_int_equal(switchover_get_share(at), find_share(past, arrived, (unsigned)at->step));
    }
    if (!wants_checked[at->state][at->step]) {
        wants_checked[at->state][at->step] = true;
        check_wanted(at, past, arrived);
    }
    if (depth == 0) {
        return;
    }
    for (int i = 0; i < 2 * SWITCHOVER_VERBS; i++) {
        struct switchover_wish wish = plain[i / 2];
        wish.is_emergency = i % 2 != 0;
        bool is_right = may(past, wish.verb, wish.is_emergency, arrived, now_ms);
        assert_int_equal(switchover_judge(at, &wish, now_ms, why), is_right ? 0 : ERROR_CONFLICT);
        if (is_right &&
            (!wish.is_emergency || wish.verb == SWITCHOVER_EXECUTE || wish.verb == SWITCHOVER_FAIL_BACK)) {
            struct switchover next = *at;
            struct past then = *past;
            switchover_do(&next, &wish, now_ms);
            happen(&then, wish.verb, at->lowers_ttl && !wish.is_emergency, now_ms);
            assert_true(!wish.is_emergency || !is_on_its_way(&next));
            assert_false(next.asks_hooks);
            explore(&next, &then, now_ms, depth - 1);
        }
    }
    explore_hooks(at, past, now_ms, depth);
    static const int64_t spans_ms[] = {EACH_MS, SWITCHOVER_FRESH_MS + 1, -3600000};
    for (size_t i = 0; i < sizeof spans_ms / sizeof *spans_ms; i++) {
        struct switchover next = *at;
        struct past then = *past;
        int64_t then_ms = now_ms + spans_ms[i];
        int cost = i == 0 ? 1 : 2; /* of the depth: what leads on is more interesting */
        bool stepped = switchover_follow(&next, then_ms);
        assert_int_equal(stepped, is_on_its_way(at) && then_ms - past->step_ms >= EACH_MS);
        then.step_ms = stepped ? then_ms : past->step_ms;
        then.lowering = past->lowering && !stepped;
        explore(&next, &then, then_ms, depth > cost ? depth - cost : 0);
    }
}

static void all_sequences_keep_the_rules(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < 8; kind++) {
        struct switchover_target targets[TARGETS];
        struct switchover s = make(kind / 2 % 2 * 2, targets, TARGETS);
        make_targets(targets);
        strcpy(s.names, kind < 4 ? "" : "pay");
        s.ttl_s = EACH_MS / 1000;
        s.lowers_ttl = kind % 2 != 0;
        const struct past none = {.executed = false};
        explored = 0;
        memset(wants_checked, 0, sizeof wants_checked);
        explore(&s, &none, WALL_MS, kind < 4 ? DEPTH - (int)(kind % 2) : DEPTH_NAMES);
        assert_true(explored > (kind < 4 ? 100000 : 1000));
        for (int i = 0; i < SWITCHOVER_STATES; i++) {
            assert_true(wants_checked[i][0] || (i == SWITCHOVER_LOWERING && !s.lowers_ttl) ||
                        ((i == SWITCHOVER_MOVING || i == SWITCHOVER_RETURNING) && s.step_count == 0));
        }
    }
}

/* ---- each for itself ---- */

static void do_it(struct switchover *s, enum switchover_verb verb, int64_t now_ms)
{
    char why[SWITCHOVER_WHY_SIZE];
    const struct switchover_wish wish = {
        .verb = verb, .actor = "bob", .reason = "because", .text = "2 names"};
    assert_int_equal(switchover_judge(s, &wish, now_ms, why), 0);
    switchover_do(s, &wish, now_ms);
}

static void what_was_desired_before_comes_back(void **state)
{
    (void)state;
    struct switchover_target targets[2] = {{.kind = HEALTH_REGION, .name = "us-east"},
                                           {.kind = HEALTH_AZ,
                                            .name = "eu-west-1a",
                                            .had_override = true,
                                            .before = {.desired = HEALTH_DESIRED_DOWN, .reason = "dark"}}};
    struct switchover s = make(2, targets, 2);
    bool planned;
    do_it(&s, SWITCHOVER_EXECUTE, WALL_MS);
    struct health_override want = switchover_want(&s, 0, &planned);
    assert_int_equal(want.desired, HEALTH_DESIRED_DRAIN);
    assert_int_equal(want.share, 5);
    assert_string_equal(want.reason, "switchover s1: power work");
    assert_int_equal(switchover_next_ms(&s), WALL_MS + EACH_MS);
    assert_false(switchover_follow(&s, WALL_MS + EACH_MS - 1));
    assert_true(
        switchover_follow(&s, WALL_MS + 7 * EACH_MS)); /* late: the next one is as long as it is to be */
    assert_int_equal(switchover_get_share(&s), 25);
    assert_int_equal(switchover_next_ms(&s), WALL_MS + 8 * EACH_MS);
    assert_true(switchover_follow(&s, WALL_MS + 8 * EACH_MS));
    assert_int_equal(s.state, SWITCHOVER_MOVED);
    want = switchover_want(&s, 1, &planned);
    assert_int_equal(want.desired, HEALTH_DESIRED_DRAIN);
    assert_int_equal(want.share, 0);
    do_it(&s, SWITCHOVER_ROLL_BACK, WALL_MS + 9 * EACH_MS);
    assert_int_equal(switchover_want(&s, 0, &planned).desired, HEALTH_DESIRED_AUTO);
    want = switchover_want(&s, 1, &planned);
    assert_int_equal(want.desired, HEALTH_DESIRED_DOWN);
    assert_string_equal(want.reason, "dark");
}

static void the_latest_notes_are_kept(void **state)
{
    (void)state;
    struct switchover_note notes[SWITCHOVER_NOTES_MAX];
    struct switchover s = make(0, NULL, 0);
    s.notes = notes;
    do_it(&s, SWITCHOVER_EXECUTE, WALL_MS);
    for (int i = 0; i < SWITCHOVER_NOTES_MAX; i++) {
        do_it(&s, SWITCHOVER_VERIFY, WALL_MS + i);
    }
    assert_int_equal(s.note_count, SWITCHOVER_NOTES_MAX);
    assert_int_equal(s.notes_lost, 1);
    assert_string_equal(s.notes[0].what, "verify");
    assert_int_equal(s.notes[0].wall_ms, WALL_MS);
    assert_string_equal(s.notes[63].text, "2 names");
    assert_int_equal(s.changes, 65);
}

static void what_is_allowed_is_said(void **state)
{
    (void)state;
    char why[SWITCHOVER_WHY_SIZE];
    struct switchover s = make(0, NULL, 0);
    assert_int_equal(switchover_judge(&s, &plain[SWITCHOVER_COMMIT], WALL_MS, why), ERROR_CONFLICT);
    assert_string_equal(why,
                        "it is planned, and commit does not lead on from there; what does: execute, cancel");
    do_it(&s, SWITCHOVER_EXECUTE, WALL_MS);
    do_it(&s, SWITCHOVER_VERIFY, WALL_MS);
    do_it(&s, SWITCHOVER_COMMIT, WALL_MS);
    assert_int_equal(switchover_judge(&s, &plain[SWITCHOVER_FAIL_BACK], WALL_MS, why), ERROR_CONFLICT);
    assert_non_null(strstr(why, "what does: reprotect, close; it does as an emergency"));
    do_it(&s, SWITCHOVER_CLOSE, WALL_MS);
    assert_int_equal(switchover_judge(&s, &plain[SWITCHOVER_CLOSE], WALL_MS, why), ERROR_CONFLICT);
    assert_non_null(strstr(why, "nothing does"));
}

static void a_clock_that_is_set_moves_steps_along(void **state)
{
    (void)state;
    struct switchover s = make(2, NULL, 0);
    do_it(&s, SWITCHOVER_EXECUTE, WALL_MS);
    switchover_shift(&s, 86400000);
    assert_int_equal(switchover_next_ms(&s), WALL_MS + 86400000 + EACH_MS);
}

/* Who is drained for other names stays so, whatever the steps: nobody is let back on the way there. */
static void nobody_is_let_back_by_other_names(void **state)
{
    (void)state;
    static const struct {
        const char *before, *names, *wanted;
        uint8_t share;
    } cases[] = {{"shop", "pay", "shop,pay", 0},
                 {"shop,pay", "pay,new", "shop,pay,new", 0},
                 {"", "pay", "", 0},
                 {"pay", "pay", "pay", 5},
                 {"pay", "shop,pay", "shop,pay", 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct switchover_target target = {.kind = HEALTH_REGION,
                                           .name = "us",
                                           .had_override = true,
                                           .before = {.desired = HEALTH_DESIRED_DRAIN}};
        struct switchover made = make(2, &target, 1);
        bool planned;
        strcpy(target.before.names, cases[i].before);
        strcpy(made.names, cases[i].names);
        switchover_do(&made, &plain[SWITCHOVER_EXECUTE], WALL_MS);
        struct health_override want = switchover_want(&made, 0, &planned);
        assert_string_equal(want.names, cases[i].wanted);
        assert_int_equal(want.desired, HEALTH_DESIRED_DRAIN);
        assert_int_equal(want.share, cases[i].share);
        switchover_do(&made, &plain[SWITCHOVER_ROLL_BACK], WALL_MS);
        assert_string_equal(switchover_want(&made, 0, &planned).names, cases[i].before);
    }
}

static void texts_are_read_again(void **state)
{
    (void)state;
    for (int i = 0; i < SWITCHOVER_STATES; i++) {
        enum switchover_state found = SWITCHOVER_PLANNED;
        assert_int_equal(switchover_parse_state(switchover_state_text((enum switchover_state)i), &found), 0);
        assert_int_equal(found, i);
    }
    for (int i = 0; i < SWITCHOVER_VERBS; i++) {
        enum switchover_verb found = SWITCHOVER_EXECUTE;
        assert_int_equal(switchover_parse_verb(switchover_verb_text((enum switchover_verb)i), &found), 0);
        assert_int_equal(found, i);
    }
    enum switchover_verb verb = SWITCHOVER_CLOSE;
    assert_int_equal(switchover_parse_verb("explode", &verb), ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sequences_keep_the_rules),
        cmocka_unit_test(what_was_desired_before_comes_back),
        cmocka_unit_test(the_latest_notes_are_kept),
        cmocka_unit_test(what_is_allowed_is_said),
        cmocka_unit_test(a_clock_that_is_set_moves_steps_along),
        cmocka_unit_test(nobody_is_let_back_by_other_names),
        cmocka_unit_test(texts_are_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
