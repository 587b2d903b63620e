/* SPDX-License-Identifier: BSD-3-Clause
 *
 * TLS: what is trusted and shown (a context), and one connection over a socket that is somebody else's (a
 * link). Clients of any server, and both sides of what hosts of ours say to each other. Nothing here opens a
 * file, waits or logs; what goes wrong has a name. OpenSSL stays inside.
 *
 * A context is immutable and counted; it is made by whoever loads and used on any thread. A link, and the
 * session that it brings, belongs to one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- what is trusted and shown ---- */

/* Certificates that are trusted, parsed once for many contexts. */
struct tls_authorities;

enum { TLS_WHY_SIZE = 160 };

/* From PEM: one certificate or more. Returns owned, or NULL and why ("found no certificate"). */
struct tls_authorities *tls_authorities_new(const char *pem, size_t len, char why[TLS_WHY_SIZE]);
void tls_authorities_free(struct tls_authorities *authorities); /* NULL is fine */

struct tls_text {
    const char *bytes; /* PEM; NULL: none */
    size_t len;
};

/* Whom a link of a context talks to. Pinned ones are hosts of ours: TLS 1.3, and each side shows a
 * certificate, whatever it is, that the other one knows by its fingerprint: the caller compares. They last,
 * so what comes is as long as it is. A server has clients of any kind: with authorities it asks them for a
 * certificate, which they need not have. */
enum tls_use { TLS_USE_CLIENT, TLS_USE_PINNED_CLIENT, TLS_USE_PINNED_SERVER, TLS_USE_SERVER };

struct tls_plan {
    enum tls_use use;
    const struct tls_authorities *authorities; /* NULL: whatever the other side shows is taken; of a server:
                                                  it is asked for nothing */
    bool partial_chain;                        /* what is trusted need not be a root */
    struct tls_text certificate, key;          /* of ours, if the other side wants to know; both or none */
};

struct tls_context;

enum tls_part { TLS_PART_NONE, TLS_PART_CERTIFICATE, TLS_PART_KEY };

/* Returns owned, or NULL, which part is no good (NONE: the library refused) and why. */
struct tls_context *tls_context_new(const struct tls_plan *plan, enum tls_part *part, char why[TLS_WHY_SIZE]);
struct tls_context *tls_context_hold(struct tls_context *context); /* one more holder; NULL gives NULL */
void tls_context_drop(struct tls_context *context);                /* NULL is fine */

/* ---- who hosts of ours are ---- */

/* A key and the certificate of it, signed by itself and without end; PEM, owned. */
struct tls_identity {
    char *certificate, *key;
};

/* False: the library refused, and there is nothing to be freed. */
bool tls_identity_make(const char *name, struct tls_identity *identity);
void tls_identity_fini(struct tls_identity *identity);

enum { TLS_FINGERPRINT_SIZE = 32 }; /* SHA-256 of a certificate (DER) */
/* Of the first one in PEM. False: there is none. */
bool tls_fingerprint_read(const struct tls_text *certificate, uint8_t fingerprint[TLS_FINGERPRINT_SIZE]);

/* ---- a connection ---- */

/* Whom to ask for. */
struct tls_peer {
    const char *name; /* a host name, which is asked for (RFC 6066 section 3), or the text of an address */
    bool is_address;
    /* What may be spoken (ALPN, RFC 7301), the best first, each behind an octet with its length:
     * "\x02h2\x08http/1.1". NULL: HTTP/1.1 alone. */
    const char *protocols;
};

enum tls_result {
    TLS_OK,
    TLS_AGAIN,           /* when the socket is ready */
    TLS_CLOSED,          /* the other side has closed */
    TLS_FAILED,          /* the socket did: tls_link_errno() */
    TLS_REFUSED,         /* the other side said why not: an alert (RFC 8446 section 6.2) */
    TLS_GARBLED,         /* what came is no TLS, or broken, or never ends */
    TLS_EXPIRED,         /* its certificate is not valid any more, */
    TLS_EARLY,           /* … not yet, */
    TLS_WRONG_HOST,      /* … for others, */
    TLS_SELF_SIGNED,     /* … signed by nobody but itself, */
    TLS_UNTRUSTED,       /* … signed by nobody who is trusted, or what leads there was not sent, */
    TLS_BAD_CERTIFICATE, /* … not to be used for this: its signature, its key, its purpose */
    TLS_NO_MEMORY,
};

struct tls_link;
/* What spares the next connection to the same place the better part of its handshake. */
struct tls_session;

/* A link over a connected socket that never waits (borrowed). Servers and pinned clients ask for nobody:
 * `peer` is NULL. `session` may be NULL; it can be used again. Returns owned; NULL: no memory. */
struct tls_link *tls_link_open(struct tls_context *context, int fd, const struct tls_peer *peer,
                               const struct tls_session *session);
void tls_link_free(struct tls_link *link); /* NULL is fine; the socket stays open */

/* A certificate that the other side has sent. */
struct tls_certificate {
    char subject[128], issuer[128]; /* as RFC 2253 writes them, cut off */
    char names[256];                /* of hosts that it is for, with commas between; cut off */
    int64_t begin_s, end_s;         /* since 1970 */
};
/* To be called in the handshake with what is sent, its own first, whatever is thought of it then. */
struct tls_witness {
    void *context;
    void (*saw)(void *context, const struct tls_certificate *certificate);
};
void tls_link_set_witness(struct tls_link *link, const struct tls_witness *witness);

/* Before the handshake: what time it is, in seconds since 1970, for certificates; else as the clock of the
 * machine says. */
void tls_link_set_time(struct tls_link *link, int64_t wall_s);

/* Until OK: go on when the socket is ready. */
enum tls_result tls_link_shake(struct tls_link *link);
/* OK: *done octets, 1 or more. */
enum tls_result tls_link_read(struct tls_link *link, void *bytes, size_t size, size_t *done);
enum tls_result tls_link_write(struct tls_link *link, const void *bytes, size_t len, size_t *done);
/* A client listens to a limited number of octets, handshake and all (GARBLED then): from now on to as many
 * again. */
void tls_link_renew(struct tls_link *link);
/* Say that nothing more will be said. Once; whether it could be said does not matter. */
void tls_link_finish(struct tls_link *link);
bool tls_link_has_begun(const struct tls_link *link); /* the socket has taken something: it is connected */
int tls_link_errno(const struct tls_link *link);      /* of TLS_FAILED */

/* Whether what ended with AGAIN last waits for the socket to take something, not to bring it. */
bool tls_link_wants_write(const struct tls_link *link);
/* Once the handshake is done: of the certificate that the other side has shown. False: of none. */
bool tls_link_get_fingerprint(const struct tls_link *link, uint8_t fingerprint[TLS_FINGERPRINT_SIZE]);

/* Whom the certificate is for that the other side has shown and that is trusted: of the subject, and of the
 * names beside it. */
enum tls_name { TLS_NAME_COMMON, TLS_NAME_DNS, TLS_NAME_EMAIL, TLS_NAME_URI };
/* Once the handshake is done. Names with NUL octets are left out. False: there is no such certificate. */
bool tls_link_list_names(const struct tls_link *link,
                         void (*take)(void *context, enum tls_name kind, const char *name), void *context);

/* Once the handshake is done: was a session used again? */
bool tls_link_is_resumed(const struct tls_link *link);
/* And then: which of the protocols the other side has picked, "": none. Returns text. */
enum { TLS_PROTOCOL_SIZE = 16 };
const char *tls_link_get_protocol(const struct tls_link *link, char text[TLS_PROTOCOL_SIZE]);
/* And then: "TLSv1.3 TLS_AES_256_GCM_SHA384, ALPN h2". Returns text. */
enum { TLS_TEXT_SIZE = 96 };
const char *tls_link_describe(const struct tls_link *link, char text[TLS_TEXT_SIZE]);
/* When the certificate of the other side ends, or one of those that it hangs on, whichever is first: seconds
 * since 1970. 0: there is none. */
int64_t tls_link_get_end(const struct tls_link *link);
/* The latest session that the other side has given since, if any: returns owned. */
struct tls_session *tls_link_take_session(struct tls_link *link);
void tls_session_free(struct tls_session *session); /* NULL is fine */
