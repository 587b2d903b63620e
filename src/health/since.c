/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Since when an object is in its state. A word of a region decides about ten thousand endpoints, and nobody
 * has the time to write that into each of them: what is written down is the word as it was. The time is found
 * by going back through those words to the latest one before which the state was another. An endpoint's own
 * word is not among them; before that changes, what it meant so far is put into the node. */
#include "config.h"

#include "health/health.h"

#include "health/machine.h"

/* What an object's state follows from, and from whom. */
struct chain {
    uint32_t word, az, region; /* words; 0: not above it */
    uint32_t az_index, region_index;
    enum health_kind kind;
};

static struct chain make_chain(const struct health *health, enum health_kind kind, uint32_t index)
{
    struct chain chain = {.kind = kind, .word = health_word_get(health, kind, index)};
    uint32_t parent = health->nodes[kind][index].parent;
    if (kind == HEALTH_ENDPOINT) {
        chain.az_index = parent;
        chain.az = health_word_get(health, HEALTH_AZ, parent);
        parent = health->nodes[HEALTH_AZ][parent].parent;
    }
    if (kind != HEALTH_REGION) {
        chain.region_index = parent;
        chain.region = health_word_get(health, HEALTH_REGION, parent);
    }
    return chain;
}

static enum health_state state_of(const struct chain *chain)
{
    return health_combine(chain->word, chain->az, chain->region).state;
}

/* As it was before that. Changes of the object's own word are in its node. */
static void undo(struct chain *chain, const struct health_past *past)
{
    if (past->kind == HEALTH_REGION && chain->kind != HEALTH_REGION && past->index == chain->region_index) {
        chain->region = past->before;
    } else if (past->kind == HEALTH_AZ && chain->kind == HEALTH_ENDPOINT && past->index == chain->az_index) {
        chain->az = past->before;
    }
}

/* Since when it was in the state that it had before the change `until`. */
static int64_t trace(const struct health *health, enum health_kind kind, uint32_t index, uint64_t until,
                     enum health_state *state)
{
    const struct health_node *node = &health->nodes[kind][index];
    const struct health_past *pasts = health->pasts;
    struct chain chain = make_chain(health, kind, index);
    unsigned i = health->past_count;
    for (; i != 0 && pasts[i - 1].change >= until; i--) {
        undo(&chain, &pasts[i - 1]);
    }
    *state = state_of(&chain);
    while (i != 0 && pasts[i - 1].change > node->change) {
        const struct health_past *latest = &pasts[i - 1]; /* of its change */
        for (; i != 0 && pasts[i - 1].change == latest->change; i--) {
            undo(&chain, &pasts[i - 1]);
        }
        if (state_of(&chain) != *state) {
            return latest->wall_ms;
        }
    }
    return (uint8_t)*state == node->was ? node->since_ms : node->change_ms;
}

int64_t health_find_since(const struct health *health, enum health_kind kind, uint32_t index)
{
    enum health_state state;
    return trace(health, kind, index, UINT64_MAX, &state);
}

void health_set_since(struct health *health, enum health_kind kind, uint32_t index, int64_t since_ms)
{
    struct health_node *node = &health->nodes[kind][index];
    struct chain chain = make_chain(health, kind, index);
    node->since_ms = since_ms;
    node->was = (uint8_t)state_of(&chain);
    node->change = health_next_change(health) - 1;
}

/* So many wide changes, and not told yet: nodes take it all. */
static void forget_pasts(struct health *health)
{
    uint64_t now = health_next_change(health);
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            if (health->nodes[kind][i].change != now) {
                health_set_since(health, kind, i, health_find_since(health, kind, i));
            }
        }
    }
    health->past_count = 0;
}

void health_remember(struct health *health, enum health_kind kind, uint32_t index)
{
    struct health_node *node = &health->nodes[kind][index];
    uint64_t now = health_next_change(health);
    if (node->change != now) {
        enum health_state was;
        node->since_ms = trace(health, kind, index, now, &was);
        node->was = (uint8_t)was;
        node->change = now;
    }
    node->change_ms = health->wall_ms;
    if (kind != HEALTH_ENDPOINT) {
        if (health->past_count == HEALTH_PASTS) {
            forget_pasts(health);
        }
        health->pasts[health->past_count++] =
            (struct health_past){now, health->wall_ms, kind, index, health_word_get(health, kind, index)};
    }
}
