/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of several vantages: each rule of health/opinion.h by an example. */
#include "config.h"

#include "health/machine.h"
#include "health/results.h"
#include "opinion_scene.h"

#include <string.h>

/* ---- rules ---- */

static void without_vantages_nothing_is_different(void **state)
{
    struct scene *s = *state;
    s->quorums.count = 0;
    begin(s);
    assert_false(health_has_vantages(s->health));
    see(s, 0, true, 1);
    assert_up(s, 0);
    down(s, FRA, 0);
    assert_up(s, 0);
    see(s, 0, false, 3);
    assert_down(s, 0);
    assert_false(judgement(s, 0).is_by_quorum);
}

static void alone_our_own_results_decide(void **state)
{
    struct scene *s = *state;
    begin(s);
    health_set_vantages(s->health, NULL, 0, s->now_ms);
    see(s, 0, true, 1);
    assert_up(s, 0);
    see(s, 0, false, 3);
    assert_down(s, 0);
    assert_false(judgement(s, 0).is_by_quorum);
}

static void a_majority_decides(void **state)
{
    struct scene *s = *state;
    begin(s);
    start_well(s, 0);
    assert_up(s, 0);
    see(s, 0, false, 5);
    down(s, FRA, 0);
    assert_up(s, 0); /* two of four */
    down(s, SIN, 0);
    assert_down(s, 0);
    up(s, FRA, 0);
    assert_up(s, 0);
    assert_int_equal(judgement(s, 0).down, 2);
    assert_int_equal(judgement(s, 0).opinions, 4);
}

static void every_kind_of_quorum(void **state)
{
    static const struct {
        enum health_quorum_kind kind;
        uint32_t count;
        unsigned falls_at; /* so many of four */
    } cases[] = {{HEALTH_QUORUM_ANY, 0, 1},   {HEALTH_QUORUM_MAJORITY, 0, 3}, {HEALTH_QUORUM_ALL, 0, 4},
                 {HEALTH_QUORUM_COUNT, 2, 2}, {HEALTH_QUORUM_COUNT, 1, 1},    {HEALTH_QUORUM_COUNT, 5, 4}};
    struct scene *s = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s->quorum.kind = cases[i].kind;
        s->quorum.count = cases[i].count;
        begin(s);
        start_well(s, 0);
        for (unsigned say_down = 1; say_down <= 4; say_down++) {
            if (say_down == 4) {
                see(s, 0, false, 3);
            } else {
                down(s, LOCAL + say_down, 0);
            }
            assert_int_equal(verdict(s, 0), say_down >= cases[i].falls_at ? HEALTH_OBSERVED_UNHEALTHY
                                                                          : HEALTH_OBSERVED_HEALTHY);
        }
    }
}

/* Who saw it dead falls silent: that raises nobody from the dead, and buries nobody. */
static void a_number_that_nobody_can_reach_moves_nothing(void **state)
{
    static const struct health_vantage_plan plans[] = {
        {"fra-1", 1, 1, false}, {"sin-1", 2, 1, true}, {"nyc-1", 3, 1, true}};
    char text[HEALTH_JUDGEMENT_SIZE];
    struct scene *s = *state;
    s->quorum.kind = HEALTH_QUORUM_COUNT;
    s->quorum.count = 3;
    begin(s);
    start_well(s, 0);
    down(s, FRA, 0);
    down(s, SIN, 0);
    down(s, NYC, 0);
    assert_down(s, 0);
    see(s, 0, false, 3);
    pass(s, EXPIRES + 1000, 1u << (NYC - LOCAL));
    assert_down(s, 0); /* all who are left say so */
    health_write_judgement(s->health, 0, s->now_ms, text);
    assert_non_null(strstr(text, "no quorum: a weight of 2 is heard, 3 is needed; the last verdict stands"));
    up(s, NYC, 0);
    assert_down(s, 0); /* one of two */
    see(s, 0, true, 5);
    assert_up(s, 0); /* nobody says down */
    down(s, NYC, 0);
    see(s, 0, false, 5);
    assert_up(s, 0);
    health_set_vantages(s->health, plans, 3, s->now_ms); /* who is drained could not say anything */
    keep_alive(s, ALL_ALIVE);
    down(s, FRA, 0);
    assert_down(s, 0);
    assert_int_equal(judgement(s, 0).weight_needed, 2);
}

static void weights_count_and_not_heads(void **state)
{
    static const struct health_vantage_plan plans[] = {{"fra-1", 1, 5, false}, {"sin-1", 2, 1, false}};
    struct scene *s = *state;
    begin(s);
    health_set_vantages(s->health, plans, 2, s->now_ms);
    see(s, 0, true, 2);
    up(s, SIN, 0);
    assert_up(s, 0);
    down(s, FRA, 0);
    assert_down(s, 0);
    assert_int_equal(judgement(s, 0).weight, 7);
    assert_int_equal(judgement(s, 0).weight_down, 5);
}

static void too_few_opinions_move_nothing(void **state)
{
    struct scene *s = *state;
    s->quorum.at_least = 3;
    begin(s);
    see(s, 0, true, 2);
    up(s, FRA, 0);
    assert_unknown(s, 0);
    assert_int_equal(judgement(s, 0).judged, HEALTH_OBSERVED_UNKNOWN);
    assert_int_equal(judgement(s, 0).needed, 3);
    up(s, SIN, 0);
    assert_up(s, 0);
    say(s, SIN, 0, HEALTH_OBSERVED_UNKNOWN); /* it was started anew */
    down(s, FRA, 0);
    see(s, 0, false, 3);
    assert_up(s, 0); /* two say down, three are needed */
    down(s, SIN, 0);
    assert_down(s, 0);
}

static void more_than_there_are_cannot_be_asked_for(void **state)
{
    static const struct health_vantage_plan plans[] = {{"fra-1", 1, 1, false}, {"sin-1", 2, 1, true}};
    struct scene *s = *state;
    s->quorum.at_least = 9;
    begin(s);
    health_set_vantages(s->health, plans, 2, s->now_ms);
    up(s, FRA, 0);
    assert_unknown(s, 0);
    see(s, 0, true, 1);
    assert_up(s, 0);
    assert_int_equal(judgement(s, 0).needed, 2); /* who is drained could not say anything */
}

static void a_silent_vantage_leaves_the_judgement(void **state)
{
    struct scene *s = *state;
    begin(s);
    start_well(s, 0);
    down(s, FRA, 0);
    down(s, SIN, 0);
    see(s, 0, false, 2); /* that is not down yet */
    assert_up(s, 0);
    pass(s, EXPIRES, 1u << (SIN - LOCAL) | 1u << (FRA - LOCAL));
    assert_up(s, 0);
    pass(s, 1000, 1u << (SIN - LOCAL) | 1u << (FRA - LOCAL));
    assert_int_equal(s->turns[HEALTH_VANTAGE_SILENT], 1);
    assert_down(s, 0); /* two of three */
    keep_alive(s, ALL_ALIVE);
    follow(s);
    assert_int_equal(s->turns[HEALTH_VANTAGE_HEARD], 4);
    assert_down(s, 0); /* it is alive, but nobody knows whether it still says so */
    up(s, NYC, 0);
    assert_up(s, 0);
}

static void when_all_are_silent_nothing_moves(void **state)
{
    struct scene *s = *state;
    s->quorums.local_weight = 0;
    begin(s);
    start_well(s, 0);
    pass(s, 10 * EXPIRES, 0);
    assert_int_equal(s->turns[HEALTH_VANTAGE_SILENT], 3);
    assert_up(s, 0);
    see(s, 0, false, 10);
    assert_up(s, 0); /* what we see does not count */
    down(s, FRA, 0);
    assert_up(s, 0); /* they say up who are silent, but one of three is too few */
    down(s, SIN, 0);
    assert_down(s, 0);
}

static void only_those_in_the_scope_count(void **state)
{
    static const char *const names[] = {"*-1"};
    struct scene *s = *state;
    s->quorum.names = names;
    s->quorum.name_count = 1;
    begin(s);
    see(s, 0, false, 5);
    assert_unknown(s, 0);
    up(s, FRA, 0);
    up(s, SIN, 0);
    assert_up(s, 0);
    assert_int_equal(judgement(s, 0).could, 3);
    assert_false(health_is_in_scope(s->health, 0, 0));
    assert_true(health_is_in_scope(s->health, 1, 0));
}

/* However many endpoints say so each for itself: equal ones are judged by one entry, and each monitor by its
 * own content. */
static void quorums_that_say_the_same_are_one(void **state)
{
    static const char *texts[MONITORS + 2][2];
    static struct health_quorum quorums[MONITORS + 2];
    static uint32_t of[MONITORS];
    struct scene *s = *state;
    char copies[MONITORS][8];
    for (uint32_t i = 0; i < MONITORS; i++) {
        memcpy(copies[i], i % 3 == 0 ? "fra-*" : "local", 6);
        texts[i][0] = copies[i];
        texts[i][1] = "sin-1";
        quorums[i] = (struct health_quorum){.kind = i % 3 == 2 ? HEALTH_QUORUM_ALL : HEALTH_QUORUM_ANY,
                                            .names = texts[i],
                                            .name_count = i % 3 == 0 ? 1 : 2};
        of[i] = i == MONITORS - 1 ? MONITORS + 1 : i; /* one has no names */
    }
    quorums[MONITORS] = quorums[MONITORS + 1] = (struct health_quorum){.kind = HEALTH_QUORUM_MAJORITY};
    s->quorums.quorums = quorums;
    s->quorums.count = MONITORS + 2;
    s->quorums.monitors = of;
    begin(s);
    const struct health_quorums *merged = &s->health->frame->quorums;
    assert_int_equal(merged->count, 4);
    for (uint32_t i = 0; i < MONITORS; i++) {
        bool is_last = i == MONITORS - 1;
        assert_int_equal(health_is_in_scope(s->health, 0, i), is_last || i % 3 != 0);
        assert_int_equal(health_is_in_scope(s->health, 1, i), is_last || i % 3 == 0);
        assert_int_equal(health_is_in_scope(s->health, 2, i), is_last || i % 3 != 0);
        assert_int_equal(merged->quorums[merged->monitors[i]].kind, is_last      ? HEALTH_QUORUM_MAJORITY
                                                                    : i % 3 == 2 ? HEALTH_QUORUM_ALL
                                                                                 : HEALTH_QUORUM_ANY);
    }
}

static void a_drained_vantage_does_not_count(void **state)
{
    static const struct health_vantage_plan plans[] = {
        {"fra-1", 1, 1, true}, {"sin-1", 2, 1, false}, {"new-york", 3, 1, false}};
    struct scene *s = *state;
    struct health_opinion_status list[HEALTH_VANTAGES_MAX];
    begin(s);
    start_well(s, 0);
    see(s, 0, false, 3);
    down(s, SIN, 0);
    assert_up(s, 0);
    health_set_vantages(s->health, plans, 3, s->now_ms); /* one of them has another name */
    follow(s);
    assert_down(s, 0); /* two of three */
    assert_int_equal(health_list_opinions(s->health, 0, s->now_ms, list), 4);
    assert_int_equal(list[1].discount, HEALTH_COUNTS_NOT_DRAINED);
    assert_string_equal(list[3].vantage, "new-york");
    assert_int_equal(list[3].opinion.verdict, HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(list[3].opinion.age_ms, 1000);
    assert_int_equal(health_find_vantage(s->health, "new-york"), 3);
    assert_int_equal(health_find_vantage(s->health, "nyc-1"), -1);
}

static void who_is_gone_says_nothing(void **state)
{
    static const struct health_vantage_plan plans[] = {{"sin-1", 2, 1, false}};
    struct scene *s = *state;
    begin(s);
    start_well(s, 0);
    see(s, 0, false, 3);
    down(s, SIN, 0);
    health_set_vantages(s->health, plans, 1, s->now_ms);
    follow(s);
    assert_down(s, 0);
    enrol(s);
    follow(s);
    assert_int_equal(judgement(s, 0).opinions, 2);
    up(s, FRA, 0);
    up(s, NYC, 0);
    assert_up(s, 0);
}

static void a_batch_is_one_change(void **state)
{
    struct scene *s = *state;
    struct health_heard heard[HEALTH_HEAR_MAX];
    s->quorum.kind = HEALTH_QUORUM_ANY;
    begin(s);
    for (uint32_t i = 0; i < MONITORS; i++) {
        start_well(s, i);
    }
    uint64_t before = atomic_load(&health_get_table(s->health)->generation);
    s->changes = 0;
    for (uint32_t i = 0; i < HEALTH_HEAR_MAX; i++) {
        heard[i] = (struct health_heard){
            .monitor = i,
            .opinion = {.verdict = HEALTH_OBSERVED_UNHEALTHY, .outcome = HEALTH_OUTCOME_REFUSED}};
    }
    health_hear(s->health, 1, heard, HEALTH_HEAR_MAX, WALL + s->now_ms, s->now_ms);
    assert_int_equal(atomic_load(&health_get_table(s->health)->generation), before + 1);
    assert_int_equal(s->first_told, before + 1);
    assert_int_equal(s->changes, HEALTH_HEAR_MAX);
    health_hear(s->health, 1, heard, HEALTH_HEAR_MAX, WALL + s->now_ms, s->now_ms);
    assert_int_equal(atomic_load(&health_get_table(s->health)->generation), before + 1);
}

static void hold_down_acts_on_the_judgement(void **state)
{
    struct scene *s = *state;
    s->rule.hold_down_ms = 30000;
    begin(s);
    start_well(s, 0);
    down(s, FRA, 0);
    down(s, SIN, 0);
    down(s, NYC, 0);
    assert_down(s, 0);
    up(s, FRA, 0);
    up(s, SIN, 0);
    assert_down(s, 0);
    pass(s, 29000, ALL_ALIVE);
    assert_down(s, 0);
    pass(s, 1000, ALL_ALIVE);
    assert_up(s, 0);
}

/* What is due comes back, though nobody is heard any more: it was judged so. */
static void what_was_judged_is_not_taken_back_by_silence(void **state)
{
    struct scene *s = *state;
    s->quorums.local_weight = 0;
    s->rule.hold_down_ms = 30000;
    begin(s);
    start_well(s, 0);
    start_well(s, 1);
    for (unsigned i = FRA; i <= NYC; i++) {
        down(s, i, 0);
        down(s, i, 1);
    }
    up(s, FRA, 0);
    up(s, SIN, 0);
    pass(s, 60000, 0);
    assert_up(s, 0);
    assert_down(s, 1);
}

/* Whoever judged what stands may go on to say so. */
static void who_is_started_anew_is_awaited(void **state)
{
    struct scene *s = *state;
    begin(s);
    start_well(s, 0);
    down(s, FRA, 0);
    down(s, SIN, 0);
    down(s, NYC, 0);
    assert_down(s, 0);
    up(s, NYC, 0);
    assert_up(s, 0);
    down(s, NYC, 0);
    health_forget_vantage(s->health, SIN - LOCAL);
    health_forget_vantage(s->health, NYC - LOCAL);
    follow(s);
    assert_down(s, 0); /* one of two who say something */
    assert_int_equal(judgement(s, 0).judged, HEALTH_OBSERVED_UNKNOWN);
    assert_int_equal(judgement(s, 0).awaited, 2);
    say(s, SIN, 0, HEALTH_OBSERVED_UNKNOWN);
    assert_down(s, 0); /* it has not found out yet */
    up(s, NYC, 0);
    assert_up(s, 0); /* two of four say up, whatever the last one says */
}

static void nobody_is_awaited_for_ever(void **state)
{
    struct scene *s = *state;
    begin(s);
    start_well(s, 0);
    down(s, FRA, 0);
    down(s, SIN, 0);
    down(s, NYC, 0);
    health_forget_vantage(s->health, SIN - LOCAL);
    health_forget_vantage(s->health, NYC - LOCAL);
    pass(s, EXPIRES - 1000, ALL_ALIVE);
    assert_down(s, 0);
    health_forget_vantage(s->health, SIN - LOCAL); /* once more, without a word in between */
    pass(s, 1000, ALL_ALIVE);
    assert_up(s, 0);
    assert_int_equal(judgement(s, 0).awaited, 0);
}

/* What cannot be prevented happens at once. */
static void who_is_awaited_does_not_hold_up_what_is_certain(void **state)
{
    struct scene *s = *state;
    begin(s);
    start_well(s, 0);
    health_forget_vantage(s->health, NYC - LOCAL);
    follow(s);
    down(s, FRA, 0);
    down(s, SIN, 0);
    assert_up(s, 0);
    see(s, 0, false, 3);
    assert_down(s, 0);
}

/* The machine of a process that begins has a verdict from before. */
static void at_the_start_all_are_awaited(void **state)
{
    struct scene *s = *state;
    s->quorum.kind = HEALTH_QUORUM_ANY;
    begin(s);
    start_well(s, 0);
    down(s, FRA, 0);
    struct health *before = s->health;
    s->health = NULL;
    begin(s);
    health_adopt(s->health, before, WALL + s->now_ms);
    health_free(before);
    health_await_vantages(s->health, s->now_ms);
    follow(s);
    see(s, 0, true, 5);
    up(s, SIN, 0);
    up(s, NYC, 0);
    assert_down(s, 0);
    say(s, FRA, 0, HEALTH_OBSERVED_UNKNOWN);
    assert_down(s, 0);
    up(s, FRA, 0);
    assert_up(s, 0);
}

/* A machine that was suspended: it and FRA saw the place down, the others did not, and what anybody said then
 * is of then. */
static void who_was_held_up_begins_anew(void **state)
{
    struct scene *s = *state;
    s->quorum.at_least = 2;
    begin(s);
    start_well(s, 0);
    see(s, 0, false, 3);
    down(s, FRA, 0);
    assert_up(s, 0);
    assert_false(health_hold_up(s->health, EXPIRES, s->now_ms));
    s->now_ms += 2 * EXPIRES;
    assert_true(health_hold_up(s->health, 2 * EXPIRES, s->now_ms));
    follow(s);
    assert_int_equal(health_get_own_opinion(s->health, 0).verdict, HEALTH_OBSERVED_UNKNOWN);
    down(s, FRA, 0);
    down(s, SIN, 0);
    assert_up(s, 0); /* two of those who are heard, but the others may say up */
    up(s, SIN, 0);
    see(s, 0, true, 1);
    assert_int_equal(health_get_own_opinion(s->health, 0).verdict, HEALTH_OBSERVED_UNKNOWN);
    see(s, 0, true, 1);
    assert_int_equal(health_get_own_opinion(s->health, 0).verdict, HEALTH_OBSERVED_HEALTHY);
    up(s, NYC, 0);
    assert_up(s, 0);
    assert_int_equal(judgement(s, 0).awaited, 0);
}

/* What turned an opinion stands among our own results, and does not say when we check next. */
static void turns_are_kept_with_who_saw_them(void **state)
{
    struct scene *s = *state;
    struct health_result results[HEALTH_RESULTS_KEPT];
    int64_t next_ms;
    begin(s);
    health_keep_results(s->health);
    const struct health_result own = {.ended_ms = WALL, .outcome = HEALTH_OUTCOME_OK};
    health_note_result(s->health, 3, &own, WALL + 2000);
    up(s, FRA, 3);
    up(s, FRA, 3); /* the same again */
    down(s, SIN, 3);
    say(s, NYC, 3, HEALTH_OBSERVED_UNKNOWN);
    health_forget_vantage(s->health, FRA - LOCAL);
    up(s, FRA, 3); /* and after it was started anew */
    size_t count = health_read_results(s->health, 3, results, HEALTH_RESULTS_KEPT, &next_ms);
    assert_int_equal(next_ms, WALL + 2000);
    assert_int_equal(count, 4);
    static const unsigned who[] = {NYC - LOCAL, SIN - LOCAL, FRA - LOCAL, HEALTH_VANTAGE_LOCAL};
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(results[i].vantage, who[i]);
    }
    assert_int_equal(results[1].outcome, HEALTH_OUTCOME_REFUSED);
    assert_int_equal(results[1].ended_ms, WALL + s->now_ms);
}

static void hear_instead(struct scene *s, unsigned vantage, uint32_t monitor, enum health_observed verdict)
{
    const struct health_heard heard = {.monitor = monitor, .opinion = {.verdict = verdict, .streak = 1}};
    health_hear_instead(s->health, vantage - LOCAL, &heard, 1, WALL + s->now_ms, s->now_ms);
}

/* Who says something in its place does not keep it alive, and it says nothing of one that is silent. */
static void what_is_said_instead_is_no_sign_of_life(void **state)
{
    struct scene *s = *state;
    begin(s);
    start_well(s, 0);
    assert_int_equal(health_get_opinion(s->health, FRA - LOCAL, 0).verdict, HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(health_get_opinion(s->health, 0, 0).verdict, HEALTH_OBSERVED_UNKNOWN);
    assert_int_equal(health_get_opinion(s->health, FRA - LOCAL, MONITORS).verdict, HEALTH_OBSERVED_UNKNOWN);
    pass(s, 6000, 0);
    hear_instead(s, FRA, 0, HEALTH_OBSERVED_UNHEALTHY);
    hear_instead(s, SIN, 0, HEALTH_OBSERVED_UNHEALTHY);
    hear_instead(s, NYC, 0, HEALTH_OBSERVED_UNHEALTHY);
    assert_down(s, 0);
    assert_int_equal(health_get_opinion(s->health, SIN - LOCAL, 0).verdict, HEALTH_OBSERVED_UNHEALTHY);
    pass(s, 6000, 0);
    for (unsigned i = FRA; i <= NYC; i++) {
        struct health_vantage_status status;
        assert_true(health_get_vantage(s->health, i - LOCAL, s->now_ms, &status) && !status.is_fresh);
        hear_instead(s, i, 0, HEALTH_OBSERVED_HEALTHY);
        assert_int_equal(health_get_opinion(s->health, i - LOCAL, 0).verdict, HEALTH_OBSERVED_UNHEALTHY);
    }
    health_hear_vantage(s->health, FRA - LOCAL, s->now_ms);
    assert_int_equal(health_get_opinion(s->health, FRA - LOCAL, 0).verdict, HEALTH_OBSERVED_UNKNOWN);
}

/* Another one has the number of one that was revoked, all within the steps of a reload. */
static void what_one_said_who_was_revoked_is_not_what_the_next_one_says(void **state)
{
    struct scene *s = *state;
    static const struct health_vantage_plan others[] = {{"fra-1", 1, 1, false}, {"nyc-1", 3, 1, false}};
    s->quorum.kind = HEALTH_QUORUM_ANY;
    begin(s);
    start_well(s, 0);
    down(s, SIN, 0);
    assert_down(s, 0);
    struct health *next = build(s);
    struct health_carrier *carrier = health_carrier_new(next, s->health, WALL + s->now_ms);
    health_carrier_watch(carrier);
    while (health_carrier_step(carrier, SIZE_MAX)) {
    }
    health_carrier_settle(carrier);
    health_set_vantages(s->health, others, 2, s->now_ms);
    enrol(s);
    assert_int_equal(health_carrier_catch_up(carrier, SIZE_MAX), 0);
    health_carrier_end(carrier);
    health_carrier_free(carrier);
    health_free(s->health);
    s->health = next;
    keep_alive(s, ALL_ALIVE);
    follow(s);
    assert_int_equal(judgement(s, 0).down, 0);
    assert_up(s, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_vantages_nothing_is_different),
        TEST(turns_are_kept_with_who_saw_them),
        TEST(alone_our_own_results_decide),
        TEST(a_majority_decides),
        TEST(every_kind_of_quorum),
        TEST(a_number_that_nobody_can_reach_moves_nothing),
        TEST(weights_count_and_not_heads),
        TEST(too_few_opinions_move_nothing),
        TEST(more_than_there_are_cannot_be_asked_for),
        TEST(a_silent_vantage_leaves_the_judgement),
        TEST(when_all_are_silent_nothing_moves),
        TEST(only_those_in_the_scope_count),
        TEST(quorums_that_say_the_same_are_one),
        TEST(a_drained_vantage_does_not_count),
        TEST(who_is_gone_says_nothing),
        TEST(a_batch_is_one_change),
        TEST(hold_down_acts_on_the_judgement),
        TEST(what_was_judged_is_not_taken_back_by_silence),
        TEST(who_is_started_anew_is_awaited),
        TEST(nobody_is_awaited_for_ever),
        TEST(who_is_awaited_does_not_hold_up_what_is_certain),
        TEST(at_the_start_all_are_awaited),
        TEST(who_was_held_up_begins_anew),
        TEST(what_is_said_instead_is_no_sign_of_life),
        TEST(what_one_said_who_was_revoked_is_not_what_the_next_one_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
