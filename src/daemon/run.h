/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Serving. On top of everything in this folder but the program itself. Private to src/daemon. */
#pragma once

#include <stdbool.h>

/* Serve what the document at path says until a signal ends it. argv: how this program was started,
 * for one that takes over. takes_over: from whoever serves with this configuration, if anybody does. Returns
 * the exit code. */
int server_run(const char *path, char *const *argv, bool takes_over);
