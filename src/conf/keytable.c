/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Open addressing with linear probing, at most half full. The slots of a table that grew stay in the arena
 * until it goes, which doubles the memory in the worst case. */
#include "config.h"

#include "conf/keytable.h"

#include "base/hash.h"

#include <stdint.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

struct slot {
    const void *key; /* NULL: free */
    size_t len;
    uint64_t hash;
    void *value;
};

struct keytable {
    struct arena *arena;
    struct slot *slots;
    size_t count, capacity; /* a power of two */
};

struct keytable *keytable_new(struct arena *arena)
{
    struct keytable *table = arena_alloc(arena, sizeof *table);
    table->arena = arena;
    table->capacity = FIRST_CAPACITY;
    table->slots = arena_alloc(arena, FIRST_CAPACITY * sizeof *table->slots);
    return table;
}

/* The slot that holds the key, or the free one where it belongs. */
static struct slot *find_slot(const struct keytable *table, const void *key, size_t len, uint64_t hash)
{
    size_t at = hash & (table->capacity - 1);
    for (;;) {
        struct slot *slot = &table->slots[at];
        if (slot->key == NULL ||
            (slot->hash == hash && slot->len == len && memcmp(slot->key, key, len) == 0)) {
            return slot;
        }
        at = (at + 1) & (table->capacity - 1);
    }
}

static void grow(struct keytable *table)
{
    struct slot *old = table->slots;
    size_t old_capacity = table->capacity;
    table->capacity *= 2;
    table->slots = arena_alloc(table->arena, table->capacity * sizeof *table->slots);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].key != NULL) {
            *find_slot(table, old[i].key, old[i].len, old[i].hash) = old[i];
        }
    }
}

bool keytable_add(struct keytable *table, const void *key, size_t len, void *value)
{
    uint64_t hash = hash_finish(hash_bytes(HASH_START, key, len));
    struct slot *slot = find_slot(table, key, len, hash);
    if (slot->key != NULL) {
        return false;
    }
    *slot = (struct slot){.key = key, .len = len, .hash = hash, .value = value};
    if (++table->count * 2 > table->capacity) {
        grow(table);
    }
    return true;
}

void *keytable_find(const struct keytable *table, const void *key, size_t len)
{
    uint64_t hash = hash_finish(hash_bytes(HASH_START, key, len));
    return find_slot(table, key, len, hash)->value;
}
