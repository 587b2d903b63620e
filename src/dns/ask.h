/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A question to a server, and which answers to it are good: what a check of type dns goes by. Bytes only;
 * sockets are somebody else's job. */
#pragma once

#include "dns/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dns_ask_transport { DNS_ASK_UDP, DNS_ASK_TCP, DNS_ASK_UDP_THEN_TCP };

enum {
    DNS_ASK_VALUES_MAX = 16,
    DNS_ASK_QUERY_MAX = DNS_HEADER_SIZE + DNS_NAME_MAX + 4 + 11,
    DNS_ASK_UDP_SIZE = 1232, /* with EDNS: what crosses every network in one piece */
    DNS_ASK_RCODES = 32,     /* that can be accepted: 0 to 31 */
};

/* Data of a record: an address, a name (not compressed), or what the strings of a TXT record say together. */
struct dns_ask_value {
    const uint8_t *octets;
    size_t len;
};

/* Plain data; borrows what it points to. */
struct dns_ask {
    const uint8_t *name; /* in wire form */
    uint16_t type, class;
    bool recursion, edns;
    enum dns_ask_transport transport;
    uint32_t rcodes;                    /* accepted: bit by number */
    bool wants_record;                  /* at least one record of the type, if the rcode is NOERROR */
    const struct dns_ask_value *values; /* each of them likewise, anywhere in the answer section */
    size_t value_count;
};

/* Can records of that type have values? */
bool dns_ask_has_values(uint16_t type);

/* The query. Returns its length. */
size_t dns_ask_write(const struct dns_ask *ask, uint16_t id, uint8_t query[DNS_ASK_QUERY_MAX]);

enum dns_ask_verdict {
    DNS_ASK_FOREIGN, /* no reply to this query: another ID, another question, not even a reply */
    DNS_ASK_GOOD,
    DNS_ASK_BAD_RCODE,
    DNS_ASK_BAD_ANSWER,
    DNS_ASK_GARBLED, /* a reply to it that is broken behind the question */
};

struct dns_ask_heard {
    enum dns_ask_verdict verdict;
    uint16_t rcode;    /* extended, unless it is foreign */
    bool is_truncated; /* likewise: there is more by TCP; the verdict is of what came */
};

/* A server that cannot read the query may leave the question out (RFC 1035 section 4.1.1 leaves it open), as
 * long as it says that something is wrong. */
struct dns_ask_heard dns_ask_judge(const struct dns_ask *ask, uint16_t id, const uint8_t *bytes, size_t len);
