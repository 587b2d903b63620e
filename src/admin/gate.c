/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See gate.h. Both descriptors are watched by edges, so a connection goes on until all that can move has
 * moved, some pieces in a turn. Octets that one side does not take are kept, one piece for each direction,
 * and nothing more is read for it meanwhile.
 *
 * A thread that is nice holds no lock that others wait for: connections come through a pipe. */
#include "config.h"

#include "admin/gate.h"

#include "base/memory.h"
#include "base/thread.h"
#include "tls/tls.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    NICE = 10,
    SHAKE_MS = 5000,  /* for all of the handshake, however slowly it drips */
    LEAVE_MS = 10000, /* to take the rest of an answer when our side has gone */
    DRAIN_MS = 10000, /* to stop talking after that: a reset would take from it what it has not read yet */
    DRAIN_MAX = 128 << 20,
    PIECE_SIZE = 16384,
    PIECES = 8, /* in a turn */
    LETTERS = 32,
};

enum stage { SHAKING, CARRYING, DRAINING };

/* What was read from one side and not taken by the other yet. */
struct rest {
    char *bytes; /* owned; NULL: nothing */
    size_t at, len;
};

struct line {
    LIST_ENTRY(line) entry;
    struct gate *gate;
    int outer, inner;
    struct tls_link *link;
    struct guest *guest;
    struct event *events[2], *deadline, *again;
    enum stage stage;
    struct rest in, out;      /* from outside, and from inside */
    bool in_ended, out_ended; /* nothing more comes from there */
    bool is_leaving;
    size_t drained;
};

/* What comes through the pipe. */
struct letter {
    int outer, inner;
    struct tls_context *context;
    struct guest *guest;
};

struct gate {
    pthread_t thread;
    struct event_base *base;
    struct event *arrival;
    int pipe[2];
    size_t count, max;
    bool is_nice;
    LIST_HEAD(gate_lines, line) lines;
    char piece[PIECE_SIZE];
};

/* ---- guests ---- */

struct guest *guest_new(const struct addr_port *from)
{
    struct guest *guest = memory_alloc(sizeof *guest);
    atomic_init(&guest->holders, 1);
    atomic_init(&guest->fault, NULL);
    guest->from = *from;
    addr_write(&from->addr, guest->address);
    return guest;
}

struct guest *guest_hold(struct guest *guest)
{
    (void)atomic_fetch_add_explicit(&guest->holders, 1, memory_order_relaxed);
    return guest;
}

void guest_drop(struct guest *guest)
{
    if (guest != NULL && atomic_fetch_sub_explicit(&guest->holders, 1, memory_order_acq_rel) == 1) {
        free(guest);
    }
}

static void take_name(void *context, enum tls_name kind, const char *name)
{
    static const enum role_of kinds[] = {[TLS_NAME_COMMON] = ROLE_OF_CN,
                                         [TLS_NAME_DNS] = ROLE_OF_DNS,
                                         [TLS_NAME_EMAIL] = ROLE_OF_EMAIL,
                                         [TLS_NAME_URI] = ROLE_OF_URI};
    struct guest *guest = context;
    if (guest->name_count < GUEST_NAMES_MAX && strlen(name) < GUEST_NAME_SIZE) {
        struct guest_name *to = &guest->names[guest->name_count++];
        to->kind = kinds[kind];
        snprintf(to->text, sizeof to->text, "%s", name);
    }
}

/* ---- a connection ---- */

static void arm(struct line *line, int ms)
{
    (void)event_add(line->deadline, &(struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000});
}

static void free_line(struct line *line)
{
    LIST_REMOVE(line, entry);
    line->gate->count--;
    struct event *events[] = {line->events[0], line->events[1], line->deadline, line->again};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (events[i] != NULL) {
            event_free(events[i]);
        }
    }
    tls_link_free(line->link);
    guest_drop(line->guest);
    free(line->in.bytes);
    free(line->out.bytes);
    close(line->outer);
    close(line->inner);
    free(line);
}

static void keep_rest(struct rest *rest, const char *bytes, size_t len)
{
    rest->bytes = memory_copy(bytes, len);
    rest->at = 0;
    rest->len = len;
}

static void use_rest(struct rest *rest, size_t used)
{
    rest->at += used;
    if (rest->at == rest->len) {
        free(rest->bytes);
        *rest = (struct rest){.bytes = NULL};
    }
}

/* Returns how many octets it took, 0: it is full; -1: it is gone. */
static ssize_t send_in(const struct line *line, const char *bytes, size_t len)
{
    ssize_t sent = send(line->inner, bytes, len, MSG_NOSIGNAL);
    return sent >= 0 ? sent : errno == EAGAIN || errno == EINTR ? 0 : -1;
}

/* Nobody inside listens any more: what comes from outside is not read. */
static void stop_in(struct line *line)
{
    line->in_ended = true;
    free(line->in.bytes);
    line->in = (struct rest){.bytes = NULL};
}

/* From outside to inside. Returns whether something moved. `lost` is set when nothing ever will. */
static bool carry_in(struct line *line, bool *lost)
{
    char *piece = line->gate->piece;
    size_t len = 0;
    if (line->in.bytes != NULL) {
        ssize_t sent = send_in(line, line->in.bytes + line->in.at, line->in.len - line->in.at);
        if (sent == -1) {
            stop_in(line);
        } else {
            use_rest(&line->in, (size_t)sent);
        }
        return sent > 0;
    }
    if (line->in_ended) {
        return false;
    }
    switch (tls_link_read(line->link, piece, PIECE_SIZE, &len)) {
    case TLS_OK: break;
    case TLS_AGAIN: return false;
    case TLS_CLOSED:
        line->in_ended = true;
        shutdown(line->inner, SHUT_WR);
        return true;
    default: *lost = true; return false;
    }
    ssize_t sent = send_in(line, piece, len);
    if (sent == -1) {
        stop_in(line);
    } else if ((size_t)sent < len) {
        keep_rest(&line->in, piece + sent, len - (size_t)sent);
    }
    return true;
}

/* Returns whether some of it was taken. */
static bool send_out(struct line *line, bool *lost)
{
    size_t done = 0;
    enum tls_result result =
        tls_link_write(line->link, line->out.bytes + line->out.at, line->out.len - line->out.at, &done);
    if (result == TLS_OK) {
        use_rest(&line->out, done);
        return true;
    }
    *lost |= result != TLS_AGAIN;
    return false;
}

/* From inside to outside. Likewise. */
static bool carry_out(struct line *line, bool *lost)
{
    char *piece = line->gate->piece;
    if (line->out.bytes != NULL) {
        return send_out(line, lost);
    }
    if (line->out_ended) {
        return false;
    }
    ssize_t got = recv(line->inner, piece, PIECE_SIZE, 0);
    if (got > 0) { /* kept first: what TLS was given once has to be given again */
        keep_rest(&line->out, piece, (size_t)got);
        (void)send_out(line, lost);
        return true;
    }
    if (got == -1 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    line->out_ended = true;
    return true;
}

static void drain(struct line *line, bool *lost)
{
    ssize_t got = 1;
    for (int i = 0; i < PIECES && got > 0; i++) {
        got = recv(line->outer, line->gate->piece, PIECE_SIZE, 0);
        line->drained += got > 0 ? (size_t)got : 0;
    }
    *lost = got == 0 || line->drained > DRAIN_MAX || (got == -1 && errno != EAGAIN && errno != EINTR);
    if (got > 0 && !*lost) {
        event_active(line->again, EV_TIMEOUT, 1);
    }
}

static void begin_to_drain(struct line *line)
{
    tls_link_finish(line->link);
    shutdown(line->outer, SHUT_WR);
    line->stage = DRAINING;
    arm(line, DRAIN_MS);
}

/* The control thread has given it up, with something left that is not taken. */
static void look_whether_left(struct line *line)
{
    struct pollfd inner = {.fd = line->inner};
    if (!line->is_leaving && poll(&inner, 1, 0) == 1 && (inner.revents & (POLLHUP | POLLERR)) != 0) {
        line->is_leaving = true;
        arm(line, LEAVE_MS);
    }
}

static void carry(struct line *line, bool *lost)
{
    bool moved = true;
    for (int i = 0; i < PIECES && moved && !*lost; i++) {
        moved = carry_in(line, lost);
        moved |= !*lost && carry_out(line, lost);
    }
    if (*lost) {
        return;
    }
    if (line->out_ended && line->out.bytes == NULL) {
        begin_to_drain(line);
        drain(line, lost);
    } else if (moved) {
        event_active(line->again, EV_TIMEOUT, 1);
    } else {
        look_whether_left(line);
    }
}

/* Who comes and goes without a word, as those do that look whether a port is open, was not refused. */
static const char *find_fault(enum tls_result result)
{
    switch (result) {
    case TLS_OK:
    case TLS_AGAIN:
    case TLS_CLOSED:
    case TLS_FAILED: return NULL;
    case TLS_REFUSED: return "the other side ended the handshake: it does not trust or understand this one";
    case TLS_GARBLED: return "what came is no TLS, or not of a version that is taken";
    case TLS_EXPIRED: return "the certificate has ended";
    case TLS_EARLY: return "the certificate is not valid yet";
    case TLS_SELF_SIGNED: return "the certificate is signed by nobody but itself";
    case TLS_UNTRUSTED: return "the certificate is signed by nobody who is trusted here";
    default: return "the certificate is not to be used for this";
    }
}

static void set_fault(const struct line *line, const char *why)
{
    if (why != NULL) {
        atomic_store_explicit(&line->guest->fault, why, memory_order_release);
    }
}

static void shake(struct line *line, bool *lost)
{
    enum tls_result result = tls_link_shake(line->link);
    if (result == TLS_AGAIN) {
        return;
    }
    if (result != TLS_OK) {
        set_fault(line, find_fault(result));
        *lost = true;
        return;
    }
    (void)event_del(line->deadline);
    line->guest->has_certificate = tls_link_list_names(line->link, take_name, line->guest);
    atomic_store_explicit(&line->guest->is_shaken, true, memory_order_release);
    line->stage = CARRYING;
}

static void on_ready(evutil_socket_t fd, short what, void *context)
{
    struct line *line = context;
    bool lost = false;
    (void)fd, (void)what;
    if (line->stage == SHAKING) {
        shake(line, &lost);
    }
    if (line->stage == CARRYING && !lost) {
        carry(line, &lost);
    } else if (line->stage == DRAINING) {
        drain(line, &lost);
    }
    if (lost) {
        free_line(line);
    }
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
    struct line *line = context;
    (void)fd, (void)what;
    set_fault(line, line->stage == SHAKING ? "the handshake took too long" : NULL);
    free_line(line);
}

/* ---- arrivals ---- */

static void refuse(const struct letter *letter)
{
    close(letter->outer);
    close(letter->inner);
    tls_context_drop(letter->context);
    guest_drop(letter->guest);
}

static struct event *watch(struct line *line, int fd)
{
    struct event *event =
        event_new(line->gate->base, fd, EV_READ | EV_WRITE | EV_ET | EV_PERSIST, on_ready, line);
    if (event != NULL && event_add(event, NULL) == -1) {
        event_free(event);
        return NULL;
    }
    return event;
}

static void begin(struct gate *gate, const struct letter *letter)
{
    struct tls_link *link =
        gate->count == gate->max ? NULL : tls_link_open(letter->context, letter->outer, NULL, NULL);
    if (link == NULL) {
        refuse(letter);
        return;
    }
    tls_context_drop(letter->context); /* the link holds it */
    struct line *line = memory_alloc(sizeof *line);
    *line = (struct line){
        .gate = gate, .outer = letter->outer, .inner = letter->inner, .link = link, .guest = letter->guest};
    LIST_INSERT_HEAD(&gate->lines, line, entry);
    gate->count++;
    line->deadline = evtimer_new(gate->base, on_deadline, line);
    line->again = event_new(gate->base, -1, 0, on_ready, line);
    line->events[0] = watch(line, line->outer);
    line->events[1] = watch(line, line->inner);
    if (line->deadline == NULL || line->again == NULL || line->events[0] == NULL || line->events[1] == NULL) {
        free_line(line);
        return;
    }
    arm(line, SHAKE_MS);
}

/* A pipe takes a letter as a whole, or not at all. */
static void on_arrival(evutil_socket_t fd, short what, void *context)
{
    struct gate *gate = context;
    struct letter letters[LETTERS];
    (void)what;
    ssize_t got = read(fd, letters, sizeof letters);
    if (got == 0) { /* it closes */
        event_base_loopbreak(gate->base);
    }
    for (size_t i = 0; got > 0 && i < (size_t)got / sizeof *letters; i++) {
        begin(gate, &letters[i]);
    }
}

void gate_take(struct gate *gate, int outer, int inner, struct tls_context *context, struct guest *guest)
{
    struct letter letter = {outer, inner, tls_context_hold(context), guest_hold(guest)};
    if (write(gate->pipe[1], &letter, sizeof letter) != (ssize_t)sizeof letter) {
        refuse(&letter);
    }
}

/* ---- life ---- */

static void *run(void *context)
{
    struct gate *gate = context;
    pthread_setname_np(pthread_self(), gate->is_nice ? "gate-late" : "gate");
    if (gate->is_nice) {
        (void)setpriority(PRIO_PROCESS, 0, NICE);
    }
    (void)event_base_dispatch(gate->base);
    while (!LIST_EMPTY(&gate->lines)) {
        free_line(LIST_FIRST(&gate->lines));
    }
    return NULL;
}

static void free_gate(struct gate *gate)
{
    if (gate->arrival != NULL) {
        event_free(gate->arrival);
    }
    if (gate->base != NULL) {
        event_base_free(gate->base);
    }
    for (size_t i = 0; i < 2; i++) {
        if (gate->pipe[i] != -1) {
            close(gate->pipe[i]);
        }
    }
    free(gate);
}

struct gate *gate_open(size_t max, bool is_nice)
{
    struct gate *gate = memory_alloc(sizeof *gate);
    gate->max = max;
    gate->is_nice = is_nice;
    LIST_INIT(&gate->lines);
    gate->pipe[0] = gate->pipe[1] = -1;
    gate->base = event_base_new();
    bool good = gate->base != NULL && pipe2(gate->pipe, O_CLOEXEC | O_NONBLOCK) == 0;
    gate->arrival =
        good ? event_new(gate->base, gate->pipe[0], EV_READ | EV_PERSIST, on_arrival, gate) : NULL;
    if (gate->arrival == NULL || event_add(gate->arrival, NULL) == -1 ||
        thread_start(&gate->thread, run, gate) != 0) {
        free_gate(gate);
        return NULL;
    }
    return gate;
}

void gate_close(struct gate *gate)
{
    if (gate != NULL) {
        close(gate->pipe[1]);
        gate->pipe[1] = -1;
        pthread_join(gate->thread, NULL);
        free_gate(gate);
    }
}
