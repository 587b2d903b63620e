/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Parsing of queries. The usual query (one question, nothing or one OPT record behind it) takes the short
 * way. */
#include "config.h"

#include "dns/query.h"

#include "base/cursor.h"

static uint16_t read16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* RFC 7871 section 6; section 7.1.2: whatever does not fit is a format error. */
static bool parse_ecs(struct dns_query *query, struct cursor option)
{
    uint16_t family = cursor_read_u16(&option);
    uint8_t source = cursor_read_u8(&option), scope = cursor_read_u8(&option);
    size_t max = family == 1 ? 32 : family == 2 ? 128 : 0;
    size_t octets = (source + 7u) / 8;
    if (option.failed || max == 0 || source > max || scope != 0 || cursor_left(&option) != octets) {
        return false;
    }
    struct addr addr = {.family = family == 1 ? ADDR_V4 : ADDR_V6};
    memcpy(addr.bytes, option.bytes + option.at, octets);
    if (source % 8 != 0 && (addr.bytes[octets - 1] & (0xff >> source % 8)) != 0) {
        return false;
    }
    query->has_ecs = true;
    query->ecs = (struct dns_ecs){.source_len = source, .addr = addr};
    return true;
}

/* RFC 7873 section 5.2: 8 octets of the client, and 8 to 32 of the server if it has any; a second cookie is
 * ignored. */
static bool parse_cookie(struct dns_query *query, const uint8_t *bytes, uint16_t len)
{
    if ((query->options & DNS_QUERY_COOKIE) != 0) {
        return true;
    }
    if (len != 8 && (len < 16 || len > 40)) {
        return false;
    }
    query->options |= DNS_QUERY_COOKIE;
    query->cookie = bytes;
    query->cookie_len = (uint8_t)len;
    return true;
}

static bool parse_option(struct dns_query *query, uint16_t code, uint8_t *bytes, uint16_t len)
{
    switch (code) {
    case DNS_OPTION_ECS: return !query->has_ecs && parse_ecs(query, cursor_init(bytes, len));
    case DNS_OPTION_NSID: query->options |= DNS_QUERY_NSID; break; /* RFC 5001: its content means nothing */
    case DNS_OPTION_COOKIE: return parse_cookie(query, bytes, len);
    case DNS_OPTION_KEEPALIVE: query->options |= DNS_QUERY_KEEPALIVE; break;
    default: break;
    }
    return true;
}

/* Unknown options are ignored; a second ECS option is a format error. */
static bool parse_options(struct dns_query *query, struct cursor options)
{
    while (cursor_left(&options) != 0) {
        uint16_t code = cursor_read_u16(&options), len = cursor_read_u16(&options);
        uint8_t *bytes = cursor_take(&options, len);
        if (options.failed || !parse_option(query, code, bytes, len)) {
            return false;
        }
    }
    return true;
}

/* Skip the owner of a record: labels, or a pointer. */
static void skip_name(struct cursor *c)
{
    for (;;) {
        uint8_t len = cursor_read_u8(c);
        if (c->failed || len == 0) {
            return;
        }
        if (len >= 0xc0) {
            cursor_take(c, 1);
            return;
        }
        if (len > DNS_LABEL_MAX) {
            c->failed = true;
            return;
        }
        cursor_take(c, len);
    }
}

/* One record behind the question; `additional`: an OPT may stand here. */
static enum dns_query_result parse_record(struct dns_query *query, struct cursor *c, bool additional)
{
    size_t start = c->at;
    skip_name(c);
    bool at_root = c->at == start + 1;
    uint16_t type = cursor_read_u16(c), size = cursor_read_u16(c);
    uint32_t ttl = cursor_read_u32(c);
    uint16_t len = cursor_read_u16(c);
    uint8_t *rdata = cursor_take(c, len);
    if (c->failed) {
        return DNS_QUERY_FORMERR;
    }
    if (type == DNS_TYPE_TSIG) {
        query->tsig_at = (uint16_t)start;
        return additional ? DNS_QUERY_OK : DNS_QUERY_FORMERR;
    }
    if (type != DNS_TYPE_OPT) {
        return DNS_QUERY_OK;
    }
    if (!additional || query->has_edns || !at_root) {
        return DNS_QUERY_FORMERR; /* RFC 6891 section 6.1.1: one OPT, at the root, in the additional section
                                   */
    }
    query->has_edns = true;
    query->udp_size = size < 512 ? 512 : size;
    query->dnssec_ok = (ttl & 0x8000) != 0;
    if ((ttl >> 16 & 0xff) != 0) {
        return DNS_QUERY_BADVERS; /* options of another version are not ours to judge */
    }
    return parse_options(query, cursor_init(rdata, len)) ? DNS_QUERY_OK : DNS_QUERY_FORMERR;
}

static enum dns_query_result parse_records(struct dns_query *query, const uint8_t *bytes, size_t len)
{
    size_t before = (size_t)read16(bytes + 6) + read16(bytes + 8), count = before + read16(bytes + 10);
    struct cursor c = cursor_init_const(bytes, len);
    enum dns_query_result result = DNS_QUERY_OK;
    c.at = query->question_end;
    for (size_t i = 0; i < count; i++) {
        if (query->tsig_at != 0) {
            return DNS_QUERY_FORMERR; /* RFC 8945 section 5.1: nothing may follow it */
        }
        enum dns_query_result got = parse_record(query, &c, i >= before);
        if (got == DNS_QUERY_FORMERR) {
            return got;
        }
        result = got == DNS_QUERY_OK ? result : got;
    }
    return c.at == len ? result : DNS_QUERY_FORMERR;
}

enum dns_query_result dns_query_parse(struct dns_query *query, const uint8_t *bytes, size_t len)
{
    query->question_end = query->tsig_at = 0;
    query->has_edns = query->has_ecs = query->dnssec_ok = false;
    query->options = 0;
    query->udp_size = 512;
    if (len < DNS_HEADER_SIZE) {
        return DNS_QUERY_DROP;
    }
    query->flags = read16(bytes + 2);
    if ((query->flags & DNS_FLAG_QR) != 0) {
        return DNS_QUERY_DROP;
    }
    if ((query->flags & DNS_FLAGS_OPCODE) != 0) {
        return DNS_QUERY_NOTIMP;
    }
    if (read16(bytes + 4) != 1) {
        return DNS_QUERY_FORMERR;
    }
    size_t name = dns_key_fill(&query->key, bytes + DNS_HEADER_SIZE, len - DNS_HEADER_SIZE);
    size_t end = DNS_HEADER_SIZE + name + 4;
    if (name == 0 || end > len) {
        return DNS_QUERY_FORMERR;
    }
    query->question_end = (uint16_t)end;
    query->qtype = read16(bytes + end - 4);
    query->qclass = read16(bytes + end - 2);
    static const uint8_t none[6] = {0};
    if (end == len && memcmp(bytes + 6, none, sizeof none) == 0) {
        return DNS_QUERY_OK;
    }
    return parse_records(query, bytes, len);
}
