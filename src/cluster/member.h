/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whose a node's name is, and who is invited to it, as shared objects (doc/cluster.md): JSON and back. Of a
 * name that there is no object of anybody may say that it is his, as long as nobody else does. Pure. */
#pragma once

#include "cluster/entry.h"

/* Kinds of shared objects, by name of a node. A change of the first one takes the name from whoever has it:
 * "claim/NAME" and "node/NAME" go in the same transaction. */
#define CLUSTER_MEMBER_KIND "node-member"
#define CLUSTER_INVITE_KIND "node-invite"

struct cluster_member {
    bool is_removed;
    uint64_t id;   /* else: of the machine that has joined by that name; its configuration has it; not 0 */
    int64_t at_ms; /* wall: since when */
    char by[CLUSTER_NAME_MAX + 1]; /* the node where it was said */
};

struct cluster_invite {
    unsigned char hash[STORE_HASH_SIZE]; /* SHA-256 of the secret */
    int64_t until_ms, used_ms;           /* wall; used 0: it was not */
    bool replaces;                       /* the name is given to another machine */
};

/* Owned (free). */
char *cluster_write_member(const struct cluster_member *member);
char *cluster_write_invite(const struct cluster_invite *invite);
/* 0, ERROR_SYNTAX or ERROR_INVALID. */
int cluster_read_member(const char *text, size_t len, struct cluster_member *member);
int cluster_read_invite(const char *text, size_t len, struct cluster_invite *invite);
