/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Health machines of random plans, and whatever may happen to one, for tests that compare what became of two
 * of them. Seeds are fixed: a failure repeats. */
#pragma once

#include "unit.h"

#include "base/arena.h"
#include "base/random.h"
#include "health/health.h"

#include <stdio.h>
#include <string.h>

enum {
    REGIONS = 3,
    AZS = 6,
    ENDPOINTS = 30,
    ROUNDS = 400,
    KINDS = HEALTH_REGION + 1,
    MONITORS_MAX = 4,
    CONTROLS = 3
};

struct scene {
    struct random random;
    struct arena *arena;
    int64_t now_ms;
    bool brakes;      /* its machines have one */
    uint64_t failing; /* of 8 results */
    bool has_no_overrides, has_no_loads;
    uint64_t adopted; /* verdicts of another machine */
};

/* Never two of them in one list of arguments or initialisers, whose order compilers choose: a seed is to tell
 * one story wherever it runs. */
static inline uint64_t roll(struct scene *s, uint64_t below)
{
    return random_below(&s->random, below);
}

/* ---- machines ---- */

/* The window is 405 ms, in which some 40 things happen. */
static inline const struct health_brake_plan *plan_brake(struct scene *s, const struct health_plan *plan)
{
    struct health_brake_monitor *monitors = arena_alloc(s->arena, plan->monitor_count * sizeof *monitors);
    struct health_brake_plan *brake = arena_alloc(s->arena, sizeof *brake);
    uint64_t *identities = arena_alloc(s->arena, CONTROLS * sizeof *identities);
    static const uint8_t controls[CONTROLS] = {0, 1, 0};
    for (size_t i = 0; i < plan->monitor_count; i++) {
        uint64_t of = plan->monitors[i].identity / 10;
        monitors[i] = (struct health_brake_monitor){.subject = of % 8 == 0 ? 0 : of % 24,
                                                    .interval_ms = of % 3 == 0 ? 300 : 60,
                                                    .timeout_ms = 90,
                                                    .family = (uint8_t)(of % 5 == 0)};
    }
    for (uint64_t i = 0, first = roll(s, CONTROLS); i < CONTROLS; i++) {
        identities[i] = (i + first) % CONTROLS * 2 + controls[i];
    }
    *brake = (struct health_brake_plan){.share = roll(s, 2) == 0 ? 1 : 0.6,
                                        .targets = 2,
                                        .hold_ms = 1000,
                                        .monitors = monitors,
                                        .controls = controls,
                                        .control_identities = identities,
                                        .control_count = CONTROLS};
    return brake;
}

/* Some of the objects, in one order or the other, each in some az; checks that may be the same as elsewhere.
 */
static inline struct health *make(struct scene *s)
{
    struct health_region_plan regions[REGIONS];
    struct health_az_plan azs[AZS];
    struct health_endpoint_plan endpoints[ENDPOINTS];
    struct health_load_plan loads[ENDPOINTS] = {{.is_given = false}};
    struct health_monitor_plan monitors[ENDPOINTS * MONITORS_MAX];
    struct health_kin kin[ENDPOINTS * MONITORS_MAX];
    uint64_t addressed[ENDPOINTS];
    struct health_plan plan = {.regions = regions,
                               .azs = azs,
                               .endpoints = endpoints,
                               .monitors = monitors,
                               .loads = loads,
                               .kin = kin,
                               .addressed = addressed};
    static const double shares[] = {0.01, 0.5, 1};
    plan.region_count = 1 + roll(s, REGIONS);
    plan.az_count = 1 + roll(s, AZS);
    for (size_t i = 0; i < plan.region_count; i++) {
        regions[i] = (struct health_region_plan){arena_print(s->arena, "r%zu", i), shares[roll(s, 3)]};
    }
    for (size_t i = 0; i < plan.az_count; i++) {
        uint32_t region = (uint32_t)roll(s, plan.region_count);
        azs[i] = (struct health_az_plan){arena_print(s->arena, "z%zu", i), region, shares[roll(s, 3)]};
    }
    bool backwards = roll(s, 2) == 0;
    for (size_t n = 0; n < ENDPOINTS; n++) {
        size_t number = backwards ? ENDPOINTS - 1 - n : n;
        if (roll(s, 5) == 0) {
            continue;
        }
        uint32_t index = (uint32_t)plan.endpoint_count++;
        endpoints[index] = (struct health_endpoint_plan){arena_print(s->arena, "e%zu", number),
                                                         (uint32_t)roll(s, plan.az_count)};
        addressed[index] = roll(s, 3) == 0 ? roll(s, 6) : 100 + number;
        bool has_load = roll(s, 3) != 0;
        loads[index] = (struct health_load_plan){
            .is_given = has_load, .low = 1, .high = 2 + (double)roll(s, 3), .max_age_ms = 500};
        for (uint64_t m = roll(s, MONITORS_MAX); m > 0; m--) {
            uint64_t subject = roll(s, 3), check = roll(s, 3);
            uint64_t identity = number * 10 + m + (roll(s, 6) == 0 ? 5 : 0);
            kin[plan.monitor_count] = (struct health_kin){.subject = subject, .check = check};
            monitors[plan.monitor_count++] = (struct health_monitor_plan){.endpoint = index,
                                                                          .rise = (uint16_t)(1 + number % 3),
                                                                          .fall = (uint16_t)(1 + number % 2),
                                                                          .identity = identity,
                                                                          .families = (uint8_t)roll(s, 4)};
        }
    }
    if (s->brakes) {
        plan.brake = plan_brake(s, &plan);
        plan.loads = NULL;
    }
    struct health *health = health_new(&plan, s->now_ms);
    health_watch_wavering(health, roll(s, 2) == 0);
    return health;
}

/* ---- what happens to a machine ---- */

static inline void override_some(struct scene *s, struct health *health)
{
    enum health_kind kind = (enum health_kind)roll(s, KINDS);
    struct health_override override = {.desired = (enum health_desired)roll(s, 4), .set_ms = s->now_ms};
    if (health_count(health, kind) == 0) {
        return;
    }
    if (roll(s, 3) == 0) {
        override.starts_ms = s->now_ms + 1 + (int64_t)roll(s, 300);
    }
    if (roll(s, 2) == 0) {
        override.expires_ms =
            (override.starts_ms != 0 ? override.starts_ms : s->now_ms) + 1 + (int64_t)roll(s, 300);
    }
    snprintf(override.reason, sizeof override.reason, "%ld", (long)roll(s, 100));
    (void)health_set_override(health, kind, (uint32_t)roll(s, health_count(health, kind)), &override,
                              s->now_ms);
}

static inline void report_some(struct scene *s, struct health *health, uint32_t endpoint)
{
    double load = (double)roll(s, 6);
    int64_t ttl_ms = roll(s, 2) == 0 ? 0 : 50 + (int64_t)roll(s, 2000);
    struct health_load_report report = {.load = load, .source = HEALTH_LOAD_FROM_CHECK, .ttl_ms = ttl_ms};
    if (roll(s, 6) == 0) {
        (void)health_forget_load(health, endpoint, s->now_ms, s->now_ms);
    } else {
        (void)health_report_load(health, endpoint, &report, s->now_ms, s->now_ms);
    }
}

/* The order in which they lie depends on how they came. */
static inline bool is_named_before(const struct health_dormant *a, const struct health_dormant *b)
{
    return a->kind != b->kind ? a->kind < b->kind : strcmp(a->name, b->name) < 0;
}

/* The first one by name behind `after`; NULL: of all. */
static inline const struct health_dormant *next_named(const struct health *health,
                                                      const struct health_dormant *after)
{
    const struct health_dormant *next = NULL;
    struct health_dormant_cursor cursor = {0};
    for (const struct health_dormant *item; (item = health_next_dormant(health, &cursor)) != NULL;) {
        if ((after == NULL || is_named_before(after, item)) &&
            (next == NULL || is_named_before(item, next))) {
            next = item;
        }
    }
    return next;
}

static inline void forget_some(struct scene *s, struct health *health)
{
    size_t count = health_count_dormant(health);
    if (count != 0) {
        const struct health_dormant *dormant = next_named(health, NULL);
        for (uint64_t left = roll(s, count); left != 0; left--) {
            dormant = next_named(health, dormant);
        }
        assert_true(health_forget_dormant(health, dormant->kind, dormant->name));
    }
}

static inline void forget_outages(struct scene *s, struct health *health)
{
    size_t done = 0;
    while (roll(s, 8) == 0 && health_forget_outages(health, &done)) {
    }
}

/* Now and then what the brake turns is left for the next one. */
static inline void follow_brake(struct scene *s, struct health *health)
{
    while (health_follow_brake(health, 3, s->now_ms) && roll(s, 4) != 0) {
    }
}

static inline void observe(struct scene *s, struct health *health, size_t monitors,
                           enum health_outcome outcome)
{
    if (monitors != 0) {
        uint32_t monitor = (uint32_t)roll(s, monitors), duration_us = (uint32_t)roll(s, 1000);
        health_observe(health, monitor, outcome, s->now_ms, duration_us, 0);
    }
}

static inline void observe_braked(struct scene *s, struct health *health, size_t monitors)
{
    static const enum health_outcome others[] = {HEALTH_OUTCOME_BAD_STATUS, HEALTH_OUTCOME_UNRESOLVED,
                                                 HEALTH_OUTCOME_LOCAL_ERROR, HEALTH_OUTCOME_LOCAL_ERROR};
    uint64_t which = roll(s, 20);
    s->failing = roll(s, 60) == 0 ? roll(s, 9) : s->failing;
    enum health_outcome outcome = roll(s, 8) < s->failing ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_OK;
    outcome = which < 4 ? others[which] : outcome;
    while (health_follow_brake(health, 3, s->now_ms)) {
    }
    if (roll(s, 20) == 0) {
        health_observe_control(health, (uint32_t)roll(s, CONTROLS), outcome);
    } else {
        observe(s, health, monitors, outcome);
    }
    follow_brake(s, health);
}

static inline void observe_some(struct scene *s, struct health *health, size_t monitors)
{
    static const enum health_outcome outcomes[] = {HEALTH_OUTCOME_OK, HEALTH_OUTCOME_TIMEOUT,
                                                   HEALTH_OUTCOME_OK, HEALTH_OUTCOME_TIMEOUT,
                                                   HEALTH_OUTCOME_LOCAL_ERROR};
    if (s->brakes) {
        observe_braked(s, health, monitors);
    } else {
        observe(s, health, monitors, outcomes[roll(s, 5)]);
    }
}

static inline void let_something_happen(struct scene *s, struct health *health)
{
    size_t monitors = health_monitor_count(health), endpoints = health_count(health, HEALTH_ENDPOINT);
    s->now_ms += (int64_t)roll(s, 20) + s->brakes; /* what happens at once has no order behind a reload */
    health_follow_time(health, s->now_ms);
    switch (roll(s, 10)) {
    case 0:
        if (!s->has_no_overrides) {
            override_some(s, health);
        }
        break;
    case 1:
        health_follow_clock(health, s->now_ms);
        health_expire_loads(health, s->now_ms, s->now_ms);
        if (roll(s, 10) == 0) {
            forget_some(s, health);
        }
        if (s->brakes) {
            forget_outages(s, health);
        }
        break;
    case 2:
        if (endpoints != 0 && !s->has_no_loads) {
            report_some(s, health, (uint32_t)roll(s, endpoints));
        }
        break;
    case 3:
        if (endpoints != 0) {
            uint32_t endpoint = (uint32_t)roll(s, endpoints), resolved = (uint32_t)roll(s, 4);
            health_set_resolved(health, endpoint, resolved << HEALTH_WORD_RESOLVED_SHIFT);
        }
        break;
    case 4:
        if (monitors != 0) {
            uint32_t monitor = (uint32_t)roll(s, monitors);
            (void)health_use_monitor(health, monitor, roll(s, 3) != 0, s->now_ms);
        }
        break;
    default: observe_some(s, health, monitors);
    }
}

static inline void let_happen(struct scene *s, struct health *health, uint64_t most)
{
    for (uint64_t n = roll(s, most + 1); n > 0; n--) {
        let_something_happen(s, health);
    }
}

static inline uint32_t word(const struct health *health, enum health_kind kind, uint32_t index)
{
    const struct health_table *t = health_get_table(health);
    const _Atomic uint32_t *words = kind == HEALTH_ENDPOINT ? t->endpoints
                                    : kind == HEALTH_AZ     ? t->azs
                                                            : t->regions;
    return atomic_load(&words[index]);
}

static inline const struct health_outage *outage(const struct health *health, enum health_kind kind,
                                                 uint32_t index, enum health_family family)
{
    const struct health_table *t = health_get_table(health);
    return kind == HEALTH_ENDPOINT ? &t->endpoints_outage[index][family]
           : kind == HEALTH_AZ     ? &t->azs_outage[index]
                                   : &t->regions_outage[index];
}

/* After some life, and a reload. */
static inline struct health *make_old(struct scene *s)
{
    struct health *before = make(s);
    for (int i = 0; i < 200; i++) {
        let_something_happen(s, before);
    }
    struct health *health = make(s);
    health_carry(health, before, s->now_ms);
    health_free(before);
    for (int i = 0; i < 200; i++) {
        let_something_happen(s, health);
    }
    return health;
}
