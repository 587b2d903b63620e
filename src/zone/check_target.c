/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where NS, MX and SRV records point to: a name of this zone has to have an address, its own or by a wildcard
 * (RFC 1912 sections 2.4 and 2.8), and may be no alias (RFC 2181 section 10.3, RFC 2782). All of these are
 * warnings: the other records of the RRset may do. Names of other zones are not looked at. */
#include "config.h"

#include "zone/builder_internal.h"

#include "dns/name.h"

enum target {
    TARGET_FINE,
    TARGET_EMPTY, /* no address */
    TARGET_ALIAS,
    TARGET_BELOW_DNAME,
    TARGET_DELEGATED, /* without an address here */
};

static bool has_address(const struct zone_builder *b, const struct builder_owner *owner)
{
    return builder_has_type(b, owner, DNS_TYPE_A) || builder_has_type(b, owner, DNS_TYPE_AAAA);
}

static enum target judge(const struct zone_builder *b, const struct builder_target *found)
{
    bool has = found->owner != NULL && has_address(b, found->owner);
    if (!found->in_zone || (has && found->cut != NULL)) {
        return TARGET_FINE;
    }
    if (found->cut != NULL) {
        return found->cut->is_cut ? TARGET_DELEGATED : TARGET_BELOW_DNAME;
    }
    if (found->owner != NULL && builder_has_type(b, found->owner, DNS_TYPE_CNAME)) {
        return TARGET_ALIAS;
    }
    return has ? TARGET_FINE : TARGET_EMPTY;
}

/* Four labels of digits first, as of "MX 10 192.0.2.1". */
static bool looks_like_address(const uint8_t *name)
{
    for (unsigned i = 0; i < 4; i++, name += *name + 1) {
        if (*name == 0 || *name > 3) {
            return false;
        }
        for (unsigned c = 1; c <= *name; c++) {
            if (name[c] < '0' || name[c] > '9') {
                return false;
            }
        }
    }
    return true;
}

static const char *role_of(uint16_t type)
{
    return type == DNS_TYPE_NS ? "name server" : type == DNS_TYPE_MX ? "mail server" : "SRV target";
}

static void judge_target(struct zone_builder *b, const struct builder_owner *owner,
                         const struct builder_record *r, const uint8_t *target)
{
    char name[DNS_NAME_TEXT_SIZE], above[DNS_NAME_TEXT_SIZE];
    const char *role = role_of(r->type);
    struct builder_target at = builder_find_target(b, target);
    const struct builder_owner *cut = at.cut;
    enum target found = judge(b, &at);
    dns_name_write(target, name);
    if (found != TARGET_FINE && looks_like_address(target)) {
        builder_complain(b, REPORT_WARNING, &r->place,
                         "the %s %s looks like an address; expected the name of a host", role, name);
    } else if (found == TARGET_ALIAS) {
        builder_complain(b, REPORT_WARNING, &r->place, "the %s %s is a CNAME (RFC 2181 section 10.3)", role,
                         name);
    } else if (found == TARGET_BELOW_DNAME) {
        builder_complain(b, REPORT_WARNING, &r->place, "the %s %s lies below the DNAME %s", role, name,
                         builder_write_owner(b, cut, above));
    } else if (found == TARGET_EMPTY) {
        builder_complain(b, REPORT_WARNING, &r->place, "the %s %s has no address (A or AAAA) in this zone",
                         role, name);
    } else if (found == TARGET_DELEGATED && r->type == DNS_TYPE_NS && owner == cut) {
        builder_complain(b, REPORT_WARNING, &r->place,
                         "the name server %s lies within the zone %s that it serves; expected an address "
                         "(A or AAAA) of it here, as glue",
                         name, builder_write_owner(b, cut, above));
    }
}

static void check_target(struct zone_builder *b, const struct builder_owner *owner,
                         const struct builder_record *r)
{
    bool points = r->type == DNS_TYPE_NS || r->type == DNS_TYPE_MX || r->type == DNS_TYPE_SRV;
    const uint8_t *target = r->rdata + (points ? builder_target_at(r->type) : 0);
    if (points && !r->duplicate && *target != 0) { /* the root: none (RFC 7505, RFC 2782) */
        judge_target(b, owner, r, target);
    }
}

static void check_owner(struct zone_builder *b, const struct builder_owner *owner)
{
    for (const struct builder_record *r = builder_record_at(b, owner->first); r != NULL;
         r = builder_record_at(b, r->next)) {
        check_target(b, owner, r);
    }
    for (uint32_t s = owner->steered; s != 0; s = b->steered[s - 1].next) {
        const struct builder_listed *listed = b->steered[s - 1].listed;
        for (size_t i = 0; listed != NULL && i < listed->single_count; i++) {
            check_target(b, owner, listed->singles[i]);
        }
    }
}

void builder_check_targets(struct zone_builder *b)
{
    for (size_t i = 0; i < b->owner_count; i++) {
        check_owner(b, &b->owners[i]);
    }
}
