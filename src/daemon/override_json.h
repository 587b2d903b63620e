/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An override as an object of the store: {"state": "drain", "reason": …, "actor": …, "peer": …, "set": …,
 * "starts": …, "starts_by_duration": true, "planned": true, "expires": …, "expires_by_duration": true}; times
 * are RFC 3339 in UTC with milliseconds, what is not there is left out. Pure. Private to src/daemon. */
#pragma once

#include "health/health.h"

/* Returns owned (free). `planned`: its start is yet to come. */
char *override_write_json(const struct health_override *override, bool planned);
/* 0, or ERROR_SYNTAX and what is wrong with it in *why (static). */
int override_read_json(const char *text, struct health_override *override, bool *planned, const char **why);
