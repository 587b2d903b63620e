/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From the rendered blob back to records: see walk.h. Nodes are sorted by keys made once per name, so that a
 * million names take a second and not ten. */
#include "config.h"

#include "zone/walk.h"

#include "base/arena.h"
#include "base/memory.h"
#include "dns/name.h"

#include <assert.h>
#include <stdlib.h>

enum {
    FIXED_LEN = 10, /* type, class, TTL, length */
    MESSAGE_SIZE = DNS_HEADER_SIZE + DNS_NAME_MAX + 1 + UINT16_MAX,
};

struct place {
    const uint8_t *key; /* the labels from the apex down, see make_key() */
    size_t key_len;
    uint32_t node;
};

struct walk {
    const struct zone *zone;
    struct zone_sink sink;
    uint8_t *rdata;   /* 65535 octets */
    uint8_t *message; /* MESSAGE_SIZE */
};

/* ---- order ---- */

/* The labels from the last to the first, so that memcmp() gives the canonical order: each ends with 0, which
 * no octet of a label becomes (0 and 1 are written as two octets). */
static size_t make_key(const struct zone_node *node, uint8_t *key)
{
    const uint8_t *name = zone_node_name(node);
    uint8_t starts[DNS_LABELS_MAX] = {0};
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

/* An owner as a question, and an RRset's block behind it, with every pointer in its place. */
struct message {
    uint8_t *bytes;
    const uint16_t *patches, *links; /* where pointers are, counted from the block's begin */
    size_t patch_count, link_count;
};

/* Where a link leads to in the message. */
static size_t find_link(size_t owner_len, size_t block_at, uint16_t link)
{
    size_t suffix = link & (ZONE_LINK_OWNER - 1u);
    if ((link & ZONE_LINK_BLOCK) != 0) {
        return block_at + (link & (ZONE_LINK_BLOCK - 1u));
    }
    return suffix == 0 ? DNS_HEADER_SIZE : DNS_HEADER_SIZE + owner_len - suffix;
}

static void put_pointer(uint8_t *to, size_t target)
{
    to[0] = (uint8_t)(0xc0 | target >> 8);
    to[1] = (uint8_t)target;
}

/* Lays the block behind the owner. Returns where it begins. */
static size_t lay_block(const struct walk *walk, const struct zone_rrset *rrset, const uint8_t *owner,
                        size_t owner_len, struct message *message)
{
    const uint8_t *block = walk->zone->blob + rrset->block;
    size_t at = DNS_HEADER_SIZE + owner_len;
    *message = (struct message){.bytes = walk->message,
                                .patches = (const uint16_t *)(const void *)block - rrset->patch_count,
                                .patch_count = rrset->patch_count};
    memcpy(walk->message + DNS_HEADER_SIZE, owner, owner_len);
    memcpy(walk->message + at, block, rrset->len);
    if ((rrset->flags & ZONE_RRSET_LINKED) != 0) {
        const struct zone_extra *extra = zone_get_extra(walk->zone, rrset);
        message->links = zone_get_links(extra);
        message->link_count = extra->link_count;
    }
    for (size_t i = 0; i < message->patch_count; i++) {
        put_pointer(walk->message + at + message->patches[i], at - walk->zone->apex_len);
    }
    for (size_t i = 0; i < message->link_count && message->links[i] < rrset->len; i++) {
        uint8_t *pointer = walk->message + at + message->links[i];
        put_pointer(pointer, find_link(owner_len, at, (uint16_t)(pointer[0] << 8 | pointer[1])));
    }
    return at;
}

/* The name at an offset of the message, pointers followed. Returns its length. */
static size_t copy_name(const uint8_t *message, size_t at, uint8_t *to)
{
    size_t len = 0;
    while (message[at] != 0) {
        if (message[at] >= 0xc0) {
            at = (size_t)(message[at] & 0x3f) << 8 | message[at + 1];
            continue;
        }
        memcpy(to + len, message + at, message[at] + 1u);
        len += message[at] + 1u;
        at += message[at] + 1u;
    }
    to[len++] = 0;
    return len;
}

/* The next place of a pointer at or behind `from` in the block; SIZE_MAX: there is none. */
static size_t find_pointer(struct message *message, size_t from)
{
    while (message->patch_count != 0 && *message->patches < from) {
        message->patches++;
        message->patch_count--;
    }
    while (message->link_count != 0 && *message->links < from) {
        message->links++;
        message->link_count--;
    }
    size_t patch = message->patch_count != 0 ? *message->patches : SIZE_MAX;
    size_t link = message->link_count != 0 ? *message->links : SIZE_MAX;
    return patch < link ? patch : link;
}

/* The rdata at `at` of the block, len octets, with names in the place of pointers. Returns its length. */
static size_t expand(const struct walk *walk, struct message *message, size_t block_at, size_t at, size_t len)
{
    size_t out = 0, end = at + len;
    while (at < end) {
        size_t pointer = find_pointer(message, at);
        bool has_pointer = pointer < end;
        size_t plain = (has_pointer ? pointer : end) - at;
        memcpy(walk->rdata + out, message->bytes + block_at + at, plain);
        out += plain;
        at += plain;
        if (has_pointer) {
            out += copy_name(message->bytes, block_at + at, walk->rdata + out);
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
    const uint8_t *block = walk->zone->blob + rrset->block;
    struct message message;
    size_t block_at = lay_block(walk, rrset, owner, owner_len, &message);
    int code = 0;
    for (size_t at = 0; at < rrset->len && code == 0;) {
        const uint8_t *fixed = block + at + 2; /* behind the pointer to the question */
        size_t len = (size_t)(fixed[8] << 8 | fixed[9]);
        at += 2 + FIXED_LEN;
        struct zone_record record = {.owner = owner,
                                     .owner_len = (uint16_t)owner_len,
                                     .type = (uint16_t)(fixed[0] << 8 | fixed[1]),
                                     .rclass = DNS_CLASS_IN,
                                     .ttl = read32(fixed + 4),
                                     .rdata = walk->rdata};
        record.rdata_len = (uint16_t)expand(walk, &message, block_at, at, len);
        code = walk->sink.record(walk->sink.context, &record);
        at += len;
    }
    return code;
}

/* The apex's SOA comes by itself. */
static int walk_node(const struct walk *walk, const struct zone_visitor *visitor,
                     const struct zone_node *node, bool only_soa)
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
        } else if (visitor->steered != NULL) {
            code = visitor->steered(visitor->context, owner, rrset);
        }
    }
    return code;
}

static struct walk begin_walk(const struct zone *zone, struct zone_sink sink)
{
    return (struct walk){
        .zone = zone, .sink = sink, .rdata = memory_alloc(UINT16_MAX), .message = memory_alloc(MESSAGE_SIZE)};
}

static void end_walk(const struct walk *walk)
{
    free(walk->rdata);
    free(walk->message);
}

int zone_walk(const struct zone *zone, const struct zone_visitor *visitor)
{
    struct arena *arena = arena_new(0);
    size_t count;
    struct place *places = list_places(zone, arena, &count);
    struct walk walk = begin_walk(zone, (struct zone_sink){visitor->context, visitor->record});
    int code = walk_node(&walk, visitor, zone_get_node(zone, zone->apex_node), true);
    for (size_t i = 0; i < count && code == 0; i++) {
        code = walk_node(&walk, visitor, zone_get_node(zone, places[i].node), false);
    }
    end_walk(&walk);
    free(places);
    arena_free(arena);
    return code;
}

int zone_walk_member(const struct zone *zone, const uint8_t *owner, const struct zone_rrset *rrset,
                     unsigned member, const struct zone_sink *sink)
{
    size_t owner_len = dns_name_len(owner, DNS_NAME_MAX);
    struct zone_rrset records = *rrset;
    if ((rrset->flags & ZONE_RRSET_LISTED) != 0) {
        const struct zone_set *set = zone_get_set(zone, zone_get_listed(zone, rrset), member);
        if (set == NULL) {
            return 0;
        }
        records = set->rrset;
    } else { /* one record, which has no pointers but its owner's */
        records.block = zone_get_steered(zone, rrset)->records[member];
        records.flags = 0;
    }
    struct walk walk = begin_walk(zone, *sink);
    int code = walk_rrset(&walk, owner, owner_len, &records);
    end_walk(&walk);
    return code;
}

int zone_walk_rrset(const struct zone *zone, const uint8_t *owner, const struct zone_rrset *rrset,
                    const struct zone_sink *sink)
{
    struct walk walk = begin_walk(zone, *sink);
    int code = walk_rrset(&walk, owner, dns_name_len(owner, DNS_NAME_MAX), rrset);
    end_walk(&walk);
    return code;
}
