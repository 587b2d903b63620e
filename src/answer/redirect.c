/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Answers that lead elsewhere: referrals (RFC 1034 section 4.3.2 step 3b) and DNAME (RFC 6672). */
#include "config.h"

#include "answer/redirect.h"

#include "answer/additional.h"

static void add_referral(struct work *w, const struct zone *zone, const struct zone_node *cut,
                         struct target target)
{
    uint16_t cut_at = reply_find_suffix(&w->reply, target.name_at, zone_octets_below(zone, target.key, cut));
    struct reply_place place = {.owner = cut_at, .apex_at = work_find_apex(w, zone, target)};
    const struct zone_rrset *ns = zone_find_rrset(cut, DNS_TYPE_NS);
    w->reply.subject = reply_subject(zone, cut);
    uint16_t ns_at = (uint16_t)w->reply.at;
    if (!reply_add_rrset(&w->reply, REPLY_AUTHORITY, zone, ns, place)) {
        work_truncate(w);
        return;
    }
    if ((ns->flags & ZONE_RRSET_ADDITIONAL) != 0 &&
        !additional_add(w, zone, ns, place, ns_at)) { /* RFC 9471: a referral without its glue is of no use */
        work_truncate(w);
    }
}

/* RFC 6672 section 3.2: the DNAME, and a CNAME from the name asked to the one that it becomes. */
static uint16_t answer_dname(struct work *w, const struct zone *zone, const struct zone_node *cut,
                             struct target target)
{
    struct reply *reply = &w->reply;
    const struct zone_rrset *dname = zone_find_rrset(cut, DNS_TYPE_DNAME);
    size_t prefix = zone_octets_below(zone, target.key, cut), dname_at = reply->at;
    struct reply_place place = {.owner = reply_find_suffix(reply, target.name_at, prefix),
                                .apex_at = work_find_apex(w, zone, target)};
    reply->subject = reply_subject(zone, cut);
    if (!reply_add_rrset(reply, REPLY_ANSWER, zone, dname, place)) {
        work_truncate(w);
        return WORK_NOWHERE;
    }
    const uint8_t *record = reply->out + dname_at;
    size_t suffix = (size_t)(record[10] << 8 | record[11]);
    if (prefix + suffix > DNS_NAME_MAX) {
        reply->rcode = DNS_RCODE_YXDOMAIN;
        return WORK_NOWHERE;
    }
    uint16_t record_at = (uint16_t)reply->at;
    if (!reply_add_cname(reply, target.name_at, prefix, dname_at)) {
        work_truncate(w);
        return WORK_NOWHERE;
    }
    return w->query.qtype == DNS_TYPE_CNAME ? WORK_NOWHERE : (uint16_t)(record_at + 12);
}

uint16_t redirect_answer(struct work *w, const struct zone *zone, const struct zone_node *cut,
                         struct target target)
{
    if ((cut->flags & ZONE_NODE_DNAME) != 0) {
        return answer_dname(w, zone, cut, target);
    }
    if (w->reply.counts[REPLY_ANSWER] == 0) {
        w->reply.flags &= (uint16_t)~DNS_FLAG_AA;
    }
    add_referral(w, zone, cut, target);
    return WORK_NOWHERE;
}
