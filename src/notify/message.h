/* SPDX-License-Identifier: BSD-3-Clause
 *
 * NOTIFY as bytes (RFC 1996 sections 3.7 and 4.7). Any bytes are acceptable as a reply. Private to notify. */
#pragma once

#include "dns/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A request for the zone, with its SOA (a record whose owner is the question) as a hint. to: room for header,
 * question, the record. Returns its length. */
size_t message_write_request(uint8_t *to, uint16_t id, const uint8_t *apex, const uint8_t *soa,
                             size_t soa_len);

struct message_reply {
    uint16_t id;
    int rcode;
    size_t tsig_at;                 /* 0: not signed */
    bool has_question;              /* some answer without it */
    bool is_soa;                    /* the question is for the SOA, in class IN */
    uint8_t name[DNS_NAME_MAX + 1]; /* of the question, as it came */
};

/* false: it answers no NOTIFY. */
bool message_read_reply(struct message_reply *reply, const uint8_t *bytes, size_t len);
/* Is it about this zone, as far as it says? */
bool message_is_about(const struct message_reply *reply, const uint8_t *apex);
