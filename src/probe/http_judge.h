/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an answer of HTTP means for a check, whichever version of it brought it: the status, then the body as
 * far as something is looked for in it. Knows no connection: who reads the answer says when it has ended.
 * Private to this folder. */
#pragma once

#include "probe/check.h"

/* What a target is judged by; in the arena, but for what drop gives back. */
void http_judge_prepare(struct check_ask *ask, const struct probe_target *target, struct arena *arena);
bool http_judge_is_same(const struct check_ask *a, const struct check_ask *b);
void http_judge_drop(const struct check_ask *ask);

/* No answer has come yet. */
void http_judge_init(struct flight *flight);
/* The flight belongs to the same check of another list. */
void http_judge_move(struct flight *flight);
/* The head is there: flight->response. */
enum check_progress http_judge_head(struct flight *flight, struct check_end *end);
/* Some more of the body of an answer whose head went on; `len` may be 0. */
enum check_progress http_judge_body(struct flight *flight, const uint8_t *bytes, size_t len,
                                    struct check_end *end);
/* Nothing more comes, which is the end of a body that says no length (is_end), or else happened for the
 * reason that *end has. What is known already stands. Always ENDED. */
enum check_progress http_judge_end(struct flight *flight, bool is_end, struct check_end *end);
