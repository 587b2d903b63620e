/* SPDX-License-Identifier: BSD-3-Clause
 *
 * All time comes from here, so that tests and drills run the real code in virtual time.
 * Monotonic time is for intervals, wall time (Unix epoch, UTC) for people, logs, SOA serials and signatures.
 * A virtual clock stands still until clock_advance(). A clock may be read from any thread; a virtual one only
 * from the thread that advances it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock {
    bool is_virtual;
    int64_t mono_us; /* of a virtual clock */
    int64_t wall_us;
};

/* The clock of the machine. */
void clock_init(struct clock *clock);
/* A virtual clock that starts at these times. */
void clock_init_virtual(struct clock *clock, int64_t mono_ms, int64_t wall_ms);
/* Move a virtual clock forward. */
void clock_advance(struct clock *clock, int64_t ms);

int64_t clock_now_us(const struct clock *clock);
int64_t clock_now_ms(const struct clock *clock);
int64_t clock_wall_us(const struct clock *clock);
int64_t clock_wall_ms(const struct clock *clock);
/* By how much the wall time is ahead of clock_boot_ms(): constant unless somebody sets the wall clock, also
 * while the machine sleeps. Of a virtual clock: ahead of its monotonic time. */
int64_t clock_offset_ms(const struct clock *clock);
/* Of the machine, seconds, as of the kernel's last tick: cheap enough for every batch of queries. Wraps in
 * 2106.
 */
uint32_t clock_coarse_wall_s(void);
uint64_t clock_coarse_wall_ms(void);
uint64_t clock_precise_wall_ns(void); /* of the machine, as exactly as it goes */
uint64_t clock_coarse_now_us(void);   /* the monotonic time, likewise */
/* The monotonic time of the machine, for measuring the machine itself. */
uint64_t clock_machine_ns(void);
/* Since the machine was switched on, also while it slept: for intervals that outlive a process, or are to end
 * in the world's time. */
int64_t clock_boot_ms(void);
uint64_t clock_thread_ns(void); /* processor time of the calling thread */

/* RFC 3339 in UTC with milliseconds, such as 2026-11-21T04:05:06.789Z (24 characters and a NUL). */
enum { CLOCK_TEXT_SIZE = 32 };
const char *clock_write_rfc3339(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);
/* The reverse; fractions and numeric offsets are accepted. Returns 0 or ERROR_SYNTAX. */
int clock_parse_rfc3339(const char *text, int64_t *wall_ms);
