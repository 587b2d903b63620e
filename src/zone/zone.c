/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Looking names up in a zone, and zones up by name. */
#include "config.h"

#include "zone/zone.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/report.h"

#include <stdlib.h>

enum { SLOTS_BEHIND = 16 }; /* what does not find room at the end of the slots goes behind it */

void zone_hold(struct zone *zone)
{
    atomic_fetch_add_explicit(&zone->references, 1, memory_order_relaxed);
}

static void free_notes(struct zone *zone)
{
    if (zone->notes != NULL) {
        report_free(zone->notes->warnings);
        free(zone->notes->paths);
        free(zone->notes);
    }
}

void zone_release(struct zone *zone)
{
    if (zone == NULL || atomic_fetch_sub_explicit(&zone->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    free(zone->slots);
    free(zone->blob);
    free(zone->whoamis);
    free_notes(zone);
    free(zone);
}

/* Names are compared by words. */
static size_t find_room(size_t apex_len)
{
    return (apex_len / BYTES_WORD + 2) * BYTES_WORD;
}

struct zone *zone_new(const struct dns_key *apex)
{
    struct zone *zone = memory_alloc(sizeof *zone + find_room(apex->len));
    atomic_init(&zone->references, 1);
    zone->apex_len = apex->len;
    zone->apex_labels = apex->labels;
    zone->apex_hash = dns_key_hash_suffix(apex, 0);
    memcpy(zone->apex, apex->name, apex->len);
    return zone;
}

struct zone *zone_new_failed(const uint8_t *apex)
{
    struct dns_key key;
    dns_key_fill(&key, apex, DNS_NAME_MAX);
    struct zone *zone = zone_new(&key);
    zone->failed = true;
    return zone;
}

size_t zone_size(const struct zone *zone)
{
    return sizeof *zone + find_room(zone->apex_len) + zone->blob_len + zone->slot_room * sizeof *zone->slots;
}

static void set_serial_flag(struct zone_rrset *rrset, bool is_kept)
{
    unsigned others = rrset->flags & ~(unsigned)ZONE_RRSET_SERIAL;
    rrset->flags = (uint16_t)(is_kept ? others | ZONE_RRSET_SERIAL : others);
}

void zone_keep_serial(struct zone *zone, bool keeps)
{
    struct zone_node *apex = (struct zone_node *)(void *)(zone->blob + zone->apex_node);
    for (unsigned i = 0; i < apex->rrset_count; i++) {
        if (apex->rrsets[i].type == DNS_TYPE_SOA) {
            set_serial_flag(&apex->rrsets[i], keeps);
        }
    }
    set_serial_flag(&zone->negative, keeps);
    if (!keeps) {
        atomic_store_explicit(&zone->served, zone->serial, memory_order_relaxed);
    }
}

static uint64_t fingerprint_listed(const struct zone *zone, const struct zone_rrset *rrset, uint64_t hash)
{
    const struct zone_listed *listed = zone_get_listed(zone, rrset);
    hash = hash_bytes(hash, listed->of_member, rrset->count * sizeof *listed->of_member);
    for (unsigned i = 0; i < rrset->count; i++) {
        const struct zone_set *set = zone_get_set(zone, listed, i);
        if (set != NULL) {
            hash = hash_bytes(hash, zone->blob + set->rrset.block, set->rrset.len);
        }
    }
    return hash;
}

static uint64_t fingerprint_rrset(const struct zone *zone, const struct zone_rrset *rrset, uint64_t hash)
{
    bool steered = (rrset->flags & ZONE_RRSET_STEERED) != 0;
    hash = hash_bytes(hash, &rrset->type, sizeof rrset->type);
    hash = hash_bytes(hash, &rrset->count, sizeof rrset->count);
    hash = hash_bytes(hash, &steered, sizeof steered);
    if ((rrset->flags & ZONE_RRSET_LISTED) != 0) {
        return fingerprint_listed(zone, rrset, hash);
    }
    for (unsigned i = 0; steered && i < rrset->count; i++) {
        hash = hash_bytes(hash, zone_get_address(zone, rrset, i), rrset->len);
    }
    return steered ? hash : hash_bytes(hash, zone->blob + rrset->block, rrset->len);
}

/* The sum over the nodes: their order in the blob follows that of the file, and means nothing. */
uint64_t zone_fingerprint(const struct zone *zone)
{
    const struct zone_node *node;
    uint64_t sum = 0;
    for (size_t slot = 0; (node = zone_next_node(zone, &slot)) != NULL;) {
        uint64_t hash = hash_bytes(HASH_START, zone_node_name(node), node->name_len);
        for (unsigned i = 0; i < node->rrset_count; i++) {
            hash = fingerprint_rrset(zone, &node->rrsets[i], hash);
        }
        sum += hash_finish(hash);
    }
    return sum;
}

/* ---- names ---- */

static inline uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 33);
}

static inline struct zone_slot *home_of(const struct zone *zone, uint32_t tag)
{
    return zone->slots + ((uint64_t)tag * zone->slot_homes >> 31);
}

static inline bool is_node(const struct zone *zone, uint32_t offset, const uint8_t *name, size_t name_len)
{
    const struct zone_node *node = zone_get_node(zone, offset);
    return node->name_len == name_len && bytes_equal_words(zone_node_name(node), name, name_len);
}

/* Behind a slot with the same tag, but another name. */
__attribute__((noinline)) static uint32_t find_further(const struct zone *zone, const struct zone_slot *slot,
                                                       const uint8_t *name, size_t name_len)
{
    uint32_t tag = slot->tag;
    for (slot++; slot->tag == tag; slot++) {
        if (is_node(zone, slot->node, name, name_len)) {
            return slot->node;
        }
    }
    return 0;
}

uint32_t zone_find_name(const struct zone *zone, const uint8_t *name, size_t name_len)
{
    uint32_t tag = tag_of(dns_key_hash(name, name_len));
    const struct zone_slot *slot = home_of(zone, tag);
    while (slot->tag < tag) {
        slot++;
    }
    if (slot->tag != tag) {
        return 0;
    }
    return is_node(zone, slot->node, name, name_len) ? slot->node : find_further(zone, slot, name, name_len);
}

static void grow_slots(struct zone *zone, uint32_t more)
{
    zone->slots = memory_resize(zone->slots, (size_t)zone->slot_room + more, sizeof *zone->slots);
    memset(zone->slots + zone->slot_room, 0xff, more * sizeof *zone->slots); /* ZONE_SLOT_EMPTY */
    zone->slot_room += more;
}

void zone_init_slots(struct zone *zone, size_t count)
{
    zone->slot_homes = (uint32_t)(count + count / 2 + 1);
    grow_slots(zone, zone->slot_homes + SLOTS_BEHIND);
}

void zone_add_slot(struct zone *zone, uint64_t hash, uint32_t node)
{
    struct zone_slot in_hand = {tag_of(hash), node};
    struct zone_slot *slot = home_of(zone, in_hand.tag);
    while (slot->tag <= in_hand.tag) {
        slot++;
    }
    while (in_hand.tag != ZONE_SLOT_EMPTY) { /* all up to the next gap move up by one */
        struct zone_slot next = *slot;
        *slot++ = in_hand;
        in_hand = next;
    }
    if (slot == zone->slots + zone->slot_room) {
        grow_slots(zone, SLOTS_BEHIND);
    }
}

uint32_t zone_find_encloser(const struct zone *zone, const struct dns_key *key)
{
    unsigned below = (unsigned)key->labels - zone->apex_labels; /* labels in front of the apex */
    for (unsigned label = below > zone->depth ? below - zone->depth : 1; label < below; label++) {
        size_t skip = key->at[label];
        uint32_t at = zone_find_name(zone, key->name + skip, (size_t)key->len - skip - zone->apex_len);
        if (at != 0) {
            return at;
        }
    }
    return zone->apex_node;
}

/* ---- the table ---- */

static void store(struct zone_table *table, size_t slot, struct zone *zone)
{
    atomic_store_explicit(&table->slots[slot], zone, memory_order_release);
}

static uint32_t table_size(size_t expected)
{
    uint32_t size = 16;
    while (size < expected * 2) {
        size *= 2;
    }
    return size;
}

struct zone_table *zone_table_new(size_t expected)
{
    struct zone_table *table = memory_alloc(sizeof *table);
    uint32_t size = table_size(expected);
    table->slots = memory_alloc_array(size, sizeof(struct zone *));
    table->mask = size - 1;
    return table;
}

void zone_table_free(struct zone_table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i <= table->mask; i++) {
        zone_release(zone_table_load(table, i));
    }
    free(table->slots);
    free(table);
}

struct zone_table *zone_table_copy(const struct zone_table *table)
{
    struct zone_table *copy = memory_copy(table, sizeof *table);
    copy->slots = memory_alloc_array((size_t)table->mask + 1, sizeof *copy->slots);
    for (size_t i = 0; i <= table->mask; i++) {
        struct zone *zone = zone_table_load(table, i);
        if (zone != NULL) {
            zone_hold(zone);
            store(copy, i, zone);
        }
    }
    return copy;
}

static void grow(struct zone_table *table)
{
    struct zone_table old = *table;
    table->mask = old.mask * 2 + 1;
    table->slots = memory_alloc_array((size_t)table->mask + 1, sizeof *table->slots);
    for (size_t i = 0; i <= old.mask; i++) {
        struct zone *zone = zone_table_load(&old, i);
        uint32_t to = zone == NULL ? 0 : zone_table_slot(table, zone->apex_hash);
        while (zone != NULL && zone_table_load(table, to) != NULL) {
            to = (to + 1) & table->mask;
        }
        if (zone != NULL) {
            store(table, to, zone);
        }
    }
    free(old.slots);
}

/* The zone with this apex (lower case, zeros behind it), or NULL; *slot is where it is or would be. */
static struct zone *find_slot(const struct zone_table *table, uint64_t hash, const uint8_t *apex, size_t len,
                              uint32_t *slot)
{
    for (uint32_t i = zone_table_slot(table, hash);; i = (i + 1) & table->mask) {
        struct zone *zone = zone_table_load(table, i);
        *slot = i;
        if (zone == NULL || zone_has_apex(zone, apex, len)) {
            return zone;
        }
    }
}

int zone_table_add(struct zone_table *table, struct zone *zone)
{
    if ((table->count + 1) * 2 > table->mask) {
        grow(table);
    }
    uint32_t slot;
    if (find_slot(table, zone->apex_hash, zone->apex, zone->apex_len, &slot) != NULL) {
        return ERROR_CONFLICT;
    }
    store(table, slot, zone);
    table->count++;
    table->depths[zone->apex_labels] = true;
    table->depth_max = zone->apex_labels > table->depth_max ? zone->apex_labels : table->depth_max;
    return 0;
}

struct zone *zone_table_find_shorter(const struct zone_table *table, const struct dns_key *key,
                                     unsigned depth)
{
    for (;; depth--) {
        if (table->depths[depth]) {
            size_t at = key->at[key->labels - depth], len = key->len - at;
            uint32_t slot;
            struct zone *zone =
                find_slot(table, dns_key_hash(key->name + at, len), key->name + at, len, &slot);
            if (zone != NULL) {
                return zone;
            }
        }
        if (depth == 0) {
            return NULL;
        }
    }
}

struct zone *zone_table_get(const struct zone_table *table, const uint8_t *apex)
{
    struct dns_key key;
    if (dns_key_fill(&key, apex, DNS_NAME_MAX) == 0) {
        return NULL;
    }
    uint32_t slot;
    return find_slot(table, dns_key_hash_suffix(&key, 0), key.name, key.len, &slot);
}

struct zone *zone_table_replace(struct zone_table *table, struct zone *zone)
{
    uint32_t slot;
    struct zone *old = find_slot(table, zone->apex_hash, zone->apex, zone->apex_len, &slot);
    if (old != NULL) {
        store(table, slot, zone);
    }
    return old;
}
