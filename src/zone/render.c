/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Writing the blob of a zone: nodes, RRsets with their answers rendered ahead, glue, and the hash of names.
 */
#include "config.h"

#include "zone/builder_internal.h"

#include "base/memory.h"
#include "dns/name.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_MAX = 65000, QUESTION_POINTER = 0xc00c, PATCHES_MAX = 16384, BLOB_START = 8 };

struct renderer {
    struct zone_builder *b;
    uint8_t *blob;
    size_t len, capacity;
    /* the block being written */
    uint8_t *block;
    size_t block_len, block_capacity;
    uint16_t *patches;
    size_t patch_count, patch_capacity;
    bool overflow;
};

/* ---- the blob ---- */

static size_t take(struct renderer *r, size_t size, size_t align)
{
    size_t at = (r->len + align - 1) & ~(align - 1);
    while (at + size > r->capacity) {
        r->capacity *= 2;
        r->blob = memory_resize(r->blob, r->capacity, 1);
    }
    memset(r->blob + r->len, 0, at + size - r->len);
    r->len = at + size;
    return at;
}

/* ---- blocks ---- */

static void begin(struct renderer *r)
{
    r->block_len = r->patch_count = 0;
    r->overflow = false;
}

static void put(struct renderer *r, const void *bytes, size_t len)
{
    if (r->block_len + len > BLOCK_MAX || r->overflow) {
        r->overflow = true;
        return;
    }
    while (r->block_len + len > r->block_capacity) {
        r->block_capacity *= 2;
        r->block = memory_resize(r->block, r->block_capacity, 1);
    }
    if (len != 0) {
        memcpy(r->block + r->block_len, bytes, len);
    }
    r->block_len += len;
}

static void put16(struct renderer *r, unsigned value)
{
    put(r, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void put32(struct renderer *r, uint32_t value)
{
    put16(r, value >> 16);
    put16(r, value & 0xffff);
}

/* A name that may be compressed: labels in front of the apex, then a pointer that is patched per message. */
static void put_name(struct renderer *r, const uint8_t *name, size_t len)
{
    const struct dns_key *apex = &r->b->apex;
    if (apex->labels == 0 || !dns_name_is_under(name, apex->name) || r->patch_count == PATCHES_MAX) {
        put(r, name, len);
        return;
    }
    put(r, name, len - apex->len);
    r->patches = memory_grow(r->patches, r->patch_count, &r->patch_capacity, sizeof *r->patches);
    r->patches[r->patch_count++] = (uint16_t)r->block_len;
    put16(r, 0xc000);
}

/* Only the types of RFC 1035 may have compressed names in their rdata (RFC 3597 section 4). */
static void put_rdata(struct renderer *r, const struct builder_record *record)
{
    const uint8_t *rdata = record->rdata;
    size_t len = record->rdata_len, at = r->block_len, fixed = record->type == DNS_TYPE_MX ? 2 : 0;
    bool known = record->type == DNS_TYPE_NS || record->type == DNS_TYPE_CNAME ||
                 record->type == DNS_TYPE_PTR || record->type == DNS_TYPE_MX || record->type == DNS_TYPE_SOA;
    size_t name = known && len > fixed ? dns_name_len(rdata + fixed, len - fixed) : 0;
    put16(r, 0);
    if (name == 0) {
        put(r, rdata, len);
    } else {
        put(r, rdata, fixed);
        put_name(r, rdata + fixed, name);
        size_t rest = fixed + name,
               second = record->type == DNS_TYPE_SOA ? dns_name_len(rdata + rest, len - rest) : 0;
        if (second != 0) {
            put_name(r, rdata + rest, second);
        }
        put(r, rdata + rest + second, len - rest - second);
    }
    if (!r->overflow) {
        size_t written = r->block_len - at - 2;
        r->block[at] = (uint8_t)(written >> 8);
        r->block[at + 1] = (uint8_t)written;
    }
}

static void put_fixed(struct renderer *r, uint16_t type, uint32_t ttl)
{
    put16(r, type);
    put16(r, DNS_CLASS_IN);
    put32(r, ttl);
}

/* Move the finished block to the blob, patches in front of it; returns its offset. */
static uint32_t end(struct renderer *r)
{
    size_t patches = r->patch_count * sizeof(uint16_t);
    size_t at = take(r, patches + r->block_len, sizeof(uint16_t));
    if (patches != 0) {
        memcpy(r->blob + at, r->patches, patches);
    }
    memcpy(r->blob + at + patches, r->block, r->block_len);
    return (uint32_t)(at + patches);
}

/* ---- nodes ---- */

static int compare_types(const void *left, const void *right)
{
    return (int)*(const uint16_t *)left - (int)*(const uint16_t *)right;
}

enum { TYPES_MAX = 512 };

/* The distinct types of an owner's static records, ascending. */
static size_t list_types(struct zone_builder *b, const struct builder_owner *owner, uint16_t types[TYPES_MAX])
{
    size_t count = 0;
    for (uint32_t i = owner->first; i != 0; i = b->records[i - 1].next) {
        uint16_t type = b->records[i - 1].type;
        size_t at = 0;
        while (at < count && types[at] != type) {
            at++;
        }
        if (at == TYPES_MAX) {
            builder_complain(b, REPORT_ERROR, &b->records[i - 1].place,
                             "more than 512 record types at one name");
            break;
        }
        if (at == count) {
            types[count++] = type;
        }
    }
    qsort(types, count, sizeof *types, compare_types);
    return count;
}

static void render_static(struct renderer *r, const struct builder_owner *owner, uint16_t type, size_t header)
{
    struct zone_builder *b = r->b;
    uint16_t count = 0;
    const struct builder_record *last = NULL;
    begin(r);
    for (uint32_t i = owner->first; i != 0; i = b->records[i - 1].next) {
        const struct builder_record *record = &b->records[i - 1];
        if (record->type == type && !record->duplicate) {
            put16(r, QUESTION_POINTER);
            put_fixed(r, type, record->ttl);
            put_rdata(r, record);
            count++;
            last = record;
        }
    }
    if (r->overflow) {
        builder_complain(b, REPORT_ERROR, &last->place,
                         "this RRset does not fit into a DNS message of 64 kB");
        return;
    }
    uint32_t block = end(r);
    uint16_t flags = type == DNS_TYPE_SOA && owner == &b->owners[0] ? ZONE_RRSET_SERIAL : 0;
    *(struct zone_rrset *)(void *)(r->blob + header) =
        (struct zone_rrset){.type = type,
                            .count = count,
                            .len = (uint16_t)r->block_len,
                            .patch_count = (uint16_t)r->patch_count,
                            .flags = flags,
                            .block = block};
}

static void render_steered(struct renderer *r, const struct builder_steered *steered, size_t header)
{
    size_t record_len = 12u + steered->rdata_len;
    size_t at = take(r, sizeof(struct zone_steered) + record_len * steered->member_count, 4);
    struct zone_steered *to = (struct zone_steered *)(void *)(r->blob + at);
    to->policy = steered->policy;
    for (size_t i = 0; i < steered->member_count; i++) {
        begin(r);
        put16(r, QUESTION_POINTER);
        put_fixed(r, steered->type, steered->ttl);
        put16(r, steered->rdata_len);
        put(r, steered->rdata + i * steered->rdata_len, steered->rdata_len);
        memcpy(to->records + i * record_len, r->block, record_len);
    }
    *(struct zone_rrset *)(void *)(r->blob + header) = (struct zone_rrset){.type = steered->type,
                                                                           .count = steered->member_count,
                                                                           .len = (uint16_t)record_len,
                                                                           .flags = ZONE_RRSET_STEERED,
                                                                           .block = (uint32_t)at};
}

static const struct builder_steered *find_steered(const struct zone_builder *b,
                                                  const struct builder_owner *owner, uint16_t type)
{
    for (uint32_t s = owner->steered; s != 0; s = b->steered[s - 1].next) {
        if (b->steered[s - 1].type == type) {
            return &b->steered[s - 1];
        }
    }
    return NULL;
}

/* All types of an owner, steered ones included, ascending. */
static size_t list_all_types(struct zone_builder *b, const struct builder_owner *owner,
                             uint16_t types[TYPES_MAX])
{
    size_t count = list_types(b, owner, types);
    for (uint32_t s = owner->steered; s != 0 && count < TYPES_MAX; s = b->steered[s - 1].next) {
        uint16_t type = b->steered[s - 1].type;
        if (bsearch(&type, types, count, sizeof *types, compare_types) == NULL) {
            types[count++] = type;
            qsort(types, count, sizeof *types, compare_types);
        }
    }
    return count;
}

static bool has_static(const struct zone_builder *b, const struct builder_owner *owner, uint16_t type)
{
    for (uint32_t i = owner->first; i != 0; i = b->records[i - 1].next) {
        if (b->records[i - 1].type == type) {
            return true;
        }
    }
    return false;
}

static void render_node(struct renderer *r, struct builder_owner *owner)
{
    struct zone_builder *b = r->b;
    uint16_t types[TYPES_MAX];
    size_t type_count = list_all_types(b, owner, types), sets = 0;
    for (size_t i = 0; i < type_count; i++) {
        sets += (find_steered(b, owner, types[i]) != NULL) + (size_t)has_static(b, owner, types[i]);
    }
    size_t name_room = bytes_whole_words(owner->name_len);
    size_t at = take(r, sizeof(struct zone_node) + sets * sizeof(struct zone_rrset) + name_room, 4);
    struct zone_node *node = (struct zone_node *)(void *)(r->blob + at);
    node->name_len = owner->name_len;
    node->rrset_count = (uint16_t)sets;
    uint8_t *name = (uint8_t *)(node->rrsets + sets);
    memcpy(name, owner->name, owner->name_len);
    memcpy(name + owner->name_len, b->apex.name, name_room - owner->name_len);
    owner->node = (uint32_t)at;
    size_t header = at + sizeof(struct zone_node);
    for (size_t i = 0; i < type_count; i++) {
        const struct builder_steered *steered = find_steered(b, owner, types[i]);
        if (steered != NULL) {
            render_steered(r, steered, header);
            header += sizeof(struct zone_rrset);
        }
        if (has_static(b, owner, types[i])) {
            render_static(r, owner, types[i], header);
            header += sizeof(struct zone_rrset);
        }
    }
}

/* ---- delegations ---- */

static void put_addresses(struct renderer *r, const struct builder_owner *target, const uint8_t *name,
                          uint16_t *count)
{
    for (uint32_t i = target->first; i != 0; i = r->b->records[i - 1].next) {
        const struct builder_record *record = &r->b->records[i - 1];
        if ((record->type == DNS_TYPE_A || record->type == DNS_TYPE_AAAA) && !record->duplicate) {
            put_name(r, name, dns_name_len(name, DNS_NAME_MAX));
            put_fixed(r, record->type, record->ttl);
            put_rdata(r, record);
            ++*count;
        }
    }
}

static void render_glue(struct renderer *r, const struct builder_owner *cut)
{
    struct zone_glue glue = {0};
    begin(r);
    for (uint32_t i = cut->first; i != 0; i = r->b->records[i - 1].next) {
        const struct builder_record *record = &r->b->records[i - 1];
        bool in_zone;
        if (record->type != DNS_TYPE_NS || record->duplicate) {
            continue;
        }
        const struct builder_owner *target = builder_find_name(r->b, record->rdata, &in_zone);
        if (target != NULL) {
            put_addresses(r, target, record->rdata, &glue.count);
        }
    }
    if (glue.count == 0 || r->overflow) {
        return;
    }
    glue.block = end(r);
    glue.len = (uint16_t)r->block_len;
    glue.patch_count = (uint16_t)r->patch_count;
    size_t at = take(r, sizeof glue, 4);
    memcpy(r->blob + at, &glue, sizeof glue);
    ((struct zone_node *)(void *)(r->blob + cut->node))->glue = (uint32_t)at;
}

static void link_nodes(struct renderer *r)
{
    struct zone_builder *b = r->b;
    for (size_t i = 0; i < b->owner_count; i++) {
        const struct builder_owner *owner = &b->owners[i];
        if (owner->cut != 0) {
            struct zone_node *node = (struct zone_node *)(void *)(r->blob + owner->node);
            node->cut = b->owners[owner->cut - 1].node;
            node->flags = owner->cut == i + 1 ? ZONE_NODE_CUT : ZONE_NODE_OCCLUDED;
        } else if (owner->has_dname) {
            ((struct zone_node *)(void *)(r->blob + owner->node))->flags = ZONE_NODE_DNAME;
        }
        if (owner->name_len >= 2 && owner->name[0] == 1 && owner->name[1] == '*' && owner->parent != 0) {
            uint32_t parent = b->owners[owner->parent - 1].node;
            ((struct zone_node *)(void *)(r->blob + parent))->wildcard = owner->node;
        }
        if (owner->cut == i + 1) {
            render_glue(r, owner);
        }
    }
}

/* ---- the whole ---- */

static uint32_t read32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* RFC 2308 section 3: negative answers live as long as the lesser of the SOA's TTL and its minimum. */
static void render_negative(struct renderer *r, struct zone *zone)
{
    const struct builder_record *soa = r->b->soa;
    uint32_t minimum = read32(soa->rdata + soa->rdata_len - 4);
    begin(r);
    put16(r, QUESTION_POINTER);
    put_fixed(r, DNS_TYPE_SOA, soa->ttl < minimum ? soa->ttl : minimum);
    put_rdata(r, soa);
    uint32_t block = end(r);
    zone->negative = (struct zone_rrset){.type = DNS_TYPE_SOA,
                                         .count = 1,
                                         .len = (uint16_t)r->block_len,
                                         .patch_count = (uint16_t)r->patch_count,
                                         .flags = ZONE_RRSET_SERIAL,
                                         .block = block};
    zone->serial = read32(soa->rdata + soa->rdata_len - 20);
    atomic_init(&zone->served, zone->serial);
}

static void fill_slots(const struct zone_builder *b, struct zone *zone)
{
    zone_init_slots(zone, b->owner_count);
    for (size_t i = 0; i < b->owner_count; i++) {
        zone_add_slot(zone, b->owners[i].hash, b->owners[i].node);
    }
}

static void fill_zone(struct renderer *r, struct zone *zone)
{
    const struct zone_builder *b = r->b;
    atomic_init(&zone->references, 1);
    zone->apex_len = b->apex.len;
    zone->apex_labels = b->apex.labels;
    zone->apex_hash = dns_key_hash(b->apex.name, b->apex.len);
    zone->depth = (uint8_t)b->depth;
    memcpy(zone->apex, b->apex.name, b->apex.len);
    render_negative(r, zone);
    fill_slots(b, zone);
    zone->apex_node = b->owners[0].node;
    zone->name_count = (uint32_t)b->owner_count;
    zone->record_count = (uint32_t)b->record_count;
    zone->steered_count = (uint32_t)b->steered_count;
    zone->blob = memory_resize(r->blob, r->len, 1);
    zone->blob_len = r->len;
}

struct zone *builder_render(struct zone_builder *b)
{
    struct renderer r = {.b = b, .capacity = 256, .len = BLOB_START, .block_capacity = 256};
    r.blob = memory_alloc(r.capacity);
    r.block = memory_alloc(r.block_capacity);
    for (size_t i = 0; i < b->owner_count; i++) {
        render_node(&r, &b->owners[i]);
    }
    link_nodes(&r);
    struct zone *zone = NULL;
    if (r.len > UINT32_MAX) {
        builder_complain(b, REPORT_ERROR, &(struct builder_place){0}, "the zone is larger than 4 GB");
    }
    if (b->failed) {
        free(r.blob);
    } else {
        zone = memory_alloc(sizeof *zone);
        fill_zone(&r, zone);
    }
    free(r.block);
    free(r.patches);
    return zone;
}
