/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Echo requests and what comes back, as octets: RFC 792, RFC 4443 section 4. Pure. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PING_HEADER = 8,
    PING_KEY_AT = PING_HEADER, /* where the key stands in the message */
    PING_SIZE = PING_HEADER + 12,
};

/* What tells one request from all others. */
struct ping_label {
    uint16_t id, seq;
    uint32_t key;  /* of the socket */
    uint64_t dice; /* random, of the check */
};

/* A request; of IPv6 the kernel adds the checksum. */
void ping_write(enum addr_family family, const struct ping_label *label, uint8_t message[PING_SIZE]);

/* Where the message begins behind the IPv4 header that raw sockets put in front; len: there is none. */
size_t ping_find_message(const uint8_t *bytes, size_t len);

/* Is it an echo reply with a label? What ids and keys there are others know. */
bool ping_read_reply(enum addr_family family, const uint8_t *message, size_t len, struct ping_label *label);

/* What an ICMP error cites of the message that it is about. Routers may cite eight octets: *is_whole says
 * whether key and dice were there, too. */
bool ping_read_cited(enum addr_family family, const uint8_t *message, size_t len, struct ping_label *label,
                     bool *is_whole);
