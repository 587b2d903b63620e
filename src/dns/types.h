/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Numbers of the protocol, from the IANA registry of DNS parameters. */
#pragma once

#include <stdint.h>

enum dns_type {
    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_SRV = 33,
    DNS_TYPE_DNAME = 39,
    DNS_TYPE_OPT = 41,
    DNS_TYPE_DS = 43,
    DNS_TYPE_RRSIG = 46,
    DNS_TYPE_NSEC = 47,
    DNS_TYPE_DNSKEY = 48,
    DNS_TYPE_SVCB = 64,
    DNS_TYPE_HTTPS = 65,
    DNS_TYPE_TKEY = 249,
    DNS_TYPE_TSIG = 250,
    DNS_TYPE_IXFR = 251,
    DNS_TYPE_AXFR = 252,
    DNS_TYPE_MAILB = 253,
    DNS_TYPE_MAILA = 254,
    DNS_TYPE_ANY = 255
};

enum dns_class { DNS_CLASS_IN = 1, DNS_CLASS_CH = 3, DNS_CLASS_NONE = 254, DNS_CLASS_ANY = 255 };

enum dns_rcode {
    DNS_RCODE_NOERROR = 0,
    DNS_RCODE_FORMERR = 1,
    DNS_RCODE_SERVFAIL = 2,
    DNS_RCODE_NXDOMAIN = 3,
    DNS_RCODE_NOTIMP = 4,
    DNS_RCODE_REFUSED = 5,
    DNS_RCODE_YXDOMAIN = 6,
    DNS_RCODE_NOTAUTH = 9,
    DNS_RCODE_BADVERS = 16,
    DNS_RCODE_BADCOOKIE = 23
};

enum dns_opcode { DNS_OPCODE_QUERY = 0, DNS_OPCODE_NOTIFY = 4, DNS_OPCODE_UPDATE = 5 };

enum {
    DNS_HEADER_SIZE = 12,
    DNS_NAME_MAX = 255,
    DNS_LABEL_MAX = 63,
    DNS_LABELS_MAX = 127,
    DNS_TYPE_TEXT_SIZE = 16
};

/* "A", "AAAA", … or "TYPE65534" (RFC 3597). Returns text. */
const char *dns_write_type(uint16_t type, char text[DNS_TYPE_TEXT_SIZE]);
/* The reverse, without regard to case. Returns 0 or ERROR_SYNTAX. */
int dns_parse_type(const char *text, uint16_t *type);
const char *dns_rcode_text(unsigned rcode); /* "NOERROR" …, "RCODE17" is not written: "?" */
/* The reverse, without regard to case. Returns 0 or ERROR_SYNTAX. */
int dns_parse_rcode(const char *text, uint16_t *rcode);
