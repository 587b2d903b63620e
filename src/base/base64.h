/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Base64 (RFC 4648 section 4), for secrets in documents and files, and octets in JSON of others. Strict:
 * complete groups of four, padding only at the end, no bits left over, no white space. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Returns the number of octets written to out, or ERROR_SYNTAX, or ERROR_TOO_LARGE (more than cap). */
int base64_decode(const char *text, size_t len, uint8_t *out, size_t cap);

/* How many characters n octets are, without NUL. */
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)
/* Writes BASE64_LEN(len) of them, and no NUL. */
void base64_encode(const void *bytes, size_t len, char *out);
