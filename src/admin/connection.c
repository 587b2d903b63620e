/* SPDX-License-Identifier: BSD-3-Clause
 *
 * evhttp tells nobody when a connection begins or ends, so each is watched through a duplicate of its
 * descriptor: the kernel says when both sides are done with it, and shutdown() ends it for evhttp too, which
 * then cleans up as for any client that left. Sockets are recognised by inode, since descriptor numbers are
 * used again.
 *
 * When all places are taken, the client that has been idle longest makes room: nobody is served by waiting
 * for it. A client has a moment to say what it wants, though, so that a crowd that comes at once waits in the
 * backlog and is served in turn.
 *
 * NUL octets, which C strings would hide from every later check, become \x01 before evhttp sees them: invalid
 * as well, but visible. */
#include "config.h"

#include "admin/connection.h"

#include "admin/page.h"
#include "base/memory.h"

#include <errno.h>
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

enum {
    MOMENT_MS = 100,       /* to send a request in, and how often a full house is looked at */
    TAKING_MS = 1000,      /* to take an answer in, when others wait */
    DISCARD_MAX = 64 << 20 /* octets of one request; evhttp reads on, so that the client hears of its fault */
};

enum phase { READING, WORKING, WRITING };

struct connection {
    struct connection *next;
    struct connection_set *set;
    struct bufferevent *transport; /* held */
    struct event *start, *closed, *deadline, *page;
    int fd; /* the duplicate; -1: not yet */
    bool half_closed;
    enum phase phase;
    int64_t since_ms; /* of the phase */
    size_t taken;     /* octets since the last answer */
    ino_t inode;
    void (*left)(void *argument); /* NULL: nobody has to know */
    void *argument;
};

static void arm(struct connection *connection)
{
    long ms = connection->set->deadline_ms;
    event_add(connection->deadline, &(struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000});
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *argument);
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *argument);

static void free_connection(struct connection *connection)
{
    struct bufferevent *transport = connection->transport;
    (void)evbuffer_remove_cb(bufferevent_get_input(transport), on_input, connection);
    (void)evbuffer_remove_cb(bufferevent_get_output(transport), on_output, connection);
    event_free(connection->start);
    event_free(connection->deadline);
    event_free(connection->page);
    if (connection->closed != NULL) {
        event_free(connection->closed);
    }
    bufferevent_decref(transport);
    if (connection->fd != -1) {
        close(connection->fd);
    }
    free(connection);
}

/* ---- room ---- */

/* Who has been idle longest; else who has not taken its answer for longest. NULL: all are served. */
static struct connection *find_idle(const struct connection_set *set)
{
    struct connection *found = NULL;
    int64_t now_ms = clock_now_ms(&set->clock);
    for (struct connection *one = set->first; one != NULL; one = one->next) {
        int64_t patience_ms = one->phase == READING ? MOMENT_MS : TAKING_MS;
        bool idle = one->fd != -1 && one->phase != WORKING && now_ms - one->since_ms >= patience_ms;
        bool better = found == NULL || one->phase < found->phase ||
                      (one->phase == found->phase && one->since_ms <= found->since_ms);
        found = idle && better ? one : found;
    }
    return found;
}

/* Clients are accepted while there is a place, or one that would be given up; else they wait in the backlog.
 */
static void look_for_room(struct connection_set *set)
{
    if (set->listener == NULL) {
        return;
    }
    if (set->is_paused) {
        (void)evconnlistener_disable(set->listener);
    } else if (set->count < set->max || find_idle(set) != NULL) {
        (void)evconnlistener_enable(set->listener);
        (void)event_del(set->full);
    } else {
        (void)evconnlistener_disable(set->listener);
        event_add(set->full, &(struct timeval){.tv_usec = MOMENT_MS * 1000});
    }
}

static void on_full(evutil_socket_t fd, short what, void *set)
{
    (void)fd, (void)what;
    look_for_room(set);
}

/* ---- the end of a connection ---- */

static void drop(struct connection *connection)
{
    struct connection_set *set = connection->set;
    struct connection **at = &set->first;
    while (*at != connection) {
        at = &(*at)->next;
    }
    *at = connection->next;
    set->count--;
    look_for_room(set);
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

static void make_room(struct connection_set *set)
{
    struct connection *idle = set->count < set->max ? NULL : find_idle(set);
    if (idle != NULL) {
        shutdown(idle->fd, SHUT_RDWR);
        drop(idle);
    }
}

/* The client closed. If it only said that it sends no more, it may still read: then the deadline decides, or
 * it closes after all. */
static void on_closed(evutil_socket_t fd, short what, void *argument)
{
    (void)what;
    struct connection *connection = argument;
    struct pollfd both = {.fd = fd, .events = POLLRDHUP};
    if (poll(&both, 1, 0) != 1) {
        return; /* a request has come, which evhttp reads */
    }
    if ((both.revents & (POLLHUP | POLLERR)) != 0) {
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
    int fd = bufferevent_getfd(connection->transport);
    connection->fd = fd == -1 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (connection->fd == -1 || fstat(connection->fd, &file) == -1) {
        if (fd != -1) {
            shutdown(fd, SHUT_RDWR); /* out of descriptors: not without a deadline */
        }
        drop(connection);
        return;
    }
    connection->inode = file.st_ino;
    /* edge-triggered: a client that sends no more would be reported again and again. EV_READ, because
     * libevent reports an error (the client left with something unread) as that and not as EV_CLOSED. */
    connection->closed = event_new(connection->set->base, connection->fd,
                                   EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, on_closed, connection);
    event_add(connection->closed, NULL);
    arm(connection);
}

/* ---- octets ---- */

/* What was just added to the input: octets 0 become 1, in place. */
static void show_nuls(struct evbuffer *input, const struct evbuffer_cb_info *info)
{
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

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *argument)
{
    struct connection *connection = argument;
    show_nuls(input, info);
    connection->taken += info->n_added;
    if (connection->taken > DISCARD_MAX) {
        event_active(connection->deadline, EV_TIMEOUT, 1);
    }
}

/* The beginning of an answer. All of it is there before anything of it is sent: that needs another turn. */
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *argument)
{
    struct connection *connection = argument;
    (void)output;
    if (info->orig_size == 0 && info->n_added != 0) {
        event_active(connection->page, EV_TIMEOUT, 1);
    }
}

static void on_page(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    (void)fd, (void)what;
    page_exchange(bufferevent_get_output(connection->transport));
}

/* ---- the set ---- */

struct bufferevent *connection_accept(struct event_base *base, void *argument)
{
    struct connection_set *set = argument;
    make_room(set);
    struct connection *connection = memory_alloc(sizeof *connection);
    struct bufferevent *transport = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    *connection = (struct connection){.next = set->first,
                                      .set = set,
                                      .transport = transport,
                                      .fd = -1,
                                      .since_ms = clock_now_ms(&set->clock)};
    bufferevent_incref(transport);
    evbuffer_add_cb(bufferevent_get_input(transport), on_input, connection);
    evbuffer_add_cb(bufferevent_get_output(transport), on_output, connection);
    connection->start = event_new(base, -1, 0, on_start, connection);
    connection->deadline = event_new(base, -1, 0, on_deadline, connection);
    connection->page = event_new(base, -1, 0, on_page, connection);
    event_active(connection->start, EV_TIMEOUT, 1);
    set->first = connection;
    set->count++;
    look_for_room(set);
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

static void enter(struct connection *connection, enum phase phase)
{
    connection->phase = phase;
    connection->since_ms = clock_now_ms(&connection->set->clock);
}

void connection_working(struct connection_set *set, struct evhttp_request *request)
{
    struct connection *connection = find(set, request);
    if (connection != NULL) {
        enter(connection, WORKING);
        event_del(connection->deadline);
    }
}

void connection_writing(struct connection_set *set, struct evhttp_request *request)
{
    struct connection *connection = find(set, request);
    if (connection != NULL) {
        enter(connection, WRITING);
        arm(connection);
    }
}

void connection_written(struct connection_set *set, struct evhttp_request *request)
{
    struct connection *connection = find(set, request);
    if (connection != NULL) {
        enter(connection, READING);
        connection->taken = 0;
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

int connection_set_init(struct connection_set *set, struct event_base *base)
{
    *set =
        (struct connection_set){.base = base, .max = CONNECTION_MAX, .deadline_ms = CONNECTION_DEADLINE_MS};
    clock_init(&set->clock);
    set->full = evtimer_new(base, on_full, set);
    return set->full == NULL ? -ENOMEM : 0;
}

void connection_set_listener(struct connection_set *set, struct evconnlistener *listener)
{
    set->listener = listener;
    look_for_room(set);
}

void connection_set_pause(struct connection_set *set, bool is_paused)
{
    set->is_paused = is_paused;
    for (struct connection *one = set->first; one != NULL; one = one->next) {
        if (one->phase == READING) {
            (void)(is_paused ? bufferevent_disable : bufferevent_enable)(one->transport, EV_READ);
        }
    }
    look_for_room(set);
}

void connection_set_send_home(struct connection_set *set)
{
    struct connection *next;
    for (struct connection *one = set->first; one != NULL; one = next) {
        next = one->next;
        if (one->phase == READING && one->fd != -1) {
            (void)bufferevent_enable(one->transport, EV_READ); /* so that evhttp sees its end */
            shutdown(one->fd, SHUT_RDWR);
            drop(one);
        }
    }
}

void connection_set_fini(struct connection_set *set)
{
    while (set->first != NULL) {
        struct connection *connection = set->first;
        set->first = connection->next;
        free_connection(connection);
    }
    set->count = 0;
    if (set->full != NULL) {
        event_free(set->full);
        set->full = NULL;
    }
}
