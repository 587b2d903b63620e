/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The states of a switchover: each rule for itself; all sequences of verbs are in test_switchover_model.c. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "base/random.h"
#include "base/utf8.h"
#include "operate/switchover_look.h"
#include "view/view.h"

#include <stdio.h>
#include <string.h>

enum { WALL_MS = 1000000, EACH_MS = 60000 };

static const struct switchover_wish plain[SWITCHOVER_VERBS] = {
    {.verb = SWITCHOVER_EXECUTE},   {.verb = SWITCHOVER_VERIFY},    {.verb = SWITCHOVER_COMMIT},
    {.verb = SWITCHOVER_ROLL_BACK}, {.verb = SWITCHOVER_REPROTECT}, {.verb = SWITCHOVER_FAIL_BACK},
    {.verb = SWITCHOVER_CANCEL},    {.verb = SWITCHOVER_CLOSE},     {.verb = SWITCHOVER_RESUME},
    {.verb = SWITCHOVER_REDIRECT},
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

static void a_clock_that_is_set_moves_durations_from_before_along(void **state)
{
    (void)state;
    const struct health_override before = {.desired = HEALTH_DESIRED_DRAIN, .expires_ms = WALL_MS + 1};
    struct switchover_target targets[] = {
        {.kind = HEALTH_REGION, .name = "us-east", .had_override = true, .before = before},
        {.kind = HEALTH_REGION, .name = "ap-south", .had_override = true, .before = before},
        {.kind = HEALTH_REGION, .name = "eu-west"}};
    targets[1].before.expires_by_duration = true;
    struct switchover s = make(2, targets, 3);
    switchover_shift(&s, -EACH_MS);
    assert_int_equal(targets[0].before.expires_ms, WALL_MS + 1);
    assert_int_equal(targets[1].before.expires_ms, WALL_MS + 1 - EACH_MS);
    assert_int_equal(targets[2].before.expires_ms, 0);
}

/* What is read back from the store is what is wanted: nothing is cut amid a character. */
static void reasons_are_cut_at_characters(void **state)
{
    (void)state;
    bool planned;
    struct switchover_target target = {.kind = HEALTH_REGION, .name = "us-east"};
    struct switchover s = make(2, &target, 1);
    for (size_t shift = 0; shift < 4; shift++) {
        memset(s.reason, 'x', shift);
        s.reason[shift] = '\0';
        for (int i = 0; i < 60; i++) {
            strcat(s.reason, "\xe6\x9c\xba");
        }
        do_it(&s, s.state == SWITCHOVER_PLANNED ? SWITCHOVER_EXECUTE : SWITCHOVER_REDIRECT, WALL_MS);
        struct health_override want = switchover_want(&s, 0, &planned);
        size_t len = strlen(want.reason), whole = strlen("switchover s1: ") + strlen(s.reason);
        assert_int_equal(utf8_check(want.reason, len), len);
        assert_true(len <= whole && whole - len < 8);
    }
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

/* Of what is found that only which would leave traffic on nothing, and only what was not accepted. */
static void what_holds_a_step_is_named(void **state)
{
    (void)state;
    static struct switchover_look look;
    struct switchover s = make(2, NULL, 0);
    switchover_add_finding(&look, "capacity", false, "too small");
    switchover_add_finding(&look, "served", true, "all");
    switchover_add_finding(&look, "rule:two", false, "1 of 2");
    switchover_add_finding(&look, "health", false, "1 of 2 endpoints");
    static const struct switchover_accepted accepted[] = {{"rule:two", NULL}, {"capacity", NULL}},
                                            more[] = {{"health", NULL}};
    assert_string_equal(switchover_find_hold(&s, &look)->name, "rule:two");
    struct switchover_wish wish = {
        .verb = SWITCHOVER_EXECUTE, .accepted = accepted, .accepted_count = 2, .hooks_agreed = true};
    switchover_do(&s, &wish, WALL_MS);
    assert_true(s.hooks_agreed);
    assert_string_equal(s.accepted, "rule:two=*,capacity=*");
    assert_true(switchover_has_accepted(&s, "capacity", NULL) && !switchover_has_accepted(&s, "rule", NULL) &&
                !switchover_has_accepted(&s, "rule:two,capacity", NULL));
    assert_string_equal(switchover_find_hold(&s, &look)->name, "health");
    switchover_hold(&s, "health", "1 of 2 endpoints", WALL_MS + 5);
    assert_int_equal(s.state, SWITCHOVER_MOVING);
    assert_true(s.held_ms == WALL_MS + 5 && switchover_is_held(&s));
    assert_true(switchover_allows(&s, SWITCHOVER_RESUME, false) &&
                switchover_allows(&s, SWITCHOVER_ROLL_BACK, false));
    wish = (struct switchover_wish){.verb = SWITCHOVER_RESUME, .accepted = more, .accepted_count = 1};
    switchover_do(&s, &wish, WALL_MS + 6);
    assert_string_equal(s.accepted, "rule:two=*,capacity=*,health=*");
    assert_true(!switchover_is_held(&s) && s.held_ms == 0 && s.step_ms == WALL_MS);
    assert_null(switchover_find_hold(&s, &look));
    switchover_add_finding(&look, "errors", false, "3 % fail");
    assert_string_equal(switchover_find_hold(&s, &look)->name, "errors");
    do_it(&s, SWITCHOVER_ROLL_BACK, WALL_MS + 7);
    assert_false(switchover_allows(&s, SWITCHOVER_RESUME, true));
}

/* What does not fit is as if it had not been accepted: held rather than moved. */
static void too_much_that_is_accepted_holds(void **state)
{
    (void)state;
    char text[80][SWITCHOVER_FINDING_SIZE];
    struct switchover_accepted names[80];
    struct switchover s = make(2, NULL, 0);
    for (int i = 0; i < 80; i++) {
        snprintf(text[i], sizeof text[i], "rule:%062d", i);
        names[i] = (struct switchover_accepted){.name = text[i]};
    }
    const struct switchover_wish wish = {.verb = SWITCHOVER_EXECUTE, .accepted = names, .accepted_count = 80};
    switchover_do(&s, &wish, WALL_MS);
    assert_true(switchover_has_accepted(&s, text[0], NULL) && switchover_has_accepted(&s, text[20], NULL));
    assert_false(switchover_has_accepted(&s, text[79], NULL));
}

/* Accepted is what was found then: somebody else who fails, or more of it, holds again, and less does not. */
static void what_is_accepted_is_what_was_found(void **state)
{
    (void)state;
    static struct switchover_look look;
    struct switchover s = make(2, NULL, 0);
    struct subject one = {.amount = 1}, both, other = {.count = 0}, none = {.count = 0},
                   more = {.amount = 1.3};
    subject_add(&one, "web-a", NULL, NULL);
    subject_add(&other, "web-b", NULL, NULL);
    both = one;
    subject_add(&both, "web-b", NULL, NULL);
    subject_add(&more, "web-a", NULL, NULL);
    const struct switchover_accepted accepted[] = {{"rule:two=2", &one},
                                                   {"health", &one},
                                                   {"served", &both},
                                                   {"rule:x=1", NULL}},
                                     again = {"health", &both};
    struct switchover_wish wish = {.verb = SWITCHOVER_EXECUTE, .accepted = accepted, .accepted_count = 4};
    switchover_do(&s, &wish, WALL_MS);
    const struct {
        const struct subject *found;
        bool holds;
    } cases[] = {{&one, false}, {&none, false}, {&both, true}, {&other, true}, {&more, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        look.finding_count = 0;
        switchover_add_finding_about(
            &look, &(struct switchover_finding){"health", false, "1 of 2 endpoints", cases[i].found});
        assert_int_equal(switchover_find_hold(&s, &look) != NULL, cases[i].holds);
    }
    assert_true(switchover_has_accepted(&s, "served", &other));
    assert_true(switchover_has_accepted(&s, "rule:two=2", &one));
    wish = (struct switchover_wish){.verb = SWITCHOVER_RESUME, .accepted = &again, .accepted_count = 1};
    switchover_hold(&s, "health", "2 of 2 endpoints", WALL_MS);
    switchover_do(&s, &wish, WALL_MS);
    assert_true(switchover_has_accepted(&s, "health", &other) &&
                switchover_has_accepted(&s, "served", &one) &&
                switchover_has_accepted(&s, "rule:two=2", &one));
    size_t count = 0;
    char name[SWITCHOVER_FINDING_SIZE];
    for (const char *at = s.accepted; *at != '\0'; count++) {
        static const char *const names[] = {"rule:two=2", "served", "rule:x=1", "health"};
        at = switchover_read_accepted(at, name);
        assert_string_equal(name, names[count]);
    }
    assert_int_equal(count, 4); /* each once */
}

enum { SPREAD_NAMES = 400 };

static void hold_to_count(const struct view *view, const bool *touched,
                          const struct switchover_spread *spread)
{
    size_t all = 0, in_zones = 0;
    uint32_t below = 0;
    for (size_t row = 0; row < spread->ttl_count; row++) {
        size_t count = 0;
        for (size_t i = 0; i < view->name_count; i++) {
            uint32_t ttl = view->names[i].ttl;
            bool is =
                touched[view->names[i].policy] && ttl <= spread->ttls[row].ttl_s && (row == 0 || ttl > below);
            count += is;
            assert_true(!is || switchover_find_ttl(spread, ttl) == &spread->ttls[row]);
        }
        assert_true(count != 0 && count == spread->ttls[row].names);
        below = spread->ttls[row].ttl_s;
        all += count;
    }
    for (size_t zone = 0; zone < spread->zone_total; zone++) {
        size_t count = 0;
        for (size_t i = 0; i < view->name_count; i++) {
            count +=
                touched[view->names[i].policy] && strcmp(view->names[i].zone, spread->zones[zone].zone) == 0;
        }
        assert_int_equal(count, spread->zones[zone].names);
        assert_true(zone == 0 || spread->zones[zone - 1].names >= count);
        in_zones += count;
    }
    assert_int_equal(all, in_zones);
}

/* Names are counted once, by TTL and by zone, however many of either there are and in whatever order. */
static void names_are_spread_over_ttls_and_zones(void **state)
{
    (void)state;
    static const char *const zones[] = {"a.", "b.", "c.", "d.", "e."};
    struct random random;
    random_init(&random, 7);
    for (int round = 0; round < 300; round++) {
        static struct view_name names[SPREAD_NAMES];
        const bool touched[3] = {true, round % 7 != 0, false};
        struct view view = {.names = names, .name_count = random_next(&random) % SPREAD_NAMES};
        uint32_t ttls = 1 + (uint32_t)(random_next(&random) % (round % 2 == 0 ? 20 : 300));
        for (size_t i = 0; i < view.name_count; i++) {
            names[i] = (struct view_name){.zone = zones[random_next(&random) % 5],
                                          .ttl = (uint32_t)(random_next(&random) % ttls),
                                          .policy = (uint32_t)(random_next(&random) % 3)};
        }
        struct arena *arena = arena_new(0);
        struct switchover_spread spread;
        switchover_find_spread(&view, touched, 3, arena, &spread);
        assert_true(spread.ttl_count <= SWITCHOVER_TTLS_MAX && spread.zone_count <= 3);
        hold_to_count(&view, touched, &spread);
        arena_free(arena);
    }
}

/* The drain that lowers TTLs waits for whoever looks, however late he is. */
static void what_lowers_ttls_does_not_begin_by_itself(void **state)
{
    (void)state;
    struct switchover_target target = {.kind = HEALTH_REGION, .name = "us"};
    struct switchover s = make(0, &target, 1);
    bool planned;
    s.lowers_ttl = true;
    s.ttl_s = 60;
    do_it(&s, SWITCHOVER_EXECUTE, WALL_MS);
    assert_int_equal(switchover_next_ms(&s), WALL_MS + 60000);
    assert_true(switchover_want(&s, 0, &planned).starts_ms > WALL_MS + 86400000 && planned);
    switchover_hold(&s, "served", "nobody", WALL_MS + 600000);
    assert_int_equal(switchover_next_ms(&s), WALL_MS + 600000);
    assert_true(switchover_want(&s, 0, &planned).starts_ms > WALL_MS + 600000 + 86400000 && planned);
    assert_true(switchover_follow(&s, WALL_MS + 600000));
    assert_int_equal(s.state, SWITCHOVER_MOVED);
    assert_int_equal(switchover_want(&s, 0, &planned).starts_ms, 0);
    assert_false(planned || switchover_is_held(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_desired_before_comes_back),
        cmocka_unit_test(the_latest_notes_are_kept),
        cmocka_unit_test(what_is_allowed_is_said),
        cmocka_unit_test(a_clock_that_is_set_moves_steps_along),
        cmocka_unit_test(a_clock_that_is_set_moves_durations_from_before_along),
        cmocka_unit_test(reasons_are_cut_at_characters),
        cmocka_unit_test(nobody_is_let_back_by_other_names),
        cmocka_unit_test(texts_are_read_again),
        cmocka_unit_test(names_are_spread_over_ttls_and_zones),
        cmocka_unit_test(what_holds_a_step_is_named),
        cmocka_unit_test(too_much_that_is_accepted_holds),
        cmocka_unit_test(what_is_accepted_is_what_was_found),
        cmocka_unit_test(what_lowers_ttls_does_not_begin_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
