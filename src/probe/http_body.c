/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Chunks (RFC 9112 section 7.1): chunk-size [ chunk-ext ] CRLF chunk-data CRLF. A body that is not in chunks
 * needs no length here: the JSON text itself says where it ends. */
#include "config.h"

#include "probe/http_body.h"

enum state { IN_SIZE, IN_EXTENSION, IN_DATA, BEHIND_DATA, STATE_ENDED };

void http_body_init(struct http_body *body, bool is_chunked, const char *pointer)
{
    *body = (struct http_body){.is_chunked = is_chunked, .state = is_chunked ? IN_SIZE : IN_DATA};
    load_scan_init(&body->scan, pointer);
}

static int read_hex_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9'   ? byte - '0'
           : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
           : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                        : -1;
}

/* The last chunk is empty: nothing but trailers follow. */
static uint8_t end_line(struct http_body *body)
{
    return body->has_size && body->chunk != 0 ? IN_DATA : STATE_ENDED;
}

static uint8_t step_size(struct http_body *body, uint8_t byte)
{
    int digit = read_hex_digit(byte);
    if (digit == -1) {
        return byte == '\n' ? end_line(body) : IN_EXTENSION;
    }
    body->has_size = true;
    body->chunk = body->chunk > UINT32_MAX >> 4 ? UINT32_MAX : body->chunk << 4 | (uint32_t)digit;
    return IN_SIZE;
}

/* One byte of what frames the chunks. */
static uint8_t step(struct http_body *body, uint8_t byte)
{
    switch (body->state) {
    case IN_SIZE: return step_size(body, byte);
    case IN_EXTENSION: return byte == '\n' ? end_line(body) : IN_EXTENSION;
    default: /* BEHIND_DATA */
        body->chunk = 0;
        body->has_size = false;
        return byte == '\n' ? IN_SIZE : byte == '\r' ? BEHIND_DATA : STATE_ENDED;
    }
}

static size_t feed_data(struct http_body *body, const uint8_t *bytes, size_t len)
{
    if (!body->is_chunked) {
        (void)load_scan_feed(&body->scan, bytes, len);
        return len;
    }
    size_t piece = len < body->chunk ? len : body->chunk;
    (void)load_scan_feed(&body->scan, bytes, piece);
    body->chunk -= (uint32_t)piece;
    if (body->chunk == 0) {
        body->state = BEHIND_DATA;
    }
    return piece;
}

enum load_progress http_body_feed(struct http_body *body, const uint8_t *bytes, size_t len)
{
    size_t left = HTTP_BODY_MAX - body->len, end = len < left ? len : left;
    for (size_t at = 0; at < end && body->state != STATE_ENDED;) {
        if (body->state == IN_DATA) {
            at += feed_data(body, bytes + at, end - at);
        } else {
            body->state = step(body, bytes[at++]);
        }
    }
    body->len += (uint32_t)end;
    enum load_progress progress = load_scan_feed(&body->scan, NULL, 0);
    bool is_over = body->state == STATE_ENDED || body->len == HTTP_BODY_MAX;
    return progress == LOAD_MORE && is_over ? LOAD_ABSENT : progress;
}
