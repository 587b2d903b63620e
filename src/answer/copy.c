/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who may copy a zone, and the first message of the copy. No history of a zone is kept: whoever asks for what
 * changed since an older serial gets the whole zone (RFC 1995 section 4), over UDP the SOA alone, which sends
 * it to TCP. */
#include "config.h"

#include "answer/copy.h"

#include "base/cursor.h"
#include "base/serial.h"
#include "dns/name.h"
#include "transfer/transfer.h"
#include "tsig/tsig.h"

enum { SOA_NUMBERS_SIZE = 20 };

/* The first entry that holds the address and asks for no other key decides. */
static bool is_allowed(const struct conf_zone_options *options, const struct answer_request *request, int key)
{
    struct addr_port client;
    if (request->client == NULL) {
        return false;
    }
    addr_from_sockaddr(request->client, &client);
    for (size_t i = 0; i < options->transfer_to_count; i++) {
        const struct conf_transfer_peer *peer = &options->transfer_to[i];
        if ((peer->key == CONF_NO_KEY || peer->key == key) && addr_in_prefix(&client.addr, &peer->prefix)) {
            return !peer->deny;
        }
    }
    return false;
}

/* The serial that the client of an IXFR has: of the one record of its authority section, a SOA. */
static bool read_serial(const struct answer_request *request, const struct dns_query *query, uint32_t *serial)
{
    struct cursor c = cursor_init_const(request->bytes, request->len);
    c.at = 8;
    if (cursor_read_u16(&c) != 1) {
        return false;
    }
    c.at = dns_name_skip(request->bytes, request->len, query->question_end);
    uint16_t type = cursor_read_u16(&c);
    (void)cursor_take(&c, 6);
    uint16_t size = cursor_read_u16(&c);
    const uint8_t *rdata = cursor_take(&c, size);
    if (rdata == NULL || type != DNS_TYPE_SOA || size < SOA_NUMBERS_SIZE + 2) {
        return false;
    }
    struct cursor numbers = cursor_init_const(rdata + size - SOA_NUMBERS_SIZE, SOA_NUMBERS_SIZE);
    *serial = cursor_read_u32(&numbers);
    return true;
}

static void add_soa(const struct zone *zone, struct reply *reply)
{
    const struct zone_node *apex = zone_get_node(zone, zone->apex_node);
    struct reply_place place = {.owner = DNS_HEADER_SIZE, .apex_at = DNS_HEADER_SIZE};
    reply->truncated =
        !reply_add_rrset(reply, REPLY_ANSWER, zone, zone_find_rrset(apex, DNS_TYPE_SOA), place);
}

/* Identifier and question as they came, and the flags that the first message is going to have. */
static void keep_head(struct transfer *transfer, const struct dns_query *query, const struct reply *reply)
{
    uint16_t keep = query->flags & (DNS_FLAG_RD | DNS_FLAG_CD);
    transfer_set_head(transfer, reply->out, query->question_end, keep | DNS_FLAG_QR | DNS_FLAG_AA);
}

static void add_first_message(struct transfer *transfer, struct reply *reply)
{
    struct transfer_room room = {.out = reply->out, .at = reply->at, .limit = reply->limit};
    if (transfer_fill(transfer, &room)) {
        reply->at = room.at;
        reply->counts[REPLY_ANSWER] = room.count;
        return;
    }
    reply->rcode = DNS_RCODE_SERVFAIL; /* a record that is too large for any message */
    transfer_fini(transfer);
}

static void refuse(const struct answer_context *context, struct reply *reply, enum dns_rcode rcode)
{
    answer_count(context->counters, ANSWER_COUNT_TRANSFER_REFUSED);
    reply->rcode = rcode;
    reply->ede = rcode == DNS_RCODE_REFUSED ? REPLY_EDE_PROHIBITED : REPLY_EDE_NONE;
}

static void answer_granted(const struct answer_context *context, const struct answer_request *request,
                           const struct dns_query *query, struct reply *reply,
                           const struct view_primary *primary)
{
    struct zone *zone = zone_table_get(context->view->zones, primary->apex);
    uint32_t have = 0;
    if (zone == NULL || zone->failed) {
        reply->rcode = DNS_RCODE_SERVFAIL;
        reply->ede = REPLY_EDE_INVALID_DATA;
        return;
    }
    if (query->qtype == DNS_TYPE_IXFR && !read_serial(request, query, &have)) {
        reply->rcode = DNS_RCODE_FORMERR;
        return;
    }
    reply->flags |= DNS_FLAG_AA;
    uint32_t served = atomic_load_explicit(&zone->served, memory_order_relaxed);
    if (query->qtype == DNS_TYPE_IXFR &&
        (request->transport == ANSWER_UDP || have == served || serial_is_newer(have, served))) {
        add_soa(zone, reply);
    } else if (request->transfer == NULL) {
        reply->flags &= (uint16_t)~DNS_FLAG_AA;
        refuse(context, reply, DNS_RCODE_SERVFAIL); /* too many go on: later */
    } else {
        transfer_init(request->transfer, zone,
                      atomic_load_explicit(&primary->rendition, memory_order_acquire));
        keep_head(request->transfer, query, reply);
        add_first_message(request->transfer, reply);
    }
}

void copy_answer(const struct answer_context *context, const struct answer_request *request,
                 const struct dns_query *query, struct reply *reply, int key)
{
    const uint8_t *apex = query->key.name;
    if (query->qtype == DNS_TYPE_AXFR && request->transport == ANSWER_UDP) {
        reply->rcode = DNS_RCODE_NOTIMP; /* RFC 5936 section 4.2: not defined */
        reply->ede = REPLY_EDE_NOT_SUPPORTED;
        return;
    }
    const struct view_primary *primary = view_find_primary(context->view, apex);
    if (primary == NULL && zone_table_get(context->view->zones, apex) == NULL) {
        reply->rcode = DNS_RCODE_NOTAUTH;
        reply->ede = REPLY_EDE_NOT_AUTHORITATIVE;
    } else if (primary == NULL || !is_allowed(primary->options, request, key)) {
        refuse(context, reply, DNS_RCODE_REFUSED);
    } else {
        answer_granted(context, request, query, reply, primary);
    }
}
