/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Server cookies, version 1 of RFC 9018: made, and judged when they come back. Pure functions of secret,
 * client and time; nothing is remembered about clients. Private to answer. */
#pragma once

#include "base/addr.h"
#include "conf/server.h"

#include <stddef.h>
#include <stdint.h>

enum { COOKIE_CLIENT_SIZE = 8, COOKIE_SERVER_SIZE = 16, COOKIE_SIZE = 24 };

enum cookie_verdict {
    COOKIE_UNJUDGED,
    COOKIE_NONE,    /* the query has none, or we use none */
    COOKIE_NEW,     /* the client has none of ours yet */
    COOKIE_INVALID, /* wrong, expired or from the future */
    COOKIE_RENEW,   /* valid, but old or made with a secret that makes no more cookies */
    COOKIE_VALID,
};

/* The secrets in force: the first one makes, all verify. */
struct cookie_secrets {
    const uint8_t (*items)[CONF_SECRET_SIZE];
    size_t count; /* at least 1 */
};

/* cookie: client cookie and what may follow it, len octets as they came (8 or 16..40). */
enum cookie_verdict cookie_judge(const struct cookie_secrets *secrets, const struct addr *client,
                                 const uint8_t *cookie, size_t len, uint32_t now_s);
/* Write client cookie (copied from `from`) and a fresh server cookie. */
void cookie_make(const struct cookie_secrets *secrets, const struct addr *client, const uint8_t *from,
                 uint32_t now_s, uint8_t cookie[COOKIE_SIZE]);
