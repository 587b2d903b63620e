/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Walking a zone and writing its records: see transfer.h. A record is taken apart and put together anew: its
 * block was rendered to be an answer, where its owner is the question and pointers lead elsewhere. Pointers
 * that are written lead to the apex, which is the question of every message, or to the owner of the node in
 * hand. */
#include "config.h"

#include "transfer/transfer.h"

#include "base/sanitizer.h"
#include "dns/query.h"

#include <string.h>

enum {
    APEX_AT = DNS_HEADER_SIZE,
    POINTER = 0xc000,
    POINTER_MAX = 0x3fff,
    FIXED_SIZE = 10, /* type, class, TTL, length of rdata */
    SOA_NUMBERS_SIZE = 20,
};

static void put16(uint8_t *to, unsigned value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static unsigned read16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* ---- beginning and ending ---- */

void transfer_init(struct transfer *transfer, struct zone *zone, struct view_rendition *rendition)
{
    zone_hold(zone);
    if (rendition != NULL) {
        view_rendition_hold(rendition);
    }
    transfer->stage = TRANSFER_BEGIN;
    transfer->zone = zone;
    transfer->rendition = rendition;
    transfer->keys = NULL;
    transfer->serial =
        atomic_load_explicit(rendition != NULL ? &rendition->serial : &zone->served, memory_order_relaxed);
    transfer->slot = 0;
    transfer->node = NULL;
    transfer->rrset = 0;
    transfer->position = 0;
}

void transfer_fini(struct transfer *transfer)
{
    if (transfer->zone != NULL) {
        zone_release(transfer->zone);
        view_rendition_release(transfer->rendition);
        tsig_keys_release(transfer->keys);
    }
    transfer->stage = TRANSFER_OVER;
    transfer->zone = NULL;
    transfer->rendition = NULL;
    transfer->keys = NULL;
}

/* ---- records ---- */

/* An RRset that records are taken from: its block and who it belongs to. */
struct source {
    const struct zone *zone;
    const struct zone_node *node;
    const uint8_t *block;
    size_t len;
};

/* The record being written; what does not fit is noticed at its end. */
struct record {
    const struct transfer_room *room;
    const struct source *source;
    size_t at;
    bool overflow;
};

static void put(struct record *record, const void *bytes, size_t len)
{
    if (len > record->room->limit - record->at) {
        record->overflow = true;
        return;
    }
    memcpy(record->room->out + record->at, bytes, len);
    record->at += len;
}

static void put_pointer(struct record *record, size_t to)
{
    uint8_t pointer[2];
    put16(pointer, POINTER | (unsigned)to);
    put(record, pointer, sizeof pointer);
}

/* The last octets of the owner's name. */
static void put_suffix(struct record *record, size_t octets)
{
    const struct zone *zone = record->source->zone;
    const struct zone_node *node = record->source->node;
    if (octets < zone->apex_len) {
        put(record, zone->apex + zone->apex_len - octets, octets);
    } else {
        put(record, zone_node_name(node) + node->name_len + zone->apex_len - octets, octets - zone->apex_len);
        put_pointer(record, APEX_AT);
    }
}

static size_t skip_labels(const uint8_t *name, size_t len)
{
    size_t at = 0;
    while (at < len && name[at] != 0 && name[at] <= DNS_LABEL_MAX) {
        at += name[at] + 1u;
    }
    return at;
}

/* The name at `at` of a block, which ends as zone.h says of what stands where a pointer will be: in a pointer
 * to the apex, or in a link to the owner or to a name in front of it. Returns how many octets it has there.
 */
static size_t put_name(struct record *record, size_t at, size_t end)
{
    const struct source *source = record->source;
    size_t first = at + skip_labels(source->block + at, end - at);
    bool whole = first + 1 >= end || source->block[first] == 0;
    size_t behind = first >= end ? end : whole ? first + 1 : first + 2;
    for (;;) {
        size_t stop = at + skip_labels(source->block + at, source->len - at);
        if (stop + 1 >= source->len || source->block[stop] == 0) {
            stop = stop < source->len ? stop + 1 : source->len;
            put(record, source->block + at, stop - at);
            return behind;
        }
        put(record, source->block + at, stop - at);
        unsigned link = read16(source->block + stop), back = link & (ZONE_LINK_BLOCK - 1u);
        if (link >= POINTER || (link & ZONE_LINK_BLOCK) == 0 || back >= at) {
            size_t suffix = link & (ZONE_LINK_OWNER - 1u);
            put_suffix(record, link >= POINTER ? source->zone->apex_len : suffix);
            return behind;
        }
        at = back;
    }
}

/* Rdata of a block: names are compressed in those types only (zone/render_block.c), and are their first
 * fields. */
static void put_rdata(struct record *record, uint16_t type, size_t at, size_t len)
{
    size_t names = type == DNS_TYPE_SOA ? 2 : 0, end = at + len;
    if (type == DNS_TYPE_MX && len > 2) {
        put(record, record->source->block + at, 2);
        at += 2;
        names = 1;
    } else if (type == DNS_TYPE_NS || type == DNS_TYPE_CNAME || type == DNS_TYPE_PTR) {
        names = 1;
    }
    for (; names > 0 && at < end; names--) {
        at = put_name(record, at, end);
    }
    put(record, record->source->block + at, end - at);
}

static void put_owner(struct record *record, uint16_t owner_at)
{
    if (owner_at != 0) {
        put_pointer(record, owner_at);
    } else {
        put_suffix(record, (size_t)record->source->node->name_len + record->source->zone->apex_len);
    }
}

enum put_result { PUT_DONE, PUT_FULL, PUT_TOO_LARGE };

/* The record at `at` of a block: its owner is a pointer, then come type, class, TTL, length and rdata.
 * owner_at: where the node's name stands already, 0: nowhere. */
static enum put_result put_record(const struct source *source, size_t at, struct transfer_room *room,
                                  uint16_t owner_at)
{
    struct record record = {.room = room, .source = source, .at = room->at};
    const uint8_t *from = source->block + at;
    put_owner(&record, owner_at);
    size_t fixed_at = record.at;
    put(&record, from + 2, FIXED_SIZE);
    put_rdata(&record, (uint16_t)read16(from + 2), at + 2 + FIXED_SIZE, read16(from + 10));
    if (record.overflow) {
        return room->count == 0 ? PUT_TOO_LARGE : PUT_FULL;
    }
    if (record.at > TRANSFER_MESSAGE_WANTED && room->count != 0) {
        return PUT_FULL;
    }
    put16(room->out + fixed_at + 8, (unsigned)(record.at - fixed_at - FIXED_SIZE));
    room->at = record.at;
    room->count++;
    return PUT_DONE;
}

static enum put_result put_soa(const struct zone *zone, uint32_t number, struct transfer_room *room)
{
    const struct zone_node *apex = zone_get_node(zone, zone->apex_node);
    const struct zone_rrset *soa = zone_find_rrset(apex, DNS_TYPE_SOA);
    const struct source source = {zone, apex, zone->blob + soa->block, soa->len};
    enum put_result result = put_record(&source, 0, room, APEX_AT);
    if (result == PUT_DONE) {
        uint8_t *serial = room->out + room->at - SOA_NUMBERS_SIZE;
        put16(serial, number >> 16);
        put16(serial + 2, number & 0xffff);
    }
    return result;
}

/* ---- RRsets ---- */

/* What a steered RRset is in this transfer; NULL: nothing of its own. */
static const struct view_rendered *find_rendered(const struct transfer *transfer,
                                                 const struct zone_rrset *rrset)
{
    if (transfer->rendition == NULL || (rrset->flags & ZONE_RRSET_STEERED) == 0) {
        return NULL;
    }
    const struct zone_steered *steered = zone_get_steered(transfer->zone, rrset);
    const struct view_rendered *rendered =
        view_rendition_find(transfer->rendition, steered->policy, rrset->type);
    bool is_nothing = rendered == NULL || rendered->is_static ||
                      (rendered->count == 0 && rrset->type == DNS_TYPE_NS); /* no zone is without */
    return is_nothing ? NULL : rendered;
}

/* The zone file's records of a type stand behind the steered ones: not where those are rendered. */
static bool is_replaced(const struct transfer *transfer, unsigned index)
{
    const struct zone_rrset *rrset = &transfer->node->rrsets[index];
    return index != 0 && rrset[-1].type == rrset->type && find_rendered(transfer, &rrset[-1]) != NULL;
}

/* The record at `at` of a source, and a note of where its owner stands. */
static enum put_result put_next(const struct source *source, size_t at, struct transfer_room *room,
                                uint16_t *owner_at)
{
    size_t stands_at = room->at;
    enum put_result result = put_record(source, at, room, *owner_at);
    if (result == PUT_DONE && *owner_at == 0 && stands_at <= POINTER_MAX) {
        *owner_at = (uint16_t)stands_at;
    }
    return result;
}

/* The record of an address that no member has by itself: any member's is the mould. */
static enum put_result put_host_address(const struct source *mould, const struct addr *addr,
                                        struct transfer_room *room, uint16_t *owner_at)
{
    uint8_t record[12 + sizeof addr->bytes];
    size_t rdata_len = addr_len(addr), len = 12 + rdata_len;
    struct source source = *mould;
    memcpy(record, mould->block, 12);
    memcpy(record + 12, addr->bytes, rdata_len);
    source.block = record;
    source.len = len;
    return put_next(&source, 0, room, owner_at);
}

/* Records of addresses: `position` counts members, then addresses of hosts. */
static enum put_result put_addresses(struct transfer *transfer, const struct view_rendered *rendered,
                                     struct transfer_room *room, uint16_t *owner_at)
{
    const struct zone_rrset *rrset = &transfer->node->rrsets[transfer->rrset];
    struct source source = {.zone = transfer->zone, .node = transfer->node, .len = rrset->len};
    for (; transfer->position < rendered->count + rendered->address_count; transfer->position++) {
        size_t at = transfer->position;
        source.block =
            zone_get_address(transfer->zone, rrset, at < rendered->count ? rendered->members[at] : 0);
        enum put_result result =
            at < rendered->count
                ? put_next(&source, 0, room, owner_at)
                : put_host_address(&source, &rendered->addresses[at - rendered->count], room, owner_at);
        if (result != PUT_DONE) {
            return result;
        }
    }
    return PUT_DONE;
}

/* The members' records one after another. */
struct listing {
    const struct zone *zone;
    const struct zone_listed *listed;
    const struct view_rendered *rendered;
};

/* The number of the record at a position, or ZONE_NO_SET behind the last one. */
static unsigned get_number(const struct listing *listing, size_t position)
{
    for (size_t m = 0; m < listing->rendered->count; m++) {
        const struct zone_set *set =
            zone_get_set(listing->zone, listing->listed, listing->rendered->members[m]);
        if (set != NULL && position < set->rrset.count) {
            return zone_get_singles(listing->zone, set)[position];
        }
        position -= set == NULL ? 0 : set->rrset.count;
    }
    return ZONE_NO_SET;
}

/* Does the record of this number stand there for the first time? */
static bool is_first(const struct listing *listing, size_t position, unsigned number)
{
    for (size_t m = 0, at = 0; m < listing->rendered->count; m++) {
        const struct zone_set *set =
            zone_get_set(listing->zone, listing->listed, listing->rendered->members[m]);
        const uint16_t *numbers = set == NULL ? NULL : zone_get_singles(listing->zone, set);
        for (unsigned i = 0; set != NULL && i < set->rrset.count; i++, at++) {
            if (at == position || numbers[i] == number) {
                return at == position;
            }
        }
    }
    return true;
}

/* Any rdata: `position` counts records, each of which is written once. */
static enum put_result put_listed(struct transfer *transfer, const struct view_rendered *rendered,
                                  struct transfer_room *room, uint16_t *owner_at)
{
    const struct zone_rrset *rrset = &transfer->node->rrsets[transfer->rrset];
    const struct listing listing = {transfer->zone, zone_get_listed(transfer->zone, rrset), rendered};
    unsigned number;
    for (; (number = get_number(&listing, transfer->position)) != ZONE_NO_SET; transfer->position++) {
        const struct zone_rrset *single = &zone_get_single(transfer->zone, listing.listed, number)->rrset;
        const struct source source = {.zone = transfer->zone,
                                      .node = transfer->node,
                                      .block = transfer->zone->blob + single->block,
                                      .len = single->len};
        enum put_result result =
            is_first(&listing, transfer->position, number) ? put_next(&source, 0, room, owner_at) : PUT_DONE;
        if (result != PUT_DONE) {
            return result;
        }
    }
    return PUT_DONE;
}

static enum put_result put_static(struct transfer *transfer, struct transfer_room *room, uint16_t *owner_at)
{
    const struct zone_rrset *rrset = &transfer->node->rrsets[transfer->rrset];
    const struct source source = {.zone = transfer->zone,
                                  .node = transfer->node,
                                  .block = transfer->zone->blob + rrset->block,
                                  .len = rrset->len};
    while (transfer->position < rrset->len) {
        enum put_result result = put_next(&source, transfer->position, room, owner_at);
        if (result != PUT_DONE) {
            return result;
        }
        transfer->position += 12 + read16(source.block + transfer->position + 10);
    }
    return PUT_DONE;
}

/* Goes on with the RRset in hand. *owner_at is set once the owner stands in the message. */
static enum put_result put_rrset(struct transfer *transfer, struct transfer_room *room, uint16_t *owner_at)
{
    const struct zone_rrset *rrset = &transfer->node->rrsets[transfer->rrset];
    const struct view_rendered *rendered = find_rendered(transfer, rrset);
    bool is_soa = transfer->node->name_len == 0 && rrset->type == DNS_TYPE_SOA;
    if (is_soa || is_replaced(transfer, transfer->rrset)) {
        return PUT_DONE;
    }
    if ((rrset->flags & ZONE_RRSET_STEERED) == 0) {
        return put_static(transfer, room, owner_at);
    }
    if (rendered == NULL) {
        return PUT_DONE;
    }
    return (rrset->flags & ZONE_RRSET_LISTED) != 0 ? put_listed(transfer, rendered, room, owner_at)
                                                   : put_addresses(transfer, rendered, room, owner_at);
}

static enum put_result put_node(struct transfer *transfer, struct transfer_room *room)
{
    uint16_t owner_at = transfer->node->name_len == 0 ? APEX_AT : 0;
    for (; transfer->rrset < transfer->node->rrset_count; transfer->rrset++) {
        enum put_result result = put_rrset(transfer, room, &owner_at);
        if (result != PUT_DONE) {
            return result;
        }
        transfer->position = 0;
    }
    return PUT_DONE;
}

static enum put_result put_body(struct transfer *transfer, struct transfer_room *room)
{
    for (;;) {
        if (transfer->node == NULL) {
            transfer->node = zone_next_node(transfer->zone, &transfer->slot);
            transfer->rrset = 0;
            transfer->position = 0;
        }
        if (transfer->node == NULL) {
            return PUT_DONE;
        }
        enum put_result result = put_node(transfer, room);
        if (result != PUT_DONE) {
            return result;
        }
        transfer->node = NULL;
    }
}

/* ---- messages ---- */

bool transfer_fill(struct transfer *transfer, struct transfer_room *room)
{
    enum put_result result = PUT_DONE;
    while (result == PUT_DONE && transfer->stage != TRANSFER_OVER && transfer->stage != TRANSFER_FAILED) {
        result = transfer->stage == TRANSFER_BODY ? put_body(transfer, room)
                                                  : put_soa(transfer->zone, transfer->serial, room);
        if (result == PUT_DONE) {
            transfer->stage = transfer->stage == TRANSFER_BEGIN  ? TRANSFER_BODY
                              : transfer->stage == TRANSFER_BODY ? TRANSFER_END
                                                                 : TRANSFER_OVER;
        }
    }
    if (result == PUT_TOO_LARGE) {
        transfer->stage = TRANSFER_FAILED;
    }
    return transfer->stage != TRANSFER_FAILED;
}

void transfer_set_head(struct transfer *transfer, const uint8_t *message, size_t question_end, uint16_t flags)
{
    transfer->question_end = (uint16_t)question_end;
    memcpy(transfer->head, message, question_end);
    put16(transfer->head + 2, flags);
    put16(transfer->head + 4, 1);
    memset(transfer->head + 6, 0, 6);
}

void transfer_sign(struct transfer *transfer, struct tsig_keys *keys, const struct tsig_exchange *exchange)
{
    tsig_keys_hold(keys);
    transfer->keys = keys;
    transfer->exchange = *exchange;
}

size_t transfer_write(struct transfer *transfer, uint8_t *out, size_t cap, uint64_t now_s)
{
    size_t signature = transfer->keys != NULL ? tsig_reply_size(&transfer->exchange) : 0;
    struct transfer_room room = {
        .out = out, .at = transfer->question_end, .limit = TRANSFER_MESSAGE_MAX - signature};
    memcpy(out, transfer->head, transfer->question_end);
    sanitizer_poison(out + room.limit, cap - room.limit); /* where records end */
    bool is_filled = transfer_fill(transfer, &room);
    sanitizer_unpoison(out + room.limit, cap - room.limit);
    if (!is_filled) {
        return 0;
    }
    put16(out + 6, room.count);
    return transfer->keys == NULL ? room.at : tsig_sign_next(&transfer->exchange, out, room.at, cap, now_s);
}

size_t transfer_write_soa(const struct zone *zone, uint32_t serial, uint8_t *out, size_t cap)
{
    struct transfer_room room = {.out = out, .limit = cap};
    return put_soa(zone, serial, &room) == PUT_DONE ? room.at : 0;
}
