/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The framing of a TCP stream (src/serve/tcp_frame.c). The first octet of the input says how the rest is cut
 * into reads; the stream is framed whole and in those pieces, keeping what is left of each read as
 * tcp_client.c does. Both have to see the same queries, write the same answers and end the same way. */
#include "config.h"

#include "base/hash.h"
#include "serve/tcp_frame.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { OUT_SIZE = TCP_FRAME_MAX + 1000 };

/* What went through. */
struct trace {
    size_t queries, out_len;
    uint64_t asked, answered; /* hashes */
    bool bad;
};

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* 'z': no reply, 'f': the longest, else an echo without its last octets. */
static size_t answer(void *argument, const uint8_t *query, size_t len, uint8_t *out, size_t cap)
{
    struct trace *trace = argument;
    demand(len >= TCP_FRAME_MESSAGE_MIN && len <= TCP_FRAME_MESSAGE_MAX && cap == TCP_FRAME_MESSAGE_MAX);
    trace->queries++;
    trace->asked = hash_bytes(trace->asked, query, len);
    if (query[0] == 'z') {
        return 0;
    }
    memcpy(out, query, len);
    if (query[0] == 'f') {
        memset(out + len, query[1], cap - len);
        return cap;
    }
    return len - query[2] % 12;
}

/* Frame in[0..len); returns how much was used. */
static size_t frame_piece(const uint8_t *in, size_t len, uint8_t *out, struct trace *trace)
{
    struct tcp_frame_batch batch = {.in = in, .in_len = len, .out = out, .out_cap = OUT_SIZE};
    enum tcp_frame_state state;
    do {
        size_t before = batch.in_at;
        batch.out_len = 0;
        state = tcp_frame_answer(&batch, answer, trace);
        demand(batch.in_at <= len && batch.out_len <= OUT_SIZE);
        demand(state != TCP_FRAME_FULL || batch.in_at > before);
        trace->answered = hash_bytes(trace->answered, out, batch.out_len);
        trace->out_len += batch.out_len;
    } while (state == TCP_FRAME_FULL);
    trace->bad = state == TCP_FRAME_BAD;
    demand(trace->bad || len - batch.in_at < TCP_FRAME_MAX);
    return batch.in_at;
}

static struct trace frame_pieces(const uint8_t *bytes, size_t len, size_t piece, uint8_t *out)
{
    struct trace trace = {.asked = HASH_START, .answered = HASH_START};
    size_t done = 0, seen = 0;
    while (seen < len && !trace.bad) {
        size_t take = len - seen < piece ? len - seen : piece;
        seen += take;
        /* A copy of its own, so that a sanitizer sees whoever reads further. */
        uint8_t *copy = malloc(seen - done);
        demand(copy != NULL);
        memcpy(copy, bytes + done, seen - done);
        done += frame_piece(copy, seen - done, out, &trace);
        free(copy);
    }
    return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2) {
        return 0;
    }
    uint8_t *out = malloc(OUT_SIZE);
    demand(out != NULL);
    size_t piece = bytes[0] < 128 ? bytes[0] + 1u : (size_t)bytes[0] * 97;
    struct trace whole = frame_pieces(bytes + 1, len - 1, len, out);
    struct trace cut = frame_pieces(bytes + 1, len - 1, piece, out);
    demand(whole.queries == cut.queries && whole.asked == cut.asked);
    demand(whole.out_len == cut.out_len && whole.answered == cut.answered);
    demand(whole.bad == cut.bad);
    free(out);
    return 0;
}
