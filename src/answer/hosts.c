/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Members whose addresses are those of a host name: as many records as it has addresses. The member's record
 * in the zone is the mould. Each address goes into an answer once, whoever has it (RFC 2181 section 5.5), and
 * all records have the shortest TTL (section 5.2). A host's addresses begin anywhere in their circle: clients
 * mostly take the first. */
#include "config.h"

#include "answer/rrset.h"
#include "view/hosts.h"

/* The RRset in the making. */
struct mould {
    const struct zone *zone;
    const struct zone_rrset *rrset;
    size_t from; /* where it begins in the reply */
    uint16_t owner, rdata_len;
};

/* The record that was put last: is there another one like it? */
static bool is_repeated(const struct reply *reply, const struct mould *mould)
{
    const uint8_t *last = reply->out + reply->at - mould->rdata_len;
    size_t len = mould->rrset->len;
    for (size_t at = mould->from + len; at < reply->at; at += len) {
        if (memcmp(reply->out + at - mould->rdata_len, last, mould->rdata_len) == 0) {
            return true;
        }
    }
    return false;
}

/* The record of a member, with this address unless that is NULL. */
static bool put_record(struct reply *reply, const struct mould *mould, uint16_t member,
                       const uint8_t *address)
{
    if (!reply_add_steered(reply, mould->zone, mould->rrset, member, mould->owner)) {
        return false;
    }
    if (address != NULL) {
        memcpy(reply->out + reply->at - mould->rdata_len, address, mould->rdata_len);
    }
    if (is_repeated(reply, mould)) {
        reply->at -= mould->rrset->len;
        reply->counts[REPLY_ANSWER]--;
    }
    return true;
}

static bool put_host(struct work *w, const struct mould *mould, uint16_t member, uint32_t host)
{
    const struct view_addresses *addresses = view_get_addresses(w->context->view, host);
    enum view_family family = mould->rdata_len == 4 ? VIEW_V4 : VIEW_V6;
    unsigned count = addresses->count[family];
    unsigned first = count > 1 ? (unsigned)random_below(w->context->random, count) : 0;
    for (unsigned i = 0; i < count; i++) {
        const struct addr *address = &addresses->items[family][(first + i) % count];
        if (!put_record(&w->reply, mould, member, address->bytes)) {
            return false;
        }
    }
    return true;
}

enum rrset_outcome rrset_add_hosts(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                   struct steer_choice *choice, uint16_t owner)
{
    const struct zone_steered *steered = (const void *)(zone->blob + rrset->block);
    const struct view *view = w->context->view;
    const struct steer_policy *policy = steer_set_get(view->steer, steered->policy);
    const struct mould mould = {.zone = zone,
                                .rrset = rrset,
                                .from = w->reply.at,
                                .owner = owner,
                                .rdata_len = rrset->type == DNS_TYPE_A ? 4 : 16};
    enum view_family family = rrset->type == DNS_TYPE_A ? VIEW_V4 : VIEW_V6;
    uint16_t members[STEER_ANSWERS_MAX];
    size_t picked = rrset_pick(w, policy, choice, members);
    uint32_t ttl = choice->ttl;
    for (size_t i = 0; i < picked; i++) {
        uint32_t host = steer_get_host(policy, members[i]);
        if (!(host == 0 ? put_record(&w->reply, &mould, members[i], NULL)
                        : put_host(w, &mould, members[i], host - 1))) {
            return RRSET_FULL;
        }
        if (host != 0) {
            uint32_t own = view_get_host_ttl(view, host - 1, family, w->context->now_s);
            ttl = own < ttl ? own : ttl;
        }
    }
    reply_limit_ttl(&w->reply, mould.from, ttl);
    w->ttl_limit = choice->ttl;
    return w->reply.at != mould.from ? RRSET_DONE : RRSET_EMPTY;
}
