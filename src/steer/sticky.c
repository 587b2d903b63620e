/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See sticky.h: clients' keys, and tables, which the loader makes. */
#include "config.h"

#include "steer/sticky.h"

#include "base/memory.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* The more slots a member has, the fewer clients move besides its own when the configuration gets or
     * loses one. Tables of up to 64 members have one size: another size moves nearly everybody. */
    SLOTS_PER_MEMBER = 256,
    SLOTS_MIN = 16384,
    SLOTS_MAX = 262144,
};

/* Big endian whatever the machine is: servers of any kind agree. */
static uint64_t load_word(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return be64toh(word);
}

static uint64_t keep_bits(uint64_t word, unsigned bits)
{
    return bits == 0 ? 0 : bits >= 64 ? word : word & ~(UINT64_MAX >> bits);
}

struct steer_key steer_find_key(const struct steer_policy *policy, const struct addr *client)
{
    unsigned len = client->family == ADDR_V4   ? policy->sticky.v4_len
                   : client->family == ADDR_V6 ? policy->sticky.v6_len
                                               : 0;
    uint64_t high = keep_bits(load_word(client->bytes), len);
    uint64_t low = len > 64 ? keep_bits(load_word(client->bytes + 8), len - 64) : 0;
    uint64_t key = sticky_mix(sticky_mix(sticky_mix(client->family + STICKY_GOLDEN) + high) + low);
    return (struct steer_key){.key = key, .prefix_len = (uint8_t)len};
}

/* ---- tables ---- */

/* A member while slots are given out. */
struct claim {
    uint32_t at, step; /* the next slot that it would like, and how far to the one after: odd, so all come */
    uint32_t quota, taken;
};

static uint32_t find_size(size_t count)
{
    uint32_t size = SLOTS_MIN;
    while (size < count * SLOTS_PER_MEMBER && size < SLOTS_MAX) {
        size *= 2;
    }
    return size;
}

/* What a member counts for in the table of its kind; 0: it is not in it. */
static uint32_t weigh(const struct steer_member *member, bool of_standbys)
{
    return of_standbys ? member->weight == 0 : member->weight;
}

static uint64_t sum_weights(const struct steer_member *members, const uint16_t *group, size_t count,
                            bool of_standbys)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += weigh(&members[group[i]], of_standbys);
    }
    return sum;
}

/* Slots in proportion to weight, rounded up; the rest of a slot is not accepted. */
static void set_quotas(const struct steer_table *table, uint32_t *accept, const struct steer_member *members,
                       const uint16_t *group, size_t count, bool of_standbys, struct claim *claims)
{
    double sum = (double)sum_weights(members, group, count, of_standbys), size = table->mask + 1.0;
    for (size_t i = 0; i < count; i++) {
        double wanted = weigh(&members[group[i]], of_standbys) * (size - (double)count) / sum;
        uint32_t quota = (uint32_t)wanted;
        quota += quota < wanted;
        claims[i].quota = quota;
        if (quota != 0) {
            accept[i] = (uint32_t)(wanted / quota * UINT32_MAX);
        }
    }
}

static void take_slot(uint16_t *slots, uint32_t mask, struct claim *claim, size_t position)
{
    while (slots[claim->at] != STEER_SLOT_FREE) {
        claim->at = (claim->at + claim->step) & mask;
    }
    slots[claim->at] = (uint16_t)position;
    claim->taken++;
}

/* Rounds in which each member takes its part, so that all progress alike. */
static void fill_slots(uint16_t *slots, uint32_t mask, struct claim *claims, size_t count)
{
    uint32_t rounds = 0;
    for (size_t i = 0; i < count; i++) {
        rounds = claims[i].quota > rounds ? claims[i].quota : rounds;
    }
    for (uint32_t round = 1; round <= rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            struct claim *claim = &claims[i];
            while ((uint64_t)claim->taken * rounds < (uint64_t)claim->quota * round) {
                take_slot(slots, mask, claim, i);
            }
        }
    }
}

static void fill_lots(struct arena *arena, struct steer_table *table, const struct steer_member *members,
                      const uint16_t *group, size_t count, bool of_standbys)
{
    uint16_t *lots = arena_alloc(arena, count * sizeof *lots), used = 0;
    for (unsigned lot = 0; lot < STICKY_LOTS; lot++) {
        table->lot_first[lot] = used;
        for (size_t i = 0; i < count; i++) {
            const struct steer_member *member = &members[group[i]];
            if (weigh(member, of_standbys) != 0 && sticky_find_lot(member->weight) == lot) {
                lots[used++] = (uint16_t)i;
            }
        }
    }
    table->lot_first[STICKY_LOTS] = used;
    table->lots = lots;
}

/* Of those with a weight, or of standbys; NULL if there are none. */
static struct steer_table *new_table(struct arena *arena, const struct steer_policy *policy,
                                     const uint16_t *group, size_t count, uint32_t *accept, bool of_standbys)
{
    const struct steer_member *members = policy->members;
    if (sum_weights(members, group, count, of_standbys) == 0) {
        return NULL;
    }
    struct steer_table *table = arena_alloc(arena, sizeof *table);
    uint32_t size = find_size(count);
    uint16_t *slots = arena_alloc(arena, size * sizeof *slots);
    memset(slots, 0xff, size * sizeof *slots);
    *table = (struct steer_table){.mask = size - 1, .slots = slots, .accept = accept};
    struct claim *claims = memory_alloc_array(count, sizeof *claims);
    set_quotas(table, accept, members, group, count, of_standbys, claims);
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = sticky_mix(steer_get_place(policy, group[i])->identity + STICKY_GOLDEN);
        claims[i].at = (uint32_t)hash & table->mask;
        claims[i].step = ((uint32_t)(hash >> 32) & table->mask) | 1;
    }
    fill_slots(slots, table->mask, claims, count);
    free(claims);
    fill_lots(arena, table, members, group, count, of_standbys);
    return table;
}

const struct steer_table *sticky_new_table(struct arena *arena, const struct steer_policy *policy,
                                           const uint16_t *group, size_t count)
{
    uint32_t *accept = arena_alloc(arena, count * sizeof *accept);
    memset(accept, 0, count * sizeof *accept);
    struct steer_table *weighted = new_table(arena, policy, group, count, accept, false);
    struct steer_table *standbys = new_table(arena, policy, group, count, accept, true);
    if (weighted != NULL) {
        weighted->standbys = standbys;
    }
    return weighted != NULL ? weighted : standbys;
}
