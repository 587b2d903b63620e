/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Random observations, overrides and expiries against a model that recomputes everything from scratch after
 * each step, by the rules as design and headers word them. Seeds are fixed: a failure repeats. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "health/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REGIONS = 4, AZS = 9, ENDPOINTS = 24, MONITORS = 40, STEPS = 4000, KINDS = 3 };

struct model_object {
    char name[40];
    uint32_t parent;
    double lost_at;
    enum health_observed observed, families[HEALTH_FAMILIES]; /* families: of endpoints */
    struct health_effective effective;
    int64_t since_ms, starts_ms, expires_ms;
    enum health_desired desired, planned; /* planned: from starts_ms on */
};

struct model_monitor {
    uint32_t endpoint;
    unsigned rise, fall, successes, failures;
    unsigned families;
    enum health_role role;
    enum health_observed verdict;
};

struct model {
    struct model_object objects[KINDS][ENDPOINTS];
    size_t counts[KINDS];
    struct model_monitor monitors[MONITORS];
    struct health_need needs[ENDPOINTS];
    struct health *health;
    bool told[KINDS][ENDPOINTS];
    int kind_told; /* of the latest change: the order is region, az, endpoint */
    int64_t now_ms;
};

/* ---- the slow way ---- */

/* Is a family in the mask as it has to be, if what is unknown were this? *any: somebody has a say. */
static bool is_good(const struct model *model, uint32_t endpoint, unsigned families,
                    enum health_observed unknown, bool *any)
{
    unsigned all = 0, healthy = 0, at_least = model->needs[endpoint].at_least;
    at_least = at_least == 0 ? 1 : at_least;
    bool is_complete = true;
    for (size_t i = 0; i < MONITORS; i++) {
        const struct model_monitor *m = &model->monitors[i];
        if (m->endpoint != endpoint || (m->families & families) == 0 || m->role == HEALTH_WATCHED) {
            continue;
        }
        bool is_healthy =
            (m->verdict == HEALTH_OBSERVED_UNKNOWN ? unknown : m->verdict) == HEALTH_OBSERVED_HEALTHY;
        all++;
        healthy += is_healthy;
        is_complete = is_complete && (is_healthy || m->role != HEALTH_REQUIRED);
    }
    *any = all != 0;
    return is_complete && (healthy >= at_least || healthy == all);
}

/* Of the families in the mask: it is known as soon as what is unknown cannot change it. */
static enum health_observed family_observed(const struct model *model, uint32_t endpoint, unsigned families)
{
    bool any;
    bool may_be = is_good(model, endpoint, families, HEALTH_OBSERVED_HEALTHY, &any);
    bool has_to_be = is_good(model, endpoint, families, HEALTH_OBSERVED_UNHEALTHY, &any);
    return !any        ? HEALTH_OBSERVED_UNKNOWN
           : has_to_be ? HEALTH_OBSERVED_HEALTHY
           : may_be    ? HEALTH_OBSERVED_UNKNOWN
                       : HEALTH_OBSERVED_UNHEALTHY;
}

static bool has_family(const struct model *model, uint32_t endpoint, unsigned family)
{
    size_t i = 0;
    while (i < MONITORS &&
           (model->monitors[i].endpoint != endpoint || (model->monitors[i].families & family) == 0 ||
            model->monitors[i].role == HEALTH_WATCHED)) {
        i++;
    }
    return i < MONITORS;
}

static void observe_endpoint(const struct model *model, uint32_t endpoint, struct model_object *object)
{
    for (int family = HEALTH_V4; family < HEALTH_FAMILIES; family++) {
        unsigned own = 1u << family;
        object->families[family] =
            family_observed(model, endpoint, has_family(model, endpoint, own) ? own : 3);
    }
    enum health_observed *of = object->families;
    bool together = model->needs[endpoint].together;
    bool works = of[HEALTH_V4] == HEALTH_OBSERVED_HEALTHY || of[HEALTH_V6] == HEALTH_OBSERVED_HEALTHY;
    bool fails = of[HEALTH_V4] == HEALTH_OBSERVED_UNHEALTHY && of[HEALTH_V6] == HEALTH_OBSERVED_UNHEALTHY;
    if (together) {
        works = of[HEALTH_V4] == of[HEALTH_V6] && works;
        fails = of[HEALTH_V4] == HEALTH_OBSERVED_UNHEALTHY || of[HEALTH_V6] == HEALTH_OBSERVED_UNHEALTHY;
    }
    object->observed = works   ? HEALTH_OBSERVED_HEALTHY
                       : fails ? HEALTH_OBSERVED_UNHEALTHY
                               : HEALTH_OBSERVED_UNKNOWN;
    if (together) {
        of[HEALTH_V4] = of[HEALTH_V6] = object->observed;
    }
}

static bool has_say(const struct model *model, int kind, uint32_t index)
{
    if (kind == HEALTH_ENDPOINT) {
        for (size_t i = 0; i < MONITORS; i++) {
            if (model->monitors[i].endpoint == index && model->monitors[i].role != HEALTH_WATCHED) {
                return true;
            }
        }
        return false;
    }
    for (uint32_t i = 0; i < model->counts[kind - 1]; i++) {
        if (model->objects[kind - 1][i].parent == index && has_say(model, kind - 1, i)) {
            return true;
        }
    }
    return false;
}

static enum health_observed group_observed(const struct model *model, int kind, uint32_t index)
{
    unsigned all = 0, healthy = 0, unhealthy = 0;
    for (uint32_t i = 0; i < model->counts[kind - 1]; i++) {
        const struct model_object *member = &model->objects[kind - 1][i];
        if (member->parent != index || !has_say(model, kind - 1, i)) {
            continue;
        }
        all++;
        healthy += member->observed == HEALTH_OBSERVED_HEALTHY;
        unhealthy += member->observed == HEALTH_OBSERVED_UNHEALTHY;
    }
    if (unhealthy != 0 && (double)unhealthy / all >= model->objects[kind][index].lost_at - 0.0005 / all) {
        return HEALTH_OBSERVED_UNHEALTHY;
    }
    return healthy != 0 ? HEALTH_OBSERVED_HEALTHY : HEALTH_OBSERVED_UNKNOWN;
}

static struct health_effective effective_of(const struct model *model, int kind, uint32_t index)
{
    static const enum health_state forced[] = {HEALTH_UNKNOWN, HEALTH_DRAINED, HEALTH_FORCED_UP,
                                               HEALTH_FORCED_DOWN};
    static const enum health_decider deciders[] = {HEALTH_BY_ENDPOINT_OVERRIDE, HEALTH_BY_AZ_OVERRIDE,
                                                   HEALTH_BY_REGION_OVERRIDE};
    const struct model_object *chain[KINDS] = {NULL};
    for (int k = kind, i = (int)index; k < KINDS; i = (int)chain[k]->parent, k++) {
        chain[k] = &model->objects[k][i];
    }
    for (int k = kind; k < KINDS; k++) {
        if (chain[k]->desired != HEALTH_DESIRED_AUTO) {
            return (struct health_effective){forced[chain[k]->desired], deciders[k]};
        }
    }
    if (kind < HEALTH_REGION && chain[HEALTH_REGION]->observed == HEALTH_OBSERVED_UNHEALTHY) {
        return (struct health_effective){HEALTH_UNHEALTHY, HEALTH_BY_REGION_LOST};
    }
    if (kind < HEALTH_AZ && chain[HEALTH_AZ]->observed == HEALTH_OBSERVED_UNHEALTHY) {
        return (struct health_effective){HEALTH_UNHEALTHY, HEALTH_BY_AZ_LOST};
    }
    return (struct health_effective){(enum health_state)chain[kind]->observed, HEALTH_BY_VERDICT};
}

/* Recompute everything; what differs from before must have been told, and nothing else. */
static void check_step(struct model *model, bool is_carried)
{
    struct model_object before[KINDS][ENDPOINTS];
    uint64_t generation = atomic_load(&health_get_table(model->health)->generation);
    assert_int_equal(generation & HEALTH_CHANGING, 0); /* whatever began a change has ended it */
    memcpy(before, model->objects, sizeof before);
    for (int kind = HEALTH_ENDPOINT; kind < KINDS; kind++) {
        for (uint32_t i = 0; i < model->counts[kind]; i++) {
            if (kind == HEALTH_ENDPOINT) {
                observe_endpoint(model, i, &model->objects[kind][i]);
            } else {
                model->objects[kind][i].observed = group_observed(model, kind, i);
            }
        }
    }
    for (int kind = HEALTH_ENDPOINT; kind < KINDS; kind++) {
        for (uint32_t i = 0; i < model->counts[kind]; i++) {
            struct model_object *object = &model->objects[kind][i], *old = &before[kind][i];
            object->effective = effective_of(model, kind, i);
            bool changed = object->effective.state != old->effective.state ||
                           object->effective.decided_by != old->effective.decided_by ||
                           object->observed != old->observed ||
                           memcmp(object->families, old->families, sizeof object->families) != 0;
            if (object->effective.state != old->effective.state) {
                object->since_ms = model->now_ms;
            }
            assert_int_equal(model->told[kind][i], changed && !is_carried);
            struct health_status status;
            assert_int_equal(health_get_status(model->health, kind, i, &status), 0);
            assert_int_equal(status.observed, object->observed);
            assert_memory_equal(status.families, object->families, sizeof object->families);
            assert_int_equal(status.desired, object->desired);
            assert_int_equal(status.planned, object->planned != HEALTH_DESIRED_AUTO);
            assert_int_equal(status.effective.state, object->effective.state);
            assert_int_equal(status.effective.decided_by, object->effective.decided_by);
            assert_int_equal(status.since_ms, object->since_ms);
        }
    }
    memset(model->told, 0, sizeof model->told);
    model->kind_told = HEALTH_REGION;
}

static void hear(void *context, const struct health_change *change)
{
    struct model *model = context;
    assert_true((int)change->kind <= model->kind_told);
    model->kind_told = change->kind;
    assert_false(model->told[change->kind][change->index]);
    model->told[change->kind][change->index] = true;
    const struct model_object *object = &model->objects[change->kind][change->index];
    assert_string_equal(change->name, object->name);
    assert_int_equal(change->before.state, object->effective.state);
    assert_int_equal(change->observed_before, object->observed);
}

/* ---- operations ---- */

static void observe(struct model *model, struct random *random, uint32_t monitor, bool failing)
{
    static const enum health_outcome failures[] = {HEALTH_OUTCOME_REFUSED, HEALTH_OUTCOME_TIMEOUT,
                                                   HEALTH_OUTCOME_BAD_STATUS};
    struct model_monitor *m = &model->monitors[monitor];
    enum health_outcome outcome = failing ? failures[random_below(random, 3)] : HEALTH_OUTCOME_OK;
    if (random_below(random, 20) == 0) {
        outcome = HEALTH_OUTCOME_LOCAL_ERROR;
    } else if (failing) {
        m->successes = 0;
        m->failures++;
        if (m->failures >= m->fall) {
            m->verdict = HEALTH_OBSERVED_UNHEALTHY;
        }
    } else {
        m->failures = 0;
        m->successes++;
        if (m->verdict == HEALTH_OBSERVED_UNKNOWN || m->successes >= m->rise) {
            m->verdict = HEALTH_OBSERVED_HEALTHY;
        }
    }
    health_observe(model->health, monitor, outcome, model->now_ms, 0, 0);
}

static void override_any(struct model *model, struct random *random)
{
    int kind = (int)random_below(random, KINDS);
    uint32_t index = (uint32_t)random_below(random, model->counts[kind]);
    struct model_object *object = &model->objects[kind][index];
    struct health_override override = {.desired = (enum health_desired)random_below(random, 4)};
    if (random_below(random, 3) == 0) {
        override.starts_ms = model->now_ms + (int64_t)random_below(random, 400);
    }
    if (random_below(random, 2) == 0) {
        int64_t from_ms = override.starts_ms == 0 ? model->now_ms : override.starts_ms + 1;
        override.expires_ms = from_ms + (int64_t)random_below(random, 400);
    }
    bool removes = override.expires_ms == model->now_ms || override.desired == HEALTH_DESIRED_AUTO;
    bool collides = !removes && override.starts_ms != 0 && object->desired != HEALTH_DESIRED_AUTO;
    assert_int_equal(health_set_override(model->health, kind, index, &override, model->now_ms),
                     collides ? ERROR_CONFLICT : 0);
    if (!collides) {
        bool is_planned = !removes && override.starts_ms > model->now_ms;
        object->desired = removes || is_planned ? HEALTH_DESIRED_AUTO : override.desired;
        object->planned = is_planned ? override.desired : HEALTH_DESIRED_AUTO;
        object->starts_ms = is_planned ? override.starts_ms : 0;
        object->expires_ms = removes ? 0 : override.expires_ms;
    }
}

/* Returns whether something happened to it. */
static bool follow_clock(struct model_object *object, int64_t now_ms)
{
    bool starts = object->planned != HEALTH_DESIRED_AUTO && object->starts_ms <= now_ms;
    bool ends = object->expires_ms != 0 && object->expires_ms <= now_ms;
    if (ends) {
        object->desired = object->planned = HEALTH_DESIRED_AUTO;
        object->starts_ms = object->expires_ms = 0;
    } else if (starts) {
        object->desired = object->planned;
        object->planned = HEALTH_DESIRED_AUTO;
        object->starts_ms = 0;
    }
    return starts || ends;
}

static void pass_time(struct model *model)
{
    int64_t next = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < model->counts[kind]; i++) {
            const struct model_object *object = &model->objects[kind][i];
            int64_t at = object->starts_ms != 0 ? object->starts_ms : object->expires_ms;
            next = at != 0 && (next == 0 || at < next) ? at : next;
        }
    }
    assert_int_equal(health_next_due(model->health), next);
    size_t due = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < model->counts[kind]; i++) {
            due += follow_clock(&model->objects[kind][i], model->now_ms);
        }
    }
    assert_int_equal(health_follow_clock(model->health, model->now_ms), due);
}

/* ---- the world ---- */

static void draw_world(struct model *model, struct random *random)
{
    static const double shares[] = {1.0, 0.5, 0.3333, 0.6667, 0.75, 0.01};
    *model = (struct model){.counts = {ENDPOINTS, AZS, REGIONS}, .kind_told = HEALTH_REGION, .now_ms = 1};
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < model->counts[kind]; i++) {
            struct model_object *object = &model->objects[kind][i];
            snprintf(object->name, sizeof object->name, "%s%zu", health_kind_text((enum health_kind)kind), i);
            object->parent =
                kind == HEALTH_REGION ? 0 : (uint32_t)random_below(random, model->counts[kind + 1]);
            object->lost_at = shares[random_below(random, 6)];
        }
    }
    for (size_t i = 0; i < MONITORS; i++) {
        model->monitors[i] = (struct model_monitor){.endpoint = (uint32_t)(i * (ENDPOINTS - 5) / MONITORS),
                                                    .rise = 1 + (unsigned)random_below(random, 3),
                                                    .fall = 1 + (unsigned)random_below(random, 3),
                                                    .families = 1 + (unsigned)random_below(random, 3)};
        bool is_rule = model->monitors[i].endpoint % 2 != 0;
        model->monitors[i].role = is_rule ? (enum health_role)random_below(random, 3) : HEALTH_REQUIRED;
    }
    for (size_t i = 0; i < ENDPOINTS; i++) {
        model->needs[i].at_least = i % 2 != 0 ? (uint16_t)random_below(random, 4) : 0;
        model->needs[i].together = random_below(random, 3) == 0;
    }
}

static struct health *build(const struct model *model, int64_t wall_ms)
{
    struct health_region_plan regions[REGIONS];
    struct health_az_plan azs[AZS];
    struct health_endpoint_plan endpoints[ENDPOINTS];
    struct health_monitor_plan monitors[MONITORS];
    uint8_t roles[MONITORS];
    for (size_t i = 0; i < REGIONS; i++) {
        const struct model_object *object = &model->objects[HEALTH_REGION][i];
        regions[i] = (struct health_region_plan){object->name, object->lost_at};
    }
    for (size_t i = 0; i < AZS; i++) {
        const struct model_object *object = &model->objects[HEALTH_AZ][i];
        azs[i] = (struct health_az_plan){object->name, object->parent, object->lost_at};
    }
    for (size_t i = 0; i < ENDPOINTS; i++) {
        const struct model_object *object = &model->objects[HEALTH_ENDPOINT][i];
        endpoints[i] = (struct health_endpoint_plan){object->name, object->parent};
    }
    for (size_t i = 0; i < MONITORS; i++) {
        const struct model_monitor *m = &model->monitors[i];
        monitors[i] = (struct health_monitor_plan){m->endpoint, (uint16_t)m->rise, (uint16_t)m->fall,
                                                   1000 + i, (uint8_t)m->families};
        roles[i] = (uint8_t)m->role;
    }
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = REGIONS,
                                            .azs = azs,
                                            .az_count = AZS,
                                            .endpoints = endpoints,
                                            .endpoint_count = ENDPOINTS,
                                            .monitors = monitors,
                                            .monitor_count = MONITORS,
                                            .needs = model->needs,
                                            .roles = roles},
                      wall_ms);
}

/* The same topology again: everything must be as before. */
static void carry_over(struct model *model)
{
    struct health *to = build(model, model->now_ms);
    health_carry(to, model->health, model->now_ms);
    health_free(model->health);
    model->health = to;
    health_set_listener(to, &(struct health_listener){.context = model, .changed = hear});
}

static void run_world(uint64_t seed)
{
    struct random random;
    random_init(&random, seed);
    struct model model;
    draw_world(&model, &random);
    model.health = build(&model, 0);
    health_set_listener(model.health, &(struct health_listener){.context = &model, .changed = hear});
    unsigned failing_of_8 = 4; /* drifts, so that whole regions fail and come back */
    for (int step = 0; step < STEPS; step++) {
        model.now_ms += (int64_t)random_below(&random, 5);
        uint64_t what = random_below(&random, 100);
        if (what == 0) {
            failing_of_8 = (unsigned)random_below(&random, 9);
        }
        if (what < 90) {
            observe(&model, &random, (uint32_t)random_below(&random, MONITORS),
                    random_below(&random, 8) < failing_of_8);
            check_step(&model, false);
        } else if (what < 96) {
            override_any(&model, &random);
            check_step(&model, false);
        } else if (what < 99) {
            pass_time(&model);
            check_step(&model, false);
        } else {
            carry_over(&model);
            check_step(&model, true);
        }
    }
    health_free(model.health);
}

static void random_worlds_match_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        run_world(seed);
    }
}

/* 100,000 endpoints, two monitors each: names, roll-up and carry must not do quadratic work. The test asserts
 * results; with anything quadratic it would not end. */
static void many_endpoints_load_and_carry(void **state)
{
    (void)state;
    enum { MANY = 100000, MANY_AZS = 100, MANY_MONITORS = 200000 };
    struct health_endpoint_plan *endpoints = memory_alloc_array(MANY, sizeof *endpoints);
    struct health_monitor_plan *monitors = memory_alloc_array(MANY_MONITORS, sizeof *monitors);
    struct health_az_plan azs[MANY_AZS];
    char(*names)[16] = memory_alloc_array(MANY, sizeof *names);
    for (uint32_t i = 0; i < MANY_AZS; i++) {
        snprintf(names[i], sizeof names[i], "%u", i);
        azs[i] = (struct health_az_plan){names[i], i % 2, 1.0};
    }
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "%u", i);
        endpoints[i] = (struct health_endpoint_plan){names[i], i % MANY_AZS};
    }
    for (uint32_t i = 0; i < MANY_MONITORS; i++) {
        monitors[i] = (struct health_monitor_plan){i / 2, 1, 1, i, 0};
    }
    struct health_region_plan regions[] = {{"even", 1.0}, {"odd", 1.0}};
    struct health_plan plan = {.regions = regions,
                               .region_count = 2,
                               .azs = azs,
                               .az_count = MANY_AZS,
                               .endpoints = endpoints,
                               .endpoint_count = MANY,
                               .monitors = monitors,
                               .monitor_count = MANY_MONITORS};
    struct health *from = health_new(&plan, 1), *to = health_new(&plan, 2);
    struct health_override down = {.desired = HEALTH_DESIRED_DOWN, .expires_ms = 500};
    for (uint32_t i = 0; i < MANY; i++) {
        health_observe(from, 2 * i, HEALTH_OUTCOME_OK, 3, 0, 0);
        health_observe(from, 2 * i + 1, i % 2 == 0 ? HEALTH_OUTCOME_OK : HEALTH_OUTCOME_TIMEOUT, 3, 0, 0);
        assert_int_equal(health_set_override(from, HEALTH_ENDPOINT, i, &down, 3), 0);
    }
    health_carry(to, from, 4);
    struct health_status status;
    health_get_status(to, HEALTH_REGION, 0, &status);
    assert_int_equal(status.observed, HEALTH_OBSERVED_HEALTHY);
    health_get_status(to, HEALTH_REGION, 1, &status);
    assert_int_equal(status.observed, HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(status.members_unhealthy, MANY_AZS / 2);
    assert_int_equal(health_find(to, HEALTH_ENDPOINT, "99999"), 99999);
    assert_int_equal(health_follow_clock(to, 500), MANY);
    health_free(from);
    health_free(to);
    free(names);
    free(monitors);
    free(endpoints);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_worlds_match_the_model),
        cmocka_unit_test(many_endpoints_load_and_carry),
    };
    return cmocka_run_group_tests_name("health_random", tests, NULL, NULL);
}
