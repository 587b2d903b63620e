/* SPDX-License-Identifier: BSD-3-Clause
 *
 * http: one GET over HTTP/1.1, healthy when the status is one of the accepted. The verdict falls with the end
 * of the header section; the body is never read. */
#include "config.h"

#include "probe/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { DEFAULT_PORT = 80, HOST_SIZE = ADDR_TEXT_SIZE };

/* Host is the authority of the target: RFC 9110 section 7.2, RFC 3986 section 3.2.2 for the brackets. */
static const char *write_host(const struct addr_port *at, char text[HOST_SIZE])
{
    char address[ADDR_TEXT_SIZE];
    if (at->port != DEFAULT_PORT) {
        return addr_write_port(at, text);
    }
    snprintf(text, HOST_SIZE, at->addr.family == ADDR_V6 ? "[%s]" : "%s", addr_write(&at->addr, address));
    return text;
}

static void prepare(struct check *check, const struct probe_target *target, struct arena *arena)
{
    char address[HOST_SIZE];
    check->request = arena_print(arena,
                                 "GET %s HTTP/1.1\r\n"
                                 "Host: %s\r\n"
                                 "User-Agent: " PACKAGE_NAME "/" PACKAGE_VERSION "\r\n"
                                 "Accept: */*\r\n"
                                 "Connection: close\r\n"
                                 "\r\n",
                                 target->path != NULL ? target->path : "/",
                                 target->host != NULL ? target->host : write_host(&target->at, address));
    check->request_len = (uint32_t)strlen(check->request);
}

static enum check_progress end_with(struct check_end *end, enum health_outcome outcome)
{
    end->outcome = outcome;
    return CHECK_ENDED;
}

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Returns 0 when all is sent, or a positive errno. Also tells how the connection went: no getsockopt()
 * needed. */
static int send_request(struct flight *flight)
{
    const struct check *check = flight->check;
    while (flight->sent < check->request_len) {
        ssize_t n =
            send(flight->fd, check->request + flight->sent, check->request_len - flight->sent, MSG_NOSIGNAL);
        if (n == -1) {
            return errno;
        }
        flight->sent += (uint32_t)n;
        flight->stage = FLIGHT_WAITING;
    }
    return 0;
}

static enum check_progress judge_status(const struct flight *flight, struct check_end *end)
{
    uint16_t status = flight->response.status;
    bool accepted = status >= flight->check->status_low && status <= flight->check->status_high;
    end->detail = status;
    return end_with(end, accepted ? HEALTH_OUTCOME_OK : HEALTH_OUTCOME_BAD_STATUS);
}

static enum check_progress read_response(struct flight *flight, struct check_scratch *scratch,
                                         struct check_end *end)
{
    for (;;) {
        ssize_t n = recv(flight->fd, scratch->bytes, sizeof scratch->bytes, 0);
        if (n == -1) {
            return would_block(errno) ? CHECK_GOES_ON
                                      : end_with(end, check_judge_errno(errno, flight->stage));
        }
        if (n == 0) {
            return end_with(end, HEALTH_OUTCOME_CLOSED);
        }
        switch (http_response_feed(&flight->response, scratch->bytes, (size_t)n)) {
        case HTTP_RESPONSE_MORE: break;
        case HTTP_RESPONSE_DONE: return judge_status(flight, end);
        case HTTP_RESPONSE_BAD:
            /* Connected to itself, the prober reads its own request. */
            return end_with(end, check_is_self_connected(flight) ? HEALTH_OUTCOME_REFUSED
                                                                 : HEALTH_OUTCOME_BAD_RESPONSE);
        }
    }
}

static enum check_progress advance(struct flight *flight, bool readable, struct check_scratch *scratch,
                                   struct check_end *end)
{
    int error = send_request(flight);
    if (error != 0 && !would_block(error)) {
        /* A server may answer and close before it has read the request: what it said counts more than the
         * reset that the late request met. */
        enum health_outcome outcome = check_judge_errno(error, flight->stage);
        bool answered = read_response(flight, scratch, end) == CHECK_ENDED && end->detail != 0;
        return answered ? CHECK_ENDED : end_with(end, outcome);
    }
    if (!readable || flight->stage == FLIGHT_CONNECTING) {
        return CHECK_GOES_ON;
    }
    return read_response(flight, scratch, end);
}

const struct check_kind check_http = {.prepare = prepare, .advance = advance};
