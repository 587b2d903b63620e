/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names between presentation and wire form. */
#include "config.h"

#include "dns/name.h"

#include "base/error.h"
#include "dns/types.h"

#include <ctype.h>
#include <string.h>

/* One character of a label, escapes decoded; moves *at. Returns -1 for a broken escape. */
static int read_octet(const char **at)
{
    const unsigned char *p = (const unsigned char *)*at;
    if (*p != '\\') {
        (*at)++;
        return *p;
    }
    if (isdigit(p[1]) && isdigit(p[2]) && isdigit(p[3])) {
        int value = (p[1] - '0') * 100 + (p[2] - '0') * 10 + (p[3] - '0');
        *at += 4;
        return value <= 255 ? value : -1;
    }
    if (p[1] == '\0' || isdigit(p[1])) {
        return -1;
    }
    *at += 2;
    return p[1];
}

static int finish(uint8_t *wire, size_t used, const uint8_t *rest)
{
    static const uint8_t root[1] = {0};
    rest = rest == NULL ? root : rest;
    size_t len = dns_name_len(rest, DNS_NAME_MAX);
    if (len == 0) {
        return ERROR_SYNTAX;
    }
    if (used + len > DNS_NAME_MAX) {
        return ERROR_TOO_LARGE;
    }
    memcpy(wire + used, rest, len);
    return (int)(used + len);
}

int dns_name_parse(const char *text, const uint8_t *origin, uint8_t wire[255])
{
    if (text[0] == '\0') {
        return ERROR_SYNTAX;
    }
    if (strcmp(text, "@") == 0) {
        return finish(wire, 0, origin);
    }
    if (strcmp(text, ".") == 0) {
        return finish(wire, 0, NULL);
    }
    size_t used = 0;
    for (;;) {
        size_t start = used++;
        while (*text != '\0' && *text != '.') {
            int octet = read_octet(&text);
            if (octet < 0) {
                return ERROR_SYNTAX;
            }
            if (used - start > DNS_LABEL_MAX || used >= DNS_NAME_MAX) {
                return ERROR_TOO_LARGE;
            }
            wire[used++] = (uint8_t)octet;
        }
        if (used - start == 1) {
            return ERROR_SYNTAX; /* an empty label */
        }
        wire[start] = (uint8_t)(used - start - 1);
        if (*text == '\0') {
            return finish(wire, used, origin);
        }
        if (*++text == '\0') {
            return finish(wire, used, NULL);
        }
        if (used >= DNS_NAME_MAX) {
            return ERROR_TOO_LARGE;
        }
    }
}

static char *write_octet(char *to, uint8_t octet)
{
    if (octet <= ' ' || octet >= 127) {
        *to++ = '\\';
        *to++ = (char)('0' + octet / 100);
        *to++ = (char)('0' + octet / 10 % 10);
        *to++ = (char)('0' + octet % 10);
        return to;
    }
    if (strchr(".\\\"();@$", octet) != NULL) {
        *to++ = '\\';
    }
    *to++ = (char)octet;
    return to;
}

const char *dns_name_write(const uint8_t *wire, char text[DNS_NAME_TEXT_SIZE])
{
    char *to = text;
    if (wire[0] == 0) {
        *to++ = '.';
    }
    for (const uint8_t *label = wire; *label != 0; label += *label + 1) {
        for (unsigned i = 1; i <= *label; i++) {
            to = write_octet(to, label[i]);
        }
        *to++ = '.';
    }
    *to = '\0';
    return text;
}

size_t dns_name_len(const uint8_t *wire, size_t max)
{
    size_t limit = max < DNS_NAME_MAX ? max : DNS_NAME_MAX;
    for (size_t at = 0; at < limit; at += wire[at] + 1u) {
        if (wire[at] == 0) {
            return at + 1;
        }
        if (wire[at] > DNS_LABEL_MAX) {
            return 0;
        }
    }
    return 0;
}

size_t dns_name_labels(const uint8_t *wire)
{
    size_t count = 0;
    for (; *wire != 0; wire += *wire + 1) {
        count++;
    }
    return count;
}

void dns_name_lower(uint8_t *wire, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        wire[i] |= (uint8_t)((uint8_t)(wire[i] - 'A') < 26u ? 0x20 : 0);
    }
}

static uint8_t lower(uint8_t c)
{
    return (uint8_t)(c - 'A') < 26u ? c | 0x20 : c;
}

bool dns_name_equal(const uint8_t *a, const uint8_t *b)
{
    for (;;) {
        uint8_t len = *a;
        if (len != *b) {
            return false;
        }
        if (len == 0) {
            return true;
        }
        for (uint8_t i = 1; i <= len; i++) {
            if (lower(a[i]) != lower(b[i])) {
                return false;
            }
        }
        a += len + 1;
        b += len + 1;
    }
}

bool dns_name_is_under(const uint8_t *name, const uint8_t *ancestor)
{
    size_t have = dns_name_labels(name), want = dns_name_labels(ancestor);
    for (; have > want; have--) {
        name += *name + 1;
    }
    return have == want && dns_name_equal(name, ancestor);
}

/* ---- names inside messages ---- */

enum { POINTER = 0xc0 };

size_t dns_name_skip(const uint8_t *message, size_t len, size_t at)
{
    while (at < len) {
        uint8_t label = message[at];
        if (label == 0) {
            return at + 1;
        }
        if (label >= POINTER) {
            return at + 2 <= len ? at + 2 : 0;
        }
        if (label > DNS_LABEL_MAX) {
            return 0;
        }
        at += label + 1u;
    }
    return 0;
}

/* A pointer has to lead in front of everything read so far, so this ends. */
size_t dns_name_expand(const uint8_t *message, size_t len, size_t at, uint8_t wire[255], size_t *end)
{
    size_t used = 0, lowest = at;
    *end = dns_name_skip(message, len, at);
    while (*end != 0 && at < len) {
        uint8_t label = message[at];
        if (label >= POINTER) {
            size_t to = at + 1 < len ? (size_t)(label & 0x3f) << 8 | message[at + 1] : len;
            if (to >= lowest) {
                return 0;
            }
            lowest = at = to;
            continue;
        }
        if (label > DNS_LABEL_MAX || at + label >= len || used + label + 1u > DNS_NAME_MAX) {
            return 0;
        }
        memcpy(wire + used, message + at, label + 1u);
        used += label + 1u;
        at += label + 1u;
        if (label == 0) {
            return used;
        }
    }
    return 0;
}
