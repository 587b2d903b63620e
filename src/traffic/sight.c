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

bool sights_take_mark_v6(struct sights *sights, uint64_t where, uint64_t moment,
                         const struct sockaddr *client)
{
    struct sights_mark mark = {.where = where, .moment = moment | SIGHTS_MOMENT_V6};
    memcpy(mark.host, &((const struct sockaddr_in6 *)(const void *)client)->sin6_addr, sizeof mark.host);
    struct sights_mark *known = sights_find_place(sights, where + mark.host[1]);
    if (memcmp(known, &mark, sizeof mark) == 0) {
        return false;
    }
    *known = mark;
    return true;
}

void sights_note(struct sights *sights, const struct sight *sight)
{
    uint32_t at = atomic_load_explicit(&sights->written, memory_order_relaxed);
    if (at - atomic_load_explicit(&sights->read, memory_order_acquire) == SIGHTS_ROOM) {
        count_up64(&sights->lost);
        return;
    }
    sights->ring[at % SIGHTS_ROOM] = *sight;
    atomic_store_explicit(&sights->written, at + 1, memory_order_release);
}

void sights_note_turn(struct sights *sights, const struct addr *addr, uint64_t now_ms)
{
    uint32_t every = atomic_load_explicit(&sights->sample->every, memory_order_relaxed);
    struct sight sight = {.at_ms = (uint32_t)now_ms,
                          .endpoint = SIGHT_NOWHERE,
                          .turns = (uint16_t)every,
                          .family = addr->family};
    memcpy(sight.address, addr->bytes, sizeof sight.address);
    sights_note(sights, &sight);
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
