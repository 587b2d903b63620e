/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What keeps abuse within bounds: access lists, cookies that are demanded (RFC 7873 section 5.2.3), a bound
 * on amplification, and response-rate limiting. Called by answer_query() only if the view restricts anything
 * (view->guards), before and after the answer is made. Private to answer. */
#pragma once

#include "answer/reply.h"
#include "answer/request.h"
#include "dns/query.h"

#include <stdbool.h>

/* Before: may the question be answered? If not, the reply has its rcode. Lowers the reply's limit where it
 * has to be small, and takes from the query what does not count where it came in. */
bool guard_admit(const struct answer_context *context, const struct answer_request *request,
                 struct dns_query *query, struct reply *reply);
/* May this client have answers of the zone? For views with VIEW_GUARD_ZONE. If not, and there is nothing in
 * the reply yet, the query is refused; else a chain of CNAMEs ends here. */
bool guard_allows_zone(const struct answer_context *context, const struct answer_request *request,
                       const struct zone *zone, struct reply *reply);
/* After: is the reply to be sent? It may have become one without answers. */
bool guard_release(const struct answer_context *context, const struct answer_request *request,
                   const struct dns_query *query, struct reply *reply);
/* As answer_read_prefix(). */
void guard_read_prefix(uint64_t who, struct addr *prefix);
