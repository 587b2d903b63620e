/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A TCP client that means no good: connects, sends malformed messages or none at all, in whatever pieces, may
 * not read the answers, and leaves in one way or another; then comes back as somebody else. Never blocks. */
#pragma once

#include "tests/soak/packets.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STREAM_MAX = 64 << 10 };

enum stream_pace { STREAM_WHOLE, STREAM_PIECES, STREAM_DRIP, STREAM_PACES };
enum stream_end { STREAM_CLOSE, STREAM_RESET, STREAM_SHUT, STREAM_LINGER, STREAM_ENDS };

struct stream {
    int fd;        /* -1: not connected */
    uint32_t left; /* steps before it leaves, once all is sent */
    enum stream_pace pace;
    enum stream_end end;
    bool reads; /* the answers */
    size_t len, at;
    uint8_t bytes[STREAM_MAX];
};

struct stream_totals {
    uint64_t connections, messages, octets, refused; /* refused: connects that failed, ours or theirs */
};

void stream_init(struct stream *stream);
void stream_fini(struct stream *stream);
/* One move: connect, send the next piece, read, or leave. */
void stream_step(struct stream *stream, struct packets *packets, const struct sockaddr_in *server,
                 struct stream_totals *totals);
