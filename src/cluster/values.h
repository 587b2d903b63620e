/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The small values that lie beside the entries in etcd, as JSON and back (doc/cluster.md has the keys). What
 * is written is owned (free); what is read has its texts in the arena. 0, ERROR_SYNTAX or ERROR_INVALID.
 * Pure. */
#pragma once

#include "cluster/entry.h"

/* "object/KIND/KEY": what holds. */
struct cluster_record {
    uint64_t seq;     /* of the entry that wrote it last; 0: it was there when the cluster began */
    int64_t at_ms;    /* wall; since when it was said */
    const char *node; /* where that was given */
    const char *value;
    int64_t expires_ms;
};
char *cluster_write_record(const struct cluster_record *record);
int cluster_read_record(const char *text, size_t len, struct arena *arena, struct cluster_record *record);

/* "turn", "work", "filling", "claim/NODE": who has it. `take`: the how many-th time, so that no two are the
 * same. */
struct cluster_holder {
    char node[CLUSTER_NAME_MAX + 1];
    uint64_t run, take;
};
enum { CLUSTER_HOLDER_SIZE = 160 };
const char *cluster_write_holder(const struct cluster_holder *holder, char text[CLUSTER_HOLDER_SIZE]);
int cluster_read_holder(const char *text, size_t len, struct cluster_holder *holder);

/* "mark/MARK": an order that held somewhere while it was no entry yet, and has become one. */
struct cluster_mark {
    uint64_t seq;
    uint32_t to; /* so many of its ops, from the first one */
};
enum { CLUSTER_MARK_SIZE = 64 };
const char *cluster_write_mark(const struct cluster_mark *mark, char text[CLUSTER_MARK_SIZE]);
int cluster_read_mark(const char *text, size_t len, struct cluster_mark *mark);

/* What two nodes said of one object while they could not hear each other: the shared object
 * "conflict" / "KIND:KEY". Borrowed texts. */
struct cluster_conflict {
    const char *kind, *key;
    const char *ours, *theirs; /* NULL: nothing. Ours: what had held on `node` alone */
    int64_t ours_expires_ms, theirs_expires_ms;
    bool ours_holds;
    int64_t since_ms;              /* wall: when it was seen */
    const char *node, *their_node; /* "": not known */
    /* JSON texts of conflicts about it that were not ended yet: written: the one before this, which brings
     * those before it along; read: a list. NULL: none. */
    const char *earlier;
    const char *actor, *reason; /* of ours; "": not known */
};
char *cluster_write_conflict(const struct cluster_conflict *conflict);
int cluster_read_conflict(const char *text, size_t len, struct arena *arena,
                          struct cluster_conflict *conflict);
