/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Internet addresses, address:port pairs and prefixes, as values. Text forms: RFC 4291, RFC 5952. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum addr_family { ADDR_NONE = 0, ADDR_V4 = 4, ADDR_V6 = 6 };
enum { ADDR_TEXT_SIZE = 64 };

struct addr {
    uint8_t family;    /* enum addr_family */
    uint8_t bytes[16]; /* 4 or 16 used, network order; the rest is 0 */
};

struct addr_port {
    struct addr addr;
    uint16_t port;
};

struct addr_prefix {
    struct addr addr; /* bits behind len are 0 */
    uint8_t len;
};

/* Each returns 0 or ERROR_SYNTAX. IPv6 with a port is "[::1]:53". */
int addr_parse(const char *text, struct addr *addr);
int addr_parse_port(const char *text, struct addr_port *at);
int addr_parse_prefix(const char *text, struct addr_prefix *prefix); /* host bits set: ERROR_INVALID */

const char *addr_write(const struct addr *addr, char text[ADDR_TEXT_SIZE]);
const char *addr_write_port(const struct addr_port *at, char text[ADDR_TEXT_SIZE]);
/* The same, but port 0 is none. */
const char *addr_write_place(const struct addr_port *at, char text[ADDR_TEXT_SIZE]);

static inline size_t addr_len(const struct addr *addr)
{
    return addr->family == ADDR_V4 ? 4 : addr->family == ADDR_V6 ? 16 : 0;
}

bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_in_prefix(const struct addr *addr, const struct addr_prefix *prefix);
void addr_mask(struct addr *addr, unsigned prefix_len); /* zero the bits behind */

/* To and from the kernel's form. IPv4-mapped IPv6 comes back as IPv4. */
socklen_t addr_to_sockaddr(const struct addr_port *at, struct sockaddr_storage *to);
void addr_from_sockaddr(const struct sockaddr *from, struct addr_port *at);
