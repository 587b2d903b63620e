/* SPDX-License-Identifier: BSD-3-Clause
 *
 * grpc: grpc.health.v1.Health/Check over HTTP/2, in the clear (with prior knowledge) or by TLS, healthy when
 * the service is SERVING. What gRPC says of the call stands behind the message, in trailers, and counts more
 * than it: so the answer is read to its end. */
#include "config.h"

#include "probe/check_h2.h"
#include "probe/h2_request.h"
#include "probe/http_request.h"
#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NOT_FOUND = 5, STATUS_MAX = 9999 };

static const char only_h2[] = "\x02h2";

/* ---- targets ---- */

/* The request, by which checks are told apart first, is the message. */
static void prepare(struct check *check, struct check_ask *ask, const struct probe_target *target,
                    struct arena *arena)
{
    char address[HTTP_HOST_SIZE], time[16];
    uint8_t message[GRPC_HEALTH_REQUEST_MAX];
    size_t len = grpc_health_write(target->service, message);
    bool is_tls = target->tls != NULL;
    ask->request = arena_share(arena, message, len);
    ask->request_len = (uint32_t)len;
    ask->keeps = target->keep_alive;
    wire_prepare(check, target, only_h2, arena);
    snprintf(time, sizeof time, "%um", target->timeout_ms);
    const struct h2_field fields[] = {
        {":method", "POST"},
        {":scheme", is_tls ? "https" : "http"},
        {":path", "/grpc.health.v1.Health/Check"},
        {":authority",
         target->host != NULL ? target->host : http_request_write_host(&target->at, is_tls, address)},
        {"content-type", "application/grpc"},
        {"te", "trailers"},
        {"grpc-timeout", time},
        {"user-agent", PACKAGE_NAME "/" PACKAGE_VERSION},
    };
    size_t count = sizeof fields / sizeof *fields;
    count -= http_request_has_field(target->headers, "User-Agent");
    struct h2_request request = h2_request_list(target, fields, count, arena);
    request.body = (const uint8_t *)ask->request;
    request.body_len = len;
    ask->h2 = arena_share(arena, &request, sizeof request);
}

static bool is_same(const struct check *a, const struct check *b)
{
    return wire_is_same(check_get_own(a)->tls, check_get_own(b)->tls) &&
           h2_request_is_same(a->ask->h2, b->ask->h2) && a->ask->keeps == b->ask->keeps;
}

static void carry(struct check *from, struct check *to)
{
    wire_carry(check_get_own(from)->tls, check_get_own(to)->tls);
}

static void drop(struct check *check)
{
    wire_drop(check_get_own(check)->tls);
}

static void move(struct flight *flight)
{
    if (flight->h2 != NULL) {
        h2_move(flight->h2, flight->check->ask->h2->body);
    }
}

/* ---- the answer ---- */

/* RFC 9110 section 8.3.1 for what may stand behind it. */
static bool is_grpc(const char *type)
{
    static const char wanted[] = "application/grpc";
    size_t len = sizeof wanted - 1;
    return strncasecmp(type, wanted, len) == 0 &&
           (type[len] == '\0' || type[len] == '+' || type[len] == ';' || type[len] == ' ');
}

static bool read_status(const char *text, uint16_t *status)
{
    uint64_t number;
    bool is_good = number_read(text, 10, STATUS_MAX, &number);
    *status = (uint16_t)number;
    return is_good;
}

static void hear_field(void *context, const char *name, const char *value)
{
    struct check_grpc_talk *talk = &((struct flight *)context)->grpc;
    if (strcmp(name, "grpc-status") == 0) {
        talk->has_status = read_status(value, &talk->status);
        talk->is_garbled = talk->is_garbled || !talk->has_status;
    } else if (strcmp(name, "content-type") == 0) {
        talk->is_grpc = is_grpc(value);
    }
}

static void hear_head(void *context, uint16_t status)
{
    ((struct flight *)context)->grpc.http_status = status;
}

static void hear_data(void *context, const uint8_t *bytes, size_t len)
{
    struct check_grpc_talk *talk = &((struct flight *)context)->grpc;
    talk->is_garbled = !grpc_health_feed(&talk->reply, bytes, len) || talk->is_garbled;
}

static enum check_progress end_with(struct check_end *end, enum health_outcome outcome)
{
    end->outcome = outcome;
    return CHECK_ENDED;
}

static enum health_outcome judge_reply(const struct grpc_health *reply)
{
    if (!grpc_health_is_whole(reply)) {
        return HEALTH_OUTCOME_BAD_RESPONSE;
    }
    switch (reply->status) {
    case GRPC_HEALTH_SERVING: return HEALTH_OUTCOME_OK;
    case GRPC_HEALTH_NOT_SERVING: return HEALTH_OUTCOME_NOT_SERVING;
    case GRPC_HEALTH_UNKNOWN: return HEALTH_OUTCOME_SERVING_UNKNOWN;
    case GRPC_HEALTH_SERVICE_UNKNOWN: return HEALTH_OUTCOME_SERVICE_UNKNOWN;
    default: return HEALTH_OUTCOME_BAD_RESPONSE;
    }
}

static enum check_progress judge_whole(const struct check_grpc_talk *talk, struct check_end *end)
{
    if (!talk->has_status || talk->is_garbled) {
        return end_with(end, HEALTH_OUTCOME_BAD_RESPONSE);
    }
    if (talk->status == 0) {
        return end_with(end, judge_reply(&talk->reply));
    }
    end->detail = talk->status;
    return end_with(end, talk->status == NOT_FOUND ? HEALTH_OUTCOME_SERVICE_UNKNOWN
                                                   : HEALTH_OUTCOME_BAD_GRPC_STATUS);
}

static enum check_progress judge(struct flight *flight, enum h2_state state, enum health_outcome lost,
                                 struct check_end *end)
{
    const struct check_grpc_talk *talk = &flight->grpc;
    if (talk->http_status != 0 && talk->http_status != 200) { /* from a proxy, or no gRPC server at all */
        end->detail = talk->http_status;
        return end_with(end, HEALTH_OUTCOME_BAD_STATUS);
    }
    if (talk->is_garbled || (talk->http_status != 0 && !talk->is_grpc)) {
        return end_with(end, HEALTH_OUTCOME_BAD_RESPONSE);
    }
    if (state == H2_WHOLE) {
        return judge_whole(talk, end);
    }
    return state == H2_GOES_ON && lost == HEALTH_OUTCOME_NONE ? CHECK_GOES_ON
                                                              : check_h2_fail(flight, state, lost, end);
}

/* ---- the conversation ---- */

static const struct check_h2_kind talker = {
    .field = hear_field, .head = hear_head, .data = hear_data, .judge = judge};

static void forget_answer(struct flight *flight)
{
    flight->grpc = (struct check_grpc_talk){.http_status = 0};
    grpc_health_init(&flight->grpc.reply);
    flight->grpc.is_asked = false;
}

static enum check_progress advance(struct flight *flight, bool readable, struct check_scratch *scratch,
                                   struct check_end *end)
{
    (void)readable; /* a first edge may be all there is */
    if (check_get_own(flight->check)->tls != NULL && flight->stage < FLIGHT_WAITING) {
        switch (wire_shake(flight, end)) {
        case WIRE_LATER: return CHECK_GOES_ON;
        case WIRE_OVER: return CHECK_ENDED;
        case WIRE_DONE: break;
        }
        if (!wire_speaks(flight, "h2")) {
            return end_with(end, HEALTH_OUTCOME_NO_H2);
        }
    }
    if (!flight->grpc.is_asked && !check_h2_begin(flight, &talker, 0, end)) {
        return CHECK_ENDED;
    }
    flight->grpc.is_asked = true;
    return check_h2_go_on(flight, &talker, scratch, end);
}

/* ---- the connection ---- */

static int open_connection(struct flight *flight)
{
    forget_answer(flight);
    return check_open_stream(flight);
}

static bool renew(struct flight *flight, int64_t now_s)
{
    forget_answer(flight);
    return h2_is_idle(flight->h2) && wire_renew(flight, now_s);
}

static bool has_heard(const struct flight *flight)
{
    return flight->grpc.http_status != 0;
}

static void end_talk(struct flight *flight)
{
    check_h2_end(flight);
    wire_end(flight);
}

static void close_connection(struct flight *flight)
{
    check_h2_close(flight);
    wire_close(flight);
}

static const struct check_keeper keeper = {
    .can_rest = check_h2_can_rest, .is_quiet = check_h2_is_quiet, .renew = renew, .has_heard = has_heard};

const struct check_kind check_grpc = {.closes_first = true,
                                      .keeper = &keeper,
                                      .prepare = prepare,
                                      .is_same = is_same,
                                      .carry = carry,
                                      .drop = drop,
                                      .open = open_connection,
                                      .advance = advance,
                                      .move = move,
                                      .ended = end_talk,
                                      .close = close_connection};
