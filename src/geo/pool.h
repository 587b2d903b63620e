/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Byte strings that are kept once and numbered: texts, facts and orders inside this folder. Number 0 is the
 * value that the pool was begun with. Numbers are dense, so a table by number is an array. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct geo_pool_item {
    const void *bytes; /* aligned for any type; followed by a NUL */
    size_t len;
};

struct geo_pool {
    struct arena *arena;
    struct geo_pool_item *items;
    size_t count, capacity;
    uint32_t *slots; /* open addressing, at most half full: number + 1, or 0 */
    size_t room;
};

void geo_pool_init(struct geo_pool *pool, const void *first, size_t len);
void geo_pool_fini(struct geo_pool *pool); /* a pool of zeros is fine */
uint32_t geo_pool_add(struct geo_pool *pool, const void *bytes, size_t len);
/* The number, or 0 if the pool does not hold these bytes. */
uint32_t geo_pool_find(const struct geo_pool *pool, const void *bytes, size_t len);
/* The table of numbers is for adding and finding only: a pool that is complete may do without. */
void geo_pool_close(struct geo_pool *pool);

static inline const void *geo_pool_get(const struct geo_pool *pool, uint32_t number)
{
    return pool->items[number].bytes;
}
