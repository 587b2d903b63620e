/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A value of a challenge as the store has it: challenge/NAME/VALUE → JSON. Each value is an object of its
 * own, so that two nodes of a cluster which are told of different ones at the same time both keep theirs.
 * Pure. Private to src/daemon. */
#pragma once

#include "answer/challenge.h"
#include "health/health.h"
#include "store/store.h"

#define CHALLENGE_KIND "challenge"

enum {
    CHALLENGE_VALUE_SIZE = ANSWER_CHALLENGE_LEN + 1,
    CHALLENGE_NAME_MAX = STORE_KEY_MAX - 1 - ANSWER_CHALLENGE_LEN, /* octets of its text */
};

struct challenge_value {
    char value[CHALLENGE_VALUE_SIZE];
    int64_t set_ms, expires_ms; /* wall */
    char actor[HEALTH_ACTOR_SIZE], peer[HEALTH_PEER_SIZE], reason[HEALTH_REASON_SIZE];
};

/* What RFC 8555 section 8.4 makes: base64url of a SHA-256, without padding. */
bool challenge_is_value(const char *text);
char *challenge_write_key(const char *name, const char *value); /* owned */
char *challenge_write(const struct challenge_value *value);     /* owned */
/* Of this key; the name is in *name, owned (free). 0, or ERROR_SYNTAX and why (static). */
int challenge_read(const char *key, const char *text, char **name, struct challenge_value *value,
                   const char **why);
/* The name and the value of a key alone. Likewise. */
int challenge_read_key(const char *key, char **name, char value[CHALLENGE_VALUE_SIZE]);
