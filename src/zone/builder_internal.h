/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What builder.c, addresses.c and listed.c collect, check*.c judge and render*.c write; look.c serves them,
 * finish.c calls them. Private to these. Indices into the arrays are stored plus one, so that 0 means none.
 */
#pragma once

#include "base/arena.h"
#include "zone/builder.h"

struct builder_place {
    const char *file; /* NULL: the zone's */
    unsigned line, column;
};

struct builder_record {
    const uint8_t *rdata;
    struct builder_place place;
    uint32_t next, ttl;
    uint16_t type, rdata_len;
    bool duplicate;
};

/* A list of a listed RRset, and which of its distinct records (by number) it consists of. */
struct builder_list {
    struct builder_record *records;
    uint16_t *numbers;
    uint16_t count;
};

struct builder_listed {
    struct builder_list *lists;
    const uint16_t *of_member;
    const struct builder_record **singles; /* the distinct records by number */
    uint16_t *targets;                     /* of each: the first one with the same target */
    uint16_t list_count, single_count;
    bool has_aliases; /* some lists are a CNAME in the place of the type */
};

/* An address with what else makes it a record: those that are the same are one. */
struct builder_address {
    uint8_t rdata[16]; /* of A: zeros behind it */
    uint32_t ttl, at;  /* at: offset of the record in the blob, once rendered */
    uint16_t type;
};

struct builder_steered {
    const uint32_t *addresses; /* of each member, as index; NULL: listed */
    struct builder_listed *listed;
    struct builder_place place;
    uint32_t next, ttl, policy, name;
    uint16_t type, types, rdata_len, member_count;
    bool has_hosts;
};

struct builder_owner {
    uint64_t hash;
    const uint8_t *name; /* the labels in front of the apex, lower case */
    uint32_t parent, first, last, steered;
    uint32_t cut;    /* the topmost cut at or above, or DNAME above */
    uint32_t node;   /* offset in the blob, once rendered */
    uint16_t whoami; /* 1 + number; 0: none */
    uint8_t name_len;
    bool is_cut, has_dname;
};

struct zone_builder {
    struct arena *arena;
    const char *file, *last_file;
    struct report *report;
    struct dns_key apex;
    uint32_t *slots, slot_mask; /* owner + 1 by hash */
    struct builder_owner *owners;
    size_t owner_count, owner_capacity;
    unsigned depth; /* labels that the longest owner has below the apex */
    struct builder_record *records;
    size_t record_count, record_capacity;
    struct builder_steered *steered;
    size_t steered_count, steered_capacity;
    struct builder_address *addresses; /* distinct ones of policies */
    size_t address_count, address_capacity;
    uint32_t *address_slots, address_mask; /* address + 1 by hash; NULL: there are none */
    struct zone_whoami *whoamis;
    size_t whoami_count, whoami_capacity;
    struct builder_record *soa;
    bool rotate, failed;
    bool lacks_records, lacks_names; /* zone_builder_set_partial */
};

/* Not called off? Else it has failed. Asked for each owner, looks for some of them. */
static inline bool builder_goes_on(struct zone_builder *b, size_t owner)
{
    enum { TURN = 16 };
    if (owner % TURN != 0) {
        return true;
    }
    bool goes_on = !report_is_cancelled(b->report);
    b->failed |= !goes_on;
    return goes_on;
}

/* The record of an index that is stored plus one; NULL for 0. */
static inline struct builder_record *builder_record_at(const struct zone_builder *b, uint32_t index)
{
    return index == 0 ? NULL : &b->records[index - 1];
}

/* ---- builder.c ---- */

void builder_complain(struct zone_builder *b, enum report_severity severity, const struct builder_place *at,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The owner for the suffix of key that begins at label; find: 0 if there is none, get: made with its
 * ancestors. */
uint32_t builder_find_owner(const struct zone_builder *b, const struct dns_key *key, unsigned label);
uint32_t builder_get_owner(struct zone_builder *b, const struct dns_key *key, unsigned label);
bool builder_is_in_zone(const struct zone_builder *b, const struct dns_key *key);
/* Entering a steered RRset for an owner, which is made: NULL, and reported: it is outside the zone. */
struct builder_steered *builder_enter_steered(struct zone_builder *b, const uint8_t *owner,
                                              const struct builder_place *place);
const char *builder_keep_file(struct zone_builder *b, const char *file);

/* ---- look.c ---- */

/* Where the target stands in the rdata of NS, MX, SRV, SVCB and HTTPS; -1: the type has none. */
int builder_target_at(uint16_t type);
bool builder_is_address(uint16_t type);
bool builder_may_join_cname(uint16_t type); /* may stand beside a CNAME */
/* Canonical order of records by type and content (RFC 4034 section 6): <0, 0, >0. */
int builder_compare_records(const struct builder_record *a, const struct builder_record *b);
/* Presentation form of an owner. */
const char *builder_write_owner(const struct zone_builder *b, const struct builder_owner *owner, char *text);
/* In the zone file, by a policy, by either. */
bool builder_has_static(const struct zone_builder *b, const struct builder_owner *owner, uint16_t type);
bool builder_is_steered(const struct zone_builder *b, const struct builder_owner *owner, uint16_t type);
bool builder_has_type(const struct zone_builder *b, const struct builder_owner *owner, uint16_t type);
/* Does a policy answer with CNAMEs in the place of other types here? */
bool builder_has_aliases(const struct zone_builder *b, const struct builder_owner *owner);
/* The owner of an absolute wire name, or NULL if it is outside the zone or does not exist. */
const struct builder_owner *builder_find_name(const struct zone_builder *b, const uint8_t *name,
                                              bool *in_zone);

/* What a name leads to in this zone, once the cuts are known. */
struct builder_target {
    const struct builder_owner *owner; /* whose records answer: glue, too, or a wildcard's; NULL: nobody's */
    const struct builder_owner *cut;   /* the delegation or DNAME at or above it, or NULL */
    bool in_zone;
};
struct builder_target builder_find_target(const struct zone_builder *b, const uint8_t *name);

/* ---- check.c, check_target.c, render.c ---- */

void builder_check(struct zone_builder *b);
/* What NS, MX and SRV point to, once the cuts are known. */
void builder_check_targets(struct zone_builder *b);
struct zone *builder_render(struct zone_builder *b);
