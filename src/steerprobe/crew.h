/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The prober and its verdicts, for all servers at once: what two of them ask the same of is checked once, and
 * judged for each by its own rules. Results arrive on the prober's thread; everything else is for the control
 * thread. A server has a slot; its list is replaced while the others' go on. */
#pragma once

#include "base/clock.h"
#include "steerprobe/assignment.h"
#include "steerprobe/verdicts.h"

enum { CREW_SLOTS = 16 };

struct crew;

struct crew_hooks {
    void *context;
    /* Something is to be told at once: on the prober's thread. */
    void (*changed)(void *context);
    const _Atomic int64_t *ahead_ms; /* as in probe_hooks */
};

/* Returns 0 and owned, or a negative error. */
int crew_open(const struct clock *clock, const struct crew_hooks *hooks, struct crew **crew);
void crew_close(struct crew *crew); /* with all lists; NULL is fine */

/* Takes the list, in the place of the slot's last one, from which it goes on; NULL: none. blind_ms as in
 * verdicts_new(); the server's name is borrowed, for the log. */
void crew_assign(struct crew *crew, size_t slot, const char *server, struct assignment *assignment,
                 int64_t blind_ms);
struct assignment *crew_get(const struct crew *crew, size_t slot); /* NULL: none */
/* The list of the slot holds as another generation. */
void crew_rename(struct crew *crew, size_t slot, uint64_t generation);
bool crew_aim(struct crew *crew, size_t slot, const struct fleet_aim *aims, size_t count,
              char why[FLEET_WHY_SIZE]);

/* What the slot's server bears; NULL: it does not say. What counts for all checks is the least of what all of
 * them say. */
void crew_limit(struct crew *crew, size_t slot, const struct fleet_limits *limits);
struct fleet_limits crew_get_limits(const struct crew *crew); /* which that is */

/* Of a slot that has a list: as in verdicts.h. */
size_t crew_take_changes(struct crew *crew, size_t slot, struct fleet_opinion *opinions, size_t max);
size_t crew_take_next(struct crew *crew, size_t slot, struct fleet_opinion *opinions, size_t max, bool *ends);
/* Of all slots. What is to be told then is told on this thread. */
void crew_hold_up(struct crew *crew, int64_t for_ms);
void crew_begin_anew(struct crew *crew, size_t slot);
struct verdicts_counts crew_sum_up(struct crew *crew, size_t slot);

void crew_get_stats(struct crew *crew, struct probe_stats *stats);
