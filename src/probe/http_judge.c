/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See http_judge.h. An answer is good when its status is one of the accepted and, if something is expected,
 * it is in the body. Else the verdict falls with the end of the header section, and a body is read only for
 * the load that may stand in it, which never changes the verdict: an answer that ends, stalls or is reset
 * before the number came is an answer without a load. */
#include "config.h"

#include "probe/http_judge.h"

#include "probe/check_body.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t successes[PROBE_STATUS_WORDS] = {0, 0xfffffff000000000, UINT64_MAX, 0xff};

/* ---- targets ---- */

void http_judge_prepare(struct check_ask *ask, const struct probe_target *target, struct arena *arena)
{
    ask->load = arena_share_text(arena, target->load);
    ask->statuses = target->statuses == NULL
                        ? successes
                        : arena_share(arena, target->statuses, PROBE_STATUS_WORDS * sizeof *successes);
    ask->body_max = target->body_max;
    ask->is_head = target->method != NULL && strcmp(target->method, "HEAD") == 0;
    ask->body = check_body_prepare(target, arena);
    if (target->expect_len != 0) {
        struct expect expect;
        expect_init(&expect, target->expect, target->expect_len);
        expect.read_max = UINT32_MAX; /* the body has its own limit */
        ask->expect = arena_share(arena, &expect, sizeof expect);
    }
}

bool http_judge_is_same(const struct check_ask *a, const struct check_ask *b)
{
    return memcmp(a->statuses, b->statuses, PROBE_STATUS_WORDS * sizeof *a->statuses) == 0 &&
           a->body_max == b->body_max && expect_is_same(a->expect, b->expect) &&
           check_body_is_same(a->body, b->body) &&
           (a->load == NULL || b->load == NULL ? a->load == b->load : strcmp(a->load, b->load) == 0);
}

void http_judge_drop(const struct check_ask *ask)
{
    check_body_drop(ask->body);
}

/* ---- the answer ---- */

static struct http_seek seek_of(struct flight *flight)
{
    const struct check *check = flight->check;
    const struct check_body *body = check->ask->body;
    return (struct http_seek){.pointer = check->ask->load,
                              .expect = check->ask->expect,
                              .regex = body == NULL ? NULL : body->regex,
                              .wishes = body == NULL ? NULL : body->wishes,
                              .wish_count = body == NULL ? 0 : body->wish_count,
                              .told_count = body == NULL ? 0 : body->told_count,
                              .scans = flight->scans,
                              .max = check->ask->body_max};
}

void http_judge_init(struct flight *flight)
{
    free(flight->scans);
    flight->scans = NULL;
    flight->in_body = false;
    http_response_init(&flight->response);
}

void http_judge_move(struct flight *flight)
{
    if (flight->in_body) {
        struct http_seek seek = seek_of(flight);
        http_body_move(&flight->body, &seek);
    }
}

/* As it was judged, with the load if there is one. */
static enum check_progress end_judged(const struct flight *flight, struct check_end *end)
{
    *end = flight->end;
    end->has_load = flight->body.load == LOAD_FOUND;
    end->told = flight->body.told;
    end->load = end->has_load ? flight->body.scan.number : 0;
    return CHECK_ENDED;
}

static enum check_progress end_bad_body(const struct flight *flight, struct check_end *end)
{
    *end = flight->end;
    end->outcome = HEALTH_OUTCOME_BAD_BODY;
    return CHECK_ENDED;
}

/* Of a connection that is kept: has the answer been read as far as it is? A stream has an end of its own, and
 * is given up where that is too far. */
static bool is_read(const struct flight *flight)
{
    return flight->is_h2 ? http_body_is_full(&flight->body) : http_body_is_done(&flight->body);
}

enum check_progress http_judge_body(struct flight *flight, const uint8_t *bytes, size_t len,
                                    struct check_end *end)
{
    struct http_body *body = &flight->body;
    http_body_feed(body, bytes, len);
    if (flight->stage != FLIGHT_JUDGED && body->expected == EXPECT_ABSENT) {
        return end_bad_body(flight, end);
    }
    if (body->expected == EXPECT_FOUND) {
        flight->stage = FLIGHT_JUDGED;
    }
    bool has_all =
        body->load != LOAD_MORE && body->untold == 0 && (!flight->check->ask->keeps || is_read(flight));
    return flight->stage == FLIGHT_JUDGED && has_all ? end_judged(flight, end) : CHECK_GOES_ON;
}

static bool accepts(const struct check *check, uint32_t status)
{
    uint32_t bit = status - 100;
    return status >= 100 && bit < PROBE_STATUS_WORDS * 64 &&
           (check->ask->statuses[bit / 64] >> bit % 64 & 1) != 0;
}

enum check_progress http_judge_head(struct flight *flight, struct check_end *end)
{
    const struct check *check = flight->check;
    uint16_t status = flight->response.status;
    bool accepted = accepts(check, status);
    end->detail = status;
    end->outcome = accepted ? HEALTH_OUTCOME_OK : HEALTH_OUTCOME_BAD_STATUS;
    if (!accepted || (check->ask->load == NULL && check->ask->expect == NULL && check->ask->body == NULL &&
                      !check->ask->keeps)) {
        return CHECK_ENDED;
    }
    struct http_seek seek = seek_of(flight);
    struct http_response head = flight->response;
    if (check->ask->is_head) { /* RFC 9110 section 9.3.2: what it says of a body is that of a GET */
        head.length = 0;
        head.is_chunked = false;
    }
    flight->end = *end;
    flight->in_body = true;
    flight->scans = check_body_make_scans(check->ask->body);
    seek.scans = flight->scans;
    http_body_init(&flight->body, &head, &seek);
    return http_judge_body(flight, NULL, 0, end);
}

enum check_progress http_judge_end(struct flight *flight, bool is_end, struct check_end *end)
{
    bool is_whole = flight->in_body && http_body_end(&flight->body) && is_end;
    if (flight->stage == FLIGHT_JUDGED || (is_whole && flight->body.expected == EXPECT_FOUND)) {
        return end_judged(flight, end); /* its end was what was missing */
    }
    if (is_whole) {
        return end_bad_body(flight, end);
    }
    if (flight->in_body && end->detail == 0) {
        end->detail = flight->end.detail;
    }
    return CHECK_ENDED;
}
