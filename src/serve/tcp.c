/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The TCP thread: accepts, keeps the list of connections in order of activity, and cuts those that are idle.
 * One timer for the oldest connection serves them all: a connection that asks moves to the end of the list,
 * and only when the timer goes off does it look who is the oldest now. Without descriptors accepting pauses
 * for a moment instead of turning round. */
#include "config.h"

#include "serve/tcp.h"

#include "base/log.h"
#include "base/memory.h"
#include "serve/tcp_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPT_MAX = 32, /* per wakeup */
    ACCEPT_PAUSE_MS = 100,
    WARN_EVERY_MS = 60000,
};

struct tcp_worker {
    struct tcp_clients clients;
    int wake_fd;
    struct event *wake, *sweep, *resume;
    struct event **listeners;
    size_t listener_count;
    unsigned idle_ms, max_clients;
    int64_t warned_ms; /* 0: never */
};

static struct timeval in_ms(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* ---- idle connections ---- */

static void on_sweep(evutil_socket_t fd, short what, void *argument)
{
    struct tcp_worker *tcp = argument;
    struct tcp_client *oldest;
    int64_t now_ms = clock_now_ms(&tcp->clients.clock);
    (void)fd;
    (void)what;
    while ((oldest = TAILQ_FIRST(&tcp->clients.list)) != NULL && oldest->active_ms + tcp->idle_ms <= now_ms) {
        tcp_client_close(oldest);
    }
    if (oldest != NULL) {
        struct timeval wait = in_ms(oldest->active_ms + tcp->idle_ms - now_ms);
        (void)event_add(tcp->sweep, &wait);
    }
}

static void admit(struct tcp_worker *tcp, int fd, const union socket_address *address)
{
    if (tcp->clients.count >= tcp->max_clients) {
        tcp_client_close(TAILQ_FIRST(&tcp->clients.list));
    }
    tcp_client_open(&tcp->clients, fd, address);
    if (event_pending(tcp->sweep, EV_TIMEOUT, NULL) == 0) {
        struct timeval wait = in_ms(tcp->idle_ms);
        (void)event_add(tcp->sweep, &wait);
    }
}

/* ---- accepting ---- */

static void on_resume(evutil_socket_t fd, short what, void *argument)
{
    struct tcp_worker *tcp = argument;
    (void)fd;
    (void)what;
    for (size_t i = 0; i < tcp->listener_count; i++) {
        (void)event_add(tcp->listeners[i], NULL);
    }
}

static void pause_accepting(struct tcp_worker *tcp, int error)
{
    struct timeval wait = in_ms(ACCEPT_PAUSE_MS);
    int64_t now_ms = clock_now_ms(&tcp->clients.clock);
    for (size_t i = 0; i < tcp->listener_count; i++) {
        (void)event_del(tcp->listeners[i]);
    }
    (void)event_add(tcp->resume, &wait);
    if (tcp->warned_ms == 0 || now_ms - tcp->warned_ms >= WARN_EVERY_MS) {
        tcp->warned_ms = now_ms;
        log_warning("serve.accept paused error=\"%s\" clients=%zu pause_ms=%d", strerror(error),
                    tcp->clients.count, ACCEPT_PAUSE_MS);
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

static void on_accept(evutil_socket_t listener, short what, void *argument)
{
    struct tcp_worker *tcp = argument;
    (void)what;
    for (unsigned i = 0; i < ACCEPT_MAX; i++) {
        union socket_address address;
        socklen_t len = sizeof address;
        int fd = accept4(listener, &address.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd != -1) {
            admit(tcp, fd, &address);
        } else if (errno == EAGAIN) {
            return;
        } else if (!is_of_connection(errno)) {
            pause_accepting(tcp, errno);
            return;
        }
    }
}

/* ---- the thread ---- */

static void on_wake(evutil_socket_t fd, short what, void *argument)
{
    struct tcp_worker *tcp = argument;
    (void)fd;
    (void)what;
    (void)event_base_loopbreak(tcp->clients.base);
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
    (void)eventfd_write(tcp->wake_fd, 1);
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

static bool add_event(struct tcp_worker *tcp, struct event **event, int fd, event_callback_fn call)
{
    *event = event_new(tcp->clients.base, fd, EV_READ | EV_PERSIST, call, tcp);
    return *event != NULL && event_add(*event, NULL) == 0;
}

static bool add_events(struct tcp_worker *tcp, const struct tcp_options *options)
{
    tcp->clients.base = new_base();
    tcp->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (tcp->clients.base == NULL || tcp->wake_fd == -1) {
        return false;
    }
    tcp->sweep = evtimer_new(tcp->clients.base, on_sweep, tcp);
    tcp->resume = evtimer_new(tcp->clients.base, on_resume, tcp);
    bool good =
        tcp->sweep != NULL && tcp->resume != NULL && add_event(tcp, &tcp->wake, tcp->wake_fd, on_wake);
    for (size_t i = 0; i < options->listener_count && good; i++) {
        good = add_event(tcp, &tcp->listeners[tcp->listener_count++], options->listeners[i], on_accept);
    }
    return good;
}

struct tcp_worker *tcp_new(const struct worker *worker, const struct tcp_options *options)
{
    struct tcp_worker *tcp = memory_alloc(sizeof *tcp);
    tcp->clients.worker = *worker;
    clock_init(&tcp->clients.clock);
    TAILQ_INIT(&tcp->clients.list);
    tcp->idle_ms = options->idle_ms;
    tcp->clients.idle_ds =
        (uint16_t)(options->idle_ms / 100 < UINT16_MAX ? options->idle_ms / 100 : UINT16_MAX);
    tcp->max_clients = options->max_clients;
    tcp->listeners = memory_alloc_array(options->listener_count, sizeof(struct event *));
    if (!add_events(tcp, options)) {
        tcp_free(tcp);
        return NULL;
    }
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
        free_event(tcp->listeners[i]);
    }
    free_event(tcp->wake);
    free_event(tcp->sweep);
    free_event(tcp->resume);
    if (tcp->clients.base != NULL) {
        event_base_free(tcp->clients.base);
    }
    socket_close(&tcp->wake_fd);
    free(tcp->listeners);
    free(tcp);
}
