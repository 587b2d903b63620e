/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Opening sockets. Options that only make things better (buffers, Fast Open, path MTU) may fail silently;
 * those that correctness needs (IPV6_V6ONLY, packet information, SO_REUSEPORT) are errors. */
#include "config.h"

#include "serve/socket.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    BUFFER_SIZE = 4 << 20,
    SEND_WAIT_US = 100000, /* a full queue of the interface holds a UDP thread this long at most */
    TCP_BACKLOG = 511,
    FASTOPEN_QUEUE = 256,
};

static int enable(int fd, int level, int option)
{
    int yes = 1;
    return setsockopt(fd, level, option, &yes, sizeof yes) == -1 ? -errno : 0;
}

static void try_option(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

bool socket_is_wildcard(const struct addr *addr)
{
    static const uint8_t zero[sizeof addr->bytes];
    return memcmp(addr->bytes, zero, sizeof zero) == 0;
}

void socket_close(int *fd)
{
    if (*fd != -1) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* A connected socket is none of its SO_REUSEPORT group, and hears its peer only: that is itself. */
void socket_deafen(int fd, const struct addr_port *at)
{
    static const uint8_t loopback[2][sizeof at->addr.bytes] = {{127, 0, 0, 1}, {[15] = 1}};
    struct addr_port self = *at;
    struct sockaddr_storage name;
    if (socket_is_wildcard(&at->addr)) {
        memcpy(self.addr.bytes, loopback[at->addr.family == ADDR_V6], sizeof loopback[0]);
    }
    socklen_t len = addr_to_sockaddr(&self, &name);
    (void)connect(fd, (const struct sockaddr *)&name, len);
}

bool socket_has_input(int fd)
{
    uint8_t octet;
    return recv(fd, &octet, sizeof octet, MSG_PEEK | MSG_DONTWAIT) != -1;
}

int socket_find_port(int fd, uint16_t *port)
{
    struct addr_port at;
    union socket_address name;
    socklen_t len = sizeof name;
    if (getsockname(fd, &name.any, &len) == -1) {
        return -errno;
    }
    addr_from_sockaddr(&name.any, &at);
    *port = at.port;
    return 0;
}

/* The address may come later: of IPv6 it is tentative at first, the standby of VRRP does not have it yet.
 * What is sent to it then arrives here. */
static int bind_early(int fd, const struct addr_port *at, const struct sockaddr_storage *name, socklen_t len)
{
    bool is_v6 = at->addr.family == ADDR_V6;
    int error = enable(fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, is_v6 ? IPV6_FREEBIND : IP_FREEBIND);
    return error != 0 ? error : bind(fd, (const struct sockaddr *)name, len) == -1 ? -errno : 0;
}

static int bind_socket(int fd, const struct addr_port *at, bool shared)
{
    struct sockaddr_storage name;
    socklen_t len = addr_to_sockaddr(at, &name);
    int error = at->addr.family == ADDR_V6 ? enable(fd, IPPROTO_IPV6, IPV6_V6ONLY) : 0;
    if (error == 0 && shared) {
        error = enable(fd, SOL_SOCKET, SO_REUSEPORT);
    }
    if (error == 0 && bind(fd, (const struct sockaddr *)&name, len) == -1) {
        error = errno == EADDRNOTAVAIL ? bind_early(fd, at, &name, len) : -errno;
    }
    /* After binding it lets later sockets of this user in; the group of the kernel forms then. */
    return error == 0 && !shared ? enable(fd, SOL_SOCKET, SO_REUSEPORT) : error;
}

/* The limits of the system hold for SO_RCVBUF; with CAP_NET_ADMIN they do not have to. */
static void set_buffers(int fd)
{
    int size = BUFFER_SIZE;
    struct timeval wait = {.tv_usec = SEND_WAIT_US};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) == -1) {
        try_option(fd, SOL_SOCKET, SO_RCVBUF, size);
    }
    try_option(fd, SOL_SOCKET, SO_SNDBUF, size);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

/* The path MTU that a forged ICMP message can set must not make our answers fragment; OMIT ignores it, while
 * what exceeds the interface's own MTU may still be fragmented. */
static void ignore_path_mtu(int fd, uint8_t family)
{
#ifdef IP_PMTUDISC_OMIT
    if (family == ADDR_V4) {
        try_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    }
#endif
#ifdef IPV6_PMTUDISC_OMIT
    if (family == ADDR_V6) {
        try_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
    }
#endif
}

static int want_packet_information(int fd, const struct addr *addr)
{
    if (!socket_is_wildcard(addr)) {
        return 0;
    }
    return addr->family == ADDR_V4 ? enable(fd, IPPROTO_IP, IP_PKTINFO)
                                   : enable(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
}

static int open_socket(const struct addr_port *at, int type, int *fd)
{
    *fd = socket(at->addr.family == ADDR_V4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);
    return *fd == -1 ? -errno : 0;
}

bool socket_has_family(uint8_t family)
{
    int fd, error = open_socket(&(struct addr_port){.addr.family = family}, SOCK_DGRAM, &fd);
    socket_close(&fd);
    return error != -EAFNOSUPPORT;
}

int socket_open_udp(const struct addr_port *at, bool shared, int *fd)
{
    int error = open_socket(at, SOCK_DGRAM, fd);
    if (error != 0) {
        return error;
    }
    set_buffers(*fd);
    ignore_path_mtu(*fd, at->addr.family);
    error = want_packet_information(*fd, &at->addr);
    if (error == 0) {
        error = bind_socket(*fd, at, shared);
    }
    if (error != 0) {
        socket_close(fd);
    }
    return error;
}

int socket_open_tcp(const struct addr_port *at, bool shared, int *fd)
{
    int error = open_socket(at, SOCK_STREAM | SOCK_NONBLOCK, fd);
    if (error != 0) {
        return error;
    }
    /* Connections of the process before us may still be in TIME_WAIT. */
    error = enable(*fd, SOL_SOCKET, SO_REUSEADDR);
    if (error == 0) {
        error = bind_socket(*fd, at, shared);
    }
    /* Accepted sockets inherit it. */
    try_option(*fd, IPPROTO_TCP, TCP_NODELAY, 1);
    try_option(*fd, IPPROTO_TCP, TCP_FASTOPEN, FASTOPEN_QUEUE);
    if (error == 0 && listen(*fd, TCP_BACKLOG) == -1) {
        error = -errno;
    }
    if (error != 0) {
        socket_close(fd);
    }
    return error;
}

/* ---- of somebody else ---- */

static bool has_option(int fd, int level, int option)
{
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, level, option, &value, &len) == 0 && value != 0;
}

/* Mapped addresses would come as those of IPv6, and an own socket for IPv4 could not be bound. */
static bool is_for_both(int fd, const struct addr_port *at)
{
    return at->addr.family == ADDR_V6 && socket_is_wildcard(&at->addr) &&
           !has_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
}

bool socket_is_early(int fd)
{
    return has_option(fd, IPPROTO_IP, IP_FREEBIND) || has_option(fd, IPPROTO_IPV6, IPV6_FREEBIND);
}

static int find_kind(int fd, struct addr_port *at, bool *is_tcp)
{
    union socket_address name = {.any = {.sa_family = AF_UNSPEC}};
    int type = 0;
    socklen_t len = sizeof name, type_len = sizeof type;
    *at = (struct addr_port){.port = 0};
    if (getsockname(fd, &name.any, &len) == -1 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == -1) {
        return -errno;
    }
    bool is_ip = name.any.sa_family == AF_INET || name.any.sa_family == AF_INET6;
    *is_tcp = type == SOCK_STREAM;
    if (!is_ip || !(type == SOCK_DGRAM || (*is_tcp && has_option(fd, SOL_SOCKET, SO_ACCEPTCONN)))) {
        return ERROR_UNSUPPORTED;
    }
    addr_from_sockaddr(&name.any, at);
    return at->port == 0 || is_for_both(fd, at) ? ERROR_UNSUPPORTED : 0;
}

/* A UDP thread waits in its socket, a TCP thread for it. */
static int set_blocking(int fd, bool blocks)
{
    int flags = fcntl(fd, F_GETFL);
    int wanted = blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    return flags == -1 || fcntl(fd, F_SETFL, wanted) == -1 ? -errno : 0;
}

int socket_adopt(int fd, struct addr_port *at, bool *is_tcp)
{
    int error = find_kind(fd, at, is_tcp);
    error = error == 0 ? set_blocking(fd, !*is_tcp) : error;
    error = error == 0 ? enable(fd, SOL_SOCKET, SO_REUSEPORT) : error;
    if (error == 0 && *is_tcp) {
        try_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        try_option(fd, IPPROTO_TCP, TCP_FASTOPEN, FASTOPEN_QUEUE);
    } else if (error == 0) {
        set_buffers(fd);
        ignore_path_mtu(fd, at->addr.family);
        error = want_packet_information(fd, &at->addr);
    }
    return error;
}
