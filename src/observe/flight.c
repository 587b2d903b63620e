/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See flight.h. */
#include "config.h"

#include "observe/flight.h"

#include "base/memory.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PREFIX = 2, /* the length before a message over TCP: RFC 1035 section 4.2.2 */
    DATAGRAMS_MAX = 16,
    STATUS_LEN = 12, /* "HTTP/1.1 200" */
};

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* ---- setting out ---- */

static bool open_to(struct flight *flight, const struct addr_port *at, const struct addr *source)
{
    struct sockaddr_storage to, from;
    socklen_t len = addr_to_sockaddr(at, &to);
    flight->fd = socket(to.ss_family,
                        (flight->is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (flight->fd == -1) {
        return false;
    }
    if (source != NULL && source->family == at->addr.family) {
        struct addr_port own = {.addr = *source};
        socklen_t own_len = addr_to_sockaddr(&own, &from);
        (void)bind(flight->fd, (struct sockaddr *)&from, own_len); /* if it cannot be had, any other one */
    }
    return connect(flight->fd, (struct sockaddr *)&to, len) == 0 || errno == EINPROGRESS;
}

bool flight_has_source(const struct addr *source)
{
    struct sockaddr_storage from;
    struct addr_port own = {.addr = *source};
    socklen_t len = addr_to_sockaddr(&own, &from);
    int fd = socket(from.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_there = fd != -1 && bind(fd, (struct sockaddr *)&from, len) == 0;
    if (fd != -1) {
        close(fd);
    }
    return is_there;
}

bool flight_ask(struct flight *flight, const struct flight_question *question)
{
    size_t len = reply_write_query(question->ask, flight->id, question->subnet, flight->out + PREFIX);
    flight->out[0] = (uint8_t)(len >> 8);
    flight->out[1] = (uint8_t)len;
    flight->out_len = PREFIX + len;
    if (!open_to(flight, question->server, question->source)) {
        return false;
    }
    if (flight->is_stream) {
        flight->in = memory_alloc(PREFIX + UINT16_MAX);
        return true;
    }
    flight->sent = flight->out_len;
    return send(flight->fd, flight->out + PREFIX, len, 0) != -1;
}

bool flight_request(struct flight *flight, const struct addr_port *at, const char *path)
{
    flight->is_stream = true;
    if (path != NULL) {
        int len = snprintf((char *)flight->out, sizeof flight->out,
                           "GET %s HTTP/1.0\r\nHost: drill\r\nConnection: close\r\n\r\n", path);
        flight->out_len = (size_t)len < sizeof flight->out ? (size_t)len : sizeof flight->out - 1;
        flight->in = memory_alloc(STATUS_LEN);
    }
    return open_to(flight, at, NULL);
}

short flight_get_events(const struct flight *flight)
{
    bool has_to_say = flight->sent < flight->out_len || (flight->is_stream && flight->in == NULL);
    return has_to_say ? POLLOUT : POLLIN;
}

/* ---- going on ---- */

/* Where there is no way to a network no error is left to be asked for: so it is who is there that counts. */
static bool is_connected(const struct flight *flight)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    return getpeername(flight->fd, (struct sockaddr *)&peer, &len) == 0;
}

static enum flight_progress say(struct flight *flight)
{
    while (flight->sent < flight->out_len) {
        ssize_t n =
            send(flight->fd, flight->out + flight->sent, flight->out_len - flight->sent, MSG_NOSIGNAL);
        if (n == -1) {
            return would_block(errno) ? FLIGHT_GOES_ON : FLIGHT_FAILED;
        }
        flight->sent += (size_t)n;
    }
    return FLIGHT_GOES_ON;
}

/* Until `want` octets are there. */
static enum flight_progress hear(struct flight *flight, size_t want)
{
    while (flight->got < want) {
        ssize_t n = recv(flight->fd, flight->in + flight->got, want - flight->got, 0);
        if (n == -1 && would_block(errno)) {
            return FLIGHT_GOES_ON;
        }
        if (n <= 0) {
            return FLIGHT_FAILED;
        }
        flight->got += (size_t)n;
    }
    return FLIGHT_GOOD;
}

static enum flight_progress advance_datagram(struct flight *flight, const struct dns_ask *ask,
                                             struct reply *reply)
{
    uint8_t bytes[DNS_ASK_UDP_SIZE];
    while (flight->heard++ < DATAGRAMS_MAX) {
        ssize_t n = recv(flight->fd, bytes, sizeof bytes, 0);
        if (n == -1 && would_block(errno)) {
            flight->heard--;
            return FLIGHT_GOES_ON;
        }
        if (n == -1) {
            return FLIGHT_FAILED;
        }
        *reply = reply_read(ask, flight->id, bytes, (size_t)n);
        if (reply->kind != REPLY_FOREIGN) { /* foreign: anybody may have sent it */
            return FLIGHT_GOOD;
        }
    }
    return FLIGHT_FAILED;
}

enum flight_progress flight_advance_question(struct flight *flight, const struct dns_ask *ask,
                                             struct reply *reply)
{
    if (!flight->is_stream) {
        return advance_datagram(flight, ask, reply);
    }
    enum flight_progress progress = say(flight);
    if (progress == FLIGHT_FAILED || flight->sent < flight->out_len) {
        return progress;
    }
    progress = hear(flight, PREFIX);
    if (progress == FLIGHT_GOOD) {
        size_t len = (size_t)flight->in[0] << 8 | flight->in[1];
        progress = hear(flight, PREFIX + len);
        if (progress == FLIGHT_GOOD) {
            *reply = reply_read(ask, flight->id, flight->in + PREFIX, len);
            progress =
                reply->kind == REPLY_FOREIGN || reply->kind == REPLY_TRUNCATED ? FLIGHT_FAILED : progress;
        }
    }
    return progress;
}

enum flight_progress flight_advance_request(struct flight *flight)
{
    if (flight->in == NULL) {
        return is_connected(flight) ? FLIGHT_GOOD : FLIGHT_FAILED;
    }
    enum flight_progress progress = say(flight);
    if (progress == FLIGHT_FAILED || flight->sent < flight->out_len) {
        return progress;
    }
    progress = hear(flight, STATUS_LEN);
    if (progress != FLIGHT_GOOD) {
        return progress;
    }
    bool is_good = memcmp(flight->in, "HTTP/1.", 7) == 0 && flight->in[8] == ' ' &&
                   (flight->in[9] == '2' || flight->in[9] == '3');
    return is_good ? FLIGHT_GOOD : FLIGHT_FAILED;
}

void flight_close(struct flight *flight)
{
    if (flight->fd != -1) {
        close(flight->fd);
    }
    free(flight->in);
    *flight = (struct flight){.fd = -1};
}
