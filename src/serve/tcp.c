/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The TCP thread: accepts, keeps the list of connections in order of activity, and cuts those that are idle.
 * One timer for the oldest connection serves them all: a connection that asks moves to the end of the list,
 * and only when the timer goes off does it look who is the oldest now.
 *
 * Who comes last is served: when there are too many connections, of one client or in all, or no descriptors,
 * the one that is idle longest goes. Each thread closes its own ones only. Where another thread has more than
 * its share, that one is asked to; where there is none to close, accepting pauses for a moment instead of
 * turning round. */
#include "config.h"

#include "serve/tcp.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/wake.h"
#include "serve/tcp_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPT_MAX = 32, /* per wakeup */
    ACCEPT_PAUSE_MS = 100,
    WARN_EVERY_MS = 60000,
    LATE_MS = 200,         /* how often those that are late are looked at */
    LEAVE_TURNS = 1024,    /* of ACCEPT_MAX, at a listener that is closed */
    DESCRIPTORS_LEFT = 16, /* for the admin API, checks and files, when descriptors run low */
};

struct tcp_listener {
    struct tcp_worker *tcp;
    struct event *event;
};

struct tcp_worker {
    struct tcp_clients clients;
    struct wake bell;
    struct event *wake, *sweep, *resume, *late;
    struct tcp_listener *listeners;
    size_t listener_count;
    int64_t warned_ms; /* 0: never */
    const bool *kept;  /* by listener; before `leaves` is set */
    atomic_bool leaves, has_left;
};

static struct timeval in_ms(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* ---- idle connections ---- */

static void sweep(struct tcp_worker *tcp)
{
    struct tcp_client *oldest;
    int64_t now_ms = clock_now_ms(&tcp->clients.clock);
    int64_t idle_ms = tcp_share_load(&tcp->clients.share->idle_ms);
    while ((oldest = TAILQ_FIRST(&tcp->clients.list)) != NULL && oldest->active_ms + idle_ms <= now_ms) {
        tcp_client_close(oldest, SERVE_TCP_END_IDLE);
    }
    if (oldest != NULL) {
        struct timeval wait = in_ms(oldest->active_ms + idle_ms - now_ms);
        (void)event_add(tcp->sweep, &wait);
    }
}

static void on_sweep(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    sweep(argument);
}

/* Returns false if there is none. */
static bool close_oldest(struct tcp_worker *tcp, enum serve_tcp_end end)
{
    struct tcp_client *oldest = TAILQ_FIRST(&tcp->clients.list);
    if (oldest != NULL) {
        tcp_client_close(oldest, end);
    }
    return oldest != NULL;
}

/* There are as many as there may be. A thread with less than its share leaves it to the one with most. */
static void make_room(struct tcp_worker *tcp, uint32_t clients)
{
    struct tcp_share *share = tcp->clients.share;
    if (tcp->clients.count != 0 && tcp->clients.count >= clients / share->thread_count) {
        (void)close_oldest(tcp, SERVE_TCP_END_CLIENTS);
    } else {
        tcp_share_demand(share, SERVE_TCP_END_CLIENTS);
    }
}

/* ---- no descriptors ---- */

static void on_resume(evutil_socket_t fd, short what, void *argument)
{
    struct tcp_worker *tcp = argument;
    (void)fd;
    (void)what;
    for (size_t i = 0; i < tcp->listener_count; i++) {
        (void)event_add(tcp->listeners[i].event, NULL);
    }
}

static void pause_accepting(struct tcp_worker *tcp)
{
    struct timeval wait = in_ms(ACCEPT_PAUSE_MS);
    for (size_t i = 0; i < tcp->listener_count; i++) {
        (void)event_del(tcp->listeners[i].event);
    }
    (void)event_add(tcp->resume, &wait);
}

static void warn(struct tcp_worker *tcp, int error, const char *what)
{
    int64_t now_ms = clock_now_ms(&tcp->clients.clock);
    if (tcp->warned_ms == 0 || now_ms - tcp->warned_ms >= WARN_EVERY_MS) {
        tcp->warned_ms = now_ms;
        log_warning("tcp accept failed error=%s clients=%zu effect=\"%s\"", strerror(error),
                    tcp->clients.count, what);
    }
}

/* Returns whether there is one more for this thread at once. */
static bool free_descriptor(struct tcp_worker *tcp, int error)
{
    if (close_oldest(tcp, SERVE_TCP_END_DESCRIPTORS)) {
        warn(tcp, error, "closes idle clients to take new ones");
        return true;
    }
    tcp_share_demand(tcp->clients.share, SERVE_TCP_END_DESCRIPTORS);
    return false;
}

/* The kernel gives out the lowest number that is free, so a number tells how many are in use. */
static bool is_nearly_last(int fd)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        return false;
    }
    rlim_t left = limit.rlim_cur / 4 < DESCRIPTORS_LEFT ? limit.rlim_cur / 4 : DESCRIPTORS_LEFT;
    return (rlim_t)fd >= limit.rlim_cur - left;
}

/* Leave the last ones to others: with the number of one that goes, this one does not count among them. */
static int move_down(struct tcp_worker *tcp, int fd)
{
    if (!is_nearly_last(fd) || !free_descriptor(tcp, EMFILE)) {
        return fd;
    }
    int lower = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (lower == -1) {
        return fd;
    }
    close(fd);
    return lower;
}

/* accept(2) found no descriptor, or no memory. Returns whether it is worth another try now. */
static bool make_way(struct tcp_worker *tcp, int error)
{
    bool missing = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
    if (missing && free_descriptor(tcp, error)) {
        return true;
    }
    warn(tcp, error, "paused");
    pause_accepting(tcp);
    return false;
}

/* ---- accepting ---- */

/* One goes for the one that comes, and a second one while there are too many: a limit may have shrunk. */
enum { GOING_MAX = 2 };

/* A client at its limit loses the one of its connections here that is idle longest; with none here it may
 * have one more, so that the limit is exact but for the number of threads. */
static void limit_peer(struct tcp_worker *tcp, uint64_t peer)
{
    struct tcp_share *share = tcp->clients.share;
    uint32_t limit = tcp_share_load(&share->clients_per_address);
    for (unsigned i = 0; i < GOING_MAX && limit != 0 && tcp_share_count_peer(share, peer) >= limit; i++) {
        struct tcp_client *oldest = tcp_client_find_oldest(&tcp->clients, peer);
        if (oldest == NULL) {
            return;
        }
        tcp_client_close(oldest, SERVE_TCP_END_ADDRESS);
    }
}

static bool is_withdrawn(const struct tcp_worker *tcp)
{
    return atomic_load_explicit(tcp->clients.worker.is_withdrawn, memory_order_relaxed);
}

static void admit(struct tcp_worker *tcp, int fd, struct tcp_peer *peer)
{
    struct tcp_share *share = tcp->clients.share;
    if (is_withdrawn(tcp)) {
        tcp_share_turn_away(share);
        close(fd);
        return;
    }
    uint32_t clients = tcp_share_load(&share->clients), count;
    struct addr_port from;
    addr_from_sockaddr(&peer->address.any, &from);
    peer->number = tcp_share_find_peer(share, &from.addr);
    limit_peer(tcp, peer->number);
    count = tcp_share_load(&share->count);
    for (unsigned i = 0; i < GOING_MAX && count >= clients; i++, count--) {
        make_room(tcp, clients);
    }
    tcp_client_open(&tcp->clients, move_down(tcp, fd), peer);
    if (event_pending(tcp->sweep, EV_TIMEOUT, NULL) == 0) {
        struct timeval wait = in_ms(tcp_share_load(&share->idle_ms));
        (void)event_add(tcp->sweep, &wait);
    }
}

/* accept(2) hands over errors that concern one connection only. */
static bool is_of_connection(int error)
{
    static const int errors[] = {EINTR,        ECONNABORTED, EPROTO,      ENETDOWN, ENOPROTOOPT, EHOSTDOWN,
                                 EHOSTUNREACH, EOPNOTSUPP,   ENETUNREACH, ENONET,   EPERM};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (errors[i] == error) {
            return true;
        }
    }
    return false;
}

/* Returns whether there may be more. */
static bool accept_some(const struct tcp_listener *listener, int fd)
{
    struct tcp_worker *tcp = listener->tcp;
    for (unsigned i = 0; i < ACCEPT_MAX; i++) {
        struct tcp_peer peer = {.listener = (uint32_t)(listener - tcp->listeners)};
        socklen_t len = sizeof peer.address;
        int accepted = accept4(fd, &peer.address.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted != -1) {
            admit(tcp, accepted, &peer);
        } else if (errno == EAGAIN || (!is_of_connection(errno) && !make_way(tcp, errno))) {
            return false;
        }
    }
    return true;
}

static void on_accept(evutil_socket_t fd, short what, void *argument)
{
    (void)what;
    (void)accept_some(argument, fd);
}

/* ---- leaving ---- */

/* Their time is over, but for those that still copy. */
static void on_late(evutil_socket_t fd, short what, void *argument)
{
    struct tcp_worker *tcp = argument;
    struct tcp_client *next;
    (void)fd, (void)what;
    for (struct tcp_client *client = TAILQ_FIRST(&tcp->clients.list); client != NULL; client = next) {
        next = TAILQ_NEXT(client, link);
        if (client->stream == NULL) {
            tcp_client_finish(client);
        }
    }
    struct timeval wait = in_ms(LATE_MS);
    (void)event_add(tcp->late, &wait);
}

static void leave(struct tcp_worker *tcp)
{
    for (size_t i = 0; i < tcp->listener_count; i++) {
        struct tcp_listener *listener = &tcp->listeners[i];
        int fd = event_get_fd(listener->event);
        (void)event_del(listener->event);
        for (unsigned turn = 0; !tcp->kept[i] && turn < LEAVE_TURNS && accept_some(listener, fd); turn++) {
        }
        if (!tcp->kept[i]) {
            (void)shutdown(fd, SHUT_RDWR); /* whoever comes now is refused at once */
        }
    }
    struct timeval wait = in_ms(tcp_share_load(&tcp->clients.share->idle_ms));
    (void)event_add(tcp->late, &wait);
    (void)event_del(tcp->resume);
    atomic_store_explicit(&tcp->has_left, true, memory_order_release);
}

/* ---- the thread ---- */

static void close_all(struct tcp_worker *tcp)
{
    while (close_oldest(tcp, SERVE_TCP_END_WITHDRAWN)) {
    }
}

/* To end, to close some that others have no room for, or because limits changed. */
static void on_wake(evutil_socket_t fd, short what, void *argument)
{
    struct tcp_worker *tcp = argument;
    struct tcp_clients *clients = &tcp->clients;
    (void)fd, (void)what;
    wake_clear(&tcp->bell);
    if (atomic_load(clients->worker.stop)) {
        (void)event_base_loopbreak(clients->base);
        return;
    }
    if (!tcp_has_left(tcp) && atomic_load_explicit(&tcp->leaves, memory_order_acquire)) {
        leave(tcp);
    }
    for (int end = 0; end < SERVE_TCP_ENDS; end++) {
        _Atomic uint32_t *demands = &clients->share->threads[clients->thread].demands[end];
        uint32_t due = atomic_exchange_explicit(demands, 0, memory_order_relaxed);
        while (due > 0 && close_oldest(tcp, (enum serve_tcp_end)end)) {
            due--;
        }
    }
    if (is_withdrawn(tcp)) {
        close_all(tcp);
    }
    sweep(tcp);
}

void tcp_run(struct tcp_worker *tcp)
{
    struct tcp_client *client;
    struct tcp_clients *clients = &tcp->clients;
    clients->in = memory_alloc(TCP_CLIENT_IN);
    clients->out = memory_alloc(TCP_CLIENT_OUT);
    view_reader_register();
    view_reader_offline();
    (void)event_base_loop(clients->base, EVLOOP_NO_EXIT_ON_EMPTY);
    while ((client = TAILQ_FIRST(&clients->list)) != NULL) {
        tcp_client_finish(client);
    }
    view_reader_unregister();
    free(clients->in);
    free(clients->out);
}

void tcp_wake(const struct tcp_worker *tcp)
{
    wake_ring(&tcp->bell);
}

bool tcp_has_left(const struct tcp_worker *tcp)
{
    return atomic_load_explicit(&tcp->has_left, memory_order_acquire);
}

void tcp_leave(struct tcp_worker *tcp, const bool *kept)
{
    tcp->kept = kept;
    atomic_store_explicit(&tcp->clients.share->leaves, true, memory_order_relaxed);
    atomic_store_explicit(&tcp->leaves, true, memory_order_release);
    tcp_wake(tcp);
}

/* No other thread touches this base, so it needs no lock even if the process has asked libevent for locks. */
static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static struct event *add_event(struct event_base *base, int fd, event_callback_fn call, void *argument)
{
    struct event *event = event_new(base, fd, EV_READ | EV_PERSIST, call, argument);
    if (event != NULL && event_add(event, NULL) != 0) {
        event_free(event);
        return NULL;
    }
    return event;
}

static bool add_listener(struct tcp_worker *tcp, int fd)
{
    struct tcp_listener *listener = &tcp->listeners[tcp->listener_count++];
    listener->tcp = tcp;
    listener->event = add_event(tcp->clients.base, fd, on_accept, listener);
    return listener->event != NULL;
}

static bool add_events(struct tcp_worker *tcp, const struct tcp_options *options)
{
    tcp->clients.base = new_base();
    if (tcp->clients.base == NULL || wake_open(&tcp->bell) != 0) {
        return false;
    }
    tcp->sweep = evtimer_new(tcp->clients.base, on_sweep, tcp);
    tcp->resume = evtimer_new(tcp->clients.base, on_resume, tcp);
    tcp->late = evtimer_new(tcp->clients.base, on_late, tcp);
    tcp->wake = add_event(tcp->clients.base, tcp->bell.hears, on_wake, tcp);
    bool good = tcp->sweep != NULL && tcp->resume != NULL && tcp->late != NULL && tcp->wake != NULL;
    for (size_t i = 0; i < options->listener_count && good; i++) {
        good = add_listener(tcp, options->listeners[i]);
    }
    return good;
}

struct tcp_worker *tcp_new(const struct worker *worker, const struct tcp_options *options)
{
    struct tcp_worker *tcp = memory_alloc(sizeof *tcp);
    tcp->bell = (struct wake){-1, -1};
    tcp->clients.worker = *worker;
    tcp->clients.share = options->share;
    tcp->clients.thread = options->thread;
    tcp->clients.locals = options->locals;
    clock_init(&tcp->clients.clock);
    TAILQ_INIT(&tcp->clients.list);
    for (size_t i = 0; i < TCP_CLIENT_PEERS; i++) {
        TAILQ_INIT(&tcp->clients.peers[i]);
    }
    tcp->listeners = memory_alloc_array(options->listener_count, sizeof *tcp->listeners);
    if (!add_events(tcp, options)) {
        tcp_free(tcp);
        return NULL;
    }
    options->share->threads[options->thread].wake = tcp->bell;
    return tcp;
}

static void free_event(struct event *event)
{
    if (event != NULL) {
        event_free(event);
    }
}

void tcp_free(struct tcp_worker *tcp)
{
    if (tcp == NULL) {
        return;
    }
    for (size_t i = 0; i < tcp->listener_count; i++) {
        free_event(tcp->listeners[i].event);
    }
    free_event(tcp->wake);
    free_event(tcp->sweep);
    free_event(tcp->resume);
    free_event(tcp->late);
    if (tcp->clients.base != NULL) {
        event_base_free(tcp->clients.base);
    }
    wake_close(&tcp->bell);
    free(tcp->listeners);
    free(tcp);
}
