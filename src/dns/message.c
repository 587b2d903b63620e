/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See message.h. */
#include "config.h"

#include "dns/message.h"

#include "base/cursor.h"
#include "dns/name.h"

enum { SECTIONS = 3 };

bool dns_message_open(struct dns_message *message, const uint8_t *bytes, size_t len)
{
    struct cursor c = cursor_init_const(bytes, len);
    *message = (struct dns_message){.bytes = bytes, .len = len};
    message->id = cursor_read_u16(&c);
    message->flags = cursor_read_u16(&c);
    message->questions = cursor_read_u16(&c);
    for (int i = 0; i < SECTIONS; i++) {
        message->counts[i] = cursor_read_u16(&c);
    }
    for (unsigned i = 0; i < message->questions && !c.failed; i++) {
        size_t end = dns_name_skip(bytes, len, c.at);
        c.failed |= end == 0;
        c.at = end;
        (void)cursor_take(&c, 4);
    }
    message->at = c.failed ? 0 : c.at;
    return !c.failed;
}

enum dns_message_progress dns_message_next(struct dns_message *message, struct dns_record *record)
{
    while (message->section < SECTIONS && message->counts[message->section] == 0) {
        message->section++;
    }
    if (message->section == SECTIONS) {
        return DNS_MESSAGE_END;
    }
    size_t end = message->at == 0 ? 0 : dns_name_skip(message->bytes, message->len, message->at);
    struct cursor c = cursor_init_const(message->bytes, message->len);
    c.failed = end == 0;
    c.at = end;
    *record = (struct dns_record){.section = (enum dns_section)message->section, .name_at = message->at};
    record->type = cursor_read_u16(&c);
    record->class = cursor_read_u16(&c);
    record->ttl = cursor_read_u32(&c);
    record->rdata_len = cursor_read_u16(&c);
    record->rdata_at = c.at;
    (void)cursor_take(&c, record->rdata_len);
    message->at = c.failed ? 0 : c.at;
    if (c.failed) {
        return DNS_MESSAGE_BROKEN;
    }
    message->counts[message->section]--;
    return DNS_MESSAGE_RECORD;
}
