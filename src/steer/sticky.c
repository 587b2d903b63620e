/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See sticky.h. Tables are made by the loader; a pick costs a hash and two reads per draw, and nearly always
 * the first draw is taken. */
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
    DRAWS_MAX = 64, /* where a sixteenth of the weight serves, 98 % of the clients find theirs with these */
};

#define GOLDEN 0x9e3779b97f4a7c15u

/* ---- hashing (splitmix64 by Steele, Lea and Flood; public domain algorithm) ---- */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

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
    uint64_t key = mix(mix(mix(client->family + GOLDEN) + high) + low);
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

/* Slots in proportion to weight, rounded up; the rest of a slot is not accepted. */
static void set_quotas(struct steer_table *table, const struct steer_member *members, const uint16_t *group,
                       size_t count, struct claim *claims)
{
    uint32_t *accept = (uint32_t *)(uintptr_t)table->accept;
    double sum = 0, size = table->mask + 1.0;
    for (size_t i = 0; i < count; i++) {
        sum += members[group[i]].weight;
    }
    for (size_t i = 0; i < count; i++) {
        double wanted = members[group[i]].weight * (size - (double)count) / sum;
        uint32_t quota = (uint32_t)wanted;
        quota += quota < wanted;
        claims[i].quota = quota;
        accept[i] = quota == 0 ? 0 : (uint32_t)(wanted / quota * UINT32_MAX);
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

const struct steer_table *sticky_new_table(struct arena *arena, const struct steer_policy *policy,
                                           const uint16_t *group, size_t count)
{
    const struct steer_member *members = policy->members;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += members[group[i]].weight;
    }
    if (sum == 0) {
        return NULL;
    }
    struct steer_table *table = arena_alloc(arena, sizeof *table);
    uint32_t size = find_size(count);
    uint16_t *slots = arena_alloc(arena, size * sizeof *slots);
    memset(slots, 0xff, size * sizeof *slots);
    table->mask = size - 1;
    table->slots = slots;
    table->accept = arena_alloc(arena, count * sizeof *table->accept);
    struct claim *claims = memory_alloc_array(count, sizeof *claims);
    set_quotas(table, members, group, count, claims);
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = mix(steer_get_place(policy, group[i])->identity + GOLDEN);
        claims[i].at = (uint32_t)hash & table->mask;
        claims[i].step = ((uint32_t)(hash >> 32) & table->mask) | 1;
    }
    fill_slots(slots, table->mask, claims, count);
    free(claims);
    return table;
}

/* ---- picking ---- */

static bool is_picked(const uint16_t *out, size_t count, uint16_t member)
{
    size_t i = 0;
    while (i < count && out[i] != member) {
        i++;
    }
    return i < count;
}

/* Draws over the table. Returns how many members were found. */
static size_t draw(const struct steer_choice *choice, const struct steer_part *part, uint64_t key,
                   size_t answers, uint16_t *out)
{
    const struct steer_table *table = part->group == NULL ? NULL : part->group->table;
    const uint32_t *accepted = choice->accepted + part->listed;
    size_t count = 0;
    for (unsigned i = 1; table != NULL && i <= DRAWS_MAX && count < answers; i++) {
        uint64_t hash = mix(key + i * GOLDEN);
        uint16_t position = table->slots[hash & table->mask];
        if (position == STEER_SLOT_FREE || (uint32_t)(hash >> 32) >= accepted[position]) {
            continue;
        }
        uint16_t member = part->group_members[position];
        if (!is_picked(out, count, member)) {
            out[count++] = member;
        }
    }
    return count;
}

/* Where the table has no luck (standbys, a fallback, nearly everything out): by weight from what serves, then
 * its neighbours. Who is lost moves some more than its own clients then. */
static size_t fill_up(const struct steer_choice *choice, const struct steer_part *part, uint64_t key,
                      size_t answers, uint16_t *out, size_t count)
{
    const uint32_t *weights = choice->weights + part->first;
    const uint16_t *members = choice->members + part->first;
    uint32_t point = (uint32_t)((mix(key) >> 32) * part->total_weight >> 32);
    size_t at = 0, end = part->count - 1u;
    while (at < end) {
        size_t middle = (at + end) / 2;
        if (weights[middle] > point) {
            end = middle;
        } else {
            at = middle + 1;
        }
    }
    for (size_t i = 0; i < part->count && count < answers; i++) {
        uint16_t member = members[(at + i) % part->count];
        if (!is_picked(out, count, member)) {
            out[count++] = member;
        }
    }
    return count;
}

/* The tier by one number, the group by another: as a tier's share changes, its canaries stay the same. */
static const struct steer_part *find_part(const struct steer_choice *choice, uint64_t key)
{
    const struct steer_part *part = choice->parts, *last = part + choice->part_count - 1;
    if (part == last) {
        return part;
    }
    uint32_t tier_point = (uint32_t)(key >> 32), group_point = (uint32_t)key;
    while (part < last && tier_point >= part->until) {
        part++;
    }
    while (part > choice->parts && part[-1].tier == part->tier) {
        part--;
    }
    double passed = part->fraction;
    while (part < last && part[1].tier == part->tier && group_point >= passed * 0x1p32) {
        part++;
        passed += part->fraction;
    }
    return part;
}

size_t steer_pick_sticky(const struct steer_policy *policy, const struct steer_choice *choice, uint64_t key,
                         uint16_t out[STEER_ANSWERS_MAX])
{
    if (choice->count == 0) {
        return 0;
    }
    const struct steer_part *part = find_part(choice, key);
    if (part->count == 1) {
        out[0] = choice->members[part->first];
        return 1;
    }
    size_t answers = policy->answers < part->count ? policy->answers : part->count;
    size_t count = draw(choice, part, key, answers, out);
    return count == answers ? count : fill_up(choice, part, key, answers, out, count);
}
