/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of cron expressions: what is read is due at some time, later than asked, at a full minute. */
#include "config.h"

#include "base/cron.h"

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
    char why[TZIF_WHY_SIZE], *text = malloc(len + 1);
    struct arena *arena = arena_new(0);
    struct cron cron;
    demand(text != NULL);
    memcpy(text, bytes, len);
    text[len] = '\0';
    if (cron_parse(text, &cron) == 0) {
        const struct tzif *zone = tzif_load(NULL, "UTC", arena, why);
        int64_t at = 1700000000, next = cron_find_next(&cron, zone, at);
        demand(next > at && next != INT64_MAX && next % 60 == 0);
    }
    free(text);
    arena_free(arena);
    return 0;
}
