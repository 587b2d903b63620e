/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The hot path: recvmmsg, answer_query for each, sendmmsg. Nothing is allocated, locked or logged in the
 * loop.
 *
 * The thread is online to the view only while it answers: both system calls may wait, and whoever publishes a
 * view waits for the thread. Answers lie one behind the other in the reply buffer, so that a batch of small
 * ones stays in a few pages; a query that gets no answer leaves no gap. What the kernel refuses to send is
 * counted as dropped and never tried again: every round of every loop here makes progress, but where the
 * thread was woken. */
#include "config.h"

#include "serve/udp.h"

#include "base/sanitizer.h"
#include "serve/proxy.h"
#include "serve/socket.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BATCH = 64,
    CACHE_LINE = 64,
    QUERY_SIZE = 4096, /* longer ones are cut by the kernel and answered as what came */
    REPLY_SIZE = 4096,
    /* Not a power of two: else the starts of all queries compete for the same few lines of the cache. */
    QUERY_STRIDE = QUERY_SIZE + CACHE_LINE,
    PAUSE_NS = 10000000,
    WAKE_SIGNAL = SIGURG, /* ignored by default, and wanted by nobody else */
};

union control {
    struct cmsghdr header;
    uint8_t v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
    uint8_t v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct udp_batch {
    struct mmsghdr in[BATCH], out[BATCH];
    struct iovec in_vectors[BATCH], out_vectors[BATCH];
    union socket_address clients[BATCH];
    union socket_address proxies[BATCH]; /* from whom it came, where that is not who asks */
    union control controls[BATCH];       /* used on wildcard addresses */
    uint8_t queries[BATCH][QUERY_STRIDE];
    uint8_t replies[BATCH * REPLY_SIZE];
} __attribute__((aligned(CACHE_LINE)));

static socklen_t name_len(const struct udp_worker *udp)
{
    return udp->family == ADDR_V4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static void arm_all(const struct udp_worker *udp, struct udp_batch *batch)
{
    for (unsigned i = 0; i < BATCH; i++) {
        batch->in_vectors[i] = (struct iovec){.iov_base = batch->queries[i], .iov_len = QUERY_SIZE};
        batch->in[i].msg_hdr = (struct msghdr){.msg_name = &batch->clients[i],
                                               .msg_namelen = name_len(udp),
                                               .msg_iov = &batch->in_vectors[i],
                                               .msg_iovlen = 1};
        if (udp->wildcard) {
            batch->in[i].msg_hdr.msg_control = &batch->controls[i];
            batch->in[i].msg_hdr.msg_controllen = sizeof batch->controls[i];
        }
        batch->out[i].msg_hdr =
            (struct msghdr){.msg_namelen = name_len(udp), .msg_iov = &batch->out_vectors[i], .msg_iovlen = 1};
    }
}

/* The packet information that came with a query, made into that of its answer: sent from the address that was
 * asked, by whatever route; only a link-local address means nothing without its interface. */
static void turn_control(const struct msghdr *in, struct msghdr *out)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(in);
    out->msg_control = NULL;
    out->msg_controllen = 0;
    if (header == NULL) {
        return;
    }
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo *info = (struct in_pktinfo *)(void *)CMSG_DATA(header);
        info->ipi_ifindex = 0;
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo *info = (struct in6_pktinfo *)(void *)CMSG_DATA(header);
        if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr)) {
            info->ipi6_ifindex = 0;
        }
    } else {
        return;
    }
    out->msg_control = in->msg_control;
    out->msg_controllen = in->msg_controllen;
}

/* For taps: what was asked, where the socket does not say so. */
static void note_asked(struct udp_worker *udp, const struct msghdr *in)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(in);
    if (header == NULL) {
        return;
    }
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
        const struct in_pktinfo *info = (const struct in_pktinfo *)(const void *)CMSG_DATA(header);
        memcpy(udp->asked.addr.bytes, &info->ipi_addr, sizeof info->ipi_addr);
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
        const struct in6_pktinfo *info = (const struct in6_pktinfo *)(const void *)CMSG_DATA(header);
        memcpy(udp->asked.addr.bytes, &info->ipi6_addr, sizeof info->ipi6_addr);
    }
}

/* Under AddressSanitizer a query ends where it ends, and nobody may write but where the next reply goes. */
static size_t answer_guarded(const struct answer_context *context, const struct answer_request *request,
                             bool is_withdrawn, uint8_t *reply)
{
    size_t unused = request->len < QUERY_SIZE ? QUERY_SIZE - request->len : 0;
    sanitizer_poison(request->bytes + request->len, unused);
    sanitizer_unpoison(reply, REPLY_SIZE);
    size_t len = __builtin_expect(is_withdrawn, 0) ? answer_withdrawn(context, request, reply, REPLY_SIZE)
                                                   : answer_query(context, request, reply, REPLY_SIZE);
    sanitizer_poison(reply + len, REPLY_SIZE - len);
    sanitizer_unpoison(request->bytes + request->len, unused);
    return len;
}

/* Every so many queries, who asked is noted. */
static void note_turns(const struct udp_worker *udp, const struct udp_batch *batch, size_t received,
                       uint64_t now_ms)
{
    struct sights *sights = udp->worker.sights;
    struct addr_port from;
    if (sights == NULL) {
        return;
    }
    for (size_t at = 0; (at = sights_find_turn(sights, at, received)) != received; at++) {
        addr_from_sockaddr(&batch->clients[at].any, &from);
        sights_note_turn(sights, &from.addr, now_ms);
    }
}

/* ---- proxies ---- */

/* A datagram of a proxy becomes that of whom it asks for; the answer goes back the way it came. What has no
 * good head becomes nothing, and so does its answer. */
static void take_head(struct udp_batch *batch, unsigned i)
{
    struct proxy_head head;
    struct sockaddr_storage address;
    unsigned len = batch->in[i].msg_len;
    batch->in[i].msg_len = 0;
    if (proxy_read_head(batch->queries[i], len, &head) != PROXY_OK) {
        return;
    }
    batch->in[i].msg_len = len - (unsigned)head.len;
    memmove(batch->queries[i], batch->queries[i] + head.len, batch->in[i].msg_len);
    if (head.has_client) {
        (void)addr_to_sockaddr(&head.client, &address);
        batch->proxies[i] = batch->clients[i];
        batch->in[i].msg_hdr.msg_name = &batch->proxies[i];
        memcpy(&batch->clients[i], &address, sizeof batch->clients[i]);
    }
}

static void take_heads(struct udp_batch *batch, unsigned received, const struct acl *proxies)
{
    struct addr_port from;
    for (unsigned i = 0; i < received; i++) {
        addr_from_sockaddr(&batch->clients[i].any, &from);
        if (acl_allows(proxies, &from.addr)) {
            take_head(batch, i);
        }
    }
}

/* Of the next batch. */
static void forget_proxies(struct udp_batch *batch, unsigned received)
{
    for (unsigned i = 0; i < received; i++) {
        batch->in[i].msg_hdr.msg_name = &batch->clients[i];
    }
}

/* ---- answers ---- */

/* Where the octets are that a client is numbered by; of one that a proxy names by its family, not that of the
 * socket. */
static size_t find_number(int family)
{
    return family == AF_INET ? offsetof(struct sockaddr_in, sin_addr)
                             : offsetof(struct sockaddr_in6, sin6_addr.s6_addr[4]);
}

/* What few sockets have, of a query: proxies that ask for others, wildcard addresses. */
struct udp_rare {
    const struct acl *proxies;
    bool wildcard, notes_asked, is_withdrawn;
};

/* Returns how many of batch->out are due. Re-arms what was received on the way. Inlined twice: for most
 * sockets there is nothing that is rare. */
static inline __attribute__((always_inline)) unsigned answer_all(struct udp_worker *udp,
                                                                 struct udp_batch *batch, unsigned received,
                                                                 const struct answer_context *context,
                                                                 struct udp_rare rare)
{
    struct answer_request request = {.transport = ANSWER_UDP,
                                     .listener = (uint16_t)(udp->listener + 1),
                                     .allow = view_listen_acl(context->view, udp->listener)};
    struct mmsghdr *out = batch->out;
    struct iovec *vector = batch->out_vectors;
    uint8_t *reply = batch->replies;
    const socklen_t address_len = name_len(udp);
    size_t number_at = find_number(udp->family == ADDR_V4 ? AF_INET : AF_INET6);
    for (unsigned i = 0; i < received; i++) {
        struct msghdr *in = &batch->in[i].msg_hdr;
        request.bytes = batch->queries[i];
        request.len = batch->in[i].msg_len;
        request.client = &batch->clients[i].any;
        if (rare.notes_asked) {
            note_asked(udp, in);
        }
        if (rare.proxies != NULL) {
            number_at = find_number(request.client->sa_family);
        }
        request.number = sights_number((const uint8_t *)request.client + number_at);
        size_t len = answer_guarded(context, &request, rare.is_withdrawn, reply);
        if (len != 0) {
            *vector++ = (struct iovec){.iov_base = reply, .iov_len = len};
            reply += (len + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
            out->msg_hdr.msg_name = in->msg_name;
            if (rare.wildcard) {
                turn_control(in, &out->msg_hdr);
            }
            out++;
        }
        in->msg_namelen = address_len;
        if (rare.wildcard) {
            in->msg_controllen = sizeof batch->controls[i];
        }
    }
    return (unsigned)(out - batch->out);
}

static __attribute__((noinline)) unsigned answer_rare(struct udp_worker *udp, struct udp_batch *batch,
                                                      unsigned received, const struct answer_context *context,
                                                      struct udp_rare rare)
{
    if (rare.proxies != NULL) {
        take_heads(batch, received, rare.proxies);
    }
    unsigned due = answer_all(udp, batch, received, context, rare);
    if (rare.proxies != NULL) {
        forget_proxies(batch, received);
    }
    return due;
}

/* Returns how many of batch->out are due. */
static unsigned answer_batch(struct udp_worker *udp, struct udp_batch *batch, unsigned received)
{
    static const struct udp_rare nothing = {.proxies = NULL};
    struct udp_rare rare = {.wildcard = udp->wildcard,
                            .notes_asked = udp->wildcard && udp->worker.tap != NULL,
                            .is_withdrawn =
                                atomic_load_explicit(udp->worker.is_withdrawn, memory_order_relaxed)};
    sanitizer_poison(batch->replies, sizeof batch->replies);
    view_reader_online();
    struct answer_context context = worker_context(&udp->worker, view_read(udp->worker.slot));
    rare.proxies = view_listen_proxies(context.view, udp->listener);
    bool is_rare = rare.proxies != NULL || rare.wildcard || rare.is_withdrawn;
    unsigned due = is_rare ? answer_rare(udp, batch, received, &context, rare)
                           : answer_all(udp, batch, received, &context, nothing);
    view_reader_offline();
    note_turns(udp, batch, received, context.now_ms);
    return due;
}

static void send_batch(struct udp_worker *udp, struct udp_batch *batch, unsigned due)
{
    for (unsigned done = 0; done < due;) {
        int sent = sendmmsg(udp->fd, batch->out + done, due - done, 0);
        if (sent > 0) {
            done += (unsigned)sent;
        } else {
            /* The first one was refused; when the queue did not drain in time, the rest would only wait
             * again. */
            unsigned lost = errno == EINTR ? 0 : errno == EAGAIN ? due - done : 1;
            worker_count(&udp->worker, ANSWER_COUNT_DROPPED, lost);
            done += lost;
        }
    }
}

static void serve_batches(struct udp_worker *udp, struct udp_batch *batch)
{
    while (!atomic_load_explicit(udp->worker.stop, memory_order_relaxed)) {
        int received = recvmmsg(udp->fd, batch->in, BATCH, MSG_WAITFORONE, NULL);
        if (received > 0) {
            send_batch(udp, batch, answer_batch(udp, batch, (unsigned)received));
        } else if (errno != EINTR && errno != EAGAIN) {
            /* Nothing that is known to happen, and nothing to turn round at full speed for. */
            (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        }
    }
}

static void hear_wakes(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, WAKE_SIGNAL);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void udp_run(struct udp_worker *udp)
{
    struct udp_batch *batch = aligned_alloc(CACHE_LINE, sizeof *batch);
    assert(batch != NULL);
    memset(batch, 0, offsetof(struct udp_batch, queries)); /* pages of the buffers come as they are needed */
    arm_all(udp, batch);
    hear_wakes();
    view_reader_register();
    view_reader_offline();
    serve_batches(udp, batch);
    view_reader_unregister();
    free(batch);
}

static void on_signal(int number)
{
    (void)number;
}

void udp_prepare_wakes(void)
{
    /* without SA_RESTART: what blocks returns */
    const struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(WAKE_SIGNAL, &action, NULL);
}

void udp_wake(pthread_t thread)
{
    (void)pthread_kill(thread, WAKE_SIGNAL);
}
