/* SPDX-License-Identifier: BSD-3-Clause
 *
 * DNS messages in a TCP stream (RFC 7766 section 8: two octets of length before each). Bytes only, no I/O:
 * any input is acceptable. Called by tcp_client.c and by the fuzzer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TCP_FRAME_LENGTH_SIZE = 2,
    TCP_FRAME_MESSAGE_MAX = 65535,
    TCP_FRAME_MAX = TCP_FRAME_LENGTH_SIZE + TCP_FRAME_MESSAGE_MAX,
    TCP_FRAME_MESSAGE_MIN = 12, /* a DNS header */
};

enum tcp_frame_state {
    TCP_FRAME_HUNGRY, /* what is left of the input is no complete query */
    TCP_FRAME_FULL,   /* the output cannot take another answer of any size: empty it and go on */
    TCP_FRAME_BAD,    /* what follows in the stream is not worth reading: send the answers and close */
    TCP_FRAME_HELD,   /* the answerer holds the rest back: what it has begun comes first */
};

/* Input and output of one wakeup. Borrows both. */
struct tcp_frame_batch {
    const uint8_t *in;
    size_t in_len, in_at; /* in_at: behind the last query that was answered */
    uint8_t *out;
    size_t out_len, out_cap; /* out_cap >= TCP_FRAME_MAX */
    size_t queries;          /* complete ones so far */
    bool held;               /* set by the answerer: its last answer is the first of several messages */
};

/* Returns the length of the reply in out, 0: no reply is due, which ends the connection. */
typedef size_t tcp_frame_answerer(void *argument, const uint8_t *query, size_t len, uint8_t *out, size_t cap);

/* Answer as many complete queries as there are and as fit. */
enum tcp_frame_state tcp_frame_answer(struct tcp_frame_batch *batch, tcp_frame_answerer *answer,
                                      void *argument);
