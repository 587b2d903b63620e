/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rules.h. Orders of emergencies are judged on the control thread, so it does little: a copy of the words
 * and a walk per moment for what is with and without the order. */
#include "config.h"

#include "operate/rules.h"

#include "base/memory.h"
#include "operate/rules_inside.h"

#include <stdlib.h>
#include <string.h>

static bool has_groups(const struct health_spell *spells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (spells[i].groups != 0) {
            return true;
        }
    }
    return false;
}

bool operate_asks_of_names(const struct operate_unserved_ask *ask)
{
    return has_groups(ask->spells, ask->spell_count) || has_groups(ask->after, ask->after_count) ||
           (ask->wish != NULL && ask->wish->groups != 0);
}

static void begin(struct judging *judging, struct operate_rules *rules)
{
    const struct operate_unserved_ask *ask = judging->ask;
    const struct conf_rules *conf = &judging->topology->rules;
    rules->items = arena_alloc(judging->arena, conf->count * sizeof *rules->items);
    for (size_t i = 0; i < conf->count; i++) {
        if (!judging->is_order || conf->items[i].manual) {
            rules->items[rules->count++] = (struct operate_rule){
                .rule = &conf->items[i], .type = conf_rule_type_text(conf->items[i].type)};
        }
    }
    judging->weights = operate_asks_of_names(ask) ? measure_weigh_policies(ask->view, ask->rates) : NULL;
    for (unsigned side = 0; side < SIDES; side++) {
        judging->tables[side] = health_copy_words(ask->view->table);
        health_assume_no_ramps(judging->tables[side]);
        measure_init(&judging->sides[side], ask->view, judging->weights);
    }
}

static void end(struct judging *judging, struct operate_rules *rules)
{
    for (unsigned side = 0; side < SIDES; side++) {
        measure_fini(&judging->sides[side]);
        free(judging->tables[side]);
    }
    free(judging->weights);
    free(judging->others);
    for (size_t i = 0; i < rules->count; i++) {
        rules->violated += rules->items[i].is_violated;
    }
}

/* As things are now: with what is in force. */
static void judge_sides(struct judging *judging, struct operate_rules *rules)
{
    const struct operate_unserved_ask *ask = judging->ask;
    judging->at_ms = ask->wall_ms;
    for (unsigned side = 0; side < SIDES; side++) {
        for (size_t i = 0; i < ask->spell_count; i++) {
            struct health_spell spell =
                moments_get(&ask->spells[i], (struct moments_span){ask->wall_ms, ask->wall_ms + 1}, false);
            health_assume(judging->tables[side], &spell);
        }
        measure_take(&judging->sides[side], judging->tables[side]);
    }
    for (size_t i = 0; i < rules->count; i++) {
        (void)rules_judge(judging, &rules->items[i]);
    }
}

/* ---- orders ---- */

static bool is_target(const struct judging *judging, const struct health_spell *spell)
{
    const struct health_spell *wish = judging->ask->wish;
    return wish != NULL && spell->kind == wish->kind && spell->index == wish->index;
}

static void find_others(struct judging *judging)
{
    const struct operate_unserved_ask *ask = judging->ask;
    judging->others = memory_alloc_array(ask->spell_count, sizeof *judging->others);
    judging->old = (struct health_spell){.desired = HEALTH_DESIRED_AUTO};
    for (size_t i = 0; i < ask->spell_count; i++) {
        if (is_target(judging, &ask->spells[i])) {
            judging->old = ask->spells[i];
        } else {
            judging->others[judging->other_count++] = ask->spells[i];
        }
    }
    if (ask->wish != NULL && judging->old.desired == HEALTH_DESIRED_AUTO) {
        judging->old.kind = ask->wish->kind;
        judging->old.index = ask->wish->index;
    }
}

/* Of what it takes away. None where one in force would have to end for a planned one: that is refused. */
static void find_moments(struct judging *judging)
{
    const struct operate_unserved_ask *ask = judging->ask;
    const struct health_spell *wish = ask->wish, *old = &judging->old;
    if (wish == NULL) {
        moments_find_all(&judging->moments, ask->spells, ask->spell_count, ask->after, ask->after_count,
                         ask->wall_ms);
    } else if (wish->desired == HEALTH_DESIRED_AUTO || wish->from_ms == INT64_MIN ||
               old->desired == HEALTH_DESIRED_AUTO || old->from_ms != INT64_MIN) {
        moments_find(&judging->moments, wish, old, judging->others, judging->other_count, ask->wall_ms);
    }
}

static void assume(const struct judging *judging, const struct health_spell *spell, size_t moment,
                   unsigned side)
{
    struct health_spell counted = moments_get(spell, judging->moments.spans[moment], side == BEFORE);
    health_assume(judging->tables[side], &counted);
}

static void assume_side(const struct judging *judging, size_t moment, unsigned side)
{
    const struct operate_unserved_ask *ask = judging->ask;
    bool are_gone = ask->wish == NULL && side == AFTER;
    for (size_t i = 0; i < judging->other_count; i++) {
        const struct health_spell *spell = &judging->others[i];
        const struct health_spell none = {.kind = spell->kind, .index = spell->index};
        assume(judging, are_gone ? &none : spell, moment, side);
    }
    for (size_t i = 0; side == AFTER && i < ask->after_count; i++) {
        assume(judging, &ask->after[i], moment, side);
    }
    if (ask->wish != NULL) {
        assume(judging, side == BEFORE ? &judging->old : ask->wish, moment, side);
    }
}

/* Or does it go on with what it took away before? */
static bool begins_at(const struct judging *judging, size_t moment)
{
    const struct moments_span *spans = judging->moments.spans;
    const struct operate_unserved_ask *ask = judging->ask;
    bool begins = moment == 0 || spans[moment - 1].until_ms != spans[moment].from_ms;
    for (size_t i = 0; ask->wish == NULL && i < ask->after_count && !begins; i++) {
        begins = ask->after[i].from_ms == spans[moment].from_ms;
    }
    return begins;
}

static void judge_moment(struct judging *judging, size_t moment, struct operate_rules *rules)
{
    int64_t from_ms = judging->moments.spans[moment].from_ms;
    judging->at_ms = from_ms;
    judging->begins = begins_at(judging, moment);
    judging->has_flows = false;
    for (unsigned side = 0; side < SIDES; side++) {
        assume_side(judging, moment, side);
        measure_take(&judging->sides[side], judging->tables[side]);
    }
    for (size_t i = 0; i < rules->count; i++) {
        struct operate_rule *rule = &rules->items[i];
        if (!rule->is_violated && rules_judge(judging, rule)) {
            rule->from_ms = from_ms > judging->ask->wall_ms ? from_ms : 0;
        }
    }
}

void operate_judge_rules(const struct operate_unserved_ask *ask, struct arena *arena,
                         struct operate_rules *rules)
{
    struct judging judging = {.ask = ask, .topology = ask->view->topology, .is_order = true, .arena = arena};
    *rules = (struct operate_rules){.count = 0};
    if (judging.topology == NULL || judging.topology->rules.count == 0) {
        return;
    }
    begin(&judging, rules);
    find_others(&judging);
    find_moments(&judging);
    for (size_t i = 0; i < judging.moments.count; i++) {
        judge_moment(&judging, i, rules);
    }
    if (judging.moments.count == 0) { /* it takes nothing away: nothing is worse */
        judge_sides(&judging, rules);
    }
    end(&judging, rules);
}

void operate_judge_change(const struct operate_unserved_ask *ask, const struct view *next,
                          struct arena *arena, struct operate_rules *rules)
{
    struct judging judging = {.ask = ask,
                              .next = next,
                              .topology = ask->view->topology,
                              .at_ms = ask->wall_ms,
                              .is_order = true,
                              .begins = true,
                              .arena = arena};
    *rules = (struct operate_rules){.count = 0};
    if (judging.topology == NULL || judging.topology->rules.count == 0) {
        return;
    }
    begin(&judging, rules);
    rules_measure_change(&judging);
    for (size_t i = 0; i < rules->count; i++) {
        (void)rules_judge(&judging, &rules->items[i]);
    }
    end(&judging, rules);
}

void operate_look_at_rules(const struct operate_unserved_ask *ask, struct arena *arena,
                           struct operate_rules *rules)
{
    struct judging judging = {.ask = ask, .topology = ask->view->topology, .arena = arena};
    *rules = (struct operate_rules){.count = 0};
    if (judging.topology == NULL || judging.topology->rules.count == 0) {
        return;
    }
    begin(&judging, rules);
    judge_sides(&judging, rules);
    end(&judging, rules);
}

bool operate_rules_allow(const struct operate_rules *rules, const char *const *names, size_t count)
{
    size_t overridden = 0;
    for (size_t i = 0; i < rules->count; i++) {
        for (size_t j = 0; rules->items[i].is_violated && j < count; j++) {
            overridden += strcmp(rules->items[i].rule->name, names[j]) == 0;
        }
    }
    return overridden == rules->violated && overridden == count;
}

void operate_keep_rules(struct operate_rules *rules, struct arena *arena)
{
    for (size_t i = 0; i < rules->count; i++) {
        struct conf_rule *kept = arena_alloc(arena, sizeof *kept);
        const struct conf_rule *rule = rules->items[i].rule;
        *kept = (struct conf_rule){.name = arena_copy_text(arena, rule->name), .type = rule->type};
        rules->items[i].rule = kept;
    }
}

size_t operate_count_lags(const struct view *view)
{
    const struct conf_rules *rules = view->topology == NULL ? NULL : &view->topology->rules;
    for (size_t i = 0; rules != NULL && i < rules->count; i++) {
        if (rules->items[i].type == CONF_RULE_LAG) {
            return health_count_lags(view->health);
        }
    }
    return 0;
}

size_t operate_list_lags(const struct view *view, int64_t now_ms, size_t first,
                         struct health_lag_status *lags, size_t count)
{
    size_t all = operate_count_lags(view), done = 0;
    for (; done < count && first + done < all; done++) {
        health_get_lag(view->health, first + done, now_ms, &lags[done]);
    }
    return done;
}
