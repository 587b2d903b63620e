/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of what vantages and servers send, as it comes: pieces of any size, of which lines are cut. The
 * first octet of each piece says how long it is. However it is cut into pieces, the lines are those of the
 * whole, in their order, nothing of it is lost, and what has no end yet is what is told to be kept. */
#include "config.h"

#include "fleet/cut.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* All that there are, held to the whole from *at on. */
static void take(struct fleet_cut *cut, const struct buffer *whole, size_t *at)
{
    const char *text;
    size_t len;
    while (fleet_cut_next(cut, &text, &len)) {
        demand(*at + len < whole->len && memcmp(text, whole->bytes + *at, len) == 0 &&
               memchr(text, '\n', len) == NULL && whole->bytes[*at + len] == '\n');
        *at += len + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct fleet_cut cut = {.taken = 0};
    struct buffer whole = {.len = 0};
    size_t at = 0;
    while (len != 0) {
        size_t size = bytes[0] < len - 1 ? bytes[0] : len - 1;
        buffer_add(&whole, bytes + 1, size);
        fleet_cut_add(&cut, (const char *)bytes + 1, size);
        if (size % 2 == 0) { /* else they wait for what comes next */
            take(&cut, &whole, &at);
            demand(fleet_cut_rest(&cut) == whole.len - at);
        }
        bytes += 1 + size;
        len -= 1 + size;
    }
    take(&cut, &whole, &at);
    demand(fleet_cut_rest(&cut) == whole.len - at);
    demand(whole.len == at || memchr(whole.bytes + at, '\n', whole.len - at) == NULL);
    fleet_cut_fini(&cut);
    buffer_fini(&whole);
    return 0;
}
