/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a check says and hears over its socket, in the clear or by TLS. Private to this folder. */
#pragma once

#include "probe/check.h"

enum wire_progress {
    WIRE_DONE,
    WIRE_LATER, /* when the socket is ready */
    WIRE_OVER,  /* it failed, as *why says */
};

/* How `target` talks TLS, if it does; holds its context. `protocols`: as tls_peer has them, of the arena or
 * static. */
void wire_prepare(struct check *check, const struct probe_target *target, const char *protocols,
                  struct arena *arena);
void wire_drop(struct check_tls *tls); /* NULL is fine */
bool wire_is_same(const struct check_tls *a, const struct check_tls *b);
/* What is known of a target goes on in the same one of a new list. */
void wire_carry(struct check_tls *from, struct check_tls *to);

/* Until DONE, before anything is said; the certificate is good then. OVER: *end says why. */
enum wire_progress wire_shake(struct flight *flight, struct check_end *end);
/* Is this among what is offered to be spoken (ALPN)? NULL: no TLS, nothing is. */
bool wire_offers(const struct check_tls *tls, const char *protocol);
/* Hands are shaken: is this what both want to speak? "": the other side has chosen nothing. */
bool wire_speaks(const struct flight *flight, const char *protocol);
enum wire_progress wire_say(struct flight *flight, const void *bytes, size_t len, size_t *done,
                            enum health_outcome *why);
enum wire_progress wire_hear(struct flight *flight, void *bytes, size_t size, size_t *done,
                             enum health_outcome *why);
/* Another check is to go on with the connection: may what its handshake said be gone by a while longer? */
bool wire_renew(struct flight *flight, int64_t now_s);
/* The check has ended: keep what the next one may use. */
void wire_end(struct flight *flight);
void wire_close(struct flight *flight);
