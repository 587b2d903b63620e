/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The sink of dnstap: messages as Frame Streams, which libfstrm frames and negotiates, over octets that go
 * out by our own outlet. libfstrm's own writers would wait in read() and write() for whoever listens; its
 * thread with queues would be a second one beside ours. Frames gather in a buffer and leave together. */
#include "config.h"

#include "tap/sink.h"

#include "base/memory.h"
#include "tap/dnstap.h"
#include "tap/outlet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fstrm.h>

enum { FLUSH_AT = 64 << 10, FRAME_HEAD = 4, BUFFER_SIZE = FLUSH_AT + DNSTAP_MESSAGE_MAX + FRAME_HEAD };

struct stream {
    const struct tap_options *options; /* borrowed */
    struct tap_outlet outlet;
    struct fstrm_writer *writer; /* NULL: not open */
    int error;                   /* of the outlet, which libfstrm does not pass on */
    size_t len;
    uint64_t waiting, lost; /* records: in the buffer; that were in it when it broke */
    uint8_t buffer[BUFFER_SIZE], message[DNSTAP_MESSAGE_MAX], scratch[DNSTAP_MESSAGE_MAX];
};

static void *make(const struct tap_options *options, struct tap_hurry hurry)
{
    struct stream *stream = memory_alloc(sizeof *stream);
    stream->options = options;
    tap_outlet_init(&stream->outlet, options, hurry, false);
    return stream;
}

static int fail(struct stream *stream, int error)
{
    stream->error = stream->error == 0 ? error : stream->error;
    return stream->error;
}

static int empty_buffer(struct stream *stream)
{
    int error = stream->len == 0 ? 0 : tap_outlet_write(&stream->outlet, stream->buffer, stream->len);
    stream->len = 0;
    if (error != 0) {
        stream->lost += stream->waiting;
        fail(stream, error);
    }
    stream->waiting = 0;
    return error;
}

/* ---- what libfstrm calls ---- */

static fstrm_res on_open(void *context)
{
    struct stream *stream = context;
    int error = tap_outlet_open(&stream->outlet);
    return error == 0 ? fstrm_res_success : (fail(stream, error), fstrm_res_failure);
}

static fstrm_res on_close(void *context)
{
    struct stream *stream = context;
    bool good = stream->error == 0 && empty_buffer(stream) == 0;
    tap_outlet_close(&stream->outlet);
    return good ? fstrm_res_success : fstrm_res_failure;
}

static fstrm_res on_read(void *context, void *bytes, size_t len)
{
    struct stream *stream = context;
    int error = stream->error != 0 ? stream->error : empty_buffer(stream);
    error = error == 0 ? tap_outlet_read(&stream->outlet, bytes, len) : error;
    return error == 0 ? fstrm_res_success : (fail(stream, error), fstrm_res_failure);
}

static fstrm_res on_write(void *context, const struct iovec *pieces, int count)
{
    struct stream *stream = context;
    for (int i = 0; i < count && stream->error == 0; i++) {
        if (pieces[i].iov_len > BUFFER_SIZE - stream->len) {
            fail(stream, -EMSGSIZE);
        } else {
            memcpy(stream->buffer + stream->len, pieces[i].iov_base, pieces[i].iov_len);
            stream->len += pieces[i].iov_len;
        }
    }
    return stream->error == 0 ? fstrm_res_success : fstrm_res_failure;
}

/* A file is written one way: nobody there answers. */
static struct fstrm_rdwr *new_rdwr(struct stream *stream)
{
    struct fstrm_rdwr *rdwr = fstrm_rdwr_init(stream);
    fstrm_rdwr_set_open(rdwr, on_open);
    fstrm_rdwr_set_close(rdwr, on_close);
    fstrm_rdwr_set_write(rdwr, on_write);
    if (stream->options->target != TAP_TARGET_FILE) {
        fstrm_rdwr_set_read(rdwr, on_read);
    }
    return rdwr;
}

/* ---- the sink ---- */

/* libfstrm says goodbye as it closes, unless that is in vain. */
static void close_stream(void *sink)
{
    struct stream *stream = sink;
    if (stream->writer != NULL) {
        (void)fstrm_writer_destroy(&stream->writer);
    }
    tap_outlet_close(&stream->outlet);
    stream->lost += stream->waiting;
    stream->waiting = 0;
    stream->len = 0;
}

static int open_stream(void *sink)
{
    struct stream *stream = sink;
    struct fstrm_writer_options *options = fstrm_writer_options_init();
    struct fstrm_rdwr *rdwr = new_rdwr(stream);
    stream->error = 0;
    (void)fstrm_writer_options_add_content_type(options, DNSTAP_CONTENT_TYPE, sizeof DNSTAP_CONTENT_TYPE - 1);
    stream->writer = fstrm_writer_init(options, &rdwr);
    fstrm_writer_options_destroy(&options);
    bool good = stream->writer != NULL && fstrm_writer_open(stream->writer) == fstrm_res_success;
    if (good) {
        (void)empty_buffer(stream);
    }
    if (!good || stream->error != 0) {
        int error = fail(stream, -EPROTO); /* it is no receiver of dnstap */
        close_stream(stream);
        return error;
    }
    return 0;
}

static int flush(void *sink)
{
    struct stream *stream = sink;
    return stream->error != 0 ? stream->error : empty_buffer(stream);
}

static int send_message(struct stream *stream, const struct tap_record *record, enum dnstap_type type)
{
    size_t len = dnstap_encode(record, type, stream->options, stream->message, stream->scratch);
    if (len == 0) {
        return 0;
    }
    if (fstrm_writer_write(stream->writer, stream->message, len) != fstrm_res_success) {
        return fail(stream, -EPROTO);
    }
    return stream->len < FLUSH_AT ? 0 : empty_buffer(stream);
}

static int take(void *sink, const struct tap_record *record)
{
    struct stream *stream = sink;
    enum conf_dnstap_messages messages = stream->options->messages;
    int error = 0;
    stream->waiting++;
    if (messages != CONF_DNSTAP_RESPONSES) {
        error = send_message(stream, record, DNSTAP_AUTH_QUERY);
    }
    if (error == 0 && messages != CONF_DNSTAP_QUERIES && record->reply_len != 0) {
        error = send_message(stream, record, DNSTAP_AUTH_RESPONSE);
    }
    return error;
}

static bool has_moved(void *sink)
{
    return tap_outlet_has_moved(&((struct stream *)sink)->outlet);
}

static uint64_t count_lost(void *sink)
{
    struct stream *stream = sink;
    uint64_t lost = stream->lost;
    stream->lost = 0;
    return lost;
}

static void free_stream(void *sink)
{
    close_stream(sink);
    free(sink);
}

const struct tap_sink tap_dnstap_sink = {.make = make,
                                         .open = open_stream,
                                         .take = take,
                                         .flush = flush,
                                         .has_moved = has_moved,
                                         .close = close_stream,
                                         .count_lost = count_lost,
                                         .free = free_stream};
