/* SPDX-License-Identifier: BSD-3-Clause
 *
 * RFC 3629 section 4, by the ranges of its table. */
#include "config.h"

#include "base/utf8.h"

#include <string.h>

static bool is_tail(unsigned char octet)
{
    return (octet & 0xc0) == 0x80;
}

/* How many octets the first one announces; 0: it cannot be a first one. */
static size_t announced(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

size_t utf8_read(const char *at, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = len == 0 ? 0 : announced((unsigned char)at[0]);
    if (size == 0 || size > len) {
        return 0;
    }
    uint32_t value = (unsigned char)at[0] & (size == 1 ? 0x7f : 0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if (!is_tail((unsigned char)at[i])) {
            return 0;
        }
        value = value << 6 | ((unsigned char)at[i] & 0x3f);
    }
    if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
        return 0;
    }
    *code = value;
    return size;
}

size_t utf8_check(const char *at, size_t len)
{
    size_t good = 0;
    uint32_t code;
    for (size_t size; (size = utf8_read(at + good, len - good, &code)) != 0;) {
        good += size;
    }
    return good;
}

bool utf8_is_plain(const char *text, size_t len)
{
    uint32_t code;
    size_t at = 0;
    for (size_t size; at < len; at += size) {
        size = utf8_read(text + at, len - at, &code);
        if (size == 0 || utf8_is_deceptive(code)) {
            return false;
        }
    }
    return true;
}

void utf8_make_printable(char *text)
{
    uint32_t code;
    size_t len = strlen(text), at = 0;
    for (size_t size; at < len; at += size) {
        size = utf8_read(text + at, len - at, &code);
        if (size == 0 || utf8_is_deceptive(code)) {
            size = size == 0 ? 1 : size;
            memset(text + at, '?', size);
        }
    }
}
