/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The kinds of fields that rdata consist of. Our own rather than ldns', whose string parsers cut numbers to
 * their low bits, take odd hexadecimal digits and skip what they do not know; and so that errors have a
 * column. */
#include "config.h"

#include "zone/reader_internal.h"

#include "base/error.h"
#include "dns/name.h"
#include "dns/types.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include <ldns/ldns.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- names ---- */

/* Without backslashes. Returns the length, or 0 if it is not a valid name. */
static size_t read_plain_name(const struct zone_token *token, const struct zone_state *state, uint8_t *wire)
{
    uint8_t *label = wire, *to = wire + 1;
    if (token->len > 254) {
        return 0;
    }
    for (uint32_t i = 0; i < token->len; i++) {
        if (token->text[i] != '.') {
            *to++ = (uint8_t)token->text[i];
            continue;
        }
        size_t len = (size_t)(to - label) - 1;
        if (len == 0 || len > DNS_LABEL_MAX) {
            return 0;
        }
        *label = (uint8_t)len;
        label = to++;
    }
    size_t len = (size_t)(to - label) - 1, used = (size_t)(to - wire);
    if (len == 0) { /* absolute */
        *label = 0;
        return used <= DNS_NAME_MAX ? used : 0;
    }
    if (len > DNS_LABEL_MAX || used + state->origin_len > DNS_NAME_MAX) {
        return 0;
    }
    *label = (uint8_t)len;
    memcpy(to, state->origin, state->origin_len);
    return used + state->origin_len;
}

static const char *explain_name(const struct zone_token *token)
{
    size_t label = 0;
    for (uint32_t i = 0; i < token->len; i++) {
        char c = token->text[i];
        if (c == '.' && label == 0) {
            return "has an empty label";
        }
        label = c == '.' ? 0 : label + 1;
        if (label > DNS_LABEL_MAX) {
            return "has a label of more than 63 octets";
        }
        if (c != '\\') {
            continue;
        }
        if (is_digit(token->text[i + 1])) {
            const char *d = token->text + i + 1;
            if (i + 3 >= token->len || !is_digit(d[1]) || !is_digit(d[2]) ||
                (d[0] - '0') * 100 + (d[1] - '0') * 10 + d[2] - '0' > 255) {
                return "has a broken escape; expected \\000 to \\255, or \\ and a character that is no digit";
            }
            i += 2;
        }
        i++;
    }
    return "is longer than 255 octets";
}

int zone_parse_name(struct zone_reader *reader, const struct zone_token *token, uint8_t *wire, uint16_t *len)
{
    const struct zone_state *state = &reader->state;
    char shown[ZONE_SHOW_SIZE], text[DNS_NAME_TEXT_SIZE];
    if ((token->flags & (ZONE_TOKEN_QUOTED | ZONE_TOKEN_PAIR)) != 0) {
        return zone_fail(reader, token, "%s in quotes; expected a name", zone_show(token, shown));
    }
    if (token->len == 1 && (token->text[0] == '@' || token->text[0] == '.')) {
        *len = token->text[0] == '@' ? state->origin_len : 1;
        memcpy(wire, token->text[0] == '@' ? state->origin : (const uint8_t *)"", *len);
        return 0;
    }
    int got = 0;
    if ((token->flags & ZONE_TOKEN_ESCAPED) == 0) {
        got = (int)read_plain_name(token, state, wire);
    } else if (zone_token_copy(token, text, sizeof text)) {
        got = dns_name_parse(text, state->origin, wire);
    }
    if (got <= 0) {
        return zone_fail(reader, token, "the name %s %s", zone_show(token, shown), explain_name(token));
    }
    *len = (uint16_t)got;
    return 0;
}

int zone_field_name(struct zone_reader *reader, const char *expected)
{
    uint8_t wire[255];
    uint16_t len = 0;
    const struct zone_token *token = zone_next(reader, expected);
    if (token == NULL || zone_parse_name(reader, token, wire, &len) != 0) {
        return ERROR_SYNTAX;
    }
    cursor_write(&reader->out, wire, len);
    return 0;
}

/* ---- numbers ---- */

int zone_parse_number(const struct zone_token *token, uint32_t max, uint32_t *value)
{
    uint64_t number = 0;
    if (token->len == 0 || (token->flags & ZONE_TOKEN_QUOTED) != 0) {
        return ERROR_SYNTAX;
    }
    for (uint32_t i = 0; i < token->len; i++) {
        if (!is_digit(token->text[i])) {
            return ERROR_SYNTAX;
        }
        number = number > UINT32_MAX ? number : number * 10 + (uint64_t)(token->text[i] - '0');
    }
    *value = (uint32_t)number;
    return number > max ? ERROR_TOO_LARGE : 0;
}

static uint32_t unit_s(char unit)
{
    switch (unit | 0x20) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 3600;
    case 'd': return 86400;
    case 'w': return 604800;
    default: return 0;
    }
}

int zone_parse_period(const struct zone_token *token, uint32_t *value)
{
    uint64_t total = 0, number = 0;
    bool has_digits = false;
    int code = zone_parse_number(token, UINT32_MAX, value);
    if (code != ERROR_SYNTAX || (token->flags & ZONE_TOKEN_QUOTED) != 0) {
        return code;
    }
    for (uint32_t i = 0; i < token->len; i++) {
        char c = token->text[i];
        if (is_digit(c)) {
            number = number > UINT32_MAX ? number : number * 10 + (uint64_t)(c - '0');
            has_digits = true;
            continue;
        }
        uint32_t unit = unit_s(c);
        if (unit == 0 || !has_digits) {
            return ERROR_SYNTAX;
        }
        total += number * unit;
        total = total > UINT32_MAX ? UINT64_C(1) << 32 : total;
        number = 0;
        has_digits = false;
    }
    *value = (uint32_t)total;
    return has_digits || token->len == 0 ? ERROR_SYNTAX : total > UINT32_MAX ? ERROR_TOO_LARGE : 0;
}

static void write_number(struct zone_reader *reader, unsigned octets, uint32_t value)
{
    if (octets == 4) {
        cursor_write_u32(&reader->out, value);
    } else if (octets == 2) {
        cursor_write_u16(&reader->out, (uint16_t)value);
    } else {
        cursor_write_u8(&reader->out, (uint8_t)value);
    }
}

int zone_field_number(struct zone_reader *reader, unsigned octets, const char *expected)
{
    char shown[ZONE_SHOW_SIZE];
    uint32_t value = 0, max = octets == 4 ? UINT32_MAX : octets == 2 ? UINT16_MAX : UINT8_MAX;
    const struct zone_token *token = zone_next(reader, expected);
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    if (zone_parse_number(token, max, &value) != 0) {
        return zone_fail(reader, token, "%s where %s is expected, a number from 0 to %u",
                         zone_show(token, shown), expected, max);
    }
    write_number(reader, octets, value);
    return 0;
}

int zone_field_period(struct zone_reader *reader, const char *expected)
{
    char shown[ZONE_SHOW_SIZE];
    uint32_t value = 0;
    const struct zone_token *token = zone_next(reader, expected);
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    if (zone_parse_period(token, &value) != 0) {
        return zone_fail(reader, token, "%s where %s is expected, in seconds or as a period such as 1h30m",
                         zone_show(token, shown), expected);
    }
    cursor_write_u32(&reader->out, value);
    return 0;
}

static bool parse_calendar(const struct zone_token *token, uint32_t *value)
{
    static const int lens[6] = {4, 2, 2, 2, 2, 2}, lows[6] = {1970, 1, 1, 0, 0, 0},
                     highs[6] = {9999, 12, 31, 23, 59, 60};
    int parts[6];
    const char *at = token->text;
    for (size_t i = 0; i < 6; i++) {
        parts[i] = 0;
        for (int digit = 0; digit < lens[i]; digit++, at++) {
            if (!is_digit(*at)) {
                return false;
            }
            parts[i] = parts[i] * 10 + *at - '0';
        }
        if (parts[i] < lows[i] || parts[i] > highs[i]) {
            return false;
        }
    }
    struct tm tm = {.tm_year = parts[0] - 1900,
                    .tm_mon = parts[1] - 1,
                    .tm_mday = parts[2],
                    .tm_hour = parts[3],
                    .tm_min = parts[4],
                    .tm_sec = parts[5]};
    *value = (uint32_t)timegm(&tm); /* modulo 2^32, RFC 4034 section 3.1.5 */
    return tm.tm_mday == parts[2];  /* no 30 February */
}

int zone_field_time(struct zone_reader *reader)
{
    char shown[ZONE_SHOW_SIZE];
    uint32_t value = 0;
    const struct zone_token *token = zone_next(reader, "a time");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    bool is_calendar = token->len == 14 && (token->flags & ZONE_TOKEN_QUOTED) == 0;
    if (is_calendar ? !parse_calendar(token, &value) : zone_parse_number(token, UINT32_MAX, &value) != 0) {
        return zone_fail(reader, token, "%s is not a time; expected YYYYMMDDHHMMSS or seconds since 1970",
                         zone_show(token, shown));
    }
    cursor_write_u32(&reader->out, value);
    return 0;
}

/* ---- addresses ---- */

static bool parse_ipv4(const struct zone_token *token, uint8_t bytes[4])
{
    uint32_t at = 0;
    for (int i = 0; i < 4; i++) {
        unsigned value = 0;
        uint32_t start = at;
        while (at < token->len && is_digit(token->text[at]) && at - start < 3) {
            value = value * 10 + (unsigned)(token->text[at++] - '0');
        }
        bool has_zero = at - start > 1 && token->text[start] == '0'; /* octal to some */
        if (at == start || value > 255 || has_zero) {
            return false;
        }
        bytes[i] = (uint8_t)value;
        if (i != 3 && (at == token->len || token->text[at++] != '.')) {
            return false;
        }
    }
    return at == token->len && (token->flags & ZONE_TOKEN_QUOTED) == 0;
}

int zone_field_ipv4(struct zone_reader *reader)
{
    char shown[ZONE_SHOW_SIZE];
    uint8_t bytes[4];
    const struct zone_token *token = zone_next(reader, "an IPv4 address");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    if (!parse_ipv4(token, bytes)) {
        return zone_fail(reader, token, "%s is not an IPv4 address; expected four numbers such as 192.0.2.1",
                         zone_show(token, shown));
    }
    cursor_write(&reader->out, bytes, sizeof bytes);
    return 0;
}

int zone_field_ipv6(struct zone_reader *reader)
{
    char shown[ZONE_SHOW_SIZE], text[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    const struct zone_token *token = zone_next(reader, "an IPv6 address");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    if ((token->flags & ZONE_TOKEN_QUOTED) != 0 || !zone_token_copy(token, text, sizeof text) ||
        inet_pton(AF_INET6, text, bytes) != 1) {
        return zone_fail(reader, token, "%s is not an IPv6 address; expected one such as 2001:db8::1",
                         zone_show(token, shown));
    }
    cursor_write(&reader->out, bytes, sizeof bytes);
    return 0;
}

/* ---- text ---- */

int zone_parse_text(struct zone_reader *reader, const struct zone_token *token, uint8_t *bytes, size_t max)
{
    size_t len = 0;
    if ((token->flags & ZONE_TOKEN_PAIR) != 0) {
        char shown[ZONE_SHOW_SIZE];
        return zone_fail(reader, token, "quotes inside of %s; expected quotes around all of it, or \\\"",
                         zone_show(token, shown));
    }
    for (uint32_t i = 0; i < token->len; i++) {
        unsigned octet = (unsigned char)token->text[i];
        if (octet == '\\') {
            const char *d = token->text + i + 1;
            octet = (unsigned char)*d;
            i++;
            if (is_digit(*d)) {
                octet = i + 2 < token->len && is_digit(d[1]) && is_digit(d[2])
                            ? (unsigned)((d[0] - '0') * 100 + (d[1] - '0') * 10 + d[2] - '0')
                            : 256;
                i += 2;
            }
        }
        if (octet > 255) {
            return zone_fail(reader, token,
                             "a broken escape in the text; expected \\000 to \\255, or \\ and a "
                             "character that is no digit");
        }
        if (len == max) {
            return zone_fail(reader, token, "the text is longer than %zu octets", max);
        }
        bytes[len++] = (uint8_t)octet;
    }
    return (int)len;
}

int zone_field_string(struct zone_reader *reader)
{
    uint8_t bytes[255];
    const struct zone_token *token = zone_next(reader, "a text");
    int len = token == NULL ? ERROR_SYNTAX : zone_parse_text(reader, token, bytes, sizeof bytes);
    if (len < 0) {
        return ERROR_SYNTAX;
    }
    cursor_write_u8(&reader->out, (uint8_t)len);
    cursor_write(&reader->out, bytes, (size_t)len);
    return 0;
}

int zone_field_long_string(struct zone_reader *reader)
{
    const struct zone_token *token = zone_next(reader, "a text");
    int len = token == NULL ? ERROR_SYNTAX
                            : zone_parse_text(reader, token, reader->out.bytes + reader->out.at,
                                              cursor_left(&reader->out));
    if (len < 0) {
        return ERROR_SYNTAX;
    }
    cursor_take(&reader->out, (size_t)len);
    return 0;
}

/* ---- types ---- */

/* The upper-case letters of a short mnemonic in one number, for comparing at once. */
static uint64_t pack(const char *text, uint32_t len)
{
    uint64_t packed = 0;
    for (uint32_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        packed = packed << 8 | (c >= 'a' && c <= 'z' ? c - 32u : c);
    }
    return packed;
}

#define PACK1(a)                ((uint64_t)(a))
#define PACK2(a, b)             (PACK1(a) << 8 | (b))
#define PACK3(a, b, c)          (PACK2(a, b) << 8 | (c))
#define PACK4(a, b, c, d)       (PACK3(a, b, c) << 8 | (d))
#define PACK5(a, b, c, d, e)    (PACK4(a, b, c, d) << 8 | (e))
#define PACK6(a, b, c, d, e, f) (PACK5(a, b, c, d, e) << 8 | (f))

static uint16_t find_common_type(const struct zone_token *token)
{
    switch (pack(token->text, token->len)) {
    case PACK1('A'): return DNS_TYPE_A;
    case PACK4('A', 'A', 'A', 'A'): return DNS_TYPE_AAAA;
    case PACK2('N', 'S'): return DNS_TYPE_NS;
    case PACK5('C', 'N', 'A', 'M', 'E'): return DNS_TYPE_CNAME;
    case PACK3('S', 'O', 'A'): return DNS_TYPE_SOA;
    case PACK3('P', 'T', 'R'): return DNS_TYPE_PTR;
    case PACK2('M', 'X'): return DNS_TYPE_MX;
    case PACK3('T', 'X', 'T'): return DNS_TYPE_TXT;
    case PACK3('S', 'R', 'V'): return DNS_TYPE_SRV;
    case PACK2('D', 'S'): return DNS_TYPE_DS;
    case PACK4('N', 'S', 'E', 'C'): return DNS_TYPE_NSEC;
    case PACK5('R', 'R', 'S', 'I', 'G'): return DNS_TYPE_RRSIG;
    case PACK6('D', 'N', 'S', 'K', 'E', 'Y'): return DNS_TYPE_DNSKEY;
    default: return 0;
    }
}

/* ldns knows rarer mnemonics than src/dns; it would also take TYPE65537 for TYPE1. */
static bool find_type(const char *text, uint16_t *type)
{
    if (dns_parse_type(text, type) == 0) {
        return true;
    }
    *type = strncasecmp(text, "TYPE", 4) == 0 ? 0 : (uint16_t)ldns_get_rr_type_by_name(text);
    return *type != 0;
}

int zone_parse_type(struct zone_reader *reader, const struct zone_token *token, uint16_t *type)
{
    char shown[ZONE_SHOW_SIZE], text[32];
    if (token->flags == 0) {
        *type = token->len <= 6 ? find_common_type(token) : 0;
        if (*type != 0 || (zone_token_copy(token, text, sizeof text) && find_type(text, type))) {
            return 0;
        }
    }
    return zone_fail(reader, token,
                     "%s is not a type; expected a mnemonic such as AAAA, or TYPE0 to TYPE65535",
                     zone_show(token, shown));
}

int zone_field_type(struct zone_reader *reader)
{
    uint16_t type = 0;
    const struct zone_token *token = zone_next(reader, "a type");
    if (token == NULL || zone_parse_type(reader, token, &type) != 0) {
        return ERROR_SYNTAX;
    }
    cursor_write_u16(&reader->out, type);
    return 0;
}

int zone_field_types(struct zone_reader *reader)
{
    uint8_t map[256][32], used[256]; /* octets used of each window */
    memset(used, 0, sizeof used);
    while (reader->next != reader->count) {
        uint16_t type = 0;
        if (zone_parse_type(reader, &reader->tokens[reader->next++], &type) != 0) {
            return ERROR_SYNTAX;
        }
        uint8_t *window = map[type >> 8], *len = &used[type >> 8], octet = (type & 0xff) >> 3;
        if (*len <= octet) {
            memset(window + *len, 0, octet + 1u - *len);
            *len = octet + 1;
        }
        window[octet] |= (uint8_t)(0x80 >> (type & 7));
    }
    for (unsigned i = 0; i < 256; i++) {
        if (used[i] != 0) {
            cursor_write_u8(&reader->out, (uint8_t)i);
            cursor_write_u8(&reader->out, used[i]);
            cursor_write(&reader->out, map[i], used[i]);
        }
    }
    return 0;
}
