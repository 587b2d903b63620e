/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the other side shows, for people: also of a chain that is then refused, which OpenSSL does not keep.
 * It is looked at while it is verified. */
#include "config.h"

#include "tls/link.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void write_name(const X509_NAME *name, char *text, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    long len = 0;
    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        len = BIO_get_mem_data(bio, &bytes);
    }
    snprintf(text, size, "%.*s", (int)len, len > 0 ? bytes : "");
    BIO_free(bio);
}

static int64_t read_time(const ASN1_TIME *time)
{
    struct tm tm;
    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void add_name(char *names, size_t size, const char *text, int len)
{
    size_t used = strlen(names);
    snprintf(names + used, size - used, "%s%.*s", used == 0 ? "" : ",", len, text);
}

static void add_address(char *names, size_t size, const ASN1_OCTET_STRING *octets)
{
    char text[INET6_ADDRSTRLEN] = "?";
    int len = ASN1_STRING_length(octets);
    if (len == 4 || len == 16) {
        (void)inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(octets), text, sizeof text);
    }
    add_name(names, size, text, (int)strlen(text));
}

static void write_names(const X509 *x509, char *names, size_t size)
{
    GENERAL_NAMES *list = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    names[0] = '\0';
    for (int i = 0; list != NULL && i < sk_GENERAL_NAME_num(list); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);
        if (name->type == GEN_DNS) {
            const ASN1_IA5STRING *text = name->d.dNSName;
            add_name(names, size, (const char *)ASN1_STRING_get0_data(text), ASN1_STRING_length(text));
        } else if (name->type == GEN_IPADD) {
            add_address(names, size, name->d.iPAddress);
        }
    }
    GENERAL_NAMES_free(list);
}

void tls_certificate_describe(const X509 *x509, struct tls_certificate *to)
{
    *to = (struct tls_certificate){.begin_s = read_time(X509_get0_notBefore(x509)),
                                   .end_s = read_time(X509_get0_notAfter(x509))};
    write_name(X509_get_subject_name(x509), to->subject, sizeof to->subject);
    write_name(X509_get_issuer_name(x509), to->issuer, sizeof to->issuer);
    write_names(x509, to->names, sizeof to->names);
}

static void tell(const struct tls_link *link, const X509 *x509)
{
    struct tls_certificate seen;
    tls_certificate_describe(x509, &seen);
    link->witness.saw(link->witness.context, &seen);
}

/* Of each certificate and each fault: what was sent is told at the first. The verdict stays what it is. */
static int on_verify(int is_good, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_wire *wire = SSL_get_app_data(ssl);
    struct tls_link *link = (struct tls_link *)((char *)wire - offsetof(struct tls_link, wire));
    const STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
    for (int i = 0; !link->has_seen && sent != NULL && i < sk_X509_num(sent); i++) {
        tell(link, sk_X509_value(sent, i));
    }
    link->has_seen = true;
    return is_good;
}

void tls_link_set_witness(struct tls_link *link, const struct tls_witness *witness)
{
    link->witness = *witness;
    SSL_set_verify(link->ssl, SSL_get_verify_mode(link->ssl), on_verify);
}

const char *tls_link_describe(const struct tls_link *link, char text[TLS_TEXT_SIZE])
{
    char protocol[TLS_PROTOCOL_SIZE];
    tls_link_get_protocol(link, protocol);
    snprintf(text, TLS_TEXT_SIZE, "%s %s%s%s", SSL_get_version(link->ssl), SSL_get_cipher_name(link->ssl),
             protocol[0] == '\0' ? "" : ", ALPN ", protocol);
    return text;
}
