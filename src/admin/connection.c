/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every connection gets a filter in front of its socket: libevent tells a filter when its connection has
 * gone, which is the only way to count connections of evhttp, and it sees the octets before evhttp does. NUL
 * octets, which C strings would hide from every later check, become \x01: invalid as well, but visible.
 *
 * A deadline ends in shutdown(): evhttp then sees the end of the stream and cleans up as for any client that
 * left. */
#include "config.h"

#include "admin/connection.h"

#include "base/memory.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <sys/socket.h>

struct connection {
    struct connection *next;
    struct connection_set *set; /* NULL: the server is gone, libevent still finishes the connection */
    struct bufferevent *filter, *transport;
    struct event *deadline;
};

static void arm(struct connection *connection)
{
    int ms = connection->set->deadline_ms;
    event_add(connection->deadline, &(struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000});
}

static void deadline_passed(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    const struct connection *connection = argument;
    shutdown(bufferevent_getfd(connection->transport), SHUT_RDWR);
}

static void unlink_connection(struct connection *connection)
{
    struct connection_set *set = connection->set;
    struct connection **at = &set->first;
    while (*at != connection) {
        at = &(*at)->next;
    }
    *at = connection->next;
    connection->set = NULL;
    if (set->count-- == set->max) {
        evconnlistener_enable(set->listener);
    }
}

/* libevent frees the filter: the connection is over. */
static void connection_gone(void *argument)
{
    struct connection *connection = argument;
    if (connection->set != NULL) {
        unlink_connection(connection);
    }
    event_free(connection->deadline);
    free(connection);
}

/* The octet 0 in text[0..len) becomes 1. */
static void show_nuls(unsigned char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == 0) {
            text[i] = 1;
        }
    }
}

static enum bufferevent_filter_result filter_input(struct evbuffer *from, struct evbuffer *to,
                                                   ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                                   void *argument)
{
    (void)limit, (void)mode, (void)argument;
    unsigned char bytes[4096];
    int len, moved = 0;
    while ((len = evbuffer_remove(from, bytes, sizeof bytes)) > 0) {
        show_nuls(bytes, (size_t)len);
        evbuffer_add(to, bytes, (size_t)len);
        moved += len;
    }
    return moved > 0 ? BEV_OK : BEV_NEED_MORE;
}

struct bufferevent *connection_accept(struct event_base *base, void *argument)
{
    struct connection_set *set = argument;
    struct connection *connection = memory_alloc(sizeof *connection);
    connection->transport = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    connection->deadline = event_new(base, -1, 0, deadline_passed, connection);
    connection->filter = bufferevent_filter_new(connection->transport, filter_input, NULL,
                                                BEV_OPT_CLOSE_ON_FREE, connection_gone, connection);
    bufferevent_enable(connection->transport, EV_READ | EV_WRITE);
    connection->set = set;
    connection->next = set->first;
    set->first = connection;
    if (++set->count == set->max) {
        evconnlistener_disable(set->listener);
    }
    arm(connection);
    return connection->filter;
}

static struct connection *find(struct connection_set *set, struct evhttp_request *request)
{
    struct evhttp_connection *http = evhttp_request_get_connection(request);
    const struct bufferevent *filter = http == NULL ? NULL : evhttp_connection_get_bufferevent(http);
    struct connection *connection = set->first;
    while (connection != NULL && connection->filter != filter) {
        connection = connection->next;
    }
    return connection;
}

void connection_working(struct connection_set *set, struct evhttp_request *request)
{
    struct connection *connection = find(set, request);
    if (connection != NULL) {
        event_del(connection->deadline);
    }
}

void connection_writing(struct connection_set *set, struct evhttp_request *request)
{
    struct connection *connection = find(set, request);
    if (connection != NULL) {
        arm(connection);
    }
}

int connection_fd(struct connection_set *set, struct evhttp_request *request)
{
    struct connection *connection = find(set, request);
    return connection == NULL ? -1 : (int)bufferevent_getfd(connection->transport);
}

void connection_set_init(struct connection_set *set, struct event_base *base, struct evconnlistener *listener)
{
    *set = (struct connection_set){
        .base = base, .listener = listener, .max = CONNECTION_MAX, .deadline_ms = CONNECTION_DEADLINE_MS};
}

void connection_set_fini(struct connection_set *set)
{
    while (set->first != NULL) {
        struct connection *connection = set->first;
        set->first = connection->next;
        connection->set = NULL;
        event_del(connection->deadline);
    }
    set->count = 0;
}
