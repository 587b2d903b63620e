/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of regular drills as objects of the store: whatever is read can be written, and means the same then.
 */
#include "config.h"

#include "daemon/drill_state.h"

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
    const char *why;
    struct drill_state state, second;
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    int error = drill_state_read("d", text, &state, &why);
    expect((error == 0) == (why == NULL));
    if (error == 0) {
        char *written = drill_state_write(&state);
        expect(drill_state_read("d", written, &second, &why) == 0);
        char *again = drill_state_write(&second);
        expect(strcmp(written, again) == 0);
        free(written);
        free(again);
    }
    free(text);
    return 0;
}
