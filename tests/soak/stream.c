/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See stream.h. Every connection comes from another address of 127/8, so that no number of them uses up the
 * ports of one. */
#include "config.h"

#include "tests/soak/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MESSAGES_MAX = 30,
    NOISE_MAX = 3000,
    PIECE_MAX = 200,
    DRIPS_MAX = 400, /* octets that are sent one by one */
    STAY_MAX = 2000, /* steps */
    SOURCES = 100,   /* 127.100/16 to 127.199/16 */
    PORT_LATER = 24, /* IP_BIND_ADDRESS_NO_PORT */
};

static size_t below(struct packets *packets, size_t limit)
{
    return random_below(&packets->random, limit);
}

/* ---- what it sends ---- */

/* Messages with a length before each: mostly the right one. */
static void fill_messages(struct stream *stream, struct packets *packets, struct stream_totals *totals)
{
    for (size_t i = 1 + below(packets, MESSAGES_MAX); i > 0 && stream->len + 2 + PACKET_MAX < STREAM_MAX;
         i--) {
        uint8_t *to = stream->bytes + stream->len;
        size_t len = packets_make(packets, to + 2), says = len;
        if (below(packets, 16) == 0) {
            says = below(packets, 4) == 0 ? below(packets, 65536) : len + below(packets, 5) - 2;
        }
        to[0] = (uint8_t)(says >> 8);
        to[1] = (uint8_t)says;
        stream->len += 2 + len;
        totals->messages++;
    }
}

static void fill_noise(struct stream *stream, struct packets *packets, struct stream_totals *totals)
{
    stream->len = below(packets, NOISE_MAX);
    for (size_t i = 0; i < stream->len; i++) {
        stream->bytes[i] = (uint8_t)random_next(&packets->random);
    }
    totals->messages++;
}

static void plan(struct stream *stream, struct packets *packets, struct stream_totals *totals)
{
    stream->len = stream->at = 0;
    if (below(packets, 8) == 0) {
        fill_noise(stream, packets, totals);
    } else {
        fill_messages(stream, packets, totals);
    }
    stream->pace = (enum stream_pace)below(packets, STREAM_PACES);
    stream->end = (enum stream_end)below(packets, STREAM_ENDS);
    stream->reads = below(packets, 8) != 0;
    stream->left = (uint32_t)below(packets, stream->end == STREAM_LINGER ? STAY_MAX : 4);
    if (stream->pace == STREAM_DRIP && stream->len > DRIPS_MAX) {
        stream->len = DRIPS_MAX; /* it leaves within a message */
    }
}

/* ---- its life ---- */

void stream_init(struct stream *stream)
{
    stream->fd = -1;
    stream->len = stream->at = 0;
}

static void leave(struct stream *stream, bool reset)
{
    struct linger linger = {.l_onoff = 1};
    if (stream->fd != -1 && reset) {
        (void)setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    if (stream->fd != -1) {
        (void)close(stream->fd);
    }
    stream->fd = -1;
}

void stream_fini(struct stream *stream)
{
    leave(stream, true);
}

static void arrive(struct stream *stream, struct packets *packets, const struct sockaddr_in *server,
                   struct stream_totals *totals)
{
    int yes = 1;
    struct sockaddr_in source = {.sin_family = AF_INET};
    uint32_t network = 127u << 24 | (100u + (uint32_t)below(packets, SOURCES)) << 16;
    source.sin_addr.s_addr = htonl(network | (1 + (uint32_t)below(packets, 65533)));
    stream->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->fd == -1) {
        perror("hostile: socket");
        exit(2);
    }
    (void)setsockopt(stream->fd, IPPROTO_IP, PORT_LATER, &yes, sizeof yes);
    if (bind(stream->fd, (const struct sockaddr *)&source, sizeof source) == -1 ||
        (connect(stream->fd, (const struct sockaddr *)server, sizeof *server) == -1 &&
         errno != EINPROGRESS)) {
        totals->refused++;
        leave(stream, true);
        return;
    }
    totals->connections++;
    plan(stream, packets, totals);
}

/* What comes back is thrown away; returns false at the end of the stream. */
static bool read_some(struct stream *stream)
{
    static uint8_t waste[STREAM_MAX];
    ssize_t got = recv(stream->fd, waste, sizeof waste, MSG_DONTWAIT);
    return got > 0 || (got == -1 && errno == EAGAIN);
}

static bool send_some(struct stream *stream, struct packets *packets, struct stream_totals *totals)
{
    size_t size = stream->len - stream->at;
    if (stream->pace == STREAM_DRIP) {
        size = 1;
    } else if (stream->pace == STREAM_PIECES) {
        size_t piece = 1 + below(packets, PIECE_MAX);
        size = piece < size ? piece : size;
    }
    ssize_t sent = send(stream->fd, stream->bytes + stream->at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
        stream->at += (size_t)sent;
        totals->octets += (uint64_t)sent;
    }
    /* ENOTCONN: the connection is still being made; a peer that is full is waited for no longer than others
     */
    return sent != -1 || errno == EAGAIN || errno == ENOTCONN;
}

void stream_step(struct stream *stream, struct packets *packets, const struct sockaddr_in *server,
                 struct stream_totals *totals)
{
    if (stream->fd == -1) {
        arrive(stream, packets, server, totals);
        return;
    }
    bool alive = !stream->reads || read_some(stream);
    if (alive && stream->at < stream->len) {
        size_t before = stream->at;
        alive = send_some(stream, packets, totals);
        if (stream->at == before && below(packets, STAY_MAX) == 0) {
            alive = false; /* waited long enough for a peer that does not read */
        }
    } else if (alive && stream->left > 0) {
        if (stream->left-- == 1 && stream->end == STREAM_SHUT) {
            (void)shutdown(stream->fd, SHUT_WR);
        }
    } else {
        alive = false;
    }
    if (!alive) {
        leave(stream, stream->end == STREAM_RESET);
    }
}
