/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A drill in real time: what a document says happens to a health machine that somebody else leads, by the
 * same causes as in a simulation, and what follows from it becomes the same report. Who leads the machine
 * asks how checks end, and tells of what they led to, in the lock of that machine; the thread of the drill
 * lets time go on and looks at answers, without that lock. So nothing begins or ends before that thread has
 * looked at what was until then: if it is late, so is what happens.
 *
 * Times are ms since the begin. */
#pragma once

#include "drill/drill.h"
#include "health/opinion.h"

struct drill_stage;
struct lock;

/* Nothing has happened yet: how names are answered is "before". All are borrowed; the health of the view is
 * the machine. Returns owned. */
struct drill_stage *drill_stage_new(const struct view *view, const struct drill_document *document,
                                    struct lock *lock, struct progress *progress);
void drill_stage_free(struct drill_stage *stage); /* NULL is fine */

/* ---- in the lock ---- */

/* Of its switchovers somebody else carries out what they want (drill_stage_get_want()), where the machine
 * hears of it like of anything that is desired. */
void drill_stage_leave_moves(struct drill_stage *stage);

/* From now on it listens to the machine, and time passes; monotonic, and wall. */
void drill_stage_begin(struct drill_stage *stage, int64_t now_ms, int64_t wall_ms);
/* What the machine tells happens at that time; wall time is as it is now. */
void drill_stage_set_time(struct drill_stage *stage, int64_t at_ms, int64_t wall_ms);
/* Has the machine's table changed since the last call? That was at the time that was set. */
bool drill_stage_has_moved(struct drill_stage *stage);
/* Does anything ever happen to this monitor? */
bool drill_stage_touches(const struct drill_stage *stage, uint32_t monitor);
/* How a check ends that began then, were it not for what happens in reality. */
struct drill_result drill_stage_check(struct drill_stage *stage, uint32_t monitor, int64_t began_ms);
/* A check of a monitor has ended so, and the machine is about to hear of it; returns whether it is the first
 * to see what has begun or ended last. */
bool drill_stage_note_check(struct drill_stage *stage, uint32_t monitor, enum health_outcome outcome);
/* Nobody hears of an endpoint then, by reports of that check (NULL: by any). */
bool drill_stage_is_silent(const struct drill_stage *stage, uint32_t endpoint, const char *check);
/* The sight of the server itself is lost: so are control targets. */
bool drill_stage_is_blind(const struct drill_stage *stage);
/* How far a copy is behind; below 0: as in reality. */
double drill_stage_find_lag(const struct drill_stage *stage, uint32_t lag);

/* Has all that the document says begun and ended? What lasts for good never has. */
bool drill_stage_is_complete(const struct drill_stage *stage);
/* Is what begins or ends at that time written down as having done so? */
bool drill_stage_has_reached(const struct drill_stage *stage, int64_t at_ms);
/* The index-th time that anything began or ended: when, what, and since then when a check first saw it.
 * False: there were not so many yet. It borrows from the stage. */
bool drill_stage_get_phase(const struct drill_stage *stage, size_t index, struct drill_phase *phase);
/* Likewise the index-th thing that was done by a switchover of the drill. NULL: there were not so many yet.
 */
const char *drill_stage_get_move(const struct drill_stage *stage, size_t index, int64_t *at_ms);
/* What a switchover of the document, by its index, wants of one of its targets now; false: nothing. */
bool drill_stage_get_want(const struct drill_stage *stage, size_t move, size_t target,
                          struct health_override *want);
/* What others desire of a target that is being moved by the drill, which goes on, is what it comes back to.
 * False: the drill does not move it, so that the machine is to hear of it. NULL: nothing is desired. */
bool drill_stage_keep_before(struct drill_stage *stage, enum health_kind kind,
                             const struct health_status *target, const struct health_override *is);
/* What has begun or ended last; NULL: nothing yet. Borrowed while the lock is held. */
const char *drill_stage_get_step(const struct drill_stage *stage);

/* ---- likewise, where several vantages judge: those of the document, which are enrolled ---- */

/* What one says in reality (health/opinion.h); the machine hears what it would say in the drill. */
void drill_stage_hear(struct drill_stage *stage, unsigned vantage, const struct health_heard *heard,
                      size_t count);
/* It is alive; new: it was started anew, and knows of nothing that it said. */
void drill_stage_hear_alive(struct drill_stage *stage, unsigned vantage, bool is_new);
/* Those that are silent in reality, a bit for each number: what they would think anew is not heard. */
void drill_stage_set_silent(struct drill_stage *stage, uint32_t silent);
/* Those that speak again after the document had silenced them, once: all that they say is to be heard now. */
uint32_t drill_stage_take_returned(struct drill_stage *stage);
/* When the next check of theirs ends that something happens to; INT64_MAX: none does before the next turn. */
int64_t drill_stage_next_look(const struct drill_stage *stage);
/* So many of those that have ended by the time that was set; returns whether one of them is the first to see
 * what has begun or ended last, and fails. */
bool drill_stage_look(struct drill_stage *stage, size_t most);

/* ---- by its thread, without the lock ---- */

/* What begins or ends until that time does so. Returns when the next thing does; INT64_MAX: nothing does. */
int64_t drill_stage_turn(struct drill_stage *stage, int64_t at_ms);
/* Looks at answers, if the machine has moved. */
void drill_stage_follow(struct drill_stage *stage);
/* Answers that nobody healthy gives, when they were looked at last. */
size_t drill_stage_count_unserved(const struct drill_stage *stage);
/* Those that lead to what is lost now, when answers were looked at last. */
size_t drill_stage_count_misled(const struct drill_stage *stage);
/* A name that must not move by the objectives, and then did; NULL: none. Borrowed from the stage. */
const char *drill_stage_find_moved(const struct drill_stage *stage);
/* How many have changed so far, each as often as it did; decided_ms: when the latest did, -1: none has. */
size_t drill_stage_count_changes(const struct drill_stage *stage, int64_t *decided_ms);
/* The report as JSON, of a drill of that mode which has lasted so long, when nobody leads the machine any
 * more. Returns owned; NULL: cancelled. */
char *drill_stage_write(struct drill_stage *stage, const char *mode, int64_t until_ms);
