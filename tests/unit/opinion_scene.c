/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See opinion_scene.h. */
#include "config.h"

#include "opinion_scene.h"

#include <stdio.h>

static void note_change(void *context, const struct health_change *change)
{
    struct scene *s = context;
    s->changes += change->kind == HEALTH_ENDPOINT;
    s->first_told = atomic_load(&health_get_table(s->health)->generation);
}

static void note_turn(void *context, const struct health_vantage_change *change)
{
    struct scene *s = context;
    s->turns[change->turn]++;
}

void enrol(struct scene *s)
{
    static const struct health_vantage_plan plans[] = {
        {"fra-1", 1, 1, false}, {"sin-1", 2, 1, false}, {"nyc-1", 3, 1, false}};
    health_set_vantages(s->health, plans, VANTAGES, s->now_ms);
}

struct health *build(const struct scene *s)
{
    static const struct health_region_plan regions[] = {{"r", 1}};
    static const struct health_az_plan azs[] = {{"a", 0, 1}};
    static char names[MONITORS][8];
    static struct health_endpoint_plan endpoints[MONITORS];
    static struct health_monitor_plan monitors[MONITORS];
    static struct health_brake_monitor brakes[MONITORS];
    static uint32_t rules[MONITORS], stales[MONITORS];
    static const uint64_t control_identities[2] = {11, 12};
    for (uint32_t i = 0; i < MONITORS; i++) {
        snprintf(names[i], sizeof names[i], "e%u", i);
        endpoints[i] = (struct health_endpoint_plan){names[i], 0};
        monitors[i] = (struct health_monitor_plan){.endpoint = i, .rise = 2, .fall = 3, .identity = i + 1};
        brakes[i] = (struct health_brake_monitor){.subject = i + 1, .interval_ms = 2000, .timeout_ms = 1000};
        rules[i] = 1;
        stales[i] = s->stale_ms;
    }
    const struct health_rules stay = {.rules = &s->rule, .count = 1, .monitors = rules, .stales = stales};
    const struct health_brake_plan brake = {.share = 1,
                                            .targets = 3,
                                            .hold_ms = 60000,
                                            .monitors = brakes,
                                            .controls = s->controls,
                                            .control_identities = control_identities,
                                            .control_count = 2};
    const struct health_plan plan = {.regions = regions,
                                     .region_count = 1,
                                     .azs = azs,
                                     .az_count = 1,
                                     .endpoints = endpoints,
                                     .endpoint_count = MONITORS,
                                     .monitors = monitors,
                                     .monitor_count = MONITORS,
                                     .brake = &brake,
                                     .rules = &stay,
                                     .quorums = s->quorums.count == 0 ? NULL : &s->quorums};
    return health_new(&plan, WALL + s->now_ms);
}

void listen_to(struct scene *s)
{
    const struct health_listener listener = {.context = s, .changed = note_change, .heard = note_turn};
    health_set_listener(s->health, &listener);
}

void begin(struct scene *s)
{
    health_free(s->health);
    s->health = build(s);
    listen_to(s);
    enrol(s);
}

int set_up(void **state)
{
    static struct scene scene;
    scene = (struct scene){.now_ms = 5000};
    scene.quorums = (struct health_quorums){
        .quorums = &scene.quorum, .count = 1, .local_weight = 1, .expires_ms = EXPIRES};
    *state = &scene;
    return 0;
}

int tear_down(void **state)
{
    struct scene *s = *state;
    health_free(s->health);
    return 0;
}

void follow(struct scene *s)
{
    while (health_follow_vantages(s->health, WALL + s->now_ms, s->now_ms)) {
    }
}

/* ---- who says what ---- */

void see(struct scene *s, uint32_t monitor, bool up, int times)
{
    for (int i = 0; i < times; i++) {
        health_follow_time(s->health, s->now_ms);
        health_observe(s->health, monitor, up ? HEALTH_OUTCOME_OK : HEALTH_OUTCOME_TIMEOUT, WALL + s->now_ms,
                       0, 0);
        (void)health_follow_brake(s->health, SIZE_MAX, WALL + s->now_ms);
    }
}

void say(struct scene *s, unsigned vantage, uint32_t monitor, enum health_observed verdict)
{
    bool is_down = verdict == HEALTH_OBSERVED_UNHEALTHY;
    const struct health_heard heard = {
        .monitor = monitor,
        .opinion = {.verdict = verdict,
                    .outcome = is_down ? HEALTH_OUTCOME_REFUSED : HEALTH_OUTCOME_OK,
                    .streak = 7,
                    .age_ms = 1000}};
    health_hear(s->health, vantage - LOCAL, &heard, 1, WALL + s->now_ms, s->now_ms);
}

void up(struct scene *s, unsigned vantage, uint32_t monitor)
{
    say(s, vantage, monitor, HEALTH_OBSERVED_HEALTHY);
}

void down(struct scene *s, unsigned vantage, uint32_t monitor)
{
    say(s, vantage, monitor, HEALTH_OBSERVED_UNHEALTHY);
}

/* All four say that it is up. */
void start_well(struct scene *s, uint32_t monitor)
{
    see(s, monitor, true, 2);
    for (unsigned i = FRA; i <= NYC; i++) {
        up(s, i, monitor);
    }
}

void keep_alive(struct scene *s, unsigned bits)
{
    for (unsigned i = FRA; i <= NYC; i++) {
        if ((bits >> (i - LOCAL) & 1) != 0) {
            health_hear_vantage(s->health, i - LOCAL, s->now_ms);
        }
    }
}

void pass(struct scene *s, int64_t by_ms, unsigned alive)
{
    for (int64_t left_ms = by_ms; left_ms > 0; left_ms -= 1000) {
        s->now_ms += left_ms < 1000 ? left_ms : 1000;
        keep_alive(s, alive);
        follow(s);
        while (health_follow_stays(s->health, s->now_ms, WALL + s->now_ms) != 0) {
        }
    }
}

enum health_observed verdict(const struct scene *s, uint32_t monitor)
{
    struct health_monitor_status status;
    assert_int_equal(health_get_monitor(s->health, monitor, &status), 0);
    return status.verdict;
}

struct health_judgement judgement(const struct scene *s, uint32_t monitor)
{
    struct health_judgement found;
    health_get_judgement(s->health, monitor, &found);
    return found;
}
