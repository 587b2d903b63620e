/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Taking over from a running server, which has started this one (takeover.h): gets its sockets and locks
 * before anything is loaded, what operators said when everything is, and answers before that one ends. If
 * that one dies, however early, this one goes on alone, with what it has, as after a crash. On the control
 * thread. Private to src/daemon. */
#pragma once

#include "base/report.h"

#include <stdbool.h>

struct heir;
struct server;
struct view;

/* Does this process take over? Then waits for what it is given: 0 and owned, or NULL. An error is logged. */
int heir_open(struct server *server, struct heir **heir);
/* Has the one before died? NULL is fine. */
bool heir_is_alone(const struct heir *heir);
/* Everything that is open; the other side takes the end of it for the end of this process. NULL is fine. */
void heir_close(struct heir *heir);

/* Why this process is about to end: the other one tells whoever asked. NULL is fine. */
void heir_confess(struct heir *heir, const char *why, const struct report *report);

/* Does the other one accept no commands ("commands": "never")? NULL is fine. */
bool heir_has_no_commands(const struct heir *heir);

/* Before the folders are taken: those of this view that the other one has are. Its cookies are good here. */
void heir_use_files(struct heir *heir, struct view *view);
/* The options of the sockets: those that are there. To be called before serve_open(), and after. */
void heir_lend_sockets(struct heir *heir);
void heir_note_sockets(struct heir *heir);
/* The listening descriptors of the admin API beside its socket. Those that are used become -1. Returns how
 * many. */
size_t heir_lend_listeners(struct heir *heir, int **fds);
bool heir_has_admin(const struct heir *heir); /* it was taken, and is not this process's alone yet */
int heir_take_admin(struct heir *heir);       /* the listening descriptor, the caller's now; -1: none */

/* It is another one than this configuration wants. */
void heir_give_back_admin(struct heir *heir, int fd);

/* All is there, but the state. `enter` is called when that is, too: it is to answer queries before it
 * returns, but nothing else that others could rely on; `settle` when the other one has ended, or is about
 * to; and `open_up` when that one reads no queries any more, so that what is ordered holds for all answers.
 * Returns 0, or a negative error of theirs, which later is server->start_error and ends the event loop. */
struct heir_turns {
    int (*enter)(struct server *server);
    int (*settle)(struct server *server);
    void (*open_up)(struct server *server);
};
/* When it is entered: what was said of overrides, if they are not in the store, and of loads. */
void heir_use_state(struct heir *heir, bool with_overrides);
/* Is the state folder that of the other one, and does its store have everything that was said? */
bool heir_has_store(const struct heir *heir);
int heir_wait(struct heir *heir, const struct heir_turns *turns);
