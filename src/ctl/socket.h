/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The admin socket from the client's side: one request, one answer, within a time. Failures come back as text
 * for the operator: what was found, and what to do. Signals and partial writes are seen to here; SIGPIPE does
 * not come up. */
#pragma once

#include "base/buffer.h"
#include "ctl/http.h"

#include <stdbool.h>
#include <stdint.h>

struct socket_limits {
    int connect_ms; /* until the server accepts */
    int answer_ms;  /* until the whole answer is there */
};

/* Connect to the socket at this path. Returns false, and why is appended to. */
bool socket_connect(const char *path, const struct socket_limits *limits, int *fd, struct buffer *why);

/* Write the request, read the answer (initialised by the caller); the answer may come before all is written.
 * The descriptor stays the caller's. Returns false likewise. */
bool socket_exchange(int fd, const struct buffer *request, const struct socket_limits *limits,
                     struct http_answer *answer, struct buffer *why);
