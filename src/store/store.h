/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What must not be forgotten: objects, kind/key → JSON value with a revision, and one append-only journal of
 * every change of them, each entry chained to the one before by a hash. Knows nothing of what the objects
 * mean. The engine is SQLite (WAL, synchronous=FULL) in one file, store.db of the state folder; nothing of it
 * shows here, and nothing here could not be done by a distributed engine as well (get, list by prefix, put
 * and delete if revision, transaction, watch, lease). doc/store.md tells what is in the file.
 *
 * A thread of its own writes: whoever changes something submits a job and goes on; what waits is committed
 * together, in the order of submission; then the owner is woken, and store_reap() calls each job's `done`.
 * No call but store_open(), store_close(), store_set_aside() and those of a reader waits for a disk. */
#pragma once

#include "base/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;
struct store;
struct store_stats;

enum {
    STORE_KIND_MAX = 63,       /* octets: lower-case letters, digits and hyphens, "override" */
    STORE_KEY_MAX = 1023,      /* octets, UTF-8 without control characters, "region:us-east"; not empty */
    STORE_VALUE_MAX = 1 << 20, /* octets of JSON */
    STORE_CAUSE_MAX = 1 << 16, /* octets of each text of a cause, UTF-8 */
    STORE_OPS_MAX = 4096,      /* of one transaction */
    STORE_HASH_SIZE = 32,
};

/* Borrowed texts. */
struct store_object {
    const char *kind, *key;
    const char *value;  /* one JSON document, compact */
    uint64_t revision;  /* seq of the entry that wrote it last */
    int64_t written_ms; /* wall time of that entry */
    int64_t expires_ms; /* wall; 0: never (a lease): the store deletes it then, with an entry that says so */
    const char *actor;  /* of that entry; NULL: it is not known, as in a list of a moment */
};

#define STORE_ANY UINT64_MAX

struct store_op {
    const char *kind, *key;
    const char *value;    /* NULL: delete; without an entry if there is none */
    uint64_t if_revision; /* STORE_ANY; 0: only if there is none; else only if it has this one */
    int64_t expires_ms;   /* see store_object */
};

/* Who, why and by what: goes into each entry of the transaction. NULL or "": not known; read as "". */
struct store_cause {
    int64_t wall_ms;   /* 0: when it is committed */
    const char *actor; /* who says to have done it */
    const char *peer;  /* who the kernel or a token proves */
    const char *reason;
    const char *request; /* "PUT /v1/regions/us-east/override", or its Idempotency-Key */
};

/* One transaction; a part of a struct of the caller's, who keeps it and all that it points to until `done`.
 * All conditions are judged before its first op has effect. */
struct store_job {
    struct store_cause cause;
    const struct store_op *ops;
    size_t op_count;
    /* It has taken effect whether or not it could be written (an emergency): where writing fails, `done` is
     * called with the error all the same, and the store keeps a copy and tries again until it succeeds,
     * before anything that comes later (store_stats.owed). Of many changes of one object the last is written
     * for all of them, and says so, when more than some thousands are owed. Conditions of such a job must be
     * STORE_ANY. */
    bool insists;
    void (*done)(struct store_job *job); /* on the owner's thread */
    /* what became of it: */
    int error; /* 0; ERROR_CONFLICT: a revision was another one; ERROR_INVALID: kind, key, value or cause is
                * none; else the store cannot be written: -errno or ERROR_LIBRARY, and whether it is found
                * written after a crash is open */
    uint64_t seq;    /* of its last entry, if error is 0; if it has none, of the last before it */
    size_t conflict; /* index of the op, if ERROR_CONFLICT or ERROR_INVALID */
    uint64_t
        *seqs; /* NULL, or the caller's room for op_count: the entry of each op, if error is 0; 0: none */
    struct store_job *next; /* of the store */
};

/* One entry of the journal. Borrowed texts. */
struct store_entry {
    uint64_t seq; /* from 1, without gaps */
    struct store_cause cause;
    const char *kind, *key;
    uint64_t revision_before;   /* 0: there was none */
    int64_t expires_ms;         /* of `after` */
    const char *before, *after; /* NULL: none */
    unsigned char
        hash[STORE_HASH_SIZE]; /* SHA-256 over the hash before and all of the above (doc/store.md) */
};

struct store_options {
    const char *folder;
    void *context;
    void (*wake)(void *context); /* on the store's thread: let the owner call store_reap(); must not block */
    /* On the owner's thread, by store_reap(): the store has deleted what expired. May be NULL. */
    void (*expired)(void *context, const char *kind, const char *key, uint64_t seq);
    bool may_fail; /* see store_open() */
    /* If store_close() returns true, how it was at the end is put here. May be NULL. */
    struct store_stats *last;
};

/* What an operator has to know. */
struct store_stats {
    int error;                /* of the latest attempt to write; 0: well */
    char reason[256];         /* in words that help; "": well */
    int64_t failing_since_ms; /* wall; 0: well */
    uint64_t seq;             /* of the last durable entry */
    unsigned char hash[STORE_HASH_SIZE];
    size_t waiting, owed; /* jobs; entries that have taken effect and are not durable */
    size_t owed_octets;   /* of memory for those */
    uint64_t folded;      /* changes that are told of by the entry of a later one only */
    uint64_t commits, entries, failures;
    uint64_t sync_us_max, sync_us_sum; /* of commits */
    uint64_t size;                     /* octets of the files */
    bool is_other;   /* when it was opened it was not the store that was there before, or ended sooner */
    uint64_t mended; /* objects that were not what the journal says, and are again; since the start */
    char mended_last[128]; /* "override/region:us-east", cut off; "": none */
};

/* Opens or makes the store. A version from before is migrated in one transaction, with a copy kept; one that
 * is newer, damaged or no store at all is refused with a report that says what to do, one of another host
 * with a warning only; it is never begun anew beside objects that cannot be read. What expired meanwhile is
 * deleted before this returns. Returns 0 and owned, or an error: ERROR_SYNTAX: damaged, or no store;
 * ERROR_UNSUPPORTED: a newer version; -EBUSY: another process has it; else -errno or ERROR_LIBRARY.
 * With `may_fail` it returns 0 all the same, with warnings instead, and the server goes on without: jobs fail
 * at once with that error, those that insist are owed, and it is opened as soon as it can be. */
int store_open(const struct store_options *options, struct report *report, struct store **store);
/* What waits is committed if that ends in time. true: every job is done with, and all is freed; what was owed
 * and could not be written is lost. false: the disk hangs; then the thread goes on when that does, so jobs
 * and `context` have to stay, and the process had better end. */
bool store_close(struct store *store, int64_t patience_ms);
/* Renames a store that cannot be read, store.db and what belongs to it, to store.db.damaged-TIME; for whoever
 * was told to. `name` (may be NULL) is told the new name, owned. Not while it is open. 0 or -errno, with a
 * report. */
int store_set_aside(const char *folder, struct report *report, char **name);

/* Never waits, never fails: what is wrong comes with `done`. */
void store_submit(struct store *store, struct store_job *job);
/* On the owner's thread after a wake: call some of what is done; there is another wake if there is more. */
void store_reap(struct store *store);
/* Any thread. */
void store_get_stats(struct store *store, struct store_stats *stats);

/* ---- watching: on the owner's thread ---- */

struct store_watch;
struct store_watch_options {
    const char *kind;   /* NULL: any */
    const char *prefix; /* of keys; NULL: any */
    uint64_t after_seq; /* the first one told of may be the entry behind this one; 0: the first of all */
    void *context;
    /* Of each entry once, in order, by store_reap(); without what was `before`. Returns whether the next ones
     * may come; else store_watch_go_on() says so. Nothing is lost by being slow, and nothing kept for it: the
     * journal is read when there is somebody to tell. */
    bool (*changed)(void *context, const struct store_entry *entry);
    /* The watch is gone. ERROR_CANCELLED: the store is closed; ERROR_NOT_FOUND: what comes behind `after_seq`
     * is not known: the journal does not go that far (it was cut, or is another one), or an engine does not
     * keep it any more; ERROR_CONFLICT: the journal was exchanged for another one; else it cannot be read.
     * `why` is in words. */
    void (*ended)(void *context, int error, const char *why);
};
/* Never fails and calls nothing by itself; while the store cannot be opened, nothing is told. Owned, until it
 * is cancelled or has ended. Texts are copied. */
struct store_watch *store_watch(struct store *store, const struct store_watch_options *options);
void store_watch_go_on(struct store_watch *watch);
/* At any time, also while it is told something: nothing is told any more. */
void store_watch_cancel(struct store_watch *watch);

/* ---- reading: any thread that may wait for a disk, each with a reader of its own ---- */

struct store_reader;
/* Of a store that is open, in this process or another one, or that nobody has; it has to be there. */
int store_reader_open(const char *folder, struct report *report, struct store_reader **reader);
void store_reader_close(struct store_reader *reader);
/* What takes long asks now and then whether it is to end, and returns ERROR_CANCELLED. Borrowed; NULL: it is
 * not. */
void store_reader_set_progress(struct store_reader *reader, const struct progress *progress);
/* Where store_verify() counts entries. Likewise; NULL: nobody looks. */
void store_reader_set_count(struct store_reader *reader, struct progress *count);
/* Of the last call that failed, in words. */
const char *store_reader_why(const struct store_reader *reader);

/* A callback that returns false ends the walk, which is no error. Errors: ERROR_NOT_FOUND; ERROR_SYNTAX:
 * damaged; else -errno or ERROR_LIBRARY. Each call sees one state of the store from its beginning to its end.
 * What is expired is not there, whether or not the store has come to deleting it. */
int store_get(struct store_reader *reader, const char *kind, const char *key,
              void (*got)(void *context, const struct store_object *object), void *context);
/* By kind, keys that begin with `prefix`, in their order, after `after` (NULL: from the beginning). */
int store_list(struct store_reader *reader, const char *kind, const char *prefix, const char *after,
               bool (*got)(void *context, const struct store_object *object), void *context);

struct store_filter {
    const char *kind, *key;     /* NULL: any */
    const char *actor;          /* claimed or proven; NULL: any */
    int64_t since_ms, until_ms; /* wall, both included; 0: any */
    uint64_t after_seq;         /* forward and backward: greater than this */
    uint64_t before_seq;        /* less than this; 0: any */
    bool backward;              /* the latest first */
    bool without_before;        /* entries come without what was before, which costs most of the time */
};
int store_read_journal(struct store_reader *reader, const struct store_filter *filter,
                       bool (*got)(void *context, const struct store_entry *entry), void *context);
/* All objects as they were right after entry `seq`, by key and kind. */
int store_list_at(struct store_reader *reader, uint64_t seq,
                  bool (*got)(void *context, const struct store_object *object), void *context);
/* The last entry that was written at or before this wall time; 0: none. */
int store_find_seq(struct store_reader *reader, int64_t wall_ms, uint64_t *seq);

/* The whole store as it is now, as a store in one file of its own, synced; there must be none of that name.
 */
int store_copy(struct store_reader *reader, const char *path);

/* Is the chain whole, from the first entry to the last, and are the objects what it says? `anchor`, if given,
 * is a hash that was noted at `anchor_seq`: a journal that was cut before it, or written anew, does not have
 * it. Works on all processors; 0 whatever the verdict is. */
struct store_verdict {
    uint64_t entries, bad_seq; /* the first entry that is not what it was */
    bool is_whole;
    char why[256]; /* if it is not */
};
int store_verify(struct store_reader *reader, uint64_t anchor_seq, const unsigned char *anchor,
                 struct store_verdict *verdict);
