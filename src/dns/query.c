/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Parsing of queries. The usual query (one question, nothing or one OPT record behind it) takes the short
 * way; whatever is unusual about it sends it the long way, record by record. */
#include "config.h"

#include "dns/query.h"

#include "base/cursor.h"

static uint16_t read16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* RFC 7871 section 6; section 7.2.1: whatever does not fit is a format error. Family 0 with no bit of address
 * is how dig +subnet=0 says what section 7.1.2 lets it say: do not use mine. */
static inline __attribute__((always_inline)) bool parse_ecs(struct dns_query *query, const uint8_t *option,
                                                            size_t len)
{
    static const uint8_t families[] = {ADDR_NONE, ADDR_V4, ADDR_V6}, bits[] = {0, 32, 128};
    if (len < 4) {
        return false;
    }
    unsigned family = read16(option), source = option[2], scope = option[3];
    size_t octets = (source + 7u) / 8;
    if (family >= sizeof bits || source > bits[family] || scope != 0 || len != 4 + octets) {
        return false;
    }
    if (source % 8 != 0 && (option[3 + octets] & (0xff >> source % 8)) != 0) {
        return false;
    }
    struct addr *addr = &query->ecs.addr;
    addr->family = families[family];
    memset(addr->bytes, 0, sizeof addr->bytes);
    if (octets - 1 < BYTES_WORD) { /* the header of the message is in front, at least */
        bytes_store_word(addr->bytes, bytes_load_before(option + len, octets));
    } else {
        bytes_copy(addr->bytes, option + 4, octets);
    }
    query->has_ecs = true;
    query->ecs.option = option;
    query->ecs.source_len = (uint8_t)source;
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

static bool parse_option(struct dns_query *query, unsigned code, const uint8_t *bytes, uint16_t len)
{
    if (__builtin_expect(code == DNS_OPTION_ECS, 1)) {
        return !query->has_ecs && parse_ecs(query, bytes, len);
    }
    switch (code) {
    case DNS_OPTION_NSID: query->options |= DNS_QUERY_NSID; break; /* RFC 5001: its content means nothing */
    case DNS_OPTION_COOKIE: return parse_cookie(query, bytes, len);
    case DNS_OPTION_KEEPALIVE: query->options |= DNS_QUERY_KEEPALIVE; break;
    default: break;
    }
    return true;
}

/* At least one. Unknown options are ignored; a second ECS option is a format error. */
static enum dns_query_result parse_options(struct dns_query *query, struct cursor options)
{
    do {
        const uint8_t *head = cursor_take(&options, 4);
        if (head == NULL) {
            return DNS_QUERY_FORMERR;
        }
        uint16_t len = read16(head + 2);
        uint8_t *bytes = cursor_take(&options, len);
        if (bytes == NULL || !parse_option(query, read16(head), bytes, len)) {
            return DNS_QUERY_FORMERR;
        }
    } while (cursor_left(&options) != 0);
    return DNS_QUERY_OK;
}

/* Most queries with options have that of the client subnet alone. */
static bool is_subnet_alone(const uint8_t *options, size_t len)
{
    return len > 4 && read16(options) == DNS_OPTION_ECS && read16(options + 2) == len - 4;
}

/* An OPT record: what stands between its type and its rdata, and the rdata. */
static inline enum dns_query_result parse_opt(struct dns_query *query, const uint8_t *fixed,
                                              struct cursor rdata)
{
    uint16_t size = read16(fixed);
    query->has_edns = true;
    query->udp_size = size < 512 ? 512 : size;
    query->dnssec_ok = (fixed[4] & 0x80) != 0;
    if (fixed[3] != 0) {
        return DNS_QUERY_BADVERS; /* options of another version are not ours to judge */
    }
    if (__builtin_expect(is_subnet_alone(rdata.bytes, rdata.len), 1)) {
        return parse_ecs(query, rdata.bytes + 4, rdata.len - 4) ? DNS_QUERY_OK : DNS_QUERY_FORMERR;
    }
    return rdata.len == 0 ? DNS_QUERY_OK : parse_options(query, rdata);
}

/* Skip the owner of a record behind the question: labels, and pointers to what stands before them (RFC 1035
 * section 4.1.4). Each pointer leads further back than the one before it, so this ends. */
static void skip_name(struct cursor *c)
{
    struct cursor name = *c;
    size_t octets = 0, start = c->at;
    bool jumped = false;
    for (uint8_t len = 1; len != 0 && !name.failed;) {
        len = cursor_read_u8(&name);
        if (len < 0xc0) {
            cursor_take(&name, len);
            octets += len + 1u;
            name.failed |= len > DNS_LABEL_MAX || octets > DNS_NAME_MAX;
            continue;
        }
        size_t to = (size_t)(len & 0x3f) << 8 | cursor_read_u8(&name);
        c->at = jumped ? c->at : name.at;
        jumped = true;
        name.failed |= to < DNS_HEADER_SIZE || to >= start;
        name.at = start = to;
    }
    c->at = jumped ? c->at : name.at;
    c->failed = name.failed;
}

/* One record behind the question; `additional`: an OPT may stand here. */
static enum dns_query_result parse_record(struct dns_query *query, struct cursor *c, bool additional)
{
    size_t start = c->at;
    skip_name(c);
    bool at_root = c->at == start + 1;
    uint16_t type = cursor_read_u16(c);
    const uint8_t *fixed = cursor_take(c, 6);
    uint16_t len = cursor_read_u16(c);
    uint8_t *rdata = cursor_take(c, len);
    if (c->failed) {
        return DNS_QUERY_FORMERR;
    }
    if (type == DNS_TYPE_TSIG) {
        query->options |= DNS_QUERY_TSIG;
        query->tsig_at = (uint16_t)start;
        return additional ? DNS_QUERY_SIGNED : DNS_QUERY_FORMERR;
    }
    if (type != DNS_TYPE_OPT) {
        return DNS_QUERY_OK;
    }
    if (!additional || query->has_edns || !at_root) {
        return DNS_QUERY_FORMERR; /* RFC 6891 section 6.1.1: one OPT, at the root, in the additional section
                                   */
    }
    return parse_opt(query, fixed, cursor_init(rdata, len));
}

static enum dns_query_result parse_records(struct dns_query *query, const uint8_t *bytes, size_t len)
{
    size_t before = (size_t)read16(bytes + 6) + read16(bytes + 8), count = before + read16(bytes + 10);
    struct cursor c = cursor_init_const(bytes, len);
    enum dns_query_result result = DNS_QUERY_OK;
    c.at = query->question_end;
    for (size_t i = 0; i < count; i++) {
        if ((query->options & DNS_QUERY_TSIG) != 0) {
            return DNS_QUERY_FORMERR; /* RFC 8945 section 5.1: nothing may follow it */
        }
        enum dns_query_result got = parse_record(query, &c, i >= before);
        if (got == DNS_QUERY_FORMERR) {
            return got;
        }
        result = result == DNS_QUERY_OK ? got : result;
    }
    return c.at == len ? result : DNS_QUERY_FORMERR;
}

/* RFC 7873 section 5.4: without a question, a cookie is all that is asked for. */
__attribute__((noinline)) static enum dns_query_result
parse_without_question(struct dns_query *query, const uint8_t *bytes, size_t len)
{
    query->question_end = DNS_HEADER_SIZE;
    enum dns_query_result result = parse_records(query, bytes, len);
    query->question_end = 0;
    if (result != DNS_QUERY_OK && result != DNS_QUERY_SIGNED) {
        return result;
    }
    return (query->options & DNS_QUERY_COOKIE) != 0 ? DNS_QUERY_COOKIE_ONLY : DNS_QUERY_FORMERR;
}

/* Is one OPT record without anything unusual about it all that is behind the question? */
static bool is_opt_alone(const uint8_t *counts, const uint8_t *record, size_t len)
{
    static const uint8_t one[] = {0, 0, 0, 0, 0, 1}, start[] = {0, 0, DNS_TYPE_OPT};
    return len >= DNS_EDNS_OPT_SIZE && memcmp(counts, one, sizeof one) == 0 &&
           memcmp(record, start, sizeof start) == 0 && read16(record + 9) == len - DNS_EDNS_OPT_SIZE;
}

/* What is behind the question. */
__attribute__((noinline)) static enum dns_query_result parse_behind(struct dns_query *query,
                                                                    const uint8_t *bytes, size_t len)
{
    const uint8_t *record = bytes + query->question_end;
    size_t left = len - query->question_end;
    if (is_opt_alone(bytes + 6, record, left)) {
        struct cursor rdata = cursor_init_const(record + DNS_EDNS_OPT_SIZE, left - DNS_EDNS_OPT_SIZE);
        return parse_opt(query, record + 3, rdata);
    }
    return parse_records(query, bytes, len);
}

/* What is behind the header. In line in the usual case, every way out of it the last call: so there is
 * nothing that has to be kept in registers. */
static inline __attribute__((always_inline)) enum dns_query_result
parse_body(struct dns_query *query, const uint8_t *bytes, size_t len)
{
    unsigned questions = read16(bytes + 4);
    if (questions != 1) { /* RFC 9619 */
        return questions == 0 ? parse_without_question(query, bytes, len) : DNS_QUERY_FORMERR;
    }
    size_t name = dns_key_read(&query->key, bytes + DNS_HEADER_SIZE, len - DNS_HEADER_SIZE);
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
    return parse_behind(query, bytes, len);
}

/* RFC 6891 section 6.1.1: an OPT gets one in the reply, whatever was asked for. */
__attribute__((noinline)) static enum dns_query_result parse_other_opcode(struct dns_query *query,
                                                                          const uint8_t *bytes, size_t len)
{
    (void)parse_body(query, bytes, len);
    return DNS_QUERY_NOTIMP;
}

enum dns_query_result dns_query_parse(struct dns_query *query, const uint8_t *bytes, size_t len)
{
    query->question_end = 0;
    query->udp_size = 512;
    query->has_edns = query->has_ecs = query->dnssec_ok = false;
    query->options = 0;
    if (len < DNS_HEADER_SIZE) {
        return DNS_QUERY_DROP;
    }
    query->flags = read16(bytes + 2);
    if ((query->flags & DNS_FLAG_QR) != 0) {
        return DNS_QUERY_DROP;
    }
    if ((query->flags & DNS_FLAGS_OPCODE) != 0) {
        return parse_other_opcode(query, bytes, len);
    }
    return parse_body(query, bytes, len);
}
