/* SPDX-License-Identifier: BSD-3-Clause
 *
 * state/webhooks: written by a thread, soon after something has changed and at most once a second. Inside
 * this folder only. */
#pragma once

#include "herald/box.h"

#include <stdbool.h>

struct event_base;
struct keep;

/* 0, also if there is none; else why it could not be read. */
int keep_read(const char *path, struct box *box);
/* copy() makes what is to be written, owned, on the thread of the loop. Returns owned, or NULL. */
struct keep *keep_open(struct event_base *base, const char *path,
                       void (*copy)(void *context, struct box *box), void *context);
void keep_soon(struct keep *keep);
void keep_now(struct keep *keep);
bool keep_is_calm(struct keep *keep); /* what was asked has been tried */
int keep_error(const struct keep *keep);
/* Writes once more, if it is to; waits a moment for the disk. */
void keep_close(struct keep *keep, bool writes);
