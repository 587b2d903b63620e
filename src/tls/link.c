/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One connection: what OpenSSL says of it, in our words. */
#include "config.h"

#include "tls/context.h"
#include "tls/link.h"

#include "base/memory.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

static bool attach_socket(struct tls_link *link)
{
    BIO *bio = BIO_new(link->context->socket);
    if (bio == NULL) {
        return false;
    }
    BIO_set_data(bio, &link->wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(link->ssl, bio, bio); /* takes it */
    SSL_set_app_data(link->ssl, &link->wire);
    return true;
}

/* RFC 6066 section 3: an address is never asked for by name, only looked for in the certificate. */
static bool ask_for(SSL *ssl, const struct tls_peer *peer)
{
    if (peer == NULL) {
        return true;
    }
    if (peer->is_address) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), peer->name) == 1;
    }
    /* RFC 9525: names are those of subjectAltName; a common name is none. */
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return SSL_set_tlsext_host_name(ssl, peer->name) == 1 && SSL_set1_host(ssl, peer->name) == 1;
}

/* 0 means success here. */
static bool offer(SSL *ssl, const struct tls_peer *peer)
{
    const char *protocols = peer == NULL ? NULL : peer->protocols;
    return protocols == NULL ||
           SSL_set_alpn_protos(ssl, (const unsigned char *)protocols, (unsigned)strlen(protocols)) == 0;
}

/* A session is a plain SSL_SESSION with another name. */
static SSL_SESSION *reveal(const struct tls_session *session)
{
    return (SSL_SESSION *)(uintptr_t)session;
}

struct tls_link *tls_link_open(struct tls_context *context, int fd, const struct tls_peer *peer,
                               const struct tls_session *session)
{
    struct tls_link *link = memory_alloc(sizeof *link);
    ERR_clear_error();
    *link = (struct tls_link){.context = tls_context_hold(context),
                              .wire = {.fd = fd, .lasts = context->use != TLS_USE_CLIENT},
                              .ssl = SSL_new(context->ctx)};
    if (link->ssl == NULL || !attach_socket(link) || !ask_for(link->ssl, peer) || !offer(link->ssl, peer) ||
        (session != NULL && SSL_set_session(link->ssl, reveal(session)) != 1)) {
        tls_link_free(link);
        return NULL;
    }
    if (context->use == TLS_USE_PINNED_SERVER || context->use == TLS_USE_SERVER) {
        SSL_set_accept_state(link->ssl);
    } else {
        SSL_set_connect_state(link->ssl);
    }
    return link;
}

void tls_link_free(struct tls_link *link)
{
    if (link != NULL) {
        SSL_free(link->ssl);
        SSL_SESSION_free(link->wire.session);
        tls_context_drop(link->context);
        free(link);
    }
}

void tls_link_set_time(struct tls_link *link, int64_t wall_s)
{
    X509_VERIFY_PARAM_set_time(SSL_get0_param(link->ssl), (time_t)wall_s);
}

/* ---- what a failure means ---- */

static enum tls_result judge_certificate(long error)
{
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return TLS_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID: return TLS_EARLY;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return TLS_WRONG_HOST;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return TLS_SELF_SIGNED;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_CHAIN_TOO_LONG: return TLS_UNTRUSTED;
    case X509_V_ERR_OUT_OF_MEM: return TLS_NO_MEMORY;
    default: return TLS_BAD_CERTIFICATE;
    }
}

/* An alert of the other side stands in the queue of errors as its number and an offset. */
static enum tls_result judge_protocol(const struct tls_link *link)
{
    for (unsigned long error; (error = ERR_get_error()) != 0;) {
        int reason = ERR_GET_REASON(error);
        if (ERR_GET_LIB(error) != ERR_LIB_SSL) {
            if (reason == ERR_R_MALLOC_FAILURE) {
                return TLS_NO_MEMORY;
            }
        } else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
            return judge_certificate(SSL_get_verify_result(link->ssl));
        } else if (reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + 255) {
            return TLS_REFUSED;
        }
    }
    return TLS_GARBLED;
}

static enum tls_result judge(const struct tls_link *link, int code)
{
    enum tls_result result;
    switch (SSL_get_error(link->ssl, code)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return TLS_AGAIN;
    case SSL_ERROR_ZERO_RETURN: return TLS_CLOSED;
    default: break;
    }
    if (link->wire.error != 0) {
        result = TLS_FAILED;
    } else if (link->wire.has_ended) {
        result = TLS_CLOSED; /* with close_notify or without */
    } else {
        result = judge_protocol(link);
    }
    ERR_clear_error();
    return result;
}

/* ---- the connection ---- */

static void begin(struct tls_link *link)
{
    ERR_clear_error();
    link->wire.taken = link->wire.lasts ? 0 : link->wire.taken;
}

enum tls_result tls_link_shake(struct tls_link *link)
{
    begin(link);
    int code = SSL_do_handshake(link->ssl);
    link->is_shaken = code == 1;
    return code == 1 ? TLS_OK : judge(link, code);
}

enum tls_result tls_link_read(struct tls_link *link, void *bytes, size_t size, size_t *done)
{
    begin(link);
    int code = SSL_read_ex(link->ssl, bytes, size, done);
    return code == 1 ? TLS_OK : judge(link, code);
}

enum tls_result tls_link_write(struct tls_link *link, const void *bytes, size_t len, size_t *done)
{
    begin(link);
    int code = SSL_write_ex(link->ssl, bytes, len, done);
    return code == 1 ? TLS_OK : judge(link, code);
}

void tls_link_renew(struct tls_link *link)
{
    link->wire.taken = 0;
}

void tls_link_finish(struct tls_link *link)
{
    if (link->is_shaken) {
        ERR_clear_error();
        (void)SSL_shutdown(link->ssl);
        ERR_clear_error();
    }
}

bool tls_link_has_begun(const struct tls_link *link)
{
    return link->wire.has_begun;
}

int tls_link_errno(const struct tls_link *link)
{
    return link->wire.error;
}

bool tls_link_wants_write(const struct tls_link *link)
{
    return SSL_want_write(link->ssl);
}

bool tls_link_is_resumed(const struct tls_link *link)
{
    return SSL_session_reused(link->ssl) == 1;
}

const char *tls_link_get_protocol(const struct tls_link *link, char text[TLS_PROTOCOL_SIZE])
{
    const unsigned char *name;
    unsigned len;
    SSL_get0_alpn_selected(link->ssl, &name, &len);
    len = len < TLS_PROTOCOL_SIZE ? len : 0;
    if (len != 0) {
        memcpy(text, name, len);
    }
    text[len] = '\0';
    return text;
}

/* ---- certificates and sessions ---- */

static int64_t read_end(const X509 *x509)
{
    struct tm tm;
    return x509 != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(x509), &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

int64_t tls_link_get_end(const struct tls_link *link)
{
    int64_t end_s = read_end(SSL_get0_peer_certificate(link->ssl));
    const STACK_OF(X509) *chain = SSL_get0_verified_chain(link->ssl);
    for (int i = 1; chain != NULL && i < sk_X509_num(chain); i++) {
        int64_t other_s = read_end(sk_X509_value(chain, i));
        end_s = other_s != 0 && other_s < end_s ? other_s : end_s;
    }
    return end_s;
}

struct tls_session *tls_link_take_session(struct tls_link *link)
{
    SSL_SESSION *session = link->wire.session;
    link->wire.session = NULL;
    return (struct tls_session *)session;
}

void tls_session_free(struct tls_session *session)
{
    SSL_SESSION_free(reveal(session));
}
