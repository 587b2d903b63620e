/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Random vantages that report, fall silent, are drained, enrolled, started anew and set aside, with weights,
 * scopes and all kinds of quorums, over our own results that grow stale, and with hold_down, failback,
 * penalties for flapping and ramps on what is judged, against a model that keeps everything that anybody ever
 * said and judges all of it anew at each step; carried over, whole and in turns, at any moment. */
#include "config.h"

#include "opinion_model.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the machine ---- */

static struct health *build(const struct world *w)
{
    static const struct health_region_plan regions[] = {{"r", 1}};
    static const struct health_az_plan azs[] = {{"a", 0, 1}};
    static char names[MONITORS][8];
    static struct health_endpoint_plan endpoints[MONITORS];
    static struct health_monitor_plan monitors[MONITORS];
    static struct health_brake_monitor brakes[MONITORS];
    static uint32_t places[MONITORS], stales[MONITORS];
    static struct health_rule rules[MONITORS];
    static struct health_ramp_plan plans[MONITORS];
    static const uint8_t controls[CONTROLS] = {0, 0};
    static const uint64_t control_identities[CONTROLS] = {7, 8};
    for (uint32_t i = 0; i < MONITORS; i++) {
        snprintf(names[i], sizeof names[i], "e%u", i);
        endpoints[i] = (struct health_endpoint_plan){names[i], 0};
        monitors[i] =
            (struct health_monitor_plan){.endpoint = i, .rise = RISE, .fall = FALL, .identity = i + 1};
        brakes[i] = (struct health_brake_monitor){.subject = i + 1, .interval_ms = 1000, .timeout_ms = 500};
        places[i] = i + 1;
        rules[i] = w->monitors[i].object.rule;
        stales[i] = (uint32_t)w->monitors[i].stale_ms;
        plans[i] = w->monitors[i].rising.plan;
    }
    const struct health_rules stay = {
        .rules = rules, .count = MONITORS, .monitors = places, .stales = stales};
    const struct health_ramps ramps = {.plans = plans, .count = MONITORS, .endpoints = places};
    const struct health_brake_plan brake = {.share = 1, /* it never engages: most answer */
                                            .targets = 100000,
                                            .hold_ms = 1000,
                                            .monitors = brakes,
                                            .controls = controls,
                                            .control_identities = control_identities,
                                            .control_count = CONTROLS};
    const struct health_quorums quorums = {.quorums = w->quorums,
                                           .count = QUORUMS,
                                           .monitors = w->quorum_of,
                                           .local_weight = w->local_weight,
                                           .expires_ms = EXPIRES};
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = 1,
                                            .azs = azs,
                                            .az_count = 1,
                                            .endpoints = endpoints,
                                            .endpoint_count = MONITORS,
                                            .monitors = monitors,
                                            .monitor_count = MONITORS,
                                            .brake = &brake,
                                            .rules = &stay,
                                            .ramps = &ramps,
                                            .quorums = &quorums},
                      WALL + w->now_ms);
}

static void follow(struct world *w)
{
    while (health_follow_vantages(w->health, WALL + w->now_ms, w->now_ms)) {
    }
    while (health_follow_stays(w->health, w->now_ms, WALL + w->now_ms) != 0) {
    }
}

/* What answers see of it: the verdict, what keeps it down, and how much of its weight it has. */
static void compare_return(const struct world *w, uint32_t i, const struct health_monitor_status *status)
{
    const struct object *o = &w->monitors[i].object;
    unsigned percent = find_percent(&w->monitors[i].rising, w->now_ms);
    struct health_status endpoint;
    assert_int_equal(health_get_status(w->health, HEALTH_ENDPOINT, i, &endpoint), 0);
    assert_int_equal(endpoint.observed, o->verdict);
    assert_int_equal(status->stay.reason != HEALTH_STAY_NONE, o->is_down && o->is_ready);
    assert_int_equal(endpoint.ramp.percent, percent == HEALTH_RAMP_WHOLE ? 0 : percent);
}

static void compare(const struct world *w)
{
    for (uint32_t i = 0; i < MONITORS; i++) {
        struct health_monitor_status status;
        struct health_judgement judgement;
        struct count count = count_all(w, i);
        assert_int_equal(health_get_monitor(w->health, i, &status), 0);
        health_get_judgement(w->health, i, &judgement);
        assert_int_equal(status.verdict, w->monitors[i].object.verdict);
        assert_int_equal(status.stale, is_stale(w, i));
        compare_return(w, i, &status);
        assert_true(judgement.is_by_quorum == count.by_others);
        if (judgement.is_by_quorum) {
            assert_int_equal(judgement.judged, judge(w, i));
            assert_int_equal(judgement.opinions, count.opinions);
            assert_int_equal(judgement.weight_down, count.weight_down);
        }
    }
}

/* ---- what happens ---- */

static void list_vantages(struct world *w)
{
    struct health_vantage_plan plans[VANTAGES];
    size_t count = 0;
    for (uint8_t v = 1; v < VANTAGES; v++) {
        const struct vantage *vantage = &w->vantages[v];
        if (vantage->is_there) {
            plans[count++] =
                (struct health_vantage_plan){vantage->name, v, vantage->weight, vantage->drained};
        }
    }
    health_set_vantages(w->health, plans, count, w->now_ms);
}

static void change_vantage(struct world *w, unsigned v)
{
    static const char *const places[] = {"eu", "us"};
    struct vantage *vantage = &w->vantages[v];
    if (v ==
        1) { /* so that never nobody else is there: whether our own results alone decide is another test's */
        vantage->drained = roll(w, 2) != 0;
    } else if (vantage->is_there && roll(w, 3) == 0) {
        *vantage = (struct vantage){.heard_ms = -1};
    } else {
        if (!vantage->is_there) {
            *vantage = (struct vantage){.is_there = true, .heard_ms = -1};
        }
        vantage->drained = roll(w, 3) == 0;
        vantage->weight = (uint32_t)roll(w, 4);
        snprintf(vantage->name, sizeof vantage->name, "%s-%u", places[roll(w, 2)], v);
    }
    list_vantages(w);
}

static void forget(struct world *w, unsigned v)
{
    w->vantages[v].has_spoken = false;
    for (unsigned i = 0; i < MONITORS + CONTROLS; i++) {
        w->vantages[v].says[i].is_old = true;
    }
}

/* What one said before it was silent is not what it says. */
static void note_alive(struct world *w, unsigned v)
{
    if (!is_fresh(w, v)) {
        forget(w, v);
    }
    w->vantages[v].heard_ms = w->now_ms;
    weigh(w);
}

/* Who is set aside follows at the end. */
static void hear(struct world *w, unsigned v, const struct health_heard *heard, size_t count)
{
    struct vantage *vantage = &w->vantages[v];
    if (!vantage->is_there) {
        return;
    }
    note_alive(w, v);
    for (size_t i = 0; i < count; i++) {
        if (heard[i].monitor < MONITORS) {
            struct opinion *says_so = &vantage->says[heard[i].monitor], was = *says_so;
            *says_so = (struct opinion){heard[i].opinion.verdict, false};
            vantage->has_spoken |= says_so->verdict != HEALTH_OBSERVED_UNKNOWN;
            if (was.is_old || was.verdict != says_so->verdict) { /* else there is nothing new to judge by */
                settle(w, heard[i].monitor, judge(w, heard[i].monitor), false);
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (heard[i].monitor >= MONITORS) {
            vantage->says[heard[i].monitor] = (struct opinion){heard[i].opinion.verdict, false};
        }
    }
}

static void say(struct world *w, unsigned v)
{
    struct health_heard heard[HEALTH_HEAR_MAX];
    size_t count = 1 + roll(w, HEALTH_HEAR_MAX);
    bool is_mass = roll(w, 2) == 0;
    enum health_observed mass = (enum health_observed)roll(w, 3);
    for (size_t i = 0; i < count; i++) {
        uint32_t monitor = (uint32_t)roll(w, MONITORS + CONTROLS);
        enum health_observed verdict = is_mass ? mass : (enum health_observed)roll(w, 3);
        heard[i] = (struct health_heard){.monitor = monitor,
                                         .opinion = {.verdict = verdict,
                                                     .outcome = verdict == HEALTH_OBSERVED_UNHEALTHY
                                                                    ? HEALTH_OUTCOME_REFUSED
                                                                    : HEALTH_OUTCOME_OK}};
    }
    health_hear(w->health, v, heard, count, WALL + w->now_ms, w->now_ms);
    hear(w, v, heard, count);
}

static void check(struct world *w)
{
    uint32_t monitor = (uint32_t)roll(w, MONITORS);
    struct watched *m = &w->monitors[monitor];
    bool fails = roll(w, 3) == 0;
    for (uint64_t times = 1 + roll(w, 4); times != 0; times--) {
        m->row = m->failing == fails && m->row != 0 ? m->row + 1 : 1;
        m->failing = fails;
        m->result_ms = w->now_ms;
        m->own = fails && m->row >= FALL                                           ? HEALTH_OBSERVED_UNHEALTHY
                 : !fails && (m->row >= RISE || m->own == HEALTH_OBSERVED_UNKNOWN) ? HEALTH_OBSERVED_HEALTHY
                                                                                   : m->own;
        health_follow_time(w->health, w->now_ms);
        health_observe(w->health, monitor, fails ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_OK,
                       WALL + w->now_ms, 0, 0);
        settle(w, monitor, judge(w, monitor), true);
    }
}

static void check_control(struct world *w)
{
    unsigned control = (unsigned)roll(w, CONTROLS);
    struct opinion *opinion = &w->vantages[0].says[MONITORS + control];
    bool fails = roll(w, 2) == 0;
    w->control_row[control] = fails ? w->control_row[control] + 1 : 0;
    opinion->verdict = !fails                         ? HEALTH_OBSERVED_HEALTHY
                       : w->control_row[control] >= 2 ? HEALTH_OBSERVED_UNHEALTHY
                                                      : opinion->verdict;
    health_follow_time(w->health, w->now_ms);
    health_observe_control(w->health, control, fails ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_OK);
}

static void start_anew(struct world *w, unsigned v)
{
    if (w->vantages[v].has_spoken && is_fresh(w, v)) {
        w->vantages[v].awaited_ms = w->now_ms + EXPIRES;
    }
    forget(w, v);
    health_forget_vantage(w->health, v);
}

/* An operator says that it may come back. */
static void let_back(struct world *w)
{
    uint32_t monitor = (uint32_t)roll(w, MONITORS);
    struct object *o = &w->monitors[monitor].object;
    bool may = o->is_down && o->is_ready;
    health_follow_time(w->health, w->now_ms);
    int error = health_fail_back(w->health, HEALTH_ENDPOINT, monitor, WALL + w->now_ms);
    assert_int_equal(error, may ? 0 : ERROR_CONFLICT);
    if (may) {
        o->forgiven = o->fall_count;
        o->is_down = o->is_ready = false;
        o->verdict = HEALTH_OBSERVED_HEALTHY;
        follow_rising(&w->monitors[monitor].rising, o->verdict, w->now_ms);
    }
}

static void happen(struct world *w)
{
    unsigned v = 1 + (unsigned)roll(w, VANTAGES - 1);
    switch (roll(w, 13)) {
    case 0: change_vantage(w, v); break;
    case 1: start_anew(w, v); break;
    case 2:
    case 3: check_control(w); break;
    case 4:
    case 5:
    case 6: check(w); break;
    case 7:
        health_hear_vantage(w->health, v, w->now_ms);
        if (w->vantages[v].is_there) {
            note_alive(w, v);
        }
        break;
    case 8: let_back(w); break;
    default: say(w, v); break;
    }
}

/* That we do not know any more is noticed when somebody looks, EXPIRES later at most; here at once. */
static void notice_stale(struct world *w, int64_t before_ms)
{
    for (unsigned i = 0; i < MONITORS; i++) {
        const struct watched *m = &w->monitors[i];
        if (is_stale(w, i) && before_ms - m->result_ms <= m->stale_ms) {
            list_vantages(w);
            return;
        }
    }
}

/* Each by itself: the model looks at everything after each step, the machine when it is asked to. */
static void step(struct world *w)
{
    int64_t before_ms = w->now_ms;
    w->now_ms += (int64_t)roll(w, 8) == 0 ? (int64_t)roll(w, 12000) : (int64_t)roll(w, 50);
    notice_stale(w, before_ms);
    settle_all(w); /* whose time is up, and who has fallen silent by now */
    follow(w);
    happen(w);
    settle_all(w);
    follow(w);
    compare(w);
}

/* ---- over a reload ---- */

static void take_over(struct world *w, struct health *next)
{
    health_free(w->health);
    w->health = next;
}

static void reload(struct world *w)
{
    struct health *next = build(w);
    health_carry(next, w->health, WALL + w->now_ms);
    take_over(w, next);
    follow(w);
    compare(w);
}

static void reload_in_turns(struct world *w)
{
    struct health *next = build(w);
    struct health_carrier *carrier = health_carrier_new(next, w->health, WALL + w->now_ms);
    health_carrier_watch(carrier);
    while (health_carrier_step(carrier, 1 + roll(w, 20))) {
        step(w);
    }
    health_carrier_settle(carrier);
    for (uint64_t left = roll(w, 4); left != 0; left--) {
        step(w);
        (void)health_carrier_catch_up(carrier, roll(w, 10));
    }
    (void)health_carrier_catch_up(carrier, SIZE_MAX);
    health_carrier_end(carrier);
    health_carrier_free(carrier);
    take_over(w, next);
    follow(w);
    compare(w);
}

/* ---- rounds ---- */

static void choose_rules(struct world *w, struct watched *m)
{
    static const int64_t failbacks[] = {0, 0, 0, 3000, HEALTH_MANUAL};
    struct health_rule *rule = &m->object.rule;
    rule->hold_down_ms = roll(w, 2) == 0 ? 0 : 1000 + (int64_t)roll(w, 8000);
    rule->failback_ms = failbacks[roll(w, 5)];
    if (roll(w, 2) == 0) {
        rule->penalty = 1000;
        rule->suppress = 1500 + (double)roll(w, 2000);
        rule->reuse = 400 + (double)roll(w, 800);
        rule->half_life_ms = 1000 + (int64_t)roll(w, 30000);
        rule->max_suppress_ms = 4 * rule->half_life_ms;
    }
    m->object.falls = memory_alloc_array(FALLS, sizeof *m->object.falls);
    m->rising.plan = (struct health_ramp_plan){.count = roll(w, 4), .each_ms = 1000 + (int64_t)roll(w, 3000)};
    for (size_t i = 0; i < m->rising.plan.count; i++) {
        m->rising.plan.steps[i] = (uint8_t)(1 + 20 * i + roll(w, 20));
    }
    m->stale_ms = roll(w, 2) == 0 ? 0 : 2000 + (int64_t)roll(w, 20000);
}

static void begin(struct world *w, uint64_t seed)
{
    static const char *const scopes[] = {"eu-*", "us-*", "local", "*"};
    memset(w, 0, sizeof *w);
    random_init(&w->random, seed);
    w->now_ms = 1000;
    w->local_weight = (uint32_t)roll(w, 3);
    for (size_t i = 0; i < QUORUMS; i++) {
        w->quorums[i] = (struct health_quorum){.kind = (enum health_quorum_kind)roll(w, 4),
                                               .count = 1 + (uint32_t)roll(w, 4),
                                               .at_least = (uint32_t)roll(w, 4),
                                               .names = w->names[i],
                                               .name_count = i < 2 ? 0 : 1 + roll(w, 2)};
        w->names[i][0] = scopes[roll(w, 4)];
        w->names[i][1] = scopes[3]; /* so that the first vantage counts: see change_vantage() */
        w->names[i][0] = w->quorums[i].name_count == 1 ? scopes[roll(w, 2) * 3] : w->names[i][0];
    }
    for (size_t i = 0; i < MONITORS; i++) {
        w->quorum_of[i] = (uint32_t)roll(w, QUORUMS);
        choose_rules(w, &w->monitors[i]);
    }
    w->vantages[0] = (struct vantage){.is_there = true, .weight = w->local_weight, .name = "local"};
    w->vantages[1] = (struct vantage){.is_there = true, .weight = 1, .name = "eu-1", .heard_ms = -1};
    for (size_t v = 2; v < VANTAGES; v++) {
        w->vantages[v].heard_ms = -1;
    }
    w->health = build(w);
    list_vantages(w);
}

static void the_machine_does_what_the_model_says(void **state)
{
    static struct world w;
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        begin(&w, seed);
        for (int i = 0; i < STEPS; i++) {
            step(&w);
            switch (roll(&w, 40)) {
            case 0: reload(&w); break;
            case 1: reload_in_turns(&w); break;
            default: break;
            }
        }
        health_free(w.health);
        for (unsigned i = 0; i < MONITORS; i++) {
            free(w.monitors[i].object.falls);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_machine_does_what_the_model_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
