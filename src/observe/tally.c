/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Notes: only what changes is kept. */
#include "config.h"

#include "observe/tally_inside.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct tally *tally_new(size_t cache_count)
{
    struct tally *tally = memory_alloc(sizeof *tally);
    tally->cache_count = cache_count;
    tally->now = memory_alloc_array(cache_count, sizeof *tally->now);
    memset(tally->now, 0xff, cache_count * sizeof *tally->now);
    tally->answers = memory_alloc_array(TALLY_ANSWERS_MAX, sizeof *tally->answers);
    tally->answer_count = 1;
    return tally;
}

void tally_free(struct tally *tally)
{
    if (tally == NULL) {
        return;
    }
    free(tally->caches.items);
    free(tally->services.items);
    free(tally->fresh.items);
    free(tally->answers);
    free(tally->now);
    free(tally);
}

bool tally_is_full(const struct tally *tally)
{
    return tally->is_full;
}

/* ---- addresses and answers ---- */

size_t tally_count_addresses(const struct tally *tally)
{
    return tally->address_count;
}

const struct addr *tally_get_address(const struct tally *tally, size_t index)
{
    return &tally->addresses[index];
}

size_t tally_find_address(struct tally *tally, const struct addr *address)
{
    for (size_t i = 0; i < tally->address_count; i++) {
        if (addr_equal(&tally->addresses[i], address)) {
            return i;
        }
    }
    if (tally->address_count == TALLY_ADDRESSES_MAX) {
        tally->is_full = true;
        return TALLY_ADDRESSES_MAX;
    }
    tally->addresses[tally->address_count] = *address;
    return tally->address_count++;
}

static void insert(struct tally_answer *answer, uint16_t address)
{
    size_t at = answer->count++;
    for (; at > 0 && answer->addresses[at - 1] > address; at--) {
        answer->addresses[at] = answer->addresses[at - 1];
    }
    answer->addresses[at] = address;
}

/* 0, none, also where there is no room. */
static uint32_t find_answer(struct tally *tally, const struct addr *addresses, size_t count)
{
    struct tally_answer answer = {.count = 0};
    for (size_t i = 0; i < count && i < REPLY_ADDRESSES_MAX; i++) {
        size_t address = tally_find_address(tally, &addresses[i]);
        if (address == TALLY_ADDRESSES_MAX) {
            return 0;
        }
        insert(&answer, (uint16_t)address);
    }
    for (uint32_t i = 0; i < tally->answer_count; i++) {
        const struct tally_answer *own = &tally->answers[i];
        if (own->count == answer.count &&
            memcmp(own->addresses, answer.addresses, answer.count * sizeof *answer.addresses) == 0) {
            return i;
        }
    }
    if (tally->answer_count == TALLY_ANSWERS_MAX) {
        tally->is_full = true;
        return 0;
    }
    tally->answers[tally->answer_count] = answer;
    return (uint32_t)tally->answer_count++;
}

/* ---- notes ---- */

static void note(struct tally *tally, struct tally_notes *notes, struct tally_note item)
{
    if (notes->count == TALLY_NOTES_MAX) {
        tally->is_full = true;
        return;
    }
    notes->items = memory_grow(notes->items, notes->count, &notes->capacity, sizeof *notes->items);
    notes->items[notes->count++] = item;
}

void tally_note_answer(struct tally *tally, size_t cache, const struct addr *addresses, size_t count,
                       int64_t at_ms)
{
    uint32_t answer = find_answer(tally, addresses, count);
    if (tally->now[cache] != answer) {
        tally->now[cache] = answer;
        note(tally, &tally->caches, (struct tally_note){at_ms, (uint32_t)cache, answer});
    }
}

void tally_note_fresh(struct tally *tally, size_t name, const struct addr *addresses, size_t count,
                      int64_t at_ms)
{
    uint32_t answer = find_answer(tally, addresses, count);
    note(tally, &tally->fresh, (struct tally_note){at_ms, (uint32_t)name, answer});
}

void tally_note_service(struct tally *tally, size_t address, bool fails, int64_t at_ms)
{
    if (address < tally->address_count) {
        note(tally, &tally->services, (struct tally_note){at_ms, (uint32_t)address, fails});
    }
}
