/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A transfer that goes on over a TCP connection: one message is made when the one before it was taken, so a
 * stream costs one message of memory however large the zone is. Owned by the TCP thread, which is offline to
 * the view here: the transfer holds what it reads. */
#pragma once

#include "base/clock.h"
#include "serve/socket.h"
#include "serve/worker.h"
#include "transfer/transfer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcp_stream {
    struct transfer transfer;
    struct worker *worker; /* counts */
    const struct clock *clock;
    const union socket_address *peer; /* for the log */
    int64_t started_ms;
    uint64_t octets;
    uint32_t messages;
};

/* Begin with the transfer whose first message, of len octets, was made: counts it, and takes what it holds
 * (it is closed afterwards). */
void tcp_stream_init(struct tcp_stream *stream, struct transfer *transfer, size_t len);
/* The next message with its length in front. Returns how many octets there are (cap >= TCP_FRAME_MAX), or 0:
 * the stream has failed, and so has the connection. */
size_t tcp_stream_fill(struct tcp_stream *stream, uint8_t *out, size_t cap);
static inline bool tcp_stream_is_over(const struct tcp_stream *stream)
{
    return !transfer_is_open(&stream->transfer);
}
/* Counts and logs how it ended: finished if every message was made and `sent`. */
void tcp_stream_fini(struct tcp_stream *stream, bool sent);
