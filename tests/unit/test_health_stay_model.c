/* SPDX-License-Identifier: BSD-3-Clause
 *
 * All rules of what stays down, ramps, windows, operators, reloads and restarts together, in random
 * sequences, against a model that looks at everything every millisecond and remembers all that ever happened.
 */
#include "config.h"

#include "stay_model.h"

#include "base/buffer.h"
#include "base/error.h"
#include "health/health.h"
#include "health/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void expect_observed(const struct world *w, enum health_kind kind, uint32_t index,
                            enum health_observed wanted)
{
    struct health_status status;
    assert_int_equal(health_get_status(w->health, kind, index, &status), 0);
    assert_int_equal(status.observed, wanted);
}

/* It stays down, and until when: nothing but that keeps it from being well. */
static void expect_stay(const struct world *w, uint32_t e)
{
    struct health_status status;
    bool is_down = w->endpoints[e] == HEALTH_OBSERVED_UNHEALTHY;
    assert_int_equal(health_get_status(w->health, HEALTH_ENDPOINT, e, &status), 0);
    bool stays = is_down && is_good(w, e, HEALTH_OBSERVED_HEALTHY, INT64_MAX);
    assert_int_equal(status.stay.reason != HEALTH_STAY_NONE, stays);
    if (stays && status.stay.reason != HEALTH_STAY_MANUAL) {
        int64_t end_ms = status.stay.ends_ms - WALL_MS;
        assert_false(is_good(w, e, HEALTH_OBSERVED_HEALTHY, end_ms - 2));
        assert_true(is_good(w, e, HEALTH_OBSERVED_HEALTHY, end_ms + 2));
    }
}

static void expect_ramp(const struct world *w, size_t place)
{
    uint32_t index;
    enum health_kind kind = kind_of(place, &index);
    const struct rising *r = &w->risings[place];
    unsigned percent = find_percent(r, w->now_ms);
    struct health_status status;
    assert_int_equal(health_get_status(w->health, kind, index, &status), 0);
    assert_int_equal(status.ramp.percent, percent == 100 ? 0 : percent);
    if (status.ramp.percent != 0) {
        assert_int_equal(status.ramp.ends_ms,
                         WALL_MS + r->begun_ms + (int64_t)r->plan.count * r->plan.each_ms);
        assert_int_equal(find_percent(r, status.ramp.next_ms - WALL_MS), status.ramp.next_percent);
        assert_int_equal(find_percent(r, status.ramp.next_ms - WALL_MS - 1), status.ramp.percent);
    }
}

static void compare(const struct world *w)
{
    for (size_t i = 0; i < PLACES; i++) {
        expect_ramp(w, i);
    }
    for (uint32_t i = 0; i < MONITORS; i++) {
        struct health_monitor_status status;
        const struct object *o = &w->monitors[i].object;
        assert_int_equal(health_get_monitor(w->health, i, &status), 0);
        assert_int_equal(status.verdict, o->verdict);
        assert_int_equal(status.stay.reason != HEALTH_STAY_NONE, o->is_down && o->is_ready);
        bool suppressed;
        assert_true(o->rule.penalty <= 0 ||
                    fabs(status.stay.penalty - replay(o, w->now_ms, &suppressed)) < 0.5);
    }
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        expect_observed(w, HEALTH_ENDPOINT, i, w->endpoints[i]);
        expect_stay(w, i);
    }
    for (uint32_t i = 0; i < AZS; i++) {
        expect_observed(w, HEALTH_AZ, i, w->azs[i].verdict);
    }
    for (uint32_t i = 0; i < REGIONS; i++) {
        expect_observed(w, HEALTH_REGION, i, w->regions[i].verdict);
    }
}

/* The machine is looked at when it says so, the model every millisecond. */
static void let_time_pass(struct world *w, int64_t by_ms)
{
    int64_t end_ms = w->now_ms + by_ms;
    while (w->now_ms < end_ms) {
        w->now_ms++;
        look_at_all(w);
        if (health_next_stay(w->health) <= w->now_ms) {
            while (health_follow_stays(w->health, w->now_ms, WALL_MS + w->now_ms) != 0) {
            }
            compare(w);
        }
    }
    health_follow_time(w->health, w->now_ms);
}

static void observe(struct world *w)
{
    uint32_t i = (uint32_t)roll(w, MONITORS);
    struct watched *m = &w->monitors[i];
    uint64_t mood = (uint64_t)(w->now_ms / 3000) % 3; /* good times and bad times */
    bool failing = roll(w, 4) < (mood == 0 ? 0 : mood == 1 ? 2 : 3);
    if (roll(w, 12) == 0) {
        health_observe(w->health, i, HEALTH_OUTCOME_LOCAL_ERROR, WALL_MS + w->now_ms, 0, 0);
        return;
    }
    m->results[m->result_count++] = failing;
    judge_monitor(m, w->now_ms);
    judge_all(w);
    health_observe(w->health, i, failing ? HEALTH_OUTCOME_REFUSED : HEALTH_OUTCOME_OK, WALL_MS + w->now_ms, 0,
                   0);
}

static void forgive(struct object *o)
{
    o->forgiven = o->fall_count;
    if (o->is_down && o->is_ready) {
        o->is_down = o->is_ready = false;
        o->verdict = HEALTH_OBSERVED_HEALTHY;
    }
}

static void let_back(struct world *w)
{
    size_t i = roll(w, ENDPOINTS + AZS + REGIONS);
    enum health_kind kind = i < ENDPOINTS ? HEALTH_ENDPOINT : i < ENDPOINTS + AZS ? HEALTH_AZ : HEALTH_REGION;
    size_t index = i - (kind == HEALTH_ENDPOINT ? 0 : kind == HEALTH_AZ ? ENDPOINTS : ENDPOINTS + AZS);
    bool any = false;
    for (size_t m = 0; kind == HEALTH_ENDPOINT && m < MONITORS; m++) {
        const struct object *o = &w->monitors[m].object;
        any |= w->monitors[m].endpoint == index && o->is_down && o->is_ready;
    }
    bool is_enough =
        kind == HEALTH_ENDPOINT && (w->endpoints[index] != HEALTH_OBSERVED_UNHEALTHY ||
                                    is_good(w, (uint32_t)index, HEALTH_OBSERVED_HEALTHY, INT64_MAX));
    struct object *group = kind == HEALTH_AZ       ? &w->azs[index]
                           : kind == HEALTH_REGION ? &w->regions[index]
                                                   : NULL;
    bool may = group == NULL ? any && is_enough : group->is_down && group->is_ready;
    int error = health_fail_back(w->health, kind, (uint32_t)index, WALL_MS + w->now_ms);
    assert_int_equal(error, may ? 0 : ERROR_CONFLICT);
    if (!may) {
        return;
    }
    for (size_t m = 0; kind == HEALTH_ENDPOINT && m < MONITORS; m++) {
        if (w->monitors[m].endpoint == index) {
            forgive(&w->monitors[m].object);
        }
    }
    if (group != NULL) {
        group->forgiven = group->fall_count;
        group->is_down = group->is_ready = false;
        group->verdict = HEALTH_OBSERVED_UNKNOWN;
    }
    judge_all(w);
}

/* An operator wants something up, or not any more. */
static void want_up(struct world *w)
{
    uint32_t index;
    size_t place = roll(w, PLACES);
    enum health_kind kind = kind_of(place, &index);
    w->up[place] = !w->up[place];
    const struct health_override override = {
        .desired = w->up[place] ? HEALTH_DESIRED_UP : HEALTH_DESIRED_AUTO, .set_ms = WALL_MS + w->now_ms};
    assert_int_equal(health_set_override(w->health, kind, index, &override, WALL_MS + w->now_ms), 0);
    judge_all(w);
}

/* A machine that was written down and read again. */
static struct health *read_again(const struct world *w)
{
    struct buffer bytes;
    struct health_record record;
    struct health_sizes sizes = health_get_sizes(w->health);
    struct health_writer *writer = health_writer_new(&sizes);
    struct health_reader *reader = health_reader_new();
    size_t at = 0;
    buffer_init(&bytes);
    health_writer_begin(writer, w->health);
    while (health_writer_step(writer, 3, &bytes)) {
    }
    health_writer_end(writer);
    while (health_record_next((const uint8_t *)bytes.bytes, bytes.len, &at, &record) == 0) {
        assert_int_equal(health_reader_take(reader, &record), 0);
    }
    struct health *read = health_reader_finish(
        reader, &(struct health_reading){.wall_ms = WALL_MS + w->now_ms, .now_ms = w->now_ms});
    assert_non_null(read);
    health_writer_free(writer);
    health_reader_free(reader);
    buffer_fini(&bytes);
    return read;
}

/* A reload, with other rules: at once or in steps, while results come; or a restart. */
static void take_over(struct world *w)
{
    uint64_t how = roll(w, 3);
    if (roll(w, 2) == 0) {
        choose_rules(w);
    }
    for (size_t i = 0; i < PLACES; i++) { /* orders are kept elsewhere; a reload looks at everything */
        w->risings[i].ramps = w->risings[i].ramps && (how == 0 || !is_wanted_up(w, i));
    }
    memset(w->up, 0, how == 0 ? sizeof w->up : 0);
    struct health *from = how == 0 ? read_again(w) : w->health, *to = build(w);
    if (how != 2) {
        health_carry(to, from, WALL_MS + w->now_ms);
    } else {
        struct health_carrier *carrier = health_carrier_new(to, from, WALL_MS + w->now_ms);
        health_carrier_watch(carrier);
        while (health_carrier_step(carrier, 1 + roll(w, 4))) {
        }
        health_carrier_settle(carrier);
        while (health_carrier_catch_up(carrier, 3) != 0) {
        }
        health_carrier_end(carrier);
        health_carrier_free(carrier);
    }
    if (how == 0) {
        health_free(from);
    }
    health_free(w->health);
    w->health = to;
    health_follow_time(to, w->now_ms);
    while (health_next_stay(to) <= w->now_ms &&
           health_follow_stays(to, w->now_ms, WALL_MS + w->now_ms) != 0) {
    }
    look_at_all(w);
}

static void machine_and_model_agree(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world w;
        open_world(&w, seed);
        for (int i = 0; i < EVENTS / 2; i++) {
            uint64_t what = roll(&w, 100);
            if (what < 90) {
                observe(&w);
            } else if (what < 97) {
                let_back(&w);
            } else if (what < 98) {
                take_over(&w);
            } else if (what < 99) {
                want_up(&w);
            }
            compare(&w);
            let_time_pass(&w, (int64_t)roll(&w, roll(&w, 20) == 0 ? 800 : 20));
            compare(&w);
        }
        close_world(&w);
    }
}

/* While a machine is carried in steps the old one goes on: in the end the new one is as the old one. */
static void a_carry_in_steps_loses_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct world w;
        open_world(&w, seed + 1000);
        for (int i = 0; i < 200; i++) {
            struct health *to = i % 20 == 19 ? build(&w) : NULL;
            struct health_carrier *carrier =
                to == NULL ? NULL : health_carrier_new(to, w.health, WALL_MS + w.now_ms);
            if (to != NULL) {
                health_carrier_watch(carrier);
            }
            bool more = to != NULL;
            for (int n = 0; n < 12; n++) {
                observe(&w);
                let_time_pass(&w, (int64_t)roll(&w, 60));
                more = more && health_carrier_step(carrier, 2);
            }
            if (to != NULL) {
                while (health_carrier_step(carrier, 2)) {
                    observe(&w);
                }
                observe(&w);
                health_carrier_settle(carrier);
                while (health_carrier_catch_up(carrier, 2) > 4) {
                    observe(&w);
                    let_time_pass(&w, 20);
                }
                while (health_carrier_catch_up(carrier, SIZE_MAX) != 0) {
                }
                health_carrier_end(carrier);
                health_carrier_free(carrier);
                health_free(w.health);
                w.health = to;
                compare(&w);
            }
        }
        close_world(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_and_model_agree),
        cmocka_unit_test(a_carry_in_steps_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
