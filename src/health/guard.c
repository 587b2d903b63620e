/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See guard.h: what rules say that are told, what operators release, and what of that is told. */
#include "config.h"

#include "health/guard.h"

#include "base/arena.h"
#include "base/error.h"
#include "health/guard_inside.h"

#include <assert.h>
#include <string.h>

enum { NO = UINT32_MAX };

const char *health_hold_turn_text(enum health_hold_turn turn)
{
    static const char *const texts[] = {"began", "allowed", "released", "well"};
    return texts[turn];
}

size_t health_count_guards(const struct health *health)
{
    return health->guards == NULL ? 0 : health->guards->rule_count;
}

const char *health_get_guard_name(const struct health *health, size_t rule)
{
    assert(rule < health_count_guards(health));
    return health->guards->rules[rule].name;
}

ptrdiff_t health_find_guard(const struct health *health, const char *name)
{
    for (size_t i = 0; i < health_count_guards(health); i++) {
        if (strcmp(health->guards->rules[i].name, name) == 0) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

/* ---- what is said ---- */

void health_guards_publish(struct health *health)
{
    if (health->guards == NULL) {
        return;
    }
    if (health->guards->has_changed) {
        health_table_advance(health);
    }
    health->guards->has_changed = false;
    health_guard_tell(health);
}

int health_forbid(struct health *health, size_t rule, uint32_t from, uint32_t to, bool forbids,
                  int64_t wall_ms)
{
    assert(!health->delivering);
    if (rule >= health_count_guards(health) || health->guards->rules[rule].regions != NULL ||
        health->guards->rules[rule].lags != NULL || health->guards->rules[rule].wait_ms != 0) {
        return ERROR_NOT_FOUND;
    }
    uint32_t place = health_guard_find_place(health, from, to);
    if (place == NO) {
        return ERROR_NOT_FOUND;
    }
    uint64_t bit = UINT64_C(1) << rule, said = health->guards->said[place];
    if (((said & bit) != 0) != forbids) {
        health->wall_ms = wall_ms;
        health_guard_say(health, place, forbids ? said | bit : said & ~bit);
        health_guard_step(health);
        health_guards_publish(health);
    }
    return 0;
}

bool health_guard_forbids(const struct health *health, size_t rule, uint32_t from, uint32_t to)
{
    uint32_t place = rule < health_count_guards(health) ? health_guard_find_place(health, from, to) : NO;
    return place != NO &&
           ((health->guards->said[place] & ~health->guards->holds[from].released) >> rule & 1) != 0;
}

size_t health_guard_list(const struct health *health, size_t rule, struct health_way *ways, size_t count)
{
    const struct health_guards *guards = health->guards;
    uint32_t regions = health->counts[HEALTH_REGION];
    size_t found = 0;
    for (uint32_t i = 0; rule < health_count_guards(health) && i < health_guard_count_places(health); i++) {
        struct health_way way = {i, HEALTH_ANYWHERE};
        way = i < regions ? way : guards->bans.ways[i - regions];
        if (((guards->said[i] & ~guards->holds[way.from].released) >> rule & 1) == 0) {
            continue;
        }
        if (found < count) {
            ways[found] = way;
        }
        found++;
    }
    return found;
}

/* ---- releases ---- */

void health_guard_follow_region(struct health *health, uint32_t region)
{
    const struct health_bans *bans = &health->guards->bans;
    health_guard_say(health, region, health->guards->said[region]);
    for (uint32_t i = bans->first_way[region]; i < bans->first_way[region + 1]; i++) {
        uint32_t place = health->counts[HEALTH_REGION] + i;
        health_guard_say(health, place, health->guards->said[place]);
    }
}

int health_judge_release(const struct health *health, uint32_t region, size_t rule)
{
    if (rule >= health_count_guards(health) || region >= health->counts[HEALTH_REGION]) {
        return ERROR_NOT_FOUND;
    }
    uint64_t rules = health_guard_find_rules(health, region) & ~health->guards->holds[region].released;
    rules = health_guard_is_down(health, region) ? rules : 0;
    return ((rules | health_stay_keeps(health, region)) >> rule & 1) != 0 ? 0 : ERROR_CONFLICT;
}

bool health_is_released(const struct health *health, uint32_t region, size_t rule)
{
    return rule < health_count_guards(health) && region < health->counts[HEALTH_REGION] &&
           (health->guards->holds[region].released >> rule & 1) != 0;
}

/* ---- looking and telling ---- */

int health_get_hold(const struct health *health, uint32_t region, struct health_hold_status *status)
{
    if (region >= health->counts[HEALTH_REGION]) {
        return ERROR_NOT_FOUND;
    }
    *status = (struct health_hold_status){.region = health->nodes[HEALTH_REGION][region].name};
    if (health->guards != NULL) {
        const struct health_hold *hold = &health->guards->holds[region];
        status->is_held = health_guard_is_held(health, region);
        status->rules = health_guard_find_closed(health, region) & ~hold->released;
        status->released = hold->released;
        status->keeps = health_stay_keeps(health, region);
        status->since_ms = status->is_held ? hold->since_ms : 0;
    }
    return 0;
}

const char *health_describe_hold(const struct health *health, const struct health_hold_status *status,
                                 struct arena *arena)
{
    uint64_t rules = status->is_held ? status->rules : status->keeps;
    const char *names = "", *what;
    bool is_one = (rules & (rules - 1)) == 0;
    if (rules == 0) {
        return NULL;
    }
    for (uint32_t i = 0; i < health_count_guards(health); i++) {
        if ((rules >> i & 1) != 0) {
            names = arena_print(arena, "%s%s ", names, health->guards->rules[i].name);
        }
    }
    if (status->is_held) {
        what = arena_print(arena, "%s answers at region %s", is_one ? "holds" : "hold", status->region);
    } else {
        what = arena_print(arena, "%s region %s down until its data are there", is_one ? "keeps" : "keep",
                           status->region);
    }
    return arena_print(arena, "%s %s; to release %s: steerctl rules release %sregion:%s --reason TEXT",
                       is_one ? "a safety rule" : "safety rules", what, is_one ? "it" : "all of them", names,
                       status->region);
}

size_t health_count_holds(const struct health *health, size_t rule)
{
    size_t count = 0;
    for (uint32_t i = 0; rule < health_count_guards(health) && i < health->counts[HEALTH_REGION]; i++) {
        struct health_hold_status status;
        (void)health_get_hold(health, i, &status);
        count += status.is_held && (status.rules >> rule & 1) != 0;
    }
    return count;
}

/* What was released is forbidden again: all that fell is well. */
static void tidy(struct health *health, uint32_t region)
{
    struct health_hold *hold = &health->guards->holds[region];
    bool is_well = hold->down == 0 && health_word_observed(health_word_get(health, HEALTH_REGION, region)) !=
                                          HEALTH_OBSERVED_UNHEALTHY;
    if (is_well) {
        hold->since_ms = 0;
    }
    if (is_well && hold->released != 0) {
        hold->released = 0;
        health_guard_follow_region(health, region);
        health_guard_settle(health);
    }
}

static void tell(struct health *health, uint32_t region)
{
    struct health_hold *hold = &health->guards->holds[region];
    struct health_hold_change change = {.health = health, .turn = HEALTH_HOLD_BEGAN};
    bool was_let_go = hold->is_let_go, is_down = hold->is_allowed || hold->down != 0;
    (void)health_get_hold(health, region, &change.status);
    uint64_t rules = change.status.rules;
    hold->is_let_go = hold->is_allowed = false;
    if (change.status.is_held == hold->is_told && (!hold->is_told || rules == hold->told_rules)) {
        return;
    }
    if (!change.status.is_held) {
        change.status.rules = hold->told_rules;
        change.turn = was_let_go ? HEALTH_HOLD_RELEASED : is_down ? HEALTH_HOLD_ALLOWED : HEALTH_HOLD_WELL;
    }
    hold->is_told = change.status.is_held;
    hold->told_rules = rules;
    if (health->listener.held != NULL) {
        bool was_delivering = health->delivering;
        health->delivering = true;
        health->listener.held(health->listener.context, &change);
        health->delivering = was_delivering;
    }
}

void health_guard_tell(struct health *health)
{
    struct health_guards *guards = health->guards;
    while (guards != NULL && !guards->rests && guards->line_count != 0) {
        uint32_t region = guards->line[--guards->line_count];
        guards->holds[region].waits = false;
        tidy(health, region);
        tell(health, region);
    }
}
