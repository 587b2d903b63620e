/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of steerctl's HTTP parser. The first byte says in pieces of which size the rest is fed; the result
 * has to be the same as for all of it at once, and no octet more is kept than came in or the limits allow. */
#include "config.h"

#include "ctl/http.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

static void expect_same(const struct http_answer *a, const struct http_answer *b)
{
    expect(a->status == b->status && a->fault == b->fault && a->body.len == b->body.len);
    expect(a->body.len == 0 || memcmp(a->body.bytes, b->body.bytes, a->body.len) == 0);
    expect(a->body.len <= BODY_MAX && a->head_len <= HTTP_HEAD_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t piece = (size_t)data[0] + 1;
    struct http_answer whole, pieces;
    http_answer_init(&whole, BODY_MAX);
    http_answer_init(&pieces, BODY_MAX);
    enum http_progress expected = http_answer_feed(&whole, data + 1, size - 1), got = HTTP_MORE;
    for (size_t at = 1; at < size; at += piece) {
        got = http_answer_feed(&pieces, data + at, size - at < piece ? size - at : piece);
    }
    expect(got == expected && (got == HTTP_BAD) == (whole.fault != NULL));
    expect_same(&whole, &pieces);
    expect(whole.body.len < size);
    expect(got != HTTP_DONE || (whole.status >= 200 && whole.status <= 999));
    expected = http_answer_end(&whole);
    got = http_answer_end(&pieces);
    expect(got == expected && got != HTTP_MORE);
    expect_same(&whole, &pieces);
    expect(http_answer_feed(&pieces, data, size) == expected);
    http_answer_fini(&whole);
    http_answer_fini(&pieces);
    return 0;
}
