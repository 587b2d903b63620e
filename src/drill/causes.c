/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What follows from causes at a time. There are few of them: each question walks over all, from the latest to
 * the first, until one says that all before it is over. */
#include "config.h"

#include "drill/causes.h"

#include <string.h>

/* ---- chance ---- */

/* 0..1, the same for the same numbers (splitmix64). */
static double draw(uint64_t seed, uint64_t a, uint64_t b)
{
    uint64_t x = seed + 0x9e3779b97f4a7c15u * (a + 1) + 0xd1b54a32d192ed03u * (b + 1);
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (double)((x ^ x >> 31) >> 11) / 9007199254740992.0;
}

/* Is this endpoint among those that are lost? */
static bool is_drawn(const struct drill_causes *causes, const struct drill_cause *cause, uint32_t endpoint)
{
    return draw(causes->seed + (uint64_t)(cause - causes->items), endpoint, UINT32_MAX) < cause->share;
}

/* ---- whom it concerns ---- */

static bool is_in_place(const struct drill_causes *causes, const struct drill_cause *cause, uint32_t endpoint)
{
    if ((cause->what != DRILL_PLACE && cause->what != DRILL_LINK) || endpoint == DRILL_CONTROL) {
        return false;
    }
    const struct conf_endpoint *own = &causes->topology->endpoints[endpoint];
    uint32_t index = cause->kind == HEALTH_ENDPOINT ? endpoint
                     : cause->kind == HEALTH_AZ     ? own->az
                                                    : own->region;
    return index == cause->index;
}

bool drill_cause_covers(const struct drill_causes *causes, const struct drill_cause *cause, uint32_t endpoint)
{
    bool is_felt = cause->what != DRILL_LINK || (cause->led != NULL && cause->led[endpoint]);
    return is_felt && is_in_place(causes, cause, endpoint);
}

bool drill_cause_touches_look(const struct drill_causes *causes, const struct drill_cause *cause,
                              const struct drill_look *look)
{
    switch (cause->what) {
    case DRILL_PLACE: return is_in_place(causes, cause, look->endpoint);
    case DRILL_CHECK: return look->endpoint != DRILL_CONTROL && cause->index == look->check;
    case DRILL_VANTAGE: return (cause->from >> look->vantage & 1) != 0;
    case DRILL_LINK:
        return (cause->from >> look->vantage & 1) != 0 && is_in_place(causes, cause, look->endpoint);
    case DRILL_COPY: break;
    }
    return false;
}

bool drill_cause_touches(const struct drill_causes *causes, const struct drill_cause *cause,
                         uint32_t endpoint, uint32_t check)
{
    return drill_cause_touches_look(causes, cause, &(struct drill_look){DRILL_LOCAL, endpoint, check});
}

struct drill_cause *drill_list_losses(const struct conf_topology *topology, const struct drill_loss *losses,
                                      size_t count, enum health_outcome outcome, struct arena *arena)
{
    struct drill_cause *causes = arena_alloc(arena, count * sizeof *causes);
    for (size_t i = 0; i < count; i++) {
        const struct drill_loss *loss = &losses[i];
        const char *name = loss->kind == HEALTH_REGION ? topology->regions[loss->index].name
                           : loss->kind == HEALTH_AZ   ? topology->azs[loss->index].name
                                                       : topology->endpoints[loss->index].name;
        causes[i] =
            (struct drill_cause){.until_ms = INT64_MAX,
                                 .what = DRILL_PLACE,
                                 .kind = loss->kind,
                                 .index = loss->index,
                                 .how = DRILL_LOST,
                                 .outcome = outcome == HEALTH_OUTCOME_NONE ? HEALTH_OUTCOME_TIMEOUT : outcome,
                                 .text = arena_print(arena, "%s:%s", health_kind_text(loss->kind), name)};
    }
    return causes;
}

/* ---- when ---- */

/* A turn of a flap begins with the down. */
static bool is_down(const struct drill_cause *cause, int64_t at_ms)
{
    return (at_ms - cause->at_ms) % (cause->down_ms + cause->up_ms) < cause->down_ms;
}

static bool has_begun(const struct drill_cause *cause, int64_t at_ms)
{
    return cause->at_ms <= at_ms;
}

static bool is_in_force(const struct drill_cause *cause, int64_t at_ms)
{
    return has_begun(cause, at_ms) && at_ms < cause->until_ms &&
           (cause->how != DRILL_FLAPPING || is_down(cause, at_ms));
}

static int64_t next_of(const struct drill_cause *cause, int64_t from_ms)
{
    if (from_ms <= cause->at_ms) {
        return cause->at_ms;
    }
    if (from_ms > cause->until_ms) {
        return INT64_MAX;
    }
    if (cause->how != DRILL_FLAPPING) {
        return cause->until_ms;
    }
    int64_t period_ms = cause->down_ms + cause->up_ms, in_ms = (from_ms - cause->at_ms) % period_ms;
    int64_t left_ms = in_ms == 0 ? 0 : in_ms <= cause->down_ms ? cause->down_ms - in_ms : period_ms - in_ms;
    return from_ms + left_ms < cause->until_ms ? from_ms + left_ms : cause->until_ms;
}

int64_t drill_causes_next(const struct drill_causes *causes, int64_t from_ms)
{
    int64_t next_ms = INT64_MAX;
    for (size_t i = 0; i < causes->count; i++) {
        int64_t own_ms = next_of(&causes->items[i], from_ms);
        next_ms = own_ms < next_ms ? own_ms : next_ms;
    }
    return next_ms;
}

enum drill_turn drill_cause_turns(const struct drill_cause *cause, int64_t at_ms)
{
    bool is_over = at_ms == cause->until_ms && at_ms > cause->at_ms;
    if (next_of(cause, at_ms) != at_ms ||
        (is_over && cause->how == DRILL_FLAPPING && !is_down(cause, at_ms - 1))) {
        return DRILL_TURN_NONE; /* the last up of a flap goes on */
    }
    bool is_end = at_ms == cause->until_ms || cause->how == DRILL_RECOVERED ||
                  (cause->how == DRILL_FLAPPING && !is_down(cause, at_ms));
    return is_end ? DRILL_TURN_ENDS : DRILL_TURN_BEGINS;
}

/* ---- what follows ---- */

static struct drill_result worse(struct drill_result a, struct drill_result b)
{
    struct drill_result result = health_outcome_is_failure(a.outcome) ? a : b;
    result.is_chance = a.is_chance || b.is_chance;
    if (a.outcome == HEALTH_OUTCOME_OK && b.outcome == HEALTH_OUTCOME_OK) {
        result.took_ms = a.took_ms > b.took_ms ? a.took_ms : b.took_ms;
    }
    return result;
}

static struct drill_result fail(enum health_outcome outcome, int64_t timeout_ms)
{
    bool waits = outcome == HEALTH_OUTCOME_TIMEOUT || outcome == HEALTH_OUTCOME_CONNECT_TIMEOUT;
    return (struct drill_result){.outcome = outcome, .took_ms = waits ? timeout_ms : 0};
}

/* Vantages draw each for itself. */
static bool fails_by_chance(const struct drill_causes *causes, const struct drill_cause *cause,
                            const struct drill_look *look, uint64_t round)
{
    uint64_t number = (uint64_t)look->endpoint << 16 | look->check;
    return draw(causes->seed + ((uint64_t)look->vantage << 48), number, round) < cause->share;
}

static struct drill_result result_of(const struct drill_causes *causes, const struct drill_cause *cause,
                                     const struct drill_look *look, uint64_t round)
{
    const struct drill_result well = {.outcome = HEALTH_OUTCOME_OK};
    int64_t timeout_ms = causes->topology->checks[look->check].timeout_ms;
    struct drill_result result;
    switch (cause->how) {
    case DRILL_LOST:
    case DRILL_FLAPPING: return fail(cause->outcome, timeout_ms);
    case DRILL_SLOW:
        return cause->slow_ms >= timeout_ms
                   ? fail(HEALTH_OUTCOME_TIMEOUT, timeout_ms)
                   : (struct drill_result){.outcome = HEALTH_OUTCOME_OK, .took_ms = cause->slow_ms};
    case DRILL_PARTIAL:
        if (!cause->is_share_of_checks) {
            return is_drawn(causes, cause, look->endpoint) ? fail(cause->outcome, timeout_ms) : well;
        }
        result = fails_by_chance(causes, cause, look, round) ? fail(cause->outcome, timeout_ms) : well;
        result.is_chance = true;
        return result;
    case DRILL_SILENT:
    case DRILL_LAG:
    case DRILL_RECOVERED: break;
    }
    return well;
}

struct drill_result drill_causes_look(const struct drill_causes *causes, const struct drill_look *look,
                                      int64_t at_ms, uint64_t round)
{
    struct drill_result result = {.outcome = HEALTH_OUTCOME_OK};
    bool is_over[DRILL_COPY + 1] = {false}; /* a sight that is back brings no place back */
    for (size_t i = causes->count; i > 0; i--) {
        const struct drill_cause *cause = &causes->items[i - 1];
        if (is_over[cause->what] || !has_begun(cause, at_ms - 1) ||
            !drill_cause_touches_look(causes, cause, look)) {
            continue;
        }
        is_over[cause->what] = cause->how == DRILL_RECOVERED;
        if (is_in_force(cause, at_ms - 1)) {
            result = worse(result, result_of(causes, cause, look, round));
        }
    }
    return result;
}

struct drill_result drill_causes_check(const struct drill_causes *causes, uint32_t endpoint, uint32_t check,
                                       int64_t at_ms, uint64_t round)
{
    return drill_causes_look(causes, &(struct drill_look){DRILL_LOCAL, endpoint, check}, at_ms, round);
}

uint32_t drill_causes_find_silent(const struct drill_causes *causes, int64_t at_ms)
{
    uint32_t silent = 0, over = 0;
    for (size_t i = causes->count; i > 0; i--) {
        const struct drill_cause *cause = &causes->items[i - 1];
        if (cause->what != DRILL_VANTAGE || !has_begun(cause, at_ms)) {
            continue;
        }
        over |= cause->how == DRILL_RECOVERED ? cause->from : 0;
        silent |= cause->how == DRILL_SILENT && is_in_force(cause, at_ms) ? cause->from & ~over : 0;
    }
    return silent;
}

/* What a cause that is in force does to requests. */
static double share_that_fails(const struct drill_causes *causes, const struct drill_cause *cause,
                               uint32_t endpoint)
{
    return cause->how == DRILL_LOST || cause->how == DRILL_FLAPPING ? 1
           : cause->how != DRILL_PARTIAL                            ? 0
           : cause->is_share_of_checks                              ? cause->share
           : is_drawn(causes, cause, endpoint)                      ? 1
                                                                    : 0;
}

struct drill_service drill_causes_serve(const struct drill_causes *causes, uint32_t endpoint, int64_t at_ms)
{
    struct drill_service service = {.fails = 0};
    bool is_over[DRILL_COPY + 1] = {false};
    for (size_t i = causes->count; i > 0; i--) {
        const struct drill_cause *cause = &causes->items[i - 1];
        if (is_over[cause->what] || !has_begun(cause, at_ms) ||
            !drill_cause_covers(causes, cause, endpoint)) {
            continue;
        }
        is_over[cause->what] = cause->how == DRILL_RECOVERED;
        if (is_in_force(cause, at_ms)) {
            double fails = share_that_fails(causes, cause, endpoint);
            service.fails = fails > service.fails ? fails : service.fails;
            service.slow_ms = cause->slow_ms > service.slow_ms ? cause->slow_ms : service.slow_ms;
        }
    }
    return service;
}

double drill_causes_lose(const struct drill_causes *causes, uint32_t endpoint, int64_t at_ms)
{
    double worst = 0;
    for (size_t i = causes->count; i > 0; i--) {
        const struct drill_cause *cause = &causes->items[i - 1];
        if (cause->what != DRILL_PLACE || !has_begun(cause, at_ms) || !is_in_place(causes, cause, endpoint)) {
            continue;
        }
        if (cause->how == DRILL_RECOVERED) {
            break;
        }
        double fails = is_in_force(cause, at_ms) ? share_that_fails(causes, cause, endpoint) : 0;
        worst = fails > worst ? fails : worst;
    }
    return worst;
}

double drill_causes_lag(const struct drill_causes *causes, uint32_t lag, int64_t at_ms)
{
    double worst_ms = -1;
    for (size_t i = causes->count; i > 0; i--) {
        const struct drill_cause *cause = &causes->items[i - 1];
        if (cause->what != DRILL_COPY || cause->index != lag) {
            continue;
        }
        double own_ms = 0; /* before and after it there is none */
        if (has_begun(cause, at_ms) && cause->how == DRILL_RECOVERED) {
            return worst_ms > 0 ? worst_ms : 0;
        }
        if (is_in_force(cause, at_ms)) {
            own_ms = cause->lag_ms + cause->growth * (double)(at_ms - cause->at_ms);
        }
        worst_ms = own_ms > worst_ms ? own_ms : worst_ms;
    }
    return worst_ms;
}
