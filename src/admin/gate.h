/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where TLS ends: a thread that shakes hands with who comes from elsewhere and then carries octets between
 * the socket and one end of a pair, whose other end is a client like those of the unix socket. So nothing of
 * TLS is computed on the control thread. There are two of them, one for those who go first (precedence.h) and
 * one that is nice, where a crowd that shakes hands holds up nobody but itself. */
#pragma once

#include "base/addr.h"
#include "conf/roles.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct gate;
struct tls_context;

enum { GUEST_NAMES_MAX = 8, GUEST_NAME_SIZE = 256 };

struct guest_name {
    enum role_of kind;
    char text[GUEST_NAME_SIZE];
};

/* Who has come, for both sides, counted. What the gate fills in is there once `is_shaken`: before the first
 * octet of a request. */
struct guest {
    _Atomic unsigned holders;
    struct addr_port from;
    char address[ADDR_TEXT_SIZE];
    atomic_bool is_shaken;
    const char *_Atomic fault; /* why there was no handshake; a constant; NULL: there was, or it just left */
    bool has_certificate;      /* one that is trusted */
    struct guest_name names[GUEST_NAMES_MAX];
    size_t name_count;
};

struct guest *guest_new(const struct addr_port *from); /* returns owned: one holder */
struct guest *guest_hold(struct guest *guest);
void guest_drop(struct guest *guest); /* NULL is fine */

/* NULL: it could not be started. At most `max` connections. is_nice: it is the last that gets a processor. */
struct gate *gate_open(size_t max, bool is_nice);
void gate_close(struct gate *gate); /* ends all connections; NULL is fine */
/* Takes both descriptors, which never wait, and a hold of context and guest of its own. Never waits: a gate
 * that is behind closes them. */
void gate_take(struct gate *gate, int outer, int inner, struct tls_context *context, struct guest *guest);
