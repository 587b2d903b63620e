/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A whole machine as a stream of records, and back: what is kept of it in a file while it runs, and what a
 * process that takes over is told. First what the plan says, by which who reads knows who is who; then what
 * came of results; then, for as long as anybody writes, what changed. Whatever cut such a stream off between
 * two records: what was read is a machine, as it was a moment before.
 *
 * Overrides are not in it: they are people's word, and kept as such. Monotonic times are the writer's.
 *
 * The machine that is read knows only what health_carry() takes along: it is made to be carried over into the
 * one of the plan that holds now, which says what has become of whom. Pure. */
#pragma once

#include "health/health.h"

struct buffer;

/* One record of a stream: who has other things to write beside takes kinds from HEALTH_RECORD_KINDS on. */
enum { HEALTH_RECORD_KINDS = 32, HEALTH_RECORD_MAX = 65535 };

struct health_record {
    uint8_t kind;
    const uint8_t *body; /* borrowed */
    size_t len;
};

/* Append a record; len is at most HEALTH_RECORD_MAX. */
void health_record_add(struct buffer *to, uint8_t kind, const void *body, size_t len);
/* The next record at *at, which moves behind it. Returns 0; ERROR_NOT_FOUND: there is none; ERROR_SYNTAX:
 * what is there is none. */
int health_record_next(const uint8_t *bytes, size_t len, size_t *at, struct health_record *record);

/* ---- what a record says ---- */

enum health_gist_kind {
    HEALTH_GIST_ENDPOINT = HEALTH_ENDPOINT, /* regions, azs, endpoints: what became of them */
    HEALTH_GIST_AZ = HEALTH_AZ,
    HEALTH_GIST_REGION = HEALTH_REGION,
    HEALTH_GIST_RESULT, /* of a monitor */
    HEALTH_GIST_LOAD,   /* of an endpoint */
    HEALTH_GIST_BRAKE,
    HEALTH_GIST_STATES, /* all before: there is one at a time of each object, and the latest counts */
    HEALTH_GIST_PLAN = HEALTH_GIST_STATES,
    HEALTH_GIST_AGES,  /* `index`: of the first monitor */
    HEALTH_GIST_OTHER, /* not of a machine */
};

/* What it is about, and a hash of what it says, but for what every result and every report changes and
 * nothing follows from: when it came, how long it took, how many like it there were, how high exactly a load
 * is. */
struct health_gist {
    enum health_gist_kind kind;
    uint32_t index;
    uint64_t hash; /* 0: that there is nothing to say */
};
struct health_gist health_record_gist(const struct health_record *record);
/* Did what became of a node, or a result, come to be after one wall time and by another? Of a node whose
 * state is older than that, what changed in one of its families. */
bool health_record_is_between(const struct health_record *record, int64_t after_ms, int64_t until_ms);

/* ---- writing ----
 *
 * Calls marked [lock] need the machine for themselves. A call appends less than HEALTH_RECORD_ROOM octets per
 * object, but for endpoints with more than eight monitors. */
enum { HEALTH_RECORD_ROOM = 1536, HEALTH_WRITER_AGES = 512 };

struct health_writer;

/* How many of what there are in a machine: for as long as it lives. */
struct health_sizes {
    uint32_t counts[HEALTH_REGION + 1];
};
struct health_sizes health_get_sizes(const struct health *health);

/* Of a machine of this size. Takes memory, and looks at none. Returns owned. */
struct health_writer *health_writer_new(const struct health_sizes *sizes);
/* [lock] This one is written, and what changes in it is noted from now on. One writer at a time. */
void health_writer_begin(struct health_writer *writer, struct health *health);
/* [lock] Append the next `count` objects of all that there is. Returns whether there are more. */
bool health_writer_step(struct health_writer *writer, size_t count, struct buffer *to);
/* All that there is once more, from the next step on: what changes goes on being noted. */
void health_writer_restart(struct health_writer *writer);
/* [lock] Append up to `count` objects that changed since they were written. Returns how many are left. */
size_t health_writer_catch_up(struct health_writer *writer, size_t count, struct buffer *to);
/* [lock] What changes all the time: when monitors were heard of, of the next HEALTH_WRITER_AGES of them.
 * Returns false after the last one; the next call begins anew. */
bool health_writer_add_ages(struct health_writer *writer, int64_t wall_ms, struct buffer *to);
/* [lock] Nothing is noted any more. Without it if the machine is gone. */
void health_writer_end(struct health_writer *writer);
void health_writer_free(struct health_writer *writer); /* NULL is fine */

/* ---- reading ---- */

struct health_reader;

struct health_reader *health_reader_new(void); /* owned */
/* 0, or ERROR_SYNTAX: this is no such record, or it has no place here. What was read before stays. */
int health_reader_take(struct health_reader *reader, const struct health_record *record);

/* Of a monitor of which a plan was read: its endpoint; -1: there is none. */
int64_t health_reader_find_endpoint(const struct health_reader *reader, uint32_t monitor);

struct health_reading {
    int64_t wall_ms;
    int64_t now_ms;   /* monotonic, the reader's; 0: the writer's, when it was heard of last */
    int64_t shift_ms; /* what makes the writer's monotonic times the reader's */
    int64_t gap_ms;   /* for so long nobody looked: that counts for no failback */
    bool is_restored; /* monitors say that what they know is from before (health_monitor_status) */
    /* Monotonic, the reader's: until then nobody had taken a load back that is there, so it was reported
     * again and again, even if not written again. 0: each is as old as it says. */
    int64_t alive_ms;
};
/* The machine. Returns owned; NULL: the plan is not complete. */
struct health *health_reader_finish(struct health_reader *reader, const struct health_reading *reading);
/* Overrides, which are not in it, are in force again in a machine that took it over: objects that were in the
 * state which such a one brings are so since they were, and not since that. Before anybody listens. */
void health_reader_put_right(const struct health_reader *reader, struct health *health);
void health_reader_free(struct health_reader *reader); /* NULL is fine */
