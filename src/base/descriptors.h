/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How many files and sockets this process may have open. */
#pragma once

/* As many as the system permits: the soft limit (getrlimit(2)) becomes the hard one. Returns 0, or -errno: it
 * is as it was. */
int descriptors_raise_limit(void);
