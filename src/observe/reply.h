/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a small caching resolver makes of a reply: the addresses, and how long it may go by them. Any bytes
 * are acceptable input; nothing is allocated. */
#pragma once

#include "base/addr.h"
#include "dns/ask.h"

#include <stddef.h>
#include <stdint.h>

enum {
    REPLY_ADDRESSES_MAX = 16, /* of one answer; the first ones of longer answers */
    REPLY_KEEP_MAX_S = 86400,
    REPLY_ECS_MAX = 4 + 4 + 16, /* octets of a client subnet option */
    REPLY_QUERY_MAX = DNS_ASK_QUERY_MAX + REPLY_ECS_MAX,
};

enum reply_kind {
    REPLY_FOREIGN,   /* no reply to this query */
    REPLY_TRUNCATED, /* there is more by TCP */
    REPLY_ANSWER,    /* there are addresses */
    REPLY_NONE,      /* there are none (RFC 2308: NODATA, NXDOMAIN) */
    REPLY_FAILURE,   /* any other rcode, or it is broken */
};

struct reply {
    enum reply_kind kind;
    uint32_t keep_s; /* the least TTL of the answer section; of none, what the SOA says: 0 without one */
    struct addr addresses[REPLY_ADDRESSES_MAX];
    size_t count;
};

/* The query, with EDNS, and with the client subnet unless that is NULL (RFC 7871 section 6). Returns its
 * length. */
size_t reply_write_query(const struct dns_ask *ask, uint16_t id, const struct addr_prefix *subnet,
                         uint8_t query[REPLY_QUERY_MAX]);
struct reply reply_read(const struct dns_ask *ask, uint16_t id, const uint8_t *bytes, size_t len);
