/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Private to this folder. */
#pragma once

#include "tls/tls.h"

#include <openssl/ssl.h>
#include <stdatomic.h>

struct tls_context {
    _Atomic unsigned holders;
    SSL_CTX *ctx;
    enum tls_use use;
    BIO_METHOD *socket; /* how links of this context read and write: wire.h */
};
