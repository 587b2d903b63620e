/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Addresses as values, and their text forms. */
#include "config.h"

#include "base/addr.h"

#include "base/error.h"
#include "base/number.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int addr_parse(const char *text, struct addr *addr)
{
    *addr = (struct addr){0};
    if (inet_pton(AF_INET, text, addr->bytes) == 1) {
        addr->family = ADDR_V4;
        return 0;
    }
    if (inet_pton(AF_INET6, text, addr->bytes) == 1) {
        addr->family = ADDR_V6;
        return 0;
    }
    return ERROR_SYNTAX;
}

/* A decimal number of at most 5 digits and nothing else. */
static int parse_number(const char *text, unsigned max, unsigned *value)
{
    uint64_t number;
    bool is_good = number_read(text, 10, max, &number) && strlen(text) <= 5;
    *value = (unsigned)number;
    return is_good ? 0 : ERROR_SYNTAX;
}

/* Copies text[0..len) so that it can be parsed on its own. */
static int parse_part(const char *text, size_t len, struct addr *addr)
{
    char part[ADDR_TEXT_SIZE];
    if (len >= sizeof part) {
        return ERROR_SYNTAX;
    }
    memcpy(part, text, len);
    part[len] = '\0';
    return addr_parse(part, addr);
}

int addr_parse_port(const char *text, struct addr_port *at)
{
    unsigned port;
    const char *colon = strrchr(text, ':');
    if (colon == NULL || parse_number(colon + 1, 65535, &port) != 0) {
        return ERROR_SYNTAX;
    }
    at->port = (uint16_t)port;
    size_t len = (size_t)(colon - text);
    if (text[0] == '[') {
        bool closed = len >= 2 && text[len - 1] == ']';
        int error = closed ? parse_part(text + 1, len - 2, &at->addr) : ERROR_SYNTAX;
        return error == 0 && at->addr.family == ADDR_V6 ? 0 : ERROR_SYNTAX;
    }
    int error = parse_part(text, len, &at->addr);
    return error == 0 && at->addr.family == ADDR_V4 ? 0 : ERROR_SYNTAX;
}

int addr_parse_prefix(const char *text, struct addr_prefix *prefix)
{
    unsigned len;
    const char *slash = strchr(text, '/');
    size_t end = slash == NULL ? strlen(text) : (size_t)(slash - text);
    if (parse_part(text, end, &prefix->addr) != 0) {
        return ERROR_SYNTAX;
    }
    unsigned max = (unsigned)addr_len(&prefix->addr) * 8;
    if (slash == NULL) {
        len = max;
    } else if (parse_number(slash + 1, max, &len) != 0) {
        return ERROR_SYNTAX;
    }
    prefix->len = (uint8_t)len;
    struct addr masked = prefix->addr;
    addr_mask(&masked, len);
    return addr_equal(&masked, &prefix->addr) ? 0 : ERROR_INVALID;
}

const char *addr_write(const struct addr *addr, char text[ADDR_TEXT_SIZE])
{
    int family = addr->family == ADDR_V4 ? AF_INET : AF_INET6;
    if (addr->family == ADDR_NONE || inet_ntop(family, addr->bytes, text, ADDR_TEXT_SIZE) == NULL) {
        snprintf(text, ADDR_TEXT_SIZE, "none");
    }
    return text;
}

const char *addr_write_port(const struct addr_port *at, char text[ADDR_TEXT_SIZE])
{
    char host[ADDR_TEXT_SIZE];
    const char *format = at->addr.family == ADDR_V6 ? "[%.50s]:%u" : "%.50s:%u";
    snprintf(text, ADDR_TEXT_SIZE, format, addr_write(&at->addr, host), at->port);
    return text;
}

const char *addr_write_place(const struct addr_port *at, char text[ADDR_TEXT_SIZE])
{
    return at->port == 0 ? addr_write(&at->addr, text) : addr_write_port(at, text);
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void addr_mask(struct addr *addr, unsigned prefix_len)
{
    for (size_t i = 0; i < sizeof addr->bytes; i++) {
        unsigned first = (unsigned)i * 8;
        if (prefix_len <= first) {
            addr->bytes[i] = 0;
        } else if (prefix_len < first + 8) {
            addr->bytes[i] &= (uint8_t)(0xff << (first + 8 - prefix_len));
        }
    }
}

bool addr_in_prefix(const struct addr *addr, const struct addr_prefix *prefix)
{
    struct addr masked = *addr;
    addr_mask(&masked, prefix->len);
    return addr_equal(&masked, &prefix->addr);
}

socklen_t addr_to_sockaddr(const struct addr_port *at, struct sockaddr_storage *to)
{
    memset(to, 0, sizeof *to);
    if (at->addr.family == ADDR_V4) {
        struct sockaddr_in *in = (struct sockaddr_in *)to;
        in->sin_family = AF_INET;
        in->sin_port = htons(at->port);
        memcpy(&in->sin_addr, at->addr.bytes, 4);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(at->port);
    memcpy(&in6->sin6_addr, at->addr.bytes, 16);
    return sizeof *in6;
}

void addr_from_sockaddr(const struct sockaddr *from, struct addr_port *at)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    *at = (struct addr_port){0};
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)from;
        at->addr.family = ADDR_V4;
        memcpy(at->addr.bytes, &in->sin_addr, 4);
        at->port = ntohs(in->sin_port);
    } else if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)from;
        const uint8_t *bytes = (const uint8_t *)&in6->sin6_addr;
        at->port = ntohs(in6->sin6_port);
        if (memcmp(bytes, mapped, sizeof mapped) == 0) {
            at->addr.family = ADDR_V4;
            memcpy(at->addr.bytes, bytes + 12, 4);
        } else {
            at->addr.family = ADDR_V6;
            memcpy(at->addr.bytes, bytes, 16);
        }
    }
}
