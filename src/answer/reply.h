/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Writing a reply from rendered blocks. Private to answer. */
#pragma once

#include "dns/query.h"
#include "zone/zone.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an extended DNS error says (RFC 8914); texts and codes are in edns.c. */
enum reply_ede {
    REPLY_EDE_NONE,
    REPLY_EDE_NOT_AUTHORITATIVE, /* no zone of ours */
    REPLY_EDE_NOT_SUPPORTED,     /* opcode, class */
    REPLY_EDE_PROHIBITED,        /* this client may not */
    REPLY_EDE_INVALID_DATA,      /* the zone is broken */
    REPLY_EDE_NO_ENDPOINT,       /* a steered name has nothing to offer */
    REPLY_EDE_WITHDRAWN,         /* this server is not to be asked at the moment */
};

struct reply {
    uint8_t *out;
    size_t at, limit;   /* limit: what this reply may take, room for OPT already set aside */
    uint16_t counts[3]; /* answer, authority, additional */
    uint16_t flags;
    unsigned rcode;
    bool truncated;
    uint8_t ede;      /* enum reply_ede: told to clients with EDNS if it fits */
    bool bounded;     /* the limit is lower than the transport's (amplification) */
    uint8_t cookie;   /* enum cookie_verdict */
    uint64_t subject; /* for rates: what the answer is about, when that is not the name asked; 0: that */
};

enum {
    REPLY_QUESTION_AT = DNS_HEADER_SIZE,
    REPLY_TTL_AT = 6,           /* in a record whose owner is a pointer */
    REPLY_POINTER_MAX = 0x3fff, /* the last place that a pointer can lead to (RFC 1035 section 4.1.4) */
};

enum reply_section { REPLY_ANSWER, REPLY_AUTHORITY, REPLY_ADDITIONAL };

/* Where names of the zone are in the message. */
struct reply_place {
    uint16_t owner;   /* offset of the owner of the records */
    uint16_t apex_at; /* offset of the zone's apex */
};

/* What an answer is about when all answers of a node (of the zone: NULL) count as one. */
static inline uint64_t reply_subject(const struct zone *zone, const struct zone_node *node)
{
    return zone->apex_hash + (node == NULL ? 0 : (uint64_t)((const uint8_t *)node - zone->blob));
}

static inline void reply_put16(uint8_t *to, unsigned value)
{
    uint16_t octets = htons((uint16_t)value); /* two stores that shift are longer */
    memcpy(to, &octets, sizeof octets);
}

static inline void reply_put_pointer(uint8_t *to, unsigned target)
{
    reply_put16(to, 0xc000 | target);
}

/* The RRset's block with what has to be written into it. There is room; for reply_add_rrset(). */
void reply_put_block(struct reply *reply, const struct zone *zone, const struct zone_rrset *rrset,
                     struct reply_place place);

/* Most blocks are short, and go into the message as they are if the name asked is their owner's. */
static inline bool reply_is_plain(const struct zone_rrset *rrset)
{
    return rrset->flags == 0 && rrset->patch_count == 0 && rrset->len <= BYTES_SHORT;
}

/* Each returns false if it does not fit; nothing is written then. */

/* A plain one for the name asked. */
static inline bool reply_add_plain(struct reply *reply, enum reply_section section, const struct zone *zone,
                                   const struct zone_rrset *rrset)
{
    size_t at = reply->at, len = rrset->len;
    if (at + len > reply->limit) {
        return false;
    }
    reply->counts[section] = (uint16_t)(reply->counts[section] + rrset->count);
    bytes_copy(reply->out + at, zone->blob + rrset->block, len);
    reply->at = at + len;
    return true;
}

static inline bool reply_add_rrset(struct reply *reply, enum reply_section section, const struct zone *zone,
                                   const struct zone_rrset *rrset, struct reply_place place)
{
    if (reply->at + rrset->len > reply->limit) {
        return false;
    }
    reply->counts[section] = (uint16_t)(reply->counts[section] + rrset->count);
    reply_put_block(reply, zone, rrset, place);
    return true;
}

/* Copies a record with another owner, or a long one; for reply_add_record(). */
void reply_put_record(uint8_t *to, const uint8_t *from, size_t len, uint16_t owner);

/* A record of a steered RRset. */
static inline bool reply_add_record(struct reply *reply, const uint8_t *from, size_t len, uint16_t owner)
{
    size_t at = reply->at;
    if (at + len > reply->limit) {
        return false;
    }
    uint8_t *to = reply->out + at;
    reply->at = at + len;
    reply->counts[REPLY_ANSWER]++;
    if (__builtin_expect(len > BYTES_SHORT || owner != REPLY_QUESTION_AT, 0)) {
        reply_put_record(to, from, len, owner);
    } else {
        bytes_copy(to, from, len);
    }
    return true;
}

/* That of a member. */
static inline bool reply_add_steered(struct reply *reply, const struct zone *zone,
                                     const struct zone_rrset *rrset, uint16_t member, uint16_t owner)
{
    return reply_add_record(reply, zone_get_address(zone, rrset, member), rrset->len, owner);
}

/* No TTL of the records from `from` on is above this. Their owners are pointers. */
void reply_limit_ttl(struct reply *reply, size_t from, uint32_t ttl);
/* Turn the octets from `at` to the end, a block of records, so that the record number `first` (from 0) is the
 * first one. For RRsets with ZONE_RRSET_ROTATES. */
void reply_rotate(struct reply *reply, size_t at, unsigned first);
/* The CNAME that a DNAME record (at dname_at in the reply, owner compressed) makes for the name at name_at,
 * of which `prefix` octets stand in front of the DNAME's owner. Its target ends in the DNAME's. */
bool reply_add_cname(struct reply *reply, uint16_t name_at, size_t prefix, size_t dname_at);

/* ---- names that stand in the reply; they are ours, so they are well-formed ---- */

/* Where a name goes on after `skip` octets of its labels. */
uint16_t reply_find_suffix(const struct reply *reply, uint16_t at, size_t skip);
/* Copy the first max octets of a name, or all of it, without pointers; returns how many. */
size_t reply_copy_name(const struct reply *reply, uint16_t at, size_t max, uint8_t *to);
/* What a link of a block at block_at leads to (enum zone_link). */
uint16_t reply_resolve_link(const struct reply *reply, struct reply_place place, uint16_t block_at,
                            uint16_t link);

/* A piece of what is rendered for an RRset: of its block, and of the additional records behind it. */
struct reply_piece {
    const struct zone_extra *extra;
    size_t from, len; /* octets of it */
    struct reply_place place;
    uint16_t block_at; /* where the block stands in the reply */
};

/* Write the pointers of a piece that was copied to the reply's end. All that they lead to is near enough. */
void reply_resolve_links(const struct reply *reply, const struct reply_piece *piece);

/* What a query gets that could not be parsed, or must not be answered yet. */
unsigned reply_rcode(enum dns_query_result result);
