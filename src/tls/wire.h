/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How OpenSSL reads and writes: by a BIO of ours, so that nothing raises SIGPIPE, errors of the socket keep
 * their names, and who talks without end is not listened to for ever. Private to this folder. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

/* The data of the BIO, and of the connection. */
struct tls_wire {
    SSL_SESSION *session; /* the latest that was given; owned */
    size_t taken;         /* octets: of the connection since it was renewed, or of this call */
    bool lasts;           /* who talks much is heard further at the next call */
    int fd;
    int error; /* errno of the socket, once it has failed */
    bool has_begun, has_ended;
};

/* For connections of `ctx`, which then give their sessions to the wire. NULL: no memory. */
BIO_METHOD *tls_wire_make_method(SSL_CTX *ctx);
