/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who has to agree that something is down: health/opinion.h. Plain data. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_quorum_kind {
    CONF_QUORUM_DEFAULT, /* it does not say */
    CONF_QUORUM_ANY,
    CONF_QUORUM_MAJORITY,
    CONF_QUORUM_ALL,
    CONF_QUORUM_COUNT,
};

struct conf_quorum {
    enum conf_quorum_kind kind;
    uint32_t count;           /* of COUNT: weight that says down, 1 or more */
    uint32_t at_least;        /* opinions; 0: it does not say */
    const char *const *names; /* of vantages, and patterns; "local" is this server itself */
    size_t name_count;        /* 0: it does not say */
};

enum { CONF_VANTAGE_LISTEN_MAX = 16 };

/* Other hosts that check, too. */
struct conf_vantages {
    bool is_on;                    /* there may be some */
    struct conf_quorum quorum;     /* without names */
    uint32_t expires_ms;           /* 1 s .. 10 min; default 10 s */
    uint32_t local_weight;         /* 0..100; default 1 */
    struct addr_port *listen;      /* for them; none: nobody else can come */
    size_t listen_count;           /* at most CONF_VANTAGE_LISTEN_MAX */
    uint32_t heartbeat_ms;         /* 100 ms .. a third of expires; default 2 s, or that if it is less */
    const char *local_name;        /* "node:ns1": what the other nodes of a cluster call this one; NULL */
    const char *certificate, *key; /* paths; NULL: of the state folder, made by ourselves */
};
