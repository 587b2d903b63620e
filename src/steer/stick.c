/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Picking for a client of a sticky policy: see sticky.h. The common pick costs a hash and two reads. */
#include "config.h"

#include "steer/sticky.h"

enum {
    DRAWS_MAX = 64, /* from the table: where a sixteenth of the weight serves, 98 % find theirs with these */
    RACE_DRAWS = 8, /* from a lot, before each clock of it is read by itself */
    UNIT = 32,
    HELD_MAX = 16
};

/* Each tier has hashes of its own, or the clients who come from another one would all be alike. */
#define TIER_SALT 0xd1342543de82ef95u
#define RACE_SALT 0xa0761d6478bd642fu
#define COIN_SALT 0xe7037ed1a0b428dbu
#define MOVE_SALT 0x8ebc6af09c88c6e3u

static uint64_t key_of_tier(uint64_t key, const struct steer_part *part)
{
    return key + part->tier * TIER_SALT;
}

static bool is_picked(const uint16_t *out, size_t count, uint16_t member)
{
    size_t i = 0;
    while (i < count && out[i] != member) {
        i++;
    }
    return i < count;
}

/* ---- the table ---- */

/* Returns how many members were found. */
static size_t draw(const struct steer_choice *choice, const struct steer_part *part, uint64_t key,
                   size_t answers, uint16_t *out)
{
    const struct steer_table *table = part->table;
    const uint32_t *accepted = choice->accepted + part->listed;
    size_t count = 0;
    for (unsigned i = 1; i <= DRAWS_MAX && count < answers; i++) {
        uint64_t hash = sticky_mix(key + i * STICKY_GOLDEN);
        uint16_t position = table->slots[hash & table->mask];
        if (position == STEER_SLOT_FREE || (uint32_t)(hash >> 32) >= accepted[position]) {
            continue;
        }
        uint16_t member = part->group_members[position];
        if (!is_picked(out, count, member)) {
            out[count++] = member;
        }
    }
    return count;
}

/* ---- holds ---- */

/* Where a client is whose members were out lately, by its order: it was with the first one, until that one
 * left; then with the next one that was there at that moment, and so on. Of those that came back meanwhile it
 * goes to the first one as soon as it has to move again. Position in the group, or STEER_SLOT_FREE. */
static uint16_t find_held(const struct steer_policy *policy, const struct steer_choice *choice,
                          const struct steer_part *part, uint64_t key)
{
    const struct steer_table *table = part->table;
    const uint32_t *accepted = choice->accepted + part->listed;
    const struct steer_outage *outages = steer_get_outages(choice) + part->listed;
    uint32_t hold = policy->sticky.hold_ms, now = 2 * hold, moved = 0;
    uint16_t passed[HELD_MAX]; /* they serve, but were out when the client came by */
    size_t count = 0;
    for (unsigned i = 1; i <= DRAWS_MAX; i++) {
        uint64_t hash = sticky_mix(key + i * STICKY_GOLDEN);
        uint32_t luck = (uint32_t)(hash >> 32);
        uint16_t at = table->slots[hash & table->mask];
        if (at == STEER_SLOT_FREE || luck >= table->accept[at] ||
            (luck >= accepted[at] && accepted[at] != 0) || is_picked(passed, count, at)) {
            continue;
        }
        bool serves = accepted[at] != 0;
        if (serves && (outages[at].back <= moved || (count == 0 && now - outages[at].back >= hold))) {
            return at;
        }
        if (outages[at].left != 0 && outages[at].left >= moved) {
            moved = outages[at].left;
            for (size_t k = 0; k < count; k++) {
                if (outages[passed[k]].back <= moved) {
                    return passed[k];
                }
            }
        }
        if (serves && count < HELD_MAX) {
            passed[count++] = at;
        }
    }
    return count > 0 ? passed[0] : STEER_SLOT_FREE;
}

/* The member that the client is with, then those that wait for nobody. */
static size_t draw_held(const struct steer_policy *policy, const struct steer_choice *choice,
                        const struct steer_part *part, uint64_t key, size_t answers, uint16_t *out)
{
    const struct steer_table *table = part->table;
    const uint32_t *accepted = choice->accepted + part->listed;
    const struct steer_outage *outages = steer_get_outages(choice) + part->listed;
    uint32_t hold = policy->sticky.hold_ms;
    uint16_t first = find_held(policy, choice, part, key);
    size_t count = 0;
    if (first != STEER_SLOT_FREE) {
        out[count++] = part->group_members[first];
    }
    for (unsigned i = 1; i <= DRAWS_MAX && count < answers; i++) {
        uint64_t hash = sticky_mix(key + i * STICKY_GOLDEN);
        uint16_t at = table->slots[hash & table->mask];
        if (at != STEER_SLOT_FREE && (uint32_t)(hash >> 32) < accepted[at] && outages[at].back <= hold &&
            !is_picked(out, count, part->group_members[at])) {
            out[count++] = part->group_members[at];
        }
    }
    return count;
}

/* ---- the race ---- */

/* -log2(x) for x = (luck + 1/2) / 2^32, times 2^20, to four digits: f + f (1 - f) (a - b f + c f f) is nearly
 * log2(1 + f). In whole numbers: every server has to agree. */
static uint64_t minus_log(uint32_t luck)
{
    enum { A = 459986, B = 250361, C = 85745 }; /* times 2^20 */
    uint64_t x = (uint64_t)luck * 2 + 1;
    unsigned zeros = (unsigned)__builtin_clzll(x);
    uint64_t f = x << zeros << 1 >> 44, one = 1 << 20;
    uint64_t bend = A - (B * f >> 20) + (C * (f * f >> 20) >> 20);
    return ((uint64_t)(zeros - 30) << 20) - f - (((f * (one - f) >> 20) * bend) >> 20);
}

/* How long a clock with this rate takes. */
static uint64_t find_time(uint32_t luck, uint64_t rate)
{
    return (minus_log(luck) << 30) / rate;
}

/* Who is ahead in a race. */
struct race {
    const struct steer_policy *policy;
    const struct steer_choice *choice;
    const struct steer_part *part;
    uint64_t key;
    const uint16_t *out; /* those who take no part any more */
    size_t count;
    bool is_alone; /* one lot: when it rings does not matter */
    uint64_t best_time;
    uint16_t best;
};

/* A member has rung. Returns whether it could be picked. */
static bool arrive(struct race *race, uint16_t member, uint64_t time)
{
    if (is_picked(race->out, race->count, member)) {
        return false;
    }
    if (time < race->best_time) {
        race->best_time = time;
        race->best = member;
    }
    return true;
}

/* The weight that a position has left, of 2^32 for the highest of its lot. */
static uint64_t find_left(const struct race *race, uint16_t position, unsigned lot)
{
    uint32_t accept = race->part->table->accept[position];
    uint32_t accepted = race->choice->accepted[race->part->listed + position];
    uint16_t weight = race->policy->members[race->part->group_members[position]].weight;
    uint64_t whole = (uint64_t)(weight == 0 ? 1 : weight) << (31 - lot);
    return accepted >= accept ? whole : whole * accepted / accept;
}

/* The clocks of those in a lot who serve one by one, from `time` on: hardly any of the lot does. */
static void race_singly(struct race *race, unsigned lot, uint64_t time)
{
    const struct steer_part *part = race->part;
    const uint32_t *weights = race->choice->weights + part->first;
    const uint16_t *members = race->choice->members + part->first;
    for (size_t i = 0; i < part->count; i++) {
        if (sticky_find_lot(race->policy->members[members[i]].weight) == lot) {
            uint64_t hash = sticky_mix(race->key ^ steer_get_place(race->policy, members[i])->identity);
            uint64_t weight = weights[i] - (i == 0 ? 0 : weights[i - 1]);
            uint64_t rate = weight * UNIT * UNIT / part->unit; /* in 32nds, as the unit */
            (void)arrive(race, members[i], time + find_time((uint32_t)hash, rate) * UNIT);
        }
    }
}

/* Rings of a lot one after another, of anybody in it as if all had the highest weight, until one is accepted:
 * that is the first ring of those that serve. */
static void race_lot(struct race *race, unsigned lot)
{
    const struct steer_table *table = race->part->table;
    uint32_t first = table->lot_first[lot], count = table->lot_first[lot + 1] - first;
    uint64_t key = race->key + lot * COIN_SALT, rate = (uint64_t)count << (lot + 1), time = 0;
    for (unsigned i = 1; i <= RACE_DRAWS; i++) {
        uint64_t hash = sticky_mix(key + i * STICKY_GOLDEN);
        uint64_t place = (hash >> 32) * count; /* the position, and behind it luck that is left over */
        uint16_t position = table->lots[first + (place >> 32)];
        time += race->is_alone ? 0 : find_time((uint32_t)hash, rate);
        if (time >= race->best_time) {
            return;
        }
        bool accepts = race->choice->accepted[race->part->listed + position] != 0 &&
                       (uint32_t)place < find_left(race, position, lot);
        if (accepts && arrive(race, race->part->group_members[position], time)) {
            return;
        }
    }
    race_singly(race, lot, time);
}

/* The next ones of the order behind all draws. Returns how many there are now. */
__attribute__((noinline)) static size_t run_race(const struct steer_policy *policy,
                                                 const struct steer_choice *choice,
                                                 const struct steer_part *part, uint64_t key, size_t answers,
                                                 uint16_t *out, size_t count)
{
    struct race race = {.policy = policy,
                        .choice = choice,
                        .part = part,
                        .key = sticky_mix(key ^ RACE_SALT),
                        .out = out,
                        .is_alone = (part->lots & (part->lots - 1)) == 0};
    for (; count < answers; count++) {
        race.count = count;
        race.best_time = UINT64_MAX;
        for (uint32_t lots = part->lots; lots != 0; lots &= lots - 1) {
            race_lot(&race, (unsigned)__builtin_ctz(lots));
        }
        if (race.best_time == UINT64_MAX) {
            break;
        }
        out[count] = race.best;
    }
    return count;
}

/* ---- tiers and groups ---- */

/* Does the member serve that the client has while everybody does? */
static bool is_at_home(const struct steer_choice *choice, const struct steer_part *part, uint64_t key)
{
    const struct steer_table *table = part->table;
    for (unsigned i = 1; i <= DRAWS_MAX && part->is_home; i++) {
        uint64_t hash = sticky_mix(key + i * STICKY_GOLDEN);
        uint16_t position = table->slots[hash & table->mask];
        if (position != STEER_SLOT_FREE && (uint32_t)(hash >> 32) < table->accept[position]) {
            return (uint32_t)(hash >> 32) < choice->accepted[part->listed + position];
        }
    }
    return false;
}

/* Does the client go on to the next tier? Who is moved off is so wherever it was: whoever dies, it does not
 * come back. Else first those go who are not at home in this one any more. */
static bool goes_on(const struct steer_choice *choice, const struct steer_part *first,
                    const struct steer_part *part, uint64_t key, bool is_home)
{
    if (first->leaves) {
        return (uint32_t)sticky_mix(key ^ MOVE_SALT) < first->leave_home;
    }
    uint64_t tier_key = key_of_tier(key, part);
    bool stays_home = is_home && is_at_home(choice, part, tier_key);
    return (uint32_t)sticky_mix(tier_key ^ COIN_SALT) < (stays_home ? first->leave_home : first->leave_lost);
}

/* The part of a tier by the group that the client has while all have somebody; else it is at home no more,
 * and those without a share have it, or if they are out, too, the others by their shares. */
static const struct steer_part *find_group(const struct steer_part *part, const struct steer_part *last,
                                           uint64_t key, bool *is_home)
{
    uint32_t point = (uint32_t)key;
    for (const struct steer_part *at = part; at <= last; at++) {
        if (point - at->group_from < at->group_len) {
            return at;
        }
    }
    *is_home = false;
    for (const struct steer_part *at = part; at <= last; at++) {
        if (at->group->share <= 0) {
            return at;
        }
    }
    double passed = part->fraction;
    point = (uint32_t)sticky_mix(key ^ COIN_SALT);
    while (part < last && point >= passed * 0x1p32) {
        part++;
        passed += part->fraction;
    }
    return part;
}

static const struct steer_part *find_last(const struct steer_choice *choice, const struct steer_part *part)
{
    const struct steer_part *last = choice->parts + choice->part_count - 1;
    uint16_t tier = part->tier;
    while (part < last && part[1].tier == tier) {
        part++;
    }
    return part;
}

/* Clients who keep a tier known to work are always the same. */
static const struct steer_part *find_trickle(const struct steer_choice *choice, uint64_t key)
{
    for (size_t i = 0; i < choice->part_count; i++) {
        const struct steer_part *part = &choice->parts[i];
        if ((uint32_t)(key >> 32) - part->slice_from < part->slice_len) {
            return part;
        }
    }
    return NULL;
}

/* Through the tiers one after another. Who leaves one is first who is not at home in it any more. */
static const struct steer_part *find_tier(const struct steer_choice *choice, uint64_t key)
{
    const struct steer_part *end = choice->parts + choice->part_count;
    const struct steer_part *trickle = find_trickle(choice, key);
    const struct steer_part *first = trickle != NULL ? trickle : choice->parts;
    for (;;) {
        const struct steer_part *last = find_last(choice, first);
        bool is_home = true;
        const struct steer_part *part = find_group(first, last, key, &is_home);
        if (last + 1 == end || trickle != NULL) {
            return part;
        }
        if (!goes_on(choice, first, part, key, is_home)) {
            return part;
        }
        first = last + 1;
    }
}

__attribute__((noinline)) static const struct steer_part *find_part(const struct steer_choice *choice,
                                                                    uint64_t key)
{
    const struct steer_part *first = choice->parts, *last = first + choice->part_count - 1;
    bool is_home;
    return first->tier == last->tier ? find_group(first, last, key, &is_home) : find_tier(choice, key);
}

static uint32_t of_line(double share)
{
    return share * 0x1p32 < UINT32_MAX ? (uint32_t)(share * 0x1p32) : UINT32_MAX;
}

/* The first part of a tier says who leaves it: so many of all clients stay. */
static void set_leaving(struct steer_part *first, const struct steer_part *last, double stays)
{
    double home = 0;
    for (const struct steer_part *part = first; part <= last; part++) {
        home += part->home * part->group_len / UINT32_MAX;
    }
    double lost = home < 1 ? 1 - home : 0, leave = 1 - stays;
    first->leave_lost = leave < lost ? of_line(leave / lost) : UINT32_MAX;
    first->leave_home = leave > lost && home > 0 ? of_line((leave - lost) / home) : 0;
}

/* Who stays where a part leaves is not drawn away from a member by how much of it has left. */
static void even_draws(struct steer_choice *choice, const struct steer_part *part)
{
    const uint32_t *accept = part->group->table->accept;
    uint32_t *accepted = choice->accepted + part->listed;
    double most = 0;
    for (size_t i = 0; i < part->group->count; i++) {
        double serves = accept[i] == 0 ? 0 : (double)accepted[i] / accept[i];
        most = serves > most ? serves : most;
    }
    for (size_t i = 0; most > 0 && i < part->group->count; i++) {
        double serves = accepted[i] / most;
        accepted[i] = serves < accept[i] ? (uint32_t)serves : accept[i];
    }
}

void sticky_divide(const struct steer_class *class, struct steer_choice *choice)
{
    struct steer_part *parts = choice->parts, *end = parts + choice->part_count;
    double left = 0, from = 0, moved = 1;
    uint16_t tier = 0;
    for (struct steer_part *part = parts; part < end; part++) {
        part->slice_from = part->slice_len = 0;
        left += part->share;
        if (part->leaves) {
            even_draws(choice, part);
        }
    }
    for (struct steer_part *part = parts; choice->source == STEER_FROM_TIER && part < end;) {
        struct steer_part *last = (struct steer_part *)(uintptr_t)find_last(choice, part);
        for (; tier < part->tier; tier++) {
            from += class->tiers[tier].trickle;
        }
        part->slice_from = of_line(from);
        part->slice_len = of_line(class->tiers[tier].trickle);
        left -= class->tiers[tier].trickle;
        part = last + 1;
    }
    for (struct steer_part *part = parts; choice->source == STEER_FROM_TIER && part < end;) {
        struct steer_part *last = (struct steer_part *)(uintptr_t)find_last(choice, part);
        double own = -class->tiers[part->tier].trickle;
        for (const struct steer_part *at = part; at <= last; at++) {
            own += at->share;
        }
        double stays = own <= 0 ? 0 : own < left ? own / left : 1;
        set_leaving(part, last, stays);
        if (part->leaves) { /* one coin for all tiers that are moved off */
            moved *= 1 - stays;
            part->leave_home = of_line(moved);
        }
        left -= own > 0 ? own : 0;
        part = last + 1;
    }
}

/* ---- picking ---- */

__attribute__((noinline)) static size_t pick_more(const struct steer_policy *policy,
                                                  const struct steer_choice *choice,
                                                  const struct steer_part *part, uint64_t key, uint16_t *out)
{
    size_t answers = policy->answers < part->count ? policy->answers : part->count;
    size_t count = part->holds ? draw_held(policy, choice, part, key, answers, out)
                               : draw(choice, part, key, answers, out);
    return count == answers ? count : run_race(policy, choice, part, key, answers, out, count);
}

/* One answer is nearly always that of the first draw: no frame for it. */
size_t steer_pick_sticky(const struct steer_policy *policy, const struct steer_choice *choice, uint64_t key,
                         uint16_t out[STEER_ANSWERS_MAX])
{
    if (choice->count == 0) {
        return 0;
    }
    const struct steer_part *part = choice->part_count == 1 ? choice->parts : find_part(choice, key);
    if (part->count == 1) {
        out[0] = choice->members[part->first];
        return 1;
    }
    key = key_of_tier(key, part);
    if (part->is_quick) {
        uint64_t hash = sticky_mix(key + STICKY_GOLDEN);
        uint16_t position = part->table->slots[hash & part->table->mask];
        if (position != STEER_SLOT_FREE &&
            (uint32_t)(hash >> 32) < choice->accepted[part->listed + position]) {
            out[0] = part->group_members[position];
            return 1;
        }
    }
    return pick_more(policy, choice, part, key, out);
}
