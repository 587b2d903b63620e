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
    pid_t pid;      /* and its process group */
    ptrdiff_t kept; /* by the warden; -1: not */
    int story;      /* -1: nobody wants to know any more */
    int pipe;       /* what it says; -1: all of it was heard */
    uint64_t mark;  /* of what it is: others with the same words and variables have the same */
    char *said;
    size_t len, max;
    bool keeps_end; /* of what is more than `max` */
};

uint64_t command_mark(const struct exec_order *order);
/* Starts it. Takes `story`, which is closed if it could not be started, after a word about that. Returns
 * owned, or NULL. */
struct command *command_start(const struct exec_order *order, int story);
void command_refuse(int story, enum exec_story_kind why, int value); /* closes it */
/* Something has come. Returns whether more may come. */
bool command_hear(struct command *command);
void command_kill(const struct command *command);
/* Nobody wants to know of it any more: it is killed, and holds no descriptor. Its end may come late, or
 * never: where a disk hangs, or if it runs as somebody else. */
void command_give_up(struct command *command);
/* Its process has ended and was not waited for: what it left behind in its group is killed, the rest of what
 * it said is read, and the story told. Takes it. */
void command_end(struct command *command);
/* It is killed, and nobody waits for that. Takes it. */
void command_leave(struct command *command);
