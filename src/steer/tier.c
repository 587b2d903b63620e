/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tier.h. Weight 0 means standby: such a member is offered only where no member with a weight serves, of
 * any type (else A and AAAA of a name could come from different places).
 *
 * Families fail apart: where some of a tier have addresses of the family that is asked for, they alone say
 * how much of it is there, else IPv6 that is dead would be hidden by who never had any. Where nobody has,
 * which no failure explains, the tier is what it is for the other family, and has no answer: a client that
 * finds no AAAA takes A, in the same place. */
#include "config.h"

#include "steer/tier.h"

#include "steer/hold.h"
#include "steer/limit.h"
#include "steer/sticky.h"

#include "base/share.h"

#include <string.h>

/* A tier that sheds everything takes what nobody else does. */
#define LEAST 1e-9

/* A weight, whatever is shed and withheld of it. */
enum { WHOLE = HEALTH_SHED_ALL * HEALTH_RAMP_WHOLE };

/* Members of one kind in a group, with a weight or standbys; and of a tier what its groups have. Available is
 * what serves less what it sheds. */
struct sums {
    uint32_t members, serving;
    double units, serving_units, available, available_units;
    uint32_t settled;             /* of those that serve, who do not ramp */
    double settled_units, ramped; /* likewise; and all of them, each by the step that it is at */
    double takes; /* of a tier: available_units, also those of more standbys than there was to stand in for */
};

/* What one read of a member's words says. */
struct look {
    enum health_state state;
    uint32_t without; /* how much of its weight it is to do without, of WHOLE */
    uint32_t ramp;    /* for having come back a moment ago, percent */
    bool serves;
    bool is_held; /* it does not, but counts as if it did */
};

static void note_orders(struct steer_reading *reading, uint16_t index, const uint32_t words[3])
{
    enum health_kind kind;
    if (reading->planned < 0 && health_find_planned(words[0], words[1], words[2], &kind)) {
        reading->planned = index;
        reading->planned_by = kind;
    }
    if (reading->ttls != NULL) {
        limit_note(reading, index, words);
    }
}

/* What an endpoint that is a host name has records of follows from what that resolves to. */
static unsigned find_types(const struct steer_member *member, uint32_t word)
{
    return member->types |
           (!member->has_host ? 0 : (word & HEALTH_WORD_RESOLVED) >> HEALTH_WORD_RESOLVED_SHIFT);
}

/* Who has no address at all cannot serve, whatever its state. */
static bool is_nowhere(const struct steer_reading *reading, uint16_t index)
{
    return reading->types == 0 && reading->policy->members[index].has_host;
}

static bool is_accepted(enum health_state state, enum steer_accepts accepts)
{
    return health_state_serves(state) || (state == HEALTH_UNHEALTHY && accepts >= STEER_ACCEPTS_SICK) ||
           (state == HEALTH_FORCED_DOWN && accepts >= STEER_ACCEPTS_DOWN);
}

/* An override ends all wavering: what checks say does not matter under it. */
static struct look look_at(struct steer_reading *reading, uint16_t index)
{
    const struct steer_member *member = &reading->policy->members[index];
    uint32_t words[3];
    tier_load_words(reading, index, words);
    struct health_effective effective = health_combine(words[0], words[1], words[2]);
    bool wavers = health_word_wavers(words[0], reading->family) && effective.decided_by == HEALTH_BY_VERDICT;
    enum health_state state =
        reading->ban == NULL ? effective.state : ban_see(reading, index, words, effective.state);
    bool is_held = state == HEALTH_HEALTHY && effective.state == HEALTH_UNHEALTHY;
    bool is_before = reading->fence != NULL && reading->fence->sight == STEER_FENCE_BEFORE;
    state = reading->fence == NULL ? state : fence_see(reading, index, state);
    reading->types = find_types(member, words[0]);
    bool serves = is_accepted(state, reading->accepts) && !is_nowhere(reading, index);
    note_orders(reading, index, words);
    if (reading->failing < 0 && (wavers || !serves || is_held)) {
        reading->failing = index;
    }
    bool ignores = reading->ask.ignores_load;
    unsigned shed = ignores || reading->again ? 0 : health_word_shed(words[0]);
    unsigned ramp = ignores || (is_before && state == HEALTH_FORCED_UP)
                        ? 0
                        : health_find_withheld(words, reading->family, effective.state);
    reading->any_shed |= shed == HEALTH_SHED_ALL;
    return (struct look){.state = state,
                         .without = WHOLE - (HEALTH_SHED_ALL - shed) * (HEALTH_RAMP_WHOLE - ramp),
                         .ramp = ramp,
                         .serves = serves,
                         .is_held = is_held && serves};
}

/* To the part in the making. */
static void add_member(struct steer_reading *reading, uint16_t index, uint32_t without,
                       const struct steer_part *part)
{
    const struct steer_member *member = &reading->policy->members[index];
    if (member->weight > 0 && !reading->weighted) {
        reading->weighted = true;
        reading->used = part->first;
    }
    if (member->weight == 0 && reading->weighted) {
        return;
    }
    if ((reading->types & reading->ask.types) != 0) {
        reading->choice->weights[reading->used] = without; /* until weights are made */
        reading->choice->members[reading->used++] = index;
    }
}

/* ---- measuring ---- */

static void count_member(struct sums *sums, double units, const struct look *look)
{
    double available = 1 - (double)look->without / WHOLE;
    sums->members++;
    sums->units += units;
    if (look->serves) {
        sums->serving++;
        sums->serving_units += units;
        sums->available += available;
        sums->available_units += units * available;
        sums->settled += look->ramp == 0;
        sums->settled_units += look->ramp == 0 ? units : 0;
        sums->ramped += units * (HEALTH_RAMP_WHOLE - look->ramp) / HEALTH_RAMP_WHOLE;
    }
}

/* How much of the need is met by so many members, of so many units; 1 or more: all of it. */
static double meets(const struct steer_need *need, const struct sums *whole, double members, double units)
{
    if (need->share > 0) {
        bool is_reached = share_is_reached(need->share, units, whole->units, whole->members);
        return is_reached ? 1 : units / (need->share * whole->units);
    }
    return need->count > 0 ? members / need->count : 1;
}

static double least_of(double a, double b)
{
    return a < b ? a : b;
}

/* sums[0]: with a weight, sums[1]: standbys. These count where they stand in, which is for those of their
 * group: a canary that serves is no reason to take the others for lost. */
static void add_group(struct sums *all, const struct sums sums[2])
{
    const struct sums *whole = &sums[sums[0].members == 0], *serving = &sums[sums[0].serving == 0];
    all->members += whole->members;
    all->units += whole->units;
    all->serving += serving->serving;
    all->serving_units += least_of(serving->serving_units, whole->units);
    all->available += serving->available;
    all->available_units += least_of(serving->available_units, whole->units);
    all->takes += serving->available_units;
    all->settled += serving->settled;
    all->settled_units += least_of(serving->settled_units, whole->units);
    all->ramped += serving->serving_units <= 0 ? 0
                                               : serving->ramped / serving->serving_units *
                                                     least_of(serving->serving_units, whole->units);
}

/* What a tier takes that came back: where those who do not ramp would be enough, they take the rest of their
 * tier, as they did before. Where they would not, others did, and the tier takes as much of it as its members
 * do on average. */
static double find_ramped(const struct steer_tier *tier, const struct sums *all)
{
    bool is_enough =
        all->settled != 0 && meets(&tier->min_healthy, all, all->settled, all->settled_units) >= 1;
    return is_enough || all->settled == all->serving ? 1 : all->ramped / all->serving_units;
}

static void measure_tier(const struct steer_tier *tier, const struct sums *all, struct steer_measure *measure)
{
    *measure = (struct steer_measure){
        .members = all->members, .serving = all->serving, .available = all->takes + LEAST};
    if (all->serving == 0) {
        return;
    }
    measure->healthy = least_of(all->serving_units / all->units, 1);
    measure->unshed = least_of(all->available_units / all->units, 1);
    measure->qualifies = meets(&tier->min_healthy, all, all->serving, all->serving_units) >= 1;
    double suffices = meets(&tier->spill_below, all, all->available, all->available_units) + LEAST;
    measure->suffices = !measure->qualifies ? 0 : least_of(suffices, find_ramped(tier, all));
}

/* ---- who counts ---- */

static bool is_inside(const struct steer_reading *reading, uint16_t index)
{
    return reading->inside != NULL && (reading->inside[index / 64u] >> (index % 64u) & 1) != 0;
}

static bool has_type(const struct steer_reading *reading, uint16_t index)
{
    const struct steer_member *member = &reading->policy->members[index];
    uint32_t word = member->has_host ? tier_load(reading->table->endpoints, member->endpoint) : 0;
    return (find_types(member, word) & reading->ask.types) != 0;
}

/* Has the group the type of its own: by who has a weight, or by standbys if it consists of these? */
static bool group_has_type(const struct steer_reading *reading, const uint16_t *members, size_t count)
{
    bool any = false, weighted = false;
    for (size_t i = 0; i < count && !(any && weighted); i++) {
        bool has_weight = reading->policy->members[members[i]].weight > 0;
        if (is_inside(reading, members[i])) {
            continue;
        }
        if (has_weight && !weighted) {
            weighted = true;
            any = false;
        }
        any |= has_weight == weighted && has_type(reading, members[i]);
    }
    return any;
}

/* For other types any family will do, so that all of a name's types lead to the same place. */
static bool tier_has_type(const struct steer_reading *reading, const struct steer_tier *tier,
                          const struct steer_group *groups, size_t count)
{
    const uint16_t *members = tier->members;
    bool any = false;
    for (size_t i = 0; i < count && !any && reading->family != HEALTH_ANY; i++) {
        any = group_has_type(reading, members, groups[i].count);
        members += groups[i].count;
    }
    return any;
}

/* Of whom is it counted how many serve? */
static bool counts(const struct steer_reading *reading, uint16_t index, bool own_type)
{
    return !is_inside(reading, index) && (!reading->by_type || (own_type && has_type(reading, index)));
}

void tier_begin(struct steer_reading *reading, struct steer_part *part)
{
    *part = (struct steer_part){.first = reading->used};
    reading->weighted = false;
}

/* ---- holds ---- */

/* Was the member there just before then? */
static bool was_up(struct steer_reading *reading, uint16_t index, uint64_t first_ms)
{
    struct hold_outage outage = hold_find_outage(reading->policy, reading->table, index, reading->family);
    bool serves = look_at(reading, index).serves;
    return outage.left_ms > first_ms ||
           (serves && (outage.back_ms < first_ms || outage.back_ms == STEER_STILL_OUT));
}

/* Was enough of the tier there just before the first of those who are held came back? */
static bool sufficed_before(struct steer_reading *reading, const struct steer_tier *tier, uint64_t first_ms)
{
    const struct steer_group whole = {.count = tier->count};
    const struct steer_group *groups = tier->groups == NULL ? &whole : tier->groups;
    const uint16_t *member = tier->members;
    struct sums all = {.members = 0};
    struct steer_measure measure;
    for (size_t g = 0; g < (tier->groups == NULL ? 1u : tier->group_count); g++) {
        struct sums sums[2] = {{.members = 0}, {.members = 0}};
        bool own_type = reading->by_type && group_has_type(reading, member, groups[g].count);
        for (size_t i = 0; i < groups[g].count; i++, member++) {
            struct look look = {.serves = was_up(reading, *member, first_ms)};
            if (!counts(reading, *member, own_type)) {
                continue;
            }
            count_member(&sums[reading->policy->members[*member].weight == 0],
                         tier->by_capacity ? steer_get_place(reading->policy, *member)->capacity : 1, &look);
        }
        add_group(&all, sums);
    }
    measure_tier(tier, &all, &measure);
    return measure.suffices >= 1;
}

/* Before a tier is read. A tier that was out, or gave answers away, does so until holds are over; in one that
 * was not, who is held serves those who had to leave another member meanwhile. */
static void survey_holds(struct steer_reading *reading, const struct steer_tier *tier)
{
    const struct steer_policy *policy = reading->policy;
    uint64_t now_ms = reading->ask.now_ms, first_ms = UINT64_MAX;
    reading->latest_left_ms = 0;
    for (size_t i = 0; i < tier->count; i++) {
        struct hold_outage outage =
            hold_find_outage(policy, reading->table, tier->members[i], reading->family);
        bool is_held = hold_find_end(policy, &outage, now_ms) != 0;
        first_ms = is_held && outage.back_ms < first_ms ? outage.back_ms : first_ms;
        bool is_later = outage.left_ms > reading->latest_left_ms && outage.left_ms <= now_ms + HOLD_BEHIND_MS;
        reading->latest_left_ms = is_later ? outage.left_ms : reading->latest_left_ms;
    }
    reading->admits = first_ms == UINT64_MAX || sufficed_before(reading, tier, first_ms);
}

/* Notes when the member was out; returns whether it is kept from serving for having come back. */
static bool is_held(struct steer_reading *reading, uint16_t index, bool serves, struct steer_part *part)
{
    const struct steer_policy *policy = reading->policy;
    uint64_t now_ms = reading->ask.now_ms;
    struct hold_outage outage = hold_find_outage(policy, reading->table, index, reading->family);
    struct steer_outage noted = hold_note(policy, &outage, serves, now_ms, &reading->until_ms);
    steer_get_outages(reading->choice)[reading->listed] = noted;
    part->holds |= (noted.left | noted.back) != 0;
    bool waits = serves && hold_find_end(policy, &outage, now_ms) != 0 &&
                 !(reading->admits && reading->latest_left_ms > outage.back_ms);
    reading->has_held |= waits;
    return waits && reading->holds;
}

/* ---- sticky draws ---- */

/* A member that sheds all its weight takes one draw in 2^32 for now, which tells it from one that does not
 * serve. */
static uint32_t find_accepted(const struct steer_group *group, size_t position, uint32_t without)
{
    uint32_t accept = group == NULL || group->table == NULL ? 0 : group->table->accept[position];
    uint32_t left = (uint32_t)((uint64_t)accept * (WHOLE - without) / WHOLE);
    return left == 0 && accept != 0 ? 1 : left;
}

/* Sticky draws of a group: who sheds everything gets none, or, if all do, what it had without. */
static void settle_draws(struct steer_reading *reading, const struct steer_part *part, bool forgives)
{
    uint32_t *accepted = reading->choice->accepted + part->listed;
    for (size_t i = 0; part->group != NULL && i < part->group->count; i++) {
        if (forgives && accepted[i] != 0) {
            accepted[i] = find_accepted(part->group, i, 0);
        } else if (accepted[i] == 1) {
            accepted[i] = 0;
        }
    }
}

/* Which of the group's tables is drawn from, who in it serves, and how many of its clients do not notice. */
static void choose_table(const struct steer_reading *reading, struct steer_part *part)
{
    const struct steer_table *whole = part->group == NULL ? NULL : part->group->table;
    if (whole == NULL) {
        return;
    }
    const uint32_t *accepted = reading->choice->accepted + part->listed;
    double home = 0, all = 0;
    part->table = reading->weighted || whole->standbys == NULL ? whole : whole->standbys;
    part->is_home = part->table == whole;
    for (size_t i = 0; i < part->group->count; i++) {
        const struct steer_member *member = &reading->policy->members[part->group_members[i]];
        if ((member->weight > 0) == reading->weighted) {
            double weight = member->weight > 0 ? member->weight : 1;
            part->lots |= accepted[i] != 0 ? 1u << sticky_find_lot(member->weight) : 0;
            home += weight * accepted[i] / whole->accept[i];
            all += weight;
        }
    }
    part->home = part->is_home && all > 0 ? home / all : 0;
    part->is_quick = reading->policy->answers == 1 && !part->holds;
}

/* Who sheds everything is left out, if there is anybody else; if not, all are loaded alike, and load says
 * nothing: it never takes away what health has left. */
static void leave_out_shed(struct steer_reading *reading, struct steer_part *part)
{
    uint16_t *members = reading->choice->members + part->first;
    uint32_t *sheds = reading->choice->weights + part->first, kept = 0;
    for (size_t i = 0; i < part->count; i++) {
        if (sheds[i] < WHOLE) {
            members[kept] = members[i];
            sheds[kept++] = sheds[i];
        }
    }
    if (reading->policy->pick == STEER_PICK_STICKY) {
        settle_draws(reading, part, kept == 0);
    }
    if (kept == 0) {
        part->all_shed = part->count > 0;
        memset(sheds, 0, part->count * sizeof *sheds);
        return;
    }
    part->count = (uint16_t)kept;
    reading->used = part->first + kept;
}

/* Has the group somebody who serves, while others are held? Then these only count. */
static bool has_other(struct steer_reading *reading, const struct steer_part *part, size_t count,
                      bool own_type)
{
    bool any = false;
    for (size_t i = 0; reading->ban != NULL && i < count && !any; i++) {
        struct look look = look_at(reading, part->group_members[i]);
        any = look.serves && !look.is_held && counts(reading, part->group_members[i], own_type);
    }
    return any;
}

static void read_group(struct steer_reading *reading, const struct steer_tier *tier,
                       const struct steer_group *group, struct steer_part *part, struct sums *all)
{
    struct sums sums[2] = {{.members = 0}, {.members = 0}};
    bool is_sticky = reading->policy->pick == STEER_PICK_STICKY;
    bool has_hold = is_sticky && reading->policy->sticky.hold_ms > 0;
    bool own_type = reading->by_type && group_has_type(reading, part->group_members, group->count);
    bool others = has_other(reading, part, group->count, own_type);
    for (size_t i = 0; i < group->count; i++) {
        uint16_t index = part->group_members[i];
        const struct steer_member *member = &reading->policy->members[index];
        struct look look = look_at(reading, index);
        bool counted = counts(reading, index, own_type);
        if (has_hold) {
            look.serves = !is_held(reading, index, look.serves, part) && look.serves;
        }
        if (counted) {
            count_member(&sums[member->weight == 0],
                         tier->by_capacity ? steer_get_place(reading->policy, index)->capacity : 1, &look);
        }
        reading->left_out += !counted;
        bool offers = look.serves && counted && !(look.is_held && others);
        if (offers) {
            add_member(reading, index, look.without, part);
        }
        if (is_sticky) {
            bool takes = offers && (reading->types & reading->ask.types) != 0;
            reading->choice->accepted[reading->listed++] = takes ? find_accepted(group, i, look.without) : 0;
        }
    }
    add_group(all, sums);
    part->count = (uint16_t)(reading->used - part->first);
    leave_out_shed(reading, part);
    choose_table(reading, part);
}

/* Which clients have which group while each has somebody to offer: those with a share in their order, the
 * others behind them. */
static void slice_tier(const struct steer_group *groups, struct steer_part *parts, size_t count)
{
    double sum = 0, from = 0;
    bool has_rest = false;
    for (size_t i = 0; i < count; i++) {
        sum += groups[i].share;
        has_rest |= groups[i].share <= 0;
    }
    double whole = has_rest || sum <= 0 ? 1 : sum;
    for (size_t i = 0; i < count; i++) {
        bool is_rest = groups[i].share <= 0;
        double at = is_rest ? sum : from, len = is_rest ? 1 - sum : groups[i].share / whole;
        parts[i].group_from = at < 1 ? (uint32_t)(at * 0x1p32) : UINT32_MAX;
        parts[i].group_len = len <= 0 ? 0 : len < 1 ? (uint32_t)(len * 0x1p32) : UINT32_MAX;
        from += is_rest ? 0 : len;
    }
}

/* What each group has of the tier, of those that have somebody to offer: its share, or what these leave. So
 * the share of a group that fails goes to those without a share, and no other group's grows; unless all of
 * those fail, too. */
static void divide_tier(const struct steer_group *groups, struct steer_part *parts, size_t count)
{
    double rest = 1, sum = 0;
    for (size_t i = 0; i < count; i++) {
        rest -= parts[i].count == 0 ? 0 : groups[i].share;
    }
    for (size_t i = 0; i < count; i++) {
        double share = groups[i].share > 0 ? groups[i].share : rest > 0 ? rest : 0;
        parts[i].fraction = parts[i].count == 0 ? 0 : share;
        sum += parts[i].fraction;
    }
    for (size_t i = 0; i < count; i++) {
        parts[i].fraction = parts[i].count == 0 ? 0 : sum > 0 ? parts[i].fraction / sum : 1;
    }
}

size_t tier_read(struct steer_reading *reading, const struct steer_tier *tier, struct steer_part *parts,
                 struct steer_measure *measure)
{
    struct sums all = {.members = 0};
    const struct steer_group whole = {.count = tier->count};
    const struct steer_group *groups = tier->groups == NULL ? &whole : tier->groups;
    size_t count = tier->groups == NULL ? 1 : tier->group_count;
    const uint16_t *members = tier->members;
    reading->by_type = tier_has_type(reading, tier, groups, count);
    reading->left_out = 0;
    if (reading->policy->pick == STEER_PICK_STICKY && reading->policy->sticky.hold_ms > 0) {
        survey_holds(reading, tier);
    }
    for (size_t i = 0; i < count; i++) {
        tier_begin(reading, &parts[i]);
        parts[i].listed = reading->listed;
        parts[i].group = tier->groups == NULL ? NULL : &groups[i];
        parts[i].group_members = members;
        read_group(reading, tier, &groups[i], &parts[i], &all);
        members += groups[i].count;
    }
    divide_tier(groups, parts, count);
    slice_tier(groups, parts, count);
    measure_tier(tier, &all, measure);
    measure->left_out = reading->left_out;
    return count;
}

/* ---- fallback ---- */

bool tier_offer(struct steer_reading *reading, const uint16_t *members, size_t count, struct steer_part *part,
                uint64_t *seen)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        uint64_t bit = UINT64_C(1) << (members[i] % 64u);
        bool is_new = (seen[members[i] / 64u] & bit) == 0;
        bool is_offered = is_new && look_at(reading, members[i]).state != HEALTH_DRAINED;
        if (is_offered) {
            any = true;
            add_member(reading, members[i], 0, part);
        }
        if (part->group != NULL) {
            bool takes = is_offered && (reading->types & reading->ask.types) != 0;
            reading->choice->accepted[reading->listed++] = takes ? find_accepted(part->group, i, 0) : 0;
        }
        seen[members[i] / 64u] |= bit;
    }
    part->count = (uint16_t)(reading->used - part->first);
    choose_table(reading, part);
    return any;
}

/* ---- weights ---- */

/* Where the sum of weights does not fit, all are halved until it does, none below 1: 2^32 still tells weights
 * apart to a part in a thousand with the largest possible policy. */
void tier_weigh(const struct steer_reading *reading, struct steer_part *part)
{
    const struct steer_member *members = reading->policy->members;
    const uint16_t *chosen = reading->choice->members + part->first;
    uint32_t *weights = reading->choice->weights + part->first, without = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < part->count; i++) {
        without |= weights[i];
    }
    unsigned scale = without == 0 ? 1 : WHOLE; /* weights are as given while nobody does without any */
    for (size_t i = 0; i < part->count; i++) {
        sum += (uint64_t)members[chosen[i]].weight * (scale - weights[i]);
    }
    unsigned shift = 0;
    while ((sum >> shift) + part->count > UINT32_MAX) {
        shift++;
    }
    uint32_t total = 0;
    for (size_t i = 0; i < part->count; i++) {
        uint32_t weight = (uint32_t)((uint64_t)members[chosen[i]].weight * (scale - weights[i]) >> shift);
        total += weight > 0 ? weight : 1;
        weights[i] = total;
    }
    part->total_weight = total;
    part->unit = scale * 32u >> shift;
}
