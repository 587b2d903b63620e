/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See brake_scene.h. */
#include "config.h"

#include "brake_scene.h"

static void hear(void *context, const struct health_brake_change *change)
{
    struct scene *scene = context;
    scene->turns[change->turn]++;
    scene->latest = *change;
}

struct health *make_health(const struct scene *scene)
{
    static const struct health_region_plan regions[] = {{"west", 1}, {"east", 1}};
    static const struct health_az_plan azs[] = {{"west-1", 0, 1}, {"east-1", 1, 1}};
    static const struct health_endpoint_plan endpoints[] = {{"w1", 0}, {"w2", 0}, {"w3", 0},
                                                            {"e1", 1}, {"e2", 1}, {"e3", 1}};
    struct health_monitor_plan monitors[ENDPOINTS];
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        monitors[i] =
            (struct health_monitor_plan){.endpoint = i, .rise = 2, .fall = scene->fall, .identity = i + 1};
    }
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = 2,
                                            .azs = azs,
                                            .az_count = 2,
                                            .endpoints = endpoints,
                                            .endpoint_count = ENDPOINTS,
                                            .monitors = monitors,
                                            .monitor_count = ENDPOINTS,
                                            .brake = scene->is_off ? NULL : &scene->brake},
                      0);
}

void listen_to(struct scene *scene)
{
    health_set_listener(scene->health, &(struct health_listener){.context = scene, .braked = hear});
}

void begin(struct scene *scene)
{
    scene->brake.monitors = scene->monitors;
    scene->health = make_health(scene);
    listen_to(scene);
}

static void follow(struct scene *scene)
{
    while (health_follow_brake(scene->health, 2, scene->now_ms)) {
    }
}

void check(struct scene *scene, uint32_t endpoint, enum health_outcome outcome, uint32_t duration_ms)
{
    health_follow_time(scene->health, scene->now_ms);
    health_observe(scene->health, endpoint, outcome, scene->now_ms, duration_ms * 1000, 0);
    follow(scene);
}

void run(struct scene *scene, unsigned checks)
{
    for (; checks != 0; checks--) {
        uint32_t endpoint = scene->round++ % ENDPOINTS;
        bool is_dead = (scene->dead >> endpoint & 1) != 0;
        scene->now_ms += STEP_MS;
        check(scene, endpoint, is_dead ? scene->failure : HEALTH_OUTCOME_OK, 1);
    }
}

void run_rounds(struct scene *scene, unsigned rounds)
{
    run(scene, rounds * ENDPOINTS);
}

void run_without_last(struct scene *scene, unsigned rounds)
{
    for (; rounds != 0; rounds--) {
        run(scene, ENDPOINTS - 1);
        scene->round++;
        scene->now_ms += STEP_MS;
    }
}

unsigned unhealthy(const struct scene *scene)
{
    struct health_status status;
    unsigned bits = 0;
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        assert_int_equal(health_get_status(scene->health, HEALTH_ENDPOINT, i, &status), 0);
        bits |= status.observed == HEALTH_OBSERVED_UNHEALTHY ? 1u << i : 0;
    }
    return bits;
}

struct health_brake_status brake_of(const struct scene *scene)
{
    struct health_brake_status status;
    health_get_brake(scene->health, 0, &status);
    return status;
}

int set_up(void **state)
{
    static struct scene scene;
    scene = (struct scene){.brake = {.share = 1, .targets = 3, .hold_ms = HOLD_MS},
                           .fall = 3,
                           .now_ms = 1000000,
                           .failure = HEALTH_OUTCOME_CONNECT_TIMEOUT};
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        scene.monitors[i] = (struct health_brake_monitor){
            .subject = i + 1, .interval_ms = INTERVAL_MS, .timeout_ms = TIMEOUT_MS};
    }
    *state = &scene;
    return 0;
}

int tear_down(void **state)
{
    health_free(((struct scene *)*state)->health);
    return 0;
}

void add_control(struct scene *scene)
{
    static const uint8_t families[] = {0};
    static const uint64_t identities[] = {7};
    scene->brake.controls = families;
    scene->brake.control_identities = identities;
    scene->brake.control_count = 1;
}

void control(struct scene *scene, enum health_outcome outcome)
{
    health_follow_time(scene->health, scene->now_ms);
    health_observe_control(scene->health, 0, outcome);
    follow(scene);
}

void reload(struct scene *scene, struct health *next)
{
    health_carry(next, scene->health, scene->now_ms);
    health_free(scene->health);
    scene->health = next;
    listen_to(scene);
}
