/* SPDX-License-Identifier: BSD-3-Clause
 *
 * evhttp tells nobody when a connection begins or ends, so each is watched through a duplicate of its
 * descriptor: the kernel says when both sides are done with it, and shutdown() ends it for evhttp too, which
 * then cleans up as for any client that left. Sockets are recognised by inode, since descriptor numbers are
 * used again.
 *
 * NUL octets, which C strings would hide from every later check, become \x01 before evhttp sees them: invalid
 * as well, but visible. */
#include "config.h"

#include "admin/connection.h"

#include "base/memory.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct connection {
    struct connection *next;
    struct connection_set *set;
    struct bufferevent *starting; /* held until the descriptor is known, then NULL */
    struct event *start, *closed, *deadline;
    int fd; /* the duplicate; -1: not yet */
    bool half_closed;
    ino_t inode;
    void (*left)(void *argument); /* NULL: nobody has to know */
    void *argument;
};

static void arm(struct connection *connection)
{
    long ms = connection->set->deadline_ms;
    event_add(connection->deadline, &(struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000});
}

static void free_connection(struct connection *connection)
{
    event_free(connection->start);
    event_free(connection->deadline);
    if (connection->closed != NULL) {
        event_free(connection->closed);
    }
    if (connection->starting != NULL) {
        bufferevent_decref(connection->starting);
    }
    if (connection->fd != -1) {
        close(connection->fd);
    }
    free(connection);
}

static void drop(struct connection *connection)
{
    struct connection_set *set = connection->set;
    struct connection **at = &set->first;
    while (*at != connection) {
        at = &(*at)->next;
    }
    *at = connection->next;
    if (set->count-- == set->max) {
        evconnlistener_enable(set->listener);
    }
    void (*left)(void *argument) = connection->left;
    void *argument = connection->argument;
    free_connection(connection);
    if (left != NULL) {
        left(argument);
    }
}

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    struct connection *connection = argument;
    shutdown(connection->fd, SHUT_RDWR);
    drop(connection);
}

/* The client closed. If it only said that it sends no more, it may still read: then the deadline decides, or
 * it closes after all. */
static void on_closed(evutil_socket_t fd, short what, void *argument)
{
    (void)what;
    struct connection *connection = argument;
    struct pollfd both = {.fd = fd};
    if (poll(&both, 1, 0) == 1 && (both.revents & (POLLHUP | POLLERR)) != 0) {
        drop(connection);
    } else if (!connection->half_closed) { /* it cannot buy time by saying it again */
        connection->half_closed = true;
        arm(connection);
    }
}

/* The first turn of the loop after the accept: evhttp has set the descriptor by now. */
static void on_start(evutil_socket_t nothing, short what, void *argument)
{
    (void)nothing, (void)what;
    struct connection *connection = argument;
    struct stat file;
    int fd = bufferevent_getfd(connection->starting);
    connection->fd = fd == -1 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    bufferevent_decref(connection->starting);
    connection->starting = NULL;
    if (connection->fd == -1 || fstat(connection->fd, &file) == -1) {
        if (fd != -1) {
            shutdown(fd, SHUT_RDWR); /* out of descriptors: not without a deadline */
        }
        drop(connection);
        return;
    }
    connection->inode = file.st_ino;
    /* edge-triggered: a client that sends no more would be reported again and again */
    connection->closed = event_new(connection->set->base, connection->fd, EV_CLOSED | EV_ET | EV_PERSIST,
                                   on_closed, connection);
    event_add(connection->closed, NULL);
    arm(connection);
}

/* What was just added to the input: octets 0 become 1, in place. */
static void show_nuls(struct evbuffer *input, const struct evbuffer_cb_info *info, void *argument)
{
    (void)argument;
    struct evbuffer_ptr at;
    if (info->n_added == 0 || evbuffer_ptr_set(input, &at, info->orig_size, EVBUFFER_PTR_SET) == -1) {
        return;
    }
    struct evbuffer_iovec parts[16];
    int count = evbuffer_peek(input, (ev_ssize_t)info->n_added, &at, parts, 16);
    for (int i = 0; i < count && i < 16; i++) {
        unsigned char *bytes = parts[i].iov_base;
        for (size_t j = 0; j < parts[i].iov_len; j++) {
            bytes[j] = bytes[j] == 0 ? 1 : bytes[j];
        }
    }
}

struct bufferevent *connection_accept(struct event_base *base, void *argument)
{
    struct connection_set *set = argument;
    struct connection *connection = memory_alloc(sizeof *connection);
    struct bufferevent *transport = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    evbuffer_add_cb(bufferevent_get_input(transport), show_nuls, NULL);
    bufferevent_incref(transport);
    *connection = (struct connection){.next = set->first, .set = set, .starting = transport, .fd = -1};
    connection->start = event_new(base, -1, 0, on_start, connection);
    connection->deadline = event_new(base, -1, 0, on_deadline, connection);
    event_active(connection->start, EV_TIMEOUT, 1);
    set->first = connection;
    if (++set->count == set->max) {
        evconnlistener_disable(set->listener);
    }
    return transport;
}

int connection_fd(struct evhttp_request *request)
{
    struct evhttp_connection *http = evhttp_request_get_connection(request);
    return http == NULL ? -1 : (int)bufferevent_getfd(evhttp_connection_get_bufferevent(http));
}

static struct connection *find(const struct connection_set *set, struct evhttp_request *request)
{
    struct stat file;
    int fd = connection_fd(request);
    if (fd == -1 || fstat(fd, &file) == -1) {
        return NULL;
    }
    struct connection *connection = set->first;
    while (connection != NULL && (connection->fd == -1 || connection->inode != file.st_ino)) {
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

void connection_watch(struct connection_set *set, struct evhttp_request *request,
                      void (*left)(void *argument), void *argument)
{
    struct connection *connection = find(set, request);
    if (connection != NULL) {
        connection->left = left;
        connection->argument = argument;
    }
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
        free_connection(connection);
    }
    set->count = 0;
}
