/* SPDX-License-Identifier: BSD-3-Clause
 *
 * http: one request, in the clear or by TLS, over HTTP/1.1 or, where ALPN has led to it, HTTP/2
 * (check_http2.h); http_judge.h says what the answer means. A flight speaks what was agreed for its
 * connection as long as that lasts. */
#include "config.h"

#include "probe/check_http2.h"
#include "probe/check_wire.h"
#include "probe/http_judge.h"
#include "probe/http_request.h"

static void prepare(struct check *check, struct check_ask *ask, const struct probe_target *target,
                    struct arena *arena)
{
    const char *protocols = target->tls == NULL ? NULL : target->tls->protocols;
    http_request_prepare(ask, target, arena);
    http_judge_prepare(ask, target, arena);
    ask->keeps = target->keep_alive;
    wire_prepare(check, target, arena_share_text(arena, protocols), arena);
    if (wire_offers(check_get_own(check)->tls, "h2")) {
        check_http2_prepare(ask, target, arena);
    }
}

static bool is_same(const struct check *a, const struct check *b)
{
    return http_judge_is_same(a->ask, b->ask) && wire_is_same(check_get_own(a)->tls, check_get_own(b)->tls);
}

static void carry(struct check *from, struct check *to)
{
    wire_carry(check_get_own(from)->tls, check_get_own(to)->tls);
}

static void drop(struct check *check)
{
    wire_drop(check_get_own(check)->tls);
    http_judge_drop(check->ask);
}

/* ---- HTTP/1.1: the answer ---- */

static enum check_progress end_with(struct check_end *end, enum health_outcome outcome)
{
    end->outcome = outcome;
    return CHECK_ENDED;
}

static enum check_progress take_head(struct flight *flight, const uint8_t *bytes, size_t len,
                                     struct check_end *end)
{
    uint32_t before = flight->response.head_len;
    switch (http_response_feed(&flight->response, bytes, len)) {
    case HTTP_RESPONSE_MORE: break;
    case HTTP_RESPONSE_DONE:
        if (http_judge_head(flight, end) == CHECK_ENDED) {
            return CHECK_ENDED;
        }
        before = flight->response.head_len - before; /* of these bytes */
        return http_judge_body(flight, bytes + before, len - before, end);
    case HTTP_RESPONSE_BAD:
        /* Connected to itself, the prober reads its own request. */
        return end_with(end, check_is_self_connected(flight) ? HEALTH_OUTCOME_REFUSED
                                                             : HEALTH_OUTCOME_BAD_RESPONSE);
    }
    return CHECK_GOES_ON;
}

/* Nothing more comes, for that reason. */
static enum check_progress end_answer(struct flight *flight, enum health_outcome why, struct check_end *end)
{
    end->outcome = why;
    return http_judge_end(flight, why == HEALTH_OUTCOME_CLOSED, end);
}

static enum check_progress read_response(struct flight *flight, struct check_scratch *scratch,
                                         struct check_end *end)
{
    enum check_progress progress = CHECK_GOES_ON;
    while (progress == CHECK_GOES_ON) {
        enum health_outcome why = HEALTH_OUTCOME_NONE;
        size_t len;
        switch (wire_hear(flight, scratch->bytes, sizeof scratch->bytes, &len, &why)) {
        case WIRE_LATER: return CHECK_GOES_ON;
        case WIRE_OVER: return end_answer(flight, why, end);
        case WIRE_DONE: break;
        }
        progress = flight->in_body ? http_judge_body(flight, scratch->bytes, len, end)
                                   : take_head(flight, scratch->bytes, len, end);
    }
    return progress;
}

/* ---- HTTP/1.1: the conversation ---- */

static enum wire_progress send_request(struct flight *flight, struct check_scratch *scratch,
                                       enum health_outcome *why)
{
    uint32_t len = flight->check->ask->request_len;
    if (flight->sent == len) {
        return WIRE_DONE;
    }
    const char *request = http_request_write(flight->check, scratch);
    while (flight->sent < len) {
        size_t done = 0;
        enum wire_progress progress =
            wire_say(flight, request + flight->sent, len - flight->sent, &done, why);
        if (progress != WIRE_DONE) {
            return progress;
        }
        flight->sent += (uint32_t)done;
        flight->stage = flight->stage < FLIGHT_WAITING ? FLIGHT_WAITING : flight->stage;
    }
    return WIRE_DONE;
}

static enum check_progress converse(struct flight *flight, bool readable, struct check_scratch *scratch,
                                    struct check_end *end)
{
    enum health_outcome why = HEALTH_OUTCOME_NONE;
    if (send_request(flight, scratch, &why) == WIRE_OVER) {
        /* A server may answer and close before it has read the request: what it said counts more than the
         * reset that the late request met. */
        enum check_progress progress = read_response(flight, scratch, end);
        bool answered = end->detail != 0 || flight->stage == FLIGHT_JUDGED;
        return answered ? progress : end_with(end, why);
    }
    if (!readable || flight->stage == FLIGHT_CONNECTING) {
        return CHECK_GOES_ON;
    }
    return read_response(flight, scratch, end);
}

/* ---- both ---- */

/* Hands are shaken. What the other side has chosen of what was offered is spoken; whoever does not choose
 * speaks HTTP/1.1. */
static bool choose(struct flight *flight, struct check_end *end)
{
    const struct check_tls *tls = flight->check->own->tls;
    bool says_nothing = wire_speaks(flight, "");
    flight->is_h2 = wire_offers(tls, "h2") && wire_speaks(flight, "h2");
    if (tls->peer.protocols == NULL || flight->is_h2 ||
        (wire_offers(tls, "http/1.1") && (says_nothing || wire_speaks(flight, "http/1.1")))) {
        return true;
    }
    end->outcome = says_nothing ? HEALTH_OUTCOME_NO_H2 : HEALTH_OUTCOME_TLS_ERROR;
    return false;
}

static enum check_progress advance(struct flight *flight, bool readable, struct check_scratch *scratch,
                                   struct check_end *end)
{
    bool has_tls = check_get_own(flight->check)->tls != NULL;
    if (has_tls && flight->stage < FLIGHT_WAITING) {
        switch (wire_shake(flight, end)) {
        case WIRE_LATER: return CHECK_GOES_ON;
        case WIRE_OVER: return CHECK_ENDED;
        case WIRE_DONE: break;
        }
        if (!choose(flight, end)) {
            return CHECK_ENDED;
        }
    }
    /* What TLS has read ahead raises no further edge. */
    return flight->is_h2 ? check_http2_go_on(flight, scratch, end)
                         : converse(flight, readable || has_tls, scratch, end);
}

static void move(struct flight *flight)
{
    http_judge_move(flight);
    if (flight->h2 != NULL) {
        h2_move(flight->h2, flight->check->ask->h2->body);
    }
}

/* ---- the connection ---- */

static void forget_answer(struct flight *flight)
{
    http_judge_init(flight);
    flight->http2 = (struct check_http2_talk){.is_asked = false};
}

static void end_talk(struct flight *flight)
{
    check_h2_end(flight);
    wire_end(flight);
}

static void close_connection(struct flight *flight)
{
    forget_answer(flight);
    check_h2_close(flight);
    wire_close(flight);
}

static int open_connection(struct flight *flight)
{
    forget_answer(flight);
    flight->is_h2 = false;
    return check_open_stream(flight);
}

static bool can_rest(const struct flight *flight)
{
    return flight->is_h2 ? check_h2_can_rest(flight) : flight->in_body && flight->body.is_complete;
}

/* Nothing is asked, so nothing is answered. TLS and HTTP/2 may have something to say of their own. */
static bool is_quiet(struct flight *flight)
{
    enum health_outcome why;
    uint8_t octet;
    size_t len;
    return flight->is_h2 ? check_h2_is_quiet(flight)
                         : wire_hear(flight, &octet, sizeof octet, &len, &why) == WIRE_LATER;
}

static bool renew(struct flight *flight, int64_t now_s)
{
    forget_answer(flight);
    return (!flight->is_h2 || h2_is_idle(flight->h2)) && wire_renew(flight, now_s);
}

static bool has_heard(const struct flight *flight)
{
    return flight->is_h2 ? flight->http2.has_head : flight->response.head_len != 0;
}

static const struct check_keeper keeper = {
    .can_rest = can_rest, .is_quiet = is_quiet, .renew = renew, .has_heard = has_heard};

const struct check_kind check_http = {.keeper = &keeper,
                                      .prepare = prepare,
                                      .is_same = is_same,
                                      .carry = carry,
                                      .drop = drop,
                                      .open = open_connection,
                                      .advance = advance,
                                      .move = move,
                                      .ended = end_talk,
                                      .close = close_connection};
