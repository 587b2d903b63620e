/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From the rendered blob back to records: see walk.h. Nodes are sorted by keys made once per name, so that a
 * million names take a second and not ten. */
#include "config.h"

#include "zone/walk.h"

#include "base/arena.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

enum { FIXED_LEN = 10 /* type, class, TTL, length */ };

struct place {
    const uint8_t *key; /* the labels from the apex down, see make_key() */
    size_t key_len;
    uint32_t node;
};

struct walk {
    const struct zone *zone;
    const struct zone_visitor *visitor;
    uint8_t *rdata; /* 65535 octets */
};

/* ---- order ---- */

/* The labels from the last to the first, so that memcmp() gives the canonical order: each ends with 0, which
 * no octet of a label becomes (0 and 1 are written as two octets). */
static size_t make_key(const struct zone_node *node, uint8_t *key)
{
    const uint8_t *name = zone_node_name(node);
    uint8_t starts[DNS_LABELS_MAX];
    size_t count = 0, len = 0;
    for (unsigned at = 0; at < node->name_len; at += name[at] + 1u) {
        starts[count++] = (uint8_t)at;
    }
    while (count-- > 0) {
        const uint8_t *label = name + starts[count];
        for (unsigned i = 1; i <= label[0]; i++) {
            if (label[i] <= 1) {
                key[len++] = 1;
            }
            key[len++] = label[i] <= 1 ? (uint8_t)(label[i] + 1) : label[i];
        }
        key[len++] = 0;
    }
    return len;
}

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    size_t common = a->key_len < b->key_len ? a->key_len : b->key_len;
    int order = memcmp(a->key, b->key, common);
    return order != 0 ? order : a->key_len < b->key_len ? -1 : a->key_len > b->key_len;
}

/* All nodes in order; *count of them. Returns owned. */
static struct place *list_places(const struct zone *zone, struct arena *arena, size_t *count)
{
    struct place *places = memory_alloc_array(zone->name_count, sizeof *places);
    *count = 0;
    for (size_t s = 0; s < zone->slot_room; s++) {
        if (zone->slots[s].tag != ZONE_SLOT_EMPTY) {
            uint8_t key[2 * DNS_NAME_MAX];
            struct place *place = &places[(*count)++];
            assert(*count <= zone->name_count);
            place->node = zone->slots[s].node;
            place->key_len = make_key(zone_get_node(zone, place->node), key);
            place->key = memcpy(arena_alloc_bytes(arena, place->key_len), key, place->key_len);
        }
    }
    qsort(places, *count, sizeof *places, compare_places);
    return places;
}

/* ---- records ---- */

/* One RRset while its records are put back together. */
struct block {
    const struct zone *zone;
    const uint8_t *bytes, *owner;
    const uint16_t *patches, *links; /* those that are not behind us */
    size_t patch_count, link_count, owner_len;
};

static struct block open_block(const struct zone *zone, const struct zone_rrset *rrset, const uint8_t *owner,
                               size_t owner_len)
{
    struct block block = {.zone = zone,
                          .bytes = zone->blob + rrset->block,
                          .owner = owner,
                          .patch_count = zone_count_patches(rrset),
                          .owner_len = owner_len};
    block.patches = (const uint16_t *)(const void *)block.bytes - block.patch_count;
    if (zone_has_links(rrset)) {
        const struct zone_extra *extra = zone_get_extra(zone, rrset);
        block.links = zone_get_links(extra);
        block.link_count = extra->link_count;
    }
    return block;
}

/* Where the next pointer is that is not written yet, or `end`. */
static size_t find_pointer(const struct block *block, size_t end)
{
    size_t at = block->patch_count != 0 && block->patches[0] < end ? block->patches[0] : end;
    return block->link_count != 0 && block->links[0] < at ? block->links[0] : at;
}

static void pass_pointer(struct block *block, size_t at)
{
    if (block->patch_count != 0 && block->patches[0] == at) {
        block->patches++;
        block->patch_count--;
    } else {
        block->links++;
        block->link_count--;
    }
}

/* The name that goes on at an octet of the block, in full. Returns its length. */
static size_t expand_name(const struct block *block, size_t at, uint8_t *to)
{
    size_t len = 0;
    for (;;) {
        unsigned link = (unsigned)(block->bytes[at] << 8 | block->bytes[at + 1]);
        if (block->bytes[at] <= DNS_LABEL_MAX) {
            size_t label = block->bytes[at] + 1u;
            memcpy(to + len, block->bytes + at, label);
            len += label;
            at += label;
            if (label == 1) {
                return len;
            }
        } else if (link >= (ZONE_LINK_BLOCK | ZONE_LINK_OWNER)) { /* a patch */
            memcpy(to + len, block->zone->apex, block->zone->apex_len);
            return len + block->zone->apex_len;
        } else if ((link & ZONE_LINK_BLOCK) != 0) {
            at = link & ~(unsigned)ZONE_LINK_BLOCK;
        } else {
            size_t suffix = link & ~(unsigned)ZONE_LINK_OWNER;
            memcpy(to + len, block->owner + block->owner_len - suffix, suffix);
            return len + suffix;
        }
    }
}

/* The rdata at block[at], len octets, with names in the place of pointers. Returns its length. */
static size_t expand(struct block *block, size_t at, size_t len, uint8_t *to)
{
    size_t out = 0, end = at + len;
    while (at < end) {
        size_t pointer = find_pointer(block, end);
        memcpy(to + out, block->bytes + at, pointer - at);
        out += pointer - at;
        at = pointer;
        if (at < end) {
            out += expand_name(block, at, to + out);
            pass_pointer(block, at);
            at += 2;
        }
    }
    return out;
}

static uint32_t read32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int walk_rrset(const struct walk *walk, const uint8_t *owner, size_t owner_len,
                      const struct zone_rrset *rrset)
{
    struct block block = open_block(walk->zone, rrset, owner, owner_len);
    int code = 0;
    for (size_t at = 0; at < rrset->len && code == 0;) {
        const uint8_t *fixed = block.bytes + at + 2; /* behind the pointer to the question */
        size_t len = (size_t)(fixed[8] << 8 | fixed[9]);
        at += 2 + FIXED_LEN;
        struct zone_record record = {.owner = owner,
                                     .owner_len = (uint16_t)owner_len,
                                     .type = rrset->type,
                                     .rclass = DNS_CLASS_IN,
                                     .ttl = read32(fixed + 4),
                                     .rdata = walk->rdata};
        record.rdata_len = (uint16_t)expand(&block, at, len, walk->rdata);
        code = walk->visitor->record(walk->visitor->context, &record);
        at += len;
    }
    return code;
}

/* The apex's SOA comes by itself. */
static int walk_node(const struct walk *walk, const struct zone_node *node, bool only_soa)
{
    const struct zone *zone = walk->zone;
    uint8_t owner[DNS_NAME_MAX + 1];
    size_t owner_len = (size_t)node->name_len + zone->apex_len;
    bool is_apex = node->name_len == 0;
    memcpy(owner, zone_node_name(node), node->name_len);
    memcpy(owner + node->name_len, zone->apex, zone->apex_len);
    int code = 0;
    for (unsigned i = 0; i < node->rrset_count && code == 0; i++) {
        const struct zone_rrset *rrset = &node->rrsets[i];
        if (is_apex && (rrset->type == DNS_TYPE_SOA) != only_soa) {
            continue;
        }
        if ((rrset->flags & ZONE_RRSET_STEERED) == 0) {
            code = walk_rrset(walk, owner, owner_len, rrset);
        } else if (walk->visitor->steered != NULL) {
            code = walk->visitor->steered(walk->visitor->context, owner, rrset);
        }
    }
    return code;
}

int zone_walk(const struct zone *zone, const struct zone_visitor *visitor)
{
    struct arena *arena = arena_new(0);
    size_t count;
    struct place *places = list_places(zone, arena, &count);
    struct walk walk = {.zone = zone, .visitor = visitor, .rdata = memory_alloc(UINT16_MAX)};
    int code = walk_node(&walk, zone_get_node(zone, zone->apex_node), true);
    for (size_t i = 0; i < count && code == 0; i++) {
        code = walk_node(&walk, zone_get_node(zone, places[i].node), false);
    }
    free(walk.rdata);
    free(places);
    arena_free(arena);
    return code;
}
