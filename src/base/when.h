/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Moments as people write them: an RFC 3339 time, or how long ago it was. Pure; whoever is asked about the
 * past (--since, --at, diff, restore) reads it by this. */
#pragma once

#include <stdint.h>

/* What is understood, for errors. */
#define WHEN_EXPECTED                                                                                        \
    "a time such as 2026-11-21T04:05:06Z or \"2026-11-21 04:05Z\", or how long ago it was, such as 90m, "    \
    "-2h "                                                                                                   \
    "or \"2d ago\""

/* "90s", "30m", "1h30m", "500ms": a sum of numbers with the units ms s m h d, above 0 and at most 3650 days.
 * Returns 0 or ERROR_SYNTAX. */
int when_parse_duration(const char *text, int64_t *ms);

/* RFC 3339, also with a space for the T and without seconds; or a duration, with or without "ago" behind it
 * or
 * "-" before it: so long before now_ms. *wall_ms is above 0; it may be in the future. Returns 0 or
 * ERROR_SYNTAX. */
int when_parse(const char *text, int64_t now_ms, int64_t *wall_ms);
