/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Recordings of queries, read one after another: dnstap in Frame Streams, as steerd and others write it, or
 * the lines of steerd's query log, text or JSON. Which of them it is its first octets say. A recording that
 * is damaged is none: what is wrong is told with its offset. Inside of src/drill. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stdint.h>

struct recording_query {
    bool is_reply;             /* what is told is the answer to it */
    const char *name;          /* absolute, lower case; NULL: it has no question, or nobody says who asked */
    struct addr_prefix client; /* that of ECS, else the sender's; IPv4 to /24, IPv6 to /48 */
};

struct recording_visitor {
    bool (*take)(void *context, const struct recording_query *query); /* false: there is no room */
    void *context;
};

enum { RECORDING_WHY_SIZE = 256 };

struct recording_fault {
    uint64_t offset;
    char why[RECORDING_WHY_SIZE]; /* "at octet 17: found …"; of what cannot be opened without the place */
};

/* Returns 0; else fault says why. The name of a query is borrowed for the call. */
int recording_read(const char *path, const struct recording_visitor *visitor, struct recording_fault *fault);
