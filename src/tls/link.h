/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The inside of a connection. Private to this folder. */
#pragma once

#include "tls/tls.h"
#include "tls/wire.h"

struct tls_link {
    struct tls_context *context; /* held */
    SSL *ssl;
    struct tls_wire wire;
    bool is_shaken;
    struct tls_witness witness;
    bool has_seen; /* the witness was told */
};
