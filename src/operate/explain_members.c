/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Explain: the members of a steered name. Each that is in no answer has one reason, the first that applies:
 * what keeps it from serving, else what it lacks, else what became of its tier. Reasons that many share are
 * told once. */
#include "config.h"

#include "operate/explain_parts.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "dns/types.h"
#include "operate/hosts.h"
#include "operate/rdata.h"

#include <stdio.h>
#include <string.h>

enum { REASONS_MAX = 40, NAMES_MAX = 6, LOADS_MAX = 100 };

/* ---- what decides the state of a member ---- */

static enum health_kind kind_of_decider(enum health_decider decider)
{
    switch (decider) {
    case HEALTH_BY_AZ_LOST:
    case HEALTH_BY_AZ_OVERRIDE: return HEALTH_AZ;
    case HEALTH_BY_REGION_LOST:
    case HEALTH_BY_REGION_OVERRIDE: return HEALTH_REGION;
    case HEALTH_BY_VERDICT:
    case HEALTH_BY_ENDPOINT_OVERRIDE: break;
    }
    return HEALTH_ENDPOINT;
}

static const char *member_part(const struct operate_member *member, enum health_kind kind)
{
    return kind == HEALTH_REGION ? member->region : kind == HEALTH_AZ ? member->az : member->endpoint;
}

/* Neighbours often have the same one, so the one before is offered. */
static const struct operate_target *find_decider(struct explain_work *w, const struct operate_member *member,
                                                 const struct operate_target *before)
{
    enum health_kind kind = kind_of_decider(member->effective.decided_by);
    const char *name = member_part(member, kind);
    if (before != NULL && before->kind == kind && strcmp(before->name, name) == 0) {
        return before;
    }
    struct operate_target *target = arena_alloc(w->arena, sizeof *target);
    return operate_get_target(w->view, kind, name, w->arena, target) == 0 ? target : NULL;
}

static const char *tell_override(struct explain_work *w, const struct operate_target *target)
{
    const struct health_override *override = target->override;
    char text[HEALTH_OVERRIDE_TEXT_SIZE];
    return arena_print(
        w->arena, "%s %s was overridden to %s%s%s by %s at %s%s%s (%s)", health_kind_text(target->kind),
        target->name, health_override_text(override, text),
        override->names[0] == '\0' ? "" : " for names of ", override->names, override->actor,
        explain_time_text(w, override->set_ms), override->expires_ms == 0 ? ", without an end" : ", until ",
        override->expires_ms == 0 ? "" : explain_time_text(w, override->expires_ms), override->reason);
}

/* ", and is well; it stays down until …" */
static const char *tell_stay(struct explain_work *w, const struct health_stay_status *stay)
{
    static const char *const why[] = {
        [HEALTH_STAY_NONE] = "",
        [HEALTH_STAY_HOLD_DOWN] = "its hold_down",
        [HEALTH_STAY_FAILBACK] = "its failback, which wants it to be well for a while",
        [HEALTH_STAY_FLAP] = "its penalty for flapping",
        [HEALTH_STAY_MANUAL] = "",
        [HEALTH_STAY_DATA] = "",
    };
    return stay->reason == HEALTH_STAY_NONE ? ""
           : stay->reason == HEALTH_STAY_MANUAL
               ? "; it is well again, and stays down until an operator lets it back (steerctl failback)"
           : stay->reason == HEALTH_STAY_DATA
               ? arena_print(w->arena,
                             "; it is well again, and stays down until rule %s finds its data in time, or is "
                             "released (steerctl rules release)",
                             stay->rule)
               : arena_print(w->arena, "; it is well again, and stays down until %s because of %s",
                             explain_time_text(w, stay->ends_ms), why[stay->reason]);
}

static const char *tell_lost(struct explain_work *w, const struct operate_target *target)
{
    const struct health_status *status = &target->status;
    bool is_az = target->kind == HEALTH_AZ;
    return arena_print(w->arena, "%s %s is lost since %s: %u of its %u %s %s%s",
                       health_kind_text(target->kind), target->name, explain_time_text(w, status->since_ms),
                       status->members_unhealthy, status->members,
                       is_az ? "checked endpoints" : "azs with checks", is_az ? "unhealthy" : "lost",
                       tell_stay(w, &status->stay));
}

/* The number that belongs to an outcome, as whose it is. */
static const char *tell_detail(struct explain_work *w, enum health_outcome outcome, unsigned detail)
{
    enum { LEAST_STATUS = 100 };
    if (detail == 0) {
        return "";
    }
    switch (outcome) {
    case HEALTH_OUTCOME_BAD_GRPC_STATUS:
    case HEALTH_OUTCOME_SERVICE_UNKNOWN: return arena_print(w->arena, " (gRPC status %u)", detail);
    case HEALTH_OUTCOME_BAD_EXIT: return arena_print(w->arena, " (exit code %u)", detail);
    case HEALTH_OUTCOME_STREAM_RESET:
    case HEALTH_OUTCOME_GOAWAY: return arena_print(w->arena, " (HTTP/2 error %u)", detail);
    default:
        return detail < LEAST_STATUS ? arena_print(w->arena, " (%s)", dns_rcode_text(detail))
                                     : arena_print(w->arena, " (HTTP status %u)", detail);
    }
}

/* Of one family, where the endpoint as a whole is something else. */
static const char *tell_family(struct explain_work *w, const struct operate_member *member)
{
    enum health_family family = steer_get_family(w->rrset->types);
    struct health_monitor_status status = {.outcome = HEALTH_OUTCOME_NONE};
    ptrdiff_t endpoint = health_find(w->view->health, HEALTH_ENDPOINT, member->endpoint);
    (void)health_get_telling(w->view->health, (uint32_t)endpoint, family, &status);
    return arena_print(w->arena, "with %s, which %s records go by; its last check, at %s, ended with %s%s",
                       health_family_text(family), w->to->type, explain_time_text(w, status.checked_ms),
                       health_outcome_text(status.outcome), tell_detail(w, status.outcome, status.detail));
}

/* What each of several vantages says is more than our own last check. */
static const char *tell_judgement(struct explain_work *w, const struct health_status *status)
{
    char text[HEALTH_JUDGEMENT_SIZE];
    const struct health *health = w->view->health;
    health_write_judgement(health, status->telling, health_get_time(health), text);
    return arena_print(w->arena, "since %s; %s", explain_time_text(w, status->since_ms), text);
}

static const char *tell_verdict(struct explain_work *w, const struct operate_member *member,
                                const struct operate_target *target)
{
    const struct health_status *status = &target->status;
    if (status->observed != member->observed) {
        return tell_family(w, member);
    }
    if (status->is_judged) {
        return tell_judgement(w, status);
    }
    const char *more =
        status->held
            ? "; it has failed often enough, but the brake holds, since nearly everything failed at once"
        : status->outcome == HEALTH_OUTCOME_LOCAL_ERROR
            ? arena_print(w->arena, ", which says nothing of it; the last that does was at %s",
                          status->judged_ms == 0 ? "no time" : explain_time_text(w, status->judged_ms))
        : status->stale    ? arena_print(w->arena, "; that is %lld s ago, and nothing is known now",
                                         (long long)status->silent_ms / 1000)
        : status->restored ? ", before the start; it was not checked since"
                           : "";
    return arena_print(w->arena, "since %s; its last check, at %s, ended with %s%s%s%s",
                       explain_time_text(w, status->since_ms), explain_time_text(w, status->checked_ms),
                       health_outcome_text(status->outcome), tell_detail(w, status->outcome, status->detail),
                       more, tell_stay(w, &status->stay));
}

/* "; 1 of 3 checks healthy, 2 are needed": where that says more than its last check. */
static const char *tell_combination(struct explain_work *w, const struct operate_member *member)
{
    ptrdiff_t endpoint = health_find(w->view->health, HEALTH_ENDPOINT, member->endpoint);
    enum health_family family = steer_get_family(w->rrset->types);
    struct health_status status;
    char why[HEALTH_WHY_SIZE];
    if (endpoint < 0 || w->view->topology->endpoints[endpoint].at_least == 0 ||
        health_get_status(w->view->health, HEALTH_ENDPOINT, (uint32_t)endpoint, &status) != 0) {
        return "";
    }
    health_write_combination(&status.combinations[family == HEALTH_V6 ? HEALTH_V6 : HEALTH_V4], why);
    return arena_print(w->arena, "; %s", why);
}

/* "unhealthy, decided by az_lost: az us-2 is lost since …" */
static const char *tell_state(struct explain_work *w, const struct operate_member *member)
{
    const struct operate_target *target = member->decider;
    const char *state = arena_print(w->arena, "%s, decided by %s", health_state_text(member->effective.state),
                                    health_decider_text(member->effective.decided_by));
    if (target == NULL) {
        return state;
    }
    switch (member->effective.decided_by) {
    case HEALTH_BY_VERDICT:
        return arena_print(w->arena, "%s: %s%s", state, tell_verdict(w, member, target),
                           tell_combination(w, member));
    case HEALTH_BY_AZ_LOST:
    case HEALTH_BY_REGION_LOST: return arena_print(w->arena, "%s: %s", state, tell_lost(w, target));
    case HEALTH_BY_ENDPOINT_OVERRIDE:
    case HEALTH_BY_AZ_OVERRIDE:
    case HEALTH_BY_REGION_OVERRIDE: break;
    }
    return target->override == NULL ? state
                                    : arena_print(w->arena, "%s: %s", state, tell_override(w, target));
}

/* ---- why a member is in no answer ---- */

/* What became of its tier, which is told with the tiers. */
static const char *tell_tier_fate(struct explain_work *w, uint16_t index)
{
    int32_t at = w->tier_at[index];
    if (at == (int32_t)w->to->tier_count) {
        return "the pool is not needed";
    }
    const struct operate_tier *tier = &w->to->tiers[at];
    return tier->share > 0     ? NULL
           : !tier->considered ? arena_print(w->arena, "tier %s is not needed", tier->label)
           : tier->barred      ? arena_print(w->arena, "safety rules forbid to go to tier %s", tier->label)
           : !tier->qualifies
               ? arena_print(w->arena, "tier %s has too few members that may serve", tier->label)
               : arena_print(w->arena, "tier %s gets no share", tier->label);
}

/* What speaks against the member itself, or NULL. */
static const char *find_own_reason(struct explain_work *w, uint16_t index,
                                   const struct operate_member *member)
{
    if (w->tier_at[index] == EXPLAIN_NO_TIER) {
        return arena_print(w->arena, "no tier of class %s holds it", w->to->class_label);
    }
    if (!health_state_serves(member->effective.state)) {
        return tell_state(w, member);
    }
    if (member->held_ms != 0) {
        return arena_print(w->arena, "it came back a moment ago; clients stick to it again from %s on",
                           explain_time_text(w, member->held_ms));
    }
    if (member->record_count == 0) {
        bool has_addresses = w->type == DNS_TYPE_A || w->type == DNS_TYPE_AAAA;
        return arena_print(w->arena, "it has no %s %s", w->to->type, has_addresses ? "address" : "record");
    }
    return NULL;
}

static void find_reason(struct explain_work *w, uint16_t index, struct operate_member *member)
{
    if (member->chosen) {
        bool is_held = w->choice.source == STEER_FROM_HELD && !health_state_serves(member->effective.state);
        member->own_reason = is_held ? tell_state(w, member) : NULL;
        return;
    }
    member->own_reason = find_own_reason(w, index, member);
    member->excluded = member->own_reason != NULL ? member->own_reason : tell_tier_fate(w, index);
    if (member->excluded == NULL && member->shed >= 1) {
        member->excluded = "it sheds all of its weight, because of its load"; /* told with its load */
    } else if (member->excluded == NULL && member->weight == 0) {
        member->excluded = member->own_reason = "it is a standby (weight 0), and members with a weight serve";
    } else if (member->excluded == NULL) {
        member->excluded = member->own_reason = "its part of the tier is given to others";
    }
}

/* ---- the members ---- */

/* What it answers with now. */
static void list_records(struct explain_work *w, uint16_t index, struct operate_member *member)
{
    const struct steer_member *from = &w->policy->members[index];
    bool has_addresses = w->type == DNS_TYPE_A || w->type == DNS_TYPE_AAAA;
    if (from->has_host && has_addresses) {
        member->records = hosts_list(w->view, from, w->type, w->arena, &member->record_count);
    } else if ((from->types & w->rrset->types) != 0) {
        const struct rdata_place place = {w->zone, w->rrset, w->owner};
        member->records = rdata_list(&place, index, w->arena, &member->record_count);
    }
    member->address = has_addresses && member->record_count != 0 ? member->records[0] : NULL;
}

/* NULL: in none. */
static const char *tier_label(const struct explain_work *w, uint16_t index)
{
    int32_t at = w->tier_at[index];
    if (at == EXPLAIN_NO_TIER) {
        return NULL;
    }
    return at == (int32_t)w->to->tier_count ? w->to->pool : w->to->tiers[at].label;
}

static void describe_member(struct explain_work *w, uint16_t index, struct operate_member *member)
{
    const struct conf_topology *topology = w->view->topology;
    const struct steer_member *from = &w->policy->members[index];
    const struct conf_endpoint *endpoint = &topology->endpoints[from->endpoint];
    enum health_family family = steer_get_family(w->rrset->types);
    uint32_t word = atomic_load_explicit(&w->view->table->endpoints[from->endpoint], memory_order_relaxed);
    *member = (struct operate_member){
        .endpoint = arena_copy_text(w->arena, endpoint->name),
        .az = arena_copy_text(w->arena, topology->azs[endpoint->az].name),
        .region = arena_copy_text(w->arena, topology->regions[endpoint->region].name),
        .tier = tier_label(w, index),
        .observed = health_word_observed(health_word_of(word, family)),
        .effective = health_table_effective_within(w->view->table, from->endpoint, endpoint->az,
                                                   endpoint->region, family, w->policy->group),
        .weight = from->weight,
        .odds = w->odds[index],
        .chosen = w->odds[index] > 0,
        .held_ms = (int64_t)steer_find_hold(w->policy, w->view->table, index, family, w->now_ms)};
    list_records(w, index, member);
    struct health_status status;
    (void)health_get_status(w->view->health, HEALTH_ENDPOINT, from->endpoint, &status);
    bool ignored = w->choice.source == STEER_FROM_ALL || (member->chosen && status.load.shed >= 1);
    member->shed = status.load.shed;
    member->ramp = w->choice.source == STEER_FROM_ALL ? HEALTH_RAMP_WHOLE : explain_find_ramp(w, index);
    member->counts =
        (ignored ? from->weight : from->weight * (1 - member->shed)) * member->ramp / HEALTH_RAMP_WHOLE;
}

/* What its load does to it. */
static void tell_load(struct explain_work *w, const struct operate_member *member,
                      const struct conf_load *marks)
{
    bool has_weights = w->policy->pick == STEER_PICK_WEIGHTED || w->policy->pick == STEER_PICK_STICKY;
    char shed[160];
    snprintf(shed, sizeof shed, "%s sheds %.4g %% of its weight, load being above %g", member->endpoint,
             100 * member->shed, marks->low);
    if (member->shed <= 0 || !health_state_serves(member->effective.state)) {
        return;
    }
    if (w->choice.source == STEER_FROM_ALL) {
        explain_say(w, "%s: ignored, since a fallback serves", shed);
    } else if (member->shed >= 1 && member->chosen) {
        explain_say(w, "%s: ignored, since nobody else could serve for it", shed);
    } else if (member->shed >= 1) {
        explain_say(w, "%s: it is left out", shed);
    } else if (has_weights) {
        explain_say(w, "%s: %.4g of %u count", shed, member->counts, member->weight);
    } else {
        explain_say(w, "%s: pick %s knows no weights", shed, w->to->pick);
    }
}

/* Of what is told once. */
static bool is_alike(const struct operate_member *a, const struct operate_member *b)
{
    return a->own_reason != NULL && a->chosen == b->chosen && strcmp(a->own_reason, b->own_reason) == 0;
}

/* "a, b and 3 more are" of the members from here on that have the same reason. */
static const char *list_alike(struct explain_work *w, size_t from)
{
    const struct operate_member *members = w->to->members;
    struct buffer text;
    size_t count = 0;
    buffer_init(&text);
    for (size_t i = from; i < w->to->member_count; i++) {
        if (is_alike(&members[i], &members[from]) && count++ < NAMES_MAX) {
            buffer_print(&text, "%s%s", text.len == 0 ? "" : ", ", members[i].endpoint);
        }
    }
    if (count > NAMES_MAX) {
        buffer_print(&text, " and %zu more", count - NAMES_MAX);
    }
    buffer_add_text(&text, count == 1 ? " is" : " are");
    const char *copy = arena_copy_text(w->arena, text.bytes);
    buffer_fini(&text);
    return copy;
}

/* Was the reason told with an earlier member? */
static bool is_told(const struct operate_member *members, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (is_alike(&members[i], &members[index])) {
            return true;
        }
    }
    return false;
}

static void tell_reasons(struct explain_work *w)
{
    const struct operate_member *members = w->to->members;
    size_t told = 0;
    for (size_t i = 0; i < w->to->member_count; i++) {
        if (members[i].own_reason == NULL || is_told(members, i)) {
            continue;
        }
        if (told++ == REASONS_MAX) {
            explain_say(w, "and more have other reasons: see the list of members");
            return;
        }
        explain_say(w, "%s %s: %s", list_alike(w, i),
                    members[i].chosen ? "held, and answered all the same" : "excluded",
                    members[i].own_reason);
    }
}

static bool is_split(const struct explain_work *w, size_t index)
{
    uint32_t endpoint = w->policy->members[index].endpoint;
    uint32_t word = atomic_load_explicit(&w->view->table->endpoints[endpoint], memory_order_relaxed);
    return (word & HEALTH_WORD_FAMILIES) != 0;
}

/* Endpoints whose families are not alike: which one counts here. */
static void tell_families(struct explain_work *w)
{
    static const char *const rules[] = {[HEALTH_V4] = "the checks of IPv4 alone",
                                        [HEALTH_V6] = "the checks of IPv6 alone",
                                        [HEALTH_ANY] = "any family that works"};
    struct buffer text;
    size_t count = 0;
    buffer_init(&text);
    for (size_t i = 0; i < w->to->member_count; i++) {
        if (is_split(w, i) && count++ < NAMES_MAX) {
            buffer_print(&text, "%s%s", text.len == 0 ? "" : ", ", w->to->members[i].endpoint);
        }
    }
    if (count > NAMES_MAX) {
        buffer_print(&text, " and %zu more", count - NAMES_MAX);
    }
    if (count != 0) {
        explain_say(w, "IPv4 and IPv6 are not alike at %s: records of type %s go by %s", text.bytes,
                    w->to->type, rules[steer_get_family(w->rrset->types)]);
    }
    buffer_fini(&text);
}

/* Who serves without being known to be well. */
static void tell_doubts(struct explain_work *w)
{
    size_t held = 0, blind = 0;
    int64_t oldest_ms = 0;
    for (size_t i = 0; i < w->to->member_count; i++) {
        struct health_status status;
        uint32_t endpoint = w->policy->members[i].endpoint;
        bool serves = health_state_serves(w->to->members[i].effective.state) &&
                      health_get_status(w->view->health, HEALTH_ENDPOINT, endpoint, &status) == 0;
        held += serves && status.held;
        if (serves && status.outcome == HEALTH_OUTCOME_LOCAL_ERROR) {
            blind++;
            oldest_ms = oldest_ms == 0 || status.judged_ms < oldest_ms ? status.judged_ms : oldest_ms;
        }
    }
    if (held != 0) {
        explain_say(
            w,
            "%zu of %zu members would be unhealthy by now, but the brake holds, since nearly everything "
            "failed at once",
            held, w->to->member_count);
    }
    if (blind != 0) {
        explain_say(
            w,
            "%zu of %zu members cannot be checked from this host (local_error), which says nothing of "
            "them; the oldest word on them is of %s",
            blind, w->to->member_count, oldest_ms == 0 ? "no time" : explain_time_text(w, oldest_ms));
    }
}

void explain_members(struct explain_work *w)
{
    const struct operate_target *decider = NULL;
    size_t count = w->policy->member_count;
    w->to->members = arena_alloc(w->arena, count * sizeof *w->to->members);
    for (uint16_t i = 0; i < count; i++) {
        struct operate_member *member = &w->to->members[w->to->member_count++];
        describe_member(w, i, member);
        if (!health_state_serves(member->effective.state) ||
            member->effective.decided_by != HEALTH_BY_VERDICT) {
            decider = member->decider = find_decider(w, member, decider);
        }
        find_reason(w, i, member);
    }
    tell_families(w);
    tell_reasons(w);
    tell_doubts(w);
    for (uint16_t i = 0; i < count && i < LOADS_MAX; i++) {
        const char *host = hosts_describe(w->view, &w->policy->members[i], w->now_s, w->arena);
        if (host != NULL) {
            explain_say(w, "%s", host);
        }
        const uint32_t endpoint = w->policy->members[i].endpoint;
        tell_load(w, &w->to->members[i], conf_get_load(&w->view->topology->endpoints[endpoint]));
    }
    explain_tell_ramps(w);
}

/* ---- a sticky pick ---- */

/* Whom this client gets, and everybody of its prefix. */
void explain_sticky(struct explain_work *w)
{
    static const struct addr unknown = {.family = ADDR_NONE};
    struct steer_key key = steer_find_key(w->policy, w->client == NULL ? &unknown : w->client);
    uint16_t picked[STEER_ANSWERS_MAX];
    char text[ADDR_TEXT_SIZE];
    if (w->policy->pick != STEER_PICK_STICKY || w->client == NULL || w->choice.count <= 1) {
        return;
    }
    struct addr prefix = *w->client;
    addr_mask(&prefix, key.prefix_len);
    w->to->sticks = arena_print(w->arena, "%s/%u", addr_write(&prefix, text), key.prefix_len);
    size_t count = steer_pick_sticky(w->policy, &w->choice, key.key, picked);
    for (size_t i = 0; i < count; i++) {
        struct operate_member *member = &w->to->members[picked[i]];
        member->sticks = true;
        explain_say(w, "clients of %s stick to %s", w->to->sticks, member->endpoint);
    }
    explain_say(w, "odds are those over all clients; this one gets what it sticks to as long as that serves");
}
