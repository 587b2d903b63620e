/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ask.h. */
#include "config.h"

#include "dns/ask.h"

#include "base/cursor.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/query.h"

#include <string.h>

enum { RCODE = 15, RCODE_HIGH_SHIFT = 24, EXTENDED_SHIFT = 4 };

bool dns_ask_has_values(uint16_t type)
{
    return type == DNS_TYPE_A || type == DNS_TYPE_AAAA || type == DNS_TYPE_TXT || type == DNS_TYPE_NS ||
           type == DNS_TYPE_CNAME || type == DNS_TYPE_PTR;
}

size_t dns_ask_write(const struct dns_ask *ask, uint16_t id, uint8_t query[DNS_ASK_QUERY_MAX])
{
    struct cursor c = cursor_init(query, DNS_ASK_QUERY_MAX);
    cursor_write_u16(&c, id);
    cursor_write_u16(&c, ask->recursion ? DNS_FLAG_RD : 0);
    cursor_write_u16(&c, 1);
    cursor_write_u32(&c, 0);
    cursor_write_u16(&c, ask->edns);
    cursor_write(&c, ask->name, dns_name_len(ask->name, DNS_NAME_MAX));
    cursor_write_u16(&c, ask->type);
    cursor_write_u16(&c, ask->class);
    if (ask->edns) { /* RFC 6891 section 6.1.2 */
        cursor_write_u8(&c, 0);
        cursor_write_u16(&c, DNS_TYPE_OPT);
        cursor_write_u16(&c, DNS_ASK_UDP_SIZE);
        cursor_write_u32(&c, 0);
        cursor_write_u16(&c, 0);
    }
    return c.at;
}

/* The name of the first question is never compressed: nothing stands before it. */
static bool has_question(const struct dns_ask *ask, const struct dns_message *message)
{
    size_t len = dns_name_len(message->bytes + DNS_HEADER_SIZE, message->len - DNS_HEADER_SIZE);
    struct cursor c = cursor_init_const(message->bytes, message->len);
    (void)cursor_take(&c, DNS_HEADER_SIZE + len);
    uint16_t type = cursor_read_u16(&c), class = cursor_read_u16(&c);
    return len != 0 && !c.failed && type == ask->type && class == ask->class &&
           dns_name_equal(message->bytes + DNS_HEADER_SIZE, ask->name);
}

static bool is_reply(const struct dns_ask *ask, uint16_t id, const struct dns_message *message)
{
    unsigned rcode = message->flags & RCODE;
    if (message->id != id || (message->flags & (DNS_FLAG_QR | DNS_FLAGS_OPCODE)) != DNS_FLAG_QR) {
        return false;
    }
    return message->questions == 1
               ? has_question(ask, message)
               : message->questions == 0 && rcode != DNS_RCODE_NOERROR && rcode != DNS_RCODE_NXDOMAIN;
}

static bool is_text(const uint8_t *rdata, size_t len, const struct dns_ask_value *value)
{
    size_t at = 0, matched = 0;
    while (at < len) {
        size_t piece = rdata[at++];
        if (piece > len - at || piece > value->len - matched ||
            memcmp(rdata + at, value->octets + matched, piece) != 0) {
            return false;
        }
        at += piece;
        matched += piece;
    }
    return matched == value->len;
}

static bool is_value(const struct dns_message *message, const struct dns_record *record,
                     const struct dns_ask_value *value)
{
    const uint8_t *rdata = message->bytes + record->rdata_at;
    uint8_t name[DNS_NAME_MAX];
    size_t end;
    switch (record->type) {
    case DNS_TYPE_A:
    case DNS_TYPE_AAAA:
        return record->rdata_len == value->len && memcmp(rdata, value->octets, value->len) == 0;
    case DNS_TYPE_TXT: return is_text(rdata, record->rdata_len, value);
    default:
        return dns_name_expand(message->bytes, record->rdata_at + record->rdata_len, record->rdata_at, name,
                               &end) != 0 &&
               dns_name_equal(name, value->octets);
    }
}

/* What the records say. */
struct seen {
    bool is_broken, has_record;
    uint32_t values; /* that are there, by bit */
    unsigned rcode_high;
};

_Static_assert(DNS_ASK_VALUES_MAX <= 32, "a bit per value");

static struct seen look(const struct dns_ask *ask, struct dns_message *message)
{
    struct seen seen = {.is_broken = false};
    struct dns_record record;
    enum dns_message_progress progress;
    while ((progress = dns_message_next(message, &record)) == DNS_MESSAGE_RECORD) {
        if (record.section == DNS_SECTION_ADDITIONAL && record.type == DNS_TYPE_OPT) {
            seen.rcode_high = record.ttl >> RCODE_HIGH_SHIFT;
        }
        if (record.section != DNS_SECTION_ANSWER || record.type != ask->type || record.class != ask->class) {
            continue;
        }
        seen.has_record = true;
        for (size_t i = 0; i < ask->value_count; i++) {
            seen.values |= (uint32_t)is_value(message, &record, &ask->values[i]) << i;
        }
    }
    seen.is_broken = progress == DNS_MESSAGE_BROKEN;
    return seen;
}

struct dns_ask_heard dns_ask_judge(const struct dns_ask *ask, uint16_t id, const uint8_t *bytes, size_t len)
{
    struct dns_ask_heard heard = {.verdict = DNS_ASK_FOREIGN};
    struct dns_message message;
    if (!dns_message_open(&message, bytes, len) || !is_reply(ask, id, &message)) {
        return heard;
    }
    struct seen seen = look(ask, &message);
    uint32_t all = ask->value_count == 0 ? 0 : UINT32_MAX >> (32 - ask->value_count);
    heard.is_truncated = (message.flags & DNS_FLAG_TC) != 0;
    heard.rcode = (uint16_t)(seen.rcode_high << EXTENDED_SHIFT | (message.flags & RCODE));
    if (seen.is_broken && !heard.is_truncated) { /* some cut within a record */
        heard.verdict = DNS_ASK_GARBLED;
    } else if (heard.rcode >= DNS_ASK_RCODES || (ask->rcodes >> heard.rcode & 1) == 0) {
        heard.verdict = DNS_ASK_BAD_RCODE;
    } else if (heard.rcode == DNS_RCODE_NOERROR &&
               ((ask->wants_record && !seen.has_record) || seen.values != all)) {
        heard.verdict = DNS_ASK_BAD_ANSWER;
    } else {
        heard.verdict = DNS_ASK_GOOD;
    }
    return heard;
}
