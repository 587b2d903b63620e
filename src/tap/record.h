/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A query and its answer as they lie in a ring between the DNS thread and the one that writes them: numbers,
 * octets and names, no pointers into what may be gone by then. */
#pragma once

#include "answer/tap.h"
#include "base/addr.h"
#include "base/ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAP_NAMED_MAX = 8 }; /* so many members of an answer are named; the rest is counted */

struct tap_record {
    uint64_t query_ns, response_ns; /* wall time; response_ns: when the answer was finished */
    struct addr_port client, local; /* family ADDR_NONE: not known */
    struct addr ecs;
    uint8_t ecs_len;
    bool has_ecs, is_tcp, is_steered, has_tier;
    uint8_t source;   /* enum steer_source */
    uint8_t apex_len; /* of the zone: so many octets at the end of the question's name; 0: none */
    uint8_t named;    /* members whose names follow */
    uint16_t query_len, question_end, qtype, rcode, tier, member_count;
    uint32_t reply_len;  /* 0: no answer left */
    uint32_t reply_kept; /* octets of it that follow */
    uint32_t texts_len;
    /* The query, the reply, and if it is steered texts that end in NUL: the class, the tier, and for each
     * member its own name and its region's. */
    uint8_t bytes[];
};

/* What goes into the ring beside what is always there. */
struct tap_wants {
    bool reply, steering;
};

/* Returns whether there was room. Neither allocates nor waits; any thread, several at once. */
bool tap_record_write(struct ring *ring, const struct answer_seen *seen, const struct addr_port *local,
                      struct tap_wants wants);

static inline const uint8_t *tap_record_query(const struct tap_record *record)
{
    return record->bytes;
}

static inline const uint8_t *tap_record_reply(const struct tap_record *record)
{
    return record->bytes + record->query_len;
}

/* The texts one after another: begin with NULL. */
static inline const char *tap_record_next_text(const struct tap_record *record, const char *text)
{
    const char *first = (const char *)record->bytes + record->query_len + record->reply_kept;
    if (text == NULL) {
        return first;
    }
    while (*text != '\0') {
        text++;
    }
    return text + 1;
}
