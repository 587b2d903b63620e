/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How a receiver knows that a request is ours and new: HMAC-SHA-256 (RFC 2104) over "TIME.BODY". Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SIGN_HEX_SIZE = 65 };

struct sign_secret {
    const uint8_t *bytes;
    size_t len;
};

/* In lower-case hexadecimal digits. Returns hex. */
const char *sign_write(const struct sign_secret *secret, int64_t time_s, const char *body, size_t len,
                       char hex[SIGN_HEX_SIZE]);
