/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Base64: see base64.h. */
#include "config.h"

#include "base/base64.h"

#include "base/error.h"

static int value_of(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

int base64_decode(const char *text, size_t len, uint8_t *out, size_t cap)
{
    size_t padding = 0, used = 0;
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=') {
        padding++;
    }
    if (len % 4 != 0) {
        return ERROR_SYNTAX;
    }
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < len - padding; i++) {
        int value = value_of(text[i]);
        if (value < 0) {
            return ERROR_SYNTAX;
        }
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            if (used == cap) {
                return ERROR_TOO_LARGE;
            }
            count -= 8;
            out[used++] = (uint8_t)(bits >> count);
        }
    }
    return (bits & ((1u << count) - 1)) == 0 ? (int)used : ERROR_SYNTAX;
}

void base64_encode(const void *bytes, size_t len, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *at = bytes;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t bits =
            (uint32_t)at[i] << 16 | (left > 1 ? (uint32_t)at[i + 1] << 8 : 0) | (left > 2 ? at[i + 2] : 0);
        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[bits & 63] : '=';
    }
}
