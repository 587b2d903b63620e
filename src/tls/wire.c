/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See wire.h. */
#include "config.h"

#include "tls/wire.h"

#include <errno.h>
#include <sys/socket.h>

enum {
    READ_MAX = 1 << 20, /* octets of one connection, handshake and all, or until it is renewed */
    CALL_MAX = 1 << 18, /* of one call, where it lasts */
};

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static int end_with_errno(BIO *bio, struct tls_wire *wire, bool reads)
{
    if (would_block(errno)) {
        reads ? BIO_set_retry_read(bio) : BIO_set_retry_write(bio);
    } else {
        wire->error = errno;
    }
    return -1;
}

static int socket_read(BIO *bio, char *bytes, int size)
{
    struct tls_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (size <= 0 || wire->taken >= (wire->lasts ? CALL_MAX : READ_MAX)) {
        if (wire->lasts) {
            BIO_set_retry_read(bio);
        }
        return -1;
    }
    ssize_t n = recv(wire->fd, bytes, (size_t)size, 0);
    if (n == -1) {
        return end_with_errno(bio, wire, true);
    }
    wire->has_ended = n == 0;
    wire->taken += (size_t)n;
    return (int)n;
}

static int socket_write(BIO *bio, const char *bytes, int len)
{
    struct tls_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = send(wire->fd, bytes, len < 0 ? 0 : (size_t)len, MSG_NOSIGNAL);
    wire->has_begun |= n > 0;
    return n == -1 ? end_with_errno(bio, wire, false) : (int)n;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
    const struct tls_wire *wire = BIO_get_data(bio);
    (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : command == BIO_CTRL_EOF && wire != NULL ? wire->has_ended : 0;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_wire *wire = SSL_get_app_data(ssl);
    SSL_SESSION_free(wire->session);
    wire->session = session;
    return 1; /* kept */
}

BIO_METHOD *tls_wire_make_method(SSL_CTX *ctx)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket");
    SSL_CTX_sess_set_new_cb(ctx, on_session);
    if (method == NULL || BIO_meth_set_read(method, socket_read) != 1 ||
        BIO_meth_set_write(method, socket_write) != 1 || BIO_meth_set_ctrl(method, socket_control) != 1) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}
