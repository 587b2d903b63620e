/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Writing blocks (render_block.c), what goes behind them into the additional section (render_additional.c),
 * the RRsets that are both (render_rrset.c, render_listed.c), and the zone that they make up (render.c): each
 * calls those in front of it. Private to render*.c. */
#pragma once

#include "zone/builder_internal.h"

enum { RENDER_QUESTION = 0xc00c }; /* a pointer to the name that was asked */

/* A name that stands in the block or ends its owner. */
struct render_name {
    uint64_t hash;
    const uint8_t *name; /* uncompressed, of any case */
    uint32_t stamp;      /* of another block: empty */
    uint16_t link;
    uint8_t len;
};

/* Between two pieces of the blob, in builds with AddressSanitizer. */
struct render_gap {
    size_t at, len;
};

/* A blob's u32 that becomes the offset of an owner's node once all nodes are written. */
struct render_fixup {
    size_t at;
    uint32_t owner; /* index */
};

struct renderer {
    struct zone_builder *b;
    uint8_t *blob;
    size_t len, capacity;
    /* the block being written */
    const struct builder_owner *owner;
    const struct builder_record **records; /* of the RRset, and behind them of aliases that it leads to */
    size_t record_count, record_capacity;
    uint8_t *block;
    size_t block_len, block_capacity;
    uint16_t *patches, *links;
    size_t patch_count, patch_capacity, link_count, link_capacity;
    bool overflow;
    bool rotates;       /* its records must not point to each other */
    bool behind;        /* in the additional section, where patches are links too */
    struct dns_key key; /* of the owner, once a name was written */
    struct render_name *names;
    uint32_t name_mask, name_count, stamp;
    bool has_names;
    /* its additional section */
    struct zone_extra extra;
    struct zone_target *targets; /* nodes as indices of owners */
    size_t target_capacity;
    uint64_t *seen; /* hashes of the names that were looked for */
    size_t seen_count, seen_capacity;
    /* of the whole zone */
    struct render_fixup *fixups;
    size_t fixup_count, fixup_capacity;
    struct render_gap *gaps;
    size_t gap_count, gap_capacity;
};

/* ---- render_block.c ---- */

void render_init(struct renderer *r, struct zone_builder *b);
void render_fini(struct renderer *r); /* all but the blob */
/* Room in the blob, zeroed; returns its offset. Moves the blob. */
size_t render_take(struct renderer *r, size_t size, size_t align);
/* The blob moved: nobody may touch what is between its pieces, and behind the last one. */
void render_guard(const struct renderer *r, const uint8_t *blob, size_t size);

void render_begin(struct renderer *r, const struct builder_owner *owner);
void render_put(struct renderer *r, const void *bytes, size_t len);
void render_put16(struct renderer *r, unsigned value);
void render_put_fixed(struct renderer *r, uint16_t type, uint32_t ttl);
void render_write_ttl(uint8_t to[4], uint32_t ttl);
/* rdata with its length; names of the types of RFC 1035 compressed, of SRV, SVCB and HTTPS remembered. */
void render_put_rdata(struct renderer *r, const struct builder_record *record);
/* A name that may be compressed. */
void render_put_name(struct renderer *r, const uint8_t *name);
const uint8_t *render_owner_name(struct renderer *r); /* lower case wire, valid until the next block */
/* Where an uncompressed name stands in the block or ends its owner: its link, or 0. */
uint16_t render_find_name(struct renderer *r, const uint8_t *name);
/* Write a pointer to the apex where the block goes on. */
void render_put_apex(struct renderer *r);
/* Write a link there. */
void render_put_link(struct renderer *r, uint16_t link);
/* Move the finished block to the blob, its patches and what else it needs in front of it; returns its offset.
 */
uint32_t render_end(struct renderer *r);

/* Append the owner's static records of a type to r->records. Returns how many. */
size_t render_gather(struct renderer *r, const struct builder_owner *owner, uint16_t type);
/* ---- render_rrset.c ---- */

/* r->records as an RRset of the owner, with what goes with it into the additional section, to the blob. */
struct zone_rrset render_rrset(struct renderer *r, const struct builder_owner *owner, uint16_t type);

/* ---- render_listed.c ---- */

struct zone_rrset render_listed(struct renderer *r, const struct builder_owner *owner,
                                const struct builder_steered *steered);

/* ---- render_additional.c ---- */

/* Behind the records of a finished RRset, those of the additional section that go with it. */
void render_additional(struct renderer *r, uint16_t type);
