/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From a stream of queries to a stream of answers: see tcp_frame.h. */
#include "config.h"

#include "serve/tcp_frame.h"

#include "base/cursor.h"
#include "base/sanitizer.h"

/* Under AddressSanitizer the query that ends at `end` ends there, and nobody may write behind the room for
 * its answer. */
static size_t answer_guarded(const struct tcp_frame_batch *batch, tcp_frame_answerer *answer, void *argument,
                             const uint8_t *query, size_t end)
{
    uint8_t *out = batch->out + batch->out_len, *behind = out + TCP_FRAME_MAX;
    size_t unused = batch->out_cap - batch->out_len - TCP_FRAME_MAX;
    sanitizer_poison(batch->in + end, batch->in_len - end);
    sanitizer_poison(behind, unused);
    size_t len = answer(argument, query, (size_t)(batch->in + end - query), out + TCP_FRAME_LENGTH_SIZE,
                        TCP_FRAME_MESSAGE_MAX);
    sanitizer_unpoison(behind, unused);
    sanitizer_unpoison(batch->in + end, batch->in_len - end);
    return len;
}

enum tcp_frame_state tcp_frame_answer(struct tcp_frame_batch *batch, tcp_frame_answerer *answer,
                                      void *argument)
{
    struct cursor in = cursor_init_const(batch->in, batch->in_len);
    in.at = batch->in_at;
    for (;;) {
        size_t len = cursor_read_u16(&in);
        if (!in.failed && len < TCP_FRAME_MESSAGE_MIN) {
            return TCP_FRAME_BAD;
        }
        const uint8_t *query = cursor_take(&in, len);
        if (query == NULL) {
            return TCP_FRAME_HUNGRY;
        }
        if (batch->out_cap - batch->out_len < TCP_FRAME_MAX) {
            return TCP_FRAME_FULL;
        }
        uint8_t *out = batch->out + batch->out_len;
        size_t reply_len = answer_guarded(batch, answer, argument, query, in.at);
        batch->in_at = in.at;
        batch->queries++;
        if (reply_len == 0) {
            return TCP_FRAME_BAD;
        }
        struct cursor length = cursor_init(out, TCP_FRAME_LENGTH_SIZE);
        cursor_write_u16(&length, (uint16_t)reply_len);
        batch->out_len += TCP_FRAME_LENGTH_SIZE + reply_len;
        if (batch->held) {
            return TCP_FRAME_HELD;
        }
    }
}
