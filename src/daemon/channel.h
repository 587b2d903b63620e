/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What two steerds say to each other while one takes over from the other: JSON objects, each with its "say",
 * and descriptors beside them, over a pair of sockets that keep messages apart (SOCK_SEQPACKET). Members and
 * messages that the other one does not know are passed over; what cannot be passed over is another
 * CHANNEL_VERSION. doc/architecture.md tells who says what when. Private to src/daemon. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

enum {
    CHANNEL_VERSION = 1,
    CHANNEL_FDS_MAX = 250, /* the kernel takes 253 */
    CHANNEL_SIZE = 65536,  /* octets of a message */
};

struct channel_message {
    json_t *body;    /* owned */
    const char *say; /* in the body */
    int fds[CHANNEL_FDS_MAX];
    size_t fd_count; /* descriptors, owned; close-on-exec */
};

/* Both ends: close-on-exec, and neither blocks. 0 or -errno. */
int channel_open(int ends[2]);
/* For processes that are no relatives: one listens at a path (a file that only its user may connect to; one
 * that is there is removed), the other one meets it, which waits for nothing. 0 or -errno. */
int channel_listen(const char *path, int *fd);
int channel_accept(int listener, int *fd);
int channel_meet(const char *path, int *fd);
/* Takes the body. Waits for room at most so long. 0 or -errno (-EPIPE: the other one has gone). */
int channel_send(int fd, json_t *body, int patience_ms);
/* With descriptors, as text, without waiting: -EAGAIN. */
int channel_try_send(int fd, const char *text, const int *fds, size_t fd_count);
/* 0, -EAGAIN, -ECONNRESET (the other one has gone), -EPROTO (that was no message). */
int channel_try_receive(int fd, struct channel_message *message);
/* Likewise; waits at most so long. */
int channel_receive(int fd, struct channel_message *message, int patience_ms);
/* Closes the descriptors that are still in it: those taken are -1. */
void channel_free_message(struct channel_message *message);
