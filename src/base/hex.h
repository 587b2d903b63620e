/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Octets as hexadecimal digits, two each, in lower case: as hashes, secrets and fingerprints stand in files,
 * in etcd and in answers. What may be written in capitals elsewhere (zones, URLs) is read there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Room for 2 * len + 1; returns the text. */
static inline const char *hex_write(const uint8_t *octets, size_t len, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[octets[i] >> 4];
        text[2 * i + 1] = digits[octets[i] & 15];
    }
    text[2 * len] = '\0';
    return text;
}

/* -1: it is none. */
static inline int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly so many octets, and nothing behind them; else false, and some of them may have been written. */
static inline bool hex_read(const char *text, uint8_t *octets, size_t len)
{
    if (strlen(text) != 2 * len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high == -1 || low == -1) {
            return false;
        }
        octets[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Exactly 16 digits: marks, runs, members. Else false, and 0. */
static inline bool hex_read_word(const char *text, uint64_t *word)
{
    uint8_t octets[sizeof *word];
    bool good = hex_read(text, octets, sizeof octets);
    *word = 0;
    for (size_t i = 0; good && i < sizeof octets; i++) {
        *word = *word << 8 | octets[i];
    }
    return good;
}
