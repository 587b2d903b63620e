/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See check_http2.h. The answer is judged as it comes in (http_judge.h), within h2_feed(): what it has led to
 * waits in the flight until that returns. */
#include "config.h"

#include "probe/check_http2.h"

#include "probe/h2_request.h"
#include "probe/http_judge.h"
#include "probe/http_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- targets ---- */

void check_http2_prepare(struct check_ask *ask, const struct probe_target *target, struct arena *arena)
{
    char address[HTTP_HOST_SIZE], length[24];
    const char *method = target->method != NULL ? target->method : "GET";
    struct h2_field fields[7] = {
        {":method", method},
        {":scheme", "https"},
        {":path", target->path != NULL ? target->path : "/"},
        {":authority",
         target->host != NULL ? target->host : http_request_write_host(&target->at, true, address)},
    };
    size_t count = 4;
    if (!http_request_has_field(target->headers, "User-Agent")) {
        fields[count++] = (struct h2_field){"user-agent", PACKAGE_NAME "/" PACKAGE_VERSION};
    }
    if (!http_request_has_field(target->headers, "Accept")) {
        fields[count++] = (struct h2_field){"accept", "*/*"};
    }
    if (target->send_len != 0 || strcmp(method, "POST") == 0) {
        snprintf(length, sizeof length, "%zu", target->send_len);
        fields[count++] = (struct h2_field){"content-length", length};
    }
    struct h2_request request = h2_request_list(target, fields, count, arena);
    /* The body ends the request of HTTP/1.1. */
    request.body = (const uint8_t *)ask->request + check_get_kept_len(ask) - target->send_len;
    request.body_len = target->send_len;
    ask->h2 = arena_share(arena, &request, sizeof request);
}

/* ---- the answer ---- */

/* nghttp2 has seen to it that there is one length, a number, and that the body is as long. */
static void hear_field(void *context, const char *name, const char *value)
{
    struct flight *flight = context;
    if (!flight->http2.has_head && strcmp(name, "content-length") == 0) {
        flight->response.length = strtoull(value, NULL, 10);
    }
}

static void note(struct flight *flight, enum check_progress progress, const struct check_end *end)
{
    if (progress == CHECK_ENDED) {
        flight->http2.is_judged = true;
        flight->http2.end = *end;
    }
}

static void hear_head(void *context, uint16_t status)
{
    struct flight *flight = context;
    struct check_end end = {.detail = 0};
    flight->http2.has_head = true;
    flight->response.status = status;
    note(flight, http_judge_head(flight, &end), &end);
}

static void hear_data(void *context, const uint8_t *bytes, size_t len)
{
    struct flight *flight = context;
    struct check_end end = {.detail = 0};
    if (!flight->http2.is_judged) {
        note(flight, http_judge_body(flight, bytes, len, &end), &end);
    }
}

static enum check_progress judge(struct flight *flight, enum h2_state state, enum health_outcome lost,
                                 struct check_end *end)
{
    if (flight->http2.is_judged) {
        *end = flight->http2.end;
    } else if (state == H2_WHOLE) {
        (void)http_judge_end(flight, true, end);
    } else if (state == H2_GOES_ON && lost == HEALTH_OUTCOME_NONE) {
        return CHECK_GOES_ON;
    } else {
        (void)check_h2_fail(flight, state, lost, end);
        (void)http_judge_end(flight, false, end);
    }
    if (flight->check->ask->keeps) { /* the connection, not the rest of an answer that is too long */
        h2_give_up(flight->h2);
    }
    return CHECK_ENDED;
}

static const struct check_h2_kind talker = {
    .field = hear_field, .head = hear_head, .data = hear_data, .judge = judge};

/* ---- the conversation ---- */

enum check_progress check_http2_go_on(struct flight *flight, struct check_scratch *scratch,
                                      struct check_end *end)
{
    if (!flight->http2.is_asked && !check_h2_begin(flight, &talker, flight->check->ask->body_max, end)) {
        return CHECK_ENDED;
    }
    flight->http2.is_asked = true;
    return check_h2_go_on(flight, &talker, scratch, end);
}
