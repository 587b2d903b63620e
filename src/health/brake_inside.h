/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The brake, for the files of src/health only. What a monitor says of it (`says`, `suspected_ms`) is part of
 * its history; the rest follows from that, but for what health_brake_carry() takes along. */
#pragma once

#include "health/machine.h"

enum health_says {
    HEALTH_SAYS_NOTHING, /* never seen healthy, not observed, or failing for long */
    HEALTH_SAYS_ANSWERS,
    HEALTH_SAYS_SUSPECT, /* was healthy, fails lately */
};

/* Plan is NULL where there is none: every call then does nothing. */
void health_brake_add(struct health *health, const struct health_brake_plan *plan);
void health_brake_add_like(struct health *health, const struct health *from);

/* A result that is none of ours, before it is judged. */
void health_brake_hear(struct health *health, uint32_t monitor, enum health_outcome outcome);
/* One of its control targets was checked: see health_observe_control(). */
void health_brake_hear_control(struct health *health, uint32_t control, enum health_outcome outcome);
/* Those that are not observed answer: see health_assume_answers(). */
void health_brake_assume(struct health *health);
/* May the monitor not become unhealthy now, by a check that took so long? */
bool health_brake_holds(struct health *health, uint32_t monitor, uint32_t duration_us);

/* Does any wait to be taken back, or to fall? */
bool health_brake_waits(const struct health *health);
/* The next one that does, and what its verdict is to be: maybe as it was. Returns false if none does. */
bool health_brake_take(struct health *health, uint32_t *monitor, enum health_observed *verdict);

/* When the oldest of those failed that are suspected along with this one. */
int64_t health_brake_find_first(const struct health *health, uint32_t monitor);

/* Around any other change of what a monitor says. */
void health_brake_leave(struct health *health, uint32_t monitor);
void health_brake_enter(struct health *health, uint32_t monitor);
/* Another history for it, from a machine whose windows are other ones: until health_brake_carry() takes those
 * along too, or health_brake_resume() finds out. */
void health_brake_replace(struct health *health, uint32_t monitor, const struct health_history *history);
void health_brake_resume(struct health *health);
/* After the histories of all have changed. */
void health_brake_rebuild(struct health *health);
/* Whether it is on, since when, and so on. */
void health_brake_carry(struct health *to, const struct health *from);
