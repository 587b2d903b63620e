/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The running process: an event loop, the servers that the state folder names, the prober. */
#pragma once

/* Until SIGTERM or SIGINT. Returns an exit code. */
int run(const char *folder);
