/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See verdicts.h. Each monitor is an endpoint of its own, so no roll-up has a say; what one that is new has
 * inherited from others is no verdict of its own, and none here. */
#include "config.h"

#include "steerprobe/verdicts.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 17, BLIND_INTERVALS = 3 };

/* What is thought of a monitor, what was told, and whether it waits to be told something else. */
struct said {
    uint8_t thought, told; /* enum health_observed */
    bool waits;
    bool idle;
};

struct verdicts {
    struct health *health;
    struct verdicts_plan *plans;
    struct said *said;
    uint32_t *queue; /* a ring: of those that wait, each once */
    size_t count, head, waiting;
    size_t next; /* of the round */
    int64_t blind_ms;
    struct verdicts_counts counts;
};

/* ---- life ---- */

static struct health *make_health(const struct verdicts_plan *plans, size_t count, int64_t now_ms)
{
    const struct health_region_plan region = {.name = "region", .lost_at = 1};
    const struct health_az_plan az = {.name = "az", .lost_at = 1};
    char(*names)[NAME_SIZE] = memory_alloc_array(count, sizeof *names);
    struct health_endpoint_plan *endpoints = memory_alloc_array(count, sizeof *endpoints);
    struct health_monitor_plan *monitors = memory_alloc_array(count, sizeof *monitors);
    uint8_t *windows = memory_alloc_array(count, sizeof *windows);
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "%016" PRIx64, plans[i].identity);
        endpoints[i].name = names[i];
        monitors[i] = (struct health_monitor_plan){.endpoint = (uint32_t)i,
                                                   .rise = plans[i].rise,
                                                   .fall = plans[i].fall,
                                                   .identity = plans[i].identity};
        windows[i] = plans[i].window;
    }
    const struct health_rules rules = {.windows = windows};
    struct health *health = health_new(&(struct health_plan){.regions = &region,
                                                             .region_count = 1,
                                                             .azs = &az,
                                                             .az_count = 1,
                                                             .endpoints = endpoints,
                                                             .endpoint_count = count,
                                                             .monitors = monitors,
                                                             .monitor_count = count,
                                                             .rules = &rules},
                                       now_ms);
    free(windows);
    free(monitors);
    free(endpoints);
    free(names);
    return health;
}

struct verdicts *verdicts_new(const struct verdicts_plan *plans, size_t count, int64_t blind_ms,
                              int64_t now_ms)
{
    struct verdicts *verdicts = memory_alloc(sizeof *verdicts);
    *verdicts = (struct verdicts){.health = make_health(plans, count, now_ms),
                                  .plans = memory_copy(plans, count * sizeof *plans),
                                  .said = memory_alloc_array(count, sizeof *verdicts->said),
                                  .queue = memory_alloc_array(count, sizeof *verdicts->queue),
                                  .count = count,
                                  .blind_ms = blind_ms,
                                  .counts.none = count};
    for (size_t i = 0; i < count; i++) {
        if (plans[i].idle) {
            verdicts_use(verdicts, (uint32_t)i, false, now_ms);
        }
    }
    return verdicts;
}

void verdicts_free(struct verdicts *verdicts)
{
    if (verdicts != NULL) {
        health_free(verdicts->health);
        free(verdicts->plans);
        free(verdicts->said);
        free(verdicts->queue);
        free(verdicts);
    }
}

size_t verdicts_count(const struct verdicts *verdicts)
{
    return verdicts->count;
}

/* ---- opinions ---- */

static size_t *count_of(struct verdicts *verdicts, const struct said *said)
{
    struct verdicts_counts *counts = &verdicts->counts;
    return said->idle                                   ? &counts->idle
           : said->thought == HEALTH_OBSERVED_HEALTHY   ? &counts->up
           : said->thought == HEALTH_OBSERVED_UNHEALTHY ? &counts->down
                                                        : &counts->none;
}

/* Something in this host keeps it from being checked, and has for long; or it was not looked at for whatever
 * reason: checks of somebody else take all the time that there is. */
static bool is_blind(const struct verdicts *verdicts, uint32_t index,
                     const struct health_monitor_status *status, int64_t now_ms)
{
    int64_t rounds_ms = BLIND_INTERVALS * (int64_t)verdicts->plans[index].interval_ms;
    int64_t limit_ms = verdicts->blind_ms > rounds_ms ? verdicts->blind_ms : rounds_ms;
    int64_t since_ms = now_ms - status->judged_ms, stale_ms = verdicts->plans[index].stale_ms;
    return (status->outcome == HEALTH_OUTCOME_LOCAL_ERROR && since_ms > limit_ms) ||
           (stale_ms != 0 && since_ms > stale_ms);
}

static enum health_observed judge(const struct health_monitor_status *status)
{
    return status->idle || status->inherited || status->doubted ? HEALTH_OBSERVED_UNKNOWN : status->verdict;
}

static struct fleet_opinion form(const struct verdicts *verdicts, uint32_t index, int64_t now_ms)
{
    struct health_monitor_status status;
    struct health_status whole;
    (void)health_get_monitor(verdicts->health, index, &status);
    (void)health_get_status(verdicts->health, HEALTH_ENDPOINT, index, &whole);
    bool has_none = is_blind(verdicts, index, &status, now_ms);
    int64_t age_ms = now_ms - whole.since_ms;
    return (struct fleet_opinion){.index = index,
                                  .verdict = has_none ? HEALTH_OBSERVED_UNKNOWN : judge(&status),
                                  .outcome = status.outcome,
                                  .streak = status.streak,
                                  .detail = status.detail,
                                  .duration_us = status.duration_us,
                                  .age_ms = age_ms < 0 ? 0 : age_ms};
}

/* What is thought of it now. */
static struct fleet_opinion think(struct verdicts *verdicts, uint32_t index, int64_t now_ms)
{
    struct fleet_opinion opinion = form(verdicts, index, now_ms);
    struct said *said = &verdicts->said[index];
    (*count_of(verdicts, said))--;
    said->thought = (uint8_t)opinion.verdict;
    (*count_of(verdicts, said))++;
    return opinion;
}

static struct fleet_opinion tell(struct verdicts *verdicts, uint32_t index, int64_t now_ms)
{
    struct fleet_opinion opinion = think(verdicts, index, now_ms);
    verdicts->said[index].told = (uint8_t)opinion.verdict;
    return opinion;
}

/* Returns whether it waits to be told. */
static bool look(struct verdicts *verdicts, uint32_t index, int64_t now_ms)
{
    struct said *said = &verdicts->said[index];
    if (think(verdicts, index, now_ms).verdict != said->told && !said->waits) {
        said->waits = true;
        verdicts->queue[(verdicts->head + verdicts->waiting++) % verdicts->count] = index;
    }
    return said->waits;
}

size_t verdicts_take_changes(struct verdicts *verdicts, struct fleet_opinion *opinions, size_t max,
                             int64_t now_ms)
{
    size_t taken = 0;
    while (taken < max && verdicts->waiting != 0) {
        uint32_t index = verdicts->queue[verdicts->head];
        uint8_t before = verdicts->said[index].told;
        verdicts->head = (verdicts->head + 1) % verdicts->count;
        verdicts->waiting--;
        verdicts->said[index].waits = false;
        opinions[taken] = tell(verdicts, index, now_ms);
        taken += opinions[taken].verdict != before; /* else it is again what was told */
    }
    return taken;
}

size_t verdicts_take_next(struct verdicts *verdicts, struct fleet_opinion *opinions, size_t max,
                          int64_t now_ms, bool *ends)
{
    size_t taken = 0;
    while (taken < max && verdicts->next < verdicts->count) {
        opinions[taken++] = tell(verdicts, (uint32_t)verdicts->next++, now_ms);
    }
    *ends = verdicts->next == verdicts->count;
    verdicts->next = *ends ? 0 : verdicts->next;
    return taken;
}

void verdicts_begin_anew(struct verdicts *verdicts)
{
    verdicts->next = verdicts->head = verdicts->waiting = 0;
    for (size_t i = 0; i < verdicts->count; i++) {
        verdicts->said[i].waits = false;
        verdicts->said[i].told = HEALTH_OBSERVED_UNKNOWN;
    }
}

struct verdicts_counts verdicts_sum_up(const struct verdicts *verdicts)
{
    return verdicts->counts;
}

/* ---- results ---- */

struct verdicts_turn verdicts_note(struct verdicts *verdicts, uint32_t index,
                                   const struct verdicts_result *result, int64_t now_ms)
{
    struct health_monitor_status before, after;
    (void)health_get_monitor(verdicts->health, index, &before);
    health_observe(verdicts->health, index, result->outcome, now_ms, result->duration_us, result->detail);
    (void)health_get_monitor(verdicts->health, index, &after);
    return (struct verdicts_turn){.before = judge(&before),
                                  .after = judge(&after),
                                  .tells = look(verdicts, index, now_ms),
                                  .hangs = verdicts->plans[index].recheck_ms != 0 &&
                                           health_hangs(&after, judge(&after))};
}

void verdicts_hold_up(struct verdicts *verdicts, int64_t for_ms, int64_t now_ms)
{
    if (for_ms > verdicts->blind_ms) {
        health_doubt(verdicts->health);
        for (size_t i = 0; i < verdicts->count; i++) {
            (void)look(verdicts, (uint32_t)i, now_ms);
        }
    }
}

void verdicts_use(struct verdicts *verdicts, uint32_t index, bool used, int64_t now_ms)
{
    struct said *said = &verdicts->said[index];
    (*count_of(verdicts, said))--;
    said->idle = !used;
    (*count_of(verdicts, said))++;
    (void)health_use_monitor(verdicts->health, index, used, now_ms);
    (void)look(verdicts, index, now_ms);
}

/* ---- from list to list ---- */

void verdicts_carry(struct verdicts *to, const struct verdicts *from, int64_t now_ms)
{
    health_carry(to->health, from->health, now_ms);
    for (size_t i = 0; i < to->count; i++) { /* what is idle is so whatever the old list said */
        (void)health_use_monitor(to->health, (uint32_t)i, !to->plans[i].idle, now_ms);
        (void)think(to, (uint32_t)i, now_ms);
    }
    verdicts_begin_anew(to);
}
