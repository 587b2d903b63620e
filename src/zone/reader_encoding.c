/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Octets as text in rdata: hexadecimal, base64 (RFC 4648 section 4) and base32hex (section 7). Strict:
 * complete groups, padding only where it belongs, no bits left over. Hexadecimal and base64 may be split by
 * white space. */
#include "config.h"

#include "zone/reader_internal.h"

#include "base/error.h"

/* Bits that were read and not yet written. */
struct decoder {
    uint32_t bits;
    unsigned count, padding;
    size_t characters;
};

static int hex_value(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

static int base64_value(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

static int base32_value(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'v' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

static int fail_encoding(struct zone_reader *reader, const struct zone_token *token, const char *expected)
{
    char shown[ZONE_SHOW_SIZE];
    return zone_fail(reader, token, "%s is not %s", zone_show(token, shown), expected);
}

static int decode_hex(struct zone_reader *reader, const struct zone_token *token, struct decoder *decoder)
{
    for (uint32_t i = 0; i < token->len; i++) {
        int value = hex_value(token->text[i]);
        if (value < 0 || (token->flags & ZONE_TOKEN_QUOTED) != 0) {
            return fail_encoding(reader, token, "hexadecimal; expected pairs of the digits 0-9 and a-f");
        }
        decoder->bits = decoder->bits << 4 | (uint32_t)value;
        if (decoder->characters++ % 2 == 1) {
            cursor_write_u8(&reader->out, (uint8_t)decoder->bits);
        }
    }
    return 0;
}

static int finish_hex(struct zone_reader *reader, const struct zone_token *token,
                      const struct decoder *decoder)
{
    return decoder->characters % 2 == 0
               ? 0
               : zone_fail(reader, token, "an odd number of hexadecimal digits, %zu", decoder->characters);
}

int zone_field_hex_one(struct zone_reader *reader)
{
    struct decoder decoder = {0};
    const struct zone_token *token = zone_next(reader, "hexadecimal digits");
    if (token == NULL || decode_hex(reader, token, &decoder) != 0) {
        return ERROR_SYNTAX;
    }
    return finish_hex(reader, token, &decoder);
}

int zone_field_hex(struct zone_reader *reader)
{
    struct decoder decoder = {0};
    const struct zone_token *token = zone_next(reader, "hexadecimal digits");
    while (token != NULL) {
        if (decode_hex(reader, token, &decoder) != 0) {
            return ERROR_SYNTAX;
        }
        if (reader->next == reader->count) {
            return finish_hex(reader, token, &decoder);
        }
        token = &reader->tokens[reader->next++];
    }
    return ERROR_SYNTAX;
}

static int decode_base64(struct zone_reader *reader, const struct zone_token *token, struct decoder *decoder)
{
    for (uint32_t i = 0; i < token->len; i++) {
        char c = token->text[i];
        int value = base64_value(c);
        if (c == '=' && decoder->characters % 4 >= 2) {
            decoder->padding++;
            value = 0;
        } else if (value < 0 || decoder->padding != 0 || (token->flags & ZONE_TOKEN_QUOTED) != 0) {
            return fail_encoding(reader, token, "base64; expected A-Z, a-z, 0-9, + and /, with = at the end");
        }
        decoder->bits = decoder->bits << 6 | (uint32_t)value;
        decoder->count += c == '=' ? 0 : 6;
        if (decoder->count >= 8) {
            decoder->count -= 8;
            cursor_write_u8(&reader->out, (uint8_t)(decoder->bits >> decoder->count));
        }
        decoder->characters++;
    }
    return 0;
}

static int finish_base64(struct zone_reader *reader, const struct zone_token *token,
                         const struct decoder *decoder)
{
    uint32_t left = decoder->bits >> decoder->padding * 6 & ((1u << decoder->count) - 1);
    if (decoder->characters % 4 != 0 || left != 0) {
        return fail_encoding(reader, token,
                             "the end of base64; expected groups of four, the last filled up with =");
    }
    return 0;
}

int zone_field_base64_one(struct zone_reader *reader)
{
    struct decoder decoder = {0};
    const struct zone_token *token = zone_next(reader, "base64");
    if (token == NULL || decode_base64(reader, token, &decoder) != 0) {
        return ERROR_SYNTAX;
    }
    return finish_base64(reader, token, &decoder);
}

int zone_field_base64(struct zone_reader *reader)
{
    struct decoder decoder = {0};
    const struct zone_token *token = zone_next(reader, "base64");
    while (token != NULL) {
        if (decode_base64(reader, token, &decoder) != 0) {
            return ERROR_SYNTAX;
        }
        if (reader->next == reader->count) {
            return finish_base64(reader, token, &decoder);
        }
        token = &reader->tokens[reader->next++];
    }
    return ERROR_SYNTAX;
}

int zone_field_salt(struct zone_reader *reader)
{
    struct decoder decoder = {0};
    const struct zone_token *token = zone_next(reader, "a salt");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    if (zone_token_is(token, "-")) {
        cursor_write_u8(&reader->out, 0);
        return 0;
    }
    if (token->len == 0 || token->len > 510) {
        return fail_encoding(reader, token, "a salt; expected - or up to 255 octets in hexadecimal");
    }
    cursor_write_u8(&reader->out, (uint8_t)(token->len / 2));
    return decode_hex(reader, token, &decoder) != 0 ? ERROR_SYNTAX : finish_hex(reader, token, &decoder);
}

int zone_field_base32(struct zone_reader *reader)
{
    const struct zone_token *token = zone_next(reader, "a hash in base32hex");
    struct decoder decoder = {0};
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    size_t octets = (size_t)token->len * 5 / 8, characters = (octets * 8 + 4) / 5;
    bool is_bad =
        octets == 0 || octets > 255 || characters != token->len || (token->flags & ZONE_TOKEN_QUOTED) != 0;
    cursor_write_u8(&reader->out, (uint8_t)octets);
    for (uint32_t i = 0; i < token->len && !is_bad; i++) {
        int value = base32_value(token->text[i]);
        is_bad = value < 0;
        decoder.bits = decoder.bits << 5 | (uint32_t)(value & 31);
        decoder.count += 5;
        if (decoder.count >= 8) {
            decoder.count -= 8;
            cursor_write_u8(&reader->out, (uint8_t)(decoder.bits >> decoder.count));
        }
    }
    if (is_bad || (decoder.bits & ((1u << decoder.count) - 1)) != 0) {
        return fail_encoding(reader, token, "base32hex without padding; expected the digits 0-9 and a-v");
    }
    return 0;
}
