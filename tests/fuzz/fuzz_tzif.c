/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of time zones: octets of a file, and what clocks show at times around its changes. */
#include "config.h"

#include "base/tzif.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena *arena = arena_new(0);
    const struct tzif *zone = NULL;
    uint8_t *copy = malloc(len + (len == 0)); /* so that a sanitizer sees its end */
    demand(copy != NULL);
    memcpy(copy, bytes, len);
    if (tzif_parse(copy, len, arena, &zone) == 0) {
        for (int64_t at = -4000000000; at < 8000000000; at += 40000000) {
            int32_t offset = tzif_find_offset(zone, at);
            struct tzif_local local = tzif_find_local(zone, at);
            demand(offset >= -26 * 3600 && offset <= 26 * 3600);
            demand(local.weekday < 7 && local.second < 86400);
        }
    }
    free(copy);
    arena_free(arena);
    return 0;
}
