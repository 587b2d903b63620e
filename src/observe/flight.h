/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is under way: a question to a DNS server, by UDP or TCP, or a client's request to an address. Each has
 * a socket of its own, which does not block; whoever has it waits with poll(). */
#pragma once

#include "observe/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flight_kind { FLIGHT_FREE, FLIGHT_QUESTION, FLIGHT_REQUEST };

struct flight {
    enum flight_kind kind;
    int fd;
    size_t who;    /* whose: the caller's */
    unsigned turn; /* the caller's: how often it was asked before */
    bool is_stream;
    uint16_t id;                /* of a question */
    int64_t began_ms, until_ms; /* until then it waits */
    /* Private. */
    uint8_t out[2 + REPLY_QUERY_MAX];
    size_t out_len, sent, got;
    unsigned heard; /* datagrams */
    uint8_t *in;    /* of a stream: what has come; owned */
};

struct flight_question {
    const struct dns_ask *ask;
    const struct addr_port *server;
    const struct addr_prefix *subnet; /* NULL: none is told */
    const struct addr *source;        /* NULL: whatever the kernel takes; else, if it can be had */
};

/* Can questions come from there? */
bool flight_has_source(const struct addr *source);
/* kind, who, turn, id, is_stream, began_ms and until_ms are set. False: it could not even be sent. */
bool flight_ask(struct flight *flight, const struct flight_question *question);
/* path NULL: a connection is all that is wanted. Likewise. */
bool flight_request(struct flight *flight, const struct addr_port *at, const char *path);
/* Which of POLLIN and POLLOUT it waits for. */
short flight_get_events(const struct flight *flight);

enum flight_progress { FLIGHT_GOES_ON, FLIGHT_GOOD, FLIGHT_FAILED };
/* Its socket is ready. A question is good with a reply of any kind but foreign ones. */
enum flight_progress flight_advance_question(struct flight *flight, const struct dns_ask *ask,
                                             struct reply *reply);
enum flight_progress flight_advance_request(struct flight *flight);
/* Frees its socket and what has come; it is free then. */
void flight_close(struct flight *flight);
