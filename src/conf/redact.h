/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is secret in a configuration, and the same JSON without it. The marker is a table of members: whatever
 * is below "headers" of a check is a secret, and so are arguments of a "command" and values of an
 * "environment". doc/schema marks the same members with "x-secret". In the place of each value stands
 * {"$redacted": "DIGEST"}, keyed: it tells that a value is another one, and nothing of the value; no document
 * loads with it. Pure. */
#pragma once

#include "base/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;

/* Is what this member holds a secret? `container`: the member that holds the object it is in; NULL: none.
 * Members of "checks", "endpoints" and so on are names that somebody chose. A "path" is one if it has a
 * query, which may be a credential. */
bool redact_is_secret(const char *key, const char *container, const struct json_t *value);
/* Any JSON, indented. Returns owned text, or NULL: it is not JSON, or it holds no secret and `always` is
 * false. */
char *redact_text(const char *text, size_t len, const uint8_t key[SIPHASH_KEY_SIZE], bool always);
