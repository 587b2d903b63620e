/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ping_message.h. */
#include "config.h"

#include "probe/ping_message.h"

#include <string.h>

enum { ECHO_REPLY = 0, ECHO_REQUEST = 8, ECHO_REQUEST_V6 = 128, ECHO_REPLY_V6 = 129 };
enum { CHECKSUM_AT = 2, ID_AT = 4, SEQ_AT = 6, DICE_AT = PING_KEY_AT + 4 };
enum { IP_HEADER = 20 };

static void put_16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static uint16_t get_16(const uint8_t *from)
{
    return (uint16_t)(from[0] << 8 | from[1]);
}

/* RFC 1071, of an even number of octets. */
static uint16_t sum_up(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i += 2) {
        sum += get_16(bytes + i);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

void ping_write(enum addr_family family, const struct ping_label *label, uint8_t message[PING_SIZE])
{
    memset(message, 0, PING_HEADER);
    message[0] = family == ADDR_V4 ? ECHO_REQUEST : ECHO_REQUEST_V6;
    put_16(message + ID_AT, label->id);
    put_16(message + SEQ_AT, label->seq);
    put_16(message + PING_KEY_AT, (uint16_t)(label->key >> 16));
    put_16(message + PING_KEY_AT + 2, (uint16_t)label->key);
    memcpy(message + DICE_AT, &label->dice, sizeof label->dice);
    if (family == ADDR_V4) {
        put_16(message + CHECKSUM_AT, sum_up(message, PING_SIZE));
    }
}

size_t ping_find_message(const uint8_t *bytes, size_t len)
{
    size_t header = len < IP_HEADER ? len : (size_t)(bytes[0] & 0xf) * 4;
    return header < IP_HEADER || header > len ? len : header;
}

static void read_header(const uint8_t *message, struct ping_label *label)
{
    *label = (struct ping_label){.id = get_16(message + ID_AT), .seq = get_16(message + SEQ_AT)};
}

static void read_data(const uint8_t *message, struct ping_label *label)
{
    label->key = (uint32_t)get_16(message + PING_KEY_AT) << 16 | get_16(message + PING_KEY_AT + 2);
    memcpy(&label->dice, message + DICE_AT, sizeof label->dice);
}

bool ping_read_reply(enum addr_family family, const uint8_t *message, size_t len, struct ping_label *label)
{
    if (len < PING_SIZE || message[0] != (family == ADDR_V4 ? ECHO_REPLY : ECHO_REPLY_V6) ||
        message[1] != 0) {
        return false;
    }
    read_header(message, label);
    read_data(message, label);
    return true;
}

bool ping_read_cited(enum addr_family family, const uint8_t *message, size_t len, struct ping_label *label,
                     bool *is_whole)
{
    if (len < PING_HEADER || message[0] != (family == ADDR_V4 ? ECHO_REQUEST : ECHO_REQUEST_V6)) {
        return false;
    }
    read_header(message, label);
    *is_whole = len >= PING_SIZE;
    if (*is_whole) {
        read_data(message, label);
    }
    return true;
}
