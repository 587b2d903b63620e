/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rules_time.h. */
#include "config.h"

#include "operate/rules_time.h"

#include "base/tzif.h"

enum { MINUTE_MS = 60000, AHEAD_MINUTES = 8 * 24 * 60 };

static bool holds(const struct conf_freeze *freeze, int64_t wall_ms)
{
    if (!freeze->is_weekly) {
        return wall_ms >= freeze->begin_ms && wall_ms < freeze->end_ms;
    }
    struct tzif_local local = tzif_find_local(freeze->zone, wall_ms / 1000);
    bool today = (freeze->days >> local.weekday & 1) != 0,
         yesterday = (freeze->days >> (local.weekday + 6) % 7 & 1) != 0;
    if (freeze->from_s < freeze->to_s) {
        return today && local.second >= freeze->from_s && local.second < freeze->to_s;
    }
    return (today && local.second >= freeze->from_s) || (yesterday && local.second < freeze->to_s);
}

bool rules_are_frozen(const struct conf_rule *rule, int64_t wall_ms)
{
    for (size_t i = 0; i < rule->freeze_count; i++) {
        if (holds(&rule->freezes[i], wall_ms)) {
            return true;
        }
    }
    return false;
}

int64_t rules_find_thaw(const struct conf_rule *rule, int64_t wall_ms)
{
    int64_t at = wall_ms - wall_ms % MINUTE_MS;
    for (int i = 0; i < AHEAD_MINUTES; i++) {
        at += MINUTE_MS;
        if (!rules_are_frozen(rule, at)) {
            return at;
        }
    }
    return 0;
}

int64_t rules_find_last_move(const struct health_table *table)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < table->region_count; i++) {
        const struct health_outage *outage = &table->regions_outage[i];
        uint64_t left = atomic_load_explicit(&outage->left_ms, memory_order_relaxed);
        uint64_t back = atomic_load_explicit(&outage->back_ms, memory_order_relaxed);
        last = left > last ? left : last;
        last = back > last ? back : last;
    }
    return (int64_t)last;
}
