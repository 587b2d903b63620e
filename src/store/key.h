/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What can be the key of an object: see STORE_KEY_MAX. In line, for who knows the store's shapes and not the
 * store. Pure. */
#pragma once

#include "base/utf8.h"
#include "store/store.h"

#include <string.h>

static inline bool store_is_key(const char *key)
{
    size_t len = strnlen(key, STORE_KEY_MAX + 1), at = 0;
    while (at < len) {
        uint32_t code;
        size_t step = utf8_read(key + at, len - at, &code);
        if (step == 0 || utf8_is_control(code)) {
            return false;
        }
        at += step;
    }
    return len > 0 && len <= STORE_KEY_MAX;
}
