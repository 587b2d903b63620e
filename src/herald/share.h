/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What one of several servers tells a receiver of what all of them see. Who does holds events until a record
 * of them is written where the others see it, and only then sends them, as one batch with an ID that follows
 * from the record; the others hold theirs until a record has them. So each is sent by one, and what was
 * recorded and is not known to be delivered is sent by who comes next, by the same ID. Pure: no sockets, no
 * clock. */
#pragma once

#include "base/buffer.h"
#include "herald/letter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHARE_HELD_MAX = 1000, SHARE_SEEN_MAX = 1000 };

/* Of a letter, that is what is the same of the event on all servers. */
struct share_seen {
    uint64_t key;
    int64_t wall_ms;
};

struct share {
    uint64_t run;        /* of what is sent so: the same on all servers */
    int64_t since_ms;    /* wall: what happened before this server did not see */
    struct letters held; /* that are in no record yet */
    struct letters open; /* of the latest record, unless it is known to be delivered; of `run` */
    bool is_mine;        /* this server has made it, and whether it is written is not known */
    uint64_t last;       /* number of the last event of the latest record */
    uint64_t before;     /* … of the one before, while `is_mine` */
    int64_t latest_ms;   /* the latest event that a record had, wall */
    struct share_seen seen[SHARE_SEEN_MAX]; /* of records, and did not come here yet */
    size_t seen_count;
    uint64_t lost; /* there was no room for */
};

/* Do all servers see it, by its JSON? */
bool share_concerns(const char *text, size_t len);

/* An event came; it is held on its own, or was recorded already. */
void share_take(struct share *share, struct letter *letter);
/* A record, as share_record() or share_end() write it. Returns 0, or ERROR_SYNTAX: it is none. */
int share_hear(struct share *share, const char *text);
/* What is held goes into a record, as much as a batch takes; into `open`, with numbers. False: there is
 * nothing, or one is open. */
bool share_record(struct share *share, size_t batch, int64_t wall_ms, struct buffer *text);
/* It was not written: it is held again. */
void share_undo(struct share *share);
/* What is open was delivered, or given up. */
void share_end(struct share *share, struct buffer *text);
/* Those that were in no record though such as came later were: nobody else has seen them. To `to`. */
void share_find_alone(struct share *share, struct letters *to);
void share_fini(struct share *share);
