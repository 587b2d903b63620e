/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The thread: its mailbox, its sockets, its clock. See listener.h. */
#include "config.h"

#include "fleet/inside.h"

#include "base/memory.h"
#include "base/thread.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

enum {
    ACCEPTS_A_TICK = 20, /* handshakes cost more than anything else here */
    BACKLOG = 128,
    HEARTBEAT_DEFAULT_MS = 2000,
    EXPIRES_DEFAULT_MS = 10000,
};

/* ---- mail ---- */

static void go_on_all(struct fleet *fleet)
{
    struct session *next;
    for (struct session *session = LIST_FIRST(&fleet->sessions); session != NULL; session = next) {
        next = LIST_NEXT(session, link);
        if (!session_go_on(session)) {
            session_close(session);
        }
    }
}

static void on_mail(evutil_socket_t fd, short what, void *context)
{
    struct fleet *fleet = context;
    uint64_t rings;
    ssize_t got = read(fd, &rings, sizeof rings);
    (void)got, (void)what; /* what counts is in the mailbox */
    for (struct mail *mail; (mail = fleet_take_mail(fleet)) != NULL; free(mail)) {
        mail->take(fleet, mail);
    }
    if (fleet->is_closing) {
        event_base_loopbreak(fleet->base);
    } else {
        go_on_all(fleet);
    }
}

/* ---- sockets ---- */

static bool has_room(struct fleet *fleet)
{
    struct session *oldest = NULL;
    if (fleet->session_count < FLEET_CONNECTIONS_MAX) {
        return true;
    }
    for (struct session *session = LIST_FIRST(&fleet->sessions); session != NULL;
         session = LIST_NEXT(session, link)) {
        oldest = session->state == SESSION_CONNECTED ? oldest : session; /* the latest are in front */
    }
    if (oldest != NULL) {
        session_end(oldest, "too many connections");
        session_close(oldest);
    }
    return oldest != NULL;
}

static void welcome(struct fleet *fleet, int fd, const struct sockaddr_storage *from)
{
    struct addr_port at;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    addr_from_sockaddr((const struct sockaddr *)from, &at);
    pthread_mutex_lock(&fleet->status_lock);
    fleet->stats.accepted++;
    pthread_mutex_unlock(&fleet->status_lock);
    if (fleet->context == NULL || !has_room(fleet)) {
        close(fd);
        return;
    }
    struct session *session = session_open(fleet, fd, &at);
    if (session != NULL && !session_go_on(session)) {
        session_close(session);
    }
}

static void pause_listening(struct fleet *fleet, bool pauses)
{
    for (size_t i = 0; i < fleet->listener_count; i++) {
        pauses ? event_del(fleet->listeners[i]) : event_add(fleet->listeners[i], NULL);
    }
}

static void on_knock(evutil_socket_t fd, short what, void *context)
{
    struct fleet *fleet = context;
    struct sockaddr_storage from;
    (void)what;
    while (fleet->accepts_left > 0) {
        socklen_t len = sizeof from;
        int peer = accept4(fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (peer == -1) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                fleet->accepts_left = 0; /* no descriptors, say: at the next tick */
                break;
            }
            return;
        }
        fleet->accepts_left--;
        welcome(fleet, peer, &from);
    }
    pause_listening(fleet, true);
}

int fleet_bind(const struct addr_port *at)
{
    struct sockaddr_storage to;
    socklen_t len = addr_to_sockaddr(at, &to);
    int on = 1, fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -errno;
    }
    /* Who takes over listens before the one before ends. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == -1 ||
        (at->addr.family == ADDR_V6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == -1) ||
        bind(fd, (struct sockaddr *)&to, len) == -1 || listen(fd, BACKLOG) == -1) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static void stop_listening(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->listener_count; i++) {
        close(event_get_fd(fleet->listeners[i]));
        event_free(fleet->listeners[i]);
    }
    fleet->listener_count = 0;
}

struct listen_mail {
    struct mail mail;
    struct tls_context *context;
    bool is_more; /* beside those before */
    size_t count;
    int fds[];
};

static void take_listen(struct fleet *fleet, struct mail *mail)
{
    struct listen_mail *asked = (struct listen_mail *)mail;
    if (!asked->is_more) {
        stop_listening(fleet);
    }
    if (asked->context != NULL) {
        tls_context_drop(fleet->context);
        fleet->context = asked->context;
    }
    for (size_t i = 0; i < asked->count; i++) {
        struct event *event = event_new(fleet->base, asked->fds[i], EV_READ | EV_PERSIST, on_knock, fleet);
        if (event == NULL || fleet->listener_count == FLEET_MEMBERS_MAX || event_add(event, NULL) == -1) {
            if (event != NULL) {
                event_free(event);
            }
            close(asked->fds[i]);
            continue;
        }
        fleet->listeners[fleet->listener_count++] = event;
    }
}

void fleet_listen(struct fleet *fleet, const int *fds, size_t count, struct tls_context *context)
{
    count = count < FLEET_MEMBERS_MAX ? count : FLEET_MEMBERS_MAX;
    struct listen_mail *mail = memory_alloc(sizeof *mail + count * sizeof *fds);
    mail->mail.take = take_listen;
    mail->context = tls_context_hold(context);
    mail->count = count;
    for (size_t i = 0; i < count; i++) {
        mail->fds[i] = fds[i];
    }
    fleet_send(fleet, &mail->mail);
}

void fleet_listen_also(struct fleet *fleet, int fd)
{
    struct listen_mail *mail = memory_alloc(sizeof *mail + sizeof fd);
    mail->mail.take = take_listen;
    mail->is_more = true;
    mail->count = 1;
    mail->fds[0] = fd;
    fleet_send(fleet, &mail->mail);
}

/* ---- who may come, and what there is to check ---- */

struct pace_mail {
    struct mail mail;
    uint32_t heartbeat_ms, expires_ms;
};

static void take_pace(struct fleet *fleet, struct mail *mail)
{
    const struct pace_mail *pace = (const struct pace_mail *)mail;
    if (fleet->heartbeat_ms == pace->heartbeat_ms && fleet->expires_ms == pace->expires_ms) {
        return;
    }
    fleet->heartbeat_ms = pace->heartbeat_ms;
    fleet->expires_ms = pace->expires_ms;
    for (struct session *session = LIST_FIRST(&fleet->sessions); session != NULL;
         session = LIST_NEXT(session, link)) {
        session_end(session, "another pace holds from now on"); /* which is told at the beginning */
    }
}

void fleet_set_pace(struct fleet *fleet, uint32_t heartbeat_ms, uint32_t expires_ms)
{
    struct pace_mail *mail = memory_alloc(sizeof *mail);
    *mail =
        (struct pace_mail){.mail.take = take_pace, .heartbeat_ms = heartbeat_ms, .expires_ms = expires_ms};
    fleet_send(fleet, &mail->mail);
}

struct limits_mail {
    struct mail mail;
    struct fleet_limits limits;
};

static void take_limits(struct fleet *fleet, struct mail *mail)
{
    const struct limits_mail *asked = (const struct limits_mail *)mail;
    if (memcmp(&fleet->limits, &asked->limits, sizeof fleet->limits) == 0) {
        return;
    }
    fleet->limits = asked->limits;
    for (struct session *session = LIST_FIRST(&fleet->sessions); session != NULL;
         session = LIST_NEXT(session, link)) {
        session_say_limits(session);
    }
}

void fleet_set_limits(struct fleet *fleet, const struct fleet_limits *limits)
{
    struct limits_mail *mail = memory_alloc(sizeof *mail);
    *mail = (struct limits_mail){.mail.take = take_limits, .limits = *limits};
    fleet_send(fleet, &mail->mail);
}

struct members_mail {
    struct mail mail;
    struct fleet_member members[FLEET_MEMBERS_MAX]; /* by number */
};

static void follow_member(struct session *session, const struct fleet_member *before)
{
    const struct fleet_member *now = &session->fleet->members[session->number];
    if (now->number == 0 || !now->is_enrolled ||
        memcmp(now->fingerprint, session->fingerprint, TLS_FINGERPRINT_SIZE) != 0) {
        session_end(session, "it was revoked");
    } else if (strcmp(now->name, before->name) != 0) {
        memcpy(session->name, now->name, sizeof session->name);
        session_follow(session); /* other checks may be for it */
    }
}

static void take_members(struct fleet *fleet, struct mail *mail)
{
    struct fleet_member before[FLEET_MEMBERS_MAX];
    const struct members_mail *asked = (const struct members_mail *)mail;
    memcpy(before, fleet->members, sizeof before);
    memcpy(fleet->members, asked->members, sizeof before);
    pthread_mutex_lock(&fleet->status_lock);
    for (size_t i = 1; i < FLEET_MEMBERS_MAX; i++) {
        if (fleet->members[i].number == 0) {
            fleet->statuses[i] = (struct fleet_status){.is_connected = false};
            fleet->runs[i] = 0;
        }
    }
    pthread_mutex_unlock(&fleet->status_lock);
    for (struct session *session = LIST_FIRST(&fleet->sessions); session != NULL;
         session = LIST_NEXT(session, link)) {
        if (session->number != 0) {
            follow_member(session, &before[session->number]);
        }
    }
}

void fleet_set_members(struct fleet *fleet, const struct fleet_member *members, size_t count)
{
    struct members_mail *mail = memory_alloc(sizeof *mail);
    mail->mail.take = take_members;
    for (size_t i = 0; i < count; i++) {
        if (members[i].number > 0 && members[i].number < FLEET_MEMBERS_MAX) {
            mail->members[members[i].number] = members[i];
        }
    }
    fleet_send(fleet, &mail->mail);
}

static void take_leave(struct fleet *fleet, struct mail *mail)
{
    (void)mail;
    for (struct session *session = LIST_FIRST(&fleet->sessions); session != NULL;
         session = LIST_NEXT(session, link)) {
        session_end(session, "another process takes over");
    }
}

void fleet_leave(struct fleet *fleet)
{
    struct mail *mail = memory_alloc(sizeof *mail);
    mail->take = take_leave;
    fleet_send(fleet, mail);
    fleet_listen(fleet, NULL, 0, NULL);
    fleet_set_members(fleet, NULL, 0); /* nor may those come who have connected already */
}

struct list_mail {
    struct mail mail;
    struct fleet_list *list;
};

static void take_list(struct fleet *fleet, struct mail *mail)
{
    fleet_list_drop(fleet->list);
    fleet->list = ((struct list_mail *)mail)->list;
    pthread_mutex_lock(&fleet->status_lock);
    fleet->list_ms = clock_now_ms(fleet->clock);
    fleet->list_generation = fleet_list_generation(fleet->list);
    pthread_mutex_unlock(&fleet->status_lock);
    for (struct session *session = LIST_FIRST(&fleet->sessions); session != NULL;
         session = LIST_NEXT(session, link)) {
        session_follow(session);
    }
}

void fleet_use_list(struct fleet *fleet, struct fleet_list *list)
{
    struct list_mail *mail = memory_alloc(sizeof *mail);
    *mail = (struct list_mail){.mail.take = take_list, .list = list};
    fleet_send(fleet, &mail->mail);
}

struct aim_mail {
    struct mail mail;
    uint64_t generation;
    size_t count;
    struct addr (*addresses)[FLEET_ADDRESSES_MAX];
    struct fleet_aim items[];
};

static void take_aim(struct fleet *fleet, struct mail *mail)
{
    const struct aim_mail *aim = (const struct aim_mail *)mail;
    if (fleet->list != NULL && fleet_list_generation(fleet->list) == aim->generation) {
        fleet_list_aim(fleet->list, aim->items, aim->count);
        for (struct session *session = LIST_FIRST(&fleet->sessions); session != NULL;
             session = LIST_NEXT(session, link)) {
            session_aim(session, aim->items, aim->count);
        }
    }
    free(aim->addresses);
}

void fleet_aim(struct fleet *fleet, uint64_t generation, const struct fleet_aim *aims, size_t count)
{
    struct aim_mail *mail = memory_alloc(sizeof *mail + count * sizeof *aims);
    mail->mail.take = take_aim;
    mail->generation = generation;
    mail->count = count;
    mail->addresses = memory_alloc_array(count, sizeof *mail->addresses);
    for (size_t i = 0; i < count; i++) {
        size_t n = aims[i].address_count < FLEET_ADDRESSES_MAX ? aims[i].address_count : FLEET_ADDRESSES_MAX;
        for (size_t k = 0; k < n; k++) {
            mail->addresses[i][k] = aims[i].addresses[k];
        }
        mail->items[i] = (struct fleet_aim){.index = aims[i].index,
                                            .idle = aims[i].idle,
                                            .addresses = mail->addresses[i],
                                            .address_count = n};
    }
    fleet_send(fleet, &mail->mail);
}

/* ---- time ---- */

static void note_socket(const struct session *session)
{
    struct fleet *fleet = session->fleet;
    struct tcp_info info;
    socklen_t len = sizeof info;
    bool has = getsockopt(session->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0;
    pthread_mutex_lock(&fleet->status_lock);
    struct fleet_status *status = &fleet->statuses[session->number];
    status->round_trip_us = has ? info.tcpi_rtt : 0;
    status->waiting = session->waiting;
    pthread_mutex_unlock(&fleet->status_lock);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct fleet *fleet = context;
    struct session *next;
    (void)fd, (void)what;
    if (fleet->accepts_left == 0) {
        pause_listening(fleet, false);
    }
    fleet->accepts_left = ACCEPTS_A_TICK;
    for (struct session *session = LIST_FIRST(&fleet->sessions); session != NULL; session = next) {
        next = LIST_NEXT(session, link);
        if (session->number != 0) {
            note_socket(session);
        }
        if (!session_tick(session)) {
            session_close(session);
        }
    }
    fleet->hooks.tick(fleet->hooks.context);
}

/* ---- life ---- */

static void *run(void *context)
{
    struct fleet *fleet = context;
    pthread_setname_np(pthread_self(), "vantages");
    (void)event_base_dispatch(fleet->base);
    while (!LIST_EMPTY(&fleet->sessions)) {
        session_end(LIST_FIRST(&fleet->sessions), "the server ends");
        session_close(LIST_FIRST(&fleet->sessions));
    }
    stop_listening(fleet);
    trial_end_all(fleet, 0, "the server ends");
    return NULL;
}

static void free_fleet(struct fleet *fleet)
{
    if (fleet->mail != NULL) {
        event_free(fleet->mail);
    }
    if (fleet->tick != NULL) {
        event_free(fleet->tick);
    }
    if (fleet->base != NULL) {
        event_base_free(fleet->base);
    }
    if (fleet->wake_fd != -1) {
        close(fleet->wake_fd);
    }
    tls_context_drop(fleet->context);
    fleet_list_drop(fleet->list);
    pthread_mutex_destroy(&fleet->mail_lock);
    pthread_mutex_destroy(&fleet->status_lock);
    pthread_mutex_destroy(&fleet->trial_lock);
    free(fleet->server);
    free(fleet);
}

static int set_up(struct fleet *fleet)
{
    const struct timeval tick = {.tv_usec = FLEET_TICK_MS * 1000};
    fleet->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    fleet->base = event_base_new();
    if (fleet->wake_fd == -1 || fleet->base == NULL) {
        return -ENOMEM;
    }
    fleet->mail = event_new(fleet->base, fleet->wake_fd, EV_READ | EV_PERSIST, on_mail, fleet);
    fleet->tick = event_new(fleet->base, -1, EV_PERSIST, on_tick, fleet);
    if (fleet->mail == NULL || fleet->tick == NULL || event_add(fleet->mail, NULL) == -1 ||
        event_add(fleet->tick, &tick) == -1) {
        return -ENOMEM;
    }
    return -thread_start(&fleet->thread, run, fleet);
}

int fleet_open(const struct fleet_options *options, struct fleet **opened)
{
    struct fleet *fleet = memory_alloc(sizeof *fleet);
    *fleet = (struct fleet){.clock = options->clock,
                            .hooks = options->hooks,
                            .server = memory_copy_text(options->server),
                            .wake_fd = -1,
                            .heartbeat_ms = HEARTBEAT_DEFAULT_MS,
                            .expires_ms = EXPIRES_DEFAULT_MS,
                            .accepts_left = ACCEPTS_A_TICK};
    LIST_INIT(&fleet->sessions);
    LIST_INIT(&fleet->trials);
    STAILQ_INIT(&fleet->mails);
    pthread_mutex_init(&fleet->mail_lock, NULL);
    pthread_mutex_init(&fleet->status_lock, NULL);
    pthread_mutex_init(&fleet->trial_lock, NULL);
    int error = set_up(fleet);
    if (error != 0) {
        free_fleet(fleet);
        return error;
    }
    *opened = fleet;
    return 0;
}

static void take_close(struct fleet *fleet, struct mail *mail)
{
    (void)mail;
    fleet->is_closing = true;
}

void fleet_close(struct fleet *fleet)
{
    if (fleet == NULL) {
        return;
    }
    struct mail *mail = memory_alloc(sizeof *mail);
    mail->take = take_close;
    fleet_send(fleet, mail);
    pthread_join(fleet->thread, NULL);
    for (struct mail *left; (left = fleet_take_mail(fleet)) != NULL; free(left)) {
        left->take(fleet, left);
    }
    stop_listening(fleet);
    free_fleet(fleet);
}

/* ---- looking ---- */

void fleet_get_status(struct fleet *fleet, unsigned number, struct fleet_status *status)
{
    pthread_mutex_lock(&fleet->status_lock);
    *status = fleet->statuses[number];
    status->is_current = status->generation != 0 && status->generation == fleet->list_generation;
    status->behind_ms = status->is_connected && !status->is_current && fleet->list_ms != 0
                            ? clock_now_ms(fleet->clock) - fleet->list_ms
                            : 0;
    pthread_mutex_unlock(&fleet->status_lock);
}

void fleet_get_stats(struct fleet *fleet, struct fleet_stats *stats)
{
    pthread_mutex_lock(&fleet->status_lock);
    *stats = fleet->stats;
    stats->connections = fleet->session_count;
    stats->sent = fleet->sent;
    pthread_mutex_unlock(&fleet->status_lock);
}
