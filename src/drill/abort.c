/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See abort.h. */
#include "config.h"

#include "drill/abort.h"

#include <stdio.h>

enum { ALL = 100 };

static bool find_errors(const struct drill_limits *limits, const struct drill_sight *sight,
                        char why[DRILL_WHY_SIZE])
{
    if (limits->errors == 0 || sight->failing == NULL) {
        return false;
    }
    if (sight->errors < 0) {
        snprintf(why, DRILL_WHY_SIZE, "nobody reports the failed requests of %s:%.150s any more",
                 sight->failing_kind, sight->failing);
    } else if (sight->errors > limits->errors) {
        snprintf(why, DRILL_WHY_SIZE, "%.3g %% of the requests of %s:%.150s fail, %.3g %% may",
                 sight->errors * ALL, sight->failing_kind, sight->failing, limits->errors * ALL);
    }
    return sight->errors < 0 || sight->errors > limits->errors;
}

const char *drill_find_abort(const struct drill_limits *limits, const struct drill_sight *sight,
                             char why[DRILL_WHY_SIZE])
{
    if (sight->incident != NULL) {
        snprintf(why, DRILL_WHY_SIZE, "incident %.60s is on: %.150s is lost, in reality", sight->incident,
                 sight->incident_target);
        return "incident";
    }
    if (sight->unserved > sight->unserved_before && !limits->allows_unserved) {
        snprintf(why, DRILL_WHY_SIZE, "nobody serves %zu answers in the drill, %zu before", sight->unserved,
                 sight->unserved_before);
        return "unserved";
    }
    if (sight->moved != NULL) {
        snprintf(why, DRILL_WHY_SIZE, "%.200s must not move, and does", sight->moved);
        return "moved";
    }
    if (sight->fullest != NULL && sight->load * ALL >= limits->capacity) {
        snprintf(why, DRILL_WHY_SIZE, "%s:%.150s reports a load of %.0f %% of its high watermark",
                 sight->fullest_kind, sight->fullest, sight->load * ALL);
        return "capacity";
    }
    if (find_errors(limits, sight, why)) {
        return "errors";
    }
    if (sight->rule != NULL) {
        snprintf(why, DRILL_WHY_SIZE, "safety rule \"%.150s\" is violated, in reality", sight->rule);
        return "rule";
    }
    if (limits->recovery_ms != 0 && sight->misled != 0 && sight->misled_ms >= limits->recovery_ms) {
        snprintf(why, DRILL_WHY_SIZE, "%zu answers still lead to what is lost after %.1f s", sight->misled,
                 (double)sight->misled_ms / 1000);
        return "recovery";
    }
    return NULL;
}
