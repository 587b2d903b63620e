/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Serving. On top of everything in this folder but the program itself. Private to src/daemon. */
#pragma once

/* Serve what the document at path says until a signal ends it. argv: how this program was started,
 * for one that takes over. Returns the exit code. */
int server_run(const char *path, char *const *argv);
