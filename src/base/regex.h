/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Extended regular expressions (POSIX: . [] * + ? {n,m} | () ^ $) that are looked for in what comes in, in
 * pieces of any size. An expression becomes a table when it is compiled, so that looking costs one step per
 * octet, whatever the expression and whatever comes, and keeps one number. One that would need too large a
 * table is refused; there are no references back.
 *
 * Octets are compared; "." and [^] stand for any octet, line ends too; ^ and $ are the beginning and the end
 * of all. \d \w \s \D \W \S \n \r \t and \ before any punctuation mean what they mean in Perl, in brackets
 * too. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REGEX_LEN_MAX = 1023, REGEX_WHY_SIZE = 128 };

/* Immutable, counted; for any thread. */
struct regex;

/* Returns owned, or NULL and why ("found \"*\" at character 1, with nothing to repeat before it"). */
struct regex *regex_new(const char *pattern, char why[REGEX_WHY_SIZE]);
struct regex *regex_hold(struct regex *regex); /* one more holder; NULL gives NULL */
void regex_drop(struct regex *regex);          /* NULL is fine */
const char *regex_get_text(const struct regex *regex);

/* Good for any regex of the same text. */
struct regex_scan {
    uint16_t state;
};

enum regex_progress {
    REGEX_MORE,
    REGEX_FOUND,
    REGEX_ABSENT, /* whatever comes */
};

enum regex_progress regex_begin(const struct regex *regex, struct regex_scan *scan);
/* After FOUND or ABSENT further octets change nothing. */
enum regex_progress regex_feed(const struct regex *regex, struct regex_scan *scan, const uint8_t *octets,
                               size_t len);
/* Is it found, when nothing more comes? */
bool regex_end(const struct regex *regex, const struct regex_scan *scan);
