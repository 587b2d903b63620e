/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Folders for files that live as long as one piece of work: STATE/tmp/NAME-XXXXXX, for their owner alone.
 * Each is locked (flock) by who works in it, so that what a process left that ended at any moment is found
 * and removed, and what others work in is not. Private to src/daemon. */
#pragma once

#include <stddef.h>

struct scratch {
    char *path; /* owned; NULL: not open */
    int fd;
};

/* Where the state folder cannot be written to, as on a copy: in TMPDIR or /tmp. 0, or -errno and the path
 * that could not be made (owned) in scratch->path. */
int scratch_open(const char *state, const char *name, struct scratch *scratch);
void scratch_close(struct scratch *scratch); /* removes it with all that is in it */
/* Remove what nobody works in. Returns how many there were. */
size_t scratch_sweep(const char *state);
