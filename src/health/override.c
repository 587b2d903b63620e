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
#include "health/machine.h"

#include <assert.h>

static bool is_expired(const struct health_override *override, int64_t wall_ms)
{
    return override->expires_ms != 0 && override->expires_ms <= wall_ms;
}

static bool is_planned(const struct health *health, const struct health_override_entry *entry)
{
    return (health_word_get(health, entry->kind, entry->index) & HEALTH_WORD_PLANNED) != 0;
}

/* When something happens to it; 0: never. */
static int64_t due_of(const struct health *health, const struct health_override_entry *entry)
{
    return is_planned(health, entry) ? entry->what.starts_ms : entry->what.expires_ms;
}

static void find_next_due(struct health *health)
{
    int64_t next = 0;
    for (size_t i = 0; i < health->override_count; i++) {
        int64_t due = due_of(health, &health->overrides[i]);
        if (due != 0 && (next == 0 || due < next)) {
            next = due;
        }
    }
    health->next_due_ms = next;
}

/* Something is due at another time (0: never), without looking at all overrides unless the next one went
 * away. */
static void follow_due(struct health *health, int64_t before, int64_t after)
{
    if (before != 0 && before == health->next_due_ms && before != after) {
        find_next_due(health);
    } else if (after != 0 && (health->next_due_ms == 0 || after < health->next_due_ms)) {
        health->next_due_ms = after;
    }
}

/* The last one takes the place of the removed one. */
static void remove_entry(struct health *health, struct health_node *node)
{
    uint32_t at = node->override_at - 1;
    health_note(health, health->overrides[at].kind, health->overrides[at].index);
    const struct health_override_entry *last = &health->overrides[--health->override_count];
    health->overrides[at] = *last;
    health->nodes[last->kind][last->index].override_at = at + 1;
    node->override_at = 0;
}

void health_put_override(struct health *health, enum health_kind kind, uint32_t index,
                         const struct health_override *override, bool planned)
{
    struct health_node *node = &health->nodes[kind][index];
    int64_t before = 0;
    health_note(health, kind, index);
    if (node->override_at == 0) {
        assert(health->override_count < UINT32_MAX);
        health->overrides = memory_grow(health->overrides, health->override_count, &health->override_capacity,
                                        sizeof *health->overrides);
        node->override_at = (uint32_t)++health->override_count;
    } else {
        before = due_of(health, &health->overrides[node->override_at - 1]);
    }
    struct health_override_entry *entry = &health->overrides[node->override_at - 1];
    *entry = (struct health_override_entry){.kind = kind, .index = index, .what = *override};
    entry->what.reason[HEALTH_REASON_SIZE - 1] = '\0';
    entry->what.actor[HEALTH_ACTOR_SIZE - 1] = '\0';
    health_word_set_desired(health, kind, index, override->desired, planned);
    follow_due(health, before, due_of(health, entry));
}

/* Another reason or time alone is none of the answers' business. */
static void publish(struct health *health, enum health_kind kind, uint32_t index, uint32_t before)
{
    if (health_word_get(health, kind, index) != before) {
        health_table_advance(health);
        health_settle(health, kind, index, HEALTH_OUTCOME_NONE);
        health_deliver(health);
    }
}

void health_drop_override(struct health *health, enum health_kind kind, uint32_t index)
{
    struct health_node *node = &health->nodes[kind][index];
    int64_t due = due_of(health, &health->overrides[node->override_at - 1]);
    remove_entry(health, node);
    health_word_set_desired(health, kind, index, HEALTH_DESIRED_AUTO, false);
    follow_due(health, due, 0);
}

int health_set_override(struct health *health, enum health_kind kind, uint32_t index,
                        const struct health_override *override, int64_t wall_ms)
{
    assert(!health->delivering);
    assert((unsigned) override->desired <= HEALTH_DESIRED_DOWN);
    assert(override->expires_ms == 0 || override->expires_ms > override->starts_ms);
    if (index >= health_count(health, kind)) {
        return ERROR_NOT_FOUND;
    }
    uint32_t before = health_word_get(health, kind, index);
    bool removes = override->desired == HEALTH_DESIRED_AUTO || is_expired(override, wall_ms);
    if (!removes && override->starts_ms != 0 && health_word_desired(before) != HEALTH_DESIRED_AUTO) {
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

const struct health_override *health_get_override(const struct health *health, enum health_kind kind,
                                                  uint32_t index)
{
    if (index >= health_count(health, kind) || health->nodes[kind][index].override_at == 0) {
        return NULL;
    }
    return &health->overrides[health->nodes[kind][index].override_at - 1].what;
}

/* ---- what the clock brings ---- */

/* Those that expire go behind the others: their entries stay readable there until the list grows again.
 * Returns how many. */
static size_t take_expired(struct health *health, int64_t wall_ms)
{
    size_t before = health->override_count;
    for (size_t i = 0; i < health->override_count;) {
        struct health_override_entry ended = health->overrides[i];
        if (!is_expired(&ended.what, wall_ms)) {
            i++;
            continue;
        }
        ended.turned = !is_planned(health, &ended); /* else its start was missed */
        remove_entry(health, &health->nodes[ended.kind][ended.index]);
        health->overrides[health->override_count] = ended;
        health_word_set_desired(health, ended.kind, ended.index, HEALTH_DESIRED_AUTO, false);
    }
    return before - health->override_count;
}

static size_t start_planned(struct health *health, int64_t wall_ms)
{
    size_t started = 0;
    for (size_t i = 0; i < health->override_count; i++) {
        struct health_override_entry *entry = &health->overrides[i];
        entry->turned = is_planned(health, entry) && entry->what.starts_ms <= wall_ms;
        if (entry->turned) {
            health_word_set_desired(health, entry->kind, entry->index, entry->what.desired, false);
            started++;
        }
    }
    return started;
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

/* Of what starts or ends: regions and azs, or endpoints. */
static void settle_turned(struct health *health, size_t end, bool wide)
{
    for (size_t i = 0; i < end; i++) {
        const struct health_override_entry *entry = &health->overrides[i];
        if ((i >= health->override_count || entry->turned) && (entry->kind != HEALTH_ENDPOINT) == wide) {
            health_settle(health, entry->kind, entry->index, HEALTH_OUTCOME_NONE);
        }
    }
}

/* Whatever is due goes at once: one change, so nothing shows an in-between that nobody wanted. What ends
 * does so before anything starts: where one drain follows another, rather both may serve for the moment
 * between the stores than neither. */
size_t health_follow_clock(struct health *health, int64_t wall_ms)
{
    assert(!health->delivering);
    if (health->next_due_ms == 0 || health->next_due_ms > wall_ms) {
        return 0;
    }
    health->wall_ms = wall_ms;
    size_t ended = take_expired(health, wall_ms), started = start_planned(health, wall_ms);
    size_t end = health->override_count + ended;
    health_table_advance(health);
    find_next_due(health);
    for (size_t i = 0; i < end; i++) {
        const struct health_override_entry *entry = &health->overrides[i];
        if (i >= health->override_count) {
            tell_turn(health, entry, entry->turned ? HEALTH_TURN_EXPIRED : HEALTH_TURN_MISSED);
        } else if (entry->turned) {
            tell_turn(health, entry, HEALTH_TURN_STARTED);
        }
    }
    settle_turned(health, end, true);
    health_tell_wide(health);
    settle_turned(health, end, false);
    health_deliver(health);
    return ended + started;
}

int64_t health_next_due(const struct health *health)
{
    return health->next_due_ms;
}
