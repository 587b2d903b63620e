/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of what answers of HTTP mean. The first byte says what is looked for in the body and whether the
 * connection is kept, the second one the status, the third one in pieces of which size the rest, the body,
 * comes. However it is framed (a length, chunks, the end of the connection, frames of HTTP/2) and cut, the
 * outcome is the same. */
#include "config.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/wish.h"
#include "probe/http_judge.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 64, ALL = 4096 };

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

/* As the readers of both versions do. */
enum framing { LENGTH, END, STREAM, STREAM_LENGTH };

struct input {
    const uint8_t *body;
    size_t len;
    uint16_t status;
    size_t piece;
};

static struct check_end run(struct check *check, const struct input *input, enum framing framing,
                            size_t piece)
{
    struct flight flight = {.check = check, .stage = FLIGHT_WAITING, .fd = -1};
    struct check_end end = {.detail = 0};
    bool has_length = framing == LENGTH || framing == STREAM_LENGTH;
    http_judge_init(&flight);
    flight.is_h2 = framing == STREAM || framing == STREAM_LENGTH;
    flight.response.status = input->status;
    flight.response.length = has_length ? input->len : HTTP_LENGTH_UNKNOWN;
    enum check_progress progress = http_judge_head(&flight, &end);
    for (size_t at = 0; progress == CHECK_GOES_ON && at < input->len; at += piece) {
        size_t left = input->len - at;
        progress = http_judge_body(&flight, input->body + at, left < piece ? left : piece, &end);
    }
    if (progress == CHECK_GOES_ON) {
        end.outcome = HEALTH_OUTCOME_CLOSED;
        progress = http_judge_end(&flight, true, &end);
    }
    expect(progress == CHECK_ENDED && end.detail == input->status);
    http_judge_init(&flight);
    return end;
}

/* One that never ends as it should: what was found already stands. */
static void run_cut(struct check *check, const struct input *input, const struct check_end *whole)
{
    struct flight flight = {.check = check, .stage = FLIGHT_WAITING, .fd = -1};
    struct check_end end = {.detail = 0};
    http_judge_init(&flight);
    flight.is_h2 = true;
    flight.response.status = input->status;
    enum check_progress progress = http_judge_head(&flight, &end);
    if (progress == CHECK_GOES_ON) {
        progress = http_judge_body(&flight, input->body, input->len, &end);
    }
    if (progress == CHECK_GOES_ON) {
        end = (struct check_end){.outcome = HEALTH_OUTCOME_STREAM_RESET, .detail = 8};
        expect(http_judge_end(&flight, false, &end) == CHECK_ENDED);
    }
    expect(end.outcome == whole->outcome ||
           (end.outcome == HEALTH_OUTCOME_STREAM_RESET && end.detail == 8 &&
            (whole->outcome == HEALTH_OUTCOME_OK || whole->outcome == HEALTH_OUTCOME_BAD_BODY)));
    http_judge_init(&flight);
}

static struct check *make(uint8_t wanted, struct arena *arena, struct regex *regex)
{
    static const struct wish wish = {.pointer = "/up", .op = WISH_EQUAL, .kind = WISH_TRUE};
    const struct probe_body body = {
        .regex = (wanted & 2) != 0 ? regex : NULL, .wishes = &wish, .wish_count = (wanted & 4) != 0};
    const struct probe_target target = {.type = PROBE_HTTP,
                                        .body = &body,
                                        .load = (wanted & 8) != 0 ? "/load" : NULL,
                                        .expect = (const uint8_t *)"ok",
                                        .expect_len = (wanted & 1) != 0 ? 2 : 0,
                                        .method = (wanted & 32) != 0 ? "HEAD" : "GET",
                                        .body_max = (wanted & 64) != 0 ? BODY_MAX : ALL};
    struct check *check = arena_alloc(arena, sizeof *check);
    struct check_ask *ask = arena_alloc(arena, sizeof *ask);
    *ask = (struct check_ask){.type = PROBE_HTTP, .keeps = (wanted & 16) != 0};
    http_judge_prepare(ask, &target, arena);
    check->ask = ask;
    return check;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t statuses[] = {200, 200, 200, 204, 299, 301, 304, 404, 503, 999};
    static const enum framing framings[] = {LENGTH, END, STREAM, STREAM_LENGTH};
    char why[REGEX_WHY_SIZE];
    if (size < 3 || size > ALL) {
        return 0;
    }
    struct arena *arena = arena_new(0);
    struct regex *regex = regex_new("up|^o.*[0-9]$", why);
    struct check *check = make(data[0], arena, regex);
    struct input input = {data + 3, size - 3, statuses[data[1] % (sizeof statuses / sizeof *statuses)],
                          (size_t)data[2] + 1};
    if (check->ask->is_head || input.status == 204 || input.status == 304) {
        input.len = 0; /* there is no body, or the readers refuse it */
    }
    struct check_end first = run(check, &input, LENGTH, size);
    for (size_t i = 0; i < sizeof framings / sizeof *framings; i++) {
        struct check_end end = run(check, &input, framings[i], i == 0 ? 1 : input.piece);
        bool is_edge = input.len == check->ask->body_max; /* its end is not seen without a length */
        expect(is_edge || (end.outcome == first.outcome && end.has_load == first.has_load &&
                           (!end.has_load || end.load == first.load)));
    }
    run_cut(check, &input, &first);
    expect(http_judge_is_same(check->ask, check->ask));
    http_judge_drop(check->ask);
    regex_drop(regex);
    arena_free(arena);
    return 0;
}
