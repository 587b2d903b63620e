/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A stream of server-sent events as it comes in, in pieces of any size. Pure. Lines end with LF or CRLF; what
 * is longer than SSE_MAX is a fault, since nothing of ours is. */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

enum { SSE_MAX = 1 << 20, SSE_NAME_SIZE = 64 };

struct sse_event {
    const char *event;   /* its kind; "": not said */
    const char *data;    /* NULL: only an id or a comment has come */
    const char *comment; /* the latest one; NULL: none */
    const char *id;      /* the latest of the stream; "": none yet */
};

struct sse {
    struct buffer line, data, comment;
    char event[SSE_NAME_SIZE], id[SSE_NAME_SIZE];
    bool has_data, has_comment, is_bad;
};

void sse_init(struct sse *sse);
void sse_fini(struct sse *sse);
/* Calls take() for each block that is complete. Returns false for what is no such stream; then for ever. */
bool sse_feed(struct sse *sse, const char *bytes, size_t len,
              void (*take)(void *context, const struct sse_event *event), void *context);
