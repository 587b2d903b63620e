/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One request over HTTP and what comes back, by libcurl: whether a single octet of the body was handed over
 * is known, for without those a request has no effect, and one that may not be sent twice is not, whatever
 * libcurl thinks of the connection that it used. Private to steerd-etcd. */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

#include <curl/curl.h>

struct exchange_options {
    CURLM *multi;
    const char *ca, *certificate, *key; /* "": none */
    const char *endpoint, *path;
    const char *token; /* "": none */
    const char *body;  /* borrowed until its end */
    size_t body_len, answer_max;
    bool is_once;
    void *context;
    bool (*is_full)(void *context); /* nobody takes any more at the moment: exchange_go_on() */
    void (*came)(
        void *context); /* something is in the buffer; not for answers with another status than 200 */
};

struct exchange {
    CURL *easy;
    struct exchange_options options;
    struct curl_slist *headers;
    struct buffer in;
    size_t handed; /* octets of the body that libcurl has got */
    bool is_paused, is_too_long;
    char why[CURL_ERROR_SIZE];
};

/* NULL: libcurl does not want it (no memory, an endpoint that is none). */
struct exchange *exchange_begin(const struct exchange_options *options);
void exchange_end(struct exchange *exchange); /* NULL is fine */
void exchange_go_on(struct exchange *exchange);
long exchange_find_status(const struct exchange *exchange); /* of HTTP; 0: none yet */
/* What a failure of libcurl is to who asked: negative errno, or ERROR_TOO_LARGE. */
int exchange_judge(const struct exchange *exchange, CURLcode code);
