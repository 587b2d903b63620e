/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What endpoints say about their load, and how much of their weight they shed for it. Reports come with every
 * check; the words change, and answers with them, only when a share that is shed moves by a whole step, and
 * for all endpoints together once in a while: each change makes every thread choose anew. A report that is
 * too old counts for nothing: an endpoint that has fallen silent is judged by its checks. Ages and paces are
 * of the monotonic clock: one that is set, forward or back, makes no report older or younger. */
#include "config.h"

#include "health/health.h"

#include "base/error.h"
#include "health/machine.h"

#include <assert.h>
#include <string.h>

/* The level for a load, beginning at the one that is in force: the ends are reached exactly, in between
 * nothing less than a step counts, and only the ends are all and nothing. */
static unsigned find_level(const struct health_load_plan *plan, double load, unsigned level)
{
    if (load <= plan->low) {
        return 0;
    }
    if (load >= plan->high) {
        return HEALTH_SHED_ALL;
    }
    double steps = (load - plan->low) / (plan->high - plan->low) * HEALTH_SHED_ALL;
    if (steps - level < 1 && level - steps < 1) {
        return level;
    }
    unsigned nearest = (unsigned)(steps + 0.5);
    return nearest < HEALTH_SHED_ALL ? nearest : HEALTH_SHED_ALL - 1;
}

static unsigned get_level(const struct health *health, uint32_t endpoint)
{
    return health_word_shed(health_word_get(health, HEALTH_ENDPOINT, endpoint));
}

/* What the latest report makes of the level. */
static unsigned find_wanted(const struct health *health, uint32_t endpoint)
{
    const struct health_load *load = health->loads[endpoint];
    const struct health_load_plan *plan = health->load_plans[endpoint];
    bool counts = plan->is_given && load != NULL && load->status.source != HEALTH_LOAD_NONE;
    return counts ? find_level(plan, load->status.value, get_level(health, endpoint)) : 0;
}

static bool is_pending(const struct health *health, uint32_t endpoint)
{
    return find_wanted(health, endpoint) != get_level(health, endpoint);
}

static bool follow_level(struct health *health, uint32_t endpoint)
{
    if (!is_pending(health, endpoint)) {
        return false;
    }
    health_word_set_shed(health, endpoint, find_wanted(health, endpoint));
    health_note(health, HEALTH_ENDPOINT, endpoint); /* long after the report, maybe */
    return true;
}

/* Those that have begun or ended to shed. */
static void tell(struct health *health)
{
    for (uint32_t i = 0; i < health->counts[HEALTH_ENDPOINT]; i++) {
        struct health_load *load = health->loads[i];
        if (load == NULL) {
            continue;
        }
        struct health_load_status status = load->status;
        status.shed = (double)get_level(health, i) / HEALTH_SHED_ALL;
        if (load->told_sheds == (status.shed > 0)) {
            continue;
        }
        load->told_sheds = !load->told_sheds;
        health_note(health, HEALTH_ENDPOINT, i);
        if (health->listener.shed != NULL) {
            struct health_shed_change change = {.name = health->nodes[HEALTH_ENDPOINT][i].name,
                                                .load = &status};
            health->listener.shed(health->listener.context, &change);
        }
    }
}

static void wake_at(struct health *health, int64_t now_ms)
{
    if (health->next_load_ms == 0 || now_ms < health->next_load_ms) {
        health->next_load_ms = now_ms;
    }
}

static int64_t find_turn(const struct health *health)
{
    return health->has_shed ? health->shed_ms + HEALTH_SHED_PACE_MS : INT64_MIN;
}

/* Returns whether any has. */
static bool expire(struct health *health, int64_t now_ms)
{
    bool any = false;
    health->next_load_ms = 0;
    for (uint32_t i = 0; i < health->counts[HEALTH_ENDPOINT]; i++) {
        struct health_load *load = health->loads[i];
        if (load == NULL) {
            continue;
        }
        if (load->status.source != HEALTH_LOAD_NONE && load->ends_ms <= now_ms) {
            load->status.source = HEALTH_LOAD_NONE;
            health_note(health, HEALTH_ENDPOINT, i);
            any = true;
        }
        if (load->status.source != HEALTH_LOAD_NONE) {
            wake_at(health, load->ends_ms);
        }
    }
    return any;
}

/* All words follow all loads, as one change, when it is time for one. */
static void settle(struct health *health, int64_t now_ms)
{
    bool is_time = expire(health, now_ms) || now_ms >= find_turn(health), changed = false;
    for (uint32_t i = 0; i < health->counts[HEALTH_ENDPOINT]; i++) {
        if (is_time) {
            changed |= follow_level(health, i);
        } else if (is_pending(health, i)) {
            wake_at(health, find_turn(health));
        }
    }
    if (changed) {
        health->shed_ms = now_ms;
        health->has_shed = true;
        health_table_advance(health);
    }
    tell(health);
}

static void settle_in_turn(struct health *health, uint32_t endpoint, int64_t now_ms)
{
    if (!is_pending(health, endpoint)) {
        return;
    }
    if (now_ms < find_turn(health)) {
        wake_at(health, find_turn(health));
    } else {
        settle(health, now_ms);
    }
}

static void set_until(struct health_load *load, const struct health_load_plan *plan)
{
    int64_t age_ms = load->ttl_ms != 0 ? load->ttl_ms : plan->max_age_ms;
    load->status.until_ms = load->status.reported_ms + age_ms;
    load->ends_ms = load->begun_ms + age_ms;
}

/* A report like the one before is news when a quarter of its time is over; one that is to move weight is at
 * once, and one that takes such a word back. */
static void note_in_diary(struct health *health, uint32_t endpoint, enum health_load_source before,
                          unsigned wanted_before, int64_t now_ms)
{
    struct health_load *load = health->loads[endpoint];
    unsigned wanted = find_wanted(health, endpoint), level = get_level(health, endpoint);
    if (load->status.source != before || wanted != level || wanted_before != level ||
        now_ms - load->noted_ms >= (load->ends_ms - load->begun_ms) / 4) {
        load->noted_ms = now_ms;
        health_journal_note(health->diary, HEALTH_ENDPOINT, endpoint);
    }
}

int health_report_load(struct health *health, uint32_t endpoint, const struct health_load_report *report,
                       int64_t wall_ms, int64_t now_ms)
{
    assert(!health->delivering && report->load >= 0 && report->source != HEALTH_LOAD_NONE);
    if (endpoint >= health->counts[HEALTH_ENDPOINT]) {
        return ERROR_NOT_FOUND;
    }
    struct health_load *load = health_load_make(health, endpoint);
    health_journal_note(health->journal, HEALTH_ENDPOINT, endpoint);
    health->wall_ms = wall_ms;
    enum health_load_source before = load->status.source;
    unsigned wanted_before = find_wanted(health, endpoint);
    load->status =
        (struct health_load_status){.source = report->source, .value = report->load, .reported_ms = wall_ms};
    if (report->actor != NULL) {
        strncpy(load->status.actor, report->actor, sizeof load->status.actor - 1);
    }
    if (report->peer != NULL) {
        strncpy(load->status.peer, report->peer, sizeof load->status.peer - 1);
    }
    load->ttl_ms = report->ttl_ms;
    load->begun_ms = now_ms;
    set_until(load, health->load_plans[endpoint]);
    note_in_diary(health, endpoint, before, wanted_before, now_ms);
    wake_at(health, load->ends_ms);
    settle_in_turn(health, endpoint, now_ms);
    return 0;
}

int health_forget_load(struct health *health, uint32_t endpoint, int64_t wall_ms, int64_t now_ms)
{
    assert(!health->delivering);
    if (endpoint >= health->counts[HEALTH_ENDPOINT]) {
        return ERROR_NOT_FOUND;
    }
    health_note(health, HEALTH_ENDPOINT, endpoint);
    health->wall_ms = wall_ms;
    if (health->loads[endpoint] != NULL) {
        health->loads[endpoint]->status = (struct health_load_status){.source = HEALTH_LOAD_NONE};
    }
    settle_in_turn(health, endpoint, now_ms);
    return 0;
}

double health_foresee_shed(const struct health *health, uint32_t endpoint, double load)
{
    const struct health_load_plan *plan = health->load_plans[endpoint];
    unsigned level = plan->is_given ? find_level(plan, load, get_level(health, endpoint)) : 0;
    return (double)level / HEALTH_SHED_ALL;
}

static void carry_report(struct health *to, uint32_t endpoint, const struct health_load *from)
{
    struct health_load *load = health_load_make(to, endpoint);
    load->status = from->status;
    load->ttl_ms = from->ttl_ms;
    load->begun_ms = from->begun_ms;
    load->told_sheds = from->told_sheds;
    load->noted_ms = from->noted_ms;
    if (load->status.source != HEALTH_LOAD_NONE) {
        set_until(load, to->load_plans[endpoint]);
        wake_at(to, load->ends_ms);
    }
}

/* Watermarks may be others now; but where the plan is the same, what waits for its turn goes on waiting. */
void health_carry_load(struct health *to, uint32_t endpoint, const struct health *from, uint32_t old)
{
    if (from->loads[old] != NULL) {
        carry_report(to, endpoint, from->loads[old]);
    } else if (to->loads[endpoint] != NULL) {
        *to->loads[endpoint] = (struct health_load){.ttl_ms = 0};
    }
    to->has_shed = from->has_shed;
    to->shed_ms = from->shed_ms;
    health_word_set_shed(to, endpoint, get_level(from, old));
    if (to->frame != from->frame) {
        (void)follow_level(to, endpoint);
    } else if (is_pending(to, endpoint)) {
        wake_at(to, find_turn(to));
    }
    if (health_load_get(to, endpoint)->told_sheds != (get_level(to, endpoint) != 0)) {
        wake_at(to, INT64_MIN); /* at once: told when there is a listener */
    }
}

void health_expire_loads(struct health *health, int64_t wall_ms, int64_t now_ms)
{
    if (health->next_load_ms != 0 && health->next_load_ms <= now_ms) {
        health->wall_ms = wall_ms;
        settle(health, now_ms);
    }
}
