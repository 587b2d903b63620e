/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health: how far copies lag behind, in virtual time. What is worse counts at once, what is better
 * when it has held, silence is unknown and never 0; reloads and restarts; random words beside a model that
 * looks at the whole past anew at each step. */
#include "config.h"

#include "unit.h"

#include "base/buffer.h"
#include "base/random.h"
#include "health/health.h"
#include "health/record.h"

#include <stdio.h>
#include <string.h>

enum { WALL = 1000000000, NOW = 5000, AGE = 60000, HOLD = 10000, RPO = 30000, OTHER_RPO = 5000 };
enum { US_EU, EU_US, B_A, PAIRS }; /* regions there and back, azs */

static const struct health_lag_plan usual[PAIRS] = {
    {.kind = HEALTH_REGION, .from = 0, .to = 1, .rpo_ms = RPO, .max_age_ms = AGE, .hold_ms = HOLD},
    {.kind = HEALTH_REGION,
     .from = 1,
     .to = 0,
     .stage = HEALTH_STAGE_FULL,
     .max_age_ms = AGE,
     .hold_ms = HOLD},
    {.kind = HEALTH_AZ, .from = 1, .to = 0, .rpo_ms = OTHER_RPO, .max_age_ms = AGE, .is_asked = true}};

static struct health *build(const struct health_lag_plan *items, size_t count)
{
    static const struct health_region_plan regions[] = {{"us", 1}, {"eu", 1}};
    static const struct health_az_plan azs[] = {{"a", 0, 1}, {"b", 1, 1}};
    static const struct health_endpoint_plan endpoints[] = {{"one", 0}};
    const struct health_lags_plan lags = {items, count};
    const struct health_plan plan = {.regions = regions,
                                     .region_count = 2,
                                     .azs = azs,
                                     .az_count = 2,
                                     .endpoints = endpoints,
                                     .endpoint_count = 1,
                                     .lags = &lags};
    return health_new(&plan, WALL);
}

struct told {
    unsigned count;
    enum health_rpo rpo, rpo_before;
    enum health_stage stage, stage_before;
    char to[16];
};

static void on_lagged(void *context, const struct health_lag_change *change)
{
    struct told *told = context;
    told->count++;
    told->rpo = change->status->rpo;
    told->rpo_before = change->rpo_before;
    told->stage = change->status->stage;
    told->stage_before = change->stage_before;
    snprintf(told->to, sizeof told->to, "%s", change->status->to);
}

static void listen(struct health *health, struct told *told)
{
    *told = (struct told){.count = 0};
    health_set_listener(health, &(struct health_listener){.context = told, .lagged = on_lagged});
}

static enum health_push_fate say(struct health *health, size_t lag, struct health_lag_report what,
                                 int64_t at_ms)
{
    what.source = what.source == HEALTH_LAG_NONE ? HEALTH_LAG_PUSHED : what.source;
    return health_report_lag(health, lag, &what, WALL + at_ms, NOW + at_ms);
}

static void say_ms(struct health *health, size_t lag, double ms, int64_t at_ms)
{
    const struct health_lag_report what = {.value = ms, .unit = HEALTH_LAG_MILLISECONDS};
    assert_int_equal(say(health, lag, what, at_ms), HEALTH_PUSH_TAKEN);
}

static void say_stage(struct health *health, size_t lag, enum health_stage stage, int64_t at_ms)
{
    assert_int_equal(say(health, lag, (struct health_lag_report){.stage = stage}, at_ms), HEALTH_PUSH_TAKEN);
}

static struct health_lag_status look(const struct health *health, size_t lag, int64_t at_ms)
{
    struct health_lag_status status;
    health_get_lag(health, lag, NOW + at_ms, &status);
    return status;
}

static void follow(struct health *health, int64_t at_ms)
{
    health_follow_lags(health, WALL + at_ms, NOW + at_ms);
}

static enum health_rpo rpo_at(struct health *health, size_t lag, int64_t at_ms)
{
    follow(health, at_ms);
    return look(health, lag, at_ms).rpo;
}

static enum health_stage stage_at(struct health *health, size_t lag, int64_t at_ms)
{
    follow(health, at_ms);
    return look(health, lag, at_ms).stage;
}

static void pairs_are_found(void **state)
{
    (void)state;
    struct health *health = build(usual, PAIRS), *none = build(NULL, 0);
    assert_int_equal(health_count_lags(health), PAIRS);
    assert_int_equal(health_find_lag(health, HEALTH_REGION, 0, 1), US_EU);
    assert_int_equal(health_find_lag(health, HEALTH_REGION, 1, 0), EU_US);
    assert_int_equal(health_find_lag(health, HEALTH_AZ, 1, 0), B_A);
    assert_int_equal(health_find_lag(health, HEALTH_AZ, 0, 1), -1);
    assert_int_equal(health_find_lag(none, HEALTH_REGION, 0, 1), -1);
    const struct health_lag_status status = look(health, US_EU, 0);
    assert_string_equal(status.from, "us");
    assert_string_equal(status.to, "eu");
    assert_false(status.is_known);
    assert_int_equal(status.age_ms, -1);
    assert_int_equal(status.rpo, HEALTH_RPO_UNKNOWN);
    assert_int_equal(look(health, EU_US, 0).rpo, HEALTH_RPO_NONE);
    assert_int_equal(look(health, EU_US, 0).stage, HEALTH_STAGE_FULL);
    follow(none, 0);
    health_free(health);
    health_free(none);
}

static void over_at_once_and_kept_once_it_holds(void **state)
{
    (void)state;
    struct told told;
    struct health *health = build(usual, PAIRS);
    listen(health, &told);
    say_ms(health, US_EU, RPO, 0);
    assert_int_equal(rpo_at(health, US_EU, 0), HEALTH_RPO_KEPT); /* the first word, and just within */
    say_ms(health, US_EU, RPO + 1, 1);
    assert_int_equal(look(health, US_EU, 1).rpo, HEALTH_RPO_OVER);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.rpo, HEALTH_RPO_OVER);
    assert_int_equal(told.rpo_before, HEALTH_RPO_KEPT);
    assert_string_equal(told.to, "eu");
    assert_int_equal(look(health, US_EU, 1).since_ms, WALL + 1);
    say_ms(health, US_EU, 0, 2);
    assert_int_equal(rpo_at(health, US_EU, HOLD + 1), HEALTH_RPO_OVER);
    say_ms(health, US_EU, RPO + 1, HOLD + 1); /* it did not */
    say_ms(health, US_EU, 0, HOLD + 2);
    assert_int_equal(rpo_at(health, US_EU, 2 * HOLD + 1), HEALTH_RPO_OVER);
    assert_int_equal(told.count, 2);
    assert_int_equal(rpo_at(health, US_EU, 2 * HOLD + 2), HEALTH_RPO_KEPT);
    assert_int_equal(told.count, 3);
    health_free(health);
}

static void units_are_compared_as_time_or_not_at_all(void **state)
{
    (void)state;
    struct health *health = build(usual, PAIRS);
    say(health, US_EU, (struct health_lag_report){.value = 30.001}, 0);
    assert_int_equal(look(health, US_EU, 0).rpo, HEALTH_RPO_OVER);
    say(health, US_EU, (struct health_lag_report){.value = 0, .unit = HEALTH_LAG_BYTES}, 1);
    assert_int_equal(look(health, US_EU, 1).rpo, HEALTH_RPO_UNKNOWN);
    assert_true(look(health, US_EU, 1).is_known);
    assert_int_equal(health_count_lag_states(health, NOW + 1).unknown, PAIRS - 1);
    say(health, EU_US, (struct health_lag_report){.value = 1e300}, 1);
    assert_int_equal(look(health, EU_US, 1).rpo, HEALTH_RPO_NONE);
    assert_true(strcmp(health_lag_unit_text(HEALTH_LAG_SECONDS), "s") == 0);
    health_free(health);
}

static void what_is_old_is_unknown_and_never_0(void **state)
{
    (void)state;
    struct told told;
    struct health *health = build(usual, PAIRS);
    listen(health, &told);
    say_ms(health, US_EU, 7, 0);
    assert_true(look(health, US_EU, AGE - 1).is_known);
    assert_int_equal(look(health, US_EU, AGE - 1).age_ms, AGE - 1);
    const struct health_lag_status status = look(health, US_EU, AGE); /* also before anybody follows */
    assert_false(status.is_known);
    assert_int_equal(status.rpo, HEALTH_RPO_UNKNOWN);
    assert_true(status.value == 7);
    assert_int_equal(health_count_lag_states(health, NOW + AGE).unknown, PAIRS);
    follow(health, AGE);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.rpo, HEALTH_RPO_UNKNOWN);
    say_ms(health, US_EU, RPO + 1, 2 * AGE);
    assert_int_equal(rpo_at(health, US_EU, 3 * AGE), HEALTH_RPO_UNKNOWN);
    say_ms(health, US_EU, 1, 4 * AGE); /* after silence at once */
    assert_int_equal(look(health, US_EU, 4 * AGE).rpo, HEALTH_RPO_KEPT);
    say(health, US_EU, (struct health_lag_report){.value = 1, .ttl_ms = 1000}, 5 * AGE - 1);
    assert_false(look(health, US_EU, 5 * AGE + 999).is_known);
    health_note_lag_asked(health, B_A, HEALTH_OUTCOME_REFUSED, false, WALL);
    assert_int_equal(look(health, B_A, 0).outcome, HEALTH_OUTCOME_REFUSED);
    assert_false(look(health, B_A, 0).is_known);
    health_free(health);
}

static void an_earlier_stage_counts_at_once(void **state)
{
    (void)state;
    struct told told;
    struct health *health = build(usual, PAIRS);
    listen(health, &told);
    say_stage(health, EU_US, HEALTH_STAGE_REAL_TIME, 0);
    assert_int_equal(stage_at(health, EU_US, HOLD - 1), HEALTH_STAGE_FULL); /* declared */
    assert_int_equal(stage_at(health, EU_US, HOLD), HEALTH_STAGE_REAL_TIME);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.stage_before, HEALTH_STAGE_FULL);
    say_stage(health, EU_US, HEALTH_STAGE_START, HOLD + 1);
    assert_int_equal(look(health, EU_US, HOLD + 1).stage, HEALTH_STAGE_START);
    say_stage(health, EU_US, HEALTH_STAGE_REAL_TIME, HOLD + 2);
    assert_int_equal(look(health, EU_US, HOLD + 2).stage, HEALTH_STAGE_START);
    say_stage(health, EU_US, HEALTH_STAGE_UNKNOWN, HOLD + 3); /* what is declared counts at once */
    assert_int_equal(look(health, EU_US, HOLD + 3).stage, HEALTH_STAGE_FULL);
    assert_false(look(health, EU_US, HOLD + 3).is_stage_said);
    say_stage(health, US_EU, HEALTH_STAGE_REAL_TIME, 0); /* nothing was known */
    assert_int_equal(look(health, US_EU, 0).stage, HEALTH_STAGE_REAL_TIME);
    assert_int_equal(stage_at(health, US_EU, 2 * AGE), HEALTH_STAGE_REAL_TIME); /* with its age */
    health_free(health);
}

static void late_ones_and_replayed_ones_change_nothing(void **state)
{
    (void)state;
    struct health *health = build(usual, PAIRS);
    struct health_lag_report what = {.value = 1, .time_ms = WALL - AGE};
    assert_int_equal(say(health, US_EU, what, 0), HEALTH_PUSH_LATE);
    what.time_ms = WALL - 1000;
    what.seq = 7;
    assert_int_equal(say(health, US_EU, what, 0), HEALTH_PUSH_TAKEN);
    assert_int_equal(look(health, US_EU, 0).age_ms, 1000);
    what.value = 2;
    assert_int_equal(say(health, US_EU, what, 1), HEALTH_PUSH_REPLAYED);
    assert_true(look(health, US_EU, 1).value == 1);
    assert_false(look(health, US_EU, AGE - 1000).is_known); /* it counts from its own time on */
    what = (struct health_lag_report){.value = 3, .seq = 1};
    assert_int_equal(say(health, US_EU, what, AGE), HEALTH_PUSH_TAKEN); /* begun anew */
    health_free(health);
}

/* ---- reloads and restarts ---- */

static struct health *restart(struct health *before, int64_t shift_ms, int64_t now_ms)
{
    const struct health_sizes sizes = health_get_sizes(before);
    struct health_writer *writer = health_writer_new(&sizes);
    struct health_reader *reader = health_reader_new();
    struct health_record record;
    struct buffer stream;
    size_t at = 0;
    buffer_init(&stream);
    health_writer_begin(writer, before);
    while (health_writer_step(writer, 1, &stream)) {
    }
    say_ms(before, B_A, 4000, 0);
    while (health_writer_catch_up(writer, 1, &stream) != 0) {
    }
    health_writer_end(writer);
    while (health_record_next((const uint8_t *)stream.bytes, stream.len, &at, &record) == 0) {
        assert_int_equal(health_reader_take(reader, &record), 0);
    }
    struct health *read = health_reader_finish(
        reader, &(struct health_reading){.wall_ms = WALL, .now_ms = now_ms, .shift_ms = shift_ms});
    assert_non_null(read);
    struct health *after = build(usual, PAIRS);
    health_carry(after, read, WALL);
    health_free(read);
    health_reader_free(reader);
    health_writer_free(writer);
    buffer_fini(&stream);
    return after;
}

static void a_restart_forgets_nothing(void **state)
{
    (void)state;
    enum { SHIFT = 1000 };
    struct health *before = build(usual, PAIRS);
    const struct health_lag_report what = {.value = RPO + 1,
                                           .unit = HEALTH_LAG_MILLISECONDS,
                                           .stage = HEALTH_STAGE_START,
                                           .seq = 9,
                                           .actor = "dr-tool",
                                           .peer = "uid 0"};
    say(before, US_EU, what, 0);
    struct health *after = restart(before, SHIFT, NOW + SHIFT + 500);
    struct health_lag_status status = look(after, US_EU, SHIFT + 500);
    assert_int_equal(status.age_ms, 500);
    assert_true(status.is_known && status.value == RPO + 1);
    assert_int_equal(status.rpo, HEALTH_RPO_OVER);
    assert_int_equal(status.stage, HEALTH_STAGE_START);
    assert_int_equal(status.since_ms, WALL);
    assert_string_equal(status.actor, "dr-tool");
    assert_string_equal(status.peer, "uid 0");
    assert_true(look(after, B_A, SHIFT).value == 4000); /* said while it was written */
    assert_int_equal(say(after, US_EU, what, SHIFT + 501), HEALTH_PUSH_REPLAYED);
    assert_int_equal(look(after, EU_US, SHIFT).age_ms, -1);
    health_free(before);
    health_free(after);
}

/* Who is who is known by name; what the plan says now counts. */
static void a_reload_forgets_nothing(void **state)
{
    (void)state;
    struct told told;
    struct health *before = build(usual, PAIRS);
    say_ms(before, US_EU, 20000, 0);
    say_ms(before, B_A, 1, 0);
    const struct health_lag_plan other[] = {
        usual[EU_US],
        {.kind = HEALTH_REGION, .from = 0, .to = 1, .rpo_ms = 10000, .max_age_ms = 2 * AGE, .hold_ms = HOLD}};
    struct health *after = build(other, 2);
    health_carry(after, before, WALL);
    listen(after, &told);
    follow(after, 1);
    const struct health_lag_status status = look(after, 1, 1);
    assert_true(status.value == 20000 && status.age_ms == 1);
    assert_int_equal(status.rpo, HEALTH_RPO_OVER);
    assert_int_equal(told.count, 1);
    assert_true(look(after, 1, 2 * AGE - 1).is_known);
    struct health *copy = health_new_like(after);
    health_carry(copy, after, WALL);
    assert_true(look(copy, 1, 1).value == 20000);
    health_free(copy);
    health_free(after);
    health_free(before);
}

/* Whatever is said while a reload goes on is known after it. */
static void a_reload_in_steps_misses_nothing(void **state)
{
    (void)state;
    struct health *before = build(usual, PAIRS), *after = build(usual, PAIRS);
    struct health_carrier *carrier = health_carrier_new(after, before, WALL);
    health_carrier_watch(carrier);
    say_ms(before, US_EU, 1, 0);
    while (health_carrier_step(carrier, 1)) {
    }
    health_carrier_settle(carrier);
    say_ms(before, US_EU, 2, 1);
    (void)health_carrier_catch_up(carrier, SIZE_MAX);
    assert_true(look(after, US_EU, 1).value == 2);
    (void)health_carrier_catch_up(carrier, SIZE_MAX);
    health_carrier_end(carrier);
    health_carrier_free(carrier);
    say_ms(after, US_EU, 3, 2);
    health_adopt(after, before, WALL); /* knows less */
    assert_true(look(after, US_EU, 2).value == 3);
    say_ms(before, US_EU, 4, 3);
    health_adopt(after, before, WALL);
    assert_true(look(after, US_EU, 3).value == 4);
    health_free(before);
    health_free(after);
}

static void records_that_lie_are_refused(void **state)
{
    (void)state;
    struct health *health = build(usual, PAIRS);
    say(health, US_EU, (struct health_lag_report){.value = 1, .actor = "a", .peer = "b"}, 0);
    const struct health_sizes sizes = health_get_sizes(health);
    struct random random;
    random_init(&random, 7);
    for (int round = 0; round < 3000; round++) {
        struct health_writer *writer = health_writer_new(&sizes);
        struct health_reader *reader = health_reader_new();
        struct health_record record;
        struct buffer stream;
        size_t at = 0;
        buffer_init(&stream);
        health_writer_begin(writer, health);
        while (health_writer_step(writer, 100, &stream)) {
        }
        health_writer_end(writer);
        size_t from = stream.len - 400;
        for (uint64_t n = 1 + random_below(&random, 3); n > 0; n--) {
            stream.bytes[from + random_below(&random, 400)] = (char)random_below(&random, 256);
        }
        while (health_record_next((const uint8_t *)stream.bytes, stream.len, &at, &record) == 0 &&
               health_reader_take(reader, &record) == 0) {
        }
        struct health *read =
            health_reader_finish(reader, &(struct health_reading){.wall_ms = WALL, .now_ms = NOW});
        if (read != NULL) {
            struct health *after = build(usual, PAIRS);
            health_carry(after, read, WALL);
            follow(after, 0);
            (void)look(after, US_EU, 0);
            say_ms(after, B_A, 1, 1);
            health_free(after);
        }
        health_free(read);
        health_reader_free(reader);
        health_writer_free(writer);
        buffer_fini(&stream);
    }
    health_free(health);
}

/* ---- beside a model ---- */

enum { STEP = 500, STEPS = 600, SCENES = 200 };

/* What was said by the end of each step, and what that alone makes of it. */
struct past {
    enum health_rpo raw[STEPS], judged[STEPS];
    enum health_stage stage[STEPS], judged_stage[STEPS];
    bool is_said[STEPS];
};

static enum health_rpo model_rpo(const struct past *past, int at, int64_t hold_ms)
{
    int begun = at;
    if (past->raw[at] != HEALTH_RPO_KEPT) {
        return past->raw[at];
    }
    while (begun > 0 && past->raw[begun - 1] == HEALTH_RPO_KEPT) {
        begun--;
    }
    bool was_over = begun > 0 && past->raw[begun - 1] == HEALTH_RPO_OVER;
    return was_over && (int64_t)(at - begun) * STEP < hold_ms ? HEALTH_RPO_OVER : HEALTH_RPO_KEPT;
}

static enum health_stage model_stage(const struct past *past, int at, int64_t hold_ms,
                                     enum health_stage first)
{
    enum health_stage before = at == 0 ? first : past->judged_stage[at - 1];
    int begun = at;
    if (before == HEALTH_STAGE_UNKNOWN || !past->is_said[at] || past->stage[at] <= before) {
        return past->stage[at];
    }
    while (begun > 0 && past->is_said[begun - 1] && past->stage[begun - 1] > before &&
           past->judged_stage[begun - 1] == before) {
        begun--;
    }
    return (int64_t)(at - begun) * STEP < hold_ms ? before : past->stage[at];
}

static void live(struct random *random, const struct health_lag_plan *plan)
{
    static struct past past;
    struct health *health = build(plan, 1);
    double value = 0;
    int64_t ends_ms = 0;
    unsigned changed = 0;
    struct told counted;
    enum health_stage said = HEALTH_STAGE_UNKNOWN;
    listen(health, &counted);
    for (int at = 0; at < STEPS; at++) {
        int64_t now_ms = (int64_t)at * STEP;
        if (random_below(random, 4) == 0) {
            value = (double)random_below(random, 2 * OTHER_RPO);
            said = (enum health_stage)random_below(random, HEALTH_STAGES);
            int64_t ttl_ms = random_below(random, 2) == 0 ? 0 : 1000 + (int64_t)random_below(random, 5000);
            const struct health_lag_report what = {
                .value = value, .unit = HEALTH_LAG_MILLISECONDS, .stage = said, .ttl_ms = ttl_ms};
            assert_int_equal(say(health, 0, what, now_ms), HEALTH_PUSH_TAKEN);
            ends_ms = now_ms + (ttl_ms != 0 ? ttl_ms : plan->max_age_ms);
        }
        if (random_below(random, 20) == 0) {
            struct health *after = build(plan, 1);
            health_carry(after, health, WALL);
            health_free(health);
            health = after;
            health_set_listener(health, &(struct health_listener){.context = &counted, .lagged = on_lagged});
        }
        past.raw[at] = now_ms >= ends_ms              ? HEALTH_RPO_UNKNOWN
                       : value > (double)plan->rpo_ms ? HEALTH_RPO_OVER
                                                      : HEALTH_RPO_KEPT;
        past.is_said[at] = said != HEALTH_STAGE_UNKNOWN;
        past.stage[at] = past.is_said[at] ? said : plan->stage;
        past.judged[at] = model_rpo(&past, at, plan->hold_ms);
        past.judged_stage[at] = model_stage(&past, at, plan->hold_ms, plan->stage);
        assert_int_equal(rpo_at(health, 0, now_ms), past.judged[at]);
        assert_int_equal(look(health, 0, now_ms).stage, past.judged_stage[at]);
        enum health_rpo before = at == 0 ? HEALTH_RPO_UNKNOWN : past.judged[at - 1];
        enum health_stage stage_before = at == 0 ? plan->stage : past.judged_stage[at - 1];
        changed += past.judged[at] != before || past.judged_stage[at] != stage_before;
        assert_int_equal(counted.count, changed);
    }
    health_free(health);
}

static void random_words_are_as_the_model_says(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 2026);
    for (int scene = 0; scene < SCENES; scene++) {
        struct health_lag_plan plan = {.kind = HEALTH_REGION, .from = 0, .to = 1, .rpo_ms = OTHER_RPO};
        plan.max_age_ms = 1000 + (int64_t)random_below(&random, 10000);
        plan.hold_ms = (int64_t)random_below(&random, 5) * STEP;
        plan.stage = (enum health_stage)random_below(&random, HEALTH_STAGES);
        live(&random, &plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_found),
        cmocka_unit_test(over_at_once_and_kept_once_it_holds),
        cmocka_unit_test(units_are_compared_as_time_or_not_at_all),
        cmocka_unit_test(what_is_old_is_unknown_and_never_0),
        cmocka_unit_test(an_earlier_stage_counts_at_once),
        cmocka_unit_test(late_ones_and_replayed_ones_change_nothing),
        cmocka_unit_test(a_restart_forgets_nothing),
        cmocka_unit_test(a_reload_forgets_nothing),
        cmocka_unit_test(a_reload_in_steps_misses_nothing),
        cmocka_unit_test(records_that_lie_are_refused),
        cmocka_unit_test(random_words_are_as_the_model_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
