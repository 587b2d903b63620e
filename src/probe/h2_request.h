/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a check says over HTTP/2: a list of header fields, kept as long as its list of targets. Private to
 * this folder. */
#pragma once

#include "probe/check.h"
#include "probe/h2.h"

/* A request with these fields (static names), and the target's headers behind them; without a body yet. In
 * the arena. */
struct h2_request h2_request_list(const struct probe_target *target, const struct h2_field *fields,
                                  size_t field_count, struct arena *arena);
bool h2_request_is_same(const struct h2_request *a, const struct h2_request *b); /* but for their bodies */
