/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of what a tcp check looks for in what comes. The first byte is the length of what is looked for, the
 * second one the size of the pieces; the result has to be that of memmem(). */
#include "config.h"

#include "probe/expect.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_true(int truth)
{
    if (!truth) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || data[0] == 0 || size - 2 < data[0]) {
        return 0;
    }
    struct expect wanted;
    struct expect_scan scan = {0};
    size_t piece = (size_t)data[1] + 1, len = size - 2 - data[0];
    const uint8_t *text = data + 2 + data[0];
    expect_init(&wanted, data + 2, data[0]);
    size_t seen = len < EXPECT_READ_MAX ? len : EXPECT_READ_MAX;
    const uint8_t *found = seen == 0 ? NULL : memmem(text, seen, data + 2, data[0]);
    enum expect_progress progress = EXPECT_MORE;
    for (size_t at = 0; at < len && progress == EXPECT_MORE; at += piece) {
        progress = expect_feed(&scan, &wanted, text + at, len - at < piece ? len - at : piece);
    }
    expect_true((progress == EXPECT_FOUND) == (found != NULL));
    expect_true((progress == EXPECT_ABSENT) == (found == NULL && len >= EXPECT_READ_MAX));
    expect_true(found == NULL || scan.read == (size_t)(found - text) + data[0]);
    return 0;
}
