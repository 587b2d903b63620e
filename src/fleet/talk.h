/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One question to a steerd by who is no vantage of it yet, and its answer: for programs that do nothing else
 * meanwhile. It waits for some seconds at most. The other side has to show the certificate that is expected
 * before anything is said to it. */
#pragma once

#include "base/addr.h"
#include "fleet/message.h"
#include "tls/tls.h"

struct arena;

struct fleet_talk {
    const char *host; /* a name or an address, without brackets */
    uint16_t port;
    const struct tls_identity *identity;       /* that we show */
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE]; /* … and the other side */
};

enum fleet_talk_end {
    FLEET_TALK_DONE,        /* there is an answer; of a refusal, too */
    FLEET_TALK_UNREACHABLE, /* `why` says why; so it does in what follows */
    FLEET_TALK_OTHER,       /* somebody else is there: `found` is what it shows */
    FLEET_TALK_GARBLED,     /* it is none that can be understood */
};

struct fleet_talk_answer {
    struct fleet_message message; /* texts are the arena's */
    char why[256];
    char found[2 * TLS_FINGERPRINT_SIZE + 1];
    struct addr local; /* from where it was reached */
};

enum fleet_talk_end fleet_talk(const struct fleet_talk *talk, const struct fleet_message *question,
                               struct arena *arena, struct fleet_talk_answer *answer);
