/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a check wants of a body, beside octets: kept as long as its list. Private to this folder. */
#pragma once

#include "probe/check.h"

/* What `target` wants, in the arena; holds its regex. NULL: nothing. */
const struct check_body *check_body_prepare(const struct probe_target *target, struct arena *arena);
void check_body_drop(const struct check_body *body); /* NULL is fine */
bool check_body_is_same(const struct check_body *a, const struct check_body *b);
/* One for each wish, owned; NULL: there is none. */
struct json_scan *check_body_make_scans(const struct check_body *body);
