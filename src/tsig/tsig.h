/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Signed messages (RFC 8945): keys prepared at load, requests judged, replies and streams of messages signed.
 * HMAC state lies in the caller's memory, so all of it may be called between recvmmsg and sendmmsg. Time is
 * an argument (Unix seconds).
 *
 * A MAC that was cut to what section 5.2.2.1 permits (half of the hash, 10 octets at least) is as good as a
 * whole one; what is shorter is a format error. Replies always carry whole ones. */
#pragma once

#include "dns/tsig.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TSIG_MAC_MAX = 64 };

/* ---- keys: immutable, counted references, for any thread ---- */

struct tsig_key_plan {
    const uint8_t *name; /* wire, lower case, at most DNS_TSIG_KEY_NAME_MAX octets */
    enum dns_tsig_algorithm algorithm;
    const uint8_t *secret;
    size_t secret_len;
};

struct tsig_keys;

struct tsig_keys *tsig_keys_new(const struct tsig_key_plan *plans, size_t count); /* one reference */
void tsig_keys_hold(struct tsig_keys *keys);
void tsig_keys_release(struct tsig_keys *keys); /* NULL is fine; secrets are wiped with the last one */

/* ---- an exchange: one request and what answers it ---- */

enum { TSIG_NO_KEY = -1 };

/* Plain data; borrows the keys. */
struct tsig_exchange {
    const struct tsig_keys *keys;
    int key; /* index in the plans; TSIG_NO_KEY: unknown, the reply is not signed */
    uint16_t error, fudge, original_id;
    uint8_t mac_len;                 /* of the request, then of the message signed last */
    uint8_t name_len, algorithm_len; /* with TSIG_NO_KEY: as the request has them */
    uint64_t time_s;                 /* of the request */
    uint8_t mac[TSIG_MAC_MAX];
    uint8_t name[DNS_NAME_MAX + 1], algorithm[DNS_NAME_MAX + 1];
};

enum tsig_result {
    TSIG_GOOD,
    TSIG_MALFORMED, /* answer FORMERR, without a TSIG */
    TSIG_REJECTED,  /* answer NOTAUTH with a TSIG that says exchange->error */
};

/* A message and where its TSIG record begins. */
struct tsig_message {
    const uint8_t *bytes;
    size_t len, at;
};

/* The server's side: judge a request. keys may be NULL: there are none. */
enum tsig_result tsig_judge_request(struct tsig_exchange *exchange, const struct tsig_keys *keys,
                                    const struct tsig_message *request, uint64_t now_s);
/* Octets that tsig_sign_reply() will append. */
size_t tsig_reply_size(const struct tsig_exchange *exchange);
/* Sign the first (or only) reply: append the record. Returns the new length, or 0 if cap is too small. */
size_t tsig_sign_reply(struct tsig_exchange *exchange, uint8_t *message, size_t len, size_t cap,
                       uint64_t now_s);
/* Sign a further message of the same reply (section 5.3.1): every one is signed. */
size_t tsig_sign_next(struct tsig_exchange *exchange, uint8_t *message, size_t len, size_t cap,
                      uint64_t now_s);

/* The client's side: begin with a key of the set, sign the request, judge what answers it. */
void tsig_begin(struct tsig_exchange *exchange, const struct tsig_keys *keys, int key);
size_t tsig_sign_request(struct tsig_exchange *exchange, uint8_t *message, size_t len, size_t cap,
                         uint64_t now_s);
enum tsig_result tsig_judge_reply(struct tsig_exchange *exchange, const struct tsig_message *reply,
                                  uint64_t now_s);
