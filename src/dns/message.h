/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading a reply that somebody else has written (RFC 1035 section 4.1): its header, where its question ends,
 * and its records, one after another. Any bytes are acceptable input; nothing is copied. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dns_section { DNS_SECTION_ANSWER, DNS_SECTION_AUTHORITY, DNS_SECTION_ADDITIONAL };

struct dns_message {
    const uint8_t *bytes; /* borrowed */
    size_t len;
    uint16_t id, flags;
    uint16_t questions, counts[3]; /* of records, by section */
    size_t at;                     /* private: what comes next; 0: that is broken */
    unsigned section;              /* private: of what comes next */
};

struct dns_record {
    enum dns_section section;
    size_t name_at; /* dns_name_expand() gives the name */
    uint16_t type, class;
    uint32_t ttl;
    size_t rdata_at, rdata_len; /* within the message */
};

/* The header, and the questions are skipped, if there are any. false: that is not there. */
bool dns_message_open(struct dns_message *message, const uint8_t *bytes, size_t len);

enum dns_message_progress {
    DNS_MESSAGE_RECORD,
    DNS_MESSAGE_END,
    DNS_MESSAGE_BROKEN, /* fewer or other octets than the header says */
};
/* The next record. After END or BROKEN the same again. */
enum dns_message_progress dns_message_next(struct dns_message *message, struct dns_record *record);
