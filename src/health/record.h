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

/* ---- writing ----
 *
 * Calls marked [lock] need the machine for themselves. A call appends less than HEALTH_RECORD_ROOM octets per
 * object, but for endpoints with more than eight monitors. */
enum { HEALTH_RECORD_ROOM = 1024, HEALTH_WRITER_AGES = 512 };

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

struct health_reading {
    int64_t wall_ms;
    int64_t shift_ms; /* what makes the writer's monotonic times the reader's */
    bool is_restored; /* monitors say that what they know is from before (health_monitor_status) */
};
/* The machine. Returns owned; NULL: the plan is not complete. */
struct health *health_reader_finish(struct health_reader *reader, const struct health_reading *reading);
/* Overrides, which are not in it, are in force again in a machine that took it over: objects that were in the
 * state which such a one brings are so since they were, and not since that. Before anybody listens. */
void health_reader_put_right(const struct health_reader *reader, struct health *health);
void health_reader_free(struct health_reader *reader); /* NULL is fine */
