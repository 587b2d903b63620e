/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Transfers over TCP: see tcp_stream.h. */
#include "config.h"

#include "serve/tcp_stream.h"

#include "base/cursor.h"
#include "base/log.h"
#include "base/sanitizer.h"
#include "dns/name.h"
#include "serve/tcp_frame.h"

void tcp_stream_init(struct tcp_stream *stream, struct transfer *transfer, size_t len)
{
    stream->transfer = *transfer; /* with the references */
    *transfer = (struct transfer){.stage = TRANSFER_OVER};
    stream->started_ms = clock_now_ms(stream->clock);
    stream->octets = len;
    stream->messages = 1;
    worker_count(stream->worker, ANSWER_COUNT_TRANSFER_STARTED, 1);
}

size_t tcp_stream_fill(struct tcp_stream *stream, uint8_t *out, size_t cap)
{
    sanitizer_poison(out + TCP_FRAME_MAX, cap - TCP_FRAME_MAX); /* nobody may write behind its room */
    size_t len = transfer_write(&stream->transfer, out + TCP_FRAME_LENGTH_SIZE, TCP_FRAME_MESSAGE_MAX,
                                clock_coarse_wall_s());
    sanitizer_unpoison(out + TCP_FRAME_MAX, cap - TCP_FRAME_MAX);
    if (len == 0) {
        return 0;
    }
    struct cursor length = cursor_init(out, TCP_FRAME_LENGTH_SIZE);
    cursor_write_u16(&length, (uint16_t)len);
    stream->octets += len;
    stream->messages++;
    return TCP_FRAME_LENGTH_SIZE + len;
}

void tcp_stream_fini(struct tcp_stream *stream, bool sent)
{
    char zone[DNS_NAME_TEXT_SIZE], peer[ADDR_TEXT_SIZE];
    struct addr_port at;
    bool finished = sent && tcp_stream_is_over(stream);
    addr_from_sockaddr(&stream->peer->any, &at);
    worker_count(stream->worker, finished ? ANSWER_COUNT_TRANSFER_FINISHED : ANSWER_COUNT_TRANSFER_ABORTED,
                 1);
    log_info("transfer result=%s zone=%s to=%s serial=%u messages=%u octets=%lu signed=%s duration_ms=%ld",
             finished ? "finished" : "aborted", dns_name_write(transfer_get_apex(&stream->transfer), zone),
             addr_write_port(&at, peer), stream->transfer.serial, stream->messages,
             (unsigned long)stream->octets, transfer_is_signed(&stream->transfer) ? "yes" : "no",
             (long)(clock_now_ms(stream->clock) - stream->started_ms));
    transfer_fini(&stream->transfer);
}
