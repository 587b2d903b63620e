/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of the http check's response parser. The first byte says in pieces of which size the rest is fed;
 * the result has to be the same as for all of it at once. */
#include "config.h"

#include "probe/http_response.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t piece = (size_t)data[0] + 1;
    struct http_response whole, pieces;
    http_response_init(&whole);
    http_response_init(&pieces);
    enum http_response_progress expected = http_response_feed(&whole, data + 1, size - 1),
                                got = HTTP_RESPONSE_MORE;
    for (size_t at = 1; at < size; at += piece) {
        got = http_response_feed(&pieces, data + at, size - at < piece ? size - at : piece);
    }
    expect(got == expected);
    expect(pieces.status == whole.status && pieces.head_len == whole.head_len);
    expect(pieces.length == whole.length && pieces.is_chunked == whole.is_chunked);
    expect(whole.head_len <= HTTP_RESPONSE_HEAD_MAX + 1 && whole.head_len <= size - 1);
    expect(got != HTTP_RESPONSE_DONE || (whole.status >= 101 && whole.status <= 999));
    expect(http_response_feed(&pieces, data, got == HTTP_RESPONSE_MORE ? 0 : size) == expected);
    return 0;
}
