/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Explain: tiers and their shares, the fallback, how members are drawn, and the TTL. */
#include "config.h"

#include "operate/explain_parts.h"

#include "base/buffer.h"
#include "base/words.h"
#include "dns/types.h"

#include <stdio.h>

enum { NAMES_MAX = 6 };

static void evaluate(struct explain_work *w)
{
    const struct steer_policy *policy = w->policy;
    size_t count = policy->member_count;
    struct steer_room room = steer_find_room(policy, w->class_id);
    steer_choice_init(&w->choice, room, arena_alloc(w->arena, steer_room_size(room)));
    w->trace.tiers = arena_alloc(w->arena, policy->classes[w->class_id].tier_count * sizeof *w->trace.tiers);
    struct steer_ask ask = {.now_ms = w->now_ms, .class_id = w->class_id, .types = w->rrset->types};
    steer_evaluate(policy, ask, w->view->table, &w->choice, &w->trace);
    double *odds = arena_alloc(w->arena, (size_t)w->choice.count * sizeof *odds);
    w->odds = arena_alloc(w->arena, count * sizeof *w->odds);
    if (w->choice.count != 0) {
        steer_odds(policy, &w->choice, odds);
    }
    for (size_t i = 0; i < w->choice.count; i++) {
        w->odds[w->choice.members[i]] = odds[i];
    }
    w->to->source = steer_source_text(w->choice.source);
    w->to->pick = steer_pick_text(policy->pick);
}

static void note_tier(struct explain_work *w, const struct steer_tier *tier, int32_t index)
{
    for (uint16_t i = 0; i < tier->count; i++) {
        int32_t *at = &w->tier_at[tier->members[i]];
        *at = *at == EXPLAIN_NO_TIER ? index : *at;
    }
}

static const char *need_text(struct explain_work *w, const struct steer_need *need)
{
    if (need->share > 0) {
        return arena_print(w->arena, "%.4g %%", 100 * need->share);
    }
    return need->count > 0 ? arena_print(w->arena, "%u", need->count) : NULL;
}

/* ---- tiers ---- */

/* "us-1, us-2 and 3 more" */
static const char *list_members(struct explain_work *w, const uint16_t *members, size_t count)
{
    struct buffer text;
    buffer_init(&text);
    for (size_t i = 0; i < count && i < NAMES_MAX; i++) {
        uint32_t endpoint = w->policy->members[members[i]].endpoint;
        buffer_print(&text, "%s%s", i == 0 ? "" : ", ", w->view->topology->endpoints[endpoint].name);
    }
    if (count > NAMES_MAX) {
        buffer_print(&text, " and %zu more", count - NAMES_MAX);
    }
    const char *copy = arena_copy_text(w->arena, text.len == 0 ? "nobody" : text.bytes);
    buffer_fini(&text);
    return copy;
}

/* Whose fall makes a tier one that may not be left: the regions of its members where rules forbid that. */
static const char *list_rules(struct explain_work *w)
{
    const struct steer_tier *tier = &explain_get_class(w)->tiers[w->choice.held_tier];
    struct buffer text;
    uint64_t seen = 0;
    buffer_init(&text);
    for (size_t i = 0; w->view->health != NULL && i < tier->count; i++) {
        uint32_t region = steer_get_place(w->policy, tier->members[i])->region;
        for (size_t rule = 0; rule < health_count_guards(w->view->health); rule++) {
            bool forbids = health_judge_release(w->view->health, region, rule) == 0;
            if (forbids && (seen >> rule & 1) == 0) {
                buffer_print(&text, "%s%s of region %s", seen == 0 ? "" : ", ",
                             health_get_guard_name(w->view->health, rule),
                             w->view->topology->regions[region].name);
                seen |= UINT64_C(1) << rule;
            }
        }
    }
    const char *copy = arena_copy_text(w->arena, text.len == 0 ? "what is forbidden" : text.bytes);
    buffer_fini(&text);
    return copy;
}

/* Parts of the tier that are drawn from with shares of their own, such as a canary's. */
static void tell_groups(struct explain_work *w, uint16_t tier)
{
    bool has_groups = explain_get_class(w)->tiers[tier].group_count > 1;
    has_groups &= steer_source_has_tier(w->choice.source);
    for (size_t i = 0; has_groups && i < w->choice.part_count; i++) {
        const struct steer_part *part = &w->choice.parts[i];
        if (part->tier == tier) {
            explain_say(w, "%.4g %% of that goes to %s", 100 * part->fraction,
                        list_members(w, w->choice.members + part->first, part->count));
        }
    }
}

/* What limits the share of a tier that serves. */
static const char *limit_text(const struct operate_tier *tier, bool spreads, struct arena *arena)
{
    const char *spill =
        tier->spill_below == NULL ? "" : arena_print(arena, ", spill_below is %s", tier->spill_below);
    return tier->trickle > 0 && tier->share <= tier->trickle ? arena_print(arena, "%s, a trickle", spill)
           : spreads ? arena_print(arena, "%s, spread by capacity", spill)
                     : spill;
}

/* Who counts. */
static const char *name_members(struct explain_work *w, const struct operate_tier *tier)
{
    return arena_print(w->arena, "%u member%s%s%s", tier->members, words_plural(tier->members),
                       tier->left_out == 0 ? "" : " with ", tier->left_out == 0 ? "" : w->to->type);
}

/* Why it gets the share that it gets. */
static void tell_tier(struct explain_work *w, const struct operate_tier *tier, bool spreads)
{
    char have[128];
    const char *members = name_members(w, tier);
    int used = snprintf(have, sizeof have, "%u of its %s may (%.4g %%)", tier->serving, members,
                        100 * tier->healthy);
    if (tier->available < tier->healthy) {
        snprintf(have + used, sizeof have - (size_t)used, ", of which load leaves %.4g %%",
                 100 * tier->available);
    }
    if (tier->held != 0) {
        explain_say(w, "tier %s is held by safety rules (%s): %s, and %u that fell count%s as if %s had not",
                    tier->label, list_rules(w), have, tier->held, tier->held == 1 ? "s" : "",
                    tier->held == 1 ? "it" : "they");
    } else if (tier->barred) {
        explain_say(w, "tier %s may not be gone to by safety rules (%s): %s", tier->label, list_rules(w),
                    have);
    } else if (tier->serving == 0 && tier->considered) {
        explain_say(w, "tier %s does not serve: none of its %s may", tier->label, members);
    } else if (!tier->considered) {
        explain_say(w, "tier %s is not needed: those before it take all answers (%s)", tier->label, have);
    } else if (!tier->qualifies) {
        explain_say(w, "tier %s does not serve: %s, min_healthy is %s", tier->label, have,
                    tier->min_healthy == NULL ? "one of them" : tier->min_healthy);
    } else if (tier->share >= 1) {
        explain_say(w, "tier %s serves: %s", tier->label, have);
    } else if (tier->share <= 0) {
        explain_say(w, "tier %s would serve, but none of its members has %s", tier->label, w->to->type);
    } else {
        explain_say(w, "tier %s gets %.4g %% of the answers: %s%s", tier->label, 100 * tier->share, have,
                    limit_text(tier, spreads, w->arena));
    }
}

static void describe_tier(struct explain_work *w, uint16_t index)
{
    const struct steer_class *class = explain_get_class(w);
    const struct steer_tier *from = &class->tiers[index];
    const struct steer_trace_tier *seen = &w->trace.tiers[index];
    struct operate_tier *tier = &w->to->tiers[w->to->tier_count++];
    *tier = (struct operate_tier){.label = arena_copy_text(w->arena, from->label),
                                  .members = seen->members,
                                  .serving = seen->serving,
                                  .left_out = seen->left_out,
                                  .held = seen->counted > seen->serving ? seen->counted - seen->serving : 0,
                                  .barred = seen->counted < seen->serving && seen->share <= 0,
                                  .healthy = seen->healthy,
                                  .available = seen->available,
                                  .by_capacity = from->by_capacity,
                                  .min_healthy = need_text(w, &from->min_healthy),
                                  .spill_below = need_text(w, &from->spill_below),
                                  .trickle = from->trickle,
                                  .share = seen->share,
                                  .considered = seen->considered,
                                  .qualifies = seen->qualifies,
                                  .selected = seen->share > 0};
    note_tier(w, from, index);
    tell_tier(w, tier, class->spread);
    tell_groups(w, index);
}

void explain_tiers(struct explain_work *w)
{
    const struct steer_class *class = explain_get_class(w);
    evaluate(w);
    w->tier_at = arena_alloc(w->arena, w->policy->member_count * sizeof *w->tier_at);
    for (uint16_t i = 0; i < w->policy->member_count; i++) {
        w->tier_at[i] = EXPLAIN_NO_TIER;
    }
    w->to->tiers = arena_alloc(w->arena, class->tier_count * sizeof *w->to->tiers);
    for (uint16_t t = 0; t < class->tier_count; t++) {
        describe_tier(w, t);
    }
    if (class->pool != NULL) {
        note_tier(w, class->pool, class->tier_count);
        w->to->pool = arena_print(w->arena, "pool %s", class->pool->label);
    }
    w->to->fenced = class->fenced;
    w->to->fallback = steer_fallback_text(class->has_fallback ? class->fallback : w->policy->fallback);
    if (class->fenced) {
        explain_say(w, "class %s is fenced: its answers never leave these tiers", w->to->class_label);
    }
}

/* ---- fallback and pick ---- */

/* Fallback first: which tier, and who of it. */
static void tell_first(struct explain_work *w)
{
    uint16_t tier = w->choice.tier;
    const char *where = tier < w->to->tier_count ? arena_print(w->arena, "tier %s", w->to->tiers[tier].label)
                                                 : "the endpoints in none of these tiers";
    if (w->choice.source == STEER_FROM_FIRST) {
        explain_say(w, "no tier has what it needs: fallback first, of %s those that may serve", where);
    } else {
        explain_say(w,
                    "nobody that the name could send to may serve: fallback first, of %s those that are not "
                    "drained, healthy or not",
                    where);
    }
}

/* What a safety rule makes of the answers of a tier. */
static void tell_hold(struct explain_work *w)
{
    if (w->choice.hold == STEER_HOLDS_NOTHING) {
        return;
    }
    const struct steer_tier *tier = &explain_get_class(w)->tiers[w->choice.held_tier];
    const char *rules = list_rules(w);
    if (w->choice.hold == STEER_HOLDS) {
        explain_say(w,
                    "tier %s may not be left: it counts as if those who fell under safety rules (%s) had "
                    "not; released when these allow it, or by an operator",
                    tier->label, rules);
    } else if (w->choice.hold == STEER_HOLDS_ELSEWHERE) {
        explain_say(w, "answers of tier %s go where safety rules (%s) let them", tier->label, rules);
    } else {
        explain_say(w, "answers of tier %s may go nowhere by safety rules (%s): on_hold fallback",
                    tier->label, rules);
    }
}

/* Where an override sends what it moves off, and whether it goes there. */
static void tell_exit(struct explain_work *w)
{
    static const char *const texts[] = {
        [STEER_EXIT_NOWHERE] = NULL,
        [STEER_EXIT_SENT] =
            "what is drained has been sent to where an override says: before others these serve",
        [STEER_EXIT_ELSEWHERE] = "nobody serves where an override sends what is drained: what has moved is "
                                 "answered as policies have it, and what has not stays",
        [STEER_EXIT_SHARED] = "others had a part of the answers, too: what is drained goes where policies "
                              "have it, not where an override sends it"};
    if (texts[w->trace.exit] != NULL) {
        explain_say(w, "%s", texts[w->trace.exit]);
    }
}

/* Where the candidates come from. Returns whether there can be any. */
static bool tell_source(struct explain_work *w)
{
    tell_exit(w);
    tell_hold(w);
    switch (w->choice.source) {
    case STEER_FROM_TIER:
    case STEER_FROM_HELD: return true;
    case STEER_FROM_POOL: explain_say(w, "no tier serves: the %s stands in", w->to->pool); return true;
    case STEER_FROM_FIRST:
    case STEER_FROM_SICK: tell_first(w); return true;
    case STEER_FROM_ALL:
        explain_say(w, "no tier serves: fallback all offers everything that is not drained, healthy or not");
        return true;
    case STEER_FROM_STATIC:
        explain_say(w, w->to->answer_count != 0
                           ? "no tier serves: fallback static, the records of the zone file answer"
                           : "no tier serves: fallback static, but the zone file has no records of the type");
        return false;
    case STEER_FROM_NODATA:
        explain_say(w, "no tier serves and there is nothing to fall back to: no data");
        return false;
    case STEER_FROM_SERVFAIL: explain_say(w, "no tier serves: fallback servfail"); return false;
    }
    return false;
}

/* Members that stand in where those with a weight do not serve. */
static void tell_standbys(struct explain_work *w)
{
    for (size_t i = 0; i < w->choice.part_count; i++) {
        const struct steer_part *part = &w->choice.parts[i];
        const uint16_t *members = w->choice.members + part->first;
        if (part->count != 0 && w->policy->members[members[0]].weight == 0) {
            explain_say(w, "%s: weight 0, standing in because no member with a weight serves",
                        list_members(w, members, part->count));
        }
    }
}

void explain_pick(struct explain_work *w)
{
    const char *parts =
        w->choice.part_count > 1 ? "; a part by its share first, so that no answer mixes them" : "";
    if (!tell_source(w)) {
        return;
    }
    tell_standbys(w);
    if (w->choice.count == 0) {
        explain_say(w, "no member that serves has a record of the type: no data");
    } else if (w->policy->pick == STEER_PICK_ALL) {
        explain_say(w, "pick all gives every one of %u candidate%s%s", w->choice.count,
                    w->choice.count == 1 ? "" : "s", parts);
    } else {
        explain_say(w, "pick %s draws %u of %u candidate%s%s", w->to->pick,
                    w->policy->answers < w->choice.count ? w->policy->answers : w->choice.count,
                    w->choice.count, w->choice.count == 1 ? "" : "s", parts);
    }
}

/* ---- TTL ---- */

/* A choice limits the TTL; whether that is why the reply has this one shows the reply. */
static void tell_failing(struct explain_work *w)
{
    const struct operate_member *member = &w->to->members[w->trace.failing];
    bool serves = health_state_serves(member->effective.state);
    explain_say(w, "the TTL is at most %u s (ttl_failing): %s %s", w->choice.ttl, member->endpoint,
                !serves                                     ? "does not serve"
                : member->effective.state == HEALTH_UNKNOWN ? "is not known yet"
                                                            : "is about to change");
}

static void tell_planned(struct explain_work *w)
{
    uint32_t endpoint = w->policy->members[w->trace.planned].endpoint;
    explain_say(w, "the TTL is at most %u s (ttl_failing): %s", w->choice.ttl,
                operate_describe_plan(w->view, endpoint, w->trace.planned_by, w->arena));
}

/* The override of which it is lies at the member, or around it. */
static void tell_ordered(struct explain_work *w)
{
    const struct steer_place *place = steer_get_place(w->policy, (size_t)w->trace.limited);
    const uint32_t at[] = {[HEALTH_ENDPOINT] = w->policy->members[w->trace.limited].endpoint,
                           [HEALTH_AZ] = place->az,
                           [HEALTH_REGION] = place->region};
    enum health_kind kind = w->trace.limited_by;
    const struct health_override *override = health_get_override(w->view->health, kind, at[kind]);
    char text[HEALTH_OVERRIDE_TEXT_SIZE];
    struct health_status status;
    health_get_status(w->view->health, kind, at[kind], &status);
    explain_say(w, "the TTL is at most %u s%s: so says the %s of %s %s%s by %s (%s)", w->choice.ttl,
                override->ttl_s < w->choice.ttl ? " (ttl_floor)" : "", health_override_text(override, text),
                health_kind_text(kind), status.name,
                status.planned ? arena_print(w->arena, ", which is planned for %s,",
                                             explain_time_text(w, override->starts_ms))
                               : "",
                override->actor, override->reason);
}

void explain_ttl(struct explain_work *w)
{
    struct operate_explanation *to = w->to;
    bool has_limit = w->policy != NULL && w->choice.ttl != STEER_TTL_FREE;
    if (has_limit && w->trace.failing >= 0) {
        tell_failing(w);
    }
    if (has_limit && w->trace.planned >= 0) {
        tell_planned(w);
    }
    if (has_limit && w->reply.ttl >= w->choice.ttl) {
        to->ttl_reason = w->trace.limited >= 0   ? "override"
                         : w->trace.failing >= 0 ? "ttl_failing"
                                                 : "planned";
        if (w->trace.limited >= 0) {
            tell_ordered(w);
        }
    } else if (to->answer_count == 0) {
        if (w->reply.is_negative) {
            to->ttl_reason = "negative";
            explain_say(w,
                        "resolvers remember that there is nothing for %u s: the lesser of the SOA's TTL and "
                        "its last number",
                        w->reply.ttl);
        }
    } else if (w->policy != NULL) {
        bool is_static = w->choice.source == STEER_FROM_STATIC;
        to->ttl_reason = is_static ? "zone" : "ttl";
        explain_say(w, "the TTL is that of the %s: %u s", is_static ? "zone file's records" : "policy",
                    w->reply.ttl);
    }
}
