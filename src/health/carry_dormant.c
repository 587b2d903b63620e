/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Overrides in a reload whose target is gone, there or here: one whose object goes falls dormant, one whose
 * object comes back wakes, and both is done again where it changed while the reload was under way. */
#include "config.h"

#include "base/memory.h"
#include "health/carry_inside.h"

void health_carrier_note(void *context, const struct health_change *change)
{
    struct health_carrier *c = context;
    c->touched = memory_grow(c->touched, c->touched_count, &c->touched_capacity, sizeof *c->touched);
    c->touched[c->touched_count++] = (struct health_place){change->kind, change->index};
}

static void settle_override(struct health_carrier *c, const struct health_place *place)
{
    if (c->is_settled) {
        health_settle(c->to, place->kind, place->index, HEALTH_OUTCOME_NONE);
        health_deliver(c->to);
        health_carrier_note(c, &(struct health_change){.kind = place->kind, .index = place->index});
    }
}

static void wake(struct health_carrier *c, uint32_t index, const struct health_dormant *dormant)
{
    struct health *to = c->to;
    to->woken = memory_grow(to->woken, to->woken_count, &to->woken_capacity, sizeof *to->woken);
    struct health_place *place = &to->woken[to->woken_count++];
    *place = (struct health_place){dormant->kind, index};
    health_put_override(to, dormant->kind, index, &dormant->what, dormant->planned);
    settle_override(c, place);
}

static void put_back(struct health_carrier *c, size_t block)
{
    struct health *to = c->to;
    for (size_t i = 0; i < to->woken_count;) {
        const struct health_place place = to->woken[i];
        if (health_dormant_block(place.kind, to->nodes[place.kind][place.index].name) != block) {
            i++;
            continue;
        }
        to->woken[i] = to->woken[--to->woken_count];
        health_drop_override(to, place.kind, place.index);
        settle_override(c, &place);
    }
}

/* Of those that lay dormant there. */
static void carry_block(struct health_carrier *c, size_t block)
{
    struct health_dormant_cursor cursor = {.block = block};
    c->stamps[block] = health_dormants_stamp(c->from, block);
    put_back(c, block);
    health_dormants_drop_old(c->to, block);
    for (const struct health_dormant *item;
         (item = health_next_dormant(c->from, &cursor)) != NULL && cursor.block == block;) {
        struct health_dormant dormant = *item;
        ptrdiff_t index = health_find(c->to, dormant.kind, dormant.name);
        dormant.is_new = false;
        dormant.heir = NULL;
        if (index >= 0) {
            wake(c, (uint32_t)index, &dormant);
        } else {
            health_lay_dormant(c->to, &dormant);
        }
    }
}

/* Of an object that is not here any more. */
void health_carrier_take_orphan(struct health_carrier *c, enum health_kind kind, uint32_t old)
{
    const struct health *from = c->from;
    const struct health_node *gone = &from->nodes[kind][old];
    if (gone->override_at == 0) {
        (void)health_forget_dormant(c->to, kind, gone->name);
        return;
    }
    uint32_t heir = kind == HEALTH_ENDPOINT ? c->match.first_heir[old] : HEALTH_NEW;
    uint32_t word = health_word_get(from, kind, old);
    health_lay_dormant(
        c->to,
        &(struct health_dormant){.kind = kind,
                                 .name = gone->name,
                                 .heir = heir == HEALTH_NEW ? NULL : c->to->nodes[HEALTH_ENDPOINT][heir].name,
                                 .what = from->overrides[gone->override_at - 1].what,
                                 .planned = (word & HEALTH_WORD_PLANNED) != 0,
                                 .is_new = true});
}

/* Returns whether there are more. */
bool health_carrier_take_blocks(struct health_carrier *c, size_t count)
{
    if (c->match.is_same_plan || c->blocks_done == 0) {
        c->dormant_changes = c->from->dormant_changes;
    }
    if (c->match.is_same_plan) {
        health_dormants_share(c->to, c->from);
        return false;
    }
    for (; count != 0 && c->blocks_done < HEALTH_DORMANT_BLOCKS; count--) {
        carry_block(c, c->blocks_done++);
    }
    return c->blocks_done < HEALTH_DORMANT_BLOCKS;
}

bool health_carrier_take_orphans(struct health_carrier *c, size_t count)
{
    size_t before = 0;
    if (c->match.gone_count == 0) {
        return false;
    }
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (; count != 0 && c->orphans_done - before < c->from->counts[kind]; count--) {
            uint32_t old = (uint32_t)(c->orphans_done++ - before);
            if (c->match.next[kind][old] == HEALTH_NEW && c->from->nodes[kind][old].override_at != 0) {
                health_carrier_take_orphan(c, kind, old);
            }
        }
        before += c->from->counts[kind];
        if (c->orphans_done < before) {
            return true;
        }
    }
    return false;
}

/* What changed since. Returns whether anything did. */
bool health_carrier_take_blocks_again(struct health_carrier *c)
{
    if (c->dormant_changes == c->from->dormant_changes) {
        return false;
    }
    c->dormant_changes = c->from->dormant_changes;
    if (c->match.is_same_plan) {
        health_dormants_share(c->to, c->from);
        return true;
    }
    for (size_t i = 0; i < HEALTH_DORMANT_BLOCKS; i++) {
        if (c->stamps[i] != health_dormants_stamp(c->from, i)) {
            carry_block(c, i);
        }
    }
    return true;
}
