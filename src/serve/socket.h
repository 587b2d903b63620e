/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Server sockets with the options that a nameserver wants. Every socket ends up with SO_REUSEPORT, so that
 * each worker has its own. The first one of an address is bound without it: two servers started by mistake
 * would otherwise share the queries silently. */
#pragma once

#include "base/addr.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* shared: others (of this process) may be bound to the address already. Each returns 0 and an owned
 * descriptor, or -errno. The UDP socket blocks; the TCP socket does not, and listens. */
int socket_open_udp(const struct addr_port *at, bool shared, int *fd);
int socket_open_tcp(const struct addr_port *at, bool shared, int *fd);

/* One that is bound already gets the options that those have, but for the one that has to be there before.
 * 0, ERROR_UNSUPPORTED (serve_adopt_socket()) or -errno. */
int socket_adopt(int fd, struct addr_port *at, bool *is_tcp);

/* Does this system have the family (ADDR_V4, ADDR_V6) of addresses at all? */
bool socket_has_family(uint8_t family);
int socket_find_port(int fd, uint16_t *port); /* 0 or -errno */
/* Was it bound to an address that no interface had then? */
bool socket_is_early(int fd);
bool socket_is_wildcard(const struct addr *addr);
/* A UDP socket bound to `at` gets nothing any more that is not in it already: others of its address do. */
void socket_deafen(int fd, const struct addr_port *at);
bool socket_has_input(int fd);
/* Close *fd unless it is -1, and make it -1. */
void socket_close(int *fd);
