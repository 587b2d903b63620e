/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steered RRsets of addresses, while they are collected. Names have many members, and most members are those
 * of other names too: each distinct record is kept once, and of a member only which one it is. */
#include "config.h"

#include "zone/builder_internal.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>

enum { TYPES_A = 1, TYPES_AAAA = 2 }; /* as in every policy (steer/steer.h) */
enum { SLOTS_START = 64 };

static uint64_t hash_address(const struct builder_address *address)
{
    uint64_t words[2];
    memcpy(words, address->rdata, sizeof words);
    uint64_t rest = (uint64_t)address->ttl << 16 | address->type;
    return hash_finish(hash_finish(words[0] ^ rest * 0x9e3779b97f4a7c15u) ^ words[1]);
}

static bool is_same(const struct builder_address *a, const struct builder_address *b)
{
    return a->ttl == b->ttl && a->type == b->type && memcmp(a->rdata, b->rdata, sizeof a->rdata) == 0;
}

/* The slot of an address, or the empty one where it belongs. */
static uint32_t *find_slot(const struct zone_builder *b, const struct builder_address *address)
{
    uint32_t i = (uint32_t)hash_address(address) & b->address_mask;
    while (b->address_slots[i] != 0 && !is_same(&b->addresses[b->address_slots[i] - 1], address)) {
        i = (i + 1) & b->address_mask;
    }
    return &b->address_slots[i];
}

static void grow_slots(struct zone_builder *b)
{
    free(b->address_slots);
    b->address_mask = b->address_mask == 0 ? SLOTS_START - 1 : b->address_mask * 2 + 1;
    b->address_slots = memory_alloc_array((size_t)b->address_mask + 1, sizeof *b->address_slots);
    for (size_t i = 0; i < b->address_count; i++) {
        *find_slot(b, &b->addresses[i]) = (uint32_t)i + 1;
    }
}

static uint32_t keep_address(struct zone_builder *b, const struct builder_address *address)
{
    if (b->address_count >= b->address_mask / 2) {
        grow_slots(b);
    }
    uint32_t *slot = find_slot(b, address);
    if (*slot == 0) {
        b->addresses =
            memory_grow(b->addresses, b->address_count, &b->address_capacity, sizeof *b->addresses);
        b->addresses[b->address_count] = *address;
        *slot = (uint32_t)++b->address_count;
    }
    return *slot - 1;
}

void zone_builder_add_steered(struct zone_builder *b, const struct zone_steered_plan *plan)
{
    struct builder_place place = {builder_keep_file(b, plan->file), plan->line, plan->column};
    struct builder_steered *steered = builder_enter_steered(b, plan->owner, &place);
    if (steered == NULL) {
        return;
    }
    uint32_t *addresses = arena_alloc(b->arena, plan->member_count * sizeof *addresses);
    struct builder_address address = {.ttl = plan->ttl, .type = plan->type};
    for (size_t i = 0; i < plan->member_count; i++) {
        memcpy(address.rdata, plan->rdata + i * plan->rdata_len, plan->rdata_len);
        addresses[i] = keep_address(b, &address);
    }
    steered->type = plan->type;
    steered->types = plan->type == DNS_TYPE_A ? TYPES_A : TYPES_AAAA;
    steered->rdata_len = plan->rdata_len;
    steered->member_count = plan->member_count;
    steered->ttl = plan->ttl;
    steered->policy = plan->policy;
    steered->name = plan->name;
    steered->has_hosts = plan->has_hosts;
    steered->addresses = addresses;
}
