/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From health words to a choice: how much of all answers each tier gets, and what is answered when none
 * qualifies. The choice carries the generation that was read before any word, so a store that raced with the
 * evaluation makes it out of date at once.
 *
 * Shares are those of health alone. What has no records of the type is left out afterwards, and the rest
 * grows by as much: a few AAAA more in one place are better than "there is no AAAA" now and then. */
#include "config.h"

#include "steer/steer.h"

#include "health/guard.h"
#include "steer/ban.h"
#include "steer/fence.h"
#include "steer/limit.h"
#include "steer/shares.h"
#include "steer/sticky.h"
#include "steer/tier.h"

#include <string.h>

const char *steer_source_text(enum steer_source source)
{
    static const char *const texts[] = {
        [STEER_FROM_TIER] = "tier",     [STEER_FROM_ALL] = "all",           [STEER_FROM_STATIC] = "static",
        [STEER_FROM_NODATA] = "nodata", [STEER_FROM_SERVFAIL] = "servfail", [STEER_FROM_POOL] = "pool",
        [STEER_FROM_FIRST] = "first",   [STEER_FROM_SICK] = "first_sick",   [STEER_FROM_HELD] = "held"};
    return (size_t)source < sizeof texts / sizeof *texts ? texts[source] : "unknown";
}

/* ---- parts ---- */

/* Leave out parts without members or share, and close the gaps. */
static void pack_parts(struct steer_choice *choice)
{
    size_t kept = 0;
    choice->count = 0;
    for (size_t i = 0; i < choice->part_count; i++) {
        struct steer_part part = choice->parts[i];
        part.share *= part.fraction;
        if (part.count != 0 && part.share > SHARES_LEAST) {
            memmove(choice->members + choice->count, choice->members + part.first,
                    part.count * sizeof *choice->members);
            memmove(choice->weights + choice->count, choice->weights + part.first,
                    part.count * sizeof *choice->weights);
            part.first = choice->count;
            choice->count += part.count;
            choice->parts[kept++] = part;
        }
    }
    choice->part_count = (uint16_t)kept;
}

static bool has_one_weight(const struct steer_choice *choice)
{
    uint32_t until = 0;
    bool has = true;
    for (uint32_t i = 0; i < choice->count; i++) {
        until += choice->weights[0];
        has &= choice->weights[i] == until;
    }
    return has;
}

/* Weights of members, and the line on which parts are drawn. */
static void finish_parts(const struct steer_reading *reading, const struct steer_class *class)
{
    struct steer_choice *choice = reading->choice;
    const struct steer_policy *policy = reading->policy;
    double sum = 0, until = 0;
    for (size_t i = 0; i < choice->part_count; i++) {
        sum += choice->parts[i].share;
    }
    for (size_t i = 0; i < choice->part_count; i++) {
        struct steer_part *part = &choice->parts[i];
        tier_weigh(reading, part);
        part->share /= sum;
        part->leaves |= reading->is_stuck && choice->source == STEER_FROM_TIER;
        until += part->share;
        part->until = until * 0x1p32 < UINT32_MAX ? (uint32_t)(until * 0x1p32 + 0.5) : UINT32_MAX;
    }
    if (policy->pick == STEER_PICK_STICKY && (choice->part_count > 1 || reading->is_stuck)) {
        sticky_divide(class, choice);
    }
    uint64_t lasts_ms = reading->until_ms - reading->ask.now_ms;
    choice->made_ms = (uint32_t)reading->ask.now_ms;
    choice->lasts_ms = lasts_ms < UINT32_MAX ? (uint32_t)lasts_ms : UINT32_MAX;
    choice->total_weight = choice->part_count == 1 ? choice->parts[0].total_weight : 0;
    bool draws_one = policy->pick == STEER_PICK_WEIGHTED && policy->answers == 1;
    choice->is_single = choice->count == 1 || (choice->count != 0 && draws_one);
    choice->is_simple = choice->is_single && choice->part_count == 1 && choice->source == STEER_FROM_TIER &&
                        choice->ttl == STEER_TTL_FREE;
    choice->is_even = choice->is_simple && has_one_weight(choice);
}

/* ---- tiers ---- */

/* What is there is told as it is, also where load is ignored in the end, and where safety rules make
 * something else of it: it was read without these before. */
static void trace_tier(const struct steer_reading *reading, const struct steer_measure *measure,
                       bool considered, struct steer_trace *trace)
{
    if (trace == NULL) {
        return;
    }
    struct steer_trace_tier *tier = &trace->tiers[reading->tier];
    if (reading->ban == NULL) {
        *tier = (struct steer_trace_tier){.members = measure->members,
                                          .serving = measure->serving,
                                          .left_out = measure->left_out,
                                          .healthy = measure->healthy,
                                          .available = reading->again ? tier->available : measure->unshed,
                                          .qualifies = measure->qualifies};
    }
    tier->counted = measure->serving;
    tier->considered = considered;
}

static void keep_parts(struct steer_choice *choice, size_t count, uint16_t tier, double share)
{
    for (size_t i = 0; i < count; i++) {
        struct steer_part *part = &choice->parts[choice->part_count++];
        part->tier = tier;
        part->share = share;
    }
}

/* What is lost of a tier, but for others of it, had answers before; a tier that is lost as a whole had not.
 */
static size_t read_before(struct steer_reading *reading, const struct steer_tier *tier,
                          struct steer_part *parts, struct steer_measure *measure)
{
    struct steer_fence *fence = reading->fence;
    if (!fence->forgives) {
        size_t count = tier_read(reading, tier, parts, measure);
        if (measure->suffices <= 0) {
            return count;
        }
        reading->used = parts->first;
        reading->listed = parts->listed;
    }
    bool forgave = fence->forgives;
    fence->forgives = true;
    size_t count = tier_read(reading, tier, parts, measure);
    fence->forgives = forgave;
    return count;
}

/* tier_read() of the tier under way: of who is left there, or if there is nobody, of who may take it. */
static size_t read_left(struct steer_reading *reading, const struct steer_tier *tier,
                        struct steer_part *parts, struct steer_measure *measure)
{
    struct steer_fence *fence = reading->fence;
    if (fence != NULL && fence->sight == STEER_FENCE_BEFORE) {
        return read_before(reading, tier, parts, measure);
    }
    const struct steer_origin *found = fence_is_after(fence) ? fence_find_origin(fence, reading->tier) : NULL;
    if (found != NULL && found->moves) {
        struct steer_origin *origin = &fence->origins[found - fence->origins];
        fence->keeps = true;
        size_t count = tier_read(reading, tier, parts, measure);
        fence->keeps = false;
        origin->stays = origin->share * (measure->suffices < 1 ? measure->suffices : 1);
        if (origin->stays > 0) {
            return count;
        }
        reading->used = parts->first;
        reading->listed = parts->listed;
    }
    return tier_read(reading, tier, parts, measure);
}

/* Tiers that get a share become parts; returns whether there is any. */
static bool take_tiers(struct steer_reading *reading, const struct steer_class *class,
                       struct steer_trace *trace)
{
    struct steer_choice *choice = reading->choice;
    double left = 1;
    for (size_t i = 0; i < class->tier_count; i++) {
        const struct steer_tier *tier = &class->tiers[i];
        bool is_origin = fence_find_origin(reading->fence, (uint16_t)i) != NULL;
        bool considered = left > 0 || tier->trickle > 0 || is_origin;
        bool limits_ttl = reading->policy->has_ttl_failing || reading->ttls != NULL;
        if (!considered && trace == NULL && !limits_ttl) {
            continue;
        }
        struct steer_measure measure;
        struct steer_part *parts = &choice->parts[choice->part_count];
        reading->tier = (uint16_t)i;
        size_t count = read_left(reading, tier, parts, &measure);
        bool stays = fence_stays(reading->fence, (uint16_t)i);
        double share = stays ? 0 : shares_take(class, i, &measure, &left);
        trace_tier(reading, &measure, considered, trace);
        if (share > 0 || stays || (tier->trickle > 0 && measure.suffices > 0)) {
            keep_parts(choice, count, (uint16_t)i, share);
        } else {
            reading->used = parts->first;
        }
    }
    if (!shares_settle(reading, class, left)) {
        choice->part_count = 0;
        return false;
    }
    choice->source = STEER_FROM_TIER;
    choice->tier = choice->parts[0].tier;
    return true;
}

/* ---- fallback ---- */

/* Every member once, in the order of the list or tiers, unless it is drained. */
static bool take_all(struct steer_reading *reading, const struct steer_class *class)
{
    uint64_t seen[(STEER_MEMBERS_MAX + 64) / 64];
    struct steer_part *part = &reading->choice->parts[0];
    bool any = false;
    memset(seen, 0, (reading->policy->member_count + 63u) / 64u * sizeof *seen);
    reading->tier = STEER_NO_TIER;
    tier_begin(reading, part);
    part->group = class->offer_group;
    part->group_members = class->offer;
    part->listed = reading->listed = 0;
    if (class->offer_group != NULL) {
        any = tier_offer(reading, class->offer, class->offer_group->count, part, seen);
    } else if (class->offered != NULL) {
        any = tier_offer(reading, class->offered, class->offered_count, part, seen);
    }
    for (size_t t = 0; part->group == NULL && class->offered == NULL && t < class->tier_count; t++) {
        any |= tier_offer(reading, class->tiers[t].members, class->tiers[t].count, part, seen);
    }
    part->share = part->fraction = 1;
    reading->choice->part_count = any;
    return any;
}

/* One tier alone, of which any member will do. */
static bool take_one(struct steer_reading *reading, const struct steer_tier *tier, uint16_t index)
{
    struct steer_measure measure;
    reading->holds = false;
    reading->used = reading->listed = 0;
    size_t count = tier_read(reading, tier, reading->choice->parts, &measure);
    if (measure.serving == 0) {
        reading->used = 0;
        return false;
    }
    keep_parts(reading->choice, count, index, 1);
    reading->choice->tier = index;
    return true;
}

static void mark_members(const struct steer_tier *tier, uint64_t *marks)
{
    for (size_t i = 0; i < tier->count; i++) {
        marks[tier->members[i] / 64u] |= UINT64_C(1) << (tier->members[i] % 64u);
    }
}

/* The list has the members of the tiers, too, who were looked at there. */
static bool take_rest(struct steer_reading *reading, const struct steer_class *class)
{
    uint64_t inside[(STEER_MEMBERS_MAX + 64) / 64];
    memset(inside, 0, (reading->policy->member_count + 63u) / 64u * sizeof *inside);
    for (size_t i = 0; i < class->tier_count; i++) {
        mark_members(&class->tiers[i], inside);
    }
    reading->inside = inside;
    bool taken = take_one(reading, class->rest, class->tier_count);
    reading->inside = NULL;
    return taken;
}

/* The first tier that has somebody whom this accepts. */
static bool take_first_of(struct steer_reading *reading, const struct steer_class *class,
                          enum steer_accepts accepts)
{
    reading->accepts = accepts;
    for (uint16_t i = 0; i < class->tier_count; i++) {
        if (take_one(reading, &class->tiers[i], i)) {
            return true;
        }
    }
    return class->rest != NULL && take_rest(reading, class);
}

/* Whoever serves, tier by tier. If nobody does, that may be for want of sight: then answers stay with the
 * first tier, and those whom checks speak against come before those whom an operator does. */
static enum steer_source take_first(struct steer_reading *reading, const struct steer_class *class)
{
    if (take_first_of(reading, class, STEER_ACCEPTS_SERVING)) {
        return STEER_FROM_FIRST;
    }
    return take_first_of(reading, class, STEER_ACCEPTS_SICK) ||
                   take_first_of(reading, class, STEER_ACCEPTS_DOWN)
               ? STEER_FROM_SICK
               : STEER_FROM_NODATA;
}

static enum steer_source take_fallback(struct steer_reading *reading, const struct steer_class *class)
{
    reading->tier = STEER_NO_TIER;
    reading->used = reading->listed = 0; /* by tiers whose shares came to nothing */
    if (class->pool != NULL && take_one(reading, class->pool, 0)) {
        return STEER_FROM_POOL;
    }
    switch (class->has_fallback ? class->fallback : reading->policy->fallback) {
    case STEER_FALLBACK_ALL: return take_all(reading, class) ? STEER_FROM_ALL : STEER_FROM_NODATA;
    case STEER_FALLBACK_STATIC: return STEER_FROM_STATIC;
    case STEER_FALLBACK_NODATA: return STEER_FROM_NODATA;
    case STEER_FALLBACK_SERVFAIL: return STEER_FROM_SERVFAIL;
    case STEER_FALLBACK_FIRST: return take_first(reading, class);
    }
    return STEER_FROM_NODATA;
}

/* ---- the whole ---- */

static void trace_shares(const struct steer_class *class, const struct steer_choice *choice,
                         struct steer_trace *trace)
{
    for (size_t i = 0; steer_source_has_tier(choice->source) && i < choice->part_count; i++) {
        if (choice->parts[i].tier < class->tier_count) {
            trace->tiers[choice->parts[i].tier].share += choice->parts[i].share;
        }
    }
}

/* Tiers, at first without those that came back a moment ago. */
static bool take_any_tiers(struct steer_reading *reading, const struct steer_class *class,
                           struct steer_trace *trace)
{
    const struct steer_policy *policy = reading->policy;
    reading->holds = policy->pick == STEER_PICK_STICKY && policy->sticky.hold_ms > 0;
    if (take_tiers(reading, class, trace)) {
        return true;
    }
    if (!reading->has_held) {
        return false;
    }
    reading->holds = false;
    reading->used = reading->listed = 0;
    return take_tiers(reading, class, trace);
}

/* Sheds everything that could answer, while something does shed? Then load says nothing about where to go. */
static bool load_says_nothing(const struct steer_choice *choice, bool any_shed)
{
    for (size_t i = 0; i < choice->part_count; i++) {
        if (!choice->parts[i].all_shed) {
            return false;
        }
    }
    return any_shed;
}

static void evaluate(struct steer_reading *reading, const struct steer_class *class,
                     struct steer_trace *trace)
{
    struct steer_choice *choice = reading->choice;
    reading->used = reading->listed = 0;
    reading->accepts = STEER_ACCEPTS_SERVING;
    choice->part_count = 0;
    reading->until_ms = UINT64_MAX;
    if (!take_any_tiers(reading, class, trace)) {
        choice->source = take_fallback(reading, class);
    }
    pack_parts(choice);
}

static void run(struct steer_reading *reading, const struct steer_class *class, struct steer_trace *trace)
{
    reading->again = reading->any_shed = false;
    evaluate(reading, class, trace);
    if (reading->choice->source == STEER_FROM_TIER && load_says_nothing(reading->choice, reading->any_shed)) {
        reading->again = true;
        evaluate(reading, class, trace);
    }
}

/* ---- what is sent somewhere ---- */

/* What was seen is not what is. */
static void forget_failing(struct steer_reading *reading)
{
    reading->failing = reading->planned = -1;
}

/* Is there somebody in a tier whom a rule holds? Then that decides, not an exit. */
static bool is_any_held(const struct steer_reading *reading, const struct steer_class *class)
{
    const struct health_bans *bans = reading->table->bans;
    bool any = false;
    if (bans == NULL || atomic_load_explicit(&bans->count, memory_order_relaxed) == 0) {
        return false;
    }
    for (uint16_t tier = 0; tier < class->tier_count && !any; tier++) {
        struct steer_ban ban;
        any = ban_gather(reading, class, tier, &ban);
    }
    return any;
}

/* Does anybody take in this sight what moves off? */
static bool try_sight(struct steer_reading *reading, const struct steer_class *class,
                      enum steer_fence_sight sight, struct steer_trace *trace)
{
    reading->fence->sight = sight;
    forget_failing(reading);
    run(reading, class, trace);
    return reading->choice->source == STEER_FROM_TIER && reading->choice->count != 0 &&
           !fence_holds_all(reading);
}

/* Where did answers come from? Where nothing of it serves that is moved off, what is lost of it is sent, too.
 */
static bool find_origins(struct steer_reading *reading, const struct steer_class *class,
                         struct steer_fence *fence, struct steer_trace *trace)
{
    bool moves = false;
    for (int turn = 0; turn < 2 && !moves; turn++) {
        fence->forgives = turn > 0;
        forget_failing(reading);
        run(reading, class, trace);
        moves = fence_note_origins(reading, fence);
    }
    return moves;
}

/* Answers that came from what is moved off go to its destination, if that serves, else where policies have
 * them. Returns where they went; NOWHERE: as if nothing had been sent, and what the choice says is no matter.
 */
static enum steer_exit send_on(struct steer_reading *reading, const struct steer_class *class,
                               struct steer_trace *trace)
{
    struct steer_fence fence = {.sight = STEER_FENCE_BEFORE};
    enum steer_exit exit = STEER_EXIT_NOWHERE;
    if (!fence_gather(reading, class, &fence)) {
        return exit;
    }
    reading->fence = &fence;
    bool moves = find_origins(reading, class, &fence, trace);
    if (moves && fence.is_alone && try_sight(reading, class, STEER_FENCE_TO, trace)) {
        exit = STEER_EXIT_SENT;
    } else if (moves && !is_any_held(reading, class) && try_sight(reading, class, STEER_FENCE_AFTER, trace)) {
        exit = fence.is_alone ? STEER_EXIT_ELSEWHERE : STEER_EXIT_SHARED;
    }
    reading->fence = NULL;
    reading->is_stuck = moves && exit == STEER_EXIT_NOWHERE;
    if (exit == STEER_EXIT_NOWHERE) {
        forget_failing(reading);
    }
    return exit;
}

/* ---- what may not move ---- */

/* What a tier has of all answers. */
static double sum_tier(const struct steer_choice *choice, uint16_t tier)
{
    double sum = 0;
    for (size_t i = 0; steer_source_has_tier(choice->source) && i < choice->part_count; i++) {
        sum += choice->parts[i].tier == tier ? choice->parts[i].share : 0;
    }
    return sum;
}

static bool forbids_any(const struct steer_reading *reading, const struct steer_ban *ban,
                        const uint16_t *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ban_forbids(reading, ban, steer_get_place(reading->policy, members[i])->region)) {
            return true;
        }
    }
    return false;
}

/* Do answers go from this tier to where they may not? An earlier tier that serves is where they come from;
 * what is no place (records of the zone, nothing) is anywhere. */
static bool leaves(const struct steer_reading *reading, const struct steer_class *class,
                   const struct steer_ban *ban)
{
    const struct steer_choice *choice = reading->choice;
    uint16_t tier = ban->tier;
    bool any = false;
    if (choice->source == STEER_FROM_TIER && choice->count == 0) { /* of a tier without the type */
        const struct steer_tier *to = &class->tiers[choice->tier];
        return choice->tier > tier && forbids_any(reading, ban, to->members, to->count);
    }
    for (size_t i = 0; i < choice->part_count && !any; i++) {
        const struct steer_part *part = &choice->parts[i];
        bool is_there = choice->source == STEER_FROM_TIER
                            ? part->tier <= tier
                            : steer_source_has_tier(choice->source) && part->tier == tier;
        any = !is_there && forbids_any(reading, ban, choice->members + part->first, part->count);
    }
    return any || (choice->count == 0 && ban_forbids(reading, ban, HEALTH_ANYWHERE));
}

static void see(struct steer_reading *reading, const struct steer_class *class, struct steer_ban *ban,
                enum steer_sight sight, struct steer_trace *trace)
{
    ban->sight = sight;
    reading->ban = ban;
    run(reading, class, trace);
}

/* With those who are held, is there more of the tier than without? */
static bool has_more(const struct steer_choice *choice, uint16_t tier, double share)
{
    return choice->source == STEER_FROM_TIER && sum_tier(choice, tier) > share + SHARES_LEAST;
}

/* Nothing of the tier serves, or some of it does not: where do its answers go? NOTHING: where they would
 * without any rule, and what the choice says then is no matter. *is_there: they were there until now, so they
 * are in no other tier. */
static enum steer_hold hold(struct steer_reading *reading, const struct steer_class *class,
                            struct steer_ban *ban, bool *is_there, struct steer_trace *trace)
{
    struct steer_choice *choice = reading->choice;
    double share = choice->source == STEER_FROM_TIER ? sum_tier(choice, ban->tier) : 0;
    bool is_part = share > 0, goes = leaves(reading, class, ban);
    *is_there = false;
    see(reading, class, ban, STEER_SEES_HELD, trace);
    if (!has_more(choice, ban->tier, share) || is_part) {
        return is_part && goes && has_more(choice, ban->tier, share) ? STEER_HOLDS : STEER_HOLDS_NOTHING;
    }
    see(reading, class, ban, STEER_SEES_THEN, trace);
    *is_there = choice->source != STEER_FROM_TIER;
    uint16_t then = *is_there ? STEER_NO_TIER : choice->tier;
    if (!goes || then < ban->tier) {
        return STEER_HOLDS_NOTHING; /* they were in an earlier one */
    }
    see(reading, class, ban, STEER_SEES_ALLOWED, trace);
    if (choice->source == STEER_FROM_TIER && choice->tier <= then) {
        return STEER_HOLDS_ELSEWHERE;
    }
    if (!*is_there) {
        return STEER_HOLDS_NOTHING; /* they have been elsewhere, and go on from there */
    }
    see(reading, class, ban, reading->policy->falls_back ? STEER_SEES_ALLOWED : STEER_SEES_HELD, trace);
    return reading->policy->falls_back ? STEER_HOLDS_BACK : STEER_HOLDS;
}

/* The first tier that answers were in and may not leave decides. */
static void hold_back(struct steer_reading *reading, const struct steer_class *class,
                      struct steer_trace *trace)
{
    struct steer_choice *choice = reading->choice;
    struct steer_ban ban;
    bool is_there = false;
    for (uint16_t tier = 0; tier < class->tier_count && tier < STEER_HELD_TIERS && !is_there; tier++) {
        if (!ban_gather(reading, class, tier, &ban) || ban_cuts_off(reading, class, &ban)) {
            continue;
        }
        enum steer_hold what = hold(reading, class, &ban, &is_there, trace);
        reading->ban = NULL;
        if (what != STEER_HOLDS_NOTHING) {
            choice->hold = what & 3u;
            choice->held_tier = tier & (STEER_HELD_TIERS - 1u);
            choice->source = what == STEER_HOLDS ? STEER_FROM_HELD : choice->source;
            return;
        }
        run(reading, class, trace);
    }
}

/* May answers be anywhere but in the first tier, while something is forbidden? Read behind the words: what
 * forbids is stored before them. */
static bool may_be_held(const struct health_table *table, const struct steer_choice *choice)
{
    return table->bans != NULL && atomic_load_explicit(&table->bans->count, memory_order_relaxed) != 0 &&
           (choice->source != STEER_FROM_TIER || choice->count == 0 ||
            choice->parts[choice->part_count - 1].tier != 0);
}

void steer_evaluate(const struct steer_policy *policy, struct steer_ask ask, const struct health_table *table,
                    struct steer_choice *choice, struct steer_trace *trace)
{
    const struct steer_class *class = &policy->classes[ask.class_id];
    struct steer_reading reading = {.policy = policy,
                                    .table = table,
                                    .choice = choice,
                                    .ask = ask,
                                    .family = steer_get_family(ask.types)};
    uint64_t generation = atomic_load_explicit(&table->generation, memory_order_acquire);
    choice->generation = (generation & HEALTH_CHANGING) != 0 ? 0 : generation;
    choice->hold = STEER_HOLDS_NOTHING;
    limit_begin(&reading);
    enum steer_exit exit = send_on(&reading, class, trace);
    if (exit == STEER_EXIT_NOWHERE) {
        run(&reading, class, trace);
    }
    if (exit == STEER_EXIT_NOWHERE && may_be_held(table, choice)) {
        hold_back(&reading, class, trace);
    }
    limit_end(&reading, trace);
    finish_parts(&reading, class);
    if (trace != NULL) {
        trace_shares(class, choice, trace);
        trace->exit = exit;
    }
}

/* ---- what needs no evaluation ---- */

/* Does it answer with its whole weight, for all names, and has it records of the type by itself? */
static bool is_plain(const struct steer_reading *reading, uint16_t index)
{
    const struct steer_member *member = &reading->policy->members[index];
    const struct steer_place *place = &reading->policy->places[member->endpoint];
    const uint32_t words[] = {tier_load(reading->table->endpoints, member->endpoint),
                              tier_load(reading->table->azs, place->az),
                              tier_load(reading->table->regions, place->region)};
    return member->weight != 0 && (member->types & reading->ask.types) != 0 &&
           ((words[0] | words[1] | words[2]) & HEALTH_WORD_SCOPED) == 0 && health_word_shed(words[0]) == 0 &&
           health_state_serves(
               health_combine(health_word_of(words[0], reading->family), words[1], words[2]).state);
}

bool steer_surely_serves(const struct steer_policy *policy, struct steer_ask ask,
                         const struct health_table *table)
{
    const struct steer_class *class = &policy->classes[ask.class_id];
    const struct steer_tier *first = class->tiers;
    const struct steer_reading reading = {
        .policy = policy, .table = table, .ask = ask, .family = steer_get_family(ask.types)};
    bool is_moved = (table->bans != NULL && atomic_load(&table->bans->count) != 0) ||
                    (table->exits != NULL && atomic_load(&table->exits->count) != 0);
    bool any = class->tier_count != 0 && first->group_count <= 1 && first->min_healthy.share == 0 &&
               first->min_healthy.count <= 1 && !is_moved;
    for (uint16_t i = 0; any && i < first->count; i++) {
        if (is_plain(&reading, first->members[i])) {
            return true;
        }
    }
    return false;
}
