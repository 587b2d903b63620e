/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Open addressing with linear probing, at most four fifths full: hashes are compared before keys, and the
 * next slot is next in memory. The slots of a table that grew stay in the arena until it goes, which doubles
 * the memory in the worst case; who knows how many come says so before. */
#include "config.h"

#include "conf/keytable.h"

#include "base/hash.h"

#include <stdint.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

struct slot {
    const void *key; /* NULL: free */
    void *value;
    uint32_t hash, len;
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
static struct slot *find_slot(const struct keytable *table, const void *key, size_t len, uint32_t hash)
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

/* Has it no room for so many? */
static bool is_full(size_t count, size_t capacity)
{
    return count > capacity / 5 * 4;
}

static void grow(struct keytable *table, size_t capacity)
{
    struct slot *old = table->slots;
    size_t old_capacity = table->capacity;
    table->capacity = capacity;
    table->slots = arena_alloc(table->arena, table->capacity * sizeof *table->slots);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].key != NULL) {
            *find_slot(table, old[i].key, old[i].len, old[i].hash) = old[i];
        }
    }
}

static uint32_t hash_key(const void *key, size_t len)
{
    return (uint32_t)hash_finish(hash_bytes(HASH_START, key, len));
}

void keytable_reserve(struct keytable *table, size_t more)
{
    size_t capacity = table->capacity;
    while (is_full(table->count + more, capacity)) {
        capacity *= 2;
    }
    if (capacity != table->capacity) {
        grow(table, capacity);
    }
}

bool keytable_add(struct keytable *table, const void *key, size_t len, void *value)
{
    uint32_t hash = hash_key(key, len);
    struct slot *slot = find_slot(table, key, len, hash);
    if (slot->key != NULL) {
        return false;
    }
    *slot = (struct slot){.key = key, .value = value, .hash = hash, .len = (uint32_t)len};
    if (is_full(++table->count, table->capacity)) {
        grow(table, table->capacity * 2);
    }
    return true;
}

void *keytable_find(const struct keytable *table, const void *key, size_t len)
{
    uint32_t hash = hash_key(key, len);
    return find_slot(table, key, len, hash)->value;
}
