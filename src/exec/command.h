/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One command: started, heard, and brought to its end. Used by serve.c only. */
#pragma once

#include "exec/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct command {
    struct command *next;
    pid_t pid; /* and its process group */
    int story; /* -1: nobody wants to know any more */
    int pipe;  /* what it says; -1: all of it was heard */
    char *said;
    size_t len, max;
};

/* Starts it. Takes `story`, which is closed if it could not be started, after a word about that. Returns
 * owned, or NULL. */
struct command *command_start(const struct exec_order *order, int story);
void command_refuse(int story, int error); /* closes it */
/* Something has come. Returns whether more may come. */
bool command_hear(struct command *command);
void command_kill(struct command *command);
/* Its process has ended and was not waited for: what it left behind in its group is killed, the rest of what
 * it said is read, and the story told. Takes it. */
void command_end(struct command *command);
/* It is killed, and nobody waits for that. Takes it. */
void command_leave(struct command *command);
