/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An override as an object of the store: {"state": "drain", "share": 25, "reason": …, "actor": …, "peer": …,
 * "set": …, "starts": …, "starts_by_duration": true, "planned": true, "expires": …, "expires_by_duration":
 * true}; times are RFC 3339 in UTC with milliseconds, what is not there is left out. A duration is a length,
 * but its end is written as a time: {"clock": {"boot": …, "offset_ms": …}} beside it says by which clock, so
 * that whoever reads it later knows whether that was set. Pure. Private to src/daemon. */
#pragma once

#include "health/health.h"

#include <jansson.h>

/* The wall clock is ahead of the time since the machine was switched on by so much (clock_offset_ms()). */
struct override_clock {
    const char *boot; /* which time that was, as file_read_boot() says; borrowed; "": not known */
    int64_t offset_ms;
};

void override_write_clock(json_t *object, const struct override_clock *clock); /* NULL: nothing */
/* Returns owned (free). `planned`: its start is yet to come. clock: by which its times are right; NULL: not
 * known. */
char *override_write_json(const struct health_override *override, bool planned,
                          const struct override_clock *clock);
/* That somebody let a target come back: {"said": …, "reason": …, "actor": …, "peer": …, "clock": …}, of `who`
 * as far as it has that. Returns owned (free); when that was, by the clock as it is now, or 0: this is none.
 */
char *failback_write_json(const struct health_override *who, const struct override_clock *clock);
int64_t failback_read_json(const char *text, const struct override_clock *now);
/* By how much the wall clock was set since this was written; 0: not at all, or that is not known. */
int64_t override_find_step(const char *text, const struct override_clock *now);
/* 0, or ERROR_SYNTAX and what is wrong with it in *why (static). */
int override_read_json(const char *text, struct health_override *override, bool *planned, const char **why);
