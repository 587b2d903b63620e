/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See times.h. The sum of what is through at a time grows with it, so a bisection finds the millisecond;
 * parts that are alike are one, which leaves few of ten thousand names. */
#include "config.h"

#include "drill/times.h"

#include "base/memory.h"
#include "drill/users.h"

#include <stdlib.h>

static int compare_parts(const void *a, const void *b)
{
    const struct times_part *one = a, *other = b;
    return one->worst_ms != other->worst_ms
               ? (one->worst_ms < other->worst_ms ? -1 : 1)
               : (one->phase_ms > other->phase_ms) - (one->phase_ms < other->phase_ms);
}

static size_t merge_parts(struct times_part *parts, size_t count)
{
    size_t merged = 0;
    if (count > 1) {
        qsort(parts, count, sizeof *parts, compare_parts);
    }
    for (size_t i = 0; i < count; i++) {
        if (merged != 0 && compare_parts(&parts[merged - 1], &parts[i]) == 0) {
            parts[merged - 1].weight += parts[i].weight;
        } else {
            parts[merged++] = parts[i];
        }
    }
    return merged;
}

static double find_through(const struct times_part *parts, size_t count, int64_t at_ms)
{
    double through = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t first_ms = parts[i].worst_ms - parts[i].phase_ms;
        if (at_ms >= parts[i].worst_ms) {
            through += parts[i].weight;
        } else if (at_ms > first_ms) {
            through += parts[i].weight * (double)(at_ms - first_ms) / (double)parts[i].phase_ms;
        }
    }
    return through;
}

struct drill_times drill_find_times(struct times_part *parts, size_t count)
{
    static const double shares[DRILL_QUANTILES] = {0.5, 0.9, 0.99, 1};
    struct drill_times times = {{-1, -1, -1, -1}};
    double all = 0;
    count = merge_parts(parts, count);
    for (size_t i = 0; i < count; i++) {
        all += parts[i].weight;
    }
    for (size_t q = 0; q < DRILL_QUANTILES && count != 0; q++) {
        int64_t low_ms = 0, high_ms = parts[count - 1].worst_ms;
        while (low_ms < high_ms) {
            int64_t middle_ms = low_ms + (high_ms - low_ms) / 2;
            if (find_through(parts, count, middle_ms) >= shares[q] * all * (1 - 1e-12)) {
                high_ms = middle_ms;
            } else {
                low_ms = middle_ms + 1;
            }
        }
        times.ms[q] = low_ms;
    }
    return times;
}

void drill_spread_times(const struct drill_clients *clients, struct drill_report *report)
{
    struct times_part *detections = memory_alloc_array(report->changed_count, sizeof *detections),
                      *decisions = memory_alloc_array(report->changed_count, sizeof *decisions);
    size_t detected = 0, decided = 0;
    for (size_t i = 0; i < report->changed_count; i++) { /* these come first */
        const struct drill_name *name = &report->names[i];
        if (name->weight <= 0 || name->decided_ms < 0 ||
            (clients != NULL && !drill_is_asked_for(clients, name->name))) {
            continue;
        }
        decisions[decided++] = (struct times_part){name->weight, name->decided_ms, name->phase_ms};
        if (name->detected_ms >= 0) {
            detections[detected++] = (struct times_part){name->weight, name->detected_ms, name->phase_ms};
        }
    }
    report->detections = drill_find_times(detections, detected);
    report->decisions = drill_find_times(decisions, decided);
    free(detections);
    free(decisions);
}
