/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The life of a connection (RFC 7766): see tcp_client.h. Its internal functions return whether the connection
 * lives on; only the event callback and tcp_client_finish() close it, so nobody touches one that is gone.
 * Memory here is asked for by strangers: where there is none left, that connection ends and the server does
 * not. */
#include "config.h"

#include "serve/tcp_client.h"

#include "serve/proxy.h"

#include "serve/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEEP_MIN = 256 };

static bool is_temporary(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void on_ready(evutil_socket_t fd, short what, void *argument);

/* Wait for what (EV_READ or EV_WRITE) from now on. */
static bool watch(struct tcp_client *client, short what)
{
    if (event_get_events(&client->event) == (what | EV_PERSIST)) {
        return true;
    }
    evutil_socket_t fd = event_get_fd(&client->event);
    return event_del(&client->event) == 0 &&
           event_assign(&client->event, client->clients->base, fd, (short)(what | EV_PERSIST), on_ready,
                        client) == 0 &&
           event_add(&client->event, NULL) == 0;
}

static void forget_input(struct tcp_client *client)
{
    free(client->in);
    client->in = NULL;
    client->in_len = client->in_cap = 0;
}

/* Keep what could not be answered yet. The room grows with what came, not with what a length field promises.
 */
static bool keep_input(struct tcp_client *client, const uint8_t *bytes, size_t len)
{
    if (len == 0) {
        forget_input(client);
        return true;
    }
    if (len > client->in_cap) {
        size_t cap = len < KEEP_MIN ? KEEP_MIN : len + len / 2;
        uint8_t *in = realloc(client->in, cap);
        if (in == NULL) {
            return false;
        }
        client->in = in;
        client->in_cap = (uint32_t)cap;
    }
    memcpy(client->in, bytes, len);
    client->in_len = (uint32_t)len;
    return true;
}

/* What the peer does not take now is kept, and nothing is read before it is gone. */
static bool write_answers(struct tcp_client *client, const uint8_t *bytes, size_t len)
{
    ssize_t sent = send(event_get_fd(&client->event), bytes, len, MSG_NOSIGNAL);
    if (sent == (ssize_t)len) {
        return true;
    }
    if (sent == -1 && !is_temporary(errno)) {
        return false;
    }
    size_t done = sent == -1 ? 0 : (size_t)sent;
    client->out = malloc(len - done);
    if (client->out == NULL) {
        return false;
    }
    memcpy(client->out, bytes + done, len - done);
    client->out_at = 0;
    client->out_len = (uint32_t)(len - done);
    return watch(client, EV_WRITE);
}

struct call {
    const struct answer_context *context;
    struct tcp_client *client;
    struct tcp_frame_batch *batch;
    const struct acl *allow;
    uint16_t idle_ds;
};

/* ---- transfers ---- */

/* A query began a transfer, and len octets of it are its first message. Most zones are not at their end yet
 * then, and what is left goes on behind what is answered now. Returns whether it can. */
static bool begin_stream(struct tcp_client *client, size_t len)
{
    struct tcp_clients *clients = client->clients;
    struct tcp_stream stream = {
        .worker = &clients->worker, .clock = &clients->clock, .peer = &client->peer.address};
    tcp_stream_init(&stream, &clients->transfer, len);
    if (tcp_stream_is_over(&stream)) {
        tcp_stream_fini(&stream, true);
        return true;
    }
    client->stream = malloc(sizeof *client->stream);
    if (client->stream == NULL) {
        tcp_stream_fini(&stream, false);
        return false;
    }
    *client->stream = stream;
    clients->stream_count++;
    return true;
}

static void end_stream(struct tcp_client *client, bool sent)
{
    if (client->stream != NULL) {
        client->clients->stream_count--;
        tcp_stream_fini(client->stream, sent);
        free(client->stream);
        client->stream = NULL;
    }
}

/* Who it is, for those who look at a sample of all. */
static void number_client(const struct call *call, struct answer_request *request)
{
    struct sights *sights = call->context->sights;
    if (sights != NULL) {
        struct addr_port from;
        addr_from_sockaddr(request->client, &from);
        request->number = sights_number(from.addr.bytes + (from.addr.family == ADDR_V6 ? 4 : 0));
        if (sights_find_turn(sights, 0, 1) == 0) {
            sights_note_turn(sights, &from.addr, call->context->now_ms);
        }
    }
}

static size_t answer_one(void *argument, const uint8_t *query, size_t len, uint8_t *out, size_t cap)
{
    struct call *call = argument;
    struct tcp_clients *clients = call->client->clients;
    bool has_room = clients->stream_count < call->context->view->server->max_transfers;
    struct answer_request request = {.bytes = query,
                                     .len = len,
                                     .client = &call->client->peer.address.any,
                                     .allow = call->allow,
                                     .transport = ANSWER_TCP,
                                     .idle_ds = call->idle_ds,
                                     .listener = (uint16_t)(call->client->peer.listener + 1),
                                     .transfer = has_room ? &clients->transfer : NULL};
    number_client(call, &request);
    size_t reply_len = answer_query(call->context, &request, out, cap);
    if (__builtin_expect(transfer_is_held(&clients->transfer), 0)) {
        if (!begin_stream(call->client, reply_len)) {
            return 0;
        }
        call->batch->held = call->client->stream != NULL;
    }
    return reply_len;
}

/* How long a connection may idle, in 100 ms, as clients are told. */
static uint16_t idle_ds(const struct tcp_clients *clients)
{
    if (__builtin_expect(atomic_load_explicit(&clients->share->leaves, memory_order_relaxed), 0)) {
        return 1; /* nearly nothing */
    }
    uint32_t ds = tcp_share_load(&clients->share->idle_ms) / 100;
    return (uint16_t)(ds < UINT16_MAX ? ds : UINT16_MAX);
}

/* Where it came in, for taps. */
static const struct addr_port *find_local(const struct tcp_client *client)
{
    const struct addr_port *listener = &client->clients->locals[client->peer.listener];
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    if (!socket_is_wildcard(&listener->addr) ||
        getsockname(event_get_fd(&client->event), (struct sockaddr *)&name, &len) != 0) {
        return listener;
    }
    addr_from_sockaddr((struct sockaddr *)&name, &client->clients->asked);
    return &client->clients->asked;
}

/* What a proxy says first: who asks from then on. Who is to be limited remains the proxy. Returns whether
 * queries may follow; *state: else. */
__attribute__((noinline)) static bool begin(struct tcp_client *client, const struct view *view,
                                            struct tcp_frame_batch *batch, enum tcp_frame_state *state)
{
    struct addr_port from;
    struct proxy_head head;
    const struct acl *proxies = view_listen_proxies(view, client->peer.listener);
    client->has_begun = true;
    addr_from_sockaddr(&client->peer.address.any, &from);
    if (proxies == NULL || !acl_allows(proxies, &from.addr)) {
        return true;
    }
    enum proxy_state found = proxy_read_head(batch->in, batch->in_len, &head);
    if (found != PROXY_OK) {
        client->has_begun = found != PROXY_HUNGRY;
        *state = found == PROXY_HUNGRY ? TCP_FRAME_HUNGRY : TCP_FRAME_BAD;
        return false;
    }
    if (head.has_client) {
        struct sockaddr_storage address;
        (void)addr_to_sockaddr(&head.client, &address);
        memcpy(&client->peer.address, &address, sizeof client->peer.address);
    }
    batch->in_at = head.len;
    return true;
}

static enum tcp_frame_state answer_frames(struct tcp_client *client, struct tcp_frame_batch *batch)
{
    enum tcp_frame_state state;
    struct worker *worker = &client->clients->worker;
    view_reader_online();
    struct answer_context context = worker_context(worker, view_read(worker->slot));
    struct call call = {.context = &context,
                        .client = client,
                        .batch = batch,
                        .allow = view_listen_acl(context.view, client->peer.listener),
                        .idle_ds = idle_ds(client->clients)};
    if (worker->tap != NULL) {
        worker->tap->local = find_local(client);
    }
    if (__builtin_expect(client->has_begun, 1) || begin(client, context.view, batch, &state)) {
        state = tcp_frame_answer(batch, answer_one, &call);
    }
    view_reader_offline();
    return state;
}

static struct tcp_client_list *list_of(struct tcp_clients *clients, uint64_t peer)
{
    return &clients->peers[peer % TCP_CLIENT_PEERS];
}

static void note_activity(struct tcp_client *client)
{
    struct tcp_clients *clients = client->clients;
    struct tcp_client_list *peers = list_of(clients, client->peer.number);
    client->active_ms = clock_now_ms(&clients->clock);
    TAILQ_REMOVE(&clients->list, client, link);
    TAILQ_INSERT_TAIL(&clients->list, client, link);
    TAILQ_REMOVE(peers, client, peer_link);
    TAILQ_INSERT_TAIL(peers, client, peer_link);
}

struct tcp_client *tcp_client_find_oldest(struct tcp_clients *clients, uint64_t peer)
{
    struct tcp_client *client = TAILQ_FIRST(list_of(clients, peer));
    while (client != NULL && client->peer.number != peer) {
        client = TAILQ_NEXT(client, peer_link);
    }
    return client;
}

/* Answer what lies in the thread's input buffer. */
static bool serve_input(struct tcp_client *client, size_t len)
{
    struct tcp_clients *clients = client->clients;
    struct tcp_frame_batch batch = {
        .in = clients->in, .in_len = len, .out = clients->out, .out_cap = TCP_CLIENT_OUT};
    enum tcp_frame_state state;
    do {
        batch.out_len = 0;
        state = answer_frames(client, &batch);
        if (batch.out_len != 0 && !write_answers(client, batch.out, batch.out_len)) {
            return false;
        }
    } while (state == TCP_FRAME_FULL && client->out == NULL);
    if (batch.queries != 0) {
        note_activity(client);
    }
    if (state == TCP_FRAME_HELD && !watch(client, EV_WRITE)) {
        return false;
    }
    if (state == TCP_FRAME_BAD) {
        forget_input(client);
        client->closing = true;
        return client->out != NULL;
    }
    return keep_input(client, batch.in + batch.in_at, len - batch.in_at);
}

static size_t fetch_kept(struct tcp_client *client)
{
    if (client->in_len != 0) {
        memcpy(client->clients->in, client->in, client->in_len);
    }
    return client->in_len;
}

/* One read per wakeup: where there is more, the loop comes back, and others get their turn. The end of the
 * stream ends the connection: whatever was complete is answered by then. */
static bool read_queries(struct tcp_client *client)
{
    size_t kept = fetch_kept(client);
    ssize_t got = recv(event_get_fd(&client->event), client->clients->in + kept, TCP_CLIENT_READ, 0);
    if (got > 0) {
        return serve_input(client, kept + (size_t)got);
    }
    return got == -1 && is_temporary(errno);
}

/* Behind the last message: the queries that came meanwhile. */
static bool resume_queries(struct tcp_client *client)
{
    if (client->closing || !serve_input(client, fetch_kept(client))) {
        return false;
    }
    return client->out != NULL || client->stream != NULL || watch(client, EV_READ);
}

/* The peer took what there was: one more message of the transfer, or the end of it. */
static bool write_stream(struct tcp_client *client)
{
    struct tcp_clients *clients = client->clients;
    note_activity(client);
    if (tcp_stream_is_over(client->stream)) {
        end_stream(client, true);
        return resume_queries(client);
    }
    size_t len = tcp_stream_fill(client->stream, clients->out, TCP_CLIENT_OUT);
    return len != 0 && write_answers(client, clients->out, len);
}

static bool write_rest(struct tcp_client *client)
{
    ssize_t sent = send(event_get_fd(&client->event), client->out + client->out_at,
                        client->out_len - client->out_at, MSG_NOSIGNAL);
    if (sent == -1) {
        return is_temporary(errno);
    }
    client->out_at += (uint32_t)sent;
    if (client->out_at < client->out_len) {
        return true;
    }
    free(client->out);
    client->out = NULL;
    return client->stream != NULL ? write_stream(client) : resume_queries(client);
}

static bool proceed(struct tcp_client *client)
{
    if (client->out != NULL) {
        return write_rest(client);
    }
    return client->stream != NULL ? write_stream(client) : read_queries(client);
}

static void on_ready(evutil_socket_t fd, short what, void *argument)
{
    struct tcp_client *client = argument;
    (void)fd;
    (void)what;
    if (!proceed(client)) {
        tcp_client_close(client, SERVE_TCP_END_CLIENT);
    }
}

void tcp_client_open(struct tcp_clients *clients, int fd, const struct tcp_peer *peer)
{
    struct tcp_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        (void)close(fd);
        return;
    }
    client->clients = clients;
    client->peer = *peer;
    client->active_ms = clock_now_ms(&clients->clock);
    if (event_assign(&client->event, clients->base, fd, EV_READ | EV_PERSIST, on_ready, client) != 0 ||
        event_add(&client->event, NULL) != 0) {
        (void)close(fd);
        free(client);
        return;
    }
    TAILQ_INSERT_TAIL(&clients->list, client, link);
    TAILQ_INSERT_TAIL(list_of(clients, peer->number), client, peer_link);
    clients->count++;
    tcp_share_enter(clients->share, clients->thread, peer->number);
}

/* What the kernel still holds for a client that does not take it would stay for minutes: a reset frees it. */
static void reset(evutil_socket_t fd)
{
    const struct linger at_once = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void tcp_client_close(struct tcp_client *client, enum serve_tcp_end end)
{
    struct tcp_clients *clients = client->clients;
    evutil_socket_t fd = event_get_fd(&client->event);
    TAILQ_REMOVE(&clients->list, client, link);
    TAILQ_REMOVE(list_of(clients, client->peer.number), client, peer_link);
    clients->count--;
    tcp_share_leave(clients->share, clients->thread, client->peer.number, end);
    (void)event_del(&client->event);
    if (client->out != NULL && end != SERVE_TCP_END_CLIENT) {
        reset(fd);
    }
    (void)close(fd);
    end_stream(client, false);
    free(client->in);
    free(client->out);
    free(client);
}

void tcp_client_finish(struct tcp_client *client)
{
    (void)proceed(client);
    tcp_client_close(client, SERVE_TCP_END_CLIENT);
}
