/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See whoami.h. TTL 0: nobody is to keep what holds for one client, and what names its subnet is for that
 * subnet alone (RFC 7871 section 7.2.1). Who asks is not known of questions that nobody asked (explain). */
#include "config.h"

#include "answer/whoami.h"

#include "answer/pick.h"

#include <stdarg.h>
#include <stdio.h>

enum { RECORD_HEAD = 12, TEXT_MAX = 255, LABEL_MAX = 200 };

struct teller {
    struct work *w;
    uint16_t owner, type;
    unsigned count;
    bool is_full;
};

static void add_record(struct teller *t, const uint8_t *rdata, size_t len)
{
    uint8_t record[RECORD_HEAD + 1 + TEXT_MAX];
    reply_put16(record, t->owner);
    reply_put16(record + 2, t->type);
    reply_put16(record + 4, DNS_CLASS_IN);
    memset(record + 6, 0, 4);
    reply_put16(record + 10, (unsigned)len);
    memcpy(record + RECORD_HEAD, rdata, len);
    struct reply *reply = &t->w->reply;
    if (reply->at + RECORD_HEAD + len > reply->limit) {
        t->is_full = true;
        return;
    }
    memcpy(reply->out + reply->at, record, RECORD_HEAD + len);
    reply->at += RECORD_HEAD + len;
    reply->counts[REPLY_ANSWER]++;
    t->count++;
}

__attribute__((format(printf, 2, 3))) static void add_text(struct teller *t, const char *format, ...)
{
    uint8_t rdata[1 + TEXT_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf((char *)rdata + 1, TEXT_MAX + 1, format, arguments);
    va_end(arguments);
    rdata[0] = (uint8_t)(len < 0 ? 0 : len > TEXT_MAX ? TEXT_MAX : len);
    add_record(t, rdata, 1u + rdata[0]);
}

static void add_address(struct teller *t, const struct addr *addr)
{
    if (addr->family == (t->type == DNS_TYPE_A ? ADDR_V4 : ADDR_V6)) {
        add_record(t, addr->bytes, addr_len(addr));
    }
}

static void tell_addresses(struct teller *t, const struct zone_whoami *whoami, const struct addr *source,
                           const struct addr *subnet)
{
    bool by_subnet = subnet != NULL && (whoami->address & ZONE_WHOAMI_SUBNET) != 0;
    bool by_source = (whoami->address & ZONE_WHOAMI_RESOLVER) != 0 &&
                     (!by_subnet || (whoami->address & ZONE_WHOAMI_EITHER) == 0);
    if (by_source) {
        add_address(t, source);
    }
    if (by_subnet && !(by_source && addr_equal(source, subnet))) {
        add_address(t, subnet);
    }
}

static void tell_class(struct teller *t, const struct zone_whoami *whoami)
{
    const struct steer_set *steer = t->w->context->view->steer;
    if (whoami->policy == ZONE_NO_POLICY || steer == NULL) {
        return;
    }
    const struct steer_policy *policy = steer_set_get(steer, whoami->policy);
    struct geo_match match = {0, 0};
    if (policy->subnets != NULL) {
        match = pick_find_class(t->w, policy);
    }
    add_text(t, "class=%.*s", LABEL_MAX, policy->classes[match.class_id].label);
    add_text(t, "scope=%u", match.scope);
}

static void tell_all(struct teller *t, const struct zone_whoami *whoami, const struct addr *source,
                     const struct addr *subnet)
{
    char text[ADDR_TEXT_SIZE];
    if (source->family != ADDR_NONE) {
        add_text(t, "resolver=%s", addr_write(source, text));
    }
    if (subnet != NULL) {
        add_text(t, "subnet=%s/%u", addr_write(subnet, text), t->w->query.ecs.source_len);
    }
    tell_class(t, whoami);
}

bool whoami_put(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                struct reply_place place)
{
    struct teller t = {.w = w, .owner = 0xc000u | place.owner, .type = rrset->type};
    const struct zone_whoami *whoami = &zone->whoamis[rrset->types - 1];
    const struct addr *subnet = pick_find_subnet(w);
    struct addr_port source = {.port = 0};
    uint8_t source_len = subnet == NULL ? 0 : w->query.ecs.source_len;
    if (w->request->client != NULL) {
        addr_from_sockaddr(w->request->client, &source);
    }
    if (rrset->type == DNS_TYPE_TXT) {
        tell_all(&t, whoami, &source.addr, subnet);
    } else {
        tell_addresses(&t, whoami, &source.addr, subnet);
    }
    w->scope = source_len > w->scope ? source_len : w->scope;
    if (t.count == 0 && !t.is_full) { /* RFC 7871 section 7.4: for all, and for no longer than the others */
        size_t at = w->reply.at;
        w->scope = 0;
        t.is_full = !reply_add_rrset(&w->reply, REPLY_AUTHORITY, zone, &zone->negative, place);
        reply_limit_ttl(&w->reply, at, 0);
    }
    return !t.is_full;
}
