/* SPDX-License-Identifier: BSD-3-Clause
 *
 * steerctl-tls HOST PORT CA CERTIFICATE KEY: carries octets between standard input, a socket, and a server by
 * TLS 1.2 or newer whose certificate has to be good. Empty: the authorities of the system, no certificate.
 * Ends with the connection; what goes wrong is said on stderr. For steerctl (remote.c). */
#include "config.h"

#include "base/clock.h"
#include "base/exits.h"
#include "base/file.h"
#include "tls/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILE_MAX = 16 << 20, CONNECT_MS = 10000, PIECE = 16384 };

static const char *host;

__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "steerctl: %s: ", host);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

/* ---- what is trusted and shown ---- */

static bool read_text(const char *path, struct tls_text *text)
{
    struct file file;
    int code = 0;
    char *bytes = file_read_all(path, FILE_MAX, &file, &text->len, &code);
    if (bytes == NULL) {
        fail("the file %s cannot be read: %s", path, file.why);
    }
    text->bytes = bytes;
    return bytes != NULL;
}

static const char *find_authorities(void)
{
    static const char *const usual[] = {"/etc/ssl/certs/ca-certificates.crt",
                                        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};
    size_t i = 0;
    while (i < 2 && access(usual[i], R_OK) == -1) {
        i++;
    }
    return usual[i];
}

static bool read_texts(char **argv, struct tls_text *ca, struct tls_plan *plan)
{
    if (!read_text(argv[3][0] != '\0' ? argv[3] : find_authorities(), ca) ||
        (argv[4][0] != '\0' && !read_text(argv[4], &plan->certificate)) ||
        (argv[5][0] != '\0' && !read_text(argv[5], &plan->key))) {
        return false;
    }
    if ((plan->certificate.bytes == NULL) != (plan->key.bytes == NULL)) {
        fail("--cert and --key go together");
        return false;
    }
    return true;
}

static struct tls_context *make_context(char **argv)
{
    char why[TLS_WHY_SIZE] = "";
    enum tls_part part;
    struct tls_text ca = {.bytes = NULL};
    struct tls_plan plan = {.use = TLS_USE_CLIENT, .partial_chain = argv[3][0] != '\0'};
    struct tls_authorities *authorities = NULL;
    struct tls_context *context = NULL;
    if (read_texts(argv, &ca, &plan)) {
        plan.authorities = authorities = tls_authorities_new(ca.bytes, ca.len, why);
        context = authorities == NULL ? NULL : tls_context_new(&plan, &part, why);
        if (context == NULL) {
            fail("%s", why);
        }
    }
    tls_authorities_free(authorities);
    free((void *)(uintptr_t)ca.bytes);
    free((void *)(uintptr_t)plan.certificate.bytes);
    free((void *)(uintptr_t)plan.key.bytes);
    return context;
}

/* ---- the connection ---- */

static bool wait_for(int fd, short events, int ms)
{
    struct pollfd state = {.fd = fd, .events = events};
    int count;
    while ((count = poll(&state, 1, ms)) == -1 && errno == EINTR) {
    }
    return count == 1;
}

/* Returns a descriptor, or -errno. */
static int connect_to(const struct addrinfo *at)
{
    int error = 0, fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof error;
    if (fd == -1) {
        return -errno;
    }
    if (connect(fd, at->ai_addr, at->ai_addrlen) == -1) {
        error = errno;
    }
    if (error == EINPROGRESS) {
        error = ETIMEDOUT;
        if (wait_for(fd, POLLOUT, CONNECT_MS)) {
            (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
        }
    }
    if (error != 0) {
        close(fd);
        return -error;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

static int dial(const char *port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    int code = getaddrinfo(host, port, &hints, &list), fd = -1;
    if (code != 0) {
        fail("%s", gai_strerror(code));
        return -1;
    }
    for (const struct addrinfo *at = list; at != NULL && fd < 0; at = at->ai_next) {
        fd = connect_to(at);
    }
    freeaddrinfo(list);
    if (fd < 0) {
        fail("cannot connect to port %s: %s", port, strerror(-fd));
    }
    return fd;
}

static const char *describe(enum tls_result result, const struct tls_link *link)
{
    switch (result) {
    case TLS_CLOSED: return "the server has closed the connection";
    case TLS_FAILED: return strerror(tls_link_errno(link));
    case TLS_REFUSED: return "the server refuses: it may want another certificate (--cert and --key)";
    case TLS_EXPIRED: return "its certificate has expired";
    case TLS_EARLY: return "its certificate is not valid yet";
    case TLS_WRONG_HOST: return "its certificate is for other hosts";
    case TLS_SELF_SIGNED:
    case TLS_UNTRUSTED: return "its certificate is signed by nobody who is trusted (--ca)";
    case TLS_BAD_CERTIFICATE: return "its certificate cannot be used for this";
    case TLS_NO_MEMORY: return "no memory";
    default: return "what it speaks is not TLS";
    }
}

static bool shake(struct tls_link *link, int fd)
{
    struct clock clock;
    clock_init(&clock);
    int64_t end_ms = clock_now_ms(&clock) + CONNECT_MS, left_ms;
    enum tls_result result;
    while ((result = tls_link_shake(link)) == TLS_AGAIN && (left_ms = end_ms - clock_now_ms(&clock)) > 0) {
        (void)wait_for(fd, tls_link_wants_write(link) ? POLLOUT : POLLIN, (int)left_ms);
    }
    if (result != TLS_OK) {
        fail("%s", result == TLS_AGAIN ? "it takes too long to shake hands" : describe(result, link));
    }
    return result == TLS_OK;
}

/* ---- carrying ---- */

/* All of it, however long the other side takes. */
static bool send_out(struct tls_link *link, int fd, const char *bytes, size_t len)
{
    for (size_t at = 0, done; at < len; at += done) {
        enum tls_result result = tls_link_write(link, bytes + at, len - at, &done);
        if (result == TLS_AGAIN) {
            done = 0;
            (void)wait_for(fd, tls_link_wants_write(link) ? POLLOUT : POLLIN, -1);
        } else if (result != TLS_OK) {
            return false;
        }
    }
    return true;
}

static bool send_in(const char *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t sent = send(STDIN_FILENO, bytes + at, len - at, MSG_NOSIGNAL);
        if (sent == -1 && errno != EINTR) {
            return false;
        }
        at += sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

/* False: nothing more will come. */
static bool carry_in(struct tls_link *link)
{
    char piece[PIECE];
    size_t len;
    enum tls_result result;
    tls_link_renew(link);
    while ((result = tls_link_read(link, piece, sizeof piece, &len)) == TLS_OK) {
        if (!send_in(piece, len)) {
            return false;
        }
        tls_link_renew(link);
    }
    if (result != TLS_AGAIN && result != TLS_CLOSED) {
        fail("%s", describe(result, link));
    }
    return result == TLS_AGAIN;
}

static void carry(struct tls_link *link, int fd)
{
    char piece[PIECE];
    bool is_open = true;
    while (carry_in(link)) {
        struct pollfd states[2] = {{.fd = fd, .events = POLLIN},
                                   {.fd = is_open ? STDIN_FILENO : -1, .events = POLLIN}};
        if (poll(states, 2, -1) == -1 && errno != EINTR) {
            return;
        }
        if (is_open && states[1].revents != 0) {
            ssize_t got = recv(STDIN_FILENO, piece, sizeof piece, 0);
            if (got == 0 || (got == -1 && errno != EINTR) ||
                (got > 0 && !send_out(link, fd, piece, (size_t)got))) {
                return; /* whoever asked has gone */
            }
        }
    }
}

int main(int argc, char **argv)
{
    unsigned char address[sizeof(struct in6_addr)];
    if (argc != 6) {
        fputs("steerctl-tls: this is a part of steerctl, which runs it\n", stderr);
        return EXITS_USAGE;
    }
    host = argv[1];
    struct tls_context *context = make_context(argv);
    int fd = context == NULL ? -1 : dial(argv[2]);
    const struct tls_peer peer = {.name = host,
                                  .is_address = inet_pton(AF_INET, host, address) == 1 ||
                                                inet_pton(AF_INET6, host, address) == 1};
    struct tls_link *link = fd < 0 ? NULL : tls_link_open(context, fd, &peer, NULL);
    bool is_up = link != NULL && shake(link, fd);
    if (is_up) {
        carry(link, fd);
        tls_link_finish(link);
    }
    tls_link_free(link);
    tls_context_drop(context);
    if (fd >= 0) {
        close(fd);
    }
    return is_up ? EXITS_OK : EXITS_UNREACHABLE;
}
