/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The head that a proxy puts before what it passes on: PROXY protocol, version 2 (the binary one), of stream
 * connections at their start and of datagrams in each of them. Bytes only, no I/O: any input is acceptable.
 * Who may be a proxy is the caller's to judge, and a proxy without a head is none. Called by udp.c, by
 * tcp_client.c and by the fuzzer. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum proxy_state {
    PROXY_OK,
    PROXY_HUNGRY, /* it may become one with more octets */
    PROXY_BAD,    /* it is none, or one that says nothing we could use */
};

enum { PROXY_HEAD_MAX = 1024 }; /* longer ones are bad: what is behind addresses is of no use here */

struct proxy_head {
    size_t len;              /* octets that it takes */
    bool has_client;         /* else it is the proxy itself that asks, or it does not know for whom */
    struct addr_port client; /* with has_client; of an IPv4-mapped IPv6 address the IPv4 one */
};

/* Fills head with PROXY_OK. */
enum proxy_state proxy_read_head(const uint8_t *bytes, size_t len, struct proxy_head *head);
