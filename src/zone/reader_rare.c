/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fields of rare types with a text form of their own: LOC (RFC 1876), APL (RFC 3123), WKS (RFC 1035
 * section 3.4.2), NSAP (RFC 1706), EUI48 and EUI64 (RFC 7043), IPSECKEY (RFC 4025) and HIP (RFC 8005). ldns
 * has parsers for them, but these lose fractions of metres, take numbers modulo 256 and single digits, and
 * fail an assertion on a gateway type above 3. */
#include "config.h"

#include "zone/reader_internal.h"

#include "base/addr.h"
#include "base/error.h"

#include <netdb.h>
#include <string.h>

enum { TEXT_SIZE = 128 };

static int fail_value(struct zone_reader *reader, const struct zone_token *token, const char *expected)
{
    char shown[ZONE_SHOW_SIZE];
    return zone_fail(reader, token, "%s is not %s", zone_show(token, shown), expected);
}

/* ---- APL ---- */

int zone_field_apl(struct zone_reader *reader)
{
    static const char expected[] = "a prefix such as 1:192.0.2.0/24 or !2:2001:db8::/32";
    char text[TEXT_SIZE];
    const struct zone_token *token = zone_next(reader, expected);
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    struct addr addr;
    uint32_t bits = 0;
    bool is_good = token->flags == 0 && zone_token_copy(token, text, sizeof text);
    bool is_negated = is_good && text[0] == '!';
    char *at = text + is_negated, *slash = is_good ? strchr(text, '/') : NULL;
    is_good = slash != NULL && (at[0] == '1' || at[0] == '2') && at[1] == ':';
    if (is_good) {
        *slash = '\0';
        const struct zone_token number = {.text = slash + 1, .len = (uint32_t)strlen(slash + 1)};
        unsigned family = at[0] == '1' ? ADDR_V4 : ADDR_V6;
        is_good = addr_parse(at + 2, &addr) == 0 && addr.family == family &&
                  zone_parse_number(&number, family == ADDR_V4 ? 32 : 128, &bits) == 0;
    }
    if (!is_good) {
        return fail_value(reader, token, expected);
    }
    size_t len = addr_len(&addr);
    while (len != 0 && addr.bytes[len - 1] == 0) {
        len--; /* RFC 3123 section 4.1: trailing zero octets are not sent */
    }
    cursor_write_u16(&reader->out, addr.family == ADDR_V4 ? 1 : 2);
    cursor_write_u8(&reader->out, (uint8_t)bits);
    cursor_write_u8(&reader->out, (uint8_t)(len | (is_negated ? 0x80 : 0)));
    cursor_write(&reader->out, addr.bytes, len);
    return 0;
}

/* ---- LOC ---- */

/* Digits with up to `places` decimals, in units of 10^-places; *at moves behind them. */
static bool parse_decimal(const char **at, unsigned places, uint64_t *value)
{
    const char *p = *at;
    *value = 0;
    for (; *p >= '0' && *p <= '9' && *value < 10000000000; p++) {
        *value = *value * 10 + (uint64_t)(*p - '0');
    }
    bool is_good = p != *at;
    bool has_point = *p == '.';
    p += has_point;
    for (unsigned i = 0; i < places; i++) {
        *value *= 10;
        if (has_point && *p >= '0' && *p <= '9') {
            *value += (uint64_t)(*p++ - '0');
        }
    }
    *at = p;
    return is_good;
}

static bool parse_token_decimal(const struct zone_token *token, unsigned places, bool has_unit,
                                uint64_t *value)
{
    char text[TEXT_SIZE];
    if (token->flags != 0 || !zone_token_copy(token, text, sizeof text)) {
        return false;
    }
    const char *at = text;
    bool is_good = parse_decimal(&at, places, value);
    at += has_unit && (*at == 'm' || *at == 'M');
    return is_good && *at == '\0';
}

/* Degrees [minutes [seconds]] and the hemisphere, as thousandths of a second from 2^31. */
static int read_angle(struct zone_reader *reader, unsigned max, const char *plus, const char *minus)
{
    static const uint64_t thousandths[3] = {3600000, 60000, 1000};
    uint64_t total = 0;
    for (unsigned i = 0; i < 4; i++) {
        const struct zone_token *token = zone_next(reader, max == 90 ? "a latitude" : "a longitude");
        if (token == NULL) {
            return ERROR_SYNTAX;
        }
        bool is_plus = zone_token_is(token, plus);
        if (i != 0 && (is_plus || zone_token_is(token, minus))) {
            uint32_t angle = (uint32_t)total;
            cursor_write_u32(&reader->out, is_plus ? 0x80000000u + angle : 0x80000000u - angle);
            return 0;
        }
        uint64_t value;
        bool is_good = i < 3 && parse_token_decimal(token, i == 2 ? 3 : 0, false, &value);
        uint64_t limit = i == 0 ? max : i == 1 ? 59 : 59999;
        if (!is_good || value > limit) {
            return fail_value(reader, token,
                              max == 90 ? "part of a latitude, such as 52 14 05.000 N"
                                        : "part of a longitude, such as 000 08 50.000 E");
        }
        total += i == 2 ? value : value * thousandths[i];
        if (total > max * thousandths[0]) {
            return fail_value(reader, token, "within the range of latitudes and longitudes");
        }
    }
    return ERROR_SYNTAX;
}

/* Centimetres as a digit and a power of ten. */
static int read_precision(struct zone_reader *reader, uint8_t *precision)
{
    uint64_t cm;
    if (reader->next == reader->count) {
        return 0;
    }
    const struct zone_token *token = &reader->tokens[reader->next++];
    if (!parse_token_decimal(token, 2, true, &cm) || cm > 9000000000) {
        return fail_value(reader, token, "a size or precision in metres, from 0 to 90000000.00m");
    }
    uint8_t exponent = 0;
    for (; cm >= 10; cm /= 10) {
        exponent++;
    }
    *precision = (uint8_t)(cm << 4 | exponent);
    return 0;
}

static int read_altitude(struct zone_reader *reader)
{
    const struct zone_token *token = zone_next(reader, "an altitude");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    uint64_t cm;
    struct zone_token number = *token;
    bool is_below = token->len != 0 && token->text[0] == '-';
    number.text += is_below;
    number.len -= is_below;
    if (!parse_token_decimal(&number, 2, true, &cm) ||
        (is_below ? cm > 10000000 : cm > UINT32_MAX - 10000000u)) {
        return fail_value(reader, token, "an altitude in metres, from -100000.00m to 42849672.95m");
    }
    cursor_write_u32(&reader->out, (uint32_t)(is_below ? 10000000 - cm : 10000000 + cm));
    return 0;
}

int zone_field_loc(struct zone_reader *reader)
{
    uint8_t precisions[3] = {0x12, 0x16, 0x13}; /* 1 m, 10 km, 10 m: RFC 1876 section 3 */
    size_t start = reader->out.at;
    cursor_write(&reader->out, "\0\0\0\0", 4); /* version 0; filled in below */
    int code = read_angle(reader, 90, "n", "s");
    code = code != 0 ? code : read_angle(reader, 180, "e", "w");
    code = code != 0 ? code : read_altitude(reader);
    for (size_t i = 0; i < 3 && code == 0; i++) {
        code = read_precision(reader, &precisions[i]);
    }
    if (code == 0) {
        memcpy(reader->out.bytes + start + 1, precisions, sizeof precisions);
    }
    return code;
}

/* ---- WKS ---- */

static bool find_port(const char *name, const char *protocol, uint32_t *port)
{
    struct servent entry, *found = NULL;
    char space[2048];
    if (getservbyname_r(name, protocol, &entry, space, sizeof space, &found) != 0 || found == NULL) {
        return false;
    }
    *port = ntohs((uint16_t)found->s_port);
    return true;
}

int zone_field_services(struct zone_reader *reader)
{
    char text[TEXT_SIZE];
    uint32_t protocol;
    const struct zone_token *token = zone_next(reader, "a protocol");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    bool is_tcp = zone_token_is(token, "tcp"), is_udp = zone_token_is(token, "udp");
    if (is_tcp || is_udp) {
        protocol = is_tcp ? 6 : 17;
    } else if (zone_parse_number(token, 255, &protocol) != 0) {
        return fail_value(reader, token, "a protocol; expected TCP, UDP or a number from 0 to 255");
    }
    cursor_write_u8(&reader->out, (uint8_t)protocol);
    uint8_t *map = reader->out.bytes + reader->out.at;
    size_t used = 0;
    while (reader->next != reader->count) {
        uint32_t port;
        token = &reader->tokens[reader->next++];
        if (zone_parse_number(token, 65535, &port) != 0 &&
            (token->flags != 0 || !zone_token_copy(token, text, sizeof text) ||
             !find_port(text, protocol == 17 ? "udp" : "tcp", &port))) {
            return fail_value(reader, token, "a service; expected a name from /etc/services or a port");
        }
        if (port / 8 >= used) {
            memset(map + used, 0, port / 8 + 1 - used);
            used = port / 8 + 1;
        }
        map[port / 8] |= (uint8_t)(0x80 >> port % 8);
    }
    cursor_take(&reader->out, used);
    return 0;
}

/* ---- NSAP, EUI ---- */

static int hex_digit(char c)
{
    int value = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    return value >= 0 && value < 16 && (c <= '9' || (c | 0x20) >= 'a') ? value : -1;
}

int zone_field_eui(struct zone_reader *reader, unsigned octets)
{
    const struct zone_token *token = zone_next(reader, "an EUI");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    bool is_good = token->flags == 0 && token->len == octets * 3 - 1;
    for (unsigned i = 0; i < octets && is_good; i++) {
        const char *at = token->text + (size_t)i * 3;
        int high = hex_digit(at[0]), low = hex_digit(at[1]);
        is_good = high >= 0 && low >= 0 && (i + 1 == octets || at[2] == '-');
        cursor_write_u8(&reader->out, is_good ? (uint8_t)(high * 16 + low) : 0);
    }
    return is_good ? 0
                   : fail_value(reader, token,
                                octets == 6 ? "an EUI-48; expected one such as 00-00-5e-00-53-2a"
                                            : "an EUI-64; expected one such as 00-00-5e-ef-10-00-00-2a");
}

int zone_field_nsap(struct zone_reader *reader)
{
    const struct zone_token *token = zone_next(reader, "an NSAP address");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    int high = -1;
    bool is_good = token->flags == 0 && token->len > 2 && strncasecmp(token->text, "0x", 2) == 0;
    for (uint32_t i = 2; i < token->len && is_good; i++) {
        char c = token->text[i];
        int value = hex_digit(c);
        if (c == '.') {
            continue;
        }
        is_good = value >= 0;
        if (high >= 0) {
            cursor_write_u8(&reader->out, (uint8_t)(high << 4 | value));
        }
        high = high < 0 ? value : -1;
    }
    return is_good && high < 0
               ? 0
               : fail_value(reader, token, "an NSAP address; expected 0x and pairs of digits");
}

/* ---- IPSECKEY and HIP ---- */

int zone_field_ipseckey(struct zone_reader *reader)
{
    if (zone_field_number(reader, 1, "a precedence") != 0 ||
        zone_field_number(reader, 1, "a gateway type") != 0 ||
        zone_field_number(reader, 1, "an algorithm") != 0) {
        return ERROR_SYNTAX;
    }
    const struct zone_token *kind = &reader->tokens[reader->next - 2];
    const struct zone_token *gateway;
    int code = 0;
    switch (reader->out.bytes[reader->out.at - 2]) {
    case 0:
        gateway = zone_next(reader, "a dot for no gateway");
        if (gateway == NULL || !zone_token_is(gateway, ".")) {
            return gateway == NULL ? ERROR_SYNTAX
                                   : fail_value(reader, gateway, "a dot, which stands for no gateway");
        }
        break;
    case 1: code = zone_field_ipv4(reader); break;
    case 2: code = zone_field_ipv6(reader); break;
    case 3: code = zone_field_name(reader, "the name of a gateway"); break;
    default: return fail_value(reader, kind, "a gateway type; expected 0, 1, 2 or 3");
    }
    return code != 0 || reader->next == reader->count ? code : zone_field_base64(reader);
}

int zone_field_hip(struct zone_reader *reader)
{
    struct cursor *out = &reader->out;
    size_t start = out->at;
    cursor_write(out, "\0\0\0", 4);
    const struct zone_token *token = zone_next(reader, "an algorithm");
    uint32_t algorithm;
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    if (zone_parse_number(token, 255, &algorithm) != 0) {
        return fail_value(reader, token, "an algorithm; expected a number from 0 to 255");
    }
    size_t hit = out->at;
    if (zone_field_hex_one(reader) != 0) {
        return ERROR_SYNTAX;
    }
    size_t key = out->at;
    if (key - hit == 0 || key - hit > 255) {
        return fail_value(reader, token + 1, "a host identity tag of 1 to 255 octets");
    }
    if (zone_field_base64_one(reader) != 0 || out->failed || out->at == key) {
        return zone_fail(reader, token, "there is no public key that fits");
    }
    struct cursor head = cursor_init(out->bytes + start, 4);
    cursor_write_u8(&head, (uint8_t)(key - hit));
    cursor_write_u8(&head, (uint8_t)algorithm);
    cursor_write_u16(&head, (uint16_t)(out->at - key));
    return 0; /* the names of rendezvous servers are fields of the type */
}
