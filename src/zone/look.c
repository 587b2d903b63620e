/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Looking at what was collected, for those who judge and for those who write. */
#include "config.h"

#include "zone/builder_internal.h"

#include "dns/name.h"

#include <ctype.h>

/* ---- types ---- */

int builder_target_at(uint16_t type)
{
    switch (type) {
    case DNS_TYPE_NS: return 0;
    case DNS_TYPE_MX:
    case DNS_TYPE_SVCB:
    case DNS_TYPE_HTTPS: return 2;
    case DNS_TYPE_SRV: return 6;
    default: return -1;
    }
}

bool builder_is_address(uint16_t type)
{
    return type == DNS_TYPE_A || type == DNS_TYPE_AAAA;
}

/* DNSSEC records may stand beside a CNAME (RFC 4034, RFC 4035 section 2.5). */
bool builder_may_join_cname(uint16_t type)
{
    return type == DNS_TYPE_CNAME || type == DNS_TYPE_RRSIG || type == DNS_TYPE_NSEC || type == 25 /* KEY */;
}

/* ---- records ---- */

/* Octets in front of the names that the rdata of a type consists of otherwise, or -1: there the case of
 * letters makes no difference (RFC 4034 section 6.2). */
static int name_at(uint16_t type)
{
    switch (type) {
    case DNS_TYPE_NS:
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_DNAME: return 0;
    case DNS_TYPE_MX: return 2;
    case DNS_TYPE_SRV: return 6;
    default: return -1;
    }
}

/* Of one type and length. */
static int compare_rdata(const struct builder_record *a, const struct builder_record *b)
{
    int at = name_at(a->type);
    if (at < 0 || a->rdata_len <= at) {
        return memcmp(a->rdata, b->rdata, a->rdata_len);
    }
    int order = memcmp(a->rdata, b->rdata, (size_t)at);
    for (int i = at; i < a->rdata_len && order == 0; i++) { /* length octets are below 'A' */
        order = tolower(a->rdata[i]) - tolower(b->rdata[i]);
    }
    return order;
}

int builder_compare_records(const struct builder_record *a, const struct builder_record *b)
{
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    if (a->rdata_len != b->rdata_len) {
        return a->rdata_len < b->rdata_len ? -1 : 1;
    }
    return compare_rdata(a, b);
}

/* ---- owners ---- */

const char *builder_write_owner(const struct zone_builder *b, const struct builder_owner *owner, char *text)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    memcpy(wire, owner->name, owner->name_len);
    memcpy(wire + owner->name_len, b->apex.name, b->apex.len);
    return dns_name_write(wire, text);
}

bool builder_has_static(const struct zone_builder *b, const struct builder_owner *owner, uint16_t type)
{
    for (const struct builder_record *r = builder_record_at(b, owner->first); r != NULL;
         r = builder_record_at(b, r->next)) {
        if (r->type == type && !r->duplicate) {
            return true;
        }
    }
    return false;
}

bool builder_is_steered(const struct zone_builder *b, const struct builder_owner *owner, uint16_t type)
{
    for (uint32_t s = owner->steered; s != 0; s = b->steered[s - 1].next) {
        if (b->steered[s - 1].type == type) {
            return true;
        }
    }
    return false;
}

bool builder_has_type(const struct zone_builder *b, const struct builder_owner *owner, uint16_t type)
{
    return builder_has_static(b, owner, type) || builder_is_steered(b, owner, type);
}

bool builder_has_aliases(const struct zone_builder *b, const struct builder_owner *owner)
{
    for (uint32_t s = owner->steered; s != 0; s = b->steered[s - 1].next) {
        if (b->steered[s - 1].listed != NULL && b->steered[s - 1].listed->has_aliases) {
            return true;
        }
    }
    return false;
}

/* ---- names ---- */

const struct builder_owner *builder_find_name(const struct zone_builder *b, const uint8_t *name,
                                              bool *in_zone)
{
    struct dns_key key;
    *in_zone = false;
    if (dns_key_fill(&key, name, DNS_NAME_MAX) == 0 || !builder_is_in_zone(b, &key)) {
        return NULL;
    }
    *in_zone = true;
    uint32_t owner = builder_find_owner(b, &key, 0);
    return owner == 0 ? NULL : &b->owners[owner - 1];
}

/* The wildcard at the closest encloser of a name that does not exist, or NULL. */
static const struct builder_owner *find_wildcard(const struct zone_builder *b, const struct dns_key *key,
                                                 unsigned encloser)
{
    uint8_t name[DNS_NAME_MAX + 2];
    size_t len = (size_t)key->len - key->at[encloser];
    bool in_zone;
    if (len + 2 > DNS_NAME_MAX) {
        return NULL;
    }
    memcpy(name, "\1*", 2);
    memcpy(name + 2, key->name + key->at[encloser], len);
    return builder_find_name(b, name, &in_zone);
}

struct builder_target builder_find_target(const struct zone_builder *b, const uint8_t *name)
{
    struct builder_target found = {.in_zone = false};
    struct dns_key key;
    if (dns_key_fill(&key, name, DNS_NAME_MAX) == 0 || !builder_is_in_zone(b, &key)) {
        return found;
    }
    found.in_zone = true;
    unsigned label = 0;
    uint32_t at = builder_find_owner(b, &key, 0);
    for (; at == 0; label++) { /* ends at the apex, which always exists */
        at = builder_find_owner(b, &key, label + 1);
    }
    const struct builder_owner *owner = &b->owners[at - 1];
    if (owner->cut != 0) {
        found.cut = &b->owners[owner->cut - 1];
        found.owner = label == 0 && found.cut->is_cut ? owner : NULL;
    } else if (label != 0 && owner->has_dname) {
        found.cut = owner;
    } else {
        found.owner = label == 0 ? owner : find_wildcard(b, &key, label);
    }
    return found;
}

uint16_t zone_builder_find_obstacle(const struct zone_builder *b, const uint8_t *owner)
{
    bool in_zone;
    const struct builder_owner *at = builder_find_name(b, owner, &in_zone);
    for (const struct builder_record *r = at == NULL ? NULL : builder_record_at(b, at->first); r != NULL;
         r = builder_record_at(b, r->next)) {
        bool joins = builder_is_address(r->type) || builder_may_join_cname(r->type);
        if (!joins || r->type == DNS_TYPE_CNAME) { /* a second CNAME */
            return r->type;
        }
    }
    return 0;
}

bool zone_builder_has_static(const struct zone_builder *b, const uint8_t *owner, uint16_t type)
{
    bool in_zone;
    const struct builder_owner *at = builder_find_name(b, owner, &in_zone);
    return at != NULL && builder_has_static(b, at, type);
}
