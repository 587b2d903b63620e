/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was last known of health, kept in the file "last-health" of the state folder, so that neither a
 * restart nor a crash changes an answer by itself, and in segments (past/recorder.h) for who asks later:
 * verdicts with their streaks and times, loads, how the brake stands, and what host names led to.
 *
 * A thread of its own writes it, at most a second behind. It takes the health lock for some objects at a
 * time, to copy what was noted of them since; nobody waits for it, and where the file cannot be written the
 * server goes on without. The file is a trail (base/trail.h) of records (health/record.h) and outlives the
 * process by "last_health". Private to src/daemon. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct known;
struct last;
struct server;
struct view;

/* What became of what was kept. */
enum last_state {
    LAST_NONE,     /* nothing was: no state folder, no file, or it is not wanted */
    LAST_RESTORED, /* it holds until checks know better */
    LAST_OLD,      /* steerd was down for longer than last_health */
    LAST_UNREAD,   /* the file could not be read, is of another version, or broken */
};

struct last_outcome {
    enum last_state state;
    int64_t down_ms;    /* since it was written; 0: not known */
    uint32_t monitors;  /* restored, with a result */
    uint32_t unhealthy; /* of these */
    uint32_t hosts;     /* restored, with an address */
};

/* Of the first view, before anybody else has it, and before overrides are put: what was known when the last
 * process ended. Says in the log what became of it. Waits for the disk. Returns owned, for: */
struct known *last_restore(const struct server *server, struct view *view, struct last_outcome *outcome);
/* Of the current view, which was loaded while the process before went on: what that has found out since and
 * written down. Waits for the disk. */
void last_adopt(struct server *server);
/* Overrides are in force again: what is as it was is so since it was. Takes the memory; NULL is fine. */
void last_settle(struct known *memory, struct view *view);

/* Begins to keep what is known of the current view, whichever that is; `folder` NULL: nothing. Returns 0 and
 * owned, or -errno. */
int last_open(struct server *server, const char *folder, struct last **last);
/* Writes what there is, and then the file is another process's; or it is this one's again. NULL is fine. */
void last_pause(struct last *last, bool paused);
/* Is it the other one's by now? A disk that is slow is waited for for a second: then what is in it is from a
 * moment before. */
bool last_is_paused(const struct last *last);
/* Writes once more, unless the disk hangs. NULL is fine. */
void last_close(struct last *last);

/* Which segments are kept beside the present one (see past/recorder.h); copied. NULL is fine. */
struct recorder_span;
void last_keep(struct last *last, const struct recorder_span *span);

struct last_stats {
    bool is_kept;
    int64_t age_ms;                        /* of what is on disk; -1: nothing yet */
    uint64_t octets;                       /* written so far */
    uint64_t writes, failures, beginnings; /* frames; attempts; files begun anew */
    int error;                             /* of the latest attempt; 0: well */
    /* Of segments (past/recorder.h): begun, octets of them, removed; is one written to? */
    uint64_t past_segments, past_octets, past_removed;
    bool past_is_kept;
};
void last_get_stats(const struct last *last, struct last_stats *stats); /* any thread; NULL is fine */
