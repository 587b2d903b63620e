/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See sight.h. */
#include "config.h"

#include "traffic/sight.h"

#include "base/count.h"
#include "base/memory.h"

struct sights *sights_new(const struct sights_sample *sample)
{
    struct sights *sights = memory_map(sizeof *sights);
    sights->sample = sample;
    return sights;
}

void sights_free(struct sights *sights)
{
    memory_unmap(sights, sizeof *sights);
}

static void put(struct sights *sights, const struct sight *sight)
{
    uint32_t at = atomic_load_explicit(&sights->written, memory_order_relaxed);
    if (at - atomic_load_explicit(&sights->read, memory_order_acquire) == SIGHTS_ROOM) {
        count_up64(&sights->lost);
        return;
    }
    sights->ring[at % SIGHTS_ROOM] = *sight;
    atomic_store_explicit(&sights->written, at + 1, memory_order_release);
}

void sights_note(struct sights *sights, const struct sight *sight)
{
    uint32_t second = sight->at_ms / 1000 << 8 | sight->group;
    uint32_t hash = sights_number(sight->address) ^ sight->address[15];
    size_t place = hash % SIGHTS_RECENT;
    bool is_same = sights->recent[place].second == second &&
                   sights->recent[place].endpoint == sight->endpoint &&
                   memcmp(sights->recent[place].address, sight->address, sizeof sight->address) == 0;
    if (!is_same) {
        memcpy(sights->recent[place].address, sight->address, sizeof sight->address);
        sights->recent[place].second = second;
        sights->recent[place].endpoint = sight->endpoint;
        put(sights, sight);
    }
}

void sights_note_turn(struct sights *sights, const struct addr *addr, uint64_t now_ms)
{
    uint32_t every = atomic_load_explicit(&sights->sample->every, memory_order_relaxed);
    struct sight sight = {.at_ms = (uint32_t)now_ms,
                          .endpoint = SIGHT_NOWHERE,
                          .turns = (uint16_t)every,
                          .family = addr->family};
    memcpy(sight.address, addr->bytes, sizeof sight.address);
    put(sights, &sight);
}

const struct sight *sights_peek(const struct sights *sights)
{
    uint32_t at = atomic_load_explicit(&sights->read, memory_order_relaxed);
    bool any = at != atomic_load_explicit(&sights->written, memory_order_acquire);
    return any ? &sights->ring[at % SIGHTS_ROOM] : NULL;
}

void sights_pass(struct sights *sights)
{
    uint32_t at = atomic_load_explicit(&sights->read, memory_order_relaxed);
    atomic_store_explicit(&sights->read, at + 1, memory_order_release);
}
