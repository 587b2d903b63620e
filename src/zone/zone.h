/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A zone as DNS threads read it: immutable, found by hash, its answers rendered ahead in wire format.
 *
 * Every RRset is one block of records whose owners are the pointer 0xc00c (the question); a copy of the block
 * is the answer section. Names in rdata that end in the apex hold a pointer to the apex, whose place in a
 * message follows from the question: the block's patch list says where to write it. Other pointers, which few
 * blocks have, are links. Behind the block stand the records that its RRset brings into the additional
 * section. A steered RRset of addresses says instead of each member of its policy where its rendered record
 * is, which it shares with all that have the same; one of any other rdata (ZONE_RRSET_LISTED) has the records
 * of each member as a set that is rendered like a static one.
 *
 * Owned by reference count: zones that did not change are shared by successive views. */
#pragma once

#include "dns/key.h"
#include "dns/types.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zone_node_flag {
    ZONE_NODE_CUT = 1,      /* NS records below the apex: a delegation */
    ZONE_NODE_OCCLUDED = 2, /* below a cut (glue at most) or below a DNAME */
    ZONE_NODE_DNAME = 4,    /* a DNAME redirects what is below (RFC 6672), not the node itself */
};

enum zone_rrset_flag {
    ZONE_RRSET_STEERED = 1,
    ZONE_RRSET_LINKED = 2,     /* the block has links */
    ZONE_RRSET_ADDITIONAL = 4, /* there is something for the additional section */
    ZONE_RRSET_SERIAL = 8,     /* the SOA of a zone whose serial is kept: that is the zone's `served` */
    ZONE_RRSET_ROTATES = 16,   /* the records stand in any order; none points to another */
    ZONE_RRSET_LISTED = 32,    /* steered, with a struct zone_listed */
    ZONE_RRSET_HOSTS = 64,     /* steered, and some members have the addresses of a host (view/hosts.h) */
    ZONE_RRSET_WHOAMI =
        128, /* static, and what is answered is who asks: types is 1 + number of a zone_whoami */
};

/* What stands where a pointer will be. A block with links to itself must not begin behind offset
 * 0x3fff - ZONE_LINK_MAX of a message. */
enum zone_link {
    ZONE_LINK_BLOCK = 0x8000, /* plus: offset in the block, less than ZONE_LINK_MAX */
    ZONE_LINK_OWNER = 0x4000, /* plus: how many octets the owner's suffix has; 0: the owner as a whole */
    ZONE_LINK_MAX = 0x2800,
};

/* Offsets are in the zone's blob. */
struct zone_rrset {
    uint16_t type;
    uint16_t count; /* records; of a steered RRset: members */
    uint16_t len;   /* octets of the block; of a steered RRset: of one record; of a listed one: of the longest
                       set */
    uint16_t patch_count; /* u16 positions, stored in front of the block */
    uint16_t flags;
    uint16_t types; /* of a steered RRset: its bit among the types of its policy */
    uint32_t block;
};

struct zone_node {
    uint8_t flags, name_len; /* name_len: octets of the owner in front of the apex */
    uint16_t rrset_count;
    uint32_t wildcard;          /* offset of the node "*" below this one, 0: none */
    uint32_t cut;               /* cut and occluded nodes: offset of the node that is the cut, else 0 */
    struct zone_rrset rrsets[]; /* sorted by type, steered before static; then the name */
};

/* In front of the patches of an RRset that is linked or has additional data. In front of it again: the
 * positions of links, counted from the block's begin and ascending, then targets. */
struct zone_extra {
    uint16_t link_count;           /* those in the additional records included */
    uint16_t count, len;           /* additional records, rendered with their owners behind the block */
    uint16_t need_count, need_len; /* of these: a referral without them is truncated (RFC 9471) */
    uint16_t target_count;
};

/* A name in the additional section whose addresses are steered. */
struct zone_target {
    uint32_t node;
    uint16_t link, reserved; /* link: to its name */
};

/* What stands at the block of a steered RRset. */
struct zone_steered {
    uint32_t policy;
    uint32_t name;      /* the number under which its answers are counted */
    uint8_t ttl[4];     /* in wire order */
    uint32_t records[]; /* of each member: offset of its record, len octets */
};

/* One record of a listed RRset, rendered to stand alone. */
struct zone_single {
    struct zone_rrset rrset;
    uint16_t target, reserved; /* records with the same target bring the same into the additional section */
};

/* The records of a member; members with the same ones share it. */
struct zone_set {
    struct zone_rrset rrset; /* of all its records; may be CNAME where the RRset is of another type */
    uint32_t singles;        /* offset of their numbers, u16, in the order of the document */
};

/* What stands at the block of a listed RRset; it begins like struct zone_steered. */
struct zone_listed {
    uint32_t policy, name;
    uint8_t ttl[4];
    uint32_t sets, singles; /* offsets of struct zone_set, struct zone_single */
    uint16_t set_count, single_count;
    uint16_t of_member[]; /* the set of each member, or ZONE_NO_SET */
};

enum { ZONE_NO_SET = 0xffff, ZONE_SINGLES_MAX = 16384 };

/* Names are found by 31 bits of their hash: slots are in the order of these tags, with gaps, and where to
 * begin is a matter of proportion. So a search ends at the first greater tag, whether it finds or not. */
struct zone_slot {
    uint32_t tag, node;
};

#define ZONE_SLOT_EMPTY UINT32_MAX /* a tag above all others */

/* What is told of who asks. */
enum { ZONE_WHOAMI_RESOLVER = 1, ZONE_WHOAMI_SUBNET = 2, ZONE_WHOAMI_EITHER = 4 };
#define ZONE_NO_POLICY UINT32_MAX

struct zone_whoami {
    uint32_t policy; /* of which the class is told, or ZONE_NO_POLICY */
    uint8_t address; /* or-ed; EITHER: the resolver only where there is no subnet */
};

/* What few zones have. */
struct zone_notes {
    char *paths; /* of its files, each with a NUL behind it, and one more; NULL: its source's own */
    struct report *warnings; /* NULL: none */
};

struct zone {
    _Atomic uint32_t references;
    uint8_t apex_len, apex_labels;
    uint8_t depth; /* labels that the longest owner has below the apex */
    bool failed;   /* known, but could not be loaded: SERVFAIL */
    uint64_t apex_hash;
    uint32_t slot_homes, slot_room; /* slots where a search may begin, and all; the last one is empty */
    struct zone_slot *slots;
    uint32_t apex_node;
    uint8_t *blob;
    size_t blob_len;
    struct zone_whoami *whoamis; /* owned */
    size_t whoami_count;
    struct zone_rrset
        negative; /* the SOA, its owner a pointer to the apex, with the TTL of negative answers (RFC 2308) */
    uint32_t serial, name_count, record_count, steered_count; /* serial: of the master file */
    uint64_t stamp;           /* a hash of what it was read from, all else included; 0: unknown */
    struct zone_notes *notes; /* owned; NULL: none. With a stamp only */
    _Atomic uint32_t served;  /* the serial in answers: that of the file, or one that is kept for it */
    uint8_t apex[];           /* lower case; zeros behind it fill up the last word, and one more */
};
/* Owned; zeros but for the apex, its length, labels and hash, and one reference. */
struct zone *zone_new(const struct dns_key *apex);

/* Before the zone is read by others: is its serial not the file's, so that the SOA is written with `served`?
 */
void zone_keep_serial(struct zone *zone, bool keeps);
static inline bool zone_keeps_serial(const struct zone *zone)
{
    return (zone->negative.flags & ZONE_RRSET_SERIAL) != 0;
}

void zone_hold(struct zone *zone);
void zone_release(struct zone *zone); /* frees with the last reference; NULL is fine */
/* A zone that answers SERVFAIL. */
struct zone *zone_new_failed(const uint8_t *apex);
/* Do two versions of a zone say the same? true: certainly. */
static inline bool zone_is_unchanged(const struct zone *a, const struct zone *b)
{
    return a == b || (a->stamp != 0 && a->stamp == b->stamp);
}
size_t zone_size(const struct zone *zone); /* bytes of memory */
/* A hash of all records, the members of steered names included: equal content, equal number. Not for failed
 * zones. Reads the whole zone. */
uint64_t zone_fingerprint(const struct zone *zone);

static inline const struct zone_node *zone_get_node(const struct zone *zone, uint32_t offset)
{
    return (const struct zone_node *)(const void *)(zone->blob + offset);
}

/* Every node once, always in the same order: begin with *slot 0; NULL: there are no more. */
static inline const struct zone_node *zone_next_node(const struct zone *zone, size_t *slot)
{
    while (*slot < zone->slot_room) {
        const struct zone_slot *at = &zone->slots[(*slot)++];
        if (at->tag != ZONE_SLOT_EMPTY) {
            return zone_get_node(zone, at->node);
        }
    }
    return NULL;
}

/* The name_len octets, and as many of the apex and zeros behind it as fill up the last word. */
static inline const uint8_t *zone_node_name(const struct zone_node *node)
{
    return (const uint8_t *)(node->rrsets + node->rrset_count);
}

static inline const struct zone_extra *zone_get_extra(const struct zone *zone, const struct zone_rrset *rrset)
{
    return (const struct zone_extra *)(const void *)(zone->blob + rrset->block -
                                                     rrset->patch_count * sizeof(uint16_t)) -
           1;
}

static inline const uint16_t *zone_get_links(const struct zone_extra *extra)
{
    return (const uint16_t *)(const void *)extra - extra->link_count;
}

static inline const struct zone_target *zone_get_targets(const struct zone_extra *extra)
{
    return (const struct zone_target *)(const void *)zone_get_links(extra) - extra->target_count;
}

static inline const struct zone_listed *zone_get_listed(const struct zone *zone,
                                                        const struct zone_rrset *rrset)
{
    return (const struct zone_listed *)(const void *)(zone->blob + rrset->block);
}

/* The set of a member; NULL: it has no records of the type. */
static inline const struct zone_set *zone_get_set(const struct zone *zone, const struct zone_listed *listed,
                                                  unsigned member)
{
    unsigned set = listed->of_member[member];
    return set == ZONE_NO_SET ? NULL
                              : (const struct zone_set *)(const void *)(zone->blob + listed->sets) + set;
}

static inline const uint16_t *zone_get_singles(const struct zone *zone, const struct zone_set *set)
{
    return (const uint16_t *)(const void *)(zone->blob + set->singles);
}

static inline const struct zone_single *zone_get_single(const struct zone *zone,
                                                        const struct zone_listed *listed, unsigned number)
{
    return (const struct zone_single *)(const void *)(zone->blob + listed->singles) + number;
}

/* Of any steered RRset what a listed one has, too; of one of addresses the rest. */
static inline const struct zone_steered *zone_get_steered(const struct zone *zone,
                                                          const struct zone_rrset *rrset)
{
    return (const struct zone_steered *)(const void *)(zone->blob + rrset->block);
}

/* The record of a member of an RRset of addresses. */
static inline const uint8_t *zone_get_address(const struct zone *zone, const struct zone_rrset *rrset,
                                              unsigned member)
{
    return zone->blob + zone_get_steered(zone, rrset)->records[member];
}

/* The hash of an owner by its name_len octets in front of the apex. */
static inline uint64_t zone_hash_owner(const struct dns_key *key, unsigned label, size_t name_len)
{
    return dns_key_hash(key->name + key->at[label], name_len);
}

/* The first RRset of a type at a node, or NULL. */
static inline const struct zone_rrset *zone_find_rrset(const struct zone_node *node, uint16_t type)
{
    const struct zone_rrset *rrset = node->rrsets, *end = rrset + node->rrset_count;
    while (rrset != end && rrset->type != type) {
        rrset++;
    }
    return rrset == end ? NULL : rrset;
}

/* The node whose name has these octets in front of the apex, in the name of a key; or 0. */
uint32_t zone_find_name(const struct zone *zone, const uint8_t *name, size_t name_len);

/* The node of a key at or below the apex, or 0. */
static inline uint32_t zone_find_node(const struct zone *zone, const struct dns_key *key)
{
    return zone_find_name(zone, key->name, (size_t)key->len - zone->apex_len);
}

/* Before the zone is read by others: room for `count` names, and one name. */
void zone_init_slots(struct zone *zone, size_t count);
void zone_add_slot(struct zone *zone, uint64_t hash, uint32_t node);

/* What RFC 1034 section 4.3.2 step 3 and RFC 4592 find for a name in a zone. */
struct zone_lookup {
    const struct zone_node *node; /* exact, or the wildcard that stands for it; NULL: no such name */
    const struct zone_node *cut;  /* not NULL: the name is at or below this delegation, or below this DNAME */
};

/* The closest encloser of a name below the apex that does not exist. */
uint32_t zone_find_encloser(const struct zone *zone, const struct dns_key *key);

/* For a key at or below the apex; at: what zone_find_node() gives for the whole of it. */
static inline struct zone_lookup zone_look_up(const struct zone *zone, const struct dns_key *key, uint32_t at)
{
    struct zone_lookup found = {NULL, NULL};
    if (at != 0) {
        found.node = zone_get_node(zone, at);
        found.cut = found.node->cut != 0 ? zone_get_node(zone, found.node->cut) : NULL;
        return found;
    }
    bool at_apex = key->labels == zone->apex_labels + 1u;
    const struct zone_node *encloser =
        zone_get_node(zone, at_apex ? zone->apex_node : zone_find_encloser(zone, key));
    if (encloser->wildcard != 0) { /* RFC 4592: it stands for the name */
        found.node = zone_get_node(zone, encloser->wildcard);
    }
    if (encloser->cut != 0) {
        found.cut = zone_get_node(zone, encloser->cut);
    } else if ((encloser->flags & ZONE_NODE_DNAME) != 0) {
        found.cut = encloser;
    }
    return found;
}

/* How many octets the key has in front of the owner of a node at or above it. */
static inline size_t zone_octets_below(const struct zone *zone, const struct dns_key *key,
                                       const struct zone_node *node)
{
    return (size_t)key->len - zone->apex_len - node->name_len;
}

/* ---- the table of all zones of a view ---- */

struct zone_table {
    _Atomic(struct zone *) *slots; /* the places are fixed once the table is read by others */
    uint32_t mask, count;
    unsigned depth_max;
    bool depths[DNS_LABELS_MAX + 1]; /* is there a zone whose apex has so many labels? */
};

static inline struct zone *zone_table_load(const struct zone_table *table, size_t slot)
{
    return atomic_load_explicit(&table->slots[slot], memory_order_acquire);
}

static inline uint32_t zone_table_slot(const struct zone_table *table, uint64_t hash)
{
    return (uint32_t)(hash >> 32) & table->mask;
}

/* A name that begins with all of another one, the final 0 included, is the same name. */
static inline bool zone_has_apex(const struct zone *zone, const uint8_t *apex, size_t len)
{
    return bytes_equal_words(zone->apex, apex, len);
}

struct zone_table *zone_table_new(size_t expected);
void zone_table_free(struct zone_table *table); /* releases its zones */
int zone_table_add(struct zone_table *table,
                   struct zone *zone); /* takes a reference of the caller's;
                                           ERROR_CONFLICT: origin is there already */
/* Another table of the same zones, each held once more. Nobody replaces any meanwhile. Returns owned. */
struct zone_table *zone_table_copy(const struct zone_table *table);
/* The zone whose apex has `depth` labels of key, or the next fewer. */
struct zone *zone_table_find_shorter(const struct zone_table *table, const struct dns_key *key,
                                     unsigned depth);

/* The zone of the longest suffix of key that begins at label `from` or later, or NULL. */
static inline struct zone *zone_table_find(const struct zone_table *table, const struct dns_key *key,
                                           unsigned from)
{
    unsigned depth = (unsigned)key->labels - from;
    depth = depth < table->depth_max ? depth : table->depth_max;
    size_t at = key->at[key->labels - depth], len = key->len - at;
    const uint8_t *apex = key->name + at;
    struct zone *zone = zone_table_load(table, zone_table_slot(table, dns_key_hash(apex, len)));
    if (zone != NULL && zone_has_apex(zone, apex, len)) {
        return zone; /* in its own slot, and no other zone comes into question */
    }
    return zone_table_find_shorter(table, key, depth);
}

/* Put `zone` in the place of the one with the same apex, in one store, while others may look up. Takes the
 * caller's reference and gives back the table's to the old zone, to be released when nobody uses it any more;
 * NULL (and nothing taken) if there is none. One thread at a time. */
struct zone *zone_table_replace(struct zone_table *table, struct zone *zone);
/* The zone with exactly this apex (lower case wire), or NULL. */
struct zone *zone_table_get(const struct zone_table *table, const uint8_t *apex);
