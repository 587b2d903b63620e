/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See stay_model.h. By rules as the documentation has them, with nothing of the machine's. */
#include "config.h"

#include "stay_model.h"

#include "base/memory.h"

#include <stdlib.h>

uint64_t roll(struct world *w, uint64_t below)
{
    return random_below(&w->random, below);
}

static size_t count_failures(const struct watched *m, size_t last)
{
    size_t count = 0;
    for (size_t i = 0; i < last && i < m->result_count; i++) {
        count += m->results[m->result_count - 1 - i];
    }
    return count;
}

/* So many in a row, the latest of them; all alike? */
static bool has_row(const struct watched *m, size_t length, bool failing)
{
    return m->result_count >= length && count_failures(m, length) == (failing ? length : 0);
}

void judge_monitor(struct watched *m, int64_t now_ms)
{
    struct object *o = &m->object;
    bool failing = m->results[m->result_count - 1];
    bool ill =
        m->window != 0 ? failing && count_failures(m, m->window) >= m->fall : has_row(m, m->fall, true);
    bool well = m->window != 0 ? count_failures(m, m->window) < m->fall : has_row(m, m->rise, false);
    if (o->verdict == HEALTH_OBSERVED_UNKNOWN) {
        o->verdict = !failing ? HEALTH_OBSERVED_HEALTHY
                     : ill    ? HEALTH_OBSERVED_UNHEALTHY
                              : HEALTH_OBSERVED_UNKNOWN;
    } else if (o->verdict == HEALTH_OBSERVED_HEALTHY) {
        if (ill) {
            follow_object(o, HEALTH_OBSERVED_UNHEALTHY, false, now_ms);
        }
    } else if (well && (o->is_down || !failing)) {
        follow_object(o, HEALTH_OBSERVED_HEALTHY, true, now_ms);
    } else {
        follow_object(o, HEALTH_OBSERVED_UNHEALTHY, false, now_ms);
    }
}

/* members are endpoints, or azs; lost when half of those with monitors are. */
static enum health_observed judge_members(const enum health_observed *verdicts, size_t count, size_t voters)
{
    size_t healthy = 0, unhealthy = 0;
    for (size_t i = 0; i < count; i++) {
        healthy += verdicts[i] == HEALTH_OBSERVED_HEALTHY;
        unhealthy += verdicts[i] == HEALTH_OBSERVED_UNHEALTHY;
    }
    return healthy + unhealthy == 0  ? HEALTH_OBSERVED_UNKNOWN
           : unhealthy * 2 >= voters ? HEALTH_OBSERVED_UNHEALTHY
           : healthy != 0            ? HEALTH_OBSERVED_HEALTHY
                                     : HEALTH_OBSERVED_UNKNOWN;
}

/* Is it as it has to be, if what is not known were this, and what stays down until then were back? */
bool is_good(const struct world *w, uint32_t e, enum health_observed unknown, int64_t back_ms)
{
    size_t healthy = 0, count = 0, at_least = w->needs[e].at_least;
    bool is_complete = true;
    for (size_t i = 0; i < MONITORS; i++) {
        const struct watched *m = &w->monitors[i];
        const struct object *o = &m->object;
        if (m->endpoint != e || m->role == HEALTH_WATCHED) {
            continue;
        }
        bool is_back = o->is_down && o->is_ready && (back_ms == INT64_MAX || may_return(o, back_ms));
        bool is_healthy = is_back || (o->verdict == HEALTH_OBSERVED_UNKNOWN ? unknown : o->verdict) ==
                                         HEALTH_OBSERVED_HEALTHY;
        count++;
        healthy += is_healthy;
        is_complete = is_complete && (is_healthy || m->role == HEALTH_COUNTED);
    }
    return is_complete && count != 0 && (healthy >= (at_least == 0 ? 1 : at_least) || healthy == count);
}

static bool is_voted_on(const struct world *w, uint32_t e)
{
    size_t i = 0;
    while (i < MONITORS && (w->monitors[i].endpoint != e || w->monitors[i].role == HEALTH_WATCHED)) {
        i++;
    }
    return i < MONITORS;
}

static size_t count_voters(const struct world *w, size_t az)
{
    return (size_t)is_voted_on(w, (uint32_t)(2 * az)) + (size_t)is_voted_on(w, (uint32_t)(2 * az + 1));
}

enum health_kind kind_of(size_t place, uint32_t *index)
{
    enum health_kind kind = place < ENDPOINTS         ? HEALTH_ENDPOINT
                            : place < ENDPOINTS + AZS ? HEALTH_AZ
                                                      : HEALTH_REGION;
    *index = (uint32_t)(place - (kind == HEALTH_ENDPOINT ? 0
                                 : kind == HEALTH_AZ     ? ENDPOINTS
                                                         : ENDPOINTS + AZS));
    return kind;
}

bool is_wanted_up(const struct world *w, size_t place)
{
    uint32_t index;
    enum health_kind kind = kind_of(place, &index);
    size_t az = kind == HEALTH_ENDPOINT ? index / 2 : index;
    size_t region = kind == HEALTH_REGION ? index : az / 2;
    return w->up[place] || (kind == HEALTH_ENDPOINT && w->up[ENDPOINTS + az]) ||
           w->up[ENDPOINTS + AZS + region];
}

/* After every moment in which something may have changed. */
static void follow_ramps(struct world *w)
{
    for (size_t i = 0; i < PLACES; i++) {
        uint32_t index;
        struct rising *r = &w->risings[i];
        enum health_kind kind = kind_of(i, &index);
        enum health_observed verdict = kind == HEALTH_ENDPOINT ? w->endpoints[index]
                                       : kind == HEALTH_AZ     ? w->azs[index].verdict
                                                               : w->regions[index].verdict;
        bool is_new = verdict != r->was;
        unsigned before = r->percent;
        follow_rising(r, verdict, w->now_ms);
        if (w->up[i] || ((is_new || r->percent != before) && is_wanted_up(w, i))) {
            r->ramps = false;
            r->percent = find_percent(r, w->now_ms);
        }
    }
}

void judge_all(struct world *w)
{
    for (uint32_t e = 0; e < ENDPOINTS; e++) {
        w->endpoints[e] = !is_voted_on(w, e)                            ? HEALTH_OBSERVED_UNKNOWN
                          : is_good(w, e, HEALTH_OBSERVED_UNHEALTHY, 0) ? HEALTH_OBSERVED_HEALTHY
                          : is_good(w, e, HEALTH_OBSERVED_HEALTHY, 0)   ? HEALTH_OBSERVED_UNKNOWN
                                                                        : HEALTH_OBSERVED_UNHEALTHY;
    }
    for (size_t z = 0; z < AZS; z++) {
        enum health_observed judged = judge_members(&w->endpoints[2 * z], 2, count_voters(w, z));
        follow_object(&w->azs[z], judged, judged != HEALTH_OBSERVED_UNHEALTHY, w->now_ms);
    }
    for (size_t r = 0; r < REGIONS; r++) {
        size_t voters = (count_voters(w, 2 * r) != 0) + (size_t)(count_voters(w, 2 * r + 1) != 0);
        enum health_observed members[] = {w->azs[2 * r].verdict, w->azs[2 * r + 1].verdict};
        enum health_observed judged = judge_members(members, 2, voters);
        follow_object(&w->regions[r], judged, judged != HEALTH_OBSERVED_UNHEALTHY, w->now_ms);
    }
    follow_ramps(w);
}

/* Whatever may come back by now does. */
void look_at_all(struct world *w)
{
    for (size_t i = 0; i < MONITORS; i++) {
        struct object *o = &w->monitors[i].object;
        if (o->is_down && may_return(o, w->now_ms)) {
            o->is_down = o->is_ready = false;
            o->verdict = HEALTH_OBSERVED_HEALTHY;
        }
    }
    judge_all(w);
}

static struct object *object_of(struct world *w, size_t i)
{
    return i < MONITORS         ? &w->monitors[i].object
           : i < MONITORS + AZS ? &w->azs[i - MONITORS]
                                : &w->regions[i - MONITORS - AZS];
}

enum { OBJECTS = MONITORS + AZS + REGIONS };

void choose_rules(struct world *w)
{
    static const int64_t failbacks[] = {0, 0, 1000, 3000, HEALTH_MANUAL};
    for (size_t i = 0; i < OBJECTS; i++) {
        struct health_rule *rule = &object_of(w, i)->rule;
        rule->hold_down_ms = roll(w, 2) == 0 ? 0 : 1000 + (int64_t)roll(w, 3000);
        rule->failback_ms = failbacks[roll(w, 5)];
    }
    for (size_t i = 0; i < PLACES; i++) {
        struct health_ramp_plan *plan = &w->risings[i].plan;
        *plan = (struct health_ramp_plan){.count = roll(w, 5), .each_ms = 1000 + (int64_t)roll(w, 2000)};
        for (size_t k = 0; k < plan->count; k++) {
            plan->steps[k] = (uint8_t)(1 + 20 * k + roll(w, 20));
        }
    }
}

struct health *build(struct world *w)
{
    struct health_region_plan regions[] = {{"r0", 0.5}, {"r1", 0.5}};
    struct health_az_plan azs[] = {{"z0", 0, 0.5}, {"z1", 0, 0.5}, {"z2", 1, 0.5}, {"z3", 1, 0.5}};
    static const char *const names[] = {"e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7"};
    struct health_endpoint_plan endpoints[ENDPOINTS];
    struct health_monitor_plan monitors[MONITORS];
    struct health_rule rules[OBJECTS];
    uint32_t at[OBJECTS];
    uint8_t windows[MONITORS], roles[MONITORS];
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        endpoints[i] = (struct health_endpoint_plan){names[i], i / 2};
    }
    for (size_t i = 0; i < MONITORS; i++) {
        const struct watched *m = &w->monitors[i];
        monitors[i] =
            (struct health_monitor_plan){m->endpoint, (uint16_t)m->rise, (uint16_t)m->fall, i + 1, 0};
        windows[i] = (uint8_t)m->window;
        roles[i] = (uint8_t)m->role;
    }
    for (uint32_t i = 0; i < OBJECTS; i++) {
        rules[i] = object_of(w, i)->rule;
        at[i] = i + 1;
    }
    const struct health_rules all = {.rules = rules,
                                     .count = OBJECTS,
                                     .monitors = at,
                                     .azs = at + MONITORS,
                                     .regions = at + MONITORS + AZS,
                                     .windows = windows};
    struct health_ramp_plan plans[PLACES];
    uint32_t ramped[PLACES];
    for (uint32_t i = 0; i < PLACES; i++) {
        plans[i] = w->risings[i].plan;
        ramped[i] = plans[i].count == 0 ? 0 : i + 1;
    }
    const struct health_ramps ramps = {.plans = plans,
                                       .count = PLACES,
                                       .endpoints = ramped,
                                       .azs = ramped + ENDPOINTS,
                                       .regions = ramped + ENDPOINTS + AZS};
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = REGIONS,
                                            .azs = azs,
                                            .az_count = AZS,
                                            .endpoints = endpoints,
                                            .endpoint_count = ENDPOINTS,
                                            .monitors = monitors,
                                            .monitor_count = MONITORS,
                                            .needs = w->needs,
                                            .roles = roles,
                                            .rules = &all,
                                            .ramps = &ramps},
                      WALL_MS + w->now_ms);
}

void open_world(struct world *w, uint64_t seed)
{
    *w = (struct world){.now_ms = 5000};
    random_init(&w->random, seed);
    for (size_t i = 0; i < OBJECTS; i++) {
        struct object *o = object_of(w, i);
        o->falls = memory_alloc_array(FALLS, sizeof *o->falls);
        if (roll(w, 2) == 0) {
            o->rule.penalty = 1000;
            o->rule.suppress = 1500 + (double)roll(w, 2000);
            o->rule.reuse = 400 + (double)roll(w, 800);
            o->rule.half_life_ms = 1000 + (int64_t)roll(w, 6000);
            o->rule.max_suppress_ms = o->rule.half_life_ms * 4;
        }
    }
    for (size_t i = 0; i < MONITORS; i++) {
        struct watched *m = &w->monitors[i];
        m->endpoint = (uint32_t)(i * ENDPOINTS / MONITORS);
        m->role = m->endpoint % 2 == 0 ? HEALTH_REQUIRED : (enum health_role)roll(w, 3);
        m->rise = 1 + (unsigned)roll(w, 3);
        m->fall = 1 + (unsigned)roll(w, 3);
        m->window = roll(w, 2) == 0 ? 0 : m->fall + 1 + (unsigned)roll(w, 8);
        m->results = memory_alloc_array(EVENTS, sizeof *m->results);
    }
    for (uint32_t e = 1; e < ENDPOINTS; e += 2) {
        w->needs[e].at_least = (uint16_t)roll(w, 3);
    }
    choose_rules(w);
    w->health = build(w);
    health_follow_time(w->health, w->now_ms);
}

void close_world(struct world *w)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        free(object_of(w, i)->falls);
    }
    for (size_t i = 0; i < MONITORS; i++) {
        free(w->monitors[i].results);
    }
    health_free(w->health);
}
