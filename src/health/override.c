/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What operators desire: overrides of endpoints, azs and regions with actor, reason, start and expiry. They
 * live beside what is observed and never change it or a roll-up. Kept as a flat list; the nodes point into
 * it. Whether one is planned or in force is said by the word alone, not by the clock: a clock that is set
 * back takes nothing out of force. */
#include "config.h"

#include "health/health.h"

#include "base/error.h"
#include "base/memory.h"
#include "health/guard_inside.h"
#include "health/machine.h"

#include <assert.h>

enum { SHIFT_BLOCKS = 8 }; /* of dormant ones, in a turn */

static bool is_expired(const struct health_override *override, int64_t wall_ms)
{
    return override->expires_ms != 0 && override->expires_ms <= wall_ms;
}

static bool is_planned(const struct health *health, const struct health_override_entry *entry)
{
    return (health_word_get(health, entry->kind, entry->index) & HEALTH_WORD_PLANNED) != 0;
}

bool health_is_overridden(const struct health *health, enum health_kind kind, uint32_t index)
{
    return health->nodes[kind][index].override_at != 0 &&
           (health_word_get(health, kind, index) & HEALTH_WORD_PLANNED) == 0;
}

uint32_t health_find_exit(const struct health *health, const struct health_override *what)
{
    if (what->to[0] == '\0' || what->desired != HEALTH_DESIRED_DRAIN) {
        return 0;
    }
    ptrdiff_t region = health_find(health, HEALTH_REGION, what->to);
    ptrdiff_t az = region < 0 ? health_find(health, HEALTH_AZ, what->to) : -1;
    return region >= 0 ? health_exit_make(HEALTH_REGION, (uint32_t)region)
           : az >= 0   ? health_exit_make(HEALTH_AZ, (uint32_t)az)
                       : 0;
}

/* A drain in part is on its way to the whole, or back: what it is of is about to change. */
static uint32_t find_ttl(const struct health_override *what, bool planned)
{
    bool is_partly = !planned && what->desired == HEALTH_DESIRED_DRAIN && what->share != 0;
    return (what->has_ttl ? health_ttl_make(what->ttl_s) : 0) | (is_partly ? HEALTH_TTL_PARTLY : 0);
}

static void set_desired(struct health *health, enum health_kind kind, uint32_t index,
                        enum health_desired desired, bool planned)
{
    uint32_t at = health->nodes[kind][index].override_at;
    const struct health_override *what = at == 0 ? NULL : &health->overrides[at - 1].what;
    struct health_effect effect = {.desired = desired,
                                   .planned = planned,
                                   .exit = what == NULL || planned ? 0 : health_find_exit(health, what),
                                   .ttl = what == NULL ? 0 : find_ttl(what, planned)};
    if (what != NULL && what->names[0] != '\0') {
        effect.is_scoped = true;
        effect.groups = health_find_groups(health, what->names, NULL, NULL);
        effect.wish = planned ? 0 : health_scope_wish(what);
    }
    if (kind == HEALTH_REGION && desired == HEALTH_DESIRED_AUTO && !effect.is_scoped &&
        health_guard_is_ordered(health_word_get(health, kind, index))) {
        health_stay_return(health, index);
    }
    health_word_set_desired(health, kind, index, &effect);
}

/* The last one takes the place of the removed one. */
static void remove_entry(struct health *health, struct health_node *node)
{
    uint32_t at = node->override_at - 1;
    health->override_changes++;
    health_note(health, health->overrides[at].kind, health->overrides[at].index);
    health->override_hashes -= health->overrides[at].hash;
    const struct health_override_entry *last = &health->overrides[--health->override_count];
    health->overrides[at] = *last;
    health->nodes[last->kind][last->index].override_at = at + 1;
    node->override_at = 0;
}

void health_put_override(struct health *health, enum health_kind kind, uint32_t index,
                         const struct health_override *override, bool planned)
{
    struct health_node *node = &health->nodes[kind][index];
    health->override_changes++;
    health_note(health, kind, index);
    bool is_new = node->override_at == 0;
    if (is_new) {
        assert(health->override_count < UINT32_MAX);
        health->overrides = memory_grow(health->overrides, health->override_count, &health->override_capacity,
                                        sizeof *health->overrides);
        node->override_at = (uint32_t)++health->override_count;
    }
    struct health_override_entry *entry = &health->overrides[node->override_at - 1];
    health->override_hashes -= is_new ? 0 : entry->hash;
    *entry = (struct health_override_entry){.kind = kind, .index = index, .what = *override};
    entry->what.reason[HEALTH_REASON_SIZE - 1] = '\0';
    entry->what.actor[HEALTH_ACTOR_SIZE - 1] = '\0';
    entry->what.to[HEALTH_TO_SIZE - 1] = '\0';
    entry->what.names[HEALTH_NAMES_SIZE - 1] = '\0';
    entry->hash = health_hash_override(kind, node->name, &entry->what);
    health->override_hashes += entry->hash;
    set_desired(health, kind, index, health_override_desired(override), planned);
    health_due_add(health, entry);
}

uint64_t health_hash_overrides(const struct health *health)
{
    return health->override_hashes + health_dormants_hash(health);
}

/* What answers follow of an object. */
struct seen {
    uint32_t word, exit, ttl, wish;
    uint64_t groups;
};

static struct seen see(const struct health *health, enum health_kind kind, uint32_t index)
{
    struct seen seen = {.word = health_word_get(health, kind, index),
                        .exit = health_mark_get(&health->exits, kind, index),
                        .ttl = health_mark_get(&health->ttls, kind, index)};
    health_scope_get(health, kind, index, &seen.groups, &seen.wish);
    return seen;
}

/* Another reason or time alone is none of the answers' business. */
static void publish(struct health *health, enum health_kind kind, uint32_t index, struct seen before)
{
    struct seen now = see(health, kind, index);
    if (now.word != before.word || now.exit != before.exit || now.ttl != before.ttl ||
        now.wish != before.wish || now.groups != before.groups) {
        health_table_advance(health);
        health_settle(health, kind, index, HEALTH_OUTCOME_NONE);
        health_deliver(health);
    }
}

void health_drop_override(struct health *health, enum health_kind kind, uint32_t index)
{
    remove_entry(health, &health->nodes[kind][index]);
    set_desired(health, kind, index, HEALTH_DESIRED_AUTO, false);
    health_due_tidy(health);
}

/* Planned for some names it says nothing of others until it starts, and then it takes the place of all. */
bool health_override_collides(const struct health *health, enum health_kind kind, uint32_t index,
                              const struct health_override *override)
{
    if (!health_is_overridden(health, kind, index)) {
        return false;
    }
    const char *names = health->overrides[health->nodes[kind][index].override_at - 1].what.names;
    bool lets_back =
        override->names[0] != '\0' && (names[0] == '\0' || !health_names_include(override->names, names));
    return override->starts_ms != 0 || lets_back;
}

int health_set_override(struct health *health, enum health_kind kind, uint32_t index,
                        const struct health_override *override, int64_t wall_ms)
{
    assert(!health->delivering);
    assert((unsigned) override->desired <= HEALTH_DESIRED_DOWN);
    assert(override->share < HEALTH_RAMP_WHOLE);
    assert(override->ttl_s <= HEALTH_TTL_MAX_S);
    assert(override->expires_ms == 0 || override->expires_ms > override->starts_ms);
    if (index >= health_count(health, kind)) {
        return ERROR_NOT_FOUND;
    }
    struct seen before = see(health, kind, index);
    bool removes = override->desired == HEALTH_DESIRED_AUTO || is_expired(override, wall_ms);
    if (!removes && health_override_collides(health, kind, index, override)) {
        return ERROR_CONFLICT;
    }
    health->wall_ms = wall_ms;
    if (!removes) {
        health_put_override(health, kind, index, override, override->starts_ms > wall_ms);
    } else if (health->nodes[kind][index].override_at != 0) {
        health_drop_override(health, kind, index);
    }
    publish(health, kind, index, before);
    return 0;
}

int health_restore_override(struct health *health, enum health_kind kind, const char *name,
                            const struct health_override *override, bool planned, int64_t wall_ms)
{
    ptrdiff_t index = health_find(health, kind, name);
    bool is_planned_still = planned && override->starts_ms > wall_ms;
    assert(!health->delivering);
    if (is_expired(override, wall_ms)) {
        return ERROR_INVALID;
    }
    if (index < 0) {
        health_lay_dormant(health,
                           &(struct health_dormant){
                               .kind = kind, .name = name, .what = *override, .planned = is_planned_still});
        return ERROR_NOT_FOUND;
    }
    struct seen before = see(health, kind, (uint32_t)index);
    uint64_t order = health_guard_get_order(health, kind, (uint32_t)index);
    health->wall_ms = wall_ms;
    health_put_override(health, kind, (uint32_t)index, override, is_planned_still);
    health_guard_put_order(health, kind, (uint32_t)index, order); /* it is no new one */
    publish(health, kind, (uint32_t)index, before);
    return 0;
}

const struct health_override *health_get_override(const struct health *health, enum health_kind kind,
                                                  uint32_t index)
{
    if (index >= health_count(health, kind) || health->nodes[kind][index].override_at == 0) {
        return NULL;
    }
    return &health->overrides[health->nodes[kind][index].override_at - 1].what;
}

/* ---- what the clock brings ---- */

/* What is due in one turn: the first `ended` of the places end. */
struct turn {
    struct health_due due[HEALTH_CLOCK_TURN];
    size_t count, ended;
};

static struct health_override_entry *entry_of(const struct health *health, const struct health_due *due)
{
    return &health->overrides[health->nodes[due->kind][due->index].override_at - 1];
}

static void gather(struct health *health, int64_t wall_ms, struct turn *turn)
{
    struct health_due due;
    while (turn->count < HEALTH_CLOCK_TURN && health_due_take(health, wall_ms, &due)) {
        struct health_override_entry *entry = entry_of(health, &due);
        if (entry->turned) {
            continue; /* it was put there twice */
        }
        entry->turned = true;
        if (is_expired(&entry->what, wall_ms)) {
            turn->due[turn->count++] = turn->due[turn->ended];
            turn->due[turn->ended++] = due;
        } else {
            turn->due[turn->count++] = due;
        }
    }
}

/* Those that expire go behind the others: their entries stay readable there until the list grows again, the
 * first one last. */
static void end_expired(struct health *health, const struct turn *turn)
{
    for (size_t i = 0; i < turn->ended; i++) {
        const struct health_due *due = &turn->due[i];
        struct health_override_entry ended = *entry_of(health, due);
        ended.turned = !is_planned(health, &ended); /* else its start was missed */
        remove_entry(health, &health->nodes[due->kind][due->index]);
        health->overrides[health->override_count] = ended;
        set_desired(health, due->kind, due->index, HEALTH_DESIRED_AUTO, false);
    }
}

static void start_planned(struct health *health, const struct turn *turn)
{
    for (size_t i = turn->ended; i < turn->count; i++) {
        const struct health_due *due = &turn->due[i];
        struct health_override_entry *entry = entry_of(health, due);
        entry->turned = false;
        health->override_changes++;
        health_note(health, due->kind, due->index);
        set_desired(health, due->kind, due->index, health_override_desired(&entry->what), false);
        health_due_add(health, entry);
    }
}

static void tell_turn(struct health *health, const struct health_override_entry *entry, enum health_turn turn)
{
    struct health_override_turn told = {entry->kind, health->nodes[entry->kind][entry->index].name,
                                        &entry->what, turn};
    health->delivering = true;
    if (health->listener.turned != NULL) {
        health->listener.turned(health->listener.context, &told);
    }
    health->delivering = false;
}

static void tell_turns(struct health *health, const struct turn *turn)
{
    for (size_t i = turn->ended; i < turn->count; i++) {
        tell_turn(health, entry_of(health, &turn->due[i]), HEALTH_TURN_STARTED);
    }
    for (size_t i = 0; i < turn->ended; i++) {
        const struct health_override_entry *ended =
            &health->overrides[health->override_count + turn->ended - 1 - i];
        tell_turn(health, ended, ended->turned ? HEALTH_TURN_EXPIRED : HEALTH_TURN_MISSED);
    }
}

/* Of what starts or ends: regions and azs, or endpoints. */
static void settle_turned(struct health *health, const struct turn *turn, bool wide)
{
    for (size_t i = 0; i < turn->count; i++) {
        if ((turn->due[i].kind != HEALTH_ENDPOINT) == wide) {
            health_settle(health, turn->due[i].kind, turn->due[i].index, HEALTH_OUTCOME_NONE);
        }
    }
}

/* What is due goes at once: one change, so nothing shows an in-between that nobody wanted; of more than a
 * turn's worth what was due first goes first. What ends does so before anything starts: where one drain
 * follows another, rather both may serve for the moment between the stores than neither. */
size_t health_follow_turn(struct health *health, int64_t wall_ms)
{
    assert(!health->delivering);
    size_t dormant = health_dormants_follow(health, wall_ms);
    struct turn turn = {.count = 0};
    gather(health, wall_ms, &turn);
    if (turn.count == 0) {
        return dormant;
    }
    health->wall_ms = wall_ms;
    end_expired(health, &turn);
    start_planned(health, &turn);
    health_due_tidy(health);
    health_table_advance(health);
    tell_turns(health, &turn);
    settle_turned(health, &turn, true);
    health_tell_wide(health);
    settle_turned(health, &turn, false);
    health_deliver(health);
    return turn.count + dormant;
}

size_t health_follow_clock(struct health *health, int64_t wall_ms)
{
    size_t all = 0;
    for (size_t now = 1; now != 0; all += now) {
        now = health_follow_turn(health, wall_ms);
    }
    return all;
}

int64_t health_next_due(const struct health *health)
{
    int64_t next_ms = health->dues.count == 0 ? 0 : health->dues.items[0].at_ms;
    int64_t dormant_ms = health->dormant_due_ms;
    return next_ms == 0 || (dormant_ms != 0 && dormant_ms < next_ms) ? dormant_ms : next_ms;
}

/* ---- a clock that was set ---- */

bool health_shift_clock(struct health *health, int64_t by_ms, size_t *done)
{
    *done += *done == 0 && health->dormant_count == 0 ? HEALTH_DORMANT_BLOCKS : 0;
    for (size_t i = 0; i < SHIFT_BLOCKS && *done < HEALTH_DORMANT_BLOCKS; i++) {
        health_dormants_shift(health, (*done)++, by_ms);
    }
    if (*done < HEALTH_DORMANT_BLOCKS) {
        return true;
    }
    if (*done == HEALTH_DORMANT_BLOCKS) {
        health_due_renew_begin(health);
    }
    size_t all = HEALTH_DORMANT_BLOCKS + health->override_count;
    for (size_t i = 0; i < HEALTH_CLOCK_TURN && *done < all; i++) {
        struct health_override_entry *entry = &health->overrides[(*done)++ - HEALTH_DORMANT_BLOCKS];
        if (health_override_shift(&entry->what, is_planned(health, entry), by_ms)) {
            health->override_changes++;
            health_note(health, entry->kind, entry->index);
        }
        health_due_renew(health, entry);
    }
    if (*done >= all) {
        health_due_renew_end(health);
    }
    return *done < all;
}
