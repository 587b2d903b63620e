/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The TSIG record as bytes (RFC 8945 section 4.2): read from a message and written to one. What it proves is
 * judged in tsig/. Any bytes are acceptable input. */
#pragma once

#include "dns/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Extended error codes of TSIG (RFC 8945 section 3). */
enum dns_tsig_error {
    DNS_TSIG_BADSIG = 16,
    DNS_TSIG_BADKEY = 17,
    DNS_TSIG_BADTIME = 18,
    DNS_TSIG_BADTRUNC = 22,
};

enum {
    DNS_TSIG_FUDGE_S = 300,
    DNS_TSIG_TIME_SIZE = 6,   /* the other data of BADTIME */
    DNS_TSIG_FIXED_SIZE = 26, /* a record without its names, MAC and other data */
};

enum dns_tsig_algorithm {
    DNS_TSIG_HMAC_SHA256,
    DNS_TSIG_HMAC_SHA384,
    DNS_TSIG_HMAC_SHA512,
    DNS_TSIG_ALGORITHMS
};

/* Names of keys are limited so that the longest question, all EDNS options and a signature fit 512 octets. */
enum { DNS_TSIG_KEY_NAME_MAX = 64 };

const char *dns_tsig_algorithm_text(enum dns_tsig_algorithm algorithm);             /* "hmac-sha256" … */
int dns_tsig_parse_algorithm(const char *text, enum dns_tsig_algorithm *algorithm); /* 0 or ERROR_NOT_FOUND */

struct dns_tsig {
    size_t at;             /* of the record: the message without it ends here */
    uint8_t name_len;      /* of the key's name, lower case, uncompressed */
    uint8_t algorithm_len; /* likewise */
    uint16_t fudge, original_id, error, mac_len, other_len;
    uint64_t time_s;            /* 48 bits, Unix time */
    const uint8_t *mac, *other; /* borrowed from the message, or from who writes */
    uint8_t name[DNS_NAME_MAX + 1], algorithm[DNS_NAME_MAX + 1];
};

/* Read the record at `at`, which has to be the last of the message (class ANY, TTL 0). false: a format error.
 */
bool dns_tsig_parse(struct dns_tsig *tsig, const uint8_t *message, size_t len, size_t at);
/* The offset of a message's last record if that is a TSIG, and 0 if there is none. false: the message cannot
 * be read, or a TSIG is not the last record of the additional section. */
bool dns_tsig_find(const uint8_t *message, size_t len, size_t *at);
/* Append it to a message of len octets and count it in the header. Returns the new length, or 0 if cap is too
 * small. */
size_t dns_tsig_write(const struct dns_tsig *tsig, uint8_t *message, size_t len, size_t cap);

static inline size_t dns_tsig_size(const struct dns_tsig *tsig)
{
    return DNS_TSIG_FIXED_SIZE + (size_t)tsig->name_len + tsig->algorithm_len + tsig->mac_len +
           tsig->other_len;
}
