/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health: load reports, in virtual time. What is shed between the watermarks, that jitter changes no
 * word, the pace of changes, reports that grow old, and what a new topology takes over. */
#include "config.h"

#include "health_world.h"

#include "base/error.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

enum { NOW = 1000000, AGE = 10000, PACE = HEALTH_SHED_PACE_MS, SHEDS_MAX = 16 };

struct shed {
    char name[16];
    struct health_load_status load;
};

struct scene {
    struct health *health;
    int64_t now_ms;
    int64_t set_ms; /* by how much the wall clock was */
    struct shed sheds[SHEDS_MAX];
    size_t shed_count;
};

static void hear(void *context, const struct health_shed_change *change)
{
    struct scene *scene = context;
    struct shed *shed = &scene->sheds[scene->shed_count++ % SHEDS_MAX];
    strncpy(shed->name, change->name, sizeof shed->name - 1);
    shed->load = *change->load;
}

/* The small world with watermarks: all but `quiet` have them. */
static struct health *build(double low, double high)
{
    struct health_load_plan loads[5];
    for (size_t i = 0; i < 5; i++) {
        loads[i] =
            (struct health_load_plan){.is_given = i != QUIET, .low = low, .high = high, .max_age_ms = AGE};
    }
    struct health_plan plan = health_world_plan;
    plan.loads = loads;
    return health_new(&plan, NOW);
}

static int set_up(void **state)
{
    static struct scene scene;
    memset(&scene, 0, sizeof scene);
    scene.health = build(0.5, 0.9);
    scene.now_ms = NOW;
    health_set_listener(scene.health, &(struct health_listener){.context = &scene, .shed = hear});
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    health_free(scene->health);
    return 0;
}

static void report(struct scene *scene, uint32_t endpoint, double load)
{
    struct health_load_report said = {.load = load, .source = HEALTH_LOAD_FROM_CHECK};
    assert_int_equal(
        health_report_load(scene->health, endpoint, &said, scene->now_ms + scene->set_ms, scene->now_ms), 0);
}

static unsigned level(const struct scene *scene, uint32_t endpoint)
{
    unsigned shed = health_word_shed(atomic_load(&health_get_table(scene->health)->endpoints[endpoint]));
    assert_true(status_of(scene->health, HEALTH_ENDPOINT, endpoint).load.shed ==
                (double)shed / HEALTH_SHED_ALL);
    return shed;
}

/* As if time had passed: whatever waits is due. */
static void pass(struct scene *scene, int64_t ms)
{
    scene->now_ms += ms;
    health_expire_loads(scene->health, scene->now_ms + scene->set_ms, scene->now_ms);
}

/* ---- what is shed ---- */

static void load_is_shed_linearly(void **state)
{
    struct scene *scene = *state;
    static const struct {
        double load;
        unsigned level;
    } from_rest[] = {{0, 0},    {0.5, 0},     {0.5124, 0}, {0.5126, 1}, {0.6, 8},     {0.7, 16},
                     {0.8, 24}, {0.8876, 31}, {0.899, 31}, {0.9, 32},   {0.9001, 32}, {1e9, 32}};
    for (size_t i = 0; i < sizeof from_rest / sizeof *from_rest; i++) {
        assert_int_equal(health_forget_load(scene->health, A1, scene->now_ms, scene->now_ms), 0);
        pass(scene, PACE);
        assert_int_equal(level(scene, A1), 0);
        assert_true(health_foresee_shed(scene->health, A1, from_rest[i].load) ==
                    (double)from_rest[i].level / HEALTH_SHED_ALL);
        report(scene, A1, from_rest[i].load);
        pass(scene, PACE);
        assert_int_equal(level(scene, A1), from_rest[i].level);
    }
    assert_int_equal(level(scene, A2), 0);
}

/* More load never sheds less, less never more, and what is shed is within a step of the line. */
static void shedding_is_monotonic(void **state)
{
    struct scene *scene = *state;
    struct random random;
    random_init(&random, 7);
    double before_load = 0;
    unsigned before = 0;
    for (int i = 0; i < 20000; i++) {
        double load = (double)random_below(&random, 12000) / 10000;
        scene->now_ms += PACE;
        report(scene, B1, load);
        unsigned now = level(scene, B1);
        double line = (load - 0.5) / 0.4 * HEALTH_SHED_ALL;
        line = line < 0 ? 0 : line > HEALTH_SHED_ALL ? HEALTH_SHED_ALL : line;
        assert_true(fabs(line - now) <= 1);
        assert_true(load >= before_load ? now >= before : now <= before);
        assert_true((load > 0.5 || now == 0) && (load < 0.9 || now == HEALTH_SHED_ALL));
        before_load = load;
        before = now;
    }
}

static void jitter_changes_nothing(void **state)
{
    struct scene *scene = *state;
    struct random random;
    random_init(&random, 3);
    report(scene, A1, 0.7);
    uint64_t settled = generation(scene->health);
    uint32_t word = atomic_load(&health_get_table(scene->health)->endpoints[A1]);
    for (int i = 0; i < 1000; i++) { /* within a step: 0.4 / 32 = 0.0125 */
        scene->now_ms += 2 * PACE;
        report(scene, A1, 0.7 + ((double)random_below(&random, 2400) - 1200) / 100000);
        health_expire_loads(scene->health, scene->now_ms, scene->now_ms);
    }
    assert_int_equal(generation(scene->health), settled);
    assert_int_equal(atomic_load(&health_get_table(scene->health)->endpoints[A1]), word);
    scene->now_ms += PACE;
    report(scene, A1, 0.72);
    assert_int_equal(generation(scene->health), settled + 1);
    assert_int_equal(level(scene, A1), 18);
}

/* However many report however often, answers are made anew once a second at most; nothing is lost by it. */
static void changes_keep_a_pace(void **state)
{
    struct scene *scene = *state;
    struct random random;
    random_init(&random, 5);
    uint64_t begin = generation(scene->health);
    report(scene, A1, 0.9);
    assert_int_equal(level(scene, A1), HEALTH_SHED_ALL); /* the first is followed at once */
    report(scene, A2, 0.7);
    assert_int_equal(level(scene, A2), 0); /* the second waits */
    health_expire_loads(scene->health, scene->now_ms + PACE - 1, scene->now_ms + PACE - 1);
    assert_int_equal(level(scene, A2), 0);
    pass(scene, PACE);
    assert_int_equal(level(scene, A2), 16);
    assert_int_equal(generation(scene->health), begin + 2);
    for (int i = 0; i < 10000; i++) { /* ten seconds of 1,000 reports each */
        scene->now_ms += 1;
        report(scene, (uint32_t)random_below(&random, QUIET), (double)random_below(&random, 100) / 100);
    }
    assert_true(generation(scene->health) <= begin + 2 + 10);
    double last[4];
    for (uint32_t i = 0; i < QUIET; i++) {
        last[i] = 0.5 + 0.1 * i;
        report(scene, i, last[i]);
    }
    pass(scene, PACE);
    for (uint32_t i = 0; i < QUIET; i++) {
        assert_true(fabs(level(scene, i) - (last[i] - 0.5) / 0.4 * HEALTH_SHED_ALL) <= 1);
    }
}

/* ---- age ---- */

static void reports_grow_old(void **state)
{
    struct scene *scene = *state;
    report(scene, A1, 0.9);
    scene->now_ms += PACE;
    report(scene, E1, 0.8);
    assert_int_equal(level(scene, E1), 24);
    uint64_t before = generation(scene->health);
    pass(scene, AGE - PACE - 1);
    assert_int_equal(level(scene, A1), HEALTH_SHED_ALL);
    pass(scene, 1);
    struct health_load_status old = status_of(scene->health, HEALTH_ENDPOINT, A1).load;
    assert_int_equal(level(scene, A1), 0);
    assert_int_equal(old.source, HEALTH_LOAD_NONE);
    assert_int_equal(old.reported_ms, NOW); /* what was reported is still known */
    assert_true(old.value == 0.9);
    assert_int_equal(level(scene, E1), 24);
    assert_int_equal(generation(scene->health), before + 1);
    pass(scene, PACE);
    assert_int_equal(level(scene, E1), 0);
    report(scene, E1, 0.8); /* and speaks again */
    pass(scene, PACE);
    assert_int_equal(level(scene, E1), 24);
    for (int i = 0; i < 20; i++) { /* whoever goes on reporting never grows old */
        report(scene, E1, 0.8);
        pass(scene, AGE - 1);
        assert_int_equal(level(scene, E1), 24);
    }
}

static void pushes_have_their_own_time(void **state)
{
    struct scene *scene = *state;
    struct health_load_report push = {
        .load = 0.9, .source = HEALTH_LOAD_PUSHED, .ttl_ms = 3 * AGE, .actor = "deploy"};
    assert_int_equal(health_report_load(scene->health, A1, &push, scene->now_ms, scene->now_ms), 0);
    struct health_load_status load = status_of(scene->health, HEALTH_ENDPOINT, A1).load;
    assert_int_equal(load.source, HEALTH_LOAD_PUSHED);
    assert_string_equal(load.actor, "deploy");
    assert_int_equal(load.until_ms, NOW + 3 * AGE);
    pass(scene, 3 * AGE - 1);
    assert_int_equal(level(scene, A1), HEALTH_SHED_ALL);
    pass(scene, 1);
    assert_int_equal(level(scene, A1), 0);
    push.ttl_ms = 1;
    assert_int_equal(health_report_load(scene->health, A1, &push, scene->now_ms, scene->now_ms), 0);
    report(scene, A1, 0.7); /* the latest counts, whoever said it, for its own time */
    pass(scene, PACE);
    assert_int_equal(level(scene, A1), 16);
    assert_string_equal(status_of(scene->health, HEALTH_ENDPOINT, A1).load.actor, "");
    assert_int_equal(health_report_load(scene->health, 5, &push, scene->now_ms, scene->now_ms),
                     ERROR_NOT_FOUND);
    assert_int_equal(health_forget_load(scene->health, 5, scene->now_ms, scene->now_ms), ERROR_NOT_FOUND);
}

static void loads_without_watermarks_are_only_known(void **state)
{
    struct scene *scene = *state;
    uint64_t before = generation(scene->health);
    report(scene, QUIET, 5);
    assert_int_equal(level(scene, QUIET), 0);
    assert_true(health_foresee_shed(scene->health, QUIET, 5) == 0);
    assert_true(status_of(scene->health, HEALTH_ENDPOINT, QUIET).load.value == 5);
    pass(scene, AGE);
    assert_int_equal(status_of(scene->health, HEALTH_ENDPOINT, QUIET).load.source, HEALTH_LOAD_NONE);
    assert_int_equal(generation(scene->health), before);
}

/* ---- telling ---- */

static void begin_and_end_are_told(void **state)
{
    struct scene *scene = *state;
    report(scene, A1, 0.8);
    pass(scene, PACE);
    report(scene, A1, 0.9);
    pass(scene, PACE);
    report(scene, A1, 0.6);
    pass(scene, PACE);
    assert_int_equal(scene->shed_count, 1);
    assert_string_equal(scene->sheds[0].name, "a1");
    assert_true(scene->sheds[0].load.shed == 0.75 && scene->sheds[0].load.value == 0.8);
    report(scene, A1, 0.4);
    pass(scene, PACE);
    assert_int_equal(scene->shed_count, 2);
    assert_true(scene->sheds[1].load.shed == 0 && scene->sheds[1].load.source == HEALTH_LOAD_FROM_CHECK);
    report(scene, A1, 0.8);
    pass(scene, AGE);
    assert_int_equal(scene->shed_count, 4);
    assert_int_equal(scene->sheds[3].load.source, HEALTH_LOAD_NONE);
    assert_int_not_equal(scene->sheds[3].load.reported_ms, 0);
    report(scene, A1, 0.8);
    pass(scene, PACE);
    scene->now_ms += PACE;
    assert_int_equal(health_forget_load(scene->health, A1, scene->now_ms, scene->now_ms), 0);
    assert_int_equal(scene->shed_count, 6);
    assert_int_equal(scene->sheds[5].load.reported_ms, 0);
}

/* ---- other things ---- */

/* Health and load are two things: neither touches the bits of the other. */
static void health_and_load_do_not_mix(void **state)
{
    struct scene *scene = *state;
    make_all_healthy(scene->health);
    report(scene, B1, 0.9);
    expect(scene->health, HEALTH_ENDPOINT, B1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    observe_times(scene->health, 3, HEALTH_OUTCOME_TIMEOUT, 3);
    expect(scene->health, HEALTH_ENDPOINT, B1, HEALTH_UNHEALTHY, HEALTH_BY_AZ_LOST);
    assert_int_equal(level(scene, B1), HEALTH_SHED_ALL);
    override_as(scene->health, HEALTH_ENDPOINT, B1, HEALTH_DESIRED_UP, 0);
    scene->now_ms += PACE;
    report(scene, B1, 0.7);
    expect(scene->health, HEALTH_ENDPOINT, B1, HEALTH_FORCED_UP, HEALTH_BY_ENDPOINT_OVERRIDE);
    assert_int_equal(level(scene, B1), 16);
    assert_int_equal(status_of(scene->health, HEALTH_ENDPOINT, B1).observed, HEALTH_OBSERVED_UNHEALTHY);
}

static void loads_are_carried_over(void **state)
{
    struct scene *scene = *state;
    report(scene, A1, 0.7);
    scene->now_ms += PACE;
    report(scene, A2, 0.9);
    struct health *same = build(0.5, 0.9), *wider = build(0.5, 1.3),
                  *none = health_new(&health_world_plan, NOW);
    health_carry(same, scene->health, scene->now_ms);
    health_carry(wider, scene->health, scene->now_ms);
    health_carry(none, scene->health, scene->now_ms);
    health_set_listener(none, &(struct health_listener){.context = scene, .shed = hear});
    assert_int_equal(status_of(same, HEALTH_ENDPOINT, A1).load.shed * HEALTH_SHED_ALL, 16);
    assert_int_equal(status_of(same, HEALTH_ENDPOINT, A2).load.shed * HEALTH_SHED_ALL, 32);
    assert_int_equal(status_of(wider, HEALTH_ENDPOINT, A1).load.shed * HEALTH_SHED_ALL, 8);
    assert_int_equal(status_of(wider, HEALTH_ENDPOINT, A2).load.shed * HEALTH_SHED_ALL, 16);
    assert_true(status_of(none, HEALTH_ENDPOINT, A1).load.shed == 0);
    scene->shed_count = 0;
    health_expire_loads(none, scene->now_ms, scene->now_ms);
    assert_int_equal(scene->shed_count, 2);          /* that nobody asks any more is told as an end */
    health_expire_loads(same, NOW + AGE, NOW + AGE); /* and reports are as old as they were */
    assert_true(status_of(same, HEALTH_ENDPOINT, A1).load.shed == 0);
    assert_true(status_of(same, HEALTH_ENDPOINT, A2).load.shed == 1);
    health_free(same);
    health_free(wider);
    health_free(none);
}

/* One that was set back an hour kept a load for an hour; one that was set forward forgot all at once. */
static void a_clock_that_is_set_changes_no_age(void **state)
{
    enum { DAY = 86400000 };
    struct scene *scene = *state;
    static const int64_t steps[] = {-DAY, DAY};
    for (size_t i = 0; i < 2; i++) {
        report(scene, A1, 0.9);
        pass(scene, PACE);
        scene->set_ms += steps[i];
        pass(scene, AGE - PACE - 1);
        assert_int_equal(level(scene, A1), HEALTH_SHED_ALL);
        report(scene, A2, 0.9);
        assert_int_equal(level(scene, A2), HEALTH_SHED_ALL);
        scene->set_ms += steps[i];
        report(scene, A2, 0.7);
        assert_int_equal(level(scene, A2), HEALTH_SHED_ALL); /* the pace is kept */
        pass(scene, PACE);
        assert_int_equal(level(scene, A2), HEALTH_SHED_ALL / 2);
        assert_int_equal(level(scene, A1), 0);
        pass(scene, AGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(load_is_shed_linearly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shedding_is_monotonic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(jitter_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_keep_a_pace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reports_grow_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pushes_have_their_own_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loads_without_watermarks_are_only_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(begin_and_end_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(health_and_load_do_not_mix, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loads_are_carried_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_clock_that_is_set_changes_no_age, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("health load", tests, NULL, NULL);
}
