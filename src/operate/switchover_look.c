/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchover_look.h. */
#include "config.h"

#include "operate/switchover_look.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/words.h"
#include "operate/objectives.h"
#include "operate/operate.h"
#include "operate/rules.h"
#include "operate/switchover_capacity.h"
#include "operate/switchover_errors.h"

#include <stdlib.h>
#include <string.h>

struct work {
    const struct switchover_ask *ask;
    struct arena *arena;
    struct switchover_look *look;
    const bool *inside;  /* endpoints */
    const bool *touched; /* policies */
    struct operate_assumption drains[SWITCHOVER_TARGETS_MAX], befores[SWITCHOVER_TARGETS_MAX];
    const struct view *without, *with;
    struct operate_rules rules;
    struct operate_aim aim;
};

static bool is_return(const struct work *w)
{
    return w->ask->aim == SWITCHOVER_AIM_PLAN_RETURN || w->ask->aim == SWITCHOVER_AIM_RETURN;
}

static bool is_plan(const struct work *w)
{
    return w->ask->aim == SWITCHOVER_AIM_PLAN || w->ask->aim == SWITCHOVER_AIM_PLAN_RETURN;
}

/* ---- what it is about ---- */

static bool lies_in(const struct conf_endpoint *endpoint, uint32_t index, enum health_kind kind, uint32_t of)
{
    return kind == HEALTH_ENDPOINT ? index == of
           : kind == HEALTH_AZ     ? endpoint->az == of
                                   : endpoint->region == of;
}

const bool *switchover_mark_endpoints(const struct switchover *switchover, const struct view *view,
                                      struct arena *arena)
{
    size_t count = view->topology == NULL ? 0 : view->topology->endpoint_count;
    bool *inside = arena_alloc(arena, (count == 0 ? 1 : count) * sizeof *inside);
    memset(inside, 0, count * sizeof *inside);
    for (size_t t = 0; t < switchover->target_count; t++) {
        const struct switchover_target *target = &switchover->targets[t];
        ptrdiff_t of = operate_find_target(view, target->kind, target->name);
        for (uint32_t i = 0; of >= 0 && i < count; i++) {
            inside[i] |= lies_in(&view->topology->endpoints[i], i, target->kind, (uint32_t)of);
        }
    }
    return inside;
}

static int find_targets(struct work *w, const char **missing)
{
    const struct switchover *switchover = w->ask->switchover;
    for (size_t i = 0; i < switchover->target_count; i++) {
        const struct switchover_target *target = &switchover->targets[i];
        ptrdiff_t index = operate_find_target(w->ask->view, target->kind, target->name);
        if (index < 0) {
            *missing = target->name;
            return ERROR_NOT_FOUND;
        }
        char *names = arena_alloc(w->arena, HEALTH_NAMES_SIZE);
        switchover_join_names(switchover, i, names);
        w->drains[i] = (struct operate_assumption){.kind = target->kind,
                                                   .index = (uint32_t)index,
                                                   .desired = HEALTH_DESIRED_DRAIN,
                                                   .to = switchover->to,
                                                   .names = names};
        w->befores[i] = w->drains[i];
        w->befores[i].to = target->before.to;
        w->befores[i].names = target->before.names;
        w->befores[i].share = target->before.share;
        w->befores[i].desired =
            target->had_override && !target->was_planned ? target->before.desired : HEALTH_DESIRED_AUTO;
    }
    return 0;
}

const bool *switchover_mark_policies(const struct view *view, const bool *inside, const char *names,
                                     struct arena *arena)
{
    size_t count = steer_set_count(view->steer);
    uint64_t groups = health_find_groups(view->health, names, NULL, NULL);
    bool *touched = arena_alloc(arena, (count + 1) * sizeof *touched);
    for (uint32_t p = 0; p < count; p++) {
        const struct steer_policy *policy = steer_set_get(view->steer, p);
        bool is_meant = names[0] == '\0' || (policy->group != 0 && (groups >> (policy->group - 1) & 1) != 0);
        for (size_t m = 0; m < policy->member_count && is_meant && !touched[p]; m++) {
            touched[p] = inside[policy->members[m].endpoint];
        }
    }
    return touched;
}

void switchover_find_names(const struct view *view, const bool *touched, struct switchover_names *names)
{
    *names = (struct switchover_names){.count = 0};
    for (size_t i = 0; i < view->name_count; i++) {
        const struct view_name *name = &view->names[i];
        const struct steer_policy *policy = steer_set_get(view->steer, name->policy);
        if (touched[name->policy]) {
            uint32_t lowered_s =
                policy->has_ttl_failing && policy->ttl_failing < name->ttl ? policy->ttl_failing : name->ttl;
            names->count++;
            names->lowered += policy->has_ttl_failing;
            names->ttl_s = name->ttl > names->ttl_s ? name->ttl : names->ttl_s;
            names->lowered_ttl_s = lowered_s > names->lowered_ttl_s ? lowered_s : names->lowered_ttl_s;
        }
    }
}

/* ---- answers ---- */

static struct health_spell *list_spells(struct work *w, const struct view *view, size_t *count)
{
    *count = health_count_overrides(view->health);
    struct health_spell *spells = arena_alloc(w->arena, (*count + 1) * sizeof *spells);
    *count = health_list_spells(view->health, 0, spells, *count);
    return spells;
}

/* Of what is yet to be done safety rules are asked, too. */
static int find_unserved(struct work *w)
{
    size_t lags = operate_count_lags(w->ask->view);
    struct health_lag_status *list = arena_alloc(w->arena, (lags + 1) * sizeof *list);
    struct operate_unserved_ask ask = {.view = w->without,
                                       .wall_ms = w->ask->wall_ms,
                                       .limit = w->ask->limit,
                                       .progress = w->ask->progress,
                                       .lags = list,
                                       .last_move_ms = w->ask->last_move_ms,
                                       .rates = w->ask->rates};
    ask.lag_count = operate_list_lags(w->ask->view, w->ask->now_ms, 0, list, lags);
    ask.spells = list_spells(w, w->without, &ask.spell_count);
    ask.after = list_spells(w, w->with, &ask.after_count);
    if (is_plan(w)) {
        operate_judge_rules(&ask, w->arena, &w->rules);
    }
    return operate_find_unserved(&ask, w->arena, &w->look->unserved);
}

static int compare(struct work *w)
{
    w->aim.to = w->ask->switchover->to;
    const struct operate_what_if question = {.view = {w->without, w->with},
                                             .policy = -1,
                                             .limit = w->ask->limit,
                                             .rates = w->ask->rates,
                                             .wall_ms = w->ask->wall_ms,
                                             .progress = w->ask->progress,
                                             .aim = w->aim.to[0] == '\0' ? NULL : &w->aim};
    int error = operate_report_what_if(&question, w->arena, &w->look->answers);
    return error != 0 ? error : find_unserved(w);
}

/* ---- findings ---- */

static void add(struct work *w, const char *name, bool is_good, const char *text)
{
    switchover_add_finding(w->look, name, is_good, text);
}

static void add_about(struct work *w, const char *name, bool is_good, const char *text,
                      const struct subject *subject)
{
    switchover_add_finding_about(w->look, &(struct switchover_finding){name, is_good, text, subject});
}

static void judge_served(struct work *w)
{
    size_t total = w->look->unserved.total;
    add_about(w, "served", total == 0,
              total == 0 ? "somebody serves every name that somebody served before"
                         : arena_print(w->arena, "nobody serves %zu name%s any more: %s%s", total,
                                       words_plural(total),
                                       w->look->unserved.count == 0 ? "" : w->look->unserved.names[0].name,
                                       total > 1 ? " and others" : ""),
              arena_copy(w->arena, &w->look->unserved.subject, sizeof w->look->unserved.subject));
}

/* Loads that are reported are of what is now, which is one side as long as it is not on its way. */
static void judge_capacity(struct work *w)
{
    const struct view *now = w->ask->view;
    const struct switchover_sides sides = {.now = now,
                                           .without = w->without,
                                           .with = w->with,
                                           .is_now = w->with == now,
                                           .is_known = w->with == now || w->without == now,
                                           .rates = w->ask->rates};
    switchover_judge_capacity(&sides, w->arena, w->look);
}

static double find_share(const struct operate_places *places, const char *name, int side)
{
    for (size_t i = 0; i < places->count; i++) {
        if (places->items[i].name != NULL && strcmp(places->items[i].name, name) == 0) {
            return places->items[i].share[side];
        }
    }
    return 0;
}

/* The endpoints of the destination that the names which move have; all of it, if they have none there. */
static const bool *mark_destination(const struct work *w, bool *of_names)
{
    const struct view *view = w->ask->view;
    const struct conf_topology *topology = view->topology;
    ptrdiff_t region = operate_find_target(view, HEALTH_REGION, w->ask->switchover->to);
    ptrdiff_t az = region >= 0 ? -1 : operate_find_target(view, HEALTH_AZ, w->ask->switchover->to);
    bool *all = arena_alloc(w->arena, (topology->endpoint_count + 1) * sizeof *all);
    bool *members = arena_alloc(w->arena, (topology->endpoint_count + 1) * sizeof *members);
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        all[i] = region >= 0 ? endpoint->region == (uint32_t)region : az >= 0 && endpoint->az == (uint32_t)az;
    }
    *of_names = false;
    for (uint32_t p = 0; p < steer_set_count(view->steer); p++) {
        const struct steer_policy *policy = steer_set_get(view->steer, p);
        for (size_t m = 0; m < policy->member_count && w->touched[p]; m++) {
            uint32_t endpoint = policy->members[m].endpoint;
            members[endpoint] = all[endpoint];
            *of_names |= all[endpoint];
        }
    }
    return *of_names ? members : all;
}

/* Is there anybody who could take it? That some of it goes elsewhere may have been accepted; this is no part
 * of it, so it has a name of its own. */
static void judge_destination_serves(struct work *w)
{
    const char *to = w->ask->switchover->to;
    bool any = to[0] == '\0', of_names = false;
    const bool *there = any ? NULL : mark_destination(w, &of_names);
    for (uint32_t i = 0; i < w->ask->view->topology->endpoint_count && !any; i++) {
        struct health_status status;
        any = there[i] && health_get_status(w->with->health, HEALTH_ENDPOINT, i, &status) == 0 &&
              health_state_serves(status.effective.state);
    }
    if (!any) {
        add(w, "destination_serves", false,
            arena_print(w->arena, "the destination serves nobody: no endpoint of %s%s does", to,
                        of_names ? " that has a part in these names" : ""));
    }
}

/* Does all that moves go where it is to go? */
static void judge_destination(struct work *w)
{
    const char *to = w->ask->switchover->to;
    const struct operate_report *report = &w->look->answers;
    bool is_region = operate_find_target(w->ask->view, HEALTH_REGION, to) >= 0;
    const struct operate_places *places = is_region ? &report->regions : &report->azs;
    if (to[0] == '\0') {
        return;
    }
    double gained = find_share(places, to, 1) - find_share(places, to, 0);
    for (size_t i = 0; i < places->count; i++) {
        const struct operate_place *place = &places->items[i];
        double more = place->share[1] - place->share[0];
        if (more > 1e-9 && (place->name == NULL || strcmp(place->name, to) != 0)) {
            const char *text =
                arena_print(w->arena,
                            "%.1f %% of all answers move to %s, not to %s: they had members elsewhere, too, "
                            "or none in %s that serves",
                            more * 100, place->name == NULL ? "no endpoint" : place->name, to, to);
            add_about(w, "destination", false, text,
                      arena_copy(w->arena, &w->aim.subject, sizeof w->aim.subject));
            return;
        }
    }
    add(w, "destination", gained > 0 || w->look->names.count == 0 || w->ask->is_step,
        arena_print(w->arena, "%.1f %% of all answers move to %s", gained * 100, to));
}

/* Those that are to serve: how many do? */
static void judge_health(struct work *w, bool of_inside)
{
    const struct conf_topology *topology = w->ask->view->topology;
    struct subject *subject = arena_alloc(w->arena, sizeof *subject);
    size_t all = 0, well = 0;
    *subject = (struct subject){.count = 0};
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        const char *region = topology->regions[topology->endpoints[i].region].name;
        bool counts =
            of_inside ? w->inside[i] : !w->inside[i] && find_share(&w->look->answers.regions, region, 1) > 0;
        struct health_status status;
        if (counts && health_get_status(w->with->health, HEALTH_ENDPOINT, i, &status) == 0) {
            bool serves = health_state_serves(status.effective.state);
            all++;
            well += serves;
            if (!serves) {
                subject_add(subject, topology->endpoints[i].name, NULL, NULL);
            }
        }
    }
    if (all == 0) {
        return; /* nothing takes it: that is told already */
    }
    add_about(w, "health", well == all,
              arena_print(w->arena, "%zu of %zu endpoints of the regions that %s serve", well, all,
                          of_inside ? "are back" : "take it"),
              subject);
}

/* How many of the endpoints in what moves are drained, or not, for one of the groups of names; the first one.
 */
static size_t count_drained(struct work *w, bool drained, const char **first)
{
    const struct conf_topology *topology = w->ask->view->topology;
    const char *names = w->ask->switchover->names;
    uint64_t groups = health_find_groups(w->with->health, names, NULL, NULL);
    size_t count = 0;
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        bool any = false;
        for (uint32_t group = names[0] == '\0' ? 0 : 1; group <= (names[0] == '\0' ? 0 : HEALTH_GROUPS_MAX);
             group++) {
            bool is_meant = group == 0 || (groups >> (group - 1) & 1) != 0;
            enum health_state state =
                w->inside[i] && is_meant ? operate_find_state(w->with, i, group) : HEALTH_UNKNOWN;
            bool is = state == HEALTH_DRAINED || (!drained && state == HEALTH_FORCED_DOWN);
            any |= w->inside[i] && is_meant && is == drained;
        }
        count += any;
        *first = any && *first == NULL ? topology->endpoints[i].name : *first;
    }
    return count;
}

/* Nobody in what was moved off may serve. */
static void judge_drained(struct work *w)
{
    const char *first = NULL;
    size_t serving = count_drained(w, false, &first);
    add(w, "drained", serving == 0,
        serving == 0
            ? "all of what traffic moves off is drained"
            : arena_print(
                  w->arena,
                  "%zu endpoint%s of what traffic moves off %s not drained, by another override: %s%s",
                  serving, words_plural(serving), serving == 1 ? "is" : "are", first,
                  serving > 1 ? " and others" : ""));
}

static void judge_returned(struct work *w)
{
    const char *first = NULL;
    size_t drained = count_drained(w, true, &first);
    add(w, "returned", drained == 0,
        drained == 0
            ? "nothing of what comes back is drained"
            : arena_print(w->arena, "%zu endpoint%s still drained, by another override: %s%s", drained,
                          drained == 1 ? " is" : "s are", first, drained > 1 ? " and others" : ""));
}

/* Who keeps to TTLs has asked again by then. */
static void judge_resolvers(struct work *w)
{
    char text[CLOCK_TEXT_SIZE];
    const struct switchover_names *names = &w->look->names;
    bool is_lowered = w->ask->switchover->lowers_ttl && !is_return(w);
    uint32_t ttl_s = is_lowered ? names->lowered_ttl_s : names->ttl_s;
    int64_t until_ms = w->ask->switchover->since_ms + (int64_t)ttl_s * 1000;
    bool is_over = w->ask->wall_ms >= until_ms;
    add(w, "resolvers", is_over,
        arena_print(w->arena, "resolvers %s old answers until %s: the longest TTL is %u s",
                    is_over ? "could keep" : "may keep", clock_write_rfc3339(until_ms, text), ttl_s));
}

/* What is wanted before it moves: is that possible? */
static void judge_ttl(struct work *w)
{
    const struct switchover_names *names = &w->look->names;
    if (w->ask->switchover->lowers_ttl) {
        add(w, "ttl", names->lowered == names->count,
            names->lowered == names->count
                ? arena_print(w->arena, "TTLs go down to at most %u s before it moves, and that takes %u s",
                              names->lowered_ttl_s, names->ttl_s)
                : arena_print(w->arena,
                              "%zu of %zu names have no ttl_failing and keep their TTL of up to %u s",
                              names->count - names->lowered, names->count, names->lowered_ttl_s));
    }
}

/* ---- copies of data ---- */

static bool is_source(const struct switchover *switchover, const struct view *view, enum health_kind kind,
                      const char *name)
{
    const struct conf_topology *topology = view->topology;
    for (size_t i = 0; i < switchover->target_count; i++) {
        const struct switchover_target *target = &switchover->targets[i];
        if (target->kind == kind && strcmp(target->name, name) == 0) {
            return true;
        }
        ptrdiff_t az = target->kind == HEALTH_REGION && kind == HEALTH_AZ
                           ? operate_find_target(view, HEALTH_AZ, name)
                           : -1;
        if (az >= 0 && strcmp(topology->regions[topology->azs[az].region].name, target->name) == 0) {
            return true;
        }
    }
    return false;
}

/* A pair counts if data flow from what is left to what takes the traffic; on the way back the other way. */
static bool counts(const struct work *w, const struct health_lag_status *lag)
{
    const struct switchover *switchover = w->ask->switchover;
    bool from = is_source(switchover, w->ask->view, lag->kind, lag->from);
    bool to = is_source(switchover, w->ask->view, lag->kind, lag->to);
    bool returns = is_return(w);
    const char *other = returns ? lag->from : lag->to;
    const struct operate_report *report = &w->look->answers;
    const struct operate_places *places = lag->kind == HEALTH_REGION ? &report->regions : &report->azs;
    bool is_there = find_share(places, other, 0) > 0 || find_share(places, other, 1) > 0 ||
                    strcmp(other, switchover->to) == 0;
    return (returns ? to && !from : from && !to) && is_there;
}

static const char *tell_copy(struct arena *arena, const struct health_lag_status *lag)
{
    const char *stage = health_stage_text(lag->stage);
    if (!lag->is_known) {
        return arena_print(arena, "%s -> %s: how far it lags behind is not known, stage %s", lag->from,
                           lag->to, stage == NULL ? "not known" : stage);
    }
    return arena_print(arena, "%s -> %s: %.9g %s behind, RPO %s, stage %s", lag->from, lag->to, lag->value,
                       health_lag_unit_text(lag->unit),
                       lag->rpo == HEALTH_RPO_NONE ? "none" : health_rpo_text(lag->rpo),
                       stage == NULL ? "not known" : stage);
}

static bool flows(const struct health_lag_status *lag)
{
    return lag->is_known && lag->stage == HEALTH_STAGE_REAL_TIME && lag->rpo != HEALTH_RPO_OVER &&
           lag->rpo != HEALTH_RPO_UNKNOWN;
}

static void find_copies(struct work *w)
{
    const struct health *health = w->ask->view->health;
    size_t count = health_count_lags(health);
    w->look->copies = arena_alloc(w->arena, (count + 1) * sizeof *w->look->copies);
    for (size_t i = 0; i < count; i++) {
        struct health_lag_status lag;
        health_get_lag(health, i, w->ask->now_ms, &lag);
        if (counts(w, &lag)) {
            w->look->copies[w->look->copy_count++] =
                (struct switchover_copy){.from = arena_copy_text(w->arena, lag.from),
                                         .to = arena_copy_text(w->arena, lag.to),
                                         .lag = lag};
        }
    }
}

static void judge_copies(struct work *w)
{
    const char *worst = NULL;
    for (size_t i = 0; i < w->look->copy_count && worst == NULL; i++) {
        const struct health_lag_status *lag = &w->look->copies[i].lag;
        worst = !flows(lag) ? tell_copy(w->arena, lag) : NULL;
    }
    if (w->look->copy_count != 0) {
        add(w, "replication", worst == NULL,
            worst != NULL ? worst : tell_copy(w->arena, &w->look->copies[0].lag));
    }
}

bool switchover_flows_back(const struct switchover *switchover, const struct view *view, int64_t now_ms,
                           struct arena *arena, const char **text)
{
    size_t found = 0;
    *text = "no copy back is declared (replicates_to in the topology): nothing says that data flow back";
    for (size_t i = 0; i < health_count_lags(view->health); i++) {
        struct health_lag_status lag;
        health_get_lag(view->health, i, now_ms, &lag);
        bool is_meant = switchover->to[0] == '\0' || strcmp(lag.from, switchover->to) == 0;
        if (!is_meant || !is_source(switchover, view, lag.kind, lag.to) ||
            is_source(switchover, view, lag.kind, lag.from)) {
            continue;
        }
        found++;
        *text = tell_copy(arena, &lag);
        if (!flows(&lag)) {
            return false;
        }
    }
    return found != 0;
}

/* ---- all of it ---- */

/* Each by its own name, so that it is accepted by that. */
static void judge_rules(struct work *w)
{
    for (size_t i = 0; i < w->rules.count; i++) {
        const struct operate_rule *rule = &w->rules.items[i];
        bool is_own = rule->rule->type == CONF_RULE_WAIT && switchover_has_set_out(w->ask->switchover);
        bool is_over =
            rule->rule->type == CONF_RULE_LAG && w->ask->is_step && w->ask->switchover->hooks_agreed;
        if (rule->is_violated && !is_own && !is_over) {
            add_about(w, arena_print(w->arena, "rule:%s", rule->rule->name), false,
                      arena_print(w->arena, "%s; %s", rule->why, rule->needs == NULL ? "" : rule->needs),
                      arena_copy(w->arena, &rule->subject, sizeof rule->subject));
        }
    }
}

/* Only where any are given; what is on its way home has moved already. */
static void judge_objectives(struct work *w)
{
    const struct conf_topology *topology = w->ask->view->topology;
    bool any = topology->objective_count != 0 || topology->objective.rto_ms != 0 ||
               topology->objective.capacity != 0 || !topology->objective.may_move;
    if (!any || w->ask->aim != SWITCHOVER_AIM_PLAN) {
        return;
    }
    const struct switchover *switchover = w->ask->switchover;
    const char *froms[SWITCHOVER_TARGETS_MAX];
    struct health_lag_status *copies = arena_alloc(w->arena, (w->look->copy_count + 1) * sizeof *copies);
    for (size_t i = 0; i < w->look->copy_count; i++) {
        copies[i] = w->look->copies[i].lag;
    }
    for (size_t i = 0; i < switchover->target_count; i++) {
        froms[i] = switchover->targets[i].kind == HEALTH_REGION ? switchover->targets[i].name : "";
    }
    const char *missed = objectives_find_missed(
        &(struct objectives_order){.view = w->ask->view,
                                   .inside = w->inside,
                                   .touched = w->touched,
                                   .froms = froms,
                                   .from_count = switchover->target_count,
                                   .to = switchover->to[0] == '\0' ? NULL : switchover->to,
                                   .ttl_s = w->look->names.ttl_s,
                                   .copies = copies,
                                   .copy_count = w->look->copy_count},
        w->arena);
    add(w, "objectives", missed == NULL, missed == NULL ? "they would be met" : missed);
}

static void judge(struct work *w)
{
    if (is_plan(w)) { /* what has moved has moved */
        find_copies(w);
    }
    judge_rules(w);
    (is_return(w) ? judge_returned : judge_drained)(w);
    judge_served(w);
    judge_capacity(w);
    judge_objectives(w);
    if (!is_return(w)) {
        judge_destination_serves(w); /* the cause, before what follows from it */
        judge_destination(w);
    }
    if (w->ask->aim == SWITCHOVER_AIM_PLAN) {
        judge_ttl(w);
    }
    judge_health(w, is_return(w));
    switchover_judge_errors(w->ask, w->inside, w->arena, w->look);
    (is_plan(w) ? judge_copies : judge_resolvers)(w);
}

int switchover_look(const struct switchover_ask *ask, struct arena *arena, struct switchover_look *look,
                    const char **missing)
{
    struct switchover plan = *ask->switchover;
    struct switchover_ask asked = *ask;
    struct work w = {.ask = &asked, .arena = arena, .look = look};
    size_t count = plan.target_count;
    bool has_set_out = switchover_has_set_out(ask->switchover);
    if (ask->aim == SWITCHOVER_AIM_PLAN && !has_set_out) { /* it would take along what is there now */
        plan.targets = arena_copy(arena, plan.targets, count * sizeof *plan.targets);
        switchover_note_before(&plan, ask->view->health);
        asked.switchover = &plan;
    }
    *look = (struct switchover_look){.names = 0};
    int error = find_targets(&w, missing);
    if (error != 0) {
        return error;
    }
    struct view *copy = view_copy(ask->view, ask->wall_ms, NULL), *second = NULL;
    bool drains = ask->aim == SWITCHOVER_AIM_PLAN || ask->aim == SWITCHOVER_AIM_RETURN;
    operate_assume(copy, drains ? w.drains : w.befores, count, ask->wall_ms);
    if (is_plan(&w) && has_set_out) { /* what is halfway there is neither */
        second = view_copy(ask->view, ask->wall_ms, NULL);
        operate_assume(second, drains ? w.befores : w.drains, count, ask->wall_ms);
    }
    w.without = second != NULL ? second : is_plan(&w) ? ask->view : copy;
    w.with = is_plan(&w) ? copy : ask->view;
    w.inside = switchover_mark_endpoints(ask->switchover, ask->view, arena);
    w.touched = switchover_mark_policies(ask->view, w.inside, ask->switchover->names, arena);
    switchover_find_names(ask->view, w.touched, &look->names);
    switchover_find_spread(ask->view, w.touched, ask->limit, arena, &look->spread);
    if (ask->rates != NULL) {
        switchover_weigh_spread(ask->view, w.touched, ask->rates, &look->spread);
    }
    look->touched = w.touched;
    error = compare(&w);
    if (error == 0) {
        judge(&w);
    }
    view_free(second);
    view_free(copy);
    return error;
}
