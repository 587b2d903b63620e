/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A text that is read from its beginning to its end, and where one is in it. The first thing that is wrong
 * stays. Private to the parsers. */
#pragma once

#include "sheet/parse.h"

#include <stdbool.h>

struct text {
    const char *begin, *at, *end;
    const char *line_begin;
    unsigned line;
    struct sheet_fault *fault;
};

/* A word of the text, decoded. What is longer than there is room is cut off, and len tells. */
struct word {
    char bytes[SHEET_KEY_MAX + 1]; /* with a NUL behind it */
    size_t len;                    /* of all of it */
    bool has_nul;
    const char *at; /* where it began, */
    unsigned line;  /* … in this line, */
    const char *line_begin;
};

enum { TEXT_END = -1 };

/* May it be shown as it is? */
static inline bool text_is_plain(int octet)
{
    enum { DELETE = 127 };
    return octet >= ' ' && octet < DELETE;
}

/* The next octet, or TEXT_END. */
static inline int text_peek(const struct text *text)
{
    return text->at == text->end ? TEXT_END : (unsigned char)*text->at;
}

/* It is there, and is passed. */
static inline void text_skip(struct text *text)
{
    if (*text->at++ == '\n') {
        text->line++;
        text->line_begin = text->at;
    }
}

void word_begin(struct word *word, const struct text *text);
static inline void word_add(struct word *word, char octet)
{
    if (word->len < SHEET_KEY_MAX) {
        word->bytes[word->len] = octet;
        word->bytes[word->len + 1] = '\0';
    }
    word->has_nul |= octet == '\0';
    word->len++;
}
/* Is it this one, and whole? */
bool word_is(const struct word *word, const char *other);

/* Each returns false, for it to be returned: here, or at the word. */
bool text_fail(const struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool text_fail_at(const struct text *text, const struct word *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What is here is not what was expected. */
bool text_expected(const struct text *text, const char *expected);
/* Nor is the word; it is quoted. */
bool text_expected_at(const struct text *text, const struct word *word, const char *expected);

/* Of a name, what the word says. False: it cannot be one, or is there already. */
bool text_add_entry(const struct text *text, struct sheet_table *table, struct word *key,
                    const struct sheet_entry *entry);

/* ---- the formats: false when something is wrong ---- */

bool sheet_parse_json(struct text *text, struct sheet_table *table);
bool sheet_parse_gdnsd(struct text *text, struct sheet_table *table);
