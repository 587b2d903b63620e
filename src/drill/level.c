/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See level.h. */
#include "config.h"

#include "drill/level.h"

#define MINUTES(n) (INT64_C(60000) * (n))
#define DAYS(n)    (INT64_C(86400000) * (n))

/* The longest times that a level is said to have; levels 1 to 3 have no bound of recovery. */
static const struct {
    int64_t rto_ms, rpo_ms;
} most[DRILL_LEVELS + 1] = {
    [1] = {INT64_MAX, DAYS(7)}, [2] = {INT64_MAX, DAYS(7)},   [3] = {INT64_MAX, DAYS(1)},
    [4] = {DAYS(2), DAYS(1)},   [5] = {DAYS(2), MINUTES(30)}, [6] = {DRILL_LEVEL_MINUTES_MS, 0},
};

unsigned drill_level_of(int64_t rto_ms, int64_t rpo_ms)
{
    unsigned level = DRILL_LEVELS;
    while (level > 0 && (rto_ms > most[level].rto_ms || rpo_ms > most[level].rpo_ms)) {
        level--;
    }
    return level;
}

/* Of all copies; -1: of one it is not known, or there are none. */
static int64_t find_rpo(const struct drill_report *report)
{
    int64_t rpo_ms = report->copy_count == 0 ? -1 : 0;
    for (size_t i = 0; i < report->copy_count && rpo_ms >= 0; i++) {
        int64_t lag_ms = report->copies[i].lag_ms;
        rpo_ms = lag_ms < 0 || lag_ms > rpo_ms ? lag_ms : rpo_ms;
    }
    return rpo_ms;
}

static const struct {
    const char *key, *text;
} resources[DRILL_RESOURCES] = {
    [DRILL_BACKUP] = {"backup", "backup of data"},
    [DRILL_PROCESSING] = {"processing", "spare processing"},
    [DRILL_NETWORK] = {"network", "spare network"},
    [DRILL_SITE] = {"site", "spare site"},
    [DRILL_SUPPORT] = {"support", "technical support"},
    [DRILL_OPERATION] = {"operation", "operation and maintenance"},
    [DRILL_PLAN] = {"plan", "recovery plan"},
};

const char *drill_resource_key(enum drill_resource resource)
{
    return resources[resource].key;
}

const char *drill_resource_text(enum drill_resource resource)
{
    return resources[resource].text;
}

static const char *find_why(const struct drill_report *report, const struct drill_level *found, bool recovers)
{
    return report->recovery_ms < 0   ? "no answer changed"
           : !recovers               ? "not all names were served again"
           : report->copy_count == 0 ? "nothing is known of copies of data (replicates_to in the topology)"
           : found->rpo_ms < 0       ? "how far copies of the data were behind is not known"
                                     : NULL;
}

struct drill_level drill_find_level(const struct drill_report *report)
{
    bool recovers = report->unserved_count == 0 && report->to_lost_count == 0 && report->held_count == 0 &&
                    report->recovery_ms >= 0;
    struct drill_level found = {.rto_ms = recovers ? report->recovery_ms : -1, .rpo_ms = find_rpo(report)};
    found.why = find_why(report, &found, recovers);
    found.of_times = found.why == NULL ? drill_level_of(found.rto_ms, found.rpo_ms) : 0;
    found.level = found.of_times;
    for (unsigned i = 0; i < DRILL_RESOURCES; i++) {
        unsigned declared = report->resources[i];
        found.undeclared |= (unsigned)(declared == 0) << i;
        found.level = declared != 0 && declared < found.level ? declared : found.level;
    }
    if (found.why == NULL && found.level == 0) {
        found.why = "the data were further behind than any level allows";
    }
    return found;
}
