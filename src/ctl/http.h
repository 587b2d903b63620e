/* SPDX-License-Identifier: BSD-3-Clause
 *
 * HTTP/1.1 as a client of the admin API speaks it: one request as text, one answer parsed as it comes in, in
 * pieces of any size. Pure: no socket, no clock. Strict (RFC 9112): lines end with CRLF, a length is digits
 * and given once, the only coding is "chunked", nothing is folded; whatever two readers could understand
 * differently is a fault. Interim (1xx) answers are skipped. */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_HEAD_MAX = 65536,      /* octets of status lines, headers and trailers together */
    HTTP_CHUNK_LINE_MAX = 1024, /* octets of the line before a chunk */
    HTTP_BODY_MAX = 256 << 20,
};

enum http_progress {
    HTTP_MORE, /* so far, so good */
    HTTP_DONE, /* the answer is complete; `status` and `body` hold */
    HTTP_BAD,  /* `fault` says why */
};

struct http_answer {
    int status;         /* 200..999 once the head has ended */
    struct buffer body; /* what has come in of it */
    const char *fault;  /* static; NULL: none */
    /* private */
    uint8_t state;
    bool is_old, has_length, is_chunked; /* is_old: HTTP/1.0 */
    size_t body_max, head_len;
    uint64_t left; /* octets of the body, or of its chunk */
    struct buffer line;
};

/* body_max: what a body may have at most; 0: HTTP_BODY_MAX */
void http_answer_init(struct http_answer *answer, size_t body_max);
void http_answer_fini(struct http_answer *answer);
/* The next octets. After DONE or BAD further ones change nothing. */
enum http_progress http_answer_feed(struct http_answer *answer, const void *bytes, size_t len);
/* The other side sends no more: DONE if that ends the answer, else BAD. */
enum http_progress http_answer_end(struct http_answer *answer);

/* Was the connection closed before it began? */
bool http_answer_is_lost(const struct http_answer *answer);

/* Of a request; type NULL: JSON. */
struct http_octets {
    const char *type;
    const void *bytes;
    size_t len;
};
/* As http_write_request() does, with any octets as the body. */
void http_write_octets(struct buffer *out, const char *head, const char *method, const char *target,
                       const struct http_octets *body);
/* Append a request to out; the connection is closed after the answer. head: lines that end with CRLF and say
 * who is asked, and by whom. target is percent-encoded; body is JSON, NULL: none. */
void http_write_request(struct buffer *out, const char *head, const char *method, const char *target,
                        const char *body);
