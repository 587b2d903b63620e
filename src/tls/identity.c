/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who hosts of ours are to each other: a key, a certificate that nobody but itself vouches for, and the
 * fingerprint by which the other side knows it. Dates mean nothing in it: clocks may be wrong. */
#include "config.h"

#include "tls/link.h"

#include "base/memory.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* RFC 5280 section 4.1.2.5: no end that would be known. */
static bool date(X509 *x509)
{
    return ASN1_TIME_set_string_X509(X509_getm_notBefore(x509), "19700101000000Z") == 1 &&
           ASN1_TIME_set_string_X509(X509_getm_notAfter(x509), "99991231235959Z") == 1;
}

static bool number(X509 *x509)
{
    uint64_t serial;
    return RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1 | 1) == 1;
}

static bool fill(X509 *x509, EVP_PKEY *key, const char *name)
{
    enum { VERSION_3 = 2, NAME_MAX_LEN = 64 }; /* RFC 5280: ub-common-name */
    X509_NAME *subject = X509_get_subject_name(x509);
    size_t len = strlen(name);
    return X509_set_version(x509, VERSION_3) == 1 && number(x509) && date(x509) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
                                      (int)(len < NAME_MAX_LEN ? len : NAME_MAX_LEN), -1, 0) == 1 &&
           X509_set_issuer_name(x509, subject) == 1 && X509_set_pubkey(x509, key) == 1 &&
           X509_sign(x509, key, EVP_sha256()) != 0;
}

/* Returns owned; NULL: there is none. */
static char *take_text(BIO *bio)
{
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);
    char *text = len <= 0 ? NULL : memory_alloc((size_t)len + 1);
    if (text != NULL) {
        memcpy(text, bytes, (size_t)len);
    }
    return text;
}

static void write_identity(X509 *x509, EVP_PKEY *key, struct tls_identity *identity)
{
    BIO *certificate = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_secmem());
    if (certificate != NULL && secret != NULL && PEM_write_bio_X509(certificate, x509) == 1 &&
        PEM_write_bio_PKCS8PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1) {
        *identity = (struct tls_identity){.certificate = take_text(certificate), .key = take_text(secret)};
    }
    BIO_free(certificate);
    BIO_free(secret);
}

bool tls_identity_make(const char *name, struct tls_identity *identity)
{
    *identity = (struct tls_identity){.certificate = NULL};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    if (key != NULL && x509 != NULL && fill(x509, key, name)) {
        write_identity(x509, key, identity);
    }
    X509_free(x509);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (identity->certificate != NULL && identity->key != NULL) {
        return true;
    }
    tls_identity_fini(identity);
    return false;
}

void tls_identity_fini(struct tls_identity *identity)
{
    if (identity->key != NULL) {
        OPENSSL_cleanse(identity->key, strlen(identity->key));
    }
    free(identity->certificate);
    free(identity->key);
    *identity = (struct tls_identity){.certificate = NULL};
}

static bool digest(const X509 *x509, uint8_t fingerprint[TLS_FINGERPRINT_SIZE])
{
    unsigned len;
    return x509 != NULL && X509_digest(x509, EVP_sha256(), fingerprint, &len) == 1 &&
           len == TLS_FINGERPRINT_SIZE;
}

static int refuse_passphrase(char *text, int size, int writes, void *nobody)
{
    (void)text, (void)size, (void)writes, (void)nobody;
    return -1;
}

bool tls_fingerprint_read(const struct tls_text *certificate, uint8_t fingerprint[TLS_FINGERPRINT_SIZE])
{
    BIO *bio = certificate->len > INT_MAX ? NULL : BIO_new_mem_buf(certificate->bytes, (int)certificate->len);
    X509 *x509 = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, refuse_passphrase, NULL);
    bool good = digest(x509, fingerprint);
    X509_free(x509);
    BIO_free(bio);
    ERR_clear_error();
    return good;
}

bool tls_link_get_fingerprint(const struct tls_link *link, uint8_t fingerprint[TLS_FINGERPRINT_SIZE])
{
    return digest(SSL_get0_peer_certificate(link->ssl), fingerprint);
}
