/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Overrides whose target is gone: kept by name until it is back, expiring meanwhile. They lie in blocks by
 * the hash of their name, so that a change, a search and a turn at the lock cost what is in one of them. A
 * block is shared by copies of a machine and immutable while it is; a change makes another one. */
#include "config.h"

#include "health/health.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/memory.h"
#include "health/machine.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_BLOCK = 512, FOLLOW_BLOCKS = 8 };

static size_t find_block(enum health_kind kind, const char *name)
{
    uint64_t hash = hash_bytes(HASH_START + (uint64_t)kind, name, strlen(name));
    return hash_finish(hash) % HEALTH_DORMANT_BLOCKS;
}

size_t health_dormant_block(enum health_kind kind, const char *name)
{
    return find_block(kind, name);
}

/* ---- blocks ---- */

static struct health_dormants *make(void)
{
    struct health_dormants *dormants = memory_alloc(sizeof *dormants);
    *dormants = (struct health_dormants){.holders = 1, .texts = arena_new(TEXT_BLOCK)};
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

static void add(struct health_dormants *dormants, const struct health_dormant *dormant)
{
    dormants->items =
        memory_grow(dormants->items, dormants->count, &dormants->capacity, sizeof *dormants->items);
    struct health_dormant *to = &dormants->items[dormants->count++];
    *to = *dormant;
    to->name = arena_copy_text(dormants->texts, dormant->name);
    to->heir = dormant->heir == NULL ? NULL : arena_copy_text(dormants->texts, dormant->heir);
    dormants->hashes += health_hash_override(dormant->kind, dormant->name, &dormant->what);
    int64_t due_ms = to->planned ? to->what.starts_ms : to->what.expires_ms;
    if (due_ms != 0 && (dormants->next_due_ms == 0 || due_ms < dormants->next_due_ms)) {
        dormants->next_due_ms = due_ms;
    }
}

static struct health_dormants *at(const struct health *health, size_t block)
{
    return health->dormants == NULL ? NULL : health->dormants[block];
}

static size_t count_in(const struct health *health, size_t block)
{
    const struct health_dormants *dormants = at(health, block);
    return dormants == NULL ? 0 : dormants->count;
}

static void find_next_due(struct health *health)
{
    health->dormant_due_ms = 0;
    for (size_t i = 0; i < HEALTH_DORMANT_BLOCKS && health->dormants != NULL; i++) {
        const struct health_dormants *dormants = health->dormants[i];
        int64_t due_ms = dormants == NULL ? 0 : dormants->next_due_ms;
        if (due_ms != 0 && (health->dormant_due_ms == 0 || due_ms < health->dormant_due_ms)) {
            health->dormant_due_ms = due_ms;
        }
    }
}

static void note_change(struct health *health, struct health_dormants *dormants)
{
    health->dormant_changes++;
    if (dormants != NULL) {
        dormants->stamp = health->dormant_changes;
    }
}

/* Takes them. */
static void put(struct health *health, size_t block, struct health_dormants *dormants)
{
    if (dormants != NULL && dormants->count == 0) {
        release(dormants);
        dormants = NULL;
    }
    if (health->dormants == NULL) {
        health->dormants = memory_alloc_array(HEALTH_DORMANT_BLOCKS, sizeof(struct health_dormants *));
    }
    struct health_dormants *before = health->dormants[block];
    health->dormant_count -= before == NULL ? 0 : before->count;
    health->dormant_count += dormants == NULL ? 0 : dormants->count;
    health->dormants[block] = dormants;
    note_change(health, dormants);
    find_next_due(health);
    release(before);
}

/* Those of a block that are to stay. */
static void filter(struct health *health, size_t block,
                   bool (*stays)(const void *context, const struct health_dormant *dormant),
                   const void *context)
{
    struct health_dormants *next = make();
    for (size_t i = 0; i < count_in(health, block); i++) {
        const struct health_dormant *dormant = &health->dormants[block]->items[i];
        if (stays(context, dormant)) {
            add(next, dormant);
        }
    }
    put(health, block, next);
}

static bool is_other(const void *context, const struct health_dormant *dormant)
{
    return dormant != context;
}

/* In place, if nobody shares the block: at a start all come one by one. One that lay there by this name has
 * been replaced. */
void health_lay_dormant(struct health *health, const struct health_dormant *dormant)
{
    size_t block = find_block(dormant->kind, dormant->name);
    (void)health_forget_dormant(health, dormant->kind, dormant->name);
    struct health_dormants *dormants = at(health, block);
    if (dormants == NULL || atomic_load_explicit(&dormants->holders, memory_order_acquire) != 1) {
        struct health_dormants *next = make();
        for (size_t i = 0; dormants != NULL && i < dormants->count; i++) {
            add(next, &dormants->items[i]);
        }
        add(next, dormant);
        put(health, block, next);
        return;
    }
    add(dormants, dormant);
    health->dormant_count++;
    note_change(health, dormants);
    if (health->dormant_due_ms == 0 ||
        (dormants->next_due_ms != 0 && dormants->next_due_ms < health->dormant_due_ms)) {
        health->dormant_due_ms = dormants->next_due_ms;
    }
}

static bool is_new(const void *context, const struct health_dormant *dormant)
{
    (void)context;
    return dormant->is_new;
}

void health_dormants_drop_old(struct health *health, size_t block)
{
    if (count_in(health, block) != 0) {
        filter(health, block, is_new, NULL);
    }
}

void health_dormants_drop(struct health *health)
{
    for (size_t i = 0; i < HEALTH_DORMANT_BLOCKS && health->dormants != NULL; i++) {
        release(health->dormants[i]);
    }
    free(health->dormants);
    health->dormants = NULL;
    health->dormant_count = 0;
    health->dormant_due_ms = 0;
    health->dormant_changes++;
}

void health_dormants_share(struct health *to, const struct health *from)
{
    health_dormants_drop(to);
    if (from->dormant_count != 0) {
        to->dormants = memory_alloc_array(HEALTH_DORMANT_BLOCKS, sizeof(struct health_dormants *));
        for (size_t i = 0; i < HEALTH_DORMANT_BLOCKS; i++) {
            to->dormants[i] = from->dormants[i];
            if (from->dormants[i] != NULL) {
                atomic_fetch_add_explicit(&from->dormants[i]->holders, 1, memory_order_relaxed);
            }
        }
    }
    to->dormant_count = from->dormant_count;
    to->dormant_due_ms = from->dormant_due_ms;
    to->dormant_changes = from->dormant_changes + 1; /* stamps of these blocks do not come again */
}

uint64_t health_dormants_stamp(const struct health *health, size_t block)
{
    const struct health_dormants *dormants = at(health, block);
    return dormants == NULL ? 0 : dormants->stamp;
}

uint64_t health_dormants_hash(const struct health *health)
{
    uint64_t sum = 0;
    for (size_t i = 0; health->dormant_count != 0 && i < HEALTH_DORMANT_BLOCKS; i++) {
        const struct health_dormants *dormants = at(health, i);
        sum += dormants == NULL ? 0 : dormants->hashes;
    }
    return sum;
}

/* ---- for everybody ---- */

size_t health_count_dormant(const struct health *health)
{
    return health->dormant_count;
}

const struct health_dormant *health_next_dormant(const struct health *health,
                                                 struct health_dormant_cursor *cursor)
{
    while (health->dormants != NULL && cursor->block < HEALTH_DORMANT_BLOCKS) {
        if (cursor->at < count_in(health, cursor->block)) {
            return &health->dormants[cursor->block]->items[cursor->at++];
        }
        cursor->block++;
        cursor->at = 0;
    }
    return NULL;
}

bool health_seek_dormant(const struct health *health, enum health_kind kind, const char *name,
                         struct health_dormant_cursor *cursor)
{
    size_t block = health->dormant_count == 0 ? 0 : find_block(kind, name);
    for (size_t i = 0; i < count_in(health, block); i++) {
        const struct health_dormant *dormant = &health->dormants[block]->items[i];
        if (dormant->kind == kind && strcmp(dormant->name, name) == 0) {
            *cursor = (struct health_dormant_cursor){.block = block, .at = i + 1};
            return true;
        }
    }
    return false;
}

const struct health_dormant *health_find_dormant(const struct health *health, enum health_kind kind,
                                                 const char *name)
{
    struct health_dormant_cursor behind;
    return health_seek_dormant(health, kind, name, &behind)
               ? &health->dormants[behind.block]->items[behind.at - 1]
               : NULL;
}

bool health_forget_dormant(struct health *health, enum health_kind kind, const char *name)
{
    const struct health_dormant *gone = health_find_dormant(health, kind, name);
    if (gone != NULL) {
        filter(health, find_block(kind, name), is_other, gone);
    }
    return gone != NULL;
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

/* Returns how many there were. */
static size_t follow(struct health *health, size_t block, int64_t wall_ms)
{
    const struct health_dormants *before = health->dormants[block];
    struct health_dormants *next = make();
    size_t turned = 0;
    for (size_t i = 0; i < before->count; i++) {
        struct health_dormant dormant = before->items[i];
        if (dormant.what.expires_ms != 0 && dormant.what.expires_ms <= wall_ms) {
            tell(health, &dormant, dormant.planned ? HEALTH_TURN_MISSED : HEALTH_TURN_EXPIRED);
            turned++;
            continue;
        }
        bool planned = dormant.planned && dormant.what.starts_ms > wall_ms;
        turned += planned != dormant.planned;
        dormant.planned = planned;
        add(next, &dormant);
    }
    put(health, block, next);
    return turned;
}

size_t health_dormants_follow(struct health *health, int64_t wall_ms)
{
    size_t turned = 0, blocks = 0;
    if (health->dormant_due_ms == 0 || health->dormant_due_ms > wall_ms) {
        return 0;
    }
    for (size_t i = 0; i < HEALTH_DORMANT_BLOCKS && blocks < FOLLOW_BLOCKS; i++) {
        const struct health_dormants *dormants = at(health, i);
        if (dormants != NULL && dormants->next_due_ms != 0 && dormants->next_due_ms <= wall_ms) {
            turned += follow(health, i, wall_ms);
            blocks++;
        }
    }
    return turned;
}

void health_dormants_shift(struct health *health, size_t block, int64_t by_ms)
{
    if (count_in(health, block) == 0) {
        return;
    }
    struct health_dormants *next = make();
    for (size_t i = 0; i < health->dormants[block]->count; i++) {
        struct health_dormant dormant = health->dormants[block]->items[i];
        (void)health_override_shift(&dormant.what, dormant.planned, by_ms);
        add(next, &dormant);
    }
    put(health, block, next);
}

/* ---- after a reload ---- */

void health_tell_carried(const struct health *health)
{
    struct health_dormant_cursor cursor = {0};
    for (const struct health_dormant *dormant; (dormant = health_next_dormant(health, &cursor)) != NULL;) {
        if (dormant->is_new) {
            tell(health, dormant, HEALTH_TURN_DORMANT);
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
