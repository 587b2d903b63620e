/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Resolvers and clients in virtual time: by hand where that can be done, and against a model that lets each
 * resolver live through every tick and each client draw its addresses. */
#include "config.h"

#include "unit.h"

#include "drill/population.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { US_1, US_2, US_3, EU, ENDPOINTS };
enum { PLACE_US, PLACE_EU, NOWHERE, PLACES = 2 };

/* All of us are lost in [from, to). */
struct outage {
    int64_t from_ms, to_ms;
    double fails;
    int64_t slow_ms;
};

static struct population_service serve(void *context, uint32_t endpoint, int64_t at_ms)
{
    const struct outage *outage = context;
    bool is_lost = endpoint != EU && at_ms >= outage->from_ms && at_ms < outage->to_ms;
    return (struct population_service){.fails = is_lost ? outage->fails : 0,
                                       .slow_ms = is_lost ? outage->slow_ms : 0};
}

static const uint32_t places[ENDPOINTS] = {PLACE_US, PLACE_US, PLACE_US, PLACE_EU};
static const struct drill_part in_us[] = {{US_1, 1.0 / 3}, {US_2, 1.0 / 3}, {US_3, 1.0 / 3}},
                               in_us_2[] = {{US_1, 0.5}, {US_2, 0.5}}, in_eu[] = {{EU, 1}},
                               in_both[] = {{US_1, 1.0 / 3}, {US_2, 1.0 / 3}, {EU, 1.0 / 3}};

struct scene {
    struct outage outage;
    int64_t turns[3];
    struct population_plan plan;
    struct population *population;
};

static void open_scene(struct scene *scene, int64_t from_ms, int64_t to_ms)
{
    *scene = (struct scene){.outage = {from_ms, to_ms, 1, 0}, .turns = {0, from_ms, to_ms}};
    scene->plan = (struct population_plan){.duration_ms = 120000,
                                           .begin_ms = from_ms,
                                           .resolvers = 500,
                                           .negative_ms = 10000,
                                           .patience_ms = 5000,
                                           .turns = from_ms == 0 ? scene->turns + 1 : scene->turns,
                                           .turn_count = from_ms == 0 ? 2 : 3,
                                           .serve = serve,
                                           .context = &scene->outage,
                                           .places = places,
                                           .place_count = PLACES};
}

static struct population *run(struct scene *scene, const struct population_step *steps, size_t count)
{
    scene->population = population_new(&scene->plan);
    population_add(scene->population,
                   &(struct population_cohort){.steps = steps, .step_count = count, .weight = 1});
    population_finish(scene->population);
    return scene->population;
}

static double share_of(const struct population *population, size_t place, size_t second)
{
    return population->shares[place * population->second_count + second];
}

/* ---- by hand ---- */

/* Lost at 0, the answer at 7 s, a TTL of 30 s: the last resolver asks again at 7 + 30 s, and a second. */
static void users_move_within_a_ttl(void **state)
{
    struct scene scene;
    const struct population_step steps[] = {{0, 30000, 1, in_us, 3, false},
                                            {7000, 30000, 1, in_eu, 1, false}};
    (void)state;
    open_scene(&scene, 0, 3600000);
    const struct population *population = run(&scene, steps, 2);
    for (size_t i = 0; i < 7; i++) {
        assert_float_equal(population->failed[i], 1, 1e-9);
    }
    assert_float_equal(population->failed[22], 0.5, 0.03);
    assert_int_equal(population->first_ms, 0);
    assert_in_range(population->last_ms, 37000, 38000);
    assert_in_range(population->moved_ms[0], 22000, 24000);
    assert_in_range(population->moved_ms[1], 33000, 36000);
    assert_in_range(population->moved_ms[2], 36000, 38000);
    assert_in_range(population->moved_ms[3], 37000, 38000);
    assert_float_equal(population->failed[39], 0, 0);
    assert_float_equal(population->failed_seconds[0], 7 + 30.5 / 2, 0.2);
    assert_float_equal(share_of(population, PLACE_US, 3), 1, 1e-9);
    assert_float_equal(share_of(population, PLACE_EU, 22), 0.5, 0.03);
    assert_float_equal(share_of(population, PLACE_EU, 60), 1, 1e-9);
    population_free(scene.population);
}

/* The reason to give several addresses: one of three places is lost. */
static void one_address_fails_and_three_never_do(void **state)
{
    struct scene scene;
    const struct population_step one[] = {{0, 5000, 1, in_both, 3, false}, {7000, 5000, 1, in_eu, 1, false}},
                                 three[] = {{0, 5000, 3, in_both, 3, false},
                                            {7000, 5000, 1, in_eu, 1, false}};
    (void)state;
    open_scene(&scene, 0, 3600000);
    const struct population *population = run(&scene, one, 2);
    assert_float_equal(population->failed[3], 2.0 / 3,
                       1e-9); /* whoever got one of the two that are lost, … */
    assert_float_equal(population->failed_all[3], 2.0 / 3, 1e-9); /* … and has no other to try */
    assert_in_range(population->last_ms, 12000, 13000);
    population_free(scene.population);
    scene.plan.retry_share = 1;
    population = run(&scene, three, 2);
    assert_float_equal(population->failed_one[3], 2.0 / 3, 1e-9);
    assert_float_equal(population->failed_seconds[1], 0, 0);
    assert_float_equal(population->failed_seconds[2], 0, 0);
    assert_int_equal(population->first_ms, -1);
    population_free(scene.population);
}

static void two_of_three_are_drawn(void **state)
{
    struct scene scene;
    const struct population_step steps[] = {{0, 5000, 2, in_both, 3, false}};
    (void)state;
    open_scene(&scene, 0, 3600000);
    const struct population *population = run(&scene, steps, 1);
    assert_float_equal(population->failed_all[3], 1.0 / 3, 1e-9); /* 2/3 · 1/2 */
    population_free(scene.population);
}

static void who_ignores_ttls_fails_for_longer(void **state)
{
    struct scene scene;
    const struct population_step steps[] = {{0, 5000, 1, in_us, 3, false}, {7000, 5000, 1, in_eu, 1, false}};
    (void)state;
    open_scene(&scene, 0, 3600000);
    scene.plan.ignore_share = 0.2;
    scene.plan.ignore_ms = 60000;
    const struct population *population = run(&scene, steps, 2);
    assert_float_equal(population->failed[20], 0.2 * (67.5 - 20.5) / 60.5, 0.01);
    assert_in_range(population->last_ms, 67000, 68000);
    assert_in_range(population->moved_ms[1], 30000, 40000);
    population_free(scene.population);
}

static void a_lower_ttl_counts_once_it_was_asked_for(void **state)
{
    struct scene scene;
    /* from the first failure on answers have 2 s; whoever has an older one keeps it */
    const struct population_step steps[] = {
        {0, 60000, 1, in_us, 3, false}, {3000, 2000, 1, in_us, 3, false}, {30000, 2000, 1, in_eu, 1, false}};
    (void)state;
    open_scene(&scene, 0, 3600000);
    const struct population *population = run(&scene, steps, 3);
    assert_float_equal(population->failed[29], 1, 1e-9);
    /* asked in 3..30 s: moved by 33 s; the others have what they have until 63.5 s */
    assert_float_equal(population->failed[34], (63.5 - 34.5) / 60.5, 0.02);
    population_free(scene.population);
}

static void that_there_is_nothing_is_remembered(void **state)
{
    struct scene scene;
    const struct population_step steps[] = {
        {0, 5000, 1, in_us, 3, false}, {10000, 5000, 0, NULL, 0, true}, {20000, 5000, 1, in_us, 3, false}};
    (void)state;
    open_scene(&scene, 0, 1);
    scene.outage.fails = 0;
    scene.plan.negative_ms = 30000;
    const struct population *population = run(&scene, steps, 3);
    assert_float_equal(population->failed[9], 0, 0);
    assert_float_equal(population->failed[18], 1, 1e-9);
    assert_true(population->failed[35] > 0.5);
    assert_in_range(population->last_ms, 44000, 48000);
    assert_float_equal(share_of(population, NOWHERE, 18), 1, 1e-9);
    population_free(scene.population);
}

static void what_is_slow_fails_who_does_not_wait(void **state)
{
    struct scene scene;
    const struct population_step steps[] = {{0, 5000, 1, in_us, 3, false}};
    (void)state;
    open_scene(&scene, 10000, 20000);
    scene.outage.fails = 0;
    scene.outage.slow_ms = 6000;
    const struct population *population = run(&scene, steps, 1);
    assert_float_equal(population->failed[9], 0, 0);
    assert_float_equal(population->failed[10], 1, 1e-9);
    assert_float_equal(population->failed[20], 0, 0);
    assert_int_equal(population->first_ms, 10000);
    assert_int_equal(population->last_ms, 20000);
    population_free(scene.population);
    scene.plan.patience_ms = 7000;
    assert_float_equal(run(&scene, steps, 1)->failed_seconds[0], 0, 0);
    population_free(scene.population);
}

static void cohorts_add_up(void **state)
{
    struct scene scene;
    const struct population_step lost[] = {{0, 5000, 1, in_us, 3, false}, {7000, 5000, 1, in_eu, 1, false}},
                                 well[] = {{0, 5000, 1, in_eu, 1, false}};
    (void)state;
    open_scene(&scene, 0, 3600000);
    struct population *population = population_new(&scene.plan);
    population_add(population, &(struct population_cohort){lost, 2, 0.25});
    population_add(population, &(struct population_cohort){well, 1, 0.75});
    population_finish(population);
    assert_float_equal(population->failed[3], 0.25, 1e-9);
    assert_float_equal(share_of(population, PLACE_EU, 3), 0.75, 1e-9);
    assert_float_equal(share_of(population, PLACE_EU, 100), 1, 1e-9);
    assert_in_range(population->moved_ms[3], 12000, 13000); /* of those who have to */
    population_free(population);
}

/* ---- against every tick ---- */

enum { TICK_MS = 50, MODELS = 3000 };

struct model {
    int64_t fetched_ms, life_ms, odd_ms;
    size_t step;
    bool ignores;
};

static double chance(void)
{
    return (double)rand() / ((double)RAND_MAX + 1);
}

static int64_t model_life(const struct population_plan *plan, const struct population_step *step,
                          const struct model *model)
{
    int64_t life_ms = step->is_empty ? plan->negative_ms : step->ttl_ms;
    return (model->ignores && life_ms < plan->ignore_ms ? plan->ignore_ms : life_ms) + model->odd_ms;
}

/* One request: does it fail? Draws addresses one after the other, by share, without putting back. */
static bool model_request(const struct scene *scene, const struct population_step *step, int64_t at_ms,
                          bool retries)
{
    bool tried[ENDPOINTS] = {false};
    uint32_t tries = retries ? step->records : 1;
    for (uint32_t n = 0; n < tries && step->part_count != 0; n++) {
        double left = 0, drawn;
        size_t part = 0;
        for (size_t i = 0; i < step->part_count; i++) {
            left += tried[i] ? 0 : step->parts[i].share;
        }
        drawn = chance() * left;
        for (size_t i = 0; i < step->part_count; i++) {
            if (!tried[i]) {
                part = i;
                drawn -= step->parts[i].share;
                if (drawn < 0) {
                    break;
                }
            }
        }
        tried[part] = true;
        struct population_service service =
            serve((void *)(uintptr_t)&scene->outage, step->parts[part].endpoint, at_ms);
        if (chance() >= service.fails && service.slow_ms <= scene->plan.patience_ms) {
            return false;
        }
    }
    return step->part_count != 0 || step->is_empty;
}

static void expect_model(struct scene *scene, const struct population_step *steps, size_t count)
{
    const struct population *population = run(scene, steps, count);
    size_t seconds = population->second_count;
    double *failed = calloc(seconds, sizeof *failed), *asked = calloc(seconds, sizeof *asked);
    for (size_t m = 0; m < MODELS; m++) {
        struct model model = {.odd_ms = chance() < 0.5 ? 1000 : 0,
                              .ignores = chance() < scene->plan.ignore_share};
        bool retries = chance() < scene->plan.retry_share;
        model.life_ms = model_life(&scene->plan, &steps[0], &model);
        model.fetched_ms = -(int64_t)(chance() * (double)model.life_ms);
        for (int64_t now_ms = 0; now_ms < scene->plan.duration_ms; now_ms += TICK_MS) {
            if (now_ms >= model.fetched_ms + model.life_ms) {
                for (model.step = count - 1; steps[model.step].at_ms > now_ms; model.step--) {
                }
                model.fetched_ms = now_ms;
                model.life_ms = model_life(&scene->plan, &steps[model.step], &model);
            }
            asked[now_ms / 1000]++;
            failed[now_ms / 1000] += model_request(scene, &steps[model.step], now_ms, retries);
        }
    }
    for (size_t i = 0; i < seconds; i++) {
        if (fabs(failed[i] / asked[i] - population->failed[i]) > 0.035) {
            fail_msg("second %zu: %f, and the model says %f", i, population->failed[i], failed[i] / asked[i]);
        }
    }
    free(failed);
    free(asked);
    population_free(scene->population);
}

static void every_tick_says_the_same(void **state)
{
    struct scene scene;
    const struct population_step away[] = {{0, 20000, 1, in_us, 3, false}, {7000, 20000, 1, in_eu, 1, false}},
                                 and_back[] = {{0, 20000, 2, in_both, 3, false},
                                               {9000, 3000, 2, in_both, 3, false},
                                               {12000, 3000, 1, in_eu, 1, false},
                                               {60000, 20000, 2, in_us_2, 2, false},
                                               {61000, 20000, 2, in_both, 3, false}},
                                 nothing[] = {{0, 8000, 1, in_us, 3, false},
                                              {20000, 8000, 0, NULL, 0, true},
                                              {45000, 8000, 1, in_us, 3, false}};
    (void)state;
    srand(1); /* NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time */
    open_scene(&scene, 0, 3600000);
    expect_model(&scene, away, 2);
    open_scene(&scene, 5000, 58000);
    scene.plan.ignore_share = 0.3;
    scene.plan.ignore_ms = 30000;
    scene.plan.retry_share = 0.5;
    expect_model(&scene, and_back, 5);
    open_scene(&scene, 30000, 40000);
    scene.outage.fails = 0.4;
    scene.plan.retry_share = 1;
    expect_model(&scene, nothing, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_move_within_a_ttl),
        cmocka_unit_test(one_address_fails_and_three_never_do),
        cmocka_unit_test(two_of_three_are_drawn),
        cmocka_unit_test(who_ignores_ttls_fails_for_longer),
        cmocka_unit_test(a_lower_ttl_counts_once_it_was_asked_for),
        cmocka_unit_test(that_there_is_nothing_is_remembered),
        cmocka_unit_test(what_is_slow_fails_who_does_not_wait),
        cmocka_unit_test(cohorts_add_up),
        cmocka_unit_test(every_tick_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
