/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What stands behind the path of a request target (RFC 3986 section 3.4). For route.c. */
#pragma once

#include "admin/problem.h"
#include "admin/route.h"

#define BIT(parameter) (UINT64_C(1) << (parameter))

/* Undo percent encoding of text[0..len). NULL: malformed, or a control character, which no name of ours has.
 */
const char *route_decode(const char *text, size_t len, struct arena *arena);

/* "limit=5&az=x", of which the resource takes the parameters whose bits are known. Fills the route; what is
 * wrong is added to the problem. */
void route_parse_query(const char *query, uint64_t known, struct route *route, struct problem *problem);
