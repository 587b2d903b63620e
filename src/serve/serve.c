/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sockets and threads as a whole: open, start, close. The control thread calls this; the DNS threads run in
 * udp.c and tcp.c. Addresses are bound before privileges are dropped and before there is a view; queries that
 * arrive meanwhile wait in the sockets. */
#include "config.h"

#include "serve/serve.h"

#include "base/error.h"
#include "base/memory.h"
#include "serve/socket.h"
#include "serve/tcp.h"
#include "serve/tcp_share.h"
#include "serve/udp.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    IDLE_MS = 10000,
    CLIENTS = 1000,
    IPV4_PREFIX = 32,
    IPV6_PREFIX = 64,
    PORT_ATTEMPTS = 32, /* to find a port that is free for UDP and TCP */
    NAME_SIZE = 16,
    WAKE_NS = 1000000,
    WAKE_NS_MAX = 200000000, /* more than sendmmsg may block */
};

/* One thread. Owned by the control thread, apart from what udp and tcp say. */
struct serve_thread {
    struct answer_counters counters;
    struct udp_worker udp; /* fd -1: a TCP thread */
    struct tcp_worker *tcp;
    char name[NAME_SIZE];
    void (*begun)(void);
    pthread_t id;
    bool running;
    atomic_bool stop; /* of a UDP thread */
};

struct serve {
    struct addr_port *listen; /* as bound */
    struct addr_port *asked;  /* as given */
    size_t listen_count, workers, thread_count;
    struct serve_thread *threads;
    int *tcp_fds; /* worker by worker, address by address; -1: not open */
    struct tcp_share *tcp_share;
    struct view_slot *slot;
    struct sights **sights; /* borrowed; NULL: none */
    struct answer_tap *const *taps;
    const struct answer_shadow_slot *shadows; /* likewise */
    const struct answer_challenge_slot *challenges;
    bool *kept;       /* by number of socket: another process has it, too; NULL: nobody takes over */
    atomic_bool stop; /* TCP threads */
    atomic_bool is_withdrawn;
};

static size_t count_workers(const struct serve_options *options)
{
    return options->threads == 0 ? 1 : options->threads;
}

size_t serve_thread_count(const struct serve_options *options)
{
    return (options->listen_count + 1) * count_workers(options);
}

const struct addr_port *serve_get_address(const struct serve *serve, size_t index)
{
    assert(index < serve->listen_count);
    return &serve->listen[index];
}

void serve_get_counters(const struct serve *serve, uint64_t sums[ANSWER_COUNTERS])
{
    memset(sums, 0, ANSWER_COUNTERS * sizeof *sums);
    for (size_t t = 0; t < serve->thread_count; t++) {
        for (size_t c = 0; c < ANSWER_COUNTERS; c++) {
            sums[c] += answer_read_counter(&serve->threads[t].counters, (enum answer_counter)c);
        }
    }
}

/* ---- sockets ---- */

static int *udp_fd(const struct serve *serve, size_t address, size_t worker)
{
    return &serve->threads[address * serve->workers + worker].udp.fd;
}

static int *tcp_fd(const struct serve *serve, size_t address, size_t worker)
{
    return &serve->tcp_fds[worker * serve->listen_count + address];
}

/* Is an address before this one on the same port a wildcard where this is not, or the other way round? Then
 * both can be bound, the narrower gets its queries, and only SO_REUSEPORT lets them in. */
static bool overlaps(const struct serve *serve, size_t index)
{
    const struct addr_port *at = &serve->listen[index];
    for (size_t i = 0; i < index; i++) {
        const struct addr_port *other = &serve->listen[i];
        if (other->port == at->port && other->addr.family == at->addr.family &&
            socket_is_wildcard(&other->addr) != socket_is_wildcard(&at->addr)) {
            return true;
        }
    }
    return false;
}

static const char *advice(int error)
{
    switch (error) {
    case -EADDRINUSE: return "; expected a free port: is another server running?";
    case -EACCES: return "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    case -EAFNOSUPPORT: return "; this system has IPv6 disabled";
    case -EMFILE: return "; the limit of open files is too low";
    default: return "";
    }
}

static void complain(const struct serve *serve, size_t index, const char *protocol, int error,
                     struct report *report)
{
    char path[32], text[ADDR_TEXT_SIZE];
    snprintf(path, sizeof path, "$.listen[%zu]", index);
    report_add(report, REPORT_ERROR, &(struct report_place){.path = path}, "cannot listen on %s %s: %s%s",
               protocol, addr_write_port(&serve->listen[index], text), error_text(error), advice(error));
}

static void warn_of_early(const struct serve *serve, size_t index, struct report *report)
{
    char path[32], text[ADDR_TEXT_SIZE];
    snprintf(path, sizeof path, "$.listen[%zu]", index);
    report_add(report, REPORT_WARNING, &(struct report_place){.path = path},
               "no interface of this machine has %s; queries are answered there as soon as one has it",
               addr_write_port(&serve->listen[index], text));
}

/* The first worker's sockets on a port that the kernel picks. */
static int open_any_port(struct serve *serve, size_t index)
{
    struct addr_port *at = &serve->listen[index];
    int *udp = udp_fd(serve, index, 0), *tcp = tcp_fd(serve, index, 0), error = -EADDRINUSE;
    for (unsigned i = 0; i < PORT_ATTEMPTS && error == -EADDRINUSE; i++) {
        at->port = 0;
        error = socket_open_udp(at, false, udp);
        if (error == 0) {
            error = socket_find_port(*udp, &at->port);
        }
        if (error == 0) {
            error = socket_open_tcp(at, false, tcp);
        }
        if (error != 0) {
            socket_close(udp);
        }
    }
    return error;
}

/* The server before has, or had, an address of this port: its sockets are bound until it has left. */
static bool meets_inherited(const struct serve *serve, const struct serve_options *options, size_t index)
{
    const struct addr_port *at = &serve->listen[index];
    for (size_t i = 0; i < options->inherited_count; i++) {
        const struct addr_port *other = &options->inherited[i].asked;
        if (other->port == at->port && other->addr.family == at->addr.family) {
            return true;
        }
    }
    return false;
}

/* Takes one that is left, or -1. */
static int inherit(const struct serve_options *options, const struct addr_port *asked, bool is_tcp)
{
    for (size_t i = 0; i < options->inherited_count; i++) {
        struct serve_socket *socket = &options->inherited[i];
        if (socket->fd != -1 && socket->is_tcp == is_tcp && socket->asked.port == asked->port &&
            addr_equal(&socket->asked.addr, &asked->addr)) {
            int fd = socket->fd;
            socket->fd = -1;
            return fd;
        }
    }
    return -1;
}

/* With port 0 twice, an address has all sockets of the first one before the second one gets any. */
static int inherit_all(struct serve *serve, const struct serve_options *options)
{
    int error = 0;
    for (size_t i = 0; i < serve->listen_count; i++) {
        for (size_t w = 0; w < serve->workers; w++) {
            *udp_fd(serve, i, w) = inherit(options, &serve->asked[i], false);
            *tcp_fd(serve, i, w) = inherit(options, &serve->asked[i], true);
        }
        int fd = *udp_fd(serve, i, 0);
        if (fd != -1 && error == 0) {
            error = socket_find_port(fd, &serve->listen[i].port);
        }
    }
    return error;
}

int serve_adopt_socket(int fd, struct serve_socket *socket)
{
    *socket = (struct serve_socket){.fd = fd};
    return socket_adopt(fd, &socket->asked, &socket->is_tcp);
}

static int open_udp(struct serve *serve, size_t index, bool shared)
{
    int error = 0;
    for (size_t w = 0; w < serve->workers && error == 0; w++) {
        int *fd = udp_fd(serve, index, w);
        if (*fd == -1) {
            error = socket_open_udp(&serve->listen[index], shared || w != 0, fd);
        }
    }
    return error;
}

static int open_tcp(struct serve *serve, size_t index, bool shared)
{
    int error = 0;
    for (size_t w = 0; w < serve->workers && error == 0; w++) {
        int *fd = tcp_fd(serve, index, w);
        if (*fd == -1) {
            error = socket_open_tcp(&serve->listen[index], shared || w != 0, fd);
        }
    }
    return error;
}

static int open_address(struct serve *serve, const struct serve_options *options, size_t index,
                        struct report *report)
{
    bool is_inherited = *udp_fd(serve, index, 0) != -1;
    if (serve->listen[index].port == 0) {
        int error = open_any_port(serve, index);
        if (error != 0) {
            complain(serve, index, "UDP and TCP", error, report);
            return error;
        }
    }
    bool shared = overlaps(serve, index) || meets_inherited(serve, options, index);
    int udp_error = open_udp(serve, index, shared), tcp_error = open_tcp(serve, index, shared);
    if (udp_error != 0) {
        complain(serve, index, "UDP", udp_error, report);
    }
    if (tcp_error != 0) {
        complain(serve, index, "TCP", tcp_error, report);
    }
    if (udp_error == 0 && tcp_error == 0 && !is_inherited && socket_is_early(*udp_fd(serve, index, 0))) {
        warn_of_early(serve, index, report);
    }
    return udp_error != 0 ? udp_error : tcp_error;
}

/* ---- threads ---- */

static void fill_worker(struct serve *serve, size_t index, struct worker *worker)
{
    *worker = (struct worker){
        .slot = serve->slot,
        .counters = &serve->threads[index].counters,
        .stop = index < serve->listen_count * serve->workers ? &serve->threads[index].stop : &serve->stop,
        .is_withdrawn = &serve->is_withdrawn,
        .tap = serve->taps == NULL ? NULL : serve->taps[index],
        .index = index,
        .shadows = serve->shadows,
        .challenges = serve->challenges,
        .sights = serve->sights == NULL ? NULL : serve->sights[index]};
    random_init(&worker->random, random_seed());
}

static int plan_tcp(struct serve *serve, size_t number)
{
    size_t index = serve->listen_count * serve->workers + number;
    struct serve_thread *thread = &serve->threads[index];
    struct tcp_options tcp = {.listeners = tcp_fd(serve, 0, number),
                              .listener_count = serve->listen_count,
                              .locals = serve->listen,
                              .share = serve->tcp_share,
                              .thread = number};
    struct worker worker;
    fill_worker(serve, index, &worker);
    snprintf(thread->name, sizeof thread->name, "tcp/%u", (unsigned)number & 0xffff);
    thread->tcp = tcp_new(&worker, &tcp);
    return thread->tcp == NULL ? -EMFILE : 0;
}

static void plan_udp(struct serve *serve, size_t index)
{
    struct serve_thread *thread = &serve->threads[index];
    const struct addr *addr = &serve->listen[index / serve->workers].addr;
    fill_worker(serve, index, &thread->udp.worker);
    thread->udp.listener = index / serve->workers;
    thread->udp.family = addr->family;
    thread->udp.asked = serve->listen[thread->udp.listener];
    if (thread->udp.worker.tap != NULL) {
        thread->udp.worker.tap->local = &thread->udp.asked;
    }
    thread->udp.wildcard = socket_is_wildcard(addr);
    snprintf(thread->name, sizeof thread->name, "udp/%u", (unsigned)index & 0xffff);
}

static int plan_threads(struct serve *serve, struct report *report)
{
    int error = 0;
    for (size_t i = 0; i < serve->listen_count * serve->workers; i++) {
        plan_udp(serve, i);
    }
    for (size_t i = 0; i < serve->workers && error == 0; i++) {
        error = plan_tcp(serve, i);
    }
    if (error != 0) {
        report_add(report, REPORT_ERROR, &(struct report_place){.path = "$.threads"},
                   "cannot create an event loop for each of %zu TCP threads%s", serve->workers,
                   advice(error));
    }
    return error;
}

static struct serve_tcp_limits complete(const struct serve_tcp_limits *limits)
{
    struct serve_tcp_limits result = *limits;
    result.idle_ms = limits->idle_ms == 0 ? IDLE_MS : limits->idle_ms;
    result.clients = limits->clients == 0 ? CLIENTS : limits->clients;
    result.ipv4_prefix = limits->ipv4_prefix == 0 ? IPV4_PREFIX : limits->ipv4_prefix;
    result.ipv6_prefix = limits->ipv6_prefix == 0 ? IPV6_PREFIX : limits->ipv6_prefix;
    return result;
}

static void wake_tcp(const struct serve *serve)
{
    for (size_t i = 0; i < serve->thread_count; i++) {
        if (serve->threads[i].tcp != NULL) {
            tcp_wake(serve->threads[i].tcp);
        }
    }
}

void serve_set_tcp_limits(struct serve *serve, const struct serve_tcp_limits *limits)
{
    struct serve_tcp_limits all = complete(limits);
    tcp_share_set_limits(serve->tcp_share, &all);
    wake_tcp(serve);
}

void serve_set_withdrawn(struct serve *serve, bool is_withdrawn)
{
    atomic_store(&serve->is_withdrawn, is_withdrawn);
    wake_tcp(serve);
}

bool serve_is_withdrawn(const struct serve *serve)
{
    return atomic_load(&serve->is_withdrawn);
}

void serve_get_tcp_stats(const struct serve *serve, struct serve_tcp_stats *stats)
{
    const struct tcp_share *share = serve->tcp_share;
    stats->clients = tcp_share_load(&share->count);
    stats->accepted = atomic_load_explicit(&share->accepted, memory_order_relaxed);
    for (size_t i = 0; i < SERVE_TCP_ENDS; i++) {
        stats->ended[i] = atomic_load_explicit(&share->ended[i], memory_order_relaxed);
    }
}

static struct serve *new_serve(const struct serve_options *options)
{
    struct serve *serve = memory_alloc(sizeof *serve);
    struct serve_tcp_limits tcp = complete(&options->tcp);
    serve->slot = options->slot;
    serve->taps = options->taps;
    serve->shadows = options->shadows;
    serve->challenges = options->challenges;
    serve->sights = options->sights;
    serve->tcp_share = tcp_share_new(count_workers(options), &tcp);
    serve->workers = count_workers(options);
    serve->listen_count = options->listen_count;
    serve->listen = memory_copy(options->listen, options->listen_count * sizeof *serve->listen);
    serve->asked = memory_copy(options->listen, options->listen_count * sizeof *serve->asked);
    serve->thread_count = serve_thread_count(options);
    /* Counters of different threads share no cache line. */
    size_t size = serve->thread_count * sizeof *serve->threads;
    serve->threads = aligned_alloc(_Alignof(struct serve_thread), size);
    assert(serve->threads != NULL);
    memset(serve->threads, 0, size);
    for (size_t i = 0; i < serve->thread_count; i++) {
        serve->threads[i].udp.fd = -1;
        serve->threads[i].begun = options->begun;
    }
    serve->tcp_fds = memory_alloc_array(serve->workers * serve->listen_count, sizeof *serve->tcp_fds);
    for (size_t i = 0; i < serve->workers * serve->listen_count; i++) {
        serve->tcp_fds[i] = -1;
    }
    return serve;
}

int serve_open(const struct serve_options *options, struct report *report, struct serve **serve)
{
    *serve = NULL;
    if (options->listen_count == 0) {
        report_add(report, REPORT_ERROR, &(struct report_place){.path = "$.listen"},
                   "found no address to listen on, expected at least one");
        return ERROR_INVALID;
    }
    struct serve *opened = new_serve(options);
    int first_error = inherit_all(opened, options);
    for (size_t i = 0; i < opened->listen_count; i++) {
        int error = open_address(opened, options, i, report);
        first_error = first_error == 0 ? error : first_error;
    }
    if (first_error == 0) {
        first_error = plan_threads(opened, report);
    }
    if (first_error != 0) {
        serve_close(opened);
        return first_error;
    }
    *serve = opened;
    return 0;
}

static void *run_thread(void *argument)
{
    struct serve_thread *thread = argument;
    (void)pthread_setname_np(pthread_self(), thread->name);
    if (thread->begun != NULL) {
        thread->begun();
    }
    if (thread->tcp != NULL) {
        tcp_run(thread->tcp);
    } else {
        udp_run(&thread->udp);
    }
    return NULL;
}

int serve_start(struct serve *serve)
{
    sigset_t all, before;
    int error = 0;
    sigfillset(&all);
    /* Threads begin with the mask of the one that creates them: signals are for the control thread. */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    udp_prepare_wakes();
    for (size_t i = 0; i < serve->thread_count && error == 0; i++) {
        struct serve_thread *thread = &serve->threads[i];
        error = -pthread_create(&thread->id, NULL, run_thread, thread);
        thread->running = error == 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* Whoever blocks in sendmmsg gets longer and longer to do so, for it begins anew after each wake. */
static void join_udp(struct serve_thread *thread)
{
    long wait_ns = WAKE_NS;
    udp_wake(thread->id);
    while (pthread_tryjoin_np(thread->id, NULL) != 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = wait_ns}, NULL);
        udp_wake(thread->id);
        wait_ns = wait_ns < WAKE_NS_MAX ? 2 * wait_ns : wait_ns;
    }
    thread->running = false;
}

static bool has_left(const struct serve *serve, size_t worker)
{
    const struct tcp_worker *tcp = serve->threads[serve->listen_count * serve->workers + worker].tcp;
    return tcp == NULL || tcp_has_left(tcp);
}

/* Of all, or of the sockets that another process has, too. Waits for them. */
static void end_udp_threads(struct serve *serve, const bool *kept)
{
    for (size_t i = 0; i < serve->listen_count * serve->workers; i++) {
        if (serve->threads[i].running && (kept == NULL || kept[i])) {
            atomic_store(&serve->threads[i].stop, true);
            udp_wake(serve->threads[i].id);
        }
    }
    for (size_t i = 0; i < serve->listen_count * serve->workers; i++) {
        if (serve->threads[i].running && (kept == NULL || kept[i])) {
            join_udp(&serve->threads[i]);
        }
    }
}

void serve_end_udp(struct serve *serve)
{
    end_udp_threads(serve, NULL);
    for (size_t i = 0; i < serve->listen_count * serve->workers; i++) {
        socket_close(&serve->threads[i].udp.fd);
        if (has_left(serve, i / serve->listen_count)) {
            socket_close(&serve->tcp_fds[i]);
        }
    }
}

static void end_tcp(struct serve *serve)
{
    size_t first = serve->listen_count * serve->workers;
    atomic_store(&serve->stop, true);
    for (size_t i = first; i < serve->thread_count; i++) {
        if (serve->threads[i].running) {
            tcp_wake(serve->threads[i].tcp);
        }
    }
    for (size_t i = first; i < serve->thread_count; i++) {
        if (serve->threads[i].running) {
            (void)pthread_join(serve->threads[i].id, NULL);
        }
    }
}

void serve_close(struct serve *serve)
{
    if (serve == NULL) {
        return;
    }
    serve_end_udp(serve);
    end_tcp(serve);
    for (size_t i = 0; i < serve->thread_count; i++) {
        tcp_free(serve->threads[i].tcp);
    }
    for (size_t i = 0; i < serve->workers * serve->listen_count; i++) {
        socket_close(&serve->tcp_fds[i]);
    }
    tcp_share_free(serve->tcp_share);
    free(serve->tcp_fds);
    free(serve->threads);
    free(serve->kept);
    free(serve->asked);
    free(serve->listen);
    free(serve);
}

/* ---- leaving ---- */

static size_t count_udp(const struct serve *serve)
{
    return serve->listen_count * serve->workers;
}

struct serve_socket *serve_list_sockets(const struct serve *serve, size_t *count)
{
    size_t half = count_udp(serve);
    struct serve_socket *list = memory_alloc_array(2 * half, sizeof *list);
    for (size_t i = 0; i < half; i++) {
        list[i] = (struct serve_socket){serve->asked[i / serve->workers], false, serve->threads[i].udp.fd};
        list[half + i] =
            (struct serve_socket){serve->asked[i % serve->listen_count], true, serve->tcp_fds[i]};
    }
    *count = 2 * half;
    return list;
}

void serve_leave(struct serve *serve, const bool *kept)
{
    size_t half = count_udp(serve);
    serve->kept = memory_copy(kept, 2 * half * sizeof *kept);
    for (size_t i = 0; i < half; i++) {
        if (!kept[i]) {
            socket_deafen(serve->threads[i].udp.fd, &serve->listen[i / serve->workers]);
        }
    }
    for (size_t w = 0; w < serve->workers; w++) {
        tcp_leave(serve->threads[half + w].tcp, serve->kept + half + w * serve->listen_count);
    }
    end_udp_threads(serve, serve->kept);
}

bool serve_is_drained(const struct serve *serve)
{
    for (size_t w = 0; w < serve->workers; w++) {
        if (!has_left(serve, w)) {
            return false;
        }
    }
    for (size_t i = 0; i < count_udp(serve); i++) {
        if (!serve->kept[i] && socket_has_input(serve->threads[i].udp.fd)) {
            return false;
        }
    }
    return true;
}
