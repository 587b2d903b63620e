/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Looking names up in a zone, and zones up by name. */
#include "config.h"

#include "zone/zone.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>

enum { SLOTS_BEHIND = 16 }; /* what does not find room at the end of the slots goes behind it */

void zone_hold(struct zone *zone)
{
    atomic_fetch_add_explicit(&zone->references, 1, memory_order_relaxed);
}

void zone_release(struct zone *zone)
{
    if (zone == NULL || atomic_fetch_sub_explicit(&zone->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    free(zone->slots);
    free(zone->blob);
    free(zone);
}

struct zone *zone_new_failed(const uint8_t *apex)
{
    struct zone *zone = memory_alloc(sizeof *zone);
    struct dns_key key;
    dns_key_fill(&key, apex, DNS_NAME_MAX);
    atomic_init(&zone->references, 1);
    zone->failed = true;
    zone->apex_len = key.len;
    zone->apex_labels = key.labels;
    zone->apex_hash = dns_key_hash_suffix(&key, 0);
    memcpy(zone->apex, key.name, key.len);
    return zone;
}

size_t zone_size(const struct zone *zone)
{
    return sizeof *zone + zone->blob_len + zone->slot_room * sizeof *zone->slots;
}

static void set_cut(const struct zone *zone, const struct dns_key *key, uint32_t cut,
                    struct zone_lookup *found)
{
    found->cut = zone_get_node(zone, cut);
    unsigned at = (unsigned)key->len - zone->apex_len - found->cut->name_len;
    while (key->at[found->cut_label] != at) {
        found->cut_label++;
    }
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

uint32_t zone_find_node(const struct zone *zone, const struct dns_key *key, unsigned label)
{
    size_t name_len = (size_t)key->len - key->at[label] - zone->apex_len;
    uint32_t tag = tag_of(zone_hash_owner(key, label, name_len));
    const struct zone_slot *slot = home_of(zone, tag);
    while (slot->tag < tag) {
        slot++;
    }
    for (; slot->tag == tag; slot++) {
        const struct zone_node *node = zone_get_node(zone, slot->node);
        if (node->name_len == name_len &&
            bytes_equal_words(zone_node_name(node), key->name + key->at[label], name_len)) {
            return slot->node;
        }
    }
    return 0;
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

static uint32_t find_encloser(const struct zone *zone, const struct dns_key *key)
{
    unsigned below = (unsigned)key->labels - zone->apex_labels; /* labels in front of the apex */
    unsigned label = below > zone->depth ? below - zone->depth : 1;
    for (; label < below; label++) {
        uint32_t at = zone_find_node(zone, key, label);
        if (at != 0) {
            return at;
        }
    }
    return zone->apex_node;
}

void zone_look_up_rest(const struct zone *zone, const struct dns_key *key, uint32_t at,
                       struct zone_lookup *found)
{
    if (at == 0) {
        at = find_encloser(zone, key);
        const struct zone_node *encloser = zone_get_node(zone, at);
        found->exact = false;
        /* RFC 4592: the wildcard at the closest encloser */
        found->node = encloser->wildcard != 0 ? zone_get_node(zone, encloser->wildcard) : NULL;
        if (encloser->cut == 0 && (encloser->flags & ZONE_NODE_DNAME) != 0) {
            set_cut(zone, key, at, found);
        }
    }
    uint32_t cut = zone_get_node(zone, at)->cut;
    if (cut != 0) {
        set_cut(zone, key, cut, found);
    }
}

/* ---- the table ---- */

struct zone_table {
    _Atomic(struct zone *) *slots; /* the places are fixed once the table is read by others */
    uint32_t mask, count;
    unsigned depth_max;
    bool depths[DNS_LABELS_MAX + 1]; /* is there a zone whose apex has so many labels? */
};

static struct zone *load(const struct zone_table *table, size_t slot)
{
    return atomic_load_explicit(&table->slots[slot], memory_order_acquire);
}

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
        zone_release(load(table, i));
    }
    free(table->slots);
    free(table);
}

static void grow(struct zone_table *table)
{
    struct zone_table old = *table;
    table->mask = old.mask * 2 + 1;
    table->slots = memory_alloc_array((size_t)table->mask + 1, sizeof *table->slots);
    for (size_t i = 0; i <= old.mask; i++) {
        struct zone *zone = load(&old, i);
        uint32_t to = zone == NULL ? 0 : (uint32_t)(zone->apex_hash >> 32) & table->mask;
        while (zone != NULL && load(table, to) != NULL) {
            to = (to + 1) & table->mask;
        }
        if (zone != NULL) {
            store(table, to, zone);
        }
    }
    free(old.slots);
}

/* The zone with this apex (lower case, zeros behind it), or NULL; *slot is where it is or would be. */
static inline struct zone *find_slot(const struct zone_table *table, uint64_t hash, const uint8_t *apex,
                                     size_t len, uint32_t *slot)
{
    for (uint32_t i = (uint32_t)(hash >> 32) & table->mask;; i = (i + 1) & table->mask) {
        struct zone *zone = load(table, i);
        *slot = i;
        if (zone == NULL ||
            (zone->apex_hash == hash && zone->apex_len == len && bytes_equal_words(zone->apex, apex, len))) {
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

struct zone *zone_table_find(const struct zone_table *table, const struct dns_key *key, unsigned from)
{
    unsigned depth = (unsigned)key->labels - from;
    for (depth = depth < table->depth_max ? depth : table->depth_max;; depth--) {
        if (table->depths[depth]) {
            size_t at = key->at[key->labels - depth], len = key->len - at;
            const uint8_t *apex = key->name + at;
            uint32_t slot;
            struct zone *zone = find_slot(table, dns_key_hash(apex, len), apex, len, &slot);
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
