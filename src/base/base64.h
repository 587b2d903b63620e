/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Base64 (RFC 4648 section 4) from text, for secrets in documents and files. Strict: complete groups of four,
 * padding only at the end, no bits left over, no white space. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Returns the number of octets written to out, or ERROR_SYNTAX, or ERROR_TOO_LARGE (more than cap). */
int base64_decode(const char *text, size_t len, uint8_t *out, size_t cap);
