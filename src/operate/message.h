/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A query of ours in wire form, and a reply as text. Internal to the folder. */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "dns/name.h"
#include "dns/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Header, question, and an OPT record with a client subnet. */
enum { MESSAGE_QUERY_MAX = DNS_HEADER_SIZE + DNS_NAME_MAX + 4 + 11 + 8 + 16 };

struct message_question {
    const uint8_t *name;
    size_t name_len;
    uint16_t type;
    const struct addr *client; /* asked for in its name (RFC 7871); NULL: for nobody */
};

/* A query for one name and type of class IN; returns its length. */
size_t message_write_query(const struct message_question *question, uint8_t out[MESSAGE_QUERY_MAX]);

struct message_text {
    unsigned rcode;
    uint32_t ttl;         /* of the last answer, else of the first authority record, else 0 */
    const char **answers; /* "owner ttl IN type rdata" */
    size_t answer_count;
    uint8_t target[DNS_NAME_MAX]; /* wire: what the last CNAME leads to, else the name asked */
    size_t cname_count;
    uint8_t scope;    /* of the client subnet; 0 without one */
    bool is_negative; /* there is no answer, but the SOA of a negative one */
};

/* Read a reply. Whatever the octets are, it ends; a malformed rest is left out. */
void message_read(const uint8_t *bytes, size_t len, struct arena *arena, struct message_text *text);
