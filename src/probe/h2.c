/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See h2.h. */
#include "config.h"

#include "probe/h2.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MEMORY_MAX = 128 * 1024, /* a session that is well takes less than a quarter of that */
    ACKS_MAX = 100,          /* answers to PING and SETTINGS that wait to be said */
    OUT_MAX = 16384,         /* octets that are gathered to be said at once */
    FIELD_OVERHEAD = 32,     /* RFC 9113 section 6.5.2 */
    TRACED_MAX = 4096,       /* octets of the text of a frame */
    LATE_MAX = 81920, /* octets of an answer that was given up: a window (RFC 9113 section 6.9.2), framed */
};

struct h2 {
    nghttp2_session *session;
    struct h2_ear ear;
    size_t held; /* octets, by the session */
    bool is_out_of_memory;
    enum h2_state state;
    uint32_t code;
    bool is_dead;    /* nothing more comes of this connection */
    bool is_leaving; /* GOAWAY has come */
    int32_t stream;  /* of the request; 0: none yet */
    bool is_closed;  /* … of which both sides are done */
    bool is_reset;   /* RST_STREAM has come for it */
    size_t left;     /* octets that may still come */
    size_t late;     /* … beyond those of the next answer */
    size_t fields;   /* octets of header fields of the answer */
    uint16_t status; /* of the section that is read; 0: not yet */
    bool has_head;   /* that of the answer is over */
    const uint8_t *body;
    size_t body_len, body_at;
    struct buffer out; /* from nghttp2, not yet said */
    struct buffer traced;
};

/* ---- memory ---- */

/* In front of each piece. */
union piece {
    size_t size;
    max_align_t aligned;
};

static bool take(struct h2 *h2, size_t size)
{
    if (size > MEMORY_MAX || h2->held + size > MEMORY_MAX) {
        return false;
    }
    h2->held += size;
    return true;
}

static void *resize(void *old, size_t size, void *context)
{
    struct h2 *h2 = context;
    union piece *piece = old == NULL ? NULL : (union piece *)old - 1;
    size_t had = piece == NULL ? 0 : piece->size;
    if (size > had && !take(h2, size - had)) {
        return NULL;
    }
    union piece *made = realloc(piece, sizeof *made + size);
    if (made == NULL) {
        h2->held -= size > had ? size - had : 0;
        h2->is_out_of_memory = true;
        return NULL;
    }
    h2->held -= size < had ? had - size : 0;
    made->size = size;
    return made + 1;
}

static void *get(size_t size, void *context)
{
    return resize(NULL, size, context);
}

static void *get_zeroed(size_t count, size_t size, void *context)
{
    void *made = size != 0 && count > MEMORY_MAX / size ? NULL : get(count * size, context);
    return made == NULL ? NULL : memset(made, 0, count * size);
}

static void give_back(void *old, void *context)
{
    if (old != NULL) {
        union piece *piece = (union piece *)old - 1;
        ((struct h2 *)context)->held -= piece->size;
        free(piece);
    }
}

/* ---- what is told of frames ---- */

static const char *const frame_names[] = {"DATA",          "HEADERS",      "PRIORITY", "RST_STREAM",
                                          "SETTINGS",      "PUSH_PROMISE", "PING",     "GOAWAY",
                                          "WINDOW_UPDATE", "CONTINUATION"};

static const char *const code_names[] = {"NO_ERROR",
                                         "PROTOCOL_ERROR",
                                         "INTERNAL_ERROR",
                                         "FLOW_CONTROL_ERROR",
                                         "SETTINGS_TIMEOUT",
                                         "STREAM_CLOSED",
                                         "FRAME_SIZE_ERROR",
                                         "REFUSED_STREAM",
                                         "CANCEL",
                                         "COMPRESSION_ERROR",
                                         "CONNECT_ERROR",
                                         "ENHANCE_YOUR_CALM",
                                         "INADEQUATE_SECURITY",
                                         "HTTP_1_1_REQUIRED"};

const char *h2_code_text(uint32_t code)
{
    return code < sizeof code_names / sizeof *code_names ? code_names[code] : "?";
}

/* "HEADERS stream 1, END_STREAM" */
static void write_frame(struct buffer *out, const nghttp2_frame *frame)
{
    const size_t count = sizeof frame_names / sizeof *frame_names;
    uint8_t type = frame->hd.type, flags = frame->hd.flags;
    bool has_end = type == NGHTTP2_DATA || type == NGHTTP2_HEADERS;
    bool has_ack = type == NGHTTP2_SETTINGS || type == NGHTTP2_PING;
    buffer_print(out, "%s", type < count ? frame_names[type] : "frame of an unknown type");
    if (frame->hd.stream_id != 0) {
        buffer_print(out, " stream %d", (int)frame->hd.stream_id);
    }
    if (type == NGHTTP2_DATA) {
        buffer_print(out, ", %zu octets", frame->hd.length);
    } else if (type == NGHTTP2_RST_STREAM) {
        buffer_print(out, ", %s", h2_code_text(frame->rst_stream.error_code));
    } else if (type == NGHTTP2_GOAWAY) {
        buffer_print(out, ", %s, last stream %d", h2_code_text(frame->goaway.error_code),
                     (int)frame->goaway.last_stream_id);
    }
    buffer_add_text(out, has_ack && (flags & NGHTTP2_FLAG_ACK) != 0          ? ", ACK"
                         : has_end && (flags & NGHTTP2_FLAG_END_STREAM) != 0 ? ", END_STREAM"
                                                                             : "");
}

static void write_field(struct buffer *out, const nghttp2_vec *name, const nghttp2_vec *value)
{
    if (out->len + name->len + value->len + 3 <= TRACED_MAX) {
        buffer_print(out, "\n%.*s: %.*s", (int)name->len, (const char *)name->base, (int)value->len,
                     (const char *)value->base);
    }
}

/* The fields or the octets of one that has come were noted before it ended. */
static void tell_frame(struct h2 *h2, bool is_sent, const nghttp2_frame *frame)
{
    struct buffer text;
    if (h2->ear.traced == NULL) {
        return;
    }
    buffer_init(&text);
    write_frame(&text, frame);
    if (is_sent && frame->hd.type == NGHTTP2_HEADERS) {
        for (size_t i = 0; i < frame->headers.nvlen; i++) {
            const nghttp2_nv *nv = &frame->headers.nva[i];
            const nghttp2_vec name = {.base = nv->name, .len = nv->namelen};
            const nghttp2_vec value = {.base = nv->value, .len = nv->valuelen};
            write_field(&text, &name, &value);
        }
    } else if (!is_sent) {
        buffer_add(&text, h2->traced.bytes, h2->traced.len);
        h2->traced.len = 0;
    }
    h2->ear.traced(h2->ear.context, is_sent, text.bytes, text.len);
    buffer_fini(&text);
}

/* ---- what nghttp2 calls ---- */

static void set_state(struct h2 *h2, enum h2_state state, uint32_t code)
{
    h2->is_dead = h2->is_dead || state == H2_BROKEN || state == H2_NO_MEMORY;
    if (h2->state == H2_GOES_ON) {
        h2->state = state;
        h2->code = code;
    }
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    (void)session, (void)frame;
    ((struct h2 *)context)->status = 0;
    return 0;
}

static int refuse(struct h2 *h2)
{
    set_state(h2, H2_BROKEN, 0);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* nghttp2 has seen to it that names and values are well-formed, that :status comes first, once, and has three
 * digits. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *of_name,
                     nghttp2_rcbuf *of_value, uint8_t flags, void *context)
{
    (void)session, (void)flags;
    struct h2 *h2 = context;
    nghttp2_vec name = nghttp2_rcbuf_get_buf(of_name), value = nghttp2_rcbuf_get_buf(of_value);
    h2->fields += name.len + value.len + FIELD_OVERHEAD;
    if (h2->fields > H2_FIELDS_MAX) {
        return refuse(h2);
    }
    if (frame->hd.stream_id != h2->stream) {
        return 0;
    }
    if (h2->ear.traced != NULL) {
        write_field(&h2->traced, &name, &value);
    }
    if (!h2->has_head && strcmp((const char *)name.base, ":status") == 0) {
        h2->status = (uint16_t)strtoul((const char *)value.base, NULL, 10);
        return h2->status < 100 ? refuse(h2) : 0; /* 0xx has no class */
    }
    if (h2->has_head || h2->status >= 200) {
        h2->ear.field(h2->ear.context, (const char *)name.base, (const char *)value.base);
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t len,
                   void *context)
{
    (void)session, (void)flags;
    struct h2 *h2 = context;
    if (stream == h2->stream) {
        if (h2->ear.traced != NULL && h2->traced.len + len + 1 <= TRACED_MAX) {
            buffer_add_text(&h2->traced, h2->traced.len == 0 ? "\n" : "");
            buffer_add(&h2->traced, bytes, len);
        }
        h2->ear.data(h2->ear.context, bytes, len);
    }
    return 0;
}

/* Of the answer: HEADERS or DATA. */
static void end_part(struct h2 *h2, const nghttp2_frame_hd *frame)
{
    if (!h2->has_head && h2->status >= 200) {
        h2->has_head = true;
        h2->ear.head(h2->ear.context, h2->status);
    }
    if (h2->has_head && (frame->flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        set_state(h2, H2_WHOLE, 0);
    }
}

static void hear_goaway(struct h2 *h2, const nghttp2_goaway *goaway)
{
    h2->is_leaving = true;
    if (goaway->error_code != NGHTTP2_NO_ERROR || goaway->last_stream_id < h2->stream) {
        set_state(h2, H2_AWAY, goaway->error_code);
    }
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    (void)session;
    struct h2 *h2 = context;
    bool is_ours = frame->hd.stream_id == h2->stream;
    tell_frame(h2, false, frame);
    switch (frame->hd.type) {
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS:
        if (is_ours) {
            end_part(h2, &frame->hd);
        }
        break;
    case NGHTTP2_RST_STREAM: h2->is_reset = h2->is_reset || is_ours; break;
    case NGHTTP2_GOAWAY: hear_goaway(h2, &frame->goaway); break;
    default: break;
    }
    return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    (void)session;
    tell_frame(context, true, frame);
    return 0;
}

/* Before the end of the answer: RST_STREAM has come, or nghttp2 sends it. */
static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *context)
{
    (void)session;
    struct h2 *h2 = context;
    if (stream == h2->stream) {
        h2->is_closed = true;
        if (h2->state == H2_GOES_ON) {
            set_state(h2, h2->is_reset ? H2_RESET : H2_BROKEN, code);
        }
    }
    return 0;
}

static int on_invalid(nghttp2_session *session, const nghttp2_frame *frame, int error, void *context)
{
    (void)session, (void)frame, (void)error;
    set_state(context, H2_BROKEN, 0);
    return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t stream, uint8_t *to, size_t size, uint32_t *flags,
                         nghttp2_data_source *source, void *context)
{
    (void)session, (void)stream, (void)source;
    struct h2 *h2 = context;
    size_t left = h2->body_len - h2->body_at, len = left < size ? left : size;
    if (len != 0) {
        memcpy(to, h2->body + h2->body_at, len);
    }
    h2->body_at += len;
    *flags |= h2->body_at == h2->body_len ? (uint32_t)NGHTTP2_DATA_FLAG_EOF : 0;
    return (ssize_t)len;
}

/* ---- life ---- */

static void set_callbacks(nghttp2_session_callbacks *callbacks, bool traces)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid);
    if (traces) {
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    }
}

static int open_session(struct h2 *h2)
{
    static const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                                      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_FIELDS_MAX}};
    nghttp2_mem memory = {h2, get, give_back, get_zeroed, resize};
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int error = nghttp2_session_callbacks_new(&callbacks);
    error = error == 0 ? nghttp2_option_new(&option) : error;
    if (error == 0) {
        set_callbacks(callbacks, h2->ear.traced != NULL);
        nghttp2_option_set_no_closed_streams(option, 1);
        nghttp2_option_set_max_outbound_ack(option, ACKS_MAX);
        error = nghttp2_session_client_new3(&h2->session, callbacks, h2, option, &memory);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return error != 0 ? error
                      : nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
                                                sizeof settings / sizeof *settings);
}

struct h2 *h2_new(const struct h2_ear *ear)
{
    struct h2 *h2 = memory_alloc(sizeof *h2);
    h2->ear = *ear;
    h2->state = H2_WHOLE;
    h2->is_closed = true;
    buffer_init(&h2->out);
    buffer_init(&h2->traced);
    if (open_session(h2) != 0) {
        h2_free(h2);
        return NULL;
    }
    return h2;
}

void h2_free(struct h2 *h2)
{
    if (h2 != NULL) {
        nghttp2_session_del(h2->session);
        buffer_fini(&h2->out);
        buffer_fini(&h2->traced);
        free(h2);
    }
}

/* ---- the conversation ---- */

bool h2_is_idle(const struct h2 *h2)
{
    return h2->state == H2_WHOLE && h2->is_closed && !h2->is_dead &&
           nghttp2_session_check_request_allowed(h2->session) != 0 &&
           nghttp2_session_get_remote_settings(h2->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) != 0;
}

static nghttp2_nv *list_fields(const struct h2_request *request)
{
    nghttp2_nv *nva = memory_alloc_array(request->field_count, sizeof *nva);
    for (size_t i = 0; i < request->field_count; i++) {
        const struct h2_field *field = &request->fields[i];
        nva[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)field->name, (uint8_t *)(uintptr_t)field->value,
                              strlen(field->name), strlen(field->value), NGHTTP2_NV_FLAG_NONE};
    }
    return nva;
}

bool h2_ask(struct h2 *h2, const struct h2_request *request, size_t octets_max)
{
    const nghttp2_data_provider provider = {.read_callback = read_body};
    if (!h2_is_idle(h2)) {
        return false;
    }
    h2->body = request->body;
    h2->body_len = request->body_len;
    h2->body_at = h2->fields = 0;
    h2->left = octets_max + h2->late;
    h2->late = 0;
    h2->has_head = h2->is_reset = h2->is_closed = false;
    nghttp2_nv *nva = list_fields(request);
    h2->stream = nghttp2_submit_request(h2->session, NULL, nva, request->field_count,
                                        request->body_len == 0 ? NULL : &provider, NULL);
    free(nva);
    h2->state = h2->stream > 0 ? H2_GOES_ON : H2_NO_MEMORY;
    return h2->stream > 0;
}

void h2_move(struct h2 *h2, const uint8_t *body)
{
    h2->body = body;
}

/* What nghttp2 has to say comes frame by frame, and goes in as few segments as possible. */
static void gather(struct h2 *h2)
{
    const uint8_t *bytes;
    ssize_t n;
    while (h2->out.len < OUT_MAX && (n = nghttp2_session_mem_send(h2->session, &bytes)) > 0) {
        buffer_add(&h2->out, bytes, (size_t)n);
    }
}

const uint8_t *h2_peek(struct h2 *h2, size_t *len)
{
    gather(h2);
    *len = h2->out.len;
    return *len == 0 ? NULL : (const uint8_t *)h2->out.bytes;
}

void h2_consume(struct h2 *h2, size_t len)
{
    buffer_remove_front(&h2->out, len);
    if (h2->out.len == 0) {
        buffer_fini(&h2->out);
        buffer_init(&h2->out);
    }
}

enum h2_state h2_feed(struct h2 *h2, const uint8_t *bytes, size_t len)
{
    if (h2->is_dead || len > h2->left) {
        set_state(h2, H2_BROKEN, 0);
        return h2->state;
    }
    h2->left -= len;
    ssize_t n = nghttp2_session_mem_recv(h2->session, bytes, len);
    if (n < 0) {
        set_state(h2, h2->is_out_of_memory ? H2_NO_MEMORY : H2_BROKEN, 0);
    }
    gather(h2);
    if (nghttp2_session_want_read(h2->session) == 0) { /* it has said GOAWAY because of what came */
        set_state(h2, H2_BROKEN, 0);
    }
    return h2->state;
}

uint32_t h2_get_code(const struct h2 *h2)
{
    return h2->code;
}

bool h2_is_leaving(const struct h2 *h2)
{
    return h2->is_leaving;
}

void h2_give_up(struct h2 *h2)
{
    if (h2->is_closed || h2->is_dead) {
        return;
    }
    if (h2->state == H2_GOES_ON) {
        h2->state = H2_WHOLE;
    }
    h2->left += LATE_MAX;
    h2->late = LATE_MAX;
    h2->is_dead = nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, h2->stream, NGHTTP2_CANCEL) != 0;
    gather(h2);
}

void h2_finish(struct h2 *h2)
{
    h2_give_up(h2);
    (void)nghttp2_session_terminate_session(h2->session, NGHTTP2_NO_ERROR);
}
