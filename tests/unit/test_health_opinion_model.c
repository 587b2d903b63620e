/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Random vantages that report, fall silent, are drained, enrolled, started anew and set aside, with weights,
 * scopes, all kinds of quorums and hold_down, against a model that keeps everything that anybody ever said
 * and judges all of it anew at each step; carried over, whole and in turns, at any moment. */
#include "config.h"

#include "unit.h"

#include "base/random.h"
#include "health/health.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

enum { MONITORS = 70, QUORUMS = 6, VANTAGES = 5, CONTROLS = 2, EXPIRES = 10000, WALL = 1000000 };
enum { HOLD_DOWN = 8000, RISE = 2, FALL = 3, STEPS = 1500, ROUNDS = 10 };

/* ---- the model ---- */

struct opinion {
    enum health_observed verdict;
    bool is_old; /* it was said by a run before */
};

struct vantage {
    bool is_there, drained;
    uint32_t weight;
    char name[16];
    int64_t heard_ms; /* -1: never */
    bool has_spoken, aside;
    int64_t awaited_ms; /* until then it may say anything */
    struct opinion says[MONITORS + CONTROLS];
};

struct watched {
    unsigned row; /* results alike */
    bool failing;
    enum health_observed own, verdict;
    bool is_down, is_ready;
    int64_t down_ms;
};

struct world {
    struct random random;
    struct health *health;
    struct health_quorum quorums[QUORUMS];
    const char *names[QUORUMS][2];
    uint32_t quorum_of[MONITORS];
    uint32_t local_weight;
    int64_t now_ms;
    struct vantage vantages[VANTAGES]; /* [0]: ourselves */
    unsigned control_row[CONTROLS];    /* of our own failures */
    struct watched monitors[MONITORS];
};

static uint64_t roll(struct world *w, uint64_t below)
{
    return random_below(&w->random, below);
}

static bool is_fresh(const struct world *w, unsigned v)
{
    const struct vantage *vantage = &w->vantages[v];
    return v == 0 || (vantage->heard_ms >= 0 && w->now_ms - vantage->heard_ms <= EXPIRES);
}

static enum health_observed says(const struct world *w, unsigned v, unsigned what)
{
    const struct opinion *opinion = &w->vantages[v].says[what];
    return v == 0 && what < MONITORS ? w->monitors[what].own
           : opinion->is_old         ? HEALTH_OBSERVED_UNKNOWN
                                     : opinion->verdict;
}

/* All control targets are IPv4's. */
static bool is_aside(const struct world *w, unsigned v)
{
    for (unsigned c = MONITORS; c < MONITORS + CONTROLS; c++) {
        uint32_t up = 0, down = 0;
        for (unsigned other = 0; other < VANTAGES; other++) {
            const struct vantage *vantage = &w->vantages[other];
            bool is_witness = other != v && vantage->is_there && !vantage->drained && is_fresh(w, other);
            up += is_witness && says(w, other, c) == HEALTH_OBSERVED_HEALTHY ? vantage->weight : 0;
            down += is_witness && says(w, other, c) == HEALTH_OBSERVED_UNHEALTHY ? vantage->weight : 0;
        }
        if (says(w, v, c) != HEALTH_OBSERVED_UNHEALTHY || up <= down) {
            return false;
        }
    }
    return true;
}

/* Who was set aside stays so until it says anything of control targets. */
static void weigh(struct world *w)
{
    bool aside[VANTAGES];
    for (unsigned v = 0; v < VANTAGES; v++) {
        const struct vantage *vantage = &w->vantages[v];
        bool speaks = false;
        for (unsigned c = MONITORS; c < MONITORS + CONTROLS; c++) {
            speaks = speaks || says(w, v, c) != HEALTH_OBSERVED_UNKNOWN;
        }
        bool counts = vantage->is_there && !vantage->drained;
        bool stays = vantage->aside && (!speaks || !is_fresh(w, v));
        aside[v] = counts && (stays || (is_fresh(w, v) && is_aside(w, v)));
    }
    for (unsigned v = 0; v < VANTAGES; v++) {
        w->vantages[v].aside = aside[v];
    }
}

static bool is_in_scope(const struct world *w, const struct health_quorum *quorum, unsigned v)
{
    bool is = quorum->name_count == 0;
    for (size_t i = 0; i < quorum->name_count; i++) {
        is = is || fnmatch(quorum->names[i], w->vantages[v].name, 0) == 0;
    }
    return is && w->vantages[v].is_there && w->vantages[v].weight != 0;
}

struct count {
    uint32_t weight, weight_down, weight_awaited, weight_could;
    unsigned opinions, could;
    bool by_others;
};

static struct count count_all(const struct world *w, unsigned monitor)
{
    const struct health_quorum *quorum = &w->quorums[w->quorum_of[monitor]];
    struct count count = {.by_others = !is_in_scope(w, quorum, 0)};
    for (unsigned v = 0; v < VANTAGES; v++) {
        bool is_drained = w->vantages[v].drained;
        enum health_observed verdict = says(w, v, monitor);
        if (!is_in_scope(w, quorum, v)) {
            continue;
        }
        count.by_others = count.by_others || v != 0;
        count.could += !is_drained;
        count.weight_could += is_drained ? 0 : w->vantages[v].weight;
        if (is_drained || w->vantages[v].aside) {
            continue;
        }
        if (!is_fresh(w, v) || verdict == HEALTH_OBSERVED_UNKNOWN) {
            bool waits = v != 0 && w->now_ms < w->vantages[v].awaited_ms &&
                         w->monitors[monitor].verdict != HEALTH_OBSERVED_UNKNOWN;
            count.weight_awaited += waits ? w->vantages[v].weight : 0;
            continue;
        }
        count.opinions++;
        count.weight += w->vantages[v].weight;
        count.weight_down += verdict == HEALTH_OBSERVED_UNHEALTHY ? w->vantages[v].weight : 0;
    }
    return count;
}

static bool find(const struct health_quorum *quorum, uint32_t could, uint32_t up, uint32_t down)
{
    switch (quorum->kind) {
    case HEALTH_QUORUM_ANY: return down > 0;
    case HEALTH_QUORUM_MAJORITY: return down > up;
    case HEALTH_QUORUM_ALL: return up == 0;
    default: return down >= quorum->count || down == could;
    }
}

/* Those who are awaited say all up, or all down: what they can change is not judged. */
static enum health_observed judge(const struct world *w, unsigned monitor)
{
    const struct health_quorum *quorum = &w->quorums[w->quorum_of[monitor]];
    struct count count = count_all(w, monitor);
    unsigned needed = quorum->at_least == 0 ? (count.could + 1) / 2 : quorum->at_least;
    needed = needed > count.could ? count.could : needed;
    if (count.opinions == 0 || count.opinions < needed) {
        return HEALTH_OBSERVED_UNKNOWN;
    }
    uint32_t up = count.weight - count.weight_down, down = count.weight_down, others = count.weight_awaited;
    if (quorum->kind == HEALTH_QUORUM_COUNT && up + down < quorum->count && up + down < count.weight_could &&
        down > 0) {
        return HEALTH_OBSERVED_UNKNOWN;
    }
    bool is_down = find(quorum, count.weight_could, up + others, down);
    return is_down != find(quorum, count.weight_could, up, down + others) ? HEALTH_OBSERVED_UNKNOWN
           : is_down                                                      ? HEALTH_OBSERVED_UNHEALTHY
                                                                          : HEALTH_OBSERVED_HEALTHY;
}

/* What it says of a monitor has become this. */
static void settle(struct world *w, unsigned monitor, enum health_observed judged)
{
    struct watched *m = &w->monitors[monitor];
    if (judged == HEALTH_OBSERVED_UNHEALTHY) {
        m->is_ready = false;
        if (m->verdict == HEALTH_OBSERVED_HEALTHY) {
            m->is_down = true;
            m->down_ms = w->now_ms;
        }
        m->verdict = HEALTH_OBSERVED_UNHEALTHY;
    } else if (judged == HEALTH_OBSERVED_HEALTHY) {
        m->is_ready = m->is_down;
        if (!m->is_down) {
            m->verdict = HEALTH_OBSERVED_HEALTHY;
        }
    }
    if (m->is_down && m->is_ready && w->now_ms >= m->down_ms + HOLD_DOWN) {
        m->is_down = m->is_ready = false;
        m->verdict = HEALTH_OBSERVED_HEALTHY;
    }
}

static void settle_all(struct world *w)
{
    weigh(w);
    for (unsigned i = 0; i < MONITORS; i++) {
        settle(w, i, judge(w, i));
    }
}

/* ---- the machine ---- */

static struct health *build(const struct world *w)
{
    static const struct health_region_plan regions[] = {{"r", 1}};
    static const struct health_az_plan azs[] = {{"a", 0, 1}};
    static char names[MONITORS][8];
    static struct health_endpoint_plan endpoints[MONITORS];
    static struct health_monitor_plan monitors[MONITORS];
    static struct health_brake_monitor brakes[MONITORS];
    static uint32_t rules[MONITORS];
    static const uint8_t controls[CONTROLS] = {0, 0};
    static const uint64_t control_identities[CONTROLS] = {7, 8};
    static const struct health_rule rule = {.hold_down_ms = HOLD_DOWN};
    for (uint32_t i = 0; i < MONITORS; i++) {
        snprintf(names[i], sizeof names[i], "e%u", i);
        endpoints[i] = (struct health_endpoint_plan){names[i], 0};
        monitors[i] =
            (struct health_monitor_plan){.endpoint = i, .rise = RISE, .fall = FALL, .identity = i + 1};
        brakes[i] = (struct health_brake_monitor){.subject = i + 1, .interval_ms = 1000, .timeout_ms = 500};
        rules[i] = 1;
    }
    const struct health_rules stay = {.rules = &rule, .count = 1, .monitors = rules};
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

static void compare(const struct world *w)
{
    for (uint32_t i = 0; i < MONITORS; i++) {
        struct health_monitor_status status;
        struct health_judgement judgement;
        struct count count = count_all(w, i);
        assert_int_equal(health_get_monitor(w->health, i, &status), 0);
        health_get_judgement(w->health, i, &judgement);
        assert_int_equal(status.verdict, w->monitors[i].verdict);
        assert_int_equal(health_word_observed(atomic_load(&health_get_table(w->health)->endpoints[i])),
                         w->monitors[i].verdict);
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
                settle(w, heard[i].monitor, judge(w, heard[i].monitor));
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
        m->own = fails && m->row >= FALL                                           ? HEALTH_OBSERVED_UNHEALTHY
                 : !fails && (m->row >= RISE || m->own == HEALTH_OBSERVED_UNKNOWN) ? HEALTH_OBSERVED_HEALTHY
                                                                                   : m->own;
        health_follow_time(w->health, w->now_ms);
        health_observe(w->health, monitor, fails ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_OK,
                       WALL + w->now_ms, 0, 0);
        settle(w, monitor, judge(w, monitor));
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

static void happen(struct world *w)
{
    unsigned v = 1 + (unsigned)roll(w, VANTAGES - 1);
    switch (roll(w, 12)) {
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
    default: say(w, v); break;
    }
}

/* Each by itself: the model looks at everything after each step, the machine when it is asked to. */
static void step(struct world *w)
{
    w->now_ms += (int64_t)roll(w, 8) == 0 ? (int64_t)roll(w, 12000) : (int64_t)roll(w, 50);
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
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_machine_does_what_the_model_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
