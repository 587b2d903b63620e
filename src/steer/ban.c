/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ban.h: what the numbers of falls and of what is forbidden say of a member. */
#include "config.h"

#include "steer/ban.h"

#include "health/guard.h"
#include "steer/tier.h"

enum { WORDS = 3 };
#define NOW UINT64_MAX

static uint64_t load(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

/* Was it forbidden before that fall, and without a break until then? UINT64_MAX: until now. */
static bool is_on(const struct health_ban *ban, uint64_t fell, uint64_t then)
{
    uint64_t since = load(&ban->since), was = NOW;
    bool is_on = since != 0 && since <= fell;
    for (int i = 0; i < HEALTH_BAN_TIMES && was > fell && !is_on; i++) { /* they do not overlap */
        was = load(&ban->times[i].was);
        if (was == 0) {
            break;
        }
        is_on = was <= fell && load(&ban->times[i].ended) > then;
    }
    return is_on;
}

static bool is_bad(uint32_t word)
{
    return health_word_observed(word) == HEALTH_OBSERVED_UNHEALTHY;
}

static void find_falls(const struct steer_reading *reading, uint16_t index,
                       const struct health_fall *falls[WORDS])
{
    const struct health_bans *bans = reading->table->bans;
    const struct steer_place *place = steer_get_place(reading->policy, index);
    falls[0] = &bans->endpoints[reading->policy->members[index].endpoint];
    falls[1] = &bans->azs[place->az];
    falls[2] = &bans->regions[place->region];
}

static uint64_t get_fell(const struct steer_reading *reading, const struct health_fall *const falls[WORDS],
                         int word)
{
    return load(&falls[word]->fell[word == 0 ? reading->family : HEALTH_ANY]);
}

/* Does anything forbid to leave the region that was forbidden before this fall? */
static bool is_any_on(const struct health_bans *bans, uint32_t region, uint64_t fell)
{
    bool any = is_on(&bans->leaving[region], fell, NOW);
    for (uint32_t i = bans->first_way[region]; i < bans->first_way[region + 1] && !any; i++) {
        any = is_on(&bans->moving[i], fell, NOW);
    }
    return any;
}

/* As the word was just after that: what fell or was ordered later had not, yet. */
static uint32_t rewind_word(uint32_t word, uint64_t fell, const struct health_fall *fall, uint64_t then)
{
    enum health_desired desired = health_word_desired(word);
    if (is_bad(word) && fell > then) {
        word = (word & ~(uint32_t)HEALTH_WORD_OBSERVED) | HEALTH_OBSERVED_HEALTHY;
    }
    if ((desired == HEALTH_DESIRED_DRAIN || desired == HEALTH_DESIRED_DOWN) && load(&fall->ordered) > then) {
        word &= ~(uint32_t)HEALTH_WORD_DESIRED;
    }
    return word;
}

/* The number of the fall that took answers from it: the first of what still keeps it from serving. 0: it is
 * none. Whom an operator took away since then has lost its clients by that. As it was
 * at a moment, NOW or another. */
static uint64_t find_first_fall(const struct steer_reading *reading, uint16_t index,
                                const uint32_t now[WORDS], uint64_t then)
{
    uint32_t words[WORDS];
    const struct health_fall *falls[WORDS];
    uint64_t fell = UINT64_MAX, ordered = 0;
    find_falls(reading, index, falls);
    for (int i = 0; i < WORDS; i++) {
        words[i] = rewind_word(now[i], get_fell(reading, falls, i), falls[i], then);
        uint64_t number = is_bad(words[i]) ? get_fell(reading, falls, i) : UINT64_MAX;
        uint64_t order = load(&falls[i]->ordered);
        fell = number < fell ? number : fell;
        ordered = order > ordered && order <= then ? order : ordered;
    }
    bool is_down = health_combine(words[0], words[1], words[2]).state == HEALTH_UNHEALTHY;
    return is_down && fell > ordered ? fell : 0;
}

static uint64_t find_held(const struct steer_reading *reading, uint16_t index, const uint32_t words[WORDS])
{
    uint64_t fell = find_first_fall(reading, index, words, NOW);
    uint32_t region = steer_get_place(reading->policy, index)->region;
    return fell != 0 && is_any_on(reading->table->bans, region, fell) ? fell : 0;
}

static void add(struct steer_ban *ban, uint32_t region, uint64_t fell)
{
    uint16_t i = 0;
    ban->fell = fell > ban->fell ? fell : ban->fell;
    while (i < ban->region_count && ban->regions[i].region != region) {
        i++;
    }
    if (i == STEER_BAN_REGIONS) {
        ban->is_crowded = true;
        return;
    }
    if (i == ban->region_count) {
        ban->regions[ban->region_count++] = (struct steer_held){.region = region};
    }
    ban->regions[i].fell = fell > ban->regions[i].fell ? fell : ban->regions[i].fell;
}

bool ban_gather(const struct steer_reading *reading, const struct steer_class *class, uint16_t index,
                struct steer_ban *ban)
{
    const struct steer_tier *tier = &class->tiers[index];
    *ban = (struct steer_ban){.tier = index};
    for (size_t i = 0; i < tier->count; i++) {
        uint32_t words[WORDS];
        tier_load_words(reading, tier->members[i], words);
        uint64_t fell = find_held(reading, tier->members[i], words);
        if (fell != 0) {
            add(ban, steer_get_place(reading->policy, tier->members[i])->region, fell);
        }
    }
    return ban->fell != 0;
}

static bool forbids(const struct health_bans *bans, const struct steer_held *held, uint32_t region,
                    uint64_t then)
{
    if (region == held->region) {
        return false;
    }
    if (is_on(&bans->leaving[held->region], held->fell, then)) {
        return true;
    }
    for (uint32_t i = bans->first_way[held->region]; i < bans->first_way[held->region + 1]; i++) {
        if (bans->ways[i].to == region && is_on(&bans->moving[i], held->fell, then)) {
            return true;
        }
    }
    return false;
}

static bool forbids_until(const struct steer_reading *reading, const struct steer_ban *ban, uint32_t region,
                          uint64_t then)
{
    for (uint16_t i = 0; i < ban->region_count; i++) {
        if (forbids(reading->table->bans, &ban->regions[i], region, then)) {
            return true;
        }
    }
    return ban->is_crowded;
}

bool ban_forbids(const struct steer_reading *reading, const struct steer_ban *ban, uint32_t region)
{
    return forbids_until(reading, ban, region, NOW);
}

bool ban_cuts_off(const struct steer_reading *reading, const struct steer_class *class,
                  const struct steer_ban *ban)
{
    for (uint16_t tier = 0; tier < ban->tier; tier++) {
        const struct steer_tier *earlier = &class->tiers[tier];
        for (size_t i = 0; i < earlier->count; i++) {
            uint32_t words[WORDS];
            tier_load_words(reading, earlier->members[i], words);
            struct steer_held held = {.region = steer_get_place(reading->policy, earlier->members[i])->region,
                                      .fell =
                                          find_first_fall(reading, earlier->members[i], words, ban->fell)};
            if (held.fell != 0 && held.fell < ban->fell &&
                forbids(reading->table->bans, &held, ban->regions[0].region, ban->fell)) {
                return true;
            }
        }
    }
    return false;
}

/* Nobody went to whom it was forbidden to go for as long as it served. */
static enum health_state see_then(const struct steer_reading *reading, uint16_t index,
                                  const uint32_t words[WORDS])
{
    const struct health_fall *falls[WORDS];
    uint32_t then[WORDS], region = steer_get_place(reading->policy, index)->region;
    uint64_t fell = find_first_fall(reading, index, words, NOW);
    find_falls(reading, index, falls);
    if (fell != 0 && reading->tier > reading->ban->tier &&
        forbids_until(reading, reading->ban, region, fell)) {
        return HEALTH_DRAINED;
    }
    for (int i = 0; i < WORDS; i++) {
        then[i] = rewind_word(words[i], get_fell(reading, falls, i), falls[i], reading->ban->fell);
    }
    return health_combine(then[0], then[1], then[2]).state;
}

enum health_state ban_see(const struct steer_reading *reading, uint16_t index, const uint32_t words[WORDS],
                          enum health_state state)
{
    const struct steer_ban *ban = reading->ban;
    if (ban->sight == STEER_SEES_HELD) {
        return reading->tier == ban->tier && find_held(reading, index, words) != 0 ? HEALTH_HEALTHY : state;
    }
    bool is_later = reading->tier == STEER_NO_TIER || reading->tier > ban->tier;
    if (is_later && ban_forbids(reading, ban, steer_get_place(reading->policy, index)->region)) {
        return HEALTH_DRAINED;
    }
    return ban->sight == STEER_SEES_THEN ? see_then(reading, index, words) : state;
}
