/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The files of gdnsd's plugin extfile (gdnsd 2.2 and later): lines such as "192.0.2.1 => DOWN/300" in the
 * language of its configuration, vscf (gdnsd.config(5), LOW-LEVEL SYNTAX), of which a hash of strings is all
 * that makes sense here. What gdnsd refuses is refused, but for $include, which it would follow. The TTL has
 * to be one and is not used: how long answers live is said by the policy. */
#include "config.h"

#include "sheet/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { TTL_MAX = 268435455, ESCAPE_DIGITS = 3, OCTET_MAX = 255 };

static bool is_space(int octet)
{
    return octet == ' ' || octet == '\t' || octet == '\n' || octet == '\r';
}

static void skip_space(struct text *text)
{
    while (is_space(text_peek(text)) || text_peek(text) == '#' || text_peek(text) == ';') {
        bool is_comment = !is_space(text_peek(text));
        text_skip(text);
        while (is_comment && text_peek(text) != TEXT_END && text_peek(text) != '\n') {
            text_skip(text);
        }
    }
}

/* ---- strings ---- */

/* Behind the backslash: three digits up to 255, or any octet that is none. */
static bool read_escape(struct text *text, struct word *word)
{
    int value = 0, octet = text_peek(text);
    if (octet == TEXT_END) {
        return text_expected(text, "something behind the backslash");
    }
    if (!isdigit(octet)) {
        text_skip(text);
        word_add(word, (char)octet);
        return true;
    }
    for (int i = 0; i < ESCAPE_DIGITS; i++) {
        if (text_peek(text) == TEXT_END || !isdigit(text_peek(text))) {
            return text_expected(text, "three digits behind the backslash");
        }
        value = value * 10 + text_peek(text) - '0';
        text_skip(text);
    }
    if (value > OCTET_MAX) {
        return text_fail(text, "found \\%d, expected at most \\%d", value, OCTET_MAX);
    }
    word_add(word, (char)value);
    return true;
}

static bool is_special(int octet)
{
    return octet <= 0 ? octet == TEXT_END : strchr("][}{;#,\"=", octet) != NULL;
}

/* Up to what ends it, which is not passed. */
static bool read_rest(struct text *text, struct word *word, bool is_quoted)
{
    while (text_peek(text) != TEXT_END) {
        int octet = text_peek(text);
        if (is_quoted ? octet == '"' : is_special(octet) || is_space(octet)) {
            break;
        }
        text_skip(text);
        if (octet != '\\') {
            word_add(word, (char)octet);
        } else if (!read_escape(text, word)) {
            return false;
        }
    }
    return true;
}

static bool read_string(struct text *text, struct word *word, const char *expected)
{
    skip_space(text);
    word_begin(word, text);
    if (text_peek(text) == '$') {
        return text_fail(text, "found '$', expected %s; $include is not followed here", expected);
    }
    if (text_peek(text) != '"') {
        return is_special(text_peek(text)) ? text_expected(text, expected) : read_rest(text, word, false);
    }
    text_skip(text);
    if (!read_rest(text, word, true)) {
        return false;
    }
    if (text_peek(text) == TEXT_END) {
        return text_expected(text, "'\"' at the end of a string");
    }
    text_skip(text);
    return true;
}

/* ---- what is said ---- */

static bool is_ttl(const char *digits)
{
    unsigned long value = 0;
    size_t len = strspn(digits, "0123456789");
    for (size_t i = 0; i < len && value <= TTL_MAX; i++) {
        value = value * 10 + (unsigned long)(digits[i] - '0');
    }
    return len != 0 && digits[len] == '\0' && value <= TTL_MAX;
}

static bool take_state(const struct text *text, const struct word *word, struct sheet_entry *entry)
{
    static const char down[] = "DOWN", up[] = "UP";
    entry->is_down = strncasecmp(word->bytes, down, sizeof down - 1) == 0;
    bool is_up = !entry->is_down && strncasecmp(word->bytes, up, sizeof up - 1) == 0;
    const char *rest = word->bytes + (entry->is_down ? sizeof down - 1 : sizeof up - 1);
    bool is_state = word->len <= SHEET_KEY_MAX && !word->has_nul && (entry->is_down || is_up);
    return (is_state && (*rest == '\0' || (*rest == '/' && is_ttl(rest + 1)))) ||
           text_expected_at(text, word, "UP or DOWN, and behind a slash a TTL of at most 268435455, if any");
}

static bool read_entry(struct text *text, struct sheet_table *table)
{
    struct word key, value;
    struct sheet_entry entry = {.reason = ""};
    if (!read_string(text, &key, "a name")) {
        return false;
    }
    skip_space(text);
    if (text_peek(text) != '=') {
        return text_expected(text, "'=>'");
    }
    text_skip(text);
    if (text_peek(text) == '>') {
        text_skip(text);
    }
    return read_string(text, &value, "UP or DOWN") && take_state(text, &value, &entry) &&
           text_add_entry(text, table, &key, &entry);
}

bool sheet_parse_gdnsd(struct text *text, struct sheet_table *table)
{
    skip_space(text);
    while (text_peek(text) != TEXT_END) {
        if (!read_entry(text, table)) {
            return false;
        }
        skip_space(text);
        if (text_peek(text) == ',') {
            text_skip(text);
            skip_space(text);
        }
    }
    return true;
}
