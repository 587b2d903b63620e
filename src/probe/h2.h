/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The client's end of an HTTP/2 connection (RFC 9113), on which one request is made at a time: octets in,
 * octets out, no socket. What the other side may cost is bounded: memory by a cap on all that the session
 * holds, work by a limit on the octets that are taken per request. nghttp2 stays inside. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { H2_FIELDS_MAX = 16384 }; /* octets of header fields per answer, as RFC 9113 section 6.5.2 counts */

enum { H2_REFUSED_STREAM = 7 }; /* code of a RESET: nothing of what was asked was done (section 8.7) */

struct h2;

struct h2_field {
    const char *name, *value; /* the name in lower case */
};

struct h2_request {
    const struct h2_field *fields; /* those with ":" first */
    size_t field_count;
    const uint8_t *body; /* borrowed until it is said; see h2_move() */
    size_t body_len;
};

/* What is heard of an answer, within h2_feed(). All but traced have to be there. */
struct h2_ear {
    void *context;
    /* Of the head once :status is known, and of trailers; of interim answers nothing is told. */
    void (*field)(void *context, const char *name, const char *value);
    void (*head)(void *context, uint16_t status); /* the head is over */
    void (*data)(void *context, const uint8_t *bytes, size_t len);
    /* A frame as text, on its way or there. NULL: nobody wants to know. */
    void (*traced)(void *context, bool is_sent, const char *text, size_t len);
};

enum h2_state {
    H2_GOES_ON,
    H2_WHOLE,     /* the answer has ended as it should, was given up, or nothing was asked yet */
    H2_RESET,     /* the other side has given up the request: RST_STREAM */
    H2_AWAY,      /* it will not answer it: GOAWAY */
    H2_BROKEN,    /* what came is no HTTP/2, or against its rules, or too much */
    H2_NO_MEMORY, /* on this host */
};

/* Returns owned, or NULL: there is no memory. The ear's context has to stay. */
struct h2 *h2_new(const struct h2_ear *ear);
void h2_free(struct h2 *h2); /* NULL is fine */

/* Make a request when there is none, or the one before is whole. At most `octets_max` are taken until the
 * next one. false: the connection takes no more. */
bool h2_ask(struct h2 *h2, const struct h2_request *request, size_t octets_max);
/* The same body stands elsewhere now. */
void h2_move(struct h2 *h2, const uint8_t *body);
/* No answer is waited for, and one may be asked for. */
bool h2_is_idle(const struct h2 *h2);

/* What is to be said next, and how much of that was. NULL: nothing. */
const uint8_t *h2_peek(struct h2 *h2, size_t *len);
void h2_consume(struct h2 *h2, size_t len);

/* What was heard. Once it is anything but GOES_ON, that stands until something else is asked. */
enum h2_state h2_feed(struct h2 *h2, const uint8_t *bytes, size_t len);
/* Of RESET and AWAY: RFC 9113 section 7. */
uint32_t h2_get_code(const struct h2 *h2);
bool h2_is_leaving(const struct h2 *h2); /* GOAWAY has come */
/* The rest of an answer is not wanted (RST_STREAM): what still comes of it is thrown away, and the connection
 * may go on. Nothing, if there is no rest. */
void h2_give_up(struct h2 *h2);
/* Nothing more will be asked: the last thing to say. */
void h2_finish(struct h2 *h2);

/* "PROTOCOL_ERROR"; a number that has no name gives "?" */
const char *h2_code_text(uint32_t code);
