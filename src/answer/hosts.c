/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Members whose addresses are those of a host name: as many records as it has addresses. The member's record
 * in the zone is the mould. Each address goes into an answer once, whoever has it (RFC 2181 section 5.5), and
 * all records have the shortest TTL (section 5.2). A host's addresses begin anywhere in their circle: clients
 * mostly take the first. */
#include "config.h"

#include "answer/hosts.h"

#include "view/hosts.h"

enum {
    FEW = 2, /* with so many members it is quicker to compare them all */
    SLOTS_MAX = STEER_ANSWERS_MAX * 2 * VIEW_ADDRESSES_MAX, /* so a search ends soon */
};

/* The RRset in the making. */
struct mould {
    const struct zone *zone;
    const struct zone_rrset *rrset;
    size_t from; /* where it begins in the reply */
    uint16_t owner, rdata_len;
    unsigned records;          /* so far */
    unsigned mask;             /* of slots; 0: they are not used */
    uint16_t slots[SLOTS_MAX]; /* by hash of the address: 1 + number of the record, 0: free */
};

static const uint8_t *get_rdata(const struct reply *reply, const struct mould *mould, unsigned record)
{
    return reply->out + mould->from + (record + (size_t)1) * mould->rrset->len - mould->rdata_len;
}

static bool is_in_few(const struct reply *reply, const struct mould *mould, const uint8_t *rdata)
{
    for (unsigned i = 0; i < mould->records; i++) {
        if (memcmp(get_rdata(reply, mould, i), rdata, mould->rdata_len) == 0) {
            return true;
        }
    }
    return false;
}

static unsigned hash(const uint8_t *rdata, size_t len)
{
    uint64_t low = 0, high = 0;
    if (len == 4) {
        memcpy(&low, rdata, 4);
    } else {
        memcpy(&low, rdata, sizeof low);
        memcpy(&high, rdata + sizeof low, sizeof high);
    }
    return (unsigned)((low ^ high * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u >> 48);
}

/* Is there a record like the one that was put last? Else remembers it. */
static bool is_repeated(const struct reply *reply, struct mould *mould)
{
    const uint8_t *last = get_rdata(reply, mould, mould->records);
    if (mould->mask == 0) {
        return is_in_few(reply, mould, last);
    }
    unsigned slot = hash(last, mould->rdata_len) & mould->mask;
    for (; mould->slots[slot] != 0; slot = (slot + 1) & mould->mask) {
        if (memcmp(get_rdata(reply, mould, mould->slots[slot] - 1u), last, mould->rdata_len) == 0) {
            return true;
        }
    }
    mould->slots[slot] = (uint16_t)(mould->records + 1);
    return false;
}

/* The record of a member, with this address unless that is NULL. */
static bool put_record(struct reply *reply, struct mould *mould, uint16_t member, const uint8_t *address)
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
    } else {
        mould->records++;
    }
    return true;
}

static bool put_host(struct work *w, struct mould *mould, uint16_t member, uint32_t host)
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

static void set_slots(struct mould *mould, size_t members)
{
    size_t slots = 2 * VIEW_ADDRESSES_MAX;
    mould->mask = 0;
    if (members > FEW) {
        while (slots < members * 2 * VIEW_ADDRESSES_MAX) {
            slots *= 2;
        }
        mould->mask = (unsigned)slots - 1;
        memset(mould->slots, 0, slots * sizeof *mould->slots);
    }
}

bool hosts_add(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
               struct steer_choice *choice, uint16_t owner)
{
    const struct zone_steered *steered = zone_get_steered(zone, rrset);
    const struct view *view = w->context->view;
    const struct steer_policy *policy = steer_set_get(view->steer, steered->policy);
    enum view_family family = rrset->type == DNS_TYPE_A ? VIEW_V4 : VIEW_V6;
    uint16_t members[STEER_ANSWERS_MAX];
    size_t picked = pick_members(w, policy, steered, choice, members);
    uint32_t ttl = choice->ttl;
    pick_note_members(w, members, picked);
    struct mould mould; /* slots are cleared as far as they are used */
    mould.zone = zone;
    mould.rrset = rrset;
    mould.from = w->reply.at;
    mould.owner = owner;
    mould.rdata_len = family == VIEW_V4 ? 4 : 16;
    mould.records = 0;
    set_slots(&mould, picked);
    for (size_t i = 0; i < picked; i++) {
        uint32_t host = steer_get_host(policy, members[i]);
        if (!(host == 0 ? put_record(&w->reply, &mould, members[i], NULL)
                        : put_host(w, &mould, members[i], host - 1))) {
            return false;
        }
        if (host != 0) {
            uint32_t own = view_get_host_ttl(view, host - 1, family, w->context->now_s);
            ttl = own < ttl ? own : ttl;
        }
    }
    reply_limit_ttl(&w->reply, mould.from, ttl);
    return true;
}
