/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who is cut off, who withdraws, and when they are back, in virtual time. */
#include "config.h"

#include "health/contact.h"
#include "unit.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND };

struct scene {
    struct contact contact;
    struct contact_plan plan;
    int64_t now_ms;
    unsigned lost, found, withdrew, announced;
};

static void begin_after(struct scene *s, int64_t after_ms, struct contact_past past)
{
    *s =
        (struct scene){.plan = {.after_ms = after_ms, .back_after_ms = 30 * SECOND}, .now_ms = 1000 * SECOND};
    contact_begin(&s->contact, &past, &s->plan, s->now_ms);
}

static void begin(struct scene *s, int64_t after_ms)
{
    begin_after(s, after_ms, (struct contact_past){.silent_ms = -1});
}

static void look(struct scene *s, bool is_heard)
{
    struct contact_turns turns = contact_follow(&s->contact, &s->plan, is_heard, s->now_ms);
    s->lost += turns.was_lost;
    s->found += turns.was_found;
    s->withdrew += turns.withdraws;
    s->announced += turns.announces;
}

static void pass(struct scene *s, bool is_heard, int64_t ms)
{
    for (int64_t until_ms = s->now_ms + ms; s->now_ms < until_ms;) {
        s->now_ms += SECOND;
        look(s, is_heard);
    }
}

static void who_is_heard(void **state)
{
    (void)state;
    struct contact_signs signs = {.targets = 0};
    assert_true(contact_is_heard(&signs)); /* there is nobody to hear of */
    signs.targets = 10;
    assert_true(contact_is_heard(&signs)); /* all endpoints are lost, or is it us? */
    for (int i = 0; i < CONTACT_WITNESSES; i++) {
        signs.witnesses[i].known = 2;
    }
    assert_false(contact_is_heard(&signs));
    signs.answering = 1;
    assert_false(contact_is_heard(&signs)); /* of those in the same rack, say: control targets know better */
    for (int i = 0; i < CONTACT_WITNESSES; i++) {
        signs.witnesses[i].heard = 1;
        assert_true(contact_is_heard(&signs));
        signs.witnesses[i].heard = 0;
    }
    signs.witnesses[CONTACT_CONTROLS].known = 0;
    assert_true(contact_is_heard(&signs));
    signs.answering = 0;
    assert_false(contact_is_heard(&signs));
}

static void it_never_withdraws_unless_it_was_said(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, 0);
    pass(&s, true, MINUTE);
    pass(&s, false, 9 * SECOND);
    assert_int_equal(s.lost, 0);
    assert_int_equal(contact_get_age(&s.contact, s.now_ms), -1);
    pass(&s, false, 3 * SECOND);
    assert_int_equal(s.lost, 1);
    pass(&s, false, 1000 * MINUTE);
    assert_int_equal(contact_get_age(&s.contact, s.now_ms), 1000 * MINUTE + 11 * SECOND);
    assert_true(s.lost == 1 && s.withdrew == 0 && s.found == 0);
    pass(&s, true, SECOND);
    assert_int_equal(s.found, 1);
    assert_int_equal(contact_get_age(&s.contact, s.now_ms), -1);
}

static void it_withdraws_and_comes_back_when_it_is_steady(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, 10 * MINUTE);
    pass(&s, true, MINUTE);
    pass(&s, false, 10 * MINUTE);
    assert_int_equal(s.withdrew, 0);
    pass(&s, false, SECOND);
    assert_true(s.withdrew == 1 && s.contact.has_withdrawn);
    for (unsigned flap = 0; flap < 20; flap++) {
        pass(&s, true, 29 * SECOND);
        pass(&s, false, SECOND);
    }
    assert_true(s.announced == 0 && s.contact.has_withdrawn);
    pass(&s, true, 30 * SECOND);
    assert_int_equal(s.announced, 0);
    pass(&s, true, SECOND);
    assert_true(s.announced == 1 && !s.contact.has_withdrawn && s.withdrew == 1);
}

/* A moment of contact is contact. */
static void who_is_heard_now_and_then_stays(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, MINUTE);
    for (unsigned i = 0; i < 100; i++) {
        pass(&s, false, 59 * SECOND);
        pass(&s, true, SECOND);
    }
    assert_true(s.withdrew == 0 && s.lost == 100 && s.found == 100);
}

static void a_restart_remembers(void **state)
{
    (void)state;
    struct scene s;
    begin_after(&s, 10 * MINUTE, (struct contact_past){.has_withdrawn = true, .silent_ms = 20 * MINUTE});
    look(&s, false);
    assert_true(s.contact.has_withdrawn && s.withdrew == 0);
    pass(&s, true, 30 * SECOND);
    assert_int_equal(s.announced, 0);
    pass(&s, true, 2 * SECOND);
    assert_int_equal(s.announced, 1);

    begin_after(&s, 10 * MINUTE, (struct contact_past){.silent_ms = 9 * MINUTE});
    pass(&s, false, 59 * SECOND);
    assert_int_equal(s.withdrew, 0);
    pass(&s, false, 2 * SECOND);
    assert_int_equal(s.withdrew, 1);
}

/* By a clock that was set meanwhile it was silent for a year, or is it? */
static void a_restart_never_withdraws_at_once(void **state)
{
    (void)state;
    struct scene s;
    begin_after(&s, 10 * MINUTE, (struct contact_past){.silent_ms = INT64_C(365) * 24 * 60 * MINUTE});
    pass(&s, false, 29 * SECOND);
    assert_int_equal(s.withdrew, 0);
    pass(&s, false, 2 * SECOND);
    assert_int_equal(s.withdrew, 1);
    begin_after(&s, 10 * SECOND, (struct contact_past){.silent_ms = INT64_MAX / 2});
    pass(&s, false, 9 * SECOND);
    assert_int_equal(s.withdrew, 0);
    begin_after(&s, 10 * MINUTE, (struct contact_past){.silent_ms = 9 * MINUTE});
    assert_int_equal(contact_get_age(&s.contact, s.now_ms), 9 * MINUTE);
    pass(&s, true, SECOND); /* it is over */
    assert_int_equal(s.found, 1);
    pass(&s, false, 10 * MINUTE);
    assert_int_equal(s.withdrew, 0);
}

/* The process was stopped, or the machine slept: nobody could be heard. */
static void time_that_nobody_saw_does_not_count(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, 10 * MINUTE);
    pass(&s, false, MINUTE);
    s.now_ms += 60 * MINUTE;
    look(&s, false);
    assert_int_equal(s.withdrew, 0);
    assert_int_equal(contact_get_age(&s.contact, s.now_ms), 59 * SECOND);
    pass(&s, false, 10 * MINUTE);
    assert_int_equal(s.withdrew, 1);
    pass(&s, true, 10 * SECOND);
    s.now_ms += 60 * MINUTE;
    look(&s, true);
    assert_int_equal(s.announced, 0);
}

static void an_operator_pardons(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, MINUTE);
    pass(&s, false, 3 * MINUTE);
    assert_true(s.contact.has_withdrawn);
    contact_pardon(&s.contact, s.now_ms);
    assert_false(s.contact.has_withdrawn);
    pass(&s, false, 59 * SECOND);
    assert_false(s.contact.has_withdrawn);
    assert_true(contact_get_age(&s.contact, s.now_ms) > 3 * MINUTE); /* it is as cut off as it was */
    pass(&s, false, 2 * SECOND);
    assert_true(s.contact.has_withdrawn && s.withdrew == 2);
    pass(&s, true, MINUTE);
    contact_pardon(&s.contact, s.now_ms); /* there is nothing to pardon */
    pass(&s, false, MINUTE);
    assert_false(s.contact.has_withdrawn);
}

static void a_reload_may_end_it(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, MINUTE);
    pass(&s, false, 2 * MINUTE);
    assert_true(s.contact.has_withdrawn);
    s.plan.after_ms = 0;
    look(&s, false);
    assert_true(!s.contact.has_withdrawn && s.announced == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_heard),
        cmocka_unit_test(it_never_withdraws_unless_it_was_said),
        cmocka_unit_test(it_withdraws_and_comes_back_when_it_is_steady),
        cmocka_unit_test(who_is_heard_now_and_then_stays),
        cmocka_unit_test(a_restart_remembers),
        cmocka_unit_test(a_restart_never_withdraws_at_once),
        cmocka_unit_test(time_that_nobody_saw_does_not_count),
        cmocka_unit_test(an_operator_pardons),
        cmocka_unit_test(a_reload_may_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
