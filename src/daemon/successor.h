/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The process that takes over, as the one that goes sees it: a child of it, or one that somebody else has
 * started and that asks to be the next one. It has to be killed for sure should it fail, so that nothing of
 * it writes any more; so a descriptor of the process is held, not its number alone. Private to src/daemon. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct successor {
    pid_t pid;
    int fd; /* of the process; -1: there is none, or it cannot be had of a child */
    bool is_child, has_ended;
    int status; /* of a child that has ended, as waitpid() tells it */
};

/* Starts the program with its end of the channel. 0 or -errno. */
int successor_start(struct successor *successor, char *const *argv, int channel);
/* Whoever listens at the socket of this path is met there: *channel is ours then, and does not block. It has
 * to be of this user (or root), and within reach of signals. 0; -EACCES: it is not; -ECONNREFUSED,
 * -ENOENT … : nobody listens. */
int successor_meet(struct successor *successor, const char *path, int *channel);
/* Without waiting. Whether it has ended. */
bool successor_has_ended(struct successor *successor);
void successor_signal(const struct successor *successor, int number);
/* Kills it, and waits for its end, which may take a moment. */
void successor_end(struct successor *successor);
/* How a child ended, "by signal 11 (Segmentation fault)"; owned. */
char *successor_describe(const struct successor *successor);
void successor_close(struct successor *successor);
