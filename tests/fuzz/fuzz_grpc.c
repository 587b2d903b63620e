/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of the reader of gRPC health answers. The first byte says in pieces of which size the rest is fed;
 * the result has to be the same as for all of it at once. */
#include "config.h"

#include "probe/grpc_health.h"

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
    struct grpc_health whole, pieces;
    grpc_health_init(&whole);
    grpc_health_init(&pieces);
    bool expected = grpc_health_feed(&whole, data + 1, size - 1), got = true;
    for (size_t at = 1; at < size; at += piece) {
        got = grpc_health_feed(&pieces, data + at, size - at < piece ? size - at : piece);
    }
    expect(got == expected);
    expect(grpc_health_is_whole(&whole) == grpc_health_is_whole(&pieces));
    expect(whole.status == pieces.status);
    expect(!grpc_health_is_whole(&whole) || (expected && size <= 1 + 5 + GRPC_HEALTH_REPLY_MAX));
    expect(!grpc_health_is_whole(&whole) || !grpc_health_feed(&whole, data, 1)); /* one message, no more */
    return 0;
}
