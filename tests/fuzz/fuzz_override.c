/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of overrides as objects of the store: whatever is read can be written, and means the same then. */
#include "config.h"

#include "daemon/override_json.h"

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
    struct health_override first, second;
    bool planned, still_planned;
    const char *why;
    const struct override_clock clock = {"a-boot", 1795233906789};
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    int error = override_read_json(text, &first, &planned, &why);
    expect((error == 0) == (why == NULL));
    (void)override_find_step(text, &clock);
    if (error == 0) {
        char *written = override_write_json(&first, planned, &clock);
        expect(override_read_json(written, &second, &still_planned, &why) == 0);
        char *again = override_write_json(&second, still_planned, &clock);
        expect(strcmp(written, again) == 0 && override_find_step(again, &clock) == 0);
        free(written);
        free(again);
    }
    free(text);
    return 0;
}
