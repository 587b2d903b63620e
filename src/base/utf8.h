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
