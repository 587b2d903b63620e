/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The parameters of SVCB and HTTPS records (RFC 9460, RFC 9461 dohpath, RFC 9540 ohttp): written in the order
 * of their keys whatever order they come in, and checked against each other. A known key may be given as keyN
 * with its octets, which then have to have the right form. */
#include "config.h"

#include "zone/reader_internal.h"

#include "base/error.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum svc_key {
    KEY_MANDATORY,
    KEY_ALPN,
    KEY_NO_DEFAULT_ALPN,
    KEY_PORT,
    KEY_IPV4HINT,
    KEY_ECH,
    KEY_IPV6HINT,
    KEY_DOHPATH,
    KEY_OHTTP,
    KEY_KNOWN,
    KEY_INVALID = 65535
};

static const char *const key_names[KEY_KNOWN] = {
    "mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp"};

struct param {
    uint16_t key;
    size_t at, len; /* of the value, in the rdata */
    const struct zone_token *token;
};

struct params {
    struct param *list;
    size_t count;
};

static struct zone_token part(const struct zone_token *token, uint32_t from, uint32_t to)
{
    struct zone_token out = *token;
    out.text += from;
    out.len = to - from;
    out.column += from;
    out.flags = 0;
    return out;
}

static int fail_param(struct zone_reader *reader, const struct zone_token *token, const char *expected)
{
    char shown[ZONE_SHOW_SIZE];
    return zone_fail(reader, token, "the parameter %s: expected %s", zone_show(token, shown), expected);
}

/* A name, or keyN without leading zeros. Returns false if it is neither. */
static bool find_key(const struct zone_token *name, uint16_t *key, bool *is_numbered)
{
    uint32_t number;
    for (unsigned i = 0; i < KEY_KNOWN; i++) {
        if (zone_token_is(name, key_names[i])) {
            *key = (uint16_t)i;
            *is_numbered = false;
            return true;
        }
    }
    if (name->len < 4 || strncasecmp(name->text, "key", 3) != 0 || (name->len > 4 && name->text[3] == '0')) {
        return false;
    }
    const struct zone_token digits = part(name, 3, name->len);
    if (zone_parse_number(&digits, KEY_INVALID - 1, &number) != 0) {
        return false;
    }
    *key = (uint16_t)number;
    *is_numbered = true;
    return true;
}

/* The next element of a list with commas, from *at on; false at its end. */
static bool next_element(const struct zone_token *list, uint32_t *at, struct zone_token *element)
{
    if (*at > list->len) {
        return false;
    }
    uint32_t to = *at;
    while (to < list->len && list->text[to] != ',') {
        to++;
    }
    *element = part(list, *at, to);
    *at = to + 1;
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    const uint16_t *x = a, *y = b;
    return (int)*x - (int)*y;
}

static int write_mandatory(struct zone_reader *reader, const struct zone_token *value)
{
    uint16_t keys[256] = {0};
    size_t count = 0;
    struct zone_token element;
    for (uint32_t at = 0; next_element(value, &at, &element);) {
        bool is_numbered;
        if (count == sizeof keys / sizeof *keys || !find_key(&element, &keys[count], &is_numbered) ||
            keys[count] == KEY_MANDATORY) {
            return fail_param(reader, &element, "a key that mandatory may list");
        }
        count++;
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < count; i++) {
        if (i != 0 && keys[i] == keys[i - 1]) {
            return fail_param(reader, value, "each key once in mandatory");
        }
        cursor_write_u16(&reader->out, keys[i]);
    }
    return 0;
}

static int finish_protocol(struct zone_reader *reader, const struct zone_token *value, size_t length_at)
{
    size_t len = reader->out.at - length_at - 1;
    if (len == 0 || len > 255) {
        return fail_param(reader, value, "protocol names of 1 to 255 octets with commas in between");
    }
    reader->out.bytes[length_at] = (uint8_t)len;
    return 0;
}

/* Commas separate; in the text that is left when escapes are decoded, \, and \\ stand for themselves
 * (appendix A.1). */
static int write_alpn(struct zone_reader *reader, const struct zone_token *value)
{
    uint8_t *text = memory_alloc(value->len + 1);
    int len = zone_parse_text(reader, value, text, value->len), code = len < 0 ? ERROR_SYNTAX : 0;
    size_t length_at = reader->out.at;
    cursor_write_u8(&reader->out, 0);
    for (int i = 0; i < len && code == 0; i++) {
        if (text[i] == ',') {
            code = finish_protocol(reader, value, length_at);
            length_at = reader->out.at;
            cursor_write_u8(&reader->out, 0);
        } else if (text[i] == '\\' && (i + 1 == len || (text[i + 1] != ',' && text[i + 1] != '\\'))) {
            code = fail_param(reader, value, "escapes in a list only before a comma or a backslash");
        } else {
            i += text[i] == '\\';
            cursor_write_u8(&reader->out, text[i]);
        }
        if (reader->out.failed) {
            code = fail_param(reader, value, "what fits into 65535 octets");
        }
    }
    free(text);
    return code != 0 ? code : finish_protocol(reader, value, length_at);
}

static int write_addresses(struct zone_reader *reader, const struct zone_token *value, int family)
{
    char text[INET6_ADDRSTRLEN];
    struct zone_token element;
    for (uint32_t at = 0; next_element(value, &at, &element);) {
        uint8_t bytes[16];
        if (!zone_token_copy(&element, text, sizeof text) || inet_pton(family, text, bytes) != 1) {
            return fail_param(reader, &element,
                              family == AF_INET ? "IPv4 addresses with commas in between"
                                                : "IPv6 addresses with commas in between");
        }
        cursor_write(&reader->out, bytes, family == AF_INET ? 4 : 16);
    }
    return 0;
}

static int write_port(struct zone_reader *reader, const struct zone_token *value)
{
    uint32_t port;
    if (zone_parse_number(value, 65535, &port) != 0) {
        return fail_param(reader, value, "a port from 0 to 65535");
    }
    cursor_write_u16(&reader->out, (uint16_t)port);
    return 0;
}

static int write_octets(struct zone_reader *reader, const struct zone_token *value)
{
    int len = zone_parse_text(reader, value, reader->out.bytes + reader->out.at, cursor_left(&reader->out));
    if (len < 0) {
        return ERROR_SYNTAX;
    }
    cursor_take(&reader->out, (size_t)len);
    return 0;
}

static bool is_protocol_list(const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (at < len && bytes[at] != 0) {
        at += bytes[at] + 1u;
    }
    return at == len && len != 0;
}

/* A list of ascending keys, none of them mandatory itself. */
static bool is_key_list(const uint8_t *bytes, size_t len)
{
    unsigned last = 0;
    for (size_t at = 0; at + 1 < len; at += 2) {
        unsigned key = (unsigned)bytes[at] << 8 | bytes[at + 1];
        if (key <= last) {
            return false;
        }
        last = key;
    }
    return len % 2 == 0 && len != 0;
}

/* Octets that were given for a known key by its number. */
static bool is_well_formed(uint16_t key, const uint8_t *bytes, size_t len)
{
    switch (key) {
    case KEY_MANDATORY: return is_key_list(bytes, len);
    case KEY_ALPN: return is_protocol_list(bytes, len);
    case KEY_NO_DEFAULT_ALPN:
    case KEY_OHTTP: return len == 0;
    case KEY_PORT: return len == 2;
    case KEY_IPV4HINT: return len != 0 && len % 4 == 0;
    case KEY_IPV6HINT: return len != 0 && len % 16 == 0;
    case KEY_ECH:
    case KEY_DOHPATH: return len != 0;
    default: return true;
    }
}

static int write_ech(struct zone_reader *reader, const struct zone_token *value)
{
    struct zone_token *tokens = reader->tokens;
    size_t next = reader->next, count = reader->count;
    struct zone_token one = *value;
    reader->tokens = &one; /* the field reads the value as if it were the only token */
    reader->next = 0;
    reader->count = 1;
    int code = zone_field_base64_one(reader);
    reader->tokens = tokens;
    reader->next = next;
    reader->count = count;
    return code;
}

static int write_value(struct zone_reader *reader, uint16_t key, const struct zone_token *value)
{
    switch (key) {
    case KEY_MANDATORY: return write_mandatory(reader, value);
    case KEY_ALPN: return write_alpn(reader, value);
    case KEY_PORT: return write_port(reader, value);
    case KEY_IPV4HINT: return write_addresses(reader, value, AF_INET);
    case KEY_IPV6HINT: return write_addresses(reader, value, AF_INET6);
    case KEY_ECH: return write_ech(reader, value);
    default: return write_octets(reader, value);
    }
}

/* Cut key, key=value or key="value" in two. */
static int split_param(struct zone_reader *reader, const struct zone_token *token, struct zone_token *name,
                       struct zone_token *value)
{
    const char *equals = memchr(token->text, '=', token->len);
    uint32_t name_len = equals == NULL ? token->len : (uint32_t)(equals - token->text);
    *name = part(token, 0, name_len);
    *value = part(token, equals == NULL ? name_len : name_len + 1, token->len);
    if ((token->flags & ZONE_TOKEN_PAIR) == 0) {
        return 0;
    }
    uint32_t quotes = 0;
    for (uint32_t i = 0; i < value->len; i++) {
        quotes += value->text[i] == '"';
        i += value->text[i] == '\\';
    }
    if (quotes != 2 || value->text[0] != '"' || value->text[value->len - 1] != '"') {
        return fail_param(reader, token, "quotes around all of the value");
    }
    *value = part(value, 1, value->len - 1);
    return 0;
}

static int write_param(struct zone_reader *reader, struct param *param, const struct zone_token *value,
                       bool is_numbered)
{
    cursor_write_u16(&reader->out, param->key);
    size_t length_at = reader->out.at;
    cursor_write_u16(&reader->out, 0);
    param->at = reader->out.at;
    if (reader->out.failed) {
        return 0;
    }
    int code = is_numbered ? write_octets(reader, value) : write_value(reader, param->key, value);
    if (code != 0 || reader->out.failed) {
        return code;
    }
    param->len = reader->out.at - param->at;
    if (!is_well_formed(param->key, reader->out.bytes + param->at, param->len)) {
        return fail_param(reader, param->token, "a value of the form that this key has (RFC 9460)");
    }
    struct cursor length = cursor_init(reader->out.bytes + length_at, 2);
    cursor_write_u16(&length, (uint16_t)param->len);
    return 0;
}

/* When the rdata becomes too long, the cursor has failed and the caller reports it. */
static int read_param(struct zone_reader *reader, struct param *param)
{
    char shown[ZONE_SHOW_SIZE];
    const struct zone_token *token = &reader->tokens[reader->next++];
    struct zone_token name, value;
    bool is_numbered = false;
    if (split_param(reader, token, &name, &value) != 0) {
        return ERROR_SYNTAX;
    }
    if ((token->flags & ZONE_TOKEN_QUOTED) != 0 || !find_key(&name, &param->key, &is_numbered)) {
        return zone_fail(reader, token,
                         "%s is not a parameter of a service; expected a key such as alpn, port or "
                         "key65000, with = and a value",
                         zone_show(&name, shown));
    }
    bool is_flag = param->key == KEY_NO_DEFAULT_ALPN || param->key == KEY_OHTTP;
    bool has_equals = name.len != token->len;
    if (is_flag ? has_equals : !has_equals && !is_numbered) {
        return fail_param(reader, token, is_flag ? "no value" : "= and a value");
    }
    param->token = token;
    return write_param(reader, param, &value, is_numbered);
}

static int compare_params(const void *a, const void *b)
{
    const struct param *x = a, *y = b;
    return (int)x->key - (int)y->key;
}

static const struct param *find_param(const struct params *params, uint16_t key)
{
    const struct param wanted = {.key = key};
    return bsearch(&wanted, params->list, params->count, sizeof *params->list, compare_params);
}

static int check_params(struct zone_reader *reader, const struct params *params)
{
    const uint8_t *bytes = reader->out.bytes;
    for (size_t i = 1; i < params->count; i++) {
        if (params->list[i].key == params->list[i - 1].key) {
            const struct zone_token *a = params->list[i].token, *b = params->list[i - 1].token;
            return fail_param(reader, a > b ? a : b, "each key once");
        }
    }
    const struct param *mandatory = find_param(params, KEY_MANDATORY);
    for (size_t i = 0; mandatory != NULL && i + 1 < mandatory->len; i += 2) {
        const uint8_t *p = bytes + mandatory->at + i;
        if (find_param(params, (uint16_t)(p[0] << 8 | p[1])) == NULL) {
            return fail_param(reader, mandatory->token, "that all keys that are mandatory are there");
        }
    }
    const struct param *no_default = find_param(params, KEY_NO_DEFAULT_ALPN);
    if (no_default != NULL && find_param(params, KEY_ALPN) == NULL) {
        return fail_param(reader, no_default->token, "alpn as well");
    }
    return 0;
}

static void write_sorted(struct zone_reader *reader, const struct params *params, size_t start)
{
    enum { HEAD = 4 };
    size_t len = reader->out.at - start;
    uint8_t *copy = memory_copy(reader->out.bytes + start, len);
    reader->out.at = start;
    for (size_t i = 0; i < params->count; i++) {
        const struct param *param = &params->list[i];
        cursor_write(&reader->out, copy + (param->at - HEAD - start), param->len + HEAD);
    }
    free(copy);
}

bool zone_check_svc_params(const uint8_t *bytes, size_t len)
{
    struct cursor in = cursor_init_const(bytes, len);
    int last = -1;
    while (cursor_left(&in) != 0) {
        uint16_t key = cursor_read_u16(&in), value_len = cursor_read_u16(&in);
        const uint8_t *value = cursor_take(&in, value_len);
        if (value == NULL || key <= last || key == KEY_INVALID || !is_well_formed(key, value, value_len)) {
            return false;
        }
        last = key;
    }
    return !in.failed;
}

int zone_read_svc_params(struct zone_reader *reader)
{
    if (reader->next == reader->count) {
        return 0;
    }
    size_t start = reader->out.at;
    const struct zone_token *first = &reader->tokens[reader->next];
    struct params params = {.list = memory_alloc_array(reader->count - reader->next, sizeof *params.list)};
    int code = 0;
    while (code == 0 && reader->next != reader->count && !reader->out.failed) {
        code = read_param(reader, &params.list[params.count]);
        params.count++;
    }
    if (code == 0 && reader->out.failed) {
        code = zone_fail(reader, first, "the parameters are longer than 65535 octets");
    }
    if (code == 0) {
        qsort(params.list, params.count, sizeof *params.list, compare_params);
        code = check_params(reader, &params);
    }
    if (code == 0) {
        write_sorted(reader, &params, start);
        if (reader->out.bytes[0] == 0 && reader->out.bytes[1] == 0) {
            zone_warn(reader, first, "parameters in alias mode, priority 0, have no effect (RFC 9460)");
        }
    }
    free(params.list);
    return code;
}
