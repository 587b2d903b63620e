/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Why a member has less than its weight although it is well: it, its az or its region came back a moment ago,
 * and its weight returns in steps. Told once for whatever ramps, however many members are in it. */
#include "config.h"

#include "operate/explain_parts.h"
#include "operate/operate.h"

#include <string.h>

enum { TOLD_MAX = 8 };

struct place {
    enum health_kind kind;
    uint32_t index;
};

/* The endpoint of a member, its az and its region. */
static void find_places(const struct explain_work *w, uint16_t index, struct place places[HEALTH_REGION + 1])
{
    const struct steer_place *place = steer_get_place(w->policy, index);
    places[HEALTH_ENDPOINT] = (struct place){HEALTH_ENDPOINT, w->policy->members[index].endpoint};
    places[HEALTH_AZ] = (struct place){HEALTH_AZ, place->az};
    places[HEALTH_REGION] = (struct place){HEALTH_REGION, place->region};
}

static unsigned find_drained(const struct explain_work *w, const struct place *place)
{
    const struct health *health = w->view->health;
    return health_is_overridden(health, place->kind, place->index)
               ? health_get_override(health, place->kind, place->index)->share
               : 0;
}

/* What of its weight this one leaves it, percent. */
static unsigned find_own(const struct explain_work *w, const struct place *place,
                         struct health_status *status)
{
    enum health_family family = steer_get_family(w->rrset->types);
    (void)health_get_status(w->view->health, place->kind, place->index, status);
    unsigned ramp =
        status->ramp.percent != 0 && status->ramp.families[family] ? status->ramp.percent : HEALTH_RAMP_WHOLE;
    unsigned left = HEALTH_RAMP_WHOLE - find_drained(w, place);
    return left < ramp ? left : ramp;
}

unsigned explain_find_ramp(const struct explain_work *w, uint16_t index)
{
    struct place places[HEALTH_REGION + 1];
    struct health_status status;
    unsigned least = HEALTH_RAMP_WHOLE;
    find_places(w, index, places);
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        unsigned own = find_own(w, &places[kind], &status);
        least = own < least ? own : least;
        if (kind == HEALTH_ENDPOINT && status.effective.state == HEALTH_FORCED_UP) {
            return HEALTH_RAMP_WHOLE;
        }
    }
    return least;
}

static bool is_new(const struct place *told, size_t count, const struct place *place)
{
    for (size_t i = 0; i < count; i++) {
        if (told[i].kind == place->kind && told[i].index == place->index) {
            return false;
        }
    }
    return true;
}

static void tell(struct explain_work *w, const struct place *place, const struct health_status *status)
{
    const struct health_ramp_status *ramp = &status->ramp;
    unsigned drained = find_drained(w, place);
    if (drained != 0) {
        const struct health_override *override =
            health_get_override(w->view->health, place->kind, place->index);
        explain_say(w, "%u %% of %s %s are drained by %s (%s): %u %% of its weight are left", drained,
                    health_kind_text(place->kind), status->name, override->actor, override->reason,
                    HEALTH_RAMP_WHOLE - drained);
    }
    if (ramp->percent == 0 || (drained != 0 && ramp->percent >= HEALTH_RAMP_WHOLE - drained)) {
        return;
    }
    explain_say(w, "%s %s came back and ramps: %u %% of its weight until %s, all of it from %s on",
                health_kind_text(place->kind), status->name, ramp->percent,
                explain_time_text(w, ramp->next_ms), explain_time_text(w, ramp->ends_ms));
}

/* A place decides about a member where nobody withholds more. */
static void tell_member(struct explain_work *w, uint16_t index, struct place *told, size_t *count)
{
    const struct operate_member *member = &w->to->members[index];
    struct place places[HEALTH_REGION + 1];
    struct health_status status;
    find_places(w, index, places);
    for (int kind = HEALTH_REGION; kind >= HEALTH_ENDPOINT; kind--) {
        if (find_own(w, &places[kind], &status) != member->ramp) {
            continue;
        }
        if (is_new(told, *count, &places[kind])) {
            tell(w, &places[kind], &status);
            told[(*count)++] = places[kind];
        }
        return;
    }
}

void explain_tell_ramps(struct explain_work *w)
{
    struct place told[TOLD_MAX];
    size_t count = 0, members = 0;
    for (uint16_t i = 0; i < w->to->member_count; i++) {
        const struct operate_member *member = &w->to->members[i];
        if (member->ramp == HEALTH_RAMP_WHOLE || !health_state_serves(member->effective.state)) {
            continue;
        }
        members++;
        if (count < TOLD_MAX) {
            tell_member(w, i, told, &count);
        }
    }
    if (count == TOLD_MAX) {
        explain_say(w, "%zu members ramp in all: see the list of members", members);
    }
    bool has_weights = w->policy->pick == STEER_PICK_WEIGHTED || w->policy->pick == STEER_PICK_STICKY;
    if (count != 0 && !has_weights) {
        explain_say(w, "pick %s knows no weights: within a tier who ramps counts like the others",
                    w->to->pick);
    }
}
