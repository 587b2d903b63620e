/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An RRset: its records and what goes with them into the additional section, as one block. */
#include "config.h"

#include "zone/render_internal.h"

/* The others are for their clients to choose from by rules of their own, or single. */
static bool may_rotate(uint16_t type)
{
    switch (type) {
    case DNS_TYPE_NS:
    case DNS_TYPE_SOA:
    case DNS_TYPE_MX:
    case DNS_TYPE_SRV:
    case DNS_TYPE_SVCB:
    case DNS_TYPE_HTTPS: return false;
    default: return true;
    }
}

static bool tells_who_asks(uint16_t type)
{
    return type == DNS_TYPE_A || type == DNS_TYPE_AAAA || type == DNS_TYPE_TXT;
}

struct zone_rrset render_rrset(struct renderer *r, const struct builder_owner *owner, uint16_t type)
{
    size_t count = r->record_count; /* aliases may bring more */
    render_begin(r, owner);
    r->rotates = r->b->rotate && may_rotate(type);
    for (size_t i = 0; i < count; i++) {
        render_put16(r, RENDER_QUESTION);
        render_put_fixed(r, type, r->records[i]->ttl);
        render_put_rdata(r, r->records[i]);
    }
    if (r->overflow) {
        builder_complain(r->b, REPORT_ERROR, &r->records[count - 1]->place,
                         "this RRset does not fit into a DNS message of 64 kB");
        return (struct zone_rrset){.type = type};
    }
    uint16_t len = (uint16_t)r->block_len, flags = r->link_count != 0 ? ZONE_RRSET_LINKED : 0;
    render_additional(r, type);
    flags |= r->extra.count + r->extra.target_count != 0 ? ZONE_RRSET_ADDITIONAL : 0;
    flags |= r->rotates && count > 1 ? ZONE_RRSET_ROTATES : 0;
    bool is_told = owner->whoami != 0 && tells_who_asks(type);
    flags |= is_told ? ZONE_RRSET_WHOAMI : 0;
    uint32_t block = render_end(r);
    return (struct zone_rrset){.type = type,
                               .count = (uint16_t)count,
                               .len = len,
                               .patch_count = (uint16_t)r->patch_count,
                               .flags = flags,
                               .types = is_told ? owner->whoami : 0,
                               .block = block};
}
