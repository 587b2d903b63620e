/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See differ.h. A block holds its records behind each other, each with an owner of two octets; names in them
 * are compressed in one way only, so records are equal if their octets are. Where names point to each other
 * (links) that depends on where they stand, and the records are put together again. */
#include "config.h"

#include "zone/differ.h"

#include "zone/walk.h"

#include <string.h>

enum { TTL_AT = 6, LEN_AT = 10, FIXED = 12, SERIAL_BEHIND = 20, SERIAL_LEN = 4 };

/* The records, in whatever order. */
struct digest {
    uint64_t sum;
    uint32_t ttl;
};

static uint64_t hash_rdata(const uint8_t *rdata, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ len;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ rdata[i]) * UINT64_C(0x100000001b3);
    }
    hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ hash >> 31;
}

static struct digest read_block(const struct zone *zone, const struct zone_rrset *rrset)
{
    struct digest digest = {.sum = 0};
    const uint8_t *block = zone->blob + rrset->block;
    for (size_t at = 0; at < rrset->len;) {
        const uint8_t *record = block + at;
        size_t len = (size_t)record[LEN_AT] << 8 | record[LEN_AT + 1];
        memcpy(&digest.ttl, record + TTL_AT, sizeof digest.ttl);
        digest.sum += hash_rdata(record + FIXED, len);
        at += FIXED + len;
    }
    return digest;
}

static int add_record(void *context, const struct zone_record *record)
{
    struct digest *digest = context;
    digest->ttl = record->ttl;
    digest->sum += hash_rdata(record->rdata, record->rdata_len);
    return 0;
}

static struct digest read_linked(const struct zone_at *at)
{
    uint8_t owner[DNS_NAME_MAX + 1];
    struct digest digest = {.sum = 0};
    memcpy(owner, zone_node_name(at->node), at->node->name_len);
    memcpy(owner + at->node->name_len, at->zone->apex, at->zone->apex_len);
    (void)zone_walk_rrset(at->zone, owner, at->rrset, &(struct zone_sink){&digest, add_record});
    return digest;
}

static enum zone_difference compare_digests(const struct digest *a, const struct digest *b)
{
    return a->sum != b->sum ? ZONE_OTHER_DATA : a->ttl != b->ttl ? ZONE_OTHER_TTL : ZONE_SAME;
}

/* Of one length. */
static bool is_same_block(const struct zone_at *a, const struct zone_at *b)
{
    const uint8_t *left = a->zone->blob + a->rrset->block, *right = b->zone->blob + b->rrset->block;
    size_t len = a->rrset->len;
    if (a->rrset->type != DNS_TYPE_SOA) {
        return memcmp(left, right, len) == 0;
    }
    size_t serial = len - SERIAL_BEHIND;
    return memcmp(left, right, serial) == 0 &&
           memcmp(left + serial + SERIAL_LEN, right + serial + SERIAL_LEN, SERIAL_BEHIND - SERIAL_LEN) == 0;
}

static enum zone_difference compare_soa(const struct zone_at *a, const struct zone_at *b)
{
    /* the rest may be the same but for the TTL */
    const uint8_t *left = a->zone->blob + a->rrset->block, *right = b->zone->blob + b->rrset->block;
    size_t middle = a->rrset->len - SERIAL_BEHIND, behind = middle + SERIAL_LEN;
    bool same = memcmp(left + LEN_AT, right + LEN_AT, middle - LEN_AT) == 0 &&
                memcmp(left + behind, right + behind, SERIAL_BEHIND - SERIAL_LEN) == 0;
    return same ? ZONE_OTHER_TTL : ZONE_OTHER_DATA;
}

static enum zone_difference compare_static(const struct zone_at *a, const struct zone_at *b)
{
    bool linked = ((a->rrset->flags | b->rrset->flags) & ZONE_RRSET_LINKED) != 0;
    if (a->rrset->count != b->rrset->count) {
        return ZONE_OTHER_DATA;
    }
    if (a->rrset->len == b->rrset->len && is_same_block(a, b)) {
        return ZONE_SAME;
    }
    if (a->rrset->type == DNS_TYPE_SOA) {
        return a->rrset->len == b->rrset->len ? compare_soa(a, b) : ZONE_OTHER_DATA;
    }
    struct digest left = linked ? read_linked(a) : read_block(a->zone, a->rrset);
    struct digest right = linked ? read_linked(b) : read_block(b->zone, b->rrset);
    return compare_digests(&left, &right);
}

enum zone_difference zone_compare_rrsets(const struct zone_at *before, const struct zone_at *after)
{
    if ((before->rrset->flags & ZONE_RRSET_STEERED) == 0) {
        return compare_static(before, after);
    }
    const struct zone_steered *a = zone_get_steered(before->zone, before->rrset);
    const struct zone_steered *b = zone_get_steered(after->zone, after->rrset);
    return memcmp(a->ttl, b->ttl, sizeof a->ttl) == 0 ? ZONE_SAME : ZONE_OTHER_TTL;
}

uint32_t zone_get_ttl(const struct zone_at *at)
{
    bool steered = (at->rrset->flags & ZONE_RRSET_STEERED) != 0;
    const uint8_t *ttl =
        steered ? zone_get_steered(at->zone, at->rrset)->ttl : at->zone->blob + at->rrset->block + TTL_AT;
    return (uint32_t)ttl[0] << 24 | (uint32_t)ttl[1] << 16 | (uint32_t)ttl[2] << 8 | ttl[3];
}

uint64_t zone_sum_set(const struct zone *zone, const struct zone_rrset *rrset, unsigned member)
{
    const struct zone_set *set = zone_get_set(zone, zone_get_listed(zone, rrset), member);
    if (set == NULL || set->rrset.count == 0) {
        return 0;
    }
    return read_block(zone, &set->rrset).sum + set->rrset.type;
}

/* ---- names ---- */

/* Slots are in the order of their tags in both versions, so one walk over both finds what belongs together.
 * Those with the same tag, which follow each other, are in any order. */
enum { AHEAD = 16 };

/* The blob is in the order of the file: who comes next is somewhere else. */
static void fetch_ahead(const struct zone *zone, size_t slot)
{
    if (slot + AHEAD < zone->slot_room) {
        const uint8_t *next = zone->blob + zone->slots[slot + AHEAD].node;
        __builtin_prefetch(next);
        __builtin_prefetch(next + 64);
    }
}

static uint32_t find_tag(struct zone_pairs *pairs, int side)
{
    const struct zone *zone = pairs->zone[side];
    size_t *slot = &pairs->slot[side];
    while (*slot < zone->slot_room && zone->slots[*slot].tag == ZONE_SLOT_EMPTY) {
        fetch_ahead(zone, (*slot)++);
    }
    return *slot < zone->slot_room ? zone->slots[*slot].tag : ZONE_SLOT_EMPTY;
}

static const struct zone_node *take_node(struct zone_pairs *pairs, int side)
{
    const struct zone *zone = pairs->zone[side];
    size_t slot = pairs->slot[side]++;
    fetch_ahead(zone, slot);
    pairs->last = side == 0 ? slot : pairs->last;
    return zone_get_node(zone, zone->slots[slot].node);
}

static bool is_same_name(const struct zone_node *a, const struct zone_node *b)
{
    return a->name_len == b->name_len && memcmp(zone_node_name(a), zone_node_name(b), a->name_len) == 0;
}

/* Among the slots with the tag from this one on, in one direction. */
static const struct zone_node *find_same(const struct zone *zone, size_t slot, ptrdiff_t step, uint32_t tag,
                                         const struct zone_node *node)
{
    for (; slot < zone->slot_room && zone->slots[slot].tag == tag; slot += (size_t)step) {
        const struct zone_node *found = zone_get_node(zone, zone->slots[slot].node);
        if (is_same_name(found, node)) {
            return found;
        }
    }
    return NULL;
}

bool zone_next_pair(struct zone_pairs *pairs, const struct zone_node *node[2])
{
    for (;;) {
        uint32_t before = find_tag(pairs, 0), after = find_tag(pairs, 1);
        if (before == ZONE_SLOT_EMPTY && after == ZONE_SLOT_EMPTY) {
            return false;
        }
        if (before <= after) {
            node[0] = take_node(pairs, 0);
            node[1] = before == after ? find_same(pairs->zone[1], pairs->slot[1], 1, after, node[0]) : NULL;
            return true;
        }
        node[0] = NULL;
        node[1] = take_node(pairs, 1);
        if (find_same(pairs->zone[0], pairs->last, -1, after, node[1]) == NULL) {
            return true; /* else it was one of a pair */
        }
    }
}
