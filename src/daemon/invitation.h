/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A process that somebody has started (`steerd --takeover`) asks the one that runs, by its admin socket, to
 * be replaced by it: it listens beside that socket, asks, and is met there by the other one, which sees who
 * it is. From then on it is an heir as any other (heir.h). Private to src/daemon. */
#pragma once

/* Where an heir listens: beside the admin socket. Owned. */
char *invitation_write_path(const char *admin_socket);
/* Waits until it is met. 0: *channel is ours; ERROR_NOT_FOUND: nobody serves with this configuration, or it
 * cannot be used; else nothing comes of it, and the log says why. Before any other thread needs time. */
int invitation_send(const char *config, int *channel);
