/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What went down stays down as its rules say: each of them for itself, in virtual time. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "health/health.h"

enum { WALL_MS = 1000000 }; /* ahead of the monotonic time */

/* ---- one endpoint in one az in one region ---- */

struct line {
    struct health *health;
    int64_t now_ms;
    unsigned stayed, changes;
    enum health_stay_reason reason;
};

static void count_stay(void *context, const struct health_stay_change *change)
{
    struct line *line = context;
    line->stayed++;
    line->reason = change->status.reason;
}

static void count_change(void *context, const struct health_change *change)
{
    struct line *line = context;
    line->changes += change->kind == HEALTH_ENDPOINT && change->after.state != change->before.state;
}

static struct health *make_line(const struct health_rule *rules, const uint32_t at[3], uint8_t window,
                                uint16_t fall)
{
    static const struct health_region_plan regions[] = {{"r", 1}};
    static const struct health_az_plan azs[] = {{"z", 0, 1}};
    static const struct health_endpoint_plan endpoints[] = {{"e", 0}};
    const struct health_monitor_plan monitors[] = {{0, 2, fall, 7, 0}};
    const struct health_rules all = {
        .rules = rules, .count = 1, .monitors = &at[0], .azs = &at[1], .regions = &at[2], .windows = &window};
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = 1,
                                            .azs = azs,
                                            .az_count = 1,
                                            .endpoints = endpoints,
                                            .endpoint_count = 1,
                                            .monitors = monitors,
                                            .monitor_count = 1,
                                            .rules = &all},
                      WALL_MS);
}

static void open_line(struct line *line, const struct health_rule *rule, enum health_kind kind)
{
    const uint32_t at[3] = {kind == HEALTH_ENDPOINT, kind == HEALTH_AZ, kind == HEALTH_REGION};
    *line = (struct line){.health = make_line(rule, at, 0, 2), .now_ms = 1000};
    health_set_listener(line->health, &(struct health_listener){
                                          .context = line, .changed = count_change, .stayed = count_stay});
}

/* Everything that ends until then, exactly when it does. */
static void pass_to(struct line *line, int64_t now_ms)
{
    while (health_next_stay(line->health) <= now_ms) {
        int64_t at_ms = health_next_stay(line->health);
        (void)health_follow_stays(line->health, at_ms, WALL_MS + at_ms);
    }
    line->now_ms = now_ms;
    health_follow_time(line->health, now_ms);
}

static void hear(struct line *line, bool failing, int times)
{
    for (int i = 0; i < times; i++) {
        health_observe(line->health, 0, failing ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_OK,
                       WALL_MS + line->now_ms, 0, 0);
    }
}

static bool serves(const struct line *line)
{
    struct health_status status;
    assert_int_equal(health_get_status(line->health, HEALTH_ENDPOINT, 0, &status), 0);
    return health_state_serves(status.effective.state);
}

static enum health_stay_reason reason_of(const struct line *line, enum health_kind kind)
{
    struct health_status status;
    assert_int_equal(health_get_status(line->health, kind, 0, &status), 0);
    return status.stay.reason;
}

static void hold_down_ends_to_the_millisecond(void **state)
{
    (void)state;
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        struct line line;
        struct health_status status;
        open_line(&line, &(struct health_rule){.hold_down_ms = 30000}, kind);
        hear(&line, false, 2);
        pass_to(&line, 5000);
        hear(&line, true, 2);
        assert_false(serves(&line));
        assert_int_equal(reason_of(&line, kind), HEALTH_STAY_NONE); /* it fails: that is why */
        pass_to(&line, 10000);
        hear(&line, false, 2);
        assert_false(serves(&line));
        assert_int_equal(health_get_status(line.health, kind, 0, &status), 0);
        assert_int_equal(status.stay.reason, HEALTH_STAY_HOLD_DOWN);
        assert_int_equal(status.stay.ends_ms, WALL_MS + 35000);
        assert_int_equal(status.stay.down_ms, WALL_MS + 5000);
        assert_int_equal(line.stayed, 1);
        pass_to(&line, 34999);
        assert_false(serves(&line));
        pass_to(&line, 35000);
        assert_true(serves(&line));
        assert_int_equal(reason_of(&line, kind), HEALTH_STAY_NONE);
        pass_to(&line, 90000); /* one that lasts longer than that comes back at once */
        hear(&line, true, 2);
        pass_to(&line, 190000);
        hear(&line, false, 2);
        assert_true(serves(&line));
        health_free(line.health);
    }
}

static void failback_wants_it_well_without_a_break(void **state)
{
    (void)state;
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        struct line line;
        open_line(&line, &(struct health_rule){.failback_ms = 10000}, kind);
        hear(&line, false, 2);
        hear(&line, true, 2);
        pass_to(&line, 100000);
        hear(&line, false, 2);
        pass_to(&line, 109000);
        hear(&line, true, 2); /* of a group one failure is no break: nothing inside it is lost */
        hear(&line, false, 2);
        pass_to(&line, 118999);
        assert_false(serves(&line));
        pass_to(&line, 119000);
        assert_true(serves(&line));
        health_free(line.health);
    }
}

static void manual_waits_for_an_operator(void **state)
{
    (void)state;
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        struct line line;
        open_line(&line, &(struct health_rule){.failback_ms = HEALTH_MANUAL, .hold_down_ms = 1000}, kind);
        hear(&line, false, 2);
        assert_int_equal(health_judge_failback(line.health, kind, 0), ERROR_CONFLICT);
        hear(&line, true, 2);
        assert_int_equal(health_fail_back(line.health, kind, 0, WALL_MS), ERROR_CONFLICT); /* not well */
        hear(&line, false, 2);
        pass_to(&line, INT64_C(100000000000));
        assert_false(serves(&line));
        assert_int_equal(line.reason, HEALTH_STAY_MANUAL);
        assert_int_equal(health_fail_back(line.health, kind, 9, WALL_MS), ERROR_NOT_FOUND);
        assert_int_equal(health_fail_back(line.health, kind, 0, WALL_MS + line.now_ms), 0);
        assert_true(serves(&line));
        hear(&line, true, 2); /* and again */
        hear(&line, false, 2);
        assert_false(serves(&line));
        health_free(line.health);
    }
}

static void what_was_never_healthy_comes_back_by_itself(void **state)
{
    struct line line;
    (void)state;
    open_line(&line, &(struct health_rule){.failback_ms = HEALTH_MANUAL}, HEALTH_REGION);
    health_begin(line.health);
    hear(&line, true, 1);
    assert_false(serves(&line));
    hear(&line, false, 1);
    assert_true(serves(&line));
    health_free(line.health);
    open_line(&line, &(struct health_rule){.failback_ms = HEALTH_MANUAL}, HEALTH_ENDPOINT);
    hear(&line, true, 5);
    assert_false(serves(&line));
    hear(&line, false, 2);
    assert_true(serves(&line));
    health_free(line.health);
}

/* Down for 3 s, well for 3 s, checked every second, for 20 minutes. Returns how often answers changed. */
static unsigned flap(struct line *line, int64_t *back_ms)
{
    hear(line, false, 2);
    line->changes = 0;
    int64_t end_ms = line->now_ms + 1200000;
    for (int i = 0; line->now_ms < end_ms; i++) {
        pass_to(line, line->now_ms + 1000);
        hear(line, i % 6 < 3, 1);
    }
    unsigned changes = line->changes;
    end_ms = line->now_ms;
    while (!serves(line)) {
        pass_to(line, line->now_ms + 1);
        if (line->now_ms % 1000 == 0) {
            hear(line, false, 1);
        }
    }
    *back_ms = line->now_ms - end_ms;
    return changes;
}

static void what_flaps_moves_answers_five_times(void **state)
{
    static const struct health_rule none = {.hold_down_ms = 0};
    static const struct health_rule rule = {
        .penalty = 1000, .suppress = 2000, .reuse = 750, .half_life_ms = 60000, .max_suppress_ms = 240000};
    int64_t back_ms;
    (void)state;
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        struct line line;
        open_line(&line, &none, kind);
        assert_true(flap(&line, &back_ms) > 390);
        health_free(line.health);
        open_line(&line, &rule, kind);
        assert_int_equal(flap(&line, &back_ms), 5);
        assert_true(back_ms > 200000 && back_ms <= 240000);
        assert_int_equal(line.reason, HEALTH_STAY_FLAP);
        health_free(line.health);
    }
}

static void a_window_goes_by_its_share(void **state)
{
    struct line line = {.now_ms = 1000};
    static const uint32_t at[3] = {0};
    (void)state;
    line.health = make_line(&(struct health_rule){.hold_down_ms = 0}, at, 10, 5);
    hear(&line, false, 1);
    for (int i = 0; i < 4; i++) { /* never two in a row */
        assert_true(serves(&line));
        hear(&line, true, 1);
        hear(&line, false, 1);
    }
    hear(&line, true, 1);
    assert_false(serves(&line)); /* 5 of the last 10 */
    hear(&line, false, 1);
    assert_false(serves(&line)); /* what left was a success */
    hear(&line, false, 1);
    assert_true(serves(&line)); /* 4 of 10 */
    health_free(line.health);
}

/* ---- the brake ---- */

enum { MANY = 4 };

static void what_the_brake_takes_back_did_not_go_down(void **state)
{
    static const struct health_region_plan regions[] = {{"r", 1}};
    static const struct health_az_plan azs[] = {{"z", 0, 0.25}};
    struct health_endpoint_plan endpoints[MANY];
    struct health_monitor_plan monitors[MANY];
    struct health_brake_monitor braked[MANY];
    static const char *const names[MANY] = {"a", "b", "c", "d"};
    const struct health_rule rule = {.failback_ms = HEALTH_MANUAL};
    const uint32_t of_monitors[MANY] = {1, 1, 1, 1}, one[] = {1};
    const struct health_rules rules = {
        .rules = &rule, .count = 1, .monitors = of_monitors, .azs = one, .regions = one};
    static const struct health_ramp_plan ramp = {.steps = {7}, .count = 1, .each_ms = 3600000};
    const struct health_ramps ramps = {&ramp, 1, of_monitors, one, one};
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        endpoints[i] = (struct health_endpoint_plan){names[i], 0};
        monitors[i] = (struct health_monitor_plan){i, 1, 1, i + 1, 0};
        braked[i] = (struct health_brake_monitor){i + 1, 1000, 100, 0};
    }
    const struct health_brake_plan brake = {.share = 1, .targets = 3, .hold_ms = 60000, .monitors = braked};
    struct health *health = health_new(&(struct health_plan){.regions = regions,
                                                             .region_count = 1,
                                                             .azs = azs,
                                                             .az_count = 1,
                                                             .endpoints = endpoints,
                                                             .endpoint_count = MANY,
                                                             .monitors = monitors,
                                                             .monitor_count = MANY,
                                                             .brake = &brake,
                                                             .rules = &rules,
                                                             .ramps = &ramps},
                                       WALL_MS);
    struct health_status status;
    for (uint32_t i = 0; i < MANY; i++) {
        health_follow_time(health, 1000 + i);
        health_observe(health, i, HEALTH_OUTCOME_OK, WALL_MS, 0, 0);
    }
    health_observe(health, 0, HEALTH_OUTCOME_TIMEOUT, WALL_MS, 0, 0); /* one came back before, and ramps */
    health_observe(health, 0, HEALTH_OUTCOME_OK, WALL_MS, 0, 0);
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        assert_int_equal(health_fail_back(health, kind, 0, WALL_MS), 0);
    }
    for (uint32_t i = 0; i < MANY; i++) { /* the first ones fall, and take az and region along */
        health_follow_time(health, 2000 + i);
        health_observe(health, i, HEALTH_OUTCOME_TIMEOUT, WALL_MS, 0, 0);
        while (health_follow_brake(health, 1, WALL_MS)) {
        }
        (void)health_get_status(health, HEALTH_REGION, 0, &status);
        assert_int_equal(status.observed, i < 3 ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_HEALTHY);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        health_observe(health, i, HEALTH_OUTCOME_OK, WALL_MS, 0, 0);
        while (health_follow_brake(health, 1, WALL_MS)) {
        }
        (void)health_get_status(health, HEALTH_ENDPOINT, i, &status);
        assert_true(health_state_serves(status.effective.state) && status.stay.reason == HEALTH_STAY_NONE);
        assert_int_equal(status.ramp.percent, i == 0 ? 7 : 0);
    }
    for (enum health_kind kind = HEALTH_AZ; kind <= HEALTH_REGION; kind++) {
        (void)health_get_status(health, kind, 0, &status);
        assert_int_equal(status.ramp.percent, 7); /* as before the trouble of this host */
    }
    health_free(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hold_down_ends_to_the_millisecond),
        cmocka_unit_test(failback_wants_it_well_without_a_break),
        cmocka_unit_test(manual_waits_for_an_operator),
        cmocka_unit_test(what_was_never_healthy_comes_back_by_itself),
        cmocka_unit_test(what_flaps_moves_answers_five_times),
        cmocka_unit_test(a_window_goes_by_its_share),
        cmocka_unit_test(what_the_brake_takes_back_did_not_go_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
