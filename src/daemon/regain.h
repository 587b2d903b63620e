/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A store that could not be read at the start: a thread tries every second, and what the store held before
 * this process wrote to it comes into force as it would have at the start (overrides.h), in turns. What was
 * ordered meanwhile is later, and wins; the log tells of each such one. Belongs to the control thread.
 * Private to src/daemon. */
#pragma once

#include "health/health.h"

struct overrides_reading;
struct regain;
struct report;
struct server;

struct regain_options {
    struct server *server;
    const char *folder;
    void *context;
    /* What to read with, but for the machine. */
    void (*begin)(void *context, struct report *report, struct overrides_reading *reading);
    void (*end)(void *context); /* all is in force; it may be closed */
    /* Not NULL: all that holds is known, of a store that was exchanged for this one. Nothing of it comes into
     * force: called for each target of which it holds something, and the machine does not. */
    void (*remove)(void *context, enum health_kind kind, const char *name);
};

/* NULL: there is no thread or memory for it, which is in the log. */
struct regain *regain_open(const struct regain_options *options);
/* A disk that hangs keeps the thread and what it has. NULL is fine. */
void regain_close(struct regain *regain);

/* The last entry that another process has written, once that is known. */
void regain_note_base(struct regain *regain, uint64_t seq);
/* An order about it has come, or ended, by now: it is not what it was at the start. NULL is fine. */
void regain_note(struct regain *regain, enum health_kind kind, const char *name);
