/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Overrides whose target is gone: kept by name until it is back, expiring meanwhile. A block of all of them
 * is immutable and shared by copies of a machine; a change makes another one. There are few, and few changes.
 */
#include "config.h"

#include "health/health.h"

#include "base/arena.h"
#include "base/memory.h"
#include "health/machine.h"

#include <stdlib.h>
#include <string.h>

struct health_dormants *health_dormants_new(void)
{
    struct health_dormants *dormants = memory_alloc(sizeof *dormants);
    *dormants = (struct health_dormants){.holders = 1, .texts = arena_new(0)};
    return dormants;
}

static void release(struct health_dormants *dormants)
{
    if (dormants != NULL && atomic_fetch_sub_explicit(&dormants->holders, 1, memory_order_acq_rel) == 1) {
        arena_free(dormants->texts);
        free(dormants->items);
        free(dormants);
    }
}

void health_dormants_add(struct health_dormants *dormants, const struct health_dormant *dormant)
{
    if (dormants->count == HEALTH_DORMANT_MAX) {
        dormants->dropped++;
        return;
    }
    dormants->items =
        memory_grow(dormants->items, dormants->count, &dormants->capacity, sizeof *dormants->items);
    struct health_dormant *to = &dormants->items[dormants->count++];
    *to = *dormant;
    to->name = arena_copy_text(dormants->texts, dormant->name);
    to->heir = dormant->heir == NULL ? NULL : arena_copy_text(dormants->texts, dormant->heir);
    int64_t due_ms = to->planned ? to->what.starts_ms : to->what.expires_ms;
    if (due_ms != 0 && (dormants->next_due_ms == 0 || due_ms < dormants->next_due_ms)) {
        dormants->next_due_ms = due_ms;
    }
}

void health_dormants_put(struct health *health, struct health_dormants *dormants)
{
    if (dormants != NULL && dormants->count == 0 && dormants->dropped == 0) {
        release(dormants);
        dormants = NULL;
    }
    release(health->dormants);
    health->dormants = dormants;
    health->dormant_changes++;
}

/* In place, if nobody shares the block: at a start all come one by one. One that lay there by this name has
 * been replaced. */
void health_lay_dormant(struct health *health, const struct health_dormant *dormant)
{
    (void)health_forget_dormant(health, dormant->kind, dormant->name);
    struct health_dormants *dormants = health->dormants;
    if (dormants != NULL && atomic_load_explicit(&dormants->holders, memory_order_acquire) == 1) {
        health_dormants_add(dormants, dormant);
        health->dormant_changes++;
        return;
    }
    struct health_dormants *next = health_dormants_new();
    next->dropped = health_count_dropped(health);
    for (size_t i = 0; i < health_count_dormant(health); i++) {
        health_dormants_add(next, &health->dormants->items[i]);
    }
    health_dormants_add(next, dormant);
    health_dormants_put(health, next);
}

void health_dormants_share(struct health *to, const struct health *from)
{
    if (from->dormants != NULL) {
        atomic_fetch_add_explicit(&from->dormants->holders, 1, memory_order_relaxed);
    }
    health_dormants_put(to, from->dormants);
}

/* ---- for everybody ---- */

size_t health_count_dormant(const struct health *health)
{
    return health->dormants == NULL ? 0 : health->dormants->count;
}

size_t health_count_dropped(const struct health *health)
{
    return health->dormants == NULL ? 0 : health->dormants->dropped;
}

const struct health_dormant *health_get_dormant(const struct health *health, size_t i)
{
    return &health->dormants->items[i];
}

const struct health_dormant *health_find_dormant(const struct health *health, enum health_kind kind,
                                                 const char *name)
{
    for (size_t i = 0; i < health_count_dormant(health); i++) {
        const struct health_dormant *dormant = &health->dormants->items[i];
        if (dormant->kind == kind && strcmp(dormant->name, name) == 0) {
            return dormant;
        }
    }
    return NULL;
}

bool health_forget_dormant(struct health *health, enum health_kind kind, const char *name)
{
    const struct health_dormant *gone = health_find_dormant(health, kind, name);
    if (gone == NULL) {
        return false;
    }
    struct health_dormants *next = health_dormants_new();
    for (size_t i = 0; i < health->dormants->count; i++) {
        if (&health->dormants->items[i] != gone) {
            health_dormants_add(next, &health->dormants->items[i]);
        }
    }
    health_dormants_put(health, next);
    return true;
}

/* ---- time ---- */

static void tell(const struct health *health, const struct health_dormant *dormant, enum health_turn turn)
{
    if (health->listener.turned != NULL) {
        health->listener.turned(
            health->listener.context,
            &(struct health_override_turn){dormant->kind, dormant->name, &dormant->what, turn});
    }
}

size_t health_dormants_follow(struct health *health, int64_t wall_ms)
{
    const struct health_dormants *before = health->dormants;
    if (before == NULL || before->next_due_ms == 0 || before->next_due_ms > wall_ms) {
        return 0;
    }
    struct health_dormants *next = health_dormants_new();
    size_t ended = 0;
    for (size_t i = 0; i < before->count; i++) {
        struct health_dormant dormant = before->items[i];
        if (dormant.what.expires_ms != 0 && dormant.what.expires_ms <= wall_ms) {
            tell(health, &dormant, dormant.planned ? HEALTH_TURN_MISSED : HEALTH_TURN_EXPIRED);
            ended++;
            continue;
        }
        dormant.planned = dormant.planned && dormant.what.starts_ms > wall_ms;
        health_dormants_add(next, &dormant);
    }
    health_dormants_put(health, next);
    return ended;
}

void health_dormants_shift(struct health *health, int64_t by_ms)
{
    if (health->dormants == NULL) {
        return;
    }
    struct health_dormants *next = health_dormants_new();
    for (size_t i = 0; i < health->dormants->count; i++) {
        struct health_dormant dormant = health->dormants->items[i];
        (void)health_override_shift(&dormant.what, dormant.planned, by_ms);
        health_dormants_add(next, &dormant);
    }
    health_dormants_put(health, next);
}

/* ---- after a reload ---- */

void health_tell_carried(const struct health *health)
{
    for (size_t i = 0; i < health_count_dormant(health); i++) {
        if (health->dormants->items[i].is_new) {
            tell(health, &health->dormants->items[i], HEALTH_TURN_DORMANT);
        }
    }
    for (size_t i = 0; i < health->woken_count; i++) {
        const struct health_place *place = &health->woken[i];
        uint32_t at = health->nodes[place->kind][place->index].override_at;
        if (at != 0) {
            const struct health_dormant woken = {.kind = place->kind,
                                                 .name = health->nodes[place->kind][place->index].name,
                                                 .what = health->overrides[at - 1].what};
            tell(health, &woken, HEALTH_TURN_WOKEN);
        }
    }
}
