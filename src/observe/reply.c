/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See reply.h. Whether it is a reply at all is for dns/ask.h to say. */
#include "config.h"

#include "observe/reply.h"

#include "base/cursor.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/query.h"

#include <string.h>

enum { FAMILY_V4 = 1, FAMILY_V6 = 2, SOA_FIXED = 20 };

size_t reply_write_query(const struct dns_ask *ask, uint16_t id, const struct addr_prefix *subnet,
                         uint8_t query[REPLY_QUERY_MAX])
{
    size_t len = dns_ask_write(ask, id, query);
    if (subnet == NULL) {
        return len;
    }
    size_t octets = (subnet->len + 7u) / 8;
    struct cursor c = cursor_init(query, REPLY_QUERY_MAX);
    (void)cursor_take(&c, len - 2); /* the OPT record is the last one, and its data is empty */
    cursor_write_u16(&c, (uint16_t)(8 + octets));
    cursor_write_u16(&c, DNS_OPTION_ECS);
    cursor_write_u16(&c, (uint16_t)(4 + octets));
    cursor_write_u16(&c, subnet->addr.family == ADDR_V4 ? FAMILY_V4 : FAMILY_V6);
    cursor_write_u8(&c, subnet->len);
    cursor_write_u8(&c, 0);
    cursor_write(&c, subnet->addr.bytes, octets);
    return c.at;
}

/* RFC 2181 section 8: with the highest bit it is 0. */
static uint32_t limit_ttl(uint32_t ttl)
{
    return ttl > INT32_MAX ? 0 : ttl > REPLY_KEEP_MAX_S ? REPLY_KEEP_MAX_S : ttl;
}

static void take_address(const struct dns_message *message, const struct dns_record *record,
                         struct reply *reply)
{
    size_t len = record->type == DNS_TYPE_A ? 4 : 16;
    if (record->rdata_len != len || reply->count == REPLY_ADDRESSES_MAX) {
        return;
    }
    struct addr *to = &reply->addresses[reply->count++];
    *to = (struct addr){.family = len == 4 ? ADDR_V4 : ADDR_V6};
    memcpy(to->bytes, message->bytes + record->rdata_at, len);
}

/* RFC 2308 section 5: the lesser of the TTL and the last field. */
static uint32_t read_negative_ttl(const struct dns_message *message, const struct dns_record *record)
{
    size_t end = record->rdata_at + record->rdata_len;
    size_t at = dns_name_skip(message->bytes, end, record->rdata_at);
    at = at == 0 ? 0 : dns_name_skip(message->bytes, end, at);
    if (at == 0 || end - at != SOA_FIXED) {
        return 0;
    }
    struct cursor c = cursor_init_const(message->bytes, end);
    (void)cursor_take(&c, end - 4);
    uint32_t minimum = cursor_read_u32(&c);
    return minimum < record->ttl ? minimum : record->ttl;
}

static bool take_records(const struct dns_ask *ask, struct dns_message *message, struct reply *reply)
{
    struct dns_record record;
    enum dns_message_progress progress;
    uint32_t ttl = UINT32_MAX, negative = 0;
    while ((progress = dns_message_next(message, &record)) == DNS_MESSAGE_RECORD) {
        if (record.section == DNS_SECTION_ANSWER && record.class == ask->class) {
            uint32_t own = limit_ttl(record.ttl);
            ttl = own < ttl ? own : ttl;
            if (record.type == ask->type) {
                take_address(message, &record, reply);
            }
        } else if (record.section == DNS_SECTION_AUTHORITY && record.type == DNS_TYPE_SOA) {
            negative = limit_ttl(read_negative_ttl(message, &record));
        }
    }
    reply->kind = reply->count != 0 ? REPLY_ANSWER : REPLY_NONE;
    reply->keep_s = reply->count != 0 ? ttl : negative;
    return progress == DNS_MESSAGE_END;
}

struct reply reply_read(const struct dns_ask *ask, uint16_t id, const uint8_t *bytes, size_t len)
{
    struct reply reply = {.kind = REPLY_FOREIGN};
    struct dns_message message;
    struct dns_ask_heard heard = dns_ask_judge(ask, id, bytes, len);
    if (heard.verdict == DNS_ASK_FOREIGN || !dns_message_open(&message, bytes, len)) {
        return reply;
    }
    if (heard.is_truncated) {
        reply.kind = REPLY_TRUNCATED;
        return reply;
    }
    bool is_known = heard.rcode == DNS_RCODE_NOERROR || heard.rcode == DNS_RCODE_NXDOMAIN;
    if (heard.verdict == DNS_ASK_GARBLED || !is_known || !take_records(ask, &message, &reply)) {
        reply = (struct reply){.kind = REPLY_FAILURE};
    }
    return reply;
}
