/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Walking a zone and writing its records: see transfer.h. A record is taken apart and put together anew: its
 * block was rendered to be an answer, where its owner is the question and pointers lead elsewhere. Pointers
 * that are written lead to the apex, which is the question of every message, or to the owner of the node in
 * hand. */
#include "config.h"

#include "transfer/transfer.h"

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
        rendition != NULL ? rendition->serial : atomic_load_explicit(&zone->served, memory_order_relaxed);
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

/* The record being written; what does not fit is noticed at its end. */
struct record {
    const struct transfer_room *room;
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

/* The name that begins the len octets of a block. Its labels may end in a pointer, which leads to the apex.
 * Returns how many octets of the block it has. */
static size_t put_name(struct record *record, const uint8_t *name, size_t len)
{
    size_t at = 0;
    while (at < len && name[at] != 0 && name[at] <= DNS_LABEL_MAX) {
        at += name[at] + 1u;
    }
    if (at + 1 >= len || name[at] == 0) { /* a whole name, or none at all: as it is */
        size_t whole = at < len ? at + 1 : len;
        put(record, name, whole);
        return whole;
    }
    put(record, name, at);
    put_pointer(record, APEX_AT);
    return at + 2;
}

/* Rdata of a block: names are compressed in those types only (zone/render.c), and are their first fields. */
static void put_rdata(struct record *record, uint16_t type, const uint8_t *rdata, size_t len)
{
    size_t names = type == DNS_TYPE_SOA ? 2 : 0, at = 0;
    if (type == DNS_TYPE_MX && len > 2) {
        put(record, rdata, 2);
        at = 2;
        names = 1;
    } else if (type == DNS_TYPE_NS || type == DNS_TYPE_CNAME || type == DNS_TYPE_PTR) {
        names = 1;
    }
    for (; names > 0 && at < len; names--) {
        at += put_name(record, rdata + at, len - at);
    }
    put(record, rdata + at, len - at);
}

static void put_owner(struct record *record, const struct zone_node *node, uint16_t owner_at)
{
    if (owner_at != 0) {
        put_pointer(record, owner_at);
        return;
    }
    put(record, zone_node_name(node), node->name_len);
    put_pointer(record, APEX_AT);
}

enum put_result { PUT_DONE, PUT_FULL, PUT_TOO_LARGE };

/* One record of a block: its owner is a pointer, then come type, class, TTL, length and rdata. owner_at:
 * where the node's name stands already, 0: nowhere. */
static enum put_result put_record(struct transfer_room *room, const struct zone_node *node,
                                  const uint8_t *block, uint16_t owner_at)
{
    struct record record = {.room = room, .at = room->at};
    uint16_t type = (uint16_t)read16(block + 2);
    put_owner(&record, node, owner_at);
    size_t fixed_at = record.at;
    put(&record, block + 2, FIXED_SIZE);
    put_rdata(&record, type, block + 2 + FIXED_SIZE, read16(block + 10));
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
    enum put_result result = put_record(room, apex, zone->blob + soa->block, APEX_AT);
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
    const struct zone_steered *steered = (const void *)(transfer->zone->blob + rrset->block);
    const struct view_rendered *rendered =
        view_rendition_find(transfer->rendition, steered->policy, rrset->type);
    return rendered == NULL || rendered->is_static ? NULL : rendered;
}

/* The zone file's records of a type stand behind the steered ones: not where those are rendered. */
static bool is_replaced(const struct transfer *transfer, unsigned index)
{
    const struct zone_rrset *rrset = &transfer->node->rrsets[index];
    return index != 0 && rrset[-1].type == rrset->type && find_rendered(transfer, &rrset[-1]) != NULL;
}

/* Goes on with the RRset in hand. *owner_at is set once the owner stands in the message. */
static enum put_result put_rrset(struct transfer *transfer, struct transfer_room *room, uint16_t *owner_at)
{
    const struct zone_rrset *rrset = &transfer->node->rrsets[transfer->rrset];
    const struct view_rendered *rendered = find_rendered(transfer, rrset);
    bool steered = (rrset->flags & ZONE_RRSET_STEERED) != 0;
    const uint8_t *block = transfer->zone->blob + rrset->block + (steered ? sizeof(struct zone_steered) : 0);
    bool is_soa = transfer->node->name_len == 0 && rrset->type == DNS_TYPE_SOA;
    uint32_t end = steered ? (rendered != NULL ? rendered->count : 0) : rrset->len;
    if (is_soa || is_replaced(transfer, transfer->rrset)) {
        return PUT_DONE;
    }
    while (transfer->position < end) {
        const uint8_t *from = block + (steered ? (size_t)rendered->members[transfer->position] * rrset->len
                                               : transfer->position);
        size_t at = room->at;
        enum put_result result = put_record(room, transfer->node, from, *owner_at);
        if (result != PUT_DONE) {
            return result;
        }
        *owner_at = *owner_at == 0 && at <= POINTER_MAX ? (uint16_t)at : *owner_at;
        transfer->position += steered ? 1 : 12 + read16(from + 10);
    }
    return PUT_DONE;
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

void transfer_keep(struct transfer *transfer, const uint8_t *message, size_t question_end,
                   struct tsig_keys *keys, const struct tsig_exchange *exchange)
{
    transfer->question_end = (uint16_t)question_end;
    memcpy(transfer->head, message, question_end);
    memset(transfer->head + 6, 0, 6);
    if (exchange != NULL) {
        tsig_keys_hold(keys);
        transfer->keys = keys;
        transfer->exchange = *exchange;
    }
}

size_t transfer_write(struct transfer *transfer, uint8_t *out, size_t cap, uint64_t now_s)
{
    size_t signature = transfer->keys != NULL ? tsig_reply_size(&transfer->exchange) : 0;
    struct transfer_room room = {
        .out = out, .at = transfer->question_end, .limit = TRANSFER_MESSAGE_MAX - signature};
    memcpy(out, transfer->head, transfer->question_end);
    if (!transfer_fill(transfer, &room)) {
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
