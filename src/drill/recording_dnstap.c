/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A message of dnstap (dnstap.info, dnstap.proto), of which a few fields count. A reply is made a query
 * again, its question and its OPT record, so that there is one parser for what it says of its client. */
#include "config.h"

#include "drill/recording_inside.h"

#include "dns/message.h"
#include "dns/name.h"
#include "dns/query.h"
#include "dns/types.h"

#include <ctype.h>
#include <string.h>

/* message Dnstap, message Message, and its types */
enum { DNSTAP_MESSAGE = 14, DNSTAP_TYPE = 15, DNSTAP_TYPE_MESSAGE = 1 };
enum {
    MESSAGE_TYPE = 1,
    MESSAGE_SOCKET_FAMILY = 2,
    MESSAGE_QUERY_ADDRESS = 4,
    MESSAGE_QUERY_MESSAGE = 10,
    MESSAGE_RESPONSE_MESSAGE = 14
};
enum { AUTH_QUERY = 1, AUTH_RESPONSE = 2, CLIENT_QUERY = 5, CLIENT_RESPONSE = 6 };
enum { FAMILY_INET = 1, FAMILY_INET6 = 2 };
enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };
enum { RECORD_FIXED = 10, FLAGS_QR = 0x80 };

struct piece {
    const uint8_t *bytes;
    size_t len;
};

/* ---- Protocol Buffers ---- */

struct field {
    uint64_t number, value; /* the value of a varint */
    unsigned wire;
    struct piece bytes;
};

static bool read_varint(struct piece *from, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && from->len != 0; shift += 7) {
        uint8_t octet = *from->bytes++;
        from->len--;
        *value |= (uint64_t)(octet & 0x7f) << shift;
        if (octet < 0x80) {
            return true;
        }
    }
    return false;
}

/* False: it is none. */
static bool read_field(struct piece *from, struct field *field)
{
    uint64_t tag, size = 0;
    if (!read_varint(from, &tag) || tag >> 3 == 0) {
        return false;
    }
    field->number = tag >> 3;
    field->wire = (unsigned)(tag & 7);
    switch (field->wire) {
    case WIRE_VARINT: return read_varint(from, &field->value);
    case WIRE_FIXED64: size = 8; break;
    case WIRE_FIXED32: size = 4; break;
    case WIRE_BYTES:
        if (!read_varint(from, &size)) {
            return false;
        }
        break;
    default: return false;
    }
    if (size > from->len) {
        return false;
    }
    field->bytes = (struct piece){from->bytes, (size_t)size};
    from->bytes += size;
    from->len -= (size_t)size;
    return true;
}

/* ---- DNS ---- */

/* Is there a scope it is no query any more. */
static void clear_scope(uint8_t *options, size_t len)
{
    for (size_t at = 0; len - at >= 4;) {
        size_t code = (size_t)options[at] << 8 | options[at + 1],
               size = (size_t)options[at + 2] << 8 | options[at + 3];
        if (code == DNS_OPTION_ECS && size >= 4 && len - at - 4 >= size) {
            options[at + 7] = 0;
        }
        if (size > len - at - 4) {
            return;
        }
        at += 4 + size;
    }
}

/* Question and OPT of a reply as a query. Returns its length, or 0. */
static size_t make_query(const struct piece *reply, uint8_t *to)
{
    const uint8_t *bytes = reply->bytes;
    size_t at = reply->len < DNS_HEADER_SIZE || bytes[4] != 0 || bytes[5] != 1
                    ? 0
                    : dns_name_skip(bytes, reply->len, DNS_HEADER_SIZE);
    if (at == 0 || reply->len - at < 4) {
        return 0;
    }
    at += 4;
    size_t len = at, records = 0;
    memcpy(to, bytes, at);
    memset(to + 6, 0, 6);
    to[2] &= (uint8_t)~FLAGS_QR;
    for (size_t i = 6; i < DNS_HEADER_SIZE; i += 2) {
        records += (size_t)bytes[i] << 8 | bytes[i + 1];
    }
    for (size_t i = 0; i < records; i++) {
        size_t start = at;
        at = dns_name_skip(bytes, reply->len, at);
        if (at == 0 || reply->len - at < RECORD_FIXED) {
            return 0;
        }
        const uint8_t *fixed = bytes + at;
        size_t size = (size_t)fixed[8] << 8 | fixed[9];
        at += RECORD_FIXED;
        if (size > reply->len - at) {
            return 0;
        }
        at += size;
        if ((fixed[0] << 8 | fixed[1]) == DNS_TYPE_OPT && to[11] == 0) {
            memcpy(to + len, bytes + start, at - start);
            clear_scope(to + len + (at - start) - size, size);
            len += at - start;
            to[11] = 1;
        }
    }
    return len;
}

/* false: there is no question in it that anybody could be answered. */
static bool read_query(const struct piece *message, struct dns_query *query)
{
    enum dns_query_result result = dns_query_parse(query, message->bytes, message->len);
    return (result == DNS_QUERY_OK || result == DNS_QUERY_SIGNED || result == DNS_QUERY_BADVERS) &&
           query->question_end != 0;
}

/* ---- a message ---- */

struct message {
    uint64_t type, family;
    struct piece address, query, reply;
};

static bool read_message(struct piece from, struct message *message)
{
    struct field field = {.number = 0};
    while (from.len != 0) {
        if (!read_field(&from, &field)) {
            return false;
        }
        bool is_number = field.number == MESSAGE_TYPE || field.number == MESSAGE_SOCKET_FAMILY;
        bool is_bytes = field.number == MESSAGE_QUERY_ADDRESS || field.number == MESSAGE_QUERY_MESSAGE ||
                        field.number == MESSAGE_RESPONSE_MESSAGE;
        if ((is_number && field.wire != WIRE_VARINT) || (is_bytes && field.wire != WIRE_BYTES)) {
            return false;
        }
        switch (field.number) {
        case MESSAGE_TYPE: message->type = field.value; break;
        case MESSAGE_SOCKET_FAMILY: message->family = field.value; break;
        case MESSAGE_QUERY_ADDRESS: message->address = field.bytes; break;
        case MESSAGE_QUERY_MESSAGE: message->query = field.bytes; break;
        case MESSAGE_RESPONSE_MESSAGE: message->reply = field.bytes; break;
        default: break;
        }
    }
    return true;
}

/* False: it is no address of its family. */
static bool read_address(const struct message *message, struct addr *addr)
{
    size_t len = message->address.len;
    if ((len != 0 && len != 4 && len != 16) || (message->family == FAMILY_INET && len == 16) ||
        (message->family == FAMILY_INET6 && len == 4)) {
        return false;
    }
    addr->family = len == 4 ? ADDR_V4 : len == 16 ? ADDR_V6 : ADDR_NONE;
    memcpy(addr->bytes, message->address.bytes == NULL ? (const uint8_t *)"" : message->address.bytes, len);
    return true;
}

static int take_message(struct recorder *r, const struct message *message, uint64_t at)
{
    struct recording_client client = {.subnet.len = 0};
    struct recording_query query = {.is_reply =
                                        message->type == AUTH_RESPONSE || message->type == CLIENT_RESPONSE};
    char name[DNS_NAME_TEXT_SIZE];
    struct dns_query parsed;
    if (!read_address(message, &client.sender)) {
        return recording_fail(r, at, "found a message whose address is none of its family");
    }
    struct piece asked = message->query;
    if (asked.len == 0 && query.is_reply) {
        asked = (struct piece){r->scratch, make_query(&message->reply, r->scratch)};
    }
    if (asked.len != 0 && asked.len <= UINT16_MAX && read_query(&asked, &parsed)) {
        query.name = dns_name_write(asked.bytes + DNS_HEADER_SIZE, name);
        for (char *c = name; *c != '\0'; c++) {
            *c = (char)tolower((unsigned char)*c);
        }
        if (parsed.has_ecs) {
            client.subnet = (struct addr_prefix){parsed.ecs.addr, parsed.ecs.source_len};
        }
    }
    return recording_tell(r, &query, &client);
}

int recording_read_dnstap(struct recorder *r, const uint8_t *bytes, size_t len, uint64_t at)
{
    struct piece from = {bytes, len}, inside = {NULL, 0};
    struct field field = {.number = 0};
    uint64_t type = 0;
    struct message message = {.type = 0};
    while (from.len != 0) {
        if (!read_field(&from, &field) || (field.number == DNSTAP_TYPE && field.wire != WIRE_VARINT) ||
            (field.number == DNSTAP_MESSAGE && field.wire != WIRE_BYTES)) {
            return recording_fail(r, at, "found a frame that is no message of dnstap");
        }
        type = field.number == DNSTAP_TYPE ? field.value : type;
        inside = field.number == DNSTAP_MESSAGE ? field.bytes : inside;
    }
    if (type != DNSTAP_TYPE_MESSAGE || inside.bytes == NULL || !read_message(inside, &message)) {
        return recording_fail(r, at, "found a frame that is no message of dnstap");
    }
    bool counts = message.type == AUTH_QUERY || message.type == AUTH_RESPONSE ||
                  message.type == CLIENT_QUERY || message.type == CLIENT_RESPONSE;
    return counts ? take_message(r, &message, at) : 0;
}
