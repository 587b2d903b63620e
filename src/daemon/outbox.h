/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Messages on their way through a channel (channel.h) whose other end takes them when it likes: what does not
 * go at once goes as soon as there is room. On the thread of the event base. Private to src/daemon. */
#pragma once

#include <stddef.h>

#include <jansson.h>

struct event_base;
struct outbox;

/* fd: borrowed. failed: called at most once, with a negative error, if sending has become pointless; but not
 * when the other end has gone, which is heard anyway. Returns owned, or NULL. */
struct outbox *outbox_open(struct event_base *base, int fd, void (*failed)(void *context, int error),
                           void *context);
void outbox_close(struct outbox *outbox); /* what has not gone stays; NULL is fine */
/* Takes the body, borrows the descriptors (up to CHANNEL_FDS_MAX) until it has gone. */
void outbox_send(struct outbox *outbox, json_t *body, const int *fds, size_t fd_count);
