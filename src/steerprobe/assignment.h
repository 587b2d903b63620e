/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A server's list of what to check, as its lines come in, and then as the prober and the verdicts need it. A
 * check that this version cannot make is refused with a reason, and its targets hold their places; a list
 * that contradicts itself is refused as a whole. Owned by the control thread; nothing here logs or waits. */
#pragma once

#include "base/arena.h"
#include "fleet/message.h"
#include "probe/probe.h"
#include "steerprobe/verdicts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct assignment;

enum {
    ASSIGNMENT_TARGETS_MAX = 1 << 18,
    ASSIGNMENT_CHECKS_MAX = 4096,
};

/* Of so many targets; `salt` is another one for each server. Returns held once. */
struct assignment *assignment_new(uint64_t generation, uint32_t count, uint64_t salt);
struct assignment *assignment_hold(struct assignment *assignment); /* once more */
void assignment_drop(struct assignment *assignment);               /* NULL is fine */

/* What follows, in the order of the protocol: false and why if it may not be. */
bool assignment_add_check(struct assignment *assignment, const struct fleet_check *check,
                          char why[FLEET_WHY_SIZE]);
bool assignment_add_targets(struct assignment *assignment, const struct fleet_target *targets, size_t count,
                            char why[FLEET_WHY_SIZE]);
/* Targets of another one, whole as it is, that are in this one, too: their checks have other numbers here. */
bool assignment_keep(struct assignment *assignment, const struct assignment *from,
                     const struct fleet_range *ranges, size_t count, char why[FLEET_WHY_SIZE]);
bool assignment_finish(struct assignment *assignment, char why[FLEET_WHY_SIZE]);

/* ---- of a whole one ---- */

uint64_t assignment_generation(const struct assignment *assignment);
void assignment_rename(struct assignment *assignment, uint64_t generation); /* it holds as that one, too */
/* What the server knows it by; 0: it has not said. */
void assignment_set_mark(struct assignment *assignment, uint64_t mark);
uint64_t assignment_mark(const struct assignment *assignment);
size_t assignment_count(const struct assignment *assignment);
size_t assignment_count_checks(const struct assignment *assignment);
/* Borrowed from it. */
const struct fleet_untaken *assignment_refused(const struct assignment *assignment, size_t *count);

/* Some targets have other addresses now. False and why: one of them is not there. */
bool assignment_aim(struct assignment *assignment, const struct fleet_aim *aims, size_t count,
                    char why[FLEET_WHY_SIZE]);

/* Of a target; texts and addresses are borrowed from the assignment, parts are in the arena. */
struct probe_target assignment_describe(const struct assignment *assignment, size_t index,
                                        struct arena *arena);
void assignment_plan(const struct assignment *assignment, struct verdicts_plan *plans);
const char *assignment_name(const struct assignment *assignment, size_t index);    /* for people; borrowed */
ptrdiff_t assignment_find(const struct assignment *assignment, uint64_t identity); /* -1: none */
