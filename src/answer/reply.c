/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copying rendered blocks into a message, and writing the pointers that depend on it. */
#include "config.h"

#include "answer/reply.h"

#include <endian.h>

enum { QUESTION_AT = DNS_HEADER_SIZE, POINTER = 0xc000, SOA_NUMBERS_SIZE = 20 };

/* Blocks are rendered for the question as owner; anything else is written over it, record by record. */
static void set_owners(uint8_t *block, size_t len, uint16_t owner)
{
    for (size_t at = 0; at < len;) {
        reply_put16(block + at, POINTER | owner);
        at += 12u + (size_t)(block[at + 10] << 8 | block[at + 11]);
    }
}

static void patch(const struct zone *zone, uint32_t block, size_t count, uint8_t *to, uint16_t apex_at)
{
    const uint8_t *positions = zone->blob + block - count * sizeof(uint16_t);
    for (size_t i = 0; i < count; i++) {
        uint16_t position;
        memcpy(&position, positions + i * sizeof position, sizeof position);
        reply_put16(to + position, POINTER | apex_at);
    }
}

/* The SOA of an apex: the serial is the fifth number from the end of its one record. */
static void write_serial(const struct zone *zone, uint8_t *end)
{
    uint32_t serial = htobe32(atomic_load_explicit(&zone->served, memory_order_relaxed));
    memcpy(end - SOA_NUMBERS_SIZE, &serial, sizeof serial);
}

/* A block that is long, or has something to be written into it. Called last, so that the usual block needs no
 * frame. */
__attribute__((noinline)) static bool add_block(uint8_t *to, const struct zone *zone,
                                                const struct zone_rrset *rrset, struct reply_place place)
{
    bytes_copy(to, zone->blob + rrset->block, rrset->len);
    if (place.owner != QUESTION_AT) {
        set_owners(to, rrset->len, place.owner);
    }
    if (rrset->patch_count != 0) {
        patch(zone, rrset->block, rrset->patch_count, to, place.apex_at);
    }
    if ((rrset->flags & ZONE_RRSET_SERIAL) != 0) {
        write_serial(zone, to + rrset->len);
    }
    return true;
}

bool reply_add_rrset(struct reply *reply, enum reply_section section, const struct zone *zone,
                     const struct zone_rrset *rrset, struct reply_place place)
{
    size_t at = reply->at, len = rrset->len;
    if (at + len > reply->limit) {
        return false;
    }
    uint8_t *to = reply->out + at;
    reply->at = at + len;
    reply->counts[section] = (uint16_t)(reply->counts[section] + rrset->count);
    if (len > BYTES_SHORT || place.owner != QUESTION_AT || (rrset->patch_count | rrset->flags) != 0) {
        return add_block(to, zone, rrset, place);
    }
    bytes_copy(to, zone->blob + rrset->block, len);
    return true;
}

bool reply_add_steered(struct reply *reply, const struct zone *zone, const struct zone_rrset *rrset,
                       uint16_t member, uint16_t owner)
{
    if (reply->at + rrset->len > reply->limit) {
        return false;
    }
    const struct zone_steered *steered = (const void *)(zone->blob + rrset->block);
    uint8_t *to = reply->out + reply->at;
    memcpy(to, steered->records + (size_t)member * rrset->len, rrset->len);
    if (owner != QUESTION_AT) {
        reply_put16(to, POINTER | owner);
    }
    reply->at += rrset->len;
    reply->counts[REPLY_ANSWER]++;
    return true;
}

bool reply_add_glue(struct reply *reply, const struct zone *zone, const struct zone_glue *glue,
                    uint16_t apex_at)
{
    if (reply->at + glue->len > reply->limit) {
        return false;
    }
    uint8_t *to = reply->out + reply->at;
    memcpy(to, zone->blob + glue->block, glue->len);
    patch(zone, glue->block, glue->patch_count, to, apex_at);
    reply->at += glue->len;
    reply->counts[REPLY_ADDITIONAL] = (uint16_t)(reply->counts[REPLY_ADDITIONAL] + glue->count);
    return true;
}

bool reply_add_cname(struct reply *reply, uint16_t name_at, size_t prefix, size_t dname_at)
{
    const uint8_t *dname = reply->out + dname_at;
    size_t suffix = (size_t)(dname[10] << 8 | dname[11]), len = 12 + prefix + suffix;
    if (reply->at + len > reply->limit) {
        return false;
    }
    uint8_t *to = reply->out + reply->at;
    memcpy(to, dname, 12); /* class and TTL are those of the DNAME */
    reply_put16(to, POINTER | name_at);
    reply_put16(to + 2, DNS_TYPE_CNAME);
    reply_put16(to + 10, (unsigned)(prefix + suffix));
    memcpy(to + 12, reply->out + name_at, prefix);
    memcpy(to + 12 + prefix, dname + 12, suffix);
    reply->at += len;
    reply->counts[REPLY_ANSWER]++;
    return true;
}
