/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Text that came from somebody else: one code point at a time, strictly (RFC 3629: nothing overlong, no
 * surrogates). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UTF8_REPLACEMENT = 0xfffd };
#define UTF8_REPLACEMENT_TEXT "\xef\xbf\xbd"

/* How many of the len octets at `at` make the next code point; 0: they make none (or there are none left). */
size_t utf8_read(const char *at, size_t len, uint32_t *code);
/* The length of the valid text at the front of these octets. */
size_t utf8_check(const char *at, size_t len);

/* C0, DEL and C1: what terminals obey. */
static inline bool utf8_is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* What a line of text for people must not have: controls, line and paragraph separators, and what changes the
 * direction of the characters around it (Unicode TR 36, section 3.2: bidirectional text spoofing). */
static inline bool utf8_is_deceptive(uint32_t code)
{
    return utf8_is_control(code) || code == 0x61c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* Is it UTF-8 without anything deceptive? */
bool utf8_is_plain(const char *text, size_t len);
/* For a terminal, in place: each octet of what is deceptive, or no UTF-8, becomes '?'. */
void utf8_make_printable(char *text);
