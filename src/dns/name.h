/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names in wire form (RFC 1035 section 3.1, uncompressed): a length octet and as many octets per label, 0 at
 * the end; at most 255 octets and 63 per label. Presentation form with \DDD and \X escapes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DNS_NAME_TEXT_SIZE = 1024 }; /* 255 octets as \DDD, dots and a NUL */

/* Parse presentation form; without a final dot the name is relative to `origin` (wire; NULL: to the root).
 * Returns the length in wire, or a negative error (ERROR_SYNTAX, ERROR_TOO_LARGE). "@" is the origin. */
int dns_name_parse(const char *text, const uint8_t *origin, uint8_t wire[255]);
/* Absolute presentation form, "." for the root. Returns text. */
const char *dns_name_write(const uint8_t *wire, char text[DNS_NAME_TEXT_SIZE]);
/* Length in wire including the final 0, or 0 if it is not a valid uncompressed name within max octets. */
size_t dns_name_len(const uint8_t *wire, size_t max);
size_t dns_name_labels(const uint8_t *wire); /* without the root */
/* ASCII lower case, in place; safe on whole wire names (length octets are below 'A'). */
void dns_name_lower(uint8_t *wire, size_t len);
bool dns_name_equal(const uint8_t *a, const uint8_t *b); /* without regard to case */
/* Is `name` at or below `ancestor`? Without regard to case. */
bool dns_name_is_under(const uint8_t *name, const uint8_t *ancestor);

/* ---- names inside messages, which may be compressed (RFC 1035 section 4.1.4) ---- */

/* The offset behind the name at `at`, or 0 if it does not end within len octets. Pointers are not followed.
 */
size_t dns_name_skip(const uint8_t *message, size_t len, size_t at);
/* Write the name at `at` without pointers; these may only lead backwards. *end is the offset behind it in the
 * message. Returns its length, or 0 if it is no name. */
size_t dns_name_expand(const uint8_t *message, size_t len, size_t at, uint8_t wire[255], size_t *end);
