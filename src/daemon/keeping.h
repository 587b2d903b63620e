/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The keeper of serials, its file in the state folder, and the threads around them: the loader that reserves
 * and prepares, the control thread that flips, the scribe that writes. Every function may be called by any of
 * them and holds a lock for a few microseconds; only keeping_open() reads, and only keeping_wait() waits for
 * the disk.
 *
 * Between keeping_freeze() and keeping_thaw() a new view has its serials and the current one still serves:
 * flips get none then, so that what the new view has stays the newest. Private to src/daemon. */
#pragma once

#include "base/clock.h"
#include "transfer/keeper.h"

struct keeping;

/* folder: for the state; NULL: there is none. Returns owned. */
struct keeping *keeping_open(const char *folder, const struct clock *clock);
/* The process ends: nobody waits for the disk any more. */
void keeping_hurry(struct keeping *keeping);
/* What is served is written once more, without what was reserved; a disk that takes longer than half a second
 * is left alone with it. NULL is fine. */
void keeping_close(struct keeping *keeping);

/* Another process is going to use the file: flips get no serials any more, and what is served is written once
 * more, without what was reserved. When keeping_is_given() nothing is written any more; until then the disk
 * is busy. */
void keeping_give(struct keeping *keeping);
bool keeping_is_given(struct keeping *keeping);
/* The other process has gone: everything is as before. */
void keeping_take_back(struct keeping *keeping);

bool keeping_has_file(const struct keeping *keeping);

/* As keeper_reserve(). keeping_wait() then waits until the disk has what was reserved, or has failed. */
void keeping_reserve(struct keeping *keeping, const uint8_t *apex, struct keeper_content content,
                     bool in_blocks);
void keeping_wait(struct keeping *keeping);

void keeping_freeze(struct keeping *keeping);
void keeping_thaw(struct keeping *keeping);
/* As keeper_decide(); now_s is filled in. */
struct keeper_decision keeping_decide(struct keeping *keeping, const uint8_t *apex,
                                      struct keeper_content content);
/* Likewise, for what changed in the current view. false: a new view has its serials already. */
bool keeping_decide_flip(struct keeping *keeping, const uint8_t *apex, struct keeper_content content,
                         struct keeper_decision *decision);
/* Once a second: blocks that run low are kept anew. Returns whether zones wait that may go on now. */
bool keeping_tick(struct keeping *keeping);
bool keeping_go_on(struct keeping *keeping, const uint8_t *apex, struct keeper_decision *decision);

/* As keeper_hear(). */
bool keeping_hear(struct keeping *keeping, const uint8_t *apex, const struct keeper_heard *heard,
                  struct keeper_decision *decision);

struct keeping_stats {
    size_t waiting; /* zones whose serial waits for the disk */
    uint64_t saves, failures;
};
void keeping_get_stats(struct keeping *keeping, struct keeping_stats *stats);
