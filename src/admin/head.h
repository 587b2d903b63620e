/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What comes on a connection, before evhttp sees it: is it requests, one behind the other, of which every
 * reader makes the same (RFC 9112)? What evhttp and whoever stands between might read differently ends the
 * connection. Octets in, in pieces of any size; no memory of its own, nothing is kept. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEAD_FIELDS_MAX = 100,
    HEAD_WORD_SIZE = 24,
    HEAD_MAX = 65536,         /* octets of a head */
    HEAD_BODY_MAX = 48 << 20, /* of any body; a route may take less */
};

struct head_scan {
    uint8_t state;             /* private, like the rest */
    uint8_t field;             /* of which the value is read */
    char word[HEAD_WORD_SIZE]; /* lower case, cut off */
    uint32_t word_len;         /* whole */
    uint32_t fields, line_len;
    bool is_old; /* HTTP/1.0 */
    bool is_trace;
    bool has_host, has_length, has_coding, has_expect;
    bool is_too_long; /* that is what is wrong */
    uint32_t head_len;
    uint64_t left; /* octets of the body, or of the chunk */
};

void head_scan_init(struct head_scan *scan);
/* NULL: so far so good. Else what is wrong with octet *at of these, a fixed text; nothing behind it means
 * anything. */
const char *head_scan_feed(struct head_scan *scan, const void *bytes, size_t len, size_t *at);
/* Is it between two requests? */
bool head_scan_is_idle(const struct head_scan *scan);
