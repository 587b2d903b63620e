/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A check over HTTP/2: the conversation of flight->h2 (h2.h) with the socket. What is heard is its kind's to
 * judge. Private to this folder. */
#pragma once

#include "probe/check_wire.h"
#include "probe/h2.h"

/* What a kind has to say to it. */
struct check_h2_kind {
    /* As those of h2_ear, with the flight as context */
    void (*field)(void *flight, const char *name, const char *value);
    void (*head)(void *flight, uint16_t status);
    void (*data)(void *flight, const uint8_t *bytes, size_t len);
    /* After some of it, in that state. `lost`: if that is GOES_ON, the connection has ended for that reason,
     * else NONE. Has the check ended? */
    enum check_progress (*judge)(struct flight *flight, enum h2_state state, enum health_outcome lost,
                                 struct check_end *end);
};

/* Octets of an answer, next to those of its body, that are listened to: frames, fields, PING, SETTINGS. */
enum { CHECK_H2_OCTETS = 65536 };

/* Ask, over a connection that is new or has rested. false: it cannot be asked (*end says why). */
bool check_h2_begin(struct flight *flight, const struct check_h2_kind *kind, uint32_t body_max,
                    struct check_end *end);
/* Go on as check_kind.advance() does. */
enum check_progress check_h2_go_on(struct flight *flight, const struct check_h2_kind *kind,
                                   struct check_scratch *scratch, struct check_end *end);
/* What a state that is no good end, or the end of the connection, means; with the code as detail. */
enum check_progress check_h2_fail(const struct flight *flight, enum h2_state state, enum health_outcome lost,
                                  struct check_end *end);

/* For keepers. */
bool check_h2_can_rest(const struct flight *flight);
/* Other ends of connections go on talking while nothing is asked: PING, SETTINGS. */
bool check_h2_is_quiet(struct flight *flight);
/* No check goes on: say goodbye, as far as the socket takes it. */
void check_h2_end(struct flight *flight);
void check_h2_close(struct flight *flight);
