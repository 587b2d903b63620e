/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sockets and DNS threads. Per listen address and worker one UDP thread: a SO_REUSEPORT socket of its own,
 * blocking recvmmsg/sendmmsg, answer_query() in between, no allocation, lock or log. Per worker one TCP
 * thread (libevent) for all listen addresses: pipelined queries, one write per wakeup (RFC 7766). Threads
 * read the view through its slot and are offline to it while they block. */
#pragma once

#include "answer/answer.h"
#include "base/addr.h"
#include "base/report.h"
#include "view/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What TCP clients may take. They may change while the server runs. */
struct serve_tcp_limits {
    uint32_t idle_ms; /* since the last complete query, whatever else comes or goes; 0: 10 s */
    uint32_t clients; /* connections in all, about: threads count on their own; 0: 1000. The one idle longest
                         goes when a new one comes */
    uint32_t clients_per_address;     /* of one prefix, in all; then its own one goes; 0: any number */
    uint8_t ipv4_prefix, ipv6_prefix; /* who is one client; 0: 32 and 64 */
};

/* Why a TCP connection ended. */
enum serve_tcp_end {
    SERVE_TCP_END_CLIENT,      /* by its client, or an error */
    SERVE_TCP_END_IDLE,        /* or too slow to ask, or to take its answers */
    SERVE_TCP_END_CLIENTS,     /* to make room for another one: too many in all, */
    SERVE_TCP_END_ADDRESS,     /* of its client, */
    SERVE_TCP_END_DESCRIPTORS, /* or for what the system gives */
    SERVE_TCP_END_WITHDRAWN,   /* this server is not to be asked */
    SERVE_TCP_ENDS
};

struct serve_tcp_stats {
    uint32_t clients; /* now */
    uint64_t accepted, ended[SERVE_TCP_ENDS];
};

/* A socket that a server has, for one that takes over from it. */
struct serve_socket {
    struct addr_port asked; /* the address as it was given: its port may be 0 */
    bool is_tcp;
    int fd;
};

/* One that somebody else has bound, such as a supervisor: gets the options that sockets have here, and is
 * told by the address that it is bound to. Takes nothing. 0; ERROR_UNSUPPORTED: it is no UDP socket and no
 * TCP socket that listens, or is for IPv4 and IPv6 at once; -errno. */
int serve_adopt_socket(int fd, struct serve_socket *socket);

struct serve_options {
    const struct addr_port *listen; /* port 0 is taken as asked: the kernel picks, UDP and TCP the same */
    size_t listen_count;
    unsigned threads; /* workers per listen address (UDP) and in all (TCP) */
    struct view_slot *slot;
    struct answer_tap *const *taps; /* of each DNS thread, borrowed as they are; NULL: there are none */
    struct serve_tcp_limits tcp;
    void (*begun)(void); /* called by each DNS thread before anything else; NULL: nothing */
    const struct answer_shadow_slot *shadows;       /* where drills are, borrowed; NULL: there are none */
    const struct answer_challenge_slot *challenges; /* likewise of challenges */
    struct sights **sights; /* of each thread, borrowed; NULL: nothing is noted of clients */
    /* Of the server before: those of the same addresses are taken, and their fd becomes -1. The others stay
     * the caller's, and open until serve_open() has returned. */
    struct serve_socket *inherited;
    size_t inherited_count;
};

struct answer_challenge_slot;
struct answer_shadow_slot;
struct answer_tap;
struct serve;

/* Create and bind all sockets (needs the privilege for low ports); nothing is answered yet. Everything that
 * cannot be bound is in the report. Returns 0 and owned, or a negative error. */
int serve_open(const struct serve_options *options, struct report *report, struct serve **serve);
/* Start the threads; a view must have been published. DNS thread number i uses view->caches[i]: UDP threads
 * first (address by address), then TCP threads; serve_thread_count() of them. */
int serve_start(struct serve *serve);
/* Stop and join the threads, close the sockets, free. TCP answers that are due are still written. NULL is
 * fine. */
void serve_close(struct serve *serve);

/* ---- another process takes over: it has the same sockets, and answers already ---- */

/* All sockets, in an order that stays; the descriptors are borrowed. Returns owned: free(). */
struct serve_socket *serve_list_sockets(const struct serve *serve, size_t *count);
/* No TCP connection is accepted any more; those that there are have as long as they may be idle, and a
 * transfer that is under way goes on to its end. kept[i]: the other one has this socket, too, so queries in
 * it are that one's when this returns; into the rest nothing new comes from now on, and what is in there is
 * still answered. */
void serve_leave(struct serve *serve, const bool *kept);
/* Has accepting ended, and does no query wait in a socket that is not kept? */
bool serve_is_drained(const struct serve *serve);
/* The other UDP threads end as well, having answered what they have read. Waits for them, and closes all
 * sockets but those of connections. */
void serve_end_udp(struct serve *serve);

/* Nobody is to ask here, or they may again: UDP queries get SERVFAIL (answer_withdrawn()), TCP connections
 * end and new ones at once. From the next batch of each thread on; before serve_start() is fine. */
void serve_set_withdrawn(struct serve *serve, bool is_withdrawn);
bool serve_is_withdrawn(const struct serve *serve);

/* ---- looking ---- */

size_t serve_thread_count(const struct serve_options *options);
/* The address that listen[i] is bound to (differs where port 0 was asked for). */
const struct addr_port *serve_get_address(const struct serve *serve, size_t index);
/* For a reload. A limit that shrank cuts nobody at once but those who are idle too long. */
void serve_set_tcp_limits(struct serve *serve, const struct serve_tcp_limits *limits);
void serve_get_tcp_stats(const struct serve *serve, struct serve_tcp_stats *stats);
/* Sum over all threads. */
void serve_get_counters(const struct serve *serve, uint64_t sums[ANSWER_COUNTERS]);
