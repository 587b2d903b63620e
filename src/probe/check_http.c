/* SPDX-License-Identifier: BSD-3-Clause
 *
 * http: one GET over HTTP/1.1, healthy when the status is one of the accepted. The verdict falls with the end
 * of the header section. The body is read only for the load that may stand in it, and never changes the
 * verdict: an answer that ends, stalls or is reset before the number came is an answer without a load. */
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
    check->load = arena_copy_text(arena, target->load);
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

/* As it was judged, with the load if there is one. */
static enum check_progress end_judged(const struct flight *flight, struct check_end *end,
                                      enum load_progress progress)
{
    *end = flight->end;
    end->has_load = progress == LOAD_FOUND;
    end->load = end->has_load ? flight->body.scan.value : 0;
    return CHECK_ENDED;
}

static enum check_progress judge_status(struct flight *flight, struct check_end *end)
{
    uint16_t status = flight->response.status;
    bool accepted = status >= flight->check->status_low && status <= flight->check->status_high;
    end->detail = status;
    end->outcome = accepted ? HEALTH_OUTCOME_OK : HEALTH_OUTCOME_BAD_STATUS;
    if (!accepted || flight->check->load == NULL) {
        return CHECK_ENDED;
    }
    flight->stage = FLIGHT_JUDGED;
    flight->end = *end;
    http_body_init(&flight->body, flight->response.is_chunked, flight->check->load);
    return CHECK_GOES_ON;
}

static enum check_progress take_body(struct flight *flight, const uint8_t *bytes, size_t len,
                                     struct check_end *end)
{
    enum load_progress progress = http_body_feed(&flight->body, bytes, len);
    return progress == LOAD_MORE ? CHECK_GOES_ON : end_judged(flight, end, progress);
}

static enum check_progress take_head(struct flight *flight, const uint8_t *bytes, size_t len,
                                     struct check_end *end)
{
    uint32_t before = flight->response.head_len;
    switch (http_response_feed(&flight->response, bytes, len)) {
    case HTTP_RESPONSE_MORE: break;
    case HTTP_RESPONSE_DONE:
        if (judge_status(flight, end) == CHECK_ENDED) {
            return CHECK_ENDED;
        }
        before = flight->response.head_len - before; /* of these bytes */
        return take_body(flight, bytes + before, len - before, end);
    case HTTP_RESPONSE_BAD:
        /* Connected to itself, the prober reads its own request. */
        return end_with(end, check_is_self_connected(flight) ? HEALTH_OUTCOME_REFUSED
                                                             : HEALTH_OUTCOME_BAD_RESPONSE);
    }
    return CHECK_GOES_ON;
}

static enum check_progress read_response(struct flight *flight, struct check_scratch *scratch,
                                         struct check_end *end)
{
    enum check_progress progress = CHECK_GOES_ON;
    while (progress == CHECK_GOES_ON) {
        ssize_t n = recv(flight->fd, scratch->bytes, sizeof scratch->bytes, 0);
        if (n == -1 && would_block(errno)) {
            return CHECK_GOES_ON;
        }
        if (n <= 0) {
            return flight->stage == FLIGHT_JUDGED
                       ? end_judged(flight, end, LOAD_ABSENT)
                       : end_with(end,
                                  n == 0 ? HEALTH_OUTCOME_CLOSED : check_judge_errno(errno, flight->stage));
        }
        progress = flight->stage == FLIGHT_JUDGED ? take_body(flight, scratch->bytes, (size_t)n, end)
                                                  : take_head(flight, scratch->bytes, (size_t)n, end);
    }
    return progress;
}

static enum check_progress advance(struct flight *flight, bool readable, struct check_scratch *scratch,
                                   struct check_end *end)
{
    int error = send_request(flight);
    if (error != 0 && !would_block(error)) {
        /* A server may answer and close before it has read the request: what it said counts more than the
         * reset that the late request met. */
        enum health_outcome outcome = check_judge_errno(error, flight->stage);
        enum check_progress progress = read_response(flight, scratch, end);
        bool answered = end->detail != 0 || flight->stage == FLIGHT_JUDGED;
        return answered ? progress : end_with(end, outcome);
    }
    if (!readable || flight->stage == FLIGHT_CONNECTING) {
        return CHECK_GOES_ON;
    }
    return read_response(flight, scratch, end);
}

const struct check_kind check_http = {.prepare = prepare, .advance = advance};
