/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Values as operators write them in documents: durations, names, patterns; and texts for messages. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "500ms", "2s", "1m", "1h": a whole number and a unit. Returns 0, ERROR_SYNTAX or ERROR_TOO_LARGE. */
int value_parse_duration(const char *text, uint64_t *ms);

/* As value_parse_duration reads it, in the largest unit that divides it. Returns text. */
enum { VALUE_DURATION_SIZE = 32 };
const char *value_write_duration(uint64_t ms, char text[VALUE_DURATION_SIZE]);

/* "5%", "12.5%": above 0 and at most 100. Gives the share, 0 < share <= 1. Returns 0 or ERROR_SYNTAX. */
/* "512MiB": a whole number of at most six digits and KiB, MiB, GiB or TiB. 0, ERROR_SYNTAX or
 * ERROR_TOO_LARGE.
 */
int value_parse_size(const char *text, uint64_t *size);
int value_parse_percent(const char *text, double *share);

/* Octets as text: UTF-8 as it is, but for \xHH and \\. Returns how many (at most `size`), or ERROR_SYNTAX or
 * ERROR_TOO_LARGE. */
ptrdiff_t value_parse_octets(const char *text, uint8_t *octets, size_t size);

/* A name of a region, az, endpoint or check: letters, digits, '-', '_', '.', 1..63, no '-' at the beginning.
 */
bool value_is_name(const char *text);
#define VALUE_NAME_RULE "1 to 63 letters, digits, '-', '_' or '.', not beginning with '-'"

/* A JSON pointer that leads into a document (RFC 6901 section 3), of at most 255 octets. */
bool value_is_pointer(const char *text);

/* Does the name match a pattern in which '*' stands for any run of characters, none included? */
bool value_matches(const char *pattern, const char *name);
bool value_is_pattern(const char *text); /* is there a '*' in it? */
