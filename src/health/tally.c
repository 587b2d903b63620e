/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counting and judging: see tally.h. Monitors that are required and those that are counted have tallies of
 * their own in each family; those that are watched only are in none. */
#include "config.h"

#include "health/tally.h"

#include "base/share.h"

#include <stdio.h>

/* ---- ballots ---- */

/* Not written to: of an endpoint with one family and no `healthy_if` one column of four has a page. */
void health_add_ballots(struct health *health)
{
    for (int family = HEALTH_V4; family < HEALTH_FAMILIES; family++) {
        for (int role = HEALTH_REQUIRED; role < HEALTH_WATCHED; role++) {
            health->ballots[family][role] =
                arena_alloc(health->arena, health->counts[HEALTH_ENDPOINT] * sizeof(struct health_tally));
        }
    }
}

void health_clear_ballots(struct health *health)
{
    for (int family = HEALTH_V4; family < HEALTH_FAMILIES; family++) {
        for (int role = HEALTH_REQUIRED; role < HEALTH_WATCHED; role++) {
            struct health_tally *tallies = health->ballots[family][role];
            for (uint32_t i = 0; i < health->counts[HEALTH_ENDPOINT]; i++) {
                if (tallies[i].members != 0) {
                    tallies[i] = (struct health_tally){.members = 0};
                }
            }
        }
    }
}

static struct health_ballot get_ballot(const struct health *health, uint32_t endpoint, int family)
{
    return (struct health_ballot){{health->ballots[family][HEALTH_REQUIRED][endpoint],
                                   health->ballots[family][HEALTH_COUNTED][endpoint]}};
}

static void get_ballots(const struct health *health, uint32_t endpoint,
                        struct health_ballot ballots[HEALTH_FAMILIES])
{
    for (int family = HEALTH_V4; family < HEALTH_FAMILIES; family++) {
        ballots[family] = get_ballot(health, endpoint, family);
    }
}

bool health_has_voters(const struct health *health, uint32_t endpoint)
{
    uint32_t members = 0;
    for (int family = HEALTH_V4; family < HEALTH_FAMILIES; family++) {
        for (int role = HEALTH_REQUIRED; role < HEALTH_WATCHED; role++) {
            members |= health->ballots[family][role][endpoint].members;
        }
    }
    return members != 0;
}

/* ---- counting ---- */

static uint32_t *counter_of(struct health_tally *tally, unsigned standing)
{
    return standing == HEALTH_OBSERVED_HEALTHY     ? &tally->healthy
           : standing == HEALTH_OBSERVED_UNHEALTHY ? &tally->unhealthy
           : standing == HEALTH_STANDS_INHERITED   ? &tally->inherited
                                                   : NULL;
}

void health_count_standing(struct health_tally *tally, unsigned before, unsigned after)
{
    uint32_t *from = counter_of(tally, before), *to = counter_of(tally, after);
    if (from != NULL) {
        (*from)--;
    }
    if (to != NULL) {
        (*to)++;
    }
}

bool health_wavers(const struct health_monitor *monitor)
{
    if (monitor->is_judged) {
        return !monitor->idle && (monitor->verdict == HEALTH_OBSERVED_UNKNOWN || monitor->disputed);
    }
    return (monitor->verdict == HEALTH_OBSERVED_UNKNOWN && !monitor->idle) ||
           (monitor->streak != 0 && monitor->failing != (monitor->verdict == HEALTH_OBSERVED_UNHEALTHY));
}

struct health_share health_share_of(const struct health_monitor *monitor)
{
    return (struct health_share){.counts = !monitor->idle,
                                 .wavers = health_wavers(monitor),
                                 .inherited = monitor->inherited && !monitor->idle,
                                 .verdict = monitor->verdict};
}

static void count_in(struct health_tally *tally, struct health_share before, struct health_share after)
{
    tally->members += (uint32_t)after.counts - (uint32_t)before.counts;
    tally->wavering += (uint32_t)after.wavers - (uint32_t)before.wavers;
    tally->inherited += (uint32_t)after.inherited - (uint32_t)before.inherited;
    health_count_standing(tally, before.verdict, after.verdict);
}

void health_count_again(struct health *health, const struct health_monitor *monitor,
                        struct health_share before)
{
    struct health_share after = health_share_of(monitor);
    for (int family = HEALTH_V4; monitor->role != HEALTH_WATCHED && family < HEALTH_FAMILIES; family++) {
        if ((monitor->families >> family & 1) != 0) {
            count_in(&health->ballots[family][monitor->role][monitor->endpoint], before, after);
        }
    }
}

/* ---- verdicts ---- */

static struct health_tally sum_of(const struct health_ballot *ballot)
{
    const struct health_tally *required = &ballot->tallies[HEALTH_REQUIRED],
                              *counted = &ballot->tallies[HEALTH_COUNTED];
    return (struct health_tally){.members = required->members + counted->members,
                                 .healthy = required->healthy + counted->healthy,
                                 .unhealthy = required->unhealthy + counted->unhealthy,
                                 .wavering = required->wavering + counted->wavering,
                                 .inherited = required->inherited + counted->inherited};
}

/* What decides about a family: the other one's monitors, if it has none of its own. */
static enum health_family decider_of(const struct health_ballot ballots[HEALTH_FAMILIES],
                                     enum health_family family)
{
    return sum_of(&ballots[family]).members != 0 ? family : !family;
}

/* At least one of those that there are. */
static uint32_t find_need(uint32_t at_least, uint32_t members)
{
    uint32_t need = at_least == 0 ? 1 : at_least;
    return need < members ? need : members;
}

/* A family needs all of its monitors that are required, and so many of all, as far as there are so many. */
static enum health_observed judge_family(const struct health_ballot *ballot, uint32_t at_least)
{
    const struct health_tally *required = &ballot->tallies[HEALTH_REQUIRED], all = sum_of(ballot);
    uint32_t need = find_need(at_least, all.members);
    return required->unhealthy != 0 || all.members - all.unhealthy < need ? HEALTH_OBSERVED_UNHEALTHY
           : all.members != 0 && required->healthy == required->members && all.healthy >= need
               ? HEALTH_OBSERVED_HEALTHY
               : HEALTH_OBSERVED_UNKNOWN;
}

/* An endpoint is there as soon as a family is; or, where they stand together, when both are. */
static uint32_t judge_families(uint32_t v4, uint32_t v6, bool together)
{
    enum health_observed decisive = together ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_HEALTHY;
    return v4 == v6 ? v4 : v4 == decisive || v6 == decisive ? decisive : HEALTH_OBSERVED_UNKNOWN;
}

static uint32_t judge_ballots(const struct health_node *node, const struct health_ballot *ballots)
{
    uint32_t v4 = judge_family(&ballots[decider_of(ballots, HEALTH_V4)], node->at_least);
    uint32_t v6 = judge_family(&ballots[decider_of(ballots, HEALTH_V6)], node->at_least);
    uint32_t any = judge_families(v4, v6, node->together);
    v4 = node->together ? any : v4;
    v6 = node->together ? any : v6;
    return any | (any ^ v4) << HEALTH_WORD_FAMILIES_SHIFT | (any ^ v6) << (HEALTH_WORD_FAMILIES_SHIFT + 2);
}

uint32_t health_judge_endpoint(const struct health *health, uint32_t endpoint)
{
    struct health_ballot ballots[HEALTH_FAMILIES];
    get_ballots(health, endpoint, ballots);
    return judge_ballots(&health->nodes[HEALTH_ENDPOINT][endpoint], ballots);
}

uint32_t health_foresee_endpoint(const struct health *health, uint32_t endpoint, int64_t until_ms,
                                 health_is_back_fn *is_back_by)
{
    const struct health_node *node = &health->nodes[HEALTH_ENDPOINT][endpoint];
    struct health_ballot ballots[HEALTH_FAMILIES];
    get_ballots(health, endpoint, ballots);
    for (uint32_t i = node->first_child; i < node->first_child + node->child_count; i++) {
        const struct health_monitor *monitor = &health->monitors[i];
        bool is_back = monitor->role != HEALTH_WATCHED && is_back_by(health, i, until_ms);
        for (int family = HEALTH_V4; is_back && family < HEALTH_FAMILIES; family++) {
            if ((monitor->families >> family & 1) != 0) {
                health_count_standing(&ballots[family].tallies[monitor->role], HEALTH_OBSERVED_UNHEALTHY,
                                      HEALTH_OBSERVED_HEALTHY);
            }
        }
    }
    return judge_ballots(node, ballots);
}

uint32_t health_find_lost_from(const struct health *health, enum health_kind kind, uint32_t index)
{
    const struct health_group *group = &health->groups[kind][index];
    const struct health_tally *tally = &group->tally;
    return tally->inherited == 0
               ? group->lost_from
               : share_count(health->lost_at[kind][index], tally->members - tally->inherited);
}

/* An az or region is there as soon as something in it is, until enough is not. What was inherited has no say:
 * it would hold that from which it comes. While nobody has one, it is as it was. */
uint32_t health_judge_group(const struct health *health, enum health_kind kind, uint32_t index)
{
    const struct health_group *group = &health->groups[kind][index];
    const struct health_tally *tally = &group->tally;
    if (tally->healthy + tally->unhealthy == 0) {
        return group->was_lost && tally->inherited != 0 ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_UNKNOWN;
    }
    return tally->unhealthy >= health_find_lost_from(health, kind, index) ? HEALTH_OBSERVED_UNHEALTHY
           : tally->healthy != 0                                          ? HEALTH_OBSERVED_HEALTHY
                                                                          : HEALTH_OBSERVED_UNKNOWN;
}

uint32_t health_find_wavers(const struct health *health, uint32_t endpoint)
{
    struct health_ballot ballots[HEALTH_FAMILIES];
    get_ballots(health, endpoint, ballots);
    bool v4 = sum_of(&ballots[decider_of(ballots, HEALTH_V4)]).wavering != 0;
    bool v6 = sum_of(&ballots[decider_of(ballots, HEALTH_V6)]).wavering != 0;
    if (health->nodes[HEALTH_ENDPOINT][endpoint].together) {
        v4 = v6 = v4 || v6;
    }
    return (v4 ? HEALTH_WORD_WAVERS_V4 : 0u) | (v6 ? HEALTH_WORD_WAVERS_V6 : 0u);
}

/* ---- what counts above ---- */

static struct health_tally without_inherited(const struct health_tally *tally)
{
    return (struct health_tally){.members = tally->members - tally->inherited,
                                 .healthy = tally->healthy,
                                 .unhealthy = tally->unhealthy - tally->inherited};
}

/* As if the monitors that inherited their verdict were not there. */
static unsigned find_endpoint_standing(const struct health *health, uint32_t endpoint, uint32_t word)
{
    struct health_ballot ballots[HEALTH_FAMILIES], own[HEALTH_FAMILIES];
    get_ballots(health, endpoint, ballots);
    if ((sum_of(&ballots[HEALTH_V4]).inherited | sum_of(&ballots[HEALTH_V6]).inherited) == 0) {
        return health_word_observed(word);
    }
    for (int family = HEALTH_V4; family < HEALTH_FAMILIES; family++) {
        for (int role = HEALTH_REQUIRED; role < HEALTH_WATCHED; role++) {
            own[family].tallies[role] = without_inherited(&ballots[family].tallies[role]);
        }
    }
    if ((sum_of(&own[HEALTH_V4]).members | sum_of(&own[HEALTH_V6]).members) == 0) {
        return HEALTH_STANDS_INHERITED;
    }
    return health_word_observed(judge_ballots(&health->nodes[HEALTH_ENDPOINT][endpoint], own));
}

unsigned health_find_standing(const struct health *health, enum health_kind kind, uint32_t index,
                              uint32_t word)
{
    if (kind == HEALTH_ENDPOINT) {
        return find_endpoint_standing(health, index, word);
    }
    const struct health_group *group = &health->groups[kind][index];
    bool is_all = group->tally.inherited != 0 && group->tally.inherited == group->tally.members;
    return is_all && !group->was_lost ? HEALTH_STANDS_INHERITED : health_word_observed(word);
}

/* ---- looking ---- */

const char *health_role_text(enum health_role role)
{
    static const char *const texts[] = {"required", "counted", "monitoring_only"};
    return texts[role];
}

struct health_combination health_find_combination(const struct health *health, uint32_t endpoint,
                                                  enum health_family family)
{
    struct health_ballot ballots[HEALTH_FAMILIES];
    get_ballots(health, endpoint, ballots);
    const struct health_ballot *ballot = &ballots[decider_of(ballots, family)];
    const struct health_tally *required = &ballot->tallies[HEALTH_REQUIRED], all = sum_of(ballot);
    uint32_t need = find_need(health->nodes[HEALTH_ENDPOINT][endpoint].at_least, all.members);
    return (struct health_combination){.members = all.members,
                                       .healthy = all.healthy,
                                       .need = need > required->members ? need : required->members,
                                       .required = required->members,
                                       .required_healthy = required->healthy};
}

static const char *ending(uint32_t count)
{
    return count == 1 ? "" : "s";
}

void health_write_combination(const struct health_combination *combination, char text[HEALTH_WHY_SIZE])
{
    const struct health_combination *c = combination;
    int len = snprintf(text, HEALTH_WHY_SIZE, "%u of %u check%s healthy, %u %s needed", c->healthy,
                       c->members, ending(c->members), c->need, c->need == 1 ? "is" : "are");
    if (c->required != 0 && c->required < c->members) {
        snprintf(text + len, HEALTH_WHY_SIZE - (size_t)len, "; of %u that must be healthy %u %s", c->required,
                 c->required_healthy, c->required_healthy == 1 ? "is" : "are");
    }
}
