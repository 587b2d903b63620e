/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The serials that zones are served with: whether a zone's content is what it was, and which serial it has
 * now, monotonic by RFC 1982 over changes, reloads, restarts and crashes.
 *
 * Serials that are not the files' are served up to a *ceiling* only: a number that stable storage has for the
 * zone. After a crash the zone goes on above it, so nothing that anybody may have copied comes back. Ceilings
 * are raised in two steps, because storage is slow: keeper_write() says what is to be kept, and what it said
 * counts when keeper_kept() says that it is. Zones that change by themselves have a block of numbers kept in
 * advance (KEEPER_BLOCK, beginning with the time), so that a change needs no storage at all; others have the
 * one number that keeper_reserve() was told of. A zone that has used its numbers up waits: its serial stays
 * until there are more.
 *
 * Pure: time is an argument, and so is the lock: one thread at a time. */
#pragma once

#include "base/buffer.h"
#include "conf/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds that a block reaches ahead of the time, or of the serial where that is newer. Half of it is to be
 * left when it is kept anew. */
enum { KEEPER_BLOCK = 600 };

struct keeper;

/* Without storage there are no ceilings, and serials follow the time after a restart. */
struct keeper *keeper_new(bool has_storage);
void keeper_free(struct keeper *keeper); /* NULL is fine */

/* What is going to be served. */
struct keeper_content {
    enum conf_serial policy;
    uint32_t file_serial; /* of the master file */
    uint64_t fingerprint; /* equal for equal content */
    uint32_t now_s;       /* wall time */
};

struct keeper_decision {
    uint32_t serial;
    bool is_news; /* a serial other than the last one, or the first time that the zone is seen in this run */
    bool is_silent;  /* the content changed and the serial did not: nobody will copy it */
    bool is_older;   /* the serial went back: copies that have the newer one will not follow */
    bool is_waiting; /* the serial has to wait for storage: see keeper_go_on() */
    bool is_low;     /* less than half of the block is left: time to keep more */
};

/* Before keeper_decide() for the same content: which number is to be kept for it. Returns whether storage has
 * to be written first. in_blocks: the zone changes by itself. */
bool keeper_reserve(struct keeper *keeper, const uint8_t *apex, const struct keeper_content *content,
                    bool in_blocks);
/* The serial for this content of a zone (apex: lower case wire), which is remembered. The first serial that a
 * zone ever has follows from its file and the time and does not wait, even if it could not be kept. */
struct keeper_decision keeper_decide(struct keeper *keeper, const uint8_t *apex,
                                     const struct keeper_content *content);
/* How many zones wait, and again for one of them: whether its serial can go on now. */
size_t keeper_count_waiting(const struct keeper *keeper);
bool keeper_go_on(struct keeper *keeper, const uint8_t *apex, uint32_t now_s,
                  struct keeper_decision *decision);

/* What another server, which secondaries may copy from as well, serves the zone with. */
struct keeper_heard {
    uint64_t fingerprint; /* of its content */
    uint32_t serial;
    bool is_last; /* it is gone, and nobody else has that serial or a newer one: who copied it waits for us */
};
/* From now on content of this zone that changes gets a serial newer than that, or that one if it is the same
 * content. The content that is served does as well: the same content gets that serial if it is newer; another
 * one gets a newer one if that one is the last of its kind. Returns whether the serial is another one now. */
bool keeper_hear(struct keeper *keeper, const uint8_t *apex, const struct keeper_heard *heard, uint32_t now_s,
                 struct keeper_decision *decision);

/* ---- storage ---- */

/* One line per zone whose serial is not the file's: origin, number, and the fingerprint of the content that
 * has it, or "-" if numbers up to that may have been used for anything. Writes those from *at to *at + max -
 * 1 of the keeper's order and moves *at on; returns false behind the last one. From the first call to
 * keeper_kept() no other text is to be begun. */
bool keeper_write(struct keeper *keeper, size_t *at, size_t max, uint32_t now_s, struct buffer *to);
/* The whole text is on stable storage. Likewise in steps. */
bool keeper_kept(struct keeper *keeper, size_t *at, size_t max);
/* Nothing is decided any more: from now on what is written is what was served, without blocks. */
void keeper_seal(struct keeper *keeper);
/* But it goes on: blocks are written again. */
void keeper_unseal(struct keeper *keeper);
/* Reads a text into a new keeper. Returns how many lines could not be read: these are left out. A line
 * KEEPER_RESTORED with a wall time in seconds says that the text is a copy from then, and that others may
 * have been served since: at most one a second, so zones go on above those. */
#define KEEPER_RESTORED "# restored "
size_t keeper_parse(struct keeper *keeper, const char *text, size_t len, uint32_t now_s);
