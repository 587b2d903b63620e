/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The head of an HTTP/1.x response, parsed as it comes in, in pieces of any size. Pure: keeps nothing but a
 * few numbers, allocates nothing. Interim (1xx) responses are skipped; the body is not looked at. RFC 9112.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_RESPONSE_HEAD_MAX = 16384 }; /* bytes, interim responses included */

#define HTTP_LENGTH_UNKNOWN UINT64_MAX

enum http_response_progress {
    HTTP_RESPONSE_MORE, /* so far, so good */
    HTTP_RESPONSE_DONE, /* the header section has ended; `status` holds */
    HTTP_RESPONSE_BAD,  /* not HTTP/1.x, or the head is too large */
};

struct http_response {
    uint64_t length;   /* valid when done: of the body; HTTP_LENGTH_UNKNOWN: as far as it goes */
    uint32_t head_len; /* bytes of the head so far */
    uint16_t status;   /* valid when done */
    bool is_chunked; /* valid when done: the body is in chunks (RFC 9112 section 7.1), whatever its length */
    uint8_t field;   /* private: whose value this is, or whose name it may be */
    uint8_t state;   /* private */
    uint8_t matched; /* private: how much of a fixed part was read */
};

void http_response_init(struct http_response *response);
/* The next bytes. After DONE or BAD further bytes change nothing and the answer stays the same. */
enum http_response_progress http_response_feed(struct http_response *response, const uint8_t *bytes,
                                               size_t len);
