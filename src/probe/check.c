/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sockets and the meaning of errno, for all kinds of checks. */
#include "config.h"

#include "probe/check.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* Where no interface has an IPv6 address any more and a route is left, the kernel takes the loopback address,
 * and drops what is sent from it (RFC 4291 section 2.5.3). */
static bool is_without_source(int fd, const struct sockaddr_storage *to)
{
    struct sockaddr_in6 from = {0};
    socklen_t len = sizeof from;
    const struct sockaddr_in6 *far = (const struct sockaddr_in6 *)to;
    return to->ss_family == AF_INET6 && getsockname(fd, (struct sockaddr *)&from, &len) == 0 &&
           IN6_IS_ADDR_LOOPBACK(&from.sin6_addr) && !IN6_IS_ADDR_LOOPBACK(&far->sin6_addr);
}

int check_connect(const struct check *check, int *fd)
{
    struct sockaddr_storage to;
    socklen_t len = addr_to_sockaddr(&check->at, &to);
    *fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (*fd == -1) {
        return -errno;
    }
    /* Without TCP_QUICKACK the last packet of the handshake waits for the request and travels with it: one
     * packet less, and the server wakes up once. A check that says nothing completes the handshake instead,
     * so that what stands behind a proxy or a full queue is asked too. No TCP_NODELAY: a request is one write
     * on an idle connection, never delayed anyway. */
    int quick = check->ask->request == NULL;
    if (setsockopt(*fd, IPPROTO_TCP, TCP_QUICKACK, &quick, sizeof quick) == -1) {
        return -errno;
    }
    int error = connect(*fd, (const struct sockaddr *)&to, len) == -1 ? -errno : 0;
    return error == -EINPROGRESS && is_without_source(*fd, &to) ? -EADDRNOTAVAIL : error;
}

int check_open_stream(struct flight *flight)
{
    flight->is_stream = true;
    return check_connect(flight->check, &flight->fd);
}

void check_reset(int fd)
{
    static const struct linger reset_on_close = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof reset_on_close);
    (void)close(fd);
}

enum { LEAVE_PIECE = 1 << 16 };

enum check_leave check_leave(int fd, uint32_t *left)
{
    char none[LEAVE_PIECE]; /* nothing is ever in it: TCP throws away what it is asked for, see tcp(7) */
    while (*left != 0) {
        ssize_t n = recv(fd, none, *left < sizeof none ? *left : sizeof none, MSG_TRUNC);
        if (n == 0) {
            return CHECK_LEFT;
        }
        if (n == -1) {
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? CHECK_LEAVING : CHECK_CUT_OFF;
        }
        *left -= (uint32_t)n < *left ? (uint32_t)n : *left;
    }
    return CHECK_CUT_OFF;
}

/* ip(7): without IP_RECVERR a UDP socket is told that a port is closed, but not that there is no way. */
static int ask_for_errors(int fd, int family)
{
    int on = 1;
    return family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on)
                              : setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
}

int check_connect_datagram(const struct addr_port *at, int *fd)
{
    struct sockaddr_storage to;
    socklen_t len = addr_to_sockaddr(at, &to);
    *fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd == -1 || ask_for_errors(*fd, to.ss_family) == -1 ||
        connect(*fd, (const struct sockaddr *)&to, len) == -1) {
        return -errno;
    }
    return is_without_source(*fd, &to) ? -EADDRNOTAVAIL : 0;
}

int check_find_way(const struct addr_port *at)
{
    int fd, error = check_connect_datagram(at, &fd);
    if (fd != -1) {
        (void)close(fd);
    }
    return -error;
}

enum health_outcome check_judge_errno(int error, enum flight_stage stage)
{
    switch (error) {
    case ECONNREFUSED: return HEALTH_OUTCOME_REFUSED;
    case ETIMEDOUT:
        return stage == FLIGHT_CONNECTING ? HEALTH_OUTCOME_CONNECT_TIMEOUT : HEALTH_OUTCOME_TIMEOUT;
    case ECONNRESET:
    case ECONNABORTED: return HEALTH_OUTCOME_RESET;
    case EPIPE: return HEALTH_OUTCOME_CLOSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ENONET:
    case ENOPROTOOPT:                               /* ICMP protocol unreachable */
    case EPROTO:                                    /* ICMPv6 parameter problem */
    case EACCES: return HEALTH_OUTCOME_UNREACHABLE; /* ICMPv6 prohibited */
    default: return HEALTH_OUTCOME_LOCAL_ERROR;     /* ENOBUFS, ENOMEM … */
    }
}

bool check_is_self_connected(const struct flight *flight)
{
    enum { FIRST_EPHEMERAL = 1024 }; /* the kernel never picks a port below */
    const struct addr_port *at = &flight->check->at;
    struct sockaddr_storage own;
    struct addr_port from;
    socklen_t len = sizeof own;
    if (at->port < FIRST_EPHEMERAL || getsockname(flight->fd, (struct sockaddr *)&own, &len) == -1) {
        return false;
    }
    addr_from_sockaddr((const struct sockaddr *)&own, &from);
    return from.port == at->port && addr_equal(&from.addr, &at->addr);
}
