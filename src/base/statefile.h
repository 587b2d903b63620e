/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Small files of the state folder, replaced as a whole: a reader finds the old one or the new one, also after
 * the machine has lost its power. */
#pragma once

#include "base/file.h"

#include <stddef.h>

/* *text: owned, NUL behind it; a file that is not there is empty. Returns 0, or a negative error and why in
 * file->why. */
int statefile_read(const char *path, struct file *file, char **text, size_t *len);
/* With these permissions. Returns 0 or -errno; then the old one is still there. */
int statefile_write(const char *path, unsigned mode, const char *text, size_t len);
