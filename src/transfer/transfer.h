/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A zone as a stream of messages (AXFR, RFC 5936; IXFR in the form of AXFR, RFC 1995 section 4): resumable,
 * so that the caller can write one message, serve others and come back. What is transferred is one state of
 * the zone from the first message to the last: the zone and its rendition are held by reference, and the
 * thread need not be online to the view between messages. Nothing is allocated, and memory is bounded by one
 * message.
 *
 * Records are those of the zone file (glue and what delegations hide included, RFC 5936 section 3.5); steered
 * names as the rendition says, or without one as in the file. Order: the SOA, everything else in the order of
 * the zone's hash, the SOA. Owners and names in rdata are compressed to the apex in the question. */
#pragma once

#include "tsig/tsig.h"
#include "view/rendition.h"
#include "zone/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* A message takes no more records when it has so many octets: pointers reach back as far, and others get
     * their turn on the thread. A single record may make it longer. */
    TRANSFER_MESSAGE_WANTED = 16384,
    TRANSFER_MESSAGE_MAX = 65535,
};

enum transfer_stage { TRANSFER_OVER, TRANSFER_BEGIN, TRANSFER_BODY, TRANSFER_END, TRANSFER_FAILED };

/* One transfer, in the caller's memory; may be moved between calls. Fields are private but for `stage`. */
struct transfer {
    enum transfer_stage stage;
    struct zone *zone;                /* held */
    struct view_rendition *rendition; /* held; NULL: steered names as in the zone file */
    struct tsig_keys *keys;           /* held, if signed */
    uint32_t serial;
    /* where it goes on */
    size_t slot;
    const struct zone_node *node;
    uint16_t rrset;
    uint32_t position; /* in the block of that RRset; of a rendered one: the number of the record */
    /* of the first message */
    uint16_t question_end;
    uint8_t head[DNS_HEADER_SIZE + DNS_NAME_MAX + 4];
    struct tsig_exchange exchange;
};

/* Begin: takes references of its own. The question of the messages that it fills has to be the zone's apex.
 */
void transfer_init(struct transfer *transfer, struct zone *zone, struct view_rendition *rendition);
/* Releases what it holds; safe at any stage, and on a zeroed struct. */
void transfer_fini(struct transfer *transfer);
/* Was it begun, and not ended by transfer_fini()? */
static inline bool transfer_is_held(const struct transfer *transfer)
{
    return transfer->zone != NULL;
}
static inline const uint8_t *transfer_get_apex(const struct transfer *transfer)
{
    return transfer->zone->apex;
}
static inline bool transfer_is_signed(const struct transfer *transfer)
{
    return transfer->keys != NULL;
}
/* Are messages due? */
static inline bool transfer_is_open(const struct transfer *transfer)
{
    return transfer->stage != TRANSFER_OVER;
}

/* Where records go. */
struct transfer_room {
    uint8_t *out;     /* the message; its question is at DNS_HEADER_SIZE */
    size_t at, limit; /* at: where the next record goes; limit: the end that no record may cross */
    uint16_t count;   /* records, added to */
};

/* Write records until the message has enough of them or the zone is at its end: then the transfer is over.
 * false: the next record fits no message, which no record of a zone is long enough for (zone/render.c); the
 * transfer has failed and the stream has to be cut. */
bool transfer_fill(struct transfer *transfer, struct transfer_room *room);

/* Header and question of the messages behind the first one: those of `message`, with these flags. */
void transfer_set_head(struct transfer *transfer, const uint8_t *message, size_t question_end,
                       uint16_t flags);
/* The first message was signed: so are the others, if there are any. Takes a reference to the keys. */
void transfer_sign(struct transfer *transfer, struct tsig_keys *keys, const struct tsig_exchange *exchange);
/* The next whole message, signed if the first one was. Returns its length (cap >= TRANSFER_MESSAGE_MAX), or 0
 * when the transfer has failed. The last one leaves it closed. */
size_t transfer_write(struct transfer *transfer, uint8_t *out, size_t cap, uint64_t now_s);

/* The SOA of a zone with this serial, as it stands behind a question for the apex. Returns its length (cap >=
 * TRANSFER_SOA_MAX). */
enum { TRANSFER_SOA_MAX = 2 + 10 + 2 * DNS_NAME_MAX + 20 };
size_t transfer_write_soa(const struct zone *zone, uint32_t serial, uint8_t *out, size_t cap);
