/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A query of ours in wire form, and a reply as text. Internal to the folder. */
#pragma once

#include "base/arena.h"
#include "dns/name.h"
#include "dns/types.h"

#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_QUERY_MAX = DNS_HEADER_SIZE + DNS_NAME_MAX + 4 };

/* A query for one name and type of class IN; returns its length. */
size_t message_write_query(const uint8_t *name, size_t name_len, uint16_t type,
                           uint8_t out[MESSAGE_QUERY_MAX]);

struct message_text {
    unsigned rcode;
    uint32_t ttl;         /* of the last answer, else of the first authority record, else 0 */
    const char **answers; /* "owner ttl IN type rdata" */
    size_t answer_count;
    uint8_t target[DNS_NAME_MAX]; /* wire: what the last CNAME leads to, else the name asked */
    size_t cname_count;
};

/* Read a reply. Whatever the octets are, it ends; a malformed rest is left out. */
void message_read(const uint8_t *bytes, size_t len, struct arena *arena, struct message_text *text);
