/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What answer_query() is given, and the files that it is made of with it. */
#pragma once

#include "answer/counter.h"
#include "base/random.h"
#include "traffic/sight.h"
#include "view/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct answer_challenges;
struct answer_shadows;
struct answer_tap;
struct transfer;

enum answer_transport { ANSWER_UDP, ANSWER_TCP };

/* What few servers have, and not for long. */
struct answer_aside {
    const struct answer_shadows *shadows;       /* drills that have clients here (shadow.h); NULL: none */
    const struct answer_challenges *challenges; /* names with challenges (challenge.h); NULL: none */
};

struct answer_context {
    const struct view *view;
    const struct health_table *table; /* the view's, or a simulated one */
    struct steer_cache *cache;        /* this thread's */
    struct random *random;
    struct answer_counters *counters;
    struct sights *sights; /* NULL: nobody is noted */
    uint32_t below;        /* with sights: answers to hosts with a number below are noted; else 0 */
    uint64_t moment;       /* likewise: of the batch, sights_get_moment() */
    uint64_t now_ms;       /* wall time, for holds; read once per batch */
    uint32_t now_s;        /* the same in seconds, for cookies */
    uint64_t now_us;       /* monotonic, for rates; needed with VIEW_GUARD_RATE, read once per batch */
    /* With VIEW_GUARD_TAP: who is told of answers (tap.h), NULL: nobody; and the wall time at which the batch
     * was read, in ns. */
    struct answer_tap *tap;
    uint64_t received_ns;
    const struct answer_aside *aside; /* NULL: there is nothing of that */
    uint32_t thread;                  /* with drills: the number of this thread */
    bool in_shadow;                   /* it is one of them that answers, */
    uint8_t least_scope;              /* to subnets that are no wider */
};

struct answer_request {
    const uint8_t *bytes;
    size_t len;
    const struct sockaddr *client; /* for geography and cookies; NULL: unknown */
    enum answer_transport transport;
    uint32_t number;         /* of the client: sights_number(); needs no care without sights */
    const struct acl *allow; /* of the address that it came in on; NULL: everybody */
    uint16_t idle_ds;        /* TCP: how long the connection may idle, in 100 ms (RFC 7828); 0: not said */
    uint16_t listener;       /* the number of the address that it came in on, from 1; 0: not known */
    /* TCP: what a granted transfer is kept in, closed when called. If it is open afterwards the reply is the
     * first of several messages: the caller writes the others, and ends it in any case. NULL: no transfer can
     * begin now. */
    struct transfer *transfer;
};
