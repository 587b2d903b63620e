/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One state per position in a value (RFC 8259). Of the containers around it, only those on the way of the
 * pointer matter: `matched` of them are, and the innermost is the only one whose kind has to be known, for
 * once it ends without the member sought there is none. Deeper ones are counted. */
#include "config.h"

#include "probe/json_scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum state {
    AT_VALUE,    /* a value may begin */
    AT_KEY,      /* in an object on the way: a key, or its end */
    AT_COLON,    /* behind a key on the way */
    AFTER,       /* behind a value: "," or the end of the container */
    IN_STRING,   /* a key on the way, or any string that is skipped */
    IN_ESCAPE,   /* behind "\" */
    IN_UNICODE,  /* behind "\u" */
    IN_WORD,     /* a number, true, false or null that is skipped */
    IN_OUR_WORD, /* the one, a number or true, false, null */
    STATE_FOUND,
    STATE_ABSENT,
    STATE_BROKEN,
};

void json_scan_init(struct json_scan *scan, const char *pointer, const char *text)
{
    *scan = (struct json_scan){
        .pointer = pointer, .token = pointer, .text = text, .state = AT_VALUE, .is_ours = true};
}

void json_scan_move(struct json_scan *scan, const char *pointer, const char *text)
{
    if (scan->rest != NULL) {
        scan->rest = scan->is_key ? pointer + (scan->rest - scan->pointer) : text + (scan->rest - scan->text);
    }
    scan->token = pointer + (scan->token - scan->pointer);
    scan->pointer = pointer;
    scan->text = text;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* Is the container that we are in, at whatever member, the innermost on the way? */
static bool is_on_way(const struct json_scan *scan)
{
    return scan->depth == scan->matched;
}

/* ---- tokens ---- */

/* Does `rest` of a token go on with `byte`? Moves behind it. RFC 6901 section 4: "~1" is "/", "~0" is "~". */
static bool eat(const char **rest, uint8_t byte)
{
    const char *at = *rest;
    uint8_t wanted = (uint8_t)at[0];
    if (wanted == '\0' || wanted == '/') {
        return false;
    }
    if (wanted == '~') {
        wanted = at[1] == '1' ? '/' : '~';
        at++;
    }
    *rest = at + 1;
    return wanted == byte;
}

static bool is_token_end(const char *rest)
{
    return *rest == '\0' || *rest == '/';
}

/* The same of the text that is wanted. */
static bool eat_text(const char **rest, uint8_t byte)
{
    bool same = byte != '\0' && (uint8_t) * *rest == byte;
    *rest += same;
    return same;
}

/* One octet of a string: is it still the one? Half a surrogate pair alone is none that could be wanted. */
static void add_to_string(struct json_scan *scan, uint8_t byte)
{
    if (scan->rest == NULL) {
        return;
    }
    bool same = scan->high == 0 && (scan->is_key ? eat(&scan->rest, byte) : eat_text(&scan->rest, byte));
    scan->rest = same ? scan->rest : NULL;
}

static void add_tail(struct json_scan *scan, uint32_t code, int octets)
{
    while (octets-- > 0) {
        add_to_string(scan, (uint8_t)(0x80 | (code >> 6 * octets & 0x3f)));
    }
}

/* As UTF-8. */
static void add_code(struct json_scan *scan, uint32_t code)
{
    if (code < 0x80) {
        add_to_string(scan, (uint8_t)code);
    } else if (code < 0x800) {
        add_to_string(scan, (uint8_t)(0xc0 | code >> 6));
        add_tail(scan, code, 1);
    } else if (code < 0x10000) {
        add_to_string(scan, (uint8_t)(0xe0 | code >> 12));
        add_tail(scan, code, 2);
    } else {
        add_to_string(scan, (uint8_t)(0xf0 | code >> 18));
        add_tail(scan, code, 3);
    }
}

/* RFC 8259 section 7: what lies beyond 0xffff is written as two. */
static void add_code_unit(struct json_scan *scan)
{
    uint16_t unit = scan->code_unit, high = scan->high;
    bool is_low = unit >= 0xdc00 && unit < 0xe000;
    if (high == 0 && unit >= 0xd800 && unit < 0xdc00) {
        scan->high = unit;
    } else if (high != 0 && is_low) {
        scan->high = 0;
        add_code(scan, 0x10000 + ((uint32_t)(high - 0xd800) << 10 | (uint32_t)(unit - 0xdc00)));
    } else if (is_low) {
        scan->rest = NULL;
    } else {
        add_code(scan, unit);
    }
}

/* Is the item `scan->index` of an array what the token names? "0", or digits without a leading zero. */
static bool is_item(const struct json_scan *scan)
{
    const char *at = scan->token + 1;
    uint32_t index = 0;
    if (!is_digit((uint8_t)*at) || (*at == '0' && !is_token_end(at + 1))) {
        return false;
    }
    for (; is_digit((uint8_t)*at); at++) {
        if (index > scan->index) {
            return false; /* before it could overflow */
        }
        index = index * 10 + (uint32_t)(*at - '0');
    }
    return is_token_end(at) && index == scan->index;
}

/* ---- numbers and words ---- */

static const char *skip_digits(const char *at)
{
    while (is_digit((uint8_t)*at)) {
        at++;
    }
    return at;
}

static bool is_number(const char *text)
{
    text += text[0] == '-';
    const char *at = skip_digits(text);
    if (at == text || (text[0] == '0' && at != text + 1)) {
        return false;
    }
    if (*at == '.') {
        const char *fraction = at + 1;
        at = skip_digits(fraction);
        if (at == fraction) {
            return false;
        }
    }
    if (*at == 'e' || *at == 'E') {
        const char *exponent = at + 1 + (at[1] == '+' || at[1] == '-');
        at = skip_digits(exponent);
        if (at == exponent) {
            return false;
        }
    }
    return *at == '\0';
}

static uint8_t end_word(struct json_scan *scan)
{
    static const char *const words[] = {
        [JSON_SCAN_TRUE] = "true", [JSON_SCAN_FALSE] = "false", [JSON_SCAN_NULL] = "null"};
    scan->word[scan->len] = '\0';
    for (enum json_scan_kind kind = JSON_SCAN_TRUE; kind <= JSON_SCAN_NULL; kind++) {
        if (strcmp(scan->word, words[kind]) == 0) {
            scan->kind = kind;
            return STATE_FOUND;
        }
    }
    if (!is_number(scan->word)) {
        return STATE_BROKEN;
    }
    scan->kind = JSON_SCAN_NUMBER;
    scan->number = strtod(scan->word, NULL); /* as the configuration's own: nobody sets LC_NUMERIC */
    return isfinite(scan->number) ? STATE_FOUND : STATE_BROKEN;
}

static bool is_of_word(uint8_t byte)
{
    return is_digit(byte) || byte == '.' || byte == 'E' || byte == '+' || byte == '-' ||
           (byte >= 'a' && byte <= 'z');
}

static uint8_t step_our_word(struct json_scan *scan, uint8_t byte)
{
    if (is_of_word(byte) && scan->len < JSON_SCAN_WORD_SIZE - 1) {
        scan->word[scan->len++] = (char)byte;
        return IN_OUR_WORD;
    }
    return byte == ',' || byte == '}' || byte == ']' || is_space(byte) ? end_word(scan) : STATE_BROKEN;
}

/* ---- values ---- */

static uint8_t begin_string(struct json_scan *scan, bool is_key)
{
    scan->is_key = is_key;
    scan->rest = is_key ? scan->token + 1 : scan->is_ours ? scan->text : NULL;
    scan->high = 0;
    return IN_STRING;
}

/* A container begins: one more on the way if it is the one sought, otherwise one to skip. */
static uint8_t enter(struct json_scan *scan, bool is_array)
{
    scan->depth++;
    if (!scan->is_ours) {
        return AT_VALUE;
    }
    scan->matched++;
    if (scan->matched > 1) {
        scan->token = strchr(scan->token + 1, '/');
    }
    scan->is_array = is_array;
    scan->index = 0;
    scan->is_ours = is_array && is_item(scan);
    return is_array ? AT_VALUE : AT_KEY;
}

/* Whether the way has more tokens than containers so far. */
static bool wants_container(const struct json_scan *scan)
{
    return scan->matched == 0 || strchr(scan->token + 1, '/') != NULL;
}

static uint8_t leave(struct json_scan *scan)
{
    if (is_on_way(scan)) {
        return STATE_ABSENT; /* it has ended, and the member was not there */
    }
    scan->depth--;
    return AFTER;
}

static uint8_t step_our_value(struct json_scan *scan, uint8_t byte)
{
    if (wants_container(scan)) {
        bool is_container = byte == '{' || byte == '[', is_other = is_of_word(byte) || byte == '"';
        return is_container                     ? enter(scan, byte == '[')
               : is_other && scan->matched != 0 ? STATE_ABSENT
                                                : STATE_BROKEN; /* a text without braces may be anything */
    }
    if (byte == '{' || byte == '[') {
        scan->kind = JSON_SCAN_CONTAINER;
        return STATE_FOUND;
    }
    if (byte == '"') {
        return begin_string(scan, false);
    }
    scan->len = 0;
    return is_of_word(byte) ? step_our_word(scan, byte) : STATE_BROKEN;
}

static uint8_t step_value(struct json_scan *scan, uint8_t byte)
{
    if (is_space(byte)) {
        return AT_VALUE;
    }
    if (byte == ']' || byte == '}') { /* of an empty container */
        return scan->depth == 0 ? STATE_BROKEN : leave(scan);
    }
    if (scan->is_ours) {
        return step_our_value(scan, byte);
    }
    switch (byte) {
    case '"': return begin_string(scan, false);
    case '{':
    case '[': return enter(scan, byte == '[');
    default: return is_of_word(byte) ? IN_WORD : STATE_BROKEN;
    }
}

static uint8_t step_key(struct json_scan *scan, uint8_t byte)
{
    if (is_space(byte)) {
        return AT_KEY;
    }
    if (byte == '}') {
        return leave(scan);
    }
    return byte == '"' ? begin_string(scan, true) : STATE_BROKEN;
}

static uint8_t step_colon(struct json_scan *scan, uint8_t byte)
{
    if (is_space(byte)) {
        return AT_COLON;
    }
    scan->is_ours = scan->rest != NULL && is_token_end(scan->rest);
    return byte == ':' ? AT_VALUE : STATE_BROKEN;
}

static uint8_t step_after(struct json_scan *scan, uint8_t byte)
{
    if (is_space(byte)) {
        return AFTER;
    }
    if (byte == ']' || byte == '}') {
        return leave(scan);
    }
    if (!is_on_way(scan)) {
        return byte == ',' || byte == ':' ? AT_VALUE : STATE_BROKEN; /* keys are skipped as values are */
    }
    if (byte != ',' || scan->depth == 0) {
        return STATE_BROKEN;
    }
    scan->index++;
    scan->is_ours = scan->is_array && is_item(scan);
    return scan->is_array ? AT_VALUE : AT_KEY;
}

/* ---- strings and words ---- */

static uint8_t end_string(struct json_scan *scan)
{
    scan->rest = scan->high == 0 ? scan->rest : NULL;
    if (scan->is_key) {
        return AT_COLON;
    }
    if (!scan->is_ours) {
        return AFTER;
    }
    scan->kind = JSON_SCAN_TEXT;
    scan->is_text = scan->rest != NULL && *scan->rest == '\0';
    return STATE_FOUND;
}

static uint8_t step_string(struct json_scan *scan, uint8_t byte)
{
    if (byte == '\\') {
        return IN_ESCAPE;
    }
    if (byte == '"') {
        return end_string(scan);
    }
    if (byte < ' ') {
        return STATE_BROKEN;
    }
    add_to_string(scan, byte);
    return IN_STRING;
}

static uint8_t step_escape(struct json_scan *scan, uint8_t byte)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (byte == 'u') {
        scan->digits = 0;
        scan->code_unit = 0;
        return IN_UNICODE;
    }
    const char *found = byte == '\0' ? NULL : strchr(from, byte);
    if (found == NULL) {
        return STATE_BROKEN;
    }
    add_to_string(scan, (uint8_t)to[found - from]);
    return IN_STRING;
}

static uint8_t step_unicode(struct json_scan *scan, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    const char *found = byte == '\0' ? NULL : strchr(hex, byte >= 'A' && byte <= 'F' ? byte + 32 : byte);
    if (found == NULL) {
        return STATE_BROKEN;
    }
    scan->code_unit = (uint16_t)(scan->code_unit << 4 | (found - hex));
    if (++scan->digits < 4) {
        return IN_UNICODE;
    }
    add_code_unit(scan);
    return IN_STRING;
}

static uint8_t step_word(struct json_scan *scan, uint8_t byte)
{
    if (byte == ',' || byte == ']' || byte == '}' || is_space(byte)) {
        return step_after(scan, byte);
    }
    return is_of_word(byte) ? IN_WORD : STATE_BROKEN;
}

static uint8_t step(struct json_scan *scan, uint8_t byte)
{
    switch (scan->state) {
    case AT_VALUE: return step_value(scan, byte);
    case AT_KEY: return step_key(scan, byte);
    case AT_COLON: return step_colon(scan, byte);
    case AFTER: return step_after(scan, byte);
    case IN_STRING: return step_string(scan, byte);
    case IN_ESCAPE: return step_escape(scan, byte);
    case IN_UNICODE: return step_unicode(scan, byte);
    case IN_WORD: return step_word(scan, byte);
    default: return step_our_word(scan, byte);
    }
}

enum json_scan_progress json_scan_feed(struct json_scan *scan, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len && scan->state < STATE_FOUND; i++) {
        scan->state = step(scan, bytes[i]);
    }
    switch (scan->state) {
    case STATE_FOUND: return JSON_SCAN_FOUND;
    case STATE_ABSENT: return JSON_SCAN_ABSENT;
    case STATE_BROKEN: return JSON_SCAN_BROKEN;
    default: return JSON_SCAN_MORE;
    }
}
