/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of the records of a health machine: what a torn file or a process of another version may hold. What
 * is refused is refused in time; what is taken makes a machine that works, that can be carried over, and that
 * is the same when it is written and read once more. */
#include "config.h"

#include "base/buffer.h"
#include "health/health.h"
#include "health/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

static struct health *read_machine(const uint8_t *bytes, size_t len)
{
    struct health_reader *reader = health_reader_new();
    struct health_record record;
    size_t at = 0;
    while (health_record_next(bytes, len, &at, &record) == 0 && health_reader_take(reader, &record) == 0) {
    }
    struct health *health =
        health_reader_finish(reader, &(struct health_reading){.wall_ms = 1000000, .shift_ms = 0});
    health_reader_free(reader);
    return health;
}

static void write_machine(struct health *health, struct buffer *to)
{
    struct health_sizes sizes = health_get_sizes(health);
    struct health_writer *writer = health_writer_new(&sizes);
    buffer_init(to);
    health_writer_begin(writer, health);
    while (health_writer_step(writer, 64, to)) {
    }
    health_writer_end(writer);
    health_writer_free(writer);
}

static void expect_same(const struct health *a, const struct health *b)
{
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        expect(health_count(a, kind) == health_count(b, kind));
        for (uint32_t i = 0; i < health_count(a, kind); i++) {
            struct health_status x, y;
            (void)health_get_status(a, kind, i, &x);
            (void)health_get_status(b, kind, i, &y);
            expect(x.ramp.percent == y.ramp.percent &&
                   memcmp(x.ramp.families, y.ramp.families, sizeof x.ramp.families) == 0);
            expect(strcmp(x.name, y.name) == 0 && x.observed == y.observed && x.since_ms == y.since_ms &&
                   x.effective.state == y.effective.state && x.load.source == y.load.source);
        }
    }
    expect(health_monitor_count(a) == health_monitor_count(b));
    expect(health_count_lags(a) == health_count_lags(b));
}

/* It lives on. */
static void use(struct health *health)
{
    static const struct health_region_plan region = {"us", 1};
    static const struct health_az_plan az = {"us-1", 0, 1};
    static const struct health_endpoint_plan endpoint = {"a", 0};
    static const struct health_monitor_plan monitor = {.endpoint = 0, .rise = 2, .fall = 3, .identity = 1};
    static const struct health_brake_monitor braked = {.subject = 1, .interval_ms = 1000, .timeout_ms = 500};
    static const struct health_brake_plan brake = {
        .share = 1, .targets = 1, .hold_ms = 60000, .monitors = &braked};
    static const struct health_ramp_plan ramp = {.steps = {1, 5}, .count = 2, .each_ms = 1000};
    static const uint32_t ramped = 1;
    static const struct health_ramps ramps = {&ramp, 1, &ramped, &ramped, &ramped};
    struct health *to = health_new(&(struct health_plan){.regions = &region,
                                                         .region_count = 1,
                                                         .azs = &az,
                                                         .az_count = 1,
                                                         .endpoints = &endpoint,
                                                         .endpoint_count = 1,
                                                         .monitors = &monitor,
                                                         .monitor_count = 1,
                                                         .brake = &brake,
                                                         .ramps = &ramps},
                                   1000000);
    health_carry(to, health, 1000000);
    health_follow_time(to, 2000000);
    while (health_follow_stays(to, 2000000, 2000000) != 0) {
    }
    health_observe(to, 0, HEALTH_OUTCOME_TIMEOUT, 2000000, 1, 0);
    (void)health_follow_brake(to, 64, 2000000);
    health_expire_loads(to, 2000000, 2000000);
    for (uint32_t i = 0; i < health_monitor_count(health) && i < 64; i++) {
        health_observe(health, i, i % 2 == 0 ? HEALTH_OUTCOME_OK : HEALTH_OUTCOME_REFUSED, 2000000, 1, 0);
    }
    (void)health_follow_brake(health, 64, 2000000);
    health_expire_loads(health, 2000000, 2000000);
    for (size_t i = 0; i < health_count_lags(health) && i < 64; i++) {
        struct health_lag_status status;
        const struct health_lag_report report = {.value = 1, .source = HEALTH_LAG_PUSHED, .seq = 2};
        (void)health_report_lag(health, i, &report, 2000000, 2000000);
        health_get_lag(health, i, 3000000, &status);
    }
    health_follow_lags(health, 3000000, 3000000);
    health_free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct health *health = read_machine(data, size), *again;
    struct buffer stream;
    if (health == NULL) {
        return 0;
    }
    write_machine(health, &stream);
    again = read_machine((const uint8_t *)stream.bytes, stream.len);
    expect(again != NULL);
    expect_same(health, again);
    use(health);
    buffer_fini(&stream);
    health_free(health);
    health_free(again);
    return 0;
}
