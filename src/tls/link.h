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

/* Of any certificate: whom it is for (tls_link_list_names), and what people are shown of it. */
void tls_certificate_list_names(const X509 *x509,
                                void (*take)(void *context, enum tls_name kind, const char *name),
                                void *context);
void tls_certificate_describe(const X509 *x509, struct tls_certificate *to);
