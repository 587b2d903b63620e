/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of steerctl's reader of event streams. The first byte says in pieces of which size the rest is fed;
 * what comes out has to be the same as for all of it at once. */
#include "config.h"

#include "base/hash.h"
#include "ctl/sse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

static void take(void *context, const struct sse_event *event)
{
    uint64_t *hash = context;
    expect(strlen(event->event) < SSE_NAME_SIZE && strlen(event->id) < SSE_NAME_SIZE);
    const char *const texts[] = {event->event, event->data, event->comment, event->id};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = texts[i] == NULL ? "none" : texts[i];
        *hash = hash_bytes(*hash, text, strlen(text) + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t piece = (size_t)data[0] + 1;
    uint64_t hash = HASH_START, other = HASH_START;
    struct sse whole, pieces;
    sse_init(&whole);
    sse_init(&pieces);
    bool good = sse_feed(&whole, (const char *)data + 1, size - 1, take, &hash), same = true;
    for (size_t at = 1; at < size && same; at += piece) {
        same =
            sse_feed(&pieces, (const char *)data + at, size - at < piece ? size - at : piece, take, &other);
    }
    if (good) { /* a NUL in a piece is seen before what stands ahead of it in the line, not before lines ahead
                 */
        expect(same && hash == other);
    }
    sse_fini(&whole);
    sse_fini(&pieces);
    return 0;
}
