/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Query bytes -> reply bytes (RFC 1034 section 4.3.2, 2181, 2308, 4592, 4892, 6891, 7871, 9018). The one
 * function that UDP, TCP, explain, drills, tests and fuzzers call. It neither allocates nor locks nor logs,
 * and any bytes are acceptable input. */
#pragma once

#include "answer/request.h"
#include "base/addr.h"

#include <stddef.h>
#include <stdint.h>

/* Who is behind a number that rates were blamed on (struct limiter_culprit): the prefix, as long as
 * configured.
 */
void answer_read_prefix(uint64_t who, struct addr *prefix);

/* Returns the length of the reply in out (cap >= 512), or 0: no reply is due. in and out must not overlap. */
size_t answer_query(const struct answer_context *context, const struct answer_request *request, uint8_t *out,
                    size_t cap);
/* The same of a server that has withdrawn: every question gets SERVFAIL, so that resolvers ask another server
 * at once. What they remember of that is about this question and this server, for 5 minutes at most (RFC 2308
 * section 7.1); silence would cost them a time-out, and REFUSED says that the zone is none of ours. */
size_t answer_withdrawn(const struct answer_context *context, const struct answer_request *request,
                        uint8_t *out, size_t cap);
