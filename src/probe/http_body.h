/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The body of an HTTP response, looked through for a load and for what has to be there (octets, a regular
 * expression, values of a JSON document) as it comes in, in pieces of any size. Pure, and keeps nothing of
 * the body. */
#pragma once

#include "base/regex.h"
#include "base/wish.h"
#include "probe/expect.h"
#include "probe/http_response.h"
#include "probe/json_scan.h"

enum { HTTP_BODY_MAX = 16384 }; /* bytes that are looked at if nothing else is said, chunk heads included */

/* What is sought in a body. Borrowed. */
struct http_seek {
    const char *pointer;         /* to a load; NULL: none */
    const struct expect *expect; /* NULL: nothing */
    const struct regex *regex;   /* NULL: none */
    const struct wish *wishes;
    size_t wish_count;
    size_t told_count;       /* of these, at the end: not wanted, but looked for */
    struct json_scan *scans; /* one of each wish, of the caller; to be used by this body only */
    uint32_t max;            /* octets that are looked at; 0: HTTP_BODY_MAX */
};

enum load_progress {
    LOAD_MORE,   /* so far nothing */
    LOAD_FOUND,  /* the number of the scan holds: finite, 0 or more */
    LOAD_ABSENT, /* there is no such number, or the text is no JSON */
};

struct http_body {
    struct json_scan scan;
    struct http_seek seek;
    enum load_progress load;       /* what was found so far */
    enum expect_progress expected; /* likewise, of all that has to be there */
    uint8_t told;                  /* likewise, which of what is only looked for: 1 << its number */
    uint8_t untold;                /* of which nothing is known yet: likewise */
    bool is_over;                  /* no more is looked at */
    bool is_complete;              /* it has ended, and nothing has come behind it */
    struct expect_scan octets;     /* private, and how far each of them is */
    struct regex_scan letters;
    enum expect_progress of_octets, of_regex;
    enum expect_progress of_wishes[WISHES_MAX + WISHES_TOLD_MAX];
    bool is_cut;               /* private: it goes on, or makes no sense */
    uint64_t left;             /* private: of a body that has a length */
    uint32_t len;              /* bytes so far */
    uint32_t chunk;            /* private: of this chunk: its size as read, then what is left of it */
    uint8_t state;             /* private */
    bool is_chunked, has_size; /* private: has_size: a digit was read */
};

void http_body_init(struct http_body *body, const struct http_response *response,
                    const struct http_seek *seek);
/* Go on with the same that stands elsewhere now. */
void http_body_move(struct http_body *body, const struct http_seek *seek);
/* The next bytes. Once it is over, what was not found is ABSENT. */
void http_body_feed(struct http_body *body, const uint8_t *bytes, size_t len);
/* Is there nothing more to wait for, if it is to be read to its end? */
bool http_body_is_done(const struct http_body *body);
/* Has so much come that nothing more is looked at? */
bool http_body_is_full(const struct http_body *body);
/* No more comes. Whether the body was whole, as far as it says itself. */
bool http_body_end(struct http_body *body);
