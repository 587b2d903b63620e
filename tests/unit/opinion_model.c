/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See opinion_model.h. */
#include "config.h"

#include "opinion_model.h"

#include <fnmatch.h>

uint64_t roll(struct world *w, uint64_t below)
{
    return random_below(&w->random, below);
}

bool is_fresh(const struct world *w, unsigned v)
{
    const struct vantage *vantage = &w->vantages[v];
    return v == 0 || (vantage->heard_ms >= 0 && w->now_ms - vantage->heard_ms <= EXPIRES);
}

bool is_stale(const struct world *w, unsigned monitor)
{
    const struct watched *m = &w->monitors[monitor];
    return m->stale_ms != 0 && m->result_ms != 0 && w->now_ms - m->result_ms > m->stale_ms;
}

static enum health_observed says(const struct world *w, unsigned v, unsigned what)
{
    const struct opinion *opinion = &w->vantages[v].says[what];
    if (v == 0 && what < MONITORS) {
        return is_stale(w, what) ? HEALTH_OBSERVED_UNKNOWN : w->monitors[what].own;
    }
    return opinion->is_old ? HEALTH_OBSERVED_UNKNOWN : opinion->verdict;
}

/* All control targets are IPv4's. */
static bool is_aside(const struct world *w, unsigned v)
{
    for (unsigned c = MONITORS; c < MONITORS + CONTROLS; c++) {
        uint32_t up = 0, down = 0;
        for (unsigned other = 0; other < VANTAGES; other++) {
            const struct vantage *vantage = &w->vantages[other];
            bool is_witness = other != v && vantage->is_there && !vantage->drained && is_fresh(w, other);
            up += is_witness && says(w, other, c) == HEALTH_OBSERVED_HEALTHY ? vantage->weight : 0;
            down += is_witness && says(w, other, c) == HEALTH_OBSERVED_UNHEALTHY ? vantage->weight : 0;
        }
        if (says(w, v, c) != HEALTH_OBSERVED_UNHEALTHY || up <= down) {
            return false;
        }
    }
    return true;
}

/* Who was set aside stays so until it says anything of control targets. */
void weigh(struct world *w)
{
    bool aside[VANTAGES];
    for (unsigned v = 0; v < VANTAGES; v++) {
        const struct vantage *vantage = &w->vantages[v];
        bool speaks = false;
        for (unsigned c = MONITORS; c < MONITORS + CONTROLS; c++) {
            speaks = speaks || says(w, v, c) != HEALTH_OBSERVED_UNKNOWN;
        }
        bool counts = vantage->is_there && !vantage->drained;
        bool stays = vantage->aside && (!speaks || !is_fresh(w, v));
        aside[v] = counts && (stays || (is_fresh(w, v) && is_aside(w, v)));
    }
    for (unsigned v = 0; v < VANTAGES; v++) {
        w->vantages[v].aside = aside[v];
    }
}

static bool is_in_scope(const struct world *w, const struct health_quorum *quorum, unsigned v)
{
    bool is = quorum->name_count == 0;
    for (size_t i = 0; i < quorum->name_count; i++) {
        is = is || fnmatch(quorum->names[i], w->vantages[v].name, 0) == 0;
    }
    return is && w->vantages[v].is_there && w->vantages[v].weight != 0;
}

struct count count_all(const struct world *w, unsigned monitor)
{
    const struct health_quorum *quorum = &w->quorums[w->quorum_of[monitor]];
    struct count count = {.by_others = !is_in_scope(w, quorum, 0)};
    for (unsigned v = 0; v < VANTAGES; v++) {
        bool is_drained = w->vantages[v].drained;
        enum health_observed verdict = says(w, v, monitor);
        if (!is_in_scope(w, quorum, v)) {
            continue;
        }
        count.by_others = count.by_others || v != 0;
        count.could += !is_drained;
        count.weight_could += is_drained ? 0 : w->vantages[v].weight;
        if (is_drained || w->vantages[v].aside) {
            continue;
        }
        if (!is_fresh(w, v) || verdict == HEALTH_OBSERVED_UNKNOWN) {
            bool waits = v != 0 && w->now_ms < w->vantages[v].awaited_ms &&
                         w->monitors[monitor].object.verdict != HEALTH_OBSERVED_UNKNOWN;
            count.weight_awaited += waits ? w->vantages[v].weight : 0;
            continue;
        }
        count.opinions++;
        count.weight += w->vantages[v].weight;
        count.weight_down += verdict == HEALTH_OBSERVED_UNHEALTHY ? w->vantages[v].weight : 0;
    }
    return count;
}

static bool find(const struct health_quorum *quorum, uint32_t could, uint32_t up, uint32_t down)
{
    switch (quorum->kind) {
    case HEALTH_QUORUM_ANY: return down > 0;
    case HEALTH_QUORUM_MAJORITY: return down > up;
    case HEALTH_QUORUM_ALL: return up == 0;
    default: return down >= quorum->count || down == could;
    }
}

/* Those who are awaited say all up, or all down: what they can change is not judged. */
enum health_observed judge(const struct world *w, unsigned monitor)
{
    const struct health_quorum *quorum = &w->quorums[w->quorum_of[monitor]];
    struct count count = count_all(w, monitor);
    unsigned needed = quorum->at_least == 0 ? (count.could + 1) / 2 : quorum->at_least;
    needed = needed > count.could ? count.could : needed;
    if (count.opinions == 0 || count.opinions < needed) {
        return HEALTH_OBSERVED_UNKNOWN;
    }
    uint32_t up = count.weight - count.weight_down, down = count.weight_down, others = count.weight_awaited;
    if (quorum->kind == HEALTH_QUORUM_COUNT && up + down < quorum->count && up + down < count.weight_could &&
        down > 0) {
        return HEALTH_OBSERVED_UNKNOWN;
    }
    bool is_down = find(quorum, count.weight_could, up + others, down);
    return is_down != find(quorum, count.weight_could, up, down + others) ? HEALTH_OBSERVED_UNKNOWN
           : is_down                                                      ? HEALTH_OBSERVED_UNHEALTHY
                                                                          : HEALTH_OBSERVED_HEALTHY;
}

static void follow_return(struct world *w, struct watched *m, bool is_first)
{
    enum health_observed verdict = m->object.verdict;
    m->is_first = verdict == HEALTH_OBSERVED_UNHEALTHY && (m->is_first || is_first);
    m->rising.was = m->is_first ? HEALTH_OBSERVED_UNKNOWN : m->rising.was;
    follow_rising(&m->rising, verdict, w->now_ms);
    m->rising.was = m->is_first ? HEALTH_OBSERVED_UNKNOWN : verdict;
}

void settle(struct world *w, unsigned monitor, enum health_observed judged, bool is_own)
{
    struct watched *m = &w->monitors[monitor];
    struct object *o = &m->object;
    enum health_observed before = o->verdict;
    if (judged != HEALTH_OBSERVED_UNKNOWN) {
        follow_object(o, judged, judged == HEALTH_OBSERVED_HEALTHY, w->now_ms);
    } else if (o->is_down && may_return(o, w->now_ms)) {
        o->is_down = o->is_ready = false;
        o->verdict = HEALTH_OBSERVED_HEALTHY;
    }
    follow_return(w, m, before == HEALTH_OBSERVED_UNKNOWN && !is_own);
}

void settle_all(struct world *w)
{
    weigh(w);
    for (unsigned i = 0; i < MONITORS; i++) {
        settle(w, i, judge(w, i), false);
    }
}
