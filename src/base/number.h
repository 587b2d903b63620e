/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Numbers in text that a program wrote: digits and nothing else. strtoul() also takes signs, white space,
 * "0x" and what comes behind. Numbers with units are read by conf/value.h. */
#pragma once

#include "base/hex.h"

/* Digits of this base (10 or 16, in lower case), and no more than `most`. Else false, and 0. */
static inline bool number_read(const char *text, unsigned base, uint64_t most, uint64_t *value)
{
    uint64_t sum = 0;
    *value = 0;
    if (text[0] == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        int digit = hex_digit(*text);
        if (digit < 0 || digit >= (int)base || (unsigned)digit > most ||
            sum > (most - (unsigned)digit) / base) {
            return false;
        }
        sum = sum * base + (unsigned)digit;
    }
    *value = sum;
    return true;
}
