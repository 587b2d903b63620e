/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Secrets of the configuration (conf/redact.h) are left out of what is shown and of what the journal keeps.
 * The key of the digests that stand there instead is in STATE/redaction.key, so that they can be compared
 * over restarts; where it cannot be read, they can be compared within one answer only. Private to src/daemon.
 */
#pragma once

#include "base/siphash.h"

struct arena;

struct redaction {
    uint8_t key[SIPHASH_KEY_SIZE];
};

/* The file is made if there is none. `folder`: of the state; NULL: none. At the start, before anybody reads
 * it. */
void redaction_make_key(const char *folder);
void redaction_open(const char *folder, struct redaction *redaction); /* waits for the disk */
/* In the arena: the text, or, if it is JSON with secrets, that without them. NULL is NULL. */
const char *redaction_apply(const struct redaction *redaction, const char *text, struct arena *arena);
