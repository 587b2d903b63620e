/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is trusted and shown, from PEM that somebody else has read. */
#include "config.h"

#include "tls/context.h"

#include "base/memory.h"
#include "tls/wire.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tls_authorities {
    X509_STORE *store;
};

static void say(char why[TLS_WHY_SIZE], const char *text)
{
    snprintf(why, TLS_WHY_SIZE, "%s", text);
}

/* A key with a passphrase: there is nobody to ask for it. */
static int refuse_passphrase(char *text, int size, int writes, void *asked)
{
    (void)text, (void)size, (void)writes;
    *(bool *)asked = true;
    return -1;
}

static BIO *open_text(const struct tls_text *text)
{
    return text->len > INT_MAX ? NULL : BIO_new_mem_buf(text->bytes, (int)text->len);
}

/* The last error said only that there is nothing more? */
static bool has_ended(void)
{
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/* ---- authorities ---- */

/* Returns how many, or -1: one of them is broken. */
static int read_certificates(BIO *bio, X509_STORE *store)
{
    bool asked = false;
    int count = 0;
    for (X509 *x509; (x509 = PEM_read_bio_X509_AUX(bio, NULL, refuse_passphrase, &asked)) != NULL; count++) {
        int added = X509_STORE_add_cert(store, x509); /* takes a hold of its own; twice the same is fine */
        X509_free(x509);
        if (added != 1) {
            return -1;
        }
    }
    return has_ended() ? count : -1;
}

struct tls_authorities *tls_authorities_new(const char *pem, size_t len, char why[TLS_WHY_SIZE])
{
    ERR_clear_error();
    struct tls_authorities *authorities = memory_alloc(sizeof *authorities);
    authorities->store = X509_STORE_new();
    BIO *bio = open_text(&(struct tls_text){pem, len});
    int count = bio == NULL || authorities->store == NULL ? -1 : read_certificates(bio, authorities->store);
    BIO_free(bio);
    ERR_clear_error();
    if (count > 0) {
        return authorities;
    }
    say(why, count == 0 ? "found no certificate in it" : "found a certificate in it that is broken");
    tls_authorities_free(authorities);
    return NULL;
}

void tls_authorities_free(struct tls_authorities *authorities)
{
    if (authorities != NULL) {
        X509_STORE_free(authorities->store);
        free(authorities);
    }
}

/* ---- our own certificate ---- */

static bool use_certificate(SSL_CTX *ctx, const struct tls_text *text, char why[TLS_WHY_SIZE])
{
    bool asked = false, good = false;
    BIO *bio = open_text(text);
    X509 *x509 = bio == NULL ? NULL : PEM_read_bio_X509_AUX(bio, NULL, refuse_passphrase, &asked);
    if (x509 == NULL) {
        say(why, has_ended() ? "found no certificate in it" : "found a certificate in it that is broken");
    } else if (SSL_CTX_use_certificate(ctx, x509) != 1) {
        snprintf(why, TLS_WHY_SIZE, "the certificate cannot be used: %s",
                 ERR_reason_error_string(ERR_peek_last_error()));
    } else {
        good = true;
    }
    X509_free(x509);
    while (good && (x509 = PEM_read_bio_X509(bio, NULL, refuse_passphrase, &asked)) != NULL) {
        good = SSL_CTX_add0_chain_cert(ctx, x509) == 1;
    }
    if (good && !has_ended()) {
        say(why, "found a certificate in it that is broken");
        good = false;
    }
    BIO_free(bio);
    return good;
}

static bool use_key(SSL_CTX *ctx, const struct tls_text *text, char why[TLS_WHY_SIZE])
{
    bool asked = false, good = false;
    BIO *bio = open_text(text);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, &asked);
    if (key == NULL) {
        say(why, asked ? "found a key with a passphrase in it, expected one without"
                       : "found no private key in it");
    } else if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
        say(why, "found a key in it that does not belong to the certificate");
    } else {
        good = true;
    }
    EVP_PKEY_free(key);
    BIO_free(bio);
    return good;
}

static bool show(SSL_CTX *ctx, const struct tls_plan *plan, enum tls_part *part, char why[TLS_WHY_SIZE])
{
    *part = TLS_PART_CERTIFICATE;
    if (plan->certificate.bytes != NULL && !use_certificate(ctx, &plan->certificate, why)) {
        return false;
    }
    *part = TLS_PART_KEY;
    return plan->key.bytes == NULL || use_key(ctx, &plan->key, why);
}

/* ---- the whole ---- */

/* Any certificate will do. That the other side has the key of it the handshake proves. */
static int take_any(X509_STORE_CTX *shown, void *argument)
{
    (void)argument;
    X509_STORE_CTX_set_error(shown, X509_V_OK);
    return 1;
}

static bool trust(SSL_CTX *ctx, const struct tls_plan *plan)
{
    if (plan->use == TLS_USE_PINNED_CLIENT || plan->use == TLS_USE_PINNED_SERVER) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_cert_verify_callback(ctx, take_any, NULL);
        return true;
    }
    if (plan->authorities == NULL) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
        return true;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set1_cert_store(ctx, plan->authorities->store);
    return !plan->partial_chain ||
           X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

/* No sessions: who comes shows its certificate, each time. */
static bool set_up_pinned(SSL_CTX *ctx)
{
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1;
}

/* No sessions either: what a client may do hangs on its certificate, and that is looked at each time. Of TLS
 * 1.2 what is encrypted and authenticated in one, and stays secret when the key does not. */
static bool set_up_server(SSL_CTX *ctx)
{
    static const unsigned char id[] = "steerd";
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    return SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
           SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1) == 1;
}

static bool set_up_client(SSL_CTX *ctx)
{
    static const unsigned char alpn[] = "\x08http/1.1";
    /* Sessions are the caller's (link.c): the library's own cache is asked by nobody. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn - 1) == 0;
}

static bool set_up(SSL_CTX *ctx, const struct tls_plan *plan)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    return trust(ctx, plan) && (plan->use == TLS_USE_CLIENT   ? set_up_client(ctx)
                                : plan->use == TLS_USE_SERVER ? set_up_server(ctx)
                                                              : set_up_pinned(ctx));
}

struct tls_context *tls_context_new(const struct tls_plan *plan, enum tls_part *part, char why[TLS_WHY_SIZE])
{
    ERR_clear_error();
    struct tls_context *context = memory_alloc(sizeof *context);
    atomic_init(&context->holders, 1);
    context->use = plan->use;
    bool is_server = plan->use == TLS_USE_PINNED_SERVER || plan->use == TLS_USE_SERVER;
    context->ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    *part = TLS_PART_NONE;
    say(why, "the TLS library refused");
    context->socket = context->ctx == NULL ? NULL : tls_wire_make_method(context->ctx);
    bool good = context->socket != NULL && set_up(context->ctx, plan) && show(context->ctx, plan, part, why);
    ERR_clear_error();
    if (!good) {
        tls_context_drop(context);
        return NULL;
    }
    return context;
}

struct tls_context *tls_context_hold(struct tls_context *context)
{
    if (context != NULL) {
        atomic_fetch_add_explicit(&context->holders, 1, memory_order_relaxed);
    }
    return context;
}

void tls_context_drop(struct tls_context *context)
{
    if (context != NULL && atomic_fetch_sub_explicit(&context->holders, 1, memory_order_acq_rel) == 1) {
        SSL_CTX_free(context->ctx);
        BIO_meth_free(context->socket);
        free(context);
    }
}
