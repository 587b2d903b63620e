/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See test_serve_doubles.h. */
#include "config.h"

#include "test_serve_doubles.h"

#include "transfer/transfer.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

/* What a cache of steer is here: who got which. */
static struct {
    _Atomic uint64_t answered;
} caches[CACHES];
static atomic_int readers;
static atomic_bool gate_open, gate_reached;
static atomic_uint accept_failures_due, accept_failures;
static _Thread_local enum { READER_NONE, READER_ONLINE, READER_OFFLINE } reader;

static void demand(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "the double of view or answer found: %s\n", what);
        abort();
    }
}

/* ---- view ---- */

void view_reader_register(void)
{
    demand(reader == READER_NONE, "registered twice");
    reader = READER_ONLINE;
    atomic_fetch_add(&readers, 1);
}

void view_reader_unregister(void)
{
    demand(reader != READER_NONE, "unregistered without being registered");
    reader = READER_NONE;
    atomic_fetch_sub(&readers, 1);
}

void view_reader_online(void)
{
    demand(reader == READER_OFFLINE, "online without having been offline");
    reader = READER_ONLINE;
}

void view_reader_offline(void)
{
    demand(reader == READER_ONLINE, "offline without having been online");
    reader = READER_OFFLINE;
}

const struct view *view_read(struct view_slot *slot)
{
    demand(reader == READER_ONLINE, "view read while offline");
    return (const struct view *)(const void *)slot;
}

/* ---- answer ---- */

static void count(struct answer_counters *counters, enum answer_counter counter)
{
    atomic_fetch_add_explicit(&counters->values[counter], 1, memory_order_relaxed);
}

static size_t put_echo(const struct answer_request *request, uint8_t *out, size_t cap)
{
    struct addr_port client;
    if (request->len + TAIL > cap) {
        return request->len;
    }
    addr_from_sockaddr(request->client, &client);
    uint8_t *tail = out + request->len;
    memset(tail, 0xab, TAIL);
    tail[0] = (uint8_t)request->transport;
    tail[1] = client.addr.family;
    tail[2] = (uint8_t)(client.port >> 8);
    tail[3] = (uint8_t)client.port;
    return request->len + TAIL;
}

size_t answer_withdrawn(const struct answer_context *context, const struct answer_request *request,
                        uint8_t *out, size_t cap)
{
    (void)context, (void)cap;
    memcpy(out, request->bytes, request->len);
    out[2] |= 0x80;
    out[3] = 2;
    return request->len;
}

/* ---- transfers: `slot` messages are left, `position` were made, `question_end` is the id ---- */

static struct zone no_zone; /* its apex is the root */
static atomic_uint transfers;

static void begin_transfer(const struct answer_request *request, uint8_t *out)
{
    struct transfer *transfer = request->transfer;
    size_t count = (size_t)request->bytes[HEADER + 1] << 8 | request->bytes[HEADER + 2];
    if (transfer == NULL) {
        out[2] = 0xff;
        return;
    }
    demand(transfer->zone == NULL && transfer->stage == TRANSFER_OVER,
           "a transfer begins in one that goes on");
    transfer->zone = &no_zone;
    transfer->stage = count == 0 ? TRANSFER_OVER : TRANSFER_BODY;
    transfer->slot = count;
    transfer->position = 0;
    transfer->question_end = (uint16_t)(request->bytes[0] << 8 | request->bytes[1]);
    atomic_fetch_add(&transfers, 1);
}

size_t transfer_write(struct transfer *transfer, uint8_t *out, size_t cap, uint64_t now_s)
{
    demand(reader == READER_OFFLINE, "a transfer is written while online");
    demand(transfer->zone == &no_zone && transfer->stage == TRANSFER_BODY, "a transfer that is over goes on");
    demand(cap >= TRANSFER_MESSAGE_MAX && now_s != 0, "no room for a message, or no time");
    uint32_t number = ++transfer->position;
    memset(out, (uint8_t)number, STREAM_LEN);
    out[0] = (uint8_t)(transfer->question_end >> 8);
    out[1] = (uint8_t)transfer->question_end;
    for (unsigned i = 0; i < 4; i++) {
        out[2 + i] = (uint8_t)(number >> 8 * (3 - i));
    }
    transfer->stage = --transfer->slot == 0 ? TRANSFER_OVER : TRANSFER_BODY;
    return STREAM_LEN;
}

void transfer_fini(struct transfer *transfer)
{
    demand(transfer->zone == &no_zone, "a transfer is ended that was not begun");
    transfer->zone = NULL;
    transfer->stage = TRANSFER_OVER;
    atomic_fetch_sub(&transfers, 1);
}

unsigned double_transfers(void)
{
    return atomic_load(&transfers);
}

/* ---- answers ---- */

static void wait_for_gate(void)
{
    atomic_store(&gate_reached, true);
    while (!atomic_load(&gate_open)) {
        usleep(1000);
    }
}

size_t answer_query(const struct answer_context *context, const struct answer_request *request, uint8_t *out,
                    size_t cap)
{
    demand(reader == READER_ONLINE, "query answered while offline");
    demand(context->view != NULL && context->cache != NULL && context->random != NULL, "context incomplete");
    demand(request->len <= cap, "input longer than output can be");
    for (size_t i = 0; i < CACHES; i++) {
        if ((void *)context->cache == &caches[i]) {
            atomic_fetch_add(&caches[i].answered, 1);
        }
    }
    count(context->counters,
          request->transport == ANSWER_UDP ? ANSWER_COUNT_QUERIES_UDP : ANSWER_COUNT_QUERIES_TCP);
    if (request->len <= HEADER || request->bytes[HEADER] == DOUBLE_SILENT) {
        return 0;
    }
    memcpy(out, request->bytes, request->len);
    out[2] |= 0x80;
    uint8_t kind = request->bytes[HEADER];
    if (kind == DOUBLE_BIG && request->len >= HEADER + 3) {
        size_t len = (size_t)request->bytes[HEADER + 1] << 8 | request->bytes[HEADER + 2];
        memset(out + request->len, request->bytes[1], len - request->len);
        return len;
    }
    if (kind == DOUBLE_LENGTH) {
        out[HEADER + 1] = (uint8_t)(request->len >> 8);
        out[HEADER + 2] = (uint8_t)request->len;
        return HEADER + 3;
    }
    if (kind == DOUBLE_GATE) {
        wait_for_gate();
    }
    if (kind == DOUBLE_STREAM) {
        begin_transfer(request, out);
    }
    return put_echo(request, out, cap);
}

void double_open_gate(void)
{
    atomic_store(&gate_open, true);
}

bool double_gate_reached(void)
{
    return atomic_load(&gate_reached);
}

/* ---- system calls ---- */

static bool is_refused(const struct mmsghdr *message)
{
    const struct iovec *vector = message->msg_hdr.msg_iov;
    return vector->iov_len > HEADER && ((const uint8_t *)vector->iov_base)[HEADER] == DOUBLE_REFUSED;
}

/* As the kernel does: what comes before the refused message is sent; refused as the first, it is the error.
 */
int sendmmsg(int fd, struct mmsghdr *messages, unsigned int len, int flags)
{
    unsigned good = 0;
    while (good < len && !is_refused(&messages[good])) {
        good++;
    }
    if (good == 0) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_sendmmsg, fd, messages, good, flags);
}

int accept4(int fd, struct sockaddr *address, socklen_t *restrict len, int flags)
{
    unsigned due = atomic_load(&accept_failures_due);
    if (due != 0) {
        atomic_store(&accept_failures_due, due - 1);
        atomic_fetch_add(&accept_failures, 1);
        errno = EMFILE;
        return -1;
    }
    return (int)syscall(SYS_accept4, fd, address, len, flags);
}

void double_fail_accept(unsigned times)
{
    atomic_store(&accept_failures, 0);
    atomic_store(&accept_failures_due, times);
}

unsigned double_accept_failures(void)
{
    return atomic_load(&accept_failures);
}

/* ---- the server ---- */

void fixture_init(struct fixture *f, const char *const *listen, size_t listen_count)
{
    memset(f, 0, sizeof *f);
    for (size_t i = 0; i < CACHES; i++) {
        atomic_store(&caches[i].answered, 0);
        f->caches[i] = (struct steer_cache *)(void *)&caches[i];
    }
    atomic_store(&gate_open, false);
    atomic_store(&gate_reached, false);
    f->server.max_transfers = UINT32_MAX;
    f->view.server = &f->server;
    f->view.caches = f->caches;
    f->view.cache_count = CACHES;
    f->report = report_new();
    for (size_t i = 0; i < listen_count; i++) {
        assert_int_equal(addr_parse_port(listen[i], &f->listen[i]), 0);
    }
    f->options = (struct serve_options){.listen = f->listen,
                                        .listen_count = listen_count,
                                        .threads = 1,
                                        .tcp.idle_ms = 3 * GIVE_UP_S * 1000,
                                        .slot = (struct view_slot *)(void *)&f->view};
}

void fixture_open(struct fixture *f)
{
    int error = serve_open(&f->options, f->report, &f->serve);
    if (error != 0) {
        report_write(f->report, stderr);
    }
    assert_int_equal(error, 0);
    f->view.cache_count = serve_thread_count(&f->options);
}

void fixture_start(struct fixture *f)
{
    fixture_open(f);
    assert_int_equal(serve_start(f->serve), 0);
}

void fixture_stop(struct fixture *f)
{
    serve_close(f->serve);
    report_free(f->report);
    assert_int_equal(atomic_load(&readers), 0);
    assert_int_equal(double_transfers(), 0);
}

uint64_t fixture_answered(size_t thread)
{
    return atomic_load(&caches[thread].answered);
}

/* ---- clients ---- */

void query_fill(uint8_t *query, size_t len, unsigned id, uint8_t kind)
{
    for (size_t i = 0; i < len; i++) {
        query[i] = (uint8_t)(i * 7 + id);
    }
    query[0] = (uint8_t)(id >> 8);
    query[1] = (uint8_t)id;
    query[2] = 0;
    query[HEADER] = kind;
}

bool reply_is_echo(const uint8_t *query, size_t len, const uint8_t *reply, size_t reply_len, int fd)
{
    struct addr_port self;
    struct sockaddr_storage name;
    int type;
    socklen_t name_len = sizeof name, type_len = sizeof type;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len), 0);
    uint8_t transport = type == SOCK_STREAM ? ANSWER_TCP : ANSWER_UDP;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &name_len), 0);
    addr_from_sockaddr((struct sockaddr *)&name, &self);
    const uint8_t tail[4] = {transport, self.addr.family, (uint8_t)(self.port >> 8), (uint8_t)self.port};
    return reply_len == len + TAIL && memcmp(reply, query, 2) == 0 && reply[2] == (query[2] | 0x80) &&
           memcmp(reply + 3, query + 3, len - 3) == 0 && memcmp(reply + len, tail, sizeof tail) == 0;
}

int client_connect(const struct addr_port *at, const char *host, int type)
{
    struct addr_port to = *at;
    struct sockaddr_storage name;
    struct timeval wait = {.tv_sec = GIVE_UP_S};
    if (host != NULL) {
        assert_int_equal(addr_parse(host, &to.addr), 0);
    }
    socklen_t len = addr_to_sockaddr(&to, &name);
    int fd = socket(name.ss_family, type | SOCK_CLOEXEC, 0);
    assert_int_not_equal(fd, -1);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, len), 0);
    return fd;
}

int client_find_peer(int fd)
{
    struct sockaddr_in self = {0}, peer = {0};
    socklen_t len = sizeof self;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&self, &len), 0);
    for (int other = 0; other < 1024; other++) {
        len = sizeof peer;
        if (getpeername(other, (struct sockaddr *)&peer, &len) == 0 && len == sizeof peer &&
            peer.sin_port == self.sin_port) {
            return other;
        }
    }
    return -1;
}

size_t count_descriptors(void)
{
    size_t found = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        found++;
    }
    closedir(folder);
    return found;
}
