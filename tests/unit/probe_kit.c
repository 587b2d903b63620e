/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See probe_kit.h. One thread per server, one connection at a time. */
#include "config.h"

#include "probe_kit.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_S = 20 };

bool record_ended(void *context, const struct probe_result *result)
{
    struct record *r = context;
    pthread_mutex_lock(&r->lock);
    r->results = memory_grow(r->results, r->count, &r->capacity, sizeof *r->results);
    r->results[r->count++] = *result;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return false;
}

struct probe_result record_wait(struct record *r, uint64_t generation, uint32_t target, size_t from,
                                size_t nth)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&r->lock);
    for (size_t i = from, seen = 0;; i++) {
        int error = 0;
        while (i >= r->count && error == 0) {
            error = pthread_cond_timedwait(&r->changed, &r->lock, &until);
        }
        if (i >= r->count) {
            pthread_mutex_unlock(&r->lock);
            fail_msg("no result %zu of target %u in generation %llu", nth, target,
                     (unsigned long long)generation);
        }
        if (r->results[i].generation == generation && r->results[i].target == target && seen++ == nth) {
            struct probe_result found = r->results[i];
            pthread_mutex_unlock(&r->lock);
            return found;
        }
    }
}

size_t record_count(struct record *r)
{
    pthread_mutex_lock(&r->lock);
    size_t count = r->count;
    pthread_mutex_unlock(&r->lock);
    return count;
}

void record_init(struct record *r)
{
    *r = (struct record){.results = NULL};
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
}

void record_fini(struct record *r)
{
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->changed);
    free(r->results);
}

void nap_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

void send_text(int fd, const char *text)
{
    for (size_t len = strlen(text); len > 0;) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        text += n;
        len -= (size_t)n;
    }
}

void reset_on_close(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
}

static void drip(struct server *s, int fd)
{
    for (const char *p = s->text; *p != '\0' && !s->stopping; p++) {
        if (send(fd, p, 1, MSG_NOSIGNAL) != 1) {
            return;
        }
        nap_ms(2);
    }
}

static void serve(struct server *s, int fd)
{
    if (s->behaviour != ANSWER_BLIND) {
        char request[sizeof s->request];
        ssize_t n = recv(fd, request, sizeof request - 1, 0);
        if (n > 0) {
            request[n] = '\0';
            memcpy(s->request, request, (size_t)n + 1);
        }
    }
    if (s->behaviour == RESET) {
        reset_on_close(fd);
        return;
    }
    while (s->behaviour == HOLD && !s->released && !s->stopping) {
        nap_ms(1);
    }
    if (s->behaviour == DRIP) {
        drip(s, fd);
    } else {
        send_text(fd, s->text);
    }
    if (s->behaviour == STALL) {
        char byte;
        (void)!recv(fd, &byte, 1, 0);
    }
}

static void *run_server(void *context)
{
    struct server *s = context;
    for (int fd; (fd = accept(s->fd, NULL, NULL)) != -1;) {
        s->accepted++;
        serve(s, fd);
        close(fd);
        s->served++;
    }
    return NULL;
}

bool server_listen(struct server *s, int family, uint16_t port, int backlog)
{
    memset(s, 0, sizeof *s);
    struct sockaddr_in v4 = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr *at = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
    socklen_t len = family == AF_INET ? sizeof v4 : sizeof v6;
    s->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd == -1) {
        return false;
    }
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(s->fd, at, len) == -1 || listen(s->fd, backlog) == -1 || getsockname(s->fd, at, &len) == -1) {
        close(s->fd);
        return false;
    }
    s->port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
    return true;
}

void server_start(struct server *s, enum behaviour behaviour, const char *text)
{
    s->behaviour = behaviour;
    s->text = text;
    s->running = true;
    assert_int_equal(pthread_create(&s->thread, NULL, run_server, s), 0);
}

void server_open(struct server *s, enum behaviour behaviour, const char *text)
{
    assert_true(server_listen(s, AF_INET, 0, 4096));
    server_start(s, behaviour, text);
}

void server_close(struct server *s)
{
    s->stopping = true;
    shutdown(s->fd, SHUT_RDWR);
    if (s->running) {
        pthread_join(s->thread, NULL);
    }
    close(s->fd);
}

struct probe_target target_at(enum probe_type type, uint16_t port, uint64_t identity)
{
    return (struct probe_target){
        .type = type,
        .at = {.addr = {.family = ADDR_V4, .bytes = {127, 0, 0, 1}}, .port = port},
        .interval_ms = 50,
        .timeout_ms = 10000 + (uint32_t)identity,
        .identity = identity,
    };
}

struct prober *open_prober(struct record *r)
{
    struct prober *prober = NULL;
    record_init(r);
    assert_int_equal(prober_open(&(struct probe_hooks){.context = r, .ended = record_ended}, &prober), 0);
    return prober;
}
