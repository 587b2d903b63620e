/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What has to happen for the verdict of a monitor to change, from the same rules as observe.c. Pure. */
#include "config.h"

#include "health/health.h"

#include <stdio.h>
#include <string.h>

struct health_outlook health_find_outlook(const struct health_monitor_status *status)
{
    bool is_open = status->verdict == HEALTH_OBSERVED_UNKNOWN;
    bool falls =
        status->verdict == HEALTH_OBSERVED_HEALTHY || (is_open && status->failing && status->streak != 0);
    unsigned streak = status->failing == falls ? status->streak : 0;
    unsigned rise = is_open || status->inherited || status->untried ? 1 : status->rise;
    unsigned fall = is_open && status->untried ? 1 : status->fall;
    if (status->idle) {
        return (struct health_outlook){.to = HEALTH_OBSERVED_UNKNOWN};
    }
    if (status->window != 0 && falls) {
        streak = status->failures;
    } else if (status->window != 0 && rise != 1) { /* at least: until so many failures have left the window */
        rise = status->failures < status->fall ? 0 : status->failures - status->fall + 1u;
        streak = 0;
    }
    return (struct health_outlook){.to = falls ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_HEALTHY,
                                   .by_failure = falls,
                                   .have = streak,
                                   .need = falls ? fall : rise};
}

bool health_hangs(const struct health_monitor_status *status, enum health_observed verdict)
{
    bool fails = health_outcome_is_failure(status->outcome);
    enum health_observed to = fails ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_HEALTHY;
    return verdict != to && status->streak < (fails ? status->fall : status->rise);
}

static const char *plural(unsigned count, bool failures)
{
    return failures ? (count == 1 ? "failure" : "failures in a row")
                    : (count == 1 ? "success" : "successes in a row");
}

static void write_cause(const struct health_monitor_status *status, char *text, size_t size)
{
    if (status->inherited) {
        snprintf(text, size, "inherited from where it is");
    } else if (status->streak == 0) {
        snprintf(text, size,
                 status->verdict == HEALTH_OBSERVED_UNKNOWN ? "no result yet" : "kept from before");
    } else if (status->window != 0) {
        snprintf(text, size, "%u of the last %u failed", (unsigned)status->failures,
                 (unsigned)status->window);
    } else {
        snprintf(text, size, "%u %s", (unsigned)status->streak, plural(status->streak, status->failing));
    }
}

static void write_why(const struct health_monitor_status *status, char text[HEALTH_WHY_SIZE])
{
    struct health_outlook outlook = health_find_outlook(status);
    char cause[64];
    write_cause(status, cause, sizeof cause);
    if (outlook.to == HEALTH_OBSERVED_UNKNOWN) {
        snprintf(text, HEALTH_WHY_SIZE, "nothing is observed");
    } else if (status->held) {
        snprintf(text, HEALTH_WHY_SIZE, "%s, held by the brake", cause);
    } else if (status->stay.reason == HEALTH_STAY_MANUAL) {
        snprintf(text, HEALTH_WHY_SIZE, "%s; stays down until it is let back (failback)", cause);
    } else if (status->stay.reason != HEALTH_STAY_NONE) {
        snprintf(text, HEALTH_WHY_SIZE, "%s; stays down for %.1f s more (%s)", cause,
                 (double)status->stay.left_ms / 1000, health_stay_text(status->stay.reason));
    } else {
        const char *what = status->window == 0  ? plural(outlook.need, outlook.by_failure)
                           : outlook.by_failure ? "failures"
                                                : "successes or more";
        snprintf(text, HEALTH_WHY_SIZE, "%s; %u of %u %s to become %s", cause, outlook.have, outlook.need,
                 what, health_observed_text(outlook.to));
    }
}

void health_write_why(const struct health_monitor_status *status, char text[HEALTH_WHY_SIZE])
{
    if (status->stale) {
        snprintf(text, HEALTH_WHY_SIZE,
                 "no result for %lld s%s: nothing is known now, and the verdict stands",
                 (long long)status->silent_ms / 1000,
                 status->outcome == HEALTH_OUTCOME_LOCAL_ERROR ? ", the check cannot be made" : "");
        return;
    }
    write_why(status, text);
    if (status->role == HEALTH_WATCHED) {
        size_t len = strlen(text);
        snprintf(text + len, HEALTH_WHY_SIZE - len, "; monitoring only, does not count");
    }
}
