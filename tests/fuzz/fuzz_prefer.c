/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzing of Prefer. Empty elements around it change nothing; what is behind it does not take away what was
 * said before. */
#include "config.h"

#include "admin/prefer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { TEXT_MAX = 4096 };

static void expect(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char text[TEXT_MAX + 1], padded[TEXT_MAX + 8];
    struct prefer one = {.is_async = false}, other = {.is_async = false},
                  both = {.is_async = true, .has_wait = true, .wait_s = 7};
    len = len > TEXT_MAX ? TEXT_MAX : len;
    memcpy(text, bytes, len);
    text[len] = '\0';
    snprintf(padded, sizeof padded, " ,\t,%s", text);
    prefer_add(text, &one);
    prefer_add(padded, &other);
    prefer_add(text, &both);
    expect(one.is_async == other.is_async && one.has_wait == other.has_wait && one.wait_s == other.wait_s);
    expect(one.wait_s <= PREFER_WAIT_MAX_S && (one.has_wait || one.wait_s == 0));
    expect(both.is_async && both.has_wait && both.wait_s == 7);
    return 0;
}
