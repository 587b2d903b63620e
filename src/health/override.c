/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What operators desire: overrides of endpoints, azs and regions with actor, reason and expiry. They live
 * beside what is observed and never change it or a roll-up. Kept as a flat list; the nodes point into it. */
#include "config.h"

#include "health/health.h"

#include "base/error.h"
#include "base/memory.h"
#include "health/machine.h"

#include <assert.h>

static bool is_due(const struct health_override *override, int64_t wall_ms)
{
    return override->expires_ms != 0 && override->expires_ms <= wall_ms;
}

static void find_next_expiry(struct health *health)
{
    int64_t next = 0;
    for (size_t i = 0; i < health->override_count; i++) {
        int64_t expires = health->overrides[i].what.expires_ms;
        if (expires != 0 && (next == 0 || expires < next)) {
            next = expires;
        }
    }
    health->next_expiry_ms = next;
}

/* One expiry instead of another (0: never), without looking at all overrides unless the next one went away.
 */
static void follow_expiry(struct health *health, int64_t before, int64_t after)
{
    if (before != 0 && before == health->next_expiry_ms && before != after) {
        find_next_expiry(health);
    } else if (after != 0 && (health->next_expiry_ms == 0 || after < health->next_expiry_ms)) {
        health->next_expiry_ms = after;
    }
}

/* The last one takes the place of the removed one. */
static void remove_entry(struct health *health, struct health_node *node)
{
    uint32_t at = node->override_at - 1;
    const struct health_override_entry *last = &health->overrides[--health->override_count];
    health->overrides[at] = *last;
    health->nodes[last->kind][last->index].override_at = at + 1;
    node->override_at = 0;
}

void health_put_override(struct health *health, enum health_kind kind, uint32_t index,
                         const struct health_override *override)
{
    struct health_node *node = &health->nodes[kind][index];
    int64_t before = 0;
    if (node->override_at == 0) {
        assert(health->override_count < UINT32_MAX);
        health->overrides = memory_grow(health->overrides, health->override_count, &health->override_capacity,
                                        sizeof *health->overrides);
        node->override_at = (uint32_t)++health->override_count;
    } else {
        before = health->overrides[node->override_at - 1].what.expires_ms;
    }
    struct health_override_entry *entry = &health->overrides[node->override_at - 1];
    *entry = (struct health_override_entry){kind, index, *override};
    entry->what.reason[HEALTH_REASON_SIZE - 1] = '\0';
    entry->what.actor[HEALTH_ACTOR_SIZE - 1] = '\0';
    follow_expiry(health, before, override->expires_ms);
    health_word_set_desired(health, kind, index, override->desired);
}

/* Another reason or expiry alone is none of the answers' business. */
static void publish(struct health *health, enum health_kind kind, uint32_t index, enum health_desired before,
                    int64_t wall_ms)
{
    if (health_word_desired(health_word_get(health, kind, index)) != before) {
        health_table_advance(health);
        health_settle(health, kind, index, &(struct health_cause){HEALTH_OUTCOME_NONE, wall_ms});
        health_deliver(health);
    }
}

int health_set_override(struct health *health, enum health_kind kind, uint32_t index,
                        const struct health_override *override, int64_t wall_ms)
{
    assert(!health->delivering);
    assert((unsigned) override->desired <= HEALTH_DESIRED_DOWN);
    if (index >= health_count(health, kind)) {
        return ERROR_NOT_FOUND;
    }
    enum health_desired before = health_word_desired(health_word_get(health, kind, index));
    health->wall_ms = wall_ms;
    if (override->desired != HEALTH_DESIRED_AUTO && !is_due(override, wall_ms)) {
        health_put_override(health, kind, index, override);
    } else if (before != HEALTH_DESIRED_AUTO) {
        struct health_node *node = &health->nodes[kind][index];
        int64_t expires = health->overrides[node->override_at - 1].what.expires_ms;
        remove_entry(health, node);
        health_word_set_desired(health, kind, index, HEALTH_DESIRED_AUTO);
        follow_expiry(health, expires, 0);
    }
    publish(health, kind, index, before, wall_ms);
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

/* Those that are due go behind the others: their entries stay readable there until the list grows again. */
static size_t take_due(struct health *health, int64_t wall_ms)
{
    size_t before = health->override_count;
    health->wall_ms = wall_ms;
    for (size_t i = 0; i < health->override_count;) {
        struct health_override_entry due = health->overrides[i];
        if (!is_due(&due.what, wall_ms)) {
            i++;
            continue;
        }
        remove_entry(health, &health->nodes[due.kind][due.index]);
        health->overrides[health->override_count] = due;
        health_word_set_desired(health, due.kind, due.index, HEALTH_DESIRED_AUTO);
    }
    return before - health->override_count;
}

/* Whatever is due goes at once: one change, so nothing shows an in-between that nobody wanted. */
size_t health_expire(struct health *health, int64_t wall_ms)
{
    assert(!health->delivering);
    bool is_due = health->next_expiry_ms != 0 && health->next_expiry_ms <= wall_ms;
    health_expire_loads(health, wall_ms);
    if (!is_due) {
        return 0;
    }
    size_t expired = take_due(health, wall_ms);
    health_table_advance(health);
    for (size_t i = 0; i < expired; i++) {
        const struct health_override_entry *due = &health->overrides[health->override_count + i];
        health_settle(health, due->kind, due->index, &(struct health_cause){HEALTH_OUTCOME_NONE, wall_ms});
    }
    find_next_expiry(health);
    health_deliver(health);
    return expired;
}

int64_t health_next_expiry(const struct health *health)
{
    return health->next_expiry_ms;
}
