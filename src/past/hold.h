/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who reads many files of a state folder one after the other, as a backup does, holds off those who remove
 * what nobody needs: by locks on its folders (flock), which end with the process, whatever becomes of it.
 * Where there is no way to lock nobody is held off, and who reads has to look whether anything has gone. */
#pragma once

#include <stdbool.h>

struct hold {
    int fds[3]; /* of folders; -1: there is none */
};

/* Waits for a removal that is under way, but not for ever. */
void hold_take(const char *state, struct hold *hold);
void hold_release(struct hold *hold);

/* May somebody remove in that folder of the state? Until hold_end_sweep() nobody begins to read. *fd is -1
 * where it may be done without. */
bool hold_begin_sweep(const char *state, const char *folder, int *fd);
void hold_end_sweep(int fd);

/* Longer than this nobody is held off by one and the same. */
enum { HOLD_MOST_MS = 3600 * 1000, HOLD_RETRY_MS = 10000 };
