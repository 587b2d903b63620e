/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The body of an HTTP/1.x response, looked through for a load as it comes in, in pieces of any size. Pure,
 * and keeps nothing of the body. */
#pragma once

#include "probe/load.h"

enum { HTTP_BODY_MAX = 16384 }; /* bytes that are looked at, chunk heads included */

struct http_body {
    struct load_scan scan;
    uint32_t len;              /* bytes so far */
    uint32_t chunk;            /* private: of this chunk: its size as read, then what is left of it */
    uint8_t state;             /* private */
    bool is_chunked, has_size; /* private: has_size: a digit was read */
};

void http_body_init(struct http_body *body, bool is_chunked, const char *pointer);
/* The next bytes. ABSENT also where the body goes on for too long or its chunks are malformed. */
enum load_progress http_body_feed(struct http_body *body, const uint8_t *bytes, size_t len);
