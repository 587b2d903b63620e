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
 * What comes in is looked at before evhttp sees it (head.h), and what is not strictly HTTP it never does. */
#include "config.h"

#include "admin/connection.h"

#include "admin/gate.h"
#include "admin/head.h"
#include "admin/page.h"
#include "admin/precedence.h"
#include "base/memory.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MOMENT_MS = 100,  /* to send a request in, and how often a full house is looked at */
    TAKING_MS = 1000, /* to take an answer in, when others wait */
    PACE = 16,        /* of those from elsewhere: so many within a tick */
    TICK_MS = 10,
    WRITE_MAX =
        256 << 10, /* octets of an answer that are written at once, if there is room; of libevent 16 KiB */
    DISCARD_MAX =
        64 << 20, /* octets of one request; evhttp reads on, so that the client hears of its fault */
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
    struct guest *guest; /* held; NULL: it came by the unix socket */
    struct head_scan scan;
    const char *why;      /* what is wrong with what came; NULL: nothing */
    bool is_told;         /* that was said */
    struct event *refuse; /* say it */
};

static void arm(struct connection *connection)
{
    long ms = connection->set->deadline_ms;
    event_add(connection->deadline, &(struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000});
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *argument);
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *argument);

/* It ends: what the gate has found. */
static void tell_of_handshake(const struct connection *connection)
{
    const struct connection_set *set = connection->set;
    const char *why = connection->guest == NULL
                          ? NULL
                          : atomic_load_explicit(&connection->guest->fault, memory_order_acquire);
    if (why != NULL && set->refused != NULL) {
        set->refused(set->context,
                     &(struct connection_refusal){
                         .cause = ADMIN_REFUSED_HANDSHAKE, .fd = -1, .guest = connection->guest, .why = why});
    }
}

static void free_connection(struct connection *connection)
{
    struct bufferevent *transport = connection->transport;
    tell_of_handshake(connection);
    (void)evbuffer_remove_cb(bufferevent_get_input(transport), on_input, connection);
    (void)evbuffer_remove_cb(bufferevent_get_output(transport), on_output, connection);
    event_free(connection->start);
    event_free(connection->deadline);
    event_free(connection->page);
    event_free(connection->refuse);
    if (connection->closed != NULL) {
        event_free(connection->closed);
    }
    bufferevent_decref(transport);
    if (connection->fd != -1) {
        close(connection->fd);
    }
    guest_drop(connection->guest);
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

static void follow_ticks(struct connection_set *set)
{
    int64_t now_ms = clock_now_ms(&set->clock);
    if (now_ms - set->tick_ms >= TICK_MS) {
        set->tick_ms = now_ms;
        set->paces = PACE;
    }
}

/* Clients are accepted while there is a place, or one that would be given up; else they wait in the backlog.
 */
static void look_for_room(struct connection_set *set)
{
    if (set->listener == NULL) {
        return;
    }
    follow_ticks(set);
    if (set->is_paused) {
        (void)evconnlistener_disable(set->listener);
    } else if (set->gate != NULL && set->paces == 0) {
        (void)evconnlistener_disable(set->listener);
        event_add(set->full, &(struct timeval){.tv_usec = TICK_MS * 1000});
    } else if (set->count < set->max || find_idle(set) != NULL) {
        (void)evconnlistener_enable(set->listener);
        (void)event_del(set->full);
    } else {
        (void)evconnlistener_disable(set->listener);
        event_add(set->full, &(struct timeval){.tv_usec = MOMENT_MS * 1000});
    }
}

static void on_full(evutil_socket_t fd, short what, void *argument)
{
    struct connection_set *set = argument;
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

/* The socket goes to the gate, and one end of a pair takes its place, under the same number: evhttp notices
 * nothing. Nothing was read by now. */
static bool pass_gate(struct connection *connection)
{
    struct connection_set *set = connection->set;
    struct sockaddr_storage from;
    struct addr_port at;
    socklen_t len = sizeof from;
    int fd = bufferevent_getfd(connection->transport), pair[2];
    if (fd == -1 || set->shown == NULL || getpeername(fd, (struct sockaddr *)&from, &len) == -1 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == -1) {
        return false;
    }
    int outer = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    short enabled = bufferevent_get_enabled(connection->transport);
    bufferevent_disable(connection->transport, EV_READ | EV_WRITE);
    bool good = outer != -1 && dup3(pair[0], fd, O_CLOEXEC) != -1;
    close(pair[0]);
    if (!good) {
        close(pair[1]);
        if (outer != -1) {
            close(outer);
        }
        return false;
    }
    bufferevent_enable(connection->transport, enabled);
    (void)setsockopt(outer, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    addr_from_sockaddr((const struct sockaddr *)&from, &at);
    connection->guest = guest_new(&at);
    bool goes_first = precedence_take(set->precedence, &at.addr, clock_now_ms(&set->clock));
    gate_take(goes_first ? set->gate : set->late_gate, outer, pair[1], set->shown, connection->guest);
    return true;
}

/* The first turn of the loop after the accept: evhttp has set the descriptor by now. */
static void on_start(evutil_socket_t nothing, short what, void *argument)
{
    (void)nothing, (void)what;
    struct connection *connection = argument;
    struct stat file;
    bool may_come = connection->set->gate == NULL || pass_gate(connection);
    int fd = bufferevent_getfd(connection->transport);
    connection->fd = fd == -1 || !may_come ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
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

/* One piece of what came in. Octets from the first one on that is wrong become 1, in place: no line ends
 * there any more, so evhttp waits for the end of what it has begun to read, and nothing behind it is ever
 * carried out. Octets 0, of which it makes the end of a text, are wrong but in a body, of which it makes
 * nothing. */
static void scan_piece(struct connection *connection, unsigned char *bytes, size_t len)
{
    size_t at = 0;
    const char *why =
        connection->why != NULL ? connection->why : head_scan_feed(&connection->scan, bytes, len, &at);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = why != NULL && i >= at ? 1 : bytes[i];
    }
    connection->why = why;
}

static void scan_input(struct connection *connection, struct evbuffer *input,
                       const struct evbuffer_cb_info *info)
{
    enum { PIECES = 16 };
    struct evbuffer_ptr at;
    struct evbuffer_iovec parts[PIECES];
    if (info->n_added == 0 || evbuffer_ptr_set(input, &at, info->orig_size, EVBUFFER_PTR_SET) == -1) {
        return;
    }
    int count = evbuffer_peek(input, (ev_ssize_t)info->n_added, &at, parts, PIECES);
    size_t left = info->n_added;
    for (int i = 0; i < count && i < PIECES && left != 0; i++) {
        size_t len = parts[i].iov_len < left ? parts[i].iov_len : left;
        scan_piece(connection, parts[i].iov_base, len);
        left -= len;
    }
    if (left != 0) { /* libevent reads into two pieces at most */
        connection->why = "too much came at once";
    }
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *argument)
{
    struct connection *connection = argument;
    scan_input(connection, input, info);
    if (connection->why == NULL && connection->taken + info->n_added > DISCARD_MAX) {
        connection->why = "found a request of more than 64 MiB, which nothing here takes";
        connection->scan.is_too_long = true;
    }
    if (connection->why != NULL && info->n_added != 0) {
        event_active(connection->refuse, EV_TIMEOUT, 1);
    }
    connection->taken += info->n_added;
    if (connection->taken > 2 * (size_t)DISCARD_MAX) {
        event_active(connection->deadline, EV_TIMEOUT, 1);
    }
}

/* Who is waiting for an answer gets that first. Then the refusal goes out past evhttp, which is in the middle
 * of a request, and what comes after it is thrown away until the client has read it, or its time is up. */
static void on_refuse(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    struct connection_set *set = connection->set;
    char text[PAGE_REFUSAL_SIZE];
    (void)fd, (void)what;
    if (connection->phase != READING || connection->fd == -1) {
        return; /* connection_written() comes back to it */
    }
    if (evbuffer_get_length(bufferevent_get_output(connection->transport)) != 0) {
        return; /* evhttp has refused it, too */
    }
    struct evbuffer *input = bufferevent_get_input(connection->transport);
    (void)evbuffer_drain(input, evbuffer_get_length(input));
    if (connection->is_told) {
        return;
    }
    connection->is_told = true;
    size_t len =
        page_write_refusal(&(struct page_refusal){connection->why, connection->scan.is_too_long}, text);
    (void)send(connection->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(connection->fd, SHUT_WR);
    event_add(connection->deadline, &(struct timeval){.tv_sec = TAKING_MS / 1000});
    if (set->refused != NULL) {
        set->refused(set->context, &(struct connection_refusal){.cause = ADMIN_REFUSED_REQUEST,
                                                                .fd = connection->fd,
                                                                .guest = connection->guest,
                                                                .why = connection->why});
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
    const struct connection *connection = argument;
    (void)fd, (void)what;
    page_exchange(bufferevent_get_output(connection->transport),
                  &(struct page_refusal){connection->why, connection->scan.is_too_long});
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
    (void)bufferevent_set_max_single_write(transport, WRITE_MAX);
    evbuffer_add_cb(bufferevent_get_input(transport), on_input, connection);
    evbuffer_add_cb(bufferevent_get_output(transport), on_output, connection);
    connection->start = event_new(base, -1, 0, on_start, connection);
    connection->deadline = event_new(base, -1, 0, on_deadline, connection);
    connection->page = event_new(base, -1, 0, on_page, connection);
    connection->refuse = event_new(base, -1, 0, on_refuse, connection);
    head_scan_init(&connection->scan);
    event_active(connection->start, EV_TIMEOUT, 1);
    set->first = connection;
    set->count++;
    follow_ticks(set);
    set->paces -= set->paces != 0;
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

const struct guest *connection_guest(const struct connection_set *set, struct evhttp_request *request)
{
    const struct connection *connection = find(set, request);
    return connection == NULL ? NULL : connection->guest;
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
        if (connection->why != NULL) {
            event_active(connection->refuse, EV_TIMEOUT, 1);
        }
    }
}

struct connection *connection_watch(struct connection_set *set, struct evhttp_request *request,
                                    void (*left)(void *argument), void *argument)
{
    struct connection *connection = find(set, request);
    if (connection != NULL) {
        connection->left = left;
        connection->argument = argument;
    }
    return connection;
}

void connection_unwatch(struct connection *connection)
{
    if (connection != NULL) {
        connection->left = NULL;
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
