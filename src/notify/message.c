/* SPDX-License-Identifier: BSD-3-Clause
 *
 * NOTIFY as bytes: see message.h. */
#include "config.h"

#include "notify/message.h"

#include "base/cursor.h"
#include "dns/name.h"
#include "dns/query.h"
#include "dns/tsig.h"
#include "dns/types.h"

enum { OPCODE_SHIFT = 11, FLAGS = DNS_OPCODE_NOTIFY << OPCODE_SHIFT, RCODE = 15 };

size_t message_write_request(uint8_t *to, uint16_t id, const uint8_t *apex, const uint8_t *soa,
                             size_t soa_len)
{
    size_t name = dns_name_len(apex, DNS_NAME_MAX), len = DNS_HEADER_SIZE + name + 4 + soa_len;
    struct cursor c = cursor_init(to, len);
    cursor_write_u16(&c, id);
    cursor_write_u16(&c, FLAGS | DNS_FLAG_AA);
    cursor_write_u16(&c, 1);
    cursor_write_u16(&c, soa_len != 0);
    cursor_write_u32(&c, 0);
    cursor_write(&c, apex, name);
    cursor_write_u16(&c, DNS_TYPE_SOA);
    cursor_write_u16(&c, DNS_CLASS_IN);
    cursor_write(&c, soa, soa_len);
    return len;
}

static bool read_question(struct message_reply *reply, struct cursor *c)
{
    size_t end;
    if (dns_name_expand(c->bytes, c->len, c->at, reply->name, &end) == 0) {
        return false;
    }
    c->at = end;
    uint16_t type = cursor_read_u16(c), class = cursor_read_u16(c);
    reply->is_soa = type == DNS_TYPE_SOA && class == DNS_CLASS_IN;
    return !c->failed;
}

bool message_read_reply(struct message_reply *reply, const uint8_t *bytes, size_t len)
{
    struct cursor c = cursor_init_const(bytes, len);
    reply->id = cursor_read_u16(&c);
    unsigned flags = cursor_read_u16(&c), questions = cursor_read_u16(&c);
    (void)cursor_take(&c, 6);
    reply->rcode = (int)(flags & RCODE);
    reply->has_question = questions == 1;
    return !c.failed && (flags & (DNS_FLAG_QR | DNS_FLAGS_OPCODE)) == (DNS_FLAG_QR | FLAGS) &&
           questions <= 1 && (questions == 0 || read_question(reply, &c)) &&
           dns_tsig_find(bytes, len, &reply->tsig_at);
}

bool message_is_about(const struct message_reply *reply, const uint8_t *apex)
{
    return !reply->has_question || (reply->is_soa && dns_name_equal(reply->name, apex));
}
