/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A vantage as the store has it: vantage/NAME → JSON; and the token by which a host becomes one, which is
 * shown once and kept as a hash. Pure. Private to src/daemon. */
#pragma once

#include "fleet/listener.h"

#include <stdbool.h>
#include <stdint.h>

#define VANTAGE_KIND "vantage"

enum { VANTAGE_SECRET_SIZE = 16, VANTAGE_HASH_SIZE = 32, VANTAGE_WHY_SIZE = 160, VANTAGE_WEIGHT_MAX = 100 };

struct vantage_member {
    char name[FLEET_NAME_MAX + 1];
    uint8_t number;  /* 1 to FLEET_MEMBERS_MAX - 1: its own for ever */
    uint32_t weight; /* 1 to VANTAGE_WEIGHT_MAX */
    bool drained;
    bool is_node; /* another one of the cluster, "node:ns2": not in the store, and who it is the cluster says
                   */
    int64_t made_ms; /* wall, like all here */
    bool is_enrolled;
    int64_t enrolled_ms;
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE]; /* then */
    bool has_token;
    int64_t token_until_ms;
    uint8_t token_hash[VANTAGE_HASH_SIZE]; /* then: of the secret in it */
};

/* "local" is ourselves, and no name of a vantage. */
bool vantage_is_name(const char *name);
char *vantage_write_member(const struct vantage_member *member); /* owned */
/* Of this key; a node only as a process hands it to the next one. 0, or ERROR_SYNTAX and why. */
int vantage_read_member(const char *name, const char *value, struct vantage_member *member,
                        char why[VANTAGE_WHY_SIZE]);

/* "v1.NAME.SECRET.FINGERPRINT", the fingerprint being ours. */
enum {
    VANTAGE_TOKEN_SIZE =
        2 + 1 + FLEET_NAME_MAX + 1 + 2 * VANTAGE_SECRET_SIZE + 1 + 2 * TLS_FINGERPRINT_SIZE + 1
};
void vantage_make_token(struct vantage_member *member, const uint8_t fingerprint[TLS_FINGERPRINT_SIZE],
                        int64_t until_ms, char token[VANTAGE_TOKEN_SIZE]);
/* May a host become this member with that token? NULL: it may; else why not. */
const char *vantage_judge_token(const struct vantage_member *member, const char *token, int64_t wall_ms);
