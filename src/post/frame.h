/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What steerd and steerd-post say to each other, each message whole (SOCK_SEQPACKET), in the octet order of
 * the host.
 *
 * An order goes down the one channel, with a descriptor: the far end of a pair of its own, where its story,
 * one message, comes up. When the near end closes, the order is called off. When steerd-post dies the far
 * ends close; and when the channel closes, steerd-post ends. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buffer;

enum {
    POST_CHANNEL = 3,
    POST_VERSION = 1,
    POST_HEADERS_MAX = 16,
    POST_BODY_MAX = 65536,
    POST_TEXTS_MAX = 16384, /* octets of address, authorities and headers, with their ends */
    POST_SAID_MAX = 200,    /* octets of a text in a story */
};

struct post_order_head {
    uint32_t version; /* another one is refused: the program on the disk may be newer than who calls it */
    uint32_t timeout_ms;
    uint32_t header_count;
    uint32_t body_len;
}; /* the address, the file of authorities ("": those of the system) and the headers, each with its end; the
      body */

enum { POST_ORDER_MAX = sizeof(struct post_order_head) + POST_TEXTS_MAX + POST_BODY_MAX };

struct post_order {
    uint32_t timeout_ms;
    const char *url, *ca;
    const char *headers[POST_HEADERS_MAX];
    size_t header_count;
    const char *body;
    size_t body_len;
};

/* Returns 0, or -EMSGSIZE: it is larger than orders are. */
int post_write_order(const struct post_order *order, struct buffer *to);
/* Of bytes that stay: all texts are borrowed from them. Returns 0, -EPROTONOSUPPORT (another version) or
 * -EBADMSG (no order). */
int post_parse_order(const char *bytes, size_t len, struct post_order *order);

enum post_story_kind {
    POST_ANSWERED, /* value: the status of HTTP; the beginning of what it said follows */
    POST_FAILED,   /* value: of libcurl; why, in words, follows */
    POST_REFUSED,  /* value: errno; it was not tried */
};

struct post_story {
    uint32_t kind;
    int32_t value;
    uint32_t retry_after_s; /* 0: the receiver did not say */
};                          /* a text without its end, of at most POST_SAID_MAX */
