/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See pool.h. Used while loading and building only. Running out of memory ends the process (memory.h). */
#include "config.h"

#include "geo/pool.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Eight bytes at a time: a large database has a million of them to hash. */
static uint64_t hash_of(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint64_t hash = len;
    for (; len > 0; at += 8) {
        size_t part = len < 8 ? len : 8;
        uint64_t word = 0;
        memcpy(&word, at, part);
        hash = hash_finish((hash ^ word) * UINT64_C(0x9e3779b97f4a7c15));
        len -= part;
    }
    return hash;
}

/* Where the bytes are, or where they would go. */
static uint32_t *find_slot(const struct geo_pool *pool, const void *bytes, size_t len)
{
    size_t at = (size_t)hash_of(bytes, len) & (pool->room - 1);
    for (; pool->slots[at] != 0; at = (at + 1) & (pool->room - 1)) {
        const struct geo_pool_item *item = &pool->items[pool->slots[at] - 1];
        if (item->len == len && memcmp(item->bytes, bytes, len) == 0) {
            break;
        }
    }
    return &pool->slots[at];
}

static void grow(struct geo_pool *pool)
{
    pool->room = pool->room == 0 ? 64 : pool->room * 2;
    free(pool->slots);
    pool->slots = memory_alloc_array(pool->room, sizeof *pool->slots);
    for (size_t i = 0; i < pool->count; i++) {
        *find_slot(pool, pool->items[i].bytes, pool->items[i].len) = (uint32_t)(i + 1);
    }
}

void geo_pool_init(struct geo_pool *pool, const void *first, size_t len)
{
    *pool = (struct geo_pool){.arena = arena_new(0)};
    (void)geo_pool_add(pool, first, len);
}

void geo_pool_close(struct geo_pool *pool)
{
    free(pool->slots);
    pool->slots = NULL;
    pool->room = 0;
}

void geo_pool_fini(struct geo_pool *pool)
{
    geo_pool_close(pool);
    free(pool->items);
    arena_free(pool->arena);
    *pool = (struct geo_pool){0};
}

uint32_t geo_pool_add(struct geo_pool *pool, const void *bytes, size_t len)
{
    if (pool->count * 2 >= pool->room) {
        grow(pool);
    }
    uint32_t *slot = find_slot(pool, bytes, len);
    if (*slot != 0) {
        return *slot - 1;
    }
    assert(pool->count < INT32_MAX);
    char *copy = arena_alloc(pool->arena, len + 1);
    memcpy(copy, bytes, len);
    pool->items = memory_grow(pool->items, pool->count, &pool->capacity, sizeof *pool->items);
    pool->items[pool->count] = (struct geo_pool_item){copy, len};
    *slot = (uint32_t)++pool->count;
    return (uint32_t)(pool->count - 1);
}

uint32_t geo_pool_find(const struct geo_pool *pool, const void *bytes, size_t len)
{
    uint32_t slot = pool->room == 0 ? 0 : *find_slot(pool, bytes, len);
    return slot == 0 ? 0 : slot - 1;
}
