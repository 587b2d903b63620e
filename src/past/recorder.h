/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who writes segments (segments.h) of past health beside the file of last health, from the same stream of
 * records: a whole machine, what changes, moments. A segment is begun as a copy of that file when it is
 * whole, and goes on with news only (sieve.h), so that hours in which nothing happens, and reloads that
 * change nothing, cost little: ages come seldom, and who has nothing to say says so every KNOWN_BEAT_MS.
 *
 * A new one is begun when there are other objects, or another boot; when one is as old as is wished and what
 * changed in it is more than a whole machine, or it is a day old; and when something could not be written:
 * then there is a gap. Wait for the disk; one thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct recorder;

struct recorder_limits {
    int64_t every_ms; /* a segment is not begun anew for its age before */
    uint64_t octets;  /* of all segments; the oldest go first */
};

/* Which segments are kept beside the present one, but for their octets (see segments.h). */
struct recorder_span {
    int64_t keep_ms; /* wall; INT64_MIN: all of them */
    const int64_t *moments;
    size_t moment_count;
};

/* `clock` and `state` (the folder) are borrowed. Returns owned. */
struct recorder *recorder_new(const char *state, const struct clock *clock);
/* What has come is written, and that somebody was there until now. NULL is fine. */
void recorder_free(struct recorder *recorder);
/* To go on with the newest segment, if that is of this boot and of the same objects: then its times mean the
 * same. Nobody else may write to it. Before anything else; reads all of it. */
void recorder_resume(struct recorder *recorder, const char *boot);
/* Remove what is more than is to be kept. The span is taken; without one nothing goes for its age. */
void recorder_set_limits(struct recorder *recorder, const struct recorder_limits *limits);
void recorder_keep(struct recorder *recorder, struct recorder_span *span);
struct recorder_span *recorder_copy_span(const struct recorder_span *span); /* owned: for free() */

/* A whole machine follows, and then recorder_settle() or recorder_abandon(). */
void recorder_begin(struct recorder *recorder);
/* Records. Of a whole one nothing is written yet. Returns 0 or -errno: tried again, or given up, by itself.
 */
int recorder_take(struct recorder *recorder, const void *bytes, size_t len);
/* It is whole, and in this file. Returns 0 or -errno: no segment could be begun; if the objects are the same
 * the one that there is goes on. */
int recorder_settle(struct recorder *recorder, const char *path);
void recorder_abandon(struct recorder *recorder);
/* Nothing will come for a while, or others may write there: the segment ends, and says that somebody was
 * there until now. */
void recorder_pause(struct recorder *recorder);
/* Is a whole machine wanted, to begin a segment with? */
bool recorder_is_due(const struct recorder *recorder);

struct recorder_stats {
    uint64_t segments; /* begun */
    uint64_t octets;   /* written to them */
    uint64_t removed;  /* segments */
    int64_t begun_ms;  /* wall: of the present one; 0: there is none */
};
void recorder_get_stats(const struct recorder *recorder, struct recorder_stats *stats);
