/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What this host thinks of one server's list: results in, opinions out. Verdicts are those of src/health, by
 * the rise, fall and window of each check, so a vantage judges as the server itself does. What is not told
 * yet is remembered per monitor, not per change: however long nobody could be told, what is told then is the
 * latest, once.
 *
 * Pure: all times are monotonic milliseconds of the caller, so the wall clock has no say. Not thread-safe. */
#pragma once

#include "fleet/message.h"
#include "health/health.h"

#include <stddef.h>
#include <stdint.h>

/* One monitor of the list. */
struct verdicts_plan {
    uint64_t identity; /* no two are equal; what it says is kept from list to list by that */
    uint16_t rise, fall;
    uint8_t window; /* 0: results in a row; else it is down while `fall` of so many are failures */
    bool idle;      /* nothing is to be checked at the moment */
    uint32_t interval_ms, recheck_ms; /* recheck 0: none */
    uint32_t stale_ms; /* a verdict that nothing was heard of for so long is no opinion; 0: whenever */
};

struct verdicts;

/* `blind_ms`: a verdict that could not be looked at again for so long, and for three intervals, because this
 * host has trouble of its own, is an opinion no longer. Returns owned. */
struct verdicts *verdicts_new(const struct verdicts_plan *plans, size_t count, int64_t blind_ms,
                              int64_t now_ms);
void verdicts_free(struct verdicts *verdicts); /* NULL is fine */
size_t verdicts_count(const struct verdicts *verdicts);

/* Go on from what `from`, of another list, knows; before anything else. */
void verdicts_carry(struct verdicts *to, const struct verdicts *from, int64_t now_ms);

/* How a check has ended. */
struct verdicts_result {
    enum health_outcome outcome;
    uint16_t detail;
    uint32_t duration_us;
};
/* What became of it. */
struct verdicts_turn {
    enum health_observed before, after; /* the verdict */
    bool tells;                         /* there is something to tell at once */
    bool hangs; /* the verdict hangs on the next result, of a check that is to be made again soon then */
};
struct verdicts_turn verdicts_note(struct verdicts *verdicts, uint32_t index,
                                   const struct verdicts_result *result, int64_t now_ms);
/* This host, or this process, has done nothing for so long. If that is longer than `blind_ms`, for which the
 * server waits for it, what was thought before is no opinion until a result has confirmed or changed it: it
 * would be told as if it were of now. */
void verdicts_hold_up(struct verdicts *verdicts, int64_t for_ms, int64_t now_ms);
/* There is something to check, or nothing any more. */
void verdicts_use(struct verdicts *verdicts, uint32_t index, bool used, int64_t now_ms);

/* The next up to `max` whose verdict is another one than was told. Returns how many. */
size_t verdicts_take_changes(struct verdicts *verdicts, struct fleet_opinion *opinions, size_t max,
                             int64_t now_ms);
/* The next up to `max` of all, round and round: at most each one once, and not beyond the end of a round.
 * *ends: that was the last one. */
size_t verdicts_take_next(struct verdicts *verdicts, struct fleet_opinion *opinions, size_t max,
                          int64_t now_ms, bool *ends);
/* Nobody was told anything: a round of all begins anew, and changes are in it. */
void verdicts_begin_anew(struct verdicts *verdicts);

struct verdicts_counts {
    size_t up, down, none, idle;
};
/* As they are thought of by the latest results. */
struct verdicts_counts verdicts_sum_up(const struct verdicts *verdicts);
