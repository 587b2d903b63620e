/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Writing the blob of a zone: nodes, RRsets with their answers rendered ahead, and the hash of names.
 */
#include "config.h"

#include "zone/render_internal.h"

#include "base/memory.h"

#include <stdlib.h>

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

static struct zone_rrset render_static(struct renderer *r, const struct builder_owner *owner, uint16_t type)
{
    r->record_count = 0;
    render_gather(r, owner, type);
    return render_rrset(r, owner, type);
}

/* The record of an address, which stands in the blob once. Returns its offset. */
static uint32_t render_address(struct renderer *r, struct builder_address *address, uint16_t rdata_len)
{
    if (address->at == 0) {
        render_begin(r, NULL);
        render_put16(r, RENDER_QUESTION);
        render_put_fixed(r, address->type, address->ttl);
        render_put16(r, rdata_len);
        render_put(r, address->rdata, rdata_len);
        address->at = render_end(r);
    }
    return address->at;
}

/* One address per member. The blob moves meanwhile. */
static struct zone_rrset render_addresses(struct renderer *r, const struct builder_steered *steered)
{
    size_t at = render_take(r, sizeof(struct zone_steered) + sizeof(uint32_t) * steered->member_count, 4);
    uint16_t flags = ZONE_RRSET_STEERED | (steered->has_hosts ? ZONE_RRSET_HOSTS : 0);
    for (size_t i = 0; i < steered->member_count; i++) {
        uint32_t record = render_address(r, &r->b->addresses[steered->addresses[i]], steered->rdata_len);
        ((struct zone_steered *)(void *)(r->blob + at))->records[i] = record;
    }
    struct zone_steered *to = (struct zone_steered *)(void *)(r->blob + at);
    to->policy = steered->policy;
    to->name = steered->name;
    render_write_ttl(to->ttl, steered->ttl);
    return (struct zone_rrset){.type = steered->type,
                               .count = steered->member_count,
                               .len = (uint16_t)(12u + steered->rdata_len),
                               .types = steered->types,
                               .flags = flags,
                               .block = (uint32_t)at};
}

/* The blob moves while an RRset is written. */
static size_t put_header(struct renderer *r, size_t header, struct zone_rrset rrset)
{
    *(struct zone_rrset *)(void *)(r->blob + header) = rrset;
    return header + sizeof rrset;
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
    size_t at = render_take(r, sizeof(struct zone_node) + sets * sizeof(struct zone_rrset) + name_room, 4);
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
            header = put_header(r, header,
                                steered->listed != NULL ? render_listed(r, owner, steered)
                                                        : render_addresses(r, steered));
        }
        if (has_static(b, owner, types[i])) {
            header = put_header(r, header, render_static(r, owner, types[i]));
        }
    }
}

/* ---- what points from node to node ---- */

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
    }
    for (size_t i = 0; i < r->fixup_count; i++) {
        memcpy(r->blob + r->fixups[i].at, &b->owners[r->fixups[i].owner].node, sizeof(uint32_t));
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
    render_begin(r, &r->b->owners[0]);
    render_put_apex(r); /* it never stands for the name that was asked */
    render_put_fixed(r, DNS_TYPE_SOA, soa->ttl < minimum ? soa->ttl : minimum);
    render_put_rdata(r, soa);
    uint32_t block = render_end(r);
    zone->negative = (struct zone_rrset){.type = DNS_TYPE_SOA,
                                         .count = 1,
                                         .len = (uint16_t)r->block_len,
                                         .patch_count = (uint16_t)r->patch_count,
                                         .flags = r->link_count != 0 ? ZONE_RRSET_LINKED : 0,
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
    zone->depth = (uint8_t)b->depth;
    render_negative(r, zone);
    fill_slots(b, zone);
    zone->apex_node = b->owners[0].node;
    zone->name_count = (uint32_t)b->owner_count;
    zone->record_count = (uint32_t)b->record_count;
    zone->steered_count = (uint32_t)b->steered_count;
    zone->blob = memory_resize(r->blob, r->len, 1);
    render_guard(r, zone->blob, r->len);
    zone->blob_len = r->len;
    zone->whoamis = memory_copy(b->whoamis, b->whoami_count * sizeof *b->whoamis);
    zone->whoami_count = b->whoami_count;
}

struct zone *builder_render(struct zone_builder *b)
{
    struct renderer r;
    render_init(&r, b);
    struct zone *zone = NULL;
    for (size_t i = 0; i < b->owner_count && builder_goes_on(b, i); i++) {
        render_node(&r, &b->owners[i]);
    }
    if (builder_goes_on(b, 0)) {
        link_nodes(&r);
    }
    if (r.len > UINT32_MAX) {
        builder_complain(b, REPORT_ERROR, &(struct builder_place){0}, "the zone is larger than 4 GB");
    }
    if (b->failed) {
        free(r.blob);
    } else {
        zone = zone_new(&b->apex);
        fill_zone(&r, zone);
    }
    render_fini(&r);
    return zone;
}
