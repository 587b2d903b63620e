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
/* May the monitor not become unhealthy now, by a check that took so long? */
bool health_brake_holds(struct health *health, uint32_t monitor, uint32_t duration_us);

/* Does any wait to be taken back, or to fall? */
bool health_brake_waits(const struct health *health);
/* The next one that does, and what its verdict is to be: maybe as it was. Returns false if none does. */
bool health_brake_take(struct health *health, uint32_t *monitor, enum health_observed *verdict);

/* Around any other change of what a monitor says. */
void health_brake_leave(struct health *health, uint32_t monitor);
void health_brake_enter(struct health *health, uint32_t monitor);
/* After the histories of all have changed. */
void health_brake_rebuild(struct health *health);
/* Whether it is on, since when, and so on. */
void health_brake_carry(struct health *to, const struct health *from);
