/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The additional section that goes with an RRset, as far as it is known at load: addresses of the zone's own
 * names that NS (RFC 1034 section 4.3.2, RFC 9471), MX (RFC 1035 section 3.3.9), SRV (RFC 2782), SVCB and
 * HTTPS records (RFC 9460 section 4.1) point to. Names whose addresses are steered become targets, which are
 * looked at per answer. Other zones are not looked at, even if they are here: they are reloaded on their own,
 * and resolvers trust no zone to speak for another. */
#include "config.h"

#include "zone/render_internal.h"

#include "base/memory.h"
#include "dns/name.h"

enum { ALIASES_MAX = 8 };

/* A name in the additional section: written out, or (link not 0) one that is known to stand somewhere. */
struct place {
    const uint8_t *name;
    uint16_t link;
};

/* Is this the first time that this name is looked at for the RRset in hand? */
static bool is_new(struct renderer *r, const uint8_t *name)
{
    struct dns_key key;
    if (dns_key_fill(&key, name, DNS_NAME_MAX) <= 1) {
        return false;
    }
    uint64_t hash = dns_key_hash_suffix(&key, 0);
    for (size_t i = 0; i < r->seen_count; i++) {
        if (r->seen[i] == hash) {
            return false;
        }
    }
    r->seen = memory_grow(r->seen, r->seen_count, &r->seen_capacity, sizeof *r->seen);
    r->seen[r->seen_count++] = hash;
    return true;
}

/* ---- records ---- */

/* A whole RRset, or nothing if there is no more room. */
static void put_rrset(struct renderer *r, struct place place, const struct builder_owner *owner,
                      uint16_t type)
{
    size_t block_len = r->block_len, link_count = r->link_count;
    uint16_t count = 0;
    for (const struct builder_record *record = builder_record_at(r->b, owner->first); record != NULL;
         record = builder_record_at(r->b, record->next)) {
        if (record->type != type || record->duplicate) {
            continue;
        }
        if (place.link != 0) {
            render_put_link(r, place.link);
        } else {
            render_put_name(r, place.name);
        }
        render_put_fixed(r, type, record->ttl);
        render_put_rdata(r, record);
        count++;
    }
    if (r->overflow) { /* and nothing that comes later either */
        r->block_len = block_len;
        r->link_count = link_count;
        return;
    }
    r->extra.count = (uint16_t)(r->extra.count + count);
    r->extra.len = (uint16_t)(r->extra.len + (r->block_len - block_len));
}

static bool has_steered_address(const struct renderer *r, const struct builder_owner *owner)
{
    for (uint32_t s = owner->steered; s != 0; s = r->b->steered[s - 1].next) {
        uint16_t type = r->b->steered[s - 1].type;
        if (type == DNS_TYPE_A || type == DNS_TYPE_AAAA) {
            return true;
        }
    }
    return false;
}

/* Its owner has to be a pointer in the answer: it can be if the name is near enough to the block's begin. */
static void put_target(struct renderer *r, struct place place, const struct builder_owner *owner)
{
    uint16_t link = place.link != 0 ? place.link : render_find_name(r, place.name);
    if (link != 0) {
        r->targets = memory_grow(r->targets, r->extra.target_count, &r->target_capacity, sizeof *r->targets);
        r->targets[r->extra.target_count++] =
            (struct zone_target){.node = (uint32_t)(owner - r->b->owners), .link = link};
    }
}

static void put_addresses(struct renderer *r, struct place place, const struct builder_owner *owner)
{
    if (has_steered_address(r, owner)) {
        put_target(r, place, owner);
        return;
    }
    put_rrset(r, place, owner, DNS_TYPE_A);
    put_rrset(r, place, owner, DNS_TYPE_AAAA);
}

/* ---- name servers ---- */

/* Glue comes in this order; RFC 9471 section 3 demands the first kind, the second one here if there is no
 * other way into the delegated zone. */
enum glue { GLUE_IN_DOMAIN, GLUE_SIBLING, GLUE_OTHER };

static enum glue classify(const struct renderer *r, const struct builder_owner *owner)
{
    if (owner->cut == 0 || r->owner->cut == 0) {
        return GLUE_OTHER;
    }
    return owner->cut == r->owner->cut ? GLUE_IN_DOMAIN : GLUE_SIBLING;
}

static void put_glue(struct renderer *r, enum glue kind)
{
    for (size_t i = 0; i < r->record_count; i++) {
        const struct builder_record *record = r->records[i];
        const struct builder_owner *owner = builder_find_target(r->b, record->rdata).owner;
        if (owner != NULL && classify(r, owner) == kind && is_new(r, record->rdata)) {
            put_addresses(r, (struct place){.name = record->rdata}, owner);
        }
    }
}

static void put_name_servers(struct renderer *r)
{
    enum glue first = r->owner->cut == 0 ? GLUE_OTHER : GLUE_IN_DOMAIN;
    for (enum glue kind = first; kind <= GLUE_OTHER; kind++) {
        put_glue(r, kind);
        if (kind != GLUE_OTHER && r->extra.need_len == 0) {
            r->extra.need_len = r->extra.len;
            r->extra.need_count = r->extra.count;
        }
    }
}

/* ---- MX, SRV ---- */

/* What a cut hides is not this zone's to tell. */
static const struct builder_owner *find_own(const struct renderer *r, const uint8_t *name)
{
    struct builder_target found = builder_find_target(r->b, name);
    return found.cut == NULL ? found.owner : NULL;
}

static void put_hosts(struct renderer *r, size_t fixed)
{
    for (size_t i = 0; i < r->record_count; i++) {
        const struct builder_record *record = r->records[i];
        if (record->rdata_len <= fixed) {
            continue;
        }
        const uint8_t *name = record->rdata + fixed;
        const struct builder_owner *owner = find_own(r, name);
        if (owner != NULL && is_new(r, name)) {
            put_addresses(r, (struct place){.name = name}, owner);
        }
    }
}

/* ---- SVCB, HTTPS ---- */

/* A name whose SVCB records are in the message. */
struct service {
    struct place place;
    const struct builder_owner *owner;
    size_t first, count; /* its records among the renderer's */
};

struct services {
    struct service items[ALIASES_MAX];
    size_t count;
};

/* In AliasMode the target's own records of the type come along, and where they lead. */
static void follow_alias(struct renderer *r, uint16_t type, struct services *services, struct service target)
{
    for (size_t i = 0; i < services->count; i++) {
        if (services->items[i].owner == target.owner) {
            return;
        }
    }
    if (services->count < ALIASES_MAX && builder_has_type(r->b, target.owner, type) &&
        !builder_is_steered(r->b, target.owner, type)) {
        target.first = r->record_count;
        target.count = render_gather(r, target.owner, type);
        services->items[services->count++] = target;
        put_rrset(r, target.place, target.owner, type);
    }
}

/* "." is the owner itself in ServiceMode, and nothing in AliasMode (RFC 9460 section 2.5). */
static void put_service(struct renderer *r, const struct builder_record *record, size_t from,
                        struct services *services)
{
    const uint8_t *name = record->rdata + 2;
    bool alias = record->rdata[0] == 0 && record->rdata[1] == 0, is_self = *name == 0;
    struct service target = services->items[from];
    if (!is_self) {
        target = (struct service){.place = {.name = name}, .owner = find_own(r, name)};
    }
    if (target.owner == NULL || (is_self && alias)) {
        return;
    }
    if (is_new(r, target.place.name)) {
        put_addresses(r, target.place, target.owner);
    }
    if (alias) {
        follow_alias(r, record->type, services, target);
    }
}

static void put_services(struct renderer *r)
{
    struct services services = {.count = 1};
    services.items[0] = (struct service){
        .place = {render_owner_name(r), ZONE_LINK_OWNER}, .owner = r->owner, .count = r->record_count};
    for (size_t i = 0; i < services.count; i++) {
        for (size_t k = 0; k < services.items[i].count; k++) {
            const struct builder_record *record = r->records[services.items[i].first + k];
            if (record->rdata_len > 2) {
                put_service(r, record, i, &services);
            }
        }
    }
}

void render_additional(struct renderer *r, uint16_t type)
{
    uint32_t cut = r->owner->cut;
    bool is_cut = cut != 0 && &r->b->owners[cut - 1] == r->owner;
    if (r->overflow || (cut != 0 && !(is_cut && type == DNS_TYPE_NS))) {
        return;
    }
    r->behind = true;
    switch (type) {
    case DNS_TYPE_NS: put_name_servers(r); break;
    case DNS_TYPE_MX: put_hosts(r, 2); break;
    case DNS_TYPE_SRV: put_hosts(r, 6); break;
    case DNS_TYPE_SVCB:
    case DNS_TYPE_HTTPS: put_services(r); break;
    default: break;
    }
    r->overflow = false;
}
