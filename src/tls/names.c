/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whom a certificate is for, as octets that are compared: nothing is cut off, folded or written for people.
 */
#include "config.h"

#include "tls/context.h"
#include "tls/link.h"

#include <openssl/x509v3.h>
#include <string.h>

/* In UTF-8 (owned by the library, to be freed) and without NUL octets; NULL: it has some, or is none. */
static char *read_text(const ASN1_STRING *string)
{
    unsigned char *text = NULL;
    int len = string == NULL ? -1 : ASN1_STRING_to_UTF8(&text, string);
    if (len > 0 && strlen((const char *)text) == (size_t)len) {
        return (char *)text;
    }
    OPENSSL_free(text);
    return NULL;
}

static void take_common(const X509 *x509, void (*take)(void *, enum tls_name, const char *), void *context)
{
    const X509_NAME *subject = X509_get_subject_name(x509);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    /* one and no more: else it is not clear which one counts */
    if (at >= 0 && X509_NAME_get_index_by_NID(subject, NID_commonName, at) < 0) {
        char *text = read_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
        if (text != NULL) {
            take(context, TLS_NAME_COMMON, text);
        }
        OPENSSL_free(text);
    }
}

static void take_other(const GENERAL_NAME *name, void (*take)(void *, enum tls_name, const char *),
                       void *context)
{
    static const struct {
        int type;
        enum tls_name kind;
    } kinds[] = {{GEN_DNS, TLS_NAME_DNS}, {GEN_EMAIL, TLS_NAME_EMAIL}, {GEN_URI, TLS_NAME_URI}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (name->type == kinds[i].type) {
            char *text = read_text(name->d.ia5);
            if (text != NULL) {
                take(context, kinds[i].kind, text);
            }
            OPENSSL_free(text);
        }
    }
}

void tls_certificate_list_names(const X509 *x509,
                                void (*take)(void *context, enum tls_name kind, const char *name),
                                void *context)
{
    take_common(x509, take, context);
    GENERAL_NAMES *list = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; list != NULL && i < sk_GENERAL_NAME_num(list); i++) {
        take_other(sk_GENERAL_NAME_value(list, i), take, context);
    }
    GENERAL_NAMES_free(list);
}

bool tls_link_list_names(const struct tls_link *link,
                         void (*take)(void *context, enum tls_name kind, const char *name), void *context)
{
    const X509 *x509 = SSL_get0_peer_certificate(link->ssl);
    if (x509 == NULL || (SSL_get_verify_mode(link->ssl) & SSL_VERIFY_PEER) == 0 ||
        link->context->use != TLS_USE_SERVER || SSL_get_verify_result(link->ssl) != X509_V_OK) {
        return false;
    }
    tls_certificate_list_names(x509, take, context);
    return true;
}
