/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One state per position in the grammar of RFC 9112:
 *   status-line = "HTTP/1." DIGIT SP 3DIGIT [ SP reason ] (CRLF | LF)      (section 4)
 *   field-line  = name ":" value (CRLF | LF), value may be folded          (section 5)
 *   an empty line ends the header section                                  (section 2.1)
 * Strict where a stranger on the port would show (the status line, control characters, a line that is no
 * field), lenient where real servers are sloppy (bare LF, section 2.2; no SP before a missing reason; odd
 * field names). Most of a head is in fields that do not matter: lines of those that are there as a whole are
 * passed over, eight octets at a time. */
#include "config.h"

#include "probe/http_response.h"

#include <string.h>
#include <strings.h>

enum state {
    IN_VERSION,  /* "HTTP/1." */
    IN_MINOR,    /* its digit */
    BEFORE_CODE, /* SP */
    IN_CODE,     /* 3DIGIT */
    AFTER_CODE,  /* SP, CR or LF */
    IN_REASON,
    AT_FIRST_FIELD, /* start of the line behind the status line */
    AT_FIELD,       /* start of a later line: may be folded */
    IN_FIELD_NAME,
    IN_FIELD_VALUE,
    LF_OF_STATUS, /* CR was read at the end of the status line, */
    LF_OF_FIELD,  /* … of a field line, */
    LF_OF_HEAD,   /* … at the start of a line */
    STATE_DONE,
    STATE_BAD,
};

static const char version[] = "HTTP/1.", chunked[] = "chunked";
enum {
    VERSION_LEN = sizeof version - 1,
    CODE_LEN = 3,
    CHUNKED_LEN = sizeof chunked - 1,
};

/* The fields that matter. */
enum field { OTHER_FIELD, CODING_FIELD, LENGTH_FIELD };
static const char *const field_names[] = {
    [CODING_FIELD] = "transfer-encoding", [LENGTH_FIELD] = "content-length"};

void http_response_init(struct http_response *response)
{
    *response = (struct http_response){.state = IN_VERSION, .length = HTTP_LENGTH_UNKNOWN};
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* HTAB, SP, VCHAR and obs-text (RFC 9110 section 5.5). */
static bool is_text(uint8_t byte)
{
    return byte == '\t' || (byte >= ' ' && byte != 127);
}

/* 101 is final: nothing in HTTP follows it, and nobody asked for another protocol. */
static bool is_interim(uint16_t status)
{
    return status >= 100 && status <= 199 && status != 101;
}

static uint8_t end_section(struct http_response *response)
{
    if (!is_interim(response->status)) {
        return STATE_DONE;
    }
    *response = (struct http_response){.head_len = response->head_len, .length = HTTP_LENGTH_UNKNOWN};
    return IN_VERSION;
}

static uint8_t step_code(struct http_response *response, uint8_t byte)
{
    /* RFC 9110 section 15: codes are 100 to 999 by form; 0xx has no class. */
    if (!is_digit(byte) || (response->matched == 0 && byte == '0')) {
        return STATE_BAD;
    }
    response->status = (uint16_t)(response->status * 10 + (byte - '0'));
    return ++response->matched == CODE_LEN ? AFTER_CODE : IN_CODE;
}

static uint8_t step_status_line(struct http_response *response, uint8_t byte)
{
    switch (response->state) {
    case IN_VERSION:
        if (byte != (uint8_t)version[response->matched]) {
            return STATE_BAD;
        }
        return ++response->matched == VERSION_LEN ? IN_MINOR : IN_VERSION;
    case IN_MINOR: return is_digit(byte) ? BEFORE_CODE : STATE_BAD;
    case BEFORE_CODE: response->matched = 0; return byte == ' ' ? IN_CODE : STATE_BAD;
    case IN_CODE: return step_code(response, byte);
    case AFTER_CODE:
        if (byte == ' ') {
            return IN_REASON;
        }
        break;
    default: /* IN_REASON */
        if (is_text(byte)) {
            return IN_REASON;
        }
        break;
    }
    return byte == '\n' ? AT_FIRST_FIELD : byte == '\r' ? LF_OF_STATUS : STATE_BAD;
}

static uint8_t to_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

/* One more byte of the name of a field. */
static uint8_t follow_name(struct http_response *response, uint8_t byte)
{
    if (response->matched == 0) {
        uint8_t first = to_lower(byte);
        response->field = first == 't' ? CODING_FIELD : first == 'c' ? LENGTH_FIELD : OTHER_FIELD;
    }
    if (response->field != OTHER_FIELD) {
        bool fits = to_lower(byte) == (uint8_t)field_names[response->field][response->matched];
        response->field = fits ? response->field : (uint8_t)OTHER_FIELD;
    }
    response->matched = 1 + (response->field == OTHER_FIELD ? 0 : response->matched);
    return IN_FIELD_NAME;
}

static uint8_t end_name(struct http_response *response)
{
    if (response->field != OTHER_FIELD && field_names[response->field][response->matched] != '\0') {
        response->field = OTHER_FIELD;
    }
    response->matched = 0;
    if (response->field == LENGTH_FIELD) {
        response->length = HTTP_LENGTH_UNKNOWN;
    }
    return IN_FIELD_VALUE;
}

static void follow_coding(struct http_response *response, uint8_t byte)
{
    if (!response->is_chunked) {
        bool fits = to_lower(byte) == (uint8_t)chunked[response->matched];
        response->matched = fits ? (uint8_t)(response->matched + 1) : to_lower(byte) == 'c';
        response->is_chunked = response->matched == CHUNKED_LEN;
    }
}

/* More than any body has is as good as unknown; what follows a comma is the same again (RFC 9110 section
 * 8.6), or the head is too odd to go by. */
static void follow_length(struct http_response *response, uint8_t byte)
{
    enum { LONGEST = 1 << 30 };
    if (is_digit(byte) && response->matched == 0) {
        uint64_t before = response->length == HTTP_LENGTH_UNKNOWN ? 0 : response->length;
        response->length = before > LONGEST ? before : before * 10 + (uint64_t)(byte - '0');
    } else if (byte != ' ' && byte != '\t') {
        response->matched = 1;
    }
}

static uint8_t follow_value(struct http_response *response, uint8_t byte)
{
    if (response->field == CODING_FIELD) {
        follow_coding(response, byte);
    } else if (response->field == LENGTH_FIELD) {
        follow_length(response, byte);
    }
    return IN_FIELD_VALUE;
}

static uint8_t step_field(struct http_response *response, uint8_t byte)
{
    switch (response->state) {
    case AT_FIRST_FIELD:
    case AT_FIELD:
        if (byte == '\n') {
            return end_section(response);
        }
        if (byte == '\r') {
            return LF_OF_HEAD;
        }
        if (byte == ' ' || byte == '\t') { /* obs-fold continues a field, and there has to be one */
            return response->state == AT_FIELD ? IN_FIELD_VALUE : STATE_BAD;
        }
        response->matched = 0;
        return byte == ':' || !is_text(byte) ? STATE_BAD : follow_name(response, byte);
    case IN_FIELD_NAME:
        if (byte == ':') {
            return end_name(response);
        }
        return is_text(byte) ? follow_name(response, byte) : STATE_BAD;
    default: /* IN_FIELD_VALUE */
        if (is_text(byte)) {
            return follow_value(response, byte);
        }
        return byte == '\n' ? AT_FIELD : byte == '\r' ? LF_OF_FIELD : STATE_BAD;
    }
}

static uint8_t step_lf(struct http_response *response, uint8_t byte)
{
    if (byte != '\n') {
        return STATE_BAD;
    }
    switch (response->state) {
    case LF_OF_STATUS: return AT_FIRST_FIELD;
    case LF_OF_FIELD: return AT_FIELD;
    default: return end_section(response);
    }
}

static uint8_t step(struct http_response *response, uint8_t byte)
{
    if (response->state <= IN_REASON) {
        return step_status_line(response, byte);
    }
    return response->state < LF_OF_STATUS ? step_field(response, byte) : step_lf(response, byte);
}

/* ---- what does not matter ---- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Is any of the eight octets below `limit`, up to 128? */
static bool has_less(uint64_t word, uint8_t limit)
{
    return ((word - EACH(limit)) & ~word & EACH(0x80)) != 0;
}

static bool has(uint64_t word, uint8_t byte)
{
    return has_less(word ^ EACH(byte), 1);
}

/* Octets of text in front, in a name up to its colon; without tabs. */
static size_t count_plain(const uint8_t *bytes, size_t len, bool is_name)
{
    uint8_t end = is_name ? ':' : 127;
    size_t at = 0;
    for (uint64_t word; at + sizeof word <= len; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        if (has_less(word, ' ') || has(word, 127) || has(word, end)) {
            break;
        }
    }
    while (at < len && bytes[at] >= ' ' && bytes[at] != 127 && bytes[at] != end) {
        at++;
    }
    return at;
}

static bool may_be(const uint8_t *bytes, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    return strncasecmp((const char *)bytes, name, len < name_len ? len : name_len) == 0;
}

/* A whole line of a field that does not matter, at the start of one: its octets, as step() would take them,
 * or 0: it is to be asked. */
static size_t pass_over(struct http_response *response, const uint8_t *bytes, size_t len)
{
    size_t room = HTTP_RESPONSE_HEAD_MAX - response->head_len, most = len < room ? len : room;
    if (most == 0 || bytes[0] == ' ' || may_be(bytes, len, field_names[CODING_FIELD]) ||
        may_be(bytes, len, field_names[LENGTH_FIELD])) {
        return 0;
    }
    size_t at = count_plain(bytes, most, true);
    if (at == 0 || at == most || bytes[at] != ':') {
        return 0;
    }
    at += count_plain(bytes + at, most - at, false);
    at += at < most && bytes[at] == '\r';
    if (at == most || bytes[at] != '\n') {
        return 0;
    }
    response->field = OTHER_FIELD;
    response->matched = 0;
    response->state = AT_FIELD;
    response->head_len += (uint32_t)at + 1;
    return at + 1;
}

enum http_response_progress http_response_feed(struct http_response *response, const uint8_t *bytes,
                                               size_t len)
{
    for (size_t i = 0, passed; i < len && response->state < STATE_DONE; i += passed) {
        bool is_line = response->state == AT_FIELD || response->state == AT_FIRST_FIELD;
        passed = is_line ? pass_over(response, bytes + i, len - i) : 0;
        if (passed == 0) {
            bool is_full = response->head_len == HTTP_RESPONSE_HEAD_MAX;
            response->state = is_full ? STATE_BAD : step(response, bytes[i]);
            response->head_len++;
            passed = 1;
        }
    }
    return response->state == STATE_DONE  ? HTTP_RESPONSE_DONE
           : response->state == STATE_BAD ? HTTP_RESPONSE_BAD
                                          : HTTP_RESPONSE_MORE;
}
