/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See head.h. One state per place in a request, one step per octet; bodies are skipped. Of what is not wrong
 * in itself, but needed by nobody who means well, there is none: white space where it is optional but before
 * and behind a value, lines that end in LF alone, folded lines, lists of lengths, extensions
 * of chunks, trailers. */
#include "config.h"

#include "admin/head.h"

#include <string.h>

enum state {
    AT_METHOD,
    AT_TARGET,
    AT_VERSION,
    AT_LINE_LF,
    AT_FIELD, /* its first octet, or the end of the head */
    AT_NAME,
    AT_SPACE, /* before the value */
    AT_VALUE,
    AT_VALUE_LF,
    AT_HEAD_LF,
    AT_BODY,
    AT_SIZE,
    AT_SIZE_LF,
    AT_DATA,
    AT_DATA_CR,
    AT_DATA_LF,
    AT_LAST_CR,
    AT_LAST_LF,
    AT_REFUSED,
};

enum field { OTHER, HOST, LENGTH, CODING, EXPECT };

static const char refused_before[] = "something before it was refused";

void head_scan_init(struct head_scan *scan)
{
    memset(scan, 0, sizeof *scan);
}

bool head_scan_is_idle(const struct head_scan *scan)
{
    return scan->state == AT_METHOD && scan->word_len == 0;
}

/* ---- octets ---- */

static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 9110 section 5.6.2 */
static bool is_token(uint8_t c)
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool is_control(uint8_t c)
{
    return c < ' ' || c == 127;
}

static int hex_value(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static void begin_word(struct head_scan *scan)
{
    scan->word_len = 0;
    scan->word[0] = '\0';
}

static void add_to_word(struct head_scan *scan, uint8_t c)
{
    if (scan->word_len < HEAD_WORD_SIZE - 1) {
        scan->word[scan->word_len] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        scan->word[scan->word_len + 1] = '\0';
    }
    scan->word_len += scan->word_len < UINT32_MAX;
}

static bool is_word(const struct head_scan *scan, const char *text)
{
    return scan->word_len < HEAD_WORD_SIZE && strcmp(scan->word, text) == 0;
}

/* ---- the request line ---- */

static const char *take_method(struct head_scan *scan, uint8_t c)
{
    if (c == ' ' && scan->word_len != 0) {
        scan->is_trace = is_word(scan, "trace");
        scan->state = AT_TARGET;
        begin_word(scan);
        return NULL;
    }
    if (!is_token(c) || (c >= 'a' && c <= 'z') || scan->word_len >= HEAD_WORD_SIZE - 1) {
        return "found no method at the beginning of a request";
    }
    add_to_word(scan, c);
    return NULL;
}

/* In origin form: others name a host once more. */
static const char *take_target(struct head_scan *scan, uint8_t c)
{
    if (c == ' ' && scan->word_len != 0) {
        scan->state = AT_VERSION;
        begin_word(scan);
        return NULL;
    }
    if (scan->word_len == 0 && c != '/' && c != '*') {
        return "found a request target that does not begin with \"/\"";
    }
    if (c <= ' ' || c >= 127) {
        return "found an octet in the request target that has to be written with %";
    }
    add_to_word(scan, c);
    return NULL;
}

static const char *take_version(struct head_scan *scan, uint8_t c)
{
    if (c != '\r') {
        add_to_word(scan, c);
        return is_control(c) || scan->word_len > sizeof "HTTP/1.1" - 1 ? "found no version behind the target"
                                                                       : NULL;
    }
    scan->is_old = is_word(scan, "http/1.0");
    scan->state = AT_LINE_LF;
    return scan->is_old || is_word(scan, "http/1.1") ? NULL
                                                     : "found a version other than HTTP/1.1 and HTTP/1.0";
}

static const char *take_lf(struct head_scan *scan, uint8_t c, enum state next)
{
    scan->state = (uint8_t)next;
    return c == '\n' ? NULL : "found a CR without LF";
}

/* ---- fields ---- */

static const char *take_field(struct head_scan *scan, uint8_t c)
{
    if (c == '\r') {
        scan->state = AT_HEAD_LF;
        return NULL;
    }
    if (is_space(c)) {
        return "found a header that goes on in the next line";
    }
    if (!is_token(c)) {
        return c == '\n' ? "found a line that ends in LF alone"
                         : "found a header whose name is empty or has odd characters";
    }
    if (++scan->fields > HEAD_FIELDS_MAX) {
        return "found more than 100 headers";
    }
    begin_word(scan);
    add_to_word(scan, c);
    scan->state = AT_NAME;
    return NULL;
}

static const char *begin_value(struct head_scan *scan)
{
    static const char twice[] =
        "Host, Content-Length or Transfer-Encoding is given twice, or the two last together";
    bool *seen = NULL;
    scan->field = is_word(scan, "host")                ? HOST
                  : is_word(scan, "content-length")    ? LENGTH
                  : is_word(scan, "transfer-encoding") ? CODING
                  : is_word(scan, "expect")            ? EXPECT
                                                       : OTHER;
    switch (scan->field) {
    case HOST: seen = &scan->has_host; break;
    case LENGTH: seen = &scan->has_length; break;
    case CODING: seen = &scan->has_coding; break;
    case EXPECT: scan->has_expect = true; break;
    default: break;
    }
    if (seen != NULL) {
        if (*seen) {
            return twice;
        }
        *seen = true;
    }
    begin_word(scan);
    scan->state = AT_SPACE;
    return scan->has_length && scan->has_coding ? twice : NULL;
}

static const char *take_name(struct head_scan *scan, uint8_t c)
{
    if (c == ':') {
        return begin_value(scan);
    }
    if (!is_token(c)) {
        return is_space(c) ? "found white space before the colon of a header"
                           : "found a header whose name is empty or has odd characters";
    }
    add_to_word(scan, c);
    return NULL;
}

static void trim_word(struct head_scan *scan)
{
    while (scan->word_len != 0 && scan->word_len < HEAD_WORD_SIZE &&
           is_space((uint8_t)scan->word[scan->word_len - 1])) {
        scan->word[--scan->word_len] = '\0';
    }
}

static const char *end_length(struct head_scan *scan)
{
    enum { DIGITS_MAX = 15 };
    trim_word(scan);
    scan->left = 0;
    if (scan->word_len == 0 || scan->word_len > DIGITS_MAX ||
        strspn(scan->word, "0123456789") != scan->word_len) {
        return "found a Content-Length that is no number";
    }
    for (size_t i = 0; i < scan->word_len; i++) {
        scan->left = scan->left * 10 + (uint64_t)(scan->word[i] - '0');
    }
    return NULL;
}

static const char *end_value(struct head_scan *scan)
{
    scan->state = AT_VALUE_LF;
    if (scan->field == LENGTH) {
        return end_length(scan);
    }
    if (scan->field == CODING) {
        trim_word(scan);
        return is_word(scan, "chunked") ? NULL : "found a Transfer-Encoding other than chunked";
    }
    return NULL;
}

/* RFC 3986 section 3.2: a name or an address, and a port. */
static bool is_host(uint8_t c)
{
    return is_alnum(c) || (c != '\0' && strchr("-._~!$&'()*+;=:[]%", c) != NULL);
}

static const char *take_value(struct head_scan *scan, uint8_t c)
{
    if (c == '\r') {
        return end_value(scan);
    }
    if (c == '\n') {
        return "found a line that ends in LF alone";
    }
    if (is_control(c) && c != '\t') {
        return "found a control character in a header";
    }
    if (scan->state == AT_SPACE && is_space(c)) {
        return NULL;
    }
    scan->state = AT_VALUE;
    if (scan->field == HOST && (is_space(c) ? false : !is_host(c) || scan->word_len != 0)) {
        return "found a Host that is none";
    }
    bool is_kept = scan->field == LENGTH || scan->field == CODING || (scan->field == HOST && is_space(c));
    if (is_kept) { /* of a host the white space behind it */
        add_to_word(scan, c);
    }
    return NULL;
}

/* ---- bodies ---- */

static void begin_request(struct head_scan *scan)
{
    head_scan_init(scan);
}

static const char *refuse_length(struct head_scan *scan, const char *why)
{
    scan->is_too_long = true;
    return why;
}

static const char *end_head(struct head_scan *scan, uint8_t c)
{
    if (c != '\n') {
        return "found a CR without LF";
    }
    if (!scan->has_host && !scan->is_old) {
        return "HTTP/1.1 requires a Host header";
    }
    if (scan->has_coding && scan->is_old) {
        return "found a Transfer-Encoding in a request of HTTP/1.0";
    }
    if (scan->is_trace && (scan->has_coding || scan->left != 0)) {
        return "found a body where none can be";
    }
    if (scan->has_expect &&
        scan->left > HEAD_BODY_MAX) { /* it waits to be told; others are read to their end */
        return refuse_length(scan, "found a body of more than 50331648 octets, which nothing here takes");
    }
    if (scan->has_coding) {
        scan->state = AT_SIZE;
        scan->line_len = 0;
        scan->left = 0;
    } else if (scan->has_length && scan->left != 0) {
        scan->state = AT_BODY;
    } else {
        begin_request(scan);
    }
    return NULL;
}

static const char *take_size(struct head_scan *scan, uint8_t c)
{
    enum { DIGITS_MAX = 8 };
    int digit = hex_value(c);
    if (digit >= 0 && scan->line_len < DIGITS_MAX) {
        scan->left = scan->left * 16 + (uint64_t)digit;
        scan->line_len++;
        return NULL;
    }
    if (scan->line_len == 0 || c != '\r') {
        return c == ';' ? "found a chunk extension, which nobody here knows"
                        : "found a chunk whose size is no number";
    }
    scan->state = AT_SIZE_LF;
    return NULL;
}

/* Behind the size, a chunk or the last one: what may come there is one octet. */
static const char *take_only(struct head_scan *scan, uint8_t c)
{
    switch (scan->state) {
    case AT_SIZE_LF: return take_lf(scan, c, scan->left == 0 ? AT_LAST_CR : AT_DATA);
    case AT_DATA_CR:
        scan->state = AT_DATA_LF;
        return c == '\r' ? NULL : "found a chunk that is longer than its size";
    case AT_DATA_LF:
        scan->line_len = 0;
        scan->left = 0;
        return take_lf(scan, c, AT_SIZE);
    case AT_LAST_CR:
        scan->state = AT_LAST_LF;
        return c == '\r' ? NULL : "found headers behind a chunked body";
    default: begin_request(scan); return c == '\n' ? NULL : "found a CR without LF";
    }
}

/* ---- all of it ---- */

static const char *take_part(struct head_scan *scan, uint8_t c)
{
    switch (scan->state) {
    case AT_METHOD: return take_method(scan, c);
    case AT_TARGET: return take_target(scan, c);
    case AT_VERSION: return take_version(scan, c);
    case AT_LINE_LF:
    case AT_VALUE_LF: return take_lf(scan, c, AT_FIELD);
    case AT_FIELD: return take_field(scan, c);
    case AT_NAME: return take_name(scan, c);
    case AT_SPACE:
    case AT_VALUE: return take_value(scan, c);
    case AT_HEAD_LF: return end_head(scan, c);
    case AT_SIZE: return take_size(scan, c);
    case AT_REFUSED: return refused_before;
    default: return take_only(scan, c);
    }
}

static const char *take(struct head_scan *scan, uint8_t c)
{
    if (scan->state < AT_BODY && ++scan->head_len > HEAD_MAX) {
        return refuse_length(scan, "found a head of more than 65536 octets");
    }
    return take_part(scan, c);
}

/* As many octets of a body as there are. */
static size_t skip(struct head_scan *scan, size_t len)
{
    size_t skipped = scan->left < len ? (size_t)scan->left : len;
    scan->left -= skipped;
    if (scan->left == 0 && scan->state == AT_DATA) {
        scan->state = AT_DATA_CR;
    } else if (scan->left == 0) {
        begin_request(scan);
    }
    return skipped;
}

const char *head_scan_feed(struct head_scan *scan, const void *bytes, size_t len, size_t *at)
{
    const uint8_t *octets = bytes;
    for (size_t i = 0; i < len;) {
        if (scan->state == AT_BODY || scan->state == AT_DATA) {
            i += skip(scan, len - i);
            continue;
        }
        const char *why = take(scan, octets[i]);
        if (why != NULL) {
            scan->state = AT_REFUSED;
            *at = i;
            return why;
        }
        i++;
    }
    return NULL;
}
