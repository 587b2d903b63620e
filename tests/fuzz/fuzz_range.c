/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of ranges of figures and of the reader of metrics. What is read as a range can be written, and is
 * read as the same; of metrics any text has a sum or none. */
#include "config.h"

#include "base/memory.h"
#include "ctl/range.h"
#include "ctl/watched_figures.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const units[] = {"", "s", "%"};
    char *text = memory_alloc(size + 1), written[RANGE_SIZE];
    struct range range, again;
    double value;
    memcpy(text, data, size);
    for (int i = 0; i < 3; i++) {
        if (range_parse(text, units[i], &range) == 0) {
            expect(strlen(range_write(&range, written)) < RANGE_SIZE - 1);
            expect(range_tells(&range, range.start) == range.inside);
            if (strchr(written, 'e') == NULL) { /* of numbers with many digits only the first are shown */
                expect(range_parse(written, "", &again) == 0 && again.inside == range.inside);
            }
        }
    }
    struct watched_input in = {.metrics = text, .later = text, .between_s = 1, .now_ms = 1};
    for (size_t i = 0; i < watched_figures_count(); i++) {
        (void)watched_figures_read(&in, watched_figures_get(i), &value);
    }
    free(text);
    return 0;
}
