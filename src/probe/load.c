/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One state per position in a value (RFC 8259). Of the containers around it, only those on the way of the
 * pointer matter: `matched` of them are, and the innermost is the only one whose kind has to be known, for
 * once it ends without the member sought there is none. Deeper ones are counted. */
#include "config.h"

#include "probe/load.h"

#include <math.h>
#include <string.h>

enum state {
    AT_VALUE,   /* a value may begin */
    AT_KEY,     /* in an object on the way: a key, or its end */
    AT_COLON,   /* behind a key on the way */
    AFTER,      /* behind a value: "," or the end of the container */
    IN_STRING,  /* a key on the way, or any string that is skipped */
    IN_ESCAPE,  /* behind "\" */
    IN_UNICODE, /* behind "\u" */
    IN_WORD,    /* a number, true, false or null that is skipped */
    IN_NUMBER,  /* the one */
    STATE_FOUND,
    STATE_ABSENT,
};

void load_scan_init(struct load_scan *scan, const char *pointer)
{
    *scan = (struct load_scan){.pointer = pointer, .token = pointer, .state = AT_VALUE, .is_ours = true};
}

void load_scan_move(struct load_scan *scan, const char *pointer)
{
    ptrdiff_t by_token = scan->token - scan->pointer;
    scan->rest = scan->rest == NULL ? NULL : pointer + (scan->rest - scan->pointer);
    scan->token = pointer + by_token;
    scan->pointer = pointer;
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
static bool is_on_way(const struct load_scan *scan)
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

static void add_to_key(struct load_scan *scan, uint8_t byte)
{
    if (scan->is_key && scan->rest != NULL && !eat(&scan->rest, byte)) {
        scan->rest = NULL;
    }
}

/* As UTF-8. Halves of surrogate pairs come out as what no UTF-8 text holds, so they are never the token. */
static void add_code_unit(struct load_scan *scan)
{
    uint16_t unit = scan->code_unit;
    if (unit < 0x80) {
        add_to_key(scan, (uint8_t)unit);
        return;
    }
    if (unit < 0x800) {
        add_to_key(scan, (uint8_t)(0xc0 | unit >> 6));
    } else {
        add_to_key(scan, (uint8_t)(0xe0 | unit >> 12));
        add_to_key(scan, (uint8_t)(0x80 | (unit >> 6 & 0x3f)));
    }
    add_to_key(scan, (uint8_t)(0x80 | (unit & 0x3f)));
}

/* Is the item `scan->index` of an array what the token names? "0", or digits without a leading zero. */
static bool is_item(const struct load_scan *scan)
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

/* ---- the number ---- */

static const char *skip_digits(const char *at)
{
    while (is_digit((uint8_t)*at)) {
        at++;
    }
    return at;
}

static bool is_number(const char *text)
{
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

/* Of a text that is a number. Not strtod(), which asks the locale what a decimal point is. */
static double convert(const char *text)
{
    double value = 0;
    int exponent = 0, given = 0;
    bool is_fraction = false;
    for (; *text != '\0' && *text != 'e' && *text != 'E'; text++) {
        if (*text == '.') {
            is_fraction = true;
            continue;
        }
        value = value * 10 + (*text - '0');
        exponent -= is_fraction;
    }
    if (*text != '\0') {
        bool is_negative = text[1] == '-';
        for (text += 1 + (text[1] == '-' || text[1] == '+'); *text != '\0' && given < 10000; text++) {
            given = given * 10 + (*text - '0');
        }
        exponent += is_negative ? -given : given;
    }
    double scale = 1;
    for (int i = exponent < 0 ? -exponent : exponent; i > 0 && isfinite(scale); i--) {
        scale *= 10;
    }
    return value == 0 ? 0 : exponent < 0 ? value / scale : value * scale;
}

static uint8_t end_number(struct load_scan *scan)
{
    scan->number[scan->len] = '\0';
    const char *text = scan->number;
    if (!is_number(text)) {
        return STATE_ABSENT;
    }
    scan->value = convert(text);
    return isfinite(scan->value) ? STATE_FOUND : STATE_ABSENT;
}

static bool is_of_number(uint8_t byte)
{
    return is_digit(byte) || byte == '.' || byte == 'e' || byte == 'E' || byte == '+' || byte == '-';
}

static bool is_of_word(uint8_t byte)
{
    return is_of_number(byte) || (byte >= 'a' && byte <= 'z');
}

static uint8_t step_number(struct load_scan *scan, uint8_t byte)
{
    if (is_of_number(byte) && scan->len < LOAD_NUMBER_SIZE - 1) {
        scan->number[scan->len++] = (char)byte;
        return IN_NUMBER;
    }
    return byte == ',' || byte == '}' || byte == ']' || is_space(byte) ? end_number(scan) : STATE_ABSENT;
}

/* ---- values ---- */

static uint8_t begin_string(struct load_scan *scan, bool is_key)
{
    scan->is_key = is_key;
    scan->rest = is_key ? scan->token + 1 : NULL;
    return IN_STRING;
}

/* A container begins: one more on the way if it is the one sought, otherwise one to skip. */
static uint8_t enter(struct load_scan *scan, bool is_array)
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
static bool wants_container(const struct load_scan *scan)
{
    return scan->matched == 0 || strchr(scan->token + 1, '/') != NULL;
}

static uint8_t leave(struct load_scan *scan)
{
    if (is_on_way(scan)) {
        return STATE_ABSENT; /* it has ended, and the member was not there */
    }
    scan->depth--;
    return AFTER;
}

static uint8_t step_our_value(struct load_scan *scan, uint8_t byte)
{
    if (wants_container(scan)) {
        return byte == '{' || byte == '[' ? enter(scan, byte == '[') : STATE_ABSENT;
    }
    scan->len = 0;
    return is_digit(byte) ? step_number(scan, byte) : STATE_ABSENT;
}

static uint8_t step_value(struct load_scan *scan, uint8_t byte)
{
    if (is_space(byte)) {
        return AT_VALUE;
    }
    if (byte == ']' || byte == '}') { /* of an empty container */
        return scan->depth == 0 ? STATE_ABSENT : leave(scan);
    }
    if (scan->is_ours) {
        return step_our_value(scan, byte);
    }
    switch (byte) {
    case '"': return begin_string(scan, false);
    case '{':
    case '[': return enter(scan, byte == '[');
    default: return is_of_word(byte) ? IN_WORD : STATE_ABSENT;
    }
}

static uint8_t step_key(struct load_scan *scan, uint8_t byte)
{
    if (is_space(byte)) {
        return AT_KEY;
    }
    return byte == '"' ? begin_string(scan, true) : STATE_ABSENT;
}

static uint8_t step_colon(struct load_scan *scan, uint8_t byte)
{
    if (is_space(byte)) {
        return AT_COLON;
    }
    scan->is_ours = scan->rest != NULL && is_token_end(scan->rest);
    return byte == ':' ? AT_VALUE : STATE_ABSENT;
}

static uint8_t step_after(struct load_scan *scan, uint8_t byte)
{
    if (is_space(byte)) {
        return AFTER;
    }
    if (byte == ']' || byte == '}') {
        return leave(scan);
    }
    if (!is_on_way(scan)) {
        return byte == ',' || byte == ':' ? AT_VALUE : STATE_ABSENT; /* keys are skipped as values are */
    }
    if (byte != ',' || scan->depth == 0) {
        return STATE_ABSENT;
    }
    scan->index++;
    scan->is_ours = scan->is_array && is_item(scan);
    return scan->is_array ? AT_VALUE : AT_KEY;
}

/* ---- strings and words ---- */

static uint8_t step_string(struct load_scan *scan, uint8_t byte)
{
    if (byte == '\\') {
        return IN_ESCAPE;
    }
    if (byte == '"') {
        return scan->is_key ? AT_COLON : AFTER;
    }
    if (byte < ' ') {
        return STATE_ABSENT;
    }
    add_to_key(scan, byte);
    return IN_STRING;
}

static uint8_t step_escape(struct load_scan *scan, uint8_t byte)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (byte == 'u') {
        scan->digits = 0;
        scan->code_unit = 0;
        return IN_UNICODE;
    }
    const char *found = byte == '\0' ? NULL : strchr(from, byte);
    if (found == NULL) {
        return STATE_ABSENT;
    }
    add_to_key(scan, (uint8_t)to[found - from]);
    return IN_STRING;
}

static uint8_t step_unicode(struct load_scan *scan, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    const char *found = byte == '\0' ? NULL : strchr(hex, byte >= 'A' && byte <= 'F' ? byte + 32 : byte);
    if (found == NULL) {
        return STATE_ABSENT;
    }
    scan->code_unit = (uint16_t)(scan->code_unit << 4 | (found - hex));
    if (++scan->digits < 4) {
        return IN_UNICODE;
    }
    add_code_unit(scan);
    return IN_STRING;
}

static uint8_t step_word(struct load_scan *scan, uint8_t byte)
{
    if (byte == ',' || byte == ']' || byte == '}' || is_space(byte)) {
        return step_after(scan, byte);
    }
    return is_of_word(byte) ? IN_WORD : STATE_ABSENT;
}

static uint8_t step(struct load_scan *scan, uint8_t byte)
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
    default: return step_number(scan, byte);
    }
}

enum load_progress load_scan_feed(struct load_scan *scan, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len && scan->state < STATE_FOUND; i++) {
        scan->state = step(scan, bytes[i]);
    }
    return scan->state == STATE_FOUND ? LOAD_FOUND : scan->state == STATE_ABSENT ? LOAD_ABSENT : LOAD_MORE;
}
