/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The conversation of an http check over HTTP/2: one stream of the connection per check. Private to this
 * folder. */
#pragma once

#include "probe/check_h2.h"

/* What is asked over HTTP/2, behind http_request_prepare(); in the arena. */
void check_http2_prepare(struct check_ask *ask, const struct probe_target *target, struct arena *arena);
/* Ask, if that has not been done, and go on as check_kind.advance() does. */
enum check_progress check_http2_go_on(struct flight *flight, struct check_scratch *scratch,
                                      struct check_end *end);
