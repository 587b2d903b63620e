/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Parsing of queries: header and question (RFC 1035 section 4.1), the OPT record (RFC 6891) and its
 * options: client subnet (RFC 7871), NSID (RFC 5001), cookie (RFC 7873), TCP keepalive (RFC 7828). Others are
 * ignored. Any bytes are acceptable input. */
#pragma once

#include "base/addr.h"
#include "dns/key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dns_flag {
    DNS_FLAG_QR = 0x8000,
    DNS_FLAG_AA = 0x0400,
    DNS_FLAG_TC = 0x0200,
    DNS_FLAG_RD = 0x0100,
    DNS_FLAG_RA = 0x0080,
    DNS_FLAG_AD = 0x0020,
    DNS_FLAG_CD = 0x0010,
    DNS_FLAGS_OPCODE = 0x7800,
};

enum dns_query_result {
    DNS_QUERY_OK,
    DNS_QUERY_DROP, /* no reply is due: too short, or itself a reply */
    DNS_QUERY_FORMERR,
    DNS_QUERY_NOTIMP,      /* opcode other than QUERY */
    DNS_QUERY_BADVERS,     /* EDNS version other than 0; the rest is parsed */
    DNS_QUERY_COOKIE_ONLY, /* no question, but a cookie */
    DNS_QUERY_SIGNED,      /* a good one with a TSIG record, which remains to be judged */
};

enum { DNS_EDNS_OPT_SIZE = 11 };

enum dns_option {
    DNS_OPTION_NSID = 3,
    DNS_OPTION_ECS = 8,
    DNS_OPTION_COOKIE = 10,
    DNS_OPTION_KEEPALIVE = 11,
    DNS_OPTION_EDE = 15,
};

/* What came beside the question, client subnet aside: EDNS options, and a TSIG record. */
enum dns_query_option {
    DNS_QUERY_NSID = 1,
    DNS_QUERY_COOKIE = 2,
    DNS_QUERY_KEEPALIVE = 4,
    DNS_QUERY_TSIG = 8,
};

struct dns_ecs {
    const uint8_t *option; /* behind its length; borrowed from the query's bytes */
    uint8_t source_len;
    struct addr addr; /* bits behind source_len are 0; ADDR_NONE: family 0, source_len 0 */
};

struct dns_query {
    uint16_t question_end; /* offset behind the question; 0 if there is none that could be parsed */
    uint16_t udp_size;     /* as the client says, at least 512 */
    bool has_edns, has_ecs, dnssec_ok;
    uint8_t options; /* enum dns_query_option */
    uint16_t flags, qtype, qclass;
    uint16_t tsig_at;      /* with DNS_QUERY_TSIG: offset of the record, the last one (RFC 8945) */
    uint8_t cookie_len;    /* with DNS_QUERY_COOKIE: 8, or 16..40 */
    const uint8_t *cookie; /* borrowed from the query's bytes */
    struct dns_ecs ecs;
    struct dns_key key;
};

/* Fills query as far as the result permits. */
enum dns_query_result dns_query_parse(struct dns_query *query, const uint8_t *bytes, size_t len);
