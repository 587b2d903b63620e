/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See hold.h: when a member was out, as three words tell it. */
#include "config.h"

#include "steer/hold.h"

enum { WORDS = 3 };

/* How long ago it was; UINT64_MAX: in a future that was before the clock was set back. */
static uint64_t find_age(uint64_t time_ms, uint64_t now_ms)
{
    return time_ms <= now_ms ? now_ms - time_ms : time_ms - now_ms <= HOLD_BEHIND_MS ? 0 : UINT64_MAX;
}

static uint64_t load(const _Atomic uint64_t *time_ms)
{
    return atomic_load_explicit(time_ms, memory_order_relaxed);
}

/* Of one word. Who left again while it was held had no clients but those who had had to leave another: it was
 * out all the time. What left and came back within a millisecond is back: who asks knows whether it serves.
 */
static struct hold_outage read_outage(const struct steer_policy *policy, const struct health_outage *outage)
{
    uint64_t left = load(&outage->left_ms), back = load(&outage->back_ms);
    uint64_t before_left = load(&outage->before_left_ms), before_back = load(&outage->before_back_ms);
    bool goes_on = before_back != 0 && left >= before_back && left - before_back < policy->sticky.hold_ms;
    return (struct hold_outage){.left_ms = goes_on ? before_left : left,
                                .back_ms = left > back ? STEER_STILL_OUT : back};
}

/* Outages of an endpoint, its az and its region that touch each other are one. */
struct hold_outage hold_find_outage(const struct steer_policy *policy, const struct health_table *table,
                                    uint16_t member, enum health_family family)
{
    const struct steer_place *place = steer_get_place(policy, member);
    const struct hold_outage outages[WORDS] = {
        read_outage(policy, &table->endpoints_outage[policy->members[member].endpoint][family]),
        read_outage(policy, &table->azs_outage[place->az]),
        read_outage(policy, &table->regions_outage[place->region])};
    struct hold_outage whole = outages[0];
    for (int i = 1; i < WORDS; i++) {
        whole = outages[i].back_ms > whole.back_ms ? outages[i] : whole;
    }
    for (int i = 0; i < WORDS * (WORDS - 1); i++) {
        const struct hold_outage *other = &outages[i % WORDS];
        if (other->back_ms >= whole.left_ms && other->left_ms < whole.left_ms) {
            whole.left_ms = other->left_ms;
        }
    }
    return whole;
}

/* A clock that was set back ends a hold. */
uint64_t hold_find_end(const struct steer_policy *policy, const struct hold_outage *outage, uint64_t now_ms)
{
    uint64_t back_ms = outage->back_ms, hold_ms = policy->sticky.hold_ms;
    bool is_on = back_ms != 0 && back_ms != STEER_STILL_OUT && find_age(back_ms, now_ms) < hold_ms;
    return is_on ? back_ms + hold_ms : 0;
}

uint64_t steer_find_hold(const struct steer_policy *policy, const struct health_table *table, uint16_t member,
                         enum health_family family, uint64_t now_ms)
{
    if (policy->pick != STEER_PICK_STICKY || policy->sticky.hold_ms == 0) {
        return 0;
    }
    struct hold_outage outage = hold_find_outage(policy, table, member, family);
    return hold_find_end(policy, &outage, now_ms);
}

/* Times begin two holds ago. Before that, and in a future that was before the clock was set back, nothing
 * happened. */
static uint32_t count_from(uint64_t time_ms, uint64_t hold_ms, uint64_t now_ms)
{
    uint64_t age_ms = find_age(time_ms, now_ms);
    return age_ms >= 2 * hold_ms ? 0 : (uint32_t)(2 * hold_ms - age_ms);
}

static void lower(uint64_t *until_ms, uint64_t time_ms, uint64_t now_ms)
{
    if (time_ms > now_ms && time_ms < *until_ms) {
        *until_ms = time_ms;
    }
}

struct steer_outage hold_note(const struct steer_policy *policy, const struct hold_outage *outage,
                              bool serves, uint64_t now_ms, uint64_t *until_ms)
{
    uint64_t hold_ms = policy->sticky.hold_ms;
    bool is_over = outage->back_ms != STEER_STILL_OUT;
    if (is_over != serves) { /* an override has another say, or it has no address: since when nobody knows */
        return (struct steer_outage){.left = 0};
    }
    struct steer_outage noted = {.left = count_from(outage->left_ms, hold_ms, now_ms),
                                 .back = is_over ? count_from(outage->back_ms, hold_ms, now_ms) : 0};
    if (is_over && noted.back == 0) {
        noted.left = 0;
    }
    if (noted.back != 0) {
        lower(until_ms, outage->back_ms + hold_ms, now_ms);
        lower(until_ms, outage->back_ms + 2 * hold_ms, now_ms);
    }
    return noted;
}
