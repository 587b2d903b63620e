/* SPDX-License-Identifier: BSD-3-Clause
 *
 * steerd's own format: a JSON object (RFC 8259), name -> "up" or "down", or an object with "state" and
 * "reason". Read without a tree, because a file of 100,000 names is to be known within milliseconds, and
 * because a value that makes no sense has a place, too. "$comment" may stand in every object, and "$schema"
 * in the outer one; both are texts. */
#include "config.h"

#include "base/utf8.h"
#include "sheet/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    HEX_DIGITS = 4,
    HIGH_FIRST = 0xd800,
    LOW_FIRST = 0xdc00,
    LOW_LAST = 0xdfff,
    PLANE = 0x10000,
    HALF_BITS = 10
};

static void skip_space(struct text *text)
{
    while (text_peek(text) == ' ' || text_peek(text) == '\t' || text_peek(text) == '\n' ||
           text_peek(text) == '\r') {
        text_skip(text);
    }
}

/* Behind any space. */
static bool pass(struct text *text, char octet, const char *expected)
{
    skip_space(text);
    if (text_peek(text) != octet) {
        return text_expected(text, expected);
    }
    text_skip(text);
    return true;
}

/* ---- texts ---- */

static void add_code(struct word *word, uint32_t code)
{
    enum { ONE = 0x80, TWO = 0x800, BITS = 6, MASK = 0x3f };
    if (code < ONE) {
        word_add(word, (char)code);
    } else if (code < TWO) {
        word_add(word, (char)(0xc0 | code >> BITS));
        word_add(word, (char)(0x80 | (code & MASK)));
    } else if (code < PLANE) {
        word_add(word, (char)(0xe0 | code >> 2 * BITS));
        word_add(word, (char)(0x80 | (code >> BITS & MASK)));
        word_add(word, (char)(0x80 | (code & MASK)));
    } else {
        word_add(word, (char)(0xf0 | code >> 3 * BITS));
        word_add(word, (char)(0x80 | (code >> 2 * BITS & MASK)));
        word_add(word, (char)(0x80 | (code >> BITS & MASK)));
        word_add(word, (char)(0x80 | (code & MASK)));
    }
}

static bool read_hex(struct text *text, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < HEX_DIGITS; i++) {
        int octet = text_peek(text);
        if (octet == TEXT_END || !isxdigit(octet)) {
            return text_expected(text, "four hexadecimal digits");
        }
        *value = *value * 16 + (uint32_t)(isdigit(octet) ? octet - '0' : (octet | 0x20) - 'a' + 10);
        text_skip(text);
    }
    return true;
}

/* Behind "\u". */
static bool read_code(struct text *text, struct word *word)
{
    uint32_t code, low;
    if (!read_hex(text, &code)) {
        return false;
    }
    if (code < HIGH_FIRST || code > LOW_LAST) {
        add_code(word, code);
        return true;
    }
    bool is_pair = code < LOW_FIRST && text->end - text->at >= 2 && memcmp(text->at, "\\u", 2) == 0;
    if (!is_pair) {
        return text_expected(text, "a whole pair of surrogates");
    }
    text->at += 2;
    if (!read_hex(text, &low)) {
        return false;
    }
    if (low < LOW_FIRST || low > LOW_LAST) {
        return text_expected(text, "a whole pair of surrogates in front of it");
    }
    add_code(word, PLANE + ((code - HIGH_FIRST) << HALF_BITS) + (low - LOW_FIRST));
    return true;
}

/* Behind the backslash. */
static bool read_escape(struct text *text, struct word *word)
{
    static const char names[] = "\"\\/bfnrtu", meanings[] = "\"\\/\b\f\n\r\t";
    int octet = text_peek(text);
    const char *name = octet <= 0 ? NULL : strchr(names, octet);
    if (name == NULL) {
        return text_expected(text, "an escape of JSON behind the backslash");
    }
    text_skip(text);
    if (*name == 'u') {
        return read_code(text, word);
    }
    word_add(word, meanings[name - names]);
    return true;
}

/* Behind any space. */
static bool read_text(struct text *text, struct word *word, const char *expected)
{
    skip_space(text);
    word_begin(word, text);
    if (!pass(text, '"', expected)) {
        return false;
    }
    while (text_peek(text) != '"') {
        int octet = text_peek(text);
        if (octet < ' ') { /* or the end */
            return text_expected(text, "'\"' at the end of a text");
        }
        text_skip(text);
        if (octet != '\\') {
            word_add(word, (char)octet);
        } else if (!read_escape(text, word)) {
            return false;
        }
    }
    text_skip(text);
    return true;
}

/* ---- what is said ---- */

static bool take_state(const struct text *text, const struct word *word, struct sheet_entry *entry)
{
    entry->is_down = word_is(word, "down");
    return entry->is_down || word_is(word, "up") ||
           text_expected_at(text, word, "\"up\" or \"down\", or an object with \"state\"");
}

/* What people are shown. */
static void take_reason(const struct word *word, char reason[SHEET_REASON_MAX + 1])
{
    size_t len = word->len < SHEET_REASON_MAX ? word->len : SHEET_REASON_MAX;
    for (size_t i = 0; i < len; i++) {
        reason[i] = text_is_plain((unsigned char)word->bytes[i]) ? word->bytes[i] : '?';
    }
    reason[len] = '\0';
}

struct said {
    struct sheet_entry entry;
    bool has_state, has_reason;
    char reason[SHEET_REASON_MAX + 1];
};

static bool read_member(struct text *text, struct said *said)
{
    struct word name, value;
    if (!read_text(text, &name, "'\"' of a name, or '}'") || !pass(text, ':', "':'") ||
        !read_text(text, &value, "a text")) {
        return false;
    }
    if (word_is(&name, "state") && !said->has_state) {
        said->has_state = true;
        return take_state(text, &value, &said->entry);
    }
    if (word_is(&name, "reason") && !said->has_reason) {
        said->has_reason = true;
        take_reason(&value, said->reason);
        return true;
    }
    return word_is(&name, "$comment") || text_expected_at(text, &name, "\"state\" and \"reason\", once each");
}

/* All members, each read by `read`; the brace is passed. */
static bool read_members(struct text *text, bool (*read)(struct text *text, void *context), void *context)
{
    skip_space(text);
    if (text_peek(text) == '}') {
        text_skip(text);
        return true;
    }
    do {
        if (!read(text, context)) {
            return false;
        }
        skip_space(text);
        if (text_peek(text) == '}') {
            text_skip(text);
            return true;
        }
    } while (pass(text, ',', "',' or '}'"));
    return false;
}

static bool read_said(struct text *text, void *context)
{
    return read_member(text, context);
}

static bool read_object(struct text *text, const struct word *key, struct said *said)
{
    text_skip(text);
    if (!read_members(text, read_said, said)) {
        return false;
    }
    return said->has_state ||
           text_fail_at(text, key, "found no \"state\", expected \"up\" or \"down\" as one");
}

/* Of a name that is none of the two which are for people. */
static bool read_state(struct text *text, const struct word *key, struct said *said)
{
    struct word value;
    skip_space(text);
    if (text_peek(text) == '{') {
        return read_object(text, key, said);
    }
    return read_text(text, &value, "\"up\" or \"down\", or an object with \"state\"") &&
           take_state(text, &value, &said->entry);
}

static bool read_entry(struct text *text, void *context)
{
    struct word key, remark;
    struct said said = {.has_state = false};
    said.entry.reason = said.reason;
    if (!read_text(text, &key, "'\"' of a name, or '}'") || !pass(text, ':', "':'")) {
        return false;
    }
    if (word_is(&key, "$comment") || word_is(&key, "$schema")) {
        return read_text(text, &remark, "a text");
    }
    return read_state(text, &key, &said) && text_add_entry(text, context, &key, &said.entry);
}

/* A file that says nothing at all is empty, in every format. */
bool sheet_parse_json(struct text *text, struct sheet_table *table)
{
    size_t good = utf8_check(text->at, (size_t)(text->end - text->at));
    if (good != (size_t)(text->end - text->at)) {
        while (text->at < text->begin + good) {
            text_skip(text);
        }
        return text_expected(text, "UTF-8");
    }
    skip_space(text);
    if (text_peek(text) == TEXT_END) {
        return true;
    }
    if (!pass(text, '{', "'{'") || !read_members(text, read_entry, table)) {
        return false;
    }
    skip_space(text);
    return text_peek(text) == TEXT_END || text_expected(text, "the end of the file");
}
