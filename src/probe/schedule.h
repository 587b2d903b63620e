/* SPDX-License-Identifier: BSD-3-Clause
 *
 * When checks start, as pure arithmetic on microseconds: a fixed grid per target with a little jitter, and
 * the prober's own time, which stands still while the process does. No I/O, no clock. */
#pragma once

#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The grid of one target. */
struct schedule {
    int64_t grid_us;    /* planned start, without jitter */
    int64_t shift_us;   /* how much earlier the grid has still to move; see schedule_init() */
    int64_t failing_us; /* since when it has been failing; 0: it has not */
};

/* The first start of one of `count` targets that begin together: spread evenly over one interval, at most 1
 * s, and at most 1 ms per target, so that the first verdicts come soon: some server may be waiting for them.
 * A longer interval would see that second again and again as a burst, so the grid then moves in small steps
 * until the targets are spread evenly over the whole interval. The first start is grid_us. */
void schedule_init(struct schedule *schedule, int64_t now_us, int64_t interval_us, size_t index,
                   size_t count);

/* To be called when a check starts: returns the start after this one. Between 0.9 and 1.05 intervals after
 * the start that was planned; how long the check takes does not matter. Grid points already missed are
 * skipped. A start before its grid point is one in between, and moves nothing. */
int64_t schedule_next(struct schedule *schedule, int64_t now_us, int64_t interval_us, struct random *random);

/* The start after a failure, when one at `next_us` is planned already and it has been failing for so long: at
 * most a tenth of that later than it would be, and at most `longest_us` after the latest. What comes back is
 * seen after at most a tenth more of the time for which it was away. */
int64_t schedule_back_off(struct schedule *schedule, int64_t next_us, int64_t interval_us, int64_t failing_us,
                          int64_t longest_us);

/* What became of a check: it started, has ended now, and the next start is planned. */
struct schedule_end {
    int64_t started_us, at_us, next_us;
    bool failed;
    bool hangs; /* a verdict hangs on the next result */
};

struct schedule_pace {
    int64_t interval_us;
    int64_t recheck_us;  /* while a verdict hangs on the next result; 0: the interval */
    int64_t back_off_us; /* the longest interval while it fails; 0: the interval */
};

/* Returns the next start: sooner than planned if a verdict hangs on it, later if it has failed for long. */
int64_t schedule_end(struct schedule *schedule, const struct schedule_pace *pace,
                     const struct schedule_end *end);

/* The interval is shorter now: returns the start that replaces the one at `next_us`, at most an interval and
 * its jitter from now, at the same phase. */
int64_t schedule_hurry(struct schedule *schedule, int64_t next_us, int64_t now_us, int64_t interval_us);

/* The prober's own time: the clock, minus the time in which the process did not run (stopped, starved, a
 * laptop lid). After such a stall nothing is overdue: no burst of missed checks, no answer that waited in
 * a socket counts as too late, and nobody who was not asked, because the prober did not get to it, has no
 * time left to answer. */
struct pace {
    int64_t lost_us;    /* clock time that did not count */
    int64_t wake_us;    /* own time at which the prober wants to run next */
    int64_t seen_us;    /* own time at the last reading: it ran then */
    int64_t excused_us; /* the wake_us of the stall that was taken to have begun at once */
};

enum {
    PACE_STALL_US = 100000,  /* being later than this is a stall */
    PACE_EXCUSE_US = 1000000 /* so much of the sleep before it may have been part of it */
};

#define PACE_NEVER INT64_MAX

void pace_init(struct pace *pace);
/* The prober sleeps until `wake_us` of its own time, PACE_NEVER if there is nothing to wait for. */
void pace_sleep(struct pace *pace, int64_t wake_us);
/* The own time at a reading of the clock. Nobody knows when a stall began: the first one before a wake_us
 * began when the prober was seen last, or PACE_EXCUSE_US before that time; further ones, so that time goes
 * on, then. */
int64_t pace_now(struct pace *pace, int64_t clock_us);
