/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One entry of what a cluster was told: a transaction of shared objects, numbered, chained (doc/cluster.md).
 * JSON and back, strictly: what cannot be written to a local store is none. Pure. */
#pragma once

#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum {
    CLUSTER_OPS_MAX = 60,
    /* Octets of JSON. etcd takes requests of 1.5 MiB, and each value is in the entry and in its object. */
    CLUSTER_ENTRY_MAX = 640 << 10,
    CLUSTER_KEPT = 1000,    /* entries in etcd */
    CLUSTER_NAME_MAX = 63,  /* octets of the name of a node or a cluster: a label of letters, digits, - */
    CLUSTER_KIND_MAX = 32,  /* octets of a kind */
    CLUSTER_ID_SIZE = 16,   /* octets */
    CLUSTER_HEAD_SIZE = 160 /* of what cluster_write_head() writes */
};

/* Of a node: the last entry that it has applied. seq 0: none yet (the hash is that of the id). */
struct cluster_position {
    unsigned char id[CLUSTER_ID_SIZE];
    uint64_t seq;
    unsigned char hash[STORE_HASH_SIZE];
};

/* Borrowed texts; read ones are the arena's. */
struct cluster_entry {
    uint64_t seq;
    unsigned char before[STORE_HASH_SIZE]; /* hash of the one before */
    const char *node;                      /* that wrote it */
    const char *given_on;                  /* where it held before it was an entry; NULL: there, too */
    /* Which order it is: random, and the same wherever that order went. An order of many ops becomes several
     * entries: this one stands for its ops mark_from to mark_to - 1. */
    uint64_t mark;
    uint32_t mark_from, mark_to;
    struct store_cause cause;
    int64_t provisional_since_ms; /* wall: it held on that node since then; 0: it is not such a one */
    int64_t provisional_ms;     /* … for so long when this was written, whatever clocks say; 0: not known */
    const struct store_op *ops; /* if_revision is STORE_ANY */
    size_t op_count;
    unsigned char hash[STORE_HASH_SIZE]; /* over the hash before and its own JSON text (as written) */
    /* Not of its JSON: this node's monotonic time; etcd did not have it then. 0: not known. */
    int64_t after_ms;
};

/* The node where it was given. */
static inline const char *cluster_entry_origin(const struct cluster_entry *entry)
{
    return entry->given_on != NULL ? entry->given_on : entry->node;
}

/* Is this kind the same on all nodes? */
bool cluster_is_shared(const char *kind);
/* Likewise, or may it be one that a later version shares? Entries of that are applied, and its objects kept:
 * nodes of two versions follow the same history while one after the other is upgraded. */
bool cluster_may_share(const char *kind);
bool cluster_is_name(const char *text); /* of a node or a cluster */
/* NULL: such ops can be an entry's; else what is wrong with them (static). */
const char *cluster_judge_ops(const struct store_op *ops, size_t count);

/* By how much this node's clock is ahead of that of the node that wrote the entry, as far as the entry itself
 * shows it: it is as old as the clocks say, but no younger than 0, and no older than what this node knows. 0:
 * the clocks may be right. What is written in it as a time and means a length is moved by that. */
int64_t cluster_find_clock_lead(const struct cluster_entry *entry, int64_t now_ms, int64_t wall_ms);

/* The hash of position 0. */
void cluster_begin(const unsigned char id[CLUSTER_ID_SIZE], struct cluster_position *position);
/* Fills seq, before and hash of what follows `at`. Returns the JSON, owned (free); NULL: it is longer than
 * CLUSTER_ENTRY_MAX. */
char *cluster_write_entry(const struct cluster_position *at, struct cluster_entry *entry);
/* 0, ERROR_SYNTAX or ERROR_INVALID, and *why (static). The hash is computed. */
int cluster_read_entry(const char *text, size_t len, struct arena *arena, struct cluster_entry *entry,
                       const char **why);
/* Does it follow this position? */
bool cluster_follows(const struct cluster_position *at, const struct cluster_entry *entry);
/* The position behind an entry that follows `at`. */
void cluster_step(struct cluster_position *at, const struct cluster_entry *entry);

/* {"id", "seq", "hash"}: "head" in etcd, and the local object "cluster" / "position". The same position is
 * the same text: that is how a transaction of etcd sees that nothing has come in between. */
const char *cluster_write_head(const struct cluster_position *head, char text[CLUSTER_HEAD_SIZE]);
int cluster_read_head(const char *text, size_t len, struct cluster_position *head, const char **why);
bool cluster_is_at(const struct cluster_position *a, const struct cluster_position *b);

/* Of two values of one override, each may be NULL (not there): which one holds until an operator decides? <
 * 0: a, > 0: b, 0: neither is safer. What has not begun by then, or is over, is none; what is not understood
 * is as good as none. */
int cluster_compare_safety(const char *a, const char *b, int64_t wall_ms);
