/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What evhttp lacks, per connection: a cap on how many there are, with the one idle longest making room for
 * the next; an absolute deadline for a whole request and for taking its answer, however slowly the octets
 * drip; errors of evhttp as problem documents. */
#pragma once

#include "admin/access.h"
#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

struct bufferevent;
struct connection;
struct event;
struct event_base;
struct evconnlistener;
struct evhttp_request;

enum {
    CONNECTION_MAX = 64, /* of the unix socket, where descriptors are few; else */
    CONNECTION_LOCAL_MAX = 600,
    CONNECTION_REMOTE_MAX = 600,
    CONNECTION_DEADLINE_MS = 10000,
};

struct gate;
struct guest;
struct precedence;
struct tls_context;

/* All connections of a server. Owned by the control thread. */
/* Borrowed. */
struct connection_refusal {
    enum admin_refusal_cause cause;
    int fd;                    /* its socket; -1: it has none any more */
    const struct guest *guest; /* NULL: it came by the unix socket */
    const char *why;
};

struct connection_set {
    bool is_paused; /* nobody is let in, no request is read */
    struct event_base *base;
    struct clock clock;
    struct evconnlistener *listener; /* NULL: nobody comes any more; paused while all are served: further
                                        clients wait in the backlog */
    struct event *full;              /* timer: look again */
    struct connection *first;
    size_t count, max;
    int deadline_ms;
    /* Who comes from elsewhere is led through the gate, as far as these are set. A crowd is let in at a pace
     * that leaves the control thread its time. */
    struct gate *gate, *late_gate; /* borrowed */
    struct precedence *precedence; /* likewise: who goes by the first one */
    struct tls_context *shown;     /* a hold of it; NULL: nobody gets in */
    unsigned paces;                /* that may be let in before the next tick */
    int64_t tick_ms;               /* the last one */
    /* What came was no request, or one that others may read otherwise, or there was no handshake of TLS: its
     * connection ends. NULL: no matter. */
    void (*refused)(void *context, const struct connection_refusal *refusal);
    void *context;
};

int connection_set_init(struct connection_set *set, struct event_base *base);
void connection_set_listener(struct connection_set *set, struct evconnlistener *listener);
/* Whoever wants something waits, until this is called with false. */
void connection_set_pause(struct connection_set *set, bool is_paused);
/* End those that do not wait for an answer. */
void connection_set_send_home(struct connection_set *set);
/* Stop watching; evhttp closes the connections. Before evhttp_free(), which frees the listener. */
void connection_set_fini(struct connection_set *set);

/* For evhttp_set_bevcb: the transport of a new connection. `set` is a struct connection_set. */
struct bufferevent *connection_accept(struct event_base *base, void *set);

/* The phases of a request: its answer is being made (no deadline), is being written (a new one), or the next
 * request may come (a new one again). */
void connection_working(struct connection_set *set, struct evhttp_request *request);
void connection_writing(struct connection_set *set, struct evhttp_request *request);
void connection_written(struct connection_set *set, struct evhttp_request *request);
/* `left` is called once when the client of the request leaves while its answer is being made. evhttp does not
 * know then: the request is still to be answered, so that it ends. Returns what is watched, until `left` or
 * connection_unwatch(); NULL: it has gone already. */
struct connection *connection_watch(struct connection_set *set, struct evhttp_request *request,
                                    void (*left)(void *argument), void *argument);
void connection_unwatch(struct connection *watched); /* NULL is fine */
/* Who is at the other end, if it came through a gate. Borrowed; NULL: it did not. */
const struct guest *connection_guest(const struct connection_set *set, struct evhttp_request *request);
int connection_fd(struct evhttp_request *request); /* -1: it has none any more */
