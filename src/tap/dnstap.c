/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See dnstap.h. An AUTH_RESPONSE has the times of both, and the octets of the answer alone, as BIND and Knot
 * write it. What steering decided stands in "extra", in words: the schema has no field for it. */
#include "config.h"

#include "tap/dnstap.h"

#include "tap/protobuf.h"

#include <stdio.h>

/* message Dnstap */
enum { DNSTAP_IDENTITY = 1, DNSTAP_VERSION = 2, DNSTAP_EXTRA = 3, DNSTAP_MESSAGE = 14, DNSTAP_TYPE = 15 };
enum { DNSTAP_TYPE_MESSAGE = 1 };

/* message Message */
enum {
    MESSAGE_TYPE = 1,
    MESSAGE_SOCKET_FAMILY,
    MESSAGE_SOCKET_PROTOCOL,
    MESSAGE_QUERY_ADDRESS,
    MESSAGE_RESPONSE_ADDRESS,
    MESSAGE_QUERY_PORT,
    MESSAGE_RESPONSE_PORT,
    MESSAGE_QUERY_TIME_SEC,
    MESSAGE_QUERY_TIME_NSEC,
    MESSAGE_QUERY_MESSAGE,
    MESSAGE_QUERY_ZONE,
    MESSAGE_RESPONSE_TIME_SEC,
    MESSAGE_RESPONSE_TIME_NSEC,
    MESSAGE_RESPONSE_MESSAGE,
};
enum { FAMILY_INET = 1, FAMILY_INET6 = 2, PROTOCOL_UDP = 1, PROTOCOL_TCP = 2 };
enum { NS_PER_S = 1000000000, EXTRA_MAX = 2048, HEADER_SIZE = 12, QUESTION_REST = 4 };

static void add_ends(struct protobuf *to, const struct tap_record *record)
{
    const struct addr *client = &record->client.addr, *local = &record->local.addr;
    if (client->family != ADDR_NONE) {
        protobuf_add_number(to, MESSAGE_SOCKET_FAMILY,
                            client->family == ADDR_V4 ? FAMILY_INET : FAMILY_INET6);
    }
    protobuf_add_number(to, MESSAGE_SOCKET_PROTOCOL, record->is_tcp ? PROTOCOL_TCP : PROTOCOL_UDP);
    if (client->family != ADDR_NONE) {
        protobuf_add_bytes(to, MESSAGE_QUERY_ADDRESS, client->bytes, addr_len(client));
        protobuf_add_number(to, MESSAGE_QUERY_PORT, record->client.port);
    }
    if (local->family != ADDR_NONE && local->family == client->family) {
        protobuf_add_bytes(to, MESSAGE_RESPONSE_ADDRESS, local->bytes, addr_len(local));
    }
    if (record->local.port != 0) {
        protobuf_add_number(to, MESSAGE_RESPONSE_PORT, record->local.port);
    }
}

/* The end of the name that was asked. */
static void add_zone(struct protobuf *to, const struct tap_record *record)
{
    size_t end = record->question_end;
    if (record->apex_len != 0 && end >= HEADER_SIZE + QUESTION_REST + (size_t)record->apex_len) {
        protobuf_add_bytes(to, MESSAGE_QUERY_ZONE,
                           tap_record_query(record) + end - QUESTION_REST - record->apex_len,
                           record->apex_len);
    }
}

static void write_message(const struct tap_record *record, enum dnstap_type type, struct protobuf *to)
{
    protobuf_add_number(to, MESSAGE_TYPE, type);
    add_ends(to, record);
    protobuf_add_number(to, MESSAGE_QUERY_TIME_SEC, record->query_ns / NS_PER_S);
    protobuf_add_fixed32(to, MESSAGE_QUERY_TIME_NSEC, (uint32_t)(record->query_ns % NS_PER_S));
    if (type == DNSTAP_AUTH_QUERY) {
        protobuf_add_bytes(to, MESSAGE_QUERY_MESSAGE, tap_record_query(record), record->query_len);
    }
    add_zone(to, record);
    if (type == DNSTAP_AUTH_RESPONSE) {
        protobuf_add_number(to, MESSAGE_RESPONSE_TIME_SEC, record->response_ns / NS_PER_S);
        protobuf_add_fixed32(to, MESSAGE_RESPONSE_TIME_NSEC, (uint32_t)(record->response_ns % NS_PER_S));
        protobuf_add_bytes(to, MESSAGE_RESPONSE_MESSAGE, tap_record_reply(record), record->reply_kept);
    }
}

/* "class=geo[0] choice=tier tier=us-east endpoints=a,b regions=us-east,us-east" */
static void add_extra(struct protobuf *to, const struct tap_record *record)
{
    char text[EXTRA_MAX], *at = text, *end = text + sizeof text;
    const char *class = tap_record_next_text(record, NULL), *tier = tap_record_next_text(record, class);
    const char *name = tier;
    at += snprintf(at, (size_t)(end - at), "class=%.256s choice=%s%s%.256s", class,
                   steer_source_text((enum steer_source)record->source), *tier == '\0' ? "" : " tier=", tier);
    for (unsigned i = 0; i < record->named && end - at > 256; i++) {
        name = tap_record_next_text(record, name);
        const char *region = tap_record_next_text(record, name);
        at += snprintf(at, (size_t)(end - at), "%s%.63s@%.63s", i == 0 ? " endpoints=" : ",", name, region);
        name = region;
    }
    protobuf_add_bytes(to, DNSTAP_EXTRA, text, (size_t)(at - text));
}

size_t dnstap_encode(const struct tap_record *record, enum dnstap_type type,
                     const struct tap_options *options, uint8_t *to, uint8_t *scratch)
{
    struct protobuf message = protobuf_init(scratch, DNSTAP_MESSAGE_MAX);
    struct protobuf all = protobuf_init(to, DNSTAP_MESSAGE_MAX);
    write_message(record, type, &message);
    if (options->identity != NULL && *options->identity != '\0') {
        protobuf_add_bytes(&all, DNSTAP_IDENTITY, options->identity, strlen(options->identity));
    }
    if (options->version != NULL && *options->version != '\0') {
        protobuf_add_bytes(&all, DNSTAP_VERSION, options->version, strlen(options->version));
    }
    if (type == DNSTAP_AUTH_RESPONSE && record->is_steered) {
        add_extra(&all, record);
    }
    protobuf_add_bytes(&all, DNSTAP_MESSAGE, message.bytes, message.len);
    protobuf_add_number(&all, DNSTAP_TYPE, DNSTAP_TYPE_MESSAGE);
    return message.failed || all.failed ? 0 : all.len;
}
