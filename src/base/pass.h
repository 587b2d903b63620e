/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Messages that carry one descriptor between a process and its helper (unix(7), SCM_RIGHTS), over sockets
 * that keep messages apart (SOCK_SEQPACKET). Nothing here waits. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* The descriptor stays the caller's. Returns 0 or -errno. -EAGAIN: later; -ETOOMANYREFS: too many descriptors
 * are on their way. */
int pass_send(int socket, const void *bytes, size_t len, int fd);

/* Returns how long the message is, 0 when nobody sends any more, or -errno: -EAGAIN when there is none yet,
 * -EBADMSG when it is longer than size. Of a message, the cut one as well, *fd is the caller's, closed on
 * exec; -1: none came, or no descriptor was left here. */
ssize_t pass_receive(int socket, void *bytes, size_t size, int *fd);
