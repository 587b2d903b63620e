/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is asked of the journal: query parameters -> checked structs. Pure. What is borrowed is in the
 * problem's arena. 0, or ERROR_INVALID with field errors. */
#pragma once

#include "admin/admin.h"
#include "admin/problem.h"
#include "admin/route.h"

/* GET /v1/journal. Durations count back from now_ms, a wall time. */
int query_parse_journal(const struct route *route, int64_t now_ms, struct admin_journal *journal,
                        struct problem *problem);
/* A cursor of GET /v1/checks: "ENDPOINT/NUMBER". Of the endpoint there may be none. 0 or ERROR_SYNTAX. */
int query_parse_row(const char *cursor, struct arena *arena, const char **endpoint, size_t *row);
/* POST /v1/journal:verify. The anchor, if one is given, is put into hash. */
int query_parse_audit(const struct route *route, unsigned char hash[ADMIN_HASH_LEN],
                      struct admin_audit *audit, struct problem *problem);
