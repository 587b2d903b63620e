/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tcp: healthy when the connection is established or, if something is expected, when that has come: anywhere
 * in the first octets of what the other side says, perhaps after something was sent. The kernel establishes
 * connections for a process that is stopped, too; only what the process says shows that it runs. */
#include "config.h"

#include "probe/check.h"

#include <errno.h>
#include <sys/socket.h>

static void prepare(struct check *check, struct check_ask *ask, const struct probe_target *target,
                    struct arena *arena)
{
    (void)check;
    if (target->send_len != 0) {
        ask->request = arena_share(arena, target->send, target->send_len);
        ask->request_len = (uint32_t)target->send_len;
    }
    if (target->expect_len != 0) {
        struct expect expect;
        expect_init(&expect, target->expect, target->expect_len);
        ask->expect = arena_share(arena, &expect, sizeof expect);
    }
}

static enum check_progress end_with(struct check_end *end, enum health_outcome outcome)
{
    end->outcome = outcome;
    return CHECK_ENDED;
}

static enum check_progress end_well(const struct flight *flight, struct check_end *end)
{
    return end_with(end, check_is_self_connected(flight) ? HEALTH_OUTCOME_REFUSED : HEALTH_OUTCOME_OK);
}

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static enum check_progress read_reply(struct flight *flight, struct check_scratch *scratch,
                                      struct check_end *end)
{
    for (;;) {
        ssize_t n = recv(flight->fd, scratch->bytes, sizeof scratch->bytes, 0);
        if (n == -1 && would_block(errno)) {
            return CHECK_GOES_ON;
        }
        if (n <= 0) {
            return end_with(end, n == 0 ? HEALTH_OUTCOME_CLOSED : check_judge_errno(errno, flight->stage));
        }
        flight_trace(flight, PROBE_STEP_RECEIVED, scratch->bytes, (size_t)n);
        switch (expect_feed(&flight->scan, flight->check->ask->expect, scratch->bytes, (size_t)n)) {
        case EXPECT_MORE: break;
        case EXPECT_FOUND: return end_well(flight, end);
        case EXPECT_ABSENT: return end_with(end, HEALTH_OUTCOME_BAD_RESPONSE);
        }
    }
}

/* Connected: say what there is to say. Returns 0 when that is done, or a positive errno. */
static int send_request(struct flight *flight)
{
    const struct check *check = flight->check;
    while (flight->sent < check->ask->request_len) {
        ssize_t n = send(flight->fd, check->ask->request + flight->sent,
                         check->ask->request_len - flight->sent, MSG_NOSIGNAL);
        if (n == -1) {
            return errno;
        }
        flight_trace(flight, PROBE_STEP_SENT, check->ask->request + flight->sent, (size_t)n);
        flight->sent += (uint32_t)n;
    }
    return 0;
}

static enum check_progress converse(struct flight *flight, struct check_scratch *scratch,
                                    struct check_end *end)
{
    flight->stage = FLIGHT_WAITING;
    int error = send_request(flight);
    /* What was said before counts more than that nobody listens any more. */
    enum check_progress progress = read_reply(flight, scratch, end);
    if (progress == CHECK_GOES_ON && error != 0 && !would_block(error)) {
        return end_with(end, check_judge_errno(error, flight->stage));
    }
    return progress;
}

static enum check_progress advance(struct flight *flight, bool readable, struct check_scratch *scratch,
                                   struct check_end *end)
{
    (void)readable;
    struct sockaddr_storage to;
    socklen_t len = addr_to_sockaddr(&flight->check->at, &to);
    if (flight->stage == FLIGHT_WAITING) {
        return converse(flight, scratch, end);
    }
    /* A second connect() tells in one call whether the first has succeeded, failed, or still goes on. */
    if (connect(flight->fd, (const struct sockaddr *)&to, len) == 0 || errno == EISCONN) {
        return flight->check->ask->expect == NULL ? end_well(flight, end) : converse(flight, scratch, end);
    }
    if (errno == EALREADY || errno == EINPROGRESS || errno == EINTR) {
        return CHECK_GOES_ON;
    }
    return end_with(end, check_judge_errno(errno, flight->stage));
}

static bool is_same(const struct check *a, const struct check *b)
{
    return expect_is_same(a->ask->expect, b->ask->expect);
}

const struct check_kind check_tcp = {.closes_first = true,
                                     .prepare = prepare,
                                     .is_same = is_same,
                                     .open = check_open_stream,
                                     .advance = advance};
