/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See checked.h. A check that could not be made for a reason of this host took no time that anybody wants to
 * know. */
#include "config.h"

#include "daemon/checked.h"

#include "daemon/metrics_kept.h"
#include "view/view.h"

static const uint32_t limits_us[CHECKED_BUCKETS] = {250,    500,     1000,    2500,    5000,
                                                    10000,  25000,   50000,   100000,  250000,
                                                    500000, 1000000, 2500000, 5000000, 10000000};

/* Only one thread writes, so no locked instruction is needed. */
static void add(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + value,
                          memory_order_relaxed);
}

static unsigned long look(const _Atomic uint64_t *counter)
{
    return (unsigned long)atomic_load_explicit(counter, memory_order_relaxed);
}

void checked_note(struct checked *checked, enum conf_check_type type, const struct probe_result *result)
{
    size_t bucket = 0;
    if ((unsigned)type >= CHECKED_TYPES) {
        return;
    }
    struct checked_type *of = &checked->types[type];
    add(&of->outcomes[result->outcome], 1);
    if (result->outcome == HEALTH_OUTCOME_LOCAL_ERROR) {
        return;
    }
    while (bucket < CHECKED_BUCKETS && result->duration_us > limits_us[bucket]) {
        bucket++;
    }
    add(&of->buckets[bucket], 1);
    add(&of->took_us, result->duration_us);
}

static void write_outcomes(const struct checked *checked, struct buffer *out)
{
    print_head(out, "steerd_check_results_total", "counter",
               "Results of checks of endpoints since the start, by type of check and outcome.");
    for (int type = 0; type < CHECKED_TYPES; type++) {
        for (int i = HEALTH_OUTCOME_OK; i < HEALTH_OUTCOME_COUNT; i++) {
            unsigned long count = look(&checked->types[type].outcomes[i]);
            if (count != 0) {
                buffer_print(out, "steerd_check_results_total{type=\"%s\",outcome=\"%s\"} %lu\n",
                             conf_check_type_text((enum conf_check_type)type),
                             health_outcome_text((enum health_outcome)i), count);
            }
        }
    }
}

static void write_durations(const struct checked_type *of, const char *type, struct buffer *out)
{
    unsigned long sum = 0;
    for (size_t i = 0; i < CHECKED_BUCKETS; i++) {
        sum += look(&of->buckets[i]);
        buffer_print(out, "steerd_check_duration_seconds_bucket{type=\"%s\",le=\"%g\"} %lu\n", type,
                     limits_us[i] / 1e6, sum);
    }
    sum += look(&of->buckets[CHECKED_BUCKETS]);
    buffer_print(out, "steerd_check_duration_seconds_bucket{type=\"%s\",le=\"+Inf\"} %lu\n", type, sum);
    buffer_print(out, "steerd_check_duration_seconds_sum{type=\"%s\"} %.6f\n", type,
                 (double)look(&of->took_us) / 1e6);
    buffer_print(out, "steerd_check_duration_seconds_count{type=\"%s\"} %lu\n", type, sum);
}

static bool has_any(const struct checked_type *of)
{
    bool has = false;
    for (size_t i = 0; i <= CHECKED_BUCKETS; i++) {
        has = has || look(&of->buckets[i]) != 0;
    }
    return has;
}

void checked_write_metrics(const struct checked *checked, struct buffer *out)
{
    write_outcomes(checked, out);
    print_head(out, "steerd_check_duration_seconds", "histogram",
               "How long checks of endpoints took since the start, by type of check.");
    for (int type = 0; type < CHECKED_TYPES; type++) {
        if (has_any(&checked->types[type])) {
            write_durations(&checked->types[type], conf_check_type_text((enum conf_check_type)type), out);
        }
    }
}

void checked_write_stale(const struct view *view, struct buffer *out)
{
    size_t stale = 0;
    for (size_t i = 0; i < view->monitor_count; i++) {
        struct health_monitor_status status;
        stale += health_get_monitor(view->health, (uint32_t)i, &status) == 0 && status.stale;
    }
    print_head(out, "steerd_checks_stale", "gauge",
               "Checks of endpoints that had no result for so long that nothing is known now.");
    buffer_print(out, "steerd_checks_stale %zu\n", stale);
}
