/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copying rendered blocks into a message, and writing the pointers that depend on it. */
#include "config.h"

#include "answer/reply.h"

#include <endian.h>

enum { SOA_NUMBERS_SIZE = 20 };

/* Blocks are rendered for the question as owner; anything else is written over it, record by record. */
static void set_owners(uint8_t *block, size_t len, uint16_t owner)
{
    for (size_t at = 0; at < len;) {
        reply_put_pointer(block + at, owner);
        at += 12u + (size_t)(block[at + 10] << 8 | block[at + 11]);
    }
}

static void patch(const struct zone *zone, uint32_t block, size_t count, uint8_t *to, uint16_t apex_at)
{
    const uint8_t *positions = zone->blob + block - count * sizeof(uint16_t);
    for (size_t i = 0; i < count; i++) {
        uint16_t position;
        memcpy(&position, positions + i * sizeof position, sizeof position);
        reply_put_pointer(to + position, apex_at);
    }
}

/* ---- names in the reply ---- */

/* Where the labels of what stands there are, behind any pointers. */
static size_t skip_pointers(const struct reply *reply, size_t at)
{
    while (reply->out[at] >= 0xc0) {
        at = (size_t)(reply->out[at] & 0x3f) << 8 | reply->out[at + 1];
    }
    return at;
}

uint16_t reply_find_suffix(const struct reply *reply, uint16_t at, size_t skip)
{
    size_t from = skip_pointers(reply, at);
    for (size_t skipped = 0; skipped < skip;) {
        size_t label = reply->out[from] + 1u;
        skipped += label;
        from = skip_pointers(reply, from + label);
    }
    return (uint16_t)from;
}

size_t reply_copy_name(const struct reply *reply, uint16_t at, size_t max, uint8_t *to)
{
    size_t len = 0, from = skip_pointers(reply, at);
    while (reply->out[from] != 0 && len < max) {
        size_t label = reply->out[from] + 1u;
        memcpy(to + len, reply->out + from, label);
        len += label;
        from = skip_pointers(reply, from + label);
    }
    if (len < max) {
        to[len++] = 0;
    }
    return len;
}

static size_t name_len(const struct reply *reply, uint16_t at)
{
    size_t len = 1;
    for (size_t from = skip_pointers(reply, at); reply->out[from] != 0;) {
        size_t label = reply->out[from] + 1u;
        len += label;
        from = skip_pointers(reply, from + label);
    }
    return len;
}

uint16_t reply_resolve_link(const struct reply *reply, struct reply_place place, uint16_t block_at,
                            uint16_t link)
{
    size_t suffix = link & (ZONE_LINK_OWNER - 1u);
    if ((link & ZONE_LINK_BLOCK) != 0) {
        return (uint16_t)(block_at + (link & (ZONE_LINK_BLOCK - 1u)));
    }
    if (suffix == 0) {
        return place.owner;
    }
    /* the owner of a negative answer's SOA is the apex, whatever was asked */
    size_t apex_len = name_len(reply, place.apex_at);
    return suffix <= apex_len ? reply_find_suffix(reply, place.apex_at, apex_len - suffix)
                              : reply_find_suffix(reply, place.owner, name_len(reply, place.owner) - suffix);
}

void reply_resolve_links(const struct reply *reply, const struct reply_piece *piece)
{
    const uint16_t *links = zone_get_links(piece->extra);
    uint8_t *to = reply->out + reply->at;
    for (size_t i = 0; i < piece->extra->link_count && links[i] < piece->from + piece->len; i++) {
        if (links[i] >= piece->from) {
            uint8_t *at = to + links[i] - piece->from;
            uint16_t link = (uint16_t)(at[0] << 8 | at[1]);
            reply_put_pointer(at, reply_resolve_link(reply, piece->place, piece->block_at, link));
        }
    }
}

/* Of a block that was copied to the reply's end. */
static __attribute__((noinline)) void resolve_block(const struct reply *reply, const struct zone *zone,
                                                    const struct zone_rrset *rrset, struct reply_place place)
{
    reply_resolve_links(reply, &(struct reply_piece){.extra = zone_get_extra(zone, rrset),
                                                     .len = rrset->len,
                                                     .place = place,
                                                     .block_at = (uint16_t)reply->at});
}

/* ---- records ---- */

static inline void copy_records(uint8_t *to, const uint8_t *from, size_t len, uint16_t owner)
{
    bytes_copy(to, from, len);
    if (owner != REPLY_QUESTION_AT) {
        set_owners(to, len, owner);
    }
}

static inline void copy_block(uint8_t *to, const struct zone *zone, const struct zone_rrset *rrset,
                              size_t len, struct reply_place place)
{
    copy_records(to, zone->blob + rrset->block, len, place.owner);
    if (rrset->patch_count != 0) {
        patch(zone, rrset->block, rrset->patch_count, to, place.apex_at);
    }
}

/* The SOA of a zone whose serial is kept: the number is the fifth from the end of its one record. */
static void write_serial(const struct zone *zone, uint8_t *end)
{
    uint32_t serial = htobe32(atomic_load_explicit(&zone->served, memory_order_relaxed));
    memcpy(end - SOA_NUMBERS_SIZE, &serial, sizeof serial);
}

/* What few blocks need; called last, so that the others need no frame. */
__attribute__((noinline)) static void put_long_block(struct reply *reply, const struct zone *zone,
                                                     const struct zone_rrset *rrset, struct reply_place place)
{
    copy_block(reply->out + reply->at, zone, rrset, rrset->len, place);
    if ((rrset->flags & ZONE_RRSET_LINKED) != 0) {
        resolve_block(reply, zone, rrset, place);
    }
    if ((rrset->flags & ZONE_RRSET_SERIAL) != 0) {
        write_serial(zone, reply->out + reply->at + rrset->len);
    }
    reply->at += rrset->len;
}

void reply_put_block(struct reply *reply, const struct zone *zone, const struct zone_rrset *rrset,
                     struct reply_place place)
{
    size_t len = rrset->len;
    if (len > BYTES_SHORT || (rrset->flags & (ZONE_RRSET_LINKED | ZONE_RRSET_SERIAL)) != 0) {
        put_long_block(reply, zone, rrset, place);
        return;
    }
    copy_block(reply->out + reply->at, zone, rrset, len, place);
    reply->at += len;
}

void reply_put_record(uint8_t *to, const uint8_t *from, size_t len, uint16_t owner)
{
    copy_records(to, from, len, owner);
}

void reply_limit_ttl(struct reply *reply, size_t from, uint32_t ttl)
{
    for (size_t at = from; at < reply->at;) {
        uint8_t *record = reply->out + at;
        uint32_t own =
            (uint32_t)record[6] << 24 | (uint32_t)record[7] << 16 | (uint32_t)record[8] << 8 | record[9];
        if (own > ttl) {
            reply_put16(record + 6, ttl >> 16);
            reply_put16(record + 8, ttl & 0xffff);
        }
        at += 12u + (size_t)(record[10] << 8 | record[11]);
    }
}

static void reverse(uint8_t *from, uint8_t *to)
{
    while (from < to) {
        uint8_t octet = *from;
        *from++ = *--to;
        *to = octet;
    }
}

void reply_rotate(struct reply *reply, size_t at, unsigned first)
{
    uint8_t *begin = reply->out + at, *middle = begin, *end = reply->out + reply->at;
    for (; first > 0; first--) {
        middle += 12u + (size_t)(middle[10] << 8 | middle[11]);
    }
    reverse(begin, middle);
    reverse(middle, end);
    reverse(begin, end);
}

bool reply_add_cname(struct reply *reply, uint16_t name_at, size_t prefix, size_t dname_at)
{
    const uint8_t *dname = reply->out + dname_at;
    size_t suffix = (size_t)(dname[10] << 8 | dname[11]), tail = suffix > 2 ? 2 : suffix,
           len = 12 + prefix + tail;
    if (reply->at + len > reply->limit) {
        return false;
    }
    uint8_t *to = reply->out + reply->at;
    memcpy(to, dname, 12); /* class and TTL are those of the DNAME */
    reply_put_pointer(to, name_at);
    reply_put16(to + 2, DNS_TYPE_CNAME);
    reply_put16(to + 10, (unsigned)(prefix + tail));
    reply_copy_name(reply, name_at, prefix, to + 12);
    memcpy(to + 12 + prefix, dname + 12, tail);
    if (suffix > 2) {
        reply_put_pointer(to + 12 + prefix, (unsigned)(dname_at + 12));
    }
    reply->at += len;
    reply->counts[REPLY_ANSWER]++;
    return true;
}

unsigned reply_rcode(enum dns_query_result result)
{
    switch (result) {
    case DNS_QUERY_FORMERR: return DNS_RCODE_FORMERR;
    case DNS_QUERY_NOTIMP: return DNS_RCODE_NOTIMP;
    case DNS_QUERY_BADVERS: return DNS_RCODE_BADVERS;
    case DNS_QUERY_OK:
    case DNS_QUERY_SIGNED:
    case DNS_QUERY_COOKIE_ONLY:
    case DNS_QUERY_DROP: break;
    }
    return DNS_RCODE_NOERROR;
}
