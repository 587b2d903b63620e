/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A TCP connection: read, answer everything that came, write once. Internal to the TCP thread (tcp.c), which
 * owns all of this; nothing is shared with other threads.
 *
 * A transfer of more than one message is written message by message, as its peer takes them, one per wakeup
 * so that others get their turn; queries behind it wait. Each message that was taken counts as activity.
 *
 * A connection at rest owns no buffer. It gets one when a query came in part, or when its peer does not take
 * the answers; in the latter case nothing is read from it until they are gone. */
#pragma once

#include "base/clock.h"
#include "serve/socket.h"
#include "serve/tcp_frame.h"
#include "serve/tcp_share.h"
#include "serve/tcp_stream.h"
#include "serve/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>

enum {
    TCP_CLIENT_READ = 64 << 10,                      /* octets per wakeup */
    TCP_CLIENT_IN = TCP_FRAME_MAX + TCP_CLIENT_READ, /* what was kept, and what is read */
    TCP_CLIENT_OUT = (128 << 10) + TCP_FRAME_MAX,
};

/* A connection that was accepted. */
struct tcp_peer {
    union socket_address address;
    uint64_t number; /* tcp_share_find_peer() */
    uint32_t listener;
};

struct tcp_client {
    struct event event;                /* reading, or writing while `out` is due */
    TAILQ_ENTRY(tcp_client) link;      /* in the list of all */
    TAILQ_ENTRY(tcp_client) peer_link; /* and in that of its peer */
    struct tcp_clients *clients;
    int64_t active_ms; /* when it was accepted, or last asked a complete query */
    uint8_t *in, *out; /* owned; NULL: none */
    uint32_t in_len, in_cap;
    uint32_t out_len, out_at;
    struct tcp_peer peer;
    struct tcp_stream *stream; /* a transfer that goes on; owned; NULL: none */
    bool closing;              /* once out is written */
    bool has_begun;            /* whom it is for has been looked at: a proxy says so first (proxy.h) */
};

_Static_assert(sizeof(struct tcp_client) - sizeof(struct event) < 300,
               "20,000 idle connections have to be cheap");

enum { TCP_CLIENT_PEERS = 4096 };

/* The connections of a thread, and what they share. */
struct tcp_clients {
    struct worker worker;
    struct event_base *base;
    struct clock clock;
    struct tcp_share *share;                        /* borrowed */
    size_t thread;                                  /* number in it */
    const struct addr_port *locals;                 /* borrowed: by listener */
    struct addr_port asked;                         /* of the query in hand, where the listener has any */
    TAILQ_HEAD(tcp_client_list, tcp_client) list;   /* idle longest first */
    struct tcp_client_list peers[TCP_CLIENT_PEERS]; /* likewise, by peer; a few may share a list */
    size_t count;
    uint8_t *in, *out; /* TCP_CLIENT_IN, TCP_CLIENT_OUT: in use during one wakeup */
    size_t stream_count;
    struct transfer transfer; /* that the query in hand begins */
};

/* Takes fd: without memory for it, it is closed. */
void tcp_client_open(struct tcp_clients *clients, int fd, const struct tcp_peer *peer);
/* Frees it. Answers that a client did not take until its time was up are given up. */
void tcp_client_close(struct tcp_client *client, enum serve_tcp_end end);
/* The connection of this peer that is idle longest, or NULL. */
struct tcp_client *tcp_client_find_oldest(struct tcp_clients *clients, uint64_t peer);
/* Answer and write what can be without waiting, then close. */
void tcp_client_finish(struct tcp_client *client);
